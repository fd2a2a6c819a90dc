//! What one has used of its allowance: a key, an address, or all together.
//!
//! It must never wait or take a lock: sessions on every thread ask it for each frame.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};

use super::bounds::{Resource, Share};

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// What one has used.
#[derive(Debug)]
pub(super) struct Account<C: Clock> {
    share: Share,
    limiters: [Limiter<C>; Resource::ALL.len()],
    clock: C,
    begun: C::Instant,
    /// When it last used something, in milliseconds since it began.
    used: AtomicU64,
    sessions: AtomicUsize,
}

impl<C: Clock + Clone> Account<C> {
    pub(super) fn new(share: Share, clock: &C) -> Self {
        Self {
            share,
            limiters: Resource::ALL.map(|resource| {
                RateLimiter::direct_with_clock(share.of(resource).quota(), clock.clone())
            }),
            clock: clock.clone(),
            begun: clock.now(),
            used: AtomicU64::new(0),
            sessions: AtomicUsize::new(0),
        }
    }

    /// Uses this many units.
    ///
    /// # Errors
    ///
    /// How long to wait, if it has used too many.
    pub(super) fn spend(&self, resource: Resource, units: NonZeroU32) -> Result<(), Duration> {
        let now = self.clock.now();
        let since = Duration::from(now.duration_since(self.begun)).as_millis();
        self.used.store(since as u64, Ordering::Relaxed);
        match self.limiters[resource as usize].check_n(units) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(until.wait_time_from(now)),
            // More than one can ever have at once: no time is right, so a long one is told.
            Err(_) => Err(self.share.of(resource).time_for(units.get())),
        }
    }

    /// Takes the place of a session.
    pub(super) fn enter(&self) -> bool {
        let most = match self.share.sessions {
            0 => usize::MAX,
            most => most,
        };
        let one_more = |count| (count < most).then_some(count + 1);
        let (relaxed, sessions) = (Ordering::Relaxed, &self.sessions);
        sessions.fetch_update(relaxed, relaxed, one_more).is_ok()
    }

    pub(super) fn leave(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    /// How long ago it last used something.
    pub(super) fn rested(&self) -> Duration {
        let since = Duration::from(self.clock.now().duration_since(self.begun));
        since.saturating_sub(Duration::from_millis(self.used.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bounds::Allowance;
    use super::*;
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    fn share(allowance: Allowance) -> Share {
        Share {
            sessions: 2,
            drawings: allowance,
            ops: allowance,
            bytes: allowance,
            images: allowance,
        }
    }

    fn units(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let clock = FakeRelativeClock::default();
        let allowance = Allowance {
            at_once: 3,
            per_second: 0.5,
        };
        let account = Account::new(share(allowance), &clock);
        assert_eq!(account.spend(Resource::Images, units(3)), Ok(()));
        let wait = account.spend(Resource::Images, units(2)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(4));
        // Of another resource there is still all.
        assert_eq!(account.spend(Resource::Drawings, units(3)), Ok(()));
        clock.advance(wait);
        assert_eq!(account.spend(Resource::Images, units(2)), Ok(()));
        assert!(account.spend(Resource::Images, units(1)).is_err());
        let never = account.spend(Resource::Images, units(4)).unwrap_err();
        assert_eq!(never, Duration::from_secs(8));
        clock.advance(Duration::from_secs(3));
        assert_eq!(account.rested(), Duration::from_secs(3));
    }

    #[test]
    fn sessions_are_counted_while_they_last() {
        let allowance = Allowance {
            at_once: 1,
            per_second: 1.0,
        };
        let account = Account::new(share(allowance), &FakeRelativeClock::default());
        assert!(account.enter() && account.enter() && !account.enter());
        account.leave();
        assert!(account.enter() && !account.enter());
        let any = Share {
            sessions: 0,
            ..share(allowance)
        };
        let any = Account::new(any, &FakeRelativeClock::default());
        assert!((0..1_000).all(|_| any.enter()));
    }

    #[test]
    fn the_fastest_allowance_there_is_can_be_kept() {
        let allowance = Allowance {
            at_once: 1,
            per_second: 1.0,
        };
        let most = allowance.times(u32::MAX);
        let account = Account::new(share(most), &FakeRelativeClock::default());
        assert_eq!(account.spend(Resource::Ops, units(u32::MAX)), Ok(()));
    }

    proptest! {
        /// However it asks, it gets no more than what it may have at once and what time has added; and who
        /// comes back when told is served.
        #[test]
        fn nobody_gets_more_than_is_allowed(
            at_once in 1..50_u32,
            per_second in 1..20_u32,
            asks in prop::collection::vec((1..10_u32, 0..400_u64), 1..100),
        ) {
            let clock = FakeRelativeClock::default();
            let allowance = Allowance { at_once, per_second: per_second.into() };
            let account = Account::new(share(allowance), &clock);
            let (mut got, mut passed) = (0, Duration::ZERO);
            for (count, millis) in asks {
                let pause = Duration::from_millis(millis);
                clock.advance(pause);
                passed += pause;
                match account.spend(Resource::Ops, units(count)) {
                    Ok(()) => got += count,
                    Err(wait) if count <= at_once => {
                        clock.advance(wait);
                        passed += wait;
                        prop_assert_eq!(account.spend(Resource::Ops, units(count)), Ok(()));
                        got += count;
                    }
                    Err(_) => {}
                }
                let most = f64::from(at_once) + passed.as_secs_f64() * f64::from(per_second);
                prop_assert!(f64::from(got) <= most + 0.001, "{} of {}", got, most);
            }
        }
    }
}
