//! The ids of drawings, strokes, writers, people, servers, sessions and ops.
//!
//! An id has one spelling, so that it is safe in a path, in a query and in the name of a table.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
                let canonical =
                    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if !canonical {
                    return Err(IdError);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| IdError)
            }
        }
    };
}

uuid_newtype!(
    /// The id of a drawing: it is the secret in a drawing's link, and part of the names of its tables.
    DrawingId
);
uuid_newtype!(
    /// The id of a stroke, chosen by the page that draws it.
    StrokeId
);
uuid_newtype!(
    /// The public id of a writer, one page that draws: see [`Writer::new`].
    WriterId
);
uuid_newtype!(
    /// The public id of a person: the same for all pages of one browser.
    PersonId
);
uuid_newtype!(
    /// One unbroken history of a drawing. A restored backup begins a new epoch, in which
    /// the positions of the old one mean nothing.
    Epoch
);
uuid_newtype!(
    /// One run of one server process.
    ServerId
);

/// Identifies a session within its process.
pub type SessionId = u64;

/// A text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 lower-case hexadecimal digits")]
pub struct IdError;

/// Who draws: one page, and the person it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Writer {
    /// The page, whose ops are numbered 1, 2, 3 …
    pub id: WriterId,
    /// The person, for "mine" and "theirs".
    pub author: PersonId,
}

impl Writer {
    /// The writer with a browser's secret `key` and a page's random `tab`.
    ///
    /// Both public ids are UUIDs of version 5, of which the key is never recovered: nobody
    /// who sees them can continue another writer's numbers.
    pub fn new(key: Uuid, tab: Uuid) -> Self {
        Self {
            id: WriterId(Uuid::new_v5(&key, tab.as_bytes())),
            author: PersonId(Uuid::new_v5(&key, b"person")),
        }
    }
}

/// Names one op for ever: its writer, and the number the writer gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpId {
    /// Whose op.
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
