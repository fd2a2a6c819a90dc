//! What differs between the kinds of servers for one who draws or watches.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use support::http;
use support::socket::{self, Socket};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{socketio, yjs};
use crate::crowd::open_client;
use crate::frames;
use crate::server::{Kind, Server};

/// Number of different strokes used in turn.
const BODIES: usize = 64;
/// Deadline of a client's first frames.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// The strokes of one run, as they are sent to servers of a kind.
pub struct Wire {
    pub kind: Kind,
    pub run: u64,
    bodies: Vec<Body>,
}

enum Body {
    Text(String),
    Bytes(Vec<u8>),
}

impl Wire {
    /// New strokes.
    pub fn new(kind: Kind) -> Self {
        let body = |_| match kind {
            Kind::Whiteboard | Kind::Broadcast | Kind::HandWritten | Kind::Bound => {
                Body::Text(frames::body())
            }
            Kind::SocketIo => Body::Text(socketio::body()),
            Kind::YWebsocket => Body::Bytes(yjs::body()),
        };
        Self {
            kind,
            run: fastrand::u64(..),
            bodies: (0..BODIES).map(body).collect(),
        }
    }

    /// The message of a client that draws this stroke as its `n`th one, counted from 1.
    pub fn draw(&self, client: u32, n: u64, stroke: usize) -> Message {
        let id = frames::stroke_id(self.run, stroke);
        match &self.bodies[stroke % BODIES] {
            Body::Text(body) if self.kind == Kind::SocketIo => {
                Message::text(socketio::draw(n, id, body))
            }
            Body::Text(body) => Message::text(frames::draw(n, id, body)),
            Body::Bytes(body) => Message::binary(yjs::draw(client, n, self.run, stroke, body)),
        }
    }
}

/// Connects one client that has the first `have` strokes of a drawing.
pub async fn open(
    server: &Server,
    drawing: &str,
    name: &str,
    have: usize,
) -> Result<Socket, String> {
    let opening = async {
        match server.kind {
            Kind::SocketIo => socketio::open(server, drawing, name, have)
                .await
                .map(|(socket, _)| socket),
            Kind::YWebsocket => yjs::open(server, drawing).await,
            Kind::Whiteboard if have > 0 => open_after(server, drawing, name, have).await,
            _ => return open_client(server, drawing, Some(name)).await,
        }
        .map_err(|error| format!("opening a client: {error}"))
    };
    let opened = timeout(OPEN_TIMEOUT, opening).await;
    opened.unwrap_or_else(|_| Err("a client is not open in time".into()))
}

/// Opens a page of the whiteboard that has the drawing up to this position.
async fn open_after(
    server: &Server,
    drawing: &str,
    name: &str,
    have: usize,
) -> Result<Socket, Error> {
    let empty = http::strokes_after(server.next_address(), drawing, have).await;
    let epoch = empty["epoch"].as_str().expect("an epoch");
    join(server, drawing, name, have, epoch).await
}

/// Joins a drawing of the whiteboard, or of the bound, as a page that has this epoch up to this position.
pub async fn join(
    server: &Server,
    drawing: &str,
    name: &str,
    have: usize,
    epoch: &str,
) -> Result<Socket, Error> {
    let path = format!("/ws/{drawing}?since={have}&epoch={epoch}");
    let address = server.next_address();
    let (mut socket, _) = socket::open(address, socket::request(address, &path), None).await?;
    if server.kind == Kind::Whiteboard {
        let hello = Message::text(frames::hello(Some(name)));
        socket.send(hello).await?;
    }
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message?
            && frames::kind_of(&text) == "welcome"
        {
            return Ok(socket);
        }
    }
    Err(Error::ConnectionClosed)
}

/// Bytes of a frame from a server with a payload of this size.
pub fn frame_bytes(payload: usize) -> usize {
    let header = match payload {
        0..126 => 2,
        126..0x1_0000 => 4,
        _ => 10,
    };
    header + payload
}
