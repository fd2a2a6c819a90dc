//! What a feed asks of its shell.

use crate::domain::batch::Decision;
use crate::feed::replica::ReadPlan;
use crate::store::{ExpectedHead, LivingIndex};

/// An instruction to the shell.
#[derive(Debug)]
pub enum Effect {
    /// Open the live queries, replacing any earlier ones.
    Subscribe,
    /// Read from the database.
    Read(ReadPlan),
    /// Store a decision, if the drawing is in the expected state.
    Append {
        /// The expected state.
        expected: ExpectedHead,
        /// The decision to store.
        decision: Decision,
    },
    /// Write down which strokes are living, for first loads.
    WriteIndex(LivingIndex),
    /// Find out whether the database takes writes.
    Probe,
    /// Ask the database for the drawing's head.
    CheckHead,
    /// Read the drawing's rules.
    ReadRules,
    /// Write a signal row for the other servers.
    Publish {
        /// The number of the row.
        number: u64,
        /// A [`PeerMessage`](crate::protocol::PeerMessage) as JSON.
        body: String,
    },
    /// Give [`Input::Deferred`](super::Input::Deferred) once everything that is ready was handled.
    Defer,
    /// Update the number of sessions.
    Sessions(usize),
    /// Remove the feed from the registry, and end it, if no more requests than these were sent to
    /// it.
    CloseIfIdle {
        /// Joins and reads that it has seen.
        requests: u64,
    },
    /// The feed has ended: remove it from the registry, and stop it once messages sent before are
    /// handled.
    Stop,
}
