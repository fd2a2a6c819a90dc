//! A TCP link between any two ends, which can be cut, slowed down, or silenced.
//!
//! It must never change or reorder bytes, and never pass on bytes after dropped ones.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::wait::DEADLINE;

/// Most bytes read at once.
const CHUNK: usize = 16 * 1024;
/// Most chunks in flight in one direction of one connection.
const ON_THE_WAY: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    /// Bytes pass.
    Open,
    /// Connections are closed, and so are new ones.
    Cut,
    /// Connections stay open, and all bytes are dropped without notifying either end.
    Silent,
}

/// Which bytes are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Nothing,
    /// Holds back everything from the first large chunk to the target on.
    FromLarge,
    All,
}

#[derive(Clone, Copy, Debug)]
struct Weather {
    passage: Passage,
    hold: Hold,
    /// Delay of each byte, in each direction.
    delay: Duration,
    /// Bytes per second in each direction of each connection.
    rate: Option<u32>,
    /// Connections before this one are silent, whatever the state of the link.
    forgotten: u64,
    /// This connection is silent as well.
    deaf: Option<u64>,
}

impl Weather {
    fn passage(&self, connection: u64) -> Passage {
        match self.passage {
            Passage::Open if connection < self.forgotten || self.deaf == Some(connection) => {
                Passage::Silent
            }
            passage => passage,
        }
    }
}

/// The link; when it is dropped, all its connections close.
pub struct FaultyProxy {
    /// The address it listens on.
    pub address: SocketAddr,
    weather: Arc<watch::Sender<Weather>>,
    /// Number of connections so far.
    connections: Arc<AtomicU64>,
    /// Bytes in flight to the target.
    outbound: watch::Sender<usize>,
    listening: JoinHandle<()>,
}

impl FaultyProxy {
    /// A link to this address, open and fast.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let weather = Arc::new(watch::Sender::new(Weather {
            passage: Passage::Open,
            hold: Hold::Nothing,
            delay: Duration::ZERO,
            rate: None,
            forgotten: 0,
            deaf: None,
        }));
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicU64::new(0));
        let outbound = watch::Sender::new(0);
        let (made, numbers, counted) = (weather.clone(), connections.clone(), outbound.clone());
        let listening = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let connection = Connection {
                    number: numbers.fetch_add(1, Ordering::SeqCst),
                    weather: made.clone(),
                };
                tokio::spawn(connection.live(near, target, counted.clone()));
            }
        });
        Self {
            address,
            weather,
            connections,
            outbound,
            listening,
        }
    }

    /// Closes all connections, and each new one, until it is healed.
    pub fn cut(&self) {
        self.weather
            .send_modify(|weather| weather.passage = Passage::Cut);
    }

    /// Drops all bytes from now on without closing: both ends have a half-open connection.
    pub fn silence(&self) {
        self.weather
            .send_modify(|weather| weather.passage = Passage::Silent);
    }

    /// Drops all bytes of the current connections without closing them, like a router that lost its
    /// state. New ones work.
    pub fn forget(&self) {
        let forgotten = self.connections();
        self.weather
            .send_modify(|weather| weather.forgotten = forgotten);
    }

    /// Silences one connection, by its number: 0 for the first.
    pub fn silence_one(&self, connection: u64) {
        self.weather
            .send_modify(|weather| weather.deaf = Some(connection));
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Passes bytes again. Connections that lost some are closed.
    pub fn heal(&self) {
        self.weather.send_modify(|weather| {
            weather.passage = Passage::Open;
            weather.forgotten = 0;
            weather.deaf = None;
        });
    }

    /// Passes everything until a whole [`CHUNK`] arrives at once on its way to the target; holds
    /// that and everything after it back, in both directions, until released. Both connections stay
    /// open.
    pub fn hold_from_large(&self) {
        self.weather
            .send_modify(|weather| weather.hold = Hold::FromLarge);
    }

    /// Releases held bytes.
    pub fn release(&self) {
        self.weather
            .send_modify(|weather| weather.hold = Hold::Nothing);
    }

    /// Bytes that are on their way to the target.
    pub fn outbound(&self) -> usize {
        *self.outbound.borrow()
    }

    /// Waits until this many bytes are in flight to the target at once.
    pub async fn carries(&self, bytes: usize) {
        let mut outbound = self.outbound.subscribe();
        let held = timeout(DEADLINE, outbound.wait_for(|held| *held >= bytes)).await;
        drop(
            held.expect("bytes come in time")
                .expect("the link is there"),
        );
    }

    /// Waits until no bytes are in flight to the target.
    pub async fn is_empty(&self) {
        let mut outbound = self.outbound.subscribe();
        let held = timeout(DEADLINE, outbound.wait_for(|held| *held == 0)).await;
        drop(
            held.expect("bytes arrive in time")
                .expect("the link is there"),
        );
    }

    /// Sets the delay of each byte, except for bytes in flight.
    pub fn delay(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// Sets the bytes per second of each direction of each connection.
    pub fn throttle(&self, rate: Option<u32>) {
        self.weather.send_modify(|weather| weather.rate = rate);
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
    weather: Arc<watch::Sender<Weather>>,
}

impl Connection {
    fn passage(&self) -> Passage {
        self.weather.borrow().passage(self.number)
    }

    async fn live(self, near: TcpStream, target: SocketAddr, outbound: watch::Sender<usize>) {
        let mut weather = self.weather.subscribe();
        let broken = async {
            let passage = |weather: &Weather| weather.passage(self.number);
            // A dropped link was cut before.
            let _ = weather.wait_for(|now| passage(now) != Passage::Open).await;
            let _ = weather
                .wait_for(|now| passage(now) != Passage::Silent)
                .await;
        };
        tokio::select! {
            () = broken => {}
            () = self.carry(near, target, outbound) => {}
        }
    }

    async fn carry(&self, near: TcpStream, target: SocketAddr, outbound: watch::Sender<usize>) {
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
        let inbound = watch::Sender::new(0);
        tokio::join!(
            self.one_way(near_reads, far_writes, &outbound, |bytes| self
                .notices(bytes)),
            self.one_way(far_reads, near_writes, &inbound, |_| ()),
        );
    }

    /// This many bytes arrived at once on their way to the target.
    fn notices(&self, bytes: usize) {
        self.weather.send_if_modified(|weather| {
            let begins = weather.hold == Hold::FromLarge && bytes == CHUNK;
            if begins {
                weather.hold = Hold::All;
            }
            begins
        });
    }

    /// Carries one direction to its end; `comes` receives the number of bytes before they are
    /// passed on. Bytes sent before an end broke still arrive, as on a network.
    async fn one_way(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        held: &watch::Sender<usize>,
        comes: impl Fn(usize),
    ) {
        let held = Held::none(held);
        let (sender, mut on_the_way) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
        let reading = async {
            // Ends with the reading side, which ends the writing side.
            let sender = sender;
            let mut buffer = vec![0; CHUNK];
            while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
                comes(bytes);
                held.add(bytes as isize);
                let due = Instant::now() + self.weather.borrow().delay;
                if sender.send((due, buffer[..bytes].to_vec())).await.is_err() {
                    return;
                }
            }
        };
        let writing = async {
            while let Some((due, bytes)) = on_the_way.recv().await {
                sleep_until(due).await;
                let mut weather = self.weather.subscribe();
                let _ = weather.wait_for(|weather| weather.hold != Hold::All).await;
                let written = match self.passage() {
                    Passage::Open => to.write_all(&bytes).await,
                    Passage::Cut | Passage::Silent => Ok(()),
                };
                held.add(-(bytes.len() as isize));
                if written.is_err() {
                    return;
                }
                let rate = self.weather.borrow().rate;
                if let Some(rate) = rate {
                    sleep(Duration::from_secs_f64(
                        bytes.len() as f64 / f64::from(rate),
                    ))
                    .await;
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

/// The bytes in flight of one direction of one connection, counted in the link's total.
struct Held<'a> {
    all: &'a watch::Sender<usize>,
    mine: AtomicIsize,
}

impl<'a> Held<'a> {
    fn none(all: &'a watch::Sender<usize>) -> Self {
        let mine = AtomicIsize::new(0);
        Self { all, mine }
    }

    fn add(&self, bytes: isize) {
        self.mine.fetch_add(bytes, Ordering::SeqCst);
        self.all
            .send_modify(|all| *all = all.saturating_add_signed(bytes));
    }
}

impl Drop for Held<'_> {
    /// Bytes in flight of a broken connection are lost.
    fn drop(&mut self) {
        self.add(-self.mine.load(Ordering::SeqCst));
    }
}
