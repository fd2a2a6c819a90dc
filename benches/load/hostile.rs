//! The effect on other clients of peers that send too much, announce what they never send, or do
//! not read.
//!
//! Two people draw and watch all the while. During each attack the server's memory and their stroke
//! times must stay within bounds, and the attack must end, with a reason where possible. The rows
//! "at a plain listener" show what an attack costs the same two people when it meets a program that
//! only reads 64 KiB of each socket and closes it: what the machine itself adds to their times.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use support::raw::take_frame;
use support::socket::Socket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use crate::crowd::open_client;
use crate::frames;
use crate::percentile;
use crate::server::Server;

/// Number of attacking sockets.
const ATTACKERS: usize = 100;
/// Most bytes sent by each: 1.5 GB together.
const EACH_SENDS: usize = 15_000_000;
/// Number of requests without a body, and of readers that do not read.
const REQUESTS: usize = 300;
/// How often each attack on sockets is made. Its p99 is the median of these turns: six strokes of a
/// turn decide it.
const TURNS: usize = 3;
/// How often it is made at most: where the median breaks the bound, more turns tell whether it was the
/// attack or the machine.
const MOST_TURNS: usize = 9;
/// Bytes that the plain listener reads of each attacker.
const PLAIN_READS: usize = 64 * 1024;
/// Longest time that the plain listener waits for bytes of an attacker.
const PLAIN_WAITS: Duration = Duration::from_secs(1);
/// Duration of the observation of each attack on sockets.
const WATCHED: Duration = Duration::from_secs(12);
/// Duration of the calm before each, in which the memory of the one before is given back.
const PAUSE: Duration = Duration::from_secs(5);
/// Duration of the observation of silent requests: their deadline is 10 s.
const BODIES_WATCHED: Duration = Duration::from_secs(14);
/// Duration of the observation of unread answers: they are ended after 30 s.
const ANSWERS_WATCHED: Duration = Duration::from_secs(40);
/// Interval of the drawer's strokes.
const STROKE_EACH: Duration = Duration::from_millis(20);
/// Interval of memory measurements.
const LOOK: Duration = Duration::from_millis(50);
/// Largest growth of the server's memory during an attack, in bytes.
const MOST_GROWN: f64 = 64.0 * 1024.0 * 1024.0;
/// Largest growth of memory at rest by a second round of the same attacks, in bytes. The first round
/// leaves pages that the allocator keeps; a second one must find them, or something leaks.
const MOST_LEFT: f64 = 16.0 * 1024.0 * 1024.0;
/// Bound of p99, as a multiple of its quiet value.
const MOST_TIMES: f64 = 2.0;
/// Receive buffer of a reader that does not read, in bytes.
const RECEIVE_BUFFER: u32 = 16 * 1024;
/// Send buffer of an attacker, in bytes. Otherwise the kernel takes megabytes of each attacker's
/// bytes, and copying those is this program's work, not the server's: it kept both processors busy
/// for 150 ms.
const SEND_BUFFER: u32 = 64 * 1024;
/// Strokes, and bytes of each, of the drawing whose answer is not read.
const LARGE: (usize, usize) = (24, 60_000);

/// An unfinished message of each socket: bytes per fragment, number of fragments, and part of
/// another one.
const FRAGMENTS: (usize, usize) = (5, 50 * 1024);
const PART: (usize, usize) = (4 * 1024, 2 * 1024);
/// Interval of single bytes.
const BYTE_EACH: Duration = Duration::from_secs(1);
/// By these the server notices that a page is silent while it is watched.
const IMPATIENT: [(&str, &str); 1] = [("WHITEBOARD_SESSION_TIMEOUT", "6s")];

/// Prints the effect of each attack, and fails when a bound does not hold.
pub async fn run() -> Result<(), String> {
    println!("\nhostile: {ATTACKERS} sockets at once, {REQUESTS} requests at once");
    println!(
        "{:<34}  {:>8}  {:>8}  {:>7}  {:>7}  {:>7}  {:>7}  told",
        "", "RSS MiB", "peak MiB", "p50 ms", "p99 ms", "quiet", "strokes"
    );
    let server = Server::start_limited(&IMPATIENT);
    let drawing = server.create_drawing().await;
    let large = server.create_drawing().await;
    fill(&server, &large).await?;
    let mut pair = Pair::open(&server, &drawing).await?;
    pair.watch(&server, PAUSE).await?;
    let quiet = pair.watch(&server, WATCHED).await?;
    quiet.print("quiet", &quiet, "");

    let huge = Attack::huge();
    let pings = Attack::small(0x89, b"");
    let signals = Attack::small(0x81, br#"{"type":"signal","pointer":{"x":1.5,"y":2}}"#);
    let (fragments, slowly) = (Attack::fragments(), Attack::slowly());
    let mut broken = Vec::new();
    let (good, wrong) = (server.address.to_string(), "evil.example".to_owned());
    let plain = plain_listener().await?;
    let plainly = plain.to_string();
    let attacks = [
        ("2^40 at a plain listener", &huge, &plainly),
        ("2^40 announced", &huge, &good),
        ("2^40 announced, turned away", &huge, &wrong),
        ("pings at a plain listener", &pings, &plainly),
        ("1.5 GB of pings", &pings, &good),
        ("1.5 GB of pings, turned away", &pings, &wrong),
        ("1.5 GB of signals", &signals, &good),
        ("messages that do not end", &fragments, &good),
        ("a byte each second", &slowly, &good),
    ];
    // Memory at rest before each attack of the first round, and after the second.
    let mut at_rest = Vec::new();
    let rounds = [1, 2].map(|round| attacks.map(|attack| (round, attack)));
    for (round, (name, attack, host)) in rounds.into_iter().flatten() {
        let controls = *host == plainly;
        let address = if controls { plain } else { server.address };
        let mut turns = Vec::new();
        let mut told = BTreeMap::new();
        // A drawing of its own, for strokes take memory too, which is not the attacks'.
        let drawing = server.create_drawing().await;
        pair = Pair::open(&server, &drawing).await?;
        pair.watch(&server, PAUSE).await?;
        let wanted = if round == 1 { TURNS } else { 1 };
        while turns.len() < wanted
            || (!controls && turns.len() < MOST_TURNS && is_late(median_p99(&turns), &quiet))
        {
            let mut attackers = JoinSet::new();
            for _ in 0..ATTACKERS {
                attackers.spawn(attack.clone().run(address, host.clone(), drawing.clone()));
            }
            turns.push(pair.watch(&server, WATCHED).await?);
            while let Some(one) = attackers.join_next().await {
                *told
                    .entry(one.map_err(|error| error.to_string())?)
                    .or_insert(0) += 1;
            }
        }
        let seen = Seen::of_turns(turns);
        if round == 1 {
            at_rest.push(seen.before);
        }
        seen.print(name, &quiet, &format!("{told:?}"));
        if !controls {
            seen.check(name, &quiet, &mut broken);
        }
        if told.keys().any(|word| !word.starts_with('4')) {
            broken.push(format!("{name}: not everyone was told why"));
        }
    }
    let post = format!("POST /api/drawings HTTP/1.1\r\nhost: {good}\r\ncontent-length: 10\r\n\r\n");
    let get = format!("GET /api/drawings/{large}/strokes?since=0 HTTP/1.1\r\nhost: {good}\r\n\r\n");
    for (name, request, time) in [
        ("bodies that do not come", &post, BODIES_WATCHED),
        ("answers that nobody reads", &get, ANSWERS_WATCHED),
    ] {
        let mut streams = Vec::new();
        for _ in 0..REQUESTS {
            let mut stream = connect(server.address).await?;
            let asked = stream.write_all(request.as_bytes()).await;
            asked.map_err(|error| error.to_string())?;
            streams.push(stream);
        }
        let seen = pair.watch(&server, time).await?;
        let mut told = BTreeMap::new();
        for stream in streams {
            *told.entry(end_of(stream).await).or_insert(0) += 1;
        }
        seen.print(name, &quiet, &format!("{told:?}"));
        seen.check(name, &quiet, &mut broken);
        if told.contains_key("open") {
            broken.push(format!("{name}: not every connection ended"));
        }
    }
    pair.watch(&server, PAUSE).await?;
    let after = pair.watch(&server, WATCHED).await?;
    after.print("quiet again", &quiet, "");
    after.check("quiet again", &quiet, &mut broken);
    if after.before - at_rest.into_iter().fold(0.0, f64::max) > MOST_LEFT {
        broken.push("a second round left more memory than the first".to_owned());
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("; "))
    }
}

/// Starts a listener that reads a little of each socket, closes it with a reason, and no more.
async fn plain_listener() -> Result<std::net::SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut read = vec![0; PLAIN_READS];
                let mut length = 0;
                while length < PLAIN_READS {
                    match timeout(PLAIN_WAITS, stream.read(&mut read[length..])).await {
                        Ok(Ok(more)) if more > 0 => length += more,
                        _ => break,
                    }
                }
                let close = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x88\x02\x11\x30";
                let _ = stream.write_all(close).await;
                let _ = stream.shutdown().await;
                let _ = timeout(PLAIN_WAITS, stream.read(&mut read)).await;
            });
        }
    });
    Ok(address)
}

/// The bytes that an attacker sends on its socket.
#[derive(Clone)]
struct Attack {
    first: Vec<u8>,
    /// Whether to repeat them.
    then: Vec<u8>,
    /// Pause before each.
    pause: Duration,
}

impl Attack {
    /// A header that announces 2^40 bytes, followed by these.
    fn huge() -> Self {
        let mut first = vec![0x81, 0xff];
        first.extend((1_u64 << 40).to_be_bytes());
        first.extend([0; 4]);
        let then = vec![b'x'; 64 * 1024];
        let pause = Duration::ZERO;
        Self { first, then, pause }
    }

    /// Small frames, masked with a key of zeros.
    fn small(first: u8, payload: &[u8]) -> Self {
        let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
        frame.extend(payload);
        Self {
            first: Vec::new(),
            then: frame.repeat(64 * 1024 / frame.len()),
            pause: Duration::ZERO,
        }
    }

    /// A text in fragments, without the last one and without the end of the one before it.
    fn fragments() -> Self {
        let (count, bytes) = FRAGMENTS;
        let header = |first: u8, bytes: usize| {
            let [high, low] = (bytes as u16).to_be_bytes();
            [first, 0xfe, high, low, 0, 0, 0, 0]
        };
        let mut first = Vec::new();
        for fragment in 0..count {
            first.extend(header(u8::from(fragment == 0), bytes));
            first.resize(first.len() + bytes, b' ');
        }
        let (announced, sent) = PART;
        first.extend(header(0, announced));
        first.resize(first.len() + sent, b' ');
        Self {
            first,
            then: Vec::new(),
            pause: Duration::ZERO,
        }
    }

    /// A large frame, byte by byte.
    fn slowly() -> Self {
        Self {
            first: vec![0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0],
            then: vec![b' '],
            pause: BYTE_EACH,
        }
    }

    /// Sends and reads until it is closed or its time is over; returns the close reason.
    async fn run(self, address: std::net::SocketAddr, host: String, drawing: String) -> String {
        let until = tokio::time::Instant::now() + WATCHED;
        let Ok(mut stream) = connect(address).await else {
            return "no connection".into();
        };
        let request = format!(
            "GET /ws/{drawing}?since=0 HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: whiteboard.v1\r\n\r\n"
        );
        if stream.write_all(request.as_bytes()).await.is_err() {
            return "no handshake".into();
        }
        let (mut reading, mut writing) = stream.split();
        let sending = async {
            let mut sent = self.first.len();
            let mut going = writing.write_all(&self.first).await.is_ok();
            while going && sent < EACH_SENDS && !self.then.is_empty() {
                sleep(self.pause).await;
                going = writing.write_all(&self.then).await.is_ok();
                sent += self.then.len();
            }
            std::future::pending::<()>().await;
        };
        let hearing = async {
            let mut heard = Vec::new();
            while reading
                .read_buf(&mut heard)
                .await
                .is_ok_and(|read| read > 0)
            {
                if let Some(reason) = reason(&mut heard) {
                    return reason;
                }
            }
            "cut".into()
        };
        tokio::select! {
            () = sending => unreachable!("it never ends"),
            told = timeout_at(until, hearing) => told.unwrap_or_else(|_| "open".into()),
        }
    }
}

/// The close reason, if it is among the received bytes; drops those before it.
fn reason(heard: &mut Vec<u8>) -> Option<String> {
    if heard.starts_with(b"HTTP") {
        let end = heard.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        heard.drain(..end);
    }
    while let Some((first, payload)) = take_frame(heard) {
        if first == 0x88 {
            let code = u16::from_be_bytes([*payload.first()?, *payload.get(1)?]);
            let text = String::from_utf8_lossy(&payload[2..]);
            return Some(format!("{code} {text}"));
        }
    }
    None
}

async fn connect(address: std::net::SocketAddr) -> Result<TcpStream, String> {
    let socket = TcpSocket::new_v4().map_err(|error| error.to_string())?;
    let small = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    small.map_err(|error| error.to_string())?;
    let small = socket.set_send_buffer_size(SEND_BUFFER);
    small.map_err(|error| error.to_string())?;
    socket
        .connect(address)
        .await
        .map_err(|error| error.to_string())
}

/// Whether a connection has ended by now, and the status of its answer.
async fn end_of(mut stream: TcpStream) -> String {
    let mut heard = Vec::new();
    let reading = async { while stream.read_buf(&mut heard).await.is_ok_and(|read| read > 0) {} };
    if timeout(Duration::from_secs(2), reading).await.is_err() {
        return "open".into();
    }
    let status = heard.get(9..12).map(String::from_utf8_lossy);
    status.map_or("ended".into(), |status| format!("ended, {status}"))
}

/// Creates a drawing whose answer is large.
async fn fill(server: &Server, drawing: &str) -> Result<(), String> {
    let mut page = open_client(server, drawing, Some("Filler")).await?;
    let (count, bytes) = LARGE;
    let body = frames::body();
    let body = body.trim_end().strip_suffix('}').expect("an object");
    let body = format!(r#"{body},"note":"{}"}}"#, "x".repeat(bytes));
    for n in 1..=count as u64 {
        let frame = frames::draw(n, frames::stroke_id(1, n as usize), &body);
        page.send(Message::text(frame))
            .await
            .map_err(|error| error.to_string())?;
        let done = format!(r#"{{"type":"done","n":{n}}}"#);
        loop {
            match page.next().await {
                Some(Ok(Message::Text(text))) if text.as_str() == done => break,
                Some(Ok(Message::Text(text))) if frames::kind_of(&text) == "refused" => {
                    return Err(text.to_string());
                }
                Some(Ok(_)) => {}
                other => return Err(format!("the filler's socket ended: {other:?}")),
            }
        }
    }
    Ok(())
}

/// A drawer and a watcher.
struct Pair {
    drawer: SplitSink<Socket, Message>,
    watcher: SplitStream<Socket>,
    /// Kept so that the socket stays open, and the drawer's acknowledgements are read.
    _others: (SplitSink<Socket, Message>, JoinSet<()>),
    drawn: u64,
    body: String,
}

/// The measurements of one observation.
struct Seen {
    /// Latencies in microseconds, sorted.
    latency: Vec<u32>,
    before: f64,
    peak: f64,
}

impl Pair {
    async fn open(server: &Server, drawing: &str) -> Result<Self, String> {
        let drawer = open_client(server, drawing, Some("Drawer")).await?;
        let watcher = open_client(server, drawing, None).await?;
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
    async fn watch(&mut self, server: &Server, time: Duration) -> Result<Seen, String> {
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
                        let Some((_, head)) = frames::span(&text) else { continue };
                        let now = Instant::now();
                        while shown < head {
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
                    let stroke = frames::stroke_id(2, self.drawn as usize);
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
fn median_p99(turns: &[Seen]) -> f64 {
    let mut times: Vec<_> = turns.iter().map(Seen::p99).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn is_late(p99: f64, quiet: &Seen) -> bool {
    p99 > MOST_TIMES * quiet.p99()
}

impl Seen {
    /// The turn with the median p99, and with the highest memory of all turns.
    fn of_turns(mut turns: Vec<Self>) -> Self {
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

    fn p99(&self) -> f64 {
        percentile(&self.latency, 0.99)
    }

    fn print(&self, name: &str, quiet: &Seen, told: &str) {
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

    fn check(&self, name: &str, quiet: &Seen, broken: &mut Vec<String>) {
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
