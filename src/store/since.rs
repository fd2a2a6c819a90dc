//! A finite read: the changes of a drawing after a position.
//!
//! It reads closed ranges of record ids, never `LIMIT`, and everything in one transaction.

use surrealdb::types::{RecordId, RecordIdKey, RecordIdKeyRange, Value};

use super::rows::{Fields, drawing_record, from_row, rows, stroke_table, variables};
use super::schema::SCHEMA;
use super::{PAGE, Page, Store, StoreError};
use crate::model::{DrawingId, Seq};

const READ: &str = "BEGIN;
SELECT head, floor, life, title, deleted, schema FROM ONLY $drawing;
SELECT * FROM $range;
COMMIT;";

impl Store {
    /// Reads the changes after `since`, at most [`PAGE`] positions of them.
    ///
    /// It brings the drawing's tables up to this program's schema first, where they are older.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] and [`StoreError::Gone`] besides those of every query.
    pub async fn since(&self, drawing: DrawingId, since: Seq) -> Result<Page, StoreError> {
        let name = stroke_table(drawing);
        let first = RecordIdKey::Number(i64::try_from(since).unwrap_or(i64::MAX).saturating_add(1));
        let last = since.saturating_add(PAGE);
        let range = RecordIdKeyRange {
            start: std::ops::Bound::Included(first),
            end: std::ops::Bound::Included(RecordIdKey::Number(
                i64::try_from(last).unwrap_or(i64::MAX),
            )),
        };
        let range = Value::RecordId(RecordId::new(name, RecordIdKey::Range(Box::new(range))));
        loop {
            let variables = variables([
                ("drawing", drawing_record(drawing)),
                ("range", range.clone()),
            ]);
            let mut results = match self.0.query(READ, variables).await {
                Ok(results) => results,
                Err(trouble) => return Err(self.missing(drawing, trouble.into()).await),
            };
            // BEGIN is the first statement of the two that give nothing.
            let mut row = Fields::maybe(results.take(1)?).ok_or(StoreError::NotFound)?;
            if !matches!(row.take("deleted"), Value::None) {
                return Err(StoreError::Gone);
            }
            let schema = row.seq("schema")? as u32;
            if schema < SCHEMA {
                self.migrate(drawing, schema).await?;
                continue;
            }
            let head = row.seq("head")?;
            let changes = rows(results.take(2)?)?;
            return Ok(Page {
                life: row.life()?,
                floor: row.seq("floor")?,
                title: row.text("title")?,
                changes: changes
                    .into_iter()
                    .map(from_row)
                    .collect::<Result<_, _>>()?,
                head: head.min(last),
                more: head > last,
                database_head: head,
            });
        }
    }
}
