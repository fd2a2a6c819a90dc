//! All settings of one server, and those of the process itself.
//!
//! Only `main` reads the environment; nothing here reads the clock, the disk or the network.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser};

use super::access::{AccessMode, AccessSettings};
use super::admin::Command;
use super::connections::ConnectionLimits;
use super::database::DatabaseSettings;
use super::drawings::DrawingSettings;
use super::parse::{listen, log_filter, time};
use super::proxies::ProxySettings;
use super::quotas::QuotaSettings;
use super::sessions::SessionSettings;
use crate::domain::access::Mode;
use crate::heartbeat::SERVER_HEARTBEAT;
use crate::quotas::Shares;

/// Time limit for storing the ops that wait and closing the sessions when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// All settings of one server.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "whiteboard",
    version,
    about = "A self-hosted collaborative whiteboard.",
    after_help = "Write times with a unit, such as 500ms, 90s, 10m, 24h or 30d, and sizes too, such as \
        512KiB, 64MiB or 1GiB. Variables may also be set in a file .env in the current folder; flags \
        override variables, and variables override the file.",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    subcommand_help_heading = "Subcommands",
    subcommand_value_name = "SUBCOMMAND",
    max_term_width = 100
)]
pub struct Settings {
    /// Where it listens, and how it stops.
    #[command(flatten)]
    pub server: ServerSettings,
    /// Limits of connections.
    #[command(flatten)]
    pub connections: ConnectionLimits,
    /// Proxies in front of it.
    #[command(flatten)]
    pub proxies: ProxySettings,
    /// Hosts and origins.
    #[command(flatten)]
    pub access: AccessSettings,
    /// Where drawings are stored.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// Limits and timing of open drawings.
    #[command(flatten)]
    pub drawings: DrawingSettings,
    /// Limits of sessions.
    #[command(flatten)]
    pub sessions: SessionSettings,
    /// What each may use.
    #[command(flatten)]
    pub quotas: QuotaSettings,
    /// What to log, in env_logger's syntax: a level, or levels for modules
    #[arg(
        long,
        env = "RUST_LOG",
        value_name = "FILTER",
        default_value = "warn,whiteboard=info",
        value_parser = log_filter,
        help_heading = "Log"
    )]
    pub log: String,
    /// Start a new epoch of every drawing and exit. Run it once after you restored a backup. It creates no
    /// database
    #[arg(long, help_heading = "Commands")]
    pub new_epoch: bool,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Settings {
    /// What one key, one address and all together may use.
    pub fn shares(&self) -> Shares {
        let limits = self.sessions.limits(self.connections.max_connections);
        self.quotas.shares(&self.connections, &limits)
    }
}

/// Where a server listens, and how it stops.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerSettings {
    /// Address and port to listen on; port 0 picks a free one
    #[arg(
        long,
        env = "WHITEBOARD_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = listen
    )]
    pub listen: SocketAddr,
    /// Threads that serve requests, sessions and open drawings; 0, a constant that tests change, for one
    /// per core.
    #[arg(skip)]
    pub workers: usize,
    /// How long /readyz answers 503 before sessions are closed; set more than two check intervals of your
    /// load balancer
    #[arg(
        long,
        env = "WHITEBOARD_DRAIN_DELAY",
        value_name = "TIME",
        default_value = "0s",
        value_parser = time("0s", "10m")
    )]
    pub drain_delay: Duration,
    /// Time limit for storing the ops that wait and closing the sessions when the server stops; a constant that
    /// tests change.
    #[arg(skip = DRAIN_TIMEOUT)]
    pub drain_timeout: Duration,
    /// How often this server writes its heartbeat; a constant, since servers judge each other by it.
    #[arg(skip = SERVER_HEARTBEAT)]
    pub heartbeat_interval: Duration,
}

impl Settings {
    /// How this server decides who has access, and why, for the log.
    pub fn mode(&self) -> (Mode, &'static str) {
        match self.access.access {
            AccessMode::Given(mode) => (mode, "as it is set"),
            AccessMode::Auto if self.server.listen.ip().is_loopback() => {
                (Mode::Open, "since it listens on a loopback address only")
            }
            AccessMode::Auto => (
                Mode::Links,
                "since others reach this address; set WHITEBOARD_ACCESS for another one",
            ),
        }
    }
}
