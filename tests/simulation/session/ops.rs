//! The ops that a session takes.
//!
//! It must never take an op out of its turn.

use whiteboard::domain::ids::SessionId;
use whiteboard::domain::op::Op;
use whiteboard::feed::messages::FromSession;
use whiteboard::feed::queue::op_bytes;
use whiteboard::protocol::ServerFrame;
use whiteboard::session::sequencer::OpArrival;

use super::{MAX_BEFORE_WELCOME, RETRY};
use crate::socket::Down;
use crate::world::World;

impl World {
    /// Takes the ops whose turn it is, as the session's actor does.
    pub(super) fn session_ops(&mut self, server: usize, id: SessionId, ops: Vec<Op>) {
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
                OpArrival::Stale { acknowledged } => {
                    repeat |= acknowledged;
                    self.coverage.count("stale ops");
                }
                OpArrival::Gap => {
                    self.coverage.count("resends");
                    let n = sequencer.next();
                    answers.push(ServerFrame::Resend { n }.encode());
                }
                OpArrival::Paused => {}
                OpArrival::Next => {
                    let fits = sequencer.unacknowledged() < max_unacked
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
            let n = sequencer.acknowledged();
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
}
