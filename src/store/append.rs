//! The transaction that moves a drawing's head.
//!
//! It is a compare-and-swap: it must never store anything unless the drawing is exactly where the
//! caller expects it.

use crate::domain::ids::Epoch;
use crate::domain::sequence::Seq;
use surrealdb::types::{RecordIdKey, Value};

use super::connection::Store;
use super::error::QueryError;
use super::error::StoreError;
use super::rows::{
    drawing_record, int, list, record, row_key, stroke_table, to_row, uuid, variables,
};
use crate::domain::ids::DrawingId;
use crate::domain::op::{Change, RowId};

/// The state in which a drawing is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedHead {
    /// The epoch: in a restored backup the same head may have other strokes.
    pub epoch: Epoch,
    /// The position of the last change.
    pub head: Seq,
    /// The version of the rules that were obeyed: under others nothing is stored.
    pub rules: u64,
}

/// The outcome of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// All changes are stored, on disk.
    Committed,
    /// The head, the epoch or the version of the rules is not the expected one; nothing is stored. Read
    /// [`Store::since`], and decide again.
    Behind,
    /// The drawing is deleted, or never existed; nothing is stored.
    Gone,
}

/// One INSERT, which is a transaction by itself, of rows that only the winner of the swap gets: with BEGIN and COMMIT
/// a stroke costs a quarter more, and with the INSERT inside the IF a sixth. `UPDATE ONLY` that matches nothing is no
/// error, hence THROW, with what tells why it lost.
macro_rules! swap_and_insert {
    ($rows:literal) => {
        concat!(
            "INSERT INTO $table (IF (UPDATE ONLY $drawing SET head = $new, changed = time::now() ",
            "WHERE [head, epoch, rules, deleted] = $at) THEN ",
            $rows,
            " ELSE THROW [$drawing.head, $drawing.deleted] END) RETURN NONE"
        )
    };
}
const SWAP_AND_INSERT: &str = swap_and_insert!("$rows");
/// The same for changes of existing strokes, whose old rows are emptied. To delete them here would cost every
/// edit and erasure a walk over the definitions of all tables of the database, since SurrealDB looks for fields
/// that refer to what is deleted: 44 ms with 2,000 drawings.
const SWAP_INSERT_AND_EMPTY: &str =
    swap_and_insert!("{ UPDATE $replaced SET body = NONE, erased = NONE RETURN NONE; $rows }");

/// Most changes of an append that runs on the thread of its drawing: with strokes of 40 points it takes some two
/// milliseconds then, and a longer one is better done beside the sessions of that thread.
const SHORT: usize = 16;

/// A write that changes no row of the drawing, and of which no subscriber is notified. Lists see it, as the
/// time of the last change.
const PROBE_WRITE: &str = "UPDATE $drawing SET changed = time::now() RETURN NONE";

/// Why a swap was lost, by the head of the drawing and the time of its deletion as they were thrown.
fn lost(state: &str) -> Appended {
    match state.starts_with("[NONE,") || !state.ends_with(", NONE]") {
        true => Appended::Gone,
        false => Appended::Behind,
    }
}

impl Store {
    /// Stores `changes` if the drawing is still at `at`, and empties the rows `replaced`, which the
    /// changed strokes had before: nobody reads them any more, and [`Store::write_index`] and
    /// [`Store::sweep`] delete them.
    ///
    /// The changes have the positions [`Change::seq`] `at.head + 1`, `at.head + 2` and so on. Once
    /// committed they are on disk, and every subscriber of the drawing is notified.
    ///
    /// # Errors
    ///
    /// After [`StoreError::Deadline`], [`StoreError::Unavailable`] or [`StoreError::Storage`] the
    /// outcome is unknown: the changes may already be stored, or may be stored later. Read
    /// [`Store::since`] to find out. After [`StoreError::Failed`] nothing is stored.
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
        let rules = match at.rules {
            0 => Value::None,
            version => int(version),
        };
        let mut variables = variables([
            ("drawing", drawing_record(drawing)),
            (
                "at",
                list([int(at.head), uuid(at.epoch.0), rules, Value::None]),
            ),
            ("new", int(last.seq)),
            ("rows", list(changes.iter().map(to_row))),
        ]);
        let mut text = SWAP_AND_INSERT;
        if !replaced.is_empty() {
            let old = |&row: &RowId| record(&name, RecordIdKey::Number(row_key(row)));
            variables.insert("replaced", list(replaced.iter().map(old)));
            text = SWAP_INSERT_AND_EMPTY;
        }
        variables.insert("table", Value::String(name));
        let stored = match changes.len() {
            ..=SHORT => self.0.query_here(text, variables).await,
            _ => self.0.query(text, variables).await,
        };
        match stored {
            Ok(_) => Ok(Appended::Committed),
            Err(QueryError::Conflict) => Ok(Appended::Behind),
            Err(QueryError::Thrown(state)) => Ok(lost(&state)),
            Err(error) => match self.explain_missing(drawing, error.into()).await {
                StoreError::NotFound | StoreError::Gone => Ok(Appended::Gone),
                error => Err(error),
            },
        }
    }

    /// Checks that the database accepts writes to this drawing, by setting its time of change.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn probe_write(&self, drawing: DrawingId) -> Result<(), StoreError> {
        let variables = variables([("drawing", drawing_record(drawing))]);
        self.0.query_with_retry(PROBE_WRITE, variables).await?;
        Ok(())
    }
}
