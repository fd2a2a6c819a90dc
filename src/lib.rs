//! A self-hosted collaborative whiteboard.

pub mod model;

pub mod points;

pub mod stroke;

pub mod signal;

pub mod protocol;

pub mod drawing;

pub mod store;

pub mod queue;

pub mod roster;

pub mod members;

pub mod feed;

pub mod feeds;

pub mod session;

pub mod access;

pub mod assets;

pub mod error;

pub mod api;

pub mod units;

pub mod config;

pub mod server;
