//! When a feed may append to a drawing to which other servers append too.
//!
//! An append is a compare-and-swap on the drawing's head, so of several servers one wins. The
//! winner knows the new head at once and would win again; a loser has to read first. Two rules
//! share the drawing:
//!
//! * **Yield.** After a win, a server waits as long as its append took before the next one, if
//!   another server has appended within the last second: after that time both are on a par.
//! * **Turns.** Over a slow link that is not enough. A server that has won nothing for [`PATIENCE`]
//!   asks for a turn by a signal row; the others append nothing until they see a change of another
//!   server, or until the turn is over. Of two that ask, the one with the smaller id goes first.
//!
//! Both are bounded in time: the server that asked may be gone or out of reach.

use std::time::{Duration, Instant};

use crate::domain::ids::ServerId;
use crate::domain::sequence::Seq;

/// A server that has won no swap for this long, and lost some, asks for a turn.
pub const PATIENCE: Duration = Duration::from_millis(100);
/// Length of a turn, as a multiple of the time its append took: for one that still fails, a read,
/// one that succeeds, and the way there and back.
const APPENDS_IN_A_TURN: u32 = 5;
/// Bounds of a turn's length.
const TURN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Other servers count as appending for this long after one of their appends.
const RECENTLY: Duration = Duration::from_secs(1);
/// Upper bound of the time for which a server that won a swap yields.
const MAX_YIELD: Duration = Duration::from_millis(50);

/// The other servers that append, and the current turn.
#[derive(Debug, Default)]
pub struct Contention {
    /// The head after the last append of this server.
    head_after_append: Option<Seq>,
    /// When this server last saw an append of another one.
    last_contention: Option<Instant>,
    /// This server has won nothing since then.
    losing_since: Option<Instant>,
    /// It asked for a turn that lasts until then.
    own_turn: Option<Instant>,
    /// The turn of another server.
    turn: Option<Turn>,
    /// This server yields until then.
    yield_until: Option<Instant>,
}

/// The turn of another server.
#[derive(Debug)]
struct Turn {
    until: Instant,
    /// The turn ends once another server has moved the drawing beyond this head.
    head: Seq,
}

impl Contention {
    /// This server is about to append to a drawing at `head`.
    pub(super) fn begin(&mut self, head: Seq, now: Instant) {
        if self.head_after_append.is_some_and(|left| left != head) {
            self.last_contention = Some(now);
        }
    }

    /// An append of this server, which took this long, left the drawing at `head`.
    pub(super) fn won(&mut self, head: Seq, append: Duration, now: Instant) {
        self.head_after_append = Some(head);
        self.losing_since = None;
        self.own_turn = None;
        if let Some(turn) = &mut self.turn {
            turn.head = turn.head.max(head);
        }
        let recently = self
            .last_contention
            .is_some_and(|at| now.saturating_duration_since(at) <= RECENTLY);
        self.yield_until = recently.then(|| now + append.min(MAX_YIELD));
    }

    /// An append of this server, which took this long, lost to another server. Returns the length
    /// of the turn to ask for, if it is time to ask.
    pub(super) fn lost(&mut self, append: Duration, now: Instant) -> Option<Duration> {
        let losing = now - *self.losing_since.get_or_insert(now);
        let is_turn_of_another = self.turn.as_ref().is_some_and(|turn| now < turn.until);
        if losing < PATIENCE || self.has_asked(now) || is_turn_of_another {
            return None;
        }
        let (shortest, longest) = TURN;
        let turn = (append * APPENDS_IN_A_TURN).clamp(shortest, longest);
        self.own_turn = Some(now + turn);
        Some(turn)
    }

    /// This server has nothing to append.
    pub(super) fn rest(&mut self) {
        self.losing_since = None;
    }

    /// Server `other` asks for a turn, while the drawing is at `head`.
    pub(super) fn grant(
        &mut self,
        (own, other): (ServerId, ServerId),
        turn: Duration,
        head: Seq,
        now: Instant,
    ) {
        if self.has_asked(now) && own < other {
            return;
        }
        let until = now + turn.min(TURN.1);
        self.turn = Some(Turn { until, head });
    }

    /// Until when this server must not append to the drawing, which is at `head`; `None` if it may.
    pub(super) fn held_until(&mut self, head: Seq, now: Instant) -> Option<Instant> {
        self.turn
            .take_if(|turn| turn.until <= now || turn.head < head);
        self.yield_until.take_if(|until| *until <= now);
        let turn = self.turn.as_ref().map(|turn| turn.until);
        turn.max(self.yield_until)
    }

    fn has_asked(&self, now: Instant) -> bool {
        self.own_turn.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPEND: Duration = Duration::from_millis(40);

    fn servers() -> (ServerId, ServerId) {
        let (one, other) = (ServerId::random(), ServerId::random());
        (one.min(other), one.max(other))
    }

    #[test]
    fn a_server_that_is_alone_never_waits() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        for head in 0..5 {
            contention.begin(head, now);
            contention.won(head + 1, APPEND, now);
            assert_eq!(contention.held_until(head + 1, now), None);
        }
    }

    #[test]
    fn a_server_yields_for_as_long_as_its_append_took_while_others_append() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        contention.begin(0, now);
        contention.won(1, APPEND, now);
        // Another server appended 2.
        contention.begin(2, now);
        for append in [APPEND, 9 * MAX_YIELD] {
            contention.won(3, append, now);
            let until = now + append.min(MAX_YIELD);
            assert_eq!(contention.held_until(3, now), Some(until));
            assert_eq!(contention.held_until(3, until), None);
        }
        let later = now + RECENTLY + APPEND;
        contention.begin(3, later);
        contention.won(4, APPEND, later);
        assert_eq!(contention.held_until(4, later), None);
    }

    #[test]
    fn a_server_that_loses_for_long_asks_for_a_turn_and_again_once_it_is_over() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        assert_eq!(contention.lost(APPEND, now), None);
        let later = now + PATIENCE;
        let turn = APPEND * APPENDS_IN_A_TURN;
        assert_eq!(contention.lost(APPEND, later), Some(turn));
        assert_eq!(contention.lost(APPEND, later + turn / 2), None);
        assert_eq!(contention.lost(Duration::ZERO, later + turn), Some(TURN.0));
        assert_eq!(
            contention.lost(PATIENCE * 9, later + turn * 2),
            Some(TURN.1)
        );
        contention.won(7, APPEND, later + turn * 3);
        assert_eq!(contention.lost(APPEND, later + turn * 9), None);
        contention.rest();
        assert_eq!(contention.lost(APPEND, later + turn * 18), None);
    }

    #[test]
    fn a_turn_ends_with_a_change_of_another_server_or_by_itself() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        assert_eq!(contention.held_until(5, now), None);
        contention.grant(servers(), APPEND, 5, now);
        assert_eq!(contention.held_until(5, now), Some(now + APPEND));
        // What was in flight when the turn was asked for.
        contention.won(6, APPEND, now);
        assert_eq!(contention.held_until(6, now), Some(now + APPEND));
        assert_eq!(contention.held_until(7, now), None);
        assert_eq!(contention.held_until(6, now), None);
        contention.grant(servers(), TURN.1 * 2, 7, now);
        assert!(contention.held_until(7, now + TURN.1 / 2).is_some());
        assert_eq!(contention.held_until(7, now + TURN.1), None);
    }

    #[test]
    fn no_turn_is_asked_for_during_that_of_another_server() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        contention.lost(APPEND, now);
        contention.grant(servers(), PATIENCE * 2, 5, now);
        assert_eq!(contention.lost(APPEND, now + PATIENCE), None);
        // It is over, and this server has been losing all the time.
        assert!(contention.lost(APPEND, now + PATIENCE * 2).is_some());
    }

    #[test]
    fn of_two_that_ask_the_one_with_the_smaller_id_goes_first() {
        let (small, large) = servers();
        for (own, other, is_held) in [(small, large, false), (large, small, true)] {
            let (mut contention, now) = (Contention::default(), Instant::now());
            contention.lost(APPEND, now);
            assert!(contention.lost(APPEND, now + PATIENCE).is_some());
            contention.grant((own, other), APPEND, 5, now + PATIENCE);
            let held = contention.held_until(5, now + PATIENCE);
            assert_eq!(held.is_some(), is_held);
        }
    }
}
