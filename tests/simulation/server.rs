//! A server: the real core of a feed, executed as its actor would, its sessions and its registry.
//!
//! It must never decide anything that the core or the sequencer decides.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};
use whiteboard::domain::ids::{Epoch, ServerId, SessionId, Writer};
use whiteboard::domain::op::Op;
use whiteboard::domain::sequence::Seq;
use whiteboard::feed::chunks::ReadChunk;
use whiteboard::feed::core::{Core, Effect, Environment, Input};
use whiteboard::feed::error::FeedError;
use whiteboard::feed::messages::ReadRequest;
use whiteboard::feed::replica::ReadPlan;
use whiteboard::feed::settings::FeedSettings;
use whiteboard::feed::state::FeedState;
use whiteboard::store::{LiveEvent, StoreError};

use crate::client::ClientEvent;
use crate::database::{Append, Asker, DatabaseEvent, limits};
use crate::mailbox::SimMailbox;
use crate::plan::Plan;
use crate::session::Session;
use crate::socket::{Down, Up};
use crate::world::{Event, Time, World};

/// A drain that takes longer than this is cut short.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);
/// A feed that nobody uses for so long closes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(6);

/// KiB of chunks that the feeds of a server may keep.
const CHUNKS_KIB: usize = 64 * 1024;

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerState {
    /// It runs.
    Runs,
    /// It runs, and takes no more sessions.
    Drains,
    /// It is suspended.
    Frozen,
    /// There is no process.
    Down,
}

/// A feed, and what its actor holds.
pub struct Feed {
    /// Tells feeds apart.
    pub number: u64,
    /// The real core.
    pub core: Core<SimMailbox>,
    /// What it shares with its sessions.
    pub state: FeedState,
    /// Joins and reads that were sent to it.
    requests: u64,
    /// Whether the registry still finds it.
    is_registered: bool,
    /// The live queries that were asked for last, and whether they are open.
    attempt: u64,
    is_subscribed: bool,
    timer: Option<Instant>,
    /// When the read in flight began, and when the last one did that has ended: the feed knows what was stored
    /// then.
    read_at: Time,
    /// See there.
    pub known_at: Time,
    /// The read in flight began after the live queries were open.
    read_covers: bool,
    /// Such a read has ended.
    pub is_covered: bool,
    /// A signal row is in flight.
    is_publishing: bool,
    /// The ops in its queue, as they were submitted.
    pub queued: VecDeque<(SessionId, Writer, Op)>,
    /// Ops that were submitted to a feed that ends: it takes none of them.
    pub dropped: usize,
    /// Ops that have left the queue, and whose acknowledgement was not delivered yet.
    pub finished: BTreeMap<SessionId, VecDeque<(Writer, Op)>>,
}

/// A read over HTTP that waits for its answer.
struct PendingRead {
    client: usize,
    page: u64,
    token: u64,
    answer: oneshot::Receiver<Result<ReadChunk, FeedError>>,
}

/// One server.
pub struct Server {
    /// Its index.
    pub id: usize,
    /// What its process does.
    pub state: ServerState,
    /// Which run of the process this is.
    pub process: u64,
    /// The id of this run.
    server: Option<ServerId>,
    /// How much its clock is ahead.
    pub ahead: Duration,
    /// Its drain took too long.
    is_forced: bool,
    /// What reached it while it was suspended.
    pub held: Vec<ServerEvent>,
    /// The feeds of the drawings that are open.
    pub feeds: BTreeMap<usize, Feed>,
    /// Its sessions.
    pub sessions: BTreeMap<SessionId, Session>,
    settings: Arc<FeedSettings>,
    /// KiB that its feeds may keep together.
    chunks: Arc<Semaphore>,
    reads: Vec<PendingRead>,
}

/// Something that happens at a server.
#[derive(Debug)]
pub enum ServerEvent {
    /// An input for a feed.
    Feed {
        /// Its number.
        feed: u64,
        /// The input.
        input: Box<Input<SimMailbox>>,
    },
    /// Its timer.
    Timer {
        /// Its number.
        feed: u64,
        /// The time it was set to.
        at: Instant,
    },
    /// Its live queries are open, or not.
    Subscribed {
        /// Its number.
        feed: u64,
        /// Which of them.
        attempt: u64,
        /// Whether they are.
        result: Result<(), StoreError>,
    },
    /// Its live queries deliver something.
    Notified {
        /// Its number.
        feed: u64,
        /// Which of them.
        attempt: u64,
        /// What.
        event: LiveEvent,
    },
    /// Its live queries ended.
    SubscriptionEnded {
        /// Its number.
        feed: u64,
        /// Which of them.
        attempt: u64,
    },
    /// It has ended.
    Stop {
        /// Its number.
        feed: u64,
    },
    /// The heads of all open drawings are compared.
    CompareHeads,
    /// A session takes what waits in its mailbox.
    Take(SessionId),
    /// A session sees whether its client still answers.
    SessionHeartbeat(SessionId),
    /// A session looks for its feed again.
    Rejoin(SessionId),
    /// Something arrives through a socket.
    Up {
        /// The socket.
        socket: u64,
        /// What.
        message: Up,
    },
    /// A client reads over HTTP.
    Read {
        /// The client.
        client: usize,
        /// Its page.
        page: u64,
        /// Which of its reads.
        token: u64,
        /// The last position it holds.
        since: Seq,
        /// The epoch of that position.
        epoch: Option<Epoch>,
        /// Where its first load ends.
        target: Option<Seq>,
    },
    /// The drain has taken too long.
    DrainTimeout,
}

impl Feed {
    /// Whether it takes no more ops.
    pub fn ends(&self) -> bool {
        self.core.lifecycle().close_reason().is_some()
    }
}

impl Server {
    /// A server that was not started.
    pub fn new(plan: &Plan, id: usize) -> Self {
        let settings = FeedSettings {
            limits: limits(plan),
            queue_ops: plan.queue_ops,
            queue_bytes: 1_000_000,
            gap_timeout: plan.gap_timeout,
            reorder_buffer: plan.reorder_buffer,
            index_after: plan.index_after,
            feed_mailbox: 1_000,
            ink_points: 1_000,
            idle_timeout: IDLE_TIMEOUT,
            head_check_interval: Duration::from_secs(1),
            build: "test".into(),
        };
        Self {
            id,
            state: ServerState::Down,
            process: 0,
            server: None,
            ahead: Duration::ZERO,
            is_forced: false,
            held: Vec::new(),
            feeds: BTreeMap::new(),
            sessions: BTreeMap::new(),
            settings: Arc::new(settings),
            chunks: Arc::new(Semaphore::new(CHUNKS_KIB)),
            reads: Vec::new(),
        }
    }
}

impl World {
    /// A server process starts.
    pub fn start_server(&mut self, server: usize) {
        let id = ServerId(self.uuid());
        let it = &mut self.servers[server];
        it.process += 1;
        it.state = ServerState::Runs;
        it.server = Some(id);
        it.ahead = Duration::ZERO;
        it.is_forced = false;
        if let Some(interval) = self.plan.head_check_interval {
            self.later(server, interval, ServerEvent::CompareHeads);
        }
        self.note(|| format!("server {server}: starts"));
    }

    /// A server process ends, without a word.
    pub fn kill_server(&mut self, server: usize) {
        let it = &mut self.servers[server];
        it.state = ServerState::Down;
        it.process += 1;
        it.sessions.clear();
        it.feeds.clear();
        // Their connections break.
        for event in std::mem::take(&mut it.held) {
            self.at_no_server(event);
        }
        for read in std::mem::take(&mut self.servers[server].reads) {
            self.answer_read(read.client, read.page, read.token, None);
        }
        let sockets: Vec<u64> = self
            .sockets
            .iter()
            .filter(|(_, socket)| socket.server == server)
            .map(|(id, _)| id)
            .collect();
        for socket in sockets {
            self.send_down(socket, Down::Closed(None));
        }
        self.end_subscriptions(Some(server));
    }

    /// A suspended server goes on, with all that reached it meanwhile.
    pub fn thaw_server(&mut self, server: usize) {
        let it = &mut self.servers[server];
        if it.state != ServerState::Frozen {
            return;
        }
        it.state = ServerState::Runs;
        for event in std::mem::take(&mut it.held) {
            self.later(server, Duration::ZERO, event);
        }
        self.forget_ends(server);
        self.note(|| format!("server {server}: goes on"));
    }

    /// A server drains.
    pub fn drain_server(&mut self, server: usize) {
        let it = &mut self.servers[server];
        if it.state != ServerState::Runs {
            return;
        }
        it.state = ServerState::Drains;
        self.note_people(server, "people went with a drained server");
        self.later(server, DRAIN_TIMEOUT, ServerEvent::DrainTimeout);
        for drawing in self.open_drawings(server) {
            self.feed_step(server, drawing, Input::Drain);
        }
        if self.servers[server].feeds.is_empty() {
            self.drained(server);
        }
    }

    /// A drained server stops; another process starts a little later.
    fn drained(&mut self, server: usize) {
        self.note(|| format!("server {server}: drained"));
        self.coverage.count("drained");
        self.kill_server(server);
        let wait = self.millis(100..=800);
        self.after(wait, Event::ServerStarts(server));
    }

    /// Something happens at a server after a while, if its process still runs then.
    pub fn later(&mut self, server: usize, wait: Duration, event: ServerEvent) {
        let process = self.servers[server].process;
        self.after(
            wait,
            Event::Server {
                server,
                process,
                event,
            },
        );
    }

    /// Something happens at a server.
    pub fn at_server(&mut self, server: usize, process: u64, event: ServerEvent) {
        let it = &mut self.servers[server];
        if it.process != process {
            return self.at_no_server(event);
        }
        match it.state {
            ServerState::Down => return self.at_no_server(event),
            ServerState::Frozen => return it.held.push(event),
            ServerState::Runs | ServerState::Drains => {}
        }
        match event {
            ServerEvent::Feed { feed, input } => {
                if let Some(drawing) = self.drawing_of(server, feed) {
                    self.feed_step(server, drawing, *input);
                }
            }
            ServerEvent::Timer { feed, at } => {
                if let Some(drawing) = self.drawing_of(server, feed)
                    && let Some(open) = self.servers[server].feeds.get_mut(&drawing)
                    && open.timer == Some(at)
                {
                    open.timer = None;
                    self.feed_step(server, drawing, Input::Timer);
                }
            }
            ServerEvent::Subscribed {
                feed,
                attempt,
                result,
            } => {
                if let Some(drawing) = self.drawing_of(server, feed)
                    && let Some(open) = self.servers[server].feeds.get_mut(&drawing)
                    && open.attempt == attempt
                {
                    open.is_subscribed = result.is_ok();
                    self.feed_step(server, drawing, Input::Subscribed(result));
                }
            }
            ServerEvent::Notified {
                feed,
                attempt,
                event,
            } => {
                if let Some(drawing) = self.subscribed_to(server, feed, attempt) {
                    self.feed_step(server, drawing, Input::Event(event));
                }
            }
            ServerEvent::SubscriptionEnded { feed, attempt } => {
                if let Some(drawing) = self.subscribed_to(server, feed, attempt)
                    && let Some(open) = self.servers[server].feeds.get_mut(&drawing)
                {
                    open.is_subscribed = false;
                    self.feed_step(server, drawing, Input::SubscriptionEnded);
                }
            }
            ServerEvent::Stop { feed } => {
                if let Some(drawing) = self.drawing_of(server, feed) {
                    self.check_stopped(server, drawing);
                    self.drop_feed(server, drawing);
                    let it = &self.servers[server];
                    if it.state == ServerState::Drains && it.feeds.is_empty() {
                        self.drained(server);
                    }
                }
            }
            ServerEvent::CompareHeads => self.compare_heads(server),
            ServerEvent::Take(session) => self.session_takes(server, session),
            ServerEvent::SessionHeartbeat(session) => self.session_heartbeat(server, session),
            ServerEvent::Rejoin(session) => self.session_rejoins(server, session),
            ServerEvent::Up { socket, message } => self.session_hears(server, socket, message),
            ServerEvent::Read {
                client,
                page,
                token,
                since,
                epoch,
                target,
            } => {
                let (sender, answer) = oneshot::channel();
                let request = ReadRequest {
                    since,
                    epoch,
                    target,
                    answer: sender,
                };
                self.servers[server].reads.push(PendingRead {
                    client,
                    page,
                    token,
                    answer,
                });
                let drawing = self.clients[client].drawing;
                let asked = self.ask_feed(server, drawing, Input::Read(request));
                if asked.is_none() {
                    self.answer_reads(server);
                }
            }
            ServerEvent::DrainTimeout => {
                self.servers[server].is_forced = true;
                for drawing in self.open_drawings(server) {
                    self.feed_step(server, drawing, Input::ForceClose);
                }
            }
        }
    }

    /// Something is sent to a server that does not run.
    fn at_no_server(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Up {
                socket,
                message: Up::Connect { .. },
            } => self.send_down(socket, Down::Closed(None)),
            ServerEvent::Read {
                client,
                page,
                token,
                ..
            } => self.answer_read(client, page, token, None),
            _ => {}
        }
    }

    /// A drain ends once all ops are acknowledged.
    fn check_stopped(&self, server: usize, drawing: usize) {
        let it = &self.servers[server];
        let Some(feed) = it.feeds.get(&drawing) else {
            return;
        };
        let waits = feed.queued.len();
        let is_drained = it.state == ServerState::Drains && !it.is_forced;
        let is_there = !self.database.drawings[drawing].tables.deleted;
        assert!(
            waits == 0 || !is_drained || !is_there,
            "a drain ends while {waits} ops wait"
        );
        assert!(
            !feed.is_publishing || !is_drained || !is_there,
            "a drain ends while a signal row is in flight"
        );
    }

    fn open_drawings(&self, server: usize) -> Vec<usize> {
        self.servers[server].feeds.keys().copied().collect()
    }

    /// The drawing whose feed has this number.
    fn drawing_of(&self, server: usize, number: u64) -> Option<usize> {
        let mut feeds = self.servers[server].feeds.iter();
        let found = feeds.find(|(_, feed)| feed.number == number);
        found.map(|(drawing, _)| *drawing)
    }

    /// The same while these live queries are open.
    fn subscribed_to(&self, server: usize, number: u64, attempt: u64) -> Option<usize> {
        let drawing = self.drawing_of(server, number)?;
        let feed = &self.servers[server].feeds[&drawing];
        (feed.attempt == attempt && feed.is_subscribed).then_some(drawing)
    }

    /// The feed goes; its sessions are told by its core as it is dropped.
    pub fn drop_feed(&mut self, server: usize, drawing: usize) {
        let asker = self.asker(server, drawing);
        self.database.unsubscribe(asker);
        self.servers[server].feeds.remove(&drawing);
        self.answer_reads(server);
        self.wake_sessions(server);
    }

    fn asker(&self, server: usize, drawing: usize) -> Asker {
        let it = &self.servers[server];
        Asker {
            server,
            process: it.process,
            drawing,
            feed: it.feeds.get(&drawing).map_or(0, |feed| feed.number),
        }
    }

    /// Gives a feed a join or a read; it is opened if it is not. Nothing while the server drains.
    pub fn ask_feed(
        &mut self,
        server: usize,
        drawing: usize,
        input: Input<SimMailbox>,
    ) -> Option<u64> {
        if self.servers[server].state == ServerState::Drains {
            return None;
        }
        let feed = self.servers[server].feeds.get(&drawing);
        if feed.is_none_or(|feed| !feed.is_registered) {
            if feed.is_some() {
                // The one that ends is not found any more.
                self.drop_feed(server, drawing);
            }
            self.open_feed(server, drawing);
        }
        let feed = self.servers[server].feeds.get_mut(&drawing)?;
        feed.requests += 1;
        let number = feed.number;
        self.feed_step(server, drawing, input);
        Some(number)
    }

    fn open_feed(&mut self, server: usize, drawing: usize) {
        let now = self.instant(self.servers[server].ahead);
        let seed = self.random.u64(..);
        let number = self.random.u64(1..);
        let it = &mut self.servers[server];
        let state = FeedState::new(&it.settings, Arc::clone(&it.chunks));
        let environment = Environment {
            drawing: self.database.drawings[drawing].tables.id,
            server: it.server.expect("it runs"),
            settings: Arc::clone(&it.settings),
            metrics: Arc::clone(&self.metrics),
            state: state.clone(),
        };
        let mut effects = Vec::new();
        let core = Core::begin(environment, seed, now, &mut effects);
        let feed = Feed {
            number,
            core,
            state,
            requests: 0,
            is_registered: true,
            attempt: 0,
            is_subscribed: false,
            timer: None,
            read_at: Time::ZERO,
            known_at: Time::ZERO,
            read_covers: false,
            is_covered: false,
            is_publishing: false,
            queued: VecDeque::new(),
            dropped: 0,
            finished: BTreeMap::new(),
        };
        it.feeds.insert(drawing, feed);
        self.coverage.count(match it.feeds.len() {
            1 => "feeds opened",
            _ => "feeds opened beside another one",
        });
        self.execute(server, drawing, effects);
    }

    /// Gives the core of a feed an input, checks what became of it and executes its effects.
    pub fn feed_step(&mut self, server: usize, drawing: usize, input: Input<SimMailbox>) {
        let now = self.instant(self.servers[server].ahead);
        let Some(feed) = self.servers[server].feeds.get_mut(&drawing) else {
            return;
        };
        match &input {
            Input::Subscribed(_) | Input::SubscriptionEnded => {
                feed.is_covered = false;
                feed.read_covers = false;
            }
            Input::ReadEnded(Ok(_)) => {
                feed.is_covered |= feed.read_covers;
                feed.known_at = feed.read_at;
            }
            Input::Published { .. } => feed.is_publishing = false,
            _ => {}
        }
        let mut effects = Vec::new();
        feed.core.step(now, input, &mut effects);
        self.check_feed(server, drawing);
        self.note_states(server);
        self.execute(server, drawing, effects);
    }

    fn execute(&mut self, server: usize, drawing: usize, effects: Vec<Effect>) {
        for effect in effects {
            self.execute_one(server, drawing, effect);
        }
        self.set_timer(server, drawing);
        self.answer_reads(server);
        self.wake_sessions(server);
    }

    fn execute_one(&mut self, server: usize, drawing: usize, effect: Effect) {
        let asker = self.asker(server, drawing);
        let Some(feed) = self.servers[server].feeds.get_mut(&drawing) else {
            return;
        };
        match effect {
            Effect::Subscribe => {
                feed.attempt += 1;
                feed.is_subscribed = false;
                let attempt = feed.attempt;
                self.database.unsubscribe(asker);
                let subscribe = DatabaseEvent::Subscribe { asker, attempt };
                self.ask_database(server, subscribe);
            }
            Effect::Read(plan) => {
                feed.read_at = self.now;
                feed.read_covers = feed.is_subscribed;
                let tables = &self.database.drawings[drawing].tables;
                let is_same_epoch = feed.core.replica().drawing().is_some_and(|drawing| {
                    drawing.epoch() == tables.epoch && drawing.head() > tables.head
                });
                assert!(
                    plan != ReadPlan::Living { renew: None }
                        || !is_same_epoch
                        || self.checks.is_restored_lately(self.now),
                    "a feed starts over in an epoch whose positions mean two things"
                );
                self.begin_read(asker, plan);
            }
            Effect::Append { expected, decision } => {
                let ops = decision.verdicts.len();
                let batch = feed.queued.iter().take(ops).cloned().collect();
                let number = self.database.next_append();
                let fate = self.fate(server);
                let append = Append {
                    expected,
                    decision,
                    batch,
                    number,
                };
                self.note(|| {
                    let ops = append.batch.iter();
                    let ops: Vec<_> = ops
                        .map(|(_, w, op)| format!("{}-{}", &w.id.to_string()[..4], op.n))
                        .collect();
                    let head = expected.head;
                    format!("server {server}: appends {ops:?} after {head}, {fate:?}")
                });
                let begin = DatabaseEvent::Begin {
                    asker,
                    append: Box::new(append),
                    fate,
                };
                self.ask_database(server, begin);
            }
            Effect::WriteIndex(index) => self.begin_index(asker, index),
            Effect::Probe => self.ask_database(server, DatabaseEvent::Probe(asker)),
            Effect::CheckHead => {
                let asked = self.instant(self.servers[server].ahead);
                self.ask_database(server, DatabaseEvent::CheckHead(asker, asked));
            }
            Effect::Publish { number, body } => {
                let is_second = std::mem::replace(&mut feed.is_publishing, true);
                assert!(!is_second, "two signal rows are in flight");
                let Some(id) = self.servers[server].server else {
                    return;
                };
                let publish = DatabaseEvent::Publish {
                    asker,
                    id,
                    number,
                    body,
                };
                self.ask_database(server, publish);
            }
            Effect::Defer => {
                let event = ServerEvent::Feed {
                    feed: asker.feed,
                    input: Box::new(Input::Deferred),
                };
                self.later(server, Duration::ZERO, event);
            }
            Effect::Sessions(_) => {}
            Effect::CloseIfIdle { requests } => {
                if feed.requests == requests {
                    self.coverage.count("feeds closed idle");
                    self.drop_feed(server, drawing);
                }
            }
            Effect::Stop => {
                feed.is_registered = false;
                let stop = ServerEvent::Stop { feed: asker.feed };
                self.later(server, Duration::ZERO, stop);
            }
        }
    }

    fn set_timer(&mut self, server: usize, drawing: usize) {
        let ahead = self.servers[server].ahead;
        let Some(feed) = self.servers[server].feeds.get_mut(&drawing) else {
            return;
        };
        let next = feed.core.next_timer();
        if feed.timer == next {
            return;
        }
        feed.timer = next;
        let number = feed.number;
        if let Some(at) = next {
            let wait = self.time_of(at, ahead).saturating_sub(self.now);
            let timer = ServerEvent::Timer { feed: number, at };
            self.later(server, wait, timer);
        }
    }

    fn compare_heads(&mut self, server: usize) {
        let Some(interval) = self.plan.head_check_interval else {
            return;
        };
        self.later(server, interval, ServerEvent::CompareHeads);
        for drawing in self.open_drawings(server) {
            let asker = self.asker(server, drawing);
            let asked = self.instant(self.servers[server].ahead);
            self.ask_database(server, DatabaseEvent::CheckHead(asker, asked));
        }
    }

    /// A server's clock jumps forward: its timers are due.
    pub fn jump_clock(&mut self, server: usize, by: Duration) {
        self.servers[server].ahead += by;
        for drawing in self.open_drawings(server) {
            if let Some(feed) = self.servers[server].feeds.get_mut(&drawing) {
                feed.timer = None;
            }
            self.set_timer(server, drawing);
        }
    }

    /// Answers the reads over HTTP that have their answer.
    fn answer_reads(&mut self, server: usize) {
        if self.servers[server].reads.is_empty() {
            return;
        }
        let mut answers = Vec::new();
        self.servers[server].reads.retain_mut(|read| {
            let answer = match read.answer.try_recv() {
                Ok(answer) => answer.ok(),
                Err(oneshot::error::TryRecvError::Empty) => return true,
                Err(oneshot::error::TryRecvError::Closed) => None,
            };
            answers.push((read.client, read.page, read.token, answer));
            false
        });
        for (client, page, token, answer) in answers {
            self.answer_read(client, page, token, answer);
        }
    }

    fn answer_read(&mut self, client: usize, page: u64, token: u64, chunk: Option<ReadChunk>) {
        let wait = self.millis(0..=10);
        let event = ClientEvent::Read {
            token,
            chunk: chunk.map(Box::new),
        };
        self.after(
            wait,
            Event::Client {
                client,
                page,
                event,
            },
        );
    }
}
