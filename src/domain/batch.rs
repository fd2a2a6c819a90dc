//! Decides a batch of ops on a drawing.
//!
//! A decision changes nothing yet: it takes effect once it is stored.

use std::collections::HashMap;

use super::drawing::Drawing;
use super::ids::{OpId, StrokeId, Writer, WriterId};
use super::op::{Change, Op, OpKind, Refusal, RowId};
use super::sequence::Seq;
use super::stroke::Body;

/// The outcome of a batch of ops, valid while the drawing's head is what it was at the decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// One verdict for each op, in order, for the writers.
    pub verdicts: Vec<Verdict>,
    /// The rows to store, at `head + 1`, `head + 2` …
    pub changes: Vec<Change>,
    /// The rows that `changes` replace: both happen in one transaction.
    pub replaced: Vec<RowId>,
    /// Whether an op that causes no row was judged by the drawing's current strokes.
    ///
    /// A server that lags behind would refuse the edit of a stroke that exists. Storing `changes`
    /// proves that it does not lag; with nothing to store, the stored head must be checked before
    /// such a verdict is sent. An op that was stored long ago needs no such proof.
    pub needs_head: bool,
}

/// The outcome of an op.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is stored, now or earlier, or had no effect.
    Done,
    /// It was refused. No row records it, unless [`Drawing::refuse`] made one: see the module
    /// [`drawing`](super::drawing).
    Refused {
        /// The reason.
        refusal: Refusal,
        /// The stroke that it was meant to change, after all ops of the batch.
        stroke: Option<Change>,
    },
}

impl Drawing {
    /// Decides ops in order, each of them after those before it, without changing the drawing. The
    /// drawing must be whole.
    pub fn decide(&self, ops: &[(Writer, Op)]) -> Decision {
        debug_assert!(self.is_whole());
        let mut batch = Batch::on(self);
        let outcomes: Vec<_> = ops
            .iter()
            .map(|(writer, op)| batch.take(*writer, op))
            .collect();
        batch.prune_prior_ops();
        // A refused op gets the stroke as the whole batch leaves it: a change at some position must
        // be the same wherever it is seen.
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

    /// Refuses an op that the database does not accept, by a row that has its number: the tombstone
    /// of a stroke that never was.
    ///
    /// Once this row is stored, nothing that was decided at this head before can be: an append that
    /// had no answer and has the op in it.
    pub fn refuse(&self, writer: Writer, op: &Op, refusal: Refusal) -> Decision {
        let seq = self.head() + 1;
        let id = OpId {
            writer: writer.id,
            n: op.n,
        };
        let tombstone = Change {
            seq,
            stroke: StrokeId::of_refused(id),
            z: seq as i64,
            author: writer.author,
            op: id,
            prior_ops: Vec::new(),
            body: None,
        };
        let stroke = self.stroke(op.stroke).cloned();
        Decision {
            verdicts: vec![Verdict::Refused { refusal, stroke }],
            changes: vec![tombstone],
            replaced: Vec::new(),
            needs_head: true,
        }
    }
}

/// Ops being decided: their changes overlay the drawing.
struct Batch<'a> {
    drawing: &'a Drawing,
    /// One row for each stroke that changes, in the order of their first change, so that strokes
    /// drawn later are painted later. Until the end of the batch, `prior_ops` have the highest
    /// number of every other writer that is known to have changed the stroke.
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

    /// Applies an op, unless it was applied before or has no effect.
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

    /// Sets a stroke's new row, which replaces the one of an earlier op of the batch.
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
        // Neither side has the batch's own prior ops. How many of these remain is known only at the
        // end, so they count from the next batch on.
        let bytes = self.bytes + change.bytes() - held.map_or(0, Change::bytes);
        let strokes = self.strokes + usize::from(change.body.is_some())
            - usize::from(held.is_some_and(|held| held.body.is_some()));
        if change.body.is_some() {
            if strokes > self.strokes && strokes > self.drawing.limits().strokes {
                return Err(Refusal::Full("it has the most strokes allowed"));
            }
            if bytes > self.bytes && bytes > self.drawing.limits().bytes {
                return Err(Refusal::Full("it has the most bytes allowed"));
            }
        }

        change.prior_ops.extend(held.map(|held| held.op));
        change
            .prior_ops
            .retain(|prior_op| prior_op.writer != writer.id);
        let old_row = held.map(Change::row);
        match place {
            Some(place) => self.changes[place] = change,
            None => {
                self.places.insert(op.stroke, self.changes.len());
                self.changes.push(change);
                self.replaced.extend(old_row);
            }
        }
        self.strokes = strokes;
        self.bytes = bytes;
        self.last.insert(writer.id, op.n);
        Ok(())
    }

    /// Keeps only those prior ops that no other row has.
    ///
    /// The highest number of every writer must be found in some row. Ops of one writer arrive in
    /// the order of their numbers, so the highest is that of its last op: either that is the `op`
    /// of its row, or another writer's op replaced it and it is a prior op there. Lower ones are
    /// not needed wherever the highest is. This holds only once every op of the batch is applied,
    /// since any may raise the highest number of its writer.
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

/// A painting order if the op sets one, and the stroke's new body unless it is erased.
type Outcome = (Option<i64>, Option<Body>);

/// The effect of an op on a stroke: `None` when there is none.
fn outcome(held: Option<&Change>, kind: &OpKind) -> Result<Option<Outcome>, Refusal> {
    let living = held.and_then(|held| held.body.as_ref());
    let base_is_outdated =
        |base: &Option<OpId>| base.is_some_and(|base| held.is_none_or(|held| held.op != base));
    match kind {
        OpKind::Draw { .. } if held.is_some() => Err(Refusal::Exists),
        OpKind::Draw { body } => Ok(Some((None, Some(body.clone())))),
        OpKind::Edit { set, z, base } => match living {
            None if held.is_none() => Err(Refusal::Absent),
            None => Err(Refusal::Erased),
            Some(_) if base_is_outdated(base) => Err(Refusal::Changed),
            Some(body) => match body.with(set) {
                Ok(body) => Ok(Some((*z, Some(body)))),
                Err(error) => Err(Refusal::Invalid(error.to_string())),
            },
        },
        OpKind::Erase { .. } if living.is_none() => Ok(None),
        OpKind::Erase { base } if base_is_outdated(base) => Err(Refusal::Changed),
        OpKind::Erase { .. } => Ok(Some((None, None))),
        OpKind::Restore { .. } if held.is_none() => Err(Refusal::Absent),
        OpKind::Restore { body, base } => {
            if living.is_some() || base_is_outdated(&Some(*base)) {
                Err(Refusal::Changed)
            } else {
                Ok(Some((None, Some(body.clone()))))
            }
        }
    }
}
