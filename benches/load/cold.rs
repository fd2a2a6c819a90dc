//! What a cold open costs: a first load over HTTP of a drawing that the server has not open, of 250 living strokes
//! after little, after many edits, and after many erased strokes.
//!
//! The drawings are made by the store itself, in one folder. Each round is a fresh process of the server that opens
//! each of them once; plain drawings are opened between the others, so that all are compared in one process.

use std::path::Path;
use std::time::{Duration, Instant};

use uuid::Uuid;
use whiteboard::domain::ids::{DrawingId, OpId, ServerId, StrokeId, Writer};
use whiteboard::domain::op::{Change, RowId};
use whiteboard::domain::sequence::Seq;
use whiteboard::domain::stroke::Body;
use whiteboard::metrics::Metrics;
use whiteboard::store::{Appended, Database, ExpectedHead, Store, StoreError};

use crate::frames;
use crate::server::Server;

/// Living strokes of every drawing.
const LIVING: usize = 250;
/// Strokes that are erased in one of them.
const ERASED: usize = 100_000;
/// Rows of one append: as many as an append has at most while drawings are made.
const ROWS: usize = 500;
/// Rounds, each in a fresh process.
const ROUNDS: usize = 5;
/// Plain drawings that are opened in a round, the first one unmeasured.
const PLAIN: usize = 4;
/// A drawing gets no more edits after this.
const EDITING: Duration = Duration::from_secs(4 * 60);
/// How many times longer than of a plain drawing an open may take.
const RATIO: f64 = 2.0;
/// The namespace and the database that a whiteboard takes by default.
const NAME: &str = "whiteboard";

/// Prints how long opens take; an error if the bound does not hold.
pub async fn run(changes: usize) -> Result<(), String> {
    let data = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = data.path().join("data");
    let filling = Instant::now();
    let filled = fill(&folder, changes).await?;
    println!(
        "\ncold: {LIVING} strokes after {} changes (of {changes} asked for), and after {ERASED} erased; made in {:.0} s",
        filled.edits,
        filling.elapsed().as_secs_f64()
    );
    let (mut plain, mut edited, mut erased) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let server = Server::start_on_folder(&folder)?;
        // No pooled connection of a server that is gone.
        let http = reqwest::Client::new();
        let opened = &filled.plain;
        open(&server, &http, opened[0]).await?;
        plain.push(open(&server, &http, opened[1]).await?);
        let mut others = [(filled.edited, &mut edited), (filled.erased, &mut erased)];
        others.rotate_left(round % 2);
        for ((drawing, times), between) in others.into_iter().zip(&opened[2..]) {
            times.push(open(&server, &http, drawing).await?);
            plain.push(open(&server, &http, *between).await?);
        }
    }
    let plain = median(&mut plain);
    println!("plain           {plain:>8.2} ms");
    let mut worst = 0.0_f64;
    for (name, mut times) in [("after edits", edited), ("after erasing", erased)] {
        let all: Vec<_> = times.iter().map(|millis| format!("{millis:.1}")).collect();
        let time = median(&mut times);
        let ratio = time / plain;
        worst = worst.max(ratio);
        println!(
            "{name:<14}  {time:>8.2} ms, {ratio:.2} times plain ({})",
            all.join(" ")
        );
    }
    match worst <= RATIO {
        true => Ok(()),
        false => Err(format!(
            "a cold open takes {worst:.2} times a plain one, not {RATIO}"
        )),
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Milliseconds of a first load.
async fn open(server: &Server, http: &reqwest::Client, drawing: DrawingId) -> Result<f64, String> {
    let url = format!("http://{}/api/drawings/{drawing}/strokes", server.address);
    let began = Instant::now();
    let answer = http
        .get(url)
        .send()
        .await
        .map_err(|error| error.to_string())?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| error.to_string())?;
    let millis = began.elapsed().as_secs_f64() * 1e3;
    let read: serde_json::Value =
        serde_json::from_str(&text).map_err(|_| format!("a read is answered {status}: {text}"))?;
    // That many strokes fit into one chunk; that there may be tombstones to come is another read.
    match read["changes"].as_array().map(Vec::len) {
        Some(LIVING) => Ok(millis),
        other => Err(format!("a first load has {other:?} strokes, not {LIVING}")),
    }
}

struct Filled {
    plain: Vec<DrawingId>,
    edited: DrawingId,
    edits: usize,
    erased: DrawingId,
}

async fn fill(folder: &Path, changes: usize) -> Result<Filled, String> {
    let database = Database {
        url: format!("surrealkv://{}", folder.display()),
        namespace: NAME.into(),
        name: NAME.into(),
        user: None,
        password: None,
        query_timeout: Duration::from_secs(60),
        max_queries: 1_024,
        live_query_buffer: 1_024,
    };
    let text = |error: StoreError| error.to_string();
    let store = Store::open(&database, ServerId::random(), Metrics::new())
        .await
        .map_err(text)?;
    let mut plain = Vec::new();
    for _ in 0..PLAIN {
        let mut made = Made::new(&store).await?;
        made.draw(&store, LIVING).await?;
        plain.push(made.drawing);
    }
    let mut edited = Made::new(&store).await?;
    edited.draw(&store, LIVING).await?;
    let began = Instant::now();
    while (edited.at.head as usize) < changes && began.elapsed() < EDITING {
        edited.change_all(&store, true).await?;
    }
    let mut erased = Made::new(&store).await?;
    for _ in 0..ERASED / ROWS {
        erased.draw(&store, ROWS).await?;
        erased.change_all(&store, false).await?;
    }
    erased.draw(&store, LIVING).await?;
    store.close().await;
    Ok(Filled {
        plain,
        edited: edited.drawing,
        edits: edited.at.head as usize,
        erased: erased.drawing,
    })
}

/// A drawing that is made.
struct Made {
    drawing: DrawingId,
    at: ExpectedHead,
    writer: Writer,
    body: Body,
    living: Vec<(StrokeId, Seq)>,
}

impl Made {
    async fn new(store: &Store) -> Result<Self, String> {
        let info = store
            .create("A drawing")
            .await
            .map_err(|error| error.to_string())?;
        Ok(Self {
            drawing: info.id,
            at: ExpectedHead {
                epoch: info.epoch,
                head: info.head,
            },
            writer: Writer::new(Uuid::new_v4(), Uuid::new_v4()),
            body: Body::parse(&frames::body()).map_err(|error| error.to_string())?,
            living: Vec::new(),
        })
    }

    async fn draw(&mut self, store: &Store, strokes: usize) -> Result<(), String> {
        let strokes = (0..strokes).map(|_| StrokeId(Uuid::new_v4())).collect();
        self.append(store, strokes, true, &[]).await
    }

    /// Edits, or erases, all strokes that there are: few enough for one append.
    async fn change_all(&mut self, store: &Store, stay: bool) -> Result<(), String> {
        let old = std::mem::take(&mut self.living);
        let row = |&(_, seq): &(_, Seq)| RowId {
            seq,
            tombstone: false,
        };
        let replaced: Vec<RowId> = old.iter().map(row).collect();
        let strokes = old.into_iter().map(|(stroke, _)| stroke).collect();
        self.append(store, strokes, stay, &replaced).await
    }

    async fn append(
        &mut self,
        store: &Store,
        strokes: Vec<StrokeId>,
        stay: bool,
        replaced: &[RowId],
    ) -> Result<(), String> {
        let changes: Vec<Change> = (self.at.head + 1..)
            .zip(strokes)
            .map(|(seq, stroke)| Change {
                seq,
                stroke,
                z: seq as i64,
                author: self.writer.author,
                op: OpId {
                    writer: self.writer.id,
                    n: seq,
                },
                prior_ops: Vec::new(),
                body: stay.then(|| self.body.clone()),
            })
            .collect();
        let appended = store
            .append(self.drawing, self.at, &changes, replaced)
            .await;
        match appended.map_err(|error| error.to_string())? {
            Appended::Committed => {}
            other => return Err(format!("an append is {other:?}")),
        }
        if stay {
            self.living
                .extend(changes.iter().map(|change| (change.stroke, change.seq)));
        }
        self.at.head += changes.len() as Seq;
        Ok(())
    }
}
