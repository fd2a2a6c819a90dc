//! A model of what the store keeps of one drawing, and of what it answers.
//!
//! It must never answer anything that the contract of the store does not allow: `contract.rs` holds
//! both to it.

use std::collections::BTreeMap;

use whiteboard::domain::ids::{DrawingId, Epoch};
use whiteboard::domain::op::{Change, RowId};
use whiteboard::domain::rules::Rules;
use whiteboard::domain::sequence::Seq;
use whiteboard::store::{Appended, Chunk, ExpectedHead, Head, LivingIndex, StoreError};

/// One drawing, as it is stored.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Its id.
    pub id: DrawingId,
    /// Its epoch.
    pub epoch: Epoch,
    /// The position of its last change.
    pub head: Seq,
    /// Up to here tombstones are gone.
    pub compacted: Seq,
    /// Its title.
    pub title: String,
    /// Who may do what.
    pub rules: Rules,
    /// Whether it is deleted.
    pub deleted: bool,
    /// The last index of living strokes.
    pub index: Option<LivingIndex>,
    living: BTreeMap<Seq, Change>,
    tombstones: BTreeMap<Seq, Change>,
}

impl Tables {
    /// A new drawing.
    pub fn new(id: DrawingId, epoch: Epoch) -> Self {
        Self {
            id,
            epoch,
            head: 0,
            compacted: 0,
            title: "Plan".into(),
            rules: Rules::default(),
            deleted: false,
            index: None,
            living: BTreeMap::new(),
            tombstones: BTreeMap::new(),
        }
    }

    /// Stores changes if the drawing is where it is expected.
    pub fn append(
        &mut self,
        expected: ExpectedHead,
        changes: &[Change],
        replaced: &[RowId],
    ) -> Appended {
        if self.deleted {
            return Appended::Gone;
        }
        if (expected.epoch, expected.head, expected.rules)
            != (self.epoch, self.head, self.rules.version)
        {
            return Appended::Behind;
        }
        for row in replaced {
            self.rows(row.tombstone).remove(&row.seq);
        }
        for change in changes {
            let row = change.row();
            self.rows(row.tombstone).insert(row.seq, change.clone());
        }
        self.head += changes.len() as Seq;
        Appended::Committed
    }

    fn rows(&mut self, tombstones: bool) -> &mut BTreeMap<Seq, Change> {
        match tombstones {
            true => &mut self.tombstones,
            false => &mut self.living,
        }
    }

    /// The row at a position.
    pub fn row(&self, seq: Seq) -> Option<&Change> {
        self.living.get(&seq).or_else(|| self.tombstones.get(&seq))
    }

    /// All rows, by position.
    pub fn all(&self) -> BTreeMap<Seq, &Change> {
        let rows = self.living.iter().chain(&self.tombstones);
        rows.map(|(seq, change)| (*seq, change)).collect()
    }

    /// The living strokes.
    pub fn living_rows(&self) -> impl Iterator<Item = &Change> {
        self.living.values()
    }

    /// The tombstones.
    pub fn tombstone_rows(&self) -> impl Iterator<Item = &Change> {
        self.tombstones.values()
    }

    fn chunk(&self, changes: Vec<Change>, reached: Seq, end: Seq) -> Result<Chunk, StoreError> {
        if self.deleted {
            return Err(StoreError::Gone);
        }
        Ok(Chunk {
            epoch: self.epoch,
            compacted: self.compacted,
            title: self.title.clone(),
            rules: self.rules.version,
            changes,
            head: reached,
            more: reached < end,
            database_head: self.head,
        })
    }

    /// The changes after a position: at most `limit` rows of each kind.
    pub fn since(&self, since: Seq, limit: usize) -> Result<Chunk, StoreError> {
        let (living, living_to) = cut(&self.living, since, Seq::MAX, limit);
        let (tombstones, tombstones_to) = cut(&self.tombstones, since, Seq::MAX, limit);
        let reached = living_to.min(tombstones_to);
        let mut changes = [living, tombstones].concat();
        changes.retain(|change| change.seq <= reached);
        changes.sort_unstable_by_key(|change| change.seq);
        self.chunk(changes, reached.min(self.head), self.head)
    }

    /// Living strokes after a position and up to another one, and the position that they reach.
    pub fn living(&self, after: Seq, through: Seq, limit: usize) -> (Vec<Change>, Seq) {
        let (living, reached) = cut(&self.living, after, through, limit);
        (living, reached.min(through))
    }

    /// Tombstones after a position and up to another one.
    pub fn tombstones(&self, after: Seq, through: Seq, limit: usize) -> Result<Chunk, StoreError> {
        let (tombstones, reached) = cut(&self.tombstones, after, through, limit);
        self.chunk(tombstones, reached.min(through), through)
    }

    /// The rows that are still at these positions.
    pub fn living_at(&self, positions: impl Iterator<Item = Seq>) -> Vec<Change> {
        let rows = positions.filter_map(|seq| self.living.get(&seq));
        rows.cloned().collect()
    }

    /// Stores an index of living strokes, while the drawing is there and of its epoch.
    pub fn write_index(&mut self, index: &LivingIndex) {
        if !self.deleted && self.epoch == index.epoch {
            self.index = Some(index.clone());
        }
    }

    /// What a comparison of heads is told.
    pub fn report(&self) -> Head {
        Head {
            id: self.id,
            head: self.head,
            compacted: self.compacted,
            epoch: self.epoch,
            title: self.title.clone(),
            rules: self.rules.version,
            deleted: self.deleted,
        }
    }

    /// Gives the drawing another epoch, if it has this one.
    pub fn renew_epoch(&mut self, from: Epoch, to: Epoch) {
        if self.epoch == from {
            self.epoch = to;
        }
    }

    /// Removes the tombstones up to a position, but for the one at the head.
    pub fn compact(&mut self, through: Seq) {
        let head = self.head;
        self.tombstones
            .retain(|seq, _| *seq > through || *seq == head);
        self.compacted = self.compacted.max(through);
    }
}

/// At most `limit` rows after a position, and where they end: nowhere if they are all.
fn cut(rows: &BTreeMap<Seq, Change>, after: Seq, through: Seq, limit: usize) -> (Vec<Change>, Seq) {
    let found = rows.values();
    let found = found.filter(|row| after < row.seq && row.seq <= through);
    let found: Vec<Change> = found.take(limit).cloned().collect();
    let reached = match found.last() {
        Some(last) if found.len() == limit => last.seq,
        _ => Seq::MAX,
    };
    (found, reached)
}
