//! Counts which faults occurred, in which state of each part, so that it can be shown that the
//! simulation meets them.
//!
//! It must never change what happens.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::fault::Fault;

/// Every state that a fault can meet.
pub const STATES: [&str; 31] = [
    "subscription Closed",
    "subscription Opening",
    "subscription Unread",
    "subscription Live",
    "reading Idle",
    "reading InFlight",
    "reading InFlight, again",
    "reading InFlight, uncovered",
    "reading Waiting",
    "appender Idle",
    "appender InFlight",
    "appender Probing",
    "verification Unverified",
    "verification Requested",
    "verification Verified",
    "lifecycle Open",
    "lifecycle Draining",
    "feed not read",
    "feed without tombstones",
    "feed whole",
    "server without a feed",
    "server frozen",
    "server down",
    "client Loading",
    "client Connecting",
    "client Greeting",
    "client Open",
    "client Paused",
    "client Reading",
    "client Waiting",
    "client Ended",
];

/// What was counted over some runs.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Runs.
    pub runs: u64,
    counts: BTreeMap<&'static str, u64>,
    faults: BTreeMap<Fault, u64>,
    pairs: BTreeMap<(Fault, &'static str), u64>,
    states: BTreeMap<&'static str, u64>,
}

impl Coverage {
    /// Nothing was met in one run.
    pub fn of_one_run() -> Self {
        Self {
            runs: 1,
            ..Self::default()
        }
    }

    /// A fault occurred, and met these states.
    pub fn fault(&mut self, fault: Fault, states: &[&'static str]) {
        *self.faults.entry(fault).or_default() += 1;
        self.also(fault, states);
    }

    /// A fault that was counted met these states too.
    pub fn also(&mut self, fault: Fault, states: &[&'static str]) {
        for state in states {
            *self.pairs.entry((fault, state)).or_default() += 1;
        }
    }

    /// A part was in this state.
    pub fn state(&mut self, state: &'static str) {
        *self.states.entry(state).or_default() += 1;
    }

    /// Something happened.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// How often something happened.
    pub fn counted(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Adds what was counted in other runs.
    pub fn add(&mut self, other: &Coverage) {
        self.runs += other.runs;
        add(&mut self.counts, &other.counts);
        add(&mut self.faults, &other.faults);
        add(&mut self.pairs, &other.pairs);
        add(&mut self.states, &other.states);
    }

    /// Faults that never occurred.
    pub fn missing_faults(&self) -> Vec<Fault> {
        let never = |fault: &Fault| !self.faults.contains_key(fault);
        Fault::ALL.into_iter().filter(never).collect()
    }

    /// States that never were.
    pub fn missing_states(&self) -> Vec<&'static str> {
        let never = |state: &&str| !self.states.contains_key(*state);
        STATES.into_iter().filter(never).collect()
    }

    /// Those of `all` that never happened.
    pub fn missing(&self, all: &[&'static str]) -> Vec<&'static str> {
        let never = |what: &&str| self.counted(what) == 0;
        all.iter().copied().filter(never).collect()
    }

    /// Pairs of a fault and a state that never met.
    pub fn missing_pairs(&self) -> Vec<(Fault, &'static str)> {
        let all = Fault::ALL
            .into_iter()
            .flat_map(|fault| STATES.into_iter().map(move |state| (fault, state)));
        all.filter(|pair| !self.pairs.contains_key(pair)).collect()
    }

    /// All of it as text.
    pub fn report(&self) -> String {
        let mut text = format!("{} runs\n", self.runs);
        for (what, count) in &self.counts {
            let _ = writeln!(text, "{count:>10}  {what}");
        }
        for (fault, count) in &self.faults {
            let _ = writeln!(text, "{count:>10}  {fault:?}");
        }
        for (state, count) in &self.states {
            let _ = writeln!(text, "{count:>10}  {state}");
        }
        let missing = self.missing_pairs();
        let all = Fault::ALL.len() * STATES.len();
        let _ = writeln!(text, "pairs that never met: {} of {all}", missing.len());
        for (fault, state) in missing {
            let _ = writeln!(text, "            {fault:?} in {state}");
        }
        text
    }
}

fn add<K: Ord + Copy>(sums: &mut BTreeMap<K, u64>, counts: &BTreeMap<K, u64>) {
    for (key, count) in counts {
        *sums.entry(*key).or_default() += count;
    }
}
