//! How many connections a server accepts, and what each may use.

use std::time::Duration;

use clap::Args;

use super::parse::count;
use crate::web::connection::ConnectionSettings;

/// Bytes per second that one connection may send.
const RECEIVE_RATE: usize = 1024 * 1024;
/// Time limit for receiving the body of a request.
const BODY_LIMIT: Duration = Duration::from_secs(10);
/// How long a peer may neither read what is written to it nor send a request.
const PROGRESS_LIMIT: Duration = Duration::from_secs(30);

/// How many connections a server accepts, and what each may use.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connections")]
pub struct ConnectionLimits {
    /// Most open connections; lowered at the start where fewer files may be open
    #[arg(
        long,
        env = "WHITEBOARD_MAX_CONNECTIONS",
        value_name = "COUNT",
        default_value = "20000",
        value_parser = count::<usize>(1, 1_000_000)
    )]
    pub max_connections: usize,
    /// Most open connections from one address; 0 for no limit, which a server behind a proxy needs that is not
    /// in --proxies
    #[arg(
        long,
        env = "WHITEBOARD_MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "COUNT",
        default_value = "1000",
        value_parser = count::<usize>(0, 1_000_000)
    )]
    pub max_connections_per_address: usize,
    /// Bytes per second that one connection may send, and the rest waits unread; a constant that tests
    /// change.
    #[arg(skip = RECEIVE_RATE)]
    pub receive_rate: usize,
    /// Time limit for receiving the body of a request; a constant, since bodies are small.
    #[arg(skip = BODY_LIMIT)]
    pub body_limit: Duration,
    /// How long nothing may move on a connection; a constant, since feeds evict sessions after as long.
    #[arg(skip = PROGRESS_LIMIT)]
    pub progress_limit: Duration,
}

impl ConnectionLimits {
    /// The settings of each connection.
    pub fn connection(&self) -> ConnectionSettings {
        ConnectionSettings {
            bytes_per_second: self.receive_rate,
            progress_limit: self.progress_limit,
        }
    }
}
