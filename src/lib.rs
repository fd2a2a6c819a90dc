//! A self-hosted collaborative whiteboard.
pub mod drawing;
pub mod model;
pub mod points;
pub mod protocol;
pub mod signal;
pub mod store;
pub mod stroke;
