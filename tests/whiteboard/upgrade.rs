//! Databases that older versions of the program left: what this one does with each.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use support::client::Client;
use support::database::in_folder;
use support::http::http;
use support::process::{Log, OnDrop, Process, whiteboard};
use support::server::TestServer;
use support::state::pen;
use support::wait::eventually_blocking;
use surrealdb::engine::any;
use whiteboard::domain::ids::StrokeId;

/// Written as that version did, whose tables must not follow those of today.
const BEFORE_ACCESS: &str = include_str!("upgrade/before_access.surql");
/// The same of a version that this program must not open.
const EARLY: &str = include_str!("upgrade/early.surql");
const NAMES: &str = "DEFINE NAMESPACE test; USE NS test; DEFINE DATABASE test STRICT; USE DB test;";
/// The drawing in each, and the stroke in the first.
const DRAWING: &str = "0b8e1f2d3c4a4f5e9a6b7c8d9e0f1a2b";
const STROKE: &str = "ERERERERQRGBEREREREREQ";
const OPERATOR: &str = "an-operators-key-of-a-test";
/// Stack of the database's threads, as in the store.
const STACK_BYTES: usize = 10 * 1024 * 1024;

/// Runs statements in a folder's database without the program; returns when it can be opened again.
async fn in_database(folder: &Path, text: String) {
    let url = in_folder(folder).url;
    let ran = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .unwrap();
        let work = runtime.spawn(async move {
            let client = any::connect(url).await.unwrap();
            client.query(text).await.unwrap().check().unwrap();
        });
        runtime.block_on(work).unwrap();
        eventually_blocking("the database shuts down", || {
            runtime.metrics().num_alive_tasks() == 0
        });
    });
    ran.await.unwrap();
}

/// What a server answers about the drawing, or all if there is no `rest`.
async fn ask(server: &TestServer, method: Method, rest: &str, key: Option<&str>) -> (u16, Value) {
    let url = format!("http://{}/api/drawings{rest}", server.address());
    let mut request = http().request(method, url);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let response = request.json(&json!({"access": "draw"})).send().await;
    let response = response.expect("an answer");
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

/// A client that has read what the old version left.
async fn reader(server: &TestServer, key: Option<&str>) -> Client {
    let mut client = Client::new(server.address(), DRAWING);
    client.token = key.map(str::to_owned);
    client.connect().await;
    let stroke: StrokeId = STROKE.parse().unwrap();
    client.sees(stroke).await;
    client.reach(3).await;
    assert_eq!(client.strokes[&stroke].body, Some(pen(1.0)));
    client
}

#[actix_web::test]
async fn a_database_from_before_access_control_is_open_to_all_or_the_operators_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    in_database(&data, format!("{NAMES}{BEFORE_ACCESS}")).await;
    let database = in_folder(&data);

    let mut drawn = Vec::new();
    for x in [2.0, 3.0] {
        let server = TestServer::on(&database, &["--access=open"]).await;
        let (status, listed) = ask(&server, Method::GET, "", None).await;
        assert_eq!(status, 200, "{listed}");
        assert_eq!(listed["drawings"].as_array().unwrap().len(), 1);
        let mut client = reader(&server, None).await;
        for stroke in &drawn {
            client.sees(*stroke).await;
        }
        drawn.push(client.draw_stored(pen(x)).await);
        client.leave().await;
        server.drain().await;
    }
    // Its drawings have no types any more, which each append would check, and lists still have their index.
    let now = "USE NS test DB test; LET $drawings = INFO FOR TABLE drawing;
        IF object::keys($drawings.fields) != ['listed'] { THROW $drawings.fields };
        IF object::len($drawings.indexes) != 2 { THROW $drawings.indexes };
        IF (SELECT VALUE schema FROM meta) != [4] { THROW 'another number' }";
    in_database(&data, now.to_owned()).await;

    let links = ["--access=links", "--operator-key", OPERATOR];
    let server = TestServer::on(&database, &links).await;
    for rest in ["", "/strokes", "/keys", "/export.json"] {
        let path = format!("/{DRAWING}{rest}");
        let (status, error) = ask(&server, Method::GET, &path, None).await;
        assert_eq!(status, 404, "{path}: {error}");
    }
    let mut stranger = Client::new(server.address(), DRAWING);
    stranger.connect().await;
    assert_eq!(stranger.closed().await.code, 4403);
    assert_eq!(stranger.strokes.len(), 0);
    let (status, listed) = ask(&server, Method::GET, "", Some(OPERATOR)).await;
    assert_eq!(status, 200, "{listed}");
    assert_eq!(listed["drawings"][0]["title"], "Before keys");
    let mut operator = reader(&server, Some(OPERATOR)).await;
    drawn.push(operator.draw_stored(pen(4.0)).await);
    // From here on it can be shared.
    let keys = format!("/{DRAWING}/keys");
    let (status, key) = ask(&server, Method::POST, &keys, Some(OPERATOR)).await;
    assert_eq!(status, 201, "{key}");
    let mut guest = reader(&server, key["key"].as_str()).await;
    for stroke in drawn {
        guest.sees(stroke).await;
    }
    operator.leave().await;
    guest.leave().await;
    server.drain().await;
}

#[actix_web::test]
async fn a_database_of_an_early_version_is_refused_at_the_start_whatever_its_number() {
    for raised in ["", "UPDATE meta:schema SET schema = 3;"] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        in_database(&data, format!("{NAMES}{EARLY}{raised}")).await;
        for flags in [&[][..], &["--new-epoch"], &[]] {
            let mut command = whiteboard();
            command
                .args(["--listen=127.0.0.1:0", "--database", &in_folder(&data).url])
                .args(["--database-namespace=test", "--database-name=test"])
                .args(flags);
            let mut process = Process::start("server", command, &Log::new(), OnDrop::Kill);
            let (status, log) = process.ended().await;
            assert_eq!(status.code(), Some(1), "{log:#?}");
            assert_eq!(log.len(), 1, "{log:#?}");
            assert!(log[0].contains("have no field `listed`"), "{log:#?}");
        }
        // It is as it was, and the program that wrote it can be used.
        let unchanged = "USE NS test DB test; IF (SELECT VALUE title FROM drawing) != ['Early']
            OR 'access_key' IN object::keys((INFO FOR DB).tables) { THROW 'changed' }";
        in_database(&data, unchanged.to_owned()).await;
    }
}
