//! A test client controlled by hand: its copy of the drawing and its socket, which is read only
//! while a test waits.
//!
//! It must never reconnect by itself.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use whiteboard::domain::ids::{OpId, StrokeId};
use whiteboard::domain::sequence::Seq;
use whiteboard::protocol::SUBPROTOCOL;

use crate::page::{Action, Closed, Page, Refused};
use crate::test_server::client;

/// Deadline of everything that is waited for, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);
/// Receive buffer of a client that does not read, in bytes.
const SMALL_BUFFER: u32 = 8 * 1024;

type Socket = WebSocketStream<tokio::net::TcpStream>;

/// One client and its socket.
#[derive(Debug)]
pub struct Browser {
    page: Page,
    socket: Option<Socket>,
    http: reqwest::Client,
}

impl Deref for Browser {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl DerefMut for Browser {
    fn deref_mut(&mut self) -> &mut Page {
        &mut self.page
    }
}

impl Browser {
    /// A client that is not connected yet.
    pub fn new(address: SocketAddr, drawing: &str) -> Self {
        Self {
            page: Page::new(address, drawing),
            socket: None,
            http: client(),
        }
    }

    /// A client with a welcome.
    pub async fn open(address: SocketAddr, drawing: &str) -> Self {
        Self::named(address, drawing, "Ada").await
    }

    /// A client with a welcome under a name.
    pub async fn named(address: SocketAddr, drawing: &str, name: &str) -> Self {
        let mut browser = Self::new(address, drawing);
        browser.name = Some(name.into());
        browser.connect().await;
        browser.wait("being welcome", |b| b.welcome).await;
        browser
    }

    /// A client that only views.
    pub async fn looking(address: SocketAddr, drawing: &str) -> Self {
        let mut browser = Self::new(address, drawing);
        browser.writes = false;
        browser.connect().await;
        browser
    }

    /// Opens a socket from this client's position, and sends hello.
    pub async fn connect(&mut self) {
        let query = self.since();
        self.connect_with(&query, None).await;
    }

    /// The same with a small receive buffer.
    pub async fn connect_slowly(&mut self) {
        let query = format!("since={}", self.head);
        self.connect_with(&query, Some(SMALL_BUFFER)).await;
    }

    /// Opens a socket with this query.
    pub async fn connect_with(&mut self, query: &str, buffer: Option<u32>) {
        let request = request(self.address, &format!("/ws/{}?{query}", self.drawing));
        let socket = handshake(self.address, request, buffer).await;
        self.socket = Some(socket.expect("a socket"));
        let hello = self.page.opened();
        if self.writes {
            self.raw(&hello.to_string()).await;
        }
    }

    /// Cuts the connection without a close frame.
    pub fn cut(&mut self) {
        self.socket = None;
        self.welcome = false;
    }

    /// Continues at another server, or the same one.
    pub async fn reconnect(&mut self, address: SocketAddr) {
        self.cut();
        self.address = address;
        self.connect().await;
        if self.writes {
            self.wait("being welcome again", |b| b.welcome).await;
        }
    }

    /// Closes the socket, as a closed tab does.
    pub async fn leave(mut self) {
        if let Some(mut socket) = self.socket.take() {
            let _ = socket.close(None).await;
            let reading = async { while let Some(Ok(_)) = socket.next().await {} };
            let _ = timeout_at(Instant::now() + DEADLINE, reading).await;
        }
    }

    /// Draws a stroke; it is in the outbox until acknowledged.
    pub async fn draw(&mut self, body: Value) -> StrokeId {
        let stroke = StrokeId::random();
        self.submit(json!({"op": "draw", "stroke": stroke, "body": body}))
            .await;
        stroke
    }

    /// Changes some fields of a stroke.
    pub async fn edit(&mut self, stroke: StrokeId, set: Value) -> u64 {
        self.submit(json!({"op": "edit", "stroke": stroke, "set": set}))
            .await
    }

    /// Erases a stroke.
    pub async fn erase(&mut self, stroke: StrokeId) -> u64 {
        self.submit(json!({"op": "erase", "stroke": stroke})).await
    }

    /// Undoes an erasure.
    pub async fn restore(&mut self, stroke: StrokeId, body: Value, base: OpId) -> u64 {
        self.submit(json!({"op": "restore", "stroke": stroke, "body": body, "base": base}))
            .await
    }

    /// Sends any op under the next number, which it returns.
    pub async fn submit(&mut self, op: Value) -> u64 {
        let n = self.page.submit(op);
        // Before the welcome, and after a refusal for load, it stays in the outbox.
        if self.welcome && self.again.is_none() {
            self.send_from(n).await;
        }
        n
    }

    /// Signals a pointer, ink or being away.
    pub async fn signal(&mut self, mut signal: Value) {
        signal["type"] = json!("signal");
        self.raw(&signal.to_string()).await;
    }

    /// Sends a ping.
    pub async fn ping(&mut self) {
        self.raw(r#"{"type":"ping"}"#).await;
    }

    /// From now on ops are sent by hand, and acknowledgements are not checked.
    pub fn forge_ops(&mut self) {
        self.next = 1_000;
    }

    /// Sends any text frame. If the socket breaks, the next wait notices.
    pub async fn raw(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Sends any binary frame.
    pub async fn raw_binary(&mut self, bytes: &[u8]) {
        self.send(Message::binary(bytes.to_vec())).await;
    }

    /// Sends one fragment of a text frame.
    pub async fn raw_fragment(&mut self, text: &str, first: bool, last: bool) {
        let part = if first { Data::Text } else { Data::Continue };
        let frame = Frame::message(text.as_bytes().to_vec(), OpCode::Data(part), last);
        self.send(Message::Frame(frame)).await;
    }

    async fn send(&mut self, message: Message) {
        let Some(socket) = &mut self.socket else {
            return;
        };
        let sending = timeout_at(Instant::now() + DEADLINE, socket.send(message)).await;
        // An error is left for `wait`, which reads the close frame that explains it.
        let _ = sending.expect("the server takes in what is sent");
    }

    /// Whether it has a socket.
    pub fn is_connected(&self) -> bool {
        self.socket.is_some()
    }

    /// How the server closed it, once it has.
    pub async fn closed(&mut self) -> Closed {
        let before = self.closes.len();
        let closed = |b: &Self| b.closes.len() > before;
        self.wait("being closed", closed).await;
        self.closes[before].clone()
    }

    /// Waits until every op is acknowledged.
    pub async fn answered(&mut self) {
        self.wait("answers to all ops", |b| b.outbox.is_empty())
            .await;
    }

    /// Waits until it holds a position.
    pub async fn reach(&mut self, head: Seq) {
        let what = format!("position {head}");
        self.wait(&what, |b| b.head >= head).await;
    }

    /// Waits for the refusal of an op.
    pub async fn refusal(&mut self, n: u64) -> Refused {
        let what = format!("the refusal of op {n}");
        self.wait(&what, |b| b.refusals.contains_key(&n)).await;
        self.refusals[&n].clone()
    }

    /// Reads until a condition holds.
    ///
    /// # Panics
    ///
    /// When it does not hold in time, or when the server violates a rule.
    pub async fn wait(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        self.wait_or_close(what, &holds).await;
        assert!(
            holds(self),
            "waited for {what}, and the socket closed: {self:?}"
        );
    }

    /// Reads until a condition holds, or the socket closes.
    pub async fn wait_or_close(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds(self) {
            let Some(socket) = &mut self.socket else {
                return;
            };
            let again = self.page.again.map_or(deadline, |(at, _)| at);
            let message = tokio::select! {
                message = socket.next() => message,
                () = sleep_until(again.min(deadline)) => {
                    if Instant::now() >= deadline {
                        panic!("waited too long for {what}: {self:?}");
                    }
                    if let Some((_, n)) = self.again.take() {
                        self.send_from(n).await;
                    }
                    continue;
                }
            };
            self.take(message).await;
        }
    }

    async fn take(&mut self, message: Option<Result<Message, Error>>) {
        match message {
            Some(Ok(Message::Text(text))) => {
                let frame =
                    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
                match self.page.read(&frame) {
                    Action::Send(n) => self.send_from(n).await,
                    Action::Read => self.read_over_http().await,
                    Action::Nothing | Action::Compare(_) => {}
                }
            }
            Some(Ok(Message::Close(frame))) => {
                let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                    (frame.code.into(), frame.reason.to_string())
                });
                self.closes.push(Closed { code, reason });
                self.cut();
            }
            Some(Ok(Message::Binary(_))) => panic!("the server sent a binary frame"),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let reason = error.to_string();
                self.closes.push(Closed { code: 1006, reason });
                self.cut();
            }
            None => self.cut(),
        }
    }

    /// Sends all unacknowledged ops from this number on.
    async fn send_from(&mut self, from: u64) {
        for frame in self.page.ops_from(from) {
            self.raw(&frame).await;
        }
    }

    /// Reads the later changes over HTTP, then continues over the socket.
    async fn read_over_http(&mut self) {
        self.fetch().await;
        let since = self.page.ask();
        self.raw(&since.to_string()).await;
    }

    /// Reads all later changes over HTTP.
    pub async fn fetch(&mut self) {
        loop {
            let url = format!(
                "http://{}/api/drawings/{}/strokes?{}",
                self.address,
                self.drawing,
                self.since()
            );
            let response = self.http.get(url).send().await.expect("an answer");
            assert_eq!(response.status(), 200);
            let page: Value = response.json().await.expect("JSON");
            if !self.page.read_page(&page) {
                return;
            }
        }
    }
}

/// A request to open a socket, with the headers of every client.
pub fn request(address: SocketAddr, path: &str) -> Request<()> {
    let mut request = format!("ws://{address}{path}")
        .into_client_request()
        .expect("an address");
    request.headers_mut().insert(
        "sec-websocket-protocol",
        HeaderValue::from_static(SUBPROTOCOL),
    );
    request
}

/// Opens a socket with any request.
pub async fn handshake(
    address: SocketAddr,
    request: Request<()>,
    buffer: Option<u32>,
) -> Result<Socket, Error> {
    let opening = async {
        let socket = TcpSocket::new_v4()?;
        if let Some(buffer) = buffer {
            socket.set_recv_buffer_size(buffer)?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        Ok(socket)
    };
    timeout_at(Instant::now() + DEADLINE, opening)
        .await
        .expect("the handshake takes too long")
}

/// How the server closes a socket that it rejects.
pub async fn rejected(address: SocketAddr, request: Request<()>) -> Closed {
    let mut socket = handshake(address, request, None).await.expect("a socket");
    let reading = async {
        while let Some(message) = socket.next().await {
            if let Message::Close(Some(frame)) = message.expect("a close frame") {
                let reason = frame.reason.to_string();
                let code = frame.code.into();
                return Closed { code, reason };
            }
        }
        panic!("the socket ended without a reason");
    };
    timeout_at(Instant::now() + DEADLINE, reading)
        .await
        .expect("being turned away takes too long")
}
