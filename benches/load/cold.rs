//! The cost of a cold open: a first load over HTTP of a drawing that the server has not open, of
//! 250 living strokes after few edits, after many, and after many erased strokes; and the welcome
//! of a client that draws, for which all tombstones are read.
//!
//! The store itself creates the drawings, in one folder. Each round has two new server processes,
//! one for each way of opening, that open each drawing once; plain drawings are opened between the
//! others, so that all are compared in one process.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::try_join;
use support::database::in_folder;
use uuid::Uuid;
use whiteboard::domain::ids::{DrawingId, OpId, ServerId, StrokeId, Writer};
use whiteboard::domain::op::{Change, RowId};
use whiteboard::domain::sequence::Seq;
use whiteboard::domain::stroke::Body;
use whiteboard::feed::replica::INDEX_AFTER;
use whiteboard::metrics::Metrics;
use whiteboard::store::{Appended, Database, ExpectedHead, LivingIndex, Store, StoreError};

use crate::crowd::open_client;
use crate::frames;
use crate::server::Server;

/// Living strokes of every drawing.
const LIVING: usize = 250;
/// Those of the much edited drawing that are as old as it is: everything that changed stands between them
/// and the others.
const OLD: usize = 50;
/// Strokes that are erased in one of them.
const ERASED: usize = 100_000;
/// Rows of one append, each of another stroke. Edits are made in batches of this size, half of
/// which is erased at last: few appends make many edits.
const ROWS: usize = 500;
/// Number of rounds, each in new processes.
const ROUNDS: usize = 5;
/// Plain drawings opened in a round, the first one unmeasured.
const PLAIN: usize = 4;
/// Deadline for creating all drawings.
const FILLING: Duration = Duration::from_secs(20 * 60);
/// Bound of an open, as a multiple of a plain drawing's.
const RATIO: f64 = 2.0;
/// The default namespace and database of a server.
const NAME: &str = "whiteboard";

/// How a drawing is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A first load over HTTP.
    Load,
    /// A client that draws, until its welcome.
    Welcome,
}

/// Times of all opens in one way, in milliseconds.
#[derive(Default)]
struct Opened {
    plain: Vec<f64>,
    edited: Vec<f64>,
    erased: Vec<f64>,
}

/// Prints the times; an error if the bound does not hold, or there are fewer changes than
/// requested.
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
    if filled.edits < changes {
        return Err(format!("only {} changes were made", filled.edits));
    }
    let mut ways = [Way::Load, Way::Welcome].map(|way| (way, Opened::default()));
    for round in 0..ROUNDS {
        for (way, times) in &mut ways {
            let server = Server::start_on_folder(&folder);
            times.round(&server, *way, &filled, round).await?;
        }
    }
    let worst = ways.map(|(way, times)| times.print(way));
    // A welcome waits for all tombstones, and costs what they do.
    match worst[0] <= RATIO {
        true => Ok(()),
        false => Err(format!(
            "a cold load takes {:.2} times a plain one, not {RATIO}",
            worst[0]
        )),
    }
}

impl Opened {
    /// Opens each drawing once at a server that has none of them open.
    async fn round(
        &mut self,
        server: &Server,
        way: Way,
        filled: &Filled,
        round: usize,
    ) -> Result<(), String> {
        // No pooled connection to a server that is gone.
        let http = reqwest::Client::new();
        let open = async |drawing| match way {
            Way::Load => load(server, &http, drawing).await,
            Way::Welcome => welcome(server, drawing).await,
        };
        let plain = &filled.plain;
        open(plain[0]).await?;
        self.plain.push(open(plain[1]).await?);
        let mut others = [
            (filled.edited, &mut self.edited),
            (filled.erased, &mut self.erased),
        ];
        others.rotate_left(round % 2);
        for ((drawing, times), between) in others.into_iter().zip(&plain[2..]) {
            times.push(open(drawing).await?);
            self.plain.push(open(*between).await?);
        }
        Ok(())
    }

    /// Prints all times; returns the ratio of the slower kind and a plain drawing.
    fn print(mut self, way: Way) -> f64 {
        let plain = median(&mut self.plain);
        println!("{way:?}");
        println!("  plain           {plain:>8.2} ms");
        let mut worst = 0.0_f64;
        for (name, mut times) in [("after edits", self.edited), ("after erasing", self.erased)] {
            let all: Vec<_> = times.iter().map(|millis| format!("{millis:.1}")).collect();
            let time = median(&mut times);
            let ratio = time / plain;
            worst = worst.max(ratio);
            println!(
                "  {name:<14}  {time:>8.2} ms, {ratio:.2} times plain ({})",
                all.join(" ")
            );
        }
        worst
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Time until a client that draws gets its welcome, in milliseconds.
async fn welcome(server: &Server, drawing: DrawingId) -> Result<f64, String> {
    let began = Instant::now();
    let page = open_client(server, &drawing.to_string(), Some("Ada")).await?;
    let millis = began.elapsed().as_secs_f64() * 1e3;
    drop(page);
    Ok(millis)
}

/// Time of a first load, in milliseconds.
async fn load(server: &Server, http: &reqwest::Client, drawing: DrawingId) -> Result<f64, String> {
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
    // That many strokes fit into one chunk; tombstones are another read.
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
        namespace: NAME.into(),
        name: NAME.into(),
        ..in_folder(folder)
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
    let (mut edited, mut erased) = (Made::new(&store).await?, Made::new(&store).await?);
    let began = Instant::now();
    let in_time = || match began.elapsed() < FILLING {
        true => Ok(()),
        false => Err("it takes too long to make the drawings".to_owned()),
    };
    let edit = async {
        edited.draw(&store, OLD).await?;
        edited.old = std::mem::take(&mut edited.living);
        edited.draw(&store, ROWS).await?;
        while (edited.at.head as usize) < changes {
            edited.change_all(&store, true).await?;
            in_time()?;
        }
        edited.erase_all_but(&store, LIVING - OLD).await
    };
    let erase = async {
        for _ in 0..ERASED / ROWS {
            erased.draw(&store, ROWS).await?;
            erased.erase_all_but(&store, 0).await?;
            in_time()?;
        }
        erased.draw(&store, LIVING).await
    };
    try_join(edit, erase).await?;
    store.close().await;
    Ok(Filled {
        plain,
        edited: edited.drawing,
        edits: edited.at.head as usize,
        erased: erased.drawing,
    })
}

/// A drawing under construction.
struct Made {
    drawing: DrawingId,
    at: ExpectedHead,
    writer: Writer,
    body: Body,
    living: Vec<(StrokeId, Seq)>,
    /// Living strokes that never change.
    old: Vec<(StrokeId, Seq)>,
    /// The head of the last index.
    indexed: Seq,
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
                rules: 0,
            },
            writer: Writer::new(Uuid::new_v4(), Uuid::new_v4()),
            body: Body::parse(&frames::body()).map_err(|error| error.to_string())?,
            living: Vec::new(),
            old: Vec::new(),
            indexed: 0,
        })
    }

    async fn draw(&mut self, store: &Store, strokes: usize) -> Result<(), String> {
        let strokes = (0..strokes).map(|_| StrokeId(Uuid::new_v4())).collect();
        self.append(store, strokes, true, &[]).await
    }

    /// Erases strokes until this many are left.
    async fn erase_all_but(&mut self, store: &Store, left: usize) -> Result<(), String> {
        let stay = self.living[..left].to_vec();
        self.living.drain(..left);
        self.change_all(store, false).await?;
        self.living = stay;
        Ok(())
    }

    /// Edits, or erases, all strokes: few enough for one append.
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
        self.write_index(store).await
    }

    /// Writes the index of living strokes as often as a feed does.
    async fn write_index(&mut self, store: &Store) -> Result<(), String> {
        if self.at.head - self.indexed < INDEX_AFTER as Seq {
            return Ok(());
        }
        self.indexed = self.at.head;
        let all = self.old.iter().chain(&self.living);
        let index = LivingIndex {
            epoch: self.at.epoch,
            head: self.at.head,
            positions: all.map(|&(_, seq)| seq).collect(),
        };
        let written = store.write_index(self.drawing, &index).await;
        written.map_err(|error| error.to_string())
    }
}
