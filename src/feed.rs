//! The drawings that are open on this server: one feed each.
//!
//! A feed is the only one on its server that appends to its drawing; it never waits for a session.

pub mod actor;
mod attempts;
pub mod chunks;
pub mod contention;
pub mod core;
mod deferred;
pub mod error;
pub mod lifecycle;
pub mod listing;
pub mod mailbox;
pub mod messages;
mod monitor;
mod packed;
pub mod position;
pub mod presence;
pub mod queue;
mod registration;
pub mod registry;
pub mod replica;
mod requests;
pub mod rules_sync;
pub mod session_mailbox;
pub mod settings;
mod signals;
pub mod standings;
pub mod state;
pub mod subscribers;
pub mod sync;
pub mod timers;
pub mod writer;
