//! A self-hosted collaborative whiteboard whose servers share nothing but a database.
//!
//! Any number of servers serve any drawing. Each browser holds one WebSocket to any of them;
//! each server subscribes to the drawings it has open through SurrealDB live queries. A browser
//! that lost its server connects to any other one, names the last position it holds, and receives
//! only what came after.
//!
//! # The path of a stroke
//!
//! 1. The client draws it at once, sends it as ink while it grows, and on pen-up makes it an op
//!    with a number, which stays in the client's outbox until it is acknowledged.
//! 2. [`session`]: one actor per WebSocket parses the frame into validated types
//!    ([`protocol`]), refuses the rest with a reason, and submits the ops in the order of their
//!    numbers.
//! 3. [`feed`]: one actor per open drawing and server. [`Drawing::decide`] turns the ops into
//!    changes, and [`Store::append`] stores those in one transaction, a compare-and-swap on the
//!    drawing's head. If another server was first, the feed reads what is new and decides again. Ops
//!    that arrive meanwhile gather in the [`queue`](feed::queue) for the next one.
//! 4. SurrealDB has it on disk, and notifies every server that subscribed to the drawing.
//! 5. Each feed puts its own commits and the notifications in order, encodes what is new once, and
//!    sends the same bytes to its [`subscribers`](feed::subscribers). One that does not read is
//!    skipped, and gets what it lacks when it reads again.
//! 6. The client applies the change by its position, and the acknowledgement removes the op from
//!    its outbox.
//!
//! # One number each way
//!
//! The changes sent to clients are numbered by [`Seq`], the ops of a writer by their `n`.
//! [`arrival`] judges both: stale, next, or a gap. A row's id is the position of the stroke's last
//! change, so that "what is new since N" is a range of ids: the first load, the reconnect and the
//! repair of a gap are the same read.
//!
//! # Layers
//!
//! Each folder is a layer. From the bottom they are [`domain`], [`picture`], [`protocol`],
//! [`metrics`], [`store`], [`access`], [`backoff`], [`quotas`], [`feed`], [`heartbeat`], [`session`], [`web`],
//! [`config`],
//! [`server`] and `main`. A module uses its own layer and those below it, and no two modules import
//! each other; `tests/layers.rs` checks that. [`domain`], [`picture`] and [`protocol`] are pure, only
//! [`store`] knows SurrealDB, and only [`session`], [`web`], [`server`] and `main` use actix-web.
//!
//! # Why nothing acknowledged is lost
//!
//! * `done` is sent only after the op's row is committed, or after a verdict whose head was verified
//!   against the database's.
//! * A commit is on disk: the storage engine runs with `sync=every`, SurrealDB's default too.
//! * An append is a compare-and-swap on the head, so it cannot overwrite what another server stored.
//! * An append without an answer may be stored, now or later. The feed acknowledges nothing, reads the
//!   drawing, and decides again: an op whose number is in the rows is done, and of two appends at one
//!   head only one can commit.
//! * Until its answer, an op stays in the client's outbox.
//! * A restored backup is detected by its epoch: clients load the drawing again from its beginning.
//!
//! # A new kind of stroke
//!
//! Nothing that is stored or decided depends on a kind: [`stroke`](domain::stroke) checks the bounds of
//! the fields it knows, and keeps the rest. Each kind is a module in `static/kinds`, listed in
//! `kinds.js`. Only [`picture`] draws kinds on the server, with a placeholder for one that it does not
//! know.
//!
//! # Invariants
//!
//! Each is a test of that name: `only_the_store_speaks_to_surrealdb`,
//! `an_acknowledged_stroke_survives_a_crash`,
//! `changes_reach_a_browser_in_order_without_gaps_or_repeats`, `a_signal_leaves_nothing_behind`,
//! `a_slow_browser_slows_nobody_else`, `no_frame_can_stop_the_server`,
//! `a_since_from_another_epoch_starts_over`, `an_op_sent_twice_happens_once`,
//! `a_lost_server_loses_no_stroke`, `a_full_disk_loses_nothing`,
//! `a_server_that_is_slower_than_another_gets_its_turn`,
//! `nothing_is_appended_under_rules_that_have_ended`, `every_route_needs_what_the_table_says`.
//!
//! [`Drawing::decide`]: domain::drawing::Drawing::decide
//! [`Store::append`]: store::Store::append
//! [`Seq`]: domain::sequence::Seq
//! [`arrival`]: domain::sequence::arrival

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub mod domain;

pub mod picture;

pub mod protocol;

pub mod metrics;

pub mod store;

pub mod access;

pub mod backoff;

pub mod quotas;

pub mod feed;

pub mod heartbeat;

pub mod session;

pub mod web;

pub mod config;

pub mod admin;

pub mod server;
