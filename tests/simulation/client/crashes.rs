//! Pages that crash, whose outbox another one sends, and pages that connect anew.
//!
//! It must never lose what an outbox kept.

use std::time::Duration;

use whiteboard::domain::ids::Writer;

use crate::client::replica::Replica;
use crate::client::{ClientEvent, ClientState};
use crate::fault::Fault;
use crate::outbox::Outbox;
use crate::presence::PeopleList;
use crate::socket::Up;
use crate::world::World;

impl World {
    /// A page crashes. Another one of the same user opens, and sends what it left.
    pub fn crash_client(&mut self, client: usize) {
        let now = self.now;
        let it = &mut self.clients[client];
        if it.state == ClientState::Gone {
            return;
        }
        let (drawing, key, adopts) = (it.drawing, it.key, it.adopts);
        let kept = it.outbox.adopt(now);
        let writer = it.writer;
        if let Some(socket) = it.socket.take() {
            match self.random.bool() {
                true => self.send_up(socket, Up::Closed),
                // The machine is gone too: the server does not notice.
                false => {
                    if let Some(socket) = self.sockets.get_mut(socket) {
                        socket.is_half_open = true;
                    }
                }
            }
        }
        self.record_page(client);
        let it = &mut self.clients[client];
        it.page += 1;
        it.outbox = Outbox::new();
        if kept.count() > 0 {
            let adopter = self.new_client(drawing, key, kept, true);
            self.clients[adopter].writer = writer;
            self.clients[adopter].state = ClientState::Waiting;
            let wait = self.millis(10..=600);
            self.client_later(adopter, wait, ClientEvent::Opens);
        }
        let tab = self.uuid();
        let it = &mut self.clients[client];
        if adopts {
            it.state = ClientState::Gone;
            return;
        }
        it.writer = Writer::new(key, tab);
        it.state = ClientState::Loading;
        it.replica = Replica::default();
        it.people = PeopleList::default();
        it.is_loaded = false;
        it.is_reading = false;
        it.target = None;
        let wait = self.millis(50..=500);
        self.client_later(client, wait, ClientEvent::Opens);
    }

    /// A page connects anew.
    pub fn move_client(&mut self, client: usize) {
        let it = &self.clients[client];
        if matches!(it.state, ClientState::Greeting | ClientState::Open) {
            self.lose_socket(client, Some(Duration::ZERO));
        }
    }

    /// Whether a fault meets this client now.
    pub fn client_for(&self, target: usize) -> Option<usize> {
        let there: Vec<usize> = self
            .clients
            .iter()
            .filter(|client| client.state != ClientState::Gone)
            .map(|client| client.id)
            .collect();
        (!there.is_empty()).then(|| there[target % there.len()])
    }

    /// Notes that a fault meets a client, and its server.
    pub fn met_client(&mut self, fault: Fault, client: usize) {
        let it = &self.clients[client];
        let socket = it.socket.and_then(|socket| self.sockets.get(socket));
        let (state, server) = (it.state_name(), socket.map(|socket| socket.server));
        self.coverage.fault(fault, &[state]);
        if let Some(server) = server {
            self.begins_in(fault, server);
        }
    }
}
