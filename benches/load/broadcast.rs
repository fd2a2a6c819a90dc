//! The bare broadcast: the naive implementation, for comparison.
//!
//! Every text frame is sent to all others in its drawing; nothing is checked, ordered or stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use whiteboard::protocol::SUBPROTOCOL;

/// Frames that a client may be behind before it loses some: a quarter of a second at a high rate.
const CAPACITY: usize = 4096;
/// The frame that a client waits for before it draws.
pub const WELCOME: &str = r#"{"type":"welcome"}"#;

type Drawings = Arc<Mutex<HashMap<String, broadcast::Sender<(u64, Utf8Bytes)>>>>;

/// Serves until it is killed, at the latest when the parent process ends.
pub fn serve() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(accept());
}

async fn accept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    eprintln!("http://{}", listener.local_addr().expect("its address"));
    let drawings = Drawings::default();
    for page in 0.. {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(session(stream, page, drawings.clone()))),
            Err(error) => eprintln!("{error}"),
        }
    }
}

async fn session(stream: TcpStream, page: u64, drawings: Drawings) {
    let _ = stream.set_nodelay(true);
    let mut drawing = String::new();
    // Its size is given by tungstenite, which calls this once.
    #[allow(clippy::result_large_err)]
    let read_path = |request: &Request, mut response: Response| {
        drawing = request.uri().path().to_owned();
        response.headers_mut().insert(
            "sec-websocket-protocol",
            HeaderValue::from_static(SUBPROTOCOL),
        );
        Ok(response)
    };
    let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, read_path).await else {
        return;
    };
    let everybody = drawings
        .lock()
        .expect("nobody panics with it")
        .entry(drawing)
        .or_insert_with(|| broadcast::channel(CAPACITY).0)
        .clone();
    let mut heard = everybody.subscribe();
    let (mut to_page, mut from_page) = socket.split();
    let writer = tokio::spawn(async move {
        to_page.send(Message::text(WELCOME)).await?;
        loop {
            match heard.recv().await {
                Ok((from, _)) if from == page => {}
                Ok((_, text)) => to_page.send(Message::Text(text)).await?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
        }
        #[allow(unreachable_code)]
        Ok::<_, tokio_tungstenite::tungstenite::Error>(())
    });
    while let Some(Ok(message)) = from_page.next().await {
        if let Message::Text(text) = message {
            let _ = everybody.send((page, text));
        }
    }
    writer.abort();
}
