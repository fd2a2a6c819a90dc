//! The highest rate of one drawing that each server holds.

use std::fmt::Write;
use std::time::Duration;

use super::contender::Contender;
use super::{WARM, WITH_LIMITS, named, once};
use crate::crowd::Load;
use crate::rates::{self, HOLDS};

/// People who draw, and who watch.
const DRAWERS: usize = 10;
const WATCHERS: usize = 100;
/// The ratio of the lowest rate that fails and the highest that holds at which the search ends.
const STEP: f64 = 1.2;
/// Measured time of one rate, at most.
const MEASURED: Duration = Duration::from_secs(3);

/// Searches for all with one of these in their names, and returns the table.
pub async fn markdown(measured: Duration, only: &str) -> Result<String, String> {
    let load = Load {
        drawings: 1,
        drawers: DRAWERS,
        watchers: WATCHERS,
        rate: 0.0,
        warm: WARM,
        measured: measured.min(MEASURED),
    };
    let mut highest = Vec::new();
    for contender in named(WITH_LIMITS, only) {
        let run = async |load| once(contender, load, 0).await;
        let rate = rates::search(contender, load, STEP, run).await?;
        highest.push((contender, rate));
    }
    let of = |base: Contender| {
        let found = highest.iter().find(|(contender, _)| *contender == base);
        found.map_or(f64::NAN, |(_, rate)| *rate)
    };
    let socketio = of(Contender::SocketIo(1));
    let mut text = format!(
        "### Highest rate of one drawing\n\n\
         {DRAWERS} draw and {WATCHERS} watch; a rate holds when nothing is lost and p99 stays under \
         {HOLDS} ms, in one of two tries. One round, and rates are {STEP} apart at most.\n\n\
         | | strokes/s | of socket.io's on 1 node | of the bound's | of its own with 1 server on SurrealDB |\n\
         |---|---|---|---|---|\n"
    );
    for (contender, rate) in &highest {
        let to = |base: Option<Contender>| {
            base.map_or("–".into(), |base| format!("{:.2}", rate / of(base)))
        };
        let one = match contender {
            Contender::OnSurreal(_) => Some(Contender::OnSurreal(1)),
            Contender::BoundOnSurreal(_) => Some(Contender::BoundOnSurreal(1)),
            _ => None,
        };
        writeln!(
            text,
            "| {contender} | {rate:.0} | {:.1} | {} | {} |",
            rate / socketio,
            to(contender.bound()),
            to(one),
        )
        .expect("writing to a string does not fail");
    }
    text.push('\n');
    Ok(text)
}
