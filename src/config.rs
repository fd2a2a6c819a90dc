//! Every setting, once: its variable, its flag, its default, its unit and its check.
//!
//! Each part of the program defines what it obeys; this is where people say it. Nothing but
//! `main` reads the environment, and nothing here reads the clock, the disk or the network.

mod parsing;

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser};

use crate::access::{HostNames, Origins};
use crate::beat::BEAT_INTERVAL;
use crate::drawing::Limits;
use crate::feed::FeedSettings;
use crate::session::SessionSettings;
use crate::store::Database;
use crate::values::{count, database_name, database_url, listen, log_filter, rate, size, time};

pub use parsing::SettingsError;

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
    /// Who may come in.
    #[command(flatten)]
    pub doors: DoorSettings,
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
    /// Begins a new life of every drawing and exits: to be run once after a backup was restored
    #[arg(long, help_heading = "Commands")]
    pub new_life: bool,
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
        env = "WHITEBOARD_DRAIN_NOTICE",
        value_name = "TIME",
        default_value = "0s",
        value_parser = time("0s", "10m")
    )]
    pub drain_notice: Duration,
    /// How long closing the sessions and storing what is on its way may take when the server stops
    #[arg(
        long,
        env = "WHITEBOARD_DRAIN_LIMIT",
        value_name = "TIME",
        default_value = "10s",
        value_parser = time("1s", "10m")
    )]
    pub drain_limit: Duration,
    /// How often it says that it is there; no setting, since servers judge each other by it.
    #[arg(skip = BEAT_INTERVAL)]
    pub beat_interval: Duration,
}

/// Who may come in, beside pages that this server itself served under an IP address or localhost.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Doors")]
pub struct DoorSettings {
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

/// Where drawings are kept.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// surrealkv:// and a folder for a database in this process, mem:// for one that forgets, ws:// or
    /// wss:// for a SurrealDB server
    #[arg(
        id = "database",
        long,
        env = "WHITEBOARD_DATABASE",
        value_name = "URL",
        default_value = "surrealkv://data",
        value_parser = database_url
    )]
    pub url: String,
    /// The namespace in the database
    #[arg(
        id = "database-namespace",
        long,
        env = "WHITEBOARD_DATABASE_NAMESPACE",
        value_name = "NAME",
        default_value = "whiteboard",
        value_parser = database_name
    )]
    pub namespace: String,
    /// The database in the namespace
    #[arg(
        id = "database-name",
        long,
        env = "WHITEBOARD_DATABASE_NAME",
        value_name = "NAME",
        default_value = "whiteboard",
        value_parser = database_name
    )]
    pub name: String,
    /// The root user of a SurrealDB server; a database in this process has none
    #[arg(
        id = "database-user",
        long,
        env = "WHITEBOARD_DATABASE_USER",
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub user: String,
    /// The password of that user; better given as a variable than as a flag, which others can see
    #[arg(
        id = "database-password",
        long,
        env = "WHITEBOARD_DATABASE_PASSWORD",
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub password: Password,
    /// How long one query may take before it is given up
    #[arg(
        id = "database-deadline",
        long,
        env = "WHITEBOARD_DATABASE_DEADLINE",
        value_name = "TIME",
        default_value = "10s",
        value_parser = time("100ms", "5m")
    )]
    pub deadline: Duration,
    /// Queries that may be under way at once; more wait, for as long as one may take
    #[arg(
        id = "database-queries",
        long,
        env = "WHITEBOARD_DATABASE_QUERIES",
        value_name = "COUNT",
        default_value = "1024",
        value_parser = count::<usize>(16, 1_000_000)
    )]
    pub queries: usize,
    /// Changes and signals of one drawing that may wait for this server; when there are more, it follows
    /// the drawing again, and reads what it lacks
    #[arg(
        id = "notifications",
        long,
        env = "WHITEBOARD_NOTIFICATIONS",
        value_name = "COUNT",
        default_value = "1024",
        value_parser = count::<usize>(16, 1_000_000)
    )]
    pub notifications: usize,
    /// How long it is remembered that a stroke was erased: a page that was away longer starts over
    #[arg(
        long,
        env = "WHITEBOARD_TOMBSTONE_AGE",
        value_name = "TIME",
        default_value = "30d",
        value_parser = time("1m", "3650d")
    )]
    pub tombstone_age: Duration,
}

/// How open drawings are kept, and how large they may be.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Drawings")]
pub struct DrawingSettings {
    /// Strokes in one drawing; beyond it nothing new can be drawn, and erasing works
    #[arg(
        long,
        env = "WHITEBOARD_MAX_STROKES",
        value_name = "COUNT",
        default_value = "100000",
        value_parser = count::<usize>(1, 10_000_000)
    )]
    pub max_strokes: usize,
    /// Size of one drawing: an open drawing stands in memory
    #[arg(
        long,
        env = "WHITEBOARD_MAX_DRAWING_SIZE",
        value_name = "SIZE",
        default_value = "64MiB",
        value_parser = size("64KiB", "4GiB")
    )]
    pub max_drawing_size: usize,
    /// How long a drawing stays open after its last session left
    #[arg(
        long,
        env = "WHITEBOARD_IDLE_CLOSE",
        value_name = "TIME",
        default_value = "10s",
        value_parser = time("100ms", "1d")
    )]
    pub idle_close: Duration,
    /// Ops of one drawing that may wait to be stored; more are refused for load, and the pages send
    /// them again
    #[arg(
        long,
        env = "WHITEBOARD_QUEUE_OPS",
        value_name = "COUNT",
        default_value = "10000",
        value_parser = count::<usize>(500, 1_000_000)
    )]
    pub queue_ops: usize,
    /// Size of the ops of one drawing that may wait to be stored
    #[arg(
        long,
        env = "WHITEBOARD_QUEUE_SIZE",
        value_name = "SIZE",
        default_value = "8MiB",
        value_parser = size("512KiB", "1GiB")
    )]
    pub queue_size: usize,
    /// How long a change that came too early waits for the one before it: 5ms where SurrealDB notifies
    /// inline, 250ms with its router engine
    #[arg(
        long,
        env = "WHITEBOARD_GAP_HOLD",
        value_name = "TIME",
        default_value = "5ms",
        value_parser = time("0s", "5s")
    )]
    pub gap_hold: Duration,
    /// Changes of one drawing that may wait so; when there are more, the drawing is read instead
    #[arg(
        long,
        env = "WHITEBOARD_EARLY_CHANGES",
        value_name = "COUNT",
        default_value = "1024",
        value_parser = count::<usize>(1, 1_000_000)
    )]
    pub early_changes: usize,
    /// How often the positions and titles of open drawings are compared with the database
    #[arg(
        long,
        env = "WHITEBOARD_HEADS_INTERVAL",
        value_name = "TIME",
        default_value = "5s",
        value_parser = time("100ms", "1h")
    )]
    pub heads_interval: Duration,
}

/// How browsers are treated.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Sessions")]
pub struct BrowserSettings {
    /// Sessions that this server takes in all
    #[arg(
        long,
        env = "WHITEBOARD_MAX_SESSIONS",
        value_name = "COUNT",
        default_value = "10000",
        value_parser = count::<usize>(1, 1_000_000)
    )]
    pub max_sessions: usize,
    /// How often each side asks whether the other is there
    #[arg(
        long,
        env = "WHITEBOARD_HEARTBEAT",
        value_name = "TIME",
        default_value = "10s",
        value_parser = time("100ms", "10m")
    )]
    pub heartbeat: Duration,
    /// How long a browser may be silent before its session is closed: longer than the heartbeat
    #[arg(
        long,
        env = "WHITEBOARD_SILENCE_LIMIT",
        value_name = "TIME",
        default_value = "30s",
        value_parser = time("200ms", "1h")
    )]
    pub silence_limit: Duration,
    /// Ops a second that one session may send for long
    #[arg(
        long,
        env = "WHITEBOARD_OPS_PER_SECOND",
        value_name = "COUNT",
        default_value = "100",
        value_parser = rate(1, 1_000_000)
    )]
    pub ops_per_second: NonZeroU32,
    /// Ops that one session may send at once, as after a time offline
    #[arg(
        long,
        env = "WHITEBOARD_OPS_BURST",
        value_name = "COUNT",
        default_value = "2000",
        value_parser = rate(500, 1_000_000)
    )]
    pub ops_burst: NonZeroU32,
    /// Signals a second, of pointer and ink, that one session may send; more are dropped
    #[arg(
        long,
        env = "WHITEBOARD_SIGNALS_PER_SECOND",
        value_name = "COUNT",
        default_value = "120",
        value_parser = rate(1, 10_000)
    )]
    pub signals_per_second: NonZeroU32,
    /// Ops of one session that may be without an answer; more are refused for load, and the page sends
    /// them again
    #[arg(
        long,
        env = "WHITEBOARD_UNANSWERED_OPS",
        value_name = "COUNT",
        default_value = "1000",
        value_parser = count::<usize>(1, 100_000)
    )]
    pub unanswered_ops: usize,
    /// Size of the frames that may wait for a browser that does not read; it gets what it then lacks when
    /// it reads again
    #[arg(
        long,
        env = "WHITEBOARD_UNREAD_SIZE",
        value_name = "SIZE",
        default_value = "2560KiB",
        value_parser = size("64KiB", "1GiB")
    )]
    pub unread_size: usize,
}

/// A password, which shows up in no log.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub String);

impl FromStr for Password {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl DatabaseSettings {
    /// What the store is opened with.
    pub fn database(&self) -> Database {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Database {
            url: self.url.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            user: given(&self.user),
            password: given(&self.password.0),
            deadline: self.deadline,
            queries: self.queries,
            notifications: self.notifications,
        }
    }
}

impl DrawingSettings {
    /// What feeds obey, whose pages are of this build.
    pub fn feed(&self, build: &str) -> FeedSettings {
        FeedSettings {
            limits: Limits {
                strokes: self.max_strokes,
                bytes: self.max_drawing_size,
            },
            queue_ops: self.queue_ops,
            queue_bytes: self.queue_size,
            gap_hold: self.gap_hold,
            early_changes: self.early_changes,
            idle_close: self.idle_close,
            heads_interval: self.heads_interval,
            build: build.to_owned(),
        }
    }
}

impl BrowserSettings {
    /// What sessions obey.
    pub fn session(&self) -> SessionSettings {
        SessionSettings {
            max_sessions: self.max_sessions,
            heartbeat: self.heartbeat,
            silence: self.silence_limit,
            ops_per_second: self.ops_per_second,
            ops_burst: self.ops_burst,
            signals_per_second: self.signals_per_second,
            unanswered_ops: self.unanswered_ops,
            unread_bytes: self.unread_size,
        }
    }
}
