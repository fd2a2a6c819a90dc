//! Rules of a session: only decided ops are acknowledged, its limits, its ping, and its writer's
//! numbers after its feed died.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;
use support::client::Client;
use support::http::{create_drawing, metric, strokes};
use support::raw::{RawSocket, handshake};
use support::server::{TestServer, settings};
use support::socket::{open, request};
use support::state::{large_pen, ops, pen};
use support::wait::DEADLINE;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use whiteboard::domain::ids::StrokeId;

use crate::parts::{Die, Parts, hold};

/// How long it may take until the send buffer of a slow client is full.
const LEFT_OUT_WITHIN: Duration = Duration::from_secs(60);

#[actix_web::test]
async fn an_op_sent_again_in_flight_is_not_acknowledged_early() {
    let parts = Parts::start(&[]).await;
    let drawing = create_drawing(parts.address).await;
    let feed = parts.feed(&drawing).await;
    let mut ada = Client::open(parts.address, &drawing).await;
    ada.draw(pen(1.0)).await;
    let first = ada.outbox[0].1.clone();
    ada.all_acknowledged().await;

    let held = hold(&feed).await;
    ada.draw(pen(2.0)).await;
    let second = ada.outbox[0].1.clone();
    // Alone it is not acknowledged; with an older op, that one is.
    for (sent, done) in [(vec![&second], 0), (vec![&first, &second], 1)] {
        ada.done = 0;
        ada.raw(&ops(&sent)).await;
        ada.all_read().await;
        assert_eq!((ada.done, ada.outbox.len()), (done, 1));
    }
    drop(held);
    ada.all_acknowledged().await;
    assert_eq!(ada.done, 2);
    let stored = strokes(parts.address, &drawing).await;
    assert_eq!(stored["head"], 2, "{stored}");
    drop(ada);
    parts.stop().await;
}

#[actix_web::test]
async fn numbers_of_refused_ops_stay_spent_when_a_feed_died() {
    let parts = Parts::start(&[]).await;
    let drawing = create_drawing(parts.address).await;
    let feed = parts.feed(&drawing).await;
    let mut ada = Client::open(parts.address, &drawing).await;
    ada.draw(pen(1.0)).await;
    let refused = ada.edit(StrokeId::random(), json!({"x": 1})).await;
    assert_eq!(ada.refusal(refused).await.reason, "absent");
    ada.all_acknowledged().await;

    feed.do_send(Die);
    ada.wait("a welcome at another feed", |it| it.welcomes == 2)
        .await;
    let stroke = ada.draw_stored(pen(2.0)).await;
    ada.sees(stroke).await;
    assert_eq!((ada.done, ada.resends), (refused + 1, 0));
    drop(ada);
    parts.stop().await;
}

#[actix_web::test]
async fn a_client_that_only_answers_pings_stays_connected() {
    const SILENCE: Duration = Duration::from_secs(2);
    let server = TestServer::start(&["--session-timeout=2s"]).await;
    let drawing = create_drawing(server.address()).await;
    let request = request(server.address(), &format!("/ws/{drawing}?since=0"));
    let (mut socket, _) = open(server.address(), request, None)
        .await
        .expect("a socket");
    let opened = Instant::now();
    let mut pings = 0;
    while opened.elapsed() < 2 * SILENCE || pings == 0 {
        match timeout(DEADLINE, socket.next()).await.expect("a ping") {
            Some(Ok(Message::Ping(_))) => pings += 1,
            Some(Ok(Message::Text(_))) => {}
            other => panic!("{other:?} after {pings} pings"),
        }
    }
}

#[actix_web::test]
async fn a_client_with_too_many_requests_for_changes_is_closed() {
    // Half of the burst limit, and far more than the limit per second.
    const SOME: usize = 50;
    const MANY: usize = 400;
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut eve = Client::open(server.address(), &drawing).await;
    let since = json!({"type": "since", "since": 0, "epoch": eve.epoch}).to_string();
    for _ in 0..SOME {
        eve.raw(&since).await;
    }
    eve.all_read().await;
    for _ in 0..MANY {
        eve.raw(&since).await;
    }
    let closed = eve.closed().await;
    // Not for the number of frames, which has its own limit.
    assert_eq!(
        (closed.code, &*closed.reason),
        (4400, "final: too many requests")
    );
}

/// How many frames go to a page that does not read, before it is left out.
async fn frames_until_left_out(send_buffer_frames: usize) -> u64 {
    let mut settings = settings("mem://", &["--session-timeout=1h"]);
    settings.sessions.send_buffer_bytes = 1 << 30;
    settings.sessions.send_buffer_frames = send_buffer_frames;
    let server = TestServer::with(settings).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let slow = Client::slow(address, &drawing).await;
    let mut ada = Client::open(address, &drawing).await;
    // The operating system buffers few of them.
    let large = large_pen(1.0, 60 * 1024);
    let skipped = "whiteboard_frames_skipped_total{kind=\"strokes\"}";
    let deadline = Instant::now() + LEFT_OUT_WITHIN;
    while metric(address, skipped).await == 0.0 {
        ada.draw_stored(large.clone()).await;
        let drawn = ada.done;
        assert!(
            Instant::now() < deadline,
            "a client that does not read is still sent everything after {drawn} large strokes"
        );
    }
    let frames = ada.done;
    drop((ada, slow));
    server.drain().await;
    frames
}

#[actix_web::test]
async fn the_send_buffer_of_a_slow_client_is_bounded_by_its_setting() {
    let few = frames_until_left_out(4).await;
    let many = frames_until_left_out(104).await;
    // What the operating system buffers varies.
    assert!(many > few + 60, "{few} and {many}");
}

#[actix_web::test]
async fn a_frame_that_arrives_with_the_handshake_is_taken() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let ping = r#"{"type":"ping"}"#;
    let mut both = handshake(&address.to_string(), &drawing).into_bytes();
    // Text, masked with zeros.
    both.extend([0x81, 0x80 | ping.len() as u8, 0, 0, 0, 0]);
    both.extend(ping.as_bytes());
    let mut eve = RawSocket::connect(address).await;
    assert!(eve.send(&both).await);
    let head = eve.head().await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let answer = eve.frame_with(br#""pong""#).await;
    assert_eq!(answer, br#"{"type":"pong","head":0}"#);
}

/// A request may ask for an upgrade anywhere.
#[actix_web::test]
async fn an_upgrade_that_does_not_happen_is_answered_whole_and_ends_the_connection() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let strokes = format!("/api/drawings/{drawing}/strokes?since=0");
    for (path, version, status, end) in [
        (strokes.as_str(), 13, "200 OK", "]}"),
        (
            &format!("/ws/{drawing}?since=0"),
            1,
            "400 Bad Request",
            "}}",
        ),
    ] {
        let mut eve = RawSocket::connect(address).await;
        eve.say(&format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: {version}\r\n\r\n"
        ))
        .await;
        let head = eve.head().await.to_ascii_lowercase();
        assert!(
            head.starts_with(&format!("http/1.1 {}", status.to_ascii_lowercase())),
            "{head}"
        );
        assert!(head.contains("connection: close\r\n"), "{head}");
        let body = String::from_utf8(eve.rest().await).unwrap();
        let body = match head.contains("transfer-encoding: chunked") {
            true => body.strip_suffix("\r\n0\r\n\r\n").expect("the last chunk"),
            false => &body,
        };
        assert!(body.ends_with(end), "{body}");
    }
}
