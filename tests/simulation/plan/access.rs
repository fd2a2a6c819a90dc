//! Who may do what in a run, and when that changes.
//!
//! These choices have their own random numbers, so that all other ones stay what they were without them.

use std::time::Duration;

use whiteboard::domain::access::Level;

use crate::access::KEYS;
use crate::fault::Fault;
use crate::plan::{ACTIVE_MILLIS, Plan, PlannedFault};

/// Longer than any run.
const FAR: Duration = Duration::from_secs(10_000);

/// A token that a client has.
#[derive(Clone, Copy, Debug)]
pub struct PlannedToken {
    /// Since when.
    pub from: Duration,
    /// What it allows.
    pub level: Level,
    /// When it ends.
    pub ends: Duration,
}

impl Plan {
    /// In one run of four, keys let clients in, and who may do what changes.
    pub(super) fn keys(&mut self, random: &mut fastrand::Rng) {
        // A change that a server is not told of is found by comparing heads.
        self.has_keys = random.u32(..4) == 0 && self.head_check_interval.is_some();
        if !self.has_keys {
            return;
        }
        for _ in 0..random.usize(1..=4) {
            let rare = random.u32(..3) > 0;
            let kinds = &Fault::OF_ACCESS[usize::from(rare)..4];
            self.faults.push(PlannedFault {
                at: Duration::from_millis(random.u64(..ACTIVE_MILLIS)),
                lasts: Duration::from_millis(random.u64(10..1_500)),
                fault: *random.choice(kinds).unwrap_or(&Fault::DrawingLocked),
                target: random.usize(..12),
            });
        }
    }

    /// In most of those runs, keys and tokens end by themselves.
    pub(super) fn ends(&mut self, random: &mut fastrand::Rng) {
        if !self.has_keys || random.u32(..4) == 0 {
            return;
        }
        let moment = |random: &mut fastrand::Rng| {
            Duration::from_millis(random.u64(600..ACTIVE_MILLIS + 1_000))
        };
        // The first key owns the drawing and has no end.
        self.key_ends = vec![None];
        for _ in 1..KEYS {
            let ends = (random.u32(..3) == 0).then(|| moment(random));
            self.key_ends.push(ends);
        }
        for _ in 0..random.usize(..3) {
            self.faults.push(PlannedFault {
                at: Duration::from_millis(random.u64(..ACTIVE_MILLIS)),
                lasts: Duration::from_millis(random.u64(10..1_500)),
                fault: Fault::KeyExpires,
                target: random.usize(..12),
            });
        }
        for _ in 0..self.clients {
            let tokens = match random.u32(..3) {
                0 => {
                    let ends = moment(random);
                    tokens(random, ends)
                }
                _ => Vec::new(),
            };
            self.tokens.push(tokens);
        }
        // Some ops meet an end.
        let ends: Vec<_> = self.key_ends.iter().flatten().copied().collect();
        let tokens = self.tokens.iter().flatten().map(|token| token.ends);
        let ends: Vec<_> = ends.into_iter().chain(tokens).collect();
        for op in &mut self.ops {
            if random.u32(..4) == 0
                && let Some(end) = random.choice(&ends)
                && *end < FAR
            {
                let before = Duration::from_millis(random.u64(..20));
                op.at = end.saturating_sub(before);
            }
        }
        self.ops.sort_by_key(|op| op.at);
    }
}

/// The tokens of one client: one that ends, and perhaps another one before that or too late.
fn tokens(random: &mut fastrand::Rng, ends: Duration) -> Vec<PlannedToken> {
    let level = |random: &mut fastrand::Rng| match random.u32(..4) {
        0 => Level::View,
        1 => Level::Own,
        _ => Level::Draw,
    };
    let first = PlannedToken {
        from: Duration::ZERO,
        level: level(random),
        ends,
    };
    let second = PlannedToken {
        from: (ends + Duration::from_millis(50))
            .saturating_sub(Duration::from_millis(random.u64(..600))),
        level: level(random),
        ends: match random.bool() {
            true => FAR,
            false => ends + Duration::from_millis(random.u64(300..1_500)),
        },
    };
    match random.u32(..3) {
        0 => vec![first],
        _ => vec![first, second],
    }
}
