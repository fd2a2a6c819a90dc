//! What all sessions of one server share, and what each obeys.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::domain::access::Access;
use crate::domain::ids::{DrawingId, Epoch};
use crate::domain::sequence::Seq;
use crate::feed::registry::Feeds;
use crate::metrics::Metrics;

/// How long a browser waits after a refusal for load.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Frames that ask for changes, a second: a page has reason for a few at most. Over it a session is closed.
pub(super) const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// What a session obeys.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// A browser is pinged this often.
    pub heartbeat: Duration,
    /// A browser that says nothing for so long is gone.
    pub session_timeout: Duration,
    /// Ops a second that a session takes in the long run.
    pub ops_per_second: NonZeroU32,
    /// Ops that it takes at once, after a pause.
    pub ops_burst: NonZeroU32,
    /// Signals a second; those over it are dropped.
    pub signals_per_second: NonZeroU32,
    /// Most sessions of this server.
    pub max_sessions: usize,
    /// Most ops of one session without an answer; those after them are refused for load.
    pub max_unacked_ops: usize,
    /// Most bytes of frames that wait for a browser that does not read.
    pub send_buffer_bytes: usize,
    /// Most messages of its feed that wait for a session; when there are more, its browser is not
    /// reading.
    pub send_buffer_frames: usize,
}

impl SessionSettings {
    /// Frames that a socket has reason to send in a second, each with one op, one signal or one ask.
    pub(super) fn frames_per_second(&self) -> NonZeroU32 {
        let signals = self.signals_per_second.get();
        let asks = REQUESTS_PER_SECOND.get();
        self.ops_per_second
            .saturating_add(signals.saturating_add(asks))
    }
}

/// What all sessions of a server share.
pub struct Sessions {
    pub(super) feeds: Feeds,
    pub(super) settings: SessionSettings,
    pub(super) open: Arc<AtomicUsize>,
    pub(super) opened: AtomicU64,
}

impl Sessions {
    /// No session yet.
    pub fn new(feeds: Feeds, settings: SessionSettings) -> Self {
        Self {
            feeds,
            settings,
            open: Arc::default(),
            opened: AtomicU64::new(0),
        }
    }

    /// Brings up to date what is measured only when it is asked for.
    pub fn update_gauges(&self) {
        self.metrics().sessions_open.set(self.open());
    }

    pub(super) fn metrics(&self) -> &Metrics {
        self.feeds.metrics()
    }

    /// How many sessions are open, without those that were turned away.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

/// The place of one session among the most that there may be, which is free again once this is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Place {
    /// Takes a place, if there are fewer than so many. In one step: sockets of several threads come at once.
    pub(super) fn take(open: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let one_more = |count| (count < most).then_some(count + 1);
        let taken = open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Self(Arc::clone(open)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a browser asks for with its upgrade.
#[derive(Clone, Copy, Debug)]
pub struct JoinRequest {
    /// The drawing.
    pub drawing: DrawingId,
    /// What its link allows.
    pub access: Access,
    /// The last position the page holds.
    pub since: Seq,
    /// The epoch it belongs to.
    pub epoch: Option<Epoch>,
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn sockets_that_come_at_once_take_no_place_twice() {
        const THREADS: usize = 4;
        let open = Arc::default();
        for _ in 0..2_000 {
            let barrier = Barrier::new(THREADS);
            std::thread::scope(|scope| {
                let take = || {
                    barrier.wait();
                    let place = Place::take(&open, THREADS - 1);
                    let taken = place.is_some();
                    // Until all have tried.
                    barrier.wait();
                    taken
                };
                let threads = [(); THREADS].map(|()| scope.spawn(take));
                let taken = threads.map(|thread| thread.join().unwrap());
                assert_eq!(taken.iter().filter(|&&taken| taken).count(), THREADS - 1);
            });
            assert_eq!(open.load(Ordering::Relaxed), 0, "they are free again");
        }
    }
}
