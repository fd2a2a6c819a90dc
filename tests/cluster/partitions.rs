//! Ends that say nothing: a server that hangs, a connection that is half-open, a page that does
//! not read.
//!
//! Whoever is silent costs the others neither time nor memory without bound.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use whiteboard::domain::ids::StrokeId;
use whiteboard::store::Store;

use crate::cluster::{Cluster, Plan};
use crate::faulty_proxy::FaultyProxy;
use crate::page::pen;
use crate::test_user::TestUser;

/// How soon a server notices that a page is gone, and a page that a server is.
const IMPATIENT: &[&str] = &["--heartbeat", "500ms", "--session-timeout", "2s"];
const PING_AFTER: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// What else both may need on a busy machine, and a page its wait before it comes back.
const SLACK: Duration = Duration::from_secs(1);
/// By then a server has let go of a page that is gone, and said so: less than any connection may
/// be silent by other rules.
const LETS_GO_WITHIN: Duration = Duration::from_secs(10);

/// A page gave up its first socket when its own patience was over.
fn noticed_in_time(user: &TestUser, since: Instant) {
    let noticed = user.seen().lost[0] - since;
    println!("noticed after {noticed:?}");
    assert!(noticed < PING_AFTER + ANSWER_WITHIN + SLACK, "{noticed:?}");
}

/// Waits until all servers said so lately that they have so many sessions in all.
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
async fn a_page_moves_on_from_a_server_that_hangs_which_then_lets_go_of_it() {
    /// Its own patience, a wait, and once more until the balancer has noticed too.
    const MOVES_WITHIN: Duration = Duration::from_secs(8);
    let plan = Plan::of(2).flags(IMPATIENT).alone();
    let plan = plan.patience(PING_AFTER, ANSWER_WITHIN);
    let (cluster, drawing, ada, ben) = plan.start_with_two().await;
    ada.draw(pen(1.0));
    ada.saved().await;
    let store = cluster.store().await;

    let hung = Instant::now();
    cluster.pause(0);
    let stroke = ada.draw(pen(2.0));
    ada.wait_within(MOVES_WITHIN, "an answer from elsewhere", |seen| {
        seen.server == Some(1) && seen.outbox.is_empty()
    })
    .await;
    println!("moved on after {:?}", hung.elapsed());
    noticed_in_time(&ada, hung);
    ben.sees(stroke).await;

    cluster.resume(0);
    sessions_are(&cluster, &store, 2).await;
    ben.wait("both people, each once", |seen| seen.people.len() == 2)
        .await;
    // It did what it was asked before it hung, or after, but not twice.
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 2);
    ada.assert_clean();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ends_of_a_half_open_connection_give_it_up() {
    /// Its own patience, and a wait.
    const MOVES_WITHIN: Duration = Duration::from_secs(5);
    let plan = Plan::of(2).flags(IMPATIENT).alone();
    let cluster = plan.patience(PING_AFTER, ANSWER_WITHIN).start().await;
    let drawing = cluster.create_drawing().await;
    let link = FaultyProxy::to(cluster.balancer.address).await;
    let ada = cluster
        .visit_through(link.address, 0, "Ada", &drawing)
        .await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    ben.wait("both people", |seen| seen.people.len() == 2).await;
    let store = cluster.store().await;

    let forgotten = Instant::now();
    link.forget();
    let stroke = ada.draw(pen(1.0));
    ada.wait_within(MOVES_WITHIN, "another socket", |seen| {
        seen.reconnects() == 1 && seen.outbox.is_empty()
    })
    .await;
    noticed_in_time(&ada, forgotten);
    ben.sees(stroke).await;
    // The first session is gone too, though nobody said goodbye.
    sessions_are(&cluster, &store, 2).await;

    // And a page that finds no way at all is gone for the others, until it finds one.
    link.silence();
    ben.wait("Ada being gone", |seen| seen.people.len() == 1)
        .await;
    let later = ada.draw(pen(2.0));
    ada.wait("a loss", |seen| seen.lost.len() == 2).await;
    link.heal();
    ben.sees(later).await;
    ben.wait("both people again", |seen| seen.people.len() == 2)
        .await;
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 2);
    store.close().await;
}

/// Edits of a few large strokes in turn, one after another: the drawing itself does not grow.
struct Edits<'a> {
    /// She edits, at server 0.
    ada: &'a TestUser,
    strokes: Vec<StrokeId>,
    edited: usize,
}

impl<'a> Edits<'a> {
    const NOTE: usize = 60_000;
    /// All together are more than one frame takes: who lacks them is told to read.
    const STROKES: usize = 8;

    fn of(ada: &'a TestUser) -> Self {
        let strokes = (0..Self::STROKES).map(|x| ada.draw(pen(x as f64)));
        Self {
            ada,
            strokes: strokes.collect(),
            edited: 0,
        }
    }

    /// Edits once; gives how long it took until she had the change and its answer, as anyone at her
    /// server has the change then.
    async fn edit(&mut self) -> Duration {
        let stroke = self.strokes[self.edited % Self::STROKES];
        let letter = char::from(fastrand::u8(b'a'..=b'z')).to_string();
        let begun = Instant::now();
        // Each is a frame of its own: the next is not sent before it is answered.
        self.ada
            .edit(stroke, json!({"note": letter.repeat(Self::NOTE)}));
        self.ada.saved().await;
        self.edited += 1;
        begun.elapsed()
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_stops_reading_costs_bounded_memory_and_slows_nobody() {
    /// Pages that do not read.
    const SLOW: usize = 4;
    const CALM: usize = 100;
    /// So long it may take until they fall behind: the buffers on the way to them are filled first.
    const BEHIND_WITHIN: Duration = Duration::from_secs(60);
    /// Edits from then on, which are more in all than what their server may keep; and the time for them.
    /// After more the server would rightly take the pages for gone.
    const EDITS: usize = 80;
    const LONGEST_BEHIND: Duration = Duration::from_secs(25);
    /// One in so many of them is compared with one elsewhere that follows it.
    const COMPARED: usize = 3;
    /// What their server may need for all of them.
    const MOST: u64 = 16 << 20;
    // Ada edits as fast as she is answered: what one connection may send must not be what she waits for.
    let flags = &[
        "--ops-per-second",
        "100000",
        "--receive-size-per-second",
        "1GiB",
        "--session-timeout",
        "10m",
    ];
    let (cluster, drawing, ada, ben) = Plan::of(2).flags(flags).alone().start_with_two().await;
    // The same on the same servers, where everyone reads.
    let quiet = cluster.create_drawing().await;
    let dora = cluster.visit_at(0, "Dora", &quiet).await;
    let eve = cluster.visit_at(1, "Eve", &quiet).await;
    let (mut edits, mut elsewhere) = (Edits::of(&ada), Edits::of(&dora));
    let mut slow = Vec::new();
    for number in 0..SLOW {
        let name = format!("Cleo {number}");
        slow.push(cluster.visit_at(0, &name, &drawing).await);
    }
    // How many frames their server left out for those who do not read.
    let skipped = "whiteboard_frames_skipped_total{kind=\"strokes\"}";
    // What the server needs for the work itself.
    for _ in 0..CALM {
        edits.edit().await;
        elsewhere.edit().await;
    }
    let (before, skipped_before) = (cluster.memory(0), cluster.metric(0, skipped).await);
    let told: Vec<usize> = slow.iter().map(|user| user.seen().changes).collect();
    slow.iter().for_each(TestUser::stop_reading);
    let stopped = Instant::now();
    let mut edited = 0;
    while cluster.metric(0, skipped).await == skipped_before {
        assert!(stopped.elapsed() < BEHIND_WITHIN, "nobody is behind");
        edits.edit().await;
        edited += 1;
    }
    let behind = Instant::now();
    let mut slower = Vec::new();
    for edit in 0..EDITS {
        assert!(behind.elapsed() < LONGEST_BEHIND, "only {edit} edits");
        let took = edits.edit().await;
        edited += 1;
        if edit % COMPARED == 0 {
            // Neighbours, so that both meet the machine as it is.
            slower.push(took.as_secs_f64() / elsewhere.edit().await.as_secs_f64());
        }
    }
    let grown = cluster.memory(0).saturating_sub(before);
    assert!(grown < MOST, "{grown} bytes");

    // They read again, and lack nothing.
    slow.iter().for_each(TestUser::read_on);
    let mut everyone = vec![&ada, &ben];
    everyone.extend(&slow);
    cluster.agree(&drawing, &everyone).await;
    cluster.agree(&quiet, &[&dora, &eve]).await;
    for (user, told) in slow.iter().zip(told) {
        user.assert_clean();
        let seen = user.seen();
        assert_eq!((seen.reconnects(), seen.overlaps), (0, 0));
        // Once it was told to read, whereupon it asks with one position for what it lacks yet.
        assert_eq!(seen.reads, 1);
        let told = seen.changes - told;
        assert!(told < edited, "{told} of {edited}");
    }

    // As long as an edit took elsewhere, one took where some did not read.
    let slower = median(slower);
    println!(
        "{} KiB more after {edited} edits of {} KiB for {SLOW}, which took {slower:.2} times as long",
        grown >> 10,
        Edits::NOTE >> 10,
    );
    assert!(slower < 2.0, "{slower} times as long as elsewhere");
}
