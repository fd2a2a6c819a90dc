//! What each fault does when it begins, and when it ends.

use std::time::Duration;

use whiteboard::feed::appender::{State, Verification};
use whiteboard::feed::lifecycle::Lifecycle;
use whiteboard::feed::sync::{Reading, Subscription};

use crate::fault::Fault;
use crate::server::ServerState;
use crate::server::feeds::Feed;
use crate::world::{Event, World};

impl World {
    /// A planned fault begins.
    pub fn fault_begins(&mut self, index: usize) {
        let planned = self.plan.faults[index];
        let (fault, lasts) = (planned.fault, planned.lasts);
        let server = planned.target % self.servers.len();
        let drawing = planned.target % self.plan.drawings;
        for server in 0..self.servers.len() {
            self.note_states(server);
        }
        self.note(|| format!("fault: {fault:?} at {} for {lasts:?}", planned.target));
        match fault {
            Fault::SubscriptionEnds => {
                self.met(fault, server);
                self.end_subscriptions(Some(server));
            }
            Fault::SubscriptionSilent => {
                self.met(fault, server);
                self.database.silence(server);
            }
            Fault::DatabaseStops if self.database.is_up => {
                self.met_all(fault);
                self.stop_database(lasts);
            }
            Fault::RestoredWithNewEpoch | Fault::RestoredWithOldEpoch if self.database.is_up => {
                self.met_all(fault);
                self.stop_database(lasts);
                self.note_restored();
                self.restore(fault == Fault::RestoredWithNewEpoch);
            }
            Fault::DatabaseStops | Fault::RestoredWithNewEpoch | Fault::RestoredWithOldEpoch => {}
            Fault::Compacted => {
                self.met_all(fault);
                self.compact(drawing);
            }
            Fault::Deleted if !self.database.drawings[drawing].tables.deleted => {
                self.met_all(fault);
                self.database.drawings[drawing].tables.deleted = true;
                self.after(lasts, Event::Undeleted(drawing));
            }
            Fault::Deleted => {}
            Fault::ServerKilled => {
                if self.servers[server].state != ServerState::Down {
                    self.met(fault, server);
                    self.note_people(server, "people went with a killed server");
                    self.kill_server(server);
                    self.after(lasts, Event::ServerStarts(server));
                }
            }
            Fault::ServerFrozen => {
                if self.servers[server].state == ServerState::Runs {
                    self.met(fault, server);
                    self.servers[server].state = ServerState::Frozen;
                    self.note_people(server, "people of a frozen server were dropped");
                    self.after(lasts, Event::ServerThaws(server));
                }
            }
            Fault::ServerDrained => {
                self.met(fault, server);
                self.drain_server(server);
            }
            Fault::ClockJumps => {
                self.met(fault, server);
                self.jump_clock(server, 10 * lasts);
            }
            Fault::FeedDies => {
                self.met(fault, server);
                let runs = self.servers[server].state == ServerState::Runs;
                if runs && self.servers[server].feeds.contains_key(&drawing) {
                    self.drop_feed(server, drawing);
                }
            }
            Fault::SocketCut
            | Fault::SocketStalled
            | Fault::SocketHalfOpen
            | Fault::ClientCrashes
            | Fault::ClientMoves => {
                if let Some(client) = self.client_for(planned.target) {
                    self.met_client(fault, client);
                    self.meet_client(fault, client, lasts);
                }
            }
            Fault::KeyRevoked
            | Fault::KeyLowered
            | Fault::DrawingLocked
            | Fault::PersonMuted
            | Fault::KeyExpires => {
                if self.database.is_up {
                    self.rules_change(fault, drawing, planned.target, lasts);
                }
            }
            // These last, and meet what happens meanwhile.
            _ => {
                for server in 0..self.servers.len() {
                    self.begins_in(fault, server);
                }
                if fault == Fault::SubscribeFails {
                    self.end_subscriptions(Some(server));
                }
                self.database.begin(fault);
                self.after(lasts, Event::FaultEnds(fault));
            }
        }
    }

    /// A fault that lasted is over.
    pub fn fault_ends(&mut self, fault: Fault) {
        self.note(|| format!("fault: {fault:?} ends"));
        self.database.end(fault);
    }

    /// A fault meets a client or its socket.
    fn meet_client(&mut self, fault: Fault, client: usize, lasts: Duration) {
        let socket = self.clients[client].socket;
        match (fault, socket) {
            (Fault::ClientCrashes, _) => self.crash_client(client),
            (Fault::ClientMoves, _) => self.move_client(client),
            (Fault::SocketCut, Some(socket)) => self.cut_socket(socket),
            (Fault::SocketStalled, Some(socket)) => {
                let until = self.now + lasts;
                if let Some(socket) = self.sockets.get_mut(socket) {
                    socket.stalled_until = socket.stalled_until.max(until);
                }
            }
            (Fault::SocketHalfOpen, Some(socket)) => {
                if let Some(socket) = self.sockets.get_mut(socket) {
                    socket.is_half_open = true;
                }
            }
            _ => {}
        }
    }

    /// A drawing is undeleted.
    pub fn undelete(&mut self, drawing: usize) {
        self.note(|| "database: undeleted".into());
        self.database.drawings[drawing].tables.deleted = false;
    }

    fn met_all(&mut self, fault: Fault) {
        for server in 0..self.servers.len() {
            self.met(fault, server);
        }
        for client in 0..self.clients.len() {
            self.met_client(fault, client);
        }
    }

    /// Counts that a fault meets a server in its present state, and the clients in theirs.
    pub fn met(&mut self, fault: Fault, server: usize) {
        self.coverage.fault(fault, &[]);
        self.begins_in(fault, server);
    }

    /// Counts that a fault begins in these states.
    pub fn begins_in(&mut self, fault: Fault, server: usize) {
        let states = self.states(server);
        self.coverage.also(fault, &states);
        let clients: Vec<&'static str> = self
            .clients
            .iter()
            .filter(|client| client.has_replica())
            .map(|client| client.state_name())
            .collect();
        self.coverage.also(fault, &clients);
    }

    /// Counts the states that a server has come to.
    pub fn note_states(&mut self, server: usize) {
        let states = self.states(server);
        if self.servers[server].noted != states {
            for state in &states {
                self.coverage.state(state);
            }
            self.servers[server].noted = states;
        }
    }

    /// Counts the state that a client is in.
    pub fn note_client_state(&mut self, client: usize) {
        let state = self.clients[client].state_name();
        self.coverage.state(state);
    }

    fn states(&self, server: usize) -> Vec<&'static str> {
        let it = &self.servers[server];
        let mut states = match it.state {
            ServerState::Runs | ServerState::Drains => Vec::new(),
            ServerState::Frozen => vec!["server frozen"],
            ServerState::Down => vec!["server down"],
        };
        states.extend(it.feeds.values().flat_map(feed_states));
        if it.feeds.is_empty() && it.state != ServerState::Down {
            states.push("server without a feed");
        }
        states
    }
}

fn feed_states(feed: &Feed) -> [&'static str; 6] {
    let core = &feed.core;
    [
        match core.sync().subscription() {
            Subscription::Closed => "subscription Closed",
            Subscription::Opening => "subscription Opening",
            Subscription::Unread => "subscription Unread",
            Subscription::Live => "subscription Live",
        },
        match core.sync().reading() {
            Reading::Idle => "reading Idle",
            Reading::InFlight { again: true, .. } => "reading InFlight, again",
            Reading::InFlight {
                covers_subscription: true,
                ..
            } => "reading InFlight",
            Reading::InFlight { .. } => "reading InFlight, uncovered",
            Reading::Waiting => "reading Waiting",
        },
        match core.appender().state() {
            State::Idle => "appender Idle",
            State::InFlight { .. } => "appender InFlight",
            State::Probing => "appender Probing",
        },
        match core.appender().verification() {
            Verification::Unverified => "verification Unverified",
            Verification::Requested => "verification Requested",
            Verification::Verified => "verification Verified",
        },
        match core.lifecycle() {
            Lifecycle::Open { .. } => "lifecycle Open",
            Lifecycle::Draining | Lifecycle::Ended(_) => "lifecycle Draining",
        },
        match core.replica().drawing() {
            None => "feed not read",
            Some(drawing) if !drawing.is_whole() => "feed without tombstones",
            Some(_) => "feed whole",
        },
    ]
}
