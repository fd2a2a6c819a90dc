//! What goes into a session: frame by frame, no more at a time than it can take, and nothing once it closes.
//!
//! The stream behind it reads until there is nothing left before it hands the first frame on. So
//! there must never be more to be read here than the rest of one frame.

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
use governor::clock::{Clock, QuantaClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::{Sleep, sleep};

use super::scanner::{FrameKind, Scanner};
use crate::protocol::Close;

/// Bytes that a session is given before others have their turn.
const BYTES_A_TURN: usize = 64 * 1024;
/// Bytes that are read of a socket that is closing, and thrown away, in which its goodbye is looked for.
/// To end a connection with bytes unread resets it, and its browser may never see the reason. It is more
/// than a goodbye has, which stands behind what was under way when the page heard of the end: a page
/// that is told to come back may have sent many ops. Less would save nothing either, since what lies
/// below reads about as much ahead of this.
const BYTES_AFTER_CLOSE: usize = 64 * 1024;
/// How long frames may come faster than they are read, without a pause, until the socket is closed.
const FLOOD_LIMIT: Duration = Duration::from_secs(5);
/// Shortest wait for more frames: several of them are read in one turn then.
const PAUSE: Duration = Duration::from_millis(20);

/// What a session and the stream into it tell each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate(Rc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    closing: Cell<bool>,
    violation: RefCell<Option<Close>>,
}

impl Gate {
    /// From now on nothing of the socket matters but its goodbye.
    pub(super) fn close(&self) {
        self.0.closing.set(true);
    }

    /// Why the stream ended with an error, if the socket did what is not allowed.
    pub(super) fn violation(&self) -> Option<Close> {
        self.0.violation.take()
    }

    fn is_closing(&self) -> bool {
        self.0.closing.get()
    }
}

/// The bytes of a socket, in pieces that end where a frame ends.
pub(super) struct Guard<S> {
    bytes: S,
    gate: Gate,
    scanner: Scanner,
    /// What was read and not handed on.
    chunk: Bytes,
    frames: Frames,
    /// Handed on in this turn.
    given: usize,
    /// Read since the session closes.
    discarded: usize,
    /// A whole frame was handed on, which is to be taken out before the next one.
    whole: bool,
    /// Nothing comes any more.
    over: bool,
}

impl<S> Guard<S> {
    /// Guards these bytes, with so many frames a second, and so many at once.
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
            // Who polls looks for a frame now, and comes back once it has it: no wake is needed.
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
        if scanned.ended.is_some() {
            this.whole = true;
            this.frames.count();
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

    /// Reads until the other side says goodbye too, or it cannot be found any more.
    fn discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            while !self.chunk.is_empty() {
                match self.scanner.scan(&self.chunk) {
                    Ok(scanned) if scanned.ended == Some(FrameKind::Close) => {
                        return Poll::Ready(());
                    }
                    Ok(scanned) => drop(self.chunk.split_to(scanned.taken)),
                    Err(_) => return Poll::Ready(()),
                }
            }
            if self.discarded >= BYTES_AFTER_CLOSE {
                // The session ends by its own clock.
                return Poll::Pending;
            }
            match ready!(Pin::new(&mut self.bytes).poll_next(cx)) {
                Some(Ok(chunk)) => {
                    self.discarded += chunk.len();
                    self.chunk = chunk;
                }
                _ => return Poll::Ready(()),
            }
        }
    }
}

/// How many frames a second are taken: those over it wait where they are, unread.
struct Frames {
    limit: DefaultDirectRateLimiter,
    /// A frame was handed on that is not counted yet.
    uncounted: bool,
    /// Since when there is always more to be read than is allowed.
    behind: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Frames {
    fn new(per_second: NonZeroU32) -> Self {
        Self {
            limit: RateLimiter::direct(Quota::per_second(per_second)),
            uncounted: false,
            behind: None,
            timer: None,
        }
    }

    fn count(&mut self) {
        self.uncounted = true;
    }

    /// Everything that came is read.
    fn caught_up(&mut self) {
        self.behind = None;
    }

    /// Waits until one more frame is allowed, or says that it went on for too long.
    fn poll_allowed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Close>> {
        while self.uncounted {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                self.timer = None;
            }
            let Err(until) = self.limit.check() else {
                self.uncounted = false;
                break;
            };
            let behind = self.behind.get_or_insert_with(Instant::now);
            if behind.elapsed() > FLOOD_LIMIT {
                let reason = "too many frames";
                return Poll::Ready(Err(Close::Malformed(reason.into())));
            }
            let wait = until.wait_time_from(QuantaClock::default().now());
            self.timer = Some(Box::pin(sleep(wait.max(PAUSE))));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
