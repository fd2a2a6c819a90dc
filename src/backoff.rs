//! The pause before something that failed is retried.
//!
//! Pauses are random, so that servers do not retry all at the same moment.

use std::time::Duration;

/// Upper bound of the pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Upper bound of every pause.
pub const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The number of failures in a row.
#[derive(Debug, Default)]
pub struct Backoff(u32);

impl Backoff {
    /// Records a success.
    pub fn clear(&mut self) {
        self.0 = 0;
    }

    /// The log level of a failure: warn once, then debug, since a database may be away for long.
    pub fn level(&self) -> log::Level {
        match self.0 {
            0 => log::Level::Warn,
            _ => log::Level::Debug,
        }
    }

    /// Records a failure. Returns the pause before the next attempt: half to all of a bound that
    /// doubles with each failure in a row, up to [`MAX_PAUSE`].
    pub fn next(&mut self, random: &mut fastrand::Rng) -> Duration {
        let bound = FIRST_PAUSE
            .saturating_mul(1 << self.0.min(10))
            .min(MAX_PAUSE);
        self.0 += 1;
        bound.mul_f64(0.5 + random.f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_in_a_row_waits_longer_and_none_too_long() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut backoff = Backoff::default();
        assert_eq!(backoff.level(), log::Level::Warn);
        for bound in [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4] {
            let pause = backoff.next(&mut random);
            assert!(bound / 2 <= pause && pause <= bound, "{pause:?}");
            assert_eq!(backoff.level(), log::Level::Debug);
        }
        for _ in 0..100 {
            assert!(backoff.next(&mut random) <= MAX_PAUSE);
        }
        backoff.clear();
        assert!(backoff.next(&mut random) <= FIRST_PAUSE);
    }
}
