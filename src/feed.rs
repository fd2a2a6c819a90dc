//! The drawings that are open on this server: one feed each.
//!
//! A feed is the only one on its server that appends to its drawing; it never waits for a session.

pub mod actor;
mod backoff;
pub mod chunks;
mod contention;
pub mod error;
pub mod mailbox;
pub mod messages;
mod monitor;
mod packed;
pub mod position;
pub mod presence;
mod presence_dirty;
pub mod queue;
mod registration;
pub mod registry;
mod requests;
pub mod settings;
pub mod state;
pub mod subscribers;
