//! Reads of the model of the database, part by part, so that anything may happen between two parts.
//!
//! It must never give what is not stored.

use std::time::Duration;

use whiteboard::domain::drawing::Drawing;
use whiteboard::domain::op::Change;
use whiteboard::domain::sequence::Seq;
use whiteboard::feed::core::{Input, ReadResult};
use whiteboard::feed::replica::ReadPlan;
use whiteboard::store::{Chunk, StoreError};

use crate::database::{Asker, DatabaseEvent, QUERY_TIMEOUT};
use crate::fault::Fault;
use crate::load::{Load, Part};
use crate::world::{Event, World};

/// The parts of a read that were read.
#[derive(Debug, Default)]
pub struct Progress {
    is_renewed: bool,
    load: Load,
    head: Seq,
    tombstones: Vec<Change>,
    chunks: Vec<Chunk>,
}

impl World {
    pub fn read(&mut self, asker: Asker, plan: ReadPlan, mut progress: Box<Progress>, run: u64) {
        let is_cut = run != self.database.run;
        let trouble = self
            .trouble()
            .or_else(|| is_cut.then(|| StoreError::Unavailable("connection reset".into())));
        let result = match trouble {
            Some(error) => Some(Err(error)),
            None if self.meets(Fault::ReadsFail, asker.server) => {
                Some(Err(match self.random.bool() {
                    true => StoreError::Failed("internal error".into()),
                    false => StoreError::Deadline(QUERY_TIMEOUT),
                }))
            }
            None => self
                .read_part(asker.drawing, plan, &mut progress)
                .transpose(),
        };
        if let Some(result) = result {
            let wait = self.slow_read(asker.server) + self.millis(0..=3);
            return self.answer(asker, wait, Input::ReadEnded(result));
        }
        let slow = self.slow_read(asker.server);
        let wait = slow + 2 * self.plan.links[asker.server] + self.millis(0..=2);
        let next = DatabaseEvent::Read {
            asker,
            plan,
            progress,
            run,
        };
        self.after(wait, Event::Database(next));
    }

    /// How much longer a read takes than it should.
    pub fn slow_read(&mut self, server: usize) -> Duration {
        match self.meets(Fault::ReadsSlow, server) {
            true => self.millis(20..=600),
            false => Duration::ZERO,
        }
    }

    /// Sends a read on its way.
    pub fn begin_read(&mut self, asker: Asker, plan: ReadPlan) {
        let read = DatabaseEvent::Read {
            asker,
            plan,
            progress: Box::default(),
            run: self.database.run,
        };
        let wait = self.slow_read(asker.server) + self.plan.links[asker.server];
        self.after(wait, Event::Database(read));
    }

    /// Reads the next part; gives all of it with the last one.
    pub fn read_part(
        &mut self,
        drawing: usize,
        plan: ReadPlan,
        progress: &mut Progress,
    ) -> Result<Option<ReadResult>, StoreError> {
        let rows = self.database.chunk_rows;
        match plan {
            ReadPlan::Living { renew } => {
                let is_first = !std::mem::replace(&mut progress.is_renewed, true);
                if let Some(epoch) = renew.filter(|_| is_first) {
                    self.renew_epoch(drawing, epoch);
                    return Ok(None);
                }
                let tables = &self.database.drawings[drawing].tables;
                let loaded = match progress.load.next(tables, rows)? {
                    Part::More => return Ok(None),
                    Part::Last(loaded) => loaded,
                    Part::Renew => {
                        self.coverage.count("loads with an index beyond the head");
                        self.renew_epoch(drawing, tables.epoch);
                        return Err(StoreError::Failed("the history changed".into()));
                    }
                };
                let index = tables.index.as_ref();
                self.coverage.count(match (index, loaded.indexed) {
                    (None, _) => "loads without an index",
                    (Some(_), 0) => "loads with an index of another epoch",
                    (Some(_), _) => "loads with an index",
                });
                let mut drawing = Drawing::living_only(
                    loaded.epoch,
                    loaded.compacted,
                    loaded.head,
                    self.database.limits,
                    loaded.living,
                );
                if let Some(tombstones) = loaded.tombstones {
                    drawing.add_tombstones(tombstones);
                }
                Ok(Some(ReadResult::Living {
                    drawing,
                    title: loaded.title,
                    rules: loaded.rules,
                    indexed: loaded.indexed,
                }))
            }
            ReadPlan::Changes { since, tombstones } => {
                let (after, through) = tombstones;
                let tables = &self.database.drawings[drawing].tables;
                progress.head = progress.head.max(after);
                if progress.head < through {
                    let chunk = tables.tombstones(progress.head, through, rows)?;
                    progress.head = chunk.head;
                    progress.tombstones.extend(chunk.changes);
                    return Ok(None);
                }
                let at = progress.chunks.last().map_or(since, |chunk| chunk.head);
                let chunk = tables.since(at, rows)?;
                let more = chunk.more;
                progress.chunks.push(chunk);
                Ok((!more).then(|| ReadResult::Changes {
                    since,
                    chunks: std::mem::take(&mut progress.chunks),
                    tombstones: std::mem::take(&mut progress.tombstones),
                }))
            }
        }
    }
}
