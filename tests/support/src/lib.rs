//! What all tests and benchmarks share: one test client, servers to test against, and waiting.
//!
//! It must never be more lenient than the browser client: a server that violates a rule fails the
//! test.

pub mod client;
pub mod database;
mod driver;
pub mod http;
pub mod process;
pub mod proxy;
pub mod raw;
pub mod rules;
pub mod server;
pub mod socket;
pub mod state;
pub mod user;
pub mod wait;
