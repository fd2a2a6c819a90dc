//! What a client does with its socket by the rules of `static/`: it greets, sends, resends, reads
//! over HTTP, pings, and notices that the server is gone.
//!
//! It must never reconnect: that is up to its owner.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::process::Log;
use crate::rules::{ANSWER_WITHIN, PING_AFTER, delay_of, wait_before};
use crate::socket::{self, Closed, Socket};
use crate::state::{Action, ClientState};
use crate::wait::DEADLINE;

/// The header in which a user may request a server of a balancer, and receives the one it got.
pub const SERVER_HEADER: &str = "x-server";

/// How long a client waits for a sign of life.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After this silence it sends a ping.
    pub ping_after: Duration,
    /// It waits this long for any frame, or for a socket to open.
    pub answer_within: Duration,
}

impl Default for Patience {
    /// That of the browser.
    fn default() -> Self {
        Self {
            ping_after: PING_AFTER,
            answer_within: ANSWER_WITHIN,
        }
    }
}

/// Where the state of a client is: owned by its test, or shared with it.
pub trait Holder {
    /// Reads it.
    fn read<T>(&self, read: impl FnOnce(&ClientState) -> T) -> T;
    /// Changes it.
    fn modify<T>(&mut self, change: impl FnOnce(&mut ClientState) -> T) -> T;
    /// Changes it if there is something to take from it.
    fn take<T>(&mut self, take: impl FnOnce(&mut ClientState) -> Option<T>) -> Option<T>;
}

impl Holder for ClientState {
    fn read<T>(&self, read: impl FnOnce(&ClientState) -> T) -> T {
        read(self)
    }

    fn modify<T>(&mut self, change: impl FnOnce(&mut ClientState) -> T) -> T {
        change(self)
    }

    fn take<T>(&mut self, take: impl FnOnce(&mut ClientState) -> Option<T>) -> Option<T> {
        take(self)
    }
}

impl Holder for watch::Sender<Arc<ClientState>> {
    fn read<T>(&self, read: impl FnOnce(&ClientState) -> T) -> T {
        read(&self.borrow())
    }

    fn modify<T>(&mut self, change: impl FnOnce(&mut ClientState) -> T) -> T {
        let mut result = None;
        self.send_modify(|state| result = Some(change(Arc::make_mut(state))));
        result.expect("it was changed")
    }

    fn take<T>(&mut self, take: impl FnOnce(&mut ClientState) -> Option<T>) -> Option<T> {
        let mut taken = None;
        self.send_if_modified(|state| {
            taken = take(Arc::make_mut(state));
            taken.is_some()
        });
        taken
    }
}

/// What a client waited for.
pub enum Incoming {
    Message(Option<Result<Message, Error>>),
    /// A pause or a deadline is over.
    Timer,
}

/// What became of the socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    Open,
    /// To be opened again, after the server's delay if there is one.
    Lost(Option<Duration>),
    /// Closed for good.
    Ended,
}

/// One client's socket.
pub struct Driver<H> {
    pub state: H,
    socket: Option<Socket>,
    http: reqwest::Client,
    /// None: it waits as long as its test does, and sends no pings.
    patience: Option<Patience>,
    ping_at: Instant,
    gives_up_at: Option<Instant>,
    /// Attempts since the last frame.
    pub failures: u32,
    name: String,
    log: Log,
}

impl<H: Holder> Driver<H> {
    pub fn new(state: H, patience: Option<Patience>, name: &str, log: Log) -> Self {
        let limit = patience.map_or(DEADLINE, |patience| patience.answer_within);
        let http = reqwest::Client::builder().timeout(limit);
        Self {
            state,
            socket: None,
            http: http.build().expect("a client"),
            patience,
            ping_at: Instant::now(),
            gives_up_at: None,
            failures: 0,
            name: name.to_owned(),
            log,
        }
    }

    pub fn note(&self, what: impl std::fmt::Display) {
        self.log.note(&self.name, what);
    }

    pub fn is_connected(&self) -> bool {
        self.socket.is_some()
    }

    /// Opens a socket with this query, at a preferred server if there is one, and sends hello.
    pub async fn connect(
        &mut self,
        query: &str,
        buffer: Option<u32>,
        server: Option<usize>,
    ) -> Result<(), Error> {
        let (address, path) = self.state.modify(|state| {
            state.attempts += 1;
            let path = format!("/ws/{}?{query}", state.drawing);
            (state.choose_server(), path)
        });
        let mut request: Request<()> = socket::request(address, &path);
        if let Some(server) = server {
            let server = HeaderValue::from(server);
            request.headers_mut().insert(SERVER_HEADER, server);
        }
        let (socket, response) = socket::open(address, request, buffer).await?;
        let server = response.headers().get(SERVER_HEADER);
        let server = server.and_then(|server| server.to_str().ok()?.parse().ok());
        self.socket = Some(socket);
        self.alive();
        let (hello, writes) = self.state.modify(|state| {
            state.server = server;
            (state.opened(), state.writes)
        });
        if writes {
            self.send_json(&hello).await;
        }
        Ok(())
    }

    /// Cuts the connection without a close frame.
    pub fn cut(&mut self) {
        self.socket = None;
        self.state.modify(ClientState::disconnected);
    }

    /// Closes the socket, as a closed tab does.
    pub async fn leave(&mut self) {
        if let Some(mut socket) = self.socket.take() {
            let leaving = async {
                let _ = socket.close(None).await;
                while let Some(Ok(_)) = socket.next().await {}
            };
            let limit = self.patience.map_or(DEADLINE, |each| each.answer_within);
            let _ = timeout(limit, leaving).await;
        }
    }

    pub async fn send_json(&mut self, frame: &Value) {
        self.send(Message::text(frame.to_string())).await;
    }

    /// Sends a message. If the socket breaks, reading it tells why.
    pub async fn send(&mut self, message: Message) {
        let Some(socket) = &mut self.socket else {
            return;
        };
        let limit = self.patience.map_or(DEADLINE, |each| each.answer_within);
        let sent = timeout(limit, socket.send(message)).await;
        if sent.is_err() {
            assert!(self.patience.is_some(), "the server reads nothing");
            self.gives_up_at = Some(Instant::now());
        }
    }

    /// Sends the ops that may be sent.
    pub async fn pump(&mut self) {
        while let Some(frame) = self.state.take(ClientState::take_sendable) {
            self.send(Message::text(frame)).await;
        }
    }

    /// Waits for a message or a timer. It may be dropped at any time without a loss.
    pub async fn next(&mut self) -> Incoming {
        let Some(socket) = &mut self.socket else {
            return std::future::pending().await;
        };
        let paused_until = self.state.read(|state| state.paused_until);
        let ping_at = self.patience.map(|_| self.ping_at);
        let timers = [paused_until, ping_at, self.gives_up_at];
        let timer = timers.into_iter().flatten().min();
        tokio::select! {
            message = socket.next() => Incoming::Message(message),
            () = sleep_until(timer.unwrap_or_else(Instant::now)), if timer.is_some() => Incoming::Timer,
        }
    }

    /// Handles a message or a timer.
    pub async fn handle(&mut self, incoming: Incoming) -> Event {
        match incoming {
            Incoming::Message(Some(Ok(Message::Text(text)))) => {
                let frame = serde_json::from_str(&text);
                let frame = frame.unwrap_or_else(|error| panic!("{error} in {text}"));
                self.failures = 0;
                self.alive();
                if self.receive(&frame).await.is_err() {
                    return Event::Ended;
                }
            }
            Incoming::Message(Some(Ok(Message::Close(frame)))) => {
                return self.closed(Closed::by(frame));
            }
            Incoming::Message(Some(Ok(Message::Binary(_)))) => {
                panic!("the server sent a binary frame")
            }
            Incoming::Message(Some(Ok(_))) => {}
            Incoming::Message(Some(Err(error))) => {
                return self.closed(Closed::with(1006, error.to_string()));
            }
            Incoming::Message(None) => return self.closed(Closed::with(1006, "")),
            Incoming::Timer => {
                let now = Instant::now();
                if self.gives_up_at.is_some_and(|at| at <= now) {
                    self.note("waited too long for any frame");
                    self.cut();
                    return Event::Lost(None);
                }
                self.state.modify(|state| {
                    let paused_until = state.paused_until.filter(|at| now < *at);
                    state.paused_until = paused_until;
                });
                if let Some(patience) = self.patience.filter(|_| self.ping_at <= now) {
                    self.gives_up_at = Some(now + patience.answer_within);
                    self.ping_at = now + patience.ping_after + patience.answer_within;
                    self.send_json(&json!({"type": "ping"})).await;
                }
                self.pump().await;
            }
        }
        Event::Open
    }

    /// The server is there: the next ping is due later.
    fn alive(&mut self) {
        let patience = self.patience.unwrap_or_default();
        self.ping_at = Instant::now() + patience.ping_after;
        self.gives_up_at = None;
    }

    async fn receive(&mut self, frame: &Value) -> Result<(), Closed> {
        match self.state.modify(|state| state.receive(frame)) {
            Action::Nothing => {}
            Action::Ask => self.ask().await,
            Action::Read => {
                let address = self.state.read(|state| state.address);
                self.load(address).await?;
                self.state.modify(ClientState::forget_request);
                self.ask().await;
            }
        }
        if frame["type"] == "welcome" {
            let server = self.state.read(|state| state.server);
            self.note(format_args!("has a welcome of server {server:?}"));
        }
        self.pump().await;
        Ok(())
    }

    async fn ask(&mut self) {
        if let Some(since) = self.state.take(ClientState::ask) {
            self.send_json(&since).await;
        }
    }

    /// Reads over HTTP until it holds everything that a server has.
    ///
    /// # Errors
    ///
    /// When the server refuses it for good.
    pub async fn load(&mut self, address: SocketAddr) -> Result<(), Closed> {
        let mut failures = 0;
        loop {
            let url = self.state.read(|state| {
                let (drawing, since) = (&state.drawing, state.since());
                format!("http://{address}/api/drawings/{drawing}/strokes?{since}")
            });
            match self.read_chunk(&url).await {
                Ok(chunk) => {
                    failures = 0;
                    if !self.state.modify(|state| state.receive_chunk(&chunk)) {
                        return Ok(());
                    }
                }
                Err(error) => {
                    assert!(self.patience.is_some(), "cannot read: {error}");
                    if let Some(status) = error.status().filter(|status| status.is_client_error()) {
                        let closed = Closed::with(4000 + status.as_u16(), "over HTTP");
                        self.state
                            .modify(|state| state.ended = Some(closed.clone()));
                        return Err(closed);
                    }
                    self.note(format_args!("cannot read: {error}"));
                    failures += 1;
                    sleep(wait_before(failures)).await;
                }
            }
        }
    }

    async fn read_chunk(&self, url: &str) -> reqwest::Result<Value> {
        let response = self.http.get(url).send().await?.error_for_status()?;
        response.json().await
    }

    fn closed(&mut self, closed: Closed) -> Event {
        let Closed { code, reason } = &closed;
        self.note(format_args!("is closed: {code} {reason}"));
        let (after, is_final) = (delay_of(reason), reason.starts_with("final: "));
        self.cut();
        self.state.modify(|state| {
            state.ended = is_final.then(|| closed.clone());
            state.closes.push(closed);
        });
        match is_final {
            true => Event::Ended,
            false => Event::Lost(after),
        }
    }
}
