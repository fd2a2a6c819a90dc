//! One session: what the session's actor does, with the real sequencer.
//!
//! It must never keep what its client does not read, nor lose an op that it took.

use std::time::Duration;

use whiteboard::domain::access::Level;
use whiteboard::domain::ids::{Epoch, SessionId};
use whiteboard::domain::op::Op;
use whiteboard::domain::sequence::Seq;
use whiteboard::feed::core::Input;
use whiteboard::feed::mailbox::ToSession;
use whiteboard::feed::messages::{FromSession, Request};
use whiteboard::feed::queue::op_bytes;
use whiteboard::feed::standings::Entrance;
use whiteboard::protocol::{Hello, ServerFrame};
use whiteboard::session::sequencer::{OpArrival, OpSequencer};

use crate::mailbox::SimMailbox;
use crate::server::ServerEvent;
use crate::socket::{Down, Up};
use crate::world::{Time, World};

/// How long a client waits after a refusal for load.
const RETRY: Duration = Duration::from_millis(500);
/// A session whose feed is gone looks for it again after this time.
const REJOIN: Duration = Duration::from_millis(100);
/// How often a session sees whether its client still answers.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// A client that says nothing for so long is gone.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most ops that wait for the welcome.
const MAX_BEFORE_WELCOME: usize = 500;

/// One session.
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Its socket.
    pub socket: u64,
    /// The drawing.
    pub drawing: usize,
    /// What its feed tells it.
    pub mailbox: SimMailbox,
    /// Who it is, once it said so.
    pub hello: Option<Hello>,
    /// Ops that arrived before the welcome went out.
    pub before_welcome: Vec<Op>,
    sequencer: Option<OpSequencer>,
    /// The number of its feed.
    feed: Option<u64>,
    epoch: Option<Epoch>,
    heard: Time,
    entrance: Entrance,
    /// What it was told that it may do: its level, whether the drawing is locked, and it is muted.
    pub told: Option<(Level, bool, bool)>,
    /// It is going to take what waits.
    is_woken: bool,
}

impl Session {
    /// Notes what the client is told that it may do.
    fn note_access(&mut self, frame: &str) {
        if frame.starts_with(r#"{"type":"access""#) {
            let frame: serde_json::Value = serde_json::from_str(frame).expect("a frame");
            let level = frame["access"]
                .as_str()
                .and_then(|level| level.parse().ok());
            let is = |field: &str| frame[field].as_bool().expect("a word");
            let level = level.expect("a level");
            self.told = Some((level, is("locked"), is("muted")));
        }
    }
}

impl World {
    /// Something arrives at a server through a socket.
    pub fn session_hears(&mut self, server: usize, socket: u64, message: Up) {
        if let Up::Connect { since, epoch } = message {
            return self.session_opens(server, socket, since, epoch);
        }
        let Some(id) = self.sockets.get(socket).and_then(|socket| socket.session) else {
            return;
        };
        let now = self.now;
        let Some(session) = self.servers[server].sessions.get_mut(&id) else {
            return;
        };
        session.heard = now;
        let (drawing, is_attached) = (session.drawing, session.feed.is_some());
        match message {
            Up::Connect { .. } => {}
            Up::Closed => self.end_session(server, id),
            Up::Hello(hello) => {
                session.hello = Some(hello.clone());
                if let Some(visitor) = self.visitors.get_mut(&id) {
                    visitor.author = Some(hello.writer.author);
                }
                let hello = Request::Hello { session: id, hello };
                self.tell_feed(server, id, FromSession::Request(hello));
            }
            Up::Ops(ops) => self.session_ops(server, id, ops),
            Up::Since { since, epoch } => {
                let since = Request::Since {
                    session: id,
                    since,
                    epoch,
                };
                self.tell_feed(server, id, FromSession::Request(since));
            }
            Up::Signal(signal) if is_attached && session.sequencer.is_some() => {
                let signal = FromSession::Signal {
                    session: id,
                    signal,
                };
                self.tell_feed(server, id, signal);
            }
            Up::Signal(_) => {}
            Up::People => self.tell_feed(server, id, FromSession::People { session: id }),
            Up::Ping => {
                let feed = self.servers[server].feeds.get(&drawing);
                let head = feed.map_or(0, |feed| feed.state.head());
                let pong = ServerFrame::Pong { head }.encode();
                self.send_down(socket, Down::Frame(pong));
            }
        }
    }

    fn session_opens(&mut self, server: usize, socket: u64, since: Seq, epoch: Option<Epoch>) {
        let id = socket;
        let mailbox = SimMailbox::new(self.plan.mailbox_messages, self.plan.mailbox_bytes);
        let Some(open) = self.sockets.get_mut(socket) else {
            return;
        };
        open.session = Some(id);
        let client = open.client;
        let drawing = self.clients[client].drawing;
        let Some(entrance) = self.admitted(client, id) else {
            self.coverage.count("sessions that were not let in");
            let reason = "final: it is not shared with you".to_owned();
            return self.send_down(socket, Down::Closed(Some(reason)));
        };
        let session = Session {
            id,
            socket,
            drawing,
            mailbox,
            hello: None,
            before_welcome: Vec::new(),
            sequencer: None,
            feed: None,
            epoch,
            heard: self.now,
            entrance,
            told: None,
            is_woken: false,
        };
        self.servers[server].sessions.insert(id, session);
        self.send_down(socket, Down::Opened);
        self.later(server, HEARTBEAT, ServerEvent::SessionHeartbeat(id));
        self.join(server, id, since);
    }

    fn join(&mut self, server: usize, id: SessionId, since: Seq) {
        let Some(session) = self.servers[server].sessions.get(&id) else {
            return;
        };
        let join = Request::Join {
            session: id,
            mailbox: session.mailbox.clone(),
            since,
            epoch: session.epoch,
            entrance: session.entrance,
        };
        let join = Input::Session(FromSession::Request(join));
        match self.ask_feed(server, session.drawing, join) {
            Some(feed) => {
                if let Some(session) = self.servers[server].sessions.get_mut(&id) {
                    session.feed = Some(feed);
                }
            }
            None => {
                let reason = format!("again in {} ms: the server restarts", RETRY.as_millis());
                self.close_session(server, id, reason);
            }
        }
    }

    /// Tells the session's feed something, if that is still there.
    fn tell_feed(&mut self, server: usize, id: SessionId, message: FromSession<SimMailbox>) {
        let Some(session) = self.servers[server].sessions.get(&id) else {
            return;
        };
        let (drawing, feed) = (session.drawing, session.feed);
        let open = self.servers[server].feeds.get(&drawing);
        if open.is_some_and(|open| Some(open.number) == feed) {
            self.feed_step(server, drawing, Input::Session(message));
        }
    }

    /// The socket is gone.
    fn end_session(&mut self, server: usize, id: SessionId) {
        self.tell_feed(server, id, FromSession::Leave { session: id });
        self.servers[server].sessions.remove(&id);
    }

    fn close_session(&mut self, server: usize, id: SessionId, reason: String) {
        let session = self.servers[server].sessions.get(&id);
        if let Some(socket) = session.map(|session| session.socket) {
            self.send_down(socket, Down::Closed(Some(reason)));
        }
        self.end_session(server, id);
    }

    /// Takes the ops whose turn it is, as the session's actor does.
    fn session_ops(&mut self, server: usize, id: SessionId, ops: Vec<Op>) {
        let max_unacked = self.plan.max_unacked_ops;
        let it = &mut self.servers[server];
        let Some(session) = it.sessions.get_mut(&id) else {
            return;
        };
        let feed = it.feeds.get_mut(&session.drawing);
        let feed = feed.filter(|feed| session.feed == Some(feed.number));
        let (Some(sequencer), Some(_)) = (&mut session.sequencer, session.feed) else {
            if session.before_welcome.len() + ops.len() <= MAX_BEFORE_WELCOME {
                session.before_welcome.extend(ops);
            }
            return;
        };
        let (mut taken, mut answers, mut repeat) = (Vec::new(), Vec::new(), false);
        for op in ops {
            match sequencer.judge(op.n) {
                OpArrival::Stale { answered } => {
                    repeat |= answered;
                    self.coverage.count("stale ops");
                }
                OpArrival::Gap => {
                    self.coverage.count("resends");
                    let n = sequencer.next();
                    answers.push(ServerFrame::Resend { n }.encode());
                }
                OpArrival::Paused => {}
                OpArrival::Next => {
                    let fits = sequencer.unanswered() < max_unacked
                        && feed
                            .as_ref()
                            .is_none_or(|feed| feed.state.capacity.reserve(op_bytes(&op)));
                    if !fits {
                        self.coverage.count("refused for load");
                        sequencer.pause();
                        answers.push(ServerFrame::overloaded(op.n, "load", RETRY).encode());
                        break;
                    }
                    sequencer.take();
                    taken.push(op);
                }
            }
        }
        if repeat {
            let n = sequencer.answered();
            answers.push(ServerFrame::Done { n }.encode());
        }
        let (writer, socket) = (sequencer.writer(), session.socket);
        for answer in answers {
            self.send_down(socket, Down::Frame(answer));
        }
        if taken.is_empty() {
            return;
        }
        let it = &mut self.servers[server];
        let Some(session) = it.sessions.get(&id) else {
            return;
        };
        let feed = it.feeds.get_mut(&session.drawing);
        if let Some(feed) = feed.filter(|feed| session.feed == Some(feed.number)) {
            if feed.ends() {
                feed.dropped += taken.len();
            } else {
                let queued = taken.iter().map(|op| (id, writer, op.clone()));
                feed.queued.extend(queued);
            }
        }
        let submit = FromSession::Submit {
            session: id,
            writer,
            ops: taken,
        };
        self.tell_feed(server, id, submit);
    }

    /// Every session with something in its mailbox takes it soon, if its client reads.
    pub fn wake_sessions(&mut self, server: usize) {
        let woken: Vec<(SessionId, Time)> = self.servers[server]
            .sessions
            .values_mut()
            .filter(|session| !session.is_woken && !session.mailbox.is_empty())
            .filter_map(|session| {
                let socket = self.sockets.get(session.socket)?;
                let reads = !socket.is_half_open;
                session.is_woken = reads;
                reads.then_some((session.id, socket.stalled_until))
            })
            .collect();
        for (session, stalled_until) in woken {
            let wait = stalled_until.saturating_sub(self.now);
            self.later(server, wait, ServerEvent::Take(session));
        }
    }

    /// A session takes all that waits in its mailbox.
    pub fn session_takes(&mut self, server: usize, id: SessionId) {
        let Some(session) = self.servers[server].sessions.get_mut(&id) else {
            return;
        };
        session.is_woken = false;
        let socket = session.socket;
        let stalls = self.sockets.get(socket);
        if stalls.is_some_and(|socket| socket.stalled_until > self.now) {
            return self.wake_sessions(server);
        }
        while let Some(session) = self.servers[server].sessions.get_mut(&id) {
            let Some(message) = session.mailbox.take() else {
                break;
            };
            match message {
                ToSession::Frame(frame) => {
                    session.note_access(&frame);
                    self.send_down(socket, Down::Frame(frame));
                }
                ToSession::Welcome { frame, next } => {
                    let Some(hello) = &session.hello else {
                        continue;
                    };
                    let next = next.max(hello.next);
                    session.sequencer = Some(OpSequencer::new(hello.writer, next));
                    let early = std::mem::take(&mut session.before_welcome);
                    self.send_down(socket, Down::Frame(frame));
                    if !early.is_empty() {
                        self.coverage.count("ops before the welcome");
                        self.session_ops(server, id, early);
                    }
                }
                ToSession::Acks(acks) => {
                    match (&mut session.sequencer, &mut session.hello) {
                        (Some(sequencer), _) => sequencer.answer(acks.ops, acks.acked_through),
                        (None, Some(hello)) => {
                            hello.next = hello.next.max(acks.acked_through + 1);
                        }
                        (None, None) => {}
                    }
                    for frame in acks.refusals {
                        self.send_down(socket, Down::Frame(frame));
                    }
                    let n = acks.acked_through;
                    self.send_down(socket, Down::Frame(ServerFrame::Done { n }.encode()));
                }
                ToSession::Close(close) => {
                    self.coverage.count("sessions closed");
                    self.close_session(server, id, close.reason());
                }
                ToSession::Rejoin => {
                    self.session_lost_feed(server, id);
                }
            }
        }
    }

    fn session_lost_feed(&mut self, server: usize, id: SessionId) {
        let Some(session) = self.servers[server].sessions.get_mut(&id) else {
            return;
        };
        if session.feed.take().is_none() {
            return;
        }
        self.coverage.count("sessions rejoined");
        if let (Some(sequencer), Some(hello)) = (session.sequencer.take(), &mut session.hello) {
            hello.next = hello.next.max(sequencer.answered() + 1);
        }
        self.later(server, REJOIN, ServerEvent::Rejoin(id));
    }

    /// A session whose feed is gone joins another one, under the same numbers.
    pub fn session_rejoins(&mut self, server: usize, id: SessionId) {
        if let Some(session) = self.servers[server].sessions.get_mut(&id) {
            // A position without an epoch makes the page start over.
            session.epoch = None;
        }
        self.join(server, id, 1);
        let session = self.servers[server].sessions.get(&id);
        if let Some(hello) = session.and_then(|session| session.hello.clone()) {
            let hello = Request::Hello { session: id, hello };
            self.tell_feed(server, id, FromSession::Request(hello));
        }
    }

    /// A client that reads answers to pings; one that says nothing for too long is gone.
    pub fn session_heartbeat(&mut self, server: usize, id: SessionId) {
        let now = self.now;
        let Some(session) = self.servers[server].sessions.get_mut(&id) else {
            return;
        };
        let socket = self.sockets.get(session.socket);
        let is_half_open = socket.is_none_or(|socket| socket.is_half_open);
        let stalls = socket.is_some_and(|socket| socket.stalled_until > now);
        if stalls && !is_half_open {
            // Its timers do not run. It is cut by its feed, which waits longer.
            return self.later(server, HEARTBEAT, ServerEvent::SessionHeartbeat(id));
        }
        let answers = !is_half_open;
        if answers {
            session.heard = now;
        }
        let heard = session.heard;
        let (drawing, feed) = (session.drawing, session.feed);
        let open = self.servers[server].feeds.get(&drawing);
        if feed != open.map(|open| open.number) {
            self.session_lost_feed(server, id);
        }
        if now - heard > TIMEOUT && is_half_open {
            self.coverage.count("sessions timed out");
            return self.close_session(server, id, "again: nothing was heard".into());
        }
        self.later(server, HEARTBEAT, ServerEvent::SessionHeartbeat(id));
    }
}
