//! Random runs from a seed: people draw, edit, erase, undo, join and leave, while servers, links
//! and the database fail. In the end all copies are equal, and every op is accounted for
//! ([`ledger`]): it took effect once, or was refused for a valid reason.
//!
//! ```text
//! cargo test --workspace --test cluster seed                        # a few seeds, always the same
//! WHITEBOARD_SEEDS=50 WHITEBOARD_FIRST_SEED=1000 \
//!     cargo test --workspace --test cluster seed -- --nocapture     # the seeds 1000 to 1049
//! WHITEBOARD_SEED=1017 cargo test --workspace --test cluster seed   # that one alone
//! ```
//!
//! All decisions follow from the seed alone ([`script`]): who does what to which stroke, and what
//! fails when. The speed of processes does not: run it several times.

mod history;
mod ledger;
mod script;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use support::user::TestUser;
use support::wait::DEADLINE;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use whiteboard::domain::ids::{OpId, Writer};

use crate::cluster::{Cluster, Plan};
use crate::raw_db::RawDb;
use history::History;
use ledger::{Entry, Kind, Ledger, Outcome, Report, mark};
use script::{Act, FIRST_PEOPLE, Script, Want};

/// Number of seeds, and the first of them, unless the environment says otherwise.
const SEEDS: (&str, u64) = ("WHITEBOARD_SEEDS", 3);
const FIRST_SEED: (&str, u64) = ("WHITEBOARD_FIRST_SEED", 1);
/// The only seed to run, if the environment names one.
const ONE_SEED: &str = "WHITEBOARD_SEED";

const SERVERS: usize = 3;
/// Faults of one seed, and the steps of people before each.
const FAULTS: usize = 6;
const STEPS: usize = 30;
/// Most refused ops, in percent.
const MOST_REFUSED: usize = 15;
/// Fewest effective ops of each kind.
const FEWEST: [(Kind, usize); 4] = [
    (Kind::Draw, 50),
    (Kind::Edit, 40),
    (Kind::Erase, 25),
    (Kind::Restore, 10),
];
/// Pause between two steps.
const PACE: Duration = Duration::from_millis(15);
const FLAGS: &[&str] = &[
    "--session-timeout",
    "3s",
    "--drain-delay",
    "500ms",
    "--head-check-interval",
    "1s",
    "--query-timeout",
    "3s",
];
const PING_AFTER: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// A fault. Each is repaired a few steps later.
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
    /// The same, without notifying either end.
    Silence,
    /// The same link becomes slow.
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
/// Parameters of a slow link.
const DELAY: Duration = Duration::from_millis(150);
const RATE: u32 = 100_000;

/// Counters of a run.
#[derive(Default)]
struct Tally {
    faults: Vec<Fault>,
    comes: usize,
    leaves: usize,
    crashes: usize,
    cuts: usize,
    signals: usize,
    sent_again: usize,
}

struct Run {
    script: Script,
    cluster: Cluster,
    raw_db: RawDb,
    drawing: String,
    /// All people in order of arrival; `None` for those who have left.
    people: Vec<Option<TestUser>>,
    /// Those who leave once everything is acknowledged.
    leaving: Vec<usize>,
    goodbyes: Vec<JoinHandle<()>>,
    ledger: Ledger,
    tally: Tally,
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_seed_of_faults_ends_in_agreement() {
    let seeds = match number(ONE_SEED) {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number(FIRST_SEED.0).unwrap_or(FIRST_SEED.1);
            first..first + number(SEEDS.0).unwrap_or(SEEDS.1)
        }
    };
    let enough = seeds.end - seeds.start >= SEEDS.1;
    let (mut faults, mut again) = (BTreeSet::new(), 0);
    for seed in seeds {
        // Shown when the run fails.
        println!("{ONE_SEED}={seed}");
        let began = Instant::now();
        let (tally, report) = run(seed).await;
        println!(
            "seed {seed}: {:?}, {report:?}, {} came, {} left, {} crashed, {} cut, {} signals, {} sent again, {:?}",
            tally.faults,
            tally.comes,
            tally.leaves,
            tally.crashes,
            tally.cuts,
            tally.signals,
            tally.sent_again,
            began.elapsed()
        );
        assert_eq!(tally.faults.len(), FAULTS);
        assert!(tally.comes > FIRST_PEOPLE && tally.leaves > 0);
        assert!(tally.cuts > 0 && tally.signals > 0);
        for (kind, fewest) in FEWEST {
            let done = report.done.get(&kind).copied().unwrap_or(0);
            assert!(done >= fewest, "{kind:?} happened {done} times");
        }
        let done: usize = report.done.values().sum();
        let refused = report.untold + report.refused.values().sum::<usize>();
        let most = (done + refused) * MOST_REFUSED / 100;
        // The script contains some ops that every server must refuse.
        assert!(
            (1..=most).contains(&refused),
            "{refused} refused, {done} done"
        );
        faults.extend(tally.faults);
        again += tally.sent_again;
    }
    // A single seed may be lucky.
    assert!(!enough || again > 0, "no fault ever hit an op");
    assert!(!enough || faults.len() > FAULTS, "{faults:?}");
}

async fn run(seed: u64) -> (Tally, Report) {
    let plan = Plan::of(SERVERS).linked().flags(FLAGS);
    let cluster = plan.patience(PING_AFTER, ANSWER_WITHIN).start().await;
    let drawing = cluster.create_drawing().await;
    let raw_db = cluster.raw_db().await;
    History::begins(&raw_db, &drawing).await;
    let mut run = Run {
        script: Script::of(seed),
        cluster,
        raw_db,
        drawing,
        people: Vec::new(),
        leaving: Vec::new(),
        goodbyes: Vec::new(),
        ledger: Ledger::default(),
        tally: Tally::default(),
    };
    // Each fault once, in random order.
    let mut faults = ALL;
    run.script.shuffle(&mut faults);
    for fault in faults.into_iter().take(FAULTS) {
        run.steps(STEPS).await;
        run.inject(fault).await;
    }
    run.steps(STEPS).await;
    run.agrees().await
}

impl Run {
    /// People continue with their steps.
    async fn steps(&mut self, steps: usize) {
        let mut next = Instant::now();
        for _ in 0..steps {
            let act = self.script.act();
            self.does(act);
            self.let_go();
            next += PACE;
            sleep_until(next).await;
        }
    }

    fn does(&mut self, act: Act) {
        match act {
            Act::Comes => {
                let name = format!("Ada {}", self.people.len());
                let address = self.cluster.balancer.address;
                let user = self.cluster.visit_from(address, &name, &self.drawing, None);
                self.people.push(Some(user));
                self.tally.comes += 1;
            }
            // A client that is closed early leaves its ops for the next one, which is not tested
            // here.
            Act::Leaves(person) => self.leaving.push(person),
            Act::Crashes(person) => {
                let user = self.people[person].take().expect("someone");
                self.takes(&user);
                self.tally.crashes += 1;
            }
            Act::Cut(person) => {
                self.user(person).cut();
                self.tally.cuts += 1;
            }
            Act::Points(person, place) => {
                self.user(person).signal(json!({"pointer": place}));
                self.tally.signals += 1;
            }
            Act::Wants(person, want) => self.wants(person, want),
        }
    }

    fn user(&self, person: usize) -> &TestUser {
        self.people[person].as_ref().expect("someone who is here")
    }

    fn wants(&mut self, person: usize, want: Want) {
        let user = self.user(person);
        let Writer { id: writer, author } = user.identity();
        let base = want.base.map(|n| OpId { writer, n });
        let Want {
            kind,
            stroke,
            fields,
            ..
        } = want;
        let mut op = match kind {
            Kind::Draw => json!({"op": "draw", "body": fields}),
            Kind::Edit => json!({"op": "edit", "set": fields}),
            Kind::Erase => json!({"op": "erase"}),
            Kind::Restore => json!({"op": "restore", "body": fields}),
        };
        op["stroke"] = json!(stroke);
        if let Some(base) = base {
            op["base"] = json!(base);
        }
        let n = user.submit(op);
        let entry = Entry {
            kind,
            stroke,
            fields,
            base,
            author,
            mark: mark(person, n),
            reconnected: false,
            outcome: Outcome::Unknown,
        };
        assert!(self.ledger.0.insert((writer, n), entry).is_none());
    }

    /// Closes the clients that want to leave and have everything acknowledged. The others continue.
    fn let_go(&mut self) {
        let saved = |person: &mut usize| {
            let user = self.people[*person].as_ref().expect("someone");
            let state = user.state();
            state.welcome && state.outbox.is_empty()
        };
        let go: Vec<usize> = self.leaving.extract_if(.., saved).collect();
        for person in go {
            let user = self.people[person].take().expect("someone");
            self.takes(&user);
            self.goodbyes.push(tokio::spawn(user.leave()));
            self.tally.leaves += 1;
        }
    }

    /// Records the outcomes of a client's ops.
    fn takes(&mut self, user: &TestUser) {
        user.kept_its_replica();
        let (writer, state) = (user.writer(), user.state());
        self.tally.sent_again += state.sent_again();
        let theirs = self.ledger.0.range_mut((writer, 0)..=(writer, u64::MAX));
        for (&(_, n), entry) in theirs {
            let again = state.sent.get(&n).is_some_and(|&times| times > 1);
            entry.reconnected = again || state.done_by_welcome.contains(&n);
            let waits = state.outbox.iter().any(|(waiting, _)| *waiting == n);
            entry.outcome = match state.refusals.get(&n) {
                Some(refused) => Outcome::Refused(refused.reason.clone()),
                None if waits => Outcome::Unknown,
                None => Outcome::Done,
            };
        }
    }

    /// A fault while people continue, and its repair.
    async fn inject(&mut self, fault: Fault) {
        self.cluster.log.note("seed", format_args!("{fault:?}"));
        self.tally.faults.push(fault);
        let server = self.script.below(SERVERS);
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

    /// After all repairs: all copies are equal, and every op is accounted for.
    async fn agrees(mut self) -> (Tally, Report) {
        for server in 0..SERVERS {
            self.cluster.is_up(server).await;
        }
        // A client that was disconnected for long waits up to ten seconds.
        for user in self.people.iter().flatten() {
            user.wait_within(2 * DEADLINE, "all answers", |state| {
                state.welcome && state.outbox.is_empty()
            })
            .await;
        }
        self.let_go();
        for goodbye in std::mem::take(&mut self.goodbyes) {
            goodbye.await.expect("no rule was broken");
        }
        let users: Vec<TestUser> = self.people.iter_mut().filter_map(Option::take).collect();
        let all: Vec<&TestUser> = users.iter().collect();
        let copy = self.cluster.agree(&self.drawing, &all).await;
        all.into_iter().for_each(|user| self.takes(user));
        let history = History::noted(&self.raw_db).await;
        match self.ledger.judge(&history, &copy) {
            Ok(report) => (self.tally, report),
            Err(wrong) => panic!("{wrong}"),
        }
    }
}
