//! What all sessions of one server share, and their limits.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::access::AccessControl;
use crate::domain::ids::{DrawingId, Epoch};
use crate::domain::key::KeyId;
use crate::domain::sequence::Seq;
use crate::feed::registry::Feeds;
use crate::feed::standings::Entrance;
use crate::metrics::{Exhausted, Metrics};
use crate::protocol::{Close, Hello};
use crate::quotas::{Place, Quotas, Subject, Visit};

/// Delay before a client retries after a refusal for load.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Cost of the first op of a frame in the rate of ops, in parts; each further op of the frame costs one
/// part. So an edit of many strokes, which arrives in full frames, costs little: a burst at the default
/// rate has room for four edits of 10,000 strokes, and a session that sends only full frames is limited
/// to some 2,400 ops a second. At 46 µs for an op that draws among 500 and 139 µs for one that edits,
/// that is at most a third of a core.
pub const FIRST_OP_PARTS: NonZeroU32 = NonZeroU32::new(25).unwrap();
/// Most requests for changes per second; a working client sends a few. Beyond it the session is
/// closed.
pub(super) const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// The limits of a session.
#[derive(Clone, Debug)]
pub struct SessionLimits {
    /// Interval of the pings to a client.
    pub ping_interval: Duration,
    /// A client that sends nothing for this long is disconnected.
    pub session_timeout: Duration,
    /// A client that was not let in and sends no hello for this long is disconnected.
    pub hello_wait: Duration,
    /// Sustained rate of frames with one op each, per second; ops that share a frame cost less.
    pub ops_per_second: NonZeroU32,
    /// Such frames accepted at once after a pause.
    pub ops_burst: NonZeroU32,
    /// Sustained rate of signals, per second; more are dropped.
    pub signals_per_second: NonZeroU32,
    /// Most sessions of this server.
    pub max_sessions: usize,
    /// Most unacknowledged ops of one session; later ones are refused for load.
    pub max_unacked_ops: usize,
    /// Most bytes of frames queued for a client that does not read.
    pub send_buffer_bytes: usize,
    /// Most frames queued for a session; beyond it the client counts as slow.
    pub send_buffer_frames: usize,
}

impl SessionLimits {
    /// Frames per second that a client has reason to send, each with one op, signal or request.
    pub(super) fn frames_per_second(&self) -> NonZeroU32 {
        let signals = self.signals_per_second.get();
        let requests = REQUESTS_PER_SECOND.get();
        self.ops_per_second
            .saturating_add(signals.saturating_add(requests))
    }
}

/// Whether a session was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    /// It has to show something first.
    No,
    /// What it shows is looked up.
    Pending,
    /// It was.
    Yes,
}

/// What all sessions of a server share.
pub struct Sessions {
    pub(super) feeds: Feeds,
    pub(super) limits: SessionLimits,
    pub(super) access: Arc<AccessControl>,
    pub(super) quotas: Arc<Quotas>,
    pub(super) open: Arc<AtomicUsize>,
    pub(super) opened: AtomicU64,
}

impl Sessions {
    /// No sessions.
    pub fn new(
        feeds: Feeds,
        limits: SessionLimits,
        access: Arc<AccessControl>,
        quotas: Arc<Quotas>,
    ) -> Self {
        Self {
            feeds,
            limits,
            access,
            quotas,
            open: Arc::default(),
            opened: AtomicU64::new(0),
        }
    }

    /// Updates the gauges that are measured only on request.
    pub fn update_gauges(&self) {
        self.metrics().sessions_open.set(self.open());
    }

    pub(super) fn metrics(&self) -> &Metrics {
        self.feeds.metrics()
    }

    /// Number of open sessions, excluding rejected ones.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

/// What a session takes of its server while it lasts.
#[derive(Debug)]
pub(super) struct Stay {
    _slot: Slot,
    _place: Place,
    /// Its place among the sessions of a key; `None` until one granted its access.
    key: Option<(KeyId, Place)>,
    /// What it uses counts here.
    pub(super) visit: Visit,
}

impl Sessions {
    /// Admits a session within the limits.
    pub(super) fn admit(&self, subject: &Subject) -> Result<Stay, Close> {
        let slot = Slot::take(&self.open, self.limits.max_sessions);
        let slot = slot.ok_or_else(|| Close::TooMany("too many sessions".to_owned()))?;
        let visit = self.quotas.visit(subject);
        let place = visit.enter().map_err(|exceeded| {
            self.metrics().quotas_exceeded.count(Exhausted::Sessions);
            Close::TooMany(exceeded.to_string())
        })?;
        Ok(Stay {
            _slot: slot,
            _place: place,
            key: None,
            visit,
        })
    }

    /// From now on, what the session uses counts for the key of its subject too, and no longer for another.
    pub(super) fn count_for(&self, stay: &mut Stay, subject: &Subject) -> Result<(), Close> {
        if stay.key.as_ref().map(|(key, _)| *key) == subject.key {
            return Ok(());
        }
        let visit = self.quotas.visit(subject);
        let place = visit.enter_key().map_err(|exceeded| {
            self.metrics().quotas_exceeded.count(Exhausted::Sessions);
            Close::TooMany(exceeded.to_string())
        })?;
        stay.key = subject.key.map(|key| (key, place));
        stay.visit = visit;
        Ok(())
    }
}

/// The slot of one session within the limit, freed on drop.
#[derive(Debug)]
pub(super) struct Slot(Arc<AtomicUsize>);

impl Slot {
    /// Takes a slot unless `max` are taken. Atomic, because sockets arrive on several threads.
    pub(super) fn take(open: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let one_more = |count| (count < max).then_some(count + 1);
        let taken = open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Self(Arc::clone(open)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The parameters of an upgrade request.
#[derive(Clone, Debug)]
pub struct JoinRequest {
    /// The drawing.
    pub drawing: DrawingId,
    /// What the client may do, unless it has to show something first.
    pub entrance: Option<Entrance>,
    /// The last position the client holds.
    pub since: Seq,
    /// The epoch of that position.
    pub epoch: Option<Epoch>,
    /// Whom it counts for; the key is that of its entrance.
    pub subject: Subject,
    /// The name of the person who signed in at a proxy: it replaces the one that the page gives.
    pub person: Option<String>,
}

impl JoinRequest {
    /// The client was let in; it counts for the key that did it.
    pub(super) fn enter(&mut self, entrance: Entrance) {
        self.entrance = Some(entrance);
        self.subject.key = entrance.access.key();
    }

    /// Gives a hello the name that a proxy knows.
    pub(super) fn name(&self, hello: &mut Hello) {
        if let (Some(person), Some((name, _))) = (&self.person, &mut hello.seen_as) {
            name.clone_from(person);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn sockets_that_come_at_once_take_no_slot_twice() {
        const THREADS: usize = 4;
        let open = Arc::default();
        for _ in 0..2_000 {
            let barrier = Barrier::new(THREADS);
            std::thread::scope(|scope| {
                let take = || {
                    barrier.wait();
                    let slot = Slot::take(&open, THREADS - 1);
                    let taken = slot.is_some();
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
