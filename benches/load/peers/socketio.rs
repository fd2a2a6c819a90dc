//! What a page says to socket.io, and what it hears: packets of Engine.IO 4 in text frames.

use futures_util::{SinkExt, StreamExt};
use support::socket::{self, Socket};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::wire::frame_bytes;
use crate::crowd::Answer;
use crate::frames;
use crate::server::Server;

/// Engine.IO's ping and pong.
const PING: &str = "2";
const PONG: &str = "3";
/// An acknowledgement of a socket.io event, before its number.
const ACK: &str = "43";

/// A pen stroke as a page would send it: absolute coordinates as numbers.
pub fn body() -> String {
    let (x, y) = (fastrand::i32(0..4000), fastrand::i32(0..4000));
    let points: Vec<String> = frames::points()
        .iter()
        .map(|point| format!("{},{}", x + point.x, y + point.y))
        .collect();
    let points = points.join(",");
    format!(r##"{{"kind":"pen","points":[{points}],"colour":"#1d1d1f","width":4}}"##)
}

/// The event that draws a stroke; its acknowledgement has the number `n`.
pub fn draw(n: u64, id: impl std::fmt::Display, body: &str) -> String {
    format!(r#"42{n}["stroke",{{"stroke":"{id}","body":{body}}}]"#)
}

/// What a packet asks for or answers, beside strokes.
pub fn answer(packet: &str) -> Option<Answer> {
    if packet == PING {
        return Some(Answer::Reply(Message::text(PONG)));
    }
    let (number, _) = packet.strip_prefix(ACK)?.split_once('[')?;
    number.parse().ok().map(Answer::Done)
}

/// Connects the page of a person that has the first `have` strokes of the drawing; returns the bytes of the
/// packet with the others too.
pub async fn open(
    server: &Server,
    drawing: &str,
    name: &str,
    have: usize,
) -> Result<(Socket, usize), Error> {
    let address = server.next_address();
    let request = socket::request(address, "/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = socket::open(address, request, None).await?;
    expect(&mut socket, "0").await?;
    socket.send(Message::text("40")).await?;
    expect(&mut socket, "40").await?;
    let join = format!(r#"420["join","{drawing}",{have},"{name}"]"#);
    socket.send(Message::text(join)).await?;
    let bytes = expect(&mut socket, "430").await?;
    Ok((socket, bytes))
}

/// Waits for a packet that begins like this; returns the bytes of its frame.
async fn expect(socket: &mut Socket, start: &str) -> Result<usize, Error> {
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            if text.starts_with(start) {
                return Ok(frame_bytes(text.len()));
            }
            if text.as_str() == PING {
                socket.send(Message::text(PONG)).await?;
            }
        }
    }
    Err(Error::ConnectionClosed)
}
