//! Bad input: each gets a refusal with a reason, the others draw on, and nothing is written.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use whiteboard::model::StrokeId;
use whiteboard::points::MAX_POINTS;
use whiteboard::protocol::{MAX_FRAME_BYTES, MAX_OPS_PER_FRAME};

use crate::browser::{Browser, request, turned_away};
use crate::page::{Closed, pen};
use crate::served::{create_drawing, serve, strokes};

/// How long an answer over HTTP may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Someone who draws on, whatever others send.
struct Witness {
    browser: Browser,
}

impl Witness {
    async fn new(address: SocketAddr, drawing: &str) -> Self {
        let mut browser = Browser::named(address, drawing, "Witness").await;
        browser.draw(pen(0.0)).await;
        browser.answered().await;
        Self { browser }
    }

    /// Draws one more stroke, whoever else draws.
    async fn draws(&mut self) {
        let stroke = self.browser.draw(pen(1.0)).await;
        self.browser.answered().await;
        self.browser
            .wait("what it drew", |b| b.strokes.contains_key(&stroke))
            .await;
    }

    /// Draws one more stroke. Nobody else has written meanwhile: it gets the next position.
    async fn draws_on(&mut self, after: &str) {
        let before = self.browser.head;
        let stroke = self.browser.draw(pen(1.0)).await;
        self.browser.answered().await;
        self.browser.reach(before + 1).await;
        let held = self.browser.strokes.get(&stroke);
        assert_eq!(held.map(|held| held.seq), Some(before + 1), "{after}");
    }
}

fn op(op: Value) -> String {
    json!({"type": "ops", "ops": [op]}).to_string()
}

fn draw(n: u64) -> Value {
    json!({"n": n, "op": "draw", "stroke": StrokeId::random(), "body": pen(1.0)})
}

#[actix_web::test]
async fn a_frame_that_is_none_closes_its_socket_and_harms_nobody() {
    let server = serve(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut witness = Witness::new(server.address(), &drawing).await;
    let hello = r#"{"type":"hello","key":"00000000000000000000000000000001","tab":"00000000000000000000000000000001","next":1}"#;
    let many: Vec<Value> = (1..=MAX_OPS_PER_FRAME as u64 + 1).map(draw).collect();
    let large = format!(
        r#"{{"type":"ping","fill":"{}"}}"#,
        "x".repeat(MAX_FRAME_BYTES)
    );
    let text_of_a_megabyte = op(json!({"n": 1, "op": "draw", "stroke": StrokeId::random(),
        "body": {"tool": "text", "x": 1, "y": 1, "colour": "#000000", "width": 20, "text": "x".repeat(1 << 20)}}));
    let cases: Vec<(&str, String, u16, &str)> = vec![
        ("nothing", "".into(), 4400, ""),
        ("not JSON", "hello".into(), 4400, "expected"),
        ("half JSON", r#"{"type":"ping""#.into(), 4400, "EOF"),
        ("no object", "[1,2]".into(), 4400, ""),
        ("deep JSON", "[".repeat(100_000), 4400, ""),
        ("no type", "{}".into(), 4400, "type"),
        (
            "unknown type",
            r#"{"type":"drop"}"#.into(),
            4400,
            "unknown type",
        ),
        ("type of another kind", r#"{"type":7}"#.into(), 4400, ""),
        ("wrong field", r#"{"type":"ping","x":1}"#.into(), 4400, "x"),
        (
            "field twice",
            r#"{"type":"since","since":0,"since":0,"life":"x"}"#.into(),
            4400,
            "",
        ),
        (
            "NaN",
            r#"{"type":"signal","pointer":{"x":NaN,"y":1}}"#.into(),
            4400,
            "",
        ),
        ("NaN in an op", op(draw(1)).replace("1.0", "NaN"), 4400, ""),
        (
            "infinity",
            r#"{"type":"signal","pointer":{"x":1e999,"y":1}}"#.into(),
            4400,
            "number",
        ),
        (
            "a pointer too far",
            r#"{"type":"signal","pointer":{"x":1e300,"y":1}}"#.into(),
            4400,
            "far",
        ),
        (
            "ops that are no list",
            r#"{"type":"ops","ops":{}}"#.into(),
            4400,
            "",
        ),
        ("an op without n", op(json!({"op": "erase"})), 4400, "n"),
        ("an op 0", op(draw(0)), 4400, "n is from 1"),
        (
            "an op below 0",
            op(draw(1)).replace(r#""n":1"#, r#""n":-1"#),
            4400,
            "",
        ),
        ("a huge op number", op(draw(u64::MAX)), 4400, "n is from 1"),
        (
            "too many ops",
            json!({"type": "ops", "ops": many}).to_string(),
            4400,
            "at most",
        ),
        ("hello twice", hello.into(), 4400, "once"),
        (
            "another writer's id",
            hello.replace(r#""next""#, r#""writer":"1","next""#),
            4400,
            "writer",
        ),
        (
            "a position below 0",
            r#"{"type":"since","since":-1,"life":"x"}"#.into(),
            4400,
            "",
        ),
        ("a frame over the limit", large, 4413, "at most"),
        ("a text of 1 MB", text_of_a_megabyte, 4413, "at most"),
    ];
    for (name, text, code, word) in cases {
        let mut eve = Browser::open(server.address(), &drawing).await;
        eve.raw(&text).await;
        check(name, &eve.closed().await, code, word);
        witness.draws_on(name).await;
    }

    let mut eve = Browser::looking(server.address(), &drawing).await;
    eve.raw(&op(draw(1))).await;
    check("ops before hello", &eve.closed().await, 4400, "hello");

    let mut eve = Browser::open(server.address(), &drawing).await;
    eve.raw_binary(op(draw(1)).as_bytes()).await;
    check("a binary frame", &eve.closed().await, 4400, "text");

    let mut eve = Browser::open(server.address(), &drawing).await;
    let part = "x".repeat(4096);
    eve.raw_fragment(&part, true, false).await;
    for _ in 0..=MAX_FRAME_BYTES / part.len() {
        eve.raw_fragment(&part, false, false).await;
    }
    check("endless fragments", &eve.closed().await, 4413, "at most");

    let mut eve = Browser::open(server.address(), &drawing).await;
    eve.raw_fragment("x", false, true).await;
    check("a fragment of nothing", &eve.closed().await, 4400, "");
    witness.draws_on("binary frames and fragments").await;
    drop((witness, eve));
    server.drain().await;
}

fn check(name: &str, closed: &Closed, code: u16, word: &str) {
    assert_eq!(closed.code, code, "{name}: {closed:?}");
    assert!(closed.reason.starts_with("final: "), "{name}: {closed:?}");
    assert!(closed.reason.contains(word), "{name}: {closed:?}");
}

#[actix_web::test]
async fn fragments_up_to_the_limit_are_joined() {
    let server = serve(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Browser::open(server.address(), &drawing).await;
    let mut body = pen(1.0);
    body["note"] = json!("ü".repeat(10_000));
    let frame = op(json!({"n": 1, "op": "draw", "stroke": StrokeId::random(), "body": body}));
    let frame = format!("{frame}{}", " ".repeat(MAX_FRAME_BYTES - frame.len()));
    // In the middle of a character too.
    let (first, rest) = frame.split_at(frame.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    ada.raw_fragment(first, true, false).await;
    ada.raw_fragment(second, false, false).await;
    ada.raw_fragment(third, false, true).await;
    ada.reach(1).await;
    drop(ada);
    server.drain().await;
}

#[actix_web::test]
async fn an_op_that_is_none_is_refused_and_the_next_one_is_taken() {
    let server = serve(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let elsewhere = create_drawing(server.address()).await;
    let mut other = Browser::open(server.address(), &elsewhere).await;
    let foreign = other.draw(pen(1.0)).await;
    other.answered().await;

    let mut witness = Witness::new(server.address(), &drawing).await;
    let mut eve = Browser::open(server.address(), &drawing).await;
    let there = eve.draw(pen(1.0)).await;
    let erased = eve.draw(pen(2.0)).await;
    eve.answered().await;
    eve.erase(erased).await;
    eve.answered().await;
    witness.browser.reach(4).await;
    let over = json!({"writer": eve.writer, "n": 1});

    let with = |field: &str, value: Value| {
        let mut body = pen(1.0);
        body[field] = value;
        json!({"op": "draw", "stroke": StrokeId::random(), "body": body})
    };
    let points = |count: usize| {
        use base64::Engine;
        let (low, high) = (count as u8 & 0x7f | 0x80, (count >> 7) as u8);
        let mut bytes = vec![0, low, high];
        bytes.resize(3 + 2 * count, 2);
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let text = |bytes: usize| {
        json!({"op": "draw", "stroke": StrokeId::random(),
        "body": {"tool": "text", "x": 1, "y": 1, "colour": "#000000", "width": 20, "text": "x".repeat(bytes)}})
    };
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        ("no kind", json!({"stroke": there}), "invalid", "op"),
        (
            "unknown kind",
            json!({"op": "drop", "stroke": there}),
            "invalid",
            "drop",
        ),
        (
            "wrong field",
            json!({"op": "erase", "stroke": there, "by": 1}),
            "invalid",
            "by",
        ),
        (
            "another writer",
            json!({"op": "erase", "stroke": there, "writer": "7a"}),
            "invalid",
            "writer",
        ),
        (
            "an id that is SurrealQL",
            json!({"op": "erase", "stroke": "x; REMOVE TABLE drawing"}),
            "invalid",
            "",
        ),
        ("no stroke", json!({"op": "erase"}), "invalid", "stroke"),
        (
            "a draw without a body",
            json!({"op": "draw", "stroke": StrokeId::random()}),
            "invalid",
            "body",
        ),
        (
            "a body that is none",
            json!({"op": "draw", "stroke": StrokeId::random(), "body": 7}),
            "invalid",
            "body",
        ),
        (
            "unknown tool",
            with("tool", json!("crayon")),
            "invalid",
            "tool",
        ),
        ("a number as text", with("x", json!("1")), "invalid", "x"),
        (
            "a huge number",
            with("x", json!(1e300)),
            "invalid",
            "x is within",
        ),
        (
            "a large number",
            with("y", json!(-1e8)),
            "invalid",
            "y is within",
        ),
        ("no width", with("width", json!(0)), "invalid", "width"),
        (
            "a colour with a script",
            with("colour", json!("url(javascript:1)")),
            "invalid",
            "colour",
        ),
        (
            "points that are none",
            with("points", json!("****")),
            "invalid",
            "points",
        ),
        (
            "points that end early",
            with("points", json!("AAM=")),
            "invalid",
            "points",
        ),
        (
            "too many points",
            with("points", json!(points(MAX_POINTS + 1))),
            "invalid",
            "points",
        ),
        ("a long text", text(5_000), "invalid", "text"),
        (
            "a large body",
            with("note", json!("x".repeat(70_000))),
            "invalid",
            "bytes",
        ),
        (
            "a huge z",
            json!({"op": "edit", "stroke": there, "set": {}, "z": i64::MAX}),
            "invalid",
            "z",
        ),
        (
            "a z far below",
            json!({"op": "edit", "stroke": there, "set": {}, "z": i64::MIN}),
            "invalid",
            "z",
        ),
        (
            "an edit that makes it none",
            json!({"op": "edit", "stroke": there, "set": {"x": null}}),
            "invalid",
            "x",
        ),
        (
            "an edit of what is erased",
            json!({"op": "edit", "stroke": erased, "set": {"x": 1}}),
            "gone",
            "",
        ),
        (
            "an edit of what never was",
            json!({"op": "edit", "stroke": StrokeId::random(), "set": {"x": 1}}),
            "absent",
            "",
        ),
        (
            "a stroke of another drawing",
            json!({"op": "edit", "stroke": foreign, "set": {"x": 1}}),
            "absent",
            "",
        ),
        (
            "a draw of what is there",
            json!({"op": "draw", "stroke": there, "body": pen(1.0)}),
            "exists",
            "",
        ),
        (
            "a draw of what was erased",
            json!({"op": "draw", "stroke": erased, "body": pen(1.0)}),
            "exists",
            "",
        ),
        (
            "a restore of what is there",
            json!({"op": "restore", "stroke": there, "body": pen(1.0), "over": over}),
            "changed",
            "",
        ),
    ];
    for (name, op, reason, word) in cases {
        let before = strokes(server.address(), &drawing).await;
        let n = eve.wish(op).await;
        let refused = eve.refusal(n).await;
        assert_eq!(refused.reason, reason, "{name}: {refused:?}");
        assert!(refused.message.contains(word), "{name}: {refused:?}");
        assert_eq!(before, strokes(server.address(), &drawing).await, "{name}");
        witness.draws_on(name).await;
        // The same socket goes on with the next number.
        let next = eve.draw(pen(3.0)).await;
        eve.wait("the next op", |b| b.strokes.contains_key(&next))
            .await;
        eve.answered().await;
        witness.browser.reach(eve.head).await;
    }
    assert!(eve.closes.is_empty());

    // Erasing what is gone, or was never there, is done already, and writes nothing.
    let before = strokes(server.address(), &drawing).await;
    eve.erase(erased).await;
    eve.erase(StrokeId::random()).await;
    eve.answered().await;
    assert_eq!(before, strokes(server.address(), &drawing).await);
    drop((other, witness, eve));
    server.drain().await;
}

#[actix_web::test]
async fn an_op_number_that_jumps_or_goes_back_changes_nothing() {
    let server = serve(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut witness = Witness::new(server.address(), &drawing).await;
    let mut eve = Browser::open(server.address(), &drawing).await;
    let first = eve.draw(pen(1.0)).await;
    eve.answered().await;
    eve.raw(&op(draw(5))).await;
    eve.wait("being asked for op 2", |b| b.resends == 1).await;
    // Another op under a number that is decided: it is told so, and nothing comes of it.
    eve.done = 0;
    eve.raw(&op(draw(1))).await;
    eve.wait("being told of op 1", |b| b.done == 1).await;
    witness.browser.reach(2).await;
    witness.draws_on("wrong numbers").await;
    eve.draw(pen(2.0)).await;
    eve.answered().await;
    eve.reach(4).await;
    assert_eq!(eve.strokes.len(), 4);
    assert!(eve.strokes.contains_key(&first));
    drop((witness, eve));
    server.drain().await;
}

#[actix_web::test]
async fn too_much_is_refused_for_load_and_all_of_it_arrives() {
    const STROKES: u64 = 700;
    let server = serve(&["--ops-burst", "500", "--ops-per-second", "100"]).await;
    let drawing = create_drawing(server.address()).await;
    // They wait in the outbox, as after a time offline, and go out all at once.
    let mut ada = Browser::new(server.address(), &drawing);
    for x in 0..STROKES {
        ada.draw(pen(x as f64)).await;
    }
    ada.connect().await;
    ada.wait("being welcome", |b| b.welcome).await;
    ada.answered().await;
    assert!(ada.loads > 0, "nothing was refused");
    ada.reach(STROKES).await;
    assert_eq!((ada.head, ada.strokes.len() as u64), (STROKES, STROKES));
    assert!(ada.closes.is_empty() && ada.refusals.is_empty());
    drop(ada);
    server.drain().await;
}

#[actix_web::test]
async fn a_full_drawing_says_so_and_can_be_erased() {
    let server = serve(&["--max-strokes", "3"]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Browser::open(server.address(), &drawing).await;
    let first = ada.draw(pen(1.0)).await;
    for x in [2.0, 3.0] {
        ada.draw(pen(x)).await;
    }
    ada.answered().await;
    ada.draw(pen(4.0)).await;
    assert_eq!(ada.refusal(4).await.reason, "full");
    ada.erase(first).await;
    ada.draw(pen(5.0)).await;
    ada.answered().await;
    ada.wait("three strokes", |b| b.picture().len() == 3 && b.done == 6)
        .await;
    drop(ada);
    server.drain().await;
}

#[actix_web::test]
async fn a_socket_with_a_wrong_address_is_told_why() {
    let server = serve(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut witness = Witness::new(address, &drawing).await;
    for since in [
        "-1",
        "NaN",
        "1e3",
        "",
        "99999999999999999999",
        "0%20OR%20true",
    ] {
        let wrong = request(address, &format!("/ws/{drawing}?since={since}"));
        check(since, &turned_away(address, wrong).await, 4400, "since");
    }
    let wrong = request(address, &format!("/ws/{drawing}?since=0&life=x"));
    check("life", &turned_away(address, wrong).await, 4400, "");
    for id in [
        "x",
        "drawing:x",
        "stroke_1;%20REMOVE%20TABLE%20drawing",
        "..%2f..%2fetc%2fpasswd",
        "%F0%9F%98%80",
        &drawing
            .to_uppercase()
            .replace(|c: char| c.is_ascii_digit(), "A"),
    ] {
        let wrong = request(address, &format!("/ws/{id}?since=0"));
        check(id, &turned_away(address, wrong).await, 4400, "");
    }
    let nobody = StrokeId::random();
    let wrong = request(address, &format!("/ws/{nobody}?since=0"));
    check("no drawing", &turned_away(address, wrong).await, 4404, "");

    for origin in [
        "http://evil.example",
        "null",
        "file://",
        "http://127.0.0.1:1",
    ] {
        let mut foreign = request(address, &format!("/ws/{drawing}?since=0"));
        foreign
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
        check(origin, &turned_away(address, foreign).await, 4403, "origin");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "a@127.0.0.1"] {
        let mut strange = request(address, &format!("/ws/{drawing}?since=0"));
        strange.headers_mut().insert("host", host.parse().unwrap());
        check(host, &turned_away(address, strange).await, 4403, "host");
    }
    let mut silent = request(address, &format!("/ws/{drawing}?since=0"));
    silent.headers_mut().remove("sec-websocket-protocol");
    check(
        "no subprotocol",
        &turned_away(address, silent).await,
        4400,
        "whiteboard.v1",
    );
    witness.draws_on("wrong addresses").await;
    drop(witness);
    server.drain().await;
}

/// Sends a request as it is, without what a client would tidy up in it.
async fn raw_http(address: SocketAddr, request: &str) -> (u16, String) {
    let asking = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = timeout(DEADLINE, asking).await.expect("an answer in time");
    let answer = String::from_utf8_lossy(&answer.expect("an answer")).into_owned();
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status.unwrap_or(0), body.to_owned())
}

#[actix_web::test]
async fn a_request_that_is_wrong_is_told_why() {
    let server = serve(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut witness = Witness::new(address, &drawing).await;
    let strokes = format!("/api/drawings/{drawing}/strokes");
    let gets = [
        (format!("{strokes}?since=-1"), 400),
        (format!("{strokes}?since=NaN"), 400),
        (format!("{strokes}?since=99999999999999999999"), 400),
        (format!("{strokes}?since=0&life=x"), 400),
        ("/api/drawings?limit=-1".into(), 400),
        ("/api/drawings?before=x".into(), 400),
        ("/api/drawings/x;%20REMOVE%20TABLE%20drawing".into(), 400),
        (format!("/api/drawings/{}", StrokeId::random()), 404),
        ("/../../etc/passwd".into(), 404),
        ("/assets/x/../../../etc/passwd".into(), 404),
        ("/assets/x/..%2f..%2f..%2fetc%2fpasswd".into(), 404),
        ("/assets/x/..%5c..%5cCargo.toml".into(), 404),
        ("/%00".into(), 404),
    ];
    for (path, status) in gets {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        check_http(&path, raw_http(address, &request).await, status);
    }
    let posts = [
        ("{".to_owned(), 400),
        ("[]".to_owned(), 400),
        (r#"{"title":7}"#.to_owned(), 400),
        (r#"{"title":""}"#.to_owned(), 400),
        (r#"{"title":"a\u0000b"}"#.to_owned(), 400),
        (r#"{"titel":"x"}"#.to_owned(), 400),
        (format!(r#"{{"title":"{}"}}"#, "x".repeat(200)), 400),
        (format!(r#"{{"title":"{}"}}"#, "x".repeat(20_000)), 413),
    ];
    for (body, status) in posts {
        let request = format!(
            "POST /api/drawings HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        check_http(&body, raw_http(address, &request).await, status);
    }
    for header in [
        "Host: evil.example",
        &format!("Host: {address}\r\nOrigin: http://evil.example"),
        &format!("Host: {address}\r\nOrigin: null"),
    ] {
        for line in [
            format!("GET /api/drawings/{drawing}"),
            "POST /api/drawings".into(),
        ] {
            let request = format!(
                "{line} HTTP/1.1\r\n{header}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            check_http(header, raw_http(address, &request).await, 403);
        }
    }
    witness.draws_on("wrong requests").await;
    let list: Value = reqwest::get(format!("http://{address}/api/drawings"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(list["drawings"].as_array().unwrap().len(), 1, "{list}");
    drop(witness);
    server.drain().await;
}

fn check_http(name: &str, (status, body): (u16, String), expected: u16) {
    assert_eq!(status, expected, "{name}: {body}");
    let body: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{name}: {body}"));
    let message = body["error"]["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{name}: {body}");
}

#[actix_web::test]
async fn no_frame_can_stop_the_server() {
    const FRAMES: usize = 200;
    let server = serve(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut witness = Witness::new(server.address(), &drawing).await;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let stroke = StrokeId::random();
    let good = [
        op(draw(1)),
        op(json!({"n": 1, "op": "edit", "stroke": stroke, "set": {"x": 30}, "over": {"writer": stroke, "n": 1}})),
        op(json!({"n": 1, "op": "erase", "stroke": stroke})),
        r#"{"type":"signal","pointer":{"x":1.5,"y":2}}"#.into(),
        r##"{"type":"signal","ink":{"stroke":"c1000000000000000000000000000000","n":5,"at":0,"x":10,"y":20,"points":"AAEAAA==","tool":"pen","colour":"#1d1d1f","width":4}}"##.into(),
        r#"{"type":"since","since":17,"life":"52000000000000000000000000000000"}"#.into(),
        r#"{"type":"hello","key":"00000000000000000000000000000001","tab":"00000000000000000000000000000001","next":1}"#.into(),
    ];
    let mut closed = 0;
    let mut eve = Browser::open(server.address(), &drawing).await;
    eve.forge_ops();
    for number in 0..FRAMES {
        if number % 10 == 0 {
            witness.draws().await;
        }
        let mut bytes = good[random.usize(..good.len())].clone().into_bytes();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..bytes.len().max(1));
            match random.u8(..4) {
                _ if bytes.is_empty() => {}
                0 => bytes[at] = random.u8(..),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, random.alphanumeric() as u8),
                _ => bytes.truncate(at.max(1)),
            }
        }
        match String::from_utf8(bytes) {
            Ok(text) => eve.raw(&text).await,
            Err(error) => eve.raw_binary(error.as_bytes()).await,
        }
        // The answer to a ping, or being closed: the server has dealt with what came before.
        let pongs = eve.pongs;
        eve.ping().await;
        eve.wait_or_close("an answer", |b| b.pongs > pongs).await;
        if !eve.is_connected() {
            closed += 1;
            eve = Browser::open(server.address(), &drawing).await;
            eve.forge_ops();
        }
    }
    assert!(
        (FRAMES / 4..FRAMES).contains(&closed),
        "seed {seed}: {closed}"
    );
    witness.draws().await;
    drop((witness, eve));
    server.drain().await;
}
