//! The frames of a server, as a client reads them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use whiteboard::domain::ids::{Epoch, StrokeId, WriterId};
use whiteboard::domain::ink::Ink;
use whiteboard::domain::people::Person;
use whiteboard::domain::sequence::Seq;
use whiteboard::domain::signal::{Pointer, View};

/// Any frame: which fields are there depends on its type.
#[derive(Debug, Deserialize)]
pub struct Frame {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `strokes`: the position it continues; `people`: the version it changes.
    pub from: Option<u64>,
    /// `strokes`, `welcome`, `pong`: a position.
    pub head: Option<Seq>,
    /// `strokes`: the changes.
    pub changes: Option<Vec<WireChange>>,
    /// `done`, `refused`, `resend`: the number of an op.
    pub n: Option<u64>,
    /// `welcome`: the highest number of this writer that is stored.
    pub done: Option<u64>,
    /// `welcome`, `reset`: the epoch.
    pub epoch: Option<Epoch>,
    /// `refused`, `reset`: why.
    pub reason: Option<String>,
    /// `refused` with the reason `load`: how long to wait, in milliseconds.
    pub retry_ms: Option<u64>,
    /// `people`: the version that it makes.
    pub version: Option<u64>,
    /// `people`: how many there are.
    pub count: Option<usize>,
    /// `people`: those who are new, or all.
    pub joined: Option<Vec<Person>>,
    /// `people`: those who are gone.
    pub left: Option<Vec<WriterId>>,
    /// `signals`: pointers.
    pub pointers: Option<Vec<Pointer>>,
    /// `signals`: what pages show.
    pub views: Option<Vec<View>>,
    /// `signals`: parts of strokes.
    pub ink: Option<Vec<Ink>>,
}

/// A change, as it crosses the socket.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WireChange {
    /// Its position.
    pub seq: Seq,
    /// The stroke.
    pub stroke: StrokeId,
    /// The painting order, where it is not the position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub z: Option<i64>,
    /// Who made it.
    pub writer: WriterId,
    /// The number of the op.
    pub n: u64,
    /// The stroke's body, unless it is erased.
    pub body: Option<Box<RawValue>>,
}

impl WireChange {
    /// The painting order.
    pub fn z(&self) -> i64 {
        self.z.unwrap_or(self.seq as i64)
    }
}

/// The changes of an answer over HTTP.
#[derive(Debug, Deserialize)]
pub struct Changes {
    /// In order.
    pub changes: Vec<WireChange>,
}
