//! Conversion of rows between SurrealDB values and the types of the domain.
//!
//! Written by hand, without serde: an append is on the path of every stroke.

use surrealdb::types::{Array, Datetime, Number, Object, RecordId, RecordIdKey, Value, Variables};
use uuid::Uuid;

use super::error::StoreError;
use crate::domain::ids::{DrawingId, Epoch, OpId, PersonId, StrokeId, WriterId};
use crate::domain::op::{Change, RowId};
use crate::domain::sequence::Seq;
use crate::domain::stroke::Body;

/// The bit that the id of a tombstone has beside the position. So all tombstones of a drawing have
/// negative ids and sort before its living strokes, both in the order of their positions: a first load
/// skips them all, and one live query covers both.
const TOMBSTONE: i64 = i64::MIN;

/// The table of a drawing's strokes.
pub(super) fn stroke_table(drawing: DrawingId) -> String {
    format!("stroke_{drawing}")
}

/// The table of a drawing's signals, which stores no row.
pub(super) fn signal_table(drawing: DrawingId) -> String {
    format!("signal_{drawing}")
}

/// The record of a drawing.
pub(super) fn drawing_record(drawing: DrawingId) -> Value {
    record("drawing", RecordIdKey::Uuid(drawing.0.into()))
}

/// The record of the index of a drawing's living strokes.
pub(super) fn living_record(drawing: DrawingId) -> Value {
    record("living", RecordIdKey::Uuid(drawing.0.into()))
}

/// A record id as a value.
pub(super) fn record(table: &str, key: RecordIdKey) -> Value {
    Value::RecordId(RecordId::new(table, key))
}

/// The id of a row in its table.
pub(super) fn row_key(row: RowId) -> i64 {
    // Positions stay far below 2^63.
    let seq = i64::try_from(row.seq).unwrap_or(i64::MAX);
    match row.tombstone {
        true => seq | TOMBSTONE,
        false => seq,
    }
}

/// The row with this id.
pub(super) fn row_of(key: i64) -> RowId {
    RowId {
        seq: (key & !TOMBSTONE) as Seq,
        tombstone: key < 0,
    }
}

/// A number as a value. Positions stay far below 2^63.
pub(super) fn int(number: u64) -> Value {
    Value::Number(Number::Int(number as i64))
}

/// A UUID as a value.
pub(super) fn uuid(uuid: Uuid) -> Value {
    Value::Uuid(uuid.into())
}

/// A list of values as a value.
pub(super) fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(Array::from(values.into_iter().collect::<Vec<_>>()))
}

/// An id and a number as a value.
pub(super) fn pair(id: Uuid, number: u64) -> Value {
    list([uuid(id), int(number)])
}

/// Variables of a query.
pub(super) fn variables<const N: usize>(pairs: [(&str, Value); N]) -> Variables {
    let mut variables = Variables::new();
    for (name, value) in pairs {
        variables.insert(name, value);
    }
    variables
}

/// Converts a change to a row.
pub(super) fn to_row(change: &Change) -> Value {
    let mut row = Object::new();
    row.insert("id", Value::Number(Number::Int(row_key(change.row()))));
    row.insert("stroke", uuid(change.stroke.0));
    row.insert("z", Value::Number(Number::Int(change.z)));
    row.insert("author", uuid(change.author.0));
    row.insert("writer", uuid(change.op.writer.0));
    row.insert("n", int(change.op.n));
    if !change.prior_ops.is_empty() {
        let prior_op = |op: &OpId| pair(op.writer.0, op.n);
        row.insert("prior_ops", list(change.prior_ops.iter().map(prior_op)));
    }
    match &change.body {
        Some(body) => row.insert("body", Value::String(body.as_json().to_owned())),
        None => row.insert("erased", Value::Datetime(Datetime::now())),
    };
    Value::Object(row)
}

/// Converts a row to a change.
pub(super) fn from_row(row: Value) -> Result<Change, StoreError> {
    let mut row = Fields::of(row)?;
    Ok(Change {
        seq: row_of(row.key()?).seq,
        stroke: StrokeId(row.uuid("stroke")?),
        z: row.int("z")?,
        author: PersonId(row.uuid("author")?),
        op: OpId {
            writer: WriterId(row.uuid("writer")?),
            n: row.seq("n")?,
        },
        prior_ops: row.pairs("prior_ops", |writer, n| OpId {
            writer: WriterId(writer),
            n,
        })?,
        body: match row.take("body") {
            Value::String(json) => Some(Body::from_stored(json)),
            _ => None,
        },
    })
}

/// The error for a field with an unexpected value.
pub(super) fn wrong(field: &str) -> StoreError {
    StoreError::Failed(format!("a row has an unexpected `{field}`"))
}

/// The fields of one row.
pub(super) struct Fields(Object);

impl Fields {
    /// The fields of a row that must be there.
    pub(super) fn of(row: Value) -> Result<Self, StoreError> {
        match row {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(wrong("row")),
        }
    }

    /// The fields of a row that may be missing.
    pub(super) fn maybe(row: Value) -> Option<Self> {
        Self::of(row).ok()
    }

    /// The fields of a drawing's row, with `deleted` among them.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] without a row, and [`StoreError::Gone`] if the drawing is deleted.
    pub(super) fn of_drawing(row: Value) -> Result<Self, StoreError> {
        let mut row = Self::maybe(row).ok_or(StoreError::NotFound)?;
        match row.take("deleted") {
            Value::None => Ok(row),
            _ => Err(StoreError::Gone),
        }
    }

    pub(super) fn take(&mut self, field: &str) -> Value {
        self.0
            .get_mut(field)
            .map(std::mem::take)
            .unwrap_or_default()
    }

    pub(super) fn int(&mut self, field: &str) -> Result<i64, StoreError> {
        match self.take(field) {
            Value::Number(Number::Int(number)) => Ok(number),
            _ => Err(wrong(field)),
        }
    }

    pub(super) fn seq(&mut self, field: &str) -> Result<Seq, StoreError> {
        self.int(field)?.try_into().map_err(|_| wrong(field))
    }

    pub(super) fn uuid(&mut self, field: &str) -> Result<Uuid, StoreError> {
        match self.take(field) {
            Value::Uuid(uuid) => Ok(uuid.into_inner()),
            _ => Err(wrong(field)),
        }
    }

    pub(super) fn epoch(&mut self) -> Result<Epoch, StoreError> {
        self.uuid("epoch").map(Epoch)
    }

    pub(super) fn text(&mut self, field: &str) -> Result<String, StoreError> {
        match self.take(field) {
            Value::String(text) => Ok(text),
            _ => Err(wrong(field)),
        }
    }

    /// A list of [`pair`]s, each converted by `of`.
    pub(super) fn pairs<T>(
        &mut self,
        field: &str,
        of: impl Fn(Uuid, u64) -> T,
    ) -> Result<Vec<T>, StoreError> {
        let pairs = rows(self.take(field))?.into_iter().map(|pair| {
            let pair = rows(pair)?;
            match pair.as_slice() {
                [Value::Uuid(id), Value::Number(Number::Int(number))] => {
                    Ok(of(id.into_inner(), *number as u64))
                }
                _ => Err(wrong(field)),
            }
        });
        pairs.collect()
    }

    /// A time, in milliseconds since 1970.
    pub(super) fn millis(&mut self, field: &str) -> Result<u64, StoreError> {
        match self.take(field) {
            Value::Datetime(time) => Ok(time.timestamp_millis().max(0) as u64),
            _ => Err(wrong(field)),
        }
    }

    /// A time that may be missing, in milliseconds since 1970.
    pub(super) fn maybe_millis(&mut self, field: &str) -> Result<Option<u64>, StoreError> {
        match self.take(field) {
            Value::None | Value::Null => Ok(None),
            Value::Datetime(time) => Ok(Some(time.timestamp_millis().max(0) as u64)),
            _ => Err(wrong(field)),
        }
    }

    /// The version of a drawing's rules, which is 0 where there never were any.
    pub(super) fn version(&mut self) -> Result<u64, StoreError> {
        match self.take("rules") {
            Value::None | Value::Null => Ok(0),
            Value::Number(Number::Int(version)) => version.try_into().map_err(|_| wrong("rules")),
            _ => Err(wrong("rules")),
        }
    }

    /// The number in the row's id.
    fn key(&mut self) -> Result<i64, StoreError> {
        match self.take("id") {
            Value::RecordId(RecordId {
                key: RecordIdKey::Number(number),
                ..
            }) => Ok(number),
            _ => Err(wrong("id")),
        }
    }

    /// The UUID in the row's id.
    pub(super) fn uuid_key(&mut self) -> Result<Uuid, StoreError> {
        match self.take("id") {
            Value::RecordId(RecordId {
                key: RecordIdKey::Uuid(uuid),
                ..
            }) => Ok(uuid.into_inner()),
            _ => Err(wrong("id")),
        }
    }
}

/// The rows of a result that is a list.
pub(super) fn rows(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(rows) => Ok(rows.into_vec()),
        Value::None | Value::Null => Ok(Vec::new()),
        _ => Err(wrong("rows")),
    }
}

/// The number in the result of a query that counts: nothing if there is nothing to count.
pub(super) fn counted(value: Value) -> Result<u64, StoreError> {
    Fields::maybe(value).map_or(Ok(0), |mut row| row.seq("count"))
}

/// A time in milliseconds since 1970, as a value.
pub(super) fn time(millis: u64) -> Value {
    let seconds = (millis / 1000) as i64;
    let nanos = (millis % 1000) as u32 * 1_000_000;
    Datetime::from_timestamp(seconds, nanos).map_or(Value::None, Value::Datetime)
}
