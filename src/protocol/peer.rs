//! What servers send each other about one drawing, through the database.

use serde::{Deserialize, Serialize};

use crate::domain::people::PeopleUpdate;
use crate::domain::signal::Signals;

/// A message to the other servers that have the drawing open: one row of the signal table.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PeerMessage {
    /// Requests the presence list of every peer: sent by a feed that is new, or missed a row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub want_presence: bool,
    /// The number that its feed gave this row, from 1.
    #[serde(default)]
    pub number: u64,
    /// Requests that every peer compares the drawing's head, title, rules and deletion: one of them changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub check_head: bool,
    /// Requests that every peer appends nothing for this many milliseconds, or, if there is only one, until it
    /// receives a change of another server: this one has lost every swap for long. 0: that turn is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yield_ms: Option<u64>,
    /// The sender's presence list: whole if requested, changes when there are some, and an empty change
    /// with each heartbeat, which reveals missed rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<PeopleUpdate>,
    /// The signals of the sender's sessions.
    #[serde(flatten)]
    pub signals: Signals,
}
