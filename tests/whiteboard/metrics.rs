//! `/metrics`: each family moves when what it counts happens, and none identifies a person.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;
use support::client::Client;
use support::database::DatabaseServer;
use support::http::{create_drawing, http, metric_is};
use support::server::{TestServer, settings};
use support::state::{large_pen, pen};
use tokio::time::Instant;
use uuid::Uuid;
use whiteboard::domain::ids::{Epoch, StrokeId};

/// How long a number may take to move.
const SOON: Duration = Duration::from_secs(20);

/// The content of `/metrics`: each series, with its labels as written, and its value.
type Numbers = BTreeMap<String, f64>;

async fn text(address: SocketAddr) -> String {
    let response = http().get(format!("http://{address}/metrics")).send();
    let response = response.await.expect("an answer");
    assert_eq!(response.status(), 200);
    let kind = &response.headers()["content-type"];
    assert!(
        kind.to_str()
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    response.text().await.expect("text")
}

/// Parses the text format as a scraper does.
fn parsed(text: &str) -> Numbers {
    let mut numbers = Numbers::new();
    let mut family = "";
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split_once(' ').expect("a text").0;
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a kind");
            assert_eq!(name, family, "it has a help text");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            assert!(series.starts_with(family), "{line}");
            let before = numbers.insert(series.to_owned(), value.parse().expect("a number"));
            assert_eq!(before, None, "{series} is there twice");
        }
    }
    numbers
}

async fn numbers(address: SocketAddr) -> Numbers {
    parsed(&text(address).await)
}

/// The names of all families.
fn families(text: &str) -> Vec<&str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines.map(|line| line.split_once(' ').unwrap().0).collect()
}

/// Waits until each of these series has grown since `before`.
async fn grown(address: SocketAddr, before: &Numbers, series: &[&str]) {
    for series in series {
        metric_is(address, series, |now| now > before[*series]).await;
    }
}

/// Waits until a series has this value.
async fn comes_to(address: SocketAddr, series: &str, value: f64) {
    metric_is(address, series, |now| now == value).await;
}

#[actix_web::test]
async fn drawn_strokes_are_counted() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    let before = numbers(address).await;
    let drawing = create_drawing(address).await;
    let mut ada = Client::open(address, &drawing).await;
    let mut ben = Client::open(address, &drawing).await;
    let stroke = ada.draw_stored(pen(1.0)).await;
    ben.reach(1).await;
    grown(
        address,
        &before,
        &[
            "whiteboard_sessions_opened_total",
            "whiteboard_feeds_opened_total",
            "whiteboard_appends_total{outcome=\"committed\"}",
            "whiteboard_append_ops_count",
            "whiteboard_append_seconds_count",
            "whiteboard_query_seconds_count",
            "whiteboard_heartbeats_total",
            "whiteboard_subscriptions_total",
            "whiteboard_notifications_total{kind=\"change\"}",
            "whiteboard_notifications_total{kind=\"signals\"}",
            "whiteboard_notifications_total{kind=\"server\"}",
            "whiteboard_resyncs_total{kind=\"cold\"}",
            "whiteboard_resyncs_total{kind=\"warm\"}",
            "whiteboard_delivery_seconds_count",
        ],
    )
    .await;
    let now = numbers(address).await;
    assert_eq!(now["whiteboard_sessions_open"], 2.0);
    assert_eq!(now["whiteboard_feeds_open"], 1.0);
    assert_eq!(now["whiteboard_resyncs_total{kind=\"reset\"}"], 0.0);

    ben.epoch = Some(Epoch(Uuid::new_v4()));
    ben.reconnect(address).await;
    ben.reach(1).await;
    ada.signal(json!({"pointer": {"x": 1, "y": 2}})).await;
    let absent = ada.edit(StrokeId::random(), json!({"x": 5})).await;
    assert_eq!(ada.refusal(absent).await.reason, "absent");
    ada.erase(stroke).await;
    ada.all_acknowledged().await;
    ben.leave().await;
    ada.raw("no frame of this protocol").await;
    assert_eq!(ada.closed().await.code, 4400);
    grown(
        address,
        &now,
        &[
            "whiteboard_resyncs_total{kind=\"reset\"}",
            "whiteboard_signals_total",
            "whiteboard_ops_refused_total{reason=\"absent\"}",
            "whiteboard_sessions_closed_total{reason=\"cut\"}",
            "whiteboard_sessions_closed_total{reason=\"left\"}",
            "whiteboard_sessions_closed_total{reason=\"malformed\"}",
        ],
    )
    .await;
    comes_to(address, "whiteboard_sessions_open", 0.0).await;
}

#[actix_web::test]
async fn an_op_that_is_refused_for_load_is_counted_by_its_limit() {
    const PLENTY: usize = 100_000;
    let megabytes = 8 << 20;
    for (limit, ops_per_second, queue_ops, queue_bytes) in [
        ("rate", "1", PLENTY, megabytes),
        ("unacknowledged", "5000", PLENTY, megabytes),
        ("queue", "5000", 500, megabytes),
        ("queue", "5000", PLENTY, 512 << 10),
    ] {
        let mut settings = settings("mem://", &["--ops-per-second", ops_per_second]);
        settings.drawings.queue_ops = queue_ops;
        settings.drawings.queue_bytes = queue_bytes;
        settings.sessions.max_unacked_ops = 1_000;
        let server = TestServer::with(settings).await;
        let address = server.address();
        let drawing = create_drawing(address).await;
        let before = numbers(address).await;
        let mut ada = Client::new(address, &drawing);
        ada.window = u64::MAX;
        // A session's limit of unacknowledged ops exceeds the smallest queue.
        let stroke = large_pen(1.0, 250);
        for _ in 0..3_000 {
            ada.draw(stroke.clone()).await;
        }
        ada.connect().await;
        ada.wait("a refusal for load", |it| it.throttled > 0).await;
        let series = format!("whiteboard_ops_throttled_total{{limit=\"{limit}\"}}");
        grown(address, &before, &[&series]).await;
        drop(ada);
        server.drain().await;
    }
}

#[actix_web::test]
async fn what_a_session_is_not_given_or_may_not_send_is_counted() {
    let mut settings = settings("mem://", &[]);
    settings.sessions.max_sessions = Some(3);
    settings.sessions.signals_per_second = NonZeroU32::MIN;
    let server = TestServer::with(settings).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let before = numbers(address).await;
    let _slow = Client::slow(address, &drawing).await;
    let mut ada = Client::open(address, &drawing).await;
    ada.raw(r#"{"type":"ops","ops":[{"n":9,"op":"erase","stroke":"00000000-0000-4000-8000-000000000000"}]}"#)
        .await;
    ada.wait("a request for what is missing", |it| it.resends > 0)
        .await;
    let large = large_pen(1.0, 40_000);
    let skipped = ["strokes", "signals"];
    let skipped = skipped.map(|kind| format!("whiteboard_frames_skipped_total{{kind=\"{kind}\"}}"));
    let deadline = Instant::now() + SOON;
    loop {
        let now = numbers(address).await;
        if skipped.iter().all(|series| now[series] > before[series]) {
            break;
        }
        assert!(Instant::now() < deadline, "nobody is left out");
        for _ in 0..20 {
            ada.draw(large.clone()).await;
        }
        ada.signal(json!({"pointer": {"x": 1, "y": 2}})).await;
        ada.all_acknowledged().await;
    }
    let _third = Client::viewing(address, &drawing).await;
    let mut fourth = Client::viewing(address, &drawing).await;
    assert_eq!(fourth.closed().await.code, 4429);
    grown(
        address,
        &before,
        &[
            "whiteboard_resends_total",
            "whiteboard_signals_dropped_total{reason=\"rate\"}",
            "whiteboard_sessions_closed_total{reason=\"too_many\"}",
        ],
    )
    .await;
}

#[actix_web::test]
async fn a_signal_that_finds_its_feed_busy_is_dropped_and_counted() {
    let mut settings = settings("mem://", &["--ops-per-second=1000000"]);
    settings.server.workers = 2;
    settings.sessions.signals_per_second = NonZeroU32::new(10_000).unwrap();
    settings.connections.max_connections_per_address = 0;
    let server = TestServer::with(settings).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let before = numbers(address).await;
    let busy = "whiteboard_signals_dropped_total{reason=\"busy\"}";
    let mut ada = Client::open(address, &drawing).await;
    // Sockets beyond a crowd stay on the threads where they arrive, which take turns: one of the two is not the feed's.
    let mut crowd = Vec::new();
    for _ in 0..64 {
        crowd.push(Client::viewing(address, &drawing).await);
    }
    let mut others = [
        Client::open(address, &drawing).await,
        Client::open(address, &drawing).await,
    ];
    ada.window = u64::MAX;
    let deadline = Instant::now() + SOON;
    while numbers(address).await[busy] == before[busy] {
        assert!(Instant::now() < deadline, "the feed was never busy");
        for x in 0..500 {
            ada.draw(pen(f64::from(x))).await;
        }
        for _ in 0..2_000 {
            for ben in &mut others {
                ben.signal(json!({"pointer": {"x": 1, "y": 2}})).await;
            }
        }
        ada.all_acknowledged().await;
    }
    // Strokes are not dropped.
    let head = ada.done;
    for ben in &mut others {
        ben.reach(head).await;
    }
}

#[actix_web::test]
async fn ops_that_come_before_the_welcome_are_held_up_to_a_frame_and_the_others_asked_for() {
    let mut process = DatabaseServer::start();
    let server = TestServer::on(&process.database("early"), &[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let before = numbers(address).await;
    // The welcome waits for the database, which was not read yet.
    process.kill();
    let mut ada = Client::new(address, &drawing);
    ada.connect().await;
    ada.forge_ops();
    for frame in 0..3 {
        let erase = |n| json!({"n": n, "op": "erase", "stroke": StrokeId::random()});
        let ops: Vec<_> = (1..=300).map(|n| erase(300 * frame + n)).collect();
        ada.raw(&json!({"type": "ops", "ops": ops}).to_string())
            .await;
    }
    ada.ping().await;
    ada.wait("its frames being read", |it| it.pongs > 0).await;
    assert!(!ada.welcome);
    process.restart();
    // A later one reveals the gap.
    ada.wait("a welcome", |it| it.welcome).await;
    ada.raw(
        &json!({"type": "ops", "ops": [{"n": 900, "op": "erase", "stroke": StrokeId::random()}]})
            .to_string(),
    )
    .await;
    ada.wait("the first answers", |it| it.done == 300 && it.resends > 0)
        .await;
    grown(address, &before, &["whiteboard_resends_total"]).await;
}

#[actix_web::test]
async fn racing_servers_count_lost_swaps_and_notifications() {
    let database = DatabaseServer::start();
    let database = database.database("race");
    let one = TestServer::on(&database, &[]).await;
    let two = TestServer::on(&database, &[]).await;
    let drawing = create_drawing(one.address()).await;
    let mut ada = Client::open(one.address(), &drawing).await;
    let mut ben = Client::open(two.address(), &drawing).await;
    let behind = "whiteboard_appends_total{outcome=\"behind\"}";
    let mut drawn = 0;
    let deadline = Instant::now() + SOON;
    while numbers(one.address()).await[behind] == 0.0 {
        assert!(
            Instant::now() < deadline,
            "{drawn} strokes, and no swap lost"
        );
        for x in 0..10 {
            ada.draw(pen(f64::from(x))).await;
            ben.draw(pen(f64::from(x))).await;
            drawn += 2;
        }
        ada.all_acknowledged().await;
        ben.all_acknowledged().await;
    }
    ada.reach(drawn).await;
    ben.reach(drawn).await;
    assert_eq!(ada.picture(), ben.picture());
}

#[actix_web::test]
async fn a_database_that_is_away_is_counted() {
    let mut process = DatabaseServer::start();
    let mut database = process.database("away");
    // The schema takes longer than a second where the machine is busy.
    TestServer::on(&database, &[]).await.drain().await;
    database.query_timeout = Duration::from_secs(1);
    let server = TestServer::on(&database, &[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut ada = Client::open(address, &drawing).await;
    ada.draw_stored(pen(1.0)).await;
    let before = numbers(address).await;
    process.kill();
    ada.draw(pen(2.0)).await;
    grown(
        address,
        &before,
        &[
            "whiteboard_queue_ops",
            "whiteboard_queue_bytes",
            "whiteboard_queries_in_flight",
            "whiteboard_subscriptions_ended_total{reason=\"ended\"}",
            "whiteboard_appends_total{outcome=\"unknown\"}",
            "whiteboard_query_errors_total{reason=\"deadline\"}",
        ],
    )
    .await;
    process.restart();
    ada.all_acknowledged().await;
    ada.reach(2).await;
    comes_to(address, "whiteboard_queue_ops", 0.0).await;
    comes_to(address, "whiteboard_queue_bytes", 0.0).await;
    grown(address, &before, &["whiteboard_subscriptions_total"]).await;
}

#[actix_web::test]
async fn no_label_names_anybody_or_anything() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut ada = Client::open(address, &drawing).await;
    let stroke = ada.draw_stored(pen(1.0)).await;
    let text = text(address).await;
    let writer = ada.writer.expect("it is welcome").to_string();
    for id in [&drawing, &writer, &stroke.to_string(), "Ada", "Plan"] {
        assert!(!text.contains(id), "{id} in {text}");
    }
    for series in parsed(&text).keys() {
        let Some((_, labels)) = series.split_once('{') else {
            continue;
        };
        let label = labels.strip_suffix("\"}").expect("the end of a label");
        let (name, value) = label.split_once("=\"").expect("one label");
        let is_word = value.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let is_bound = name == "le" && (value == "+Inf" || value.parse::<f64>().is_ok());
        assert!(is_word || is_bound, "{series}");
    }
}

#[actix_web::test]
async fn metrics_are_served_under_any_host_name() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    for (path, status) in [("/metrics", 200), ("/api/drawings", 403)] {
        let asked = http()
            .get(format!("http://{address}{path}"))
            .header("host", "whiteboard-3.internal:8080");
        assert_eq!(asked.send().await.unwrap().status(), status, "{path}");
    }
}

#[actix_web::test]
async fn readers_and_sessions_that_need_the_same_cost_one_encoding() {
    const READERS: usize = 30;
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    let first = ada.draw(pen(1.0)).await;
    for _ in 1..10 {
        ada.draw(pen(1.0)).await;
    }
    // Or both were one change.
    ada.all_acknowledged().await;
    ada.erase(first).await;
    ada.all_acknowledged().await;
    let chunks = "whiteboard_chunks_encoded_total{encoding=\"gzip\"}";
    let plain = "whiteboard_chunks_encoded_total{encoding=\"plain\"}";
    let frames = "whiteboard_catch_ups_encoded_total";
    let before = numbers(server.address()).await;
    let url = format!("http://{}/api/drawings/{drawing}/strokes", server.address());
    let gzip = http();
    let uncompressed = reqwest::Client::builder().no_gzip().build().unwrap();
    let mut answers = Vec::new();
    for _ in 0..READERS {
        for client in [&gzip, &uncompressed] {
            let answer = client.get(&url).send().await.unwrap();
            answers.push(answer.json::<serde_json::Value>().await.unwrap());
        }
    }
    for answer in &answers {
        assert_eq!(answer, &answers[0], "both encodings say the same");
    }
    assert_eq!(
        answers[0]["changes"].as_array().unwrap().len(),
        9,
        "no tombstone"
    );
    for _ in 0..READERS {
        let viewer = Client::viewing(server.address(), &drawing);
        let mut viewer = viewer.await;
        viewer.reach(11).await;
        assert_eq!(viewer.strokes.len(), 9, "no tombstone");
    }
    let after = numbers(server.address()).await;
    for (series, times) in [(chunks, 1.0), (plain, 1.0), (frames, 1.0)] {
        assert_eq!(after[series] - before[series], times, "{series}");
    }
    for (kind, rows) in [("living", 9.0), ("tombstone", 1.0)] {
        let of_kind = |name: &str| after[&format!("{name}{{kind=\"{kind}\"}}")];
        assert_eq!(of_kind("whiteboard_drawing_rows"), rows);
        assert!(of_kind("whiteboard_drawing_bytes") >= 120.0 * rows);
    }
}

/// Each family is named where a test sees it move: here, or beside what it counts.
#[actix_web::test]
async fn every_family_is_named_by_a_test() {
    let tests = concat!(
        include_str!("metrics.rs"),
        include_str!("health.rs"),
        include_str!("exhaustion.rs"),
        include_str!("feeds.rs"),
        include_str!("quotas.rs"),
        include_str!("../../src/feed/registry/tests.rs")
    );
    let server = TestServer::start(&[]).await;
    let text = text(server.address()).await;
    let families = families(&text);
    assert!(families.len() > 20);
    for family in families {
        let words = tests.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let named = words.filter(|word| {
            let rest = word.strip_prefix(family);
            rest.is_some_and(|rest| rest.is_empty() || rest == "_count")
        });
        assert!(named.count() > 0, "no test sees {family} move");
    }
}

#[actix_web::test]
async fn the_docs_name_only_metrics_that_are_served() {
    let docs = include_str!("../../docs/operating.md");
    let server = TestServer::start(&[]).await;
    let text = text(server.address()).await;
    let families = families(&text);
    let words = docs.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: Vec<_> = words
        .filter(|word| word.starts_with("whiteboard_"))
        .collect();
    assert!(named.len() >= 8, "docs/operating.md names {named:?}");
    for name in named {
        assert!(families.contains(&name), "{name} is not served");
    }
}
