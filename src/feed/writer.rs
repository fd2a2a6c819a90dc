//! How a feed appends: one transaction at a time, with all ops that arrived meanwhile.
//!
//! It must never acknowledge an op before its verdict is certain: stored, or decided with complete
//! knowledge.
//!
//! ```text
//! Idle -> InFlight -> Idle
//!             \-> Probing -> Idle      an op alone failed: is it the op, or the database?
//! ```

use std::time::{Duration, Instant};

use super::contention::Contention;
use super::queue::{Capacity, Queue};
use crate::domain::batch::{Decision, Verdict};
use crate::domain::drawing::Drawing;
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
        let batch = self.queue.batch();
        if batch.is_empty() {
            return Next::Nothing;
        }
        let expected = ExpectedHead {
            epoch: drawing.epoch(),
            head: drawing.head(),
        };
        let mut decision = drawing.decide(batch);
        let last = |writer| drawing.last(writer);
        self.queue.restore_refusals(&mut decision.verdicts, last);
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
