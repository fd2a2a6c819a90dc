//! The timers of a feed: at most one of each kind.
//!
//! A timer must not outlive its purpose: the simulation checks which timers an idle feed has.

use std::time::Instant;

/// The purpose of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// Sends a heartbeat to the other servers, and checks for stalled live queries and sessions.
    Heartbeat,
    /// Closes the feed if it was not used for long.
    Idle,
    /// Subscribes again after a failure.
    Subscribe,
    /// Reads again after a failure.
    Read,
    /// Reads if a missing change has not arrived.
    Gap,
    /// Appends after yielding to other servers.
    Append,
    /// Compares the head with the database's, three times after each subscription.
    HeadCheck,
    /// Reads the rules again after a failure.
    Rules,
    /// Ends the access of sessions that expired.
    Access,
    /// Sends the signals that were gathered.
    Signals,
    /// Sends presence to the sessions and to the other servers.
    Presence,
    /// Checks whether slow subscribers read again.
    CatchUp,
    /// Closes the next sessions of a drain.
    Drain,
}

impl Timer {
    /// All kinds.
    pub const ALL: [Timer; 13] = [
        Timer::Heartbeat,
        Timer::Idle,
        Timer::Subscribe,
        Timer::Read,
        Timer::Gap,
        Timer::Append,
        Timer::HeadCheck,
        Timer::Rules,
        Timer::Access,
        Timer::Signals,
        Timer::Presence,
        Timer::CatchUp,
        Timer::Drain,
    ];
}

/// The timers of one feed.
#[derive(Debug, Default)]
pub struct Timers([Option<Instant>; Timer::ALL.len()]);

impl Timers {
    /// Sets a timer, also if it was set to another time.
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.0[timer as usize] = Some(at);
    }

    /// Sets a timer unless it is set.
    pub(super) fn set_if_unset(&mut self, timer: Timer, at: Instant) {
        self.0[timer as usize].get_or_insert(at);
    }

    /// Cancels a timer.
    pub(super) fn cancel(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    /// Whether a timer is set.
    pub fn is_set(&self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }

    /// The time of the earliest timer.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }

    /// Takes this timer if it is due.
    pub(super) fn take_if_due(&mut self, timer: Timer, now: Instant) -> bool {
        let is_due = self.0[timer as usize].is_some_and(|at| at <= now);
        if is_due {
            self.cancel(timer);
        }
        is_due
    }

    /// Takes the earliest timer that is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let due = Timer::ALL.into_iter().filter_map(|timer| {
            let at = self.0[timer as usize].filter(|at| *at <= now)?;
            Some((at, timer))
        });
        let (_, timer) = due.min()?;
        self.cancel(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn due_timers_are_taken_in_the_order_of_their_times() {
        let (mut timers, now) = (Timers::default(), Instant::now());
        let at = |millis| now + Duration::from_millis(millis);
        assert_eq!(timers.next(), None);
        timers.set(Timer::Heartbeat, at(3));
        timers.set(Timer::Gap, at(2));
        timers.set_if_unset(Timer::Gap, at(1));
        timers.set(Timer::Drain, at(9));
        assert_eq!(timers.next(), Some(at(2)));
        assert_eq!(timers.pop_due(at(1)), None);
        assert_eq!(timers.pop_due(at(5)), Some(Timer::Gap));
        assert_eq!(timers.pop_due(at(5)), Some(Timer::Heartbeat));
        assert_eq!(timers.pop_due(at(5)), None);
        timers.cancel(Timer::Drain);
        assert_eq!(timers.next(), None);
    }
}
