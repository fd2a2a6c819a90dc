//! How a feed keeps up with the rules of its drawing.
//!
//! It must never take rules for known while a read of them is needed.

/// The read of a drawing's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesReading {
    /// None is needed.
    Idle,
    /// One is in flight, and another one is needed after it or not.
    InFlight {
        /// Whether another one is needed.
        again: bool,
    },
    /// The next one begins after a pause.
    Waiting,
}

/// How the rules are kept up to date.
#[derive(Debug)]
pub(super) struct RulesSync {
    pub(super) reading: RulesReading,
    /// The version that the rules had when the drawing was last known up to its head: everything that
    /// was stored under earlier ones is known.
    pub(super) version_at_head: u64,
}

impl RulesSync {
    pub(super) fn new() -> Self {
        Self {
            reading: RulesReading::Idle,
            version_at_head: 0,
        }
    }
}
