//! A first load of the model: part by part, as the store does it, so that anything may happen between two
//! parts.
//!
//! It must never give a stroke that is not there, whatever the index of living strokes says.

use whiteboard::domain::sequence::Seq;
use whiteboard::store::{Loaded, StoreError};

use crate::tables::Tables;

/// A first load that has begun.
#[derive(Debug, Default)]
pub struct Load {
    loaded: Option<Loaded>,
    /// What the index lists and was not read yet.
    positions: Vec<Seq>,
    at: Seq,
}

/// What a part gave.
pub enum Part {
    /// There is more.
    More,
    /// The index is of a longer history: the drawing needs another epoch first.
    Renew,
    /// That was the last one.
    Last(Loaded),
}

impl Load {
    /// Reads the next part, of at most `limit` rows.
    pub fn next(&mut self, tables: &Tables, limit: usize) -> Result<Part, StoreError> {
        let Some(loaded) = &mut self.loaded else {
            return self.begin(tables);
        };
        if !self.positions.is_empty() {
            let part = self.positions.len().min(limit);
            let rows = self.positions.drain(..part);
            loaded.living.extend(tables.living_at(rows));
            return Ok(Part::More);
        }
        if self.at < loaded.head {
            let (living, reached) = tables.living(self.at, loaded.head, limit);
            self.at = reached;
            loaded.living.extend(living);
            return Ok(Part::More);
        }
        // The last part finds what happened since the first one.
        let chunk = tables.tombstones(loaded.compacted, loaded.head, limit)?;
        if chunk.epoch != loaded.epoch {
            return Err(StoreError::Failed("the history changed".into()));
        }
        loaded.compacted = chunk.compacted;
        loaded.tombstones = (!chunk.more).then_some(chunk.changes);
        Ok(self.loaded.take().map_or(Part::More, Part::Last))
    }

    fn begin(&mut self, tables: &Tables) -> Result<Part, StoreError> {
        let chunk = tables.since(tables.head, 1)?;
        let index = tables.index.as_ref();
        let index = index.filter(|index| index.epoch == chunk.epoch);
        if index.is_some_and(|index| index.head > tables.head) {
            return Ok(Part::Renew);
        }
        self.at = index.map_or(0, |index| index.head);
        self.positions = index.map_or_else(Vec::new, |index| index.positions.clone());
        self.loaded = Some(Loaded {
            epoch: chunk.epoch,
            compacted: chunk.compacted,
            title: chunk.title,
            rules: chunk.rules,
            head: tables.head,
            living: Vec::new(),
            tombstones: None,
            indexed: self.at,
        });
        Ok(Part::More)
    }
}
