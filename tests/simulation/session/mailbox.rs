//! What a session's feed tells it, and what becomes of that.
//!
//! It must never send what its client does not read.

use whiteboard::domain::ids::SessionId;
use whiteboard::feed::mailbox::ToSession;
use whiteboard::protocol::ServerFrame;
use whiteboard::session::sequencer::OpSequencer;

use crate::server::ServerEvent;
use crate::socket::Down;
use crate::world::{Time, World};

impl World {
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
                        (Some(sequencer), _) => sequencer.acknowledge(acks.ops, acks.acked_through),
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
}
