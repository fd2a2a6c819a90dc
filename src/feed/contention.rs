//! When a feed may append to a drawing to which other servers append too.
//!
//! An append is a compare-and-swap on the drawing's head, so of several servers one wins. The
//! winner knows the new head at once and would win again; a loser has to read first. Two rules
//! share the drawing:
//!
//! * **Yield.** After a win, a server waits before its next append until it sees a change of another
//!   server, but no longer than its append took: after that time both are on a par. It does so if another
//!   server has appended within the last second. While one of them is losing it waits longer, so that they
//!   alternate, and each appends all that it gathered meanwhile.
//! * **Turns.** A server that has lost [`LOSSES`] swaps in a row, or has won nothing for [`PATIENCE`],
//!   is losing: it asks for a turn by a signal row. The others append nothing until the turn is over: when
//!   they see a change of another server, or, of several, when the one that asked says so. Of two that ask,
//!   the one with the smaller id goes first.
//!
//! Both are bounded in time: the server that asked may be gone or out of reach.

use std::time::{Duration, Instant};

use crate::domain::ids::ServerId;
use crate::domain::sequence::Seq;

/// A server that has won no swap for this long, and lost some, asks for a turn.
pub const PATIENCE: Duration = Duration::from_millis(100);
/// So does one that has lost so many in a row.
pub const LOSSES: u32 = 3;
/// Length of a turn, as a multiple of the time its append took: for one that still fails, a read,
/// one that succeeds, and the way there and back.
const APPENDS_IN_A_TURN: u32 = 5;
/// Bounds of a turn's length.
const TURN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Other servers count as appending for this long after one of their appends, and as losing for this long
/// after one of them asked for a turn.
const RECENTLY: Duration = Duration::from_secs(1);
/// How long a server that won a swap yields at most, as a multiple of the time its append took, and upper
/// bounds of it: while no other is losing, and while one is. That one needs a read, an append, and the way to
/// the database and back.
const YIELD: (u32, Duration) = (1, Duration::from_millis(50));
const YIELD_TO_A_LOSER: (u32, Duration) = (4, Duration::from_millis(200));

/// The other servers that append, and the current turn.
#[derive(Debug, Default)]
pub struct Contention {
    /// The head after the last append of this server.
    head_after_append: Option<Seq>,
    /// When this server last saw an append of another one.
    last_contention: Option<Instant>,
    /// This server has won nothing since then.
    losing_since: Option<Instant>,
    /// Swaps that it has lost since it won one.
    losses: u32,
    /// It asked for a turn that lasts until then.
    own_turn: Option<Instant>,
    /// When a server last asked for a turn, this one or another.
    last_asked: Option<Instant>,
    /// The server whose turn it is, if it is not this one.
    turn: Option<(ServerId, Hold)>,
    /// What this server waits for after a win.
    yielding: Option<Hold>,
}

/// A time in which this server appends nothing.
#[derive(Debug)]
struct Hold {
    until: Instant,
    /// It ends once another server has moved the drawing beyond this head, if that says enough.
    head: Option<Seq>,
}

impl Hold {
    fn is_over(&self, head: Seq, now: Instant) -> bool {
        self.until <= now || self.head.is_some_and(|held| held < head)
    }
}

impl Contention {
    /// This server is about to append to a drawing at `head`.
    pub(super) fn begin(&mut self, head: Seq, now: Instant) {
        if self.head_after_append.is_some_and(|left| left != head) {
            self.last_contention = Some(now);
        }
    }

    /// An append of this server, which took this long, left the drawing at `head`. Returns whether a turn
    /// that it had asked for is over by that.
    pub(super) fn won(&mut self, head: Seq, append: Duration, now: Instant) -> bool {
        self.head_after_append = Some(head);
        self.rest();
        let had_asked = self.has_asked(now);
        self.own_turn = None;
        if let Some((
            _,
            Hold {
                head: Some(held), ..
            },
        )) = &mut self.turn
        {
            *held = head.max(*held);
        }
        let recently = |at: Option<Instant>| {
            at.is_some_and(|at| now.saturating_duration_since(at) <= RECENTLY)
        };
        let (times, longest) = match recently(self.last_asked) {
            true => YIELD_TO_A_LOSER,
            false => YIELD,
        };
        self.yielding = recently(self.last_contention).then(|| Hold {
            until: now + (append * times).min(longest),
            head: Some(head),
        });
        had_asked
    }

    /// An append of this server, which took this long, lost to another server. Returns the length
    /// of the turn to ask for, if it is time to ask.
    pub(super) fn lost(&mut self, append: Duration, now: Instant) -> Option<Duration> {
        let losing = now - *self.losing_since.get_or_insert(now);
        self.losses += 1;
        let is_patient = losing < PATIENCE && self.losses < LOSSES;
        let is_turn_of_another = self.turn.as_ref().is_some_and(|(_, turn)| now < turn.until);
        if is_patient || self.has_asked(now) || is_turn_of_another {
            return None;
        }
        self.last_asked = Some(now);
        let (shortest, longest) = TURN;
        let turn = (append * APPENDS_IN_A_TURN).clamp(shortest, longest);
        self.own_turn = Some(now + turn);
        Some(turn)
    }

    /// This server has nothing to append.
    pub(super) fn rest(&mut self) {
        self.losing_since = None;
        self.losses = 0;
    }

    /// Server `other` asks for a turn, or ends one with a length of zero, while the drawing is at `head` and so
    /// many other servers have it open.
    pub(super) fn grant(
        &mut self,
        (own, other): (ServerId, ServerId),
        turn: Duration,
        (head, others): (Seq, usize),
        now: Instant,
    ) {
        if turn.is_zero() {
            self.turn.take_if(|(server, _)| *server == other);
            return;
        }
        self.last_asked = Some(now);
        if self.has_asked(now) && own < other {
            return;
        }
        let hold = Hold {
            until: now + turn.min(TURN.1),
            head: (others <= 1).then_some(head),
        };
        self.turn = Some((other, hold));
    }

    /// Until when this server must not append to the drawing, which is at `head`; `None` if it may.
    pub(super) fn held_until(&mut self, head: Seq, now: Instant) -> Option<Instant> {
        self.turn.take_if(|(_, turn)| turn.is_over(head, now));
        self.yielding.take_if(|hold| hold.is_over(head, now));
        let turn = self.turn.as_ref().map(|(_, turn)| turn.until);
        turn.max(self.yielding.as_ref().map(|hold| hold.until))
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
        let (_, longest) = YIELD;
        for append in [APPEND, 9 * longest] {
            contention.won(3, append, now);
            let until = now + append.min(longest);
            assert_eq!(contention.held_until(3, now), Some(until));
            assert_eq!(contention.held_until(3, until), None);
        }
        let later = now + RECENTLY + APPEND;
        contention.begin(3, later);
        contention.won(4, APPEND, later);
        assert_eq!(contention.held_until(4, later), None);
    }

    #[test]
    fn while_a_server_is_losing_the_others_wait_for_its_change() {
        let (times, longest) = YIELD_TO_A_LOSER;
        let (mut contention, now) = (Contention::default(), Instant::now());
        contention.begin(0, now);
        contention.won(1, APPEND, now);
        contention.grant(servers(), APPEND, (1, 1), now);
        // It had its turn.
        assert_eq!(contention.held_until(2, now), None);
        contention.begin(2, now);
        for append in [APPEND, longest] {
            contention.won(3, append, now);
            let until = now + (append * times).min(longest);
            assert_eq!(contention.held_until(3, now), Some(until));
            assert_eq!(contention.held_until(3, until), None);
        }
        contention.won(3, APPEND, now);
        assert_eq!(contention.held_until(4, now), None, "a change of another");
        let later = now + RECENTLY + APPEND;
        contention.begin(4, later);
        contention.won(5, APPEND, later);
        assert_eq!(contention.held_until(5, later), Some(later + APPEND));
    }

    #[test]
    fn a_server_that_loses_often_asks_for_a_turn() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        for _ in 1..LOSSES {
            assert_eq!(contention.lost(APPEND, now), None);
        }
        contention.won(9, APPEND, now);
        for _ in 1..LOSSES {
            assert_eq!(contention.lost(APPEND, now), None);
        }
        assert!(contention.lost(APPEND, now).is_some());
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
        contention.grant(servers(), APPEND, (5, 1), now);
        assert_eq!(contention.held_until(5, now), Some(now + APPEND));
        // What was in flight when the turn was asked for.
        contention.won(6, APPEND, now);
        assert_eq!(contention.held_until(6, now), Some(now + APPEND));
        assert_eq!(contention.held_until(7, now), None);
        assert_eq!(contention.held_until(6, now), None);
        contention.grant(servers(), TURN.1 * 2, (7, 1), now);
        assert!(contention.held_until(7, now + TURN.1 / 2).is_some());
        assert_eq!(contention.held_until(7, now + TURN.1), None);
    }

    #[test]
    fn of_several_others_only_the_one_that_asked_ends_its_turn() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        let (third, asks) = servers();
        contention.grant((third, asks), APPEND, (5, 2), now);
        assert_eq!(contention.held_until(6, now), Some(now + APPEND));
        contention.grant((asks, third), Duration::ZERO, (6, 2), now);
        assert_eq!(contention.held_until(6, now), Some(now + APPEND));
        contention.grant((third, asks), Duration::ZERO, (6, 2), now);
        assert_eq!(contention.held_until(6, now), None);
    }

    #[test]
    fn the_first_win_after_a_turn_was_asked_for_ends_it() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        contention.lost(APPEND, now);
        assert!(!contention.won(1, APPEND, now));
        contention.lost(APPEND, now);
        assert!(contention.lost(APPEND, now + PATIENCE).is_some());
        assert!(contention.won(2, APPEND, now + PATIENCE));
        assert!(!contention.won(3, APPEND, now + PATIENCE));
    }

    #[test]
    fn no_turn_is_asked_for_during_that_of_another_server() {
        let (mut contention, now) = (Contention::default(), Instant::now());
        contention.lost(APPEND, now);
        contention.grant(servers(), PATIENCE * 2, (5, 1), now);
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
            contention.grant((own, other), APPEND, (5, 1), now + PATIENCE);
            let held = contention.held_until(5, now + PATIENCE);
            assert_eq!(held.is_some(), is_held);
        }
    }
}
