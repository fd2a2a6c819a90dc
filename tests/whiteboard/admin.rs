//! The operator's commands, on the database itself: servers that run on it obey, and no secret is printed.

use std::process::Output;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use support::client::Client;
use support::database::{DatabaseServer, in_folder};
use support::http::http;
use support::process::program;
use support::server::TestServer;
use support::state::pen;
use tokio::time::timeout;
use whiteboard::store::Database;

/// Within this time after the command, running servers obey.
const SOON: Duration = Duration::from_secs(1);
const FLAGS: &[&str] = &["--access=links", "--head-check-interval", "1h"];

fn admin(database: &Database, words: &[&str]) -> Output {
    let mut command = program(env!("CARGO_BIN_EXE_whiteboard"));
    command
        .args(["admin", "--database", &database.url])
        .args(["--database-namespace", &database.namespace])
        .args(["--database-name", &database.name])
        .current_dir("/");
    for (name, value) in [("USER", &database.user), ("PASSWORD", &database.password)] {
        let value = value.as_deref().unwrap_or_default();
        command.env(format!("WHITEBOARD_DATABASE_{name}"), value);
    }
    command.args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a command prints that succeeds, and its log.
fn done(database: &Database, words: &[&str]) -> (String, String) {
    let output = admin(database, words);
    let (out, log) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{words:?}: {out}{log}");
    (out, log)
}

/// The objects that a command prints as JSON.
fn objects(database: &Database, words: &[&str]) -> Vec<Value> {
    let (out, _) = done(database, &[words, &["--json"]].concat());
    let lines = out.lines();
    lines.map(|it| serde_json::from_str(it).unwrap()).collect()
}

/// The one line that a command prints that fails.
fn fails(database: &Database, words: &[&str]) -> String {
    let output = admin(database, words);
    let log = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words:?}: {log}");
    assert!(output.stdout.is_empty(), "{words:?}");
    let line = log.lines().last().unwrap();
    line.strip_prefix("whiteboard: ").unwrap().to_owned()
}

async fn ask(server: &TestServer, path: &str, key: Option<&str>, body: Value) -> Value {
    let url = format!("http://{}/api/drawings{path}", server.address());
    let mut asked = http().request(Method::POST, url).json(&body);
    if let Some(key) = key {
        asked = asked.bearer_auth(key);
    }
    asked.send().await.unwrap().json().await.unwrap()
}

async fn join(server: &TestServer, drawing: &str, key: &str) -> Client {
    let mut client = Client::new(server.address(), drawing);
    client.name = Some("Ada".into());
    client.token = Some(key.to_owned());
    client.connect().await;
    client.draw_stored(pen(1.0)).await;
    client
}

async fn closed_soon(client: &mut Client) -> u16 {
    let closed = timeout(SOON, client.closed()).await;
    closed.expect("it is closed in time").code
}

#[actix_web::test]
async fn servers_obey_what_an_operator_does_in_the_database() {
    let server = DatabaseServer::start();
    let database = server.database("admin");
    let one = TestServer::on(&database, FLAGS).await;
    let other = TestServer::on(&database, FLAGS).await;
    let made = ask(&one, "", None, json!({"title": "Roof"})).await;
    let (id, own) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let asked = json!({"access": "draw", "name": "a class"});
    let key = ask(&one, &format!("/{id}/keys"), Some(own), asked).await;
    let (draw, key) = (key["key"].as_str().unwrap(), key["id"].as_str().unwrap());
    let mut guests = [join(&one, id, draw).await, join(&other, id, draw).await];
    let mut owner = join(&other, id, own).await;

    let (listed, _) = done(&database, &["list"]);
    let rows: Vec<_> = listed.lines().collect();
    assert_eq!(rows.len(), 2, "{listed}");
    assert!(rows[1].starts_with(id) && rows[1].ends_with("  Roof"));
    let shown = &objects(&database, &["show", id])[0];
    assert_eq!(shown["title"], "Roof");
    assert_eq!((&shown["changes"], &shown["keys"]), (&json!(3), &json!(2)));
    assert!(
        done(&database, &["show", id])
            .0
            .contains("keys           2")
    );
    let keys = objects(&database, &["keys", id]);
    let named: Vec<_> = keys.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(named, ["", "a class"]);
    assert_eq!(keys[1]["id"], key);
    assert_eq!(done(&database, &["keys", id]).0.lines().count(), 3);
    let counted = &objects(&database, &["stats"])[0];
    assert_eq!(
        (&counted["drawings"], &counted["keys"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(counted["servers"], 2);

    let (_, log) = done(&database, &["revoke", id, key]);
    let line = format!("drawing {id}: the operator revoked key {key}");
    assert!(
        log.contains("whiteboard::audit") && log.contains(&line),
        "{log}"
    );
    for guest in &mut guests {
        assert_eq!(closed_soon(guest).await, 4403);
    }
    owner.draw_stored(pen(2.0)).await;
    let first = keys[0]["id"].as_str().unwrap();
    assert!(fails(&database, &["revoke", id, first]).contains("the last key"));
    assert!(fails(&database, &["revoke", id, key]).contains("no such key"));

    let (_, log) = done(&database, &["delete", id]);
    assert!(
        log.contains(&format!("drawing {id}: the operator deleted it")),
        "{log}"
    );
    assert_eq!(closed_soon(&mut owner).await, 4404);
    assert!(fails(&database, &["delete", id]).contains("deleted"));
    assert!(objects(&database, &["list"]).is_empty());
    assert_eq!(objects(&database, &["list", "--deleted"])[0]["id"], id);
    assert!(objects(&database, &["show", id])[0]["deleted"].is_string());

    let (_, log) = done(&database, &["restore", id]);
    assert!(
        log.contains(&format!("drawing {id}: the operator restored it")),
        "{log}"
    );
    assert!(objects(&database, &["list", "--deleted"]).is_empty());
    join(&one, id, own).await.draw_stored(pen(3.0)).await;

    for words in [
        &["list"][..],
        &["show", id],
        &["keys", id],
        &["keys", id, "--json"],
        &["stats"],
    ] {
        let output = admin(&database, words);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(
            !all.contains(own) && !all.contains(draw),
            "{words:?}: {all}"
        );
    }
    let unknown = "0".repeat(32);
    for words in [["show", &unknown], ["keys", &unknown], ["delete", &unknown]] {
        assert_eq!(fails(&database, &words), "there is no such drawing");
    }
}

#[actix_web::test]
async fn a_database_that_a_server_has_in_its_own_process_is_said_to_be_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let database = in_folder(folder.path());
    let server = TestServer::on(&database, &[]).await;
    ask(&server, "", None, json!({"title": "Roof"})).await;
    let words = fails(&database, &["list"]);
    assert!(words.contains("another process has it open"), "{words}");
    server.drain().await;
    assert_eq!(objects(&database, &["list"])[0]["title"], "Roof");
}

#[test]
fn wrong_words_are_explained_in_one_line() {
    let database = in_folder("/nowhere".as_ref());
    let id = "0".repeat(32);
    for (words, says) in [
        (&[][..], "say what to do"),
        (&["show", "roof"], "'<ID>'"),
        (&["revoke", &id, "roof"], "'<KEY_ID>'"),
        (&["repaint"], "unrecognized subcommand 'repaint'"),
    ] {
        let output = admin(&database, words);
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {log}");
        assert_eq!(log.lines().count(), 1, "{words:?}: {log}");
        assert!(log.contains(says), "{words:?}: {log}");
    }
    // A server's flags are not for it.
    let output = program(env!("CARGO_BIN_EXE_whiteboard"))
        .args(["--listen", "127.0.0.1:0", "admin", "list"])
        .current_dir("/")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    // The id of a key may begin with a hyphen.
    assert!(fails(&database, &["revoke", &id, "-bcdefghijk"]).contains("no whiteboard database"));
}

#[test]
fn each_command_is_in_the_help_and_in_the_documents() {
    let help = |words: &[&str]| {
        let mut command = program(env!("CARGO_BIN_EXE_whiteboard"));
        let output = command.args(words).current_dir("/").output().unwrap();
        assert!(output.status.success());
        text(&output.stdout)
    };
    assert!(help(&["--help"]).contains("admin"));
    let listed = help(&["admin", "--help"]);
    let document = include_str!("../../docs/operating.md");
    for command in [
        "list",
        "show ID",
        "keys ID",
        "revoke ID KEY",
        "delete ID",
        "restore ID",
        "stats",
    ] {
        let name = command.split(' ').next().unwrap();
        assert!(listed.contains(&format!("\n  {name} ")), "{name}: {listed}");
        assert!(document.contains(&format!("| `{command}` |")), "{command}");
    }
}
