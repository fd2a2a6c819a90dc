//! Many servers, many clients and a database in virtual time: what must never be lost, under all that
//! can go wrong.
//!
//! The feed's core, its subscribers and the session's sequencer are the real ones; the database is a
//! model that is held to the contract of the store. One seed decides everything. See
//! `docs/simulation.md`.

mod access;
mod checks;
mod client;
mod contract;
mod coverage;
mod database;
mod fault;
mod faults;
mod load;
mod mailbox;
mod outbox;
mod plan;
mod presence;
mod reference;
mod regressions;
mod run;
mod server;
mod session;
mod socket;
mod tables;
mod transcript;
mod wire;
mod world;

use std::time::Instant;

use whiteboard::metrics::Metrics;

use crate::plan::Plan;

/// Runs one seed, and prints all that happens in it.
const SEED: &str = "WHITEBOARD_SIMULATION_SEED";
/// How many seeds are run.
const SEEDS: &str = "WHITEBOARD_SIMULATION_SEEDS";
/// The first of them.
const FIRST: &str = "WHITEBOARD_SIMULATION_FIRST";
/// Where the counters are written to.
const REPORT: &str = "WHITEBOARD_SIMULATION_REPORT";
/// So many seeds must meet every fault and every state.
const ENOUGH: u64 = 5_000;

/// And all of this.
const NEEDED: [&str; 22] = [
    "tokens renewed",
    "access ended while an append was in flight",
    "rules changed",
    "ops refused by rules",
    "sessions that were not let in",
    "clients whose access ended",
    "feeds opened beside another one",
    "people came",
    "people went",
    "people went with a killed server",
    "people went with a drained server",
    "people of a frozen server were dropped",
    "people came back",
    "signals shown",
    "ops sent in several frames",
    "indexes written",
    "indexes written over newer ones",
    "indexes lost",
    "indexes of an epoch that ended",
    "loads with an index",
    "loads with an index of another epoch",
    "loads with an index beyond the head",
];

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}

#[test]
fn ten_thousand_disasters_lose_nothing() {
    if let Some(seed) = number(SEED) {
        return print(seed);
    }
    let seeds = number(SEEDS).unwrap_or(10_000);
    let start = Instant::now();
    let (coverage, events, failed) = run::run_seeds(number(FIRST).unwrap_or(0), seeds, 2);
    if let Some(seed) = failed {
        panic!("{}\nrun it with {SEED}={seed}", run::explain(seed));
    }
    let took = start.elapsed().as_secs_f64();
    println!("{seeds} seeds, {events} events in {took:.1} s");
    if let Ok(path) = std::env::var(REPORT) {
        std::fs::write(path, coverage.report()).expect("the report");
    }
    if seeds >= ENOUGH {
        assert_eq!(coverage.missing_faults(), [], "faults that never occurred");
        let none: [&str; 0] = [];
        assert_eq!(coverage.missing_states(), none, "states that never were");
        let missing = coverage.missing(&NEEDED);
        assert_eq!(missing, none, "these never happened");
    }
}

fn print(seed: u64) {
    let ran = run::run(&Plan::new(seed), &Metrics::new(), true);
    let plan = Plan::new(seed);
    println!("{plan:#?}");
    for line in ran.trace {
        println!("{line}");
    }
    if ran.failure.is_some() {
        panic!("{}", run::explain(seed));
    }
}

#[test]
fn one_seed_decides_everything() {
    let metrics = Metrics::new();
    for seed in 0..20 {
        let traces = [0, 1].map(|_| run::run(&Plan::new(seed), &metrics, true).trace);
        assert_eq!(traces[0], traces[1], "seed {seed}");
    }
}
