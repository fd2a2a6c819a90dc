//! Joins, hellos and reads that wait until the feed knows that it has caught up with the database.

use super::mailbox::Mailbox;
use super::messages::ReadRequest;
use crate::domain::access::Access;
use crate::domain::ids::{Epoch, SessionId};
use crate::domain::sequence::Seq;
use crate::protocol::Hello;

/// A request and its sender.
#[derive(Debug)]
pub(super) enum PendingRequest<M> {
    Join {
        session: SessionId,
        mailbox: M,
        since: Seq,
        epoch: Option<Epoch>,
    },
    Hello {
        session: SessionId,
        hello: Hello,
        access: Access,
    },
    Since {
        session: SessionId,
        since: Seq,
        epoch: Epoch,
    },
    Read(ReadRequest),
}

impl<M> PendingRequest<M> {
    /// The session that sent it, if one did.
    fn session(&self) -> Option<SessionId> {
        match self {
            PendingRequest::Join { session, .. }
            | PendingRequest::Hello { session, .. }
            | PendingRequest::Since { session, .. } => Some(*session),
            PendingRequest::Read(_) => None,
        }
    }

    /// The position after which tombstones are part of the answer, if any are.
    pub(super) fn position(&self) -> Seq {
        match self {
            PendingRequest::Join { since, .. } | PendingRequest::Since { since, .. } => *since,
            PendingRequest::Read(request) if request.since == 0 => 0,
            PendingRequest::Read(request) => request.since.max(request.target.unwrap_or(0)),
            PendingRequest::Hello { .. } => 0,
        }
    }

    /// Whether the requester has gone.
    fn is_abandoned(&self) -> bool {
        matches!(self, PendingRequest::Read(request) if request.answer.is_closed())
    }
}

/// The waiting requests.
#[derive(Debug)]
pub(super) struct Requests<M> {
    /// They wait for a read that begins later.
    waiting: Vec<PendingRequest<M>>,
    /// The read that is in flight answers them.
    answered_by_read: Vec<PendingRequest<M>>,
    /// Joins and reads that have arrived in total.
    seen: u64,
}

impl<M> Default for Requests<M> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            answered_by_read: Vec::new(),
            seen: 0,
        }
    }
}

impl<M: Mailbox> Requests<M> {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.answered_by_read.is_empty()
    }

    pub(super) fn note_seen(&mut self) {
        self.seen += 1;
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) fn keep(&mut self, request: PendingRequest<M>) {
        self.waiting.push(request);
    }

    /// A read begins: it answers all that waits.
    pub(super) fn begin_read(&mut self) {
        self.answered_by_read.append(&mut self.waiting);
    }

    /// Whether the join of this session still waits.
    pub(super) fn has_join(&self, session: SessionId) -> bool {
        self.all().any(|request| {
            matches!(request, PendingRequest::Join { session: joins, .. } if *joins == session)
        })
    }

    pub(super) fn take_answered(&mut self) -> Vec<PendingRequest<M>> {
        std::mem::take(&mut self.answered_by_read)
    }

    pub(super) fn take_waiting(&mut self) -> Vec<PendingRequest<M>> {
        std::mem::take(&mut self.waiting)
    }

    /// All of them, in the order of arrival.
    pub(super) fn take_all(&mut self) -> Vec<PendingRequest<M>> {
        let mut all = self.take_answered();
        all.append(&mut self.waiting);
        all
    }

    pub(super) fn forget_session(&mut self, session: SessionId) {
        self.forget(|request| request.session() == Some(session));
    }

    /// Forgets the position that a session gave before.
    pub(super) fn forget_since(&mut self, session: SessionId) {
        self.forget(
            |request| matches!(request, PendingRequest::Since { session: held, .. } if *held == session),
        );
    }

    pub(super) fn forget_abandoned(&mut self) {
        self.forget(|_| false);
    }

    fn forget(&mut self, which: impl Fn(&PendingRequest<M>) -> bool) {
        for list in [&mut self.waiting, &mut self.answered_by_read] {
            list.retain(|request| !request.is_abandoned() && !which(request));
        }
    }

    fn all(&self) -> impl Iterator<Item = &PendingRequest<M>> {
        self.answered_by_read.iter().chain(&self.waiting)
    }
}
