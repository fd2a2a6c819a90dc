//! The measurements of all turns, and their medians as a table.

use std::fmt::Write;

use super::contender::Contender;
use super::{CONTENDERS, Workload, latency};
use crate::crowd::Outcome;
use crate::median;

/// The head of [`line`].
pub const HEADER: &str = "load         server                              µs/delivery  p50 ms  p99 ms  bytes  MiB    lost  load µs  others %";

/// The one that others are compared with.
const BASE: Contender = Contender::SocketIo(1);

/// One turn's figures, in the order of the columns.
fn figures(outcome: &Outcome) -> [f64; 6] {
    [
        outcome.cpu,
        latency(outcome, 0.5),
        latency(outcome, 0.99),
        outcome.bytes,
        outcome.memory / 1024.0 / 1024.0,
        outcome.lost as f64,
    ]
}

/// One turn.
pub fn line(workload: &str, contender: Contender, outcome: &Outcome) -> String {
    let [cpu, p50, p99, bytes, memory, lost] = figures(outcome);
    format!(
        "{workload:<11}  {contender:<34}  {cpu:>11.1}  {p50:>6.2}  {p99:>6.2}  {bytes:>5.0}  {memory:>5.0}  {lost:>4}  {:>7.1}  {:>8.0}",
        outcome.own_cpu,
        outcome.others * 100.0
    )
}

/// All turns so far.
#[derive(Default)]
pub struct Table {
    turns: Vec<(&'static str, Contender, [f64; 6])>,
}

impl Table {
    /// Adds a turn.
    pub fn add(&mut self, workload: &'static str, contender: Contender, outcome: Outcome) {
        self.turns.push((workload, contender, figures(&outcome)));
    }

    /// CPU time of a server for each delivery, in µs: the median.
    pub fn cpu(&self, workload: &str, contender: Contender) -> f64 {
        median(&self.of(workload, contender), |turn| turn[0])
    }

    fn of(&self, workload: &str, contender: Contender) -> Vec<[f64; 6]> {
        let of = |turn: &&(_, _, _)| turn.0 == workload && turn.1 == contender;
        self.turns.iter().filter(of).map(|turn| turn.2).collect()
    }

    /// The table of one load.
    pub fn markdown(&self, workload: &Workload) -> String {
        let mut text = format!(
            "### {}: {}\n\n\
             | | CPU a delivery, µs | of socket.io's | of the bound's | p50, ms | p99, ms | bytes | memory, MiB | lost |\n\
             |---|---|---|---|---|---|---|---|---|\n",
            workload.name, workload.about
        );
        let base = self.cpu(workload.name, BASE);
        for contender in CONTENDERS {
            let turns = self.of(workload.name, contender);
            if turns.is_empty() {
                continue;
            }
            let spread = |figure: usize, digits: usize| {
                let values = || turns.iter().map(|turn| turn[figure]);
                let low = values().fold(f64::INFINITY, f64::min);
                let high = values().fold(f64::NEG_INFINITY, f64::max);
                let middle = median(&turns, |turn| turn[figure]);
                match format!("{low:.digits$}") == format!("{high:.digits$}") {
                    true => format!("{middle:.digits$}"),
                    false => format!("{middle:.digits$} ({low:.digits$}–{high:.digits$})"),
                }
            };
            let cpu = self.cpu(workload.name, contender);
            let to_bound = contender
                .bound()
                .map(|bound| self.cpu(workload.name, bound));
            let to_bound = to_bound.map_or("–".into(), |bound| format!("{:.2}", cpu / bound));
            let lost: f64 = turns.iter().map(|turn| turn[5]).sum();
            writeln!(
                text,
                "| {contender} | {} | {:.2} | {to_bound} | {} | {} | {} | {} | {lost} |",
                spread(0, 1),
                cpu / base,
                spread(1, 2),
                spread(2, 2),
                spread(3, 0),
                spread(4, 0),
            )
            .expect("writing to a string does not fail");
        }
        text.push('\n');
        text
    }
}
