//! Every setting, once: its variable, its flag, its default, its unit and its check.
//!
//! Each part of the program defines what it obeys; this is where people say it. Nothing but
//! `main` reads the environment, and nothing here reads the clock, the disk or the network.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser};

use super::connections::ConnectionLimits;
use super::database::DatabaseSettings;
use super::drawings::DrawingSettings;
use super::parse::{count, listen, log_filter, time};
use super::sessions::BrowserSettings;
use crate::heartbeat::HEARTBEAT_INTERVAL;
use crate::web::access::{HostNames, Origins};

/// All settings of one server.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "whiteboard",
    version,
    about = "A self-hosted collaborative whiteboard.",
    after_help = "Times have a unit: ms, s, m, h or d. Sizes have one too: KiB, MiB or GiB. \
        Variables may also stand in a file .env in the current folder; flags win over variables, \
        and variables over the file.",
    max_term_width = 100
)]
pub struct Settings {
    /// Where it listens, and how it stops.
    #[command(flatten)]
    pub server: ServerSettings,
    /// How many connections there may be, and what each may take.
    #[command(flatten)]
    pub connections: ConnectionLimits,
    /// Who may come in.
    #[command(flatten)]
    pub access: AccessSettings,
    /// Where drawings are kept.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// How open drawings are kept, and how large they may be.
    #[command(flatten)]
    pub drawings: DrawingSettings,
    /// How browsers are treated.
    #[command(flatten)]
    pub browsers: BrowserSettings,
    /// What is logged, as env_logger reads it: a level, or levels for modules
    #[arg(
        long,
        env = "RUST_LOG",
        value_name = "FILTER",
        default_value = "warn,whiteboard=info",
        value_parser = log_filter,
        help_heading = "Log"
    )]
    pub log: String,
    /// Begins a new epoch of every drawing and exits: to be run once after a backup was restored. It makes no
    /// database that is not there
    #[arg(long, help_heading = "Commands")]
    pub new_epoch: bool,
}

/// Where a server listens, and how it stops.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerSettings {
    /// The address and port to listen on; port 0 takes any free one
    #[arg(
        long,
        env = "WHITEBOARD_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = listen
    )]
    pub listen: SocketAddr,
    /// Threads that serve browsers and keep open drawings; 0 for one on each core
    #[arg(
        long,
        env = "WHITEBOARD_WORKERS",
        value_name = "COUNT",
        default_value = "0",
        value_parser = count::<usize>(0, 256)
    )]
    pub workers: usize,
    /// How long /readyz answers 503 before sessions are closed: longer than the check interval of a
    /// load balancer in front
    #[arg(
        long,
        env = "WHITEBOARD_DRAIN_DELAY",
        value_name = "TIME",
        default_value = "0s",
        value_parser = time("0s", "10m")
    )]
    pub drain_delay: Duration,
    /// How long closing the sessions and storing what is on its way may take when the server stops
    #[arg(
        long,
        env = "WHITEBOARD_DRAIN_TIMEOUT",
        value_name = "TIME",
        default_value = "10s",
        value_parser = time("1s", "10m")
    )]
    pub drain_timeout: Duration,
    /// How often it says that it is there; no setting, since servers judge each other by it.
    #[arg(skip = HEARTBEAT_INTERVAL)]
    pub heartbeat_interval: Duration,
}

/// Who may come in, beside pages that this server itself served under an IP address or localhost.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessSettings {
    /// Host names under which this server is reached, separated by commas; IP addresses and
    /// localhost always work
    #[arg(
        long,
        env = "WHITEBOARD_HOSTS",
        value_name = "NAMES",
        default_value = "",
        hide_default_value = true
    )]
    pub hosts: HostNames,
    /// Other origins whose pages may use this server, each a scheme, a host and perhaps a port,
    /// separated by commas
    #[arg(
        long,
        env = "WHITEBOARD_ORIGINS",
        value_name = "ORIGINS",
        default_value = "",
        hide_default_value = true
    )]
    pub origins: Origins,
}
