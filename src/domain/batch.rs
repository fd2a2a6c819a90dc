//! Decides what comes of a batch of ops on a drawing.
//!
//! It must never change the drawing: what it decides holds once it is stored.

use std::collections::HashMap;

use super::drawing::Drawing;
use super::ids::{OpId, StrokeId, Writer, WriterId};
use super::op::{Change, Op, OpKind, Refusal, RowId};
use super::sequence::Seq;
use super::stroke::Body;

/// What comes of ops, if the drawing's head is still what it was when they were decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What to tell the writers: one verdict for each op, in order.
    pub verdicts: Vec<Verdict>,
    /// The rows to store, at `head + 1`, `head + 2` …
    pub changes: Vec<Change>,
    /// The rows that moved on: they are deleted when `changes` are stored.
    pub replaced: Vec<RowId>,
    /// Whether an op without a row was judged by what the drawing holds now.
    ///
    /// A server that lags behind would refuse the edit of a stroke that is there. Storing
    /// `changes` proves that it does not; with nothing to store, the stored head has to be
    /// compared before such a verdict goes out. An op that happened long ago needs no such
    /// proof.
    pub needs_head: bool,
}

/// What came of an op.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It happened, now or before, or there was nothing left to do.
    Done,
    /// It came to nothing, and nothing remembers it: see the module.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The stroke it was about, as it is after all ops of the decision.
        stroke: Option<Change>,
    },
}

impl Drawing {
    /// Decides ops in order, each of them seeing those before it, and changes nothing. The drawing
    /// must be whole.
    pub fn decide(&self, ops: &[(Writer, Op)]) -> Decision {
        debug_assert!(self.is_whole());
        let mut batch = Batch::on(self);
        let outcomes: Vec<_> = ops
            .iter()
            .map(|(writer, op)| batch.take(*writer, op))
            .collect();
        batch.prune_prior_ops();
        // A refused op gets the stroke as the whole batch leaves it: a change with some
        // position must be the same one wherever it is seen.
        let verdicts = ops
            .iter()
            .zip(outcomes)
            .map(|((_, op), outcome)| match outcome {
                Ok(()) => Verdict::Done,
                Err(refusal) => Verdict::Refused {
                    refusal,
                    stroke: batch.stroke(op.stroke).cloned(),
                },
            })
            .collect();
        Decision {
            verdicts,
            changes: batch.changes,
            replaced: batch.replaced,
            needs_head: batch.needs_head,
        }
    }
}

/// Ops that are being decided: what they change lies over the drawing.
struct Batch<'a> {
    drawing: &'a Drawing,
    /// One row for each stroke that changes, in the order of their first change, so that what
    /// is drawn later is painted later. Until they are settled, `prior_ops` have the highest number
    /// of every other writer that is known to have changed the stroke.
    changes: Vec<Change>,
    places: HashMap<StrokeId, usize>,
    replaced: Vec<RowId>,
    last: HashMap<WriterId, u64>,
    strokes: usize,
    bytes: usize,
    needs_head: bool,
}

impl<'a> Batch<'a> {
    fn on(drawing: &'a Drawing) -> Self {
        Self {
            drawing,
            changes: Vec::new(),
            places: HashMap::new(),
            replaced: Vec::new(),
            last: HashMap::new(),
            strokes: drawing.strokes(),
            bytes: drawing.bytes(),
            needs_head: false,
        }
    }

    fn last(&self, writer: WriterId) -> u64 {
        let here = self.last.get(&writer).copied();
        here.unwrap_or_else(|| self.drawing.last(writer))
    }

    fn stroke(&self, id: StrokeId) -> Option<&Change> {
        match self.places.get(&id) {
            Some(&place) => self.changes.get(place),
            None => self.drawing.stroke(id),
        }
    }

    /// Lets an op happen, unless it did before or there is nothing to do.
    fn take(&mut self, writer: Writer, op: &Op) -> Result<(), Refusal> {
        if op.n <= self.last(writer.id) {
            return Ok(());
        }
        let happened = match outcome(self.stroke(op.stroke), &op.kind) {
            Ok(Some((z, body))) => self.put(writer, op, z, body).map(|()| true),
            Ok(None) => Ok(false),
            Err(refusal) => Err(refusal),
        };
        self.needs_head |= happened != Ok(true);
        happened.map(drop)
    }

    /// Gives a stroke its new row, in place of the one it has from an earlier op of the batch.
    fn put(
        &mut self,
        writer: Writer,
        op: &Op,
        z: Option<i64>,
        body: Option<Body>,
    ) -> Result<(), Refusal> {
        let held = self.stroke(op.stroke);
        let place = self.places.get(&op.stroke).copied();
        let seq = self.drawing.head() + 1 + place.unwrap_or(self.changes.len()) as Seq;
        let mut change = Change {
            seq,
            stroke: op.stroke,
            z: z.or(held.map(|held| held.z)).unwrap_or(seq as i64),
            author: writer.author,
            op: OpId {
                writer: writer.id,
                n: op.n,
            },
            prior_ops: held.map_or_else(Vec::new, |held| held.prior_ops.clone()),
            body,
        };
        // Both sides have the same prior ops yet. What prior ops the batch adds is not limited, since it
        // is known at the end only, and counts from the next batch on.
        let bytes = self.bytes + change.bytes() - held.map_or(0, Change::bytes);
        let strokes = self.strokes + usize::from(change.body.is_some())
            - usize::from(held.is_some_and(|held| held.body.is_some()));
        if change.body.is_some() {
            if strokes > self.strokes && strokes > self.drawing.limits().strokes {
                return Err(Refusal::Full("it has as many strokes as it may have"));
            }
            if bytes > self.bytes && bytes > self.drawing.limits().bytes {
                return Err(Refusal::Full("it has as many bytes as it may have"));
            }
        }

        change.prior_ops.extend(held.map(|held| held.op));
        change
            .prior_ops
            .retain(|prior_op| prior_op.writer != writer.id);
        let moved_on = held.map(Change::row);
        match place {
            Some(place) => self.changes[place] = change,
            None => {
                self.places.insert(op.stroke, self.changes.len());
                self.changes.push(change);
                self.replaced.extend(moved_on);
            }
        }
        self.strokes = strokes;
        self.bytes = bytes;
        self.last.insert(writer.id, op.n);
        Ok(())
    }

    /// Keeps of all prior ops those that no other row tells.
    ///
    /// The highest number of every writer must be found in some row. Ops of one writer come
    /// in the order of their numbers, so the highest is that of the last one that happened:
    /// either it is the `op` of its row, or another writer's op came over it and it is a prior op
    /// there. A lower one is not needed, wherever the highest is. This is right only once
    /// every op of the batch has happened, which may raise the highest of any writer.
    fn prune_prior_ops(&mut self) {
        let mut changes = std::mem::take(&mut self.changes);
        for change in &mut changes {
            change
                .prior_ops
                .retain(|prior_op| prior_op.n == self.last(prior_op.writer));
        }
        self.changes = changes;
    }
}

/// A painting order, if it is given one, and what is left of the stroke.
type Outcome = (Option<i64>, Option<Body>);

/// What becomes of a stroke by an op: `None` when there is nothing to do.
fn outcome(held: Option<&Change>, kind: &OpKind) -> Result<Option<Outcome>, Refusal> {
    let living = held.and_then(|held| held.body.as_ref());
    let moved_on =
        |base: &Option<OpId>| base.is_some_and(|base| held.is_none_or(|held| held.op != base));
    match kind {
        OpKind::Draw { .. } if held.is_some() => Err(Refusal::Exists),
        OpKind::Draw { body } => Ok(Some((None, Some(body.clone())))),
        OpKind::Edit { set, z, base } => match living {
            None if held.is_none() => Err(Refusal::Absent),
            None => Err(Refusal::Erased),
            Some(_) if moved_on(base) => Err(Refusal::Changed),
            Some(body) => match body.with(set) {
                Ok(body) => Ok(Some((*z, Some(body)))),
                Err(error) => Err(Refusal::Invalid(error.to_string())),
            },
        },
        OpKind::Erase { .. } if living.is_none() => Ok(None),
        OpKind::Erase { base } if moved_on(base) => Err(Refusal::Changed),
        OpKind::Erase { .. } => Ok(Some((None, None))),
        OpKind::Restore { .. } if held.is_none() => Err(Refusal::Absent),
        OpKind::Restore { body, base } => {
            if living.is_some() || moved_on(&Some(*base)) {
                Err(Refusal::Changed)
            } else {
                Ok(Some((None, Some(body.clone()))))
            }
        }
    }
}
