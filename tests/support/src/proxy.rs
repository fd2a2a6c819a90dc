//! A TCP link between any two ends, which can be cut, slowed down, or silenced.
//!
//! It must never change or reorder bytes, and never pass on bytes after dropped ones.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

/// Most bytes read at once.
const CHUNK: usize = 16 * 1024;
/// Most chunks in flight in one direction of one connection.
const IN_FLIGHT: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    /// Bytes pass.
    Open,
    /// Connections are closed, and so are new ones.
    Cut,
    /// Connections stay open, and all bytes are dropped without notifying either end.
    Silent,
}

#[derive(Clone, Copy, Debug)]
struct Faults {
    passage: Passage,
    /// Delay of each byte, in each direction.
    delay: Duration,
    /// Bytes per second in each direction of each connection.
    rate: Option<u32>,
    /// Connections before this one are silent, whatever the state of the link.
    forgotten: u64,
    /// This connection is silent as well.
    silent: Option<u64>,
}

impl Faults {
    fn passage(&self, connection: u64) -> Passage {
        let is_silent = connection < self.forgotten || self.silent == Some(connection);
        match self.passage {
            Passage::Open if is_silent => Passage::Silent,
            passage => passage,
        }
    }
}

/// The link; when it is dropped, all its connections close.
pub struct FaultyProxy {
    /// The address it listens on.
    pub address: SocketAddr,
    faults: Arc<watch::Sender<Faults>>,
    connections: Arc<AtomicU64>,
    listening: JoinHandle<()>,
}

impl FaultyProxy {
    /// A link to this address, open and fast.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let faults = Arc::new(watch::Sender::new(Faults {
            passage: Passage::Open,
            delay: Duration::ZERO,
            rate: None,
            forgotten: 0,
            silent: None,
        }));
        let connections = Arc::new(AtomicU64::new(0));
        let (shared, numbers) = (faults.clone(), connections.clone());
        let listening = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let number = numbers.fetch_add(1, Ordering::SeqCst);
                let faults = shared.clone();
                tokio::spawn(Connection { number, faults }.run(near, target));
            }
        });
        Self {
            address,
            faults,
            connections,
            listening,
        }
    }

    /// Closes all connections, and each new one, until it is healed.
    pub fn cut(&self) {
        self.faults
            .send_modify(|faults| faults.passage = Passage::Cut);
    }

    /// Drops all bytes from now on without closing: both ends have a half-open connection.
    pub fn silence(&self) {
        self.faults
            .send_modify(|faults| faults.passage = Passage::Silent);
    }

    /// Drops all bytes of the current connections without closing them, like a router that lost its
    /// state. New ones work.
    pub fn forget(&self) {
        let forgotten = self.connections();
        self.faults
            .send_modify(|faults| faults.forgotten = forgotten);
    }

    /// Silences one connection, by its number: 0 for the first.
    pub fn silence_one(&self, connection: u64) {
        self.faults
            .send_modify(|faults| faults.silent = Some(connection));
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Passes bytes again. Connections that lost some are closed.
    pub fn heal(&self) {
        self.faults.send_modify(|faults| {
            faults.passage = Passage::Open;
            faults.forgotten = 0;
            faults.silent = None;
        });
    }

    /// Sets the delay of each byte, except for bytes in flight.
    pub fn delay(&self, delay: Duration) {
        self.faults.send_modify(|faults| faults.delay = delay);
    }

    /// Sets the bytes per second of each direction of each connection.
    pub fn throttle(&self, rate: Option<u32>) {
        self.faults.send_modify(|faults| faults.rate = rate);
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

/// One connection: its number, and the state of the link.
struct Connection {
    number: u64,
    faults: Arc<watch::Sender<Faults>>,
}

impl Connection {
    fn passage(&self) -> Passage {
        self.faults.borrow().passage(self.number)
    }

    async fn run(self, near: TcpStream, target: SocketAddr) {
        let mut faults = self.faults.subscribe();
        let broken = async {
            let passage = |faults: &Faults| faults.passage(self.number);
            // A dropped link was cut before.
            let _ = faults.wait_for(|now| passage(now) != Passage::Open).await;
            let _ = faults.wait_for(|now| passage(now) != Passage::Silent).await;
        };
        tokio::select! {
            () = broken => {}
            () = self.carry(near, target) => {}
        }
    }

    async fn carry(&self, near: TcpStream, target: SocketAddr) {
        match self.passage() {
            Passage::Open => {}
            Passage::Cut => return,
            // Both halves are kept, so that the near connection stays open.
            Passage::Silent => {
                let (mut reads, _writes) = near.into_split();
                let mut buffer = vec![0; CHUNK];
                while reads.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
                return std::future::pending().await;
            }
        }
        let Ok(far) = TcpStream::connect(target).await else {
            return;
        };
        // Without it small messages would wait for each other.
        let _ = near.set_nodelay(true);
        let _ = far.set_nodelay(true);
        let (near_reads, near_writes) = near.into_split();
        let (far_reads, far_writes) = far.into_split();
        tokio::join!(
            self.one_way(near_reads, far_writes),
            self.one_way(far_reads, near_writes),
        );
    }

    /// Carries one direction to its end. Bytes sent before an end broke still arrive, as on a network.
    async fn one_way(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let (sender, mut in_flight) = mpsc::channel::<(Instant, Vec<u8>)>(IN_FLIGHT);
        let reading = async {
            // Ends with the reading side, which ends the writing side.
            let sender = sender;
            let mut buffer = vec![0; CHUNK];
            while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
                let due = Instant::now() + self.faults.borrow().delay;
                if sender.send((due, buffer[..bytes].to_vec())).await.is_err() {
                    return;
                }
            }
        };
        let writing = async {
            while let Some((due, bytes)) = in_flight.recv().await {
                sleep_until(due).await;
                if self.passage() == Passage::Open && to.write_all(&bytes).await.is_err() {
                    return;
                }
                let rate = self.faults.borrow().rate;
                if let Some(rate) = rate {
                    let seconds = bytes.len() as f64 / f64::from(rate);
                    sleep(Duration::from_secs_f64(seconds)).await;
                }
            }
            // A silent end keeps the other connection open.
            if self.passage() == Passage::Silent {
                std::future::pending::<()>().await;
            }
            let _ = to.shutdown().await;
        };
        tokio::join!(reading, writing);
    }
}
