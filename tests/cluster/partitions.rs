//! Peers without a sign of life: a server that hangs, a half-open connection, a client that does
//! not read.
//!
//! A silent peer costs the others neither time nor memory without bound.

use std::time::Duration;

use serde_json::json;
use support::proxy::FaultyProxy;
use support::state::pen;
use support::user::TestUser;
use tokio::time::Instant;
use whiteboard::domain::ids::StrokeId;
use whiteboard::store::Store;

use crate::cluster::{Cluster, Plan};

/// How soon a server notices that a page is gone, and a page that a server is.
const IMPATIENT: &[&str] = &["--session-timeout", "2s"];
const PING_AFTER: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Extra time for a busy machine, and a client's pause before it reconnects.
const SLACK: Duration = Duration::from_secs(1);
/// Deadline for a server to drop a dead client: shorter than any other timeout of a connection.
const LETS_GO_WITHIN: Duration = Duration::from_secs(10);

/// Asserts that a client gave up its first socket by its own timeout.
fn noticed_in_time(user: &TestUser, since: Instant) {
    let noticed = user.state().lost[0] - since;
    println!("noticed after {noticed:?}");
    assert!(noticed < PING_AFTER + ANSWER_WITHIN + SLACK, "{noticed:?}");
}

/// Waits until all servers report this many sessions in total.
async fn sessions_are(cluster: &Cluster, store: &Store, expected: u32) {
    let since = Instant::now();
    loop {
        let servers = store.servers().await.expect("the database");
        let lately = servers
            .iter()
            .filter(|server| server.silent < since.elapsed());
        let said: Vec<u32> = lately
            .map(|server| server.drawings.iter().map(|(_, sessions)| sessions).sum())
            .collect();
        if said.len() == cluster.running().len() && said.iter().sum::<u32>() == expected {
            return;
        }
        assert!(
            since.elapsed() < LETS_GO_WITHIN,
            "{expected} sessions, not {servers:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_leaves_a_hung_server_which_then_drops_its_session() {
    /// The client's timeout, a pause, and both again until the balancer has noticed too.
    const MOVES_WITHIN: Duration = Duration::from_secs(8);
    let plan = Plan::of(2).flags(IMPATIENT).alone();
    let plan = plan.patience(PING_AFTER, ANSWER_WITHIN);
    let (cluster, drawing, ada, ben) = plan.start_with_two().await;
    ada.draw(pen(1.0));
    ada.all_acknowledged().await;
    let store = cluster.store().await;

    let hung = Instant::now();
    cluster.pause(0);
    let stroke = ada.draw(pen(2.0));
    ada.wait_within(MOVES_WITHIN, "an answer from elsewhere", |state| {
        state.server == Some(1) && state.outbox.is_empty()
    })
    .await;
    println!("moved on after {:?}", hung.elapsed());
    noticed_in_time(&ada, hung);
    ben.sees(stroke).await;

    cluster.resume(0);
    sessions_are(&cluster, &store, 2).await;
    ben.wait("both people, each once", |state| state.people.len() == 2)
        .await;
    // The op took effect before the hang or after it, but not twice.
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 2);
    ada.assert_clean();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ends_of_a_half_open_connection_give_it_up() {
    /// The client's timeout, and a pause.
    const MOVES_WITHIN: Duration = Duration::from_secs(5);
    let plan = Plan::of(2).flags(IMPATIENT).alone();
    let cluster = plan.patience(PING_AFTER, ANSWER_WITHIN).start().await;
    let drawing = cluster.create_drawing().await;
    let link = FaultyProxy::to(cluster.balancer.address).await;
    let ada = cluster
        .visit_through(link.address, 0, "Ada", &drawing)
        .await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    ben.wait("both people", |state| state.people.len() == 2)
        .await;
    let store = cluster.store().await;

    let forgotten = Instant::now();
    link.forget();
    let stroke = ada.draw(pen(1.0));
    ada.wait_within(MOVES_WITHIN, "another socket", |state| {
        state.reconnects() == 1 && state.outbox.is_empty()
    })
    .await;
    noticed_in_time(&ada, forgotten);
    ben.sees(stroke).await;
    // The first session is gone too, without a close frame.
    sessions_are(&cluster, &store, 2).await;

    // A client that cannot connect is gone for the others until it can.
    link.silence();
    ben.wait("Ada being gone", |state| state.people.len() == 1)
        .await;
    let later = ada.draw(pen(2.0));
    ada.wait("a loss", |state| state.lost.len() == 2).await;
    link.heal();
    ben.sees(later).await;
    ben.wait("both people again", |state| state.people.len() == 2)
        .await;
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 2);
    store.close().await;
}

/// Edits of a few large strokes in turn: the drawing does not grow.
struct Edits<'a> {
    /// The editor, at server 0.
    ada: &'a TestUser,
    strokes: Vec<StrokeId>,
    edited: usize,
}

impl<'a> Edits<'a> {
    const NOTE: usize = 60_000;
    /// Together larger than one frame: a client that lacks them is told to read over HTTP.
    const STROKES: usize = 8;

    fn of(ada: &'a TestUser) -> Self {
        let strokes = (0..Self::STROKES).map(|x| ada.draw(pen(x as f64)));
        Self {
            ada,
            strokes: strokes.collect(),
            edited: 0,
        }
    }

    /// Edits once, and waits until the editor has the change and its acknowledgement, as any live
    /// client at her server has.
    async fn edit(&mut self) {
        let stroke = self.strokes[self.edited % Self::STROKES];
        let letter = char::from(fastrand::u8(b'a'..=b'z')).to_string();
        // Each is a frame of its own: the next is not sent before the acknowledgement.
        self.ada
            .edit(stroke, json!({"note": letter.repeat(Self::NOTE)}));
        self.ada.all_acknowledged().await;
        self.edited += 1;
    }
}

/// The work of a server for changes and for clients that lack some: for a change, one append and
/// nothing else.
const WORK: [&str; 8] = [
    "whiteboard_appends_total{outcome=\"committed\"}",
    SKIPPED,
    "whiteboard_catch_ups_encoded_total",
    "whiteboard_chunks_encoded_total{encoding=\"plain\"}",
    "whiteboard_chunks_encoded_total{encoding=\"gzip\"}",
    "whiteboard_resyncs_total{kind=\"warm\"}",
    "whiteboard_resyncs_total{kind=\"cold\"}",
    "whiteboard_resyncs_total{kind=\"reset\"}",
];
/// How often a slow client was skipped, until it reads again.
const SKIPPED: &str = "whiteboard_frames_skipped_total{kind=\"strokes\"}";

async fn work(cluster: &Cluster, server: usize) -> [f64; WORK.len()] {
    let mut work = [0.0; WORK.len()];
    for (done, name) in work.iter_mut().zip(WORK) {
        *done = cluster.metric(server, name).await;
    }
    work
}

/// Edits repeatedly, while the servers do no unnecessary work.
async fn edits_cost_nothing_else(
    cluster: &Cluster,
    edits: &mut Edits<'_>,
    times: usize,
    since: Instant,
) {
    /// After more time the server would rightly evict the slow clients.
    const LONGEST_BEHIND: Duration = Duration::from_secs(25);
    let before = [work(cluster, 0).await, work(cluster, 1).await];
    for edit in 0..times {
        assert!(since.elapsed() < LONGEST_BEHIND, "only {edit} edits");
        edits.edit().await;
    }
    for (server, before) in before.into_iter().enumerate() {
        let mut expected = before;
        expected[0] += if server == 0 { times as f64 } else { 0.0 };
        assert_eq!(
            work(cluster, server).await,
            expected,
            "{WORK:?} of server {server}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stops_reading_costs_bounded_memory_and_slows_nobody() {
    /// Number of clients that do not read.
    const SLOW: usize = 4;
    const CALM: usize = 100;
    /// Deadline for them to fall behind: the buffers on the way to them fill up first.
    const BEHIND_WITHIN: Duration = Duration::from_secs(60);
    /// After this many edits they lack more than a frame takes. Until then their server encodes
    /// frames for them now and then, to see whether they read again.
    const FRAME: usize = 8;
    /// Number of edits after that.
    const EDITS: usize = 300;
    const ELSEWHERE: usize = 30;
    /// Memory that their server may use for all of them: less than what is drawn from then on,
    /// which it would hold if it kept everything for them.
    const MOST: u64 = 12 << 20;
    const { assert!(EDITS * Edits::NOTE > 5 * MOST as usize / 4) };
    // Ada edits as fast as she is acknowledged: her connection's rate limit must not slow her down.
    let flags = &[
        "--ops-per-second",
        "100000",
        "--receive-rate",
        "1GiB",
        "--session-timeout",
        "10m",
    ];
    let (cluster, drawing, ada, ben) = Plan::of(2).flags(flags).alone().start_with_two().await;
    // The same on the same servers, where all clients read.
    let quiet = cluster.create_drawing().await;
    let dora = cluster.visit_at(0, "Dora", &quiet).await;
    let eve = cluster.visit_at(1, "Eve", &quiet).await;
    let (mut edits, mut elsewhere) = (Edits::of(&ada), Edits::of(&dora));
    let mut slow = Vec::new();
    for number in 0..SLOW {
        let name = format!("Cleo {number}");
        slow.push(cluster.visit_at(0, &name, &drawing).await);
    }
    // The server's memory for the work itself.
    for _ in 0..CALM {
        edits.edit().await;
        elsewhere.edit().await;
    }
    let (before, skipped) = (cluster.memory(0), cluster.metric(0, SKIPPED).await);
    let told = |user: &TestUser| user.state().changes;
    let at_first: Vec<usize> = slow.iter().map(told).collect();
    slow.iter().for_each(TestUser::stop_reading);
    let (stopped, first) = (Instant::now(), edits.edited);
    let mut behind = 0.0;
    while behind < SLOW as f64 {
        assert!(
            stopped.elapsed() < BEHIND_WITHIN,
            "only {behind} are behind"
        );
        edits.edit().await;
        // Each is skipped once, and not again before it has read.
        behind = cluster.metric(0, SKIPPED).await - skipped;
    }
    let behind = Instant::now();
    for _ in 0..FRAME {
        edits.edit().await;
    }
    let at_last: Vec<usize> = slow.iter().map(told).collect();
    // An edit causes as much work as one elsewhere, where all clients read.
    edits_cost_nothing_else(&cluster, &mut elsewhere, ELSEWHERE, behind).await;
    edits_cost_nothing_else(&cluster, &mut edits, EDITS, behind).await;
    let edited = edits.edited - first;
    for (user, changes) in [(&ben, &ada), (&eve, &dora)] {
        let head = changes.state().head;
        user.wait("all edits", |state| state.head == head && state.reads == 0)
            .await;
    }
    let grown = (cluster.memory(0) - before).max(0.0) as u64;
    println!(
        "{} KiB more after {edited} edits of {} KiB for {SLOW}",
        grown >> 10,
        Edits::NOTE >> 10,
    );
    assert!(grown < MOST, "{grown} bytes");
    assert_eq!(at_last, slow.iter().map(told).collect::<Vec<_>>());

    // They read again, and lack nothing.
    slow.iter().for_each(TestUser::read_on);
    let mut everyone = vec![&ada, &ben];
    everyone.extend(&slow);
    cluster.agree(&drawing, &everyone).await;
    cluster.agree(&quiet, &[&dora, &eve]).await;
    for (user, at_first) in slow.iter().zip(at_first) {
        user.assert_clean();
        let state = user.state();
        assert_eq!((state.reconnects(), state.overlaps), (0, 0));
        // It was told once to read over HTTP, and then requested the rest by position.
        assert_eq!(state.reads, 1);
        let told = state.changes - at_first;
        assert!(told < edited, "{told} of {edited}");
    }
}
