//! Drawers and watchers over real WebSockets, and their measurements.
//!
//! Strokes are sent when due, whatever happened to earlier ones: a slow server must not reduce its
//! own load.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use support::process::cpu_seconds;
use support::socket::{self, Socket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::frames::{self, Reader};
use crate::server::{Kind, Server};

/// Deadline of a client's welcome.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(10);
/// Deadline of all deliveries, after the last stroke.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Polling interval for that.
const DRAIN_TICK: Duration = Duration::from_millis(5);
/// Number of different bodies used in turn.
const BODIES: usize = 64;

/// The shape and rate of a load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Number of drawings.
    pub drawings: usize,
    /// Drawers of each drawing.
    pub drawers: usize,
    /// Watchers of each drawing.
    pub watchers: usize,
    /// Strokes per second of each drawer.
    pub rate: f64,
    /// Warm-up time.
    pub warm: Duration,
    /// Measured time.
    pub measured: Duration,
}

impl Load {
    fn strokes_of(&self, time: Duration) -> usize {
        (time.as_secs_f64() * self.rate).round() as usize
    }

    /// Number of strokes of each drawer.
    fn each(&self) -> usize {
        self.strokes_of(self.warm + self.measured)
    }

    fn expected(&self) -> usize {
        let others = self.drawers + self.watchers - 1;
        self.drawings * self.drawers * self.each() * others
    }
}

/// The result of one load on one server.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The server's CPU time per delivery of a stroke to another client, in microseconds.
    pub cpu: f64,
    /// The same of this program.
    pub own_cpu: f64,
    /// Latency from pen-up to each other client, in microseconds, sorted.
    pub latency: Vec<u32>,
    /// Latency from pen-up to the drawer's acknowledgement, in microseconds, sorted.
    pub done: Vec<u32>,
    /// Number of deliveries to other clients.
    pub delivered: usize,
    /// Number of missing deliveries.
    pub lost: usize,
    /// The first failure, if any.
    pub failure: Option<String>,
}

/// State that all clients share.
struct Ledger {
    load: Load,
    kind: Kind,
    run: u64,
    epoch: Instant,
    /// Nanoseconds from `epoch` to the pen-up of each stroke.
    sent: Vec<AtomicU64>,
    delivered: AtomicUsize,
    answered: AtomicUsize,
    failed: AtomicBool,
    failure: Mutex<Option<String>>,
    bodies: Vec<String>,
}

impl Ledger {
    fn fail(&self, reason: impl FnOnce() -> String) {
        if !self.failed.swap(true, Relaxed) {
            *self.failure.lock().expect("nobody panics with it") = Some(reason());
        }
    }

    fn is_measured(&self, stroke: usize) -> bool {
        stroke % self.load.each() >= self.load.strokes_of(self.load.warm)
    }

    fn micros_since_sent(&self, stroke: usize, now: Instant) -> u32 {
        let sent = Duration::from_nanos(self.sent[stroke].load(Relaxed));
        (now.duration_since(self.epoch).saturating_sub(sent)).as_micros() as u32
    }
}

#[derive(Default)]
struct Tally {
    latency: Vec<u32>,
    done: Vec<u32>,
}

/// Clients with a welcome, ready to begin.
pub struct Crowd {
    ledger: Arc<Ledger>,
    pages: JoinSet<Tally>,
    begin: watch::Sender<Option<Instant>>,
    stop: watch::Sender<bool>,
}

impl Crowd {
    /// Connects all clients of a load, one after the other.
    pub async fn open(server: &Server, load: Load, drawings: &[String]) -> Result<Self, String> {
        let strokes = load.drawings * load.drawers * load.each();
        let ledger = Arc::new(Ledger {
            load,
            kind: server.kind,
            run: fastrand::u64(..),
            epoch: Instant::now(),
            sent: (0..strokes).map(|_| AtomicU64::new(0)).collect(),
            delivered: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            failure: Mutex::new(None),
            bodies: (0..BODIES).map(|_| frames::body()).collect(),
        });
        let (begin, _) = watch::channel(None);
        let (stop, _) = watch::channel(false);
        let mut pages = JoinSet::new();
        for (index, drawing) in drawings.iter().enumerate() {
            let first = index * load.drawers * load.each();
            let on_drawing = first..first + load.drawers * load.each();
            for page in 0..load.drawers + load.watchers {
                let name = format!("Page {page}");
                let socket = open_client(server, drawing, Some(&name)).await?;
                let (sink, stream) = socket.split();
                let mut reader = ChunkReader {
                    ledger: ledger.clone(),
                    order: Reader::default(),
                    seen: vec![0; on_drawing.len().div_ceil(64)],
                    on_drawing: on_drawing.clone(),
                    own: 0..0,
                    tally: Tally::default(),
                    answers: None,
                };
                if page < load.drawers {
                    let first = first + page * load.each();
                    let (tell, answers) = mpsc::unbounded_channel();
                    reader.own = first..first + load.each();
                    reader.answers = Some(tell);
                    let drawer = Drawer {
                        ledger: ledger.clone(),
                        own: reader.own.clone(),
                        sink,
                        answers,
                    };
                    pages.spawn(drawer.run(begin.subscribe()));
                    pages.spawn(reader.run(stream, None, stop.subscribe()));
                } else {
                    pages.spawn(reader.run(stream, Some(sink), stop.subscribe()));
                }
            }
        }
        Ok(Self {
            ledger,
            pages,
            begin,
            stop,
        })
    }

    /// Draws, waits for all deliveries or the deadline, and closes all clients.
    pub async fn draw(mut self, server: &Server) -> Outcome {
        let ledger = self.ledger.clone();
        let load = ledger.load;
        let begin = Instant::now() + Duration::from_millis(100);
        self.begin.send_replace(Some(begin));
        sleep_until(begin + load.warm).await;
        let cpu = server.cpu_seconds();
        let own_cpu = cpu_seconds("self");
        let delivered_before = ledger.delivered.load(Relaxed);
        let end = begin + load.warm + load.measured;
        let complete = || {
            let answered = ledger.kind == Kind::Broadcast
                || ledger.answered.load(Relaxed) == ledger.sent.len();
            answered && ledger.delivered.load(Relaxed) == load.expected()
        };
        while !(ledger.failed.load(Relaxed)
            || complete() && Instant::now() >= end
            || Instant::now() > end + DRAIN_TIMEOUT)
        {
            sleep(DRAIN_TICK).await;
        }
        let delivered = ledger.delivered.load(Relaxed);
        let counted = (delivered - delivered_before) as f64;
        let mut outcome = Outcome {
            cpu: (server.cpu_seconds() - cpu) * 1e6 / counted,
            own_cpu: (cpu_seconds("self") - own_cpu) * 1e6 / counted,
            delivered,
            lost: load.expected() - delivered,
            ..Outcome::default()
        };
        if !complete() {
            let answered = match ledger.kind {
                Kind::Whiteboard => ledger.answered.load(Relaxed).to_string(),
                Kind::Broadcast => "none".into(),
            };
            let drawn = ledger.sent.len();
            ledger.fail(|| format!("not all in time; of {drawn} strokes answered: {answered}"));
        }
        self.stop.send_replace(true);
        while let Some(page) = self.pages.join_next().await {
            match page {
                Ok(tally) => {
                    outcome.latency.extend(tally.latency);
                    outcome.done.extend(tally.done);
                }
                Err(error) => ledger.fail(|| error.to_string()),
            }
        }
        outcome.latency.sort_unstable();
        outcome.done.sort_unstable();
        outcome.failure = ledger.failure.lock().expect("nobody panics with it").take();
        outcome
    }
}

/// Connects one client and waits for its welcome.
pub async fn open_client(
    server: &Server,
    drawing: &str,
    name: Option<&str>,
) -> Result<Socket, String> {
    Ok(open_writer(server, drawing, name).await?.0)
}

/// The same, with this hello.
pub async fn open_with(server: &Server, drawing: &str, hello: String) -> Result<Socket, String> {
    Ok(opened(server, drawing, hello).await?.0)
}

/// The same, with the public id of the writer; the broadcast has none.
pub async fn open_writer(
    server: &Server,
    drawing: &str,
    name: Option<&str>,
) -> Result<(Socket, String), String> {
    opened(server, drawing, frames::hello(name)).await
}

async fn opened(server: &Server, drawing: &str, hello: String) -> Result<(Socket, String), String> {
    let opening = async {
        let request = socket::request(server.address, &format!("/ws/{drawing}?since=0"));
        let (mut socket, _) = socket::open(server.address, request, None).await?;
        if server.kind == Kind::Whiteboard {
            socket.send(Message::text(hello)).await?;
        }
        while let Some(message) = socket.next().await {
            if let Message::Text(text) = message?
                && frames::kind_of(&text) == "welcome"
            {
                let writer = frames::writer_of(&text).unwrap_or_default().to_owned();
                return Ok((socket, writer));
            }
        }
        Err(Error::ConnectionClosed)
    };
    match timeout(WELCOME_TIMEOUT, opening).await {
        Ok(opened) => opened.map_err(|error| format!("opening a client: {error}")),
        Err(_) => Err("a client has no welcome in time".into()),
    }
}

/// The outcome of a drawer's stroke.
enum Answer {
    Done(u64),
    Again { from: u64, after: Duration },
}

struct ChunkReader {
    ledger: Arc<Ledger>,
    order: Reader,
    on_drawing: Range<usize>,
    own: Range<usize>,
    /// A bit for each stroke of the drawing.
    seen: Vec<u64>,
    tally: Tally,
    answers: Option<mpsc::UnboundedSender<Answer>>,
}

impl ChunkReader {
    /// Reads until stopped. It keeps a watcher's sink so that the socket stays open.
    async fn run(
        mut self,
        mut stream: SplitStream<Socket>,
        _sink: Option<SplitSink<Socket, Message>>,
        mut stop: watch::Receiver<bool>,
    ) -> Tally {
        loop {
            let message = tokio::select! {
                biased;
                message = stream.next() => message,
                _ = stop.changed() => return self.tally,
            };
            let read = match message {
                Some(Ok(Message::Text(text))) => self.read(&text),
                Some(Ok(Message::Close(frame))) => Err(format!("closed: {frame:?}")),
                Some(Ok(_)) => Ok(()),
                Some(Err(error)) => Err(error.to_string()),
                None => Err("the socket ended".into()),
            };
            if let Err(reason) = read {
                self.ledger.fail(|| reason);
                return self.tally;
            }
        }
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let now = Instant::now();
        if let Some(answers) = &self.answers
            && let Some(answer) = answer(text)?
        {
            if let Answer::Done(n) = answer {
                let done = self.tally.done.len()..n as usize;
                for number in done {
                    let stroke = self.own.start + number;
                    self.tally
                        .done
                        .push(self.ledger.micros_since_sent(stroke, now));
                    self.ledger.answered.fetch_add(1, Relaxed);
                }
            }
            let _ = answers.send(answer);
            return Ok(());
        }
        let ledger = &self.ledger;
        let mut delivered = 0;
        self.order.read(ledger.kind, ledger.run, text, |stroke| {
            if !self.on_drawing.contains(&stroke) {
                return Err("a stroke of another drawing".into());
            }
            let bit = stroke - self.on_drawing.start;
            let word = &mut self.seen[bit / 64];
            if *word & 1 << (bit % 64) != 0 {
                return Err("a stroke came twice".into());
            }
            *word |= 1 << (bit % 64);
            if !self.own.contains(&stroke) {
                delivered += 1;
                if ledger.is_measured(stroke) {
                    let micros = ledger.micros_since_sent(stroke, now);
                    self.tally.latency.push(micros);
                }
            }
            Ok(())
        })?;
        if delivered > 0 {
            ledger.delivered.fetch_add(delivered, Relaxed);
        }
        Ok(())
    }
}

fn answer(text: &str) -> Result<Option<Answer>, String> {
    let kind = frames::kind_of(text);
    if !matches!(kind, "done" | "refused" | "resend") {
        return Ok(None);
    }
    let frame: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let n = frame["n"].as_u64().ok_or("an answer without n")?;
    match kind {
        "done" => Ok(Some(Answer::Done(n))),
        "resend" => Ok(Some(Answer::Again {
            from: n,
            after: Duration::ZERO,
        })),
        _ if frame["reason"] == "load" => Ok(Some(Answer::Again {
            from: n,
            after: Duration::from_millis(frame["retry_ms"].as_u64().unwrap_or(100)),
        })),
        _ => Err(format!("a stroke was refused: {text}")),
    }
}

struct Drawer {
    ledger: Arc<Ledger>,
    own: Range<usize>,
    sink: SplitSink<Socket, Message>,
    answers: mpsc::UnboundedReceiver<Answer>,
}

impl Drawer {
    async fn run(mut self, mut begin: watch::Receiver<Option<Instant>>) -> Tally {
        let load = self.ledger.load;
        let begin = loop {
            if let Some(begin) = *begin.borrow_and_update() {
                break begin;
            }
            tokio::select! {
                changed = begin.changed() => if changed.is_err() { return Tally::default() },
                answer = self.answers.recv() => if answer.is_none() { return Tally::default() },
            }
        };
        let period = Duration::from_secs_f64(1.0 / load.rate);
        // Drawers are staggered, so that no two end a stroke at the same time.
        let drawers = (load.drawings * load.drawers) as u32;
        let turn = (self.own.start / load.each()) as u32;
        let due = |n: u64| begin + period * turn / drawers + period.mul_f64((n - 1) as f64);
        let last = self.own.len() as u64;
        // Ops are numbered from 1: `drawn` is the last one made, `next` the one to send.
        let (mut drawn, mut next) = (0, 1);
        let mut pause: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                answer = self.answers.recv() => match answer {
                    Some(Answer::Done(_)) => {}
                    Some(Answer::Again { from, after }) => {
                        next = next.min(from);
                        pause = Some(Instant::now() + after);
                    }
                    None => return Tally::default(),
                },
                () = sleep_until(due(drawn + 1)), if drawn < last => {}
                () = sleep_until(pause.unwrap_or(begin)), if pause.is_some() => pause = None,
            }
            let now = Instant::now();
            while drawn < last && due(drawn + 1) <= now {
                let nanos = self.ledger.epoch.elapsed().as_nanos() as u64;
                let stroke = self.own.start + drawn as usize;
                self.ledger.sent[stroke].store(nanos, Relaxed);
                drawn += 1;
                if pause.is_none() && self.feed(&mut next, drawn).await.is_err() {
                    return Tally::default();
                }
            }
            let written = pause.is_some() || self.feed(&mut next, drawn).await.is_ok();
            if !written || self.sink.flush().await.is_err() {
                return Tally::default();
            }
        }
    }

    async fn feed(&mut self, next: &mut u64, drawn: u64) -> Result<(), Error> {
        while *next <= drawn {
            let stroke = self.own.start + (*next - 1) as usize;
            let id = frames::stroke_id(self.ledger.run, stroke);
            let body = &self.ledger.bodies[stroke % BODIES];
            self.sink
                .feed(Message::text(frames::draw(*next, id, body)))
                .await?;
            *next += 1;
        }
        Ok(())
    }
}
