//! What the ops of a drawing should do, in the simplest way: one by one, in the order in which they
//! were committed.
//!
//! It must never use the code it is compared with, except for the patch of a body.

pub mod rules;

use std::collections::{BTreeMap, BTreeSet};

use whiteboard::domain::batch::{Decision, Verdict};
use whiteboard::domain::ids::{OpId, StrokeId, Writer, WriterId};
use whiteboard::domain::op::{Op, OpKind};
use whiteboard::domain::sequence::Seq;
use whiteboard::domain::stroke::Body;

/// What an op does to the drawing as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Its number was passed before.
    Already,
    /// It changes its stroke.
    Happens,
    /// There is nothing left to do.
    Nothing,
    /// It is refused, and a row of a stroke that never was has its number.
    Recorded,
    /// It is refused, with this code.
    Refused(&'static str),
}

/// One stroke that is or was in the drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its position.
    pub seq: Seq,
    /// Its painting order.
    pub z: i64,
    /// Nothing when it is erased.
    pub body: Option<Body>,
    /// The last op that changed it.
    pub op: OpId,
}

/// A drawing.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    head: Seq,
    rows: BTreeMap<StrokeId, Row>,
    last: BTreeMap<WriterId, u64>,
    max_strokes: usize,
    /// Strokes whose tombstones were compacted: a server may still know them, or not.
    compacted: BTreeSet<StrokeId>,
}

impl Reference {
    /// An empty drawing that takes so many living strokes.
    pub fn new(max_strokes: usize) -> Self {
        Self {
            max_strokes,
            ..Self::default()
        }
    }

    /// What the op would do now.
    pub fn judge(&self, writer: WriterId, op: &Op) -> Outcome {
        if op.n <= self.last.get(&writer).copied().unwrap_or(0) {
            return Outcome::Already;
        }
        let row = self.rows.get(&op.stroke);
        let is_living = row.is_some_and(|row| row.body.is_some());
        let moved =
            |base: &Option<OpId>| base.is_some_and(|base| row.is_none_or(|row| row.op != base));
        let is_full = || {
            let living = self.rows.values().filter(|row| row.body.is_some());
            living.count() >= self.max_strokes
        };
        match &op.kind {
            OpKind::Draw { .. } if row.is_some() => Outcome::Refused("exists"),
            OpKind::Edit { .. } | OpKind::Restore { .. } if row.is_none() => {
                Outcome::Refused("absent")
            }
            OpKind::Edit { .. } if !is_living => Outcome::Refused("erased"),
            OpKind::Erase { .. } if !is_living => Outcome::Nothing,
            OpKind::Restore { .. } if is_living => Outcome::Refused("changed"),
            OpKind::Edit { base, .. } | OpKind::Erase { base } if moved(base) => {
                Outcome::Refused("changed")
            }
            OpKind::Restore { base, .. } if moved(&Some(*base)) => Outcome::Refused("changed"),
            OpKind::Draw { .. } | OpKind::Restore { .. } if is_full() => Outcome::Refused("full"),
            _ => Outcome::Happens,
        }
    }

    /// Executes ops that were committed together, and compares with what was decided. Gives what each
    /// of them did.
    pub fn commit(
        &mut self,
        batch: &[(Writer, Op)],
        decision: &Decision,
    ) -> Result<Vec<Outcome>, String> {
        let first = self.head + 1;
        let mut changed: Vec<StrokeId> = Vec::new();
        let mut outcomes = Vec::new();
        for ((writer, op), verdict) in batch.iter().zip(&decision.verdicts) {
            let mut outcome = self.judge(writer.id, op);
            let id = OpId {
                writer: writer.id,
                n: op.n,
            };
            let code = match verdict {
                Verdict::Done => None,
                Verdict::Refused { refusal, .. } => Some(refusal.code()),
            };
            if let Some(code @ ("forbidden" | "locked" | "muted")) = code
                && outcome != Outcome::Already
            {
                outcomes.push(Outcome::Refused(code));
                continue;
            }
            let mut rows = decision.changes.iter();
            let record = rows.find(|row| row.op == id && row.stroke != op.stroke);
            if outcome != Outcome::Already
                && code == Some("invalid")
                && let Some(row) = record
            {
                changed.push(row.stroke);
                self.refuse(id, row.stroke);
                outcomes.push(Outcome::Recorded);
                continue;
            }
            let agrees = match outcome {
                // A refusal whose answer was lost is told again, or taken for done.
                Outcome::Already => true,
                Outcome::Happens | Outcome::Nothing => code.is_none(),
                Outcome::Refused(reason) => code == Some(reason),
                Outcome::Recorded => false,
            };
            if !agrees && self.compacted.contains(&op.stroke) {
                let mut rows = decision.changes.iter();
                let is_in_a_row = rows.any(|change| change.stroke == op.stroke);
                outcome = match (code, is_in_a_row) {
                    (Some(_), _) => Outcome::Refused("compacted"),
                    (None, true) => Outcome::Happens,
                    (None, false) => Outcome::Nothing,
                };
            } else if !agrees {
                return Err(format!(
                    "{op:?} was decided as {verdict:?}, but {outcome:?}"
                ));
            }
            if outcome == Outcome::Happens {
                let place = changed.iter().position(|stroke| *stroke == op.stroke);
                let place = place.unwrap_or_else(|| {
                    changed.push(op.stroke);
                    changed.len() - 1
                });
                self.happen(id, op, first + place as Seq);
            }
            outcomes.push(outcome);
        }
        self.head += changed.len() as Seq;
        self.compare(&changed, decision)?;
        Ok(outcomes)
    }

    /// A refusal is recorded by an erasure of a stroke that never was.
    fn refuse(&mut self, op: OpId, stroke: StrokeId) {
        let seq = self.head + 1;
        let row = Row {
            seq,
            z: seq as i64,
            body: None,
            op,
        };
        self.rows.insert(stroke, row);
        self.last.insert(op.writer, op.n);
    }

    fn happen(&mut self, id: OpId, op: &Op, seq: Seq) {
        let held = self.rows.get(&op.stroke);
        let z = held.map_or(seq as i64, |row| row.z);
        let (z, body) = match &op.kind {
            OpKind::Draw { body } | OpKind::Restore { body, .. } => (z, Some(body.clone())),
            OpKind::Edit { set, z: to, .. } => {
                let body = held.and_then(|row| row.body.as_ref());
                (to.unwrap_or(z), body.and_then(|body| body.with(set).ok()))
            }
            OpKind::Erase { .. } => (z, None),
        };
        let row = Row {
            seq,
            z,
            body,
            op: id,
        };
        self.rows.insert(op.stroke, row);
        self.last.insert(id.writer, id.n);
    }

    fn compare(&mut self, changed: &[StrokeId], decision: &Decision) -> Result<(), String> {
        let decided: Vec<_> = decision.changes.iter().map(|row| row.stroke).collect();
        if decided != changed {
            return Err(format!("rows of {decided:?} instead of {changed:?}"));
        }
        for change in &decision.changes {
            let row = Row {
                seq: change.seq,
                z: change.z,
                body: change.body.clone(),
                op: change.op,
            };
            if self.compacted.remove(&change.stroke) {
                self.rows.insert(change.stroke, row);
            } else if self.rows.get(&change.stroke) != Some(&row) {
                let expected = self.rows.get(&change.stroke);
                return Err(format!("the row {row:?} instead of {expected:?}"));
            }
        }
        Ok(())
    }

    /// The tombstones up to this position are forgotten, but for the one at the head.
    pub fn compact(&mut self, through: Seq) {
        let head = self.head;
        let gone = |row: &Row| row.body.is_none() && row.seq <= through && row.seq != head;
        let strokes = self.rows.iter().filter(|(_, row)| gone(row));
        self.compacted.extend(strokes.map(|(stroke, _)| *stroke));
        self.rows.retain(|_, row| !gone(row));
    }
}
