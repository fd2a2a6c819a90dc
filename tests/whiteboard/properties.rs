//! Properties of the points codec and the protocol, for every value.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use uuid::Uuid;
use whiteboard::domain::ids::{OpId, PersonId, StrokeId, WriterId};
use whiteboard::domain::op::{Change, MAX_OP_NUMBER, MAX_Z, Op, OpKind};
use whiteboard::domain::points::{MAX_STEPS, Point, Points};
use whiteboard::domain::stroke::{Body, Patch};
use whiteboard::protocol::{ClientFrame, MAX_OPS_PER_FRAME, strokes_frame};

// Values.

fn points() -> impl Strategy<Value = Points> {
    let step = || {
        prop_oneof![
            4 => -64..64_i32,
            1 => -MAX_STEPS..=MAX_STEPS,
            1 => Just(MAX_STEPS),
            1 => Just(-MAX_STEPS),
        ]
    };
    let point = (step(), step(), any::<u8>());
    (prop::collection::vec(point, 0..50), any::<bool>()).prop_map(|(points, pressed)| {
        let pressures = points.iter().map(|(_, _, pressure)| *pressure).collect();
        let points = points.iter().map(|&(x, y, _)| Point { x, y }).collect();
        Points::new(points, pressed.then_some(pressures)).unwrap()
    })
}

/// Any JSON, with numbers that every reader reads alike.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z]{1,6}", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((".{0,8}", value()), 0..4).prop_map(|fields| fields.into_iter().collect())
}

/// Fields that any kind of stroke may have, each of them or not.
fn known_fields() -> impl Strategy<Value = Map<String, Value>> {
    let token = || "[a-z0-9-]{1,32}".prop_map(Value::from);
    let colour = || "#[0-9a-f]{6}|[a-z]{1,16}".prop_map(Value::from);
    let hundredths = |range: std::ops::RangeInclusive<i32>| {
        range.prop_map(|hundredths| Value::from(f64::from(hundredths) / 100.0))
    };
    let text = |most: usize| {
        prop::collection::vec(any::<char>(), 0..most / 4)
            .prop_map(|chars| Value::from(chars.into_iter().collect::<String>()))
    };
    let binding = || {
        let field = ("[a-z]{1,6}", any::<i32>().prop_map(Value::from));
        prop::collection::vec(field, 0..4)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
    };
    let fields: Vec<(&str, BoxedStrategy<Value>)> = vec![
        ("points", points().prop_map(|points| json!(points)).boxed()),
        ("width", hundredths(25..=40_000).boxed()),
        ("fill", colour().boxed()),
        ("dash", token().boxed()),
        ("opacity", hundredths(0..=100).boxed()),
        ("rotation", hundredths(-630..=630).boxed()),
        ("group", text(64).boxed()),
        ("locked", any::<bool>().prop_map(Value::from).boxed()),
        ("font", token().boxed()),
        ("align", token().boxed()),
        ("text", text(160).boxed()),
        ("w", hundredths(1..=1_000_000_000).boxed()),
        ("h", hundredths(1..=1_000_000_000).boxed()),
        ("asset", "[0-9a-f]{64}".prop_map(Value::from).boxed()),
        ("start", binding().boxed()),
        ("end", binding().boxed()),
    ];
    let optional = |(name, value): (&'static str, _)| {
        prop::option::of(value).prop_map(move |value| Some((name.to_owned(), value?)))
    };
    let fields: Vec<_> = fields.into_iter().map(optional).collect();
    fields.prop_map(|fields| fields.into_iter().flatten().collect())
}

fn body() -> impl Strategy<Value = Body> {
    let place = || (-8_000_000..8_000_000_i32).prop_map(|eighths| f64::from(eighths) / 8.0);
    let kind = "[a-z0-9-]{1,32}";
    let colour = "#[0-9a-f]{6}|[a-z]{1,16}";
    let unknown = prop::collection::vec(("_.{0,8}", value()), 0..4);
    (kind, place(), place(), colour, known_fields(), unknown).prop_map(
        |(kind, x, y, colour, known, unknown)| {
            let required = json!({"kind": kind, "x": x, "y": y, "colour": colour});
            let mut body: Map<String, Value> = unknown.into_iter().collect();
            for part in [known, required.as_object().unwrap().clone()] {
                body.extend(part);
            }
            Body::parse(&Value::Object(body).to_string()).unwrap()
        },
    )
}

fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn op_id() -> impl Strategy<Value = OpId> {
    (id(), 1..=MAX_OP_NUMBER).prop_map(|(writer, n)| OpId {
        writer: WriterId(writer),
        n,
    })
}

fn op() -> impl Strategy<Value = Op> {
    let base = || prop::option::of(op_id());
    let z = prop::option::of(-MAX_Z..=MAX_Z);
    let kind = prop_oneof![
        body().prop_map(|body| OpKind::Draw { body }),
        (fields(), z, base()).prop_map(|(set, z, base)| OpKind::Edit {
            set: Patch(set),
            z,
            base
        }),
        base().prop_map(|base| OpKind::Erase { base }),
        (body(), op_id()).prop_map(|(body, base)| OpKind::Restore { body, base }),
    ];
    (1..=MAX_OP_NUMBER, id(), kind).prop_map(|(n, stroke, kind)| Op {
        n,
        stroke: StrokeId(stroke),
        kind,
    })
}

fn change() -> impl Strategy<Value = Change> {
    let prior_ops = prop::collection::vec(op_id(), 0..3);
    let body = prop::option::of(body());
    (
        1..=MAX_OP_NUMBER,
        id(),
        // Often the position.
        prop::option::of(-MAX_Z..=MAX_Z),
        id(),
        op_id(),
        prior_ops,
        body,
    )
        .prop_map(|(seq, stroke, z, author, op, prior_ops, body)| Change {
            seq,
            stroke: StrokeId(stroke),
            z: z.unwrap_or(seq as i64),
            author: PersonId(author),
            op,
            prior_ops,
            body,
        })
}

/// An op as a page writes it.
fn written(op: &Op) -> Value {
    let json = |body: &Body| serde_json::from_str::<Value>(body.as_json()).unwrap();
    let mut fields = match &op.kind {
        OpKind::Draw { body } => json!({"op": "draw", "body": json(body)}),
        OpKind::Edit { set, z, base } => json!({"op": "edit", "set": set.0, "z": z, "base": base}),
        OpKind::Erase { base } => json!({"op": "erase", "base": base}),
        OpKind::Restore { body, base } => {
            json!({"op": "restore", "body": json(body), "base": base})
        }
    };
    let fields_of_all = fields.as_object_mut().unwrap();
    fields_of_all.retain(|_, value| !value.is_null());
    fields_of_all.extend([
        ("n".to_owned(), json!(op.n)),
        ("stroke".to_owned(), json!(op.stroke)),
    ]);
    fields
}

/// A frame as a page writes it, of any type.
fn frame() -> impl Strategy<Value = Value> {
    let stroke_id = id().prop_map(StrokeId);
    let id = || id().prop_map(|id| id.simple().to_string());
    let place = || (any::<i16>(), any::<i16>());
    prop_oneof![
        (id(), id(), "[A-Za-z]{1,9}", "#[0-9a-f]{6}", 1..99_u64).prop_map(
            |(key, tab, name, colour, next)| json!({
                "type": "hello", "key": key, "tab": tab,
                "name": name, "colour": colour, "next": next,
            })
        ),
        prop::collection::vec(op().prop_map(|op| written(&op)), 0..3)
            .prop_map(|ops| json!({"type": "ops", "ops": ops})),
        place().prop_map(|(x, y)| json!({"type": "signal", "pointer": {"x": x, "y": y}})),
        Just(json!({"type": "signal", "away": true})),
        (place(), any::<bool>()).prop_map(|((x, y), call)| {
            let view = json!({"x": x, "y": y, "w": 800, "h": 600});
            json!({"type": "signal", "view": view, "call": call})
        }),
        (stroke_id, place(), points()).prop_map(|(stroke, (x, y), points)| {
            let ink = json!({
                "stroke": stroke, "n": 1, "offset": 0, "x": x, "y": y, "points": points,
                "kind": "pen", "colour": "#000000", "width": 2,
            });
            json!({"type": "signal", "ink": ink})
        }),
        (any::<u64>(), id())
            .prop_map(|(since, epoch)| json!({"type": "since", "since": since, "epoch": epoch})),
        Just(json!({"type": "ping"})),
    ]
}

/// A frame, and the same with anything in some of its fields.
fn nearly_a_frame() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "type", "ops", "key", "name", "colour", "next", "pointer", "away", "ink", "view", "call",
        "since", "epoch", "other",
    ]);
    let spoiled = prop::collection::vec((name, prop::option::of(value())), 0..3);
    (frame(), spoiled).prop_map(|(mut frame, spoiled)| {
        let fields = frame.as_object_mut().unwrap();
        for (name, value) in spoiled {
            match value {
                Some(value) => drop(fields.insert(name.into(), value)),
                None => drop(fields.remove(name)),
            }
        }
        frame
    })
}

/// A text with one place changed, put in or taken away, or cut off there.
fn spoiled(text: &str, place: prop::sample::Index, how: u8, put: char) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let place = place.index(chars.len());
    match how % 4 {
        0 => chars[place] = put,
        1 => chars.insert(place, put),
        2 => drop(chars.remove(place)),
        _ => chars.truncate(place),
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(Config::with_cases(256))]

    #[test]
    fn points_come_back_as_they_were(points in points()) {
        let bytes = points.encode();
        prop_assert_eq!(Points::decode(&bytes), Ok(points.clone()));
        prop_assert_eq!(Points::from_base64(&points.to_base64()), Ok(points));
    }

    #[test]
    fn no_text_stops_the_decoder_of_points(text in ".{0,60}") {
        if let Ok(points) = Points::from_base64(&text) {
            prop_assert_eq!(points.to_base64(), text);
        }
    }

    #[test]
    fn ops_arrive_as_they_were_sent(ops in prop::collection::vec(op(), 0..6)) {
        let sent: Vec<_> = ops.iter().map(written).collect();
        let frame = json!({"type": "ops", "ops": sent}).to_string();
        let arrived = ops.into_iter().map(|op| (op.n, Ok(op))).collect();
        prop_assert_eq!(ClientFrame::parse(&frame), Ok(ClientFrame::Ops(arrived)));
    }

    #[test]
    fn an_op_that_is_none_is_refused_and_the_others_are_taken(
        good in op(), mut bad in op().prop_map(|op| written(&op)), field in value(),
    ) {
        bad["op"] = field;
        let frame = json!({"type": "ops", "ops": [bad, written(&good)]}).to_string();
        let Ok(ClientFrame::Ops(ops)) = ClientFrame::parse(&frame) else {
            panic!("{frame}")
        };
        prop_assert!(ops[0].1.as_ref().is_err_and(|refusal| refusal.code() == "invalid"));
        prop_assert_eq!(&ops[1], &(good.n, Ok(good)));
    }

    #[test]
    fn no_text_stops_the_parser_of_frames(text in ".{0,200}") {
        prop_assert!(ClientFrame::parse(&text).is_err());
    }

    #[test]
    fn a_strokes_frame_holds_its_changes(
        changes in prop::collection::vec(change(), 0..5), from in any::<u32>(), head in any::<u32>(),
    ) {
        let frame = strokes_frame(from.into(), head.into(), &changes);
        let changes: Vec<_> = changes.iter().map(|change| {
            let Change { seq, stroke, z, op: OpId { writer, n }, .. } = change;
            let mut written = json!({"seq": seq, "stroke": stroke, "writer": writer, "n": n});
            if *z != *seq as i64 {
                written["z"] = json!(z);
            }
            match &change.body {
                Some(body) => {
                    written["body"] = serde_json::from_str(body.as_json()).unwrap();
                }
                None => written["erased"] = true.into(),
            }
            written
        }).collect();
        let expected = json!({"type": "strokes", "from": from, "head": head, "changes": changes});
        prop_assert_eq!(serde_json::from_str::<Value>(&frame).unwrap(), expected);
    }
}

/// Runs a property that says whether it saw what it is about, and asserts that it did so
/// in at least one of forty cases, and not in all of them.
fn seen_now_and_then<S: Strategy>(cases: u32, values: S, property: impl Fn(S::Value) -> bool) {
    let seen = Cell::new(0);
    let config = Config {
        cases,
        source_file: Some(file!()),
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&values, |value| {
        seen.set(seen.get() + u32::from(property(value)));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let seen = seen.get();
    println!("{seen} of {cases}");
    assert!((cases / 40..cases).contains(&seen), "{seen} of {cases}");
}

#[test]
fn whatever_decodes_as_points_has_no_other_spelling() {
    let some_bytes = prop::collection::vec(any::<u8>(), 0..40);
    // Of bytes that differ from good ones in one place only, many are good.
    let nearly_good =
        (points(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(points, place, byte)| {
            let mut bytes = points.encode();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            bytes
        });
    seen_now_and_then(2_000, prop_oneof![some_bytes, nearly_good], |bytes| {
        let points = Points::decode(&bytes);
        if let Ok(points) = &points {
            assert_eq!(points.encode(), bytes);
        }
        points.is_ok()
    });
}

#[test]
fn no_json_stops_the_parser_of_frames() {
    seen_now_and_then(500, nearly_a_frame(), |frame| {
        let frame = ClientFrame::parse(&frame.to_string());
        if let Ok(ClientFrame::Ops(ops)) = &frame {
            assert!(ops.len() <= MAX_OPS_PER_FRAME);
        }
        frame.is_ok()
    });
}

#[test]
fn no_spoiled_frame_stops_the_parser() {
    let place = any::<prop::sample::Index>();
    let put = prop_oneof![
        any::<char>(),
        prop::char::range('0', '9'),
        prop::char::range('a', 'f')
    ];
    let values = (frame(), place, any::<u8>(), put)
        .prop_map(|(frame, place, how, put)| spoiled(&frame.to_string(), place, how, put));
    seen_now_and_then(500, values, |frame| ClientFrame::parse(&frame).is_ok());
}
