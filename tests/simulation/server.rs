//! A server: the real core of a feed, executed as its actor would, its sessions and its registry.
//!
//! It must never decide anything that the core or the sequencer decides.

pub mod feeds;
mod process;
mod reads;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};
use whiteboard::domain::ids::{Epoch, ServerId, SessionId};
use whiteboard::domain::sequence::Seq;
use whiteboard::feed::core::Input;
use whiteboard::feed::messages::ReadRequest;
use whiteboard::feed::settings::FeedSettings;
use whiteboard::store::{LiveEvent, StoreError};

use crate::database::limits;
use crate::mailbox::SimMailbox;
use crate::plan::Plan;
use crate::server::feeds::Feed;
use crate::server::reads::PendingRead;
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
    /// When it went on last after it was suspended, or its clock jumped: its timers come a moment after.
    pub resumed_at: Time,
    /// The states that were counted last.
    pub noted: Vec<&'static str>,
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
            resumed_at: Time::ZERO,
            noted: Vec::new(),
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
                let asked = self.ask_feed(server, drawing, Input::HttpRead(request));
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
}
