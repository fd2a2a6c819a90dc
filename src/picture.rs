//! Drawings as pictures and files: SVG, PNG, thumbnails and JSON, the same as pages make them.
//!
//! This is the server's only place that knows kinds of strokes, and nothing that is stored or decided
//! may depend on it: a kind that it does not know becomes the placeholder that pages show. What is
//! computed here has to agree with `static/kinds`; `tests/golden` holds both together. Nothing here does
//! I/O or waits, but for the fonts of this machine that a painter may read.

mod arrow;
mod coarse;
pub mod document;
mod faces;
pub mod figure;
pub mod file;
mod font;
mod ink;
mod kinds;
mod lettering;
mod number;
pub mod painter;
pub mod palette;
mod path;
mod plane;
mod shape;
mod specks;
pub mod thumbnail;

#[cfg(test)]
mod tests;
