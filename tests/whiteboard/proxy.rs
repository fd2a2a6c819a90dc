//! A TCP proxy that can stall a connection without closing it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// It forwards to one address until this is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    /// For each connection, in order of arrival, whether it is stalled.
    swallowed: Arc<Mutex<Vec<watch::Sender<bool>>>>,
    accepting: actix_web::rt::task::JoinHandle<()>,
}

impl Proxy {
    /// A proxy in front of `server`.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let swallowed = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::clone(&swallowed);
        let accepting = actix_web::rt::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(server).await.expect("a server");
                let swallow = watch::Sender::new(false);
                let (from_near, to_near) = near.into_split();
                let (from_far, to_far) = far.into_split();
                actix_web::rt::spawn(forward(from_near, to_far, swallow.subscribe()));
                actix_web::rt::spawn(forward(from_far, to_near, swallow.subscribe()));
                connections.lock().unwrap().push(swallow);
            }
        });
        Self {
            address,
            swallowed,
            accepting,
        }
    }

    /// From now on a connection carries nothing, and neither side is notified.
    pub fn swallow(&self, connection: usize) {
        self.swallowed.lock().unwrap()[connection].send_replace(true);
    }

    /// Number of connections so far.
    pub fn connections(&self) -> usize {
        self.swallowed.lock().unwrap().len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, swallow: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if !*swallow.borrow() && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
    // A stalled connection also ends silently.
    if *swallow.borrow() {
        std::future::pending::<()>().await;
    }
}
