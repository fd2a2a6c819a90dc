//! A self-hosted collaborative whiteboard.
pub mod drawing;
pub mod feed;
pub mod feeds;
pub mod members;
pub mod model;
pub mod points;
pub mod protocol;
pub mod queue;
pub mod roster;
pub mod session;
pub mod signal;
pub mod store;
pub mod stroke;
