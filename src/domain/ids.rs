//! The ids of drawings, strokes, writers, people, servers, sessions and ops.
//!
//! An id has one spelling. What names tables and stands in links is written in hexadecimal digits, so that it
//! is safe in a path, in a query and in a table name; what every stroke carries is written in fewer
//! characters.

mod spelling;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

pub use spelling::IdError;
use spelling::{Spelled, read_base64url, read_hexadecimal, write_base64url, write_hexadecimal};

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident, $write:ident, $read:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new random id.
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $write(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Accepts exactly the form that `Display` writes.
            fn from_str(text: &str) -> Result<Self, IdError> {
                $read(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Spelled::new())
            }
        }
    };
}

uuid_newtype!(
    /// The id of a drawing: the secret in its link, and part of its tables' names.
    DrawingId, write_hexadecimal, read_hexadecimal
);
uuid_newtype!(
    /// The id of a stroke, chosen by the client that draws it.
    StrokeId, write_base64url, read_base64url
);
uuid_newtype!(
    /// The public id of a writer, which is one client: see [`Writer::new`].
    WriterId, write_base64url, read_base64url
);
uuid_newtype!(
    /// The public id of a person: the same in all tabs of one browser.
    PersonId, write_base64url, read_base64url
);
uuid_newtype!(
    /// One unbroken history of a drawing: positions of another one are invalid. After a backup was restored,
    /// the operator begins a new epoch; only a head that went back begins one by itself.
    Epoch, write_hexadecimal, read_hexadecimal
);
uuid_newtype!(
    /// One run of one server process.
    ServerId, write_hexadecimal, read_hexadecimal
);

impl StrokeId {
    /// The id of a stroke that never was: the row with its tombstone records that an op is refused.
    pub fn of_refused(op: OpId) -> Self {
        Self(Uuid::new_v5(&op.writer.0, &op.n.to_be_bytes()))
    }
}

/// Identifies a session within its process.
pub type SessionId = u64;

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
            let parsed = text.parse::<DrawingId>();
            assert_eq!(parsed, Err(IdError::Hexadecimal), "{text}");
        }
    }

    #[test]
    fn an_id_that_strokes_carry_has_one_short_spelling() {
        let id = StrokeId::random();
        let text = id.to_string();
        assert_eq!((text.len(), text.parse()), (22, Ok(id)));
        let json = format!("\"{text}\"");
        assert_eq!(serde_json::to_string(&id).unwrap(), json);
        assert_eq!(serde_json::from_str::<StrokeId>(&json).unwrap(), id);
        let zero = "AAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(zero.parse(), Ok(StrokeId(Uuid::nil())));
        for text in [
            "",
            // One bit beyond the bytes.
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAA+/",
            "00000000000000000000000000000000",
        ] {
            assert_eq!(text.parse::<StrokeId>(), Err(IdError::Base64url), "{text}");
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
