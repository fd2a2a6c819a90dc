//! Reconnecting: a client gets what it lacks, and starts over when its position is invalid.

use std::time::Duration;

use serde_json::json;
use support::client::Client;
use support::database::DatabaseServer;
use support::http::{answers, create_drawing, strokes};
use support::server::{ServerProcess, TestServer};
use support::socket::{rejected, request};
use support::state::{large_pen, pen};
use uuid::Uuid;
use whiteboard::domain::ids::Epoch;
use whiteboard::domain::ids::ServerId;
use whiteboard::metrics::Metrics;
use whiteboard::store::Store;

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
async fn a_since_from_the_future_starts_over() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    ada.draw_stored(pen(1.0)).await;
    ada.reach(1).await;
    for since in [2, (1 << 53) - 1] {
        let mut ben = Client::open(server.address(), &drawing).await;
        ben.reach(1).await;
        ben.head = since;
        ben.reconnect(server.address()).await;
        ben.wait("starting over", |it| it.resets == ["ahead"]).await;
        ben.wait("the drawing", |it| it.head == 1).await;
        assert_eq!(ben.picture(), ada.picture());
    }
}

#[actix_web::test]
async fn a_drawing_with_many_tombstones_is_served_to_new_and_returning_clients() {
    const ERASED: u64 = 150;
    let process = DatabaseServer::start();
    let database = process.database("tombstones");
    let warm = TestServer::on(&database, &[]).await;
    let drawing = create_drawing(warm.address()).await;
    let mut ada = Client::open(warm.address(), &drawing).await;
    let kept = ada.draw(pen(1.0)).await;
    let mut erased = Vec::new();
    for _ in 0..ERASED {
        erased.push(ada.draw(pen(2.0)).await);
    }
    ada.all_acknowledged().await;
    let mut ben = Client::open(warm.address(), &drawing).await;
    ben.reach(1 + ERASED).await;
    ben.cut();
    for stroke in &erased {
        ada.erase(*stroke).await;
    }
    ada.all_acknowledged().await;
    let head = 1 + 2 * ERASED;
    ada.reach(head).await;
    ada.cut();

    let cold = TestServer::on(&database, &[]).await;
    let mut looking = Client::viewing(cold.address(), &drawing).await;
    // Ben's stroke is erased, and the highest number of Ada's ops is in a tombstone.
    ben.reconnect(cold.address()).await;
    ada.reconnect(cold.address()).await;
    let mut over_http = Client::new(cold.address(), &drawing);
    over_http.fetch().await;
    looking.reach(head).await;
    ben.reach(head).await;
    for client in [&looking, &over_http] {
        let strokes: Vec<_> = client.strokes.keys().copied().collect();
        assert_eq!(strokes, [kept], "no tombstone");
    }
    assert_eq!(ben.picture(), ada.picture());
    assert!(ben.resets.is_empty() && ada.resets.is_empty());
    ada.wait("the welcome", |it| it.welcome).await;
    assert_eq!(ada.done, head);
    ben.submit(json!({"op": "draw", "stroke": erased[0], "body": pen(3.0)}))
        .await;
    ben.all_acknowledged().await;
    assert_eq!(ben.refusals.len(), 1, "its id was used");
    ada.draw_stored(pen(4.0)).await;
    looking.reach(head + 1).await;
    assert_eq!(looking.strokes.len(), 2);
    drop((ada, ben, looking, over_http));
}

#[actix_web::test]
async fn a_since_below_compacted_starts_over() {
    let process = DatabaseServer::start();
    let database = process.database("compacted");
    let warm = TestServer::on(&database, &[]).await;
    let drawing = create_drawing(warm.address()).await;
    let mut ada = Client::open(warm.address(), &drawing).await;
    let old = ada.draw_stored(pen(1.0)).await;
    let mut below = Client::open(warm.address(), &drawing).await;
    let mut below_over_http = Client::new(warm.address(), &drawing);
    below.reach(1).await;
    below.cut();
    below_over_http.fetch().await;
    let young = ada.draw(pen(2.0)).await;
    ada.draw(pen(3.0)).await;
    // A stroke drawn and erased in one batch would have only one position.
    ada.all_acknowledged().await;
    ada.erase(old).await;
    ada.erase(young).await;
    ada.all_acknowledged().await;
    let mut at_the_floor = Client::open(warm.address(), &drawing).await;
    at_the_floor.reach(5).await;
    at_the_floor.cut();
    ada.draw_stored(pen(4.0)).await;
    ada.reach(6).await;
    let store = Store::open(&database, ServerId::random(), Metrics::new())
        .await
        .unwrap();
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap().tombstones, 2);
    store.close().await;

    // A server that reads the drawing only now does not know what was erased up to there.
    let cold = TestServer::on(&database, &[]).await;
    below.reconnect(cold.address()).await;
    below.reach(6).await;
    assert_eq!(below.resets, ["compacted"]);
    below_over_http.address = cold.address();
    below_over_http.fetch().await;
    assert_eq!(below_over_http.resets, ["over HTTP"]);
    let before = at_the_floor.changes;
    at_the_floor.reconnect(cold.address()).await;
    at_the_floor.reach(6).await;
    assert!(at_the_floor.resets.is_empty());
    assert_eq!(at_the_floor.changes, before + 1);
    for page in [&below, &below_over_http, &at_the_floor] {
        assert_eq!((page.head, page.picture()), (6, ada.picture()));
    }
    drop((ada, below, at_the_floor));
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
async fn a_writer_goes_on_where_it_was() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    ada.draw(pen(1.0)).await;
    ada.draw_stored(pen(2.0)).await;
    // Another client that adopts this writer's outbox has its key and tab.
    let mut heir = Client::new(server.address(), &drawing);
    (heir.key, heir.tab, heir.name) = (ada.key, ada.tab, None);
    ada.leave().await;
    heir.connect().await;
    heir.wait("a welcome", |it| it.welcome).await;
    assert_eq!(heir.done, 2);
    heir.draw_stored(pen(3.0)).await;
    assert_eq!(heir.done, 3);
    heir.reach(3).await;
}

#[actix_web::test]
async fn a_drain_acknowledges_ops_in_flight_and_closes_with_restart() {
    const STROKES: u64 = 50;
    let mut process = DatabaseServer::start();
    let database = process.database("drain");
    let server = TestServer::on(&database, &["--drain-timeout=1m"]).await;
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
    let server = TestServer::on(&process.database("door"), &["--drain-timeout=1m"]).await;
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
    let mut looking = Client::viewing(process.address, &drawing).await;
    looking.reach(acknowledged.len() as u64).await;
    for stroke in acknowledged {
        assert!(looking.strokes.contains_key(stroke), "{stroke} is lost");
    }
    // Unacknowledged ops are in the outbox, and take effect once.
    ada.reconnect(process.address).await;
    ada.all_acknowledged().await;
    looking.reach(drawn.len() as u64).await;
    assert_eq!(looking.head, drawn.len() as u64);
    assert!(drawn.iter().all(|id| looking.strokes.contains_key(id)));
    assert!(ada.refusals.is_empty() && ada.resets.is_empty(), "{ada:?}");
}
