//! Runs plans, and shrinks one that fails until nothing can be left out.
//!
//! It must never let a failure of one run disturb another one.

use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use whiteboard::metrics::Metrics;

use crate::coverage::Coverage;
use crate::plan::Plan;
use crate::transcript::Recorder;
use crate::world::World;

/// For how long a failure is shrunk.
const SHRINK_FOR: Duration = Duration::from_secs(20);

thread_local! {
    /// Whether a panic of this thread belongs to a run, and where the last one was.
    static IN_A_RUN: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What became of a run.
pub struct Ran {
    /// What it met.
    pub coverage: Coverage,
    /// Its events.
    pub events: u64,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// What happened, if that was recorded.
    pub trace: Vec<String>,
}

/// Runs a plan.
pub fn run(plan: &Plan, metrics: &Arc<Metrics>, is_traced: bool) -> Ran {
    catch_places();
    let mut world = World::new(plan.clone(), Arc::clone(metrics), is_traced);
    IN_A_RUN.set(true);
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    IN_A_RUN.set(false);
    let failure = result.err().map(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let place = PLACE.with_borrow(String::clone);
        format!("{} ({place})", text.unwrap_or("a panic without a text"))
    });
    let ran = Ran {
        coverage: std::mem::take(&mut world.coverage),
        events: world.events(),
        failure,
        trace: world.trace.take().unwrap_or_default(),
    };
    // A world in which something failed may fail again while it is dropped.
    IN_A_RUN.set(true);
    let _ = catch_unwind(AssertUnwindSafe(|| drop(world)));
    IN_A_RUN.set(false);
    ran
}

/// Runs a plan, and gives the transcript of one page, if there is one that can be replayed.
pub fn record(plan: &Plan, metrics: &Arc<Metrics>) -> Option<String> {
    let mut world = World::new(plan.clone(), Arc::clone(metrics), false);
    world.recorder = Some(Recorder::default());
    world.run();
    world.transcript()
}

/// Panics of runs are failures that are reported once, not where they occur.
fn catch_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IN_A_RUN.get() {
                return before(info);
            }
            let place = info.location().map(ToString::to_string);
            PLACE.set(place.unwrap_or_default());
        }));
    });
}

/// Leaves out of a plan that fails whatever it fails without.
pub fn shrink(plan: &Plan, metrics: &Arc<Metrics>) -> Plan {
    let start = Instant::now();
    let mut fails = |plan: &Plan| {
        let has_time = start.elapsed() < SHRINK_FOR;
        has_time.then(|| run(plan, metrics, false).failure.is_some())
    };
    let mut smallest = plan.clone();
    loop {
        let before = (smallest.faults.len(), smallest.ops.len());
        leave_out(&mut smallest, |plan| &mut plan.faults, &mut fails);
        leave_out(&mut smallest, |plan| &mut plan.ops, &mut fails);
        if before == (smallest.faults.len(), smallest.ops.len()) {
            return smallest;
        }
    }
}

fn leave_out<T: Clone>(
    smallest: &mut Plan,
    part: impl Fn(&mut Plan) -> &mut Vec<T>,
    fails: &mut impl FnMut(&Plan) -> Option<bool>,
) {
    let mut size = part(smallest).len();
    while size > 0 {
        let mut at = 0;
        while at < part(smallest).len() {
            let mut smaller = smallest.clone();
            let items = part(&mut smaller);
            let end = items.len().min(at + size);
            items.drain(at..end);
            match fails(&smaller) {
                Some(true) => *smallest = smaller,
                Some(false) => at += size,
                None => return,
            }
        }
        size /= 2;
    }
}

/// Runs seeds on some threads until one fails. Gives what all of them met, and the lowest seed that failed.
pub fn run_seeds(first: u64, seeds: u64, threads: usize) -> (Coverage, u64, Option<u64>) {
    let next = AtomicU64::new(first);
    let failed = AtomicU64::new(u64::MAX);
    let end = first + seeds;
    let work = || {
        let metrics = Metrics::new();
        let (mut coverage, mut events) = (Coverage::default(), 0);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end || failed.load(Ordering::Relaxed) != u64::MAX {
                return (coverage, events);
            }
            let ran = run(&Plan::new(seed), &metrics, false);
            coverage.add(&ran.coverage);
            events += ran.events;
            if ran.failure.is_some() {
                failed.fetch_min(seed, Ordering::Relaxed);
            }
        }
    };
    let (mut coverage, mut events) = (Coverage::default(), 0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let (own, count) = thread.join().expect("a thread of runs");
            coverage.add(&own);
            events += count;
        }
    });
    let failed = failed.into_inner();
    (coverage, events, (failed != u64::MAX).then_some(failed))
}

/// What happens in the smallest plan that fails as the one of this seed does.
pub fn explain(seed: u64) -> String {
    let metrics = Metrics::new();
    let whole = run(&Plan::new(seed), &metrics, false);
    let smallest = shrink(&Plan::new(seed), &metrics);
    let ran = run(&smallest, &metrics, true);
    let mut text = format!("seed {seed} fails: {}\n", whole.failure.unwrap_or_default());
    let _ = writeln!(
        text,
        "shrunk to {} faults and {} ops: {}",
        smallest.faults.len(),
        smallest.ops.len(),
        ran.failure.unwrap_or_default()
    );
    for fault in &smallest.faults {
        let _ = writeln!(text, "{fault:?}");
    }
    for line in ran.trace {
        let _ = writeln!(text, "{line}");
    }
    text
}
