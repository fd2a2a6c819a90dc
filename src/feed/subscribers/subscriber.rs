//! One session of a drawing: how it gets changes, and what waits until it reads again.
//!
//! It must never hold more for a client that does not read than acknowledgements and marks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bytestring::ByteString;

use crate::domain::ids::{Epoch, Writer};
use crate::domain::sequence::Seq;
use crate::feed::mailbox::{Acks, Mailbox};
use crate::feed::position::CatchUp;
use crate::protocol::{ResetReason, ServerFrame};

/// Retained frames: the latest of each kind, delivered to slow subscribers when they read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retained {
    /// The presence list.
    People,
    /// The drawing's title.
    Title,
}

/// How a session gets changes.
#[derive(Debug)]
pub(super) enum Delivery {
    /// It has everything, and gets each frame.
    Live,
    /// It has everything up to `position`, after a reset if one is due, and has not read since
    /// `since`.
    Behind {
        position: Seq,
        reset: Option<ResetReason>,
        since: Instant,
    },
    /// Its client reads over HTTP, and will send the position that it then holds.
    Reading,
}

/// One session of this drawing.
#[derive(Debug)]
pub(super) struct Subscriber<M> {
    pub(super) mailbox: M,
    pub(super) delivery: Delivery,
    /// Its writer, once it sent hello.
    pub(super) writer: Option<Writer>,
    /// Acks that found its mailbox full. Bounded by the session's unacknowledged ops.
    pub(super) pending_acks: Option<Acks>,
    /// What it may do, if it was not told yet.
    pub(super) access_due: Option<ByteString>,
    /// The retained frames that it missed.
    pub(super) missed: BTreeSet<Retained>,
}

impl<M: Mailbox> Subscriber<M> {
    /// It holds everything up to `position`, and gets the rest when it reads.
    pub(super) fn fall_behind(&mut self, position: Seq, now: Instant) {
        self.delivery = Delivery::Behind {
            position,
            reset: None,
            since: now,
        };
    }

    /// The position after which it lacks changes, if it is behind. It starts over if what was erased
    /// after that is forgotten.
    pub(super) fn lacks_after(&mut self, compacted: Seq) -> Option<Seq> {
        let Delivery::Behind {
            position, reset, ..
        } = &mut self.delivery
        else {
            return None;
        };
        if 0 < *position && *position < compacted {
            (*position, *reset) = (0, Some(ResetReason::Compacted));
        }
        Some(*position)
    }

    /// Sends the reset that is due, if one is; false when its mailbox is full.
    pub(super) fn send_reset(&mut self, epoch: Epoch) -> bool {
        if let Delivery::Behind { reset, .. } = &mut self.delivery
            && let Some(reason) = *reset
        {
            let frame = ServerFrame::Reset { epoch, reason }.encode();
            if !self.mailbox.frame(frame) {
                return false;
            }
            *reset = None;
        }
        true
    }

    /// Sends what brings it to `head`, and what waited for that; false when its mailbox is full.
    pub(super) fn catch_up(
        &mut self,
        found: &CatchUp,
        head: Seq,
        retained: &BTreeMap<Retained, ByteString>,
        now: Instant,
    ) -> bool {
        if let Delivery::Behind { position, .. } = &mut self.delivery {
            for (reached, frame) in &found.frames {
                // If it stops reading between two frames, it continues from there later.
                if !self.mailbox.frame(frame.clone()) {
                    return false;
                }
                *position = *reached;
            }
        }
        if found.reads {
            self.delivery = Delivery::Reading;
            // Acks do not wait for the strokes, of which there may be none for long.
            self.send_acks();
            self.send_access();
            return true;
        }
        self.delivery = Delivery::Live;
        let has_all = self.send_acks() && self.send_access() && self.send_missed(retained);
        if !has_all {
            self.fall_behind(head, now);
        }
        has_all
    }

    /// Sends the retained frames that it missed; false when its mailbox is full.
    pub(super) fn send_missed(&mut self, retained: &BTreeMap<Retained, ByteString>) -> bool {
        for (kind, frame) in retained {
            if self.missed.contains(kind) {
                if !self.mailbox.frame(frame.clone()) {
                    return false;
                }
                self.missed.remove(kind);
            }
        }
        true
    }

    /// Sends what it may do, if that is due; false when its mailbox is full.
    pub(super) fn send_access(&mut self) -> bool {
        let Some(frame) = &self.access_due else {
            return true;
        };
        let is_sent = self.mailbox.frame(frame.clone());
        if is_sent {
            self.access_due = None;
        }
        is_sent
    }

    pub(super) fn send_acks(&mut self) -> bool {
        let Some(acks) = self.pending_acks.take() else {
            return true;
        };
        self.pending_acks = self.mailbox.acks(acks).err();
        self.pending_acks.is_none()
    }

    pub(super) fn acknowledge(&mut self, acks: Acks) {
        let pending_acks = self.pending_acks.get_or_insert_default();
        pending_acks.refusals.extend(acks.refusals);
        pending_acks.ops += acks.ops;
        pending_acks.acked_through = acks.acked_through;
        self.send_acks();
    }
}
