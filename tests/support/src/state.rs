//! The state of one client: its copy of the drawing, its outbox, and its checks of every frame;
//! without a socket.
//!
//! It panics at any violation: a change out of order, a gap, a repeat, or an answer to a request
//! never made.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;
use whiteboard::domain::ids::{Epoch, OpId, PersonId, StrokeId, Writer, WriterId};
use whiteboard::domain::sequence::{Arrival, Seq, arrival};

use crate::rules::{ASK_AGAIN, BYTES_PER_FRAME, OPS_PER_FRAME, PONGS_BEHIND, WINDOW};
use crate::socket::Closed;

/// A stroke as a client holds it; without a body it is erased.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "ReceivedChange")]
#[allow(missing_docs, reason = "they are the fields of a change")]
pub struct Stroke {
    pub seq: Seq,
    pub stroke: StrokeId,
    pub z: i64,
    pub writer: WriterId,
    pub n: u64,
    pub body: Option<Value>,
    pub erased: bool,
}

/// A change as it comes.
#[derive(Deserialize)]
struct ReceivedChange {
    seq: Seq,
    stroke: StrokeId,
    /// The position, where it is left out.
    z: Option<i64>,
    writer: WriterId,
    n: u64,
    body: Option<Value>,
    #[serde(default)]
    erased: bool,
}

impl From<ReceivedChange> for Stroke {
    fn from(change: ReceivedChange) -> Self {
        Self {
            seq: change.seq,
            stroke: change.stroke,
            z: change.z.unwrap_or(change.seq as i64),
            writer: change.writer,
            n: change.n,
            body: change.body,
            erased: change.erased,
        }
    }
}

/// A refusal of an op.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Its code.
    pub reason: String,
    /// What it says.
    pub message: String,
    /// The stroke as it is, if there is one.
    pub stroke: Option<Stroke>,
}

/// A listed person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[allow(missing_docs, reason = "they are the fields of a frame")]
pub struct Person {
    pub writer: WriterId,
    pub author: PersonId,
    pub name: String,
    pub colour: String,
    /// The key that let them in.
    pub key: Option<String>,
}

/// What to do after a frame, besides sending what may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Request missing changes, unless that was done a moment ago.
    Ask,
    /// Read over HTTP, then request the rest.
    Read,
}

/// The state of one client.
#[derive(Clone)]
pub struct ClientState {
    /// The server's address.
    pub address: SocketAddr,
    /// The servers that a balancer would choose from, if there is none.
    pub servers: Vec<SocketAddr>,
    /// The drawing's id.
    pub drawing: String,
    /// The person's secret.
    pub key: Uuid,
    /// The tab's id.
    pub tab: Uuid,
    /// The key or token that it shows.
    pub token: Option<String>,
    /// The name, if the client is to be listed.
    pub name: Option<String>,
    /// Whether it sends hello.
    pub writes: bool,
    /// Most unacknowledged ops that it sends.
    pub window: u64,

    /// The epoch of its copy, once it has one.
    pub epoch: Option<Epoch>,
    /// The last position that it holds.
    pub head: Seq,
    /// Every stroke it received, including erased ones.
    pub strokes: HashMap<StrokeId, Stroke>,
    /// The reasons of all resets.
    pub resets: Vec<String>,
    /// The drawing's title.
    pub title: String,

    /// The public id, after the welcome.
    pub writer: Option<WriterId>,
    /// What it may do, after the welcome.
    pub access: String,
    /// What it was told about that last, as in the frame.
    pub standing: Value,
    /// Whether this socket got a welcome.
    pub welcome: bool,
    /// Unacknowledged ops, in order.
    pub outbox: VecDeque<(u64, Value)>,
    /// The number of the next op.
    pub next: u64,
    /// Ops up to this number are acknowledged.
    pub done: u64,
    /// Refusals by number.
    pub refusals: BTreeMap<u64, Refused>,
    /// When to send again after a refusal for load.
    pub paused_until: Option<Instant>,
    /// The last op sent through this socket.
    sent_through: u64,
    /// How often each op was sent.
    pub sent: BTreeMap<u64, usize>,
    /// Ops whose acknowledgements were lost with a socket: the next welcome acknowledged them.
    pub done_by_welcome: BTreeSet<u64>,

    /// Number of refusals for load.
    pub throttled: usize,
    /// Number of `resend` frames.
    pub resends: usize,
    /// Number of welcomes.
    pub welcomes: usize,
    /// Number of repeated changes without a request.
    pub overlaps: usize,
    /// Number of changes received, over the socket or HTTP.
    pub changes: usize,
    /// Number of `read` frames.
    pub reads: usize,
    /// Number of pongs.
    pub pongs: usize,

    /// The listed people, sorted.
    pub people: Vec<Person>,
    /// The version of the list, once one was received on this socket.
    pub people_version: Option<u64>,
    /// The number of all people.
    pub people_count: usize,
    /// Number of `people` frames, of the whole lists among them, and the bytes of all.
    pub people_frames: usize,
    /// Number of whole lists of people.
    pub people_wholes: usize,
    /// Bytes of all `people` frames.
    pub people_bytes: usize,
    /// The pointers that it shows.
    pub pointers: HashMap<WriterId, (f64, f64)>,
    /// Views that arrived, in order.
    pub views: Vec<Value>,
    /// Every part of ink it received.
    pub ink: Vec<Value>,

    /// Attempts to connect.
    pub attempts: usize,
    /// The server of its last socket, if a balancer named it.
    pub server: Option<usize>,
    /// Times of all welcomes.
    pub welcomed: Vec<Instant>,
    /// Times of all losses of a welcome socket.
    pub lost: Vec<Instant>,
    /// Times of all acknowledgements.
    pub acknowledged: Vec<Instant>,
    /// How its sockets were closed.
    pub closes: Vec<Closed>,
    /// Why it does not reconnect: the server closed it for good.
    pub ended: Option<Closed>,

    /// It sent `since`: the answer may repeat changes in flight.
    asked: bool,
    asked_at: Option<Instant>,
    pongs_behind: u32,
}

/// A pen stroke of a few points, distinguished by `x`.
pub fn pen(x: f64) -> Value {
    json!({"kind": "pen", "x": x, "y": 20.5, "points": "AAMAABAQEBA=", "colour": "#1d1d1f", "width": 4})
}

/// The same with this many bytes more.
pub fn large_pen(x: f64, bytes: usize) -> Value {
    let mut body = pen(x);
    body["note"] = json!("x".repeat(bytes));
    body
}

/// A frame of ops.
pub fn ops(ops: &[&Value]) -> String {
    json!({"type": "ops", "ops": ops}).to_string()
}

/// A value that must be of this type.
pub fn parsed<T: for<'de> Deserialize<'de>>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|error| panic!("{error}: {value}"))
}

impl ClientState {
    /// A client that has not connected yet.
    pub fn new(address: SocketAddr, drawing: &str) -> Self {
        Self {
            address,
            servers: Vec::new(),
            drawing: drawing.to_owned(),
            key: Uuid::new_v4(),
            tab: Uuid::new_v4(),
            name: Some("Ada".into()),
            writes: true,
            window: WINDOW,
            epoch: None,
            head: 0,
            strokes: HashMap::new(),
            resets: Vec::new(),
            title: String::new(),
            writer: None,
            access: String::new(),
            standing: Value::Null,
            token: None,
            welcome: false,
            outbox: VecDeque::new(),
            next: 1,
            done: 0,
            refusals: BTreeMap::new(),
            paused_until: None,
            sent_through: 0,
            sent: BTreeMap::new(),
            done_by_welcome: BTreeSet::new(),
            throttled: 0,
            resends: 0,
            welcomes: 0,
            overlaps: 0,
            changes: 0,
            reads: 0,
            pongs: 0,
            people: Vec::new(),
            people_version: None,
            people_count: 0,
            people_frames: 0,
            people_wholes: 0,
            people_bytes: 0,
            pointers: HashMap::new(),
            views: Vec::new(),
            ink: Vec::new(),
            attempts: 0,
            server: None,
            welcomed: Vec::new(),
            lost: Vec::new(),
            acknowledged: Vec::new(),
            closes: Vec::new(),
            ended: None,
            asked: false,
            asked_at: None,
            pongs_behind: 0,
        }
    }

    /// Its ids, known before the welcome.
    pub fn identity(&self) -> Writer {
        Writer::new(self.key, self.tab)
    }

    /// Its position, as the query of an address.
    pub fn since(&self) -> String {
        let mut query = format!("since={}", self.head);
        if let Some(epoch) = self.epoch {
            query += &format!("&epoch={epoch}");
        }
        query
    }

    /// Whether a stroke exists and is not erased.
    pub fn is_there(&self, stroke: StrokeId) -> bool {
        self.strokes.get(&stroke).is_some_and(|held| !held.erased)
    }

    /// How often it reconnected after the loss of a socket.
    pub fn reconnects(&self) -> usize {
        self.welcomed.len().saturating_sub(1)
    }

    /// Number of ops that were sent more than once.
    pub fn sent_again(&self) -> usize {
        self.sent.values().filter(|times| **times > 1).count()
    }

    /// The visible picture: the strokes that are not erased, in painting order.
    pub fn picture(&self) -> Vec<(i64, StrokeId, Value)> {
        let held = self.strokes.values();
        let living = held.filter_map(|held| Some((held.z, held.stroke, held.body.clone()?)));
        let mut picture: Vec<_> = living.collect();
        picture.sort_by_key(|(z, stroke, _)| (*z, *stroke));
        picture
    }

    /// The names of the listed people, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.people.iter().map(|person| &*person.name).collect();
        names.sort_unstable();
        names
    }

    /// The last op on a stroke.
    pub fn op_on(&self, stroke: StrokeId) -> OpId {
        let Stroke { writer, n, .. } = self.strokes[&stroke];
        OpId { writer, n }
    }

    /// The server for the next socket.
    pub fn choose_server(&mut self) -> SocketAddr {
        self.address = fastrand::choice(&self.servers)
            .copied()
            .unwrap_or(self.address);
        self.address
    }

    /// A socket opened: resets the state of the last one, and returns hello.
    pub fn opened(&mut self) -> Value {
        self.welcome = false;
        self.asked = false;
        self.asked_at = None;
        self.pongs_behind = 0;
        self.paused_until = None;
        self.people.clear();
        self.people_version = None;
        self.people_count = 0;
        self.pointers.clear();
        let first = self.outbox.front().map_or(self.next, |(n, _)| *n);
        let mut hello = json!({
            "type": "hello",
            "key": self.key.simple().to_string(),
            "tab": self.tab.simple().to_string(),
            "next": first,
        });
        if let Some(token) = &self.token {
            hello["token"] = json!(token);
        }
        if let Some(name) = &self.name {
            hello["name"] = json!(name);
            hello["colour"] = json!("#e03131");
        }
        hello
    }

    /// The socket is gone.
    pub fn disconnected(&mut self) {
        if std::mem::take(&mut self.welcome) {
            self.lost.push(Instant::now());
        }
    }

    /// Numbers an op, and adds it to the outbox.
    pub fn submit(&mut self, mut op: Value) -> u64 {
        let n = self.next;
        self.next += 1;
        op["n"] = json!(n);
        self.outbox.push_back((n, op));
        n
    }

    /// The next frame of ops that may be sent.
    pub fn take_sendable(&mut self) -> Option<String> {
        if !self.welcome || self.paused_until.is_some() {
            return None;
        }
        let (first, _) = self.outbox.front()?;
        self.sent_through = self.sent_through.max(first - 1);
        let window = self.sent_through + 1..first.saturating_add(self.window);
        let (mut numbers, mut frame, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (n, op) in self.outbox.iter().filter(|(n, _)| window.contains(n)) {
            bytes += op.to_string().len();
            if numbers.len() == OPS_PER_FRAME || bytes > BYTES_PER_FRAME && !numbers.is_empty() {
                break;
            }
            numbers.push(*n);
            frame.push(op);
        }
        let frame = ops(&frame);
        self.sent_through = *numbers.last()?;
        for n in numbers {
            *self.sent.entry(n).or_default() += 1;
        }
        Some(frame)
    }

    /// A request of missing changes, unless one was made a moment ago. Its answer may repeat changes
    /// in flight.
    pub fn ask(&mut self) -> Option<Value> {
        if self.asked_at.is_some_and(|at| at.elapsed() < ASK_AGAIN) {
            return None;
        }
        self.asked = true;
        self.asked_at = Some(Instant::now());
        Some(json!({"type": "since", "since": self.head, "epoch": self.epoch}))
    }

    /// It has read over HTTP: requests from before do not count.
    pub fn forget_request(&mut self) {
        self.asked_at = None;
    }

    /// Applies a chunk of changes read over HTTP; true when there is more.
    pub fn receive_chunk(&mut self, chunk: &Value) -> bool {
        if chunk["reset"] == json!(true) {
            self.strokes.clear();
            self.head = 0;
            self.resets.push("over HTTP".into());
        }
        self.epoch = Some(parsed(&chunk["epoch"]));
        self.receive_changes(chunk);
        chunk["more"] == json!(true)
    }

    /// Handles a frame of the server, and returns what to do.
    pub fn receive(&mut self, frame: &Value) -> Action {
        let n = || frame["n"].as_u64().expect("it has n");
        match frame["type"].as_str().expect("a type") {
            "welcome" => self.receive_welcome(frame),
            "reset" => {
                self.strokes.clear();
                self.head = 0;
                self.epoch = Some(parsed(&frame["epoch"]));
                self.resets.push(parsed(&frame["reason"]));
                self.asked = false;
            }
            "strokes" => self.receive_changes(frame),
            "signals" => self.receive_signals(frame),
            "people" => self.receive_people(frame),
            "done" => self.receive_done(n()),
            "refused" => self.receive_refused(n(), frame),
            "resend" => {
                self.resends += 1;
                self.sent_through = self.sent_through.min(n() - 1);
            }
            "access" => {
                assert!(self.welcome, "welcome comes first");
                self.access = parsed(&frame["access"]);
                self.standing = frame.clone();
            }
            "drawing" => self.title = parsed(&frame["title"]),
            "read" => {
                assert!(parsed::<Seq>(&frame["since"]) <= self.head);
                self.reads += 1;
                return Action::Read;
            }
            "pong" => return self.receive_pong(parsed(&frame["head"])),
            _ => {}
        }
        Action::Nothing
    }

    fn receive_welcome(&mut self, frame: &Value) {
        self.welcomes += 1;
        self.welcomed.push(Instant::now());
        let writer = parsed(&frame["writer"]);
        assert!(self.writer.is_none_or(|before| before == writer));
        let epoch = parsed(&frame["epoch"]);
        let before = self.epoch.filter(|_| self.head > 0);
        assert!(
            before.is_none_or(|before| before == epoch),
            "another epoch without a reset"
        );
        self.epoch = Some(epoch);
        self.writer = Some(writer);
        self.title = parsed(&frame["title"]);
        self.access = parsed(&frame["access"]);
        self.welcome = true;
        self.sent_through = 0;
        let done: u64 = parsed(&frame["done"]);
        // A writer's numbers continue after a restart of its client.
        self.next = self.next.max(done + 1);
        let waiting = self.outbox.iter().map(|(n, _)| *n);
        self.done_by_welcome.extend(waiting.filter(|n| *n <= done));
        self.receive_done(done);
    }

    /// Applies a `strokes` frame, or a chunk read over HTTP.
    fn receive_changes(&mut self, frame: &Value) {
        let (from, to): (Seq, Seq) = (parsed(&frame["from"]), parsed(&frame["head"]));
        let changes: Vec<Stroke> = parsed(&frame["changes"]);
        match arrival(self.head, from, to) {
            Arrival::Next if from == self.head => {}
            Arrival::Stale if from == to && to == self.head && changes.is_empty() => {}
            Arrival::Gap => panic!("{from} to {to} on top of {}: {self:?}", self.head),
            _ if self.asked => {}
            // A session that lost its feed may start from the beginning at another one, without
            // notice.
            _ => self.overlaps += 1,
        }
        self.asked = false;
        self.changes += changes.len();
        let mut last = from;
        for change in changes {
            assert!(last < change.seq && change.seq <= to, "{change:?}, {last}");
            last = change.seq;
            if change.seq <= self.head {
                continue;
            }
            assert_eq!(change.erased, change.body.is_none(), "{change:?}");
            self.strokes.insert(change.stroke, change);
        }
        self.head = self.head.max(to);
    }

    fn receive_signals(&mut self, frame: &Value) {
        for pointer in frame["pointers"].as_array().into_iter().flatten() {
            let writer = parsed(&pointer["writer"]);
            match pointer["at"].as_object() {
                Some(point) => {
                    let at = (parsed(&point["x"]), parsed(&point["y"]));
                    self.pointers.insert(writer, at);
                }
                None => drop(self.pointers.remove(&writer)),
            }
        }
        self.views
            .extend(frame["views"].as_array().into_iter().flatten().cloned());
        self.ink
            .extend(frame["ink"].as_array().into_iter().flatten().cloned());
    }

    /// Applies a presence frame: on one socket none may be missed.
    fn receive_people(&mut self, frame: &Value) {
        let version: u64 = parsed(&frame["version"]);
        self.people_frames += 1;
        self.people_bytes += frame.to_string().len();
        match frame.get("from").map(parsed::<u64>) {
            None => {
                self.people_wholes += 1;
                self.people.clear();
            }
            from => assert_eq!(from, self.people_version, "a gap: {frame}, {self:?}"),
        }
        let list = |name| frame.get(name).cloned().unwrap_or_else(|| json!([]));
        let left: Vec<WriterId> = parsed(&list("left"));
        let joined: Vec<Person> = parsed(&list("joined"));
        self.people.retain(|held| {
            !left.contains(&held.writer) && joined.iter().all(|person| person.writer != held.writer)
        });
        self.people.extend(joined);
        self.people.sort();
        self.people_version = Some(version);
        self.people_count = parsed(&frame["count"]);
    }

    fn receive_done(&mut self, n: u64) {
        assert!(n < self.next, "done {n}, which was never sent");
        if n > self.done {
            self.acknowledged.push(Instant::now());
        }
        self.done = self.done.max(n);
        self.outbox.retain(|(waiting, _)| *waiting > n);
        self.drop_refused();
    }

    fn receive_refused(&mut self, n: u64, frame: &Value) {
        let reason: String = parsed(&frame["reason"]);
        if reason == "load" {
            self.throttled += 1;
            self.sent_through = self.sent_through.min(n - 1);
            let retry = Duration::from_millis(parsed(&frame["retry_ms"]));
            self.paused_until = Some(Instant::now() + retry);
            return;
        }
        let refused = Refused {
            reason,
            message: parsed(&frame["message"]),
            stroke: frame.get("stroke").map(parsed),
        };
        let before = self.refusals.insert(n, refused.clone());
        assert!(before.is_none_or(|before| before == refused), "{refused:?}");
        // While earlier ops are unacknowledged its number is needed: if they are sent again, it is
        // replaced by the erasure of a stroke that never existed, which has no effect.
        if let Some((_, op)) = self.outbox.iter_mut().find(|(waiting, _)| *waiting == n) {
            *op = json!({"n": n, "op": "erase", "stroke": StrokeId::random()});
        }
        self.drop_refused();
    }

    fn drop_refused(&mut self) {
        while let Some((n, _)) = self.outbox.front()
            && self.refusals.contains_key(n)
        {
            self.outbox.pop_front();
        }
    }

    fn receive_pong(&mut self, head: Seq) -> Action {
        self.pongs += 1;
        self.pongs_behind = if head <= self.head {
            0
        } else {
            self.pongs_behind + 1
        };
        match self.pongs_behind >= PONGS_BEHIND {
            true => Action::Ask,
            false => Action::Nothing,
        }
    }
}

impl std::fmt::Debug for ClientState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientState")
            .field("welcome", &self.welcome)
            .field("head", &self.head)
            .field("strokes", &self.strokes.len())
            .field("resets", &self.resets)
            .field("outbox", &self.outbox.len())
            .field("done", &self.done)
            .field("refusals", &self.refusals)
            .field("throttled", &self.throttled)
            .field("reads", &self.reads)
            .field("people", &self.people.len())
            .field("ink", &self.ink.len())
            .field("closes", &self.closes)
            .finish()
    }
}
