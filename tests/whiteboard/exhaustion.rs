//! Peers that send too much, too slowly or not at all, or do not read: each is ended, with a reason
//! where possible, and does not affect the others.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use support::client::Client;
use support::http::{create_drawing, metric, metric_is};
use support::raw::RawSocket;
use support::server::{ServerProcess, TestServer, settings};
use support::socket::Closed;
use support::state::{large_pen, pen};
use tokio::time::sleep;
use whiteboard::protocol::MAX_FRAME_BYTES;

/// Deadlines short enough for a test.
const SHORT: Duration = Duration::from_millis(1_500);
/// Deadline of everything that the tests wait for, on a busy machine.
const SOON: Duration = Duration::from_secs(20);
/// Strokes, and bytes of each, that together exceed what the system buffers for a reader.
const STROKES: usize = 30;
const BYTES: usize = 60_000;

/// A server with short deadlines.
async fn hasty(flags: &[&str]) -> TestServer {
    let mut settings = settings("mem://", flags);
    settings.connections.body_limit = SHORT / 3;
    settings.connections.progress_limit = SHORT;
    TestServer::with(settings).await
}

fn host(address: SocketAddr) -> String {
    address.to_string()
}

/// A frame masked with a key of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![
        first,
        0x80 | u8::try_from(payload.len()).unwrap(),
        0,
        0,
        0,
        0,
    ];
    bytes.extend(payload);
    bytes
}

/// A header that announces this many bytes, none of which follow.
fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first, 0xff];
    bytes.extend(length.to_be_bytes());
    bytes.extend([0; 4]);
    bytes
}

fn check(name: &str, closed: &Closed, code: u16, word: &str) {
    assert_eq!(closed.code, code, "{name}: {closed:?}");
    assert!(closed.reason.contains(word), "{name}: {closed:?}");
}

/// Open connections, including that of the request for it.
const OPEN: &str = "whiteboard_connections_open ";

/// Waits until this many connections are open.
async fn connections_come_to(address: SocketAddr, count: usize) {
    metric_is(address, OPEN, |open| open == (count + 1) as f64).await;
}

/// Draws more than the system buffers for a slow reader.
async fn draw_much(address: SocketAddr, drawing: &str) {
    let mut client = Client::open(address, drawing).await;
    for number in 0..STROKES {
        let body = large_pen(number as f64, BYTES);
        client.draw_stored(body).await;
    }
    assert!(client.refusals.is_empty(), "{:?}", client.refusals);
    client.leave().await;
}

/// Connects and makes a request, so that it is sure to have a slot.
async fn connected(address: SocketAddr) -> RawSocket {
    let mut raw = RawSocket::connect(address).await;
    raw.say(&format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\n\r\n"))
        .await;
    let head = raw.head().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    raw
}

#[actix_web::test]
async fn a_header_that_is_not_allowed_is_refused_before_anything_follows() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let too_large = MAX_FRAME_BYTES as u64 + 1;
    for (name, bytes, code, word) in [
        ("2^40 bytes", header(0x81, 1 << 40), 4413, "at most"),
        (
            "one byte too many",
            header(0x81, too_large),
            4413,
            "at most",
        ),
        (
            "a length of 64 bits",
            header(0x82, u64::MAX),
            4413,
            "at most",
        ),
        ("a fragment", header(0x01, 1 << 40), 4413, "at most"),
        ("reserved bits", vec![0xc1], 4400, "reserved"),
        ("an opcode", vec![0x83], 4400, "opcode 3"),
        ("no mask", vec![0x81, 0x05], 4400, "masked"),
        ("a long ping", vec![0x89, 0xfe], 4400, "125"),
        ("a huge close", header(0x88, 1 << 40), 4400, "125"),
        ("half a ping", vec![0x09], 4400, "fragments"),
    ] {
        let mut eve = RawSocket::upgraded(address, &host(address), &drawing).await;
        eve.send(&bytes).await;
        check(name, &eve.closed().await, code, word);
        eve.rest().await;
    }
    connections_come_to(address, 0).await;
}

#[actix_web::test]
async fn a_rejected_socket_gets_a_reason_whatever_it_sends() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    for bytes in [header(0x81, 1 << 40), frame(0x89, b"").repeat(200_000)] {
        let mut eve = RawSocket::upgraded(address, "evil.example", &drawing).await;
        // Not all of it may be written: that is the point.
        let _ = tokio::time::timeout(SHORT, eve.send(&bytes)).await;
        check("a wrong host", &eve.closed().await, 4421, "host");
        eve.rest().await;
    }
    connections_come_to(address, 0).await;
}

/// Others continue to draw; a close frame is still received.
#[actix_web::test]
async fn frames_without_end_are_read_slowly_and_end_with_a_reason() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut ada = Client::open(address, &drawing).await;
    let pointer = br#"{"type":"signal","pointer":{"x":1.5,"y":2}}"#;
    let floods = [frame(0x89, b""), frame(0x8a, b"x"), frame(0x81, pointer)].map(|frame| {
        let drawing = drawing.clone();
        actix_web::rt::spawn(async move {
            let mut eve = RawSocket::upgraded(address, &host(address), &drawing).await;
            let many = frame.repeat(10_000);
            let begun = Instant::now();
            let mut sent = 0;
            while begun.elapsed() < SOON {
                // What is not written within this time waits, and answers are read.
                match tokio::time::timeout(SHORT, eve.send(&many)).await {
                    Ok(true) => sent += many.len(),
                    Ok(false) | Err(_) => break,
                }
            }
            (eve.closed().await, sent)
        })
    });
    let begun = Instant::now();
    let mut drawn = 0;
    while floods.iter().any(|flood| !flood.is_finished()) {
        ada.draw_stored(pen(1.0)).await;
        drawn += 1;
        assert!(begun.elapsed() < 2 * SOON, "the floods do not end");
    }
    assert!(drawn > 50, "{drawn} strokes in {:?}", begun.elapsed());
    for flood in floods {
        let (closed, _) = flood.await.expect("a flood");
        check("a flood", &closed, 4400, "too many frames");
    }
    ada.leave().await;
    connections_come_to(address, 0).await;
}

#[actix_web::test]
async fn a_frame_that_comes_byte_by_byte_is_silence() {
    let server = TestServer::start(&["--session-timeout", "1s"]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut eve = RawSocket::upgraded(address, &host(address), &drawing).await;
    let begun = Instant::now();
    let bytes = frame(0x81, &[b' '; 125]);
    for byte in bytes.chunks(1) {
        if begun.elapsed() > Duration::from_secs(3) || !eve.send(byte).await {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    check("a byte at a time", &eve.closed().await, 4408, "received");
}

/// Other frames do not matter.
#[actix_web::test]
async fn a_message_whose_fragments_do_not_end_is_silence() {
    let server = TestServer::start(&["--session-timeout", "1s"]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let ping = frame(0x89, b"");
    for more in [ping.clone(), [frame(0x00, b" "), ping].concat()] {
        let mut eve = RawSocket::upgraded(address, &host(address), &drawing).await;
        eve.send(&frame(0x01, b"{")).await;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(3) && eve.send(&more).await {
            sleep(Duration::from_millis(100)).await;
        }
        // It was closed meanwhile, and not because it is silent now.
        let closed = tokio::time::timeout(SHORT / 3, eve.closed()).await;
        check("a fragment", &closed.expect("an end"), 4408, "received");
    }
}

#[actix_web::test]
async fn a_body_that_does_not_come_is_answered_and_its_connection_ended() {
    let server = hasty(&[]).await;
    let address = server.address();
    for (name, announced) in [
        ("none", "content-length: 10\r\n\r\n"),
        ("half", "content-length: 10\r\n\r\n{\"ti"),
        ("chunks", "transfer-encoding: chunked\r\n\r\n"),
        (
            "half a chunk",
            "transfer-encoding: chunked\r\n\r\n5\r\n{\"t",
        ),
    ] {
        let mut eve = RawSocket::connect(address).await;
        eve.say(&format!(
            "POST /api/drawings HTTP/1.1\r\nhost: {address}\r\n{announced}"
        ))
        .await;
        let head = eve.head().await;
        assert!(head.starts_with("HTTP/1.1 408"), "{name}: {head}");
        let body = String::from_utf8(eve.rest().await).unwrap();
        assert!(body.contains("a body comes within"), "{name}: {body}");
    }
    connections_come_to(address, 0).await;
}

#[actix_web::test]
async fn a_body_that_nobody_reads_is_not_waited_for() {
    let server = hasty(&[]).await;
    let address = server.address();
    for announced in ["content-length: 10", "transfer-encoding: chunked"] {
        let mut eve = RawSocket::connect(address).await;
        eve.say(&format!(
            "GET /healthz HTTP/1.1\r\nhost: {address}\r\n{announced}\r\n\r\n"
        ))
        .await;
        let head = eve.head().await;
        assert!(head.starts_with("HTTP/1.1 200"), "{announced}: {head}");
        eve.rest().await;
    }
    connections_come_to(address, 0).await;
}

#[actix_web::test]
async fn half_a_first_request_is_answered_and_ended() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    let mut eve = RawSocket::connect(address).await;
    eve.say("GET /healthz HTTP/1.1\r\nhost: ").await;
    assert!(eve.head().await.starts_with("HTTP/1.1 408"));
    eve.rest().await;
    connections_come_to(address, 0).await;
}

#[actix_web::test]
async fn half_a_later_request_is_not_waited_for() {
    let server = hasty(&[]).await;
    let address = server.address();
    let mut eve = connected(address).await;
    eve.say("GET /healthz HTTP/1.1\r\nhost: ").await;
    eve.rest().await;
    connections_come_to(address, 0).await;
}

/// It still counts as an HTTP connection, with its timeout.
#[actix_web::test]
async fn half_a_request_after_a_handshake_that_failed_is_not_waited_for() {
    let server = hasty(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut eve = RawSocket::connect(address).await;
    // Without `connection: upgrade` it is not a handshake, and after a body the connection
    // continues.
    eve.say(&format!(
        "GET /ws/{drawing}?since=0 HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\n\
         transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    ))
    .await;
    let head = eve.head().await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    eve.say("GET /healthz HTTP/1.1\r\nhost: ").await;
    eve.rest().await;
    connections_come_to(address, 0).await;
}

#[actix_web::test]
async fn an_answer_that_nobody_reads_is_ended() {
    let server = hasty(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    draw_much(address, &drawing).await;
    let path = format!("/api/drawings/{drawing}/strokes?since=0");
    let mut readers = Vec::new();
    for _ in 0..20 {
        let mut reader = RawSocket::connect(address).await;
        reader
            .say(&format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"))
            .await;
        readers.push(reader);
    }
    for reader in &readers {
        reader.stream.readable().await.expect("an answer begins");
    }
    connections_come_to(address, 0).await;
    for mut reader in readers {
        let read = reader.rest().await.len();
        assert!(read < STROKES * BYTES / 2, "{read} bytes");
    }
}

/// It takes several times as long as the idle timeout.
#[actix_web::test]
async fn an_answer_that_is_read_slowly_comes_whole() {
    let server = hasty(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    draw_much(address, &drawing).await;
    let mut reader = RawSocket::connect(address).await;
    let path = format!("/api/drawings/{drawing}/strokes?since=0");
    reader
        .say(&format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"))
        .await;
    let head = reader.head().await;
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    let length = STROKES * BYTES;
    let (begun, mut read, mut end) = (Instant::now(), 0, Vec::new());
    let mut piece = vec![0; length / 16];
    while !end.ends_with(b"\r\n0\r\n\r\n") {
        let more = tokio::io::AsyncReadExt::read(&mut reader.stream, &mut piece).await;
        let more = more.expect("the connection stands");
        assert!(more > 0, "it ends after {read} bytes");
        read += more;
        end.extend_from_slice(&piece[..more]);
        end.drain(..end.len().saturating_sub(16));
        let due = 4 * SHORT * u32::try_from(read.min(length) * 100 / length).unwrap() / 100;
        sleep(due.saturating_sub(begun.elapsed())).await;
    }
    // The head was read with a part of the body.
    assert!(read + 8 * 1024 >= length, "{read} of {length}");
    assert!(begun.elapsed() > 2 * SHORT, "{:?}", begun.elapsed());
}

#[actix_web::test]
async fn a_socket_that_reads_nothing_is_ended() {
    let server = hasty(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let _eve = RawSocket::upgraded(address, &host(address), &drawing).await;
    draw_much(address, &drawing).await;
    connections_come_to(address, 0).await;
}

/// However long it lasts: its session has its own timeout.
#[actix_web::test]
async fn a_socket_that_has_nothing_to_say_stays() {
    let server = hasty(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    let begun = Instant::now();
    while begun.elapsed() < 3 * SHORT {
        sleep(SHORT / 3).await;
        assert_eq!(metric(server.address(), OPEN).await, 2.0);
    }
    ada.draw_stored(pen(1.0)).await;
    ada.leave().await;
}

#[actix_web::test]
async fn one_address_opens_no_more_than_its_connection_limit() {
    let server = TestServer::start(&["--max-connections-per-address", "5"]).await;
    let address = server.address();
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(connected(address).await);
    }
    let mut sixth = RawSocket::connect(address).await;
    sixth.say("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let head = sixth.head().await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    let body = String::from_utf8(sixth.rest().await).unwrap();
    assert!(body.contains("from this address"), "{body}");
    drop(held);
    connections_come_to(address, 0).await;
    let refused = r#"whiteboard_connections_refused_total{limit="address"}"#;
    assert_eq!(metric(address, refused).await, 1.0);
}

#[actix_web::test]
async fn behind_a_proxy_all_connections_may_come_from_one_address() {
    let flags = [
        "--max-connections-per-address",
        "0",
        "--max-connections",
        "8",
    ];
    let server = TestServer::start(&flags).await;
    let address = server.address();
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(connected(address).await);
    }
    let mut ninth = RawSocket::connect(address).await;
    ninth.say("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let head = ninth.head().await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    let body = String::from_utf8(ninth.rest().await).unwrap();
    assert!(!body.contains("address"), "{body}");
    drop(held);
    connections_come_to(address, 0).await;
}

/// Yet each of them is a connection.
#[actix_web::test]
async fn sockets_that_are_turned_away_take_no_place_of_a_session() {
    let mut settings = settings("mem://", &[]);
    settings.sessions.max_sessions = Some(1);
    let server = TestServer::with(settings).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut away = Vec::new();
    for _ in 0..3 {
        let mut eve = RawSocket::upgraded(address, "evil.example", &drawing).await;
        check("a wrong host", &eve.closed().await, 4421, "host");
        away.push(eve);
    }
    let ada = Client::open(address, &drawing).await;
    let mut ben = RawSocket::upgraded(address, &host(address), &drawing).await;
    check("one too many", &ben.closed().await, 4429, "sessions");
    ada.leave().await;
    drop((away, ben));
    connections_come_to(address, 0).await;
    Client::open(address, &drawing).await.leave().await;
}

#[actix_web::test]
async fn a_server_takes_fewer_connections_than_it_may_open_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = ServerProcess::start_with_few_files(&folder.path().join("data"), 300);
    let address = process.address;
    let mut held = Vec::new();
    for _ in 0..44 {
        held.push(connected(address).await);
    }
    let mut one_more = RawSocket::connect(address).await;
    one_more.say("GET /healthz HTTP/1.1\r\n\r\n").await;
    assert!(one_more.head().await.starts_with("HTTP/1.1 503"));
    drop(held);
    connections_come_to(address, 0).await;
    let drawing = create_drawing(address).await;
    let mut ada = Client::open(address, &drawing).await;
    ada.draw_stored(pen(1.0)).await;
    ada.leave().await;
    let log = process.stop();
    assert!(
        log.iter().any(|line| line.contains("44 connections")),
        "{log:?}"
    );
}
