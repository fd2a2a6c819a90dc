//! A session that notices that its feed or its client is gone.
//!
//! It must never take a position for its client's that the client may not hold.

use std::time::Duration;

use whiteboard::domain::ids::SessionId;
use whiteboard::feed::messages::{FromSession, Request};

use super::HEARTBEAT;
use crate::server::ServerEvent;
use crate::world::World;

/// A session whose feed is gone looks for it again after this time.
const REJOIN: Duration = Duration::from_millis(100);
/// A client that says nothing for so long is gone.
const TIMEOUT: Duration = Duration::from_secs(10);

impl World {
    pub(super) fn session_lost_feed(&mut self, server: usize, id: SessionId) {
        let Some(session) = self.servers[server].sessions.get_mut(&id) else {
            return;
        };
        if session.feed.take().is_none() {
            return;
        }
        self.coverage.count("sessions rejoined");
        if let (Some(sequencer), Some(hello)) = (session.sequencer.take(), &mut session.hello) {
            hello.next = hello.next.max(sequencer.acknowledged() + 1);
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
