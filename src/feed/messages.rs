//! What a feed is told and asked.

use actix::prelude::*;
use tokio::sync::oneshot;

use super::chunks::ReadChunk;
use super::error::FeedError;
use super::mailbox::Mailbox;
use crate::domain::access::Access;
use crate::domain::ids::Epoch;
use crate::domain::ids::{SessionId, Writer};
use crate::domain::op::Op;
use crate::domain::sequence::Seq;
use crate::protocol::{Hello, PageSignal};
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
        /// The epoch that position belongs to.
        epoch: Option<Epoch>,
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
        /// The epoch it belongs to.
        epoch: Epoch,
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

/// Asks for the changes after `since`; with a `target`, as the next chunk of a first load.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Read {
    pub since: Seq,
    pub epoch: Option<Epoch>,
    pub target: Option<Seq>,
    pub answer: oneshot::Sender<Result<ReadChunk, FeedError>>,
}

/// What the database says of this drawing: nothing, if it is swept away.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct HeadReport(pub Option<Head>);

/// The server goes: close the sessions, finish what is queued, and stop.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Drain {
    pub finished: oneshot::Sender<()>,
}

/// The server goes, and waits no longer: close the sessions and stop.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ForceClose;

/// Append what has gathered.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Append;

/// Send what is new.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Flush;

/// Stop, after all that was sent before.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Stop;
