//! The rows of keys: where they are, and what is in them.
//!
//! A row must never hold a secret: it has the hash of one.

use surrealdb::types::{Array, RecordIdKey, Value, Variables};

use super::error::StoreError;
use super::rows::{Fields, drawing_record, record, uuid, variables, wrong};
use crate::domain::ids::DrawingId;
use crate::domain::key::{KeyHash, KeyId, StoredKey};

/// A key as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its id, its hash, and what it allows.
    pub key: StoredKey,
    /// What its maker calls it.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
    /// When it was last used, to the minute.
    pub last_used: Option<u64>,
    /// The name of the person who last used it.
    pub last_by: Option<String>,
}

/// The key in a row.
pub(super) fn stored(row: Value) -> Result<StoredKey, StoreError> {
    Ok(info(Fields::of(row)?)?.key)
}

pub(super) fn info(mut row: Fields) -> Result<KeyInfo, StoreError> {
    let Value::RecordId(id) = row.take("id") else {
        return Err(wrong("id"));
    };
    let RecordIdKey::Array(id) = id.key else {
        return Err(wrong("id"));
    };
    let id = id.into_vec();
    let [Value::Uuid(drawing), Value::String(id)] = id.as_slice() else {
        return Err(wrong("id"));
    };
    let Value::Bytes(hash) = row.take("hash") else {
        return Err(wrong("hash"));
    };
    let hash = hash.into_inner().as_ref().try_into();
    let level = row.text("access")?.parse().map_err(|_| wrong("access"))?;
    Ok(KeyInfo {
        key: StoredKey {
            id: id.parse().map_err(|_| wrong("id"))?,
            drawing: DrawingId(drawing.into_inner()),
            hash: KeyHash(hash.map_err(|_| wrong("hash"))?),
            level,
            expires: row.maybe_millis("expires")?,
        },
        name: row.text("name")?,
        created: row.millis("created")?,
        last_used: row.maybe_millis("last_used")?,
        last_by: row.text("last_by").ok(),
    })
}

/// The drawing, and the records of all its keys as the two ends of a range.
pub(super) fn key_range(drawing: DrawingId) -> Variables {
    let mut names = variables(key_ends(drawing));
    names.insert("drawing", drawing_record(drawing));
    names
}

/// The two ends of the records of all keys of a drawing.
pub(super) fn key_ends(drawing: DrawingId) -> [(&'static str, Value); 2] {
    // No character of base64url comes after the tilde.
    [
        ("first_key", Value::Array(key_key(drawing, ""))),
        ("after_keys", Value::Array(key_key(drawing, "~"))),
    ]
}

fn key_key(drawing: DrawingId, id: &str) -> Array {
    Array::from(vec![uuid(drawing.0), Value::String(id.to_owned())])
}

pub(super) fn key_record(drawing: DrawingId, id: KeyId) -> Value {
    let key = key_key(drawing, &id.to_string());
    record("access_key", RecordIdKey::Array(key))
}
