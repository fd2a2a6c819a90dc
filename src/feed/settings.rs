//! What a feed obeys.

use std::time::Duration;

use crate::domain::drawing::Limits;

/// What a feed obeys.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// What a drawing may hold.
    pub limits: Limits,
    /// Most ops that wait to be appended.
    pub queue_ops: usize,
    /// Most bytes of ops that wait to be appended.
    pub queue_bytes: usize,
    /// How long a change waits for a missing one before it.
    pub gap_timeout: Duration,
    /// Most changes that wait so; when there are more, the drawing is read instead.
    pub reorder_buffer: usize,
    /// Messages of sessions that wait; when there are more, signals are dropped. What must not be
    /// lost goes past this limit, and is bounded by what each session may have on its way.
    pub feed_mailbox: usize,
    /// Most points of ink that are gathered for one tick; more is dropped.
    pub ink_points: usize,
    /// A feed without a session closes after this time.
    pub idle_timeout: Duration,
    /// How often the heads of all open drawings are compared with the database's.
    pub head_check_interval: Duration,
    /// Names the page's files in `welcome`.
    pub build: String,
}
