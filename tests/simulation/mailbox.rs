//! The mailbox of a simulated session: bounded as the real one is, and emptied when its client reads.
//!
//! It must never take more than its limits, except for what the real one takes past them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use bytestring::ByteString;
use whiteboard::feed::mailbox::{Acks, Mailbox, ToSession};

/// What waits for one session.
#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<ToSession>,
    bytes: usize,
    /// Acknowledgements that were delivered since the checks looked.
    acks: Vec<Acks>,
}

/// The mailbox of one session.
#[derive(Clone, Debug)]
pub struct SimMailbox {
    waiting: Rc<RefCell<Waiting>>,
    max_messages: usize,
    max_bytes: usize,
}

impl SimMailbox {
    /// An empty mailbox with these limits.
    pub fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self {
            waiting: Rc::default(),
            max_messages,
            max_bytes,
        }
    }

    /// The session takes the next message.
    pub fn take(&self) -> Option<ToSession> {
        let mut waiting = self.waiting.borrow_mut();
        let message = waiting.messages.pop_front()?;
        if let ToSession::Frame(frame) = &message {
            waiting.bytes -= frame.len();
        }
        Some(message)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.borrow().messages.is_empty()
    }

    /// The acknowledgements that were delivered since this was called last.
    pub fn new_acks(&self) -> Vec<Acks> {
        std::mem::take(&mut self.waiting.borrow_mut().acks)
    }

    /// Whether what waits is within the limits.
    pub fn is_bounded(&self) -> bool {
        let waiting = self.waiting.borrow();
        let frames = waiting.messages.iter();
        let frames = frames.filter(|message| matches!(message, ToSession::Frame(_)));
        waiting.bytes <= self.max_bytes || frames.count() <= 1
    }
}

impl Mailbox for SimMailbox {
    fn tell(&self, message: ToSession) {
        self.waiting.borrow_mut().messages.push_back(message);
    }

    fn has_room(&self) -> bool {
        self.waiting.borrow().messages.len() < self.max_messages
    }

    fn acks(&self, acks: Acks) -> Result<(), Acks> {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.messages.len() >= self.max_messages {
            return Err(acks);
        }
        waiting.acks.push(acks.clone());
        waiting.messages.push_back(ToSession::Acks(acks));
        Ok(())
    }

    fn frame(&self, frame: ByteString) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let fits = waiting.bytes == 0 || waiting.bytes + frame.len() <= self.max_bytes;
        if !fits || waiting.messages.len() >= self.max_messages {
            return false;
        }
        waiting.bytes += frame.len();
        waiting.messages.push_back(ToSession::Frame(frame));
        true
    }
}
