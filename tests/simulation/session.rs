//! One session: what the session's actor does, with the real sequencer.
//!
//! It must never keep what its client does not read, nor lose an op that it took.

mod mailbox;
mod ops;
mod rejoin;

use std::time::Duration;

use whiteboard::domain::access::Level;
use whiteboard::domain::ids::{Epoch, SessionId};
use whiteboard::domain::op::Op;
use whiteboard::domain::sequence::Seq;
use whiteboard::feed::core::Input;
use whiteboard::feed::messages::{FromSession, Request};
use whiteboard::feed::standings::Entrance;
use whiteboard::protocol::{Hello, ServerFrame};
use whiteboard::session::sequencer::OpSequencer;

use crate::mailbox::SimMailbox;
use crate::server::ServerEvent;
use crate::socket::{Down, Up};
use crate::world::{Time, World};

/// How long a client waits after a refusal for load.
const RETRY: Duration = Duration::from_millis(500);
/// How often a session sees whether its client still answers.
const HEARTBEAT: Duration = Duration::from_secs(3);
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
    pub(crate) entrance: Entrance,
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
            Up::Token => self.session_renews(server, id),
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
        let Some(entrance) = self.admitted(server, client, id) else {
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
    pub fn tell_feed(&mut self, server: usize, id: SessionId, message: FromSession<SimMailbox>) {
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
    pub(super) fn end_session(&mut self, server: usize, id: SessionId) {
        self.tell_feed(server, id, FromSession::Leave { session: id });
        self.servers[server].sessions.remove(&id);
    }

    pub fn close_session(&mut self, server: usize, id: SessionId, reason: String) {
        let session = self.servers[server].sessions.get(&id);
        if let Some(socket) = session.map(|session| session.socket) {
            self.send_down(socket, Down::Closed(Some(reason)));
        }
        self.end_session(server, id);
    }
}
