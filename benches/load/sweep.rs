//! How long an idle server takes to remove many deleted drawings, and how that affects strokes in
//! another one.
//!
//! The store itself creates and deletes the drawings; then their times of deletion are moved back
//! in the database, so that the server started next, with default settings, finds them due.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use support::database::in_folder;
use support::http::status;
use surrealdb::engine::any;
use whiteboard::domain::ids::DrawingId;
use whiteboard::domain::ids::ServerId;
use whiteboard::metrics::Metrics;
use whiteboard::store::{Database, Store};

use crate::crowd::{Crowd, Load};
use crate::percentile;
use crate::server::Server;

/// Number of drawings that stay.
const STAYING: usize = 3_000;
/// Number of deleted drawings.
const DELETED: usize = 2_000;
/// Deadline for their removal, from when the server is ready.
const GONE_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Measurements before the removal, and as many after it.
const QUIET_TURNS: usize = 2;
/// Bound of the p99 of strokes during the removal, as a multiple of the quiet value.
const P99_RATIO: f64 = 2.0;
/// Bound of the p99 in milliseconds, if that is more.
const P99_MILLIS: f64 = 20.0;
/// Drawings created or deleted concurrently.
const AT_ONCE: usize = 64;
/// Polling interval for the database to close.
const LOOK: Duration = Duration::from_millis(10);
/// The default namespace and database of a server.
const NAME: &str = "whiteboard";
const SET_BACK: &str = "UPDATE drawing SET deleted -= 1h WHERE deleted IS NOT NONE RETURN NONE";
/// One person draws and another one watches.
const STROKES: Load = Load {
    drawings: 1,
    drawers: 1,
    watchers: 1,
    rate: 50.0,
    warm: Duration::from_secs(1),
    measured: Duration::from_secs(10),
};

/// Prints the duration, and stroke times before and during the removal; an error if a bound does
/// not hold.
pub async fn run() -> Result<(), String> {
    let data = tempfile::tempdir().map_err(|error| error.to_string())?;
    let filling = Instant::now();
    let mut deleted = fill(&data.path().join("data")).await?;
    println!(
        "\nsweep: {DELETED} deleted drawings beside {STAYING} others, made in {:.0} s",
        filling.elapsed().as_secs_f64()
    );
    let server = Server::start_in(data);
    let ready = Instant::now();
    // A server starts removing half a minute after its start, or later.
    let mut quiet = Vec::new();
    for _ in 0..QUIET_TURNS {
        quiet.push(strokes(&server, "quiet").await?);
    }
    if deleted.len() != left(&server, &mut deleted).await? {
        return Err("drawings were removed before strokes were measured".into());
    }
    let mut meanwhile = Vec::new();
    while !deleted.is_empty() {
        if ready.elapsed() > GONE_WITHIN {
            return Err(format!("{} drawings are left", deleted.len()));
        }
        let before = deleted.len();
        let p99 = strokes(&server, "next").await?;
        let turns = match left(&server, &mut deleted).await? < before {
            true => &mut meanwhile,
            false => &mut quiet,
        };
        turns.push(p99);
    }
    let gone = ready.elapsed().as_secs_f64();
    for _ in 0..QUIET_TURNS {
        quiet.push(strokes(&server, "quiet").await?);
    }
    if meanwhile.is_empty() {
        return Err("no strokes were measured while drawings were removed".into());
    }
    let (quiet, _) = median_and_worst(quiet);
    let (median, worst) = median_and_worst(meanwhile);
    println!(
        "gone {gone:.0} s after the start; p99 of strokes {quiet:.1} ms before and after, meanwhile \
         {median:.1} ms (median of turns) and {worst:.1} ms (the worst)",
    );
    let bound = (quiet * P99_RATIO).max(P99_MILLIS);
    match worst <= bound {
        true => Ok(()),
        false => Err(format!(
            "p99 of a turn is {worst:.1} ms, over {bound:.1} ms"
        )),
    }
}

fn median_and_worst(mut turns: Vec<f64>) -> (f64, f64) {
    turns.sort_unstable_by(f64::total_cmp);
    (turns[turns.len() / 2], turns[turns.len() - 1])
}

/// The p99 of one measurement, in milliseconds, in a new drawing.
async fn strokes(server: &Server, when: &str) -> Result<f64, String> {
    let drawing = [server.create_drawing().await];
    let crowd = Crowd::open(server, STROKES, &drawing).await?;
    let outcome = crowd.draw(server).await;
    if let Some(failure) = outcome.failure {
        return Err(failure);
    }
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| percentile(&outcome.latency, share));
    println!("  {when:<9}  p50 {p50:.1}  p99 {p99:.1}  max {max:.1} ms");
    Ok(p99)
}

/// Number of drawings that still exist, marked as deleted.
async fn left(server: &Server, deleted: &mut Vec<DrawingId>) -> Result<usize, String> {
    let mut there = Vec::new();
    for drawing in deleted.drain(..) {
        let url = format!("http://{}/api/drawings/{drawing}", server.address);
        match status(&url).await {
            Some(410) => there.push(drawing),
            Some(404) => {}
            status => return Err(format!("a deleted drawing is answered {status:?}")),
        }
    }
    println!("  {} are left", there.len());
    *deleted = there;
    Ok(deleted.len())
}

/// Creates all drawings in a new folder; returns those that are deleted and due.
async fn fill(folder: &Path) -> Result<Vec<DrawingId>, String> {
    let database = Database {
        namespace: NAME.into(),
        name: NAME.into(),
        ..in_folder(folder)
    };
    let text = |error: whiteboard::store::StoreError| error.to_string();
    let store = Store::open(&database, ServerId::random(), Metrics::new())
        .await
        .map_err(text)?;
    let mut made = Vec::new();
    while made.len() < STAYING + DELETED {
        let some = AT_ONCE.min(STAYING + DELETED - made.len());
        for one in join_all((0..some).map(|_| store.create("A drawing"))).await {
            made.push(one.map_err(text)?.id);
        }
    }
    let deleted = made.split_off(STAYING);
    for some in deleted.chunks(AT_ONCE) {
        for one in join_all(some.iter().map(|drawing| store.delete(*drawing))).await {
            one.map_err(text)?;
        }
    }
    store.close().await;
    let set_back = tokio::task::spawn_blocking(move || set_back(&database.url));
    set_back.await.map_err(|error| error.to_string())??;
    Ok(deleted)
}

/// Opens the folder without a server, and closes it again.
fn set_back(url: &str) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let url = format!("{url}?sync=every");
    let asked = runtime.spawn(async move {
        let client = any::connect(url).await?;
        client.use_ns(NAME).use_db(NAME).await?;
        client.query(SET_BACK).await?.check()?;
        Ok::<_, surrealdb::Error>(())
    });
    let asked = runtime.block_on(asked).map_err(|error| error.to_string())?;
    // The database closes in a task of its own.
    while runtime.metrics().num_alive_tasks() > 0 {
        std::thread::sleep(LOOK);
    }
    asked.map_err(|error| error.to_string())
}
