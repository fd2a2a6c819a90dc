//! What describes one method of one route.

use crate::domain::needs::Action;
use crate::web::error::ErrorCode;

/// One method of one route.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// Its name for programs that are made from the description.
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    /// What it is in the table of access.
    pub(super) action: Action,
    pub(super) query: &'static [Parameter],
    /// What is sent, and whether it must be.
    pub(super) body: Option<(bool, Body)>,
    /// The answers without an error.
    pub(super) answers: &'static [(u16, &'static str, Body)],
    /// The errors, of which each has its own status.
    pub(super) errors: &'static [&'static [ErrorCode]],
}

/// A value in the query, which may be left out.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) says: &'static str,
}

/// The values that are allowed.
pub(super) enum Value {
    /// Text, of this pattern if there is one.
    Text(Option<&'static str>),
    /// A whole number within bounds.
    Whole(u64, u64),
    OneOf(&'static [&'static str]),
}

/// What is sent or answered.
#[derive(Clone, Copy)]
pub(super) enum Body {
    Nothing,
    /// JSON of this schema.
    Json(&'static str),
    /// A JSON object that docs/protocol.md or docs/format.md describes.
    Object,
    /// Bytes of this media type.
    Text(&'static str),
    /// A picture that people sent.
    Picture,
}
