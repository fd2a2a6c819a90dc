//! A TCP link of the tests' own between any two ends, which can be cut, slowed down, or go silent.
//!
//! It must never change or reorder bytes, and never pass on what comes after bytes it dropped.

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

use crate::test_user::DEADLINE;

/// Bytes that are carried at once.
const CHUNK: usize = 16 * 1024;
/// Chunks that may be on their way in one direction of one connection.
const ON_THE_WAY: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    /// Bytes are carried.
    Open,
    /// Connections are closed, and so is each that comes.
    Cut,
    /// Connections stay, and all bytes are dropped: neither end learns of it.
    Silent,
}

/// Which bytes are kept for later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Nothing,
    /// Nothing until something large comes on its way to the target; that, and all after it.
    FromLarge,
    All,
}

#[derive(Clone, Copy, Debug)]
struct Weather {
    passage: Passage,
    hold: Hold,
    /// How long each byte is on its way, in each direction.
    delay: Duration,
    /// Bytes a second in each direction of each connection.
    rate: Option<u32>,
    /// Connections before this one are silent, whatever the others are.
    forgotten: u64,
    /// And this one.
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
    /// Where it listens.
    pub address: SocketAddr,
    weather: Arc<watch::Sender<Weather>>,
    /// How many connections there were.
    connections: Arc<AtomicU64>,
    /// Bytes that are on their way to the target.
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

    /// Closes all connections, and each that comes, until it is healed.
    pub fn cut(&self) {
        self.weather
            .send_modify(|weather| weather.passage = Passage::Cut);
    }

    /// Drops all bytes from now on and closes nothing: both ends have a half-open connection.
    pub fn silence(&self) {
        self.weather
            .send_modify(|weather| weather.passage = Passage::Silent);
    }

    /// Drops all bytes of the connections that are open now and closes none, as a router does that
    /// forgot them. New ones are carried.
    pub fn forget(&self) {
        let forgotten = self.connections();
        self.weather
            .send_modify(|weather| weather.forgotten = forgotten);
    }

    /// Drops all bytes of one connection, by when it was made: 0 for the first of all.
    pub fn silence_one(&self, connection: u64) {
        self.weather
            .send_modify(|weather| weather.deaf = Some(connection));
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Carries bytes again. Connections that lost some are closed.
    pub fn heal(&self) {
        self.weather.send_modify(|weather| {
            weather.passage = Passage::Open;
            weather.forgotten = 0;
            weather.deaf = None;
        });
    }

    /// Carries everything until a whole [`CHUNK`] comes at once on its way to the target; keeps
    /// that and all that comes after it, in both directions, until it releases them. Both ends find
    /// their connections open.
    pub fn hold_from_large(&self) {
        self.weather
            .send_modify(|weather| weather.hold = Hold::FromLarge);
    }

    /// Lets go of what it held.
    pub fn release(&self) {
        self.weather
            .send_modify(|weather| weather.hold = Hold::Nothing);
    }

    /// Bytes that are on their way to the target.
    pub fn outbound(&self) -> usize {
        *self.outbound.borrow()
    }

    /// Waits until so many bytes are on their way to the target at once.
    pub async fn carries(&self, bytes: usize) {
        let mut outbound = self.outbound.subscribe();
        let held = timeout(DEADLINE, outbound.wait_for(|held| *held >= bytes)).await;
        drop(
            held.expect("bytes come in time")
                .expect("the link is there"),
        );
    }

    /// Waits until nothing is on its way to the target.
    pub async fn is_empty(&self) {
        let mut outbound = self.outbound.subscribe();
        let held = timeout(DEADLINE, outbound.wait_for(|held| *held == 0)).await;
        drop(
            held.expect("bytes arrive in time")
                .expect("the link is there"),
        );
    }

    /// From now on each byte is on its way for so long. What is on its way already is not told.
    pub fn delay(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// From now on each direction of each connection carries so many bytes a second.
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

/// One connection: its number, and what the weather is.
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
            // A link that is gone was cut before.
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
            // Both halves are kept, so that the near end finds its connection open.
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

    /// So many bytes came at once on their way to the target.
    fn notices(&self, bytes: usize) {
        self.weather.send_if_modified(|weather| {
            let begins = weather.hold == Hold::FromLarge && bytes == CHUNK;
            if begins {
                weather.hold = Hold::All;
            }
            begins
        });
    }

    /// Carries one direction to its end; `comes` is told how many bytes came, before they go on.
    /// What was sent before an end broke arrives all the same, as it does on a network.
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
            // Ends with the reading, which tells the writing that nothing more comes.
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
            // An end that is told to nobody keeps the other one open.
            if self.passage() == Passage::Silent {
                std::future::pending::<()>().await;
            }
            let _ = to.shutdown().await;
        };
        tokio::join!(reading, writing);
    }
}

/// What one direction of one connection has on its way, as part of what the link has.
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
    /// What a connection that breaks had on its way arrives nowhere.
    fn drop(&mut self) {
        self.add(-self.mine.load(Ordering::SeqCst));
    }
}
