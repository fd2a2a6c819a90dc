//! The SurrealDB server, as the project's own container image runs it, built from crates.
#![recursion_limit = "512"]

use std::process::ExitCode;

fn main() -> ExitCode {
    surrealdb_server::init(surrealdb_core::CommunityComposer())
}
