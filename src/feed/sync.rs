//! How a feed keeps up with the database: the state of its subscription and of its finite read.
//!
//! It must never take a subscription for complete before a read that began after it has ended: a
//! write between the two is found by one or the other only then.

use std::time::{Duration, Instant};

use super::monitor::LiveQueryMonitor;
use crate::backoff::Backoff;
use crate::domain::sequence::Seq;

/// The head is compared with the database's this long after each subscription begins: a write that
/// began before the live query and committed after the read causes no notification.
pub(super) const HEAD_CHECKS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// The live queries of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscription {
    /// There is none.
    Closed,
    /// It is requested.
    Opening,
    /// It is open, and no read has ended that began since.
    Unread,
    /// It is open, and the drawing was read since.
    Live,
}

/// The finite read of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// None is in flight.
    Idle,
    /// One is in flight.
    InFlight {
        /// When it began.
        since: Instant,
        /// Another one is needed after it.
        again: bool,
        /// It began after the present subscription.
        covers_subscription: bool,
    },
    /// The next one begins after a pause.
    Waiting,
}

/// The state of subscription and read.
#[derive(Debug)]
pub struct Sync {
    subscription: Subscription,
    reading: Reading,
    /// Head checks that were made since the subscription began.
    head_checks: usize,
    /// What the database answered when it was asked at this time is known, or something later.
    known: Option<Instant>,
    /// Consecutive failures of either.
    pub(super) backoff: Backoff,
    pub(super) monitor: LiveQueryMonitor,
}

impl Sync {
    pub(super) fn new() -> Self {
        Self {
            subscription: Subscription::Closed,
            reading: Reading::Idle,
            head_checks: 0,
            known: None,
            backoff: Backoff::default(),
            monitor: LiveQueryMonitor::default(),
        }
    }

    /// The live queries.
    pub fn subscription(&self) -> Subscription {
        self.subscription
    }

    /// The finite read.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// The live queries are requested.
    pub(super) fn open_subscription(&mut self) {
        self.subscription = Subscription::Opening;
    }

    /// The live queries are open.
    pub(super) fn subscribed(&mut self) {
        self.subscription = Subscription::Unread;
        self.head_checks = 0;
        if let Reading::InFlight {
            covers_subscription,
            ..
        } = &mut self.reading
        {
            *covers_subscription = false;
        }
    }

    /// The live queries ended, or could not be opened.
    pub(super) fn unsubscribed(&mut self) {
        self.subscription = Subscription::Closed;
    }

    /// Whether the live queries are open and have not delivered what was stored for some heartbeats.
    pub(super) fn has_stalled(&mut self, head: Seq) -> bool {
        self.subscription == Subscription::Live && self.monitor.is_stalled(head)
    }

    /// Time from one head check to the next.
    pub(super) fn next_head_check(&mut self) -> Option<Duration> {
        let before = match self.head_checks {
            0 => Duration::ZERO,
            done => HEAD_CHECKS[done - 1],
        };
        let next = HEAD_CHECKS.get(self.head_checks)?;
        self.head_checks += 1;
        Some(*next - before)
    }

    /// Begins a read, unless one is in flight (then another one follows it) or about to begin. True
    /// when it begins.
    pub(super) fn begin_read(&mut self, now: Instant) -> bool {
        match &mut self.reading {
            Reading::Idle => {
                self.reading = Reading::InFlight {
                    since: now,
                    again: false,
                    covers_subscription: self.subscription == Subscription::Unread,
                };
                true
            }
            Reading::InFlight { again, .. } => {
                *again = true;
                false
            }
            Reading::Waiting => false,
        }
    }

    /// The first step of a read ended; the next one begins now.
    pub(super) fn end_read_step(&mut self) {
        self.reading = Reading::Idle;
    }

    /// A read ended: the drawing is known up to `head`. True when another read is needed.
    pub(super) fn end_read(&mut self, head: Seq) -> bool {
        let Reading::InFlight {
            since,
            again,
            covers_subscription,
        } = self.reading
        else {
            return false;
        };
        self.note_answer(since);
        self.reading = Reading::Idle;
        if covers_subscription && self.subscription == Subscription::Unread {
            self.subscription = Subscription::Live;
            self.monitor.begin(head);
        }
        again
    }

    /// The database answered what it was asked at this time. False if the answer to a later question
    /// arrived before: then this one may be outdated.
    pub(super) fn note_answer(&mut self, asked: Instant) -> bool {
        let is_latest = self.known.is_none_or(|known| known <= asked);
        if is_latest {
            self.known = Some(asked);
        }
        is_latest
    }

    /// A read, or something that needs one, failed: the next read begins after a pause. False when
    /// a read that has not failed is in flight: another one follows it.
    pub(super) fn wait_to_read(&mut self, has_failed: bool) -> bool {
        match &mut self.reading {
            Reading::InFlight { again, .. } if !has_failed => {
                *again = true;
                false
            }
            reading => {
                *reading = Reading::Waiting;
                true
            }
        }
    }

    /// The pause is over.
    pub(super) fn end_wait(&mut self) {
        if self.reading == Reading::Waiting {
            self.reading = Reading::Idle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscribed() -> Sync {
        let mut sync = Sync::new();
        sync.open_subscription();
        sync.subscribed();
        sync
    }

    #[test]
    fn a_subscription_is_live_after_a_read_that_began_after_it() {
        let mut sync = subscribed();
        assert!(sync.begin_read(Instant::now()));
        assert_eq!(sync.subscription(), Subscription::Unread);
        assert!(!sync.end_read(3));
        assert_eq!(sync.subscription(), Subscription::Live);
    }

    #[test]
    fn an_answer_to_no_read_asks_for_none() {
        let mut sync = subscribed();
        assert!(!sync.end_read(3));
        assert_eq!(sync.subscription(), Subscription::Unread);
    }

    #[test]
    fn a_read_that_began_before_a_subscription_does_not_cover_it() {
        let mut sync = Sync::new();
        assert!(sync.begin_read(Instant::now()));
        sync.open_subscription();
        sync.subscribed();
        assert!(!sync.begin_read(Instant::now()), "one is in flight");
        assert!(sync.end_read(3), "another one is needed");
        assert_eq!(sync.subscription(), Subscription::Unread);
        assert!(sync.begin_read(Instant::now()));
        assert!(!sync.end_read(3));
        assert_eq!(sync.subscription(), Subscription::Live);
    }

    #[test]
    fn a_subscription_that_is_replaced_during_a_read_is_read_again() {
        let mut sync = subscribed();
        assert!(sync.begin_read(Instant::now()));
        sync.unsubscribed();
        sync.open_subscription();
        sync.subscribed();
        sync.end_read(3);
        assert_eq!(sync.subscription(), Subscription::Unread);
    }

    #[test]
    fn no_read_begins_during_the_pause_after_a_failure() {
        let mut sync = subscribed();
        assert!(sync.begin_read(Instant::now()));
        assert!(sync.wait_to_read(true));
        assert!(!sync.begin_read(Instant::now()));
        sync.end_wait();
        assert!(sync.begin_read(Instant::now()));
    }

    #[test]
    fn a_read_waits_for_the_one_in_flight() {
        let mut sync = subscribed();
        assert!(sync.begin_read(Instant::now()));
        assert!(!sync.wait_to_read(false));
        assert!(sync.end_read(0), "another one follows");
        assert!(sync.wait_to_read(false));
        assert_eq!(sync.reading(), Reading::Waiting);
    }

    #[test]
    fn an_answer_is_outdated_once_a_later_question_was_answered() {
        let (mut sync, now) = (subscribed(), Instant::now());
        let at = |millis| now + Duration::from_millis(millis);
        assert!(sync.note_answer(at(1)));
        assert!(sync.begin_read(at(3)));
        assert!(sync.note_answer(at(2)));
        sync.end_read(0);
        for _ in 0..2 {
            assert!(!sync.note_answer(at(2)));
        }
        assert!(sync.note_answer(at(3)) && sync.note_answer(at(4)));
    }

    #[test]
    fn the_head_is_checked_a_few_times_after_each_subscription() {
        let mut sync = subscribed();
        for _ in 0..2 {
            let checks: Vec<_> = std::iter::from_fn(|| sync.next_head_check()).collect();
            assert_eq!(checks.len(), HEAD_CHECKS.len());
            let sum: Duration = checks.iter().sum();
            assert_eq!(sum, HEAD_CHECKS[2]);
            sync.subscribed();
        }
    }
}
