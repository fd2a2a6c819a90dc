//! Bounds the frames that reach a session, not who has access: one at a time, no faster than allowed, and
//! only a close frame once it closes.
//!
//! actix reads its stream until nothing is left before it delivers the first frame. So a poll must
//! never return more than the rest of one frame.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::{Sleep, sleep};

use super::scanner::{FrameKind, Scanner};
use crate::protocol::Close;

/// Bytes given to a session before other tasks have their turn.
const BYTES_A_TURN: usize = 64 * 1024;
/// A whole frame counts as this many bytes more: to parse it and to answer it takes longer than to read
/// it. Ops of a hundred sockets that may only view delayed the strokes of others twice as long without this.
const FRAME_BYTES: usize = 16 * 1024;
/// Bytes read and dropped from a closing socket while its close frame is awaited. Ending a
/// connection with bytes unread resets it, and the browser may never see the reason. A close frame
/// is queued behind whatever the client had in flight, which may be many ops if it was told to
/// reconnect. A smaller limit would save nothing, since the layers below read about as much ahead.
const BYTES_AFTER_CLOSE: usize = 64 * 1024;
/// A discarded frame counts as at least this many of them, in bytes: scanning floods of small frames, of
/// a hundred sockets that are closed at once, must not delay other sessions.
const MIN_DISCARDED: usize = 256;
/// How long frames may arrive faster than allowed without a pause before the socket is closed.
const FLOOD_LIMIT: Duration = Duration::from_secs(5);
/// Shortest wait for more frames, so that several are read together.
const PAUSE: Duration = Duration::from_millis(20);
/// Frames of this part of a second may arrive at once; those beyond it wait unread, for their rate. With
/// those of a whole second the first ones of a hundred sockets kept two processors busy for 250 ms.
const BURST_PART: u32 = 8;
/// A ping or a pong counts as this many frames: a client has reason for one in some seconds, and each
/// ping costs an answer. A hundred sockets that flooded pings made others' p99 four times as long.
const CONTROL_FRAMES: u32 = 16;

/// What a session and its incoming stream share, to bound the frames between them: it is not about access.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate(Rc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    closing: Cell<bool>,
    violation: RefCell<Option<Close>>,
}

impl Gate {
    /// From now on only the close frame matters.
    pub(super) fn close(&self) {
        self.0.closing.set(true);
    }

    /// Why the stream ended with an error, if the client violated the protocol.
    pub(super) fn violation(&self) -> Option<Close> {
        self.0.violation.take()
    }

    /// Whether the session closes.
    pub(super) fn is_closing(&self) -> bool {
        self.0.closing.get()
    }
}

/// The bytes of a socket, in pieces that end where a frame ends.
pub(super) struct Guard<S> {
    bytes: S,
    gate: Gate,
    scanner: Scanner,
    /// Read and not returned yet.
    chunk: Bytes,
    frames: Frames,
    /// Bytes returned in this turn.
    given: usize,
    /// Bytes read since the session began to close.
    discarded: usize,
    /// A whole frame was returned: the session handles it before the next one.
    whole: bool,
    /// The stream has ended.
    over: bool,
}

impl<S> Guard<S> {
    /// Guards a stream, with a limit of frames per second.
    pub(super) fn new(bytes: S, gate: Gate, frames_per_second: NonZeroU32) -> Self {
        Self {
            bytes,
            gate,
            scanner: Scanner::default(),
            chunk: Bytes::new(),
            frames: Frames::new(frames_per_second),
            given: 0,
            discarded: 0,
            whole: false,
            over: false,
        }
    }
}

impl<S> Stream for Guard<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        if this.gate.is_closing() {
            ready!(this.discard(cx));
            this.over = true;
            return Poll::Ready(None);
        }
        if std::mem::take(&mut this.whole) {
            // The caller polls again once it has taken the frame: no wake-up is needed.
            return Poll::Pending;
        }
        if this.given >= BYTES_A_TURN {
            this.given = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match this.frames.poll_allowed(cx) {
            Poll::Pending => {
                this.given = 0;
                return Poll::Pending;
            }
            Poll::Ready(Err(close)) => return this.violated(close),
            Poll::Ready(Ok(())) => {}
        }
        if this.chunk.is_empty() {
            match Pin::new(&mut this.bytes).poll_next(cx) {
                Poll::Pending => {
                    this.given = 0;
                    this.frames.caught_up();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(chunk))) => this.chunk = chunk,
                Poll::Ready(end) => {
                    this.over = true;
                    return Poll::Ready(end);
                }
            }
        }
        let scanned = match this.scanner.scan(&this.chunk) {
            Ok(scanned) => scanned,
            Err(violation) => return this.violated(violation.into()),
        };
        let piece = this.chunk.split_to(scanned.taken);
        this.given += piece.len();
        if let Some(kind) = scanned.ended {
            this.whole = true;
            this.given += FRAME_BYTES;
            this.frames.count(kind);
        }
        Poll::Ready(Some(Ok(piece)))
    }
}

impl<S> Guard<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    fn violated<T>(&mut self, close: Close) -> Poll<Option<Result<T, PayloadError>>> {
        self.over = true;
        self.chunk = Bytes::new();
        self.gate.0.violation.replace(Some(close));
        Poll::Ready(Some(Err(PayloadError::Overflow)))
    }

    /// Reads until the client's close frame, or until that cannot be found any more.
    fn discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            while !self.chunk.is_empty() && self.discarded < BYTES_AFTER_CLOSE {
                match self.scanner.scan(&self.chunk) {
                    Ok(scanned) if scanned.ended == Some(FrameKind::Close) => {
                        return Poll::Ready(());
                    }
                    Ok(scanned) => {
                        self.discarded += scanned.taken.max(MIN_DISCARDED);
                        drop(self.chunk.split_to(scanned.taken));
                    }
                    Err(_) => return Poll::Ready(()),
                }
            }
            if self.discarded >= BYTES_AFTER_CLOSE {
                // The session has its own timeout.
                return Poll::Pending;
            }
            match ready!(Pin::new(&mut self.bytes).poll_next(cx)) {
                Some(Ok(chunk)) => self.chunk = chunk,
                _ => return Poll::Ready(()),
            }
        }
    }
}

/// Rate limit of frames: those beyond it stay unread.
struct Frames {
    limit: DefaultDirectRateLimiter,
    /// Frames by which the last returned one still has to be counted.
    uncounted: u32,
    /// Since when more frames have always been waiting than allowed.
    behind: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Frames {
    fn new(per_second: NonZeroU32) -> Self {
        let burst = NonZeroU32::new(per_second.get() / BURST_PART).unwrap_or(NonZeroU32::MIN);
        Self {
            limit: RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst)),
            uncounted: 0,
            behind: None,
            timer: None,
        }
    }

    fn count(&mut self, kind: FrameKind) {
        self.uncounted = match kind {
            FrameKind::Control => CONTROL_FRAMES,
            FrameKind::Data | FrameKind::Close => 1,
        };
    }

    /// Everything that arrived is read.
    fn caught_up(&mut self) {
        self.behind = None;
    }

    /// Waits until one more frame is allowed; an error if frames waited without a pause for too
    /// long.
    fn poll_allowed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Close>> {
        while self.uncounted > 0 {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                self.timer = None;
            }
            let Err(until) = self.limit.check() else {
                self.uncounted -= 1;
                continue;
            };
            let behind = self.behind.get_or_insert_with(Instant::now);
            if behind.elapsed() > FLOOD_LIMIT {
                let reason = "too many frames";
                return Poll::Ready(Err(Close::Malformed(reason.into())));
            }
            let wait = until.wait_time_from(DefaultClock::default().now());
            self.timer = Some(Box::pin(sleep(wait.max(PAUSE))));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
