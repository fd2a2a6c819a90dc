//! One drawing in memory: decides ops, and applies stored changes.
//!
//! Nothing here does I/O, reads a clock, waits, or depends on who sent an op: the same drawing and
//! the same ops give the same decision on every server.
//!
//! A decision is only a proposal: it takes effect if its rows are stored at `head + 1 …` while the
//! stored head is still this drawing's. If the stored head has moved, the server applies the new
//! changes and decides again.
//!
//! * **Stored**: an op that changed something. A row has its number, so that an op up to its writer's last
//!   number in the rows counts as done when it is sent again.
//! * **Refused**: no row, because that would cost every server a durable write for an op that changed
//!   nothing. So the op may be decided again, and succeed, as an edit does once its stroke was restored. A
//!   client that received a refusal never sends the op again. If one does, and a later op of the same
//!   writer is stored, the answer is `done`; the client notices that a drawn stroke is missing.
//! * **The one exception**: an op that the database does not accept is refused by a row
//!   ([`Drawing::refuse`]), and so has a number as if it were stored.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use crate::domain::ids::{Epoch, StrokeId, WriterId};
use crate::domain::op::{Change, RowId};
use crate::domain::sequence::{Arrival, Seq, arrival};

/// Longest title of a drawing, in characters.
pub const MAX_TITLE_CHARS: usize = 120;

/// The limits of a drawing. At a limit nothing is added; erasing always works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most living strokes.
    pub strokes: usize,
    /// Most bytes, counted by [`Change::bytes`] over all rows.
    pub bytes: usize,
}

/// One drawing: a row for each stroke that is or was in it, except for compacted tombstones.
///
/// It may be read in two steps: the living strokes, which are all that a first load needs, and then
/// the tombstones. Before the second step no op can be decided, and a reader at a position below
/// [`Drawing::tombstones_missing_to`] cannot be served.
#[derive(Clone, Debug)]
pub struct Drawing {
    epoch: Epoch,
    compacted: Seq,
    head: Seq,
    limits: Limits,
    living: Rows,
    tombstones: Rows,
    /// Tombstones up to this position are not read yet; 0 when they all are.
    missing: Seq,
    places: HashMap<StrokeId, RowId>,
    last: HashMap<WriterId, u64>,
}

/// Rows of one kind, by position.
#[derive(Clone, Debug, Default)]
struct Rows {
    by_seq: BTreeMap<Seq, Change>,
    /// [`Change::bytes`] of all of them.
    bytes: usize,
}

impl Rows {
    fn insert(&mut self, change: Change) {
        self.bytes += change.bytes();
        self.by_seq.insert(change.seq, change);
    }

    fn remove(&mut self, seq: Seq) {
        if let Some(change) = self.by_seq.remove(&seq) {
            self.bytes -= change.bytes();
        }
    }

    fn between(&self, after: Seq, through: Seq) -> impl Iterator<Item = &Change> {
        let range = (Bound::Excluded(after), Bound::Included(through.max(after)));
        // The map panics at a range whose two ends exclude everything.
        let range = (after < through).then(|| self.by_seq.range(range));
        range.into_iter().flatten().map(|(_, change)| change)
    }
}

/// The number of rows of one kind, and their [`Change::bytes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Number of rows.
    pub rows: usize,
    /// Their size, in bytes.
    pub bytes: usize,
}

impl Drawing {
    /// An empty drawing, at position 0.
    pub fn new(epoch: Epoch, compacted: Seq, limits: Limits) -> Self {
        Self {
            epoch,
            compacted,
            head: 0,
            limits,
            living: Rows::default(),
            tombstones: Rows::default(),
            missing: 0,
            places: HashMap::new(),
            last: HashMap::new(),
        }
    }

    /// The living strokes of a drawing whose head was `head` when the first of them was read.
    /// [`Drawing::add_tombstones`] adds the tombstones.
    ///
    /// `living` may be read in several steps. A row that was replaced meanwhile may be missing; its
    /// successor has a position after `head`, and arrives like any other new change.
    pub fn living_only(
        epoch: Epoch,
        compacted: Seq,
        head: Seq,
        limits: Limits,
        living: Vec<Change>,
    ) -> Self {
        let mut drawing = Self::new(epoch, compacted, limits);
        drawing.head = head;
        // Tombstones after the compacted position are never compacted, and those up to it are not
        // needed.
        drawing.missing = if head > compacted { head } else { 0 };
        for change in living {
            debug_assert!(change.body.is_some() && change.seq <= head);
            drawing.insert(change);
        }
        drawing
    }

    /// Adds the tombstones up to [`Drawing::tombstones_missing_to`], read after the living strokes:
    /// from now on the drawing is whole.
    pub fn add_tombstones(&mut self, tombstones: Vec<Change>) {
        for change in tombstones {
            debug_assert!(change.body.is_none() && change.seq <= self.missing);
            if change.seq > self.compacted {
                self.insert(change);
            }
        }
        self.missing = 0;
    }

    /// Tombstones up to this position are not read yet; 0 when all are.
    pub fn tombstones_missing_to(&self) -> Seq {
        self.missing
    }

    /// Whether the tombstones are read too: before, no op can be decided.
    pub fn is_whole(&self) -> bool {
        self.missing == 0
    }

    /// The epoch its positions belong to.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Tombstones up to this position are compacted: a reader at a lower position must start
    /// over.
    pub fn compacted(&self) -> Seq {
        self.compacted
    }

    /// The position of the last change held.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Number of living strokes.
    pub fn strokes(&self) -> usize {
        self.living.by_seq.len()
    }

    /// The limits of the drawing.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Size of all rows including tombstones, in bytes.
    pub fn bytes(&self) -> usize {
        self.living.bytes + self.tombstones.bytes
    }

    /// The sizes of the living strokes and of the tombstones.
    pub fn sizes(&self) -> (Size, Size) {
        let size = |rows: &Rows| Size {
            rows: rows.by_seq.len(),
            bytes: rows.bytes,
        };
        (size(&self.living), size(&self.tombstones))
    }

    /// The highest number of the writer's ops in the rows, or 0.
    pub fn last(&self, writer: WriterId) -> u64 {
        self.last.get(&writer).copied().unwrap_or(0)
    }

    /// A stroke's row: living, or a tombstone.
    pub fn stroke(&self, id: StrokeId) -> Option<&Change> {
        let row = self.places.get(&id)?;
        self.rows(row.tombstone).by_seq.get(&row.seq)
    }

    /// The rows after a position, in order.
    pub fn since(&self, since: Seq) -> impl Iterator<Item = &Change> {
        let mut living = self.living(since, Seq::MAX).peekable();
        let mut tombstones = self.tombstones.between(since, Seq::MAX).peekable();
        std::iter::from_fn(move || match (living.peek(), tombstones.peek()) {
            (Some(stroke), Some(tombstone)) if tombstone.seq < stroke.seq => tombstones.next(),
            (Some(_), _) => living.next(),
            (None, _) => tombstones.next(),
        })
    }

    /// The living strokes after a position and up to another, in order.
    pub fn living(&self, after: Seq, through: Seq) -> impl Iterator<Item = &Change> {
        self.living.between(after, through)
    }

    /// Applies a stored change if it is the next one, and returns how it arrived.
    pub fn apply(&mut self, change: Change) -> Arrival {
        let arrival = arrival(self.head, change.seq.saturating_sub(1), change.seq);
        if arrival == Arrival::Next {
            self.head = change.seq;
            self.insert(change);
        }
        arrival
    }

    /// Applies a finite read of the changes up to `head`, in order; those up to this head are held.
    ///
    /// Positions without a change belong to rows that were replaced. The read must not begin below
    /// the stored compacted position, unless this drawing is empty: erasures would be missing.
    pub fn load(&mut self, changes: Vec<Change>, head: Seq) {
        debug_assert!(changes.is_sorted_by(|a, b| a.seq < b.seq));
        debug_assert!(changes.last().is_none_or(|change| change.seq <= head));
        let held = self.head;
        for change in changes {
            if change.seq > held {
                self.insert(change);
            }
        }
        self.head = self.head.max(head);
    }

    /// Removes the tombstones up to `compacted`, as the database did: all but
    /// the row at the head.
    pub fn raise_compacted(&mut self, compacted: Seq) {
        if compacted <= self.compacted {
            return;
        }
        self.compacted = compacted;
        let tombstones = self.tombstones.by_seq.range(..=compacted);
        let gone: Vec<RowId> = tombstones
            .filter(|(seq, _)| **seq != self.head)
            .map(|(_, change)| change.row())
            .collect();
        if gone.is_empty() {
            return;
        }
        for row in gone {
            if let Some(change) = self.tombstones.by_seq.get(&row.seq) {
                self.places.remove(&change.stroke);
            }
            self.tombstones.remove(row.seq);
        }
        // Numbers found only in a compacted row are unknown to a server that reads the drawing now. A
        // server that remembered them would drop the prior ops with lower numbers, which are the
        // highest that are left.
        self.last.clear();
        let rows = self.living.by_seq.values();
        for change in rows.chain(self.tombstones.by_seq.values()) {
            record_ops(&mut self.last, change);
        }
    }

    fn rows(&self, tombstones: bool) -> &Rows {
        match tombstones {
            true => &self.tombstones,
            false => &self.living,
        }
    }

    fn rows_mut(&mut self, tombstones: bool) -> &mut Rows {
        match tombstones {
            true => &mut self.tombstones,
            false => &mut self.living,
        }
    }

    /// Stores a row in place of the stroke's older one.
    fn insert(&mut self, change: Change) {
        let held = self.places.get(&change.stroke).copied();
        if held.is_some_and(|held| held.seq >= change.seq) {
            // A tombstone read late, of a stroke that was restored meanwhile.
            return;
        }
        if let Some(held) = held {
            self.rows_mut(held.tombstone).remove(held.seq);
        }
        let row = change.row();
        self.places.insert(change.stroke, row);
        record_ops(&mut self.last, &change);
        self.rows_mut(row.tombstone).insert(change);
    }
}

/// Records the numbers of all ops in a row.
fn record_ops(last: &mut HashMap<WriterId, u64>, change: &Change) {
    for op in change.prior_ops.iter().chain([&change.op]) {
        let highest = last.entry(op.writer).or_default();
        *highest = op.n.max(*highest);
    }
}

#[cfg(test)]
mod tests;
