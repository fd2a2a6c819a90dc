//! Whether a feed is open, draining or ended, and how it refuses requests.

use std::time::{Duration, Instant};

use super::error::FeedError;
use super::mailbox::Mailbox;
use super::messages::Request;
use crate::backoff::MAX_PAUSE;
use crate::protocol::Close;

/// Clients of sessions closed for a restart reconnect spread over this time.
const RESTART_SPREAD: Duration = Duration::from_secs(2);

/// Why a feed ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The drawing does not exist, or was deleted.
    NoDrawing,
    /// The drawing could never be read.
    Unavailable,
    /// The server stops.
    Restart,
}

impl CloseReason {
    /// The close code for its sessions.
    pub(super) fn close(self, random: &mut fastrand::Rng) -> Close {
        match self {
            CloseReason::NoDrawing => Close::NoDrawing,
            CloseReason::Unavailable => Close::Load { after: MAX_PAUSE },
            CloseReason::Restart => {
                let spread = RESTART_SPREAD.as_millis() as u64;
                let after = Duration::from_millis(random.u64(0..=spread));
                Close::Restart { after }
            }
        }
    }

    /// Refuses a request.
    pub(super) fn refuse<M: Mailbox>(self, request: Request<M>, random: &mut fastrand::Rng) {
        match request {
            Request::Join { mailbox, .. } => mailbox.close(self.close(random)),
            // Their sessions are closed.
            Request::Hello { .. } | Request::Renew { .. } | Request::Since { .. } => {}
            Request::HttpRead(request) => {
                let error = match self {
                    CloseReason::NoDrawing => FeedError::NotFound,
                    CloseReason::Unavailable | CloseReason::Restart => FeedError::Unavailable,
                };
                // A reader that is gone misses nothing.
                let _ = request.answer.send(Err(error));
            }
        }
    }
}

/// The lifecycle of one feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// It accepts everything.
    Open {
        /// When it was last used.
        used: Instant,
    },
    /// It accepts nothing new, and finishes what it has accepted.
    Draining,
    /// It refuses everything.
    Ended(CloseReason),
}

impl Lifecycle {
    pub(super) fn open(now: Instant) -> Self {
        Self::Open { used: now }
    }

    pub(super) fn note_use(&mut self, now: Instant) {
        if let Self::Open { used } = self {
            *used = now;
        }
    }

    /// Whether it was not used for this long.
    pub(super) fn is_idle(&self, now: Instant, timeout: Duration) -> bool {
        match self {
            Self::Open { used } => now.saturating_duration_since(*used) >= timeout,
            Self::Draining | Self::Ended(_) => false,
        }
    }

    pub(super) fn drain(&mut self) {
        if !self.is_ended() {
            *self = Self::Draining;
        }
    }

    pub(super) fn end(&mut self, reason: CloseReason) {
        *self = Self::Ended(reason);
    }

    pub(super) fn is_ended(&self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// Why it accepts nothing new, if so.
    pub fn close_reason(&self) -> Option<CloseReason> {
        match self {
            Self::Open { .. } => None,
            Self::Draining => Some(CloseReason::Restart),
            Self::Ended(reason) => Some(*reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_idle_after_its_timeout_and_only_while_it_is_open() {
        let (start, timeout) = (Instant::now(), Duration::from_secs(10));
        let mut lifecycle = Lifecycle::open(start);
        assert!(!lifecycle.is_idle(start + timeout / 2, timeout));
        lifecycle.note_use(start + timeout / 2);
        assert!(!lifecycle.is_idle(start + timeout, timeout));
        assert!(lifecycle.is_idle(start + 2 * timeout, timeout));
        lifecycle.drain();
        assert!(!lifecycle.is_idle(start + 2 * timeout, timeout));
        assert_eq!(lifecycle.close_reason(), Some(CloseReason::Restart));
        lifecycle.end(CloseReason::NoDrawing);
        lifecycle.drain();
        assert_eq!(lifecycle.close_reason(), Some(CloseReason::NoDrawing));
    }

    #[test]
    fn sessions_come_back_spread_over_time_after_a_restart() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut afters: Vec<_> = (0..1_000)
            .map(|_| match CloseReason::Restart.close(&mut random) {
                Close::Restart { after } => after,
                close => panic!("{close:?}"),
            })
            .collect();
        afters.sort();
        assert!(afters[100] < RESTART_SPREAD / 4 && afters[900] > RESTART_SPREAD / 2);
        assert!(afters[999] <= RESTART_SPREAD);
    }
}
