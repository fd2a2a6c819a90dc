//! What has a bound, whose bound it is, and what is said when it is reached.
//!
//! Nothing here counts anything.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use super::network::Network;
use crate::domain::key::KeyId;

/// Bytes of one unit of [`Resource::Bytes`].
pub const BYTES: u32 = 64;
/// When to come back for a session: others end at any time.
pub const SESSION_RETRY: Duration = Duration::from_secs(5);

/// Who uses a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The key that granted its access, if one did.
    pub key: Option<KeyId>,
    /// Its address.
    pub network: Network,
}

/// What is used, beside sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Drawings made.
    Drawings,
    /// Ops.
    Ops,
    /// Bytes of ops and pictures.
    Bytes,
    /// Pictures sent.
    Images,
}

impl Resource {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Drawings, Self::Ops, Self::Bytes, Self::Images];
}

/// Whose bound is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// That of a key.
    Key,
    /// That of an address.
    Address,
    /// That of all together.
    All,
}

/// A bound is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// What there is no more of; `None` for sessions.
    pub resource: Option<Resource>,
    /// Whose bound it is.
    pub whose: Whose,
    /// When to come back.
    pub retry: Duration,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.resource {
            None => "too many sessions",
            Some(Resource::Drawings) => "too many drawings were made",
            Some(Resource::Ops) => "too many ops per second",
            Some(Resource::Bytes) => "too many bytes per second",
            Some(Resource::Images) => "too many pictures were sent",
        };
        f.write_str(what)?;
        f.write_str(match self.whose {
            Whose::Key => " with this link",
            Whose::Address => " from this address",
            Whose::All => "",
        })
    }
}

/// What each may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// One key.
    pub key: Share,
    /// One address; `None` where addresses say nothing about who it is.
    pub address: Option<Share>,
    /// All together.
    pub all: Share,
}

/// How many units of something may be used at once, and in the long run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowance {
    /// Units at once, after a pause.
    pub at_once: u32,
    /// Units per second in the long run.
    pub per_second: f64,
}

impl Allowance {
    /// That of `times` as many.
    pub fn times(self, times: u32) -> Self {
        Self {
            at_once: self.at_once.saturating_mul(times),
            per_second: self.per_second * f64::from(times),
        }
    }

    /// The time until units are there again that were used.
    pub(super) fn time_for(self, units: u32) -> Duration {
        let seconds = f64::from(units) / self.per_second;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    pub(super) fn quota(self) -> Quota {
        let period = self.time_for(1).max(Duration::from_nanos(1));
        let quota = Quota::with_period(period).expect("a period is longer than nothing");
        quota.allow_burst(NonZeroU32::new(self.at_once).unwrap_or(NonZeroU32::MIN))
    }
}

/// What one may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Most sessions that are open; 0 for any number.
    pub sessions: usize,
    /// Drawings made.
    pub drawings: Allowance,
    /// Ops, in the parts that sessions count.
    pub ops: Allowance,
    /// Bytes of ops and of pictures, in units of [`BYTES`].
    pub bytes: Allowance,
    /// Pictures sent.
    pub images: Allowance,
}

impl Share {
    pub(super) fn of(&self, resource: Resource) -> Allowance {
        match resource {
            Resource::Drawings => self.drawings,
            Resource::Ops => self.ops,
            Resource::Bytes => self.bytes,
            Resource::Images => self.images,
        }
    }
}
