//! The messages to a feed.

use tokio::sync::oneshot;

use super::chunks::ReadChunk;
use super::error::FeedError;
use super::standings::Entrance;
use crate::domain::ids::{Epoch, SessionId, Writer};
use crate::domain::op::Op;
use crate::domain::sequence::Seq;
use crate::protocol::{ClientSignal, Hello};

/// A message of a session to the feed of its drawing.
#[derive(Debug)]
pub enum FromSession<M> {
    /// What is answered once the feed has caught up with the database.
    Request(Request<M>),
    /// Ops of the client, for which capacity is reserved.
    Submit {
        /// The session.
        session: SessionId,
        /// The writer.
        writer: Writer,
        /// The ops, in order.
        ops: Vec<Op>,
    },
    /// A pointer, ink, a preview or a view.
    Signal {
        /// The session.
        session: SessionId,
        /// What others see of it.
        signal: ClientSignal,
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

/// A request that may have to wait until the feed has caught up with the database.
#[derive(Debug)]
pub enum Request<M> {
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
        /// What it may do.
        entrance: Entrance,
    },
    /// The client said who it is.
    Hello {
        /// The session.
        session: SessionId,
        /// Who it is, and its next op.
        hello: Hello,
    },
    /// The client showed another key or token.
    Renew {
        /// The session.
        session: SessionId,
        /// What it may do.
        entrance: Entrance,
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
    /// A reader over HTTP wants what it lacks.
    HttpRead(ReadRequest),
}

impl<M> Request<M> {
    /// The session that sent it, if one did.
    pub(super) fn session(&self) -> Option<SessionId> {
        match self {
            Request::Join { session, .. }
            | Request::Hello { session, .. }
            | Request::Renew { session, .. }
            | Request::Since { session, .. } => Some(*session),
            Request::HttpRead(_) => None,
        }
    }

    /// The position from which the answer begins; 0 needs no tombstones.
    pub(super) fn position(&self) -> Seq {
        match self {
            Request::Join { since, .. } | Request::Since { since, .. } => *since,
            Request::HttpRead(request) if request.since == 0 => 0,
            Request::HttpRead(request) => request.since.max(request.target.unwrap_or(0)),
            Request::Hello { .. } | Request::Renew { .. } => 0,
        }
    }

    /// What somebody was granted who comes in with this.
    pub(super) fn entrance(&self) -> Option<Entrance> {
        match self {
            Request::Join { entrance, .. } | Request::Renew { entrance, .. } => Some(*entrance),
            Request::Hello { .. } | Request::Since { .. } | Request::HttpRead(_) => None,
        }
    }

    /// Whether the requester has gone.
    pub(super) fn is_abandoned(&self) -> bool {
        matches!(self, Request::HttpRead(request) if request.answer.is_closed())
    }
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
