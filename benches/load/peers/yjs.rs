//! What a page says to the server of y-websocket, and what it hears: updates of Yjs in binary frames.
//!
//! A drawing is the map `strokes` of a document, from the id of a stroke to what it is.

use futures_util::StreamExt;
use support::socket::{self, Socket};
use tokio_tungstenite::tungstenite::Error;

use crate::frames;
use crate::server::Server;

/// The type of a message, and that of the sync message within it.
const SYNC: u8 = 0;
const STEP_1: u8 = 0;
const UPDATE: u8 = 2;
/// An item of any content in a map, without neighbours: `ContentAny`, and the bit of `parentSub`.
const ENTRY: u8 = 8 | 0x20;
/// The types of values in lib0's encoding.
const INTEGER: u8 = 125;
const TEXT: u8 = 119;
const OBJECT: u8 = 118;
const ARRAY: u8 = 117;
/// The map.
const MAP: &str = "strokes";
/// Bytes of a stroke's id: a hexadecimal number.
const ID_BYTES: usize = 32;
/// An update has the map's name among its first bytes.
const NAME_WITHIN: usize = 48;

/// A pen stroke in lib0's encoding, with absolute coordinates.
pub fn body() -> Vec<u8> {
    let (x, y) = (fastrand::i32(0..4000), fastrand::i32(0..4000));
    let mut out = vec![OBJECT, 4];
    text(&mut out, "kind");
    out.push(TEXT);
    text(&mut out, "pen");
    text(&mut out, "colour");
    out.push(TEXT);
    text(&mut out, "#1d1d1f");
    text(&mut out, "width");
    integer(&mut out, 4);
    text(&mut out, "points");
    let points = frames::points();
    out.push(ARRAY);
    unsigned(&mut out, 2 * points.len() as u64);
    for point in points {
        integer(&mut out, x + point.x);
        integer(&mut out, y + point.y);
    }
    out
}

/// The message of the update that is the `n`th one of a client, counted from 1: one more stroke.
pub fn draw(client: u32, n: u64, run: u64, stroke: usize, body: &[u8]) -> Vec<u8> {
    // One client with one item.
    let mut update = vec![1, 1];
    unsigned(&mut update, client.into());
    unsigned(&mut update, n - 1);
    // Its parent is a map of the document, by its name.
    update.extend([ENTRY, 1]);
    text(&mut update, MAP);
    text(&mut update, &format!("{run:016x}{stroke:016x}"));
    // One value, and nothing deleted.
    update.push(1);
    update.extend(body);
    update.push(0);
    let mut message = vec![SYNC, UPDATE];
    unsigned(&mut message, update.len() as u64);
    message.extend(update);
    message
}

/// The number of the stroke in a message, if it is one of this run.
pub fn stroke_in(run: u64, message: &[u8]) -> Option<usize> {
    if !message.starts_with(&[SYNC, UPDATE]) {
        return None;
    }
    let start = &message[..message.len().min(NAME_WITHIN)];
    let name = start
        .windows(MAP.len())
        .position(|bytes| bytes == MAP.as_bytes())?;
    let id = message[name + MAP.len() + 1..].get(..ID_BYTES)?;
    let (of, number) = std::str::from_utf8(id).ok()?.split_at(ID_BYTES / 2);
    let same_run = u64::from_str_radix(of, 16).ok()? == run;
    let number = usize::from_str_radix(number, 16).ok()?;
    same_run.then_some(number)
}

/// Connects a page that has what the server has.
pub async fn open(server: &Server, drawing: &str) -> Result<Socket, Error> {
    let address = server.next_address();
    let request = socket::request(address, &format!("/{drawing}"));
    let (mut socket, _) = socket::open(address, request, None).await?;
    while let Some(message) = socket.next().await {
        if message?.into_data().starts_with(&[SYNC, STEP_1]) {
            return Ok(socket);
        }
    }
    Err(Error::ConnectionClosed)
}

/// lib0's `writeVarUint`.
fn unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    out.push(number as u8);
}

/// lib0's `writeVarString`.
fn text(out: &mut Vec<u8>, text: &str) {
    unsigned(out, text.len() as u64);
    out.extend(text.as_bytes());
}

/// An integer as a value: lib0's `writeVarInt`, which has the sign in its first byte.
fn integer(out: &mut Vec<u8>, number: i32) {
    let sign = if number < 0 { 0x40 } else { 0 };
    let number = u64::from(number.unsigned_abs());
    let more = if number > 0x3f { 0x80 } else { 0 };
    out.extend([INTEGER, more | sign | (number & 0x3f) as u8]);
    if more != 0 {
        unsigned(out, number >> 6);
    }
}
