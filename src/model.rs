//! The nouns of a drawing: ids, positions, ops, changes, and the rule that orders arrivals.
//!
//! Nothing here does I/O, reads a clock or knows how anything is stored or sent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::stroke::{Body, Patch};

/// Longest name of a person, in characters.
pub const MAX_NAME_CHARS: usize = 40;
/// Longest title of a drawing, in characters.
pub const MAX_TITLE_CHARS: usize = 120;
/// Largest number a writer may give an op: the largest integer that every JSON reader holds exactly.
pub const MAX_OP_NUMBER: u64 = (1 << 53) - 1;
/// Painting orders are integers within ± this number.
pub const MAX_Z: i64 = (1 << 53) - 1;

/// A position in a drawing's order of changes: 1, 2, 3 …; 0 is before the first change.
pub type Seq = u64;

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
    /// One unbroken history of a drawing. A restored backup begins a new life, in which
    /// the positions of the old one mean nothing.
    Life
);
uuid_newtype!(
    /// One run of one server process.
    ServerId
);

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
    pub by: PersonId,
}

impl Writer {
    /// The writer with a browser's secret `key` and a page's random `tab`.
    ///
    /// Both public ids are UUIDs of version 5, of which the key is never recovered: nobody
    /// who sees them can continue another writer's numbers.
    pub fn new(key: Uuid, tab: Uuid) -> Self {
        Self {
            id: WriterId(Uuid::new_v5(&key, tab.as_bytes())),
            by: PersonId(Uuid::new_v5(&key, b"person")),
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

/// What a writer wants of one stroke.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// The writer's number for this op, from 1 without holes.
    pub n: u64,
    /// The stroke it is about.
    pub stroke: StrokeId,
    /// What is wanted.
    pub kind: OpKind,
}

/// The four wishes.
#[derive(Clone, Debug, PartialEq)]
pub enum OpKind {
    /// A new stroke; its id must never have been used in this drawing.
    Draw {
        /// The stroke.
        body: Body,
    },
    /// Other values for some fields of a living stroke.
    Edit {
        /// The fields that change.
        set: Patch,
        /// A new painting order, if it changes.
        z: Option<i64>,
        /// The change this builds on: refused if another came after it.
        over: Option<OpId>,
    },
    /// The stroke goes. Erasing what is gone, or was never there, is done already.
    Erase {
        /// The change this builds on: refused if another came after it.
        over: Option<OpId>,
    },
    /// An erased stroke comes back, at its old painting order.
    Restore {
        /// The stroke, as it was: a tombstone keeps no body.
        body: Body,
        /// The erasure that is taken back: refused unless the stroke is still gone by it.
        over: OpId,
    },
}

/// What came of ops on one stroke: the stroke as it now is, or that it is erased.
///
/// It is at once the row that is stored, whose record id is `seq`, and the news that a
/// browser gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its position in the drawing's order.
    pub seq: Seq,
    /// The stroke.
    pub stroke: StrokeId,
    /// The painting order: strokes are painted by `(z, stroke)`. It is the position of the
    /// stroke's first appearance, unless an edit set it.
    pub z: i64,
    /// The person who made it.
    pub by: PersonId,
    /// The last op that went into it.
    pub op: OpId,
    /// For other writers whose ops went into this stroke, their highest number that is found
    /// in no other row: so the rows always tell the highest number of every writer.
    pub marks: Vec<OpId>,
    /// The stroke as it now is, or nothing when it is erased.
    pub body: Option<Body>,
}

/// Names one stored row of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowId {
    /// The position of the change it holds.
    pub seq: Seq,
    /// Whether it is a tombstone. Tombstones are stored apart from living strokes.
    pub tombstone: bool,
}

impl Change {
    /// The row that holds this change.
    pub fn row(&self) -> RowId {
        RowId {
            seq: self.seq,
            tombstone: self.body.is_none(),
        }
    }

    /// Bytes this change is counted with, against a drawing's limit: its body, and a fixed
    /// part for what every row carries.
    pub fn bytes(&self) -> usize {
        const ROW_BYTES: usize = 120;
        ROW_BYTES
            + 24 * self.marks.len()
            + self.body.as_ref().map_or(0, |body| body.as_json().len())
    }
}

/// How something numbered stands to what is already held: the whole of reliable delivery,
/// used downwards for changes and upwards for a writer's ops, on the server and in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// All of it is held already: drop it.
    Stale,
    /// It continues what is held: take what is new of it.
    Next,
    /// Something before it is missing: get that first.
    Gap,
}

/// Judges an arrival that covers the positions after `from` up to `to`, against the last
/// position that is held.
pub fn arrival(held: Seq, from: Seq, to: Seq) -> Arrival {
    if to <= held {
        Arrival::Stale
    } else if from <= held {
        Arrival::Next
    } else {
        Arrival::Gap
    }
}

/// Why an op came to nothing. It is final: the same op is never taken later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `draw` of an id that is or was in this drawing.
    #[error("a stroke with this id is or was in the drawing")]
    Exists,
    /// `edit` of a stroke that was never there.
    #[error("there is no such stroke in this drawing")]
    Absent,
    /// `edit` of a stroke that someone erased.
    #[error("the stroke is erased")]
    Gone,
    /// The op builds on a change that is not the last any more.
    #[error("the stroke was changed by another op meanwhile")]
    Changed,
    /// The drawing has as many strokes, or bytes, as a drawing may have; erasing works.
    #[error("the drawing is full: {0}")]
    Full(&'static str),
    /// The op itself is not one: the text says which field, and what is allowed.
    #[error("{0}")]
    Invalid(String),
    /// The access of this session allows no drawing.
    #[error("this link allows looking only")]
    Forbidden,
}

impl Refusal {
    /// The word for it in the protocol.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Exists => "exists",
            Refusal::Absent => "absent",
            Refusal::Gone => "gone",
            Refusal::Changed => "changed",
            Refusal::Full(_) => "full",
            Refusal::Invalid(_) => "invalid",
            Refusal::Forbidden => "forbidden",
        }
    }
}

/// What a link allows, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Looking, and being seen.
    Read,
    /// Drawing too.
    Draw,
    /// Renaming and deleting too.
    Own,
}

/// A colour, written `#rrggbb` in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Colour {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<Self, ColourError> {
        let digits = text
            .strip_prefix('#')
            .filter(|digits| digits.len() == 6)
            .ok_or(ColourError)?;
        let mut rgb = [0; 3];
        for (channel, pair) in rgb.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let hex = |digit: u8| match digit {
                b'0'..=b'9' => Ok(digit - b'0'),
                b'a'..=b'f' => Ok(digit - b'a' + 10),
                _ => Err(ColourError),
            };
            *channel = hex(pair[0])? * 16 + hex(pair[1])?;
        }
        Ok(Self(rgb))
    }
}

/// A text is not a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a colour is # and six lower-case hexadecimal digits")]
pub struct ColourError;

impl Serialize for Colour {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_stale_next_or_gap() {
        assert_eq!(arrival(5, 3, 5), Arrival::Stale);
        assert_eq!(arrival(5, 5, 5), Arrival::Stale);
        assert_eq!(arrival(5, 5, 6), Arrival::Next);
        assert_eq!(arrival(5, 2, 9), Arrival::Next);
        assert_eq!(arrival(5, 6, 7), Arrival::Gap);
        assert_eq!(arrival(0, 0, 1), Arrival::Next);
    }

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
    fn a_colour_has_one_spelling() {
        assert_eq!("#1d1d1f".parse(), Ok(Colour([0x1d, 0x1d, 0x1f])));
        assert_eq!(Colour([0x1d, 0x1d, 0x1f]).to_string(), "#1d1d1f");
        for text in [
            "", "#", "#fff", "#FFFFFF", "1d1d1f", "#1d1d1g", "#1d1d1f0", "#é1d1f", "url(x)",
        ] {
            assert_eq!(text.parse::<Colour>(), Err(ColourError), "{text}");
        }
    }

    #[test]
    fn a_writer_is_its_key_and_its_tab() {
        let (key, tab) = (Uuid::new_v4(), Uuid::new_v4());
        let writer = Writer::new(key, tab);
        assert_eq!(writer, Writer::new(key, tab));
        assert_ne!(writer.id, Writer::new(key, Uuid::new_v4()).id);
        assert_eq!(writer.by, Writer::new(key, Uuid::new_v4()).by);
        assert_ne!(writer.id, Writer::new(Uuid::new_v4(), tab).id);
    }
}
