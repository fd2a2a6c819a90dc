//! All clients of a server lose it at once, and reconnect to the others.
//!
//! Clients obey the rules of `static/`: their pauses, their frames after a reconnect, and an outbox
//! until the acknowledgement. An op that is lost, stored twice or finally refused fails the run.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use uuid::Uuid;
use whiteboard::domain::sequence::{Arrival, arrival};
use whiteboard::protocol::SUBPROTOCOL;

use crate::frames;
use crate::server::{Server, Surreal};

/// Number of clients, all on the server that is killed.
const PAGES: usize = 2_000;
/// Number of drawings.
const DRAWINGS: usize = 100;
/// One client in this many draws.
const DRAWS: usize = 10;
/// Interval of the strokes of each.
const DRAW_PERIOD: Duration = Duration::from_secs(2);
/// Clients that connect concurrently at the start.
const OPENED_AT_ONCE: usize = 50;
/// Drawing time before the kill, and after all have reconnected.
const CALM: Duration = Duration::from_secs(3);
/// Deadline for all to reconnect, and then to be acknowledged.
const LIMIT: Duration = Duration::from_secs(60);
/// Timeout of a client for a socket to open, as in `static/net/connection.js`.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The module with the pauses of the browser client.
const BACKOFF: &str = include_str!("../../static/net/backoff.js");

/// Kills a server with all clients on it, drains the next, and checks that nothing is lost.
pub async fn run() -> Result<(), String> {
    rlimit::increase_nofile_limit(u64::MAX).map_err(|error| error.to_string())?;
    let surreal = Surreal::start()?;
    let mut killed = Server::start_on(&surreal)?;
    let mut drained = Server::start_on(&surreal)?;
    let last = Server::start_on(&surreal)?;
    println!(
        "\nstampede: {PAGES} pages on {DRAWINGS} drawings, {} of them draw a stroke each {} s",
        PAGES / DRAWS,
        DRAW_PERIOD.as_secs()
    );
    let http = reqwest::Client::new();
    let mut drawings = Vec::new();
    for _ in 0..DRAWINGS {
        drawings.push(last.create_drawing(&http).await?);
    }
    let mut pages = Pages::open(&killed, &drawings).await?;
    sleep(CALM).await;

    let began = Instant::now();
    pages.world.reach(&[&drained, &last]);
    killed.kill();
    pages.come_back("kill -9", began, killed.address).await?;
    sleep(CALM).await;

    let began = Instant::now();
    pages.world.reach(&[&last]);
    drained.terminate()?;
    pages.come_back("SIGTERM", began, drained.address).await?;
    while !drained.has_ended()? {
        if began.elapsed() > LIMIT {
            return Err("a drained server does not end".into());
        }
        sleep(Duration::from_millis(20)).await;
    }
    println!(
        "the drained server ended after {:.1} s; the last one used at most {:.0} MiB",
        began.elapsed().as_secs_f64(),
        last.peak_bytes() / 1024.0 / 1024.0
    );
    sleep(CALM).await;
    let drawn = pages.stop().await?;
    check(&http, &last, &drawings, &drawn).await
}

/// Reads all drawings: every stroke must be there, once.
async fn check(
    http: &reqwest::Client,
    server: &Server,
    drawings: &[String],
    drawn: &HashSet<String>,
) -> Result<(), String> {
    let (mut stored, mut twice) = (HashSet::new(), 0);
    for drawing in drawings {
        let address = format!(
            "http://{}/api/drawings/{drawing}/strokes?since=0",
            server.address
        );
        let text = async { http.get(address).send().await?.text().await };
        let text = text.await.map_err(|error| error.to_string())?;
        let page: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if page["more"] != false {
            return Err("a drawing has more than one page".into());
        }
        for change in page["changes"].as_array().ok_or("no changes")? {
            let stroke = change["stroke"].as_str().unwrap_or_default().to_owned();
            twice += usize::from(!stored.insert(stroke));
        }
    }
    let lost = drawn.difference(&stored).count();
    println!(
        "{} strokes were drawn: lost {lost}, stored twice {twice}",
        drawn.len()
    );
    match (lost, twice, stored.len() == drawn.len()) {
        (0, 0, true) => Ok(()),
        _ => Err("what is stored is not what was drawn".into()),
    }
}

/// State that all clients share.
struct World {
    /// Servers to which a balancer would send a client.
    reachable: Mutex<Vec<SocketAddr>>,
    attempts: AtomicUsize,
    /// Refusals for load: the ops are sent again.
    again: AtomicUsize,
    welcomes: mpsc::UnboundedSender<Welcome>,
    least: f64,
    first: f64,
    most: f64,
}

struct Welcome {
    page: usize,
    server: SocketAddr,
    at: Instant,
}

impl World {
    fn reach(&self, servers: &[&Server]) {
        *self.reachable.lock().expect("nobody panics with it") =
            servers.iter().map(|server| server.address).collect();
    }

    fn any_server(&self) -> SocketAddr {
        let reachable = self.reachable.lock().expect("nobody panics with it");
        reachable[fastrand::usize(..reachable.len())]
    }

    /// As `waitBefore` in `static/net/backoff.js`.
    fn wait_before(&self, attempt: i32) -> Duration {
        let longest = self.most.min(self.first * 2f64.powi(attempt - 1));
        Duration::from_secs_f64((self.least + fastrand::f64() * (longest - self.least)) / 1e3)
    }
}

/// A constant of the browser client, in milliseconds.
fn constant(name: &str) -> Result<f64, String> {
    let value = BACKOFF
        .split_once(&format!("const {name} = "))
        .and_then(|(_, rest)| rest.split(';').next());
    value
        .and_then(|value| value.replace('_', "").parse().ok())
        .ok_or_else(|| format!("static/net/backoff.js has no {name}"))
}

struct Pages {
    world: Arc<World>,
    heard: mpsc::UnboundedReceiver<Welcome>,
    /// The server of each client.
    places: Vec<Option<SocketAddr>>,
    pages: JoinSet<Result<Vec<String>, String>>,
    drawing: watch::Sender<bool>,
}

impl Pages {
    async fn open(server: &Server, drawings: &[String]) -> Result<Self, String> {
        let (welcomes, heard) = mpsc::unbounded_channel();
        let world = Arc::new(World {
            reachable: Mutex::default(),
            attempts: AtomicUsize::new(0),
            again: AtomicUsize::new(0),
            welcomes,
            least: constant("LEAST")?,
            first: constant("FIRST")?,
            most: constant("MOST")?,
        });
        world.reach(&[server]);
        let mut pages = Self {
            world,
            heard,
            places: vec![None; PAGES],
            pages: JoinSet::new(),
            drawing: watch::Sender::new(true),
        };
        for first in (0..PAGES).step_by(OPENED_AT_ONCE) {
            for number in first..PAGES.min(first + OPENED_AT_ONCE) {
                let page = Page {
                    number,
                    world: pages.world.clone(),
                    drawing: drawings[number % drawings.len()].clone(),
                    key: Uuid::new_v4(),
                    tab: Uuid::new_v4(),
                    head: 0,
                    epoch: None,
                    strokes: Vec::new(),
                    done: 0,
                    sent: 0,
                    pause: None,
                    due: Instant::now() + DRAW_PERIOD.mul_f64(fastrand::f64()),
                };
                // Drawers are spread over all drawings.
                let draws = (number / drawings.len()).is_multiple_of(DRAWS);
                pages
                    .pages
                    .spawn(page.run(draws, pages.drawing.subscribe()));
            }
            pages
                .until("all pages are welcome", |places| {
                    let end = PAGES.min(first + OPENED_AT_ONCE);
                    places[..end].iter().all(Option::is_some)
                })
                .await?;
        }
        pages.world.attempts.store(0, Relaxed);
        Ok(pages)
    }

    /// Waits for welcomes until `enough`; returns their times.
    async fn until(
        &mut self,
        what: &str,
        enough: impl Fn(&[Option<SocketAddr>]) -> bool,
    ) -> Result<Vec<Instant>, String> {
        let mut times = Vec::new();
        let waiting = async {
            while !enough(&self.places) {
                tokio::select! {
                    welcome = self.heard.recv() => {
                        let Welcome { page, server, at } = welcome.ok_or("no page is left")?;
                        self.places[page] = Some(server);
                        times.push(at);
                    }
                    Some(ended) = self.pages.join_next() => {
                        return Err(format!("a page ended: {ended:?}"));
                    }
                }
            }
            Ok(())
        };
        match timeout(LIMIT, waiting).await {
            Ok(Ok(())) => Ok(times),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let there = self.places.iter().flatten().count();
                Err(format!("not in time: {what}; {there} pages were"))
            }
        }
    }

    async fn come_back(
        &mut self,
        what: &str,
        began: Instant,
        gone: SocketAddr,
    ) -> Result<(), String> {
        for place in &mut self.places {
            if *place == Some(gone) {
                *place = None;
            }
        }
        let lost = self.places.iter().filter(|place| place.is_none()).count();
        let times = self
            .until("all are welcome again", |places| {
                places.iter().all(Option::is_some)
            })
            .await?;
        let mut millis: Vec<u128> = times
            .iter()
            .map(|at| at.duration_since(began).as_millis())
            .collect();
        millis.sort_unstable();
        let at = |share: f64| millis[((millis.len() - 1) as f64 * share) as usize];
        println!(
            "{what}: {lost} pages lost their server; welcome again after p50 {} ms, p99 {} ms, \
             max {} ms; {} attempts; {} refusals for load",
            at(0.5),
            at(0.99),
            at(1.0),
            self.world.attempts.swap(0, Relaxed),
            self.world.again.swap(0, Relaxed),
        );
        Ok(())
    }

    /// Stops drawing, waits until every op is acknowledged, and returns all strokes.
    async fn stop(mut self) -> Result<HashSet<String>, String> {
        self.drawing.send_replace(false);
        let mut drawn = HashSet::new();
        let stopping = async {
            while let Some(ended) = self.pages.join_next().await {
                drawn.extend(ended.map_err(|error| error.to_string())??);
            }
            Ok(())
        };
        match timeout(LIMIT, stopping).await {
            Ok(stopped) => stopped.map(|()| drawn),
            Err(_) => Err("not in time: every op has its answer".into()),
        }
    }
}

type Socket = WebSocketStream<TcpStream>;

/// One client: its copy of the drawing, and its outbox.
struct Page {
    number: usize,
    world: Arc<World>,
    drawing: String,
    key: Uuid,
    tab: Uuid,
    head: u64,
    epoch: Option<String>,
    /// The strokes it drew; the op with number n drew the n-th.
    strokes: Vec<String>,
    /// Ops up to this number are acknowledged.
    done: usize,
    /// Ops up to this number were sent through this socket.
    sent: usize,
    pause: Option<Instant>,
    due: Instant,
}

impl Page {
    /// Reconnects until the run is over and everything is acknowledged.
    async fn run(
        mut self,
        draws: bool,
        mut drawing: watch::Receiver<bool>,
    ) -> Result<Vec<String>, String> {
        let mut failures = 0;
        loop {
            let mut after = None;
            self.world.attempts.fetch_add(1, Relaxed);
            let server = self.world.any_server();
            if let Ok(Some(mut socket)) = timeout(ANSWER_WITHIN, self.connect(server)).await {
                match self
                    .follow(&mut socket, server, draws, &mut drawing, &mut failures)
                    .await?
                {
                    Next::Done => return Ok(self.strokes),
                    Next::Again(wait) => after = wait,
                }
            }
            failures += 1;
            let wait = after.unwrap_or_else(|| self.world.wait_before(failures));
            let until = Instant::now() + wait;
            // New strokes wait in the outbox meanwhile.
            while self.due < until && draws && *drawing.borrow() {
                sleep_until(self.due).await;
                self.draw();
            }
            sleep_until(until).await;
        }
    }

    fn draw(&mut self) {
        self.strokes.push(Uuid::new_v4().simple().to_string());
        self.due += DRAW_PERIOD;
    }

    async fn connect(&self, server: SocketAddr) -> Option<Socket> {
        let epoch = self.epoch.as_ref();
        let epoch = epoch.map_or(String::new(), |epoch| format!("&epoch={epoch}"));
        let address = format!(
            "ws://{server}/ws/{}?since={}{epoch}",
            self.drawing, self.head
        );
        let mut request = address.into_client_request().ok()?;
        request.headers_mut().insert(
            "sec-websocket-protocol",
            HeaderValue::from_static(SUBPROTOCOL),
        );
        let stream = TcpStream::connect(server).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (socket, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .ok()?;
        Some(socket)
    }

    /// Runs one socket until it ends, or until there is nothing more to do.
    async fn follow(
        &mut self,
        socket: &mut Socket,
        server: SocketAddr,
        draws: bool,
        drawing: &mut watch::Receiver<bool>,
        failures: &mut i32,
    ) -> Result<Next, String> {
        let (key, tab) = (self.key.simple(), self.tab.simple());
        let next = self.done + 1;
        let hello = format!(
            r##"{{"type":"hello","key":"{key}","tab":"{tab}","name":"Page","colour":"#e03131","next":{next}}}"##
        );
        self.pause = None;
        let mut welcome = false;
        if socket.send(Message::text(hello)).await.is_err() {
            return Ok(Next::Again(None));
        }
        loop {
            let base = !*drawing.borrow_and_update();
            let drawn = !draws || base;
            if welcome && base && self.done == self.strokes.len() {
                return Ok(Next::Done);
            }
            if welcome && self.pause.is_none() && !self.send(socket).await {
                return Ok(Next::Again(None));
            }
            let message = tokio::select! {
                message = socket.next() => message,
                () = sleep_until(self.due), if !drawn => { self.draw(); continue }
                () = sleep_until(self.pause.unwrap_or(self.due)), if self.pause.is_some() => {
                    self.pause = None;
                    continue;
                }
                _ = drawing.changed() => continue,
            };
            match message {
                Some(Ok(Message::Text(text))) => {
                    *failures = 0;
                    if self.read(&text, server)? {
                        welcome = true;
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    let reason = frame.map(|frame| frame.reason.to_string());
                    return Ok(Next::Again(after(&reason.unwrap_or_default())?));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(Next::Again(None)),
            }
        }
    }

    async fn send(&mut self, socket: &mut Socket) -> bool {
        while self.sent < self.strokes.len() {
            let (n, stroke) = (self.sent + 1, &self.strokes[self.sent]);
            let body = frames::body();
            let frame = format!(
                r#"{{"type":"ops","ops":[{{"n":{n},"op":"draw","stroke":"{stroke}","body":{body}}}]}}"#
            );
            if socket.send(Message::text(frame)).await.is_err() {
                return false;
            }
            self.sent = n;
        }
        true
    }

    /// Handles a frame; returns whether it is the welcome.
    fn read(&mut self, text: &str, server: SocketAddr) -> Result<bool, String> {
        let kind = frames::kind_of(text);
        if kind == "strokes" {
            let (from, to) = frames::span(text).ok_or("a strokes frame without positions")?;
            match arrival(self.head, from, to) {
                Arrival::Stale => {}
                Arrival::Next => self.head = to,
                Arrival::Gap => return Err(format!("{from} to {to} on top of {}", self.head)),
            }
            return Ok(false);
        }
        if !matches!(kind, "welcome" | "done" | "refused" | "resend") {
            return match kind {
                "reset" | "read" => Err(format!("the page has to start over: {text}")),
                _ => Ok(false),
            };
        }
        let frame: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let number = |name: &str| frame[name].as_u64().unwrap_or_default() as usize;
        match kind {
            "welcome" => {
                self.epoch = frame["epoch"].as_str().map(str::to_owned);
                self.done = self.done.max(number("done"));
                self.sent = self.done;
                let _ = self.world.welcomes.send(Welcome {
                    page: self.number,
                    server,
                    at: Instant::now(),
                });
                return Ok(true);
            }
            "done" => self.done = self.done.max(number("n")),
            "resend" => self.sent = number("n") - 1,
            _ if frame["reason"] == "load" => {
                self.world.again.fetch_add(1, Relaxed);
                self.sent = number("n") - 1;
                let retry = Duration::from_millis(number("retry_ms") as u64);
                self.pause = Some(Instant::now() + retry);
            }
            _ => return Err(format!("an op is finally refused: {text}")),
        }
        Ok(false)
    }
}

enum Next {
    /// The run is over, and everything is acknowledged.
    Done,
    /// Reconnect, after the server's delay if there is one.
    Again(Option<Duration>),
}

/// The delay in a close reason, as in `static/net/connection.js`.
fn after(reason: &str) -> Result<Option<Duration>, String> {
    if reason.starts_with("final: ") {
        return Err(format!("a page was closed for good: {reason}"));
    }
    let millis = reason
        .strip_prefix("again in ")
        .and_then(|rest| rest.split_once(" ms: ")?.0.parse().ok());
    Ok(millis.map(Duration::from_millis))
}
