//! What connects clients with servers: in order in each direction, until it is cut, stalls or goes
//! half-open.

use std::collections::BTreeMap;

use bytestring::ByteString;
use whiteboard::domain::ids::{Epoch, SessionId};
use whiteboard::domain::op::Op;
use whiteboard::domain::sequence::Seq;
use whiteboard::protocol::{ClientSignal, Hello};

use crate::client::ClientEvent;
use crate::server::ServerEvent;
use crate::world::{Event, Time, World};

/// What a client sends.
#[derive(Debug)]
pub enum Up {
    /// It opens the socket.
    Connect {
        /// The last position it holds.
        since: Seq,
        /// The epoch that position belongs to.
        epoch: Option<Epoch>,
    },
    /// Who it is.
    Hello(Hello),
    /// Ops, with their numbers.
    Ops(Vec<Op>),
    /// Send what comes after this position.
    Since {
        /// The position.
        since: Seq,
        /// The epoch it belongs to.
        epoch: Epoch,
    },
    /// A pointer.
    Signal(ClientSignal),
    /// The token that it has now.
    Token,
    /// Send who is here.
    People,
    /// Is anybody there?
    Ping,
    /// The socket is closed.
    Closed,
}

/// What a server sends.
#[derive(Debug)]
pub enum Down {
    /// The socket is open.
    Opened,
    /// A frame.
    Frame(ByteString),
    /// The socket is closed; with a reason, if the server gives one.
    Closed(Option<String>),
}

/// One socket.
#[derive(Debug)]
pub struct Socket {
    /// The client's end.
    pub client: usize,
    /// Which page of the client.
    pub page: u64,
    /// The server's end.
    pub server: usize,
    /// Which run of the server.
    pub process: u64,
    /// Its session, once there is one.
    pub session: Option<SessionId>,
    /// The client reads nothing before this time.
    pub stalled_until: Time,
    /// Nothing passes any more.
    pub is_half_open: bool,
    up_at: Time,
    down_at: Time,
}

/// All sockets that are open at one end at least.
#[derive(Debug, Default)]
pub struct Sockets {
    open: BTreeMap<u64, Socket>,
    opened: u64,
}

impl Sockets {
    /// One of them.
    pub fn get(&self, socket: u64) -> Option<&Socket> {
        self.open.get(&socket)
    }

    /// One of them, to be changed.
    pub fn get_mut(&mut self, socket: u64) -> Option<&mut Socket> {
        self.open.get_mut(&socket)
    }

    /// The sockets, in the order in which they were opened.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Socket)> {
        self.open.iter().map(|(id, socket)| (*id, socket))
    }

    /// A client opens a socket.
    pub fn open(&mut self, client: (usize, u64), server: (usize, u64)) -> u64 {
        self.opened += 1;
        let socket = Socket {
            client: client.0,
            page: client.1,
            server: server.0,
            process: server.1,
            session: None,
            stalled_until: Time::ZERO,
            is_half_open: false,
            up_at: Time::ZERO,
            down_at: Time::ZERO,
        };
        self.open.insert(self.opened, socket);
        self.opened
    }
}

impl World {
    /// Sends something to a server.
    pub fn send_up(&mut self, id: u64, message: Up) {
        let wait = self.millis(0..=6);
        let Some(socket) = self.sockets.get_mut(id) else {
            return;
        };
        if socket.is_half_open {
            return;
        }
        socket.up_at = socket.up_at.max(self.now + wait);
        let (at, server, process) = (socket.up_at, socket.server, socket.process);
        let event = ServerEvent::Up {
            socket: id,
            message,
        };
        self.at(
            at,
            Event::Server {
                server,
                process,
                event,
            },
        );
    }

    /// Sends something to a client.
    pub fn send_down(&mut self, id: u64, message: Down) {
        let wait = self.millis(0..=6);
        let Some(socket) = self.sockets.get_mut(id) else {
            return;
        };
        if socket.is_half_open {
            return;
        }
        socket.down_at = socket
            .down_at
            .max(self.now + wait)
            .max(socket.stalled_until);
        let (at, client, page) = (socket.down_at, socket.client, socket.page);
        let event = ClientEvent::Down {
            socket: id,
            message,
        };
        self.at(
            at,
            Event::Client {
                client,
                page,
                event,
            },
        );
    }

    /// Both ends notice that a socket is gone. What is on its way still arrives.
    pub fn cut_socket(&mut self, id: u64) {
        self.send_up(id, Up::Closed);
        self.send_down(id, Down::Closed(None));
    }
}
