//! The integration harness: whole clusters of real processes, and what may happen to them.
//!
//! A [`cluster::Cluster`] is one SurrealDB server, any number of whiteboards on it, and HAProxy in
//! front of them, all on free ports of this machine. [`test_user::TestUser`]s are pages that live on in
//! the background by the rules of `static/`: they come through the balancer, keep what they draw
//! until it is answered, and reconnect by themselves. A test starts a cluster, lets users draw,
//! kills, hangs, cuts and restarts what it likes, and at last asks whether all agree
//! ([`agreement`]): the users, every server, and the database itself.
//!
//! ```text
//! cargo test --workspace --test cluster                                  # all of it
//! WHITEBOARD_TEST_ENGINE=router cargo test --workspace --test cluster    # with SurrealDB's router engine
//! ```
//!
//! It needs HAProxy (`apt-get install haproxy`) and the workspace's binaries, as `tests/run` sets
//! them up. Two clusters are up at the same time, whatever the number of test threads; the other
//! tests wait for their turn, and one that says how long something may take is alone. When a test
//! fails, what all processes and users of its cluster said is shown in the order in which they
//! said it.

mod agreement;
mod balancer;
mod cluster;
mod faulty_proxy;
#[path = "../whiteboard/page.rs"]
#[allow(dead_code, reason = "another test binary uses the rest of it")]
mod page;
mod process;
#[path = "../whiteboard/processes.rs"]
mod processes;
mod raw_db;
#[path = "../whiteboard/surrealdb.rs"]
#[allow(dead_code, reason = "another test binary uses the rest of it")]
mod surrealdb;
mod test_user;

mod database;
mod deletion;
mod fuzz;
mod partitions;
mod people;
mod repair;
mod restore;
mod schema;
mod servers;
mod smoke;
