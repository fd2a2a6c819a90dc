//! HTTP: access, routes, and the connections below.

mod access;
pub mod asset_slots;
pub mod assets;
pub mod authorize;
pub mod client;
pub mod connection;
mod drawing_assets;
mod drawings;
pub mod error;
pub mod explain;
mod export;
pub mod extract;
mod forwarded;
mod health;
mod keys;
pub mod origin;
mod pages;
pub mod pictures;
pub mod proxies;
pub mod routes;
pub mod site;
mod snapshot;
mod socket;
pub mod state;
mod strokes;
mod thumbnail;
