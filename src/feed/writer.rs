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

/// What a writer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Idle,
    /// An append is in flight.
    InFlight {
        /// Since when.
        since: Instant,
    },
    /// A write that proves that the database takes writes is in flight.
    Probing,
}

/// Whether the head is proven to be the database's: verdicts without a row need that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is not.
    Unverified,
    /// The next read will prove it.
    Requested,
    /// A read ended that began after the batch was complete.
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
        /// Where the drawing has to be.
        expected: ExpectedHead,
        /// What was decided.
        decision: Decision,
    },
}

/// The ops of one drawing on their way to the database.
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

    /// What it does.
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

    /// Decides the batch that is due. The writer has to be idle, and the drawing whole.
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

    /// The append has its result: how long it took.
    pub(super) fn append_ended(&mut self, now: Instant) -> Duration {
        let took = match self.state {
            State::InFlight { since } => now.saturating_duration_since(since),
            State::Idle | State::Probing => Duration::ZERO,
        };
        self.state = State::Idle;
        took
    }

    /// The database is asked whether it takes writes.
    pub(super) fn probe(&mut self) {
        self.state = State::Probing;
    }

    /// It answered.
    pub(super) fn probe_ended(&mut self) {
        self.state = State::Idle;
    }
}
