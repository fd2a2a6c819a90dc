//! The rules of drawings: their version, whether they are locked, and who is muted.
//!
//! Every change must raise the version of the drawing's rules in its own transaction: appends are held
//! to that version, so that nothing is stored under rules that have ended.

use surrealdb::types::{RecordIdKey, Value};

use super::connection::Store;
use super::error::{QueryError, StoreError};
use super::key_rows::{key_range, stored};
use super::rows::{Fields, drawing_record, int, record, rows, uuid, variables, wrong};
use crate::domain::ids::{DrawingId, PersonId};
use crate::domain::key::StoredKey;
use crate::domain::rules::{KeyRule, MAX_MUTED, Rules};

const RULES: &str = "BEGIN;
SELECT rules, deleted FROM ONLY $drawing;
SELECT * FROM type::record('access_key', $first_key..$after_keys);
SELECT * FROM ONLY $moderation;
COMMIT;";

/// Beside a change, it raises the version of the rules of a drawing that is there.
macro_rules! change_of_rules {
    ($change:literal) => {
        concat!(
            "BEGIN;
IF (UPDATE ONLY $drawing SET rules = (rules ?? 0) + 1 WHERE deleted IS NONE RETURN VALUE rules) IS NONE {
    IF (SELECT VALUE id FROM ONLY $drawing) IS NONE { THROW 'absent' } ELSE { THROW 'gone' }
};
",
            $change,
            "\nCOMMIT;"
        )
    };
}
pub(super) use change_of_rules;

const LOCK: &str = change_of_rules!("UPSERT $moderation SET locked = $locked RETURN NONE;");
const MUTE: &str = change_of_rules!(
    "LET $muted = array::union((SELECT VALUE muted FROM ONLY $moderation) ?? [], [$person]);
IF array::len($muted) > $most { THROW 'full' };
UPSERT $moderation SET muted = $muted RETURN NONE;"
);
const UNMUTE: &str = change_of_rules!(
    "UPSERT $moderation SET muted = array::complement(muted ?? [], [$person]) RETURN NONE;"
);

/// A change of rules that is not possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// The drawing has no such key.
    #[error("there is no such key")]
    NoKey,
    /// Nobody could own the drawing any more.
    #[error("the last key that owns the drawing stays")]
    LastOwner,
    /// There are too many keys, or muted people.
    #[error("there are too many")]
    Full,
    /// Any other reason.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<QueryError> for RulesError {
    fn from(error: QueryError) -> Self {
        match &error {
            QueryError::Thrown(word) => match word.as_str() {
                "no_key" => RulesError::NoKey,
                "last_owner" => RulesError::LastOwner,
                "full" => RulesError::Full,
                "absent" => RulesError::Store(StoreError::NotFound),
                "gone" => RulesError::Store(StoreError::Gone),
                _ => RulesError::Store(error.into()),
            },
            _ => RulesError::Store(error.into()),
        }
    }
}

impl Store {
    /// The rules of a drawing, in one transaction.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] and [`StoreError::Gone`] besides those of every query.
    pub async fn rules(&self, drawing: DrawingId) -> Result<Rules, StoreError> {
        let mut names = key_range(drawing);
        names.insert("moderation", moderation_record(drawing));
        let mut results = self.0.query(RULES, names).await?;
        // BEGIN is the first of the two statements without a result.
        let version = Fields::of_drawing(results.take(1)?)?.version()?;
        let keys = rows(results.take(2)?)?.into_iter().map(|row| {
            let StoredKey {
                id, level, expires, ..
            } = stored(row)?;
            Ok((id, KeyRule { level, expires }))
        });
        let mut found = Rules {
            version,
            keys: keys.collect::<Result<_, StoreError>>()?,
            ..Rules::default()
        };
        if let Some(mut moderation) = Fields::maybe(results.take(3)?) {
            found.locked = matches!(moderation.take("locked"), Value::Bool(true));
            for person in rows(moderation.take("muted"))? {
                let Value::Uuid(person) = person else {
                    return Err(wrong("muted"));
                };
                found.muted.insert(PersonId(person.into_inner()));
            }
        }
        Ok(found)
    }

    /// Lets only owners change a drawing, or all who may draw again.
    ///
    /// # Errors
    ///
    /// [`RulesError`].
    pub async fn set_locked(&self, drawing: DrawingId, locked: bool) -> Result<(), RulesError> {
        let names = variables([
            ("drawing", drawing_record(drawing)),
            ("moderation", moderation_record(drawing)),
            ("locked", Value::Bool(locked)),
        ]);
        self.0.query_with_retry(LOCK, names).await?;
        Ok(())
    }

    /// Mutes a person, or lets them draw again.
    ///
    /// # Errors
    ///
    /// [`RulesError`].
    pub async fn set_muted(
        &self,
        drawing: DrawingId,
        person: PersonId,
        muted: bool,
    ) -> Result<(), RulesError> {
        let names = variables([
            ("drawing", drawing_record(drawing)),
            ("moderation", moderation_record(drawing)),
            ("person", uuid(person.0)),
            ("most", int(MAX_MUTED as u64)),
        ]);
        let text = if muted { MUTE } else { UNMUTE };
        self.0.query_with_retry(text, names).await?;
        Ok(())
    }
}

/// The row that says who may not change a drawing.
pub(super) fn moderation_record(drawing: DrawingId) -> Value {
    record("moderation", RecordIdKey::Uuid(drawing.0.into()))
}
