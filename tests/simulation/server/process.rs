//! The process of a server: started, killed, suspended, drained.
//!
//! It must never leave a socket open at a process that is gone.

use std::time::Duration;

use whiteboard::domain::ids::ServerId;
use whiteboard::feed::core::Input;

use crate::server::{DRAIN_TIMEOUT, ServerEvent, ServerState};
use crate::socket::Down;
use crate::world::{Event, World};

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
        it.resumed_at = self.now;
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
    pub fn drained(&mut self, server: usize) {
        self.note(|| format!("server {server}: drained"));
        self.coverage.count("drained");
        self.kill_server(server);
        let wait = self.millis(100..=800);
        self.after(wait, Event::ServerStarts(server));
    }
}
