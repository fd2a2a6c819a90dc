//! A backup of a SurrealDB server is one export, made while people draw; restored, it has the
//! drawings of that time, and clients that saw more start over.

use futures_util::future::join;
use serde_json::json;
use support::client::Client;
use support::database::DatabaseServer;
use support::http::{create_drawing, http, strokes};
use support::process::program;
use support::server::TestServer;
use support::state::pen;
use whiteboard::store::Database;

/// Sends a request to the SurrealDB server itself, as `curl` does in docs/deployment.md.
fn ask(database: &Database, method: reqwest::Method, door: &str) -> reqwest::RequestBuilder {
    let url = format!("{}/{door}", database.url.replace("ws://", "http://"));
    http()
        .request(method, url)
        .basic_auth(database.user.as_ref().unwrap(), database.password.as_ref())
        .header("Surreal-NS", &database.namespace)
        .header("Surreal-DB", &database.name)
}

async fn export(database: &Database) -> String {
    let answer = ask(database, reqwest::Method::GET, "export").send().await;
    answer
        .unwrap()
        .error_for_status()
        .unwrap()
        .text()
        .await
        .unwrap()
}

#[actix_web::test]
async fn a_restored_backup_is_the_drawings_as_they_were() {
    let database = DatabaseServer::start();
    let before = database.database("before");
    let server = TestServer::on(&before, &[]).await;
    let quiet = create_drawing(server.address()).await;
    let busy = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &quiet).await;
    let mut drawn = Vec::new();
    for x in 0..200 {
        let mut body = pen(f64::from(x));
        body["note"] = json!("'\"\\` $x ⟨ü⟩ \n -- ; {}");
        drawn.push(ada.draw(body).await);
    }
    for stroke in &drawn[..20] {
        ada.erase(*stroke).await;
    }
    for stroke in &drawn[20..40] {
        ada.edit(*stroke, json!({"x": 5})).await;
    }
    ada.all_acknowledged().await;
    let as_it_was = strokes(server.address(), &quiet).await;
    let head = as_it_was["head"].as_u64().unwrap();

    // One drawing changes during the backup, and the other after it.
    let mut ben = Client::open(server.address(), &busy).await;
    let drawing_on = async {
        for x in 0..200 {
            ben.draw(pen(f64::from(x))).await;
        }
        ben.all_acknowledged().await;
    };
    let (backup, ()) = join(export(&before), drawing_on).await;
    ada.draw_stored(pen(1.0)).await;
    ada.reach(head + 1).await;
    server.drain().await;

    let after = database.database("after");
    let restore = ask(&after, reqwest::Method::POST, "import").body(backup);
    let restored = restore.send().await.unwrap();
    assert_eq!(restored.status(), 200, "{}", restored.text().await.unwrap());
    let new_epoch = program(env!("CARGO_BIN_EXE_whiteboard"))
        .args(["--new-epoch", "--database", &after.url])
        .args(["--database-namespace", &after.namespace])
        .args(["--database-name", &after.name])
        .args(["--database-user", "root", "--database-password", "root"])
        .output()
        .unwrap();
    assert!(new_epoch.status.success(), "{new_epoch:?}");

    let server = TestServer::on(&after, &[]).await;
    let as_it_is = strokes(server.address(), &quiet).await;
    for part in ["head", "title", "changes"] {
        assert_eq!(as_it_is[part], as_it_was[part], "{part}");
    }
    assert_ne!(as_it_is["epoch"], as_it_was["epoch"]);

    // Ada's client holds a stroke that the backup does not have.
    ada.reconnect(server.address()).await;
    ada.wait("starting over", |it| it.resets == ["epoch"]).await;
    ada.reach(head).await;
    assert_eq!(ada.picture().len(), 180);
    // If the head did not match its rows, every swap would fail.
    ben.reconnect(server.address()).await;
    for client in [&mut ada, &mut ben] {
        let mine = client.draw_stored(pen(9.0)).await;
        client
            .wait("its own", |it| it.strokes.contains_key(&mine))
            .await;
        let mut other = Client::viewing(server.address(), &client.drawing).await;
        other.reach(client.head).await;
        assert_eq!(other.picture(), client.picture());
    }
    drop((ada, ben));
}
