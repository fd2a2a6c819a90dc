//! A first load of a drawing: all living strokes, at the cost of those alone.
//!
//! The storage engine keeps a mark of every deleted row until it compacts its files, and a scan skips
//! these marks one by one: after two million changes of 250 strokes that took 1.7 s instead of 30 ms.
//! So after many changes a feed stores the positions of the living strokes ([`LivingIndex`]); a first
//! load reads those rows by their ids, and scans only the positions after them.
//!
//! An index is never wrong, however old: no row is ever added at a position up to its head, so the
//! living strokes there are among those that it lists.

use futures_util::{StreamExt, stream};
use integer_encoding::VarInt;
use surrealdb::types::{Bytes, Number, RecordIdKey, Value, Variables};

use super::connection::Store;
use super::error::StoreError;
use super::read::{CHUNK_STROKES, FIRST_TOMBSTONES, Range};
use super::rows::{
    Fields, drawing_record, from_row, int, list, living_record, record, row_key, rows,
    stroke_table, uuid, variables, wrong,
};
use crate::domain::ids::{DrawingId, Epoch};
use crate::domain::op::{Change, RowId};
use crate::domain::sequence::Seq;

/// Chunks of strokes that a load reads at a time. Each takes a core of an embedded database, which has other drawings
/// to serve too.
const READS_AT_ONCE: usize = 2;

const READ_DRAWING: &str = "BEGIN;
SELECT head, compacted, epoch, title, rules, deleted FROM ONLY $drawing;
SELECT * FROM ONLY $living;
COMMIT;";
const READ_ROWS: &str = "SELECT * FROM $rows WHERE body IS NOT NONE";
const READ_RANGE: &str =
    "SELECT * FROM type::record($strokes, $first..=$last) WHERE body IS NOT NONE";
/// Only while the drawing exists and has this epoch.
const WRITE_INDEX: &str =
    "IF (SELECT VALUE epoch FROM ONLY $drawing WHERE deleted IS NONE) = $epoch {
    UPSERT $living SET epoch = $epoch, head = $head, positions = $positions RETURN NONE
}";

/// The positions of all living strokes up to a head, when it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivingIndex {
    /// The epoch of the positions.
    pub epoch: Epoch,
    /// The drawing's head at that time.
    pub head: Seq,
    /// The positions, ascending.
    pub positions: Vec<Seq>,
}

/// A drawing that was read from its beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The drawing's epoch.
    pub epoch: Epoch,
    /// Tombstones up to this position are compacted.
    pub compacted: Seq,
    /// The drawing's title.
    pub title: String,
    /// The version of its rules.
    pub rules: u64,
    /// The drawing's head when the load began: nothing after it is included.
    pub head: Seq,
    /// The living strokes, by position. One that changed during the load may be missing.
    pub living: Vec<Change>,
    /// The tombstones, if they are few.
    pub tombstones: Option<Vec<Change>>,
    /// The head of the [`LivingIndex`] that was used, or 0.
    pub indexed: Seq,
}

impl Store {
    /// Reads all living strokes of a drawing, and its tombstones if they are few.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] and [`StoreError::Gone`] besides those of every query.
    pub async fn load(&self, drawing: DrawingId) -> Result<Loaded, StoreError> {
        let names = variables([
            ("drawing", drawing_record(drawing)),
            ("living", living_record(drawing)),
        ]);
        let mut results = self.0.query(READ_DRAWING, names).await?;
        // BEGIN is the first of the two statements without a result.
        let mut row = Fields::of_drawing(results.take(1)?)?;
        let mut loaded = Loaded {
            epoch: row.epoch()?,
            compacted: row.seq("compacted")?,
            title: row.text("title")?,
            rules: row.version()?,
            head: row.seq("head")?,
            living: Vec::new(),
            tombstones: None,
            indexed: 0,
        };
        let index = Fields::maybe(results.take(2)?)
            // Without a valid index, all is scanned.
            .and_then(|row| from_index(row).ok())
            .filter(|index| index.epoch == loaded.epoch);
        if let Some(index) = index {
            if index.head > loaded.head {
                // A backup was restored without a new epoch: the same positions would stand for
                // different changes.
                self.renew_epoch(drawing, loaded.epoch).await?;
                return Err(history_changed());
            }
            loaded.indexed = index.head;
            let chunks = index.positions.chunks(CHUNK_STROKES as usize);
            let reads = chunks.map(|positions| self.rows(drawing, positions));
            in_order(reads, &mut loaded.living).await?;
        }
        let head = loaded.head;
        let chunks = (loaded.indexed..head).step_by(CHUNK_STROKES as usize);
        let chunks = chunks.map(|after| (after, head.min(after + CHUNK_STROKES)));
        let reads = chunks.map(|range| self.range(drawing, range));
        in_order(reads, &mut loaded.living).await?;
        self.load_tombstones(drawing, &mut loaded).await?;
        Ok(loaded)
    }

    /// Loads the tombstones if they are few. As the last read it finds whether the drawing was deleted, or has
    /// another history, since the first one.
    async fn load_tombstones(
        &self,
        drawing: DrawingId,
        loaded: &mut Loaded,
    ) -> Result<(), StoreError> {
        let tombstones = Range {
            after: loaded.compacted,
            through: loaded.head,
            living: 0,
            tombstones: FIRST_TOMBSTONES,
        };
        let mut read = self.read_range(drawing, &tombstones).await?;
        let (epoch, compacted) = read.history()?;
        if epoch != loaded.epoch {
            return Err(history_changed());
        }
        // A sweep may have run since the drawing was read.
        loaded.compacted = compacted;
        let are_all = (read.tombstones.len() as u64) < FIRST_TOMBSTONES;
        loaded.tombstones = are_all.then_some(read.tombstones);
        Ok(())
    }

    /// The living strokes at these positions.
    async fn rows(&self, drawing: DrawingId, positions: &[Seq]) -> Result<Vec<Change>, StoreError> {
        let table = stroke_table(drawing);
        let id = |&seq: &Seq| record(&table, RecordIdKey::Number(living_key(seq)));
        let ids = variables([("rows", list(positions.iter().map(id)))]);
        self.strokes(drawing, READ_ROWS, ids).await
    }

    /// The living strokes after a position and up to another one.
    async fn range(
        &self,
        drawing: DrawingId,
        (after, through): (Seq, Seq),
    ) -> Result<Vec<Change>, StoreError> {
        let key = |seq| Value::Number(Number::Int(living_key(seq)));
        let range = variables([
            ("strokes", Value::String(stroke_table(drawing))),
            ("first", key(after + 1)),
            ("last", key(through)),
        ]);
        self.strokes(drawing, READ_RANGE, range).await
    }

    async fn strokes(
        &self,
        drawing: DrawingId,
        text: &'static str,
        names: Variables,
    ) -> Result<Vec<Change>, StoreError> {
        let read = self.0.read_many(text, names, |mut results| {
            let found = rows(results.take(0)?)?;
            found.into_iter().map(from_row).collect()
        });
        match read.await {
            Ok(strokes) => Ok(strokes),
            Err(error) => Err(self.explain_missing(drawing, error.into()).await),
        }
    }

    /// Stores the index of a drawing, in place of an older one, and deletes the rows that were emptied.
    ///
    /// # Errors
    ///
    /// Those of every query. Without the index first loads take longer.
    pub async fn write_index(
        &self,
        drawing: DrawingId,
        index: &LivingIndex,
    ) -> Result<(), StoreError> {
        let positions = Bytes::from(to_bytes(&index.positions));
        let values = variables([
            ("drawing", drawing_record(drawing)),
            ("living", living_record(drawing)),
            ("epoch", uuid(index.epoch.0)),
            ("head", int(index.head)),
            ("positions", Value::Bytes(positions)),
        ]);
        self.0.query_with_retry(WRITE_INDEX, values).await?;
        self.delete_emptied(drawing).await
    }
}

/// Makes reads, some at a time, and adds what they find in their order.
async fn in_order<R>(
    reads: impl Iterator<Item = R>,
    found: &mut Vec<Change>,
) -> Result<(), StoreError>
where
    R: Future<Output = Result<Vec<Change>, StoreError>>,
{
    let mut reads = stream::iter(reads).buffered(READS_AT_ONCE);
    while let Some(read) = reads.next().await {
        found.extend(read?);
    }
    Ok(())
}

/// The error when the epoch changes during a load: the next attempt loads the new one.
fn history_changed() -> StoreError {
    StoreError::Failed("the drawing's history changed during the load".into())
}

fn living_key(seq: Seq) -> i64 {
    row_key(RowId {
        seq,
        tombstone: false,
    })
}

fn from_index(mut row: Fields) -> Result<LivingIndex, StoreError> {
    let Value::Bytes(positions) = row.take("positions") else {
        return Err(wrong("positions"));
    };
    Ok(LivingIndex {
        epoch: row.epoch()?,
        head: row.seq("head")?,
        positions: from_bytes(&positions).ok_or_else(|| wrong("positions"))?,
    })
}

/// Ascending positions as differences, each in LEB128.
fn to_bytes(positions: &[Seq]) -> Vec<u8> {
    let (mut bytes, mut before) = (Vec::new(), 0);
    let mut buffer = [0; 10];
    for position in positions {
        let size = (position - before).encode_var(&mut buffer);
        bytes.extend_from_slice(&buffer[..size]);
        before = *position;
    }
    bytes
}

fn from_bytes(mut bytes: &[u8]) -> Option<Vec<Seq>> {
    let (mut positions, mut before) = (Vec::new(), 0_u64);
    while !bytes.is_empty() {
        let (difference, size) = u64::decode_var(bytes)?;
        before = before.checked_add(difference)?;
        positions.push(before);
        bytes = &bytes[size..];
    }
    Some(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_their_bytes() {
        for positions in [
            vec![],
            vec![1],
            vec![1, 2, 3, 127, 128, 255, 256, 16_383, 16_384, 1 << 40],
            (1..1_000).map(|seq| seq * seq).collect(),
        ] {
            assert_eq!(from_bytes(&to_bytes(&positions)), Some(positions));
        }
        assert_eq!(from_bytes(&[0x80]), None, "it ends too early");
        assert_eq!(from_bytes(&[0xff; 12]), None, "no position is so large");
    }
}
