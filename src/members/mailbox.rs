//! The way from a feed to one session.
//!
//! It must never hold more than its limits for a browser that does not read.

use std::cell::Cell;
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
    Answers(Answers),
    /// The socket is to be closed.
    Close(Close),
    /// The feed is gone without a reason: join again.
    Lost,
}

/// The way to a session: its mailbox, and how many bytes of frames wait in it.
#[derive(Clone, Debug)]
pub struct Mailbox {
    recipient: Recipient<ToSession>,
    unread: Unread,
    most: usize,
    /// What found no room last.
    refused: Cell<Option<Refused>>,
}

/// What was sent to a session and not taken by it.
#[derive(Clone, Debug, Default)]
pub struct Unread(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Bytes of frames that wait.
    bytes: AtomicUsize,
    /// Messages that the session took, ever.
    taken: AtomicUsize,
}

impl Unread {
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

/// A message that found no room.
#[derive(Clone, Copy, Debug)]
struct Refused {
    bytes: usize,
    /// How many messages had been taken before.
    taken: usize,
}

impl Mailbox {
    /// The mailbox of a session, which says to `unread` what it took. At most so many bytes of frames
    /// wait in it, unless a single one has more.
    pub fn new(recipient: Recipient<ToSession>, unread: Unread, most: usize) -> Self {
        Self {
            recipient,
            unread,
            most,
            refused: Cell::new(None),
        }
    }

    /// Whether it is worth to make a frame: what found no room last would find it now, as far as can be
    /// told. It has none as long as its session takes nothing.
    pub(super) fn has_room(&self) -> bool {
        self.refused.get().is_none_or(|refused| {
            self.unread.taken() != refused.taken
                && self.fits(self.unread.0.bytes.load(Ordering::Relaxed), refused.bytes)
        })
    }

    fn fits(&self, unread: usize, bytes: usize) -> bool {
        unread == 0 || unread + bytes <= self.most
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
    pub(super) fn answers(&self, answers: Answers) -> Result<(), Answers> {
        let taken = self.unread.taken();
        match self.recipient.try_send(ToSession::Answers(answers)) {
            Ok(()) => Ok(()),
            Err(error) => match error.into_inner() {
                ToSession::Answers(answers) => {
                    self.refused.set(Some(Refused { bytes: 0, taken }));
                    Err(answers)
                }
                _ => Ok(()),
            },
        }
    }

    /// Sends a frame, if there is room; says whether there was.
    pub(super) fn frame(&self, frame: ByteString) -> bool {
        let bytes = frame.len();
        // Asked before it is tried: what is taken meanwhile is room that is not overlooked later.
        let taken = self.unread.taken();
        let unread = self.unread.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.fits(unread, bytes) && self.recipient.try_send(ToSession::Frame(frame)).is_ok() {
            self.refused.set(None);
            return true;
        }
        self.unread.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.refused.set(Some(Refused { bytes, taken }));
        false
    }
}

/// What came of ops of one session.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The refusals among them, as frames, in order.
    pub refusals: Vec<ByteString>,
    /// How many ops were decided.
    pub ops: usize,
    /// The number of the last: every op up to it is decided.
    pub upto: u64,
}
