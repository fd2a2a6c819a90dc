//! The byte stream of one connection, with a rate limit and an idle timeout.
//!
//! No other layer detects a peer that stops reading: actix does not poll a body or a session while
//! nothing can be written.

use std::cell::RefCell;
use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use super::budget::Budget;
use super::limits::Slot;
use super::{Connection, ConnectionSettings};
use crate::session::SharedStream;

/// A connection with its limits.
#[derive(Debug)]
pub struct Watched {
    stream: SharedStream,
    connection: Connection,
    budget: Budget,
    progress_limit: Duration,
    /// Since when the peer has not read what is to be written.
    blocked: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    _slot: Slot,
}

impl Watched {
    /// Wraps a connection that has a slot.
    pub fn new(stream: TcpStream, slot: Slot, settings: ConnectionSettings) -> Self {
        Self {
            stream: Rc::new(RefCell::new(stream)),
            connection: Connection::new(),
            budget: Budget::new(settings.bytes_per_second, Instant::now()),
            progress_limit: settings.progress_limit,
            blocked: None,
            timer: None,
            _slot: slot,
        }
    }

    /// The state that its requests share.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The stream itself, for what has no limit: to write what can be written at once.
    pub fn shared(&self) -> SharedStream {
        self.stream.clone()
    }

    /// Ends the connection if its deadline has passed, and otherwise polls again then.
    fn check(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let Some(end) = self.connection.end(self.blocked, self.progress_limit) else {
            return Ok(());
        };
        if Instant::now() < end {
            self.wake_at(end, cx);
            return Ok(());
        }
        if self.blocked.is_some() {
            // Drops unread output as well, which the system would keep for minutes. If that option
            // cannot be set, the connection ends nevertheless.
            let _ = self.stream.borrow().set_zero_linger();
        }
        Err(Error::new(ErrorKind::TimedOut, "nothing moves"))
    }

    /// Wakes the polling task at this time or earlier.
    fn wake_at(&mut self, at: Instant, cx: &mut Context<'_>) {
        let at = at.into();
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        // An earlier wake-up costs less than resetting the timer each time.
        if timer.is_elapsed() || timer.deadline() > at {
            timer.as_mut().reset(at);
        }
        if timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        this.check(cx)?;
        let now = Instant::now();
        if let Err(wait) = this.budget.check(now) {
            this.wake_at(now + wait, cx);
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut *this.stream.borrow_mut()).poll_read(cx, buffer);
        this.budget.spend(buffer.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut *this.stream.borrow_mut()).poll_write(cx, bytes);
        if polled.is_pending() {
            this.blocked.get_or_insert_with(Instant::now);
        } else {
            this.blocked = None;
            this.connection.progressed();
        }
        this.check(cx)?;
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.stream.borrow_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut *self.stream.borrow_mut()).poll_shutdown(cx)
    }
}
