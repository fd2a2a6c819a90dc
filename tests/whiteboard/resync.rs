//! Reconnecting: a client gets what it lacks, and starts over when its position is invalid.

use std::time::Duration;

use serde_json::json;
use support::client::Client;
use support::database::DatabaseServer;
use support::http::{answers, create_drawing, strokes};
use support::server::{ServerProcess, TestServer, settings_on};
use support::socket::{rejected, request};
use support::state::{large_pen, pen};
use uuid::Uuid;
use whiteboard::domain::ids::Epoch;
use whiteboard::store::Database;

/// A server that waits for long until everything is stored before it stops.
async fn patient(database: &Database) -> TestServer {
    let mut settings = settings_on(database, &[]);
    settings.server.drain_timeout = Duration::from_secs(60);
    TestServer::with(settings).await
}

#[actix_web::test]
async fn a_reconnect_sends_only_newer_changes() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    let mut ben = Client::open(server.address(), &drawing).await;
    let old = ada.draw(pen(1.0)).await;
    ada.draw_stored(pen(2.0)).await;
    ben.reach(2).await;
    ben.cut();
    // The outbox fills while she is disconnected.
    let mine = ben.draw(pen(9.0)).await;
    ada.edit(old, json!({"x": 5})).await;
    ada.draw_stored(pen(3.0)).await;
    // Removes one stroke by hand: it would return if more than the new changes were sent.
    let kept = ben.strokes.values().find(|held| held.seq == 2).unwrap();
    let kept = kept.stroke;
    let kept = ben.strokes.remove(&kept).unwrap();
    ben.reconnect(server.address()).await;
    ben.all_acknowledged().await;
    ben.wait("its own", |it| it.strokes.contains_key(&mine))
        .await;
    assert!(!ben.strokes.contains_key(&kept.stroke));
    assert_eq!((ben.head, ben.overlaps, ben.resets.len()), (5, 0, 0));
}

#[actix_web::test]
async fn a_since_from_another_epoch_starts_over() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    for x in [1.0, 2.0, 3.0] {
        ada.draw(pen(x)).await;
    }
    ada.all_acknowledged().await;
    ada.reach(3).await;

    let mut ben = Client::open(server.address(), &drawing).await;
    ben.reach(3).await;
    ben.epoch = Some(Epoch(Uuid::new_v4()));
    // Strokes that only the other epoch had must go.
    let phantom = ben.strokes.values().next().unwrap().clone();
    let phantom_id = whiteboard::domain::ids::StrokeId::random();
    ben.strokes.insert(phantom_id, phantom);
    ben.reconnect(server.address()).await;
    ben.reach(3).await;
    assert_eq!(ben.resets, ["epoch"]);
    assert_eq!(ben.epoch, ada.epoch);
    assert_eq!(ben.picture(), ada.picture());
}

#[actix_web::test]
async fn a_client_may_read_over_http_before_it_joins() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    let large = large_pen(1.0, 30_000);
    for _ in 0..50 {
        ada.draw(large.clone()).await;
    }
    ada.all_acknowledged().await;
    let mut ben = Client::new(server.address(), &drawing);
    ben.fetch().await;
    assert_eq!(ben.head, 50);
    ben.connect().await;
    ben.wait("a welcome", |it| it.welcome).await;
    ada.draw(pen(2.0)).await;
    ben.reach(51).await;
    ada.reach(51).await;
    assert_eq!((ben.reads, ben.overlaps), (0, 0));
    assert_eq!(ben.picture(), ada.picture());
    // Without that, it gets advice to read.
    let mut cleo = Client::viewing(server.address(), &drawing).await;
    cleo.reach(51).await;
    assert!(cleo.reads > 0);
    assert_eq!(cleo.picture(), ada.picture());
}

#[actix_web::test]
async fn a_drain_acknowledges_ops_in_flight_and_closes_with_restart() {
    const STROKES: u64 = 50;
    let mut process = DatabaseServer::start();
    let database = process.database("drain");
    let server = patient(&database).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut ada = Client::open(address, &drawing).await;
    // All ops are in flight when the server is stopped, and none is stored.
    process.kill();
    for x in 0..STROKES {
        ada.draw(pen(x as f64)).await;
    }
    ada.all_read().await;
    let read = format!("http://{address}/api/drawings/{drawing}/strokes?since=0");
    let draining = actix_web::rt::spawn(server.drain());
    answers(&read, 503).await;
    assert_eq!((ada.done, draining.is_finished()), (0, false));

    process.restart();
    let closed = ada.closed().await;
    assert_eq!(closed.code, 1012);
    assert!(closed.reason.starts_with("again in "), "{closed:?}");
    assert_eq!((ada.done, ada.outbox.len()), (STROKES, 0));
    assert!(ada.refusals.is_empty(), "{ada:?}");
    draining.await.unwrap();
    // Acknowledged ops are stored, once.
    let server = TestServer::on(&database, &[]).await;
    let stored = strokes(server.address(), &drawing).await;
    assert_eq!(stored["head"], STROKES);
    assert_eq!(
        stored["changes"].as_array().unwrap().len(),
        STROKES as usize
    );
    drop(ada);
}

#[actix_web::test]
async fn sockets_opened_during_a_drain_are_closed_for_a_restart() {
    let mut process = DatabaseServer::start();
    let server = patient(&process.database("door")).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut ada = Client::open(address, &drawing).await;
    // Ops that cannot be stored keep the server from ending.
    process.kill();
    ada.draw(pen(1.0)).await;
    ada.all_read().await;
    // Reading from memory needs no database: it answers until it stops.
    let read = format!("http://{address}/api/drawings/{drawing}/strokes?since=0");
    answers(&read, 200).await;
    let draining = actix_web::rt::spawn(server.drain());
    answers(&read, 503).await;
    let door = request(address, &format!("/ws/{drawing}?since=0"));
    let closed = rejected(address, door).await;
    assert_eq!(closed.code, 1012, "{closed:?}");
    assert!(closed.reason.starts_with("again in "), "{closed:?}");
    assert!(ada.is_connected() && !draining.is_finished());

    process.restart();
    assert_eq!(ada.closed().await.code, 1012);
    assert_eq!((ada.done, ada.outbox.len()), (1, 0));
    draining.await.unwrap();
}

#[actix_web::test]
async fn an_acknowledged_stroke_survives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = ServerProcess::start(&data);
    let drawing = create_drawing(process.address).await;
    let mut ada = Client::open(process.address, &drawing).await;
    let mut drawn = Vec::new();
    for round in 0..30 {
        for x in 0..10 {
            drawn.push(ada.draw(pen(f64::from(x))).await);
        }
        // Some ops are always unacknowledged.
        let least = 10 * round;
        ada.wait("some answers", |it| it.done >= least).await;
    }
    process.kill();
    let acknowledged = &drawn[..ada.done as usize];
    assert!(acknowledged.len() >= 290);

    let process = ServerProcess::start(&data);
    let mut viewer = Client::viewing(process.address, &drawing).await;
    viewer.reach(acknowledged.len() as u64).await;
    for stroke in acknowledged {
        assert!(viewer.strokes.contains_key(stroke), "{stroke} is lost");
    }
    // Unacknowledged ops are in the outbox, and take effect once.
    ada.reconnect(process.address).await;
    ada.all_acknowledged().await;
    viewer.reach(drawn.len() as u64).await;
    assert_eq!(viewer.head, drawn.len() as u64);
    assert!(drawn.iter().all(|id| viewer.strokes.contains_key(id)));
    assert!(ada.refusals.is_empty() && ada.resets.is_empty(), "{ada:?}");
}
