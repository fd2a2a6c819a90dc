//! Ops, the changes that they cause, and the reasons to refuse them.
//!
//! Nothing here knows how a change is stored or sent.

use super::ids::{OpId, PersonId, StrokeId};
use super::sequence::Seq;
use super::stroke::{Body, Patch};

/// Largest number a writer may give an op: the largest integer that every JSON reader holds exactly.
pub const MAX_OP_NUMBER: u64 = (1 << 53) - 1;
/// Painting orders are integers within ± this number.
pub const MAX_Z: i64 = (1 << 53) - 1;

/// A request of a writer to change one stroke.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// The writer's number for this op, from 1 without holes.
    pub n: u64,
    /// The stroke that it changes.
    pub stroke: StrokeId,
    /// The requested change.
    pub kind: OpKind,
}

/// The four kinds of ops.
#[derive(Clone, Debug, PartialEq)]
pub enum OpKind {
    /// Adds a stroke; its id must never have been used in this drawing.
    Draw {
        /// The stroke's body.
        body: Body,
    },
    /// Replaces some fields of a living stroke.
    Edit {
        /// The fields that change.
        set: Patch,
        /// A new painting order, if it changes.
        z: Option<i64>,
        /// The change it builds on: the op is refused if a later one has changed the stroke.
        base: Option<OpId>,
    },
    /// Erases a stroke. Succeeds without effect if the stroke is erased or never existed.
    Erase {
        /// The change it builds on: the op is refused if a later one has changed the stroke.
        base: Option<OpId>,
    },
    /// Restores an erased stroke at its old painting order.
    Restore {
        /// The stroke's body, since a tombstone keeps none.
        body: Body,
        /// The erasure to undo: the op is refused unless that is still the stroke's last change.
        base: OpId,
    },
}

/// A stored change of one stroke: the stroke's new state, or its erasure.
///
/// It is both the stored row, whose record id is `seq`, and what clients receive.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its position in the drawing's order.
    pub seq: Seq,
    /// The stroke.
    pub stroke: StrokeId,
    /// The painting order: strokes are painted by `z`, then by the text of `stroke`. It is the position of the
    /// stroke's first appearance, unless an edit set it.
    pub z: i64,
    /// The person who made the change.
    pub author: PersonId,
    /// The last op that changed the stroke.
    pub op: OpId,
    /// Op numbers of writers whose row this change replaced; kept so that their ops are still
    /// recognised when sent again. Only those that no other row has: the rows together always hold
    /// the highest number of every writer.
    pub prior_ops: Vec<OpId>,
    /// The stroke's body, or `None` when it is erased.
    pub body: Option<Body>,
}

#[cfg(test)]
impl Change {
    /// A change of a new stroke by somebody, whose first op it is.
    pub(crate) fn by_anyone(seq: Seq, body: Option<Body>) -> Self {
        Self {
            seq,
            stroke: StrokeId::random(),
            z: seq as i64,
            author: PersonId::random(),
            op: OpId {
                writer: super::ids::WriterId::random(),
                n: 1,
            },
            prior_ops: Vec::new(),
            body,
        }
    }
}

/// The key of one stored row of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowId {
    /// The position of its change.
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

    /// The size that counts against a drawing's limit, in bytes: the body, and a fixed amount for
    /// the rest of the row.
    pub fn bytes(&self) -> usize {
        const ROW_BYTES: usize = 120;
        ROW_BYTES
            + 24 * self.prior_ops.len()
            + self.body.as_ref().map_or(0, |body| body.as_json().len())
    }
}

/// Why an op was refused. A refusal is final: the client does not send the op again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `draw` of an id that is or was in this drawing.
    #[error("a stroke with this id is or was in the drawing")]
    Exists,
    /// `edit` of a stroke that never existed.
    #[error("there is no such stroke in this drawing")]
    Absent,
    /// `edit` of an erased stroke.
    #[error("the stroke is erased")]
    Erased,
    /// The op builds on a change that is no longer the last.
    #[error("the stroke was changed by another op meanwhile")]
    Changed,
    /// The drawing is at its limit of strokes or bytes; erasing still works.
    #[error("the drawing is full: {0}")]
    Full(&'static str),
    /// The op is malformed: the text names the field and what is allowed.
    #[error("{0}")]
    Invalid(String),
    /// The session's access does not allow drawing.
    #[error("this link is read-only")]
    Forbidden,
    /// The drawing is locked: only its owners may change it.
    #[error("the drawing is locked")]
    Locked,
    /// The person is muted in this drawing.
    #[error("an owner has muted this person")]
    Muted,
}

impl Refusal {
    /// Its name in the protocol.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Exists => "exists",
            Refusal::Absent => "absent",
            Refusal::Erased => "erased",
            Refusal::Changed => "changed",
            Refusal::Full(_) => "full",
            Refusal::Invalid(_) => "invalid",
            Refusal::Forbidden => "forbidden",
            Refusal::Locked => "locked",
            Refusal::Muted => "muted",
        }
    }
}
