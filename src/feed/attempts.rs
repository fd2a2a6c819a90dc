//! Appends without an answer: what they refused, in case they are stored after all.
//!
//! An append of *an edit that is refused, and a drawn stroke* gets no answer. If it was stored, the number
//! of the stroke's op makes the refused edit look done, for a refusal leaves no row (but that of an op that
//! the database does not accept). So the refusal is remembered until the read shows which: until all ops of
//! the batch have their verdicts, also while they are appended one by one.
//!
//! An edit that is refused behind the last row of such an append looks done once another server has stored
//! later ops of its writer. That server may have decided the edit as well: then it was refused again, or it
//! has changed its stroke. So the refusal is told as long as the stroke is as that append left it.

use crate::domain::batch::{Decision, Verdict};
use crate::domain::drawing::Drawing;
use crate::domain::ids::{OpId, StrokeId, Writer};
use crate::domain::op::{Change, Op};
use crate::domain::sequence::Seq;

/// The appends without an answer of one batch, and the refusals of those that proved to be stored.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    unproven: Vec<Attempt>,
    refusals: Vec<RefusedOp>,
}

/// An op that an append has refused, by its id, and the verdict.
#[derive(Clone, Debug, PartialEq)]
struct RefusedOp {
    op: OpId,
    verdict: Verdict,
    /// Set where no later op of the same append passes its number: the last position of the append. Another
    /// server may have decided the op after that, and then its stroke has changed since.
    until: Option<Seq>,
}

/// An append that may be stored, now or later.
#[derive(Debug, PartialEq)]
struct Attempt {
    /// It is stored after this head or not at all.
    head: Seq,
    /// The rows that it stores.
    rows: Vec<(Seq, StrokeId, OpId)>,
    /// The ops it refuses.
    refusals: Vec<RefusedOp>,
}

impl Attempts {
    /// An append of this batch at `head` had no answer.
    pub(super) fn add(&mut self, batch: &[(Writer, Op)], head: Seq, decision: Decision) {
        let ops = decision.changes.iter().flat_map(ops_of);
        let last = head + decision.changes.len() as Seq;
        let is_passed = |id: &OpId| {
            let mut ops = ops.clone();
            ops.any(|op| op.writer == id.writer && op.n >= id.n)
        };
        let decided = batch.iter().map(id_of).zip(decision.verdicts);
        let refusals = decided
            .filter(|(_, verdict)| *verdict != Verdict::Done)
            .map(|(op, verdict)| RefusedOp {
                op,
                until: (!is_passed(&op)).then_some(last),
                verdict,
            })
            .collect::<Vec<_>>();
        let rows = decision.changes.iter();
        let attempt = Attempt {
            head,
            rows: rows.map(|row| (row.seq, row.stroke, row.op)).collect(),
            refusals,
        };
        if !attempt.refusals.is_empty() && !self.unproven.contains(&attempt) {
            self.unproven.push(attempt);
        }
    }

    /// Puts the refusals of stored appends into the verdicts that the drawing gives now.
    pub(super) fn restore_refusals(
        &mut self,
        drawing: &Drawing,
        batch: &[(Writer, Op)],
        verdicts: &mut [Verdict],
    ) {
        let refusals = &mut self.refusals;
        self.unproven.retain_mut(|attempt| {
            let is_stored = attempt.is_stored(drawing);
            if is_stored == Some(true) {
                refusals.append(&mut attempt.refusals);
            }
            is_stored.is_none()
        });
        for (submitted, verdict) in batch.iter().zip(verdicts) {
            let op = id_of(submitted);
            if op.n > drawing.last(op.writer) {
                continue;
            }
            let changed = drawing.stroke(submitted.1.stroke).map_or(0, |row| row.seq);
            let is_told = |refusal: &&RefusedOp| {
                refusal.op == op && refusal.until.is_none_or(|until| changed <= until)
            };
            if let Some(refusal) = refusals.iter().find(is_told) {
                *verdict = refusal.verdict.clone();
            }
        }
    }

    /// All ops of the batch have their verdicts.
    pub(super) fn clear(&mut self) {
        self.unproven.clear();
        self.refusals.clear();
    }
}

impl Attempt {
    /// Whether it is stored; unknown as long as the drawing has not come to its last position, and
    /// all that is there are its rows. Those may arrive one by one, and its first op may have been
    /// appended alone.
    fn is_stored(&self, drawing: &Drawing) -> Option<bool> {
        let last = self.head + self.rows.len() as Seq;
        let rows = drawing.since(self.head);
        let mut rows = rows.take_while(|row| row.seq <= last);
        if !rows.all(|row| self.rows.contains(&(row.seq, row.stroke, row.op))) {
            return Some(false);
        }
        // A row may have been replaced since: its op is known by its number then.
        let is_known = |&(seq, stroke, op): &(Seq, StrokeId, OpId)| {
            let held = drawing.stroke(stroke).filter(|held| held.op == op);
            op.n <= drawing.last(op.writer) && held.is_none_or(|held| held.seq == seq)
        };
        (drawing.head() >= last).then(|| self.rows.iter().all(is_known))
    }
}

fn ops_of(change: &Change) -> impl Iterator<Item = &OpId> + Clone {
    change.prior_ops.iter().chain([&change.op])
}

fn id_of((writer, op): &(Writer, Op)) -> OpId {
    OpId {
        writer: writer.id,
        n: op.n,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::drawing::Limits;
    use crate::domain::ids::Epoch;
    use crate::domain::op::{OpKind, Refusal};
    use crate::domain::stroke::Body;

    const LIMITS: Limits = Limits {
        strokes: 100,
        bytes: 1 << 20,
    };

    fn draw() -> OpKind {
        let body =
            r##"{"kind":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3}"##;
        OpKind::Draw {
            body: Body::parse(body).unwrap(),
        }
    }

    fn edit() -> OpKind {
        OpKind::Edit {
            set: serde_json::from_str(r#"{"x":3}"#).unwrap(),
            z: None,
            base: None,
        }
    }

    fn writer() -> Writer {
        Writer::new(Uuid::new_v4(), Uuid::new_v4())
    }

    fn op(writer: Writer, n: u64, kind: OpKind) -> (Writer, Op) {
        let stroke = StrokeId::random();
        (writer, Op { n, stroke, kind })
    }

    fn empty() -> Drawing {
        Drawing::new(Epoch::random(), 0, LIMITS)
    }

    fn store(drawing: &mut Drawing, decision: &Decision) {
        for change in &decision.changes {
            drawing.apply(change.clone());
        }
    }

    fn is_refused(verdicts: &[Verdict]) -> Vec<bool> {
        verdicts
            .iter()
            .map(|verdict| *verdict != Verdict::Done)
            .collect()
    }

    /// The verdicts of this batch now, each decided alone or all together.
    fn decide(attempts: &mut Attempts, drawing: &Drawing, batch: &[(Writer, Op)]) -> Vec<bool> {
        let mut verdicts = drawing.decide(batch).verdicts;
        attempts.restore_refusals(drawing, batch, &mut verdicts);
        is_refused(&verdicts)
    }

    /// Ops of which the first and the last are refused, for their strokes are absent.
    fn batch() -> Vec<(Writer, Op)> {
        let writer = writer();
        let kinds = [edit(), draw(), edit()];
        let ops = kinds.into_iter().zip(1..);
        ops.map(|(kind, n)| op(writer, n, kind)).collect()
    }

    #[test]
    fn a_refusal_is_told_once_its_append_without_an_answer_proves_to_be_stored() {
        let (mut attempts, mut drawing, batch) = (Attempts::default(), empty(), batch());
        let decision = drawing.decide(&batch);
        attempts.add(&batch, 0, decision.clone());
        assert_eq!(
            decide(&mut attempts, &drawing, &batch),
            [true, false, true],
            "it is decided as before"
        );
        store(&mut drawing, &decision);
        assert!(!is_refused(&drawing.decide(&batch).verdicts)[0]);
        for _ in 0..2 {
            assert!(decide(&mut attempts, &drawing, &batch)[0]);
        }
        // The batch failed meanwhile, and its ops are appended one by one.
        assert_eq!(decide(&mut attempts, &drawing, &batch[..1]), [true]);
        attempts.clear();
        assert_eq!(decide(&mut attempts, &drawing, &batch[..1]), [false]);
    }

    #[test]
    fn a_refusal_is_not_told_where_another_append_was_stored_in_its_place() {
        let (mut attempts, mut drawing, batch) = (Attempts::default(), empty(), batch());
        attempts.add(&batch, 0, drawing.decide(&batch));
        // Another server stores the stroke that the first op edits, and then the same ops.
        let (_, Op { stroke, .. }) = batch[0];
        let mut drawn = op(writer(), 1, draw());
        drawn.1.stroke = stroke;
        for ops in [&[drawn][..], &batch] {
            let decision = drawing.decide(ops);
            store(&mut drawing, &decision);
        }
        assert!(!decide(&mut attempts, &drawing, &batch)[0]);
    }

    #[test]
    fn a_refusal_is_not_told_where_only_the_first_op_was_stored_alone() {
        let (mut attempts, mut drawing) = (Attempts::default(), empty());
        let author = writer();
        let kinds = [draw(), edit(), draw()].into_iter().zip(1..);
        let batch: Vec<_> = kinds.map(|(kind, n)| op(author, n, kind)).collect();
        attempts.add(&batch, 0, drawing.decide(&batch));
        let first = drawing.decide(&batch[..1]);
        store(&mut drawing, &first);
        assert_eq!(
            decide(&mut attempts, &drawing, &batch[1..2]),
            [true],
            "its stroke is absent"
        );
        // Another server stores the stroke, and the edit is done.
        let mut drawn = op(writer(), 1, draw());
        drawn.1.stroke = batch[1].1.stroke;
        for ops in [&[drawn][..], &batch[1..2]] {
            let decision = drawing.decide(ops);
            store(&mut drawing, &decision);
        }
        assert_eq!(decide(&mut attempts, &drawing, &batch[1..2]), [false]);
    }

    #[test]
    fn a_refusal_is_told_though_the_rows_of_its_append_arrive_one_by_one() {
        let (mut attempts, mut drawing) = (Attempts::default(), empty());
        let author = writer();
        let kinds = [draw(), edit(), draw()].into_iter().zip(1..);
        let batch: Vec<_> = kinds.map(|(kind, n)| op(author, n, kind)).collect();
        let decision = drawing.decide(&batch);
        attempts.add(&batch, 0, decision.clone());
        for change in decision.changes {
            drawing.apply(change);
            let refused = decide(&mut attempts, &drawing, &batch);
            assert_eq!(refused, [false, true, false]);
        }
    }

    #[test]
    fn an_append_is_found_by_prior_ops_once_its_rows_were_replaced() {
        let (mut attempts, mut drawing, batch) = (Attempts::default(), empty(), batch());
        let decision = drawing.decide(&batch);
        attempts.add(&batch, 0, decision.clone());
        store(&mut drawing, &decision);
        let mut erase = op(writer(), 1, OpKind::Erase { base: None });
        erase.1.stroke = batch[1].1.stroke;
        let erased = drawing.decide(&[erase]);
        store(&mut drawing, &erased);
        assert!(decide(&mut attempts, &drawing, &batch)[0]);
    }

    #[test]
    fn the_record_of_a_refusal_is_not_taken_for_the_op() {
        let (mut attempts, mut drawing) = (Attempts::default(), empty());
        let batch = [op(writer(), 1, draw())];
        let (author, refused) = &batch[0];
        let refusal = Refusal::Invalid("it is not accepted".into());
        let decision = drawing.refuse(*author, refused, refusal);
        attempts.add(&batch, 0, decision.clone());
        store(&mut drawing, &decision);
        assert_eq!(decide(&mut attempts, &drawing, &batch), [true]);
        assert_eq!(drawing.strokes(), 0);
    }

    #[test]
    fn an_append_that_is_repeated_is_kept_once() {
        let (mut attempts, drawing, batch) = (Attempts::default(), empty(), batch());
        for _ in 0..3 {
            attempts.add(&batch, 0, drawing.decide(&batch));
        }
        assert_eq!(attempts.unproven.len(), 1);
        attempts.clear();
        let done = [op(writer(), 1, draw())];
        attempts.add(&done, 0, drawing.decide(&done));
        assert!(attempts.unproven.is_empty(), "nothing is refused");
    }

    /// A stored append of a stroke and a refused edit, which only a later op of another server passes.
    fn passed_by_another_server(
        between: impl Fn(&mut Drawing, &(Writer, Op)),
    ) -> (Attempts, Drawing, Vec<(Writer, Op)>) {
        let (mut attempts, mut drawing) = (Attempts::default(), empty());
        let author = writer();
        let batch = vec![op(author, 1, draw()), op(author, 2, edit())];
        let decision = drawing.decide(&batch);
        attempts.add(&batch, 0, decision.clone());
        store(&mut drawing, &decision);
        between(&mut drawing, &batch[1]);
        let later = drawing.decide(&[op(author, 3, draw())]);
        store(&mut drawing, &later);
        (attempts, drawing, batch)
    }

    #[test]
    fn a_refusal_is_told_where_only_another_server_passed_it_and_its_stroke_has_not_changed() {
        let (mut attempts, drawing, batch) = passed_by_another_server(|_, _| ());
        assert!(!is_refused(&drawing.decide(&batch).verdicts)[1]);
        assert_eq!(decide(&mut attempts, &drawing, &batch), [false, true]);
    }

    #[test]
    fn a_refusal_is_not_told_where_another_server_may_have_stored_the_op_since() {
        let stored_elsewhere = |drawing: &mut Drawing, edit: &(Writer, Op)| {
            let mut drawn = op(writer(), 1, draw());
            drawn.1.stroke = edit.1.stroke;
            for ops in [drawn, edit.clone()] {
                let decision = drawing.decide(&[ops]);
                store(drawing, &decision);
            }
        };
        let (mut attempts, drawing, batch) = passed_by_another_server(stored_elsewhere);
        assert_eq!(decide(&mut attempts, &drawing, &batch), [false, false]);
    }

    #[test]
    fn of_two_refusals_the_one_that_a_later_op_proves_is_told_though_the_stroke_has_changed() {
        let (mut attempts, mut drawing) = (Attempts::default(), empty());
        let (author, other) = (writer(), writer());
        let edited = op(author, 1, edit());
        let mut drawn = op(other, 2, draw());
        drawn.1.stroke = edited.1.stroke;
        let batch = vec![op(other, 1, draw()), edited, op(author, 2, draw()), drawn];
        // The first append stores one op only, for the rules refuse the rest.
        let mut first = drawing.decide(&batch);
        first.changes.truncate(1);
        let refused = first.verdicts[1].clone();
        first.verdicts[2..].fill(refused);
        attempts.add(&batch, 0, first.clone());
        store(&mut drawing, &first);
        let decided = [false, true, false, false];
        assert_eq!(decide(&mut attempts, &drawing, &batch), decided);
        // The second one stores an op behind the edit, and then draws its stroke.
        let second = drawing.decide(&batch);
        attempts.add(&batch, 1, second.clone());
        store(&mut drawing, &second);
        assert_eq!(decide(&mut attempts, &drawing, &batch), decided);
    }
}
