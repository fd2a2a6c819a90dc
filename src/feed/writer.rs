//! How a feed appends: one transaction at a time, with all ops that arrived meanwhile.
//!
//! It must never acknowledge an op before its verdict is certain: stored, or decided with complete
//! knowledge.

use std::time::{Duration, Instant};

use super::contention::Contention;
use super::queue::{Capacity, Queue};
use crate::domain::batch::{Decision, Verdict};
use crate::domain::drawing::Drawing;
use crate::domain::op::Refusal;
use crate::store::ExpectedHead;

/// The state of a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No append is in flight.
    Idle,
    /// An append is in flight.
    InFlight {
        /// When it began.
        since: Instant,
    },
    /// A write that checks whether the database accepts writes is in flight.
    Probing,
}

/// Whether the head is proven to be the database's, as verdicts without a row require.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is not.
    Unverified,
    /// The next read will prove it.
    Requested,
    /// A read that began after the batch was complete has ended.
    Verified,
}

/// What to do with the batch.
#[derive(Debug)]
pub(super) enum Next {
    /// There is none.
    Nothing,
    /// Read first: without a row to store, no swap will prove that this server knew everything.
    Verify,
    /// Its verdicts are final, and there is nothing to store.
    Acknowledge(Vec<Verdict>),
    /// Store it.
    Append {
        /// The state in which the drawing has to be.
        expected: ExpectedHead,
        /// The decision to store.
        decision: Decision,
    },
}

/// The ops of one drawing, from the queue to the database.
#[derive(Debug)]
pub struct BatchWriter {
    pub(super) queue: Queue,
    pub(super) contention: Contention,
    state: State,
    verification: Verification,
}

impl BatchWriter {
    pub(super) fn new(capacity: Capacity) -> Self {
        Self {
            queue: Queue::new(capacity),
            contention: Contention::default(),
            state: State::Idle,
            verification: Verification::Unverified,
        }
    }

    /// Whether an append or a probe is in flight.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether the head is proven to be the database's.
    pub fn verification(&self) -> Verification {
        self.verification
    }

    /// Whether no op waits and none is in flight.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Decides the next batch. The writer must be idle, and the drawing complete.
    pub(super) fn next(&mut self, drawing: &Drawing, now: Instant) -> Next {
        let is_to_blame = self.queue.is_to_blame();
        let batch = self.queue.batch();
        if batch.is_empty() {
            return Next::Nothing;
        }
        let expected = ExpectedHead {
            epoch: drawing.epoch(),
            head: drawing.head(),
        };
        let mut decision = drawing.decide(batch);
        if is_to_blame
            && !decision.changes.is_empty()
            && let [(author, op)] = batch
        {
            let refusal = Refusal::Invalid("the database does not accept it".into());
            decision = drawing.refuse(*author, op, refusal);
        }
        self.queue.restore_refusals(drawing, &mut decision.verdicts);
        let verified = std::mem::replace(&mut self.verification, Verification::Unverified);
        if !decision.changes.is_empty() {
            self.contention.begin(expected.head, now);
            self.state = State::InFlight { since: now };
            return Next::Append { expected, decision };
        }
        if decision.needs_head && verified != Verification::Verified {
            self.verification = Verification::Requested;
            return Next::Verify;
        }
        self.contention.rest();
        Next::Acknowledge(decision.verdicts)
    }

    /// A read ended.
    pub(super) fn read_ended(&mut self) {
        if self.verification == Verification::Requested {
            self.verification = Verification::Verified;
        }
    }

    /// The append ended after this time.
    pub(super) fn append_ended(&mut self, now: Instant) -> Duration {
        let took = match self.state {
            State::InFlight { since } => now.saturating_duration_since(since),
            State::Idle | State::Probing => Duration::ZERO,
        };
        self.state = State::Idle;
        took
    }

    /// The probe of the database begins.
    pub(super) fn probe(&mut self) {
        self.state = State::Probing;
    }

    /// The probe has ended.
    pub(super) fn probe_ended(&mut self) {
        self.state = State::Idle;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::drawing::Limits;
    use crate::domain::ids::{Epoch, StrokeId, Writer};
    use crate::domain::op::{Op, OpKind};
    use crate::domain::stroke::Body;

    fn drawing() -> Drawing {
        let limits = Limits {
            strokes: 100,
            bytes: 1 << 20,
        };
        Drawing::new(Epoch::random(), 0, limits)
    }

    fn with_op(kind: OpKind) -> BatchWriter {
        let mut writer = BatchWriter::new(Capacity::new(10, 1 << 20));
        let op = Op {
            n: 1,
            stroke: StrokeId::random(),
            kind,
        };
        let author = Writer::new(Uuid::new_v4(), Uuid::new_v4());
        writer.queue.push(1, author, [op]);
        writer
    }

    fn draw() -> OpKind {
        let body =
            r##"{"tool":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3}"##;
        OpKind::Draw {
            body: Body::parse(body).unwrap(),
        }
    }

    #[test]
    fn ops_with_rows_are_appended_and_the_time_is_measured() {
        let (mut writer, drawing, now) = (with_op(draw()), drawing(), Instant::now());
        let Next::Append { expected, decision } = writer.next(&drawing, now) else {
            panic!("it appends");
        };
        assert_eq!((expected.epoch, expected.head), (drawing.epoch(), 0));
        assert_eq!(decision.changes.len(), 1);
        assert_eq!(writer.state(), State::InFlight { since: now });
        let took = Duration::from_millis(7);
        assert_eq!(writer.append_ended(now + took), took);
        assert_eq!(writer.state(), State::Idle);
        assert!(!writer.is_empty(), "it is not acknowledged yet");
    }

    #[test]
    fn a_refusal_without_a_row_is_final_only_after_a_read_that_began_later() {
        let edit = OpKind::Edit {
            set: serde_json::from_str(r#"{"x":3}"#).unwrap(),
            z: None,
            base: None,
        };
        let (mut writer, drawing, now) = (with_op(edit), drawing(), Instant::now());
        // A read that ended before it was asked for proves nothing.
        writer.read_ended();
        assert!(matches!(writer.next(&drawing, now), Next::Verify));
        assert_eq!(writer.verification(), Verification::Requested);
        assert!(matches!(writer.next(&drawing, now), Next::Verify));
        writer.read_ended();
        let Next::Acknowledge(verdicts) = writer.next(&drawing, now) else {
            panic!("it is refused");
        };
        assert!(matches!(verdicts[..], [Verdict::Refused { .. }]));
        assert_eq!(writer.verification(), Verification::Unverified);
    }

    #[test]
    fn nothing_is_decided_without_ops() {
        let mut writer = BatchWriter::new(Capacity::new(10, 1 << 20));
        let next = writer.next(&drawing(), Instant::now());
        assert!(matches!(next, Next::Nothing) && writer.is_empty());
    }
}
