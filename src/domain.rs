//! The nouns of a drawing and the rules about them.
//!
//! Nothing here does I/O, reads a clock, waits, or knows how anything is stored or sent.

pub mod access;
pub mod batch;
pub mod colour;
pub mod drawing;
pub mod ids;
pub mod op;
pub mod people;
pub mod points;
pub mod sequence;
pub mod signal;
pub mod stroke;
