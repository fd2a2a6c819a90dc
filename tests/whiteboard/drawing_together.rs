//! Several clients on one drawing: all end with the same picture, and none waits for another.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use support::client::Client;
use support::http::{create_drawing, metric, strokes};
use support::server::TestServer;
use support::state::{Stroke, large_pen, pen};
use whiteboard::domain::ids::{PersonId, Writer};

/// Clients that join while others draw, and their deadline.
const JOINERS: usize = 40;
const JOIN_WITHIN: Duration = Duration::from_secs(60);
/// How many of them join at the same time.
const LANES: usize = 4;
/// Ops that each of the others keeps unacknowledged meanwhile.
const AHEAD: usize = 6;

/// Draws, edits and erases, partly before the last op is acknowledged.
async fn scribble(client: &mut Client, rounds: usize) {
    for round in 0..rounds {
        let stroke = client.draw(pen(round as f64)).await;
        if round % 3 == 0 {
            client.all_acknowledged().await;
        }
        client.edit(stroke, json!({"x": 7, "width": 2})).await;
        if round % 4 == 0 {
            client.erase(stroke).await;
        }
    }
    client.all_acknowledged().await;
}

/// Waits until every client holds what is stored, and compares.
async fn all_equal(clients: &mut [Client]) {
    let stored = strokes(clients[0].address, &clients[0].drawing).await;
    let head = stored["head"].as_u64().unwrap();
    let mut picture = Vec::new();
    for change in stored["changes"].as_array().unwrap() {
        let held: Stroke = serde_json::from_value(change.clone()).unwrap();
        picture.extend(held.body.map(|body| (held.z, held.stroke, body)));
    }
    picture.sort_by_key(|(z, stroke, _)| (*z, *stroke));
    for client in clients {
        client.reach(head).await;
        assert_eq!(client.head, head);
        assert_eq!(client.picture(), picture, "{client:?}");
    }
}

#[actix_web::test]
async fn a_stroke_reaches_the_others_and_is_there_after_a_reload() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::named(server.address(), &drawing, "Ada").await;
    let mut ben = Client::named(server.address(), &drawing, "Ben").await;
    let stroke = ada.draw(pen(10.0)).await;
    ben.wait("the stroke", |it| it.strokes.contains_key(&stroke))
        .await;
    let held = &ben.strokes[&stroke];
    assert_eq!(held.body, Some(pen(10.0)));
    assert_eq!(Some(held.writer), ada.writer);
    assert_eq!((held.seq, held.z, held.n), (1, 1, 1));
    ada.all_acknowledged().await;
    let mut reloaded = Client::open(server.address(), &drawing).await;
    reloaded.reach(1).await;
    assert_eq!(reloaded.picture(), ben.picture());
}

#[actix_web::test]
async fn changes_reach_a_browser_in_order_without_gaps_or_repeats() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut clients = Vec::new();
    for name in ["Ada", "Ben", "Cleo"] {
        clients.push(Client::named(server.address(), &drawing, name).await);
    }
    join_all(clients.iter_mut().map(|client| scribble(client, 30))).await;
    clients.push(Client::viewing(server.address(), &drawing).await);
    all_equal(&mut clients).await;
    for client in &clients {
        assert_eq!(client.overlaps, 0);
        assert!(client.refusals.is_empty() && client.resets.is_empty());
        let erased = client.strokes.values().filter(|held| held.erased).count();
        let living = client.strokes.len() - erased;
        // Earlier clients know erased strokes; later ones get living strokes only.
        let known = if client.writes { 90 } else { living };
        assert_eq!(client.strokes.len(), known);
    }
}

#[actix_web::test]
async fn a_client_that_joins_while_others_draw_misses_nothing() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut writers = Vec::new();
    for _ in 0..3 {
        writers.push(Client::open(server.address(), &drawing).await);
    }
    let (joined, stored, joining) = (Cell::new(0), Cell::new(0), Cell::new(LANES));
    // Never waits for all acknowledgements: something is in flight whenever a client joins.
    let drawing_on = join_all(writers.iter_mut().map(|writer| async {
        for round in 0.. {
            if joining.get() == 0 {
                break;
            }
            let stroke = writer.draw(pen(f64::from(round))).await;
            writer.edit(stroke, json!({"x": 7, "width": 2})).await;
            if round % 4 == 0 {
                writer.erase(stroke).await;
            }
            writer
                .wait("some answers", |it| it.outbox.len() <= AHEAD)
                .await;
            stored.set(stored.get().max(writer.head));
        }
        writer.all_acknowledged().await;
    }));
    let deadline = Instant::now() + JOIN_WITHIN;
    let joiners = join_all((0..LANES).map(|_| {
        let (drawing, joined, stored, joining) = (&drawing, &joined, &stored, &joining);
        let address = server.address();
        async move {
            let mut clients = Vec::new();
            while joined.get() < JOINERS {
                assert!(Instant::now() < deadline, "{} joined", joined.get());
                let before = stored.get();
                let mut client = Client::viewing(address, drawing).await;
                // It has joined once it holds what was drawn since then, and then continues.
                client.reach(before + 1).await;
                let head = client.head;
                client.reach(head + 3).await;
                // This makes it a race: the drawing grew during the join.
                if stored.get() > before {
                    joined.set(joined.get() + 1);
                }
                clients.push(client);
            }
            joining.set(joining.get() - 1);
            clients
        }
    }));
    let (_, joiners) = join(drawing_on, joiners).await;
    let mut clients: Vec<Client> = joiners.into_iter().flatten().collect();
    assert!(clients.len() >= JOINERS);
    clients.append(&mut writers);
    all_equal(&mut clients).await;
    for client in &clients {
        assert_eq!(client.overlaps, 0, "{client:?}");
    }
}

#[actix_web::test]
async fn an_op_sent_twice_happens_once() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    let first = ada.draw(pen(1.0)).await;
    let frame = json!({"type": "ops", "ops": [ada.outbox[0].1]}).to_string();
    // At once, on the same socket.
    ada.raw(&frame).await;
    ada.all_acknowledged().await;
    // After the acknowledgement: it is repeated, without other effect.
    ada.done = 0;
    ada.raw(&frame).await;
    ada.wait("an acknowledgement again", |it| it.done == 1)
        .await;

    // On a new socket, while the old one may still have it in flight, in any order.
    for round in 0..10 {
        let edited = ada.edit(first, json!({"x": 100 + round})).await;
        let drawn = ada.draw(pen(f64::from(round))).await;
        ada.reconnect(server.address()).await;
        ada.all_acknowledged().await;
        ada.wait("what it drew", |it| it.strokes.contains_key(&drawn))
            .await;
        assert_eq!(ada.done, edited + 1);
    }
    assert!(ada.refusals.is_empty(), "{ada:?}");
    let stored = strokes(server.address(), &drawing).await;
    // Each op moved the head by one position: none of them twice.
    assert_eq!(stored["head"], 21, "{stored}");
    assert_eq!(stored["changes"].as_array().unwrap().len(), 11);
}

#[actix_web::test]
async fn nobody_continues_the_numbers_of_another_writer() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::open(server.address(), &drawing).await;
    ada.draw_stored(pen(1.0)).await;
    // The public ids are known to all; neither of them gives access to the writer.
    let writer = ada.writer.unwrap();
    let stored = strokes(server.address(), &drawing).await;
    let author = stored["changes"][0]["author"].as_str().expect("an author");
    assert_eq!(author, Writer::new(ada.key, ada.tab).author.to_string());
    let author: PersonId = author.parse().expect("an id");
    for (key, tab) in [
        (writer.0, ada.tab),
        (author.0, ada.tab),
        (author.0, writer.0),
    ] {
        let mut eve = Client::new(server.address(), &drawing);
        (eve.key, eve.tab) = (key, tab);
        eve.connect().await;
        eve.wait("a welcome", |it| it.welcome).await;
        assert_ne!(eve.writer, ada.writer);
        assert_eq!(eve.done, 0);
    }
}

fn ink(stroke: &Value) -> Value {
    let mut ink = pen(10.0);
    ink["stroke"] = stroke.clone();
    ink["n"] = json!(1);
    ink["offset"] = json!(0);
    json!({"ink": ink, "pointer": {"x": 10.5, "y": 20}})
}

#[actix_web::test]
async fn a_view_and_an_invitation_reach_the_others() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::named(server.address(), &drawing, "Ada").await;
    let mut ben = Client::named(server.address(), &drawing, "Ben").await;
    for client in [&mut ada, &mut ben] {
        client.wait("both names", |it| it.people.len() == 2).await;
    }
    let shows = json!({"x": -400.0, "y": 10.5, "w": 800.0, "h": 600.0});
    ada.signal(json!({"view": shows})).await;
    ben.wait("the view", |it| it.views.len() == 1).await;
    let writer = ada.writer.unwrap();
    assert_eq!(ben.views[0], json!({"writer": writer, "shows": shows}));
    ada.signal(json!({"view": shows, "call": true})).await;
    ben.wait("the invitation", |it| it.views.len() == 2).await;
    assert_eq!(ben.views[1]["call"], json!(true));
    drop((ada, ben));
    server.drain().await;
}

#[actix_web::test]
async fn a_signal_leaves_nothing_behind() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::named(server.address(), &drawing, "Ada").await;
    let mut ben = Client::named(server.address(), &drawing, "Ben").await;
    for client in [&mut ada, &mut ben] {
        client.wait("both names", |it| it.people.len() == 2).await;
    }
    let stroke = json!(whiteboard::domain::ids::StrokeId::random());
    ada.signal(ink(&stroke)).await;
    let writer = ada.writer.unwrap();
    ben.wait("ink", |b| !b.ink.is_empty()).await;
    assert_eq!(ben.ink[0]["stroke"], stroke);
    assert_eq!(ben.ink[0]["writer"], json!(writer));
    ben.wait("the pointer", |b| {
        b.pointers.get(&writer) == Some(&(10.5, 20.0))
    })
    .await;

    ada.leave().await;
    ben.wait("her leaving", |b| {
        b.people.len() == 1 && b.pointers.is_empty()
    })
    .await;
    let mut cleo = Client::named(server.address(), &drawing, "Cleo").await;
    cleo.wait("who is here", |it| it.people.len() == 2).await;
    // Her catch-up comes before current signals.
    ben.signal(json!({"pointer": {"x": 1, "y": 2}})).await;
    let present = ben.writer.unwrap();
    cleo.wait("what Ben does", |it| it.pointers.contains_key(&present))
        .await;
    assert!(cleo.ink.is_empty() && cleo.pointers.len() == 1, "{cleo:?}");
    assert_eq!((cleo.head, ben.head), (0, 0));
    let stored = strokes(server.address(), &drawing).await;
    assert_eq!(
        (&stored["head"], &stored["changes"]),
        (&json!(0), &json!([]))
    );
}

/// The work of a server for changes and for clients that lack some: for a change, one append and
/// nothing else.
const WORK: [&str; 8] = [
    "whiteboard_appends_total{outcome=\"committed\"}",
    SKIPPED,
    "whiteboard_catch_ups_encoded_total",
    "whiteboard_chunks_encoded_total{encoding=\"plain\"}",
    "whiteboard_chunks_encoded_total{encoding=\"gzip\"}",
    "whiteboard_resyncs_total{kind=\"warm\"}",
    "whiteboard_resyncs_total{kind=\"cold\"}",
    "whiteboard_resyncs_total{kind=\"reset\"}",
];
/// How often a slow client was skipped, until it reads again.
const SKIPPED: &str = "whiteboard_frames_skipped_total{kind=\"strokes\"}";

async fn work(server: &TestServer) -> [f64; WORK.len()] {
    let mut work = [0.0; WORK.len()];
    for (done, name) in work.iter_mut().zip(WORK) {
        *done = metric(server.address(), name).await;
    }
    work
}

#[actix_web::test]
async fn a_slow_browser_slows_nobody_else() {
    // Once it lacks more than a frame takes. Before, the buffers on the way to it fill up, and the
    // server encodes a frame now and then to see whether it reads again.
    const STROKES: u64 = 100;
    const FRAME: u64 = 8;
    const BEHIND_WITHIN: Duration = Duration::from_secs(60);
    // The drawer waits for acknowledgements alone, and not for what one connection may send.
    let server = TestServer::unhurried().await;
    let drawing = create_drawing(server.address()).await;
    let mut drawer = Client::open(server.address(), &drawing).await;
    let mut viewer = Client::viewing(server.address(), &drawing).await;
    let mut slow = Client::slow(server.address(), &drawing).await;
    let large = large_pen(1.0, 60_000);
    // Each is a frame of its own: in fewer and larger ones all might fit.
    let mut draw = async |strokes: u64| {
        for _ in 0..strokes {
            drawer.draw_stored(large.clone()).await;
            viewer.reach(drawer.done).await;
        }
    };
    let deadline = Instant::now() + BEHIND_WITHIN;
    while metric(server.address(), SKIPPED).await == 0.0 {
        assert!(Instant::now() < deadline, "it is not behind");
        draw(1).await;
    }
    draw(FRAME).await;
    let mut expected = work(&server).await;
    draw(STROKES).await;
    // A slow client that is behind causes no work at all.
    expected[0] += STROKES as f64;
    assert_eq!(work(&server).await, expected, "{WORK:?}");
    assert_eq!((viewer.reads, viewer.overlaps), (0, 0), "{viewer:?}");
    // It reads at last, and lacks nothing.
    slow.reach(drawer.done).await;
    assert_eq!(slow.picture(), viewer.picture());
    assert!(slow.reads > 0, "it was never behind: {slow:?}");
    assert!(slow.closes.is_empty());
    drawer.draw_stored(pen(2.0)).await;
    slow.reach(drawer.done).await;
}
