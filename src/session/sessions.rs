//! All sessions of one server: what they share, and how a request becomes one of them.
//!
//! It must never leave a page without a word: who is turned away is told why by a close code.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws;

use super::guard::{Gate, Guard};
use super::{ASKS_PER_SECOND, RETRY, Session};
use crate::connection::Connection;
use crate::feeds::Feeds;
use crate::metrics::Metrics;
use crate::model::{Access, DrawingId, Life, Seq};
use crate::protocol::{Close, MAX_FRAME_BYTES, SUBPROTOCOL};

/// What a session obeys.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// A browser is pinged this often.
    pub heartbeat: Duration,
    /// A browser that says nothing for so long is gone.
    pub silence: Duration,
    /// Ops a second that a session takes in the long run.
    pub ops_per_second: NonZeroU32,
    /// Ops that it takes at once, after a pause.
    pub ops_burst: NonZeroU32,
    /// Signals a second; those over it are dropped.
    pub signals_per_second: NonZeroU32,
    /// Most sessions of this server.
    pub max_sessions: usize,
    /// Most ops of one session without an answer; those after them are refused for load.
    pub unanswered_ops: usize,
    /// Most bytes of frames that wait for a browser that does not read.
    pub unread_bytes: usize,
    /// Most messages of its feed that wait for a session; when there are more, its browser is not
    /// reading.
    pub unread_messages: usize,
}

impl SessionSettings {
    /// Frames that a socket has reason to send in a second, each with one op, one signal or one ask.
    fn frames_per_second(&self) -> NonZeroU32 {
        let signals = self.signals_per_second.get();
        let asks = ASKS_PER_SECOND.get();
        self.ops_per_second
            .saturating_add(signals.saturating_add(asks))
    }
}

/// What all sessions of a server share.
pub struct Sessions {
    pub(super) feeds: Feeds,
    pub(super) settings: SessionSettings,
    open: Arc<AtomicUsize>,
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
    pub fn measure(&self) {
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
    fn take(open: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
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
pub struct Joining {
    /// The drawing.
    pub drawing: DrawingId,
    /// What its link allows.
    pub access: Access,
    /// The last position the page holds.
    pub since: Seq,
    /// The life it belongs to.
    pub life: Option<Life>,
}

/// Turns a request into a session.
///
/// A socket that is refused is upgraded too, and closed with the code that says why: a page
/// cannot read the status of a handshake that failed.
///
/// # Errors
///
/// When the request is no WebSocket handshake.
pub fn upgrade(
    request: &HttpRequest,
    payload: web::Payload,
    joining: Result<Joining, Close>,
    sessions: &Arc<Sessions>,
) -> Result<HttpResponse, actix_web::Error> {
    let offered = request
        .headers()
        .get("Sec-WebSocket-Protocol")
        .and_then(|value| value.to_str().ok());
    let speaks =
        offered.is_some_and(|offered| offered.split(',').any(|one| one.trim() == SUBPROTOCOL));
    let joining = match joining {
        Ok(_) if !speaks => Err(Close::Malformed(format!(
            "speak the subprotocol {SUBPROTOCOL}"
        ))),
        Ok(_) if sessions.feeds.is_draining() => Err(Close::Restart { after: RETRY }),
        joining => joining,
    };
    // Who is turned away takes nobody's place.
    let joining = joining.and_then(|joining| {
        let place = Place::take(&sessions.open, sessions.settings.max_sessions);
        place.map(|place| (joining, place)).ok_or(Close::TooMany)
    });
    let gate = Gate::default();
    let frames = Guard::new(payload, gate.clone(), sessions.settings.frames_per_second());
    let session = Session::new(joining, sessions.clone(), gate);
    let response = ws::WsResponseBuilder::new(session, request, frames)
        .protocols(&[SUBPROTOCOL])
        .frame_size(MAX_FRAME_BYTES)
        .start()?;
    // Not before: after a handshake that failed it goes on as a connection for requests, which may
    // not be silent for ever.
    if let Some(connection) = Connection::of(request) {
        connection.is_socket_now();
    }
    Ok(response)
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
