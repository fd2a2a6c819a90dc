//! A database that answers with errors: ops that fail for now are kept, and only those that always
//! fail are refused.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::client::Client;
use support::database::DatabaseServer;
use support::http::{create_drawing, http, metric, metric_is, strokes};
use support::server::{ServerProcess, TestServer, settings_on};
use support::state::{large_pen, pen};
use whiteboard::store::Database;

/// Failures to wait for, and the deadline for a disk to fill up.
const FAILURES: f64 = 5.0;
const FAILS_WITHIN: Duration = Duration::from_secs(30);

/// Strokes to write to a disk, and the bytes of each.
const STROKES: u64 = 100;
const STROKE_BYTES: usize = 2 * 1024;
/// What fits on the disk at first.
const ROOM: u64 = 128 * 1024;
/// The last line of a server then.
const FULL: &str = "whiteboard: the database's storage failed (is the disk full?)";

/// Runs a query over HTTP, bypassing all servers.
pub async fn query(database: &Database, text: String) {
    let url = format!("{}/sql", database.url.replace("ws://", "http://"));
    let answer = http()
        .post(url)
        .basic_auth(database.user.as_ref().unwrap(), database.password.as_ref())
        .header("Surreal-NS", &database.namespace)
        .header("Surreal-DB", &database.name)
        .header("Accept", "application/json")
        .body(text)
        .send()
        .await
        .unwrap();
    let results: Value = answer.json().await.unwrap();
    let results = results.as_array().expect("a result for each statement");
    assert!(
        results.iter().all(|result| result["status"] == "OK"),
        "{results:?}"
    );
}

/// Appends that the database answered with an error.
const FAILED: &str = "whiteboard_appends_total{outcome=\"failed\"}";

#[actix_web::test]
async fn a_database_that_takes_nothing_for_a_while_makes_no_op_refused() {
    let process = DatabaseServer::start();
    let database = process.database("full");
    let server = TestServer::on(&database, &[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    let mut ben = Client::open(server.address(), &drawing).await;
    let first = ada.draw_stored(pen(1.0)).await;

    let fails = "DEFINE FIELD OVERWRITE changed ON drawing TYPE datetime ASSERT false";
    query(&database, fails.into()).await;
    // A single op, and a batch.
    ada.draw(pen(2.0)).await;
    ben.edit(first, json!({"x": 5})).await;
    for x in 3..10 {
        ada.draw(pen(f64::from(x))).await;
    }
    metric_is(server.address(), FAILED, |count| count >= FAILURES).await;
    let works = "DEFINE FIELD OVERWRITE changed ON drawing TYPE datetime";
    query(&database, works.into()).await;

    ada.all_acknowledged().await;
    ben.all_acknowledged().await;
    assert!(ada.refusals.is_empty(), "{:?}", ada.refusals);
    assert!(ben.refusals.is_empty(), "{:?}", ben.refusals);
    ben.reach(10).await;
    let stored = strokes(server.address(), &drawing).await;
    assert_eq!(stored["changes"].as_array().unwrap().len(), 9);
}

#[actix_web::test]
async fn an_op_that_the_database_never_takes_is_refused_and_no_other() {
    let process = DatabaseServer::start();
    let database = process.database("poisoned");
    let server = TestServer::on(&database, &[]).await;
    let drawing = create_drawing(server.address()).await;
    let table = format!("stroke_{drawing}");
    let poisoned = format!(
        "DEFINE FIELD OVERWRITE body ON `{table}` TYPE option<string> ASSERT !string::contains($value, 'poison')"
    );
    query(&database, poisoned).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    let mut ben = Client::open(server.address(), &drawing).await;
    ada.draw(pen(1.0)).await;
    let mut body = pen(2.0);
    body["note"] = json!("poison");
    ada.draw(body).await;
    ada.draw(pen(3.0)).await;
    ben.draw(pen(4.0)).await;
    ada.all_acknowledged().await;
    ben.all_acknowledged().await;
    let refused: Vec<_> = ada.refusals.iter().collect();
    let [(2, refused)] = refused[..] else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.reason, "invalid");
    assert!(ben.refusals.is_empty(), "{:?}", ben.refusals);
    // Three strokes, and the row that records the refusal.
    ben.reach(4).await;
    assert_eq!(ben.picture().len(), 3);
}

#[actix_web::test]
async fn an_op_that_failed_once_is_not_refused() {
    let process = DatabaseServer::start();
    let database = process.database("once");
    let server = TestServer::on(&database, &[]).await;
    let drawing = create_drawing(server.address()).await;
    // No stroke is refused before the server has probed whether the database accepts any write.
    let hurdle = format!(
        "DEFINE TABLE hurdle; CREATE hurdle:one SET up = true;
        DEFINE EVENT touched ON drawing WHEN $before.head = $after.head
            THEN (UPDATE hurdle:one SET up = false);
        DEFINE FIELD OVERWRITE body ON `stroke_{drawing}` TYPE option<string>
            ASSERT (SELECT VALUE up FROM ONLY hurdle:one) = false"
    );
    query(&database, hurdle).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    ada.draw_stored(pen(1.0)).await;
    assert!(ada.refusals.is_empty(), "{:?}", ada.refusals);
    ada.reach(1).await;
    assert_eq!(metric(server.address(), FAILED).await, 1.0);
}

#[actix_web::test]
async fn a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut process = ServerProcess::start_with_little_space(&data, ROOM);
    let drawing = create_drawing(process.address).await;
    let mut ada = Client::open(process.address, &drawing).await;
    let large = large_pen(1.0, STROKE_BYTES);
    ada.draw_stored(large.clone()).await;
    for _ in 1..STROKES {
        ada.draw(large.clone()).await;
    }
    // Anything stored after the failure would be lost in the next crash: so nothing is.
    let closed = ada.closed().await;
    assert_eq!(closed.code, 1012, "{closed:?}");
    let (status, log) = process.ended().await;
    assert_eq!(status.code(), Some(1));
    assert!(log.last().unwrap().starts_with(FULL), "{log:?}");
    let kept = ada.outbox.len() as u64;
    assert!(0 < kept && kept < STROKES, "{kept} strokes have no answer");

    let process = ServerProcess::start(&data);
    let mut ben = Client::open(process.address, &drawing).await;
    ben.reach(STROKES - kept).await;
    ada.reconnect(process.address).await;
    ada.all_acknowledged().await;
    assert!(ada.refusals.is_empty(), "{:?}", ada.refusals);
    ada.reach(STROKES).await;
    process.kill();
    let process = ServerProcess::start(&data);
    ben.reconnect(process.address).await;
    ben.reach(STROKES).await;
    assert_eq!(ben.picture(), ada.picture());
}

#[actix_web::test]
async fn a_disk_that_is_full_while_nobody_draws_is_noticed_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = ServerProcess::start_with_little_space(&folder.path().join("data"), ROOM);
    let address = process.address;
    let drawing = create_drawing(address).await;
    let http = reqwest::Client::builder().timeout(FAILS_WITHIN).build();
    let http = http.unwrap();
    let deadline = Instant::now() + FAILS_WITHIN;
    for n in 0.. {
        assert!(Instant::now() < deadline, "{n} titles fit on the disk");
        let rename = http
            .patch(format!("http://{address}/api/drawings/{drawing}"))
            .json(&json!({"title": format!("{n} {}", "long ".repeat(20))}))
            .send();
        if !rename.await.is_ok_and(|answer| answer.status() == 200) {
            break;
        }
    }
    let (status, log) = process.ended().await;
    assert_eq!(status.code(), Some(1));
    assert!(log.last().unwrap().starts_with(FULL), "{log:?}");
}

#[actix_web::test]
async fn a_drain_that_takes_too_long_sends_everyone_elsewhere_all_the_same() {
    let mut process = DatabaseServer::start();
    let mut database = process.database("drained");
    database.query_timeout = Duration::from_secs(4);
    let mut settings = settings_on(&database, &[]);
    settings.server.drain_timeout = Duration::from_secs(1);
    let server = TestServer::with(settings).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    ada.draw_stored(pen(1.0)).await;
    process.kill();
    ada.draw(pen(2.0)).await;
    let (closed, ()) = futures_util::future::join(ada.closed(), server.drain()).await;
    assert_eq!(closed.code, 1012, "{closed:?}");

    process.restart();
    let server = TestServer::on(&database, &[]).await;
    ada.reconnect(server.address()).await;
    ada.all_acknowledged().await;
    ada.reach(2).await;
    drop(ada);
}
