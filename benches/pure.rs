//! The cost of the pure parts per stroke: the points codec, deciding, and the frames.
//!
//! `cargo bench --bench pure`. Nothing here touches a database or a socket.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use uuid::Uuid;
use whiteboard::domain::drawing::{Drawing, Limits};
use whiteboard::domain::ids::{Epoch, StrokeId, Writer};
use whiteboard::domain::op::{Op, OpKind};
use whiteboard::domain::points::{Point, Points};
use whiteboard::domain::stroke::Body;
use whiteboard::protocol::{ClientFrame, strokes_frame};

const LIMITS: Limits = Limits {
    strokes: 100_000,
    bytes: 1 << 30,
};

/// A freehand line: short steps that bend slowly.
fn drawn(count: usize) -> Points {
    let points = (0..count).map(|i| {
        let angle = i as f64 / 7.0;
        let x = (i as f64 * 24.0 + 40.0 * angle.cos()) as i32;
        let y = (300.0 * angle.sin()) as i32;
        Point { x, y }
    });
    let pressures = (0..count).map(|i| 100 + (i % 100) as u8).collect();
    Points::new(points.collect(), Some(pressures)).unwrap()
}

fn body(count: usize) -> Body {
    let body = json!({
        "kind": "pen", "x": 120.5, "y": -33.25, "points": drawn(count),
        "colour": "#1d1d1f", "width": 4,
    });
    Body::parse(&body.to_string()).unwrap()
}

fn writer() -> Writer {
    Writer::new(Uuid::new_v4(), Uuid::new_v4())
}

fn draws(writer: Writer, body: &Body, count: usize) -> Vec<(Writer, Op)> {
    let draw = |n| Op {
        n,
        stroke: StrokeId::random(),
        kind: OpKind::Draw { body: body.clone() },
    };
    (1..=count as u64).map(|n| (writer, draw(n))).collect()
}

fn drawing_of(count: usize) -> Drawing {
    let mut drawing = Drawing::new(Epoch::random(), 0, LIMITS);
    let decision = drawing.decide(&draws(writer(), &body(40), count));
    drawing.load(decision.changes, count as u64);
    drawing
}

fn points(c: &mut Criterion) {
    let mut group = c.benchmark_group("points");
    for count in [40, 1_000] {
        let points = drawn(count);
        let bytes = points.encode();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("encode {count}"), |b| {
            b.iter(|| black_box(&points).encode());
        });
        group.bench_function(format!("decode {count}"), |b| {
            b.iter(|| Points::decode(black_box(&bytes)));
        });
    }
}

fn decide(c: &mut Criterion) {
    let mut group = c.benchmark_group("decide");
    let drawing = drawing_of(10_000);
    let (body, writer) = (body(40), writer());
    for count in [1, 100] {
        let ops = draws(writer, &body, count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count} draws on 10000 strokes"), |b| {
            b.iter(|| drawing.decide(black_box(&ops)));
        });
    }
    group.throughput(Throughput::Elements(1));
    let stroke = drawing.since(5_000).next().unwrap().stroke;
    let set = serde_json::from_value(json!({"x": 1, "y": 2})).unwrap();
    let kind = OpKind::Edit {
        set,
        z: None,
        base: None,
    };
    let edit = [(writer, Op { n: 1, stroke, kind })];
    group.bench_function("1 edit on 10000 strokes", |b| {
        b.iter(|| drawing.decide(black_box(&edit)));
    });
    let changes = drawing.decide(&draws(writer, &body, 1)).changes;
    group.bench_function("apply 1 to 10000 strokes", |b| {
        b.iter_batched_ref(
            || (drawing.clone(), changes.clone()),
            |(drawing, changes)| drawing.apply(changes.remove(0)),
            BatchSize::LargeInput,
        );
    });
}

fn frames(c: &mut Criterion) {
    let mut group = c.benchmark_group("frames");
    let drawing = drawing_of(100);
    for count in [1, 100] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("strokes of {count}"), |b| {
            b.iter(|| strokes_frame(0, count as u64, drawing.since(0).take(count)));
        });
    }
    let op = format!(
        r#"{{"type":"ops","ops":[{{"n":1,"op":"draw","stroke":"{}","body":{}}}]}}"#,
        StrokeId::random(),
        body(40).as_json(),
    );
    group.throughput(Throughput::Elements(1));
    group.bench_function("parse a draw of 40 points", |b| {
        b.iter(|| ClientFrame::parse(black_box(&op)));
    });
}

criterion_group!(benches, points, decide, frames);
criterion_main!(benches);
