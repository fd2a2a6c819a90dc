//! The drawings that are open on this server: one feed each.
//!
//! A feed is the only one on its server that appends to its drawing; it never waits for a session.
//!
//! # A map
//!
//! [`core`] decides: an input goes in, effects come out. `core/X.rs` has the steps, and `feed/X.rs` the
//! state on which they work: so for `sync`, `requests`, `signals` and `deferred`. `core/append.rs` works on
//! [`appender`], `core/access.rs` on [`standings`] and [`rules_sync`], `core/shutdown.rs` on [`lifecycle`].
//!
//! * The shell, which waits, does I/O and speaks to actix: [`actor`], [`registry`], `registration`, `threads`,
//!   [`session_mailbox`], [`chunks`]. All the rest runs in the simulation too.
//! * In and out: [`messages`] from sessions and readers, [`mailbox`] to a session, [`error`], and [`state`],
//!   which is shared with sessions and the registry.
//! * What is held: [`replica`], and `requests` that wait for it.
//! * Keeping up with the database: [`sync`], `monitor`, and [`rules_sync`].
//! * Appending: [`appender`], with its [`queue`], `attempts` and [`contention`].
//! * Delivering: [`subscribers`] and [`position`]; over HTTP [`chunks`] and `packed`.
//! * People and access: [`presence`], `signals`, [`standings`].
//! * When: [`timers`], `deferred`, [`lifecycle`]; [`settings`] has the limits. [`listing`] is apart: it keeps
//!   the order of lists up to date.

pub mod actor;
pub mod appender;
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
mod threads;
pub mod timers;
