//! The drawing as this server holds it, and changes that arrived out of order.
//!
//! It must never take a change before those that precede it, nor a position of one epoch for one of
//! another.

use std::collections::BTreeMap;

use crate::domain::drawing::Drawing;
use crate::domain::ids::Epoch;
use crate::domain::op::Change;
use crate::domain::sequence::{Arrival, Seq, arrival};
use crate::store::{Chunk, Head, LivingIndex};

/// An index of the living strokes is written after this many positions without one (tests use fewer). A
/// first load skips at most about as many, which takes some 20 ms.
pub const INDEX_AFTER: usize = 20_000;

/// The effect of a change that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It is held already.
    Stale,
    /// It was the next one: the head moved.
    Applied,
    /// Changes before it are missing: it waits for them.
    Waits,
    /// Too many wait: this many were dropped, and the drawing has to be read.
    Overflow(usize),
}

/// The effect of a finite read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadOutcome {
    /// The replica has caught up with the read.
    UpToDate,
    /// The database holds another history than this replica, which has to be read from its beginning.
    OtherHistory {
        /// The same epoch has fewer changes than before. Its positions would be ambiguous, so the
        /// drawing needs a new epoch first.
        renew: Option<Epoch>,
    },
}

/// What to read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPlan {
    /// The living strokes from the beginning.
    Living {
        /// Renew the epoch first, if the drawing still has this one.
        renew: Option<Epoch>,
    },
    /// Everything after `since`, and the tombstones that are missing.
    Changes {
        /// The last position that is held.
        since: Seq,
        /// Tombstones after the first position up to the second are missing; none if both are equal.
        tombstones: (Seq, Seq),
    },
}

/// A drawing that is kept up to date.
#[derive(Debug)]
pub struct Replica {
    /// `None` until the first read.
    drawing: Option<Drawing>,
    /// The drawing is of a history that has ended: arriving changes do not belong to it.
    is_outdated: bool,
    title: String,
    out_of_order: BTreeMap<Seq, Change>,
    /// Most changes that wait for one before them.
    reorder_limit: usize,
    /// Positions without a living row after which an index is due.
    index_after: usize,
    /// The head of the last index of living strokes, or 0.
    indexed: Seq,
}

impl Replica {
    pub(super) fn new(reorder_limit: usize, index_after: usize) -> Self {
        Self {
            drawing: None,
            is_outdated: false,
            title: String::new(),
            out_of_order: BTreeMap::new(),
            reorder_limit,
            index_after,
            indexed: 0,
        }
    }

    /// The drawing, once it was read.
    pub fn drawing(&self) -> Option<&Drawing> {
        self.drawing.as_ref()
    }

    /// The drawing, once its tombstones were read too: before, no op can be decided.
    pub(super) fn whole(&self) -> Option<&Drawing> {
        self.drawing.as_ref().filter(|drawing| drawing.is_whole())
    }

    /// The last position that is held.
    pub(super) fn head(&self) -> Seq {
        self.drawing.as_ref().map_or(0, Drawing::head)
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// Takes a title; true when it is another one than before.
    pub(super) fn set_title(&mut self, title: String) -> bool {
        let changed = title != self.title;
        self.title = title;
        changed
    }

    /// Whether changes wait for one before them.
    pub fn has_gap(&self) -> bool {
        !self.out_of_order.is_empty()
    }

    /// Takes a stored change.
    pub(super) fn arrive(&mut self, change: Change) -> Placed {
        if self.is_outdated {
            // The read from the beginning finds it, if it belongs to the new history.
            return Placed::Stale;
        }
        if let Some(drawing) = &mut self.drawing {
            match arrival(drawing.head(), change.seq - 1, change.seq) {
                Arrival::Stale => return Placed::Stale,
                Arrival::Next => {
                    drawing.apply(change);
                    return Placed::Applied;
                }
                Arrival::Gap => {}
            }
        }
        if self.out_of_order.len() >= self.reorder_limit {
            let dropped = self.out_of_order.len() + 1;
            self.out_of_order.clear();
            return Placed::Overflow(dropped);
        }
        self.out_of_order.insert(change.seq, change);
        Placed::Waits
    }

    /// The head moved: applies the changes that waited for it.
    pub(super) fn take_waiting(&mut self) {
        let Some(drawing) = &mut self.drawing else {
            return;
        };
        while let Some(first) = self.out_of_order.first_entry() {
            match arrival(drawing.head(), first.key() - 1, *first.key()) {
                Arrival::Stale => drop(first.remove()),
                Arrival::Next => drop(drawing.apply(first.remove())),
                Arrival::Gap => break,
            }
        }
    }

    /// The live queries ended: changes of theirs that still wait may be of a history that the database no
    /// longer has. The read that follows finds those of the present one.
    pub(super) fn drop_waiting(&mut self) {
        self.out_of_order.clear();
    }

    pub(super) fn read_plan(&self) -> ReadPlan {
        let Some(drawing) = &self.drawing else {
            return ReadPlan::Living { renew: None };
        };
        let missing = drawing.tombstones_missing_to();
        ReadPlan::Changes {
            since: drawing.head(),
            tombstones: (drawing.compacted().min(missing), missing),
        }
    }

    /// Takes a drawing that was read from its beginning. True when all of it is known now; otherwise
    /// what is missing has to be read. `indexed` is the head of the index that the database has.
    pub(super) fn open(&mut self, drawing: Drawing, indexed: Seq) -> bool {
        let is_known = drawing.is_whole() && !self.is_outdated;
        self.is_outdated = false;
        self.indexed = indexed;
        self.drawing = Some(drawing);
        is_known
    }

    /// Takes what was read after `since`, in order.
    pub(super) fn take_read(
        &mut self,
        since: Seq,
        chunks: Vec<Chunk>,
        tombstones: Vec<Change>,
    ) -> ReadOutcome {
        let (Some(drawing), Some(last)) = (&mut self.drawing, chunks.last()) else {
            return ReadOutcome::UpToDate;
        };
        let went_back = last.database_head < since;
        // Below the compacted position erasures would be missing from the read.
        let is_compacted = 0 < since && since < last.compacted;
        if drawing.epoch() != last.epoch || went_back || is_compacted {
            self.out_of_order.clear();
            self.is_outdated = true;
            let renew = (went_back && drawing.epoch() == last.epoch).then_some(last.epoch);
            return ReadOutcome::OtherHistory { renew };
        }
        for chunk in chunks {
            drawing.load(chunk.changes, chunk.head);
            drawing.raise_compacted(chunk.compacted);
        }
        if !drawing.is_whole() {
            drawing.add_tombstones(tombstones);
        }
        ReadOutcome::UpToDate
    }

    /// Takes an index to write, if first loads would have to skip too much without it.
    pub(super) fn take_due_index(&mut self) -> Option<LivingIndex> {
        let drawing = self.drawing.as_ref().filter(|drawing| drawing.is_whole())?;
        let (indexed, head) = (self.indexed, drawing.head());
        let passed = head.saturating_sub(indexed) as usize;
        // Compared with the rows themselves, few to be skipped cost nothing.
        let enough = self.index_after.max(drawing.strokes());
        let is_due = passed >= enough && passed - drawing.living(indexed, head).count() >= enough;
        if !is_due || self.is_outdated {
            return None;
        }
        self.indexed = head;
        Some(LivingIndex {
            epoch: drawing.epoch(),
            head,
            positions: drawing.living(0, head).map(|change| change.seq).collect(),
        })
    }

    /// An index was not written: another one is due.
    pub(super) fn index_failed(&mut self) {
        self.indexed = 0;
    }

    /// Compares with what the database reports: true when one of both is behind, which only a read
    /// can tell. If they are equal, it also forgets the tombstones that the database has compacted.
    pub(super) fn differs_from(&mut self, report: &Head) -> bool {
        let Some(drawing) = &mut self.drawing else {
            return false;
        };
        let differs = report.head != drawing.head() || report.epoch != drawing.epoch();
        if !differs {
            drawing.raise_compacted(report.compacted);
        }
        differs
    }
}

#[cfg(test)]
mod tests;
