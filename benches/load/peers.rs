//! The whiteboard beside what people would use instead, in turns in one run.
//!
//! A turn is a new server with empty data under one load. All turns are made in rounds over all
//! servers; a turn in which other programs used the machine too much is made again.

pub mod bound;
mod contender;
pub mod hand_written;
mod loads;
pub mod machine;
mod measured;
mod pages;
mod plot;
mod rates;
pub mod socketio;
mod sweeps;
mod table;
pub mod wire;
pub mod yjs;

use std::time::Duration;

use contender::Contender;
use table::Table;

use crate::crowd::{Crowd, Load, Outcome};
use crate::{create_drawings, percentile};

/// The share of the machine that others may use during a turn.
const DISTURBED: f64 = 0.1;
/// How often a disturbed turn is made at most.
const TRIES: usize = 3;
const WARM: Duration = Duration::from_secs(1);

/// All of them, in the order of the tables.
const CONTENDERS: [Contender; 13] = [
    Contender::HandWritten,
    Contender::Tungstenite,
    Contender::YWebsocket,
    Contender::SocketIo(1),
    Contender::SocketIo(2),
    Contender::Bound,
    Contender::BoundOnSurreal(1),
    Contender::BoundOnSurreal(2),
    Contender::BoundOnSurreal(3),
    Contender::Embedded,
    Contender::OnSurreal(1),
    Contender::OnSurreal(2),
    Contender::OnSurreal(3),
];
/// Those whose highest rate is searched for: socket.io, the bound and the whiteboard.
const WITH_LIMITS: &[Contender] = CONTENDERS.split_at(3).1;

/// What a run measures.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Rounds over all servers.
    pub rounds: usize,
    /// Measured time of each turn.
    pub measured: Duration,
    /// Whether to measure the plots too, and write all to `docs`.
    pub write: bool,
}

/// A load with its name.
#[derive(Clone, Copy)]
pub struct Workload {
    name: &'static str,
    about: &'static str,
    load: Load,
}

fn workloads(measured: Duration) -> [Workload; 3] {
    let load = |drawings, drawers, watchers, rate| Load {
        drawings,
        drawers,
        watchers,
        rate,
        warm: WARM,
        measured,
    };
    [
        Workload {
            name: "lesson",
            about: "one draws 20 strokes/s, 50 watch",
            load: load(1, 1, 50, 20.0),
        },
        Workload {
            name: "crowd",
            about: "10 draw 5 strokes/s each, 100 watch",
            load: load(1, 10, 100, 5.0),
        },
        Workload {
            name: "50 drawings",
            about: "in each 2 draw 2 strokes/s each, and 4 watch",
            load: load(50, 2, 4, 2.0),
        },
    ]
}

/// Prints all of the servers with one of these in their names, which commas part, and writes it when the plan says so.
///
/// # Errors
///
/// A text that says what is missing, or which server failed under which load.
pub async fn run(plan: Plan, only: &str) -> Result<(), String> {
    let contenders = named(&CONTENDERS, only);
    contender::prepare(&contenders)?;
    let mut disturbed = 0;
    let mut table = Table::default();
    let workloads = workloads(plan.measured);
    for round in 1..=plan.rounds {
        println!(
            "\nround {round} of {}, {} s a turn",
            plan.rounds,
            plan.measured.as_secs()
        );
        println!("{}", table::HEADER);
        for workload in &workloads {
            for &contender in &contenders {
                let outcome = turn(contender, workload.load, 0, &mut disturbed).await?;
                println!("{}", table::line(workload.name, contender, &outcome));
                table.add(workload.name, contender, outcome);
            }
        }
    }
    println!(
        "\nmedians of {} rounds, with the lowest and the highest",
        plan.rounds
    );
    let mut report = String::new();
    for workload in &workloads {
        report += &table.markdown(workload);
    }
    println!("{report}");
    let pages = pages::markdown(only).await?;
    let loads = loads::markdown(only).await?;
    println!("{pages}{loads}");
    report += &pages;
    report += &loads;
    let rates = rates::markdown(plan.measured, only).await?;
    println!("{rates}");
    if plan.write {
        let plots = sweeps::run(plan.measured, only, &table, &mut disturbed).await?;
        measured::write(plan, &report, &rates, &plots, disturbed)?;
    }
    println!("{disturbed} turns were made again because other programs used the machine");
    Ok(())
}

/// Prints the highest rates of the servers with one of these in their names, which commas part.
///
/// # Errors
///
/// A text that says what is missing, or which server failed.
pub async fn run_rates(measured: Duration, only: &str) -> Result<(), String> {
    contender::prepare(&named(&CONTENDERS, only))?;
    println!("\n{}", rates::markdown(measured, only).await?);
    Ok(())
}

/// Prints what a page that only watches costs, and a first load, of the servers with one of these in their names.
///
/// # Errors
///
/// A text that says what is missing, or which server failed.
pub async fn run_pages(only: &str) -> Result<(), String> {
    contender::prepare(&named(&CONTENDERS, only))?;
    println!("\n{}", pages::markdown(only).await?);
    println!("{}", loads::markdown(only).await?);
    Ok(())
}

/// Those with one of the texts in their names.
fn named(contenders: &[Contender], only: &str) -> Vec<Contender> {
    let has = |contender: &&Contender| {
        let name = contender.to_string();
        only.split(',').any(|text| name.contains(text))
    };
    contenders.iter().filter(has).copied().collect()
}

/// One load on one new server, whose drawings have so many strokes before. Another server than the
/// whiteboard may lose strokes.
async fn turn(
    contender: Contender,
    load: Load,
    strokes: usize,
    disturbed: &mut usize,
) -> Result<Outcome, String> {
    for tries in 1.. {
        let outcome = once(contender, load, strokes).await?;
        if outcome.others > DISTURBED && tries < TRIES {
            println!(
                "  {contender}: others used {:.0} % of the machine: again",
                outcome.others * 100.0
            );
            *disturbed += 1;
            continue;
        }
        return match &outcome.failure {
            Some(failure) if contender.is_whiteboard() || outcome.lost == 0 => {
                Err(format!("{contender}: {failure}"))
            }
            Some(failure) => {
                println!("  {contender}: {failure}");
                Ok(outcome)
            }
            None => Ok(outcome),
        };
    }
    unreachable!("the last try returns")
}

async fn once(contender: Contender, load: Load, strokes: usize) -> Result<Outcome, String> {
    let server = contender.start();
    let drawings = create_drawings(&server, load.drawings).await;
    sweeps::fill(&server, &drawings, strokes).await?;
    let crowd = Crowd::open_after(&server, load, &drawings, strokes).await?;
    Ok(crowd.draw(&server).await)
}

/// Milliseconds from pen-up to the others, at this share of all.
fn latency(outcome: &Outcome, share: f64) -> f64 {
    percentile(&outcome.latency, share)
}
