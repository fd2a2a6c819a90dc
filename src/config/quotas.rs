//! How much of a server one key, one address and all together may use.
//!
//! An address may be a school: what it may use is that of many sessions.

use clap::Args;

use super::connections::ConnectionLimits;
use crate::quotas::{Allowance, BYTES, Share, Shares};
use crate::session::{FIRST_OP_PARTS, SessionLimits};

/// Bytes, in units of [`BYTES`].
const MIB: u32 = 1024 * 1024 / BYTES;

/// Drawings made: a class makes one each at once, and then some.
const DRAWINGS: EachAddress<Allowance> = EachAddress {
    address: per_second(600, 0.5),
    all: per_second(6_000, 5.0),
};
/// Ops, in sessions that each send as fast as one may.
const OPS: Each<u32> = Each {
    key: 100,
    address: 60,
    all: 250,
};
/// Bytes of ops and of pictures.
const OP_BYTES: Each<Allowance> = Each {
    key: per_second(1_024 * MIB, 2.0 * MIB as f64),
    address: per_second(1_024 * MIB, 2.0 * MIB as f64),
    all: per_second(8_192 * MIB, 32.0 * MIB as f64),
};
/// Pictures sent.
const IMAGES: Each<Allowance> = Each {
    key: per_second(600, 1.0),
    address: per_second(600, 1.0),
    all: per_second(6_000, 10.0),
};
/// The part of all sessions that one key may have open, so that a link that many have leaves room for others.
const KEY_SESSIONS: usize = 2;

const fn per_second(at_once: u32, per_second: f64) -> Allowance {
    Allowance {
        at_once,
        per_second,
    }
}

/// A bound for one key, for one address and for all together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Each<T> {
    /// For one key.
    pub key: T,
    /// For one address, or one IPv6 network of 64 bits.
    pub address: T,
    /// For all together.
    pub all: T,
}

/// A bound for one address and for all together, of what takes no key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EachAddress<T> {
    /// For one address, or one IPv6 network of 64 bits.
    pub address: T,
    /// For all together.
    pub all: T,
}

/// What each may use; constants that tests lower.
#[derive(Clone, Debug, Args)]
pub struct QuotaSettings {
    /// Drawings made.
    #[arg(skip = DRAWINGS)]
    pub drawings: EachAddress<Allowance>,
    /// Ops, in sessions that each send as fast as one may.
    #[arg(skip = OPS)]
    pub ops: Each<u32>,
    /// Bytes of ops and of pictures, in units of [`BYTES`].
    #[arg(skip = OP_BYTES)]
    pub bytes: Each<Allowance>,
    /// Pictures sent.
    #[arg(skip = IMAGES)]
    pub images: Each<Allowance>,
}

impl QuotaSettings {
    /// What each may use. An address has no bound where its connections have none: then it may be that of a
    /// proxy, with everybody behind it.
    pub fn shares(&self, connections: &ConnectionLimits, limits: &SessionLimits) -> Shares {
        let parts = FIRST_OP_PARTS.get();
        let session = Allowance {
            at_once: limits.ops_burst.get().saturating_mul(parts),
            per_second: f64::from(limits.ops_per_second.get()) * f64::from(parts),
        };
        let share = |sessions, of: fn(&Each<Allowance>) -> Allowance, drawings, ops| Share {
            sessions,
            drawings,
            ops: session.times(ops),
            bytes: of(&self.bytes),
            images: of(&self.images),
        };
        let from_one = connections.max_connections_per_address;
        let EachAddress { address, all } = self.drawings;
        let from_address = share(from_one, |each| each.address, address, self.ops.address);
        let of_key = limits.max_sessions.div_ceil(KEY_SESSIONS);
        Shares {
            // Nobody shows the key of one drawing to make another.
            key: share(of_key, |each| each.key, all, self.ops.key),
            address: (from_one > 0).then_some(from_address),
            // The limit of all sessions is a setting.
            all: share(0, |each| each.all, all, self.ops.all),
        }
    }
}
