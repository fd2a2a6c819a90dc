//! `docs/measured.md` and its plots.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::plot::Plot;
use super::{Plan, machine};
use crate::frames::POINTS;

/// Where it is written.
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
/// The packages of the servers in JavaScript, as installed.
const LOCK: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/benches/peers/package-lock.json"
);

/// Writes the page and the plots.
pub fn write(
    plan: Plan,
    tables: &str,
    rates: &str,
    plots: &[Plot],
    disturbed: usize,
) -> Result<(), String> {
    let docs = Path::new(DOCS);
    let text = |error: std::io::Error| error.to_string();
    fs::create_dir_all(docs.join("measured")).map_err(text)?;
    let measured = |plot: &&Plot| plot.series.iter().any(|series| !series.points.is_empty());
    let plots: Vec<&Plot> = plots.iter().filter(measured).collect();
    for plot in &plots {
        let path = docs.join("measured").join(plot.file).with_extension("svg");
        fs::write(path, plot.svg()).map_err(text)?;
    }
    let page = page(plan, tables, rates, &plots, disturbed);
    fs::write(docs.join("measured.md"), page).map_err(text)
}

fn page(plan: Plan, tables: &str, rates: &str, plots: &[&Plot], disturbed: usize) -> String {
    let cores = machine::cores();
    let rounds = plan.rounds;
    let seconds = plan.measured.as_secs();
    let versions = versions();
    let own = std::env::current_exe().ok();
    // A bench is in the folder `deps` of that of the programs.
    let own = profile(own.as_deref().and_then(Path::parent));
    let named = |variable| {
        std::env::var_os(variable).map_or(own.clone(), |path| profile(Some(Path::new(&path))))
    };
    let (whiteboard, surrealdb) = (named("WHITEBOARD_BIN"), named("SURREALDB_BIN"));
    let mut page = format!(
        "# Measured

This page is written by `cargo bench --bench load -- peers --write`; `--pairs` sets the rounds and `--seconds` the
length of a turn.

All servers ran in turns on one machine with {cores} cores, which also ran the load: {rounds} rounds, each turn a new server
with empty data for {seconds} s. {disturbed} turns were made again because other programs had used more than a tenth of the
machine. Figures are medians, with the lowest and the highest in parentheses. Profiles of the
builds: whiteboard `{whiteboard}`, bound `{own}`, SurrealDB's own process `{surrealdb}`.
{versions}

* *CPU a delivery*: CPU time of all processes of the server, with its database, for each stroke that reached another page.
* *p50*, *p99*: from pen-up, when the stroke is sent, to each other page.
* *bytes*: what all pages receive for each delivery while strokes are drawn, with the headers of frames and without
  acknowledgements. From the whiteboard, those who draw get their own strokes back.
* *memory*: resident memory of all processes of the server at the end.
* *lost*: strokes that did not reach a page, in all rounds.

A stroke has {POINTS} points. The load is sent when it is due, however slow the server is.

* *broadcast*: sends each frame to all others in the drawing, and stores nothing: with frames written by hand on one
  thread, and over tokio-tungstenite. No order, no acknowledgement.
* *y-websocket + LevelDB*: its own server; a stroke is an entry of a map. It stores without waiting, and does not tell
  what is stored.
* *socket.io + Redis*: [some lines](../benches/peers/socketio.js) that append a stroke to a list in Redis before it is
  acknowledged and sent on, with the Redis adapter between nodes. Redis writes its append-only file to disk once a
  second (`appendfsync everysec`, its default and what people run): what is acknowledged may be lost with the machine.
* *bound*: the least that SurrealDB allows: a stroke is a row of one field, stored by a compare-and-swap before it is
  acknowledged and sent on, with frames written by hand on one thread; a live query tells of it, and what a drawing
  gathers meanwhile goes in the next transaction and in one frame. It checks nothing and bounds nothing. With several
  servers all who draw are on one of them, so that no swap is lost.
* *whiteboard*: every stroke is on disk before it is acknowledged or sent on, with the embedded database, and with
  servers that share one SurrealDB process.

"
    );
    page += tables;
    page += rates;
    page += "## What the cost of a delivery depends on\n\nOne turn for each point; both axes are logarithmic. \
         Drawings end at 1,000, which 6,000 pages have open: more need more than one machine.\n\n";
    for plot in plots {
        page += &format!(
            "![CPU a delivery by {}](measured/{}.svg)\n\n",
            plot.title, plot.file
        );
    }
    page.trim_end().to_owned() + "\n"
}

/// The profile with which a program is built: it names the folder of the program.
fn profile(program: Option<&Path>) -> String {
    let folder = program.and_then(Path::parent);
    let profile = folder.and_then(Path::file_name);
    profile.map_or("unknown".into(), |name| name.to_string_lossy().into_owned())
}

/// The versions of what is measured, as a sentence.
fn versions() -> String {
    let mut versions = Vec::new();
    for (program, argument) in [("redis-server", "--version"), ("node", "--version")] {
        let said = Command::new(program).arg(argument).output();
        let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let said = said.unwrap_or_default();
        let number = said.split_whitespace().find_map(|word| {
            let number = word.trim_start_matches("v=").trim_start_matches('v');
            number
                .starts_with(|c: char| c.is_ascii_digit())
                .then_some(number)
        });
        versions.push(format!(
            "{program} {}",
            number.unwrap_or("of unknown version")
        ));
    }
    let lock = fs::read_to_string(LOCK).unwrap_or_default();
    let lock: Value = serde_json::from_str(&lock).unwrap_or_default();
    for package in ["socket.io", "@socket.io/redis-adapter", "y-websocket"] {
        let version = lock["packages"][format!("node_modules/{package}")]["version"].as_str();
        versions.push(format!(
            "{package} {}",
            version.unwrap_or("of unknown version")
        ));
    }
    format!("Versions: {}.", versions.join(", "))
}
