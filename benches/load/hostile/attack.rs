//! An attacking socket, and a program that does as little as possible with it.

use std::time::Duration;

use support::raw::take_frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout, timeout_at};

use super::WATCHED;

/// Most bytes sent by each: 1.5 GB together.
const EACH_SENDS: usize = 15_000_000;
/// Bytes that the plain listener reads of each attacker.
const PLAIN_READS: usize = 64 * 1024;
/// Longest time that the plain listener waits for bytes of an attacker.
const PLAIN_WAITS: Duration = Duration::from_secs(1);
/// Receive buffer of a reader that does not read, in bytes.
const RECEIVE_BUFFER: u32 = 16 * 1024;
/// Send buffer of an attacker, in bytes. Otherwise the kernel takes megabytes of each attacker's
/// bytes, and copying those is this program's work, not the server's: it kept both processors busy
/// for 150 ms.
const SEND_BUFFER: u32 = 64 * 1024;
/// An unfinished message of each socket: bytes per fragment, number of fragments, and part of
/// another one.
const FRAGMENTS: (usize, usize) = (5, 50 * 1024);
const PART: (usize, usize) = (4 * 1024, 2 * 1024);
/// Interval of single bytes.
const BYTE_EACH: Duration = Duration::from_secs(1);

/// The bytes that an attacker sends on its socket.
#[derive(Clone)]
pub struct Attack {
    /// The frame with which each asks to be let in, if any.
    hello: Option<String>,
    first: Vec<u8>,
    /// Whether to repeat them.
    then: Vec<u8>,
    /// Pause before each.
    pause: Duration,
}

impl Attack {
    /// A header that announces 2^40 bytes, followed by these.
    pub fn huge() -> Self {
        let mut first = vec![0x81, 0xff];
        first.extend((1_u64 << 40).to_be_bytes());
        first.extend([0; 4]);
        let then = vec![b'x'; 64 * 1024];
        let pause = Duration::ZERO;
        Self {
            hello: None,
            first,
            then,
            pause,
        }
    }

    /// Pings without a payload, masked with a key of zeros.
    pub fn pings() -> Self {
        Self {
            hello: None,
            first: Vec::new(),
            then: [0x89, 0x80, 0, 0, 0, 0].repeat(10 * 1024),
            pause: Duration::ZERO,
        }
    }

    /// Repeats texts, from a socket that has said hello if there is one.
    pub fn texts(hello: Option<String>, texts: &[String]) -> Self {
        let frames: Vec<_> = texts.iter().flat_map(|text| masked(text)).collect();
        Self {
            hello,
            first: Vec::new(),
            then: frames.repeat((64 * 1024 / frames.len()).max(1)),
            pause: Duration::ZERO,
        }
    }

    /// A text in fragments, without the last one and without the end of the one before it.
    pub fn fragments() -> Self {
        let (count, bytes) = FRAGMENTS;
        let header = |first: u8, bytes: usize| {
            let [high, low] = (bytes as u16).to_be_bytes();
            [first, 0xfe, high, low, 0, 0, 0, 0]
        };
        let mut first = Vec::new();
        for fragment in 0..count {
            first.extend(header(u8::from(fragment == 0), bytes));
            first.resize(first.len() + bytes, b' ');
        }
        let (announced, sent) = PART;
        first.extend(header(0, announced));
        first.resize(first.len() + sent, b' ');
        Self {
            hello: None,
            first,
            then: Vec::new(),
            pause: Duration::ZERO,
        }
    }

    /// A large frame, byte by byte.
    pub fn slowly() -> Self {
        Self {
            hello: None,
            first: vec![0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0],
            then: vec![b' '],
            pause: BYTE_EACH,
        }
    }

    /// Sends and reads until it is closed or its time is over; returns the close reason.
    pub async fn run(self, address: std::net::SocketAddr, host: String, drawing: String) -> String {
        let until = tokio::time::Instant::now() + WATCHED;
        let Ok(mut stream) = connect(address).await else {
            return "no connection".into();
        };
        let request = format!(
            "GET /ws/{drawing}?since=0 HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: whiteboard.v1\r\n\r\n"
        );
        let mut start = request.into_bytes();
        start.extend(self.hello.as_deref().map(masked).unwrap_or_default());
        if stream.write_all(&start).await.is_err() {
            return "no handshake".into();
        }
        let (mut reading, mut writing) = stream.split();
        let sending = async {
            let mut sent = self.first.len();
            let mut going = writing.write_all(&self.first).await.is_ok();
            while going && sent < EACH_SENDS && !self.then.is_empty() {
                sleep(self.pause).await;
                going = writing.write_all(&self.then).await.is_ok();
                sent += self.then.len();
            }
            std::future::pending::<()>().await;
        };
        let hearing = async {
            let mut heard = Vec::new();
            while reading
                .read_buf(&mut heard)
                .await
                .is_ok_and(|read| read > 0)
            {
                if let Some(reason) = reason(&mut heard) {
                    return reason;
                }
            }
            "cut".into()
        };
        tokio::select! {
            () = sending => unreachable!("it never ends"),
            told = timeout_at(until, hearing) => told.unwrap_or_else(|_| "open".into()),
        }
    }
}

/// A text frame of less than 64 KiB, masked with a key of zeros.
fn masked(text: &str) -> Vec<u8> {
    let [high, low] = (text.len() as u16).to_be_bytes();
    let mut frame = match text.len() {
        0..126 => vec![0x81, 0x80 | low, 0, 0, 0, 0],
        _ => vec![0x81, 0xfe, high, low, 0, 0, 0, 0],
    };
    frame.extend(text.as_bytes());
    frame
}

/// The close reason, if it is among the received bytes; drops those before it.
fn reason(heard: &mut Vec<u8>) -> Option<String> {
    if heard.starts_with(b"HTTP") {
        let end = heard.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        heard.drain(..end);
    }
    while let Some((first, payload)) = take_frame(heard) {
        if first == 0x88 {
            let code = u16::from_be_bytes([*payload.first()?, *payload.get(1)?]);
            let text = String::from_utf8_lossy(&payload[2..]);
            return Some(format!("{code} {text}"));
        }
    }
    None
}

pub async fn connect(address: std::net::SocketAddr) -> Result<TcpStream, String> {
    let socket = TcpSocket::new_v4().map_err(|error| error.to_string())?;
    let small = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    small.map_err(|error| error.to_string())?;
    let small = socket.set_send_buffer_size(SEND_BUFFER);
    small.map_err(|error| error.to_string())?;
    socket
        .connect(address)
        .await
        .map_err(|error| error.to_string())
}

/// Starts a listener that reads a little of each socket, closes it with a reason, and no more.
pub async fn plain_listener() -> Result<std::net::SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut read = vec![0; PLAIN_READS];
                let mut length = 0;
                while length < PLAIN_READS {
                    match timeout(PLAIN_WAITS, stream.read(&mut read[length..])).await {
                        Ok(Ok(more)) if more > 0 => length += more,
                        _ => break,
                    }
                }
                let close = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x88\x02\x11\x30";
                let _ = stream.write_all(close).await;
                let _ = stream.shutdown().await;
                let _ = timeout(PLAIN_WAITS, stream.read(&mut read)).await;
            });
        }
    });
    Ok(address)
}
