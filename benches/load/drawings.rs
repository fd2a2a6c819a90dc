//! The cost of one drawing in a database that has few of them, and in one that has many.
//!
//! It calls the store directly, without a server, and measures both databases in turn.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use support::database::{DatabaseServer, in_folder};
use whiteboard::domain::ids::{DrawingId, OpId, ServerId, StrokeId, Writer};
use whiteboard::domain::stroke::Body;
use whiteboard::metrics::Metrics;
use whiteboard::store::{Database, DrawingInfo, ExpectedHead, ListCursor, Removals, Store};

use crate::{frames, median};

/// Number of drawings of the two databases.
const FEW: usize = 20;
/// The larger number.
const MANY: usize = 20_000;
/// Drawings created concurrently to fill a database.
const AT_ONCE: usize = 64;
/// Number of rounds over both databases.
const ROUNDS: usize = 30;
/// Rounds in which the store is closed and opened again.
const STARTS: usize = 5;
/// Drawings in a list, and in a head check: both databases have as many.
const LISTED: usize = FEW / 2;
/// How long ending a live query may take, which is not measured.
const SETTLE: Duration = Duration::from_millis(500);
/// Tombstones are kept for longer than this runs.
const TOMBSTONES: Duration = Duration::from_secs(30 * 24 * 3600);
/// The measured steps, in this order.
const STEPS: [&str; 9] = [
    "create",
    "open: follow and read",
    "append a stroke",
    "list the newest",
    "list further down",
    "check heads",
    "sweep nothing",
    "delete and remove one",
    "start: open the store",
];

/// A database that is measured.
struct Measured {
    database: Database,
    store: Store,
    drawings: Vec<DrawingId>,
    /// Times of each step, in milliseconds.
    times: Vec<Vec<f64>>,
}

/// Prints the cost of each step in both databases, and the ratio.
pub async fn compare() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let [few, many] = ["few", "many"].map(|name| in_folder(&folder.path().join(name)));
    measure("embedded", few, many).await?;
    let server = DatabaseServer::start();
    let [few, many] = ["few", "many"].map(|name| server.database(name));
    measure("SurrealDB process", few, many).await
}

async fn measure(name: &str, few: Database, many: Database) -> Result<(), String> {
    let filling = Instant::now();
    let mut both = [fill(few, FEW).await?, fill(many, MANY).await?];
    println!(
        "\ndrawings, {name}: ms, medians of {ROUNDS}; filled in {:.0} s",
        filling.elapsed().as_secs_f64()
    );
    for round in 0..ROUNDS {
        for measured in &mut both {
            measured.round(round < STARTS).await?;
        }
    }
    println!("{:<24}  {FEW:>8}  {MANY:>8}   ratio", "");
    for (step, name) in STEPS.iter().enumerate() {
        let [few, many] = [0, 1].map(|one: usize| median(&both[one].times[step], |time| *time));
        println!("{name:<24}  {few:>8.2}  {many:>8.2}  {:>6.2}", many / few);
    }
    for measured in both {
        measured.store.close().await;
    }
    Ok(())
}

async fn fill(database: Database, count: usize) -> Result<Measured, String> {
    let store = open(&database).await?;
    let mut drawings = Vec::new();
    while drawings.len() < count {
        let some = AT_ONCE.min(count - drawings.len());
        for made in join_all((0..some).map(|_| store.create("A drawing"))).await {
            drawings.push(made.map_err(|error| error.to_string())?.id);
        }
    }
    Ok(Measured {
        database,
        store,
        drawings,
        times: vec![Vec::new(); STEPS.len()],
    })
}

async fn open(database: &Database) -> Result<Store, String> {
    let opened = Store::open(database, ServerId::random(), Metrics::new()).await;
    opened.map_err(|error| error.to_string())
}

impl Measured {
    async fn round(&mut self, start: bool) -> Result<(), String> {
        self.steps(start).await.map_err(|error| error.to_string())
    }

    async fn steps(&mut self, start: bool) -> Result<(), whiteboard::store::StoreError> {
        let mut times = Vec::new();
        let mut began = Instant::now();
        let mut done = |began: &mut Instant| {
            times.push(began.elapsed().as_secs_f64() * 1e3);
            *began = Instant::now();
        };
        let DrawingInfo {
            id: drawing, epoch, ..
        } = self.store.create("A drawing").await?;
        done(&mut began);
        // A drawing not swept since its creation.
        let cold = self.drawings[fastrand::usize(..self.drawings.len())];
        let follow = self.store.subscribe(cold).await?;
        self.store.since(cold, 0).await?;
        done(&mut began);
        let writer = Writer::new(uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        let change = whiteboard::domain::op::Change {
            seq: 1,
            stroke: StrokeId::random(),
            z: 1,
            author: writer.author,
            op: OpId {
                writer: writer.id,
                n: 1,
            },
            prior_ops: Vec::new(),
            body: Some(Body::parse(&frames::body()).expect("a body")),
        };
        began = Instant::now();
        let at = ExpectedHead {
            epoch,
            head: 0,
            rules: 0,
        };
        self.store.append(drawing, at, &[change], &[]).await?;
        done(&mut began);
        let newest = self.store.list(None, LISTED).await?;
        done(&mut began);
        let last = newest.last().expect("there are some");
        let before = ListCursor::from(last);
        self.store.list(Some(before), LISTED).await?;
        done(&mut began);
        let some: Vec<DrawingId> = newest.iter().map(|info| info.id).collect();
        began = Instant::now();
        self.store.heads(&some).await?;
        done(&mut began);
        self.store.sweep(TOMBSTONES).await?;
        done(&mut began);
        self.store.delete(drawing).await?;
        let mut removals = Removals::default();
        let removed = self.store.remove_deleted(&mut removals, Duration::ZERO);
        assert_eq!(removed.await?, 1);
        done(&mut began);
        // Ending its live queries keeps a database server busy for a while.
        drop(follow);
        tokio::time::sleep(SETTLE).await;
        if start {
            self.store.clone().close().await;
            began = Instant::now();
            self.store = Store::open(&self.database, ServerId::random(), Metrics::new()).await?;
            done(&mut began);
        }
        for (all, time) in self.times.iter_mut().zip(times) {
            all.push(time);
        }
        Ok(())
    }
}
