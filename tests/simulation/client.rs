//! A page: its replica, its outbox and its connection, by the rules that `protocol` and `static/` state.
//!
//! It must never judge a change by anything but its position.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;
use whiteboard::domain::colour::Colour;
use whiteboard::domain::ids::{Epoch, OpId, StrokeId, Writer, WriterId};
use whiteboard::domain::op::{Op, OpKind};
use whiteboard::domain::sequence::{Arrival, Seq, arrival};
use whiteboard::domain::stroke::{Body, Patch};
use whiteboard::feed::chunks::{Body as ChunkBody, Encoding, ReadChunk};
use whiteboard::protocol::Hello;

use crate::outbox::{Outbox, Refusal};
use crate::plan::{Fault, Flavour};
use crate::presence::PeopleList;
use crate::server::{ServerEvent, ServerState};
use crate::socket::{Down, Up};
use crate::transcript::draft;
use crate::wire::{Changes, Frame, WireChange};
use crate::world::{Event, Time, World};

/// Silence before a page asks whether the server is there. Shorter than the real one, as all that
/// follows, so that a run is short.
const PING_AFTER: Duration = Duration::from_secs(4);
/// How long a page waits for an answer, or for its socket to open.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How long a page waits before the same question is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// Pongs that tell of a later head before a page asks for what it lacks.
const PONGS_BEHIND: u32 = 2;
/// Strokes that several users draw under the same id.
const SHARED_STROKES: u128 = 4;

/// What a page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// It reads the drawing over HTTP for the first time.
    Loading,
    /// Its socket opens.
    Connecting,
    /// It said hello and waits for the welcome.
    Greeting,
    /// It is connected.
    Open,
    /// It waits before it connects again.
    Waiting,
    /// The server said that to come back makes no sense.
    Ended,
    /// It crashed, or has nothing left to send for another page.
    Gone,
}

/// What happens at a page.
#[derive(Debug)]
pub enum ClientEvent {
    /// Its user opens it.
    Opens,
    /// A time has come.
    Timer {
        /// Which one: those before it mean nothing any more.
        number: u64,
    },
    /// It may send again after a refusal for load.
    Resumes,
    /// Something arrives through a socket.
    Down {
        /// The socket.
        socket: u64,
        /// What.
        message: Down,
    },
    /// An answer over HTTP; nothing if there is none.
    Read {
        /// Which of its reads.
        token: u64,
        /// The chunk.
        chunk: Option<Box<ReadChunk>>,
    },
}

/// The drawing as a page holds it.
#[derive(Debug, Default)]
pub struct Replica {
    /// The epoch of its position.
    pub epoch: Option<Epoch>,
    /// The last position it holds.
    pub head: Seq,
    strokes: BTreeMap<StrokeId, WireChange>,
}

impl Replica {
    /// A stroke, or its tombstone.
    pub fn stroke(&self, id: StrokeId) -> Option<&WireChange> {
        self.strokes.get(&id)
    }

    /// The living strokes.
    pub fn living(&self) -> impl Iterator<Item = &WireChange> {
        self.strokes.values().filter(|stroke| stroke.body.is_some())
    }

    fn reset(&mut self, epoch: Epoch) {
        self.epoch = Some(epoch);
        self.head = 0;
        self.strokes.clear();
    }

    fn take(&mut self, from: Seq, head: Seq, changes: Vec<WireChange>) -> Arrival {
        let judged = arrival(self.head, from, head);
        if judged == Arrival::Next {
            let held = self.head;
            for change in changes.into_iter().filter(|change| change.seq > held) {
                assert!(change.seq > self.head, "a change out of order");
                assert!(change.seq <= head, "a change after its frame's end");
                self.head = change.seq;
                self.strokes.insert(change.stroke, change);
            }
            self.head = head;
        }
        judged
    }
}

/// A page, or what sends the outbox of one that crashed.
pub struct Client {
    /// Its index.
    pub id: usize,
    /// Which page this is.
    pub page: u64,
    /// The drawing that it shows.
    pub drawing: usize,
    /// What it does.
    pub state: ClientState,
    /// It only sends what a crashed page left.
    adopts: bool,
    /// Who draws.
    pub writer: Writer,
    key: Uuid,
    /// What it holds.
    pub replica: Replica,
    /// What it has to send.
    pub outbox: Outbox,
    /// Its socket.
    pub socket: Option<u64>,
    is_loaded: bool,
    /// It reads over HTTP because it was told to.
    is_reading: bool,
    reads: u64,
    target: Option<Seq>,
    read_for: Option<Epoch>,
    timer: u64,
    has_pinged: bool,
    failures: u32,
    asked_at: Option<Time>,
    pongs_behind: u32,
    /// Whom it shows.
    pub people: PeopleList,
}

impl Client {
    /// What its user is called.
    pub fn name(&self) -> String {
        format!("user {}", self.id)
    }

    /// Whether it holds the drawing.
    pub fn has_replica(&self) -> bool {
        !self.adopts && self.state != ClientState::Gone
    }

    /// Whether it has nothing left to do.
    pub fn is_at_rest(&self) -> bool {
        let is_idle = self.outbox.count() == 0 && !self.outbox.is_paused() && !self.is_reading;
        match self.state {
            ClientState::Open => is_idle,
            ClientState::Gone => true,
            _ => false,
        }
    }

    /// Its state, for coverage.
    pub fn state_name(&self) -> &'static str {
        match self.state {
            ClientState::Open if self.is_reading => "client Reading",
            ClientState::Open if self.outbox.is_paused() => "client Paused",
            state => state.name(),
        }
    }
}

impl World {
    /// A user opens a page.
    pub fn open_page(&mut self) {
        let key = self.uuid();
        let drawing = self.clients.len() % self.plan.drawings;
        let client = self.new_client(drawing, key, Outbox::new(), false);
        let wait = self.millis(0..=300);
        self.client_later(client, wait, ClientEvent::Opens);
    }

    fn new_client(&mut self, drawing: usize, key: Uuid, outbox: Outbox, adopts: bool) -> usize {
        let tab = self.uuid();
        let id = self.clients.len();
        self.clients.push(Client {
            id,
            page: 0,
            drawing,
            state: ClientState::Loading,
            adopts,
            writer: Writer::new(key, tab),
            key,
            replica: Replica::default(),
            outbox,
            socket: None,
            is_loaded: false,
            is_reading: false,
            reads: 0,
            target: None,
            read_for: None,
            timer: 0,
            has_pinged: false,
            failures: 0,
            asked_at: None,
            pongs_behind: 0,
            people: PeopleList::default(),
        });
        id
    }

    fn client_later(&mut self, client: usize, wait: Duration, event: ClientEvent) {
        let page = self.clients[client].page;
        self.after(
            wait,
            Event::Client {
                client,
                page,
                event,
            },
        );
    }

    /// Something happens at a page.
    pub fn at_client(&mut self, client: usize, page: u64, event: ClientEvent) {
        if self.clients[client].page != page {
            return;
        }
        match event {
            ClientEvent::Opens if self.clients[client].adopts => self.connect(client),
            ClientEvent::Opens => self.load(client),
            ClientEvent::Timer { number } => self.client_timer(client, number),
            ClientEvent::Resumes => {
                self.record(client, || json!({"resume": true}));
                self.clients[client].outbox.resume();
                self.pump(client);
            }
            ClientEvent::Down { socket, message } => {
                if self.clients[client].socket == Some(socket) {
                    self.client_hears(client, message);
                }
            }
            ClientEvent::Read { token, chunk } => self.client_reads(client, token, chunk),
        }
        self.note_client_state(client);
    }

    fn set_client_timer(&mut self, client: usize, wait: Duration) {
        self.clients[client].timer += 1;
        let number = self.clients[client].timer;
        self.client_later(client, wait, ClientEvent::Timer { number });
    }

    fn client_timer(&mut self, client: usize, number: u64) {
        let it = &mut self.clients[client];
        if it.timer != number {
            return;
        }
        match it.state {
            ClientState::Loading => self.load(client),
            ClientState::Connecting => self.lose_socket(client, None),
            ClientState::Greeting | ClientState::Open if it.has_pinged => {
                self.coverage.count("pings unanswered");
                self.lose_socket(client, None);
            }
            ClientState::Greeting | ClientState::Open => {
                it.has_pinged = true;
                self.send(client, Up::Ping);
                self.set_client_timer(client, ANSWER_WITHIN);
            }
            ClientState::Waiting => self.connect(client),
            // Its user opens the page again.
            ClientState::Ended => {
                it.state = ClientState::Loading;
                self.load(client);
            }
            ClientState::Gone => {}
        }
    }

    /// Reads over HTTP what comes after the position that is held.
    fn load(&mut self, client: usize) {
        let server = self.some_server(client);
        let it = &mut self.clients[client];
        it.reads += 1;
        it.read_for = it.replica.epoch;
        let read = ServerEvent::Read {
            client,
            page: it.page,
            token: it.reads,
            since: it.replica.head,
            epoch: it.replica.epoch,
            target: it.target,
        };
        let wait = self.millis(0..=10);
        self.later(server, wait, read);
        if !self.clients[client].is_reading {
            self.set_client_timer(client, ANSWER_WITHIN);
        }
    }

    fn client_reads(&mut self, client: usize, token: u64, chunk: Option<Box<ReadChunk>>) {
        let it = &mut self.clients[client];
        if it.reads != token || !(it.is_reading || it.state == ClientState::Loading) {
            return;
        }
        let Some(chunk) = chunk else {
            it.failures += 1;
            if it.is_reading {
                // The page waits before it tries again.
                self.spoil_record(client);
                return self.load(client);
            }
            let wait = self.backoff(client);
            return self.set_client_timer(client, wait);
        };
        let held = (it.replica.head, it.replica.epoch);
        let changes = changes_of(&chunk);
        self.record(client, || json!({"since": held.0, "epoch": held.1}));
        self.record(client, || written(&chunk, &changes));
        let it = &mut self.clients[client];
        it.failures = 0;
        // The socket began another epoch meanwhile: this may be of the one that ended.
        if it.replica.epoch != it.read_for {
            it.target = None;
            return self.load(client);
        }
        it.target = chunk.target;
        if chunk.reset {
            self.coverage.count("resets over HTTP");
            it.replica.reset(chunk.epoch);
        }
        it.replica.epoch = Some(chunk.epoch);
        self.check_changes(client, chunk.epoch, &changes);
        self.clients[client]
            .replica
            .take(chunk.from, chunk.head, changes);
        if chunk.more {
            self.coverage.count("chunks with more");
            return self.load(client);
        }
        let it = &mut self.clients[client];
        it.target = None;
        if it.is_reading {
            it.is_reading = false;
            it.asked_at = None;
            self.ask_since(client);
            return;
        }
        it.is_loaded = true;
        self.connect(client);
    }

    fn some_server(&mut self, client: usize) -> usize {
        if self.plan.flavour == Flavour::Rush {
            return client % self.servers.len();
        }
        let running: Vec<usize> = self
            .servers
            .iter()
            .filter(|server| server.state != ServerState::Down)
            .map(|server| server.id)
            .collect();
        // A balancer may not know yet that one is down.
        match self.random.choice(&running) {
            Some(&server) if self.random.u32(..10) > 0 => server,
            _ => self.random.usize(..self.servers.len()),
        }
    }

    fn connect(&mut self, client: usize) {
        let server = self.some_server(client);
        let process = self.servers[server].process;
        let it = &mut self.clients[client];
        it.state = ClientState::Connecting;
        let socket = self.sockets.open((client, it.page), (server, process));
        it.socket = Some(socket);
        let (since, epoch) = (it.replica.head, it.replica.epoch);
        self.note(|| format!("client {client}: connects to server {server} since {since}"));
        self.record(client, || json!({"connect": since, "epoch": epoch}));
        self.send_up(socket, Up::Connect { since, epoch });
        self.set_client_timer(client, ANSWER_WITHIN);
    }

    /// Sends something to the server, if there is a socket.
    pub fn send(&mut self, client: usize, message: Up) {
        if let Some(socket) = self.clients[client].socket {
            self.send_up(socket, message);
        }
    }

    /// The socket is gone: another one is opened after a while.
    pub fn lose_socket(&mut self, client: usize, after: Option<Duration>) {
        self.send(client, Up::Closed);
        if self.clients[client].is_reading {
            // The page goes on reading.
            self.spoil_record(client);
        }
        self.record(client, || json!({"closed": true}));
        let it = &mut self.clients[client];
        it.socket = None;
        it.failures += 1;
        it.state = ClientState::Waiting;
        it.is_reading = false;
        it.outbox.closed();
        let wait = match after {
            Some(after) => after,
            None => self.backoff(client),
        };
        self.set_client_timer(client, wait);
    }

    fn backoff(&mut self, client: usize) -> Duration {
        let failures = self.clients[client].failures.min(4);
        self.millis(50..=(100 << failures))
    }

    fn client_hears(&mut self, client: usize, message: Down) {
        let it = &mut self.clients[client];
        match message {
            Down::Opened => {
                it.state = ClientState::Greeting;
                it.asked_at = None;
                it.pongs_behind = 0;
                it.people.opened();
                it.has_pinged = false;
                let writer = it.writer;
                let hello = Hello {
                    writer,
                    seen_as: (!it.adopts).then(|| (it.name(), Colour([0, 0, 0]))),
                    next: it.outbox.first(),
                };
                self.forget_end(writer.id);
                self.record(client, || json!({"hello": hello.next}));
                self.send(client, Up::Hello(hello));
                self.set_client_timer(client, PING_AFTER);
            }
            Down::Frame(text) => {
                it.failures = 0;
                it.has_pinged = false;
                self.set_client_timer(client, PING_AFTER);
                self.record_frame(client, &text);
                let frame = serde_json::from_str(&text).expect("a frame");
                self.client_frame(client, frame);
            }
            Down::Closed(reason) => {
                let reason = reason.unwrap_or_default();
                self.note(|| format!("client {client}: closed {reason:?}"));
                if reason.starts_with("final: ") {
                    self.lose_socket(client, Some(Duration::from_millis(700)));
                    self.clients[client].state = ClientState::Ended;
                    self.spoil_record(client);
                    return;
                }
                let after = reason
                    .strip_prefix("again in ")
                    .and_then(|rest| rest.split(' ').next()?.parse().ok());
                self.lose_socket(client, after.map(Duration::from_millis));
            }
        }
    }

    fn client_frame(&mut self, client: usize, frame: Frame) {
        let it = &mut self.clients[client];
        let writer = it.writer.id;
        match frame.kind.as_str() {
            "welcome" => {
                it.state = ClientState::Open;
                self.client_done(client, frame.done.unwrap_or(0));
                self.clients[client].outbox.opened();
                self.pump(client);
                self.adoption_ends(client);
            }
            "done" => {
                self.client_done(client, frame.n.unwrap_or(0));
                self.pump(client);
                self.adoption_ends(client);
            }
            "refused" => {
                let n = frame.n.unwrap_or(0);
                let is_load = frame.reason.as_deref() == Some("load");
                let other = StrokeId(self.uuid());
                match self.clients[client].outbox.refused(n, is_load, other) {
                    Refusal::Pause => {
                        let wait = Duration::from_millis(frame.retry_ms.unwrap_or(500));
                        self.client_later(client, wait, ClientEvent::Resumes);
                    }
                    Refusal::Final => {
                        self.coverage.count("refusals");
                        let reason = frame.reason.unwrap_or_default();
                        self.note(|| format!("client {client}: op {n} is refused, {reason}"));
                        self.check_refused(writer, n);
                        self.pump(client);
                        self.adoption_ends(client);
                    }
                    Refusal::Unknown => {}
                }
            }
            "resend" => {
                it.outbox.resend(frame.n.unwrap_or(0));
                self.pump(client);
            }
            _ if it.adopts => {}
            "strokes" => {
                let (from, head) = (frame.from.unwrap_or(0), frame.head.unwrap_or(0));
                let changes = frame.changes.unwrap_or_default();
                if let Some(epoch) = it.replica.epoch {
                    self.check_changes(client, epoch, &changes);
                }
                match self.clients[client].replica.take(from, head, changes) {
                    // A server leaves nothing out, but what the page said and a reset may cross.
                    Arrival::Gap => {
                        self.coverage.count("gaps at a client");
                        self.ask_since(client);
                    }
                    Arrival::Stale => self.coverage.count("stale frames"),
                    Arrival::Next => {}
                }
            }
            "reset" => {
                if let Some(epoch) = frame.epoch {
                    self.coverage.count("resets");
                    let reason = frame.reason.unwrap_or_default();
                    self.note(|| format!("client {client}: starts over, {reason}"));
                    self.check_reset(client, epoch, &reason);
                    self.clients[client].replica.reset(epoch);
                }
            }
            "read" => {
                self.coverage.count("reads instead of frames");
                if !it.is_reading {
                    it.is_reading = true;
                    it.target = None;
                    self.load(client);
                }
            }
            "pong" => self.client_pong(client, frame.head.unwrap_or(0)),
            "people" => self.client_people(client, frame),
            "signals" => self.check_signals(frame),
            _ => {}
        }
    }

    fn client_done(&mut self, client: usize, n: u64) {
        let now = self.now;
        let writer = self.clients[client].writer.id;
        for n in self.clients[client].outbox.done(n, now) {
            self.note(|| format!("client {client}: op {n} is done"));
            self.check_removed(writer, n);
        }
    }

    fn client_pong(&mut self, client: usize, head: Seq) {
        let it = &mut self.clients[client];
        if head <= it.replica.head {
            it.pongs_behind = 0;
            return;
        }
        it.pongs_behind += 1;
        if it.pongs_behind >= PONGS_BEHIND {
            self.ask_since(client);
        }
    }

    fn ask_since(&mut self, client: usize) {
        let now = self.now;
        let it = &mut self.clients[client];
        let asked = it.asked_at.is_some_and(|at| now < at + ASK_AGAIN);
        let Some(epoch) = it.replica.epoch.filter(|_| !it.is_reading && !asked) else {
            return;
        };
        it.asked_at = Some(now);
        let since = it.replica.head;
        self.send(client, Up::Since { since, epoch });
    }

    fn pump(&mut self, client: usize) {
        let ops = self.clients[client].outbox.take_sendable();
        if !ops.is_empty() {
            self.note(|| {
                let numbers: Vec<u64> = ops.iter().map(|op| op.n).collect();
                format!("client {client}: sends {numbers:?}")
            });
            self.record(client, || {
                let numbers: Vec<u64> = ops.iter().map(|op| op.n).collect();
                json!({"sends": numbers})
            });
            self.send(client, Up::Ops(ops));
        }
    }

    fn check_changes(&self, client: usize, epoch: Epoch, changes: &[WireChange]) {
        let held = self.clients[client].replica.head;
        for change in changes.iter().filter(|change| change.seq > held) {
            self.check_change(epoch, change);
        }
    }

    /// The outbox of a crashed page is sent: nothing is left to do for it.
    fn adoption_ends(&mut self, client: usize) {
        let it = &mut self.clients[client];
        if it.adopts && it.outbox.count() == 0 {
            self.coverage.count("outboxes adopted");
            self.send(client, Up::Closed);
            let it = &mut self.clients[client];
            it.state = ClientState::Gone;
            it.socket = None;
            it.page += 1;
        }
    }

    /// A page crashes. Another one of the same user opens, and sends what it left.
    pub fn crash_client(&mut self, client: usize) {
        let now = self.now;
        let it = &mut self.clients[client];
        if it.state == ClientState::Gone {
            return;
        }
        let (drawing, key, adopts) = (it.drawing, it.key, it.adopts);
        let kept = it.outbox.adopt(now);
        let writer = it.writer;
        if let Some(socket) = it.socket.take() {
            match self.random.bool() {
                true => self.send_up(socket, Up::Closed),
                // The machine is gone too: the server does not notice.
                false => {
                    if let Some(socket) = self.sockets.get_mut(socket) {
                        socket.is_half_open = true;
                    }
                }
            }
        }
        self.record_page(client);
        let it = &mut self.clients[client];
        it.page += 1;
        it.outbox = Outbox::new();
        if kept.count() > 0 {
            let adopter = self.new_client(drawing, key, kept, true);
            self.clients[adopter].writer = writer;
            self.clients[adopter].state = ClientState::Waiting;
            let wait = self.millis(10..=600);
            self.client_later(adopter, wait, ClientEvent::Opens);
        }
        let tab = self.uuid();
        let it = &mut self.clients[client];
        if adopts {
            it.state = ClientState::Gone;
            return;
        }
        it.writer = Writer::new(key, tab);
        it.state = ClientState::Loading;
        it.replica = Replica::default();
        it.people = PeopleList::default();
        it.is_loaded = false;
        it.is_reading = false;
        it.target = None;
        let wait = self.millis(50..=500);
        self.client_later(client, wait, ClientEvent::Opens);
    }

    /// A page connects anew.
    pub fn move_client(&mut self, client: usize) {
        let it = &self.clients[client];
        if matches!(it.state, ClientState::Greeting | ClientState::Open) {
            self.lose_socket(client, Some(Duration::ZERO));
        }
    }

    /// A user does what is planned, if the page is there.
    pub fn user_acts(&mut self, index: usize) {
        let planned = self.plan.ops[index];
        let client = planned.client;
        let it = &self.clients[client];
        if !it.is_loaded || it.state == ClientState::Ended {
            self.coverage.count("ops on no page");
            return;
        }
        let random = &mut fastrand::Rng::with_seed(planned.choice);
        if random.u32(..8) == 0 {
            return self.send_signal(client, random);
        }
        let stroke = self.choose_stroke(client, random);
        let n = self.clients[client].outbox.next();
        let kind = self.choose_kind(client, stroke, random);
        let op = Op { n, stroke, kind };
        let (drawing, writer) = (it.drawing, it.writer.id);
        self.note(|| {
            let writer = &writer.to_string()[..4];
            let stroke = &op.stroke.to_string()[..6];
            let kind = match &op.kind {
                OpKind::Draw { .. } => "draws".to_owned(),
                OpKind::Edit { base, .. } => format!("edits {base:?}"),
                OpKind::Erase { base } => format!("erases {base:?}"),
                OpKind::Restore { base, .. } => format!("restores {base:?}"),
            };
            format!("client {client}: {writer}-{n} {kind} stroke {stroke}")
        });
        self.record(client, || json!({"n": op.n, "op": draft(&op)}));
        self.op_made(drawing, writer, &op);
        self.clients[client].outbox.add(op);
        self.pump(client);
    }

    fn choose_stroke(&self, client: usize, random: &mut fastrand::Rng) -> StrokeId {
        let held: Vec<StrokeId> = self.clients[client]
            .replica
            .strokes
            .keys()
            .copied()
            .collect();
        match random.u32(..10) {
            0..2 => StrokeId(Uuid::from_u128(random.u128(..SHARED_STROKES))),
            2..8 if !held.is_empty() => held[random.usize(..held.len())],
            _ => StrokeId(Uuid::from_u128(random.u128(SHARED_STROKES..))),
        }
    }

    /// What to do with a stroke: usually what makes sense as the page shows it.
    fn choose_kind(&self, client: usize, stroke: StrokeId, random: &mut fastrand::Rng) -> OpKind {
        let it = &self.clients[client];
        let held = it.replica.stroke(stroke);
        let pending = it.outbox.last_on(stroke);
        let base = match (pending, held) {
            (Some(op), _) => Some(op_id(it.writer.id, op.n)),
            (None, Some(held)) => Some(op_id(held.writer, held.n)),
            (None, None) => None,
        };
        let is_erased = match (pending, held) {
            (Some(op), _) => matches!(op.kind, OpKind::Erase { .. }),
            (None, held) => held.is_some_and(|held| held.body.is_none()),
        };
        let is_known = base.is_some();
        let x = random.u32(..1_000);
        let body = || body(x, self.plan.body_bytes);
        let chosen = base.filter(|_| random.bool());
        match random.u32(..10) {
            _ if !is_known => OpKind::Draw { body: body() },
            0 => OpKind::Draw { body: body() },
            1..7 if is_erased => OpKind::Restore {
                body: body(),
                base: base.unwrap_or(op_id(it.writer.id, 1)),
            },
            1..6 => {
                let mut set = Patch::default();
                set.0.insert("x".into(), x.into());
                let z = (random.u32(..4) == 0).then(|| i64::from(x));
                OpKind::Edit {
                    set,
                    z,
                    base: chosen,
                }
            }
            _ => OpKind::Erase { base: chosen },
        }
    }

    /// A reset must have a reason.
    fn check_reset(&self, client: usize, epoch: Epoch, reason: &str) {
        let held = &self.clients[client].replica;
        let is_due = match reason {
            // It may have learned it over HTTP before.
            "epoch" => {
                let rejoined = self.coverage.counted("sessions rejoined") > 0;
                let compacted = self.coverage.counted("compactions") > 0;
                held.epoch != Some(epoch) || rejoined || compacted || self.was_restored()
            }
            "compacted" => self.coverage.counted("compactions") > 0,
            _ => self.was_restored(),
        };
        assert!(is_due, "client {client} starts over, {reason}, at {held:?}");
    }

    /// Whether a fault meets this client now.
    pub fn client_for(&self, target: usize) -> Option<usize> {
        let there: Vec<usize> = self
            .clients
            .iter()
            .filter(|client| client.state != ClientState::Gone)
            .map(|client| client.id)
            .collect();
        (!there.is_empty()).then(|| there[target % there.len()])
    }

    /// Notes that a fault meets a client, and its server.
    pub fn met_client(&mut self, fault: Fault, client: usize) {
        let it = &self.clients[client];
        let socket = it.socket.and_then(|socket| self.sockets.get(socket));
        let (state, server) = (it.state_name(), socket.map(|socket| socket.server));
        self.coverage.fault(fault, &[state]);
        if let Some(server) = server {
            self.begins_in(fault, server);
        }
    }
}

fn op_id(writer: WriterId, n: u64) -> OpId {
    OpId { writer, n }
}

fn body(x: u32, bytes: usize) -> Body {
    let pad = match bytes {
        0 => String::new(),
        bytes => format!(r#","pad":"{}""#, "x".repeat(bytes)),
    };
    let json = format!(
        r##"{{"kind":"pen","x":{x},"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":4{pad}}}"##
    );
    Body::parse(&json).expect("a body")
}

/// A chunk as a page reads it over HTTP.
fn written(chunk: &ReadChunk, changes: &[WireChange]) -> Value {
    json!({"chunk": {
        "epoch": chunk.epoch, "from": chunk.from, "head": chunk.head, "more": chunk.more,
        "target": chunk.target, "reset": chunk.reset, "title": "", "changes": changes,
    }})
}

/// The changes of a chunk, as a page parses them.
fn changes_of(chunk: &ReadChunk) -> Vec<WireChange> {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .expect("a runtime")
    });
    let mut body = ChunkBody::begin(Encoding::Plain);
    body.text(r#"{"changes":["#.to_owned());
    let added = RUNTIME.block_on(body.changes(chunk));
    added.expect("an encoding");
    body.text("]}".to_owned());
    let body = body.end().concat();
    let changes: Changes = serde_json::from_slice(&body).expect("changes");
    changes.changes
}
