//! Readiness, and connections to the database that stop delivering without an error.

use std::time::Duration;

use serde_json::json;
use support::client::Client;
use support::database::DatabaseServer;
use support::http::{create_drawing, metric, metrics, ready};
use support::proxy::FaultyProxy;
use support::server::{self, TestServer, settings_on};
use support::state::pen;
use support::wait::eventually;
use whiteboard::config::Settings;
use whiteboard::store::Database;

/// Longest time until a server is ready after it listens, and after its database has returned.
const SOON: Duration = Duration::from_secs(3);
/// Longest time until it is not ready after its database is away.
const NOTICED: Duration = Duration::from_secs(4);
/// The connections in the order in which a server opens them.
const QUERIES: u64 = 0;
const LIVES: u64 = 1;

/// A server with frequent heartbeats, and no head checks during a test.
fn settings(database: &Database) -> Settings {
    let mut settings = settings_on(database, &["--head-check-interval=1h"]);
    settings.server.heartbeat_interval = Duration::from_millis(300);
    settings
}

#[actix_web::test]
async fn a_server_is_ready_once_it_receives_its_own_heartbeat() {
    let mut settings = server::settings("mem://", &[]);
    // Longer than the test: it becomes ready without a second heartbeat.
    settings.server.heartbeat_interval = Duration::from_secs(60);
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let server = TestServer::with(settings.clone()).await;
        fastest = fastest.min(ready(server.address(), 200).await);
        let metrics = metrics(server.address()).await;
        let unheard = "whiteboard_heartbeat_roundtrip_seconds_count 0\n";
        assert!(!metrics.contains(unheard), "{metrics}");
        server.drain().await;
    }
    assert!(fastest < SOON, "{fastest:?}");
}

#[actix_web::test]
async fn a_server_without_its_database_says_so_until_it_is_back() {
    let mut process = DatabaseServer::start();
    let server = TestServer::on(&process.database("ready"), &[]).await;
    ready(server.address(), 200).await;
    // On a busy machine, one fast attempt of several is enough.
    let mut fastest = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        process.kill();
        let noticed = ready(server.address(), 503).await;
        process.restart();
        let back = ready(server.address(), 200).await;
        eprintln!("not ready after {noticed:?}, ready again after {back:?}");
        fastest = (fastest.0.min(noticed), fastest.1.min(back));
    }
    assert!(fastest.0 < NOTICED && fastest.1 < SOON, "{fastest:?}");
}

#[actix_web::test]
async fn a_client_that_joins_while_the_database_is_away_is_told_to_retry() {
    let mut process = DatabaseServer::start();
    let mut database = process.database("away");
    // Also for its queries at the start, on a busy machine.
    database.query_timeout = Duration::from_secs(4);
    let server = TestServer::on(&database, &[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    process.kill();
    let mut ada = Client::new(address, &drawing);
    // She draws at once, before the welcome.
    ada.draw(pen(1.0)).await;
    ada.connect().await;
    let closed = ada.closed().await;
    assert_eq!(closed.code, 1013, "{closed:?}");
    assert!(closed.reason.starts_with("again in "), "{closed:?}");
    assert_eq!(ada.outbox.len(), 1);

    process.restart();
    ready(address, 200).await;
    ada.reconnect(address).await;
    ada.all_acknowledged().await;
    ada.reach(1).await;
    assert_eq!((ada.head, ada.strokes.len()), (1, 1));
}

#[actix_web::test]
async fn a_live_connection_that_went_deaf_is_replaced_and_drawings_are_followed_again() {
    let process = DatabaseServer::start();
    let direct = process.database("deaf");
    let proxy = FaultyProxy::to(process.address()).await;
    let mut through = direct.clone();
    through.url = format!("ws://{}", proxy.address);
    let one = TestServer::with(settings(&through)).await;
    let two = TestServer::with(settings(&direct)).await;
    ready(one.address(), 200).await;
    let drawing = create_drawing(one.address()).await;
    let mut ada = Client::named(one.address(), &drawing, "Ada").await;
    let mut ben = Client::named(two.address(), &drawing, "Ben").await;
    ben.draw(pen(1.0)).await;
    ada.reach(1).await;
    ada.wait("both", |it| it.people.len() == 2).await;

    assert_eq!(proxy.connections(), 2);
    proxy.silence_one(LIVES);
    ready(one.address(), 503).await;
    ready(one.address(), 200).await;
    assert_eq!(proxy.connections(), 3);
    // Strokes and signals from now on are received.
    ben.draw(pen(2.0)).await;
    ada.reach(2).await;
    ben.signal(json!({"pointer": {"x": 7, "y": 8}})).await;
    let ben_is = ben.writer.unwrap();
    ada.wait("the pointer", |it| it.pointers.contains_key(&ben_is))
        .await;
    // The proxy needs this thread.
    drop((ada, ben));
    one.drain().await;
    two.drain().await;
}

#[actix_web::test]
async fn a_query_connection_that_went_dumb_is_replaced() {
    let process = DatabaseServer::start();
    let mut database = process.database("dumb");
    let proxy = FaultyProxy::to(process.address()).await;
    database.url = format!("ws://{}", proxy.address);
    database.query_timeout = Duration::from_secs(1);
    let server = TestServer::with(settings(&database)).await;
    ready(server.address(), 200).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    ada.draw_stored(pen(1.0)).await;

    proxy.silence_one(QUERIES);
    ada.draw(pen(2.0)).await;
    ready(server.address(), 503).await;
    ada.all_acknowledged().await;
    ada.reach(2).await;
    ready(server.address(), 200).await;
    assert_eq!((ada.head, proxy.connections()), (2, 3));
    let metrics = metrics(server.address()).await;
    let replaced = "whiteboard_connections_replaced_total{connection=\"queries\"} 1";
    assert!(metrics.contains(replaced), "{metrics}");
    // Queries that never had an answer are no longer in flight; a check of the heads may be.
    eventually("no query is in flight", async || {
        metric(server.address(), "whiteboard_queries_in_flight").await == 0.0
    })
    .await;
    drop(ada);
    // The proxy needs this thread.
    server.drain().await;
}
