//! The highest rate that a server holds.

use std::fmt::Display;

use crate::crowd::{Load, Outcome};
use crate::percentile;

/// A rate holds when nothing is lost and p99 stays under this, in milliseconds.
pub const HOLDS: f64 = 250.0;
/// The first rate, in strokes a second, and the highest and lowest one.
const FIRST: f64 = 400.0;
const RATES: std::ops::RangeInclusive<f64> = 50.0..=60_000.0;

/// Searches for it, until the lowest rate that fails is at most `step` times the highest that holds; 0 if
/// none holds. `run` puts this load on the server, which all drawers of the load make together.
pub async fn search(
    name: impl Display,
    load: Load,
    step: f64,
    run: impl AsyncFn(Load) -> Result<Outcome, String>,
) -> Result<f64, String> {
    let (mut holds, mut fails) = (0.0, f64::INFINITY);
    let mut rate = FIRST;
    while fails / holds > step && RATES.contains(&rate) {
        match hold(&name, load, rate, &run).await? {
            true => holds = rate,
            false => fails = rate,
        }
        rate = match (holds, fails) {
            (0.0, _) => rate / 2.0,
            (_, f64::INFINITY) => rate * 2.0,
            _ => (holds * fails).sqrt(),
        };
    }
    println!("{name:<34}  highest that holds {holds:.0}/s");
    Ok(holds)
}

/// Whether a rate holds in one of two tries: on a shared machine one may be disturbed.
async fn hold(
    name: &impl Display,
    load: Load,
    rate: f64,
    run: &impl AsyncFn(Load) -> Result<Outcome, String>,
) -> Result<bool, String> {
    let rate_of_each = rate / load.drawers as f64;
    for _ in 0..2 {
        let outcome = run(Load {
            rate: rate_of_each,
            ..load
        })
        .await?;
        let p99 = percentile(&outcome.latency, 0.99);
        let holds = outcome.failure.is_none() && outcome.lost == 0 && p99 < HOLDS;
        println!(
            "{name:<34}  {rate:>6.0}/s  {}  p50 {:>7.1} ms  p99 {p99:>7.1} ms  {:>5.2} µs/delivery  lost {} {}",
            if holds { "holds" } else { "fails" },
            percentile(&outcome.latency, 0.5),
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
