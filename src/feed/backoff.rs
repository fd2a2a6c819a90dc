//! What failed several times in a row, and how long to wait before it is tried again.
//!
//! It must never let all servers try again at the same moment.

use std::time::Duration;

/// The first and the longest wait.
pub(super) const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How often something failed since it last worked.
#[derive(Debug, Default)]
pub(super) struct Backoff(u32);

impl Backoff {
    /// It worked.
    pub(super) fn clear(&mut self) {
        self.0 = 0;
    }

    /// Log at warn once, then at debug: a database may be away for long.
    pub(super) fn level(&self) -> log::Level {
        match self.0 {
            0 => log::Level::Warn,
            _ => log::Level::Debug,
        }
    }

    /// It failed: waits a little longer each time, and not all servers equally long.
    pub(super) fn wait(&mut self) -> Duration {
        let (first, longest) = RETRY;
        let wait = first.saturating_mul(1 << self.0.min(10)).min(longest);
        self.0 += 1;
        wait.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_in_a_row_waits_longer_and_none_too_long() {
        let (first, longest) = RETRY;
        let mut backoff = Backoff::default();
        assert_eq!(backoff.level(), log::Level::Warn);
        for most in [first, first * 2, first * 4] {
            let wait = backoff.wait();
            assert!(most / 2 <= wait && wait <= most, "{wait:?}");
            assert_eq!(backoff.level(), log::Level::Debug);
        }
        for _ in 0..100 {
            assert!(backoff.wait() <= longest);
        }
        backoff.clear();
        assert!(backoff.wait() <= first);
    }
}
