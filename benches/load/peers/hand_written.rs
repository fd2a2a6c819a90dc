//! The least that a broadcast can cost: each text frame is decoded and encoded once, by hand, and
//! written to all others in its drawing at once, by one thread.
//!
//! It knows only what this benchmark sends: small text frames in one piece, from clients that read.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use whiteboard::protocol::SUBPROTOCOL;

use super::super::broadcast::WELCOME;
use super::wire;

/// Bytes of a frame or a request, at most.
const LIMIT: usize = 64 * 1024;
/// The first byte of a text frame in one piece, and of a close.
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
/// Lengths in the second byte that mean that the length follows, in two bytes or in eight.
const IN_TWO_BYTES: u8 = 126;
const IN_EIGHT_BYTES: u8 = 127;

type Pages = Rc<RefCell<Vec<Rc<TcpStream>>>>;

/// Serves until it is killed, at the latest when the parent process ends.
pub fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&runtime, accept());
}

async fn accept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    eprintln!("http://{}", listener.local_addr().expect("its address"));
    let drawings = Rc::new(RefCell::new(HashMap::<String, Pages>::new()));
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            continue;
        };
        let drawings = drawings.clone();
        spawn_local(async move {
            let Some(path) = handshake(&mut stream).await else {
                return;
            };
            let pages = drawings.borrow_mut().entry(path).or_default().clone();
            session(Rc::new(stream), &pages).await;
        });
    }
}

/// Answers a request for a socket, says welcome, and returns its path.
pub async fn handshake(stream: &mut TcpStream) -> Option<String> {
    let request = read_request(stream).await?;
    upgrade(stream, &request).await
}

/// Reads a request without a body.
pub async fn read_request(stream: &mut TcpStream) -> Option<String> {
    stream.set_nodelay(true).ok()?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if request.len() > LIMIT || stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
    String::from_utf8(request).ok()
}

/// Answers a request for a socket that was read, says welcome, and returns its path.
pub async fn upgrade(stream: &mut TcpStream, request: &str) -> Option<String> {
    let key = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then_some(value.trim())
    })?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream
        .write_all(&text_frame(WELCOME.as_bytes()))
        .await
        .ok()?;
    request.split(' ').nth(1).map(str::to_owned)
}

/// Sends what a page says to the others, until it closes.
async fn session(own: Rc<TcpStream>, pages: &Pages) {
    pages.borrow_mut().push(own.clone());
    read_frames(&own, |text| {
        let frame = text_frame(text);
        let mut pages = pages.borrow_mut();
        pages.retain(|page| Rc::ptr_eq(page, &own) || write(page, &frame));
    })
    .await;
    pages.borrow_mut().retain(|page| !Rc::ptr_eq(page, &own));
}

/// Takes each text that a page sends, until it closes.
pub async fn read_frames(page: &TcpStream, mut take: impl FnMut(&[u8])) {
    let mut read = Vec::with_capacity(LIMIT);
    while page.readable().await.is_ok() {
        match page.try_read_buf(&mut read) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        }
        let mut used = 0;
        while let Some((opcode, payload, bytes)) = split_frame(&mut read[used..]) {
            match opcode {
                TEXT => take(payload),
                CLOSE => return,
                _ => {}
            }
            used += bytes;
        }
        read.drain(..used);
    }
}

/// Writes a frame; a page that does not take all of it at once is disconnected, and false.
pub fn write(page: &TcpStream, frame: &[u8]) -> bool {
    let written = page.try_write(frame).is_ok_and(|n| n == frame.len());
    if !written {
        // Its own session still holds it.
        let _ = SockRef::from(page).shutdown(std::net::Shutdown::Both);
    }
    written
}

/// The first byte and the unmasked payload of the first frame, and the bytes of all of it.
fn split_frame(bytes: &mut [u8]) -> Option<(u8, &[u8], usize)> {
    let (opcode, length) = (*bytes.first()?, *bytes.get(1)? & 0x7f);
    let (length, header) = match length {
        IN_TWO_BYTES => {
            let length = bytes.get(2..4)?;
            (usize::from(u16::from_be_bytes([length[0], length[1]])), 4)
        }
        short => (usize::from(short), 2),
    };
    let (mask, payload) = (header, header + 4);
    if bytes.len() < payload + length {
        return None;
    }
    let all = payload + length;
    let (head, payload) = bytes[..all].split_at_mut(payload);
    for (at, byte) in payload.iter_mut().enumerate() {
        *byte ^= head[mask + at % 4];
    }
    Some((opcode, payload, all))
}

/// A text as a frame of a server.
pub fn text_frame(payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = Vec::with_capacity(wire::frame_bytes(length));
    frame.push(TEXT);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) if length < IN_TWO_BYTES => frame.push(length),
        (_, Ok(length)) => {
            frame.push(IN_TWO_BYTES);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(IN_EIGHT_BYTES);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}
