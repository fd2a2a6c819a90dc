//! The rate limit of bytes read from one connection: a sustained rate, and one second's bytes in a
//! burst.
//!
//! It reads no clock. Bytes read beyond it are a debt that must be paid off before the next read.

use std::time::{Duration, Instant};

/// The budget of a connection.
#[derive(Debug)]
pub(super) struct Budget {
    per_second: usize,
    /// Bytes left; negative for a debt.
    left: i64,
    at: Instant,
}

impl Budget {
    /// A full budget: the bytes of one second.
    pub(super) fn new(per_second: usize, now: Instant) -> Self {
        Self {
            per_second,
            left: per_second as i64,
            at: now,
        }
    }

    /// Whether bytes may be read.
    ///
    /// # Errors
    ///
    /// How long to wait for that.
    pub(super) fn check(&mut self, now: Instant) -> Result<(), Duration> {
        let per_second = self.per_second as f64;
        let more = now.saturating_duration_since(self.at).as_secs_f64() * per_second;
        let lacks = (1 - self.left) as f64 - more;
        if self.left <= 0 && lacks > 0.0 {
            return Err(Duration::from_secs_f64(lacks / per_second));
        }
        if more >= 1.0 {
            self.left = (self.left + more as i64).min(self.per_second as i64);
            self.at = now;
        }
        Ok(())
    }

    /// Deducts bytes that were read.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.left -= bytes as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn reading_as_fast_as_allowed_reads_as_much_as_allowed() {
        let begin = Instant::now();
        let mut budget = Budget::new(100_000, begin);
        let (mut now, mut read) = (begin, 0);
        while now < begin + 10 * SECOND {
            match budget.check(now) {
                Ok(()) => {
                    budget.spend(8_192);
                    read += 8_192;
                }
                Err(wait) => now += wait.max(Duration::from_millis(1)),
            }
        }
        // Ten seconds' bytes and one burst, and one read that exceeds the budget.
        assert!((1_095_000..=1_110_000).contains(&read), "{read}");
    }

    #[test]
    fn a_pause_saves_up_one_second() {
        let begin = Instant::now();
        let mut budget = Budget::new(1_000, begin);
        budget.spend(5_000);
        assert_eq!(budget.check(begin).unwrap_err().as_millis(), 4_001);
        let later = begin + 1_000 * SECOND;
        assert_eq!(budget.check(later), Ok(()));
        budget.spend(999);
        assert_eq!(budget.check(later), Ok(()));
        budget.spend(1);
        assert!(budget.check(later).is_err());
    }

    #[test]
    fn looking_often_loses_nothing() {
        let begin = Instant::now();
        let mut budget = Budget::new(10, begin);
        budget.spend(10);
        // Each poll comes too early for a whole byte.
        for micros in 1..100_000 {
            let _ = budget.check(begin + Duration::from_micros(micros));
        }
        assert_eq!(budget.check(begin + Duration::from_millis(101)), Ok(()));
    }
}
