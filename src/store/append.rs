//! One transaction that moves a drawing's head, or learns that it is behind.
//!
//! It is a compare-and-swap: it must never store anything unless the drawing stands exactly where
//! the caller believes it to stand.

use crate::domain::ids::Epoch;
use crate::domain::sequence::Seq;
use surrealdb::types::{Array, RecordIdKey, Value};

use super::connection::Store;
use super::error::QueryError;
use super::error::StoreError;
use super::rows::{
    drawing_record, int, record, row_key, stroke_table, table, to_row, uuid, variables,
};
use crate::domain::ids::DrawingId;
use crate::domain::op::{Change, RowId};

/// Where whoever appends believes a drawing to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedHead {
    /// Its epoch: after a backup was restored, the same head may be another picture.
    pub epoch: Epoch,
    /// The position of its last change.
    pub head: Seq,
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// All of it is stored, on disk.
    Committed,
    /// Someone else appended first, or at the same time; nothing is stored. Read
    /// [`Store::since`], decide again, and try again.
    Behind,
    /// The drawing is deleted, or was never there; nothing is stored.
    Gone,
}

/// `UPDATE ONLY` that matches nothing is no error and the rest would be stored: hence THROW.
const SWAP_AND_INSERT: &str = "BEGIN;
IF (UPDATE ONLY $drawing SET head = $new, changed = time::now() WHERE head = $old AND epoch = $epoch AND deleted IS NONE RETURN VALUE head) IS NONE {
    IF (SELECT VALUE deleted IS NONE FROM ONLY $drawing) { THROW 'behind' } ELSE { THROW 'gone' }
};
INSERT INTO $table $rows RETURN NONE;
COMMIT;";
/// The same, for changes of strokes that were there: their old rows go.
const SWAP_INSERT_AND_DELETE: &str = "BEGIN;
IF (UPDATE ONLY $drawing SET head = $new, changed = time::now() WHERE head = $old AND epoch = $epoch AND deleted IS NONE RETURN VALUE head) IS NONE {
    IF (SELECT VALUE deleted IS NONE FROM ONLY $drawing) { THROW 'behind' } ELSE { THROW 'gone' }
};
INSERT INTO $table $rows RETURN NONE;
DELETE $replaced RETURN NONE;
COMMIT;";

/// Writes what nobody reads from a stroke's table and nobody follows.
const PROBE_WRITE: &str = "UPDATE $drawing SET changed = time::now() RETURN NONE";

impl Store {
    /// Stores `changes` if the drawing still stands at `at`, and takes away the rows
    /// `replaced`, which the changed strokes had before.
    ///
    /// The changes are numbered `at.head + 1`, `at.head + 2` and so on, as [`Change::seq`]. When it
    /// is committed it is on disk, and everyone who follows the drawing hears of it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Deadline`] and [`StoreError::Unavailable`]: it may have happened, or may
    /// still happen; read [`Store::since`] to see. [`StoreError::Failed`]: nothing happened.
    pub async fn append(
        &self,
        drawing: DrawingId,
        at: ExpectedHead,
        changes: &[Change],
        replaced: &[RowId],
    ) -> Result<Appended, StoreError> {
        let Some(last) = changes.last() else {
            return Ok(Appended::Committed);
        };
        let name = stroke_table(drawing);
        let mut variables = variables([
            ("drawing", drawing_record(drawing)),
            ("old", int(at.head)),
            ("epoch", uuid(at.epoch.0)),
            ("new", int(last.seq)),
            ("rows", list(changes.iter().map(to_row))),
        ]);
        let mut text = SWAP_AND_INSERT;
        if !replaced.is_empty() {
            let old = |&row: &RowId| record(&name, RecordIdKey::Number(row_key(row)));
            variables.insert("replaced", list(replaced.iter().map(old)));
            text = SWAP_INSERT_AND_DELETE;
        }
        variables.insert("table", table(name));
        match self.0.query(text, variables).await {
            Ok(_) => Ok(Appended::Committed),
            Err(QueryError::Conflict) => Ok(Appended::Behind),
            Err(QueryError::Thrown(word)) if word == "behind" => Ok(Appended::Behind),
            Err(QueryError::Thrown(word)) if word == "gone" => Ok(Appended::Gone),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the database takes what is written to this drawing at all: notes that it changed.
    ///
    /// # Errors
    ///
    /// Those of every query: it does not.
    pub async fn probe_write(&self, drawing: DrawingId) -> Result<(), StoreError> {
        let variables = variables([("drawing", drawing_record(drawing))]);
        self.0.query_with_retry(PROBE_WRITE, variables).await?;
        Ok(())
    }
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::Array(Array::from(values.collect::<Vec<_>>()))
}
