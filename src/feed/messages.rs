//! The messages to a feed.

use tokio::sync::oneshot;

use super::chunks::ReadChunk;
use super::error::FeedError;
use crate::domain::access::Access;
use crate::domain::ids::Epoch;
use crate::domain::ids::{SessionId, Writer};
use crate::domain::op::Op;
use crate::domain::sequence::Seq;
use crate::protocol::{ClientSignal, Hello};

/// A message of a session to the feed of its drawing.
#[derive(Debug)]
pub enum FromSession<M> {
    /// The session joins.
    Join {
        /// The session.
        session: SessionId,
        /// The session's mailbox.
        mailbox: M,
        /// The last position the client holds.
        since: Seq,
        /// The epoch that position belongs to.
        epoch: Option<Epoch>,
    },
    /// The client said who it is.
    Hello {
        /// The session.
        session: SessionId,
        /// The writer.
        hello: Hello,
        /// The access of its link.
        access: Access,
    },
    /// Ops of the client, for which capacity is reserved.
    Submit {
        /// The session.
        session: SessionId,
        /// The writer.
        writer: Writer,
        /// The ops, in order.
        ops: Vec<Op>,
    },
    /// A pointer, ink or a view.
    Signal {
        /// The session.
        session: SessionId,
        /// The pointer, the ink and the view.
        signal: ClientSignal,
    },
    /// The client holds everything up to `since`: send the later changes.
    Since {
        /// The session.
        session: SessionId,
        /// The last position the client holds.
        since: Seq,
        /// The epoch it belongs to.
        epoch: Epoch,
    },
    /// The client missed a presence change: send the whole list.
    People {
        /// The session.
        session: SessionId,
    },
    /// The session ended.
    Leave {
        /// The session.
        session: SessionId,
    },
}

/// A read over HTTP.
#[derive(Debug)]
pub struct ReadRequest {
    /// The last position the reader holds.
    pub since: Seq,
    /// The epoch it belongs to.
    pub epoch: Option<Epoch>,
    /// In a first load of several chunks, the head at its start.
    pub target: Option<Seq>,
    /// Receives the answer.
    pub answer: oneshot::Sender<Result<ReadChunk, FeedError>>,
}
