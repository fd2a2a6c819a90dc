//! The schema of the database and of each drawing, by number.
//!
//! It must never touch a database that a newer program wrote and this one may not read.

use surrealdb::types::{RecordIdKey, Value};

use super::connection::OpenDatabase;
use super::connection::Store;
use super::error::StoreError;
use super::rows::{Fields, int, record, variables};

/// The schema this program writes, for the database and for each drawing's tables.
pub(super) const SCHEMA: u32 = 1;
/// The oldest schema whose programs may still read what this one writes.
const OLDEST: u32 = 1;

const META: &str = include_str!("../../schema/meta.surql");
const READ_META: &str = "SELECT * FROM ONLY $meta";
/// The tables that all drawings share, and the word that they are there: applied only to a
/// database whose number is lower, so that servers that start together do not collide.
const SHARED: &str = concat!(
    "BEGIN;\n",
    include_str!("../../schema/drawing.surql"),
    include_str!("../../schema/server.surql"),
    include_str!("../../schema/living.surql"),
    "UPSERT $meta SET schema = $schema, oldest = $oldest RETURN NONE;\nCOMMIT;"
);

/// Makes the row of a new drawing and, in the same transaction, its tables.
pub(super) const CREATE_DRAWING: &str = concat!(
    "BEGIN;
LET $now = time::floor(time::now(), 1ms);
CREATE ONLY $drawing SET title = $title, head = 0, compacted = 0, epoch = $epoch, schema = $schema,
    created = $now, changed = $now, compacted_at = $now;\n",
    include_str!("../../schema/stroke.surql"),
    include_str!("../../schema/signal.surql"),
    "COMMIT;"
);

/// Applies the schema where it is missing, and refuses a database that is too new.
pub(super) async fn apply(connection: &OpenDatabase) -> Result<(), StoreError> {
    connection.query_with_retry(META, variables([])).await?;
    if read_meta(connection).await? >= Some(SCHEMA) {
        return Ok(());
    }
    let numbers = [
        ("meta", meta()),
        ("schema", int(SCHEMA.into())),
        ("oldest", int(OLDEST.into())),
    ];
    connection
        .query_with_retry(SHARED, variables(numbers))
        .await?;
    Ok(())
}

/// Whether the database has a schema at all, whatever program wrote it. In one that has none, reading it is
/// an error.
pub(super) async fn is_there(connection: &OpenDatabase) -> bool {
    let meta = variables([("meta", meta())]);
    let read = connection.query(READ_META, meta).await;
    read.and_then(|mut results| Ok(Fields::maybe(results.take(0)?)))
        .is_ok_and(|row| row.is_some())
}

fn meta() -> Value {
    record("meta", RecordIdKey::String("schema".into()))
}

/// The schema of the database, if it has one, and this program may read it.
async fn read_meta(connection: &OpenDatabase) -> Result<Option<u32>, StoreError> {
    let mut results = connection
        .query_with_retry(READ_META, variables([("meta", meta())]))
        .await?;
    let Some(mut row) = Fields::maybe(results.take(0)?) else {
        return Ok(None);
    };
    let schema = row.seq("schema")? as u32;
    let oldest = row.seq("oldest")? as u32;
    if oldest > SCHEMA {
        return Err(StoreError::TooNew {
            schema,
            oldest,
            known: SCHEMA,
        });
    }
    Ok(Some(schema))
}

impl Store {
    /// Whether the database answers, and is one that this program may use: the cheapest
    /// question whose answer is in the database itself, one row.
    ///
    /// # Errors
    ///
    /// Those of every query, and [`StoreError::TooNew`] since another program upgraded it.
    pub async fn check(&self) -> Result<(), StoreError> {
        match read_meta(&self.0).await? {
            Some(_) => Ok(()),
            None => Err(StoreError::Failed("its tables are gone".into())),
        }
    }
}
