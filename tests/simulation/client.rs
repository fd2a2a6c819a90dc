//! A page: its replica, its outbox and its connection, by the rules that `protocol` and `static/` state.
//!
//! It must never judge a change by anything but its position.

mod crashes;
mod frames;
mod reads;
pub mod replica;
mod user;

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;
use whiteboard::domain::ids::{Epoch, Writer};
use whiteboard::domain::sequence::Seq;
use whiteboard::feed::chunks::ReadChunk;

use crate::client::replica::Replica;
use crate::outbox::Outbox;
use crate::plan::Flavour;
use crate::presence::PeopleList;
use crate::server::ServerState;
use crate::socket::{Down, Up};
use crate::world::{Event, Time, World};

/// Silence before a page asks whether the server is there. Shorter than the real one, as all that
/// follows, so that a run is short.
const PING_AFTER: Duration = Duration::from_secs(4);
/// How long a page waits for an answer, or for its socket to open.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
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
}

impl ClientState {
    /// The name for coverage.
    pub fn name(self) -> &'static str {
        match self {
            ClientState::Loading => "client Loading",
            ClientState::Connecting => "client Connecting",
            ClientState::Greeting => "client Greeting",
            ClientState::Open => "client Open",
            ClientState::Waiting => "client Waiting",
            ClientState::Ended => "client Ended",
            ClientState::Gone => "client Gone",
        }
    }
}
