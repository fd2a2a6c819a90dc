//! Ops, what comes of them, and why some are refused.
//!
//! Nothing here knows how a change is stored or sent.

use super::ids::{OpId, PersonId, StrokeId};
use super::sequence::Seq;
use super::stroke::{Body, Patch};

/// Largest number a writer may give an op: the largest integer that every JSON reader holds exactly.
pub const MAX_OP_NUMBER: u64 = (1 << 53) - 1;
/// Painting orders are integers within ± this number.
pub const MAX_Z: i64 = (1 << 53) - 1;

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
        base: Option<OpId>,
    },
    /// The stroke goes. Erasing what is gone, or was never there, is done already.
    Erase {
        /// The change this builds on: refused if another came after it.
        base: Option<OpId>,
    },
    /// An erased stroke comes back, at its old painting order.
    Restore {
        /// The stroke, as it was: a tombstone keeps no body.
        body: Body,
        /// The erasure that is taken back: refused unless the stroke is still gone by it.
        base: OpId,
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
    pub author: PersonId,
    /// The last op that went into it.
    pub op: OpId,
    /// For other writers whose ops went into this stroke, their highest number that is found
    /// in no other row: so the rows always tell the highest number of every writer.
    pub prior_ops: Vec<OpId>,
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
            + 24 * self.prior_ops.len()
            + self.body.as_ref().map_or(0, |body| body.as_json().len())
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
    Erased,
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
            Refusal::Erased => "erased",
            Refusal::Changed => "changed",
            Refusal::Full(_) => "full",
            Refusal::Invalid(_) => "invalid",
            Refusal::Forbidden => "forbidden",
        }
    }
}
