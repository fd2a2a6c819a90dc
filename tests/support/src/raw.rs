//! A peer that sends bytes, not messages: it may stop anywhere, and need not read.
//!
//! Every wait has a deadline.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::socket::Closed;
use crate::wait::DEADLINE;

/// Receive buffer of a peer that does not read, in bytes.
const SMALL_BUFFER: u32 = 8 * 1024;

/// One connection.
pub struct RawSocket {
    /// The connection itself.
    pub stream: TcpStream,
    /// Bytes read and not parsed yet.
    read: Vec<u8>,
}

impl RawSocket {
    /// Connects, and sends nothing.
    pub async fn connect(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(SMALL_BUFFER).unwrap();
        let stream = socket.connect(address).await.expect("a connection");
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Opens a WebSocket under this host name.
    pub async fn upgraded(address: SocketAddr, host: &str, drawing: &str) -> Self {
        let mut socket = Self::connect(address).await;
        socket.say(&handshake(host, drawing)).await;
        let head = socket.head().await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        socket
    }

    /// Sends text, unless the connection has ended.
    pub async fn say(&mut self, text: &str) {
        self.send(text.as_bytes()).await;
    }

    /// Sends bytes; returns whether all were written.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = timeout(DEADLINE, self.stream.write_all(bytes)).await;
        matches!(sent, Ok(Ok(())))
    }

    /// The head of an answer.
    pub async fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.read.drain(..at + 4).collect();
                return String::from_utf8(head).expect("text");
            }
            assert!(self.more().await > 0, "it ended within {:?}", self.read);
        }
    }

    /// All bytes until the connection ends.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await > 0 {}
        std::mem::take(&mut self.read)
    }

    /// The payload of the first frame that contains this.
    pub async fn frame_with(&mut self, part: &[u8]) -> Vec<u8> {
        loop {
            while let Some((_, payload)) = take_frame(&mut self.read) {
                if payload.windows(part.len()).any(|window| window == part) {
                    return payload;
                }
            }
            assert!(self.more().await > 0, "it ended without such a frame");
        }
    }

    /// How the WebSocket is closed.
    pub async fn closed(&mut self) -> Closed {
        loop {
            while let Some((first, payload)) = take_frame(&mut self.read) {
                if first == 0x88 {
                    let code = u16::from_be_bytes([payload[0], payload[1]]);
                    let reason = String::from_utf8(payload[2..].to_vec()).expect("text");
                    return Closed { code, reason };
                }
            }
            assert!(self.more().await > 0, "it ended without a reason");
        }
    }

    /// Reads once; returns the number of bytes. A reset counts as the end.
    async fn more(&mut self) -> usize {
        let reading = timeout(DEADLINE, self.stream.read_buf(&mut self.read));
        reading
            .await
            .expect("something within the deadline")
            .unwrap_or(0)
    }
}

/// The request that opens a WebSocket of a drawing under this host name.
pub fn handshake(host: &str, drawing: &str) -> String {
    format!(
        "GET /ws/{drawing}?since=0 HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: whiteboard.v1\r\n\r\n"
    )
}

/// Takes the first whole frame out of received bytes: its first byte, and its payload.
pub fn take_frame(read: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let (&first, &length) = (read.first()?, read.get(1)?);
    let (size, length) = match length {
        126 => {
            let bytes = read.get(2..4)?.try_into().ok()?;
            (4, usize::from(u16::from_be_bytes(bytes)))
        }
        127 => {
            let bytes = read.get(2..10)?.try_into().ok()?;
            (10, u64::from_be_bytes(bytes) as usize)
        }
        short => (2, usize::from(short)),
    };
    let payload = read.get(size..size + length)?.to_vec();
    read.drain(..size + length);
    Some((first, payload))
}
