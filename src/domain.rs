//! The types of a drawing and their rules.
//!
//! Nothing here does I/O, reads a clock, waits, or depends on storage or transport.

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
