//! The mailbox of a session's actor.
//!
//! It must never hold more than its limits for a client that does not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::{Message, Recipient};
use bytestring::ByteString;

use super::mailbox::{Acks, Mailbox, ToSession};

impl Message for ToSession {
    type Result = ();
}

/// A session's mailbox, and how many bytes of frames wait in it.
#[derive(Clone, Debug)]
pub struct SessionMailbox {
    recipient: Recipient<ToSession>,
    queued: QueuedBytes,
    max_bytes: usize,
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

impl SessionMailbox {
    /// The mailbox of a session, which says to `queued` what it took. At most `max_bytes` of frames
    /// wait in it, unless a single one has more.
    pub fn new(recipient: Recipient<ToSession>, queued: QueuedBytes, max_bytes: usize) -> Self {
        Self {
            recipient,
            queued,
            max_bytes,
        }
    }
}

impl Mailbox for SessionMailbox {
    fn frame(&self, frame: ByteString) -> bool {
        let bytes = frame.len();
        let queued = self.queued.0.fetch_add(bytes, Ordering::Relaxed);
        let fits = queued == 0 || queued + bytes <= self.max_bytes;
        if fits && self.recipient.try_send(ToSession::Frame(frame)).is_ok() {
            return true;
        }
        self.queued.0.fetch_sub(bytes, Ordering::Relaxed);
        false
    }

    fn acks(&self, acks: Acks) -> Result<(), Acks> {
        match self.recipient.try_send(ToSession::Acks(acks)) {
            Ok(()) => Ok(()),
            Err(error) => match error.into_inner() {
                ToSession::Acks(acks) => Err(acks),
                _ => Ok(()),
            },
        }
    }

    fn tell(&self, message: ToSession) {
        self.recipient.do_send(message);
    }
}
