//! Tests of a drawing's rows: what is held of each stroke, and what it counts.

use uuid::Uuid;

use super::*;
use crate::domain::batch::{Decision, Verdict};
use crate::domain::ids::{OpId, Writer};
use crate::domain::op::{Op, OpKind, Refusal};
use crate::domain::stroke::Body;

fn empty() -> Drawing {
    let limits = Limits {
        strokes: 10,
        bytes: 1 << 20,
    };
    Drawing::new(Epoch::random(), 0, limits)
}

fn body() -> Option<Body> {
    Some(Body::from_stored("{}".into()))
}

/// A change of a stroke by its first writer.
fn of(stroke: &Change, seq: Seq, body: Option<Body>) -> Change {
    Change {
        seq,
        body,
        op: OpId {
            n: seq,
            ..stroke.op
        },
        ..stroke.clone()
    }
}

/// How many rows are held, and what they count.
fn counted(drawing: &Drawing) -> (usize, usize) {
    let rows: Vec<_> = drawing.since(0).map(Change::bytes).collect();
    (rows.len(), rows.iter().sum())
}

#[test]
fn only_the_last_row_of_a_stroke_counts() {
    let mut drawing = empty();
    let stroke = Change::by_anyone(1, body());
    let other = Change::by_anyone(2, body());
    for change in [
        stroke.clone(),
        other,
        of(&stroke, 3, body()),
        of(&stroke, 4, None),
    ] {
        assert_eq!(drawing.apply(change), Arrival::Next);
        assert_eq!(counted(&drawing).1, drawing.bytes());
    }
    assert_eq!(counted(&drawing).0, 2);
    let (living, tombstones) = drawing.sizes();
    assert_eq!((living.rows, tombstones.rows, drawing.strokes()), (1, 1, 1));
    drawing.apply(of(&stroke, 5, body()));
    let (living, tombstones) = drawing.sizes();
    assert_eq!(
        (living.rows, tombstones, drawing.strokes()),
        (2, Size::default(), 2)
    );
    assert_eq!(drawing.last(stroke.op.writer), 5);
}

#[test]
fn a_compacted_tombstone_is_forgotten_with_its_number_but_not_the_one_at_the_head() {
    let mut drawing = empty();
    let [a, b] = [1, 2].map(|seq| Change::by_anyone(seq, None));
    for change in [&a, &b] {
        drawing.apply(change.clone());
    }
    drawing.raise_compacted(2);
    assert!(drawing.stroke(a.stroke).is_none() && drawing.stroke(b.stroke).is_some());
    assert_eq!(
        (drawing.last(a.op.writer), drawing.last(b.op.writer)),
        (0, 1)
    );
    assert_eq!((drawing.compacted(), counted(&drawing).0), (2, 1));
    drawing.raise_compacted(1);
    assert_eq!(drawing.compacted(), 2, "it never goes back");
}

#[test]
fn a_read_takes_only_what_is_new() {
    let mut drawing = empty();
    let changes: Vec<_> = (1..=3).map(|seq| Change::by_anyone(seq, body())).collect();
    drawing.load(changes[..2].to_vec(), 2);
    let compacted = Change::by_anyone(1, None);
    drawing.load(vec![compacted.clone(), changes[2].clone()], 4);
    assert!(
        drawing.stroke(compacted.stroke).is_none(),
        "it was held before"
    );
    assert_eq!((drawing.head(), drawing.strokes()), (4, 3));
    drawing.load(Vec::new(), 3);
    assert_eq!(drawing.head(), 4);
}

#[test]
fn tombstones_that_are_read_late_do_not_replace_what_came_after_them() {
    let restored = Change::by_anyone(4, body());
    let living = vec![restored.clone()];
    let limits = empty().limits();
    let mut drawing = Drawing::living_only(Epoch::random(), 1, 5, limits, living.clone());
    assert_eq!(
        (drawing.is_whole(), drawing.tombstones_missing_to()),
        (false, 5)
    );
    let compacted = Change::by_anyone(1, None);
    let erased = Change::by_anyone(5, None);
    drawing.add_tombstones(vec![
        compacted.clone(),
        of(&restored, 2, None),
        erased.clone(),
    ]);
    assert!(drawing.is_whole());
    assert!(drawing.stroke(compacted.stroke).is_none());
    assert!(drawing.stroke(erased.stroke).is_some());
    let held = drawing.stroke(restored.stroke).unwrap();
    assert_eq!((held.seq, held.body.is_some()), (4, true));
    let all_compacted = Drawing::living_only(Epoch::random(), 5, 5, limits, living);
    assert!(all_compacted.is_whole(), "no tombstone is needed");
}

fn op(writer: Writer, n: u64, stroke: StrokeId, kind: OpKind) -> (Writer, Op) {
    (writer, Op { n, stroke, kind })
}

fn edit(set: &str) -> OpKind {
    let set = serde_json::from_str(set).unwrap();
    let (z, base) = (None, None);
    OpKind::Edit { set, z, base }
}

fn pen() -> Body {
    let body = r##"{"kind":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3}"##;
    Body::parse(body).unwrap()
}

/// The first of two strokes of a drawing with these limits, and who drew them.
fn two_strokes(strokes: usize, bytes: usize) -> (Drawing, StrokeId, Writer) {
    let limits = Limits { strokes, bytes };
    let mut drawing = Drawing::new(Epoch::random(), 0, limits);
    let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4());
    let changes = [1, 2].map(|n| Change {
        op: OpId {
            writer: writer.id,
            n,
        },
        ..Change::by_anyone(n, Some(pen()))
    });
    let stroke = changes[0].stroke;
    drawing.load(changes.to_vec(), 2);
    (drawing, stroke, writer)
}

#[test]
fn a_full_drawing_takes_what_makes_it_no_larger() {
    let bytes = 2 * Change::by_anyone(1, Some(pen())).bytes();
    for (strokes, bytes) in [(1, 1 << 20), (2, bytes - 1), (2, bytes)] {
        let (drawing, stroke, writer) = two_strokes(strokes, bytes);
        let draw = OpKind::Draw { body: pen() };
        for (kind, on, is_taken) in [
            (edit(r#"{"x":3}"#), stroke, true),
            (OpKind::Erase { base: None }, stroke, true),
            (draw, StrokeId::random(), false),
        ] {
            let verdict = &drawing.decide(&[op(writer, 3, on, kind)]).verdicts[0];
            assert_eq!(
                *verdict == Verdict::Done,
                is_taken,
                "{strokes} {bytes}: {verdict:?}"
            );
        }
    }
    let (drawing, stroke, writer) = two_strokes(2, bytes);
    let larger = edit(r#"{"x":30}"#);
    let verdict = &drawing.decide(&[op(writer, 3, stroke, larger)]).verdicts[0];
    assert!(matches!(
        verdict,
        Verdict::Refused {
            refusal: Refusal::Full(_),
            ..
        }
    ));
}

#[test]
fn a_row_keeps_the_numbers_of_others_that_no_other_row_has() {
    let (drawing, stroke, _) = two_strokes(9, 1 << 20);
    let [a, b] = [(); 2].map(|()| Writer::new(Uuid::new_v4(), Uuid::new_v4()));
    let prior_ops = |decision: Decision| {
        let change = decision.changes.into_iter().next().unwrap();
        change.prior_ops.iter().map(|op| op.n).collect::<Vec<_>>()
    };
    // The writer of both strokes drew the second one later: 1 is not needed.
    let edits = [
        op(a, 7, stroke, edit(r#"{"x":3}"#)),
        op(b, 1, stroke, edit(r#"{"x":4}"#)),
    ];
    assert_eq!(prior_ops(drawing.decide(&edits)), [7]);
    let mut more = edits.to_vec();
    more.push(op(a, 8, StrokeId::random(), OpKind::Draw { body: pen() }));
    assert_eq!(prior_ops(drawing.decide(&more)), [0; 0]);
}
