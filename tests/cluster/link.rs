//! A TCP link of the tests' own between any two ends, which can be cut, slowed down, or go silent.
//!
//! It must never change or reorder bytes, and never pass on what comes after bytes it dropped.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

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

#[derive(Clone, Copy, Debug)]
struct Weather {
    passage: Passage,
    /// The one connection that is silent while the others are open, by when it was made.
    deaf: Option<usize>,
    /// How long each byte is on its way, in each direction.
    delay: Duration,
    /// Bytes a second in each direction of each connection.
    rate: Option<u32>,
}

impl Weather {
    fn passage(&self, connection: usize) -> Passage {
        match self.passage {
            Passage::Open if self.deaf == Some(connection) => Passage::Silent,
            passage => passage,
        }
    }
}

/// The link; when it is dropped, all its connections close.
pub struct Link {
    /// Where it listens.
    pub address: SocketAddr,
    weather: watch::Sender<Weather>,
    listening: JoinHandle<()>,
}

impl Link {
    /// A link to this address, open and fast.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let weather = watch::Sender::new(Weather {
            passage: Passage::Open,
            deaf: None,
            delay: Duration::ZERO,
            rate: None,
        });
        let address = listener.local_addr().expect("an address");
        let watching = weather.subscribe();
        let listening = tokio::spawn(async move {
            let mut made = 0;
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, target, made, watching.clone()));
                made += 1;
            }
        });
        Self {
            address,
            weather,
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

    /// The same for one connection only, by when it was made: 0 for the first of all.
    pub fn silence_one(&self, connection: usize) {
        self.weather
            .send_modify(|weather| weather.deaf = Some(connection));
    }

    /// Carries bytes again. Connections that lost some are closed.
    pub fn heal(&self) {
        self.weather.send_modify(|weather| {
            weather.passage = Passage::Open;
            weather.deaf = None;
        });
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

impl Drop for Link {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

async fn connection(
    near: TcpStream,
    target: SocketAddr,
    number: usize,
    mut weather: watch::Receiver<Weather>,
) {
    let carrying = carry(near, target, number, weather.clone());
    let broken = async {
        // Ends also when the link is gone.
        let _ = weather
            .wait_for(|weather| weather.passage(number) != Passage::Open)
            .await;
        let _ = weather
            .wait_for(|weather| weather.passage(number) != Passage::Silent)
            .await;
    };
    tokio::select! {
        () = broken => {}
        () = carrying => {}
    }
}

async fn carry(
    near: TcpStream,
    target: SocketAddr,
    number: usize,
    weather: watch::Receiver<Weather>,
) {
    let passage = weather.borrow().passage(number);
    match passage {
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
    tokio::join!(
        one_way(near_reads, far_writes, number, weather.clone()),
        one_way(far_reads, near_writes, number, weather),
    );
}

/// Carries one direction to its end. What was sent before an end broke arrives all the same, as
/// it does on a network.
async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    number: usize,
    weather: watch::Receiver<Weather>,
) {
    let (sender, mut on_the_way) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let reading = {
        let weather = weather.clone();
        async move {
            let mut buffer = vec![0; CHUNK];
            while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
                let due = Instant::now() + weather.borrow().delay;
                if sender.send((due, buffer[..bytes].to_vec())).await.is_err() {
                    return;
                }
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = on_the_way.recv().await {
            sleep_until(due).await;
            let weather = *weather.borrow();
            if weather.passage(number) != Passage::Open {
                continue;
            }
            if to.write_all(&bytes).await.is_err() {
                return;
            }
            if let Some(rate) = weather.rate {
                sleep(Duration::from_secs_f64(
                    bytes.len() as f64 / f64::from(rate),
                ))
                .await;
            }
        }
        // An end that is told to nobody keeps the other one open.
        if weather.borrow().passage(number) == Passage::Silent {
            std::future::pending::<()>().await;
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}
