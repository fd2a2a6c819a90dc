//! A database that stops, starts again, comes back as an older copy, and is compacted.
//!
//! It must never compact the tombstone of an op that somebody may send again.

use std::time::Duration;

use whiteboard::domain::ids::Epoch;
use whiteboard::domain::op::Change;

use crate::database::appends::Fate;
use crate::world::{Event, World};

impl World {
    /// The database stops; what it was asked and has not answered gets an error.
    pub fn stop_database(&mut self, lasts: Duration) {
        self.database.is_up = false;
        self.database.run += 1;
        self.database.log.clear();
        self.end_subscriptions(None);
        self.after(lasts.max(Duration::from_millis(60)), Event::DatabaseStarts);
    }

    /// The database starts again.
    pub fn start_database(&mut self) {
        self.note(|| "database: starts".into());
        self.database.is_up = true;
        self.database.run += 1;
        for (asker, append) in std::mem::take(&mut self.database.delayed) {
            self.begin_append(asker, append, Fate::Works);
        }
        for (drawing, index) in std::mem::take(&mut self.database.delayed_indexes) {
            self.write_index(drawing, &index);
        }
    }

    /// An older copy is restored while the database is stopped.
    pub fn restore(&mut self, has_new_epoch: bool) {
        if self.random.u32(..3) == 0 {
            // The last copy was made a moment ago.
            let copy = self.database.drawings.clone();
            self.database.copies.push(copy);
        }
        let last = self.database.copies.len() - 1;
        let copy = match self.random.bool() {
            true => last,
            false => self.random.usize(..=last),
        };
        self.database.copies.truncate(copy + 1);
        let copy = self.database.copies[copy].clone();
        let before = std::mem::replace(&mut self.database.drawings, copy);
        for (drawing, before) in before.into_iter().enumerate() {
            let stored = &mut self.database.drawings[drawing];
            stored.tables.deleted = before.tables.deleted;
            stored.needs_new_epoch = true;
            let (head, epoch) = (stored.tables.head, stored.tables.epoch);
            self.note(|| format!("database: a copy with head {head} is restored"));
            if has_new_epoch {
                self.renew_epoch(drawing, epoch);
            }
            self.state_changed(drawing);
        }
    }

    /// The rules of a drawing are about to change. Its operator has renewed the epoch of a restored copy
    /// before: versions of the old one would stand for two rules.
    pub fn renew_restored(&mut self, drawing: usize) {
        let stored = &self.database.drawings[drawing];
        if stored.needs_new_epoch {
            self.renew_epoch(drawing, stored.tables.epoch);
        }
    }

    pub(super) fn renew_epoch(&mut self, drawing: usize, epoch: Epoch) {
        let to = Epoch(self.uuid());
        let stored = &mut self.database.drawings[drawing];
        stored.tables.renew_epoch(epoch, to);
        if stored.tables.epoch == to {
            stored.needs_new_epoch = false;
            self.checks.epoch_renewed(&stored.tables);
            self.coverage.count("epochs renewed");
            self.note(|| "database: another epoch".into());
        }
    }

    /// Old tombstones are compacted: those of ops that nobody will send again.
    pub fn compact(&mut self, drawing: usize) {
        let mut through = 0;
        let tombstones: Vec<Change> = {
            let tables = &self.database.drawings[drawing].tables;
            let below_head = |row: &&Change| row.seq < tables.head;
            tables
                .tombstone_rows()
                .filter(below_head)
                .cloned()
                .collect()
        };
        for row in tombstones {
            let mut ops = row.prior_ops.iter().chain([&row.op]);
            if ops.any(|op| self.may_be_sent_again(op.writer, op.n)) {
                break;
            }
            through = row.seq;
        }
        let stored = &mut self.database.drawings[drawing];
        if through > stored.tables.compacted {
            stored.tables.compact(through);
            stored.reference.compact(through);
            self.note(|| format!("database: compacted up to {through}"));
            self.coverage.count("compactions");
            self.state_changed(drawing);
        }
    }
}
