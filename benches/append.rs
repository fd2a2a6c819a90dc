//! The cost of an append, with an embedded database, in memory and on disk with fsync.
//!
//! Concurrent writers of one drawing form one batch, since a feed has one transaction in flight and
//! gathers ops meanwhile: `writers/n` is a batch of n strokes of 40 points. Drawings do not wait
//! for each other: `drawings/n` is n concurrent appends of one such stroke. Criterion's throughput
//! gives both per stroke. At the end it prints the cost of single appends, a few per second, beside
//! the minimum of SurrealDB itself: a query without effect, one row in a table without a
//! subscriber, one in a table that keeps no rows, as for signals, and the smallest transaction that promises
//! what an append does: a compare-and-swap and a row of one field, of which a live query tells. Then it prints what 1,000
//! subscribed drawings add to an append in another drawing, of a stroke and of a change of one; the aim is at most 1.2.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use futures_util::StreamExt;
use futures_util::future::join_all;
use surrealdb::types::Value;
use tokio::runtime::Runtime;
use uuid::Uuid;
use whiteboard::domain::ids::{DrawingId, OpId, ServerId, StrokeId, Writer};
use whiteboard::domain::op::{Change, RowId};
use whiteboard::domain::points::{Point, Points};
use whiteboard::domain::stroke::Body;
use whiteboard::metrics::Metrics;
use whiteboard::store::{Appended, Database, DrawingInfo, ExpectedHead, Store, Subscription};

/// Subscribed drawings for the ratio.
const FOLLOWED: usize = 1_000;
/// Appends of each measurement of the ratio, and the number of rounds.
const APPENDS: u32 = 500;
const ROUNDS: usize = 5;
/// Rate of single operations per second, and their duration.
const PACES: [u32; 3] = [20, 50, 200];
const PACED: Duration = Duration::from_secs(10);
/// The smallest transaction that stores a row if nobody was faster.
/// To insert NONE is an error.
const SMALLEST: &str = "INSERT INTO kept (UPDATE ONLY head:one SET at = $at + 1 WHERE at = $at \
    RETURN VALUE { id: $at, body: rand::string(350) }) RETURN NONE";
/// Unit of a process's time in Linux: hundredths of a second, on every machine.
const TICK: Duration = Duration::from_millis(10);

fn main() {
    let runtime = Runtime::new().unwrap();
    let mut criterion = Criterion::default().configure_from_args();
    let folder = tempfile::tempdir().unwrap();
    let disk = format!("surrealkv://{}/data", folder.path().display());
    for (name, url) in [("mem", "mem://".to_owned()), ("surrealkv", disk)] {
        let store = runtime.block_on(open(url));
        measure(&mut criterion, &runtime, name, &store);
        runtime.block_on(store.close());
    }
    criterion.final_summary();
    if !std::env::args().any(|arg| arg == "--test" || arg == "--list") {
        // First, while no other database of this process does anything in the background.
        runtime.block_on(paced());
        runtime.block_on(ratio());
    }
}

async fn open(url: String) -> Store {
    let database = Database {
        url,
        namespace: "bench".into(),
        name: "bench".into(),
        user: None,
        password: None,
        query_timeout: Duration::from_secs(60),
        max_queries: 1_024,
        live_query_buffer: 1_024,
    };
    Store::open(&database, ServerId::random(), Metrics::new())
        .await
        .unwrap()
}

fn measure(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: &Store) {
    let mut group = criterion.benchmark_group(format!("append/{name}"));
    for count in [1, 10, 100] {
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new("writers", count), |bencher| {
            bencher.to_async(runtime).iter_custom(|times| async move {
                let mut pen = Pen::new(store).await;
                let start = Instant::now();
                for _ in 0..times {
                    pen.append(store, count).await;
                }
                start.elapsed()
            });
        });
        group.bench_function(BenchmarkId::new("drawings", count), |bencher| {
            bencher.to_async(runtime).iter_custom(|times| async move {
                let mut pens = join_all((0..count).map(|_| Pen::new(store))).await;
                let start = Instant::now();
                for _ in 0..times {
                    join_all(pens.iter_mut().map(|pen| pen.append(store, 1))).await;
                }
                start.elapsed()
            });
        });
    }
    group.finish();
}

/// A writer in a drawing of its own, subscribed as by a feed.
struct Pen {
    drawing: DrawingId,
    at: ExpectedHead,
    follow: Subscription,
    writer: Writer,
    body: Body,
}

impl Pen {
    async fn new(store: &Store) -> Self {
        let DrawingInfo {
            id: drawing, epoch, ..
        } = store.create("A drawing").await.unwrap();
        let points = (0..40).map(|n| Point {
            x: n * 17,
            y: n * n,
        });
        let points = Points::new(points.collect(), None).unwrap();
        let body = format!(
            r##"{{"kind":"pen","x":1,"y":2,"points":"{}","colour":"#1d1d1f","width":3}}"##,
            points.to_base64()
        );
        Self {
            drawing,
            at: ExpectedHead {
                epoch,
                head: 0,
                rules: 0,
            },
            follow: store.subscribe(drawing).await.unwrap(),
            writer: Writer::new(Uuid::new_v4(), Uuid::new_v4()),
            body: Body::parse(&body).unwrap(),
        }
    }

    async fn append(&mut self, store: &Store, count: u64) {
        let strokes: Vec<Change> = (self.at.head + 1..=self.at.head + count)
            .map(|seq| self.change(seq, StrokeId::random()))
            .collect();
        self.store(store, &strokes, &[]).await;
    }

    /// Changes the stroke of the last change.
    async fn edit(&mut self, store: &Store, stroke: StrokeId) {
        let before = RowId {
            seq: self.at.head,
            tombstone: false,
        };
        let edited = self.change(self.at.head + 1, stroke);
        self.store(store, &[edited], &[before]).await;
    }

    fn change(&self, seq: u64, stroke: StrokeId) -> Change {
        Change {
            seq,
            stroke,
            z: seq as i64,
            author: self.writer.author,
            op: OpId {
                writer: self.writer.id,
                n: seq,
            },
            prior_ops: Vec::new(),
            body: Some(self.body.clone()),
        }
    }

    async fn store(&mut self, store: &Store, changes: &[Change], replaced: &[RowId]) {
        let appended = store.append(self.drawing, self.at, changes, replaced).await;
        assert_eq!(appended, Ok(Appended::Committed));
        self.at.head += changes.len() as u64;
        for _ in changes {
            self.follow.next().await.unwrap();
        }
    }
}

/// Prints an append's cost with one subscribed drawing, and with many others.
async fn ratio() {
    let (alone, crowded) = (open("mem://".into()).await, open("mem://".into()).await);
    let others: Vec<Pen> = join_all((0..FOLLOWED).map(|_| Pen::new(&crowded))).await;
    let mut pens = [
        (Pen::new(&alone).await, &alone),
        (Pen::new(&crowded).await, &crowded),
    ];
    for edits in [false, true] {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for ((pen, store), times) in pens.iter_mut().zip(&mut times) {
                let stroke = StrokeId::random();
                let start = Instant::now();
                for _ in 0..APPENDS {
                    match edits {
                        true => pen.edit(store, stroke).await,
                        false => pen.append(store, 1).await,
                    }
                }
                times.push(start.elapsed() / APPENDS);
            }
        }
        let [one, many] = times.map(|mut times| {
            times.sort();
            times[ROUNDS / 2]
        });
        let (ratio, what) = (
            many.as_secs_f64() / one.as_secs_f64(),
            if edits { "a change" } else { "a stroke" },
        );
        println!(
            "{what} in one drawing {one:?}, {FOLLOWED} others followed {many:?}: ratio {ratio:.2}"
        );
    }
    drop(others);
}

/// Prints the CPU time of single operations, on disk with fsync.
async fn paced() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name| format!("surrealkv://{}/{name}", folder.path().display());
    let bare = surrealdb::engine::any::connect(url("bare")).await.unwrap();
    bare.use_ns("bench").use_db("bench").await.unwrap();
    run(&bare, "DEFINE TABLE row; DEFINE TABLE said DROP").await;
    run(&bare, "DEFINE TABLE head; CREATE head:one SET at = 0").await;
    run(
        &bare,
        "DEFINE TABLE kept SCHEMAFULL; DEFINE FIELD body ON kept TYPE string",
    )
    .await;
    let mut live = bare.query("LIVE SELECT * FROM kept").await.unwrap();
    let mut told = live.stream::<Value>(0).unwrap();
    tokio::spawn(async move { while told.next().await.is_some() {} });
    let mut at = 0_u64;
    let store = open(url("store")).await;
    let mut pen = Pen::new(&store).await;
    for pace in PACES {
        let nothing = at_pace(pace, async || run(&bare, "RETURN NONE").await).await;
        let row = "CREATE row CONTENT { body: rand::string(350) } RETURN NONE";
        let row = at_pace(pace, async || run(&bare, row).await).await;
        let said = "INSERT INTO said { body: rand::string(350) } RETURN NONE";
        let said = at_pace(pace, async || run(&bare, said).await).await;
        let smallest = at_pace(pace, async || {
            let swap = bare.query(SMALLEST).bind(("at", at)).await;
            swap.unwrap().check().unwrap();
            at += 1;
        });
        let smallest = smallest.await;
        let append = at_pace(pace, async || pen.append(&store, 1).await).await;
        println!(
            "{pace} a second, CPU of each: nothing {nothing:?}, one row {row:?}, \
             one that is not kept {said:?}, the smallest append {smallest:?}, an append {append:?}"
        );
    }
    store.close().await;
}

async fn run(bare: &surrealdb::Surreal<surrealdb::engine::any::Any>, text: &str) {
    bare.query(text).await.unwrap().check().unwrap();
}

/// Repeats an operation at a rate; returns the CPU time of each, of all threads together.
async fn at_pace(pace: u32, mut work: impl AsyncFnMut()) -> Duration {
    let mut times = tokio::time::interval(Duration::from_secs(1) / pace);
    let count = pace * PACED.as_secs() as u32;
    let before = cpu();
    for _ in 0..count {
        times.tick().await;
        work().await;
    }
    (cpu() - before) / count
}

/// The CPU time of this process, in user and kernel mode.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    TICK * ticks
        .map(|ticks| ticks.parse::<u32>().unwrap())
        .sum::<u32>()
}
