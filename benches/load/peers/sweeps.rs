//! The cost of a delivery against what grows: watchers, drawings, strokes that a drawing has, and
//! servers.

use std::time::Duration;

use super::contender::Contender;
use super::plot::{Plot, Series};
use super::table::Table;
use super::{WARM, named, turn};
use crate::crowd::{Crowd, Load};
use crate::server::{Kind, Server};

/// The servers in the plots.
const CONTENDERS: [Contender; 4] = [
    Contender::Tungstenite,
    Contender::YWebsocket,
    Contender::SocketIo(1),
    Contender::Embedded,
];
const WATCHERS: [usize; 5] = [10, 30, 100, 300, 1_000];
/// More drawings need more than one machine.
const DRAWINGS: [usize; 4] = [1, 10, 100, 1_000];
const STROKES: [usize; 4] = [100, 1_000, 10_000, 30_000];
/// Deliveries a second while there are more and more watchers, as far as one person draws that fast.
const DELIVERIES: f64 = 5_000.0;
const FASTEST: f64 = 50.0;
const SLOWEST: f64 = 5.0;
/// Strokes a second in all drawings together, and of one person at most.
const IN_ALL: f64 = 200.0;
const OF_ONE: f64 = 20.0;
/// Measured time of a turn, at most.
const MEASURED: Duration = Duration::from_secs(4);
/// The rate at which a drawing is filled, in strokes a second.
const FILL: f64 = 2_000.0;

/// Measures all plots, with the servers that have one of these in their names.
pub async fn run(
    measured: Duration,
    only: &str,
    table: &Table,
    disturbed: &mut usize,
) -> Result<Vec<Plot>, String> {
    let measured = measured.min(MEASURED);
    let contenders = &named(&CONTENDERS, only)[..];
    let load = Load {
        drawings: 1,
        drawers: 1,
        watchers: 50,
        rate: 20.0,
        warm: WARM,
        measured,
    };
    let watchers = |watchers: usize| {
        let rate = (DELIVERIES / watchers as f64).clamp(SLOWEST, FASTEST);
        let load = Load {
            watchers,
            rate,
            ..load
        };
        (load, 0)
    };
    let drawings = |drawings: usize| {
        let (drawers, watchers) = (2, 4);
        let rate = (IN_ALL / (drawers * drawings) as f64).min(OF_ONE);
        // Each draws once at least.
        let period = Duration::from_secs_f64(1.0 / rate);
        let load = Load {
            drawings,
            drawers,
            watchers,
            rate,
            measured: measured.max(period),
            ..load
        };
        (load, 0)
    };
    let strokes = |strokes: usize| (load, strokes);
    Ok(vec![
        Plot {
            file: "watchers",
            title: "watchers of one drawing, in which one draws",
            series: measure(contenders, &WATCHERS, watchers, disturbed).await?,
        },
        Plot {
            file: "drawings",
            title: "drawings, each with 2 who draw and 4 who watch, 200 strokes/s in all",
            series: measure(contenders, &DRAWINGS, drawings, disturbed).await?,
        },
        Plot {
            file: "strokes",
            title: "strokes that the drawing has, in which one draws 20/s and 50 watch",
            series: measure(contenders, &STROKES, strokes, disturbed).await?,
        },
        servers(table),
    ])
}

async fn measure(
    contenders: &[Contender],
    steps: &[usize],
    load: impl Fn(usize) -> (Load, usize),
    disturbed: &mut usize,
) -> Result<Vec<Series>, String> {
    let empty = |contender: &Contender| Series {
        name: contender.to_string(),
        points: Vec::new(),
    };
    let mut series: Vec<Series> = contenders.iter().map(empty).collect();
    for step in steps {
        let (load, strokes) = load(*step);
        for (contender, series) in contenders.iter().zip(&mut series) {
            let outcome = turn(*contender, load, strokes, disturbed).await?;
            println!("{step:>6}  {contender:<34}  {:>6.1} µs", outcome.cpu);
            if outcome.cpu.is_finite() {
                series.points.push((*step as f64, outcome.cpu));
            }
        }
    }
    Ok(series)
}

/// The crowd of the table, by the number of servers.
fn servers(table: &Table) -> Plot {
    let series = |name: &str, contenders: &[(usize, Contender)]| Series {
        name: name.into(),
        points: contenders
            .iter()
            .map(|(nodes, contender)| (*nodes as f64, table.cpu("crowd", *contender)))
            .filter(|(_, cost)| cost.is_finite())
            .collect(),
    };
    let socketio = [1, 2].map(|nodes| (nodes, Contender::SocketIo(nodes)));
    let bound = [1, 2, 3].map(|nodes| (nodes, Contender::BoundOnSurreal(nodes)));
    let surreal = [1, 2, 3].map(|nodes| (nodes, Contender::OnSurreal(nodes)));
    Plot {
        file: "servers",
        title: "servers of one drawing, in which 10 draw and 100 watch",
        series: vec![
            series("socket.io + Redis", &socketio),
            series("bound on SurrealDB", &bound),
            series("whiteboard on SurrealDB", &surreal),
        ],
    }
}

/// Draws so many strokes in each drawing, and nobody watches.
pub async fn fill(server: &Server, drawings: &[String], strokes: usize) -> Result<(), String> {
    if strokes == 0 {
        return Ok(());
    }
    let filling = Load {
        drawings: drawings.len(),
        drawers: 1,
        // One page has to see that all arrived where the drawer is told nothing.
        watchers: usize::from(server.kind != Kind::Whiteboard),
        rate: FILL,
        warm: Duration::ZERO,
        measured: Duration::from_secs_f64(strokes as f64 / FILL),
    };
    let crowd = Crowd::open(server, filling, drawings).await?;
    match crowd.draw(server).await.failure {
        Some(failure) => Err(format!("while the drawing was filled: {failure}")),
        None => Ok(()),
    }
}
