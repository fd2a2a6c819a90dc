//! The schema of the database, by number.
//!
//! It must never change what a database has already: it adds what is missing.

use surrealdb::types::{RecordIdKey, Value};

use super::connection::OpenDatabase;
use super::connection::Store;
use super::error::StoreError;
use super::rows::{Fields, int, record, variables};

/// The schema that this program writes. It reads that of a newer program that allows it, and those since
/// version 2, which it brings to this one.
pub(super) const SCHEMA: u32 = 4;
/// Lowest schema number of the programs that may read what this one writes.
const OLDEST: u32 = 2;

const META: &str = include_str!("../../schema/meta.surql");
const READ_META: &str = "SELECT * FROM ONLY $meta";
const READ_DRAWING_TABLE: &str = "INFO FOR TABLE drawing";
/// A field of drawings since schema 2. Early development versions counted other schemas up to 2, without
/// it: the number alone does not tell them apart.
const SINCE_2: &str = "listed";
/// The tables that all drawings share, and the row that records their schema number: applied only
/// to a database without that row, so that servers that start together do not conflict.
const SHARED: &str = concat!(
    "BEGIN;\n",
    include_str!("../../schema/drawing.surql"),
    include_str!("../../schema/server.surql"),
    include_str!("../../schema/living.surql"),
    include_str!("../../schema/asset.surql"),
    include_str!("../../schema/asset_use.surql"),
    include_str!("../../schema/access_key.surql"),
    include_str!("../../schema/moderation.surql"),
    "UPSERT $meta SET schema = $schema, oldest = $oldest RETURN NONE;\nCOMMIT;"
);

/// What is new since schema 2: tables of schema 3, and no types of drawings in schema 4. A program of an older schema
/// is not disturbed by any of it.
const SINCE: &str = concat!(
    "BEGIN;\n",
    include_str!("../../schema/access_key.surql"),
    include_str!("../../schema/moderation.surql"),
    include_str!("../../schema/drawing_types.surql"),
    "UPDATE $meta SET schema = $schema WHERE schema < $schema RETURN NONE;\nCOMMIT;"
);

/// Creates the row of a new drawing and, in the same transaction, its tables.
pub(super) const CREATE_DRAWING: &str = concat!(
    "BEGIN;
LET $now = time::floor(time::now(), 1ms);
CREATE ONLY $drawing SET title = $title, head = 0, compacted = 0, epoch = $epoch,
    created = $now, changed = $now, listed = $now, compacted_at = $now;\n",
    include_str!("../../schema/stroke.surql"),
    include_str!("../../schema/signal.surql"),
    "COMMIT;"
);

/// The same with its first key.
pub(super) const CREATE_OWNED: &str = concat!(
    "BEGIN;
LET $now = time::floor(time::now(), 1ms);
CREATE ONLY $drawing SET title = $title, head = 0, compacted = 0, epoch = $epoch, rules = 1,
    created = $now, changed = $now, listed = $now, compacted_at = $now;
CREATE $key SET hash = $hash, access = $level, name = $name, created = $now, expires = $expires;\n",
    include_str!("../../schema/stroke.surql"),
    include_str!("../../schema/signal.surql"),
    "COMMIT;"
);

/// Applies the schema where it is missing, and rejects a database with one that this program cannot
/// use.
pub(super) async fn apply(connection: &OpenDatabase) -> Result<(), StoreError> {
    connection.query_with_retry(META, variables([])).await?;
    let text = match read_schema(connection).await? {
        Some(schema) if schema < 2 => {
            return Err(StoreError::OtherSchema {
                schema,
                known: SCHEMA,
            });
        }
        Some(_) if !has_field(connection, SINCE_2).await? => {
            return Err(StoreError::OldTables { missing: SINCE_2 });
        }
        Some(schema) if schema >= SCHEMA => return Ok(()),
        Some(_) => SINCE,
        None => SHARED,
    };
    let numbers = [
        ("meta", meta()),
        ("schema", int(SCHEMA.into())),
        ("oldest", int(OLDEST.into())),
    ];
    connection
        .query_with_retry(text, variables(numbers))
        .await?;
    Ok(())
}

/// Whether the database has a schema of any number. Reading it from a database without one is an
/// error.
pub(super) async fn is_there(connection: &OpenDatabase) -> bool {
    let meta = variables([("meta", meta())]);
    let read = connection.query(READ_META, meta).await;
    read.and_then(|mut results| Ok(Fields::maybe(results.take(0)?)))
        .is_ok_and(|row| row.is_some())
}

fn meta() -> Value {
    record("meta", RecordIdKey::String("schema".into()))
}

/// The schema number of the database, if it has one; an error if this program is too old for it.
async fn read_schema(connection: &OpenDatabase) -> Result<Option<u32>, StoreError> {
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

/// Whether drawings have a field of this name.
async fn has_field(connection: &OpenDatabase, name: &str) -> Result<bool, StoreError> {
    let info = connection.query_with_retry(READ_DRAWING_TABLE, variables([]));
    let fields = Fields::of(info.await?.take(0)?)?.take("fields");
    Ok(matches!(fields, Value::Object(fields) if fields.contains_key(name)))
}

impl Store {
    /// Checks that the database answers and that this program may still use it, by reading one
    /// row. A running server continues beside a newer program until the row excludes it.
    ///
    /// # Errors
    ///
    /// Those of every query, and [`StoreError::TooNew`] when a newer program has excluded this one.
    pub async fn check(&self) -> Result<(), StoreError> {
        match read_schema(&self.0).await? {
            Some(_) => Ok(()),
            None => Err(StoreError::Failed("the schema is missing".into())),
        }
    }
}
