//! Finite reads: the changes of a drawing after a position, and the strokes for a first load.
//!
//! Each reads a bounded number of rows in one transaction, at a cost proportional to them: the ids
//! separate living strokes from tombstones, and chunks are counted by rows, not by positions.
//!
//! `LIMIT` ends the scan of a range early only where the range is the result of a function. For a
//! range given as a value, SurrealDB plans a full scan and cuts the result afterwards.

use surrealdb::types::{Number, Value};

use super::connection::Store;
use super::error::StoreError;
use super::rows::{Fields, drawing_record, from_row, int, row_key, rows, stroke_table, variables};
use crate::domain::ids::{DrawingId, Epoch};
use crate::domain::op::{Change, RowId};
use crate::domain::sequence::Seq;

/// Most living strokes of one read. Bodies are at most 64 KiB, so a chunk stays under half of
/// the 64 MiB that SurrealDB allows in one message.
pub const CHUNK_STROKES: u64 = 500;

/// Most tombstones of one read. They have no body, but may have many prior ops.
const TOMBSTONES: u64 = 2_000;
/// Most tombstones read together with the living strokes when a drawing is opened. With more, sessions
/// get the living strokes first, and the tombstones are read afterwards.
pub(super) const FIRST_TOMBSTONES: u64 = 100;

const READ: &str = "BEGIN;
SELECT head, compacted, epoch, title, rules, deleted FROM ONLY $drawing;
SELECT * FROM type::record($strokes, $living..=$last_living) WHERE body IS NOT NONE LIMIT $max_living;
SELECT * FROM type::record($strokes, $tombstone..=$last_tombstone) WHERE erased IS NOT NONE LIMIT $max_tombstones;
COMMIT;";

/// Changes of a drawing after a position, read in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The drawing's epoch.
    pub epoch: Epoch,
    /// Tombstones up to this position are compacted: a reader at a lower position must start over.
    pub compacted: Seq,
    /// The drawing's title.
    pub title: String,
    /// The version of its rules.
    pub rules: u64,
    /// The changes by position, without those that a later change of the same stroke replaced.
    pub changes: Vec<Change>,
    /// The position that this chunk reaches: the end of the requested range, or less when there is
    /// more.
    pub head: Seq,
    /// Whether the requested range has more after `head`.
    pub more: bool,
    /// The drawing's head. Less than requested when the reader's positions are of another epoch.
    pub database_head: Seq,
}

/// The rows to read of a drawing.
pub(super) struct Range {
    /// The position before the first one.
    pub(super) after: Seq,
    /// The last position.
    pub(super) through: Seq,
    /// Most living strokes.
    pub(super) living: u64,
    /// Most tombstones.
    pub(super) tombstones: u64,
}

/// The rows of a [`Range`], read in one transaction.
pub(super) struct Read {
    drawing: Fields,
    head: Seq,
    living: Vec<Change>,
    pub(super) tombstones: Vec<Change>,
}

impl Read {
    /// The epoch and the compacted position.
    pub(super) fn history(&mut self) -> Result<(Epoch, Seq), StoreError> {
        Ok((self.drawing.epoch()?, self.drawing.seq("compacted")?))
    }
}

impl Store {
    /// Reads the changes after `since`: at most [`CHUNK_STROKES`] living strokes, and some
    /// tombstones.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] and [`StoreError::Gone`] besides those of every query.
    pub async fn since(&self, drawing: DrawingId, since: Seq) -> Result<Chunk, StoreError> {
        let range = Range {
            after: since,
            through: Seq::MAX,
            living: CHUNK_STROKES,
            tombstones: TOMBSTONES,
        };
        let read = self.read_range(drawing, &range).await?;
        let living = reached(&read.living, CHUNK_STROKES, Seq::MAX);
        let reached = reached(&read.tombstones, TOMBSTONES, living).min(living);
        let mut changes = [read.living, read.tombstones].concat();
        changes.retain(|change| change.seq <= reached);
        changes.sort_unstable_by_key(|change| change.seq);
        chunk(read.drawing, changes, reached.min(read.head), read.head)
    }

    /// Reads some of the tombstones after the position `after` and up to `through`.
    ///
    /// # Errors
    ///
    /// Those of [`Store::since`].
    pub async fn tombstones(
        &self,
        drawing: DrawingId,
        after: Seq,
        through: Seq,
    ) -> Result<Chunk, StoreError> {
        let range = Range {
            after,
            through,
            living: 0,
            tombstones: TOMBSTONES,
        };
        let read = self.read_range(drawing, &range).await?;
        let reached = reached(&read.tombstones, TOMBSTONES, through);
        let mut chunk = chunk(read.drawing, read.tombstones, reached, read.head)?;
        chunk.more = reached < through;
        Ok(chunk)
    }

    pub(super) async fn read_range(
        &self,
        drawing: DrawingId,
        range: &Range,
    ) -> Result<Read, StoreError> {
        let key = |seq: Seq, tombstone| {
            let seq = seq.min(i64::MAX as Seq);
            Value::Number(Number::Int(row_key(RowId { seq, tombstone })))
        };
        let first = range.after.saturating_add(1);
        let variables = variables([
            ("drawing", drawing_record(drawing)),
            ("strokes", Value::String(stroke_table(drawing))),
            ("living", key(first, false)),
            ("last_living", key(range.through, false)),
            ("max_living", int(range.living)),
            ("tombstone", key(first, true)),
            ("last_tombstone", key(range.through, true)),
            ("max_tombstones", int(range.tombstones)),
        ]);
        let mut results = match self.0.query(READ, variables).await {
            Ok(results) => results,
            Err(error) => return Err(self.explain_missing(drawing, error.into()).await),
        };
        // BEGIN is the first of the two statements without a result.
        let mut row = Fields::of_drawing(results.take(1)?)?;
        let mut changes = |statement: usize| -> Result<Vec<Change>, StoreError> {
            let rows = rows(results.take(statement)?)?;
            rows.into_iter().map(from_row).collect()
        };
        Ok(Read {
            head: row.seq("head")?,
            living: changes(2)?,
            tombstones: changes(3)?,
            drawing: row,
        })
    }
}

/// The position up to which `rows` are complete: `end`, unless the read stopped at its limit.
fn reached(rows: &[Change], limit: u64, end: Seq) -> Seq {
    match rows.last() {
        Some(last) if rows.len() as u64 == limit => last.seq,
        _ => end,
    }
}

fn chunk(
    mut drawing: Fields,
    changes: Vec<Change>,
    reached: Seq,
    head: Seq,
) -> Result<Chunk, StoreError> {
    Ok(Chunk {
        epoch: drawing.epoch()?,
        compacted: drawing.seq("compacted")?,
        title: drawing.text("title")?,
        rules: drawing.version()?,
        changes,
        head: reached,
        more: reached < head,
        database_head: head,
    })
}
