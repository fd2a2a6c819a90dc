//! What a feed learns without a notification, and what it sends its clients at once.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use support::client::Client;
use support::database::DatabaseServer;
use support::http::{create_drawing, http, metric};
use support::server::{TestServer, settings};
use support::state::pen;
use tokio::time::Instant;
use whiteboard::domain::ids::DrawingId;
use whiteboard::server;

use crate::failing::query;
use crate::parts::{Parts, hold};

/// After this time a new feed makes no more head checks on its own.
const CHECKS_AFTER_FOLLOWING: Duration = Duration::from_millis(2_500);
/// How long the test tries to commit a write between a read and the checks after it.
const FOUND_WITHIN: Duration = Duration::from_secs(60);

fn id(drawing: &str) -> DrawingId {
    drawing.parse().expect("an id")
}

/// Sockets of a drawing that are brought to one thread.
const TOGETHER: usize = 64;
/// More notifications than fit the buffer of a subscription here.
const BURST: usize = 30;
/// Subscriptions that ended because nobody read them.
const SLOW: &str = "whiteboard_subscriptions_ended_total{reason=\"slow\"}";

/// Two servers on one store, whose subscriptions buffer less than [`BURST`].
async fn two_with_little_buffer() -> (Parts, Parts) {
    let mut database = settings("mem://", &[]).database;
    database.live_query_buffer = 16;
    let store = server::open(&database).await.expect("a database");
    (Parts::on(store.clone(), &[]), Parts::on(store, &[]))
}

#[actix_web::test]
async fn a_subscription_that_ended_as_slow_is_opened_again_and_nothing_is_missed() {
    let (awake, asleep) = two_with_little_buffer().await;
    let drawing = create_drawing(awake.address).await;
    let feed = asleep.feed(&drawing).await;
    let mut ben = Client::viewing(asleep.address, &drawing).await;
    let mut ada = Client::open(awake.address, &drawing).await;
    ada.draw(pen(0.0)).await;
    ben.reach(1).await;
    assert_eq!(metric(asleep.address, SLOW).await, 0.0);

    let held = hold(&feed).await;
    for x in 0..BURST {
        ada.draw_stored(pen(x as f64)).await;
    }
    drop(held);
    let head = 1 + BURST as u64;
    ben.reach(head).await;
    assert_eq!(metric(asleep.address, SLOW).await, 1.0);
    // It is subscribed again: no comparison of heads brings this one.
    ada.draw(pen(1.0)).await;
    ben.reach(head + 1).await;
    ada.reach(head + 1).await;
    assert_eq!(ben.picture(), ada.picture());
    assert!(ben.resets.is_empty(), "{ben:?}");
    drop((ada, ben));
    awake.stop().await;
    asleep.stop().await;
}

#[actix_web::test]
async fn a_feed_that_slept_until_tombstones_were_compacted_starts_over() {
    const ERASED: usize = 5;
    let (awake, asleep) = two_with_little_buffer().await;
    let drawing = create_drawing(awake.address).await;
    let feed = asleep.feed(&drawing).await;
    let mut ben = Client::viewing(asleep.address, &drawing).await;
    let mut ada = Client::open(awake.address, &drawing).await;
    let mut erased = Vec::new();
    for x in 0..ERASED {
        erased.push(ada.draw(pen(x as f64)).await);
    }
    ada.all_acknowledged().await;
    ben.reach(ERASED as u64).await;

    let held = hold(&feed).await;
    for x in 0..BURST {
        ada.draw_stored(pen(x as f64)).await;
    }
    for stroke in erased {
        ada.erase(stroke).await;
    }
    ada.all_acknowledged().await;
    ada.draw_stored(pen(1.0)).await;
    let compacted = awake.store.sweep(Duration::ZERO).await.unwrap();
    assert_eq!(compacted, ERASED);
    drop(held);

    ada.reach((ERASED + BURST + ERASED + 1) as u64).await;
    let picture = ada.picture();
    assert_eq!(picture.len(), BURST + 1);
    ben.wait("what Ada sees", |it| it.picture() == picture)
        .await;
    assert_eq!(ben.resets.len(), 1);
    drop((ada, ben));
    awake.stop().await;
    asleep.stop().await;
}

#[actix_web::test]
async fn a_write_that_ends_after_a_feed_read_is_found_by_the_checks_that_follow() {
    // It begins before the subscription, so that no live query delivers it, and commits before the
    // last check.
    const BEGINS: Duration = Duration::from_millis(100);
    const TAKES: &str = "400ms";
    let process = DatabaseServer::start();
    let database = process.database("late");
    let server = TestServer::on(&database, &["--head-check-interval=1h"]).await;
    let address = server.address();
    let differed = "whiteboard_head_mismatches_total";
    let deadline = Instant::now() + FOUND_WITHIN;
    while metric(address, differed).await == 0.0 {
        assert!(
            Instant::now() < deadline,
            "no check that followed a subscription found a write that had ended after the read"
        );
        let drawing = create_drawing(address).await;
        let row = format!("drawing:u'{}'", id(&drawing).0.hyphenated());
        let body = pen(1.0);
        let text = format!(
            "BEGIN; UPDATE {row} SET head = 1, changed = time::now();
            CREATE stroke_{drawing}:1 SET stroke = rand::uuid(), z = 1, author = rand::uuid(),
            writer = rand::uuid(), n = 1, body = '{body}'; SLEEP {TAKES}; COMMIT;"
        );
        let late = async {
            tokio::time::sleep(BEGINS).await;
            let mut ada = Client::open(address, &drawing).await;
            // If she has it by now, the attempt took too long: retry.
            ada.reach(1).await;
        };
        futures_util::future::join(query(&database, text), late).await;
    }
}

#[actix_web::test]
async fn a_title_and_a_deletion_reach_clients_of_the_same_server_at_once() {
    let parts = Parts::start(&[]).await;
    let drawing = create_drawing(parts.address).await;
    let url = format!("http://{}/api/drawings/{drawing}", parts.address);
    let http = http();
    let mut ada = Client::open(parts.address, &drawing).await;
    let opened = Instant::now();
    for n in 0.. {
        // Only then can no other notification reveal it.
        let last = opened.elapsed() > CHECKS_AFTER_FOLLOWING;
        let title = format!("Plan {n}");
        let rename = http.patch(&url).json(&json!({"title": title}));
        assert_eq!(rename.send().await.unwrap().status(), 200);
        ada.wait("the title", |it| it.title == title).await;
        if last {
            break;
        }
    }
    let delete = http.request(Method::DELETE, &url);
    assert_eq!(delete.send().await.unwrap().status(), 204);
    assert_eq!(ada.closed().await.code, 4404);
    parts.stop().await;
}

#[actix_web::test]
async fn the_sockets_of_a_drawing_meet_on_one_thread_until_they_are_a_crowd() {
    let mut settings = settings("mem://", &[]);
    settings.server.workers = 2;
    settings.connections.max_connections_per_address = 0;
    let server = TestServer::with(settings).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let moved = async || metric(address, "whiteboard_connections_moved_total").await;
    let mut pages = Vec::new();
    while pages.len() < TOGETHER {
        pages.push(Client::open(address, &drawing).await);
    }
    let together = moved().await;
    assert!(together > 0.0, "the workers take connections in turn");
    for _ in 0..8 {
        pages.push(Client::open(address, &drawing).await);
    }
    assert_eq!(moved().await, together);
    pages[1].draw_stored(pen(0.0)).await;
    pages[TOGETHER].draw_stored(pen(1.0)).await;
    for page in &mut pages {
        page.reach(2).await;
    }
    // Those that were brought from another worker end like all others.
    server.drain().await;
    for page in &mut pages {
        assert_eq!(page.closed().await.code, 1012);
    }
}
