//! The sweep: deletes old tombstones, rows that were emptied, and rows of dead servers.
//!
//! It must never delete the row at a drawing's head, and raises the compacted position in the same
//! transaction that deletes tombstones.

use std::time::Duration;

use surrealdb::types::{RecordId, RecordIdKey, Value};

use crate::domain::ids::DrawingId;
use crate::domain::op::RowId;
use crate::store::connection::Store;
use crate::store::error::{QueryError, StoreError};
use crate::store::rows::{
    Fields, drawing_record, int, list, row_of, rows, stroke_table, variables, wrong,
};
use crate::store::servers::SERVER_SILENCE;

/// Most tombstones deleted in one transaction, and most drawings checked in one sweep: the next
/// sweep continues.
const AT_ONCE: usize = 1_000;

/// Without the hint the other index would be scanned from end to end.
pub(in crate::store) const SELECT_DUE: &str =
    "SELECT id, changed < compacted_at AS untouched FROM drawing WITH INDEX compacted_at
WHERE deleted IS NONE AND compacted_at <= time::now() - $age LIMIT $limit";
/// A drawing that did not change since its last sweep has no old tombstones: it is checked again
/// only when a tombstone from now on could be old enough.
const UNTOUCHED: &str =
    "UPDATE $drawings SET compacted_at = time::now() WHERE changed < compacted_at RETURN NONE";
const SELECT_EXPIRED: &str = "BEGIN;
LET $until = time::now() - $age;
SELECT head, $until AS until FROM ONLY $drawing;
SELECT VALUE id FROM type::record($strokes, ..0) WHERE erased IS NOT NONE AND erased <= $until;
COMMIT;";
const DELETE_TOMBSTONES: &str = "BEGIN;
IF (UPDATE ONLY $drawing SET compacted = math::max([compacted, $compacted]) WHERE head > $compacted AND deleted IS NONE RETURN VALUE compacted) IS NONE { THROW 'gone' };
DELETE $rows RETURN NONE;
COMMIT;";
const SELECT_EMPTIED: &str =
    "SELECT VALUE id FROM type::table($strokes) WHERE body IS NONE AND erased IS NONE LIMIT $limit";
/// In a restored backup the same row may hold a stroke.
const DELETE_EMPTIED: &str = "DELETE $rows WHERE body IS NONE AND erased IS NONE RETURN NONE";
const MARK_SWEPT: &str =
    "UPDATE ONLY $drawing SET compacted_at = $until WHERE compacted_at < $until RETURN NONE";
const SILENT: &str = "DELETE server WHERE heartbeat < time::now() - $age RETURN NONE";

impl Store {
    /// Deletes tombstones older than `tombstones` and the rows that were emptied, of drawings that have not been
    /// swept for a while, and the rows of servers silent for
    /// [`SERVER_SILENCE`]; returns how many tombstones. Several servers may sweep at once.
    ///
    /// # Errors
    ///
    /// Those of every query; completed deletions stay.
    pub async fn sweep(&self, tombstones: Duration) -> Result<usize, StoreError> {
        let mut swept = 0;
        let mut untouched = Vec::new();
        // Each drawing is checked some thirty times in the retention.
        let due = variables([
            ("age", age(tombstones + tombstones / 30)),
            ("limit", int(AT_ONCE as u64)),
        ]);
        let mut results = self.0.query(SELECT_DUE, due).await?;
        for row in rows(results.take(0)?)? {
            let mut row = Fields::of(row)?;
            let drawing = DrawingId(row.uuid_key()?);
            match row.take("untouched") {
                Value::Bool(true) => untouched.push(drawing_record(drawing)),
                _ => swept += self.sweep_tombstones(drawing, tombstones).await?,
            }
        }
        if !untouched.is_empty() {
            let drawings = variables([("drawings", list(untouched))]);
            self.0.query_with_retry(UNTOUCHED, drawings).await?;
        }
        let silence = variables([("age", age(SERVER_SILENCE))]);
        self.0.query_with_retry(SILENT, silence).await?;
        Ok(swept)
    }

    async fn sweep_tombstones(
        &self,
        drawing: DrawingId,
        older: Duration,
    ) -> Result<usize, StoreError> {
        let old = variables([
            ("drawing", drawing_record(drawing)),
            ("strokes", Value::String(stroke_table(drawing))),
            ("age", age(older)),
        ]);
        let mut results = self.0.query(SELECT_EXPIRED, old).await?;
        let Some(mut row) = Fields::maybe(results.take(2)?) else {
            return Ok(0);
        };
        let head = row.seq("head")?;
        let until = row.take("until");
        let mut tombstones = Vec::new();
        for id in rows(results.take(3)?)? {
            match id {
                Value::RecordId(RecordId {
                    key: RecordIdKey::Number(key),
                    ..
                }) => {
                    let RowId { seq, .. } = row_of(key);
                    if seq < head {
                        tombstones.push((seq, id));
                    }
                }
                _ => return Err(wrong("id")),
            }
        }
        tombstones.sort_by_key(|(seq, _)| *seq);
        for some in tombstones.chunks(AT_ONCE) {
            let compacted = some.last().map_or(0, |(seq, _)| *seq);
            let variables = variables([
                ("drawing", drawing_record(drawing)),
                ("compacted", int(compacted)),
                ("rows", list(some.iter().map(|(_, id)| id.clone()))),
            ]);
            match self.0.query_with_retry(DELETE_TOMBSTONES, variables).await {
                Ok(_) => {}
                Err(QueryError::Thrown(_)) => return Ok(0),
                Err(error) => return Err(error.into()),
            }
        }
        self.delete_emptied(drawing).await?;
        let done = variables([("drawing", drawing_record(drawing)), ("until", until)]);
        self.0.query_with_retry(MARK_SWEPT, done).await?;
        Ok(tombstones.len())
    }
}

impl Store {
    /// Deletes the rows of a drawing that were emptied because their strokes changed.
    pub(in crate::store) async fn delete_emptied(
        &self,
        drawing: DrawingId,
    ) -> Result<(), StoreError> {
        loop {
            let some = variables([
                ("strokes", Value::String(stroke_table(drawing))),
                ("limit", int(AT_ONCE as u64)),
            ]);
            let mut results = self.0.query(SELECT_EMPTIED, some).await?;
            let emptied = rows(results.take(0)?)?;
            let are_all = emptied.len() < AT_ONCE;
            if !emptied.is_empty() {
                let emptied = variables([("rows", list(emptied))]);
                self.0.query_with_retry(DELETE_EMPTIED, emptied).await?;
            }
            if are_all {
                return Ok(());
            }
        }
    }
}

fn age(duration: Duration) -> Value {
    Value::Duration(duration.into())
}
