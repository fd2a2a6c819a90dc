//! The kinds of metrics: gauges, counters, labelled counters, and histograms of times and sizes.
//!
//! Counting must stay one atomic addition, without a lock or an allocation.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Upper bounds of the buckets of times, in seconds.
const SECONDS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];
/// Upper bounds of the buckets of batch sizes, in ops.
const OPS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

/// A kind of metric.
pub(super) trait Kind: Sized {
    /// Registers a metric of this name.
    fn make(name: &str, help: &str, registry: &Registry) -> Self;
}

/// A number that goes up and down, updated on request.
pub struct Gauge(IntGauge);

/// A number that only goes up.
pub struct Counter(IntCounter);

/// A histogram of durations.
pub struct Seconds(Histogram);

/// A histogram of batch sizes.
pub struct Ops(Histogram);

/// A counter for each value of a label.
pub struct Counters<L> {
    each: Vec<IntCounter>,
    label: PhantomData<L>,
}

/// A gauge for each value of a label.
pub struct Gauges<L> {
    each: Vec<IntGauge>,
    label: PhantomData<L>,
}

/// A label with fixed values.
pub trait Label: Copy {
    /// The name of the label.
    const NAME: &'static str;
    /// Its values, in the order of their [`Label::index`].
    const WORDS: &'static [&'static str];
    /// The index of the value.
    fn index(self) -> usize;
}

impl Gauge {
    /// Sets the value.
    pub fn set(&self, now: usize) {
        self.0.set(i64::try_from(now).unwrap_or(i64::MAX));
    }
}

impl Counter {
    /// Adds one.
    pub fn count(&self) {
        self.0.inc();
    }

    /// Adds `count`.
    pub fn add(&self, count: usize) {
        self.0.inc_by(count as u64);
    }
}

impl<L: Label> Counters<L> {
    /// Adds one for this label value.
    pub fn count(&self, label: L) {
        self.add(label, 1);
    }

    /// Adds `count` for this label value.
    pub fn add(&self, label: L, count: usize) {
        self.each[label.index()].inc_by(count as u64);
    }
}

impl<L: Label> Gauges<L> {
    /// Sets the value for this label value.
    pub fn set(&self, label: L, now: usize) {
        self.each[label.index()].set(i64::try_from(now).unwrap_or(i64::MAX));
    }
}

impl Seconds {
    /// Records the time since `begun`.
    pub fn since(&self, begun: Instant) {
        self.took(begun.elapsed());
    }

    /// Records a duration.
    pub fn took(&self, time: Duration) {
        self.0.observe(time.as_secs_f64());
    }
}

impl Ops {
    /// Records a batch.
    pub fn together(&self, ops: usize) {
        self.0.observe(ops as f64);
    }
}

impl Kind for Gauge {
    fn make(name: &str, help: &str, registry: &Registry) -> Self {
        Self(registered(registry, IntGauge::new(name, help)))
    }
}

impl Kind for Counter {
    fn make(name: &str, help: &str, registry: &Registry) -> Self {
        Self(registered(registry, IntCounter::new(name, help)))
    }
}

impl<L: Label> Kind for Counters<L> {
    fn make(name: &str, help: &str, registry: &Registry) -> Self {
        let family = registered(
            registry,
            IntCounterVec::new(Opts::new(name, help), &[L::NAME]),
        );
        let one = |word: &&str| family.with_label_values(&[*word]);
        Self {
            each: L::WORDS.iter().map(one).collect(),
            label: PhantomData,
        }
    }
}

impl<L: Label> Kind for Gauges<L> {
    fn make(name: &str, help: &str, registry: &Registry) -> Self {
        let family = registered(
            registry,
            IntGaugeVec::new(Opts::new(name, help), &[L::NAME]),
        );
        let one = |word: &&str| family.with_label_values(&[*word]);
        Self {
            each: L::WORDS.iter().map(one).collect(),
            label: PhantomData,
        }
    }
}

impl Kind for Seconds {
    fn make(name: &str, help: &str, registry: &Registry) -> Self {
        let options = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
        Self(registered(registry, Histogram::with_opts(options)))
    }
}

impl Kind for Ops {
    fn make(name: &str, help: &str, registry: &Registry) -> Self {
        let options = HistogramOpts::new(name, help).buckets(OPS.to_vec());
        Self(registered(registry, Histogram::with_opts(options)))
    }
}

/// Names and labels are constants, so an invalid one fails every start.
fn registered<M: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<M>,
) -> M {
    let metric = made.expect("a metric has a valid name");
    let registered = registry.register(Box::new(metric.clone()));
    registered.expect("a metric has a name of its own");
    metric
}
