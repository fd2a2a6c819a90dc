//! The rules of a drawing, each on its own.

use serde_json::{Value, json};
use uuid::Uuid;
use whiteboard::domain::batch::{Decision, Verdict};
use whiteboard::domain::drawing::{Drawing, Limits};
use whiteboard::domain::ids::{Epoch, OpId, StrokeId, Writer};
use whiteboard::domain::op::{Change, Op, OpKind, Refusal, RowId};
use whiteboard::domain::sequence::{Arrival, Seq};
use whiteboard::domain::stroke::Body;

const ROOMY: Limits = Limits {
    strokes: 1_000,
    bytes: 1_000_000,
};

fn empty() -> Drawing {
    Drawing::new(Epoch::random(), 0, ROOMY)
}

fn writer() -> Writer {
    Writer::new(Uuid::new_v4(), Uuid::new_v4())
}

fn line() -> Body {
    Body::parse(r##"{"kind":"line","x":1,"y":2,"points":"AAIAAAIC","colour":"#1d1d1f","width":4}"##)
        .unwrap()
}

fn draw(n: u64, stroke: StrokeId) -> Op {
    let kind = OpKind::Draw { body: line() };
    Op { n, stroke, kind }
}

fn edit(n: u64, stroke: StrokeId, set: Value, base: Option<OpId>) -> Op {
    let set = serde_json::from_value(set).unwrap();
    let kind = OpKind::Edit { set, z: None, base };
    Op { n, stroke, kind }
}

fn erase(n: u64, stroke: StrokeId, base: Option<OpId>) -> Op {
    let kind = OpKind::Erase { base };
    Op { n, stroke, kind }
}

fn restore(n: u64, stroke: StrokeId, base: OpId) -> Op {
    let body = line();
    let kind = OpKind::Restore { body, base };
    Op { n, stroke, kind }
}

fn op_id(writer: Writer, n: u64) -> OpId {
    let writer = writer.id;
    OpId { writer, n }
}

/// Decides a batch, and applies its changes as if they had been stored.
fn happen(drawing: &mut Drawing, ops: &[(Writer, Op)]) -> Decision {
    let decision = drawing.decide(ops);
    for change in &decision.changes {
        assert_eq!(drawing.apply(change.clone()), Arrival::Next);
    }
    decision
}

/// Applies one op.
fn one(drawing: &mut Drawing, writer: Writer, op: Op) -> Verdict {
    happen(drawing, &[(writer, op)]).verdicts.remove(0)
}

fn refused(refusal: Refusal, stroke: Option<&Change>) -> Verdict {
    let stroke = stroke.cloned();
    Verdict::Refused { refusal, stroke }
}

fn field(drawing: &Drawing, stroke: StrokeId, name: &str) -> Value {
    let body = drawing.stroke(stroke).unwrap().body.as_ref().unwrap();
    serde_json::from_str::<Value>(body.as_json()).unwrap()[name].clone()
}

/// The row of a living stroke.
fn living(seq: Seq) -> RowId {
    RowId {
        seq,
        tombstone: false,
    }
}

fn rows(drawing: &Drawing) -> Vec<Change> {
    drawing.since(0).cloned().collect()
}

#[test]
fn a_new_stroke_is_a_row_at_the_next_position() {
    let (mut drawing, ada, a, b) = (empty(), writer(), StrokeId::random(), StrokeId::random());
    let decision = happen(&mut drawing, &[(ada, draw(1, a)), (ada, draw(2, b))]);
    assert_eq!(decision.verdicts, [Verdict::Done, Verdict::Done]);
    assert_eq!(decision.replaced, []);
    let row = |seq: Seq, stroke, n| Change {
        seq,
        stroke,
        z: seq as i64,
        author: ada.author,
        op: op_id(ada, n),
        prior_ops: vec![],
        body: Some(line()),
    };
    assert_eq!(rows(&drawing), [row(1, a, 1), row(2, b, 2)]);
    assert_eq!((drawing.head(), drawing.strokes()), (2, 2));
}

#[test]
fn deciding_changes_nothing() {
    let (mut drawing, ada, a) = (empty(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    let before = (
        rows(&drawing),
        drawing.head(),
        drawing.bytes(),
        drawing.last(ada.id),
    );
    let ops = [
        (ada, erase(2, a, None)),
        (ada, draw(3, StrokeId::random())),
        (ada, draw(4, a)),
    ];
    assert_eq!(drawing.decide(&ops), drawing.decide(&ops));
    let after = (
        rows(&drawing),
        drawing.head(),
        drawing.bytes(),
        drawing.last(ada.id),
    );
    assert_eq!(before, after);
}

#[test]
fn an_op_that_happened_happens_no_second_time() {
    let (mut drawing, ada, ben, a) = (empty(), writer(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    one(&mut drawing, ada, edit(2, a, json!({"x": 5}), None));
    one(&mut drawing, ben, erase(1, a, None));
    let before = rows(&drawing);
    for op in [
        draw(1, a),
        draw(1, StrokeId::random()),
        edit(2, a, json!({"x": 5}), None),
    ] {
        let decision = happen(&mut drawing, &[(ada, op)]);
        assert_eq!(decision.verdicts, [Verdict::Done]);
        assert!(!decision.needs_head);
    }
    assert_eq!(rows(&drawing), before);
}

#[test]
fn an_op_twice_in_one_batch_happens_once() {
    let (mut drawing, ada, a) = (empty(), writer(), StrokeId::random());
    let decision = happen(&mut drawing, &[(ada, draw(1, a)), (ada, draw(1, a))]);
    assert_eq!(decision.verdicts, [Verdict::Done, Verdict::Done]);
    assert_eq!(drawing.head(), 1);
}

#[test]
fn an_id_is_drawn_once() {
    let (mut drawing, ada, ben, a) = (empty(), writer(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    let living = drawing.stroke(a).cloned();
    let verdict = one(&mut drawing, ben, draw(1, a));
    assert_eq!(verdict, refused(Refusal::Exists, living.as_ref()));
    one(&mut drawing, ada, erase(2, a, None));
    let tombstone = drawing.stroke(a).cloned();
    let verdict = one(&mut drawing, ben, draw(1, a));
    assert_eq!(verdict, refused(Refusal::Exists, tombstone.as_ref()));
}

#[test]
fn an_edit_changes_the_fields_it_names_and_moves_the_row() {
    let (mut drawing, ada, ben) = (empty(), writer(), writer());
    let (a, b) = (StrokeId::random(), StrokeId::random());
    happen(&mut drawing, &[(ada, draw(1, a)), (ada, draw(2, b))]);
    let decision = happen(&mut drawing, &[(ben, edit(1, a, json!({"x": 30}), None))]);
    assert_eq!(decision.replaced, [living(1)]);
    assert_eq!(field(&drawing, a, "x"), json!(30));
    assert_eq!(field(&drawing, a, "y"), json!(2));
    let row = drawing.stroke(a).unwrap();
    assert_eq!((row.seq, row.z, row.author), (3, 1, ben.author));
    assert_eq!(rows(&drawing).len(), 2);
}

#[test]
fn an_edit_needs_a_living_stroke() {
    let (mut drawing, ada, a) = (empty(), writer(), StrokeId::random());
    let verdict = one(&mut drawing, ada, edit(1, a, json!({"x": 1}), None));
    assert_eq!(verdict, refused(Refusal::Absent, None));
    one(&mut drawing, ada, draw(1, a));
    one(&mut drawing, ada, erase(2, a, None));
    let tombstone = drawing.stroke(a).cloned();
    let verdict = one(&mut drawing, ada, edit(3, a, json!({"x": 1}), None));
    assert_eq!(verdict, refused(Refusal::Erased, tombstone.as_ref()));
}

#[test]
fn an_edit_after_which_it_is_no_stroke_is_refused_with_the_field() {
    let (mut drawing, ada, a) = (empty(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    let held = drawing.stroke(a).cloned();
    let verdict = one(&mut drawing, ada, edit(2, a, json!({"width": 0}), None));
    match verdict {
        Verdict::Refused {
            refusal: Refusal::Invalid(reason),
            stroke,
        } => {
            assert!(reason.contains("width"), "{reason}");
            assert_eq!(stroke, held);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_erased_stroke_leaves_a_tombstone_without_a_body() {
    let (mut drawing, ada, ben, a) = (empty(), writer(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    let bytes = drawing.bytes();
    let decision = happen(&mut drawing, &[(ben, erase(1, a, None))]);
    assert_eq!(decision.replaced, [living(1)]);
    let tombstone = Change {
        seq: 2,
        stroke: a,
        z: 1,
        author: ben.author,
        op: op_id(ben, 1),
        prior_ops: vec![op_id(ada, 1)],
        body: None,
    };
    assert_eq!(rows(&drawing), [tombstone]);
    assert_eq!(drawing.strokes(), 0);
    assert!(drawing.bytes() < bytes);
}

#[test]
fn erasing_an_absent_or_erased_stroke_succeeds() {
    let (mut drawing, ada, ben, a) = (empty(), writer(), writer(), StrokeId::random());
    let nobody = Some(op_id(ben, 9));
    for op in [erase(1, a, None), erase(1, a, nobody)] {
        assert_eq!(one(&mut drawing, ada, op), Verdict::Done);
    }
    one(&mut drawing, ada, draw(1, a));
    one(&mut drawing, ben, erase(1, a, None));
    for op in [erase(2, a, None), erase(2, a, nobody)] {
        assert_eq!(one(&mut drawing, ada, op), Verdict::Done);
    }
    assert_eq!(drawing.head(), 2);
}

#[test]
fn an_op_over_a_change_that_is_not_the_last_is_refused() {
    let (mut drawing, ada, ben, a) = (empty(), writer(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    one(&mut drawing, ben, edit(1, a, json!({"x": 7}), None));
    let held = drawing.stroke(a).cloned();
    let before = Some(op_id(ada, 1));
    for op in [edit(2, a, json!({"x": 0}), before), erase(2, a, before)] {
        let verdict = one(&mut drawing, ada, op);
        assert_eq!(verdict, refused(Refusal::Changed, held.as_ref()));
    }
    let last = Some(op_id(ben, 1));
    let verdict = one(&mut drawing, ada, edit(2, a, json!({"x": 0}), last));
    assert_eq!(verdict, Verdict::Done);
    let verdict = one(&mut drawing, ada, erase(3, a, Some(op_id(ada, 2))));
    assert_eq!(verdict, Verdict::Done);
}

#[test]
fn a_restore_takes_back_the_erasure_it_names_and_no_other() {
    let (mut drawing, ada, ben, a) = (empty(), writer(), writer(), StrokeId::random());
    let never = one(&mut drawing, ada, restore(1, a, op_id(ada, 9)));
    assert_eq!(never, refused(Refusal::Absent, None));

    one(&mut drawing, ada, draw(1, a));
    let held = drawing.stroke(a).cloned();
    let living = one(&mut drawing, ada, restore(2, a, op_id(ada, 1)));
    assert_eq!(living, refused(Refusal::Changed, held.as_ref()));

    one(&mut drawing, ada, draw(2, StrokeId::random()));
    one(&mut drawing, ben, erase(1, a, None));
    let tombstone = drawing.stroke(a).cloned();
    let another = one(&mut drawing, ada, restore(3, a, op_id(ada, 1)));
    assert_eq!(another, refused(Refusal::Changed, tombstone.as_ref()));

    let taken_back = one(&mut drawing, ada, restore(3, a, op_id(ben, 1)));
    assert_eq!(taken_back, Verdict::Done);
    let row = drawing.stroke(a).unwrap();
    assert_eq!(
        (row.z, row.author, &row.body),
        (1, ada.author, &Some(line()))
    );
}

#[test]
fn a_stroke_is_painted_where_it_first_appeared_unless_an_edit_says_otherwise() {
    let (mut drawing, ada, a) = (empty(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, StrokeId::random()));
    one(&mut drawing, ada, draw(2, a));
    let raise = OpKind::Edit {
        set: Default::default(),
        z: Some(-4),
        base: None,
    };
    let z = |drawing: &Drawing| drawing.stroke(a).unwrap().z;
    one(&mut drawing, ada, edit(3, a, json!({"x": 9}), None));
    assert_eq!(z(&drawing), 2);
    let op = Op {
        n: 4,
        stroke: a,
        kind: raise,
    };
    one(&mut drawing, ada, op);
    assert_eq!(z(&drawing), -4);
    one(&mut drawing, ada, erase(5, a, None));
    one(&mut drawing, ada, restore(6, a, op_id(ada, 5)));
    assert_eq!(z(&drawing), -4);
}

#[test]
fn ops_see_the_earlier_ones_of_their_batch_and_fold_into_one_row() {
    let (mut drawing, ada, ben, a) = (empty(), writer(), writer(), StrokeId::random());
    let ops = [
        (ada, draw(1, a)),
        (ben, draw(1, StrokeId::random())),
        (ada, edit(2, a, json!({"x": 5}), Some(op_id(ada, 1)))),
        (ben, edit(2, a, json!({"y": 6}), Some(op_id(ada, 1)))),
        (ben, edit(3, a, json!({"y": 6}), Some(op_id(ada, 2)))),
        (ben, draw(4, a)),
    ];
    let decision = happen(&mut drawing, &ops);
    assert_eq!(decision.changes.len(), 2);
    let row = decision.changes[0].clone();
    assert_eq!(
        (row.seq, row.stroke, row.z, row.author, row.op),
        (1, a, 1, ben.author, op_id(ben, 3))
    );
    assert_eq!(row.prior_ops, [op_id(ada, 2)]);
    assert_eq!(field(&drawing, a, "x"), json!(5));
    assert_eq!(field(&drawing, a, "y"), json!(6));
    let done = Verdict::Done;
    assert_eq!(
        decision.verdicts,
        [
            done.clone(),
            done.clone(),
            done.clone(),
            refused(Refusal::Changed, Some(&row)),
            done,
            refused(Refusal::Exists, Some(&row)),
        ]
    );
}

#[test]
fn a_stroke_drawn_and_erased_in_one_batch_leaves_a_tombstone() {
    let (mut drawing, ada, ben, a) = (empty(), writer(), writer(), StrokeId::random());
    let decision = happen(&mut drawing, &[(ada, draw(1, a)), (ada, erase(2, a, None))]);
    assert_eq!(decision.verdicts, [Verdict::Done, Verdict::Done]);
    let tombstone = rows(&drawing).remove(0);
    assert_eq!((tombstone.seq, &tombstone.body), (1, &None));
    let verdict = one(&mut drawing, ben, draw(1, a));
    assert_eq!(verdict, refused(Refusal::Exists, Some(&tombstone)));
}

#[test]
fn a_refusal_carries_the_stroke_as_the_batch_leaves_it() {
    let (mut drawing, ada, ben, a) = (empty(), writer(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    let ops = [
        (ben, edit(1, a, json!({"x": 5}), Some(op_id(ben, 7)))),
        (ada, edit(2, a, json!({"x": 6}), None)),
    ];
    let decision = happen(&mut drawing, &ops);
    let verdict = refused(Refusal::Changed, drawing.stroke(a));
    assert_eq!(decision.verdicts, [verdict, Verdict::Done]);
}

#[test]
fn a_drawing_full_of_strokes_refuses_all_but_editing_and_erasing() {
    let limits = Limits {
        strokes: 1,
        ..ROOMY
    };
    let mut drawing = Drawing::new(Epoch::random(), 0, limits);
    let (ada, a, b) = (writer(), StrokeId::random(), StrokeId::random());
    let decision = happen(
        &mut drawing,
        &[
            (ada, draw(1, a)),
            (ada, draw(2, b)),
            (ada, erase(3, a, None)),
            (ada, draw(4, b)),
            (ada, restore(5, a, op_id(ada, 3))),
            (ada, edit(6, b, json!({"x": 123456}), None)),
        ],
    );
    let outcomes = decision.verdicts.iter().map(|verdict| match verdict {
        Verdict::Done => "done",
        Verdict::Refused { refusal, .. } => refusal.code(),
    });
    let outcomes: Vec<_> = outcomes.collect();
    assert_eq!(outcomes, ["done", "full", "done", "done", "full", "done"]);
    assert_eq!(drawing.strokes(), 1);
}

#[test]
fn a_drawing_full_of_bytes_refuses_all_that_grows() {
    let (ada, ben) = (writer(), writer());
    let (a, b) = (StrokeId::random(), StrokeId::random());
    let mut measured = empty();
    happen(&mut measured, &[(ada, draw(1, a)), (ada, draw(2, b))]);
    let limits = Limits {
        bytes: measured.bytes(),
        ..ROOMY
    };
    let mut drawing = Drawing::new(Epoch::random(), 0, limits);
    happen(&mut drawing, &[(ada, draw(1, a)), (ada, draw(2, b))]);
    let full = |verdict: Verdict| match verdict {
        Verdict::Done => false,
        Verdict::Refused { refusal, .. } => refusal.code() == "full",
    };
    assert!(full(one(&mut drawing, ada, draw(3, StrokeId::random()))));
    let longer = edit(3, a, json!({"x": 12}), None);
    assert!(full(one(&mut drawing, ada, longer)));
    let as_long = edit(3, a, json!({"x": 9}), None);
    assert!(!full(one(&mut drawing, ada, as_long)));
    // The tombstone gets another prior op, which is no reason to refuse.
    assert!(!full(one(&mut drawing, ben, erase(1, a, None))));
    let long = restore(4, a, op_id(ben, 1));
    assert!(full(one(&mut drawing, ada, long)));
    assert!(!full(one(&mut drawing, ben, erase(2, b, None))));
}

#[test]
fn a_drawing_that_holds_more_than_the_limits_can_still_be_edited() {
    let (mut drawing, ada, a) = (empty(), writer(), StrokeId::random());
    happen(
        &mut drawing,
        &[(ada, draw(1, a)), (ada, draw(2, StrokeId::random()))],
    );
    let lowered = Limits {
        strokes: 1,
        bytes: drawing.bytes() - 1,
    };
    let mut read = Drawing::new(drawing.epoch(), 0, lowered);
    read.load(rows(&drawing), drawing.head());
    let verdict = one(&mut read, ada, edit(3, a, json!({"x": 9}), None));
    assert_eq!(verdict, Verdict::Done);
}

#[test]
fn the_rows_hold_the_highest_number_of_every_writer() {
    let (mut drawing, ada, ben, eve) = (empty(), writer(), writer(), writer());
    let (a, b) = (StrokeId::random(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    one(&mut drawing, ada, edit(4, a, json!({"x": 2}), None));
    one(&mut drawing, ben, edit(1, a, json!({"x": 3}), None));
    assert_eq!(drawing.stroke(a).unwrap().prior_ops, [op_id(ada, 4)]);
    one(&mut drawing, eve, erase(1, a, None));
    assert_eq!(
        drawing.stroke(a).unwrap().prior_ops,
        [op_id(ada, 4), op_id(ben, 1)]
    );
    let mut read = empty();
    read.load(rows(&drawing), drawing.head());
    assert_eq!((read.last(ada.id), read.last(ben.id)), (4, 1));

    // Once another row has a higher number, the next change drops the prior op.
    one(&mut drawing, ada, draw(5, b));
    one(&mut drawing, eve, restore(2, a, op_id(eve, 1)));
    assert_eq!(drawing.stroke(a).unwrap().prior_ops, [op_id(ben, 1)]);
    // A row needs no prior op of the writer who made it.
    one(&mut drawing, ben, edit(2, a, json!({"x": 4}), None));
    assert_eq!(drawing.stroke(a).unwrap().prior_ops, [op_id(eve, 2)]);
}

#[test]
fn a_batch_keeps_the_prior_op_with_the_highest_number() {
    let (mut drawing, ada, ben) = (empty(), writer(), writer());
    let (a, b) = (StrokeId::random(), StrokeId::random());
    happen(&mut drawing, &[(ada, draw(1, a)), (ben, draw(1, b))]);
    let ops = [
        (ada, edit(2, a, json!({"x": 3}), None)),
        (ben, edit(2, a, json!({"x": 4}), None)),
        (ada, edit(3, b, json!({"x": 5}), None)),
        (ben, edit(3, b, json!({"x": 6}), None)),
    ];
    let decision = happen(&mut drawing, &ops);
    let [row_a, row_b] = &decision.changes[..] else {
        panic!("{decision:?}")
    };
    assert_eq!((row_a.op, &row_a.prior_ops), (op_id(ben, 2), &vec![]));
    assert_eq!(
        (row_b.op, &row_b.prior_ops),
        (op_id(ben, 3), &vec![op_id(ada, 3)])
    );
}

#[test]
fn prior_ops_do_not_grow_with_the_number_of_edits() {
    let (mut drawing, ada, ben, a) = (empty(), writer(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    for n in 1..200 {
        let set = json!({"x": n});
        one(&mut drawing, ben, edit(n, a, set.clone(), None));
        one(&mut drawing, ada, edit(n + 1, a, set, None));
        assert_eq!(drawing.stroke(a).unwrap().prior_ops, [op_id(ben, n)]);
    }
}

#[test]
fn only_a_verdict_without_a_row_needs_the_head() {
    let (mut drawing, ada, a) = (empty(), writer(), StrokeId::random());
    assert!(happen(&mut drawing, &[(ada, erase(1, a, None))]).needs_head);
    assert!(!happen(&mut drawing, &[(ada, draw(1, a))]).needs_head);
    assert!(!happen(&mut drawing, &[(ada, draw(1, a))]).needs_head);
    assert!(happen(&mut drawing, &[(ada, draw(2, a))]).needs_head);
}

#[test]
fn a_change_is_taken_in_only_when_it_is_the_next() {
    let (mut drawing, ada) = (empty(), writer());
    let ops: Vec<_> = (1..=3)
        .map(|n| (ada, draw(n, StrokeId::random())))
        .collect();
    let changes = drawing.decide(&ops).changes;
    assert_eq!(drawing.apply(changes[1].clone()), Arrival::Gap);
    assert_eq!(drawing.head(), 0);
    assert_eq!(drawing.apply(changes[0].clone()), Arrival::Next);
    assert_eq!(drawing.apply(changes[0].clone()), Arrival::Stale);
    assert_eq!(drawing.apply(changes[1].clone()), Arrival::Next);
    assert_eq!(drawing.head(), 2);
    assert_eq!(rows(&drawing), changes[..2]);
}

#[test]
fn a_read_in_chunks_with_holes_gives_the_same_drawing() {
    let (mut drawing, ada, a, b) = (empty(), writer(), StrokeId::random(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    let mut behind = drawing.clone();
    one(&mut drawing, ada, draw(2, b));
    for n in 3..8 {
        one(&mut drawing, ada, edit(n, a, json!({"x": n}), None));
    }
    one(&mut drawing, ada, erase(8, b, None));
    // Positions 2 to 6 all belong to rows that were replaced: a chunk of them is empty.
    behind.load(vec![], 4);
    assert_eq!((behind.head(), rows(&behind).len()), (4, 1));
    behind.load(drawing.since(4).cloned().collect(), 8);
    assert_eq!(rows(&behind), rows(&drawing));
    assert_eq!(
        (behind.head(), behind.strokes(), behind.bytes()),
        (8, drawing.strokes(), drawing.bytes())
    );
}

#[test]
fn a_read_that_was_overtaken_takes_nothing_back() {
    let (mut drawing, ada, a) = (empty(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    let (read, head) = (rows(&drawing), drawing.head());
    one(&mut drawing, ada, erase(2, a, None));
    let held = rows(&drawing);
    drawing.load(read, head);
    assert_eq!((drawing.head(), rows(&drawing)), (2, held));
}

#[test]
fn changes_since_a_position_are_after_it_and_in_order() {
    let (mut drawing, ada, a) = (empty(), writer(), StrokeId::random());
    one(&mut drawing, ada, draw(1, a));
    one(&mut drawing, ada, draw(2, StrokeId::random()));
    one(&mut drawing, ada, draw(3, StrokeId::random()));
    one(&mut drawing, ada, edit(4, a, json!({"x": 3}), None));
    let since = |seq| -> Vec<Seq> { drawing.since(seq).map(|change| change.seq).collect() };
    assert_eq!(since(0), [2, 3, 4]);
    assert_eq!(since(2), [3, 4]);
    assert_eq!(since(4), Vec::<Seq>::new());
    assert_eq!(since(Seq::MAX), Vec::<Seq>::new());
}

#[test]
fn raising_compacted_forgets_tombstones_but_never_the_row_at_the_head() {
    let (mut drawing, ada, ben) = (empty(), writer(), writer());
    let strokes: Vec<_> = (0..4).map(|_| StrokeId::random()).collect();
    for (n, stroke) in (1..).zip(&strokes) {
        one(&mut drawing, ada, draw(n, *stroke));
    }
    // Rows: 3 and 5 to 7, of which all but 3 are tombstones.
    one(&mut drawing, ben, erase(1, strokes[0], None));
    one(&mut drawing, ben, erase(2, strokes[1], None));
    one(&mut drawing, ada, erase(5, strokes[3], None));
    drawing.raise_compacted(7);
    let left: Vec<_> = rows(&drawing).iter().map(|change| change.seq).collect();
    assert_eq!(left, [3, 7]);
    assert_eq!((drawing.compacted(), drawing.head()), (7, 7));
    assert_eq!((drawing.last(ada.id), drawing.last(ben.id)), (5, 0));
    let bytes: usize = rows(&drawing).iter().map(Change::bytes).sum();
    assert_eq!((drawing.bytes(), drawing.strokes()), (bytes, 1));
    // The id of a stroke whose tombstone is compacted counts as never used.
    assert_eq!(one(&mut drawing, ben, draw(3, strokes[0])), Verdict::Done);
    // The compacted position never decreases.
    drawing.raise_compacted(2);
    assert_eq!(drawing.compacted(), 7);
}
