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

#[actix_web::test]
async fn another_epoch_at_the_same_head_makes_everyone_start_over() {
    let parts = Parts::start(&[]).await;
    let drawing = create_drawing(parts.address).await;
    let mut ada = Client::open(parts.address, &drawing).await;
    ada.draw_stored(pen(1.0)).await;
    ada.reach(1).await;
    let (before, picture) = (ada.epoch, ada.picture());

    assert_eq!(parts.store.renew_epochs().await, Ok(1));
    parts.feeds.announce_metadata_change(id(&drawing)).await;
    ada.wait("starting over", |it| it.resets == ["epoch"] && it.head == 1)
        .await;
    let stored = parts.store.get(id(&drawing)).await.unwrap();
    assert_eq!((ada.epoch, ada.picture()), (Some(stored.epoch), picture));
    assert_ne!(ada.epoch, before);
    drop(ada);
    parts.stop().await;
}

#[actix_web::test]
async fn another_epoch_that_only_a_read_brings_makes_everyone_start_over() {
    let parts = Parts::start(&[]).await;
    let drawing = create_drawing(parts.address).await;
    let mut ada = Client::open(parts.address, &drawing).await;
    ada.draw_stored(pen(1.0)).await;

    // The next append finds the drawing elsewhere, and reads.
    assert_eq!(parts.store.renew_epochs().await, Ok(1));
    ada.draw_stored(pen(2.0)).await;
    ada.wait("both strokes", |it| it.head == 2).await;
    assert_eq!(ada.resets, ["epoch"]);
    assert_eq!(ada.picture().len(), 2);
    drop(ada);
    parts.stop().await;
}

#[actix_web::test]
async fn a_feed_that_slept_until_tombstones_were_swept_starts_over() {
    const ERASED: usize = 5;
    // More notifications than fit the buffer, while the feed is blocked.
    const DRAWN: usize = 30;
    let mut database = settings("mem://", &[]).database;
    database.live_query_buffer = 16;
    let store = server::open(&database).await.expect("a database");
    let awake = Parts::on(store.clone(), &[]);
    let asleep = Parts::on(store, &[]);
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
    for x in 0..DRAWN {
        ada.draw_stored(pen(x as f64)).await;
    }
    for stroke in erased {
        ada.erase(stroke).await;
    }
    ada.all_acknowledged().await;
    ada.draw_stored(pen(1.0)).await;
    let swept = awake.store.sweep(Duration::ZERO).await.unwrap();
    assert_eq!(swept.tombstones, ERASED);
    drop(held);

    ada.reach((ERASED + DRAWN + ERASED + 1) as u64).await;
    let picture = ada.picture();
    assert_eq!(picture.len(), DRAWN + 1);
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
