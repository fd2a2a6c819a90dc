//! The pictures of drawings, each under the hash of its bytes.
//!
//! A stored picture must never change: its address is cached for ever.

use surrealdb::types::{Array, Bytes, RecordIdKey, Value};

use super::connection::Store;
use super::error::{QueryError, StoreError};
use super::rows::{Fields, counted, drawing_record, int, record, uuid, variables, wrong};
use crate::domain::asset::{Asset, AssetHash};
use crate::domain::ids::DrawingId;

/// The row of a picture that is there already stays as it is, and counts once.
const PUT: &str = "BEGIN;
IF (SELECT VALUE id FROM ONLY $drawing) IS NONE { THROW 'absent' };
IF (SELECT VALUE deleted FROM ONLY $drawing) IS NOT NONE { THROW 'gone' };
IF !record::exists($asset) {
    LET $held = (SELECT VALUE bytes FROM ONLY $use) ?? 0;
    IF $held + $size > $most { THROW 'full' };
    UPSERT $use SET bytes = $held + $size RETURN NONE;
    CREATE $asset SET kind = $kind, bytes = $bytes RETURN NONE;
};
COMMIT;";
const GET: &str = "SELECT deleted FROM ONLY $drawing; SELECT * FROM ONLY $asset;";
const COUNT: &str = "SELECT count() FROM ONLY asset GROUP ALL LIMIT 1;
SELECT count() FROM ONLY asset_use GROUP ALL LIMIT 1;";

/// The outcome of [`Store::put_asset`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetPut {
    /// It is stored, now or before.
    Stored,
    /// The drawing has no room for it.
    Full,
}

impl Store {
    /// Stores a picture of a drawing, unless all its pictures would have more than `most` bytes.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] and [`StoreError::Gone`] besides those of every query.
    pub async fn put_asset(
        &self,
        drawing: DrawingId,
        hash: AssetHash,
        asset: Asset,
        most: usize,
    ) -> Result<AssetPut, StoreError> {
        let variables = variables([
            ("drawing", drawing_record(drawing)),
            ("asset", asset_record(drawing, hash)),
            ("use", asset_use_record(drawing)),
            ("size", int(asset.bytes.len() as u64)),
            ("most", int(most as u64)),
            ("kind", Value::String(asset.kind.name().to_owned())),
            ("bytes", Value::Bytes(Bytes::from(asset.bytes))),
        ]);
        match self.0.query_with_retry(PUT, variables).await {
            Ok(_) => Ok(AssetPut::Stored),
            Err(QueryError::Thrown(word)) if word == "full" => Ok(AssetPut::Full),
            Err(QueryError::Thrown(word)) if word == "gone" => Err(StoreError::Gone),
            Err(QueryError::Thrown(word)) if word == "absent" => Err(StoreError::NotFound),
            Err(error) => Err(error.into()),
        }
    }

    /// Counts the pictures and the drawings that have some by reading them all: for maintenance and
    /// tests.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn count_assets(&self) -> Result<(u64, u64), StoreError> {
        let mut results = self.0.query(COUNT, variables([])).await?;
        Ok((counted(results.take(0)?)?, counted(results.take(1)?)?))
    }

    /// A picture of a drawing.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] if the drawing or the picture is missing, and [`StoreError::Gone`],
    /// besides those of every query.
    pub async fn asset(&self, drawing: DrawingId, hash: AssetHash) -> Result<Asset, StoreError> {
        let variables = variables([
            ("drawing", drawing_record(drawing)),
            ("asset", asset_record(drawing, hash)),
        ]);
        let mut results = self.0.query(GET, variables).await?;
        Fields::of_drawing(results.take(0)?)?;
        let mut row = Fields::maybe(results.take(1)?).ok_or(StoreError::NotFound)?;
        let kind = row.text("kind")?.parse().map_err(|_| wrong("kind"))?;
        let Value::Bytes(bytes) = row.take("bytes") else {
            return Err(wrong("bytes"));
        };
        Ok(Asset {
            kind,
            bytes: bytes.into_inner(),
        })
    }
}

/// The records of all pictures of a drawing, as the two ends of a range of keys.
pub(super) fn asset_keys(drawing: DrawingId) -> [(&'static str, Value); 2] {
    // Every hash is written in digits from 0 to f, and g comes after them.
    [
        ("first_asset", Value::Array(asset_key(drawing, ""))),
        ("after_assets", Value::Array(asset_key(drawing, "g"))),
    ]
}

/// The row that says how much the pictures of a drawing take.
pub(super) fn asset_use_record(drawing: DrawingId) -> Value {
    record("asset_use", RecordIdKey::Uuid(drawing.0.into()))
}

fn asset_key(drawing: DrawingId, hash: &str) -> Array {
    Array::from(vec![uuid(drawing.0), Value::String(hash.to_owned())])
}

fn asset_record(drawing: DrawingId, hash: AssetHash) -> Value {
    let key = asset_key(drawing, &hash.to_string());
    record("asset", RecordIdKey::Array(key))
}
