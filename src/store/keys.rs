//! The keys of drawings, each under its public id.
//!
//! A secret must never come here: a key is found by its id, and known by its hash.

use surrealdb::types::{Array, Bytes, RecordIdKey, Value, Variables};

use super::connection::Store;
use super::drawings::DrawingInfo;
use super::error::StoreError;
use super::rows::{Fields, drawing_record, int, list, record, rows, time, uuid, variables, wrong};
use super::rules::{RulesError, change_of_rules};
use crate::domain::access::Level;
use crate::domain::ids::DrawingId;
use crate::domain::key::{KeyHash, KeyId, MAX_KEYS, StoredKey};

/// The key alone is looked for, whether its drawing exists or not; the rest costs only who has it.
const FIND: &str = "SELECT *, (SELECT VALUE rules ?? 0 FROM ONLY $drawing) AS rules FROM ONLY $key";
const FIND_MANY: &str = "SELECT * FROM $keys";
const LIST: &str = "SELECT * FROM type::record('access_key', $first_key..$after_keys)";
const NOTE_USE: &str = "UPDATE $key SET last_used = time::now(), last_by = $by ?? last_by
WHERE last_used IS NONE OR last_used < time::now() - 1m RETURN NONE";

const ADD: &str = change_of_rules!(
    "IF array::len((SELECT VALUE id FROM type::record('access_key', $first_key..$after_keys))) >= $most { THROW 'full' };
CREATE $key SET hash = $hash, access = $level, name = $name, created = time::now(), expires = $expires RETURN NONE;"
);
/// An owner who can come back for ever must remain where there was one.
const CHANGE: &str = change_of_rules!(
    "LET $old = (SELECT * FROM ONLY $key);
IF $old IS NONE { THROW 'no_key' };
UPDATE $key SET access = $level ?? access, name = $name ?? name,
    expires = IF $sets_expires { $expires } ELSE { expires } RETURN NONE;
IF $old.access = 'own' AND $old.expires IS NONE AND array::len((SELECT VALUE id
    FROM type::record('access_key', $first_key..$after_keys) WHERE access = 'own' AND expires IS NONE)) = 0 { THROW 'last_owner' };"
);
const REVOKE: &str = change_of_rules!(
    "LET $old = (SELECT * FROM ONLY $key);
IF $old IS NONE { THROW 'no_key' };
DELETE $key RETURN NONE;
IF $old.access = 'own' AND $old.expires IS NONE AND array::len((SELECT VALUE id
    FROM type::record('access_key', $first_key..$after_keys) WHERE access = 'own' AND expires IS NONE)) = 0 { THROW 'last_owner' };"
);
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

/// A key to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Its id.
    pub id: KeyId,
    /// The hash of its secret.
    pub hash: KeyHash,
    /// What it allows.
    pub level: Level,
    /// What its maker calls it.
    pub name: String,
    /// When it ends, in milliseconds since 1970.
    pub expires: Option<u64>,
}

/// What changes about a key; nothing stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// What it allows.
    pub level: Option<Level>,
    /// What it is called.
    pub name: Option<String>,
    /// When it ends, or that it does not.
    pub expires: Option<Option<u64>>,
}

impl Store {
    /// The key of a drawing with this id, and the version of the drawing's rules.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn find_key(
        &self,
        drawing: DrawingId,
        id: KeyId,
    ) -> Result<Option<(KeyInfo, u64)>, StoreError> {
        let names = variables([
            ("drawing", drawing_record(drawing)),
            ("key", key_record(drawing, id)),
        ]);
        let mut results = self.0.query(FIND, names).await?;
        let Some(mut row) = Fields::maybe(results.take(0)?) else {
            return Ok(None);
        };
        let rules = row.version()?;
        Ok(Some((info(row)?, rules)))
    }

    /// Those of these keys that are there, in any order.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn find_keys(&self, keys: &[(DrawingId, KeyId)]) -> Result<Vec<KeyInfo>, StoreError> {
        let keys = keys.iter().map(|&(drawing, id)| key_record(drawing, id));
        let names = variables([("keys", list(keys))]);
        let mut results = self.0.query(FIND_MANY, names).await?;
        let found = rows(results.take(0)?)?.into_iter();
        found.filter_map(Fields::maybe).map(info).collect()
    }

    /// All keys of a drawing, the oldest first.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn keys(&self, drawing: DrawingId) -> Result<Vec<KeyInfo>, StoreError> {
        let mut results = self.0.query(LIST, key_range(drawing)).await?;
        let found = rows(results.take(0)?)?.into_iter();
        let found: Result<Vec<_>, _> = found.map(|row| info(Fields::of(row)?)).collect();
        let mut keys = found?;
        keys.sort_by_key(|key| (key.created, key.key.id));
        Ok(keys)
    }

    /// Makes a key.
    ///
    /// # Errors
    ///
    /// [`RulesError`].
    pub async fn add_key(&self, drawing: DrawingId, key: &NewKey) -> Result<(), RulesError> {
        let mut names = key_range(drawing);
        for (name, value) in new_key(drawing, key) {
            names.insert(name, value);
        }
        names.insert("most", int(MAX_KEYS as u64));
        self.0.query_with_retry(ADD, names).await?;
        Ok(())
    }

    /// Changes a key; returns what it is then.
    ///
    /// # Errors
    ///
    /// [`RulesError`].
    pub async fn change_key(
        &self,
        drawing: DrawingId,
        id: KeyId,
        change: &KeyChange,
    ) -> Result<KeyInfo, RulesError> {
        let mut names = key_range(drawing);
        let level = change.level.map(|level| level.as_str().to_owned());
        names.insert("key", key_record(drawing, id));
        names.insert("level", level.map_or(Value::None, Value::String));
        let name = change.name.clone();
        names.insert("name", name.map_or(Value::None, Value::String));
        names.insert("sets_expires", Value::Bool(change.expires.is_some()));
        names.insert(
            "expires",
            change.expires.flatten().map_or(Value::None, time),
        );
        self.0.query_with_retry(CHANGE, names).await?;
        let changed = self.find_key(drawing, id).await?;
        changed.map(|(info, _)| info).ok_or(RulesError::NoKey)
    }

    /// Revokes a key.
    ///
    /// # Errors
    ///
    /// [`RulesError`].
    pub async fn revoke_key(&self, drawing: DrawingId, id: KeyId) -> Result<(), RulesError> {
        let mut names = key_range(drawing);
        names.insert("key", key_record(drawing, id));
        self.0.query_with_retry(REVOKE, names).await?;
        Ok(())
    }

    /// A key was used, by somebody of this name if it is known: stored at most once a minute.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn note_key_use(
        &self,
        drawing: DrawingId,
        id: KeyId,
        by: Option<String>,
    ) -> Result<(), StoreError> {
        let names = variables([
            ("key", key_record(drawing, id)),
            ("by", by.map_or(Value::None, Value::String)),
        ]);
        self.0.query_with_retry(NOTE_USE, names).await?;
        Ok(())
    }

    /// The drawings of these ids that are not deleted.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn get_many(&self, drawings: &[DrawingId]) -> Result<Vec<DrawingInfo>, StoreError> {
        let records = list(drawings.iter().copied().map(drawing_record));
        let names = variables([("keys", records)]);
        let mut results = self.0.query(FIND_MANY, names).await?;
        let found = rows(results.take(0)?)?.into_iter();
        let found = found.filter_map(|row| Fields::of_drawing(row).ok());
        found.map(super::drawings::info).collect()
    }
}

/// The variables of a new key.
pub(super) fn new_key(drawing: DrawingId, key: &NewKey) -> [(&'static str, Value); 5] {
    let hash = bytes::Bytes::copy_from_slice(&key.hash.0);
    [
        ("key", key_record(drawing, key.id)),
        ("hash", Value::Bytes(Bytes::from(hash))),
        ("level", Value::String(key.level.as_str().to_owned())),
        ("name", Value::String(key.name.clone())),
        ("expires", key.expires.map_or(Value::None, time)),
    ]
}

/// The key in a row.
pub(super) fn stored(row: Value) -> Result<StoredKey, StoreError> {
    Ok(info(Fields::of(row)?)?.key)
}

fn info(mut row: Fields) -> Result<KeyInfo, StoreError> {
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

fn key_record(drawing: DrawingId, id: KeyId) -> Value {
    let key = key_key(drawing, &id.to_string());
    record("access_key", RecordIdKey::Array(key))
}
