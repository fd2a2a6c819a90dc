//! Keys that are revoked, on all servers: within a second, or with the next comparison of heads
//! where a server was not told.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use support::client::Client;
use support::http::http;
use support::state::pen;
use tokio::time::{Instant, timeout};

use crate::cluster::{Cluster, INTERVAL, Plan, READ};

/// A session is closed or lowered within this time.
const SOON: Duration = Duration::from_secs(1);
const LINKS: &[&str] = &["--access=links", "--head-check-interval", "1h"];
const LINKS_WITH_CHECKS: &[&str] = &[
    "--access=links",
    "--head-check-interval=2s",
    "--query-timeout=2s",
];

/// A drawing, its owner's key, and a key to draw with its id.
struct Shared {
    id: String,
    own: String,
    draw: String,
    key: String,
}

async fn ask(
    cluster: &Cluster,
    server: usize,
    method: Method,
    path: &str,
    key: Option<&str>,
    body: Value,
) -> Value {
    let url = format!("http://{}/api/drawings{path}", cluster.address(server));
    let mut request = http().request(method, url).json(&body);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let text = answer.text().await.expect("text");
    assert!(status.is_success(), "{status} {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

impl Shared {
    async fn on(cluster: &Cluster) -> Self {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let made = ask(cluster, 0, Method::POST, "", None, json!({})).await;
        let (id, own) = (text(&made["id"]), text(&made["key"]));
        let path = format!("/{id}/keys");
        let key = ask(
            cluster,
            0,
            Method::POST,
            &path,
            Some(&own),
            json!({"access": "draw"}),
        )
        .await;
        Self {
            id,
            own,
            draw: text(&key["key"]),
            key: text(&key["id"]),
        }
    }

    async fn own(&self, cluster: &Cluster, method: Method, rest: &str, body: Value) {
        let path = format!("/{}{rest}", self.id);
        ask(cluster, 0, method, &path, Some(&self.own), body).await;
    }

    async fn visitor(&self, cluster: &Cluster, server: usize, key: &str) -> Client {
        let mut client = Client::new(cluster.address(server), &self.id);
        client.name = Some("Ada".into());
        client.token = Some(key.to_owned());
        client.connect().await;
        client
            .wait("what it may do", |it| !it.standing.is_null())
            .await;
        client
    }
}

/// Waits until a client is closed for good; gives how long that took.
async fn closed(client: &mut Client, since: Instant, within: Duration) -> Duration {
    let closed = timeout(within, client.closed()).await;
    let took = since.elapsed();
    assert_eq!(closed.expect("it is closed in time").code, 4403);
    println!("closed after {took:?}");
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_revoked_on_all_servers_within_a_second() {
    let cluster = Plan::of(2).flags(LINKS).alone().start().await;
    let shared = Shared::on(&cluster).await;
    let mut here = shared.visitor(&cluster, 0, &shared.draw).await;
    let mut there = shared.visitor(&cluster, 1, &shared.draw).await;
    there.draw_stored(pen(1.0)).await;
    cluster.checks_are_over().await;
    let path = format!("/keys/{}", shared.key);

    let began = Instant::now();
    shared
        .own(&cluster, Method::PATCH, &path, json!({"access": "view"}))
        .await;
    for client in [&mut here, &mut there] {
        let lowered = client.wait("less access", |it| it.access == "view");
        timeout(SOON, lowered).await.expect("it is lowered in time");
    }
    println!("lowered after {:?}", began.elapsed());
    assert!(began.elapsed() < SOON);

    let began = Instant::now();
    shared
        .own(&cluster, Method::PUT, "/locked", json!({"locked": true}))
        .await;
    let locked = there.wait("a lock", |it| it.standing["locked"] == json!(true));
    timeout(SOON, locked).await.expect("it is locked in time");
    assert!(began.elapsed() < SOON);

    let began = Instant::now();
    shared.own(&cluster, Method::DELETE, &path, json!({})).await;
    for client in [&mut here, &mut there] {
        assert!(closed(client, began, SOON).await < SOON);
    }
    let mut late = Client::new(cluster.address(1), &shared.id);
    late.token = Some(shared.draw.clone());
    late.connect().await;
    assert_eq!(late.closed().await.code, 4403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_stays_revoked_though_the_server_that_was_asked_is_killed() {
    let mut cluster = Plan::of(2).flags(LINKS).alone().start().await;
    let shared = Shared::on(&cluster).await;
    let mut there = shared.visitor(&cluster, 1, &shared.draw).await;
    there.draw_stored(pen(1.0)).await;
    let path = format!("/keys/{}", shared.key);
    let began = Instant::now();
    shared.own(&cluster, Method::DELETE, &path, json!({})).await;
    cluster.kill(0);
    assert!(closed(&mut there, began, SOON).await < SOON);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_told_revokes_a_key_with_the_next_head_check() {
    let plan = Plan::of(2).flags(LINKS_WITH_CHECKS).linked();
    let cluster = plan.start().await;
    let shared = Shared::on(&cluster).await;
    let mut there = shared.visitor(&cluster, 1, &shared.draw).await;
    there.draw_stored(pen(1.0)).await;
    cluster.checks_are_over().await;
    cluster.deafen(1);
    let path = format!("/keys/{}", shared.key);
    let began = Instant::now();
    shared.own(&cluster, Method::DELETE, &path, json!({})).await;
    closed(&mut there, began, INTERVAL + READ).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_stored_for_a_key_that_was_revoked_while_a_server_was_cut_off() {
    let plan = Plan::of(2).flags(LINKS_WITH_CHECKS).linked();
    let cluster = plan.start().await;
    let shared = Shared::on(&cluster).await;
    let mut owner = shared.visitor(&cluster, 0, &shared.own).await;
    let mut there = shared.visitor(&cluster, 1, &shared.draw).await;
    let before = there.draw_stored(pen(1.0)).await;
    owner.sees(before).await;
    cluster.link(1).silence();
    let unsent = there.draw(pen(2.0)).await;
    let path = format!("/keys/{}", shared.key);
    shared.own(&cluster, Method::DELETE, &path, json!({})).await;
    let after = owner.draw_stored(pen(3.0)).await;
    cluster.link(1).heal();
    there.wait_or_close("the end", |_| false).await;
    let closes: Vec<_> = there.closes.iter().map(|closed| closed.code).collect();
    assert_eq!(closes, [4403]);
    assert_eq!(there.outbox.len(), 1, "it keeps what it has not sent");
    owner.draw_stored(pen(4.0)).await;
    assert!(owner.is_there(before) && owner.is_there(after));
    assert!(
        !owner.is_there(unsent),
        "what the key allowed before, it does not now"
    );
}
