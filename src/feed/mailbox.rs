//! The way from a feed to one session.
//!
//! It must never hold more than its limits for a browser that does not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::{Message, Recipient};
use bytestring::ByteString;

use crate::protocol::Close;

/// What a feed tells a session.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub enum ToSession {
    /// A frame for the browser.
    Frame(ByteString),
    /// The answer to `hello`: the frame, and the number of the op that is taken next.
    Welcome {
        /// The `welcome` frame.
        frame: ByteString,
        /// The next op's number.
        next: u64,
    },
    /// Some of its ops are decided.
    Acks(Acks),
    /// The socket is to be closed.
    Close(Close),
    /// The feed is gone without a reason: join again.
    Rejoin,
}

/// The way to a session: its mailbox, and how many bytes of frames wait in it.
#[derive(Clone, Debug)]
pub struct Mailbox {
    recipient: Recipient<ToSession>,
    queued: QueuedBytes,
    most: usize,
}

/// Bytes of frames that were sent to a session and not taken by it.
#[derive(Clone, Debug, Default)]
pub struct QueuedBytes(Arc<AtomicUsize>);

impl QueuedBytes {
    /// The session took a frame.
    pub fn took(&self, frame: &ByteString) {
        self.0.fetch_sub(frame.len(), Ordering::Relaxed);
    }
}

impl Mailbox {
    /// The mailbox of a session, which says to `queued` what it took. At most so many bytes of frames
    /// wait in it, unless a single one has more.
    pub fn new(recipient: Recipient<ToSession>, queued: QueuedBytes, most: usize) -> Self {
        Self {
            recipient,
            queued,
            most,
        }
    }

    /// Closes the session. Past the mailbox's limit: its last message.
    pub fn close(&self, close: Close) {
        self.tell(ToSession::Close(close));
    }

    /// Sends what is said once in its time, past the mailbox's limit.
    pub(super) fn tell(&self, message: ToSession) {
        self.recipient.do_send(message);
    }

    /// Sends answers, or gives them back if there is no room.
    pub(super) fn acks(&self, acks: Acks) -> Result<(), Acks> {
        match self.recipient.try_send(ToSession::Acks(acks)) {
            Ok(()) => Ok(()),
            Err(error) => match error.into_inner() {
                ToSession::Acks(acks) => Err(acks),
                _ => Ok(()),
            },
        }
    }

    /// Sends a frame, if there is room; says whether there was.
    pub(super) fn frame(&self, frame: ByteString) -> bool {
        let bytes = frame.len();
        let queued = self.queued.0.fetch_add(bytes, Ordering::Relaxed);
        let fits = queued == 0 || queued + bytes <= self.most;
        if fits && self.recipient.try_send(ToSession::Frame(frame)).is_ok() {
            return true;
        }
        self.queued.0.fetch_sub(bytes, Ordering::Relaxed);
        false
    }
}

/// What came of ops of one session.
#[derive(Clone, Debug, Default)]
pub struct Acks {
    /// The refusals among them, as frames, in order.
    pub refusals: Vec<ByteString>,
    /// How many ops were decided.
    pub ops: usize,
    /// The number of the last: every op up to it is decided.
    pub acked_through: u64,
}
