//! What a feed is told and asked, and what it shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::prelude::*;
use tokio::sync::oneshot;

use super::FeedSettings;
use crate::drawing::Drawing;
use crate::members::Mailbox;
use crate::model::{Access, Change, Life, Op, Seq, Writer};
use crate::protocol::{Hello, PageSignal, push_changes};
use crate::queue::{Room, SessionId};
use crate::store::Head;

/// Largest page of an HTTP read, in bytes of bodies, unless a single change has more.
const MAX_READ_BYTES: usize = 1024 * 1024;

/// What a session tells the feed of its drawing.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum FromSession {
    /// A session is there.
    Join {
        /// Its id.
        session: SessionId,
        /// Where to reach it.
        mailbox: Mailbox,
        /// The last position its page holds.
        since: Seq,
        /// The life that position belongs to.
        life: Option<Life>,
    },
    /// It draws.
    Hello {
        /// Its id.
        session: SessionId,
        /// Who draws.
        hello: Hello,
        /// What its link allows.
        access: Access,
    },
    /// It wants something, for which it has reserved room.
    Submit {
        /// Its id.
        session: SessionId,
        /// Who draws.
        writer: Writer,
        /// The ops, in order.
        ops: Vec<Op>,
    },
    /// It tells what is seen and forgotten.
    Signal {
        /// Its id.
        session: SessionId,
        /// The pointer, the ink.
        signal: PageSignal,
    },
    /// Its page holds everything up to `since`: send what comes after.
    Since {
        /// Its id.
        session: SessionId,
        /// The position.
        since: Seq,
        /// The life it belongs to.
        life: Life,
    },
    /// Its page missed who is here: send all of it.
    People {
        /// Its id.
        session: SessionId,
    },
    /// It is gone.
    Leave {
        /// Its id.
        session: SessionId,
    },
}

/// A page of changes for HTTP.
#[derive(Debug)]
pub struct ReadPage {
    /// The drawing's life.
    pub life: Life,
    /// The page covers the positions after this one …
    pub from: Seq,
    /// … up to this one.
    pub head: Seq,
    /// Whether there is more after it.
    pub more: bool,
    /// The drawing's title.
    pub title: String,
    /// Whether the reader has to forget everything first.
    pub reset: bool,
    /// The changes, as the elements of a JSON array.
    pub changes: String,
}

/// Why a feed has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// No such drawing, or it is deleted.
    #[error("there is no such drawing")]
    NotFound,
    /// The database is away, or the server goes.
    #[error("the database cannot be reached just now")]
    Unavailable,
}

/// Asks for the changes after `since`.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Read {
    pub since: Seq,
    pub life: Option<Life>,
    pub answer: oneshot::Sender<Result<ReadPage, FeedError>>,
}

/// What the database says of this drawing: nothing, if it is swept away.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Told(pub Option<Head>);

/// The server goes: close the sessions, finish what is queued, and stop.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Drain {
    pub finished: oneshot::Sender<()>,
}

/// The server goes, and waits no longer: close the sessions and stop.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct GiveUp;

/// What a feed shares with its sessions: room for ops, and the head.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Room for ops.
    pub room: Room,
    pub(super) head: Arc<AtomicU64>,
}

impl Shared {
    pub(crate) fn new(settings: &FeedSettings) -> Self {
        Self {
            room: Room::new(settings.queue_ops, settings.queue_bytes),
            head: Arc::default(),
        }
    }

    /// The last position the feed holds.
    pub fn head(&self) -> Seq {
        self.head.load(Ordering::Relaxed)
    }
}

impl ReadPage {
    /// The changes after `from`, or as many of them as fit a page.
    pub(super) fn of(drawing: &Drawing, from: Seq, reset: bool, title: &str) -> Self {
        let mut bytes = 0;
        let mut head = drawing.head();
        let mut more = false;
        let mut page: Vec<&Change> = Vec::new();
        for change in drawing.since(from) {
            if bytes > 0 && bytes + change.bytes() > MAX_READ_BYTES {
                head = page.last().map_or(from, |last| last.seq);
                more = true;
                break;
            }
            bytes += change.bytes();
            page.push(change);
        }
        let mut changes = String::with_capacity(2 * bytes);
        push_changes(&mut changes, page);
        ReadPage {
            life: drawing.life(),
            from,
            head,
            more,
            title: title.to_owned(),
            reset,
            changes,
        }
    }
}
