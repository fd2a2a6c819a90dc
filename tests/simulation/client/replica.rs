//! The drawing as a page holds it.
//!
//! It must never hold a change before those that precede it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};
use whiteboard::domain::ids::{Epoch, StrokeId};
use whiteboard::domain::sequence::{Arrival, Seq, arrival};
use whiteboard::feed::chunks::{Body as ChunkBody, Encoding, ReadChunk};

use crate::wire::{Changes, WireChange};
use crate::world::World;

/// The drawing as a page holds it.
#[derive(Debug, Default)]
pub struct Replica {
    /// The epoch of its position.
    pub epoch: Option<Epoch>,
    /// The last position it holds.
    pub head: Seq,
    pub(super) strokes: BTreeMap<StrokeId, WireChange>,
}

impl Replica {
    /// A stroke, or its tombstone.
    pub fn stroke(&self, id: StrokeId) -> Option<&WireChange> {
        self.strokes.get(&id)
    }

    /// The living strokes.
    pub fn living(&self) -> impl Iterator<Item = &WireChange> {
        self.strokes.values().filter(|stroke| stroke.body.is_some())
    }

    pub(super) fn reset(&mut self, epoch: Epoch) {
        self.epoch = Some(epoch);
        self.head = 0;
        self.strokes.clear();
    }

    pub(super) fn take(&mut self, from: Seq, head: Seq, changes: Vec<WireChange>) -> Arrival {
        let judged = arrival(self.head, from, head);
        if judged == Arrival::Next {
            let held = self.head;
            for change in changes.into_iter().filter(|change| change.seq > held) {
                assert!(change.seq > self.head, "a change out of order");
                assert!(change.seq <= head, "a change after its frame's end");
                self.head = change.seq;
                self.strokes.insert(change.stroke, change);
            }
            self.head = head;
        }
        judged
    }
}

/// A chunk as a page reads it over HTTP.
pub fn written(chunk: &ReadChunk, changes: &[WireChange]) -> Value {
    json!({"chunk": {
        "epoch": chunk.epoch, "from": chunk.from, "head": chunk.head, "more": chunk.more,
        "target": chunk.target, "reset": chunk.reset, "title": "", "changes": changes,
    }})
}

/// The changes of a chunk, as a page parses them.
pub fn changes_of(chunk: &ReadChunk) -> Vec<WireChange> {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .expect("a runtime")
    });
    let mut body = ChunkBody::begin(Encoding::Plain);
    body.text(r#"{"changes":["#.to_owned());
    let added = RUNTIME.block_on(body.changes(chunk));
    added.expect("an encoding");
    body.text("]}".to_owned());
    let body = body.end().concat();
    let changes: Changes = serde_json::from_slice(&body).expect("changes");
    changes.changes
}

impl World {
    pub fn check_changes(&self, client: usize, epoch: Epoch, changes: &[WireChange]) {
        let held = self.clients[client].replica.head;
        for change in changes.iter().filter(|change| change.seq > held) {
            self.check_change(epoch, change);
        }
    }

    /// A reset must have a reason.
    pub fn check_reset(&self, client: usize, epoch: Epoch, reason: &str) {
        let held = &self.clients[client].replica;
        let is_due = match reason {
            // It may have learned it over HTTP before.
            "epoch" => {
                let rejoined = self.coverage.counted("sessions rejoined") > 0;
                let compacted = self.coverage.counted("compactions") > 0;
                held.epoch != Some(epoch) || rejoined || compacted || self.was_restored()
            }
            "compacted" => self.coverage.counted("compactions") > 0,
            _ => self.was_restored(),
        };
        assert!(is_due, "client {client} starts over, {reason}, at {held:?}");
    }
}
