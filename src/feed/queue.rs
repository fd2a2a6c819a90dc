//! The ops of one open drawing that wait to be appended, and the batch in flight.
//!
//! Its capacity is bounded and reserved before an op is submitted, so that it always has room for a
//! submitted op. A drain acknowledges every accepted op; otherwise unacknowledged ops stay in the clients'
//! outboxes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::attempts::Attempts;
use crate::domain::batch::{Decision, Verdict};
use crate::domain::drawing::Drawing;
use crate::domain::ids::{SessionId, Writer};
use crate::domain::op::{Op, OpKind};
use crate::domain::sequence::Seq;

/// Most ops of one transaction.
pub const MAX_BATCH_OPS: usize = 500;
/// Most bytes of bodies in one transaction, unless a single op has more.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// Size that an op counts in addition to its body, in bytes.
const OP_BYTES: usize = 200;
/// An op that failed this often, alone in its append, is refused. One failure may be chance.
const MAX_FAILURES: u8 = 2;

/// The size that an op counts, in bytes.
pub fn op_bytes(op: &Op) -> usize {
    OP_BYTES
        + match &op.kind {
            OpKind::Draw { body } | OpKind::Restore { body, .. } => body.as_json().len(),
            // A patch is bounded by its frame; its exact size is not worth another encoding.
            OpKind::Edit { set, .. } => set
                .0
                .iter()
                .map(|(name, value)| name.len() + rough_bytes(value))
                .sum(),
            OpKind::Erase { .. } => 0,
        }
}

fn rough_bytes(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(values) => 8 + values.iter().map(rough_bytes).sum::<usize>(),
        serde_json::Value::Object(fields) => {
            8 + fields
                .iter()
                .map(|(name, value)| name.len() + rough_bytes(value))
                .sum::<usize>()
        }
        _ => 8,
    }
}

/// The capacity for ops of one open drawing, shared by its feed and its sessions.
///
/// A session reserves capacity before it submits, so that a full queue refuses an op for load at
/// once and in order, and every submitted op is accepted.
#[derive(Clone, Debug)]
pub struct Capacity(Arc<Space>);

#[derive(Debug)]
struct Space {
    ops: AtomicUsize,
    bytes: AtomicUsize,
    max_ops: usize,
    max_bytes: usize,
}

impl Capacity {
    /// Capacity for this many ops and bytes.
    pub fn new(max_ops: usize, max_bytes: usize) -> Self {
        Self(Arc::new(Space {
            ops: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            max_ops,
            max_bytes,
        }))
    }

    /// Reserves capacity for an op of `bytes`; false when there is none.
    pub fn reserve(&self, bytes: usize) -> bool {
        let ops = self.0.ops.fetch_add(1, Ordering::Relaxed);
        let held = self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = ops < self.0.max_ops && held + bytes <= self.0.max_bytes;
        if !fits {
            self.release(bytes);
        }
        fits
    }

    /// The reserved numbers of ops and bytes.
    pub fn used(&self) -> (usize, usize) {
        let Space { ops, bytes, .. } = &*self.0;
        (ops.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed))
    }

    fn release(&self, bytes: usize) {
        self.0.ops.fetch_sub(1, Ordering::Relaxed);
        self.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Waiting {
    session: SessionId,
    bytes: usize,
    op: (Writer, Op),
}

/// The queued ops in order, and the batch that is being decided or appended.
#[derive(Debug)]
pub struct Queue {
    capacity: Capacity,
    waiting: VecDeque<Waiting>,
    sessions: Vec<(SessionId, usize)>,
    batch: Vec<(Writer, Op)>,
    /// How many of the next ops are appended one by one, after a batch of them failed.
    isolated: usize,
    /// How often in a row the batch, which is a single op, failed while the database took another write.
    failures: u8,
    attempts: Attempts,
}

impl Queue {
    /// An empty queue with this capacity.
    pub fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            waiting: VecDeque::new(),
            sessions: Vec::new(),
            batch: Vec::new(),
            isolated: 0,
            failures: 0,
            attempts: Attempts::default(),
        }
    }

    /// The capacity that sessions reserve from.
    pub fn capacity(&self) -> &Capacity {
        &self.capacity
    }

    /// Whether no op is queued or in flight.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.batch.is_empty()
    }

    /// Adds ops for which capacity was reserved.
    pub fn push(&mut self, session: SessionId, writer: Writer, ops: impl IntoIterator<Item = Op>) {
        for op in ops {
            self.waiting.push_back(Waiting {
                session,
                bytes: op_bytes(&op),
                op: (writer, op),
            });
        }
    }

    /// Takes queued ops into the batch, up to the limits, unless one is in flight.
    pub fn fill_batch(&mut self) {
        if !self.batch.is_empty() {
            return;
        }
        let max_ops = if self.isolated > 0 { 1 } else { MAX_BATCH_OPS };
        let mut bytes = 0;
        while let Some(next) = self.waiting.front() {
            let full = bytes + next.bytes > MAX_BATCH_BYTES && !self.batch.is_empty();
            if self.batch.len() == max_ops || full {
                break;
            }
            bytes += next.bytes;
            if let Some(next) = self.waiting.pop_front() {
                self.sessions.push((next.session, next.bytes));
                self.batch.push(next.op);
            }
        }
    }

    /// The batch that is being decided or is in flight.
    pub fn batch(&self) -> &[(Writer, Op)] {
        &self.batch
    }

    /// The session of each op in the batch.
    pub(super) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.sessions.iter().map(|(session, _)| *session)
    }

    /// Gives back what was reserved for ops that need no place.
    pub(super) fn release(&self, ops: &[Op]) {
        ops.iter()
            .for_each(|op| self.capacity.release(op_bytes(op)));
    }

    /// Ends the batch, which is decided: returns the session and number of each op.
    pub fn finish(&mut self) -> Vec<(SessionId, u64)> {
        self.isolated = self.isolated.saturating_sub(self.batch.len());
        self.failures = 0;
        if self.isolated == 0 {
            self.attempts.clear();
        }
        let ops = self.batch.drain(..);
        let asked = self.sessions.drain(..).zip(ops);
        asked
            .map(|((session, bytes), (_, op))| {
                self.capacity.release(bytes);
                (session, op.n)
            })
            .collect()
    }

    /// Splits the batch, which failed: its ops go one by one, so that one poisoned op does not
    /// block the others. False when it was a single op.
    pub fn split(&mut self) -> bool {
        if self.batch.len() <= 1 {
            return false;
        }
        self.isolated = self.batch.len();
        self.failures = 0;
        let held = self.sessions.drain(..).zip(self.batch.drain(..));
        for ((session, bytes), op) in held.rev() {
            self.waiting.push_front(Waiting { session, bytes, op });
        }
        true
    }

    /// The batch is a single op and failed, and the database has taken another write since.
    pub fn failed_alone(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// The batch is a single op and failed, and so did another write: the op is not to blame.
    pub fn failed_like_others(&mut self) {
        self.failures = 0;
    }

    /// Whether the batch is a single op that the database does not accept.
    pub fn is_to_blame(&self) -> bool {
        self.failures >= MAX_FAILURES
    }

    /// The append of the batch at `head` had no answer: it may be stored, now or later.
    pub fn outcome_unknown(&mut self, head: Seq, decision: Decision) {
        self.attempts.add(&self.batch, head, decision);
    }

    /// Restores the refusals of appends without an answer that proved to be stored.
    pub fn restore_refusals(&mut self, drawing: &Drawing, verdicts: &mut [Verdict]) {
        self.attempts
            .restore_refusals(drawing, &self.batch, verdicts);
    }
}

#[cfg(test)]
mod tests;
