//! The turns of the servers that append to one drawing: one that loses swap after swap asks the
//! others to let it go first.
//!
//! It must never make a server wait for long: who asked may be gone, or out of reach.

use std::time::{Duration, Instant};

use crate::domain::ids::ServerId;
use crate::domain::sequence::Seq;

/// A server that has won no swap for so long, and lost some, asks for a turn …
const PATIENCE: Duration = Duration::from_millis(300);
/// … of so many times as its append took: for one that still fails, a read, one that succeeds,
/// and the way there and back …
const APPENDS_OF_A_TURN: u32 = 5;
/// … within these bounds.
const TURN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Other servers append too if one did so lately.
const LATELY: Duration = Duration::from_secs(1);
/// The longest time for which a server that won a swap leaves the next one to others.
const MAX_WAY: Duration = Duration::from_millis(50);

/// How long a server that won a swap by this `append` leaves the next one to others, which were
/// last seen to append at `others`; nothing if none did lately.
pub(super) fn way(append: Duration, others: Option<Instant>, now: Instant) -> Option<Duration> {
    let lately = others.is_some_and(|at| now.saturating_duration_since(at) <= LATELY);
    lately.then(|| append.min(MAX_WAY))
}

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// This server has won nothing since.
    losing: Option<Instant>,
    /// It asked for a turn that lasts until then.
    asked: Option<Instant>,
    /// Another one has its turn.
    given: Option<Given>,
}

#[derive(Debug)]
struct Given {
    until: Instant,
    /// It is over once the drawing stands beyond this by somebody else.
    head: Seq,
}

impl Turns {
    /// This server lost a swap, and knew so after `append`: how long a turn to ask for, if it is
    /// time to ask.
    pub(super) fn lost(&mut self, append: Duration, now: Instant) -> Option<Duration> {
        let losing = now - *self.losing.get_or_insert(now);
        if losing < PATIENCE || self.has_asked(now) || self.given.is_some() {
            return None;
        }
        let (shortest, longest) = TURN;
        let turn = (append * APPENDS_OF_A_TURN).clamp(shortest, longest);
        self.asked = Some(now + turn);
        Some(turn)
    }

    /// This server has nothing to append just now.
    pub(super) fn rest(&mut self) {
        self.losing = None;
    }

    /// This server won a swap, after which the drawing stands at `head`.
    pub(super) fn won(&mut self, head: Seq) {
        self.losing = None;
        self.asked = None;
        if let Some(given) = &mut self.given {
            given.head = given.head.max(head);
        }
    }

    /// Server `other` asks for a turn, while the drawing stands at `head`. Of two that ask, the
    /// one with the smaller id goes first.
    pub(super) fn give(
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
        self.given = Some(Given { until, head });
    }

    /// Until when this server has to leave the next swap of the drawing, which stands at `head`, to
    /// another one; nothing if it may append.
    pub(super) fn given_until(&mut self, head: Seq, now: Instant) -> Option<Instant> {
        let given = self.given.take();
        self.given = given.filter(|given| now < given.until && head <= given.head);
        self.given.as_ref().map(|given| given.until)
    }

    fn has_asked(&self, now: Instant) -> bool {
        self.asked.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPEND: Duration = Duration::from_millis(50);

    fn servers() -> (ServerId, ServerId) {
        let (one, two) = (ServerId::random(), ServerId::random());
        (one.min(two), one.max(two))
    }

    #[test]
    fn who_won_waits_for_an_append_if_others_append_too() {
        let now = Instant::now();
        let later = now + LATELY;
        assert_eq!(way(APPEND / 2, None, now), None);
        assert_eq!(way(APPEND / 2, Some(now), later), Some(APPEND / 2));
        assert_eq!(way(MAX_WAY * 9, Some(now), later), Some(MAX_WAY));
        assert_eq!(way(APPEND, Some(now), later + APPEND), None);
    }

    #[test]
    fn who_loses_for_long_asks_for_a_turn_and_again_once_it_is_over() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        assert_eq!(turns.lost(APPEND, now), None);
        let later = now + PATIENCE;
        let turn = APPEND * APPENDS_OF_A_TURN;
        assert_eq!(turns.lost(APPEND, later), Some(turn));
        assert_eq!(turns.lost(APPEND, later + turn / 2), None);
        assert_eq!(turns.lost(Duration::ZERO, later + turn), Some(TURN.0));
        assert_eq!(turns.lost(PATIENCE * 9, later + turn * 2), Some(TURN.1));
        turns.won(7);
        assert_eq!(turns.lost(APPEND, later + turn * 9), None);
        turns.rest();
        assert_eq!(turns.lost(APPEND, later + turn * 18), None);
    }

    #[test]
    fn a_turn_ends_with_a_change_of_somebody_else_or_by_itself() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        assert_eq!(turns.given_until(5, now), None);
        turns.give(servers(), APPEND, 5, now);
        assert_eq!(turns.given_until(5, now), Some(now + APPEND));
        turns.lost(APPEND, now);
        assert_eq!(turns.lost(APPEND, now + PATIENCE), None, "others first");
        // What was on its way when it was asked.
        turns.won(6);
        assert_eq!(turns.given_until(6, now), Some(now + APPEND));
        assert_eq!(turns.given_until(7, now), None);
        assert_eq!(turns.given_until(6, now), None);
        turns.give(servers(), TURN.1 * 2, 7, now);
        assert!(turns.given_until(7, now + TURN.1 / 2).is_some());
        assert_eq!(turns.given_until(7, now + TURN.1), None);
    }

    #[test]
    fn of_two_that_ask_one_goes_first() {
        let (small, large) = servers();
        for (own, other, gives) in [(small, large, false), (large, small, true)] {
            let (mut turns, now) = (Turns::default(), Instant::now());
            turns.lost(APPEND, now);
            assert!(turns.lost(APPEND, now + PATIENCE).is_some());
            turns.give((own, other), APPEND, 5, now + PATIENCE);
            let given = turns.given_until(5, now + PATIENCE);
            assert_eq!(given.is_some(), gives);
        }
    }
}
