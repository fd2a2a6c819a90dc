//! The settings of a feed.

use std::time::Duration;

use crate::domain::drawing::Limits;

/// The settings of a feed.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// The limits of a drawing.
    pub limits: Limits,
    /// Most ops queued for an append.
    pub queue_ops: usize,
    /// Most bytes of ops queued for an append.
    pub queue_bytes: usize,
    /// How long a change waits for a missing one before it.
    pub gap_timeout: Duration,
    /// Size of the reorder buffer, in changes; when more wait, the drawing is read instead.
    pub reorder_buffer: usize,
    /// Positions without a living row, since the last index of living strokes, after which another one is
    /// written.
    pub index_after: usize,
    /// Most messages of sessions queued in the mailbox; beyond it signals are dropped. Other
    /// messages ignore this limit, and are bounded by what each session may have in flight.
    pub feed_mailbox: usize,
    /// Most points of ink gathered for one tick; more ink is dropped.
    pub ink_points: usize,
    /// How long a feed without a session stays open.
    pub idle_timeout: Duration,
    /// Interval of the checks of all open drawings' heads against the database's.
    pub head_check_interval: Duration,
    /// Build of the HTML page's files, sent in `welcome`.
    pub build: String,
}
