//! A test client's copy of one drawing, and its checks of every frame; without a socket.
//!
//! It panics at any violation: a change out of order, a gap, a repeat, or an answer to a request
//! never made.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;
use whiteboard::domain::ids::{Epoch, OpId, PersonId, StrokeId, WriterId};
use whiteboard::domain::sequence::{Arrival, Seq, arrival};
use whiteboard::protocol::MAX_OPS_PER_FRAME;

/// A stroke as a client holds it; without a body it is erased.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Held {
    pub seq: Seq,
    pub stroke: StrokeId,
    pub z: i64,
    pub author: PersonId,
    pub writer: WriterId,
    pub n: u64,
    #[serde(default)]
    pub body: Option<Value>,
    #[serde(default)]
    pub erased: bool,
}

/// A refusal of an op.
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

/// A listed person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Person {
    pub writer: WriterId,
    pub author: PersonId,
    pub name: String,
    pub colour: String,
}

/// The state of one client.
pub struct Page {
    /// The server's address.
    pub address: SocketAddr,
    pub drawing: String,
    pub key: Uuid,
    pub tab: Uuid,
    /// The name, if the client is to be listed.
    pub name: Option<String>,
    /// Whether it sends hello.
    pub writes: bool,

    pub epoch: Option<Epoch>,
    pub head: Seq,
    /// Every stroke it received, including erased ones.
    pub strokes: HashMap<StrokeId, Held>,
    /// The reasons of all resets.
    pub resets: Vec<String>,
    pub title: String,

    /// The public id, after the welcome.
    pub writer: Option<WriterId>,
    pub access: String,
    /// Whether this socket got a welcome.
    pub welcome: bool,
    /// Unacknowledged ops, in order.
    pub outbox: VecDeque<(u64, Value)>,
    pub done: u64,
    pub refusals: BTreeMap<u64, Refused>,
    /// Number of refusals for load.
    pub loads: usize,
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
    pub pongs: usize,

    /// The listed people, sorted.
    pub people: Vec<Person>,
    /// The version of the list, once one was received on this socket, and the number of all people.
    pub people_version: Option<u64>,
    pub people_count: usize,
    /// Number of `people` frames, the whole lists among them, and the bytes of all.
    pub people_frames: usize,
    pub people_wholes: usize,
    pub people_bytes: usize,
    pub pointers: HashMap<WriterId, (f64, f64)>,
    /// Every part of ink it received.
    pub ink: Vec<Value>,
    pub closes: Vec<Closed>,

    /// The number of the next op.
    pub next: u64,
    /// When to retry after a refusal for load, and from which op on.
    pub again: Option<(Instant, u64)>,
    /// It sent `since`: the answer may repeat changes in flight.
    asked: bool,
}

/// What to do after a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Nothing,
    /// Send the unacknowledged ops from this number on.
    Send(u64),
    /// Read over HTTP, then request the rest.
    Read,
    /// Check against this head whether a frame was missed.
    Compare(Seq),
}

/// A pen stroke of a few points, distinguished by `x`.
pub fn pen(x: f64) -> Value {
    json!({"kind": "pen", "x": x, "y": 20.5, "points": "AAMAABAQEBA=", "colour": "#1d1d1f", "width": 4})
}

impl Page {
    /// A client that has not connected yet.
    pub fn new(address: SocketAddr, drawing: &str) -> Self {
        Self {
            address,
            drawing: drawing.to_owned(),
            key: Uuid::new_v4(),
            tab: Uuid::new_v4(),
            name: Some("Ada".into()),
            writes: true,
            epoch: None,
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
            ink: Vec::new(),
            closes: Vec::new(),
            next: 1,
            again: None,
            asked: false,
        }
    }

    /// Its position, as the query of an address.
    pub fn since(&self) -> String {
        let epoch = self
            .epoch
            .map_or(String::new(), |epoch| format!("&epoch={epoch}"));
        format!("since={}{epoch}", self.head)
    }

    /// A socket opened: resets the state of the last one. Returns the first frame to send, if any.
    pub fn opened(&mut self) -> Value {
        self.welcome = false;
        self.asked = false;
        self.again = None;
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
        if let Some(name) = &self.name {
            hello["name"] = json!(name);
            hello["colour"] = json!("#e03131");
        }
        hello
    }

    /// Numbers an op, and adds it to the outbox.
    pub fn submit(&mut self, mut op: Value) -> u64 {
        let n = self.next;
        self.next += 1;
        op["n"] = json!(n);
        self.outbox.push_back((n, op));
        n
    }

    /// The unacknowledged ops from this number on, in frames.
    pub fn ops_from(&self, from: u64) -> Vec<String> {
        let waiting = self.outbox.iter().filter(|(n, _)| *n >= from);
        let waiting: Vec<&Value> = waiting.map(|(_, op)| op).collect();
        waiting.chunks(MAX_OPS_PER_FRAME).map(ops).collect()
    }

    /// Requests missing changes. The answer may repeat changes in flight.
    pub fn ask(&mut self) -> Value {
        self.asked = true;
        json!({"type": "since", "since": self.head, "epoch": self.epoch})
    }

    /// Applies a chunk of changes read over HTTP; true when there is more.
    pub fn read_page(&mut self, page: &Value) -> bool {
        if page["reset"] == json!(true) {
            self.strokes.clear();
            self.head = 0;
            self.resets.push("over HTTP".into());
        }
        self.epoch = Some(parsed(&page["epoch"]));
        let changes = parsed(&page["changes"]);
        self.read_changes(parsed(&page["from"]), parsed(&page["head"]), changes);
        page["more"] == json!(true)
    }

    /// Handles a frame of the server, and returns what to do.
    pub fn read(&mut self, frame: &Value) -> Action {
        let n = frame["n"].as_u64();
        match frame["type"].as_str().expect("a type") {
            "welcome" => {
                self.read_welcome(frame);
                return Action::Send(0);
            }
            "reset" => {
                self.strokes.clear();
                self.head = 0;
                self.epoch = Some(parsed(&frame["epoch"]));
                self.resets.push(parsed(&frame["reason"]));
                self.asked = false;
            }
            "strokes" => {
                let from = parsed(&frame["from"]);
                let changes = parsed(&frame["changes"]);
                self.read_changes(from, parsed(&frame["head"]), changes);
            }
            "signals" => self.read_signals(frame),
            "people" => self.read_people(frame),
            "done" => self.read_done(n.expect("done has n")),
            "refused" => self.read_refused(n.expect("refused has n"), frame),
            "resend" => {
                self.resends += 1;
                return Action::Send(n.expect("resend has n"));
            }
            "drawing" => self.title = parsed(&frame["title"]),
            "read" => {
                assert!(parsed::<Seq>(&frame["since"]) <= self.head);
                self.reads += 1;
                return Action::Read;
            }
            "pong" => {
                self.pongs += 1;
                return Action::Compare(parsed(&frame["head"]));
            }
            _ => {}
        }
        Action::Nothing
    }

    fn read_welcome(&mut self, frame: &Value) {
        self.welcomes += 1;
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
        let done: u64 = parsed(&frame["done"]);
        // A writer's numbers continue after a restart of its client.
        self.next = self.next.max(done + 1);
        self.read_done(done);
    }

    /// Applies a `strokes` frame, or a chunk read over HTTP.
    fn read_changes(&mut self, from: Seq, to: Seq, changes: Vec<Held>) {
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

    fn read_signals(&mut self, frame: &Value) {
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
        self.ink
            .extend(frame["ink"].as_array().into_iter().flatten().cloned());
    }

    /// Applies a presence frame: on one socket none may be missed.
    fn read_people(&mut self, frame: &Value) {
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
        let list = |name| {
            frame
                .get(name)
                .map(parsed::<Vec<Value>>)
                .unwrap_or_default()
        };
        let left: Vec<WriterId> = list("left").iter().map(parsed).collect();
        let joined: Vec<Person> = list("joined").iter().map(parsed).collect();
        self.people.retain(|held| {
            !left.contains(&held.writer) && joined.iter().all(|person| person.writer != held.writer)
        });
        self.people.extend(joined);
        self.people.sort();
        self.people_version = Some(version);
        self.people_count = parsed(&frame["count"]);
    }

    fn read_done(&mut self, n: u64) {
        assert!(n < self.next, "done {n}, which was never sent");
        self.done = self.done.max(n);
        self.outbox.retain(|(waiting, _)| *waiting > n);
        self.drop_refused();
    }

    fn read_refused(&mut self, n: u64, frame: &Value) {
        let reason: String = parsed(&frame["reason"]);
        if reason == "load" {
            self.loads += 1;
            let retry = Duration::from_millis(parsed(&frame["retry_ms"]));
            self.again = Some((Instant::now() + retry, n));
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

    /// The visible picture: the strokes that are not erased, in painting order.
    pub fn picture(&self) -> Vec<(i64, StrokeId, Value)> {
        let mut picture: Vec<_> = self
            .strokes
            .values()
            .filter_map(|held| Some((held.z, held.stroke, held.body.clone()?)))
            .collect();
        picture.sort_by_key(|(z, stroke, _)| (*z, *stroke));
        picture
    }

    /// The last op on a stroke.
    pub fn op_on(&self, stroke: StrokeId) -> OpId {
        let Held { writer, n, .. } = self.strokes[&stroke];
        OpId { writer, n }
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page")
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

/// A frame of ops.
pub fn ops(ops: &[&Value]) -> String {
    json!({"type": "ops", "ops": ops}).to_string()
}

/// A value that must be of this type.
pub fn parsed<T: for<'de> Deserialize<'de>>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|error| panic!("{error}: {value}"))
}
