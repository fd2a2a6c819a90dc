//! The kinds of metrics: numbers, labelled numbers, times, and sizes of batches.
//!
//! Counting must stay one atomic addition, without a lock or an allocation.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Upper bounds of times, in seconds.
const SECONDS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];
/// Upper bounds of how many ops there are in a batch.
const OPS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

/// A kind of metric.
pub(super) trait Kind: Sized {
    /// Makes one of this name in the registry.
    fn make(name: &str, help: &str, registry: &Registry) -> Self;
}

/// A number that goes up and down. It is measured when it is asked for.
pub struct Gauge(IntGauge);

/// A number that goes up.
pub struct Counter(IntCounter);

/// How long something took.
pub struct Seconds(Histogram);

/// How many ops went together.
pub struct Ops(Histogram);

/// A counter for each word of a label.
pub struct Counters<L> {
    each: Vec<IntCounter>,
    label: PhantomData<L>,
}

/// A gauge for each word of a label.
pub struct Gauges<L> {
    each: Vec<IntGauge>,
    label: PhantomData<L>,
}

/// A label, whose words are the names of its values.
pub trait Label: Copy {
    /// The name of the label.
    const NAME: &'static str;
    /// Its words, in the order of their [`Label::index`].
    const WORDS: &'static [&'static str];
    /// Which of the words.
    fn index(self) -> usize;
}

impl Gauge {
    /// It is so many now.
    pub fn set(&self, now: usize) {
        self.0.set(i64::try_from(now).unwrap_or(i64::MAX));
    }
}

impl Counter {
    /// Once more.
    pub fn count(&self) {
        self.0.inc();
    }

    /// So many more.
    pub fn add(&self, more: usize) {
        self.0.inc_by(more as u64);
    }
}

impl<L: Label> Counters<L> {
    /// Once more of this.
    pub fn count(&self, label: L) {
        self.add(label, 1);
    }

    /// So many more of this.
    pub fn add(&self, label: L, more: usize) {
        self.each[label.index()].inc_by(more as u64);
    }
}

impl<L: Label> Gauges<L> {
    /// It is so many of this now.
    pub fn set(&self, label: L, now: usize) {
        self.each[label.index()].set(i64::try_from(now).unwrap_or(i64::MAX));
    }
}

impl Seconds {
    /// It took from then until now.
    pub fn since(&self, then: Instant) {
        self.took(then.elapsed());
    }

    /// It took this long.
    pub fn took(&self, time: Duration) {
        self.0.observe(time.as_secs_f64());
    }
}

impl Ops {
    /// So many went together.
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
        let family = IntCounterVec::new(Opts::new(name, help), &[L::NAME]);
        let family = registered(registry, family);
        let words = L::WORDS.iter();
        Self {
            each: words
                .map(|word| family.with_label_values(&[*word]))
                .collect(),
            label: PhantomData,
        }
    }
}

impl<L: Label> Kind for Gauges<L> {
    fn make(name: &str, help: &str, registry: &Registry) -> Self {
        let family = IntGaugeVec::new(Opts::new(name, help), &[L::NAME]);
        let family = registered(registry, family);
        let words = L::WORDS.iter();
        Self {
            each: words
                .map(|word| family.with_label_values(&[*word]))
                .collect(),
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

/// Names and labels stand below, so that any wrong one fails every start.
fn registered<M: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<M>,
) -> M {
    let metric = made.expect("a metric has a valid name");
    let registered = registry.register(Box::new(metric.clone()));
    registered.expect("a metric has a name of its own");
    metric
}
