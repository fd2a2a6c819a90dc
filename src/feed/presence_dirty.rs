//! Who has to be told who is here, and when that goes out.
//!
//! It must never tell anybody more often than the pause for so many people, and never keep a change
//! to itself for longer than that.

use std::time::{Duration, Instant};

use crate::feed::presence::people_pause;

/// What the other servers have to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PeerUpdate {
    /// Nothing.
    #[default]
    Nothing,
    /// What changed; if nothing did, that nothing did.
    Changes,
    /// Everything: one of them asked, or is new.
    All,
}

/// What has to be told, and when something was told last.
#[derive(Debug, Default)]
pub(super) struct PresenceDirty {
    pub(super) sessions: bool,
    pub(super) servers: PeerUpdate,
    sent_at: Option<Instant>,
}

impl PresenceDirty {
    /// Someone came, left or changed here.
    pub(super) fn changed(&mut self) {
        self.sessions = true;
        self.for_peers(PeerUpdate::Changes);
    }

    /// The other servers have to be told at least so much.
    pub(super) fn for_peers(&mut self, what: PeerUpdate) {
        self.servers = self.servers.max(what);
    }

    /// How long to gather yet, with so many people here; nothing when there is nothing to tell.
    pub(super) fn wait(&self, people: usize, now: Instant) -> Option<Duration> {
        if !self.sessions && self.servers == PeerUpdate::Nothing {
            return None;
        }
        let pause = people_pause(people);
        let passed = self
            .sent_at
            .map_or(pause, |sent_at| now.duration_since(sent_at));
        Some(pause.saturating_sub(passed))
    }

    /// Takes what is to be told now.
    pub(super) fn take(&mut self, now: Instant) -> (bool, PeerUpdate) {
        self.sent_at = Some(now);
        let sessions = std::mem::take(&mut self.sessions);
        (sessions, std::mem::take(&mut self.servers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(1);

    /// The moments, in milliseconds, at which it is told when somebody comes every so many milliseconds for five seconds.
    fn told_at(people: usize, comes_every: u64) -> Vec<u64> {
        let (mut due, start) = (PresenceDirty::default(), Instant::now());
        let mut told = Vec::new();
        for at in 0..5_000 {
            let now = start + STEP * at as u32;
            if at % comes_every == 0 {
                due.changed();
            }
            if due.wait(people, now) == Some(Duration::ZERO) {
                assert_eq!(due.take(now), (true, PeerUpdate::Changes));
                told.push(at);
            }
        }
        assert_eq!(
            due.wait(people, start + 10 * people_pause(people))
                .is_some(),
            due.sessions
        );
        told
    }

    fn pauses(told: &[u64]) -> Vec<u64> {
        told.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    #[test]
    fn a_few_people_are_told_at_the_next_tick() {
        assert!(pauses(&told_at(3, 1)).iter().all(|pause| *pause == 33));
        // Whoever comes after a pause is told of at once.
        assert_eq!(told_at(3, 1_000), [0, 1_000, 2_000, 3_000, 4_000]);
    }

    #[test]
    fn in_a_crowd_nobody_is_told_more_than_once_a_second() {
        for people in [250, 1_000, 100_000] {
            assert_eq!(told_at(people, 5), [0, 1_000, 2_000, 3_000, 4_000]);
        }
        assert_eq!(told_at(1_000, 2_000), [0, 2_000, 4_000]);
        let between = pauses(&told_at(100, 5));
        assert!(between.iter().all(|pause| *pause == 400), "{between:?}");
    }

    #[test]
    fn the_most_that_servers_have_to_be_told_counts() {
        let (mut due, now) = (PresenceDirty::default(), Instant::now());
        assert_eq!(due.wait(1, now), None);
        due.for_peers(PeerUpdate::All);
        due.for_peers(PeerUpdate::Changes);
        assert_eq!(due.wait(1, now), Some(Duration::ZERO));
        assert_eq!(due.take(now), (false, PeerUpdate::All));
        assert_eq!(due.take(now), (false, PeerUpdate::Nothing));
    }
}
