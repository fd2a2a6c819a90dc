//! What is asked of a feed: to join it, to greet it, and to read; and why it is refused.

use std::time::Duration;

use super::backoff::RETRY;
use super::error::FeedError;
use super::mailbox::Mailbox;
use super::messages::Read;
use crate::domain::access::Access;
use crate::domain::ids::{Epoch, SessionId};
use crate::domain::sequence::Seq;
use crate::protocol::{Close, Hello};

/// Sessions that are closed for a drain come back spread over this time.
const DRAIN_SPREAD: Duration = Duration::from_secs(2);

/// What is asked, and by whom.
pub(super) enum PendingRequest {
    Join {
        session: SessionId,
        mailbox: Mailbox,
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
    Read(Read),
}

impl PendingRequest {
    /// The session that asks, if one does.
    pub(super) fn session(&self) -> Option<SessionId> {
        match self {
            PendingRequest::Join { session, .. }
            | PendingRequest::Hello { session, .. }
            | PendingRequest::Since { session, .. } => Some(*session),
            PendingRequest::Read(_) => None,
        }
    }

    /// The position whose tombstones, if any after it, have to be told with the answer.
    pub(super) fn position(&self) -> Seq {
        match self {
            PendingRequest::Join { since, .. } | PendingRequest::Since { since, .. } => *since,
            PendingRequest::Read(read) if read.since == 0 => 0,
            PendingRequest::Read(read) => read.since.max(read.target.unwrap_or(0)),
            PendingRequest::Hello { .. } => 0,
        }
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(self, PendingRequest::Read(read) if read.answer.is_closed())
    }
}

/// Why a feed ends, and what those who are there or come are told.
#[derive(Clone, Copy)]
pub(super) enum CloseReason {
    /// The drawing is not there, or no longer.
    NoDrawing,
    /// The drawing was never read.
    Unavailable,
    /// The server goes.
    Restart,
}

impl CloseReason {
    pub(super) fn close(self) -> Close {
        match self {
            CloseReason::NoDrawing => Close::NoDrawing,
            CloseReason::Unavailable => Close::Load { after: RETRY.1 },
            CloseReason::Restart => {
                let spread = DRAIN_SPREAD.as_millis() as u64;
                Close::Restart {
                    after: Duration::from_millis(fastrand::u64(0..=spread)),
                }
            }
        }
    }

    pub(super) fn refuse(self, request: PendingRequest) {
        match request {
            PendingRequest::Join { mailbox, .. } => mailbox.close(self.close()),
            PendingRequest::Hello { .. } | PendingRequest::Since { .. } => {}
            PendingRequest::Read(read) => {
                let error = match self {
                    CloseReason::NoDrawing => FeedError::NotFound,
                    CloseReason::Unavailable | CloseReason::Restart => FeedError::Unavailable,
                };
                // A reader that is gone misses nothing.
                let _ = read.answer.send(Err(error));
            }
        }
    }
}
