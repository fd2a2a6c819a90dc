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
pub(super) enum Asked {
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

impl Asked {
    /// The session that asks, if one does.
    pub(super) fn session(&self) -> Option<SessionId> {
        match self {
            Asked::Join { session, .. }
            | Asked::Hello { session, .. }
            | Asked::Since { session, .. } => Some(*session),
            Asked::Read(_) => None,
        }
    }

    /// The position whose tombstones, if any after it, have to be told with the answer.
    pub(super) fn position(&self) -> Seq {
        match self {
            Asked::Join { since, .. } | Asked::Since { since, .. } => *since,
            Asked::Read(read) if read.since == 0 => 0,
            Asked::Read(read) => read.since.max(read.target.unwrap_or(0)),
            Asked::Hello { .. } => 0,
        }
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(self, Asked::Read(read) if read.answer.is_closed())
    }
}

/// Why a feed ends, and what those who are there or come are told.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    /// The drawing is not there, or no longer.
    NoDrawing,
    /// The drawing was never read.
    Unavailable,
    /// The server goes.
    Restart,
}

impl Ending {
    pub(super) fn close(self) -> Close {
        match self {
            Ending::NoDrawing => Close::NoDrawing,
            Ending::Unavailable => Close::Load { after: RETRY.1 },
            Ending::Restart => {
                let spread = DRAIN_SPREAD.as_millis() as u64;
                Close::Restart {
                    after: Duration::from_millis(fastrand::u64(0..=spread)),
                }
            }
        }
    }

    pub(super) fn refuse(self, asked: Asked) {
        match asked {
            Asked::Join { mailbox, .. } => mailbox.close(self.close()),
            Asked::Hello { .. } | Asked::Since { .. } => {}
            Asked::Read(read) => {
                let error = match self {
                    Ending::NoDrawing => FeedError::NotFound,
                    Ending::Unavailable | Ending::Restart => FeedError::Unavailable,
                };
                // A reader that is gone misses nothing.
                let _ = read.answer.send(Err(error));
            }
        }
    }
}
