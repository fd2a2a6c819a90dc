//! The work that a feed puts off until everything that is ready was handled.

use std::time::Instant;

/// The work that is put off.
#[derive(Debug, Default)]
pub struct Deferred {
    /// Whether its time is asked for already.
    pub is_scheduled: bool,
    /// Whether to append what is queued.
    pub append: bool,
    /// Whether to deliver changes.
    pub flush: bool,
    /// When the first change arrived that no frame has delivered yet.
    pub undelivered_since: Option<Instant>,
}
