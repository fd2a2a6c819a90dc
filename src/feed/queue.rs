//! The ops of one open drawing that wait to be appended, and the batch in flight.
//!
//! Its capacity is bounded and reserved before an op is submitted, so that it always has room for a
//! submitted op. A drain acknowledges every accepted op; otherwise unanswered ops stay in the clients'
//! outboxes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::batch::{Decision, Verdict};
use crate::domain::ids::{SessionId, Writer, WriterId};
use crate::domain::op::{Change, Op, OpKind};

/// Most ops of one transaction.
pub const MAX_BATCH_OPS: usize = 500;
/// Most bytes of bodies in one transaction, unless a single op has more.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// Size that an op counts in addition to its body, in bytes.
const OP_BYTES: usize = 200;

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
    /// The isolated op has failed once.
    failed_alone: bool,
    /// The decision with which the batch was appended last, if it is unknown whether it is stored.
    unproven: Option<Decision>,
    /// Refusals of a decision that proved to be stored, by their place in the batch.
    stored_refusals: Vec<(usize, Verdict)>,
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
            failed_alone: false,
            unproven: None,
            stored_refusals: Vec::new(),
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

    /// The batch to decide now: the one in flight, or all queued ops up to the limits. Empty when
    /// none is queued.
    pub fn batch(&mut self) -> &[(Writer, Op)] {
        if self.batch.is_empty() {
            let most = if self.isolated > 0 { 1 } else { MAX_BATCH_OPS };
            let mut bytes = 0;
            while let Some(next) = self.waiting.front() {
                let full = bytes + next.bytes > MAX_BATCH_BYTES && !self.batch.is_empty();
                if self.batch.len() == most || full {
                    break;
                }
                bytes += next.bytes;
                if let Some(next) = self.waiting.pop_front() {
                    self.sessions.push((next.session, next.bytes));
                    self.batch.push(next.op);
                }
            }
        }
        &self.batch
    }

    /// Ends the batch, which is decided: returns the session and number of each op.
    pub fn finish(&mut self) -> Vec<(SessionId, u64)> {
        self.isolated = self.isolated.saturating_sub(self.batch.len());
        self.failed_alone = false;
        self.forget_decision();
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
        self.failed_alone = false;
        self.forget_decision();
        let held = self.sessions.drain(..).zip(self.batch.drain(..));
        for ((session, bytes), op) in held.rev() {
            self.waiting.push_front(Waiting { session, bytes, op });
        }
        true
    }

    /// The batch was appended as decided, and it is unknown whether it is stored.
    pub fn set_unproven(&mut self, decision: Decision) {
        self.unproven = Some(decision);
    }

    fn forget_decision(&mut self) {
        self.unproven = None;
        self.stored_refusals.clear();
    }

    /// Restores the refusals of a decision that proved to be stored, in the verdicts of the decision
    /// that followed. `is_stored` tells by its changes.
    ///
    /// A refusal leaves no row. Once a later op of its writer is stored, a refused op looks like one
    /// that happened, and its page would be told *done*. Only a later op in the same decision proves that:
    /// what another server stored, it decided by itself.
    pub fn restore_refusals(
        &mut self,
        verdicts: &mut [Verdict],
        is_stored: impl Fn(&[Change]) -> bool,
    ) {
        if let Some(decision) = self
            .unproven
            .take_if(|decision| is_stored(&decision.changes))
        {
            let ops = decision.changes.iter();
            let ops = ops.flat_map(|change| change.prior_ops.iter().chain([&change.op]));
            let is_passed = |writer: WriterId, n: u64| {
                let mut ops = ops.clone();
                ops.any(|op| op.writer == writer && op.n > n)
            };
            let decided = self.batch.iter().zip(&decision.verdicts).enumerate();
            let refused = decided.filter(|(_, ((writer, op), verdict))| {
                matches!(verdict, Verdict::Refused { .. }) && is_passed(writer.id, op.n)
            });
            let refused = refused.map(|(place, (_, verdict))| (place, verdict.clone()));
            self.stored_refusals.extend(refused);
        }
        for (place, refusal) in &self.stored_refusals {
            if verdicts[*place] == Verdict::Done {
                verdicts[*place] = refusal.clone();
            }
        }
    }

    /// The isolated op failed, while the database accepts other writes. One failure may be chance:
    /// true at the second one.
    pub fn second_failure(&mut self) -> bool {
        std::mem::replace(&mut self.failed_alone, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{OpId, StrokeId};
    use uuid::Uuid;

    fn queue(max_ops: usize) -> Queue {
        Queue::new(Capacity::new(max_ops, 1_000_000))
    }

    fn erase(n: u64) -> Op {
        Op {
            n,
            stroke: StrokeId::random(),
            kind: OpKind::Erase { base: None },
        }
    }

    fn writer() -> Writer {
        Writer::new(Uuid::new_v4(), Uuid::new_v4())
    }

    fn numbers(batch: &[(Writer, Op)]) -> Vec<u64> {
        batch.iter().map(|(_, op)| op.n).collect()
    }

    #[test]
    fn all_that_gathered_goes_in_one_batch_and_in_order() {
        let mut queue = queue(10);
        let writer = writer();
        queue.push(1, writer, [erase(1), erase(2)]);
        queue.push(2, writer, [erase(3)]);
        assert_eq!(numbers(queue.batch()), [1, 2, 3]);
        queue.push(1, writer, [erase(4)]);
        assert_eq!(
            numbers(queue.batch()),
            [1, 2, 3],
            "a batch on its way does not grow"
        );
        assert_eq!(queue.finish(), [(1, 1), (1, 2), (2, 3)]);
        assert_eq!(numbers(queue.batch()), [4]);
        assert!(!queue.is_empty());
        queue.finish();
        assert!(queue.is_empty());
    }

    #[test]
    fn a_failed_batch_goes_op_by_op() {
        let mut queue = queue(10);
        queue.push(1, writer(), [erase(1), erase(2)]);
        queue.batch();
        assert!(queue.split());
        queue.push(1, writer(), [erase(3), erase(4)]);
        for n in [1, 2] {
            assert_eq!(numbers(queue.batch()), [n]);
            assert!(!queue.split());
            assert!(!queue.second_failure());
            assert!(queue.second_failure());
            queue.finish();
        }
        assert_eq!(numbers(queue.batch()), [3, 4]);
    }

    #[test]
    fn a_refusal_is_not_forgotten_when_its_append_had_no_answer_and_is_stored() {
        let mut queue = queue(10);
        let writer = writer();
        let refused = Verdict::Refused {
            refusal: crate::domain::op::Refusal::Absent,
            stroke: None,
        };
        // The second of three ops happened.
        let decision = || Decision {
            verdicts: vec![refused.clone(), Verdict::Done, refused.clone()],
            changes: vec![Change {
                seq: 1,
                stroke: StrokeId::random(),
                z: 1,
                author: writer.author,
                op: OpId {
                    writer: writer.id,
                    n: 2,
                },
                prior_ops: Vec::new(),
                body: None,
            }],
            replaced: Vec::new(),
            needs_head: true,
        };
        let decided_anew = |queue: &mut Queue, is_stored: bool| {
            let mut verdicts = vec![Verdict::Done; queue.batch().len()];
            queue.restore_refusals(&mut verdicts, |_| is_stored);
            verdicts
        };
        queue.push(1, writer, [erase(1), erase(2), erase(3)]);
        queue.batch();
        queue.set_unproven(decision());
        assert_eq!(decided_anew(&mut queue, false), vec![Verdict::Done; 3]);
        // It is stored; the third op has a number that nothing has passed.
        let expected = [refused.clone(), Verdict::Done, Verdict::Done];
        assert_eq!(decided_anew(&mut queue, true), expected);
        assert_eq!(decided_anew(&mut queue, false), expected, "decided again");
        // Verdicts of one batch are not those of the next.
        queue.set_unproven(decision());
        queue.finish();
        queue.push(1, writer, [erase(4)]);
        assert_eq!(decided_anew(&mut queue, true), [Verdict::Done]);
    }

    #[test]
    fn a_full_queue_has_no_room_until_a_batch_is_finished() {
        let mut queue = queue(2);
        let capacity = queue.capacity().clone();
        let op = erase(1);
        assert!(capacity.reserve(op_bytes(&op)) && capacity.reserve(op_bytes(&op)));
        assert!(!capacity.reserve(op_bytes(&op)));
        queue.push(1, writer(), [op, erase(2)]);
        queue.batch();
        assert!(!capacity.reserve(1));
        queue.finish();
        assert!(capacity.reserve(1));
        assert!(
            !Capacity::new(10, 100).reserve(101),
            "bytes are bounded too"
        );
    }
}
