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
//!    sends the same bytes to its [`subscribers`](feed::subscribers). A writer of each worker thread writes
//!    them to all sockets that wait, without running these. One that does not read is skipped, and gets
//!    what it lacks when it reads again.
//! 6. The client applies the change by its position, and the acknowledgement removes the op from
//!    its outbox.
//!
//! # One number each way
//!
//! The changes sent to clients are numbered by [`Seq`], the ops of a writer by their `n`.
//! [`arrival`] judges both: stale, next, or a gap. A row's id is the position of the stroke's last
//! change, and whether it is living or a tombstone. So "what is new since N" is two ranges of ids, for the
//! reconnect and for the repair of a gap alike. A first load reads only the living range, where an index
//! lists its positions after many changes.
//!
//! # Words
//!
//! * *Position*: the number of a change in its drawing: 1, 2, 3 … without holes. *Head*: the last one.
//! * *Row*: the last change of one stroke, under the position of that change. A position without a row
//!   belongs to a stroke that changed later.
//! * *Living*: a row with the body of a stroke. *Tombstone*: a row that says that its stroke is erased. A
//!   drawing is *whole* in memory once its tombstones are read too.
//! * *Compacted*: the position up to which old tombstones are deleted, by a sweep.
//! * *Epoch*: one unbroken history of a drawing: a position means nothing in another one.
//! * *Op*: what a writer asks for, with the writer's number for it. *Change*: what a stored op did.
//! * *Writer*: one open page, which numbers its ops. *Author*: the person, in all pages of a browser.
//! * *Signal*: a pointer, ink, a preview or a view, which others see and nobody stores.
//!
//! # Layers
//!
//! Each folder is a layer; [`backoff`] and [`heartbeat`] are single files. A module uses its own layer and
//! those below it, and no two modules import each other; `tests/layers.rs` checks that. [`domain`],
//! [`picture`] and [`protocol`] are pure, only [`store`] knows SurrealDB, and only [`session`], [`web`],
//! [`server`] and `main` use actix-web. From the bottom:
//!
//! | layer | purpose |
//! |---|---|
//! | [`domain`] | what a drawing is, and what an op does to it |
//! | [`picture`] | drawings as SVG, PNG, thumbnails and JSON |
//! | [`protocol`] | the frames of the WebSocket, and of servers to each other |
//! | [`metrics`] | what is counted for the operator |
//! | [`store`] | the database: appends, reads, live queries |
//! | [`access`] | what a key or a token is worth |
//! | [`backoff`] | the pause before something that failed is retried |
//! | [`quotas`] | how much one address, key or person may use |
//! | [`feed`] | one open drawing on this server |
//! | [`heartbeat`] | whether this server still reaches the database |
//! | [`session`] | one WebSocket |
//! | [`web`] | pages and the HTTP API |
//! | [`config`] | every setting |
//! | [`admin`] | the operator's commands on the database |
//! | [`server`] | the parts assembled, started and drained |
//! | `main` | the program |
//!
//! # Why nothing acknowledged is lost
//!
//! * `done` is sent only after the op's row is committed, or after a verdict whose head was verified
//!   against the database's.
//! * A commit is on disk: for the embedded database, `sync=every` is enforced. That of a SurrealDB server is
//!   its operator's setting, and SurrealDB's default.
//! * An embedded database whose storage failed once acknowledges nothing more until it is opened again
//!   (`StorageHealth` in [`store`]): what follows a partial write could be lost.
//! * An append is a compare-and-swap on the head, the epoch and the version of the rules. So it cannot
//!   overwrite what another server stored, nor store what the rules forbid by then.
//! * An append without an answer may be stored, now or later. The feed acknowledges nothing, reads the
//!   drawing, and decides again: an op whose number is in the rows is done, and of two appends at one
//!   head only one can commit.
//! * The numbers of ops outlive their rows: a change takes over those of the row that it replaces
//!   ([`prior_ops`](domain::op::Change::prior_ops)). What an append without an answer *refused* has no
//!   row, and is remembered apart (`feed/attempts.rs`).
//! * Until its answer, an op stays in the client's outbox.
//! * After a restore, the operator starts a new epoch (`--new-epoch`): clients load the drawing again from its
//!   beginning. Only a head that went back is noticed, and starts one, by itself.
//!
//! # A new kind of stroke
//!
//! The server stores and sends strokes of any kind: [`stroke`](domain::stroke) checks the bounds of the
//! fields it knows, and keeps the rest. `README.md` lists what a new kind needs.
//!
//! # Invariants
//!
//! Each is a test of that name: `only_the_store_speaks_to_surrealdb`,
//! `an_acknowledged_stroke_survives_a_crash`,
//! `changes_reach_a_browser_in_order_without_gaps_or_repeats`, `a_signal_leaves_nothing_behind`,
//! `a_slow_browser_slows_nobody_else`, `no_frame_can_stop_the_server`,
//! `a_since_from_another_epoch_starts_over`, `an_op_sent_twice_happens_once`,
//! `a_lost_server_loses_no_stroke`, `a_full_disk_loses_nothing`,
//! `a_server_that_loses_often_or_for_long_asks_for_a_turn`,
//! `servers_that_race_for_one_drawing_each_get_a_fair_part`,
//! `nothing_is_appended_under_rules_that_have_ended`, `every_route_needs_what_the_table_says`.
//!
//! [`Drawing::decide`]: domain::drawing::Drawing::decide
//! [`Store::append`]: store::Store::append
//! [`Seq`]: domain::sequence::Seq
//! [`arrival`]: domain::sequence::arrival

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

// The layers from the bottom, apart so that they keep this order: the table above has their purposes.

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
