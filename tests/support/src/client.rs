//! The test client, controlled by hand: its socket is read only while a test waits.
//!
//! It must never reconnect by itself.

use std::fmt;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use whiteboard::domain::ids::{OpId, StrokeId};
use whiteboard::domain::sequence::Seq;

use crate::driver::Driver;
use crate::process::Log;
use crate::socket::Closed;
use crate::state::{ClientState, Refused};
use crate::wait::DEADLINE;

/// Receive buffer of a client that does not read, in bytes.
const SMALL_BUFFER: u32 = 8 * 1024;

/// One client and its socket.
pub struct Client {
    driver: Driver<ClientState>,
}

impl Deref for Client {
    type Target = ClientState;

    fn deref(&self) -> &ClientState {
        &self.driver.state
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut ClientState {
        &mut self.driver.state
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.driver.state.fmt(f)
    }
}

impl Client {
    /// A client that is not connected yet.
    pub fn new(address: SocketAddr, drawing: &str) -> Self {
        let state = ClientState::new(address, drawing);
        let driver = Driver::new(state, None, "client", Log::new());
        Self { driver }
    }

    /// A client with a welcome.
    pub async fn open(address: SocketAddr, drawing: &str) -> Self {
        Self::named(address, drawing, "Ada").await
    }

    /// A client with a welcome under a name.
    pub async fn named(address: SocketAddr, drawing: &str, name: &str) -> Self {
        let mut client = Self::new(address, drawing);
        client.name = Some(name.into());
        client.connect().await;
        client.wait("a welcome", |it| it.welcome).await;
        client
    }

    /// A client that only views.
    pub async fn viewing(address: SocketAddr, drawing: &str) -> Self {
        let mut client = Self::new(address, drawing);
        client.writes = false;
        client.connect().await;
        client
    }

    /// A client that only views, and whose socket takes little unless it is read.
    pub async fn slow(address: SocketAddr, drawing: &str) -> Self {
        let mut client = Self::new(address, drawing);
        client.writes = false;
        client.connect_slowly().await;
        client
    }

    /// Opens a socket that takes little unless it is read.
    pub async fn connect_slowly(&mut self) {
        self.connect_with("since=0", Some(SMALL_BUFFER)).await;
    }

    /// Opens a socket from this client's position, and sends hello.
    pub async fn connect(&mut self) {
        let query = self.since();
        self.connect_with(&query, None).await;
    }

    async fn connect_with(&mut self, query: &str, buffer: Option<u32>) {
        let connected = self.driver.connect(query, buffer, None).await;
        connected.expect("a socket");
    }

    /// Cuts the connection without a close frame.
    pub fn cut(&mut self) {
        self.driver.cut();
    }

    /// Continues at another server, or the same one.
    pub async fn reconnect(&mut self, address: SocketAddr) {
        self.cut();
        self.address = address;
        self.connect().await;
        if self.writes {
            self.wait("another welcome", |it| it.welcome).await;
        }
    }

    /// Closes the socket, as a closed tab does.
    pub async fn leave(mut self) {
        self.driver.leave().await;
    }

    /// Whether it has a socket.
    pub fn is_connected(&self) -> bool {
        self.driver.is_connected()
    }

    /// Draws a stroke; it is in the outbox until acknowledged.
    pub async fn draw(&mut self, body: Value) -> StrokeId {
        let stroke = StrokeId::random();
        self.submit(json!({"op": "draw", "stroke": stroke, "body": body}))
            .await;
        stroke
    }

    /// Draws a stroke, and waits until it is acknowledged.
    pub async fn draw_stored(&mut self, body: Value) -> StrokeId {
        let stroke = self.draw(body).await;
        self.all_acknowledged().await;
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

    /// Sends any op under the next number, which it returns. Before the welcome, and after a refusal
    /// for load, it stays in the outbox.
    pub async fn submit(&mut self, op: Value) -> u64 {
        let n = self.driver.state.submit(op);
        self.driver.pump().await;
        n
    }

    /// Signals a pointer, ink or being away.
    pub async fn signal(&mut self, mut signal: Value) {
        signal["type"] = json!("signal");
        self.driver.send_json(&signal).await;
    }

    /// Sends a ping.
    pub async fn ping(&mut self) {
        self.raw(r#"{"type":"ping"}"#).await;
    }

    /// Waits until the server has read everything that was sent.
    pub async fn all_read(&mut self) {
        let pongs = self.pongs;
        self.ping().await;
        self.wait("a pong", |it| it.pongs > pongs).await;
    }

    /// From now on ops are sent by hand, and acknowledgements are not checked.
    pub fn forge_ops(&mut self) {
        self.next = 1_000;
    }

    /// Sends any text frame. If the socket breaks, the next wait notices.
    pub async fn raw(&mut self, text: &str) {
        self.driver.send(Message::text(text)).await;
    }

    /// Sends any binary frame.
    pub async fn raw_binary(&mut self, bytes: &[u8]) {
        self.driver.send(Message::binary(bytes.to_vec())).await;
    }

    /// Sends one fragment of a text frame.
    pub async fn raw_fragment(&mut self, text: &str, first: bool, last: bool) {
        let part = if first { Data::Text } else { Data::Continue };
        let frame = Frame::message(text.as_bytes().to_vec(), OpCode::Data(part), last);
        self.driver.send(Message::Frame(frame)).await;
    }

    /// How the server closed it, once it has.
    pub async fn closed(&mut self) -> Closed {
        let before = self.closes.len();
        self.wait("a close frame", |it| it.closes.len() > before)
            .await;
        self.closes[before].clone()
    }

    /// Waits until every op is acknowledged.
    pub async fn all_acknowledged(&mut self) {
        self.wait("all acknowledgements", |it| it.outbox.is_empty())
            .await;
    }

    /// Waits until it holds a position.
    pub async fn reach(&mut self, head: Seq) {
        let what = format!("position {head}");
        self.wait(&what, |it| it.head >= head).await;
    }

    /// Waits until it holds a living stroke.
    pub async fn sees(&mut self, stroke: StrokeId) {
        self.wait("a stroke", |it| it.is_there(stroke)).await;
    }

    /// Waits for the refusal of an op.
    pub async fn refusal(&mut self, n: u64) -> Refused {
        let what = format!("the refusal of op {n}");
        self.wait(&what, |it| it.refusals.contains_key(&n)).await;
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
        while !holds(self) && self.is_connected() {
            match timeout_at(deadline, self.driver.next()).await {
                Ok(incoming) => {
                    self.driver.handle(incoming).await;
                }
                Err(_) => panic!("waited too long for {what}: {self:?}"),
            }
        }
    }

    /// Reads all later changes over HTTP.
    pub async fn fetch(&mut self) {
        let address = self.address;
        self.driver.load(address).await.expect("the drawing");
    }
}
