//! How many bytes may be read of one connection: so many a second, and after a pause as many at once.
//!
//! It reads no clock. What is read beyond it is a debt, which must be paid before anything is read again.

use std::time::{Duration, Instant};

/// Bytes that may be read.
#[derive(Debug)]
pub(super) struct Budget {
    per_second: usize,
    /// Bytes that are left; below 0 a debt.
    left: i64,
    at: Instant,
}

impl Budget {
    /// A whole second's bytes, and as many each second.
    pub(super) fn new(per_second: usize, now: Instant) -> Self {
        Self {
            per_second,
            left: per_second as i64,
            at: now,
        }
    }

    /// Whether something may be read.
    ///
    /// # Errors
    ///
    /// How long to wait until then.
    pub(super) fn check(&mut self, now: Instant) -> Result<(), Duration> {
        if self.left <= 0 {
            let more =
                now.saturating_duration_since(self.at).as_secs_f64() * self.per_second as f64;
            if more < (1 - self.left) as f64 {
                let lacks = (1 - self.left) as f64 - more;
                return Err(Duration::from_secs_f64(lacks / self.per_second as f64));
            }
        }
        self.refill(now);
        Ok(())
    }

    /// So many bytes were read.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.left -= bytes as i64;
    }

    fn refill(&mut self, now: Instant) {
        let more = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second as f64;
        if more >= 1.0 {
            self.left = (self.left + more as i64).min(self.per_second as i64);
            self.at = now;
        }
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
        // Ten seconds' bytes and those at once, and at most the last read too much.
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
        // Each look is too soon for a whole byte.
        for micros in 1..100_000 {
            let _ = budget.check(begin + Duration::from_micros(micros));
        }
        assert_eq!(budget.check(begin + Duration::from_millis(101)), Ok(()));
    }
}
