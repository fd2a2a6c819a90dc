//! A session's mailbox that keeps what it is sent.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytestring::ByteString;
use serde_json::Value;

use crate::feed::mailbox::{Acks, Mailbox, ToSession};

pub fn json(frame: &str) -> Value {
    serde_json::from_str(frame).unwrap()
}

/// What a session was sent.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    messages: Rc<RefCell<Vec<ToSession>>>,
    pub is_full: Rc<Cell<bool>>,
    /// If it is set, so many frames fit, and then it is full.
    pub room: Rc<Cell<Option<usize>>>,
}

impl Inbox {
    pub fn take(&self) -> Vec<ToSession> {
        self.messages.take()
    }

    /// What arrived since the last call, by the types of its frames.
    pub fn names(&self) -> Vec<String> {
        let name = |message| match message {
            ToSession::Frame(frame) => json(&frame)["type"].as_str().unwrap().to_owned(),
            ToSession::Welcome { .. } => "welcome".into(),
            ToSession::Acks(acks) => format!("acks {}", acks.acked_through),
            ToSession::Close(close) => format!("close {}", close.code()),
            ToSession::Rejoin => "rejoin".into(),
        };
        self.take().into_iter().map(name).collect()
    }

    /// The frames of this type that arrived since the last call.
    pub fn frames(&self, name: &str) -> Vec<Value> {
        let frame = |message| match message {
            ToSession::Frame(frame) => Some(json(&frame)),
            _ => None,
        };
        let frames = self.take().into_iter().filter_map(frame);
        frames.filter(|frame| frame["type"] == name).collect()
    }

    /// The acknowledgements that arrived since the last call.
    pub fn acknowledged(&self) -> Vec<Acks> {
        let acks = |message| match message {
            ToSession::Acks(acks) => Some(acks),
            _ => None,
        };
        self.take().into_iter().filter_map(acks).collect()
    }
}

impl Mailbox for Inbox {
    fn frame(&self, frame: ByteString) -> bool {
        let has_room = self.has_room();
        if has_room {
            self.tell(ToSession::Frame(frame));
            self.room.set(self.room.get().map(|room| room - 1));
            self.is_full.set(self.room.get() == Some(0));
        }
        has_room
    }

    fn has_room(&self) -> bool {
        !self.is_full.get()
    }

    fn acks(&self, acks: Acks) -> Result<(), Acks> {
        if !self.has_room() {
            return Err(acks);
        }
        self.tell(ToSession::Acks(acks));
        Ok(())
    }

    fn tell(&self, message: ToSession) {
        self.messages.borrow_mut().push(message);
    }
}
