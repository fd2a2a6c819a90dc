//! Everything at once, from a seed: people draw, edit, erase, undo, come and go, while servers, links
//! and the database fail; in the end all of them hold the same, and nothing that was answered is lost.
//!
//! ```text
//! cargo test --workspace --test cluster seed                        # a few seeds, always the same
//! WHITEBOARD_SEEDS=50 WHITEBOARD_FIRST_SEED=1000 \
//!     cargo test --workspace --test cluster seed -- --nocapture     # the seeds 1000 to 1049
//! ```
//!
//! A seed decides what is done and in which order, not how fast processes are: run it a few times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use whiteboard::model::{OpId, StrokeId, WriterId};

use crate::agreement::Copy;
use crate::cluster::{Cluster, Plan};
use crate::page::{Held, pen};
use crate::visitor::{DEADLINE, Visitor};

/// Seeds that are run, and the first of them, unless the environment says otherwise.
const SEEDS: (&str, u64) = ("WHITEBOARD_SEEDS", 3);
const FIRST_SEED: (&str, u64) = ("WHITEBOARD_FIRST_SEED", 1);

const SERVERS: usize = 3;
/// People at first, and most at once.
const FIRST_PEOPLE: usize = 3;
const PEOPLE: usize = 5;
/// Faults of one seed, and the steps of people before each.
const FAULTS: usize = 6;
const STEPS: usize = 30;
/// Between two steps.
const PACE: Duration = Duration::from_millis(15);
const FLAGS: &[&str] = &[
    "--heartbeat",
    "500ms",
    "--silence-limit",
    "3s",
    "--drain-notice",
    "500ms",
    "--drain-limit",
    "5s",
    "--heads-interval",
    "1s",
    "--database-deadline",
    "3s",
];
const PING_AFTER: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// What may go wrong. All that is wrong is mended a few steps later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// `kill -9` of a server.
    Kill,
    /// SIGTERM of a server.
    Term,
    /// SIGSTOP of a server.
    Hang,
    /// The link of a server to the database is cut.
    Cut,
    /// The same, and neither end learns of it.
    Silence,
    /// The same, and it only gets slow.
    Slow,
    /// `kill -9` of the database.
    Crash,
    /// SIGSTOP of the database.
    Stall,
}

const ALL: [Fault; 8] = [
    Fault::Kill,
    Fault::Term,
    Fault::Hang,
    Fault::Cut,
    Fault::Silence,
    Fault::Slow,
    Fault::Crash,
    Fault::Stall,
];
/// How slow.
const DELAY: Duration = Duration::from_millis(150);
const RATE: u32 = 100_000;

/// Someone, and what they did last to each stroke that they can undo.
struct Someone {
    visitor: Visitor,
    mine: BTreeMap<StrokeId, Deed>,
}

/// What someone did last to a stroke: the op, and the body that it had before it was erased.
struct Deed {
    n: u64,
    erased: Option<Value>,
}

/// What people did, those who left too.
#[derive(Default)]
struct Tally {
    ops: BTreeMap<&'static str, usize>,
    joins: usize,
    leaves: usize,
    cuts: usize,
    signals: usize,
    faults: Vec<Fault>,
    sent_again: usize,
    /// The strokes that were drawn.
    drawn: BTreeSet<StrokeId>,
    /// Every op that changes a stroke that is there.
    changes: Vec<(WriterId, u64, StrokeId)>,
    refused: BTreeSet<(WriterId, u64)>,
}

struct Run {
    random: fastrand::Rng,
    cluster: Cluster,
    drawing: String,
    people: Vec<Someone>,
    tally: Tally,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_seed_of_faults_ends_in_agreement() {
    let number = |(name, default): (&str, u64)| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let (first, seeds) = (number(FIRST_SEED), number(SEEDS));
    let (mut faults, mut again) = (BTreeSet::new(), 0);
    let (mut came_later, mut left, mut cut, mut signals) = (0, 0, 0, 0);
    for seed in first..first + seeds {
        // Shown when it fails.
        println!("WHITEBOARD_SEEDS=1 WHITEBOARD_FIRST_SEED={seed}");
        let began = Instant::now();
        let tally = run(seed).await;
        println!(
            "seed {seed}: {:?}, {:?}, {} refused, {} came, {} left, {} cut, {} signals, {} sent again, {:?}",
            tally.faults,
            tally.ops,
            tally.refused.len(),
            tally.joins,
            tally.leaves,
            tally.cuts,
            tally.signals,
            tally.sent_again,
            began.elapsed()
        );
        assert_eq!(tally.faults.len(), FAULTS);
        let ops: usize = tally.ops.values().sum();
        assert!(ops >= FAULTS * STEPS / 2, "{ops} ops");
        for op in ["draw", "edit", "erase", "restore"] {
            assert!(tally.ops.contains_key(op), "no {op}");
        }
        assert!(tally.refused.len() < ops / 2, "most of {ops} were refused");
        faults.extend(tally.faults);
        again += tally.sent_again;
        came_later += tally.joins - FIRST_PEOPLE;
        left += tally.leaves;
        cut += tally.cuts;
        signals += tally.signals;
    }
    assert!(again > 0, "no fault ever hit an op");
    assert!(came_later > 0 && left > 0, "{came_later} came, {left} left");
    assert!(cut > 0 && signals > 0, "{cut} cuts, {signals} signals");
    assert!(faults.len() >= FAULTS, "{faults:?}");
}

async fn run(seed: u64) -> Tally {
    let plan = Plan::of(SERVERS).linked().flags(FLAGS);
    let cluster = plan.patience(PING_AFTER, ANSWER_WITHIN).start().await;
    let drawing = cluster.create_drawing().await;
    let mut run = Run {
        random: fastrand::Rng::with_seed(seed),
        cluster,
        drawing,
        people: Vec::new(),
        tally: Tally::default(),
    };
    while run.people.len() < FIRST_PEOPLE {
        run.joins();
    }
    // No fault twice, in an order of the seed's own.
    let mut faults = ALL;
    run.random.shuffle(&mut faults);
    for fault in faults.into_iter().take(FAULTS) {
        run.steps(STEPS).await;
        run.suffers(fault).await;
    }
    run.steps(STEPS).await;
    run.agrees().await
}

impl Run {
    /// People go on with what they do.
    async fn steps(&mut self, steps: usize) {
        let mut next = Instant::now();
        for _ in 0..steps {
            self.step().await;
            next += PACE;
            sleep_until(next).await;
        }
    }

    async fn step(&mut self) {
        match self.random.u32(..100) {
            0..3 if self.people.len() < PEOPLE => self.joins(),
            3..5 if self.people.len() > 2 => self.leaves().await,
            5..7 => {
                let at = self.random.usize(..self.people.len());
                self.people[at].visitor.cut();
                self.tally.cuts += 1;
            }
            7..15 => self.points(),
            15..45 => self.draws(),
            45..70 => self.edits(),
            70..85 => self.erases(),
            _ => self.undoes(),
        }
    }

    fn joins(&mut self) {
        self.tally.joins += 1;
        let name = format!("Ada {}", self.tally.joins);
        let address = self.cluster.balancer.address;
        let visitor = self.cluster.visit_from(address, &name, &self.drawing, None);
        self.people.push(Someone {
            visitor,
            mine: BTreeMap::new(),
        });
    }

    /// Leaves, once what they did is saved: a page that is closed before keeps its ops for the
    /// next one, which is not what is tried here.
    async fn leaves(&mut self) {
        let all_saved = |someone: &Someone| {
            let seen = someone.visitor.seen();
            seen.welcome && seen.outbox.is_empty()
        };
        let at = self.random.usize(..self.people.len());
        if all_saved(&self.people[at]) {
            let Someone { visitor, .. } = self.people.swap_remove(at);
            self.tally.leaves += 1;
            self.tally.takes(&visitor);
            visitor.leave().await;
        }
    }

    fn counts(&mut self, op: &'static str, at: usize, n: u64, stroke: StrokeId) {
        *self.tally.ops.entry(op).or_default() += 1;
        if op == "draw" || op == "edit" {
            let writer = self.people[at].visitor.writer();
            self.tally.changes.push((writer, n, stroke));
        }
    }

    fn points(&mut self) {
        let at = self.random.usize(..self.people.len());
        let place = json!({"x": self.random.u16(..), "y": self.random.u16(..)});
        self.people[at].visitor.signal(json!({"pointer": place}));
        self.tally.signals += 1;
    }

    fn draws(&mut self) {
        let body = pen(f64::from(self.random.u16(..)));
        let at = self.random.usize(..self.people.len());
        let Someone { visitor, mine } = &mut self.people[at];
        let n = visitor.seen().next;
        let stroke = visitor.draw(body);
        mine.insert(stroke, Deed { n, erased: None });
        self.tally.drawn.insert(stroke);
        self.counts("draw", at, n, stroke);
    }

    /// Someone, and a stroke that they see.
    fn target(&mut self) -> Option<(usize, Held)> {
        let at = self.random.usize(..self.people.len());
        let seen = self.people[at].visitor.seen();
        let mut there: Vec<Held> = seen
            .strokes
            .values()
            .filter(|held| !held.gone)
            .cloned()
            .collect();
        // In an order that does not change with the hash of ids.
        there.sort_by_key(|held| held.seq);
        drop(seen);
        let stroke = self.random.choice(there)?;
        Some((at, stroke))
    }

    fn edits(&mut self) {
        let Some((at, held)) = self.target() else {
            return;
        };
        let set = json!({"x": self.random.u16(..), "width": self.random.u16(1..9)});
        let Someone { visitor, mine } = &mut self.people[at];
        let n = visitor.edit(held.stroke, set);
        mine.insert(held.stroke, Deed { n, erased: None });
        self.counts("edit", at, n, held.stroke);
    }

    fn erases(&mut self) {
        let Some((at, held)) = self.target() else {
            return;
        };
        let Someone { visitor, mine } = &mut self.people[at];
        let n = visitor.erase(held.stroke);
        mine.insert(
            held.stroke,
            Deed {
                n,
                erased: held.body,
            },
        );
        self.counts("erase", at, n, held.stroke);
    }

    /// Takes back what someone did last to a stroke, over that op and nobody else's.
    fn undoes(&mut self) {
        let at = self.random.usize(..self.people.len());
        let erased = self.random.bool();
        let Someone { visitor, mine } = &mut self.people[at];
        let writer = visitor.writer();
        let mut deeds = mine
            .iter_mut()
            .filter(|(_, deed)| deed.erased.is_some() == erased);
        let Some((&stroke, deed)) = deeds.next_back() else {
            return;
        };
        let over = OpId { writer, n: deed.n };
        let op = match deed.erased.take() {
            Some(body) => {
                deed.n = visitor.restore(stroke, body, over);
                "restore"
            }
            None => {
                let body = visitor
                    .seen()
                    .strokes
                    .get(&stroke)
                    .and_then(|held| held.body.clone());
                deed.n = visitor.wish(json!({"op": "erase", "stroke": stroke, "over": over}));
                deed.erased = body;
                "erase"
            }
        };
        let n = deed.n;
        self.counts(op, at, n, stroke);
    }

    /// Something goes wrong while people go on, and is mended again.
    async fn suffers(&mut self, fault: Fault) {
        self.cluster.log.say("seed", format_args!("{fault:?}"));
        self.tally.faults.push(fault);
        let server = self.random.usize(..SERVERS);
        match fault {
            Fault::Kill => {
                self.cluster.kill(server);
                self.steps(STEPS).await;
                self.cluster.restart(server).await;
            }
            Fault::Term => {
                self.cluster.term(server);
                self.steps(STEPS).await;
                assert_eq!(self.cluster.ended(server, ENDS_WITHIN).await, Some(0));
                self.cluster.restart(server).await;
            }
            Fault::Hang => {
                self.cluster.pause(server);
                self.steps(2 * STEPS).await;
                self.cluster.resume(server);
            }
            Fault::Cut => {
                self.cluster.link(server).cut();
                self.steps(STEPS).await;
                self.cluster.link(server).heal();
            }
            Fault::Silence => {
                self.cluster.link(server).silence();
                self.steps(2 * STEPS).await;
                self.cluster.link(server).heal();
            }
            Fault::Slow => {
                self.cluster.link(server).delay(DELAY);
                self.cluster.link(server).throttle(Some(RATE));
                self.steps(2 * STEPS).await;
                self.cluster.link(server).delay(Duration::ZERO);
                self.cluster.link(server).throttle(None);
            }
            Fault::Stall => {
                self.cluster.pause_database();
                self.steps(2 * STEPS).await;
                self.cluster.resume_database();
            }
            Fault::Crash => {
                self.cluster.kill_database();
                self.steps(STEPS).await;
                self.cluster.restart_database();
            }
        }
    }

    /// All is well again: everyone ends with the same, and with all that was answered.
    async fn agrees(mut self) -> Tally {
        for server in 0..SERVERS {
            self.cluster.is_up(server).await;
        }
        // A page that may have been away for long waits up to ten seconds.
        for Someone { visitor, .. } in &self.people {
            visitor
                .wait_within(2 * DEADLINE, "all answers", |seen| {
                    seen.welcome && seen.outbox.is_empty()
                })
                .await;
        }
        let visitors: Vec<&Visitor> = self.people.iter().map(|someone| &someone.visitor).collect();
        let copy = self.cluster.agree(&self.drawing, &visitors).await;
        for visitor in visitors {
            visitor.kept_what_it_had();
            self.tally.takes(visitor);
        }
        self.tally.is_held(&copy);
        self.tally
    }
}

impl Tally {
    fn takes(&mut self, visitor: &Visitor) {
        let (writer, seen) = (visitor.writer(), visitor.seen());
        self.sent_again += seen.sent_again();
        self.refused
            .extend(seen.refusals.keys().map(|n| (writer, *n)));
    }

    /// Each stroke that was drawn is there, once, erased or not, and no other. And if the last op
    /// on a stroke that is there is someone's, no later edit of theirs was answered and lost: the
    /// stroke was there for it to change.
    fn is_held(&self, copy: &Copy) {
        let there: BTreeSet<StrokeId> = copy.strokes.keys().copied().collect();
        assert_eq!(there, self.drawn);
        for &(writer, n, stroke) in &self.changes {
            let held = &copy.strokes[&stroke];
            let done = held.gone || held.writer != writer || held.n >= n;
            assert!(
                done || self.refused.contains(&(writer, n)),
                "op {n} is lost: {held:?}"
            );
        }
    }
}
