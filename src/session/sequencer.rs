//! The order of one writer's ops in one session, and which of them are acknowledged.
//!
//! Ops are accepted in the order of their numbers without holes, whatever a client sends.

use crate::domain::ids::Writer;
use crate::domain::sequence::{Arrival, arrival};

/// What to do with an op, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpArrival {
    /// It was accepted before. If it is acknowledged, repeat the acknowledgement.
    Stale {
        /// Whether it is acknowledged.
        acknowledged: bool,
    },
    /// It is the next one: accept it.
    Next,
    /// Ops before it are missing: ask the client to resend them.
    Gap,
    /// Skip it: the client was already asked to resend, or told to wait, and will send it again.
    Paused,
}

/// The state of a writer's op numbers.
#[derive(Debug)]
pub struct OpSequencer {
    writer: Writer,
    /// The number of the op to accept next.
    next: u64,
    /// All ops up to this number that were given to the feed are acknowledged.
    acknowledged: u64,
    /// Ops that the feed has not acknowledged.
    unacknowledged: usize,
    /// Ops after `next` are skipped until `next` arrives.
    paused: bool,
}

impl OpSequencer {
    /// A writer whose ops before `next` are acknowledged.
    pub fn new(writer: Writer, next: u64) -> Self {
        Self {
            writer,
            next,
            acknowledged: next - 1,
            unacknowledged: 0,
            paused: false,
        }
    }

    /// The writer.
    pub fn writer(&self) -> Writer {
        self.writer
    }

    /// The number of the op to accept next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// All ops up to this number that reached the feed are acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Number of ops that the feed has not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.unacknowledged
    }

    /// Judges an op by its number.
    pub fn judge(&mut self, n: u64) -> OpArrival {
        match arrival(self.next - 1, n - 1, n) {
            Arrival::Stale => OpArrival::Stale {
                acknowledged: n <= self.acknowledged,
            },
            Arrival::Next => OpArrival::Next,
            Arrival::Gap if self.paused => OpArrival::Paused,
            Arrival::Gap => {
                self.paused = true;
                OpArrival::Gap
            }
        }
    }

    /// The next op was given to the feed.
    pub fn take(&mut self) {
        self.advance();
        self.unacknowledged += 1;
    }

    /// The next op was refused at once: it is malformed, or not allowed.
    pub fn skip(&mut self) {
        self.advance();
    }

    fn advance(&mut self) {
        self.paused = false;
        self.next += 1;
    }

    /// The next op is refused for load: the client sends it and those after it again.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// The feed has decided this many ops, the last of which is `acked_through`.
    pub fn acknowledge(&mut self, ops: usize, acked_through: u64) {
        self.acknowledged = acked_through.max(self.acknowledged);
        self.unacknowledged = self.unacknowledged.saturating_sub(ops);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn sequencer(next: u64) -> OpSequencer {
        OpSequencer::new(Writer::new(Uuid::new_v4(), Uuid::new_v4()), next)
    }

    #[test]
    fn ops_are_taken_in_the_order_of_their_numbers() {
        let mut sequencer = sequencer(3);
        assert_eq!(sequencer.judge(2), OpArrival::Stale { acknowledged: true });
        assert_eq!(sequencer.judge(3), OpArrival::Next);
        sequencer.take();
        assert_eq!(
            sequencer.judge(3),
            OpArrival::Stale {
                acknowledged: false
            }
        );
        sequencer.acknowledge(1, 3);
        assert_eq!(sequencer.judge(3), OpArrival::Stale { acknowledged: true });
        assert_eq!(sequencer.unacknowledged(), 0);
    }

    #[test]
    fn a_gap_is_asked_for_once_until_the_missing_op_comes() {
        let mut sequencer = sequencer(1);
        assert_eq!(sequencer.judge(4), OpArrival::Gap);
        assert_eq!(sequencer.judge(5), OpArrival::Paused);
        assert_eq!(sequencer.judge(1), OpArrival::Next);
        sequencer.take();
        assert_eq!(sequencer.judge(3), OpArrival::Gap);
    }

    #[test]
    fn after_a_refusal_for_load_nothing_is_taken_until_the_op_comes_again() {
        let mut sequencer = sequencer(1);
        sequencer.pause();
        assert_eq!(sequencer.judge(2), OpArrival::Paused);
        assert_eq!(sequencer.judge(1), OpArrival::Next);
        sequencer.take();
        assert_eq!(sequencer.judge(2), OpArrival::Next);
    }

    #[test]
    fn ops_that_are_refused_at_once_do_not_count_as_unacknowledged() {
        let mut sequencer = sequencer(1);
        for _ in 0..5_000 {
            sequencer.skip();
        }
        assert_eq!(sequencer.unacknowledged(), 0);
        assert_eq!(sequencer.next(), 5_001);
    }

    #[test]
    fn the_unacknowledged_ops_are_those_taken_and_not_decided() {
        let mut sequencer = sequencer(4);
        assert_eq!(
            (sequencer.acknowledged(), sequencer.unacknowledged()),
            (3, 0)
        );
        for n in 4..9 {
            assert_eq!(sequencer.judge(n), OpArrival::Next);
            sequencer.take();
        }
        sequencer.acknowledge(2, 5);
        assert_eq!(
            (sequencer.acknowledged(), sequencer.unacknowledged()),
            (5, 3)
        );
        // Those of a feed that is gone may be counted by the next one.
        sequencer.acknowledge(9, 1);
        assert_eq!(
            (sequencer.acknowledged(), sequencer.unacknowledged()),
            (5, 0)
        );
        assert_eq!(sequencer.judge(5), OpArrival::Stale { acknowledged: true });
        assert_eq!(
            sequencer.judge(6),
            OpArrival::Stale {
                acknowledged: false
            }
        );
    }
}
