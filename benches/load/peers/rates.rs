//! The highest rate of one drawing that each server holds.

use std::fmt::Write;
use std::time::Duration;

use super::contender::Contender;
use super::{WARM, named, once};
use crate::crowd::Load;
use crate::percentile;

/// The servers whose highest rate is searched for.
const CONTENDERS: [Contender; 6] = [
    Contender::SocketIo(1),
    Contender::SocketIo(2),
    Contender::Embedded,
    Contender::OnSurreal(1),
    Contender::OnSurreal(2),
    Contender::OnSurreal(3),
];
/// People who draw, and who watch.
const DRAWERS: usize = 10;
const WATCHERS: usize = 100;
/// A rate holds when nothing is lost and p99 stays under this, in milliseconds.
const HOLDS: f64 = 250.0;
/// The first rate, in strokes a second, and the highest and lowest one.
const FIRST: f64 = 400.0;
const RATES: std::ops::RangeInclusive<f64> = 50.0..=50_000.0;
/// The ratio of the lowest rate that fails and the highest that holds at which the search ends.
const STEP: f64 = 1.2;
/// Measured time of one rate, at most.
const MEASURED: Duration = Duration::from_secs(3);

/// Searches for all with one of these in their names, and returns the table.
pub async fn markdown(measured: Duration, only: &str) -> Result<String, String> {
    let mut highest = Vec::new();
    for contender in named(&CONTENDERS, only) {
        let rate = search(contender, measured.min(MEASURED)).await?;
        highest.push((contender, rate));
    }
    let of = |base: Contender| {
        let found = highest.iter().find(|(contender, _)| *contender == base);
        found.map_or(f64::NAN, |(_, rate)| *rate)
    };
    let (socketio, one) = (of(Contender::SocketIo(1)), of(Contender::OnSurreal(1)));
    let mut text = format!(
        "### Highest rate of one drawing\n\n\
         {DRAWERS} draw and {WATCHERS} watch; a rate holds when nothing is lost and p99 stays under \
         {HOLDS} ms, in one of two tries. One round, and rates are {STEP} apart at most.\n\n\
         | | strokes/s | of socket.io's on 1 node | of 1 server's on SurrealDB |\n|---|---|---|---|\n"
    );
    for (contender, rate) in &highest {
        let to_one = match contender {
            Contender::OnSurreal(_) => format!("{:.2}", rate / one),
            _ => "–".into(),
        };
        writeln!(
            text,
            "| {contender} | {rate:.0} | {:.1} | {to_one} |",
            rate / socketio
        )
        .expect("writing to a string does not fail");
    }
    text.push('\n');
    Ok(text)
}

async fn search(contender: Contender, measured: Duration) -> Result<f64, String> {
    let (mut holds, mut fails) = (0.0, f64::INFINITY);
    let mut rate = FIRST;
    while fails / holds > STEP && RATES.contains(&rate) {
        match hold(contender, rate, measured).await? {
            true => holds = rate,
            false => fails = rate,
        }
        rate = match (holds, fails) {
            (0.0, _) => rate / 2.0,
            (_, f64::INFINITY) => rate * 2.0,
            _ => (holds * fails).sqrt(),
        };
    }
    Ok(holds)
}

/// Whether a rate holds in one of two tries.
async fn hold(contender: Contender, rate: f64, measured: Duration) -> Result<bool, String> {
    let load = Load {
        drawings: 1,
        drawers: DRAWERS,
        watchers: WATCHERS,
        rate: rate / DRAWERS as f64,
        warm: WARM,
        measured,
    };
    for _ in 0..2 {
        let outcome = once(contender, load, 0).await?;
        let p99 = percentile(&outcome.latency, 0.99);
        let holds = outcome.failure.is_none() && outcome.lost == 0 && p99 < HOLDS;
        println!(
            "{contender:<34}  {rate:>6.0}/s  {}  p99 {p99:>7.1} ms  {:>5.1} µs/delivery  lost {} {}",
            if holds { "holds" } else { "fails" },
            outcome.cpu,
            outcome.lost,
            outcome.failure.unwrap_or_default(),
        );
        if holds {
            return Ok(true);
        }
    }
    Ok(false)
}
