//! What a feed is told and asked, and what it shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use actix::prelude::*;
use tokio::sync::{Semaphore, oneshot};

use super::{FeedSettings, ReadPage};
use crate::drawing::{Drawing, Size};
use crate::members::Mailbox;
use crate::model::{Access, Life, Op, Seq, Writer};
use crate::protocol::{Hello, PageSignal};
use crate::queue::{Room, SessionId};
use crate::store::Head;

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

/// Asks for the changes after `since`; with a `target`, as the next chunk of a first load.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Read {
    pub since: Seq,
    pub life: Option<Life>,
    pub target: Option<Seq>,
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

/// What a feed shares with its sessions and the registry: room for ops, the head, and how large the
/// drawing is in memory.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Room for ops.
    pub room: Room,
    /// KiB of chunks that all feeds of this server may keep.
    pub(super) chunk_room: Arc<Semaphore>,
    numbers: Arc<Numbers>,
}

#[derive(Debug, Default)]
struct Numbers {
    head: AtomicU64,
    living: AtomicSize,
    tombstones: AtomicSize,
}

#[derive(Debug, Default)]
struct AtomicSize {
    rows: AtomicUsize,
    bytes: AtomicUsize,
}

impl AtomicSize {
    fn set(&self, size: Size) {
        self.rows.store(size.rows, Ordering::Relaxed);
        self.bytes.store(size.bytes, Ordering::Relaxed);
    }

    fn get(&self) -> Size {
        Size {
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    pub(crate) fn new(settings: &FeedSettings, chunk_room: Arc<Semaphore>) -> Self {
        Self {
            room: Room::new(settings.queue_ops, settings.queue_bytes),
            chunk_room,
            numbers: Arc::default(),
        }
    }

    pub(super) fn note(&self, drawing: &Drawing) {
        self.numbers.head.store(drawing.head(), Ordering::Relaxed);
        let (living, tombstones) = drawing.sizes();
        self.numbers.living.set(living);
        self.numbers.tombstones.set(tombstones);
    }

    /// What the living strokes take in memory, and what the tombstones.
    pub(crate) fn sizes(&self) -> (Size, Size) {
        (self.numbers.living.get(), self.numbers.tombstones.get())
    }

    /// The last position the feed holds.
    pub fn head(&self) -> Seq {
        self.numbers.head.load(Ordering::Relaxed)
    }
}
