//! The cluster harness: whole clusters of real processes, and faults in them.
//!
//! A [`cluster::Cluster`] is one SurrealDB server, any number of whiteboard servers on it, and
//! HAProxy in front of them, all on free ports of this machine. [`support::user::TestUser`]s are
//! clients that run in the background by the rules of `static/`: they connect through the balancer,
//! keep ops until acknowledged, and reconnect by themselves. A test starts a cluster, lets users
//! draw, kills, hangs, cuts and restarts its parts, and finally checks that all copies agree
//! ([`agreement`]): the users', every server's, and the database's.
//!
//! ```text
//! cargo test --workspace --test cluster                                  # all of it
//! WHITEBOARD_TEST_ENGINE=router cargo test --workspace --test cluster    # with SurrealDB's router engine
//! ```
//!
//! It needs HAProxy (`apt-get install haproxy`) and the workspace's binaries, as `tests/run` sets
//! them up. Two clusters are up at the same time, whatever the number of test threads; the other
//! tests wait, and one that measures time runs alone. When a test fails, the log of all processes
//! and users of its cluster is shown in order.

mod agreement;
mod balancer;
mod cluster;
mod raw_db;

mod access;
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
