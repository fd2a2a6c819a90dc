//! A crowd that joins at once: the time until all have a welcome and the full count, the cost of
//! presence, and the stroke times meanwhile.
//!
//! Clients are not simplified: each sends its name, and checks every stroke as the browser does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use support::socket::{self, Socket};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;
use whiteboard::domain::ids::StrokeId;

use crate::frames::{self, Reader};
use crate::percentile;
use crate::server::{Kind, Server};

/// Drawers, which are there before the others join.
const DRAWERS: usize = 2;
/// Interval of the strokes of each.
const STROKE_EVERY: Duration = Duration::from_millis(200);
/// Interval of ink and pointers of each, as in the browser.
const SIGNAL_EVERY: Duration = Duration::from_millis(50);
/// Drawing time before the others join, and after all have joined.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(3);
/// Sockets opened concurrently.
const OPENING: usize = 64;
/// Deadline for all to join.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Bound of the time until all have a welcome.
const WELCOMED_WITHIN: Duration = Duration::from_secs(5);
/// Bound of the time from then until all have the full count.
const KNOWN_WITHIN: Duration = Duration::from_millis(2_500);
/// Bound of the bytes of all frames but strokes until then: 50 MB for a thousand people.
const BYTES_PER_PERSON: usize = 50_000;
/// Bound of the p99 of strokes drawn before all have a welcome.
const P99_MILLIS: f64 = 100.0;

/// State that all clients share.
struct Tally {
    run: u64,
    epoch: Instant,
    people: usize,
    /// Nanoseconds from `epoch` to the pen-up of each stroke.
    sent: Vec<AtomicU64>,
    drawn: AtomicUsize,
    welcome: AtomicUsize,
    knowing: AtomicUsize,
    /// Nanoseconds from `epoch` to the last welcome, and to the last full count.
    last_welcome: AtomicU64,
    last_knowing: AtomicU64,
    /// All have a welcome and the full count.
    complete: AtomicBool,
}

impl Tally {
    fn nanos(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }
}

/// The measurements of one client.
#[derive(Default)]
struct Saw {
    /// The time of each stroke in nanoseconds, and its latency in microseconds: for strokes drawn
    /// since this client is live, a little before its welcome.
    latency: Vec<(u64, u32)>,
    /// Frames and their bytes by kind, until all have the full count.
    frames: BTreeMap<String, (usize, usize)>,
    failure: Option<String>,
}

/// Lets this many people join, and prints the cost.
///
/// # Errors
///
/// When a bound does not hold, or a client lacks a stroke.
pub async fn run(people: usize) -> Result<(), String> {
    let server = Server::start(Kind::Whiteboard);
    let drawing = server.create_drawing().await;
    let most_strokes = (TIME_LIMIT.as_millis() / STROKE_EVERY.as_millis()) as usize * DRAWERS;
    let tally = Arc::new(Tally {
        run: fastrand::u64(..),
        epoch: Instant::now(),
        people: people + DRAWERS,
        sent: (0..most_strokes).map(|_| AtomicU64::new(0)).collect(),
        drawn: AtomicUsize::new(0),
        welcome: AtomicUsize::new(0),
        knowing: AtomicUsize::new(0),
        last_welcome: AtomicU64::new(0),
        last_knowing: AtomicU64::new(0),
        complete: AtomicBool::new(false),
    });
    let (stop, _) = watch::channel(false);
    let mut pages = JoinSet::new();
    let opening = Arc::new(Semaphore::new(OPENING));
    let mut open = |number: usize| {
        let page = page(
            (server.address, drawing.clone()),
            number,
            tally.clone(),
            opening.clone(),
            stop.subscribe(),
        );
        pages.spawn(page);
    };
    (0..DRAWERS).for_each(&mut open);
    sleep(BEFORE).await;
    let cpu = server.cpu_seconds();
    let came = tally.nanos();
    (DRAWERS..DRAWERS + people).for_each(&mut open);
    let all = |counter: &AtomicUsize| counter.load(Relaxed) == tally.people;
    while !(all(&tally.welcome) && all(&tally.knowing))
        && tally.epoch.elapsed() < TIME_LIMIT - AFTER - BEFORE
    {
        sleep(Duration::from_millis(5)).await;
    }
    tally.complete.store(true, Relaxed);
    let cpu = server.cpu_seconds() - cpu;
    sleep(AFTER).await;
    stop.send_replace(true);
    let mut total = Saw::default();
    while let Some(saw) = pages.join_next().await {
        let saw = saw.map_err(|error| error.to_string())?;
        total.latency.extend(saw.latency);
        total.failure = total.failure.or(saw.failure);
        for (kind, (frames, bytes)) in saw.frames {
            let sum = total.frames.entry(kind).or_default();
            *sum = (sum.0 + frames, sum.1 + bytes);
        }
    }
    let since = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Relaxed).saturating_sub(came));
    report(
        &tally,
        &total,
        came,
        since(&tally.last_welcome),
        since(&tally.last_knowing),
        cpu,
    )
}

fn report(
    tally: &Tally,
    total: &Saw,
    came: u64,
    welcome: Duration,
    knowing: Duration,
    cpu: f64,
) -> Result<(), String> {
    println!(
        "\ncrowd-of-names: {} people come at once while {DRAWERS} draw",
        tally.people - DRAWERS
    );
    for (kind, (frames, bytes)) in &total.frames {
        println!(
            "{kind:<10}  {frames:>9} frames  {:>9.2} MB",
            *bytes as f64 / 1e6
        );
    }
    let others = total.frames.iter().filter(|(kind, _)| *kind != "strokes");
    let bytes: usize = others.map(|(_, (_, bytes))| bytes).sum();
    let last = tally.last_welcome.load(Relaxed);
    let drawn_in = |times: std::ops::Range<u64>| {
        let drawn = total.latency.iter();
        let drawn = drawn.filter(|(sent, _)| times.contains(sent));
        let mut micros: Vec<u32> = drawn.map(|(_, micros)| *micros).collect();
        micros.sort_unstable();
        micros
    };
    let p99 = percentile(&drawn_in(came..last), 0.99);
    println!(
        "all welcome after {welcome:.2?}, all know of all after {knowing:.2?} ({} and {} of {}), {cpu:.2} s of CPU",
        tally.welcome.load(Relaxed),
        tally.knowing.load(Relaxed),
        tally.people
    );
    for (name, times) in [("meanwhile", came..last), ("afterwards", last..u64::MAX)] {
        let micros = drawn_in(times);
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| percentile(&micros, share));
        println!(
            "strokes {name}: p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms of {} deliveries",
            micros.len()
        );
    }
    println!("all but strokes: {:.2} MB", bytes as f64 / 1e6);
    let complete = [&tally.welcome, &tally.knowing]
        .iter()
        .all(|counter| counter.load(Relaxed) == tally.people);
    for (holds, what) in [
        (total.failure.is_none(), "every page follows the drawing"),
        (complete, "everybody is welcome and knows of all"),
        (welcome <= WELCOMED_WITHIN, "all are welcome in time"),
        (
            knowing <= welcome + KNOWN_WITHIN,
            "all know of all soon after",
        ),
        (
            bytes <= BYTES_PER_PERSON * tally.people,
            "few bytes are all but strokes",
        ),
        (p99 < P99_MILLIS, "strokes are not held up meanwhile"),
    ] {
        if !holds {
            let failure = total.failure.as_deref().unwrap_or_default();
            return Err(format!("it does not hold that {what} {failure}"));
        }
    }
    Ok(())
}

async fn page(
    (address, drawing): (std::net::SocketAddr, String),
    number: usize,
    tally: Arc<Tally>,
    opening: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
) -> Saw {
    let turn = opening.acquire_owned().await;
    let opened = timeout(TIME_LIMIT, open(address, &drawing, number)).await;
    drop(turn);
    let socket = match opened {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => {
            let failure = Some(format!("opening a page: {error}"));
            return Saw {
                failure,
                ..Saw::default()
            };
        }
        Err(_) => return Saw::default(),
    };
    let (sink, stream) = socket.split();
    let (welcomed, welcome) = watch::channel(false);
    let reading = read(stream, tally.clone(), welcomed, stop.clone());
    if number < DRAWERS {
        tokio::join!(reading, draw(sink, number, tally, welcome, stop)).0
    } else {
        let saw = reading.await;
        // Kept until here so that the socket stays open.
        drop(sink);
        saw
    }
}

async fn open(
    address: std::net::SocketAddr,
    drawing: &str,
    number: usize,
) -> Result<Socket, tokio_tungstenite::tungstenite::Error> {
    let request = socket::request(address, &format!("/ws/{drawing}?since=0"));
    let (mut socket, _) = socket::open(address, request, None).await?;
    let hello = frames::hello(Some(&format!("Person {number}")));
    socket.send(Message::text(hello)).await?;
    Ok(socket)
}

async fn read(
    mut stream: SplitStream<Socket>,
    tally: Arc<Tally>,
    welcomed: watch::Sender<bool>,
    mut stop: watch::Receiver<bool>,
) -> Saw {
    let (mut saw, mut order) = (Saw::default(), Reader::default());
    let (mut follows_since, mut knows) = (u64::MAX, false);
    loop {
        let message = tokio::select! {
            biased;
            message = stream.next() => message,
            _ = stop.changed() => return saw,
        };
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            other => {
                saw.failure = Some(format!("a page got {other:?}"));
                return saw;
            }
        };
        let now = tally.nanos();
        let kind = frames::kind_of(&text);
        if !tally.complete.load(Relaxed) {
            let sum = saw.frames.entry(kind.to_owned()).or_default();
            *sum = (sum.0 + 1, sum.1 + text.len());
        }
        match kind {
            "strokes" => follows_since = follows_since.min(now),
            "welcome" => {
                follows_since = follows_since.min(now);
                tally.welcome.fetch_add(1, Relaxed);
                tally.last_welcome.fetch_max(now, Relaxed);
                welcomed.send_replace(true);
            }
            "people" if !knows && count(&text) == Some(tally.people) => {
                knows = true;
                tally.knowing.fetch_add(1, Relaxed);
                tally.last_knowing.fetch_max(now, Relaxed);
            }
            _ => {}
        }
        let read = order.read(Kind::Whiteboard, tally.run, &text, |stroke| {
            let sent = tally.sent[stroke].load(Relaxed);
            if sent > follows_since {
                let micros = (now.saturating_sub(sent) / 1_000) as u32;
                saw.latency.push((sent, micros));
            }
            Ok(())
        });
        if let Err(reason) = read {
            saw.failure = Some(reason);
            return saw;
        }
    }
}

/// The number of all people in a presence frame.
fn count(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once(r#""count":"#)?;
    rest.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

async fn draw(
    mut sink: SplitSink<Socket, Message>,
    number: usize,
    tally: Arc<Tally>,
    mut welcome: watch::Receiver<bool>,
    mut stop: watch::Receiver<bool>,
) {
    if welcome.wait_for(|welcome| *welcome).await.is_err() {
        return;
    }
    let (mut strokes, mut signals) = (interval(STROKE_EVERY), interval(SIGNAL_EVERY));
    let (mut n, mut at) = (0, 0);
    loop {
        let text = tokio::select! {
            _ = stop.changed() => return,
            _ = strokes.tick() => {
                let stroke = tally.drawn.fetch_add(1, Relaxed);
                let Some(sent) = tally.sent.get(stroke) else { return };
                n += 1;
                sent.store(tally.nanos(), Relaxed);
                frames::draw(n, frames::stroke_id(tally.run, stroke), &frames::body())
            }
            _ = signals.tick() => {
                at += 1;
                ink(StrokeId(Uuid::from_u64_pair(1, number as u64)), at)
            }
        };
        if sink.send(Message::text(text)).await.is_err() {
            return;
        }
    }
}

/// A pointer, and a part of ink of a stroke that never ends.
fn ink(stroke: StrokeId, at: usize) -> String {
    format!(
        r##"{{"type":"signal","pointer":{{"x":{at},"y":2}},"ink":{{"stroke":"{stroke}","n":1000000,"offset":{at},"x":{at},"y":2,"points":"AAEAAA==","kind":"pen","colour":"#1d1d1f","width":4}}}}"##
    )
}
