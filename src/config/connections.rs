//! How many connections a server takes, and what each of them may take of it.

use std::time::Duration;

use clap::Args;

use super::parse::{count, size};
use crate::web::connection::ConnectionSettings;

/// How long the body of a request may take to come.
const BODY_LIMIT: Duration = Duration::from_secs(10);
/// How long a peer may take nothing of what is written to it, or ask for nothing where it could.
const PROGRESS_LIMIT: Duration = Duration::from_secs(30);

/// How many connections a server takes, and what each of them may take of it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connections")]
pub struct ConnectionLimits {
    /// Connections that this server takes in all; fewer where it may not open so many files
    #[arg(
        long,
        env = "WHITEBOARD_MAX_CONNECTIONS",
        value_name = "COUNT",
        default_value = "20000",
        value_parser = count::<usize>(1, 1_000_000)
    )]
    pub max_connections: usize,
    /// Connections that this server takes from one address; 0 for no such limit, as behind a proxy,
    /// from which all of them come
    #[arg(
        long,
        env = "WHITEBOARD_MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "COUNT",
        default_value = "1000",
        value_parser = count::<usize>(0, 1_000_000)
    )]
    pub max_connections_per_address: usize,
    /// Size of what one connection may send each second for long; what is more is read later
    #[arg(
        long,
        env = "WHITEBOARD_RECEIVE_SIZE_PER_SECOND",
        value_name = "SIZE",
        default_value = "1MiB",
        value_parser = size("64KiB", "1GiB")
    )]
    pub receive_size_per_second: usize,
    /// How long the body of a request may take to come; no setting, since bodies are small.
    #[arg(skip = BODY_LIMIT)]
    pub body_limit: Duration,
    /// How long nothing may move on a connection; no setting, since feeds give up after as long.
    #[arg(skip = PROGRESS_LIMIT)]
    pub progress_limit: Duration,
}

impl ConnectionLimits {
    /// What each connection obeys.
    pub fn connection(&self) -> ConnectionSettings {
        ConnectionSettings {
            bytes_per_second: self.receive_size_per_second,
            progress_limit: self.progress_limit,
        }
    }
}
