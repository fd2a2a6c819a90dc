//! The ids of drawings, strokes, writers, people, servers, sessions and ops.
//!
//! An id has one spelling, so that it is safe in a path, in a query and in a table name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::hex;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(with = "uuid::serde::simple")] pub Uuid);

        impl $name {
            /// A new random id.
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.simple().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Accepts exactly the form that `Display` writes: 32 lower-case hexadecimal digits.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = hex::bytes_of(text).ok_or(IdError)?;
                Ok(Self(Uuid::from_bytes(bytes)))
            }
        }
    };
}

uuid_newtype!(
    /// The id of a drawing: the secret in its link, and part of its tables' names.
    DrawingId
);
uuid_newtype!(
    /// The id of a stroke, chosen by the client that draws it.
    StrokeId
);
uuid_newtype!(
    /// The public id of a writer, which is one client: see [`Writer::new`].
    WriterId
);
uuid_newtype!(
    /// The public id of a person: the same in all tabs of one browser.
    PersonId
);
uuid_newtype!(
    /// One unbroken history of a drawing: positions of another one are invalid. After a backup was restored,
    /// the operator begins a new epoch; only a head that went back begins one by itself.
    Epoch
);
uuid_newtype!(
    /// One run of one server process.
    ServerId
);

impl StrokeId {
    /// The id of a stroke that never was: the row with its tombstone records that an op is refused.
    pub fn of_refused(op: OpId) -> Self {
        Self(Uuid::new_v5(&op.writer.0, &op.n.to_be_bytes()))
    }
}

/// Identifies a session within its process.
pub type SessionId = u64;

/// The text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 lower-case hexadecimal digits")]
pub struct IdError;

/// A writer: one client, and the person that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Writer {
    /// The client, which numbers its ops 1, 2, 3 …
    pub id: WriterId,
    /// The person, by which clients tell their own strokes from others'.
    pub author: PersonId,
}

impl Writer {
    /// The writer of a browser's secret `key` and a tab's random `tab`.
    ///
    /// Both public ids are UUIDs of version 5, from which the key cannot be recovered: a reader of
    /// the ids cannot continue another writer's numbers.
    pub fn new(key: Uuid, tab: Uuid) -> Self {
        Self {
            id: WriterId(Uuid::new_v5(&key, tab.as_bytes())),
            author: PersonId(Uuid::new_v5(&key, b"person")),
        }
    }
}

/// Identifies one op: its writer, and the number the writer gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpId {
    /// The writer of the op.
    pub writer: WriterId,
    /// Its number, from 1.
    pub n: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = DrawingId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        let hyphenated = id.0.to_string();
        let upper = format!("{}A", &id.to_string()[..31]);
        for text in [
            "",
            "drawing",
            "stroke_1; REMOVE TABLE drawing",
            "../../etc/passwd",
            &hyphenated,
            &upper,
        ] {
            assert_eq!(text.parse::<DrawingId>(), Err(IdError), "{text}");
        }
    }

    #[test]
    fn a_writer_is_its_key_and_its_tab() {
        let (key, tab) = (Uuid::new_v4(), Uuid::new_v4());
        let writer = Writer::new(key, tab);
        assert_eq!(writer, Writer::new(key, tab));
        assert_ne!(writer.id, Writer::new(key, Uuid::new_v4()).id);
        assert_eq!(writer.author, Writer::new(key, Uuid::new_v4()).author);
        assert_ne!(writer.id, Writer::new(Uuid::new_v4(), tab).id);
    }
}
