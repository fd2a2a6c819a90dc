//! A self-hosted collaborative whiteboard whose servers share nothing but a database.
//!
//! Any number of servers serve any drawing. Each browser holds one WebSocket to any of them;
//! each server follows the drawings it has open through SurrealDB live queries. A browser that
//! lost its server goes to any other one, says the last position it holds, and receives only
//! what came after.
//!
//! # The path of a stroke
//!
//! 1. The page draws it at once, sends it as ink while it grows, and on pen-up makes it an op
//!    with a number, which waits in the page's outbox until it has its answer.
//! 2. [`session`]: one actor per WebSocket parses the frame into types that cannot be wrong
//!    ([`protocol`]), refuses the rest with a reason, and hands the ops in order to the
//! 3. [`feed`]: one actor per open drawing and server. The pure [`drawing`] decides what comes
//!    of them, and [`store`] appends that in one transaction, a compare-and-swap on the
//!    drawing's head. Ops that come meanwhile gather in the [`queue`] and go in the next one.
//! 4. SurrealDB has it on disk, and notifies every server that follows the drawing's table.
//! 5. Each feed puts its own commits and the notifications in order, encodes what is new once,
//!    and hands the same bytes to its sessions ([`members`]); whoever does not read is left
//!    out, and gets what it lacks when it reads again.
//! 6. The page applies it by its position, and an answer takes the op from its outbox.
//!
//! # One number each way
//!
//! Downwards the changes of a drawing are numbered by [`model::Seq`], upwards the ops of a
//! writer by their `n`. Both are judged by [`model::arrival`]: stale, next, or a gap.
//! A row's id is the position of the change that made it what it is, so that "what is new
//! since N" is a range of ids: the first load, the reconnect and the repair of a gap are the
//! same read.
//!
//! # Invariants
//!
//! Each is a test of that name: `only_the_store_speaks_to_surrealdb`,
//! `an_acknowledged_stroke_survives_a_crash`,
//! `changes_reach_a_browser_in_order_without_gaps_or_repeats`, `a_signal_leaves_nothing_behind`,
//! `a_slow_browser_slows_nobody_else`, `no_frame_can_stop_the_server`,
//! `a_since_from_another_epoch_starts_over`, `an_op_sent_twice_happens_once`,
//! `a_lost_server_loses_no_stroke`, `a_full_disk_loses_nothing`,
//! `a_server_that_is_slower_than_another_gets_its_turn`.

// In reading order: what there is, what crosses the socket, what decides, what stores, what
// runs, and the doors. A module uses those above it only; `tests/layers.rs` holds it to that.
pub mod domain;

pub mod protocol;

pub mod metrics;

pub mod store;

pub mod backoff;

pub mod feed;

pub mod heartbeat;

pub mod session;

pub mod web;

pub mod config;

pub mod server;
