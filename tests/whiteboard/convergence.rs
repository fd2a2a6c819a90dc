//! Many servers decide ops for one drawing at once, lose swaps, crash, and receive notifications
//! twice; in the end all hold what a model holds that applies the ops one by one.
//!
//! The model is deliberately naive: no rows, no folding, no prior ops. It remembers every op.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;
use whiteboard::domain::batch::{Decision, Verdict};
use whiteboard::domain::drawing::{Drawing, Limits};
use whiteboard::domain::ids::{Epoch, OpId, PersonId, StrokeId, Writer, WriterId};
use whiteboard::domain::op::{Change, Op, OpKind};
use whiteboard::domain::sequence::{Arrival, Seq};
use whiteboard::domain::stroke::{Body, Patch};

const CASES: u32 = 400;
const SERVERS: usize = 3;
const WRITERS: usize = 4;
const STROKES: usize = 5;
const LIMITS: Limits = Limits {
    strokes: 3,
    bytes: usize::MAX,
};
/// Positions per chunk of a read.
const PAGE: Seq = 4;

// What may happen, in any order.

#[derive(Clone, Debug)]
enum Step {
    /// A client sends new ops through its server.
    Send { writer: usize, drafts: Vec<OpDraft> },
    /// A client loses its server, connects to one, and sends its unacknowledged ops again.
    Reconnect { writer: usize, server: usize },
    /// An old copy of an op arrives late, after earlier unacknowledged ones.
    Again { server: usize, op: Index },
    /// A server decides some of the waiting ops.
    Decide { server: usize, most: usize },
    /// It tries to store its decision; the answer may get lost.
    Store { server: usize, answered: bool },
    /// A live query delivers the next change, or any earlier one: early, late or again.
    News {
        server: usize,
        change: Option<Index>,
    },
    /// A server crashes and reads the drawing again; its clients reconnect.
    Crash { server: usize },
}

#[derive(Clone, Debug)]
struct OpDraft {
    stroke: usize,
    kind: DraftKind,
    base: DraftBase,
}

#[derive(Clone, Debug)]
enum DraftKind {
    Draw,
    Edit { set: Value, z: Option<i64> },
    Erase,
    Restore,
}

#[derive(Clone, Debug)]
enum DraftBase {
    Nothing,
    /// The stroke's last stored op at the moment of sending.
    Stored,
    /// The writer's own last op on this stroke.
    Mine,
    Any(Index),
}

fn draft() -> impl Strategy<Value = OpDraft> {
    let set = prop_oneof![
        (0..100).prop_map(|x| json!({"x": x})),
        (0..100).prop_map(|y| json!({"y": y, "later": [y]})),
        Just(json!({"later": null})),
        Just(json!({"width": 0})),
    ];
    let kind = prop_oneof![
        3 => Just(DraftKind::Draw),
        5 => (set, prop::option::weighted(0.2, -5..5_i64))
            .prop_map(|(set, z)| DraftKind::Edit { set, z }),
        2 => Just(DraftKind::Erase),
        2 => Just(DraftKind::Restore),
    ];
    let base = prop_oneof![
        5 => Just(DraftBase::Nothing),
        3 => Just(DraftBase::Stored),
        1 => Just(DraftBase::Mine),
        1 => any::<Index>().prop_map(DraftBase::Any),
    ];
    (0..STROKES, kind, base).prop_map(|(stroke, kind, base)| OpDraft { stroke, kind, base })
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    prop_oneof![
        4 => (0..WRITERS, prop::collection::vec(draft(), 1..4))
            .prop_map(|(writer, drafts)| Step::Send { writer, drafts }),
        1 => (0..WRITERS, 0..SERVERS)
            .prop_map(|(writer, server)| Step::Reconnect { writer, server }),
        1 => (0..SERVERS, index()).prop_map(|(server, op)| Step::Again { server, op }),
        6 => (0..SERVERS, 1..8_usize).prop_map(|(server, most)| Step::Decide { server, most }),
        6 => (0..SERVERS, prop::bool::weighted(0.8))
            .prop_map(|(server, answered)| Step::Store { server, answered }),
        4 => (0..SERVERS, prop::option::of(index())).prop_map(|(server, change)| Step::News { server, change }),
        1 => (0..SERVERS).prop_map(|server| Step::Crash { server }),
    ]
}

// The model.

#[derive(Default)]
struct Model {
    strokes: HashMap<StrokeId, Held>,
    happened: Vec<OpId>,
    decided: HashSet<OpId>,
}

struct Held {
    op: OpId,
    author: PersonId,
    /// Number of strokes drawn before.
    place: usize,
    z: Option<i64>,
    body: Option<Value>,
}

impl Model {
    fn last(&self, writer: WriterId) -> u64 {
        let ops = self.happened.iter().filter(|op| op.writer == writer);
        ops.map(|op| op.n).max().unwrap_or(0)
    }

    /// Applies an op, and returns its outcome and whether it changed something.
    fn take(&mut self, writer: Writer, op: &Op) -> (&'static str, bool) {
        let id = OpId {
            writer: writer.id,
            n: op.n,
        };
        let first_time = self.decided.insert(id);
        if op.n <= self.last(writer.id) {
            assert!(!first_time, "{id:?} got lost: it is stale when first seen");
            return ("done", false);
        }
        let living = self.strokes.values().filter(|held| held.body.is_some());
        let full = living.count() >= LIMITS.strokes;
        let place = self.strokes.len();
        let parsed = |body: &Body| Some(serde_json::from_str(body.as_json()).unwrap());
        let held = self.strokes.get(&op.stroke);
        let last = held.map(|held| held.op);
        let alive = held.is_some_and(|held| held.body.is_some());
        let moved_on = |base: &Option<OpId>| base.is_some() && *base != last;
        let (place, z, body) = match (&op.kind, held) {
            (OpKind::Draw { .. }, Some(_)) => return ("exists", false),
            (OpKind::Draw { .. }, None) if full => return ("full", false),
            (OpKind::Draw { body }, None) => (place, None, parsed(body)),
            (OpKind::Edit { .. }, None) => return ("absent", false),
            (OpKind::Edit { .. }, Some(_)) if !alive => return ("erased", false),
            (OpKind::Edit { base, .. }, _) if moved_on(base) => return ("changed", false),
            (OpKind::Edit { set, .. }, _) if set.0.get("width") == Some(&json!(0)) => {
                return ("invalid", false);
            }
            (OpKind::Edit { set, z, .. }, Some(held)) => {
                let mut body = held.body.clone().unwrap();
                let fields = body.as_object_mut().unwrap();
                fields.extend(set.0.clone());
                fields.retain(|_, value| !value.is_null());
                (held.place, z.or(held.z), Some(body))
            }
            (OpKind::Erase { .. }, _) if !alive => return ("done", false),
            (OpKind::Erase { base }, _) if moved_on(base) => return ("changed", false),
            (OpKind::Erase { .. }, Some(held)) => (held.place, held.z, None),
            (OpKind::Restore { .. }, None) => return ("absent", false),
            (OpKind::Restore { base, .. }, _) if alive || last != Some(*base) => {
                return ("changed", false);
            }
            (OpKind::Restore { .. }, _) if full => return ("full", false),
            (OpKind::Restore { body, .. }, Some(held)) => (held.place, held.z, parsed(body)),
            (OpKind::Erase { .. }, None) => unreachable!("absent is not alive"),
        };
        let author = writer.author;
        let now = Held {
            op: id,
            author,
            place,
            z,
            body,
        };
        self.strokes.insert(op.stroke, now);
        self.happened.push(id);
        ("done", true)
    }

    /// Asserts that rows hold exactly this.
    fn assert_is(&self, rows: &BTreeMap<Seq, Change>) {
        assert_eq!(rows.len(), self.strokes.len());
        let mut painted = Vec::new();
        for row in rows.values() {
            let held = &self.strokes[&row.stroke];
            let body = row.body.as_ref();
            let body: Option<Value> =
                body.map(|body| serde_json::from_str(body.as_json()).unwrap());
            assert_eq!(
                (row.op, row.author, &body),
                (held.op, held.author, &held.body)
            );
            match held.z {
                Some(z) => assert_eq!(row.z, z),
                None => painted.push((row.z, held.place)),
            }
        }
        painted.sort();
        assert!(
            painted.is_sorted_by_key(|(_, place)| *place),
            "not painted in the order in which they were drawn: {painted:?}"
        );
    }
}

// The database: rows, and a swap.

#[derive(Default)]
struct Table {
    head: Seq,
    rows: BTreeMap<Seq, Change>,
    history: Vec<Change>,
}

impl Table {
    /// Stores a decision made at `head`, unless another server was first.
    fn swap(&mut self, head: Seq, decision: &Decision) -> bool {
        if self.head != head {
            return false;
        }
        for row in &decision.replaced {
            let moved_on = self.rows.remove(&row.seq);
            assert_eq!(moved_on.map(|change| change.row()), Some(*row));
        }
        for change in &decision.changes {
            self.head += 1;
            assert_eq!(change.seq, self.head);
            self.rows.insert(change.seq, change.clone());
            self.history.push(change.clone());
        }
        true
    }

    /// Brings a drawing to the head, in chunks.
    fn read_into(&self, drawing: &mut Drawing) {
        while drawing.head() < self.head {
            let head = self.head.min(drawing.head() + PAGE);
            let page = self.rows.range(drawing.head() + 1..=head);
            drawing.load(page.map(|(_, change)| change.clone()).collect(), head);
        }
    }

    /// The highest number of a writer in the rows.
    fn last(&self, writer: WriterId) -> u64 {
        let ops = self.rows.values().flat_map(|row| {
            let ops = row.prior_ops.iter().chain([&row.op]);
            ops.filter(|op| op.writer == writer).map(|op| op.n)
        });
        ops.max().unwrap_or(0)
    }
}

// The whole system.

struct Page {
    writer: Writer,
    server: usize,
    sent: Vec<Op>,
    answered: u64,
}

struct Server {
    drawing: Drawing,
    waiting: VecDeque<(Writer, Op)>,
    in_flight: Option<InFlight>,
}

struct InFlight {
    head: Seq,
    ops: Vec<(Writer, Op)>,
    decision: Decision,
}

/// How often the tested situations occurred.
#[derive(Debug, Default)]
struct Seen {
    swaps_won: usize,
    swaps_lost: usize,
    lagging_verdicts_withheld: usize,
    answers_lost: usize,
    happened: usize,
    folded: usize,
    folded_of_several_writers: usize,
    happened_before: usize,
    prior_ops: usize,
    holes: usize,
    gaps: usize,
    told: HashMap<&'static str, usize>,
}

struct World<'a> {
    epoch: Epoch,
    pages: Vec<Page>,
    servers: Vec<Server>,
    table: Table,
    model: Model,
    seen: &'a mut Seen,
}

impl<'a> World<'a> {
    fn new(seen: &'a mut Seen) -> Self {
        let epoch = Epoch(Uuid::from_u128(1));
        let page = |number: usize| Page {
            writer: Writer {
                id: WriterId(Uuid::from_u128(100 + number as u128)),
                // The first two clients belong to one person.
                author: PersonId(Uuid::from_u128(200 + (number / 2) as u128)),
            },
            server: number / 2 % SERVERS,
            sent: Vec::new(),
            answered: 0,
        };
        let server = |_| Server {
            drawing: Drawing::new(epoch, 0, LIMITS),
            waiting: VecDeque::new(),
            in_flight: None,
        };
        Self {
            epoch,
            pages: (0..WRITERS).map(page).collect(),
            servers: (0..SERVERS).map(server).collect(),
            table: Table::default(),
            model: Model::default(),
            seen,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Send { writer, drafts } => self.send(*writer, drafts),
            Step::Reconnect { writer, server } => self.reconnect(*writer, *server),
            Step::Again { server, op } => {
                let sent = self.pages.iter().enumerate();
                let sent =
                    sent.flat_map(|(page, held)| held.sent.iter().map(move |op| (page, op.n)));
                let sent: Vec<_> = sent.collect();
                if !sent.is_empty() {
                    let (page, n) = *op.get(&sent);
                    let from = n.min(self.pages[page].answered + 1);
                    self.send_again(page, *server, from, n);
                }
            }
            Step::Decide { server, most } => self.decide(*server, *most),
            Step::Store { server, answered } => self.store(*server, *answered),
            Step::News { server, change } => {
                let (history, drawing) = (&self.table.history, &mut self.servers[*server].drawing);
                let change = match change {
                    Some(index) if !history.is_empty() => Some(index.get(history)),
                    _ => history.get(drawing.head() as usize),
                };
                let arrival = change.map(|change| drawing.apply(change.clone()));
                self.seen.gaps += usize::from(arrival == Some(Arrival::Gap));
            }
            Step::Crash { server } => self.crash(*server),
        }
    }

    fn send(&mut self, page: usize, drafts: &[OpDraft]) {
        for draft in drafts {
            let op = self.op(page, draft);
            let Page { writer, server, .. } = self.pages[page];
            self.servers[server].waiting.push_back((writer, op.clone()));
            self.pages[page].sent.push(op);
        }
    }

    fn op(&self, page: usize, draft: &OpDraft) -> Op {
        let stroke = StrokeId(Uuid::from_u128(300 + draft.stroke as u128));
        let Page { writer, sent, .. } = &self.pages[page];
        let id = |writer: &Writer, op: &Op| OpId {
            writer: writer.id,
            n: op.n,
        };
        let base = match &draft.base {
            DraftBase::Nothing if !matches!(draft.kind, DraftKind::Restore) => None,
            DraftBase::Nothing | DraftBase::Stored => {
                let mut rows = self.table.rows.values();
                rows.find(|row| row.stroke == stroke).map(|row| row.op)
            }
            DraftBase::Mine => {
                let mut mine = sent.iter().rev();
                mine.find(|op| op.stroke == stroke).map(|op| id(writer, op))
            }
            DraftBase::Any(index) => {
                let pages = self.pages.iter();
                let all: Vec<_> = pages
                    .flat_map(|page| page.sent.iter().map(|op| id(&page.writer, op)))
                    .collect();
                (!all.is_empty()).then(|| *index.get(&all))
            }
        };
        let n = sent.len() as u64 + 1;
        let body = json!({
            "kind": "line", "x": n, "y": 0, "points": "AAIAAAIC", "colour": "#1d1d1f", "width": 4,
        });
        let body = Body::parse(&body.to_string()).unwrap();
        let kind = match (&draft.kind, base) {
            (DraftKind::Draw, _) | (DraftKind::Restore, None) => OpKind::Draw { body },
            (DraftKind::Edit { set, z }, base) => OpKind::Edit {
                set: serde_json::from_value::<Patch>(set.clone()).unwrap(),
                z: *z,
                base,
            },
            (DraftKind::Restore, Some(base)) => OpKind::Restore { body, base },
            (DraftKind::Erase, base) => OpKind::Erase { base },
        };
        Op { n, stroke, kind }
    }

    fn reconnect(&mut self, page: usize, server: usize) {
        self.pages[page].server = server;
        let Page { sent, answered, .. } = &self.pages[page];
        let (from, to) = (answered + 1, sent.len() as u64);
        self.send_again(page, server, from, to);
    }

    fn send_again(&mut self, page: usize, server: usize, from: u64, to: u64) {
        let Page { writer, sent, .. } = &self.pages[page];
        let again = sent.iter().filter(|op| (from..=to).contains(&op.n));
        let again = again.map(|op| (*writer, op.clone()));
        self.servers[server].waiting.extend(again);
    }

    fn decide(&mut self, server: usize, most: usize) {
        let server = &mut self.servers[server];
        let most = most.min(server.waiting.len());
        if server.in_flight.is_none() && most > 0 {
            let ops: Vec<_> = server.waiting.drain(..most).collect();
            server.in_flight = Some(InFlight {
                head: server.drawing.head(),
                decision: server.drawing.decide(&ops),
                ops,
            });
        }
    }

    fn store(&mut self, server: usize, answered: bool) {
        let Some(in_flight) = self.servers[server].in_flight.take() else {
            return;
        };
        let InFlight {
            head,
            ref ops,
            ref decision,
        } = in_flight;
        let nothing_to_store = decision.changes.is_empty();
        let stands = if nothing_to_store && !decision.needs_head {
            true
        } else {
            self.table.swap(head, decision)
        };
        if stands {
            self.assert_right(ops, decision);
        }
        if stands && (answered || nothing_to_store) {
            for (writer, op) in ops {
                let page = self.pages.iter_mut().find(|page| page.writer == *writer);
                let page = page.unwrap();
                page.answered = page.answered.max(op.n);
            }
            for change in decision.changes.clone() {
                let arrival = self.servers[server].drawing.apply(change);
                assert_ne!(arrival, Arrival::Gap);
            }
            return;
        }
        match (stands, nothing_to_store) {
            (true, _) => self.seen.answers_lost += 1,
            (false, true) => self.seen.lagging_verdicts_withheld += 1,
            (false, false) => self.seen.swaps_lost += 1,
        }
        // Lost or unknown: read, and decide again.
        let drawing = &mut self.servers[server].drawing;
        self.table.read_into(drawing);
        self.servers[server].in_flight = Some(InFlight {
            head: drawing.head(),
            decision: drawing.decide(ops),
            ops: in_flight.ops,
        });
    }

    /// Asserts that a stored decision is what the model says, and that the rows are valid.
    fn assert_right(&mut self, ops: &[(Writer, Op)], decision: &Decision) {
        let mut happened = 0;
        let mut writers: HashMap<StrokeId, HashSet<WriterId>> = HashMap::new();
        assert_eq!(ops.len(), decision.verdicts.len());
        for ((writer, op), verdict) in ops.iter().zip(&decision.verdicts) {
            let before = op.n <= self.model.last(writer.id);
            let (expected, changed) = self.model.take(*writer, op);
            let told = match verdict {
                Verdict::Done => "done",
                Verdict::Refused { refusal, stroke } => {
                    let mut rows = self.table.rows.values();
                    let row = rows.find(|row| row.stroke == op.stroke);
                    assert_eq!(stroke.as_ref(), row, "the stroke as it is");
                    refusal.code()
                }
            };
            assert_eq!(told, expected, "{op:?} of {writer:?}");
            *self.seen.told.entry(told).or_default() += 1;
            self.seen.happened_before += usize::from(before);
            if changed {
                happened += 1;
                writers.entry(op.stroke).or_default().insert(writer.id);
            }
        }
        self.model.assert_is(&self.table.rows);
        for page in &self.pages {
            let writer = page.writer.id;
            assert_eq!(self.table.last(writer), self.model.last(writer));
        }
        for change in &decision.changes {
            for prior_op in &change.prior_ops {
                assert_ne!(prior_op.writer, change.op.writer, "{change:?}");
                assert_eq!(prior_op.n, self.model.last(prior_op.writer), "{change:?}");
            }
            self.seen.prior_ops += change.prior_ops.len();
        }
        self.seen.swaps_won += usize::from(happened > 0);
        self.seen.happened += happened;
        self.seen.folded += happened - decision.changes.len();
        let several = writers.values().filter(|writers| writers.len() > 1);
        self.seen.folded_of_several_writers += several.count();
    }

    fn crash(&mut self, server: usize) {
        let mut drawing = Drawing::new(self.epoch, 0, LIMITS);
        self.table.read_into(&mut drawing);
        self.servers[server] = Server {
            drawing,
            waiting: VecDeque::new(),
            in_flight: None,
        };
        for page in 0..WRITERS {
            if self.pages[page].server == server {
                self.reconnect(page, server);
            }
        }
    }

    /// Runs until nothing is pending.
    fn rest(&mut self) {
        for page in 0..WRITERS {
            self.reconnect(page, page % SERVERS);
        }
        for server in 0..SERVERS {
            while self.servers[server].in_flight.is_some()
                || !self.servers[server].waiting.is_empty()
            {
                self.decide(server, 5);
                self.store(server, true);
            }
        }
    }

    fn assert_all_agree(&mut self) {
        for page in &self.pages {
            assert_eq!(page.answered, page.sent.len() as u64);
            assert_eq!(
                self.model
                    .decided
                    .iter()
                    .filter(|op| op.writer == page.writer.id)
                    .count(),
                page.sent.len()
            );
        }
        let happened: HashSet<_> = self.model.happened.iter().collect();
        assert_eq!(
            happened.len(),
            self.model.happened.len(),
            "an op happened twice"
        );

        let fresh = Drawing::new(self.epoch, 0, LIMITS);
        let replicas = self.servers.iter().map(|server| server.drawing.clone());
        let rows: Vec<_> = self.table.rows.values().cloned().collect();
        for mut drawing in replicas.chain([fresh]) {
            self.table.read_into(&mut drawing);
            assert_eq!(drawing.since(0).cloned().collect::<Vec<_>>(), rows);
            assert_eq!(drawing.head(), self.table.head);
            let living = rows.iter().filter(|row| row.body.is_some()).count();
            assert_eq!(drawing.strokes(), living);
            assert_eq!(
                drawing.bytes(),
                rows.iter().map(Change::bytes).sum::<usize>()
            );
            for page in &self.pages {
                let writer = page.writer.id;
                assert_eq!(drawing.last(writer), self.model.last(writer));
            }
        }

        let mut later = HashSet::new();
        for change in self.table.history.iter().rev() {
            let moved_on = !later.insert(change.stroke);
            let hole = !self.table.rows.contains_key(&change.seq);
            assert_eq!(hole, moved_on, "{change:?}");
            self.seen.holes += usize::from(hole);
        }
    }
}

#[test]
fn servers_that_decide_concurrently_hold_a_serial_result() {
    let seen = RefCell::new(Seen::default());
    let config = Config {
        cases: CASES,
        source_file: Some(file!()),
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&prop::collection::vec(step(), 10..150), |steps| {
        let mut seen = seen.borrow_mut();
        let mut world = World::new(&mut seen);
        for step in &steps {
            world.step(step);
        }
        world.rest();
        world.assert_all_agree();
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    println!("{seen:?}");
    let Seen {
        swaps_won,
        swaps_lost,
        lagging_verdicts_withheld,
        answers_lost,
        happened,
        folded,
        folded_of_several_writers,
        happened_before,
        prior_ops,
        holes,
        gaps,
        ref told,
    } = seen;
    let cases = CASES as usize;
    for (what, count, least) in [
        ("swaps won", swaps_won, 2 * cases),
        ("swaps lost", swaps_lost, cases / 2),
        ("verdicts withheld", lagging_verdicts_withheld, cases / 20),
        ("answers lost", answers_lost, cases / 10),
        ("ops that happened", happened, 4 * cases),
        ("ops folded", folded, cases / 4),
        (
            "ops of several writers folded",
            folded_of_several_writers,
            cases / 20,
        ),
        ("ops that had happened before", happened_before, cases),
        ("prior_ops", prior_ops, cases / 2),
        ("holes", holes, cases),
        ("gaps", gaps, cases / 8),
    ] {
        assert!(count >= least, "only {count} {what}: {seen:?}");
    }
    for reason in [
        "done", "exists", "absent", "erased", "changed", "full", "invalid",
    ] {
        assert!(
            told.get(reason) >= Some(&(cases / 20)),
            "{reason}: {told:?}"
        );
    }
}
