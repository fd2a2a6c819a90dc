//! Malformed input: each gets a refusal with a reason, others continue to draw, and nothing is
//! stored.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::client::Client;
use support::http::{create_drawing, http, strokes};
use support::server::{TestServer, settings};
use support::socket::{Closed, rejected, request};
use support::state::pen;
use whiteboard::domain::ids::{DrawingId, StrokeId};
use whiteboard::domain::points::MAX_POINTS;
use whiteboard::protocol::{MAX_FRAME_BYTES, MAX_OPS_PER_FRAME};

/// A client that continues to draw while others attack.
struct Witness {
    client: Client,
}

impl Witness {
    async fn new(address: SocketAddr, drawing: &str) -> Self {
        let mut client = Client::named(address, drawing, "Witness").await;
        client.draw_stored(pen(0.0)).await;
        Self { client }
    }

    /// Draws another stroke, while others may draw too.
    async fn draws(&mut self) {
        let stroke = self.client.draw(pen(1.0)).await;
        self.client.all_acknowledged().await;
        self.client.sees(stroke).await;
    }

    /// Draws another stroke while no one else does: it gets the next position.
    async fn draws_on(&mut self, after: &str) {
        let before = self.client.head;
        let stroke = self.client.draw(pen(1.0)).await;
        self.client.all_acknowledged().await;
        self.client.reach(before + 1).await;
        let held = self.client.strokes.get(&stroke);
        assert_eq!(held.map(|held| held.seq), Some(before + 1), "{after}");
    }
}

fn op(op: Value) -> String {
    json!({"type": "ops", "ops": [op]}).to_string()
}

fn draw(n: u64) -> Value {
    json!({"n": n, "op": "draw", "stroke": StrokeId::random(), "body": pen(1.0)})
}

fn written(text: &str) -> Value {
    json!({"kind": "text", "x": 1, "y": 1, "colour": "#000000", "width": 20, "text": text})
}

/// This many points, encoded.
fn points(count: usize) -> String {
    let (low, high) = (count as u8 & 0x7f | 0x80, (count >> 7) as u8);
    let mut bytes = vec![0, low, high];
    bytes.resize(3 + 2 * count, 2);
    STANDARD.encode(bytes)
}

/// Text frames that violate the protocol, and a part of the reason for each.
fn malformed() -> Vec<(String, &'static str)> {
    let hello = r#"{"type":"hello","key":"00000000000000000000000000000001","tab":"00000000000000000000000000000001","next":1}"#;
    let many: Vec<Value> = (1..=MAX_OPS_PER_FRAME as u64 + 1).map(draw).collect();
    let written = [
        ("", ""),
        ("hello", "expected"),
        (r#"{"type":"ping""#, "EOF"),
        ("[1,2]", ""),
        ("{}", "type"),
        (r#"{"type":"drop"}"#, "unknown type"),
        (r#"{"type":7}"#, ""),
        (r#"{"type":"ping","x":1}"#, "x"),
        (r#"{"type":"since","since":0,"since":0,"epoch":"x"}"#, ""),
        (r#"{"type":"since","since":-1,"epoch":"x"}"#, ""),
        (r#"{"type":"signal","pointer":{"x":NaN,"y":1}}"#, ""),
        (r#"{"type":"signal","pointer":{"x":1e999,"y":1}}"#, "number"),
        (r#"{"type":"signal","pointer":{"x":1e300,"y":1}}"#, "far"),
        (
            r#"{"type":"signal","view":{"x":0,"y":0,"w":0,"h":1}}"#,
            "bounds",
        ),
        (r#"{"type":"signal","call":true}"#, "view"),
        (r#"{"type":"signal","preview":[1]}"#, "map"),
        (
            r#"{"type":"signal","preview":{},"cancelled":true}"#,
            "cancelled",
        ),
        (r#"{"type":"ops","ops":{}}"#, ""),
        (hello, "once"),
    ];
    let made = [
        ("[".repeat(100_000), ""),
        (op(draw(1)).replace("1.0", "NaN"), ""),
        (op(json!({"op": "erase"})), "n"),
        (op(draw(0)), "n is from 1"),
        (op(draw(1)).replace(r#""n":1"#, r#""n":-1"#), ""),
        (op(draw(u64::MAX)), "n is from 1"),
        (json!({"type": "ops", "ops": many}).to_string(), "at most"),
        // The server, not the client, determines the writer of an op.
        (hello.replace("next", r#"writer":"1","next"#), "writer"),
    ];
    let written = written.map(|(text, word)| (text.to_owned(), word));
    written.into_iter().chain(made).collect()
}

/// Text frames over the limit.
fn too_large() -> [String; 2] {
    let text = "x".repeat(1 << 20);
    [
        json!({"type": "ping", "fill": "x".repeat(MAX_FRAME_BYTES)}).to_string(),
        op(json!({"n": 1, "op": "draw", "stroke": StrokeId::random(), "body": written(&text)})),
    ]
}

#[actix_web::test]
async fn a_frame_that_is_none_closes_its_socket_and_harms_nobody() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut witness = Witness::new(server.address(), &drawing).await;
    let malformed = malformed()
        .into_iter()
        .map(|(text, word)| (text, 4400, word));
    let too_large = too_large().map(|text| (text, 4413, "at most"));
    for (text, code, word) in malformed.chain(too_large) {
        let mut eve = Client::open(server.address(), &drawing).await;
        eve.raw(&text).await;
        let name = format!("{text:.80}");
        check(&name, &eve.closed().await, code, word);
        witness.draws_on(&name).await;
    }
}

#[actix_web::test]
async fn a_frame_of_the_wrong_kind_closes_its_socket_and_harms_nobody() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut witness = Witness::new(server.address(), &drawing).await;
    let mut eve = Client::viewing(server.address(), &drawing).await;
    eve.raw(&op(draw(1))).await;
    check("ops before hello", &eve.closed().await, 4400, "hello");

    let mut eve = Client::open(server.address(), &drawing).await;
    eve.raw_binary(op(draw(1)).as_bytes()).await;
    check("a binary frame", &eve.closed().await, 4400, "text");

    let mut eve = Client::open(server.address(), &drawing).await;
    let part = "x".repeat(4096);
    eve.raw_fragment(&part, true, false).await;
    for _ in 0..=MAX_FRAME_BYTES / part.len() {
        eve.raw_fragment(&part, false, false).await;
    }
    check("endless fragments", &eve.closed().await, 4413, "at most");

    let mut eve = Client::open(server.address(), &drawing).await;
    eve.raw_fragment("x", false, true).await;
    check("a fragment of nothing", &eve.closed().await, 4400, "");
    witness.draws_on("binary frames and fragments").await;
}

fn check(name: &str, closed: &Closed, code: u16, word: &str) {
    assert_eq!(closed.code, code, "{name}: {closed:?}");
    assert!(closed.reason.starts_with("final: "), "{name}: {closed:?}");
    assert!(closed.reason.contains(word), "{name}: {closed:?}");
}

#[actix_web::test]
async fn fragments_up_to_the_limit_are_joined() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    let mut body = pen(1.0);
    body["note"] = json!("ü".repeat(10_000));
    let frame = op(json!({"n": 1, "op": "draw", "stroke": StrokeId::random(), "body": body}));
    let frame = format!("{frame}{}", " ".repeat(MAX_FRAME_BYTES - frame.len()));
    // In the middle of a character as well.
    let (first, rest) = frame.split_at(frame.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    ada.raw_fragment(first, true, false).await;
    ada.raw_fragment(second, false, false).await;
    ada.raw_fragment(third, false, true).await;
    ada.reach(1).await;
}

/// A client whose ops are refused, beside a witness.
struct Scene {
    drawing: String,
    witness: Witness,
    eve: Client,
    /// A stroke of this client.
    there: StrokeId,
    /// Another stroke of this client, erased.
    erased: StrokeId,
    /// Dropped last.
    server: TestServer,
}

impl Scene {
    async fn start() -> Self {
        let server = TestServer::start(&[]).await;
        let drawing = create_drawing(server.address()).await;
        let mut witness = Witness::new(server.address(), &drawing).await;
        let mut eve = Client::open(server.address(), &drawing).await;
        let there = eve.draw(pen(1.0)).await;
        let erased = eve.draw_stored(pen(2.0)).await;
        eve.erase(erased).await;
        eve.all_acknowledged().await;
        witness.client.reach(4).await;
        Self {
            drawing,
            witness,
            eve,
            there,
            erased,
            server,
        }
    }

    async fn strokes(&self) -> Value {
        strokes(self.server.address(), &self.drawing).await
    }

    /// Submits an op that is refused for this reason, with this text, and changes nothing.
    async fn refuses(&mut self, op: Value, reason: &str, word: &str) {
        let name = format!("{:.80}", op.to_string());
        let before = self.strokes().await;
        let n = self.eve.submit(op).await;
        let refused = self.eve.refusal(n).await;
        assert_eq!(refused.reason, reason, "{name}: {refused:?}");
        assert!(refused.message.contains(word), "{name}: {refused:?}");
        assert_eq!(before, self.strokes().await, "{name}");
        self.witness.draws_on(&name).await;
        // The same socket accepts the next number.
        let next = self.eve.draw(pen(3.0)).await;
        self.eve
            .wait("the next op", |it| it.strokes.contains_key(&next))
            .await;
        self.eve.all_acknowledged().await;
        self.witness.client.reach(self.eve.head).await;
        assert!(self.eve.closes.is_empty());
    }
}

#[actix_web::test]
async fn an_op_that_is_none_is_refused_and_the_next_one_is_taken() {
    let mut scene = Scene::start().await;
    let (there, new) = (scene.there, StrokeId::random());
    let draw = |body: Value| json!({"op": "draw", "stroke": StrokeId::random(), "body": body});
    let with = |field: &str, value: Value| {
        let mut body = pen(1.0);
        body[field] = value;
        draw(body)
    };
    let edit = |field: &str, value: Value| {
        let mut op = json!({"op": "edit", "stroke": there, "set": {}});
        op[field] = value;
        op
    };
    for (op, word) in [
        (json!({"stroke": there}), "op"),
        (json!({"op": "drop", "stroke": there}), "drop"),
        (json!({"op": "erase"}), "stroke"),
        (
            json!({"op": "erase", "stroke": there, "author": 1}),
            "author",
        ),
        (edit("writer", json!("7a")), "writer"),
        (edit("stroke", json!("x; REMOVE TABLE drawing")), ""),
        (json!({"op": "draw", "stroke": new}), "body"),
        (draw(json!(7)), "body"),
        (draw(written(&"x".repeat(5_000))), "text"),
        (with("kind", json!("Crayon")), "kind"),
        (with("x", json!("1")), "x"),
        (with("x", json!(1e300)), "x is from"),
        (with("y", json!(-1e8)), "y is from"),
        (with("width", json!(0)), "width"),
        (with("colour", json!("url(javascript:1)")), "colour"),
        (with("points", json!("****")), "points"),
        (with("points", json!("AAM=")), "points"),
        (with("points", json!(points(MAX_POINTS + 1))), "points"),
        (with("note", json!("x".repeat(70_000))), "bytes"),
        (edit("z", json!(i64::MAX)), "z"),
        (edit("z", json!(i64::MIN)), "z"),
        (edit("set", json!({"x": null})), "x"),
    ] {
        scene.refuses(op, "invalid", word).await;
    }
}

#[actix_web::test]
async fn an_op_with_a_wrong_premise_is_refused_and_the_next_one_accepted() {
    let mut scene = Scene::start().await;
    let elsewhere = create_drawing(scene.server.address()).await;
    let mut other = Client::open(scene.server.address(), &elsewhere).await;
    let foreign = other.draw_stored(pen(1.0)).await;
    let (there, erased, never) = (scene.there, scene.erased, StrokeId::random());
    let edit = |stroke: StrokeId| json!({"op": "edit", "stroke": stroke, "set": {"x": 1}});
    let draw = |stroke: StrokeId| json!({"op": "draw", "stroke": stroke, "body": pen(1.0)});
    let mut restore = draw(there);
    restore["op"] = json!("restore");
    restore["base"] = json!({"writer": scene.eve.writer, "n": 1});
    for (op, reason) in [
        (edit(erased), "erased"),
        (edit(never), "absent"),
        (edit(foreign), "absent"),
        (draw(there), "exists"),
        (draw(erased), "exists"),
        (restore, "changed"),
    ] {
        scene.refuses(op, reason, "").await;
    }

    // Erasing a stroke that is erased or never existed succeeds, and writes nothing.
    let before = scene.strokes().await;
    scene.eve.erase(erased).await;
    scene.eve.erase(never).await;
    scene.eve.all_acknowledged().await;
    assert_eq!(before, scene.strokes().await);
}

#[actix_web::test]
async fn an_op_number_that_jumps_or_goes_back_changes_nothing() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut witness = Witness::new(server.address(), &drawing).await;
    let mut eve = Client::open(server.address(), &drawing).await;
    let first = eve.draw_stored(pen(1.0)).await;
    eve.raw(&op(draw(5))).await;
    eve.wait("a request for op 2", |it| it.resends == 1).await;
    // Another op under a decided number: it is acknowledged without effect.
    eve.done = 0;
    eve.raw(&op(draw(1))).await;
    eve.wait("an acknowledgement of op 1", |it| it.done == 1)
        .await;
    witness.client.reach(2).await;
    witness.draws_on("wrong numbers").await;
    eve.draw_stored(pen(2.0)).await;
    eve.reach(4).await;
    assert_eq!(eve.strokes.len(), 4);
    assert!(eve.strokes.contains_key(&first));
}

#[actix_web::test]
async fn too_much_is_refused_for_load_and_all_of_it_arrives() {
    const STROKES: u64 = 700;
    // One full frame at once, and what it lacks of the next one in a second.
    let mut settings = settings("mem://", &["--ops-per-second", "10"]);
    settings.sessions.burst_seconds = NonZeroU32::MIN;
    let server = TestServer::with(settings).await;
    let drawing = create_drawing(server.address()).await;
    // They are in the outbox, as after a time offline, and are sent all at once.
    let mut ada = Client::new(server.address(), &drawing);
    ada.window = u64::MAX;
    for x in 0..STROKES {
        ada.draw(pen(x as f64)).await;
    }
    ada.connect().await;
    ada.wait("a welcome", |it| it.welcome).await;
    ada.all_acknowledged().await;
    assert!(ada.throttled > 0, "nothing was refused");
    ada.reach(STROKES).await;
    assert_eq!((ada.head, ada.strokes.len() as u64), (STROKES, STROKES));
    assert!(ada.closes.is_empty() && ada.refusals.is_empty());
}

#[actix_web::test]
async fn a_full_drawing_says_so_and_can_be_erased() {
    let mut settings = settings("mem://", &[]);
    settings.drawings.max_strokes = Some(3);
    let server = TestServer::with(settings).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    let first = ada.draw(pen(1.0)).await;
    for x in [2.0, 3.0] {
        ada.draw(pen(x)).await;
    }
    ada.all_acknowledged().await;
    ada.draw(pen(4.0)).await;
    assert_eq!(ada.refusal(4).await.reason, "full");
    ada.erase(first).await;
    ada.draw_stored(pen(5.0)).await;
    ada.wait("three strokes", |it| {
        it.picture().len() == 3 && it.done == 6
    })
    .await;
}

#[actix_web::test]
async fn a_socket_with_an_invalid_address_gets_a_reason() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut witness = Witness::new(address, &drawing).await;
    for since in [
        "-1",
        "NaN",
        "1e3",
        "",
        "9007199254740992",
        "99999999999999999999",
        "0%20OR%20true",
    ] {
        let wrong = request(address, &format!("/ws/{drawing}?since={since}"));
        check(since, &rejected(address, wrong).await, 4400, "since");
    }
    let wrong = request(address, &format!("/ws/{drawing}?since=0&epoch=x"));
    check("epoch", &rejected(address, wrong).await, 4400, "");
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
        check(id, &rejected(address, wrong).await, 4400, "");
    }
    let nobody = DrawingId::random();
    let wrong = request(address, &format!("/ws/{nobody}?since=0"));
    check("no drawing", &rejected(address, wrong).await, 4404, "");

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
        check(origin, &rejected(address, foreign).await, 4421, "origin");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "a@127.0.0.1"] {
        let mut strange = request(address, &format!("/ws/{drawing}?since=0"));
        strange.headers_mut().insert("host", host.parse().unwrap());
        check(host, &rejected(address, strange).await, 4421, "host");
    }
    let mut silent = request(address, &format!("/ws/{drawing}?since=0"));
    silent.headers_mut().remove("sec-websocket-protocol");
    check(
        "no subprotocol",
        &rejected(address, silent).await,
        4400,
        "whiteboard.v1",
    );
    witness.draws_on("wrong addresses").await;
}

/// One of each kind; their reasons are tested with HTTP.
#[actix_web::test]
async fn a_wrong_request_harms_nobody() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut witness = Witness::new(server.address(), &drawing).await;
    let http = http();
    let all = format!("http://{}/api/drawings", server.address());
    let one = format!("{all}/{drawing}");
    for (request, status) in [
        (http.get(format!("{one}/strokes?since=NaN")), 400),
        (
            http.get(format!("{all}/x;%20REMOVE%20TABLE%20drawing")),
            400,
        ),
        (http.patch(&one).body("{"), 400),
        (http.post(&all).body(r#"{"title":7}"#), 400),
        (http.post(&all).body("x".repeat(20_000)), 413),
        (http.post(&all).header("origin", "http://evil.example"), 403),
        (http.delete(&one).header("host", "evil.example"), 403),
        (http.put(&one), 405),
    ] {
        let name = format!("{request:?}");
        assert_eq!(request.send().await.unwrap().status(), status, "{name}");
        witness.draws_on(&name).await;
    }
    let list: Value = http.get(&all).send().await.unwrap().json().await.unwrap();
    assert_eq!(list["drawings"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list["drawings"][0]["title"], "Plan");
}

#[actix_web::test]
async fn no_frame_can_stop_the_server() {
    const FRAMES: usize = 200;
    /// A fixed seed, unless the environment names another one.
    const SEED: (&str, u64) = ("WHITEBOARD_SEED", 1);
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut witness = Witness::new(server.address(), &drawing).await;
    let seed = std::env::var(SEED.0).map_or(SEED.1, |seed| seed.parse().expect("a number"));
    println!("{}={seed}", SEED.0);
    let mut random = fastrand::Rng::with_seed(seed);
    let stroke = StrokeId::random();
    let good = [
        op(draw(1)),
        op(json!({"n": 1, "op": "edit", "stroke": stroke, "set": {"x": 30}, "base": {"writer": stroke, "n": 1}})),
        op(json!({"n": 1, "op": "erase", "stroke": stroke})),
        r#"{"type":"signal","pointer":{"x":1.5,"y":2}}"#.into(),
        r##"{"type":"signal","ink":{"stroke":"wQAAAAAAAAAAAAAAAAAAAA","n":5,"offset":0,"x":10,"y":20,"points":"AAEAAA==","kind":"pen","colour":"#1d1d1f","width":4}}"##.into(),
        r#"{"type":"since","since":17,"epoch":"52000000000000000000000000000000"}"#.into(),
        r#"{"type":"hello","key":"00000000000000000000000000000001","tab":"00000000000000000000000000000001","next":1}"#.into(),
    ];
    let mut closed = 0;
    let mut eve = Client::open(server.address(), &drawing).await;
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
        // A pong or a close: the server has handled everything before.
        let pongs = eve.pongs;
        eve.ping().await;
        eve.wait_or_close("an answer", |it| it.pongs > pongs).await;
        if !eve.is_connected() {
            closed += 1;
            eve = Client::open(server.address(), &drawing).await;
            eve.forge_ops();
        }
    }
    assert!(
        (FRAMES / 4..FRAMES).contains(&closed),
        "seed {seed}: {closed}"
    );
    witness.draws().await;
}
