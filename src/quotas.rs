//! How much of a server one may use: who counts as one, and what has a bound.
//!
//! It must never wait: what exceeds a bound is refused with when to come back.

mod account;
mod bounds;
pub mod network;
mod visits;

pub use bounds::{
    Allowance, BYTES, Exceeded, Resource, SESSION_RETRY, Share, Shares, Subject, Whose,
};
pub use visits::{Place, Quotas, Visit};
