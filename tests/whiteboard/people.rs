//! Presence for clients and lists: no one who has left, and no rows without a receiver.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::browser::Browser;
use crate::parts::Parts;
use crate::surrealdb;
use crate::test_server::{client, create_drawing, metric, serve, serve_on};

/// Deadline of everything that the tests wait for.
const SOON: Duration = Duration::from_secs(20);
/// Polling interval.
const LOOK: Duration = Duration::from_millis(20);
/// A silent server is dropped after more than three heartbeats of 2 s, one of which may be over
/// when it stops.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(4);

fn names(browser: &Browser) -> Vec<&str> {
    let mut names: Vec<_> = browser.people.iter().map(|one| &*one.name).collect();
    names.sort_unstable();
    names
}

#[actix_web::test]
async fn the_people_of_a_server_that_drains_are_gone_before_it_is_forgotten() {
    let process = surrealdb::Server::start();
    let database = process.database("people");
    let one = serve_on(&database, &[]).await;
    let two = serve_on(&database, &[]).await;
    let drawing = create_drawing(one.address()).await;
    let mut ada = Browser::named(one.address(), &drawing, "Ada").await;
    let mut ben = Browser::named(two.address(), &drawing, "Ben").await;
    for browser in [&mut ada, &mut ben] {
        browser.wait("both", |b| names(b) == ["Ada", "Ben"]).await;
    }
    let began = Instant::now();
    let draining = actix_web::rt::spawn(one.drain());
    ben.wait("Ada being gone", |b| names(b) == ["Ben"]).await;
    let gone = began.elapsed();
    assert!(gone < FORGOTTEN_AFTER, "{gone:?}");
    assert_eq!(ada.closed().await.code, 1012);
    draining.await.unwrap();
    drop(ben);
    two.drain().await;
}

#[actix_web::test]
async fn no_peer_row_is_written_without_other_servers() {
    let server = serve(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let heard = "whiteboard_notifications_total{kind=\"signals\"}";
    let mut ada = Browser::named(address, &drawing, "Ada").await;
    // A new feed asks once whether there are others.
    let deadline = Instant::now() + SOON;
    while metric(address, heard).await != 1.0 {
        assert!(Instant::now() < deadline, "it asked, and hears itself");
        sleep(LOOK).await;
    }
    let mut ben = Browser::named(address, &drawing, "Ben").await;
    ada.wait("both", |b| names(b) == ["Ada", "Ben"]).await;
    let writer = ada.writer.expect("it is welcome");
    for x in 0..10 {
        let x = f64::from(x);
        ada.signal(json!({"pointer": {"x": x, "y": 2}})).await;
        ben.wait("the pointer", |b| {
            b.pointers.get(&writer) == Some(&(x, 2.0))
        })
        .await;
    }
    for _ in 0..5 {
        let cleo = Browser::named(address, &drawing, "Cleo").await;
        ada.wait("Cleo", |b| b.people.len() == 3).await;
        cleo.leave().await;
        ada.wait("Cleo being gone", |b| b.people.len() == 2).await;
    }
    assert_eq!(metric(address, heard).await, 1.0);
    drop((ada, ben));
    server.drain().await;
}

#[actix_web::test]
async fn a_server_that_fell_silent_does_not_count_in_lists() {
    let parts = Parts::start(&[]).await;
    let drawing = create_drawing(parts.address).await;
    let url = format!("http://{}/api/drawings", parts.address);
    let listed = || async {
        let list = client().get(&url).send().await.expect("an answer");
        let list: Value = list.json().await.expect("JSON");
        list["drawings"][0]["people"].as_u64().expect("a number")
    };
    let deadline = Instant::now() + SOON;
    // One announcement, and then silence.
    let counts = [(drawing.parse().expect("an id"), 5)];
    loop {
        parts.store.heartbeat(&counts).await.unwrap();
        if listed().await == 5 {
            break;
        }
        assert!(Instant::now() < deadline, "a server that is there counts");
    }
    while listed().await > 0 {
        assert!(Instant::now() < deadline, "a silent server counts");
        sleep(LOOK).await;
    }
    parts.stop().await;
}
