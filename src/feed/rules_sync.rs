//! How a feed keeps the rules of its drawing up to date.

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
pub struct RulesSync {
    /// The read of them.
    pub reading: RulesReading,
    /// The version that the rules had when the drawing was last known up to its head: everything that
    /// was stored under earlier ones is known.
    pub covered: u64,
}

impl RulesSync {
    /// Of a feed that has read none.
    pub fn new() -> Self {
        Self {
            reading: RulesReading::Idle,
            covered: 0,
        }
    }
}
