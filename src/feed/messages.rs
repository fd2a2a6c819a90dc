//! What a feed is told and asked.

use tokio::sync::oneshot;

use super::chunks::ReadChunk;
use super::error::FeedError;
use crate::domain::access::Access;
use crate::domain::ids::Epoch;
use crate::domain::ids::{SessionId, Writer};
use crate::domain::op::Op;
use crate::domain::sequence::Seq;
use crate::protocol::{Hello, ClientSignal};

/// What a session tells the feed of its drawing.
#[derive(Debug)]
pub enum FromSession<M> {
    /// A session is there.
    Join {
        /// Its id.
        session: SessionId,
        /// Where to reach it.
        mailbox: M,
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
        signal: ClientSignal,
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

/// A read over HTTP.
#[derive(Debug)]
pub struct ReadRequest {
    /// The last position that the reader holds.
    pub since: Seq,
    /// The epoch it belongs to.
    pub epoch: Option<Epoch>,
    /// Of a first load in several chunks: the head when it began.
    pub target: Option<Seq>,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<ReadChunk, FeedError>>,
}
