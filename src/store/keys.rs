//! The keys of drawings, each under its public id.
//!
//! A secret must never come here: a key is found by its id, and known by its hash.

use surrealdb::types::{Bytes, Value};

use super::connection::Store;
use super::error::StoreError;
use super::key_rows::{KeyInfo, info, key_range, key_record};
use super::rows::{Fields, drawing_record, int, list, rows, time, variables};
use super::rules::{RulesError, change_of_rules};
use crate::domain::access::Level;
use crate::domain::ids::DrawingId;
use crate::domain::key::{KeyHash, KeyId, MAX_KEYS};

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
