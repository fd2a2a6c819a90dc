//! Drawers and watchers over real WebSockets, and their measurements.
//!
//! Strokes are sent when due, whatever happened to earlier ones: a slow server must not reduce its
//! own load.

mod drawer;
mod reader;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use support::process::cpu_seconds;
use support::socket::{self, Socket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::frames::{self, Reader};
use crate::peers::machine;
use crate::peers::wire::{self, Wire};
use crate::server::{Kind, Server};
use drawer::Drawer;
use reader::ChunkReader;

pub use reader::Answer;

/// Deadline of a client's welcome.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(10);
/// Deadline of all deliveries, after the last stroke.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Polling interval for that.
const DRAIN_TICK: Duration = Duration::from_millis(5);

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
    /// Bytes that all pages received for each measured delivery, with the headers of frames.
    pub bytes: f64,
    /// Resident memory of the server at the end, in bytes.
    pub memory: f64,
    /// The share of the machine that others used meanwhile.
    pub others: f64,
    /// The first failure, if any.
    pub failure: Option<String>,
}

/// State that all clients share.
struct Ledger {
    load: Load,
    wire: Wire,
    epoch: Instant,
    /// Nanoseconds from `epoch` to the pen-up of each stroke.
    sent: Vec<AtomicU64>,
    delivered: AtomicUsize,
    answered: AtomicUsize,
    failed: AtomicBool,
    failure: Mutex<Option<String>>,
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
    /// The bytes received since the first measured stroke of another page.
    bytes: usize,
}

/// Clients with a welcome, ready to begin.
pub struct Crowd {
    ledger: Arc<Ledger>,
    pages: JoinSet<Tally>,
    begin: watch::Sender<Option<Instant>>,
    stop: watch::Sender<bool>,
}

impl Crowd {
    /// Connects all clients of a load, one after the other, to drawings without strokes.
    pub async fn open(server: &Server, load: Load, drawings: &[String]) -> Result<Self, String> {
        Self::open_after(server, load, drawings, 0).await
    }

    /// The same to drawings with so many strokes, which the clients have.
    pub async fn open_after(
        server: &Server,
        load: Load,
        drawings: &[String],
        have: usize,
    ) -> Result<Self, String> {
        let strokes = load.drawings * load.drawers * load.each();
        let ledger = Arc::new(Ledger {
            load,
            wire: Wire::new(server.kind),
            epoch: Instant::now(),
            sent: (0..strokes).map(|_| AtomicU64::new(0)).collect(),
            delivered: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            failure: Mutex::new(None),
        });
        let (begin, _) = watch::channel(None);
        let (stop, _) = watch::channel(false);
        let mut pages = JoinSet::new();
        for (index, drawing) in drawings.iter().enumerate() {
            let first = index * load.drawers * load.each();
            let on_drawing = first..first + load.drawers * load.each();
            for page in 0..load.drawers + load.watchers {
                let name = format!("Page {page}");
                if server.kind == Kind::Bound && page < load.drawers {
                    server.turn_to_first();
                }
                let socket = wire::open(server, drawing, &name, have).await?;
                let (sink, stream) = socket.split();
                let mut reader = ChunkReader {
                    ledger: ledger.clone(),
                    order: Reader::after(have as u64),
                    seen: vec![0; on_drawing.len().div_ceil(64)],
                    strokes: Vec::new(),
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
                        client: fastrand::u32(..),
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
        let (busy, since) = (machine::busy_seconds(), Instant::now());
        let delivered_before = ledger.delivered.load(Relaxed);
        let end = begin + load.warm + load.measured;
        let complete = || {
            let answered = !ledger.wire.kind.acknowledges()
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
        let cpu = server.cpu_seconds() - cpu;
        let own_cpu = cpu_seconds("self") - own_cpu;
        let busy = machine::busy_seconds() - busy - cpu - own_cpu;
        let mut outcome = Outcome {
            cpu: cpu * 1e6 / counted,
            own_cpu: own_cpu * 1e6 / counted,
            memory: server.memory_bytes(),
            others: machine::share(busy, since.elapsed()),
            delivered,
            lost: load.expected() - delivered,
            ..Outcome::default()
        };
        if !complete() {
            let answered = match ledger.wire.kind.acknowledges() {
                true => ledger.answered.load(Relaxed).to_string(),
                false => "none".into(),
            };
            let (drawn, expected) = (ledger.sent.len(), load.expected());
            ledger.fail(|| {
                format!(
                    "not all in time; of {drawn} strokes answered: {answered}; \
                     of {expected} deliveries: {delivered}"
                )
            });
        }
        self.stop.send_replace(true);
        let mut bytes = 0;
        while let Some(page) = self.pages.join_next().await {
            match page {
                Ok(tally) => {
                    outcome.latency.extend(tally.latency);
                    outcome.done.extend(tally.done);
                    bytes += tally.bytes;
                }
                Err(error) => ledger.fail(|| error.to_string()),
            }
        }
        outcome.bytes = bytes as f64 / outcome.latency.len() as f64;
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
        let address = server.next_address();
        let request = socket::request(address, &format!("/ws/{drawing}?since=0"));
        let (mut socket, _) = socket::open(address, request, None).await?;
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
