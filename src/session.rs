//! One WebSocket: the actor at its end, what guards it, and what it is sent.

mod actor;
mod admission;
mod fragments;
mod guard;
mod join;
mod ops;
mod outgoing;
mod scanner;
pub mod sequencer;
mod sessions;
mod upgrade;
mod writer;

pub use sessions::{FIRST_OP_PARTS, JoinRequest, SessionLimits, Sessions};
pub use upgrade::upgrade;
pub use writer::{SharedStream, Writer};
