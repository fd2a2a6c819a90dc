//! A test browser that keeps state: it holds what a page would hold, and judges every frame.
//!
//! It must never forgive: a change out of order, a gap, a repeat or an answer to what was
//! never asked ends the test that uses it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;
use whiteboard::model::{Arrival, Life, OpId, PersonId, Seq, StrokeId, WriterId, arrival};
use whiteboard::protocol::{MAX_OPS_PER_FRAME, SUBPROTOCOL};

/// How long anything that is waited for may take, on a machine that is busy with other things too.
const DEADLINE: Duration = Duration::from_secs(20);
/// What a browser that does not read still takes in, in bytes.
const SMALL_BUFFER: u32 = 8 * 1024;

type Socket = WebSocketStream<tokio::net::TcpStream>;

/// A stroke as this browser holds it; without a body it is erased.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Held {
    pub seq: Seq,
    pub stroke: StrokeId,
    pub z: i64,
    pub by: PersonId,
    pub writer: WriterId,
    pub n: u64,
    #[serde(default)]
    pub body: Option<Value>,
    #[serde(default)]
    pub gone: bool,
}

/// Why an op came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    pub reason: String,
    pub message: String,
    pub stroke: Option<Held>,
}

/// How the server closed a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub code: u16,
    pub reason: String,
}

/// Someone who is here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Person {
    pub writer: WriterId,
    pub by: PersonId,
    pub name: String,
    pub colour: String,
}

/// One page in one browser.
pub struct Browser {
    /// Where it is connected to.
    pub address: SocketAddr,
    pub drawing: String,
    pub key: Uuid,
    pub tab: Uuid,
    /// Its name, if it is to be seen.
    pub name: Option<String>,
    /// Whether it says hello at all.
    pub writes: bool,

    pub life: Option<Life>,
    pub head: Seq,
    /// Everything it was told of, erased strokes too.
    pub strokes: HashMap<StrokeId, Held>,
    /// Why it had to start over, each time.
    pub resets: Vec<String>,
    pub title: String,

    /// Its public id, once it was welcome.
    pub writer: Option<WriterId>,
    pub access: String,
    /// Whether this socket was welcome.
    pub welcome: bool,
    /// Ops without an answer, in order.
    pub outbox: VecDeque<(u64, Value)>,
    pub done: u64,
    pub refusals: BTreeMap<u64, Refused>,
    /// How often the server refused for load.
    pub loads: usize,
    /// How often it was told to send again.
    pub resends: usize,
    /// How often it was welcome.
    pub welcomes: usize,
    /// How often it was told what it had already, without having asked.
    pub overlaps: usize,
    /// How often it was told to read over HTTP.
    pub reads: usize,
    pub pongs: usize,

    pub people: Vec<Person>,
    pub pointers: HashMap<WriterId, (f64, f64)>,
    /// Every part of ink it was shown.
    pub ink: Vec<Value>,
    pub closes: Vec<Closed>,

    next: u64,
    /// It asked with `since`: an answer may repeat what was on its way meanwhile.
    asked: bool,
    /// When what was refused for load is sent again, and from which op on.
    again: Option<(Instant, u64)>,
    socket: Option<Socket>,
    http: reqwest::Client,
}

/// A pen stroke of a few points that is like no other.
pub fn pen(x: f64) -> Value {
    json!({"tool": "pen", "x": x, "y": 20.5, "points": "AAMAABAQEBA=", "colour": "#1d1d1f", "width": 4})
}

impl Browser {
    /// A page that is not connected yet.
    pub fn new(address: SocketAddr, drawing: &str) -> Self {
        Self {
            address,
            drawing: drawing.to_owned(),
            key: Uuid::new_v4(),
            tab: Uuid::new_v4(),
            name: Some("Ada".into()),
            writes: true,
            life: None,
            head: 0,
            strokes: HashMap::new(),
            resets: Vec::new(),
            title: String::new(),
            writer: None,
            access: String::new(),
            welcome: false,
            outbox: VecDeque::new(),
            done: 0,
            refusals: BTreeMap::new(),
            loads: 0,
            resends: 0,
            welcomes: 0,
            overlaps: 0,
            reads: 0,
            pongs: 0,
            people: Vec::new(),
            pointers: HashMap::new(),
            ink: Vec::new(),
            closes: Vec::new(),
            next: 1,
            asked: false,
            again: None,
            socket: None,
            http: reqwest::Client::new(),
        }
    }

    /// A page that is welcome.
    pub async fn open(address: SocketAddr, drawing: &str) -> Self {
        Self::named(address, drawing, "Ada").await
    }

    /// A page that is welcome under a name.
    pub async fn named(address: SocketAddr, drawing: &str, name: &str) -> Self {
        let mut browser = Self::new(address, drawing);
        browser.name = Some(name.into());
        browser.connect().await;
        browser.wait("being welcome", |b| b.welcome).await;
        browser
    }

    /// A page that only looks.
    pub async fn looking(address: SocketAddr, drawing: &str) -> Self {
        let mut browser = Self::new(address, drawing);
        browser.writes = false;
        browser.connect().await;
        browser
    }

    /// Opens a socket from where this page is, and says hello.
    pub async fn connect(&mut self) {
        let mut query = format!("since={}", self.head);
        if let Some(life) = self.life {
            write!(query, "&life={life}").unwrap();
        }
        self.connect_with(&query, None).await;
    }

    /// The same while taking in hardly anything that is not read.
    pub async fn connect_slowly(&mut self) {
        let query = format!("since={}", self.head);
        self.connect_with(&query, Some(SMALL_BUFFER)).await;
    }

    /// Opens a socket with this query.
    pub async fn connect_with(&mut self, query: &str, buffer: Option<u32>) {
        let request = request(self.address, &format!("/ws/{}?{query}", self.drawing));
        let socket = handshake(self.address, request, buffer).await;
        self.socket = Some(socket.expect("a socket"));
        self.welcome = false;
        self.asked = false;
        self.again = None;
        self.people.clear();
        self.pointers.clear();
        if self.writes {
            self.say_hello().await;
        }
    }

    async fn say_hello(&mut self) {
        let first = self.outbox.front().map_or(self.next, |(n, _)| *n);
        let mut hello = json!({
            "type": "hello",
            "key": self.key.simple().to_string(),
            "tab": self.tab.simple().to_string(),
            "next": first,
        });
        if let Some(name) = &self.name {
            hello["name"] = json!(name);
            hello["colour"] = json!("#e03131");
        }
        self.raw(&hello.to_string()).await;
    }

    /// The connection breaks, without a goodbye.
    pub fn cut(&mut self) {
        self.socket = None;
        self.welcome = false;
    }

    /// Goes on at another server, or the same one.
    pub async fn reconnect(&mut self, address: SocketAddr) {
        self.cut();
        self.address = address;
        self.connect().await;
        if self.writes {
            self.wait("being welcome again", |b| b.welcome).await;
        }
    }

    /// Closes as a page that is left.
    pub async fn leave(mut self) {
        if let Some(mut socket) = self.socket.take() {
            let _ = socket.close(None).await;
            let reading = async { while let Some(Ok(_)) = socket.next().await {} };
            let _ = timeout_at(Instant::now() + DEADLINE, reading).await;
        }
    }

    /// Draws a stroke; it is in the outbox until it is answered.
    pub async fn draw(&mut self, body: Value) -> StrokeId {
        let stroke = StrokeId::random();
        self.wish(json!({"op": "draw", "stroke": stroke, "body": body}))
            .await;
        stroke
    }

    /// Changes some fields of a stroke.
    pub async fn edit(&mut self, stroke: StrokeId, set: Value) -> u64 {
        self.wish(json!({"op": "edit", "stroke": stroke, "set": set}))
            .await
    }

    /// Erases a stroke.
    pub async fn erase(&mut self, stroke: StrokeId) -> u64 {
        self.wish(json!({"op": "erase", "stroke": stroke})).await
    }

    /// Takes an erasure back.
    pub async fn restore(&mut self, stroke: StrokeId, body: Value, over: OpId) -> u64 {
        self.wish(json!({"op": "restore", "stroke": stroke, "body": body, "over": over}))
            .await
    }

    /// Sends any op under its next number, which it gives.
    pub async fn wish(&mut self, mut op: Value) -> u64 {
        let n = self.next;
        self.next += 1;
        op["n"] = json!(n);
        self.outbox.push_back((n, op.clone()));
        // Before the welcome, and while load is waited out, it waits in the outbox.
        if self.welcome && self.again.is_none() {
            self.raw(&ops([&op])).await;
        }
        n
    }

    /// Signals a pointer, ink or being away.
    pub async fn signal(&mut self, mut signal: Value) {
        signal["type"] = json!("signal");
        self.raw(&signal.to_string()).await;
    }

    /// Asks whether the server is there.
    pub async fn ping(&mut self) {
        self.raw(r#"{"type":"ping"}"#).await;
    }

    /// From here on ops are sent by hand, and answers to them are no surprise.
    pub fn forge_ops(&mut self) {
        self.next = 1_000;
    }

    /// Sends any text frame. A socket that breaks with it is noticed by who waits.
    pub async fn raw(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Sends any binary frame.
    pub async fn raw_binary(&mut self, bytes: &[u8]) {
        self.send(Message::binary(bytes.to_vec())).await;
    }

    /// Sends one fragment of a text frame, the first of it or a later one, perhaps the last.
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
        // An error is left for `wait`: the close frame that explains it is yet to be read.
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

    /// Waits until every op is answered.
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

    /// Reads until something holds.
    ///
    /// # Panics
    ///
    /// When it does not hold in time, or when the server breaks a rule.
    pub async fn wait(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        self.wait_or_close(what, &holds).await;
        assert!(
            holds(self),
            "waited for {what}, and the socket closed: {self:?}"
        );
    }

    /// Reads until something holds, or the socket closes.
    pub async fn wait_or_close(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds(self) {
            let Some(socket) = &mut self.socket else {
                return;
            };
            let again = self.again.map_or(deadline, |(at, _)| at);
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
                self.read(frame).await;
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

    async fn read(&mut self, frame: Value) {
        let n = frame["n"].as_u64();
        match frame["type"].as_str().expect("a type") {
            "welcome" => self.read_welcome(&frame).await,
            "reset" => {
                self.strokes.clear();
                self.head = 0;
                self.life = Some(parsed(&frame["life"]));
                self.resets.push(parsed(&frame["reason"]));
                self.asked = false;
            }
            "strokes" => {
                let from = parsed(&frame["from"]);
                let changes = parsed(&frame["changes"]);
                self.read_changes(from, parsed(&frame["head"]), changes);
            }
            "signals" => self.read_signals(&frame),
            "done" => self.read_done(n.expect("done has n")),
            "refused" => self.read_refused(n.expect("refused has n"), &frame),
            "resend" => {
                self.resends += 1;
                self.send_from(n.expect("resend has n")).await;
            }
            "drawing" => self.title = parsed(&frame["title"]),
            "read" => {
                assert!(parsed::<Seq>(&frame["since"]) <= self.head);
                self.reads += 1;
                self.read_over_http().await;
            }
            "pong" => self.pongs += 1,
            _ => {}
        }
    }

    async fn read_welcome(&mut self, frame: &Value) {
        self.welcomes += 1;
        let writer = parsed(&frame["writer"]);
        assert!(self.writer.is_none_or(|before| before == writer));
        let life = parsed(&frame["life"]);
        let before = self.life.filter(|_| self.head > 0);
        assert!(
            before.is_none_or(|before| before == life),
            "another life without a reset"
        );
        self.life = Some(life);
        self.writer = Some(writer);
        self.title = parsed(&frame["title"]);
        self.access = parsed(&frame["access"]);
        self.welcome = true;
        let done: u64 = parsed(&frame["done"]);
        self.outbox.retain(|(n, _)| *n > done);
        self.done = self.done.max(done);
        // The numbers of a writer whose page begins anew go on where they were.
        self.next = self.next.max(done + 1);
        self.send_from(0).await;
    }

    /// Takes in a `strokes` frame, or a page that was read over HTTP.
    fn read_changes(&mut self, from: Seq, to: Seq, changes: Vec<Held>) {
        match arrival(self.head, from, to) {
            Arrival::Next if from == self.head => {}
            Arrival::Stale if from == to && to == self.head && changes.is_empty() => {}
            Arrival::Gap => panic!("{from} to {to} on top of {}: {self:?}", self.head),
            _ if self.asked => {}
            // A session that lost its feed starts over at another one, without a word.
            _ => self.overlaps += 1,
        }
        self.asked = false;
        let mut last = from;
        for change in changes {
            assert!(last < change.seq && change.seq <= to, "{change:?}, {last}");
            last = change.seq;
            if change.seq <= self.head {
                continue;
            }
            assert_eq!(change.gone, change.body.is_none(), "{change:?}");
            self.strokes.insert(change.stroke, change);
        }
        self.head = self.head.max(to);
    }

    fn read_signals(&mut self, frame: &Value) {
        if let Some(people) = frame.get("people") {
            self.people = parsed(people);
            self.people.sort();
        }
        for pointer in frame["pointers"].as_array().into_iter().flatten() {
            let writer = parsed(&pointer["writer"]);
            match pointer["place"].as_object() {
                Some(place) => {
                    let at = (parsed(&place["x"]), parsed(&place["y"]));
                    self.pointers.insert(writer, at);
                }
                None => drop(self.pointers.remove(&writer)),
            }
        }
        self.ink
            .extend(frame["ink"].as_array().into_iter().flatten().cloned());
    }

    fn read_done(&mut self, n: u64) {
        assert!(n < self.next, "done {n}, which was never sent");
        self.done = self.done.max(n);
        self.outbox.retain(|(waiting, _)| *waiting > n);
    }

    fn read_refused(&mut self, n: u64, frame: &Value) {
        let reason: String = parsed(&frame["reason"]);
        if reason == "load" {
            self.loads += 1;
            let retry = Duration::from_millis(parsed(&frame["retry"]));
            self.again = Some((Instant::now() + retry, n));
            return;
        }
        self.outbox.retain(|(waiting, _)| *waiting != n);
        let refused = Refused {
            reason,
            message: parsed(&frame["message"]),
            stroke: frame.get("stroke").map(parsed),
        };
        let before = self.refusals.insert(n, refused.clone());
        assert!(before.is_none_or(|before| before == refused), "{refused:?}");
    }

    /// Sends all ops from this number on that have no answer.
    async fn send_from(&mut self, from: u64) {
        let waiting: Vec<Value> = self
            .outbox
            .iter()
            .filter(|(n, _)| *n >= from)
            .map(|(_, op)| op.clone())
            .collect();
        for part in waiting.chunks(MAX_OPS_PER_FRAME) {
            self.raw(&ops(part)).await;
        }
    }

    /// Reads over HTTP what comes after its position, then goes on over the socket.
    async fn read_over_http(&mut self) {
        self.fetch().await;
        self.asked = true;
        let since = json!({"type": "since", "since": self.head, "life": self.life});
        self.raw(&since.to_string()).await;
    }

    /// Reads over HTTP all that comes after its position.
    pub async fn fetch(&mut self) {
        loop {
            let life = self
                .life
                .map_or(String::new(), |life| format!("&life={life}"));
            let url = format!(
                "http://{}/api/drawings/{}/strokes?since={}{life}",
                self.address, self.drawing, self.head
            );
            let response = self.http.get(url).send().await.expect("an answer");
            assert_eq!(response.status(), 200);
            let page: Value = response.json().await.expect("JSON");
            if page["reset"] != json!(false) && page["reset"] != Value::Null {
                self.strokes.clear();
                self.head = 0;
                self.resets.push(page["reset"].to_string());
            }
            self.life = Some(parsed(&page["life"]));
            let changes = parsed(&page["changes"]);
            self.read_changes(parsed(&page["from"]), parsed(&page["head"]), changes);
            if page["more"] != json!(true) {
                return;
            }
        }
    }

    /// What is to be seen: the strokes that are not erased, in painting order.
    pub fn picture(&self) -> Vec<(i64, StrokeId, Value)> {
        let mut picture: Vec<_> = self
            .strokes
            .values()
            .filter_map(|held| Some((held.z, held.stroke, held.body.clone()?)))
            .collect();
        picture.sort_by_key(|(z, stroke, _)| (*z, *stroke));
        picture
    }

    /// The last op on a stroke it holds.
    pub fn op_on(&self, stroke: StrokeId) -> OpId {
        let Held { writer, n, .. } = self.strokes[&stroke];
        OpId { writer, n }
    }
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser")
            .field("welcome", &self.welcome)
            .field("head", &self.head)
            .field("strokes", &self.strokes.len())
            .field("resets", &self.resets)
            .field("waiting", &self.outbox.len())
            .field("done", &self.done)
            .field("refusals", &self.refusals)
            .field("loads", &self.loads)
            .field("reads", &self.reads)
            .field("people", &self.people.len())
            .field("ink", &self.ink.len())
            .field("closes", &self.closes)
            .finish()
    }
}

/// A request to open a socket, with what every page sends.
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

/// How the server closes a socket that it upgrades only to say why not.
pub async fn turned_away(address: SocketAddr, request: Request<()>) -> Closed {
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

fn ops<'a>(ops: impl IntoIterator<Item = &'a Value>) -> String {
    let ops: Vec<&Value> = ops.into_iter().collect();
    json!({"type": "ops", "ops": ops}).to_string()
}

fn parsed<T: for<'de> Deserialize<'de>>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|error| panic!("{error}: {value}"))
}
