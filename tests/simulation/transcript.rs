//! Transcripts of what single pages received, sent and were asked to do, which the tests of the
//! JavaScript client replay in its modules.
//!
//! It must never record what no page knows.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use whiteboard::domain::op::{Op, OpKind};
use whiteboard::metrics::Metrics;

use crate::client::ClientState;
use crate::plan::Plan;
use crate::world::World;

/// Pages in the file, each of another seed.
const TRANSCRIPTS: usize = 300;
/// Fewer steps are not worth it.
const FEWEST_STEPS: usize = 40;
/// Frames about which the replayed modules decide.
const KINDS: [&str; 8] = [
    "welcome", "done", "refused", "resend", "strokes", "reset", "read", "pong",
];

/// What happened at each client's current page.
#[derive(Debug, Default)]
pub struct Recorder {
    pages: BTreeMap<usize, Page>,
}

#[derive(Debug, Default)]
struct Page {
    steps: Vec<String>,
    /// The simulated client did what the real one does in another way.
    is_spoilt: bool,
}

impl World {
    /// Records a step of a page, if pages are recorded.
    pub fn record(&mut self, client: usize, step: impl FnOnce() -> Value) {
        if let Some(recorder) = &mut self.recorder {
            let steps = &mut recorder.pages.entry(client).or_default().steps;
            steps.push(step().to_string());
        }
    }

    /// Another page begins at this client.
    pub fn record_page(&mut self, client: usize) {
        if let Some(recorder) = &mut self.recorder {
            recorder.pages.remove(&client);
        }
    }

    /// What follows at this page cannot be replayed.
    pub fn spoil_record(&mut self, client: usize) {
        if let Some(recorder) = &mut self.recorder {
            recorder.pages.entry(client).or_default().is_spoilt = true;
        }
    }

    /// Records a frame that a page received.
    pub fn record_frame(&mut self, client: usize, text: &str) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        let kind = text.strip_prefix(r#"{"type":""#).unwrap_or_default();
        if KINDS.iter().any(|known| kind.starts_with(known)) {
            let steps = &mut recorder.pages.entry(client).or_default().steps;
            steps.push(format!(r#"{{"frame":{text}}}"#));
        }
    }

    /// The page with the most steps that can be replayed, with the drawing as it is in the end.
    pub fn transcript(&self) -> Option<String> {
        let pages = self.recorder.iter().flat_map(|recorder| &recorder.pages);
        let usable = pages.filter(|(client, page)| {
            let client = &self.clients[**client];
            client.has_replica() && client.state == ClientState::Open && !page.is_spoilt
        });
        let (client, page) = usable.max_by_key(|(_, page)| page.steps.len())?;
        let drawing = self.clients[*client].drawing;
        let tables = &self.database.drawings[drawing].tables;
        let strokes = tables.living_rows().map(|row| {
            let body = row.body.as_ref().map(|body| body.as_json());
            let body: Value = serde_json::from_str(body.unwrap_or("null")).expect("a body");
            json!({"id": row.stroke, "z": row.z, "body": body, "last": row.op})
        });
        let strokes: Vec<Value> = strokes.collect();
        let rest = json!({
            "seed": self.plan.seed,
            "writer": self.clients[*client].writer.id,
            "end": {"head": tables.head, "epoch": tables.epoch, "strokes": strokes},
        });
        let rest = rest.to_string();
        let steps = page.steps.join(",");
        (page.steps.len() >= FEWEST_STEPS)
            .then(|| format!(r#"{{"steps":[{steps}],{}"#, rest.trim_start_matches('{')))
    }
}

/// An op as the page makes it.
pub fn draft(op: &Op) -> Value {
    let json = |body: &whiteboard::domain::stroke::Body| {
        serde_json::from_str::<Value>(body.as_json()).expect("a body")
    };
    let mut draft = match &op.kind {
        OpKind::Draw { body } => json!({"op": "draw", "body": json(body)}),
        OpKind::Edit { set, z, base } => json!({"op": "edit", "set": set.0, "z": z, "base": base}),
        OpKind::Erase { base } => json!({"op": "erase", "base": base}),
        OpKind::Restore { body, base } => {
            json!({"op": "restore", "body": json(body), "base": base})
        }
    };
    draft["stroke"] = json!(op.stroke);
    let fields = draft.as_object_mut().expect("an object");
    fields.retain(|_, value| !value.is_null());
    draft
}

/// Writes the file that `tests/browser/unit/transcripts.test.js` reads: one page a line.
#[test]
fn transcripts_are_written_for_the_javascript_client() {
    let metrics = Metrics::new();
    let (mut text, mut count) = (String::new(), 0);
    for seed in 0.. {
        if count == TRANSCRIPTS {
            break;
        }
        assert!(seed < 10 * TRANSCRIPTS as u64, "only {count} pages");
        let plan = Plan::new(seed);
        // Large bodies make the file large, and show nothing more; nor do pages that may not come back.
        if plan.body_bytes > 0 || plan.has_keys {
            continue;
        }
        if let Some(transcript) = crate::run::record(&plan, &metrics) {
            writeln!(text, "{transcript}").expect("memory");
            count += 1;
        }
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("transcripts.jsonl");
    std::fs::write(&path, text).expect("the target folder");
}
