//! Two people who draw and watch, and what they notice.

use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use support::socket::Socket;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;

use crate::crowd::open_with;
use crate::frames;
use crate::percentile;
use crate::server::Server;

/// The run that the drawer's strokes belong to: attackers draw too.
const DRAWER: u64 = 2;
/// Interval of the drawer's strokes.
const STROKE_EACH: Duration = Duration::from_millis(20);
/// Interval of memory measurements.
const LOOK: Duration = Duration::from_millis(50);
/// Largest growth of the server's memory during an attack, in bytes.
const MOST_GROWN: f64 = 64.0 * 1024.0 * 1024.0;
/// Bound of p99, as a multiple of its quiet value.
const MOST_TIMES: f64 = 2.0;

/// A drawer and a watcher.
pub struct Pair {
    drawer: SplitSink<Socket, Message>,
    watcher: SplitStream<Socket>,
    /// Kept so that the socket stays open, and the drawer's acknowledgements are read.
    _others: (SplitSink<Socket, Message>, JoinSet<()>),
    drawn: u64,
    body: String,
}

/// The measurements of one observation.
pub struct Seen {
    /// Latencies in microseconds, sorted.
    latency: Vec<u32>,
    pub before: f64,
    peak: f64,
}

impl Pair {
    /// Connects both, with the hello that this makes for a name.
    pub async fn open(
        server: &Server,
        drawing: &str,
        hello: &dyn Fn(Option<&str>) -> String,
    ) -> Result<Self, String> {
        let drawer = open_with(server, drawing, hello(Some("Drawer"))).await?;
        let watcher = open_with(server, drawing, hello(None)).await?;
        let (drawer, mut answers) = drawer.split();
        let (sink, watcher) = watcher.split();
        let mut reading = JoinSet::new();
        reading.spawn(async move { while let Some(Ok(_)) = answers.next().await {} });
        Ok(Self {
            drawer,
            watcher,
            _others: (sink, reading),
            drawn: 0,
            body: frames::body(),
        })
    }

    /// Draws for this long, and measures until each stroke arrives.
    pub async fn watch(&mut self, server: &Server, time: Duration) -> Result<Seen, String> {
        let before = server.memory_bytes();
        let mut seen = Seen {
            latency: Vec::new(),
            before,
            peak: before,
        };
        let begun = Instant::now();
        let (mut sent, first) = (Vec::new(), self.drawn);
        let mut look = begun;
        let mut shown = first;
        while begun.elapsed() < time || shown < self.drawn {
            let due = begun + STROKE_EACH * sent.len() as u32;
            let draws = begun.elapsed() < time;
            tokio::select! {
                message = self.watcher.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        let now = Instant::now();
                        for _ in 0..frames::strokes_of(DRAWER, &text) {
                            let at: Instant = sent[(shown - first) as usize];
                            seen.latency.push((now - at).as_micros() as u32);
                            shown += 1;
                        }
                    }
                    Some(Ok(_)) => {}
                    other => return Err(format!("the watcher's socket ended: {other:?}")),
                },
                () = sleep_until(due.into()), if draws => {
                    self.drawn += 1;
                    let stroke = frames::stroke_id(DRAWER, self.drawn as usize);
                    let frame = frames::draw(self.drawn, stroke, &self.body);
                    sent.push(Instant::now());
                    let drawing = self.drawer.send(Message::text(frame)).await;
                    drawing.map_err(|error| error.to_string())?;
                }
                () = sleep(LOOK) => {}
            }
            if look.elapsed() > LOOK {
                look = Instant::now();
                seen.peak = seen.peak.max(server.memory_bytes());
            }
        }
        seen.latency.sort_unstable();
        Ok(seen)
    }
}

/// The median of the turns' p99, in milliseconds.
pub fn median_p99(turns: &[Seen]) -> f64 {
    let mut times: Vec<_> = turns.iter().map(Seen::p99).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

pub fn is_late(p99: f64, quiet: &Seen) -> bool {
    p99 > MOST_TIMES * quiet.p99()
}

impl Seen {
    /// The turn with the median p99, and with the highest memory of all turns.
    pub fn of_turns(mut turns: Vec<Self>) -> Self {
        let before = turns[0].before;
        let peak = turns.iter().map(|turn| turn.peak).fold(before, f64::max);
        let p99 = median_p99(&turns);
        let middle = turns.iter().position(|turn| turn.p99() == p99);
        let middle = turns.swap_remove(middle.expect("the median is one of them"));
        Self {
            before,
            peak,
            ..middle
        }
    }

    pub fn p99(&self) -> f64 {
        percentile(&self.latency, 0.99)
    }

    pub fn print_header() {
        println!(
            "{:<34}  {:>8}  {:>8}  {:>7}  {:>7}  {:>7}  {:>7}  told",
            "", "RSS MiB", "peak MiB", "p50 ms", "p99 ms", "quiet", "strokes"
        );
    }

    pub fn print(&self, name: &str, quiet: &Seen, told: &str) {
        println!(
            "{name:<34}  {:>8.0}  {:>8.0}  {:>7.2}  {:>7.2}  {:>7.2}  {:>7}  {told}",
            self.before / 1024.0 / 1024.0,
            self.peak / 1024.0 / 1024.0,
            percentile(&self.latency, 0.5),
            self.p99(),
            quiet.p99(),
            self.latency.len(),
        );
    }

    pub fn check(&self, name: &str, quiet: &Seen, broken: &mut Vec<String>) {
        if self.peak - self.before > MOST_GROWN {
            broken.push(format!("{name}: memory grew too much"));
        }
        if is_late(self.p99(), quiet) {
            broken.push(format!(
                "{name}: p99 is more than {MOST_TIMES} times as long"
            ));
        }
    }
}
