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
const APPENDS_PER_YIELD: u32 = 5;
/// … within these bounds.
const YIELD: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Other servers append too if one did so lately.
const LATELY: Duration = Duration::from_secs(1);
/// The longest time for which a server that won a swap leaves the next one to others.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// How long a server that won a swap by this `append` leaves the next one to others, which were
/// last seen to append at `others`; nothing if none did lately.
pub(super) fn yield_time(
    append: Duration,
    last_contention: Option<Instant>,
    now: Instant,
) -> Option<Duration> {
    let lately = last_contention.is_some_and(|at| now.saturating_duration_since(at) <= LATELY);
    lately.then(|| append.min(MAX_PAUSE))
}

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Contention {
    /// This server has won nothing since.
    conflicts_since: Option<Instant>,
    /// It asked for a turn that lasts until then.
    asked: Option<Instant>,
    /// Another one has its turn.
    yielding: Option<Yielding>,
}

#[derive(Debug)]
struct Yielding {
    until: Instant,
    /// It is over once the drawing stands beyond this by somebody else.
    head: Seq,
}

impl Contention {
    /// This server lost a swap, and knew so after `append`: how long a turn to ask for, if it is
    /// time to ask.
    pub(super) fn on_conflict(&mut self, append: Duration, now: Instant) -> Option<Duration> {
        let conflicts_since = now - *self.conflicts_since.get_or_insert(now);
        if conflicts_since < PATIENCE || self.has_asked(now) || self.yielding.is_some() {
            return None;
        }
        let (shortest, longest) = YIELD;
        let pause = (append * APPENDS_PER_YIELD).clamp(shortest, longest);
        self.asked = Some(now + pause);
        Some(pause)
    }

    /// This server has nothing to append just now.
    pub(super) fn rest(&mut self) {
        self.conflicts_since = None;
    }

    /// This server won a swap, after which the drawing stands at `head`.
    pub(super) fn on_commit(&mut self, head: Seq) {
        self.conflicts_since = None;
        self.asked = None;
        if let Some(yielding) = &mut self.yielding {
            yielding.head = yielding.head.max(head);
        }
    }

    /// Server `other` asks for a turn, while the drawing stands at `head`. Of two that ask, the
    /// one with the smaller id goes first.
    pub(super) fn yield_to(
        &mut self,
        (own, other): (ServerId, ServerId),
        pause: Duration,
        head: Seq,
        now: Instant,
    ) {
        if self.has_asked(now) && own < other {
            return;
        }
        let until = now + pause.min(YIELD.1);
        self.yielding = Some(Yielding { until, head });
    }

    /// Until when this server has to leave the next swap of the drawing, which stands at `head`, to
    /// another one; nothing if it may append.
    pub(super) fn yields_until(&mut self, head: Seq, now: Instant) -> Option<Instant> {
        let yielding = self.yielding.take();
        self.yielding = yielding.filter(|yielding| now < yielding.until && head <= yielding.head);
        self.yielding.as_ref().map(|yielding| yielding.until)
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
        assert_eq!(yield_time(APPEND / 2, None, now), None);
        assert_eq!(yield_time(APPEND / 2, Some(now), later), Some(APPEND / 2));
        assert_eq!(yield_time(MAX_PAUSE * 9, Some(now), later), Some(MAX_PAUSE));
        assert_eq!(yield_time(APPEND, Some(now), later + APPEND), None);
    }

    #[test]
    fn who_loses_for_long_asks_for_a_turn_and_again_once_it_is_over() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        assert_eq!(contention.on_conflict(APPEND, now), None);
        let later = now + PATIENCE;
        let pause = APPEND * APPENDS_PER_YIELD;
        assert_eq!(contention.on_conflict(APPEND, later), Some(pause));
        assert_eq!(contention.on_conflict(APPEND, later + pause / 2), None);
        assert_eq!(
            contention.on_conflict(Duration::ZERO, later + pause),
            Some(YIELD.0)
        );
        assert_eq!(
            contention.on_conflict(PATIENCE * 9, later + pause * 2),
            Some(YIELD.1)
        );
        contention.on_commit(7);
        assert_eq!(contention.on_conflict(APPEND, later + pause * 9), None);
        contention.rest();
        assert_eq!(contention.on_conflict(APPEND, later + pause * 18), None);
    }

    #[test]
    fn a_turn_ends_with_a_change_of_somebody_else_or_by_itself() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        assert_eq!(contention.yields_until(5, now), None);
        contention.yield_to(servers(), APPEND, 5, now);
        assert_eq!(contention.yields_until(5, now), Some(now + APPEND));
        contention.on_conflict(APPEND, now);
        assert_eq!(
            contention.on_conflict(APPEND, now + PATIENCE),
            None,
            "others first"
        );
        // What was on its way when it was asked.
        contention.on_commit(6);
        assert_eq!(contention.yields_until(6, now), Some(now + APPEND));
        assert_eq!(contention.yields_until(7, now), None);
        assert_eq!(contention.yields_until(6, now), None);
        contention.yield_to(servers(), YIELD.1 * 2, 7, now);
        assert!(contention.yields_until(7, now + YIELD.1 / 2).is_some());
        assert_eq!(contention.yields_until(7, now + YIELD.1), None);
    }

    #[test]
    fn of_two_that_ask_one_goes_first() {
        let (small, large) = servers();
        for (own, other, gives) in [(small, large, false), (large, small, true)] {
            let (mut contention, now) = (Contention::default(), Instant::now());
            contention.on_conflict(APPEND, now);
            assert!(contention.on_conflict(APPEND, now + PATIENCE).is_some());
            contention.yield_to((own, other), APPEND, 5, now + PATIENCE);
            let yielding = contention.yields_until(5, now + PATIENCE);
            assert_eq!(yielding.is_some(), gives);
        }
    }
}
