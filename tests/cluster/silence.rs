//! Ends that say nothing: a server that hangs, a connection that is half-open, a page that does
//! not read.
//!
//! Whoever is silent costs the others neither time nor memory without bound.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use whiteboard::store::Store;

use crate::cluster::{Cluster, Plan};
use crate::page::pen;
use crate::visitor::DEADLINE;

/// How soon a server notices that a page is gone, and a page that a server is.
const IMPATIENT: &[&str] = &["--heartbeat", "500ms", "--silence-limit", "2s"];
const PING_AFTER: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

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
            since.elapsed() < DEADLINE,
            "{expected} sessions, not {servers:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_moves_on_from_a_server_that_hangs_which_then_lets_go_of_it() {
    /// Its own patience, a wait, and once more until the balancer has noticed too.
    const MOVES_WITHIN: Duration = Duration::from_secs(8);
    let plan = Plan::of(2).flags(IMPATIENT);
    let cluster = plan.patience(PING_AFTER, ANSWER_WITHIN).start().await;
    let drawing = cluster.create_drawing().await;
    let ada = cluster.visit_at(0, "Ada", &drawing).await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
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
    ben.sees(stroke).await;

    cluster.resume(0);
    sessions_are(&cluster, &store, 2).await;
    ben.wait("both people, each once", |seen| seen.people.len() == 2)
        .await;
    // It did what it was asked before it hung, or after, but not twice.
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 2);
    assert!(ada.seen().refusals.is_empty());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ends_of_a_half_open_connection_give_it_up() {
    const NOTICES_WITHIN: Duration = Duration::from_secs(5);
    let plan = Plan::of(2).flags(IMPATIENT);
    let cluster = plan.patience(PING_AFTER, ANSWER_WITHIN).start().await;
    let drawing = cluster.create_drawing().await;
    let link = crate::link::Link::to(cluster.balancer.address).await;
    let ada = cluster.visit_from(link.address, "Ada", &drawing, Some(0));
    ada.wait("being welcome", |seen| seen.welcome).await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    ben.wait("both people", |seen| seen.people.len() == 2).await;
    let store = cluster.store().await;

    link.forget();
    let stroke = ada.draw(pen(1.0));
    ada.wait_within(NOTICES_WITHIN, "another socket", |seen| {
        seen.reconnects() == 1 && seen.outbox.is_empty()
    })
    .await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_stops_reading_costs_bounded_memory_and_slows_nobody() {
    /// Pages that do not read.
    const SLOW: usize = 4;
    const NOTE: usize = 60_000;
    /// Edits of one stroke: the drawing itself does not grow.
    const EDITS: usize = 500;
    const AT_ONCE: usize = 20;
    /// What their server may need for all of them: far less than what it would have to keep.
    const MOST: u64 = 16 << 20;
    const ROUND_WITHIN: Duration = Duration::from_secs(5);
    let flags = &["--ops-per-second", "100000", "--silence-limit", "10m"];
    let cluster = Plan::of(2).flags(flags).start().await;
    let drawing = cluster.create_drawing().await;
    let ada = cluster.visit_at(1, "Ada", &drawing).await;
    let ben = cluster.visit_at(0, "Ben", &drawing).await;
    let mut large = pen(1.0);
    large["note"] = json!("x".repeat(NOTE));
    let stroke = ada.draw(large);
    let edit = |rounds: usize| {
        let (ada, ben) = (&ada, &ben);
        async move {
            let mut slowest = Duration::ZERO;
            for _ in 0..rounds {
                let begun = Instant::now();
                // Each is a frame of its own: the next is not sent before it is answered.
                for _ in 0..AT_ONCE {
                    let note = char::from(fastrand::u8(b'a'..=b'z'))
                        .to_string()
                        .repeat(NOTE);
                    ada.edit(stroke, json!({"note": note}));
                    ada.saved().await;
                }
                let head = ada.seen().head;
                ben.wait("every edit", |seen| seen.head >= head).await;
                slowest = slowest.max(begun.elapsed());
            }
            slowest
        }
    };
    let mut slow = Vec::new();
    for number in 0..SLOW {
        slow.push(
            cluster
                .visit_at(0, &format!("Cleo {number}"), &drawing)
                .await,
        );
    }
    // What the server needs for the work itself.
    edit(5).await;
    let before = cluster.memory(0);
    for visitor in &slow {
        visitor.stop_reading();
    }
    let stalled = Instant::now();
    let slowest = edit(EDITS / AT_ONCE).await;
    let grown = cluster.memory(0).saturating_sub(before);
    println!(
        "{} KiB more after {} KiB for each of {SLOW}, in {:?}; slowest round {slowest:?}",
        grown >> 10,
        (EDITS * NOTE) >> 10,
        stalled.elapsed()
    );
    assert!(grown < MOST, "{grown} bytes");
    assert!(slowest < ROUND_WITHIN, "{slowest:?}");

    // They read again, and lack nothing.
    for visitor in &slow {
        visitor.read_on();
    }
    let mut everyone = vec![&ada, &ben];
    everyone.extend(&slow);
    cluster.agree(&drawing, &everyone).await;
    for visitor in &slow {
        let seen = visitor.seen();
        assert_eq!(
            (seen.reconnects(), seen.overlaps, seen.resets.len()),
            (0, 0, 0)
        );
        assert!(
            seen.changes < EDITS,
            "it was never behind: {}",
            seen.changes
        );
    }
}
