//! Opening a WebSocket as the browser client does.

use std::net::SocketAddr;

use futures_util::StreamExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use whiteboard::protocol::SUBPROTOCOL;

use crate::wait::DEADLINE;

/// An open WebSocket.
pub type Socket = WebSocketStream<TcpStream>;

/// How the server closed a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The close code; 1006 without a close frame.
    pub code: u16,
    /// The reason, or the error of a broken socket.
    pub reason: String,
}

impl Closed {
    /// That of a close frame.
    pub fn by(frame: Option<CloseFrame>) -> Self {
        match frame {
            Some(frame) => Self {
                code: frame.code.into(),
                reason: frame.reason.to_string(),
            },
            None => Self::with(1005, ""),
        }
    }

    /// A code and a reason.
    pub fn with(code: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { code, reason }
    }
}

/// A request to open a socket, with the headers of every client.
pub fn request(address: SocketAddr, path: &str) -> Request<()> {
    let request = format!("ws://{address}{path}").into_client_request();
    let mut request = request.expect("an address");
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    request
}

/// Opens a socket with any request, and a receive buffer of this size if one is given.
///
/// # Errors
///
/// That of the connection or the handshake.
pub async fn open(
    address: SocketAddr,
    request: Request<()>,
    buffer: Option<u32>,
) -> Result<(Socket, Response), Error> {
    let opening = async {
        let socket = TcpSocket::new_v4()?;
        if let Some(buffer) = buffer {
            socket.set_recv_buffer_size(buffer)?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        tokio_tungstenite::client_async(request, stream).await
    };
    let opened = timeout(DEADLINE, opening).await;
    opened.expect("the handshake takes too long")
}

/// The next text frame.
pub async fn text(socket: &mut Socket) -> String {
    let reading = async {
        while let Some(message) = socket.next().await {
            if let Message::Text(text) = message.expect("a frame") {
                return text.as_str().to_owned();
            }
        }
        panic!("the socket ended");
    };
    let read = timeout(DEADLINE, reading).await;
    read.expect("the frame takes too long")
}

/// How the server closes a socket that it rejects.
pub async fn rejected(address: SocketAddr, request: Request<()>) -> Closed {
    let (mut socket, _) = open(address, request, None).await.expect("a socket");
    closed(&mut socket).await
}

/// How the server closes a socket.
///
/// # Panics
///
/// When it is not closed in time, or without a reason.
pub async fn closed(socket: &mut Socket) -> Closed {
    let reading = async {
        while let Some(message) = socket.next().await {
            if let Message::Close(frame) = message.expect("a close frame") {
                return Closed::by(frame);
            }
        }
        panic!("the socket ended without a reason");
    };
    let closed = timeout(DEADLINE, reading).await;
    closed.expect("closing takes too long")
}
