//! The mailbox of a session's actor.
//!
//! It must never hold more than its limits for a client that does not read.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::{Message, Recipient};
use bytestring::ByteString;

use super::mailbox::{Acks, Mailbox, ToSession};

impl Message for ToSession {
    type Result = ();
}

/// A session's mailbox, and how many bytes of frames are queued in it.
#[derive(Clone, Debug)]
pub struct SessionMailbox {
    recipient: Recipient<ToSession>,
    queued: QueuedBytes,
    max_bytes: usize,
    /// The last message that did not fit.
    refused: Cell<Option<Refused>>,
}

/// The messages and bytes in a mailbox.
#[derive(Clone, Debug, Default)]
pub struct QueuedBytes(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Bytes of queued frames.
    bytes: AtomicUsize,
    /// Messages that the session has taken in total.
    taken: AtomicUsize,
}

impl QueuedBytes {
    /// The session took a message.
    pub fn took(&self, message: &ToSession) {
        if let ToSession::Frame(frame) = message {
            self.0.bytes.fetch_sub(frame.len(), Ordering::Relaxed);
        }
        self.0.taken.fetch_add(1, Ordering::Release);
    }

    fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Acquire)
    }
}

/// A message that did not fit.
#[derive(Clone, Copy, Debug)]
struct Refused {
    bytes: usize,
    /// The number of messages taken before.
    taken: usize,
}

impl SessionMailbox {
    /// The mailbox of a session, which reports to `queued` what it takes. At most `max_bytes` of
    /// frames are queued, unless a single one has more.
    pub fn new(recipient: Recipient<ToSession>, queued: QueuedBytes, max_bytes: usize) -> Self {
        Self {
            recipient,
            queued,
            max_bytes,
            refused: Cell::new(None),
        }
    }

    fn fits(&self, queued: usize, bytes: usize) -> bool {
        queued == 0 || queued + bytes <= self.max_bytes
    }
}

impl Mailbox for SessionMailbox {
    fn frame(&self, frame: ByteString) -> bool {
        let bytes = frame.len();
        // Read before the attempt, so that a message taken meanwhile counts as room later.
        let taken = self.queued.taken();
        let queued = self.queued.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.fits(queued, bytes) && self.recipient.try_send(ToSession::Frame(frame)).is_ok() {
            self.refused.set(None);
            return true;
        }
        self.queued.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.refused.set(Some(Refused { bytes, taken }));
        false
    }

    fn has_room(&self) -> bool {
        self.refused.get().is_none_or(|refused| {
            let queued = self.queued.0.bytes.load(Ordering::Relaxed);
            self.queued.taken() != refused.taken && self.fits(queued, refused.bytes)
        })
    }

    fn acks(&self, acks: Acks) -> Result<(), Acks> {
        let taken = self.queued.taken();
        match self.recipient.try_send(ToSession::Acks(acks)) {
            Ok(()) => Ok(()),
            Err(error) => match error.into_inner() {
                ToSession::Acks(acks) => {
                    self.refused.set(Some(Refused { bytes: 0, taken }));
                    Err(acks)
                }
                _ => Ok(()),
            },
        }
    }

    fn tell(&self, message: ToSession) {
        self.recipient.do_send(message);
    }
}
