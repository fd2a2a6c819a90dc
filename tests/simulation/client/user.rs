//! What users do: they draw, edit, erase and restore, mostly what makes sense as the page shows it.
//!
//! It must never use a number of an op twice.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;
use whiteboard::domain::ids::{OpId, StrokeId, WriterId};
use whiteboard::domain::op::{Op, OpKind};
use whiteboard::domain::stroke::{Body, Patch};

use crate::client::ClientState;
use crate::transcript::draft;
use crate::world::World;

/// Strokes that several users draw under the same id.
const SHARED_STROKES: u128 = 4;

pub fn op_id(writer: WriterId, n: u64) -> OpId {
    OpId { writer, n }
}

thread_local! {
    /// The small bodies that users have drawn: to validate one takes longer than a step.
    static BODIES: RefCell<HashMap<u32, Body>> = RefCell::default();
}

/// A stroke at `x`, below 1,000; padded with some bytes.
fn body(x: u32, padding: usize) -> Body {
    let parsed = |pad: &str| {
        let json = format!(
            r##"{{"kind":"pen","x":{x},"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":4{pad}}}"##
        );
        Body::parse(&json).expect("a body")
    };
    match padding {
        0 => BODIES.with_borrow_mut(|bodies| bodies.entry(x).or_insert_with(|| parsed("")).clone()),
        bytes => parsed(&format!(r#","pad":"{}""#, "x".repeat(bytes))),
    }
}

impl World {
    /// A user does what is planned, if the page is there.
    pub fn user_acts(&mut self, index: usize) {
        let planned = self.plan.ops[index];
        let client = planned.client;
        let it = &self.clients[client];
        if !it.is_loaded || it.state == ClientState::Ended {
            self.coverage.count("ops on no page");
            return;
        }
        let random = &mut fastrand::Rng::with_seed(planned.choice);
        if random.u32(..8) == 0 {
            return self.send_signal(client, random);
        }
        let stroke = self.choose_stroke(client, random);
        let n = self.clients[client].outbox.next();
        let kind = self.choose_kind(client, stroke, random);
        let op = Op { n, stroke, kind };
        let (drawing, writer) = (it.drawing, it.writer.id);
        self.note(|| {
            let writer = &writer.to_string()[..4];
            let stroke = &op.stroke.to_string()[..6];
            let kind = match &op.kind {
                OpKind::Draw { .. } => "draws".to_owned(),
                OpKind::Edit { base, .. } => format!("edits {base:?}"),
                OpKind::Erase { base } => format!("erases {base:?}"),
                OpKind::Restore { base, .. } => format!("restores {base:?}"),
            };
            format!("client {client}: {writer}-{n} {kind} stroke {stroke}")
        });
        self.record(client, || json!({"n": op.n, "op": draft(&op)}));
        self.op_made(drawing, writer, &op);
        self.clients[client].outbox.add(op);
        self.pump(client);
    }

    pub fn choose_stroke(&self, client: usize, random: &mut fastrand::Rng) -> StrokeId {
        let held: Vec<StrokeId> = self.clients[client]
            .replica
            .strokes
            .keys()
            .copied()
            .collect();
        match random.u32(..10) {
            0..2 => StrokeId(Uuid::from_u128(random.u128(..SHARED_STROKES))),
            2..8 if !held.is_empty() => held[random.usize(..held.len())],
            _ => StrokeId(Uuid::from_u128(random.u128(SHARED_STROKES..))),
        }
    }

    /// What to do with a stroke: usually what makes sense as the page shows it.
    pub fn choose_kind(
        &self,
        client: usize,
        stroke: StrokeId,
        random: &mut fastrand::Rng,
    ) -> OpKind {
        let it = &self.clients[client];
        let held = it.replica.stroke(stroke);
        let pending = it.outbox.last_on(stroke);
        let base = match (pending, held) {
            (Some(op), _) => Some(op_id(it.writer.id, op.n)),
            (None, Some(held)) => Some(op_id(held.writer, held.n)),
            (None, None) => None,
        };
        let is_erased = match (pending, held) {
            (Some(op), _) => matches!(op.kind, OpKind::Erase { .. }),
            (None, held) => held.is_some_and(|held| held.body.is_none()),
        };
        let is_known = base.is_some();
        let x = random.u32(..1_000);
        let body = || body(x, self.plan.body_bytes);
        let chosen = base.filter(|_| random.bool());
        match random.u32(..10) {
            _ if !is_known => OpKind::Draw { body: body() },
            0 => OpKind::Draw { body: body() },
            1..7 if is_erased => OpKind::Restore {
                body: body(),
                base: base.unwrap_or(op_id(it.writer.id, 1)),
            },
            1..6 => {
                let mut set = Patch::default();
                set.0.insert("x".into(), x.into());
                let z = (random.u32(..4) == 0).then(|| i64::from(x));
                OpKind::Edit {
                    set,
                    z,
                    base: chosen,
                }
            }
            _ => OpKind::Erase { base: chosen },
        }
    }
}
