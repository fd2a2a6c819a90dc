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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ServerId, StrokeId};
    use crate::domain::op::Change;
    use crate::domain::stroke::Body;
    use crate::metrics::Metrics;
    use crate::store::tests::memory;
    use crate::store::{Appended, ExpectedHead, LivingIndex};

    #[tokio::test]
    async fn a_replaced_row_is_emptied_at_once_and_deleted_by_a_sweep_and_with_an_index() {
        const ROW: &str = "SELECT body, erased FROM type::table($strokes) ORDER BY id";
        let store = Store::open(&memory(), ServerId::random(), Metrics::new())
            .await
            .unwrap();
        let drawing = store.create("A drawing").await.unwrap();
        let (id, epoch) = (drawing.id, drawing.epoch);
        let stroke = StrokeId::random();
        let append = async |seq: u64, body: Option<&str>| {
            let at = ExpectedHead {
                epoch,
                head: seq - 1,
                rules: 0,
            };
            let body = body.map(|body| Body::parse(body).unwrap());
            let change = Change {
                stroke,
                ..Change::by_anyone(seq, body)
            };
            let before = RowId {
                seq: seq - 1,
                tombstone: seq == 3,
            };
            let replaced = if seq == 1 { vec![] } else { vec![before] };
            let appended = store.append(id, at, &[change], &replaced).await;
            assert_eq!(appended, Ok(Appended::Committed));
        };
        let emptied = async || {
            let strokes = variables([("strokes", Value::String(stroke_table(id)))]);
            let mut results = store.0.query(ROW, strokes).await.unwrap();
            let rows = rows(results.take(0).unwrap()).unwrap();
            let is_empty = |row: Value| {
                let mut row = Fields::of(row).unwrap();
                row.take("body") == Value::None && row.take("erased") == Value::None
            };
            let all = rows.len();
            (
                rows.into_iter().filter(|row| is_empty(row.clone())).count(),
                all,
            )
        };
        let body =
            r##"{"kind":"line","x":1,"y":2.5,"points":"AAIAAAIC","colour":"#1d1d1f","width":4}"##;
        append(1, Some(body)).await;
        append(2, None).await;
        append(3, Some(body)).await;
        assert_eq!(emptied().await, (2, 3), "a stroke, and a tombstone");
        let read = store.since(id, 0).await.unwrap().changes;
        assert_eq!(
            read.iter().map(|change| change.seq).collect::<Vec<_>>(),
            [3]
        );
        let index = LivingIndex {
            epoch,
            head: 3,
            positions: vec![3],
        };
        store.write_index(id, &index).await.unwrap();
        assert_eq!(emptied().await, (0, 1));
        append(4, Some(body)).await;
        assert_eq!(emptied().await, (1, 2));
        store.sweep(Duration::ZERO).await.unwrap();
        assert_eq!(emptied().await, (0, 1));
        let read = store.load(id).await.unwrap().living;
        assert_eq!(
            read.iter().map(|change| change.seq).collect::<Vec<_>>(),
            [4]
        );
        store.close().await;
    }
}
