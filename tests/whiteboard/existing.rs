//! Opening a database: a mistyped address creates nothing where a database must exist, and none is
//! opened with weaker durability.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

use support::database::{DatabaseServer, in_folder};
use support::http::{create_drawing, http};
use support::process::{program, spawn};
use support::server::TestServer;
use whiteboard::config::{Settings, SettingsError};
use whiteboard::domain::ids::ServerId;
use whiteboard::metrics::Metrics;
use whiteboard::store::{Store, StoreError};

const NONE_THERE: &str = "there is no whiteboard database at this address";

fn new_epoch(folder: &Path, flags: &[&str]) -> Output {
    program(env!("CARGO_BIN_EXE_whiteboard"))
        .arg("--new-epoch")
        .args(flags)
        .env_clear()
        .current_dir(folder)
        .output()
        .unwrap()
}

fn is_refused(output: &Output) {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(NONE_THERE), "{text}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

#[test]
fn a_new_epoch_in_a_folder_without_a_database_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    std::fs::write(photos.join("cat.jpg"), "miaow").unwrap();
    for database in [
        "surrealkv://dta",
        "surrealkv://photos",
        "surrealkv://photos/dta",
        "surrealkv://photos/cat.jpg",
        "mem://",
    ] {
        is_refused(&new_epoch(folder.path(), &["--database", database]));
        assert_eq!(entries(folder.path()), ["photos"], "{database}");
        assert_eq!(entries(&photos), ["cat.jpg"], "{database}");
    }
    is_refused(&new_epoch(folder.path(), &[]));
    assert_eq!(entries(folder.path()), ["photos"]);
}

#[actix_web::test]
async fn a_new_epoch_under_another_name_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut embedded = in_folder(&folder.path().join("data"));
    embedded.name = "epoch".into();
    let surreal = DatabaseServer::start();
    for database in [embedded, surreal.database("epoch")] {
        let server = TestServer::on(&database, &[]).await;
        create_drawing(server.address()).await;
        server.drain().await;
        let user = database.user.clone().unwrap_or_default();
        let password = database.password.clone().unwrap_or_default();
        let begin = |namespace: &str, name: &str| {
            let url = ["--database", &database.url];
            let place = ["--database-namespace", namespace, "--database-name", name];
            let user = ["--database-user", &user, "--database-password", &password];
            let flags = [&url[..], &place[..], &user[..]].concat();
            new_epoch(folder.path(), &flags)
        };
        for (namespace, name) in [("test", "lfe"), ("tst", "epoch")] {
            // If the first run created it, the second would find it.
            for _ in 0..2 {
                is_refused(&begin(namespace, name));
            }
            let mut mistyped = database.clone();
            (mistyped.namespace, mistyped.name) = (namespace.into(), name.into());
            let opened = Store::open_existing(&mistyped, ServerId::random(), Metrics::new()).await;
            assert_eq!(opened.err(), Some(StoreError::NoDatabase));
        }
        let begun = begin("test", "epoch");
        assert_eq!(begun.status.code(), Some(0), "{begun:?}");
        assert_eq!(
            String::from_utf8(begun.stdout).unwrap(),
            "1 drawings began a new epoch\n"
        );
    }
    assert!(!databases(&surreal).await.contains("lfe"));
    assert!(!namespaces(&surreal).await.contains("tst"));

    // An existing database of another program: nothing is defined in it.
    let foreign = surreal.database("foreign");
    sql(&surreal, "DEFINE DATABASE foreign").await;
    let opened = Store::open_existing(&foreign, ServerId::random(), Metrics::new()).await;
    assert_eq!(opened.err(), Some(StoreError::NoDatabase));
    let tables = sql(&surreal, "USE DB foreign; INFO FOR DB").await;
    assert!(!tables.contains("meta"), "{tables}");
}

async fn databases(server: &DatabaseServer) -> String {
    let text = sql(server, "INFO FOR NS").await;
    assert!(text.contains("epoch"), "{text}");
    text
}

async fn namespaces(server: &DatabaseServer) -> String {
    let text = sql(server, "INFO FOR ROOT").await;
    assert!(text.contains("test"), "{text}");
    text
}

/// Sends a query to the SurrealDB server itself, in the namespace of the tests.
async fn sql(server: &DatabaseServer, text: &'static str) -> String {
    let url = format!("http://{}/sql", server.address());
    let asked = http()
        .post(url)
        .basic_auth("root", Some("root"))
        .header("Surreal-NS", "test")
        .header("Accept", "application/json")
        .body(text)
        .send();
    let text = asked.await.unwrap().error_for_status().unwrap();
    text.text().await.unwrap()
}

#[test]
fn an_address_with_parameters_that_weaken_saved_is_a_wrong_setting() {
    for address in [
        "surrealkv://data?sync=never",
        "surrealkv://data?SYNC=5s",
        "surrealkv://data?sync=every&sync_data=never",
        "surrealkv://data?versioned=true",
        "surrealkv://data?colour=blue",
        "mem://?persist=data",
        "ws://127.0.0.1:8000?sync=every",
    ] {
        match Settings::from_flags([format!("--database={address}").as_str()]) {
            Err(SettingsError::Wrong(text)) => {
                assert!(text.contains("(--database) is"), "{text}");
                assert!(text.contains("parameter"), "{text}");
            }
            other => panic!("{address}: {other:?}"),
        }
    }
    let allowed = Settings::from_flags(["--database=surrealkv://data?sync=every"]);
    assert_eq!(allowed.unwrap().database.url, "surrealkv://data?sync=every");
}

/// The store alone, without the settings, gives the same durability.
#[actix_web::test]
async fn the_store_opens_no_address_with_parameters_that_weaken_saved() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::from_flags(["--database=mem://"]).unwrap();
    let mut database = settings.database.database();
    database.url = format!("surrealkv://{}/data?sync=never", folder.path().display());
    match Store::open(&database, ServerId::random(), Metrics::new()).await {
        Err(StoreError::Unavailable(text)) => assert!(text.contains("sync=every"), "{text}"),
        other => panic!("{:?}", other.err()),
    }
    assert_eq!(entries(folder.path()), Vec::<String>::new());
}

#[test]
fn a_server_that_forgets_says_so_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (database, warns) in [("mem://", true), ("surrealkv://data", false)] {
        let mut command = program(env!("CARGO_BIN_EXE_whiteboard"));
        command
            .args(["--listen=127.0.0.1:0", "--database", database])
            .env_clear()
            .current_dir(folder.path())
            .stderr(Stdio::piped());
        let mut child = spawn(command);
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let log: Vec<_> = log
            .map_while(Result::ok)
            .take_while(|line| !line.contains("is ready at"))
            .collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let warned = log
            .iter()
            .any(|line| line.contains("WARN") && line.contains("gone when this server stops"));
        assert_eq!(warned, warns, "{database}: {log:#?}");
    }
}
