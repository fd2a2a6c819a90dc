//! A small load: people who draw and watch, over real WebSockets, against the whiteboard and
//! against a bare broadcast that stores nothing.
//!
//! ```text
//! cargo bench --bench load -- crowd       10 drawers × 5 strokes/s, 100 watchers, one drawing
//! cargo bench --bench load -- many        50 drawings, each 2 drawers × 2/s and 4 watchers
//! cargo bench --bench load -- rate        the highest rate that holds, 10 drawers and 100 watchers
//! cargo bench --bench load -- idle        memory of an idle session and of an open empty drawing
//! cargo bench --bench load -- open        what 1,000 open drawings add to the cost of a stroke in another
//! cargo bench --bench load -- drawings    what 20,000 drawings add to making, opening, listing and sweeping one
//! cargo bench --bench load -- stampede    2,000 clients lose their server and reconnect to others
//! cargo bench --bench load -- hostile     effect of peers that send too much, or do not read
//! cargo bench --bench load -- hostile-access   the same by peers with each kind of access
//! cargo bench --bench load -- slow        memory of the server for clients that do not read
//! cargo bench --bench load -- crowd-of-names   1,000 named people join a drawing at once while 2 draw
//! cargo bench --bench load -- sweep       how long 2,000 deleted drawings take to remove, and stroke times meanwhile
//! cargo bench --bench load -- cold        a first load after many edits or erased strokes, and after none
//! cargo bench --bench load -- acts        5,000 strokes imported, 10,000 moved, cleared and brought back
//! cargo bench --bench load -- peers       the whiteboard beside socket.io, y-websocket and broadcasts
//! cargo bench --bench load -- peers-rates the highest rates of those alone
//! cargo bench --bench load -- peers-pages  what a page that only watches costs those, and a first load
//! cargo bench --bench load -- all         all but the twelve before
//!     --write        in `peers`: measures the plots too, and writes docs/measured.md
//!     --people N     how many join at once (1,000); a bound that does not hold fails the run
//!     --changes N    how many changes a much edited drawing of `cold` has (2,000,000): fewer for a quick run
//!     --pairs N      how often each server is measured (3)
//!     --seconds N    duration of each measurement (20; in `rate` 3, in `peers` 5)
//!     --only NAME    `whiteboard` or `broadcast` alone; in `peers` those with one of these in their names
//! ```
//!
//! The two servers are measured in turn, each time in a new process, by the operating system's
//! accounting; this program is a process of its own. `WHITEBOARD_BIN` names another binary to
//! measure. `drawings`, `stampede` and `peers` need a SurrealDB server too, which `cargo build --release -p
//! surrealdb-process` builds; `SURREALDB_BIN` names another one. The columns:
//!
//! * *µs/delivery*: CPU time of the server, in itself and in the kernel, for each stroke that
//!   reached another page. *load µs* is the same of this program.
//! * *p50*, *p99*, *max*: milliseconds from pen-up (the op is written) to each other page.
//!   *done*: to the drawer's being told that the stroke is stored; only the whiteboard does.
//! * *lost*: strokes that did not reach a page. Every page has to see every stroke exactly
//!   once and, on the whiteboard, in the drawing's order; anything else fails the run.
//! * The rate is in strokes a second of all drawers together; it holds when nothing is lost
//!   and p99 stays under 250 ms, in one of two tries.
//!
//! A `cargo test` runs this without a scenario, which does nothing.

mod acts;
mod broadcast;
mod cold;
mod crowd;
mod drawings;
mod frames;
mod hostile;
mod names;
mod peers;
mod rates;
mod server;
mod slow;
mod stampede;
mod sweep;

use std::time::Duration;

use futures_util::StreamExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crowd::{Crowd, Load, Outcome, open_client};
use peers::Plan;
use server::{
    BOUND_ARGUMENT, BOUND_DATABASE, BROADCAST_ARGUMENT, HAND_WRITTEN_ARGUMENT, Kind, Server,
};

/// Warm-up time.
const WARM: Duration = Duration::from_secs(2);
/// Ratio of the lowest failing rate and the highest holding one at which the search ends.
const RATE_STEP: f64 = 1.1;
/// Number of sessions, and of drawings, over which memory is divided.
const IDLE: usize = 1_000;
/// After this time a server has done every periodic task once: the memory pages of its program that
/// these need belong to the process, not to a session.
const FIRST_ROUND: Duration = Duration::from_secs(8);
/// How long memory may take to settle.
const SETTLE: Duration = Duration::from_secs(3);
/// Time limit of the whole run.
const TIME_LIMIT: Duration = Duration::from_secs(3600);
const USAGE: &str = "usage: cargo bench --bench load -- crowd|many|rate|idle|open|drawings|stampede|slow|hostile|hostile-access|crowd-of-names|sweep|cold|acts|peers|peers-rates|peers-pages|all [--people N] [--changes N] [--pairs N] [--seconds N] [--only whiteboard|broadcast] [--write]";

struct Arguments {
    scenario: String,
    people: usize,
    changes: usize,
    pairs: usize,
    seconds: Option<u64>,
    kinds: Vec<Kind>,
    only: String,
    write: bool,
}

fn main() {
    let Some(arguments) = arguments() else {
        println!("{USAGE}");
        return;
    };
    if arguments.scenario == BROADCAST_ARGUMENT {
        return broadcast::serve();
    }
    if arguments.scenario == HAND_WRITTEN_ARGUMENT {
        return peers::hand_written::serve();
    }
    if arguments.scenario == BOUND_ARGUMENT {
        let database = std::env::var(BOUND_DATABASE);
        return peers::bound::serve(&database.expect("its database"));
    }
    frames::check();
    if cfg!(debug_assertions) {
        println!("This is a debug build: its figures mean nothing.");
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let outcome = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).expect("signals");
        // Whichever comes first, dropping the future kills its server.
        tokio::select! {
            outcome = run(&arguments) => outcome,
            _ = tokio::time::sleep(TIME_LIMIT) => Err("it took too long".into()),
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
            _ = terminate.recv() => Err("terminated".into()),
        }
    });
    if let Err(reason) = outcome {
        eprintln!("load: {reason}");
        std::process::exit(1);
    }
}

fn arguments() -> Option<Arguments> {
    // Cargo adds `--bench` by itself.
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let mut arguments = Arguments {
        scenario: words.next().filter(|word| !word.starts_with('-'))?,
        people: 1_000,
        changes: 2_000_000,
        pairs: 3,
        seconds: None,
        kinds: vec![Kind::Whiteboard, Kind::Broadcast],
        only: String::new(),
        write: false,
    };
    while let Some(word) = words.next() {
        if word == "--write" {
            arguments.write = true;
            continue;
        }
        let value = words.next()?;
        match word.as_str() {
            "--people" => arguments.people = value.parse().ok()?,
            "--changes" => arguments.changes = value.parse().ok()?,
            "--pairs" => arguments.pairs = value.parse().ok()?,
            "--seconds" => arguments.seconds = Some(value.parse().ok()?),
            "--only" => {
                arguments.kinds.retain(|kind| kind.to_string() == value);
                arguments.only = value;
            }
            _ => return None,
        }
    }
    Some(arguments)
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    let measured = Duration::from_secs(arguments.seconds.unwrap_or(20));
    let crowd = Load {
        drawings: 1,
        drawers: 10,
        watchers: 100,
        rate: 5.0,
        warm: WARM,
        measured,
    };
    let many = Load {
        drawings: 50,
        drawers: 2,
        watchers: 4,
        rate: 2.0,
        ..crowd
    };
    let step = Load {
        warm: Duration::from_secs(1),
        measured: Duration::from_secs(arguments.seconds.unwrap_or(3)),
        ..crowd
    };
    let of_peers = Duration::from_secs(arguments.seconds.unwrap_or(5));
    let (pairs, kinds) = (arguments.pairs, &arguments.kinds[..]);
    match arguments.scenario.as_str() {
        "crowd" => compare("crowd", crowd, pairs, kinds).await,
        "many" => compare("many", many, pairs, kinds).await,
        "rate" => rate(step, pairs, kinds).await,
        "idle" => idle(pairs, kinds).await,
        "open" => open(pairs).await,
        "drawings" => drawings::compare().await,
        "stampede" => stampede::run().await,
        "slow" => slow::run().await,
        "hostile" => hostile::run().await,
        "hostile-access" => hostile::access::run().await,
        "crowd-of-names" => names::run(arguments.people).await,
        "sweep" => sweep::run().await,
        "cold" => cold::run(arguments.changes).await,
        "acts" => acts::run().await,
        "peers-rates" => peers::run_rates(of_peers, &arguments.only).await,
        "peers-pages" => peers::run_pages(&arguments.only).await,
        "peers" => {
            let plan = Plan {
                rounds: pairs,
                measured: of_peers,
                write: arguments.write,
            };
            peers::run(plan, &arguments.only).await
        }
        "all" => {
            compare("crowd", crowd, pairs, kinds).await?;
            compare("many", many, pairs, kinds).await?;
            rate(step, pairs, kinds).await?;
            idle(pairs, kinds).await?;
            open(pairs).await
        }
        _ => {
            println!("{USAGE}");
            Ok(())
        }
    }
}

/// One measurement: a new server, its drawings, its clients, and the load.
async fn turn(kind: Kind, load: Load) -> Result<Outcome, String> {
    let server = Server::start(kind);
    let drawings = create_drawings(&server, load.drawings).await;
    let crowd = Crowd::open(&server, load, &drawings).await?;
    Ok(crowd.draw(&server).await)
}

async fn create_drawings(server: &Server, count: usize) -> Vec<String> {
    let mut drawings = Vec::new();
    for _ in 0..count {
        drawings.push(server.create_drawing().await);
    }
    drawings
}

/// The same load on both servers in turn.
async fn compare(name: &str, load: Load, pairs: usize, kinds: &[Kind]) -> Result<(), String> {
    println!(
        "\n{name}: {} drawings, each {} drawers × {} strokes/s and {} watchers, {} points a stroke, {} s",
        load.drawings,
        load.drawers,
        load.rate,
        load.watchers,
        frames::POINTS,
        load.measured.as_secs()
    );
    println!(
        "              µs/delivery  p50 ms  p99 ms  max ms  done p50  done p99   delivered   lost  load µs"
    );
    let mut turns = vec![Vec::new(); kinds.len()];
    for _ in 0..pairs {
        for (&kind, turns) in kinds.iter().zip(&mut turns) {
            let outcome = turn(kind, load).await?;
            print_turn(&kind.to_string(), &outcome);
            if let Some(failure) = &outcome.failure {
                return Err(format!("{kind}, {name}: {failure}"));
            }
            turns.push(outcome);
        }
    }
    let [ours, bare] = &turns[..] else {
        return Ok(());
    };
    let medians = |value: fn(&Outcome) -> f64| (median(ours, value), median(bare, value));
    let (cpu, bare_cpu) = medians(|turn| turn.cpu);
    let (p50, bare_p50) = medians(|turn| percentile(&turn.latency, 0.5));
    let (p99, bare_p99) = medians(|turn| percentile(&turn.latency, 0.99));
    println!(
        "medians: {:.2} times the broadcast's CPU a delivery ({cpu:.2} to {bare_cpu:.2} µs); p50 {:+.2} ms, p99 {:+.2} ms; lost {}",
        cpu / bare_cpu,
        p50 - bare_p50,
        p99 - bare_p99,
        turns.iter().flatten().map(|turn| turn.lost).sum::<usize>()
    );
    Ok(())
}

fn print_turn(name: &str, outcome: &Outcome) {
    let max = |sorted: &[u32]| percentile(sorted, 1.0);
    println!(
        "{name:<12}  {:>11.2}  {:>6.2}  {:>6.2}  {:>6.1}  {:>8.2}  {:>8.2}  {:>10}  {:>5}  {:>7.2}",
        outcome.cpu,
        percentile(&outcome.latency, 0.5),
        percentile(&outcome.latency, 0.99),
        max(&outcome.latency),
        percentile(&outcome.done, 0.5),
        percentile(&outcome.done, 0.99),
        outcome.delivered,
        outcome.lost,
        outcome.own_cpu,
    );
}

/// The highest rate of each server that holds.
async fn rate(step: Load, pairs: usize, kinds: &[Kind]) -> Result<(), String> {
    println!(
        "\nrate: strokes/s of {} drawers to {} watchers, steps of {} s",
        step.drawers,
        step.watchers,
        step.measured.as_secs()
    );
    let mut highest = vec![Vec::new(); kinds.len()];
    for _ in 0..pairs {
        for (&kind, highest) in kinds.iter().zip(&mut highest) {
            let run = async |load| turn(kind, load).await;
            highest.push(rates::search(kind, step, RATE_STEP, run).await?);
        }
    }
    let [ours, bare] = &highest[..] else {
        return Ok(());
    };
    let (ours, bare) = (median(ours, |rate| *rate), median(bare, |rate| *rate));
    println!(
        "medians: whiteboard {ours:.0}/s, broadcast {bare:.0}/s: {:.2} of the broadcast's",
        ours / bare
    );
    Ok(())
}

/// Memory of an idle session, and of an open drawing with one session and nothing on it.
async fn idle(pairs: usize, kinds: &[Kind]) -> Result<(), String> {
    println!("\nidle: KiB of memory, by {IDLE} of each");
    for _ in 0..pairs {
        for &kind in kinds {
            let server = Server::start(kind);
            let drawing = create_drawings(&server, 1).await.remove(0);
            let session = grown(&server, &vec![drawing; IDLE]).await?;
            println!("{kind:<12}  a session {session:.1}");
        }
        if !kinds.contains(&Kind::Whiteboard) {
            continue;
        }
        let server = Server::start(Kind::Whiteboard);
        let drawings = create_drawings(&server, IDLE + 1).await;
        let open = grown(&server, &drawings).await?;
        println!(
            "{:<12}  an open empty drawing and its session {open:.1}",
            server.kind
        );
    }
    Ok(())
}

/// Growth of a server's memory for each client but the first, one client on each of these drawings,
/// in KiB.
async fn grown(server: &Server, drawings: &[String]) -> Result<f64, String> {
    let first = open_clients(server, &drawings[..1]).await?;
    sleep(FIRST_ROUND).await;
    let before = server.memory_bytes();
    let mut pages = open_clients(server, &drawings[1..]).await?;
    sleep(SETTLE).await;
    let grown = (server.memory_bytes() - before) / 1024.0 / pages.len() as f64;
    drop(first);
    all_open(&mut pages)?;
    Ok(grown)
}

fn all_open(pages: &mut JoinSet<()>) -> Result<(), String> {
    match pages.try_join_next() {
        Some(_) => Err("an idle page was closed".into()),
        None => Ok(()),
    }
}

/// Clients that only read, so that they answer the server's pings.
async fn open_clients(server: &Server, drawings: &[String]) -> Result<JoinSet<()>, String> {
    let mut pages = JoinSet::new();
    for drawing in drawings {
        let mut page = open_client(server, drawing, None).await?;
        pages.spawn(async move { while let Some(Ok(_)) = page.next().await {} });
    }
    Ok(pages)
}

/// The cost of a stroke while the whiteboard has one drawing open, and while it has many.
async fn open(pairs: usize) -> Result<(), String> {
    println!("\nopen: µs of the whiteboard's CPU a stroke beyond what it uses idly");
    let load = Load {
        drawings: 1,
        drawers: 1,
        watchers: 1,
        rate: 100.0,
        warm: WARM,
        measured: Duration::from_secs(10),
    };
    for _ in 0..pairs {
        let server = Server::start(Kind::Whiteboard);
        let drawings = create_drawings(&server, IDLE + 2).await;
        let alone = cost(&server, load, &drawings[..1]).await?;
        let pages = open_clients(&server, &drawings[2..]).await?;
        let among = cost(&server, load, &drawings[1..2]).await?;
        drop(pages);
        println!(
            "alone {alone:.0}, among {IDLE} open drawings {among:.0}: ratio {:.2}",
            among / alone
        );
    }
    Ok(())
}

async fn cost(server: &Server, load: Load, drawing: &[String]) -> Result<f64, String> {
    let crowd = Crowd::open(server, load, drawing).await?;
    sleep(SETTLE).await;
    let before = server.cpu_seconds();
    sleep(load.measured).await;
    let idle = server.cpu_seconds() - before;
    let outcome = crowd.draw(server).await;
    if let Some(failure) = outcome.failure {
        return Err(failure);
    }
    // One other client: a delivery is a stroke.
    Ok(outcome.cpu - idle * 1e6 / (load.rate * load.measured.as_secs_f64()))
}

fn median<T>(turns: &[T], value: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<f64> = turns.iter().map(value).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A quantile of sorted microseconds, in milliseconds.
fn percentile(sorted: &[u32], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * share).round() as usize;
    sorted
        .get(index)
        .map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
}
