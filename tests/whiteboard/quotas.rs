//! What one address and all together may use: each bound holds, says when to come back, and hinders no class.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use reqwest::Response;
use serde_json::{Value, json};
use support::client::Client;
use support::http::{create_drawing, http, metric, metric_is};
use support::server::{TestServer, settings};
use support::socket::{closed, open, rejected, request};
use support::state::{large_pen, pen};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use whiteboard::config::Settings;
use whiteboard::quotas::Allowance;

/// People in a class, behind one address.
const CLASS: usize = 60;
/// So slow that nothing is added while a test runs.
const HOURLY: f64 = 1.0 / 3_600.0;
const PNG: &[u8] = include_bytes!("../../static/icon-192.png");

fn few(at_once: u32) -> Allowance {
    Allowance {
        at_once,
        per_second: HOURLY,
    }
}

/// A server behind a trusted proxy with lowered bounds.
async fn server(lower: impl FnOnce(&mut Settings)) -> TestServer {
    let mut settings = settings("mem://", &["--proxies", "127.0.0.1"]);
    lower(&mut settings);
    TestServer::with(settings).await
}

async fn create(address: SocketAddr, client: &str) -> Response {
    let url = format!("http://{address}/api/drawings");
    let asked = http().post(url).header("x-forwarded-for", client);
    asked.send().await.unwrap()
}

/// Checks that an answer says when to come back.
async fn refused(response: Response, words: &str) {
    assert_eq!(response.status(), 429);
    let retry = response.headers()["retry-after"].to_str().unwrap();
    let seconds: u64 = retry.parse().unwrap();
    assert!((1..=3_601).contains(&seconds), "{seconds}");
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["code"], "too_many", "{error}");
    assert_eq!(error["error"]["message"], words);
}

async fn exceeded(address: SocketAddr, of: &str) -> f64 {
    let series = format!("whiteboard_quotas_exceeded_total{{of=\"{of}\"}}");
    metric(address, &series).await
}

#[actix_web::test]
async fn drawings_made_are_bounded_for_an_address_and_in_all() {
    let server = server(|settings| {
        settings.quotas.drawings.address = few(2);
        settings.quotas.drawings.all = few(3);
    })
    .await;
    let address = server.address();
    for client in ["2001:db8::1", "2001:db8::2"] {
        assert_eq!(create(address, client).await.status(), 201);
    }
    let third = create(address, "2001:db8::3").await;
    refused(third, "too many drawings were made from this address").await;
    assert_eq!(create(address, "192.0.2.1").await.status(), 201);
    let last = create(address, "192.0.2.2").await;
    refused(last, "too many drawings were made").await;
    assert_eq!(exceeded(address, "drawings").await, 2.0);
}

#[actix_web::test]
async fn pictures_and_their_bytes_are_bounded_for_an_address() {
    let server = server(|settings| settings.quotas.images.address = few(2)).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let send = async |address: SocketAddr, drawing: &str| {
        let url = format!("http://{address}/api/drawings/{drawing}/assets");
        let asked = http().post(url).header("x-forwarded-for", "192.0.2.1");
        asked.body(PNG).send().await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(send(address, &drawing).await.status(), 201);
    }
    let third = send(address, &drawing).await;
    refused(third, "too many pictures were sent from this address").await;

    let server = self::server(|settings| settings.quotas.bytes.address = few(1)).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let large = send(address, &drawing).await;
    let error: Value = large.json().await.unwrap();
    assert_eq!(
        error["error"]["message"],
        "too many bytes per second from this address"
    );
    assert_eq!(exceeded(address, "images").await, 1.0);
}

#[actix_web::test]
async fn ops_beyond_a_bound_stay_with_the_page_until_they_are_due() {
    for (words, lower) in [
        (
            "ops",
            (|settings: &mut Settings| settings.quotas.ops.address = 1) as fn(&mut Settings),
        ),
        ("bytes", |settings| {
            settings.quotas.bytes.address = Allowance {
                at_once: 2_000,
                per_second: 1_000.0,
            }
        }),
    ] {
        let server = server(|settings| {
            // Of one session, and so of the address.
            settings.sessions.ops_per_second = std::num::NonZeroU32::new(20).unwrap();
            settings.sessions.burst_seconds = std::num::NonZeroU32::new(1).unwrap();
            lower(settings);
        })
        .await;
        let address = server.address();
        let drawing = create_drawing(address).await;
        let mut people = Vec::new();
        for _ in 0..3 {
            people.push(Client::open(address, &drawing).await);
        }
        for person in &mut people {
            for _ in 0..20 {
                person.draw(large_pen(1.0, 3_000)).await;
            }
        }
        for person in &mut people {
            person.all_acknowledged().await;
            assert!(person.refusals.is_empty(), "{words}: {:?}", person.refusals);
        }
        let series = "whiteboard_ops_throttled_total{limit=\"quota\"}";
        assert!(metric(address, series).await > 0.0, "{words}");
    }
}

#[actix_web::test]
async fn sessions_are_bounded_for_an_address_and_a_refused_one_is_told_so() {
    let server = server(|settings| settings.connections.max_connections_per_address = 5).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let from = |client: &str| {
        let mut request = request(address, &format!("/ws/{drawing}?since=0"));
        let value = HeaderValue::from_str(client).unwrap();
        request.headers_mut().insert("x-forwarded-for", value);
        request
    };
    // Without a proxy, the connections of an address are bounded before its sessions.
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(open(address, from("192.0.2.1"), None).await.unwrap());
    }
    assert!(open(address, from("192.0.2.1"), None).await.is_err());
    assert!(open(address, from("192.0.2.2"), None).await.is_ok());

    let mut settings = settings("mem://", &[]);
    settings.sessions.max_sessions = Some(1);
    let small = TestServer::with(settings).await;
    let address = small.address();
    let drawing = create_drawing(address).await;
    let _ada = Client::open(address, &drawing).await;
    let second = rejected(address, request(address, &format!("/ws/{drawing}?since=0"))).await;
    assert_eq!(second.code, 4429);
    assert!(
        second
            .reason
            .starts_with("again in 5000 ms: too many sessions")
    );
}

#[actix_web::test]
async fn sockets_that_say_nothing_are_bounded_for_an_address_and_soon_closed() {
    let mut settings = settings("mem://", &["--access=links", "--proxies", "127.0.0.1"]);
    settings.connections.max_connections_per_address = 5;
    settings.sessions.max_sessions = Some(7);
    settings.sessions.hello_wait = Duration::from_secs(3);
    let server = TestServer::with(settings).await;
    let address = server.address();
    let created: Value = create(address, "192.0.2.9").await.json().await.unwrap();
    let (drawing, key) = (&created["id"], created["key"].as_str().unwrap());
    let drawing = drawing.as_str().unwrap();
    let from = |client: &str| {
        let mut request = request(address, &format!("/ws/{drawing}?since=0"));
        let value = HeaderValue::from_str(client).unwrap();
        request.headers_mut().insert("x-forwarded-for", value);
        request
    };
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(open(address, from("192.0.2.1"), None).await.unwrap().0);
    }
    assert!(open(address, from("192.0.2.1"), None).await.is_err());
    // They leave room for others, who come in with what they show.
    let mut client = Client::new(address, drawing);
    client.token = Some(key.to_owned());
    client.connect().await;
    client.draw_stored(pen(1.0)).await;
    for mut socket in silent {
        assert_eq!(closed(&mut socket).await.code, 4408);
    }
    metric_is(address, "whiteboard_sessions_open", |open| open <= 1.0).await;
    assert!(open(address, from("192.0.2.1"), None).await.is_ok());
}

#[actix_web::test]
async fn sessions_and_pictures_are_bounded_for_the_key_that_let_them_in() {
    let mut settings = settings("mem://", &["--access=links", "--proxies", "127.0.0.1"]);
    // Of which one key may have half.
    settings.sessions.max_sessions = Some(4);
    settings.quotas.images.key = few(1);
    let server = TestServer::with(settings).await;
    let address = server.address();
    let created: Value = create(address, "192.0.2.1").await.json().await.unwrap();
    let drawing = created["id"].as_str().unwrap();
    let own = created["key"].as_str().unwrap();
    let url = format!("http://{address}/api/drawings/{drawing}");
    let asked = http().post(format!("{url}/keys")).bearer_auth(own);
    let asked = asked.json(&json!({"access": "draw", "name": "a class"}));
    let other: Value = asked.send().await.unwrap().json().await.unwrap();
    let other = other["key"].as_str().unwrap();

    let join = async |key: &str| {
        let mut client = Client::new(address, drawing);
        client.token = Some(key.to_owned());
        client.connect().await;
        client
    };
    let mut people = Vec::new();
    for _ in 0..2 {
        let mut person = join(own).await;
        person.draw_stored(pen(1.0)).await;
        people.push(person);
    }
    let closed = join(own).await.closed().await;
    assert_eq!(closed.code, 4429);
    assert_eq!(
        closed.reason,
        "again in 5000 ms: too many sessions with this link"
    );
    // Another key has its own, also for who comes with it later.
    join(other).await.draw_stored(pen(2.0)).await;
    people.pop().unwrap().leave().await;
    let series = "whiteboard_sessions_open";
    metric_is(address, series, |open| open <= 1.0).await;
    join(own).await.draw_stored(pen(3.0)).await;
    assert_eq!(exceeded(address, "sessions").await, 1.0);

    let send = async |key: &str, client: &str| {
        let asked = http().post(format!("{url}/assets")).bearer_auth(key);
        let asked = asked.header("x-forwarded-for", client);
        asked.body(PNG).send().await.unwrap()
    };
    assert_eq!(send(own, "192.0.2.1").await.status(), 201);
    let second = send(own, "192.0.2.2").await;
    refused(second, "too many pictures were sent with this link").await;
    assert_eq!(send(other, "192.0.2.1").await.status(), 201);
}

#[actix_web::test]
async fn a_class_behind_one_address_is_not_hindered() {
    const STROKES: usize = 3;
    let server = server(|_| {}).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    // Each makes a drawing, sends pictures and draws with all others, who all stay. They come a few at a time,
    // because this test is one thread.
    let web = http();
    let class = (0..CLASS).map(async |_| {
        let post = |path: &str| {
            let asked = web.post(format!("http://{address}/api/drawings{path}"));
            asked.header("x-forwarded-for", "192.0.2.1")
        };
        let made = post("").send().await.unwrap();
        assert_eq!(made.status(), 201);
        for _ in 0..3 {
            let asked = post(&format!("/{drawing}/assets")).body(PNG);
            assert_eq!(asked.send().await.unwrap().status(), 201);
        }
        let mut person = Client::open(address, &drawing).await;
        for x in 0..STROKES {
            person.draw(pen(x as f64)).await;
        }
        person.all_acknowledged().await;
        assert!(person.refusals.is_empty(), "{:?}", person.refusals);
        person
    });
    let people: Vec<_> = stream::iter(class).buffer_unordered(8).collect().await;
    assert_eq!(people.len(), CLASS);
    for of in ["sessions", "drawings", "images"] {
        assert_eq!(exceeded(address, of).await, 0.0, "{of}");
    }
    let series = "whiteboard_ops_throttled_total{limit=\"quota\"}";
    assert_eq!(metric(address, series).await, 0.0);
}
