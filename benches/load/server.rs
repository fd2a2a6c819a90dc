//! A server under load, as a process measured by the operating system's accounting.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use support::database::DatabaseServer;
use support::http;
use support::process::{Log, OnDrop, Process, Signal, cpu_seconds, program, whiteboard};
use tempfile::TempDir;
use whiteboard::store::Database;

/// The hidden argument that makes this program the bare broadcast.
pub const BROADCAST_ARGUMENT: &str = "serve-bare-broadcast";
/// Limits of the whiteboard that no person reaches and this program does.
const RAISED_LIMITS: [(&str, &str); 3] = [
    ("WHITEBOARD_MAX_CONNECTIONS_PER_ADDRESS", "0"),
    ("WHITEBOARD_OPS_PER_SECOND", "1000000"),
    ("WHITEBOARD_MAX_DRAWING_SIZE", "4GiB"),
];

/// The kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The whiteboard, which stores every stroke before it acknowledges it.
    Whiteboard,
    /// The bare broadcast, which stores nothing.
    Broadcast,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Whiteboard => "whiteboard",
            Kind::Broadcast => "broadcast",
        })
    }
}

/// A server that runs until this is dropped.
pub struct Server {
    pub kind: Kind,
    pub address: SocketAddr,
    process: Option<Process>,
    _data: TempDir,
}

impl Server {
    /// Starts a new one and waits until it listens.
    pub fn start(kind: Kind) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        match kind {
            Kind::Whiteboard => Self::start_in(data),
            Kind::Broadcast => {
                let mut command = program(std::env::current_exe().expect("its own path"));
                command.arg(BROADCAST_ARGUMENT);
                Self::run(kind, command, data)
            }
        }
    }

    /// Starts a whiteboard whose database is the folder `data` in this one.
    pub fn start_in(data: TempDir) -> Self {
        let database = folder(&data.path().join("data"));
        Self::run(Kind::Whiteboard, measured(&database, &RAISED_LIMITS), data)
    }

    /// Starts a whiteboard whose database is a folder that outlives it.
    pub fn start_on_folder(data: &Path) -> Self {
        let command = measured(&folder(data), &RAISED_LIMITS);
        let data = tempfile::tempdir().expect("a folder");
        Self::run(Kind::Whiteboard, command, data)
    }

    /// Starts a whiteboard with default limits, and these settings.
    pub fn start_limited(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let database = folder(&data.path().join("data"));
        Self::run(Kind::Whiteboard, measured(&database, settings), data)
    }

    /// Starts a whiteboard on a database server.
    pub fn start_on(database: &DatabaseServer) -> Self {
        let Database {
            url,
            user,
            password,
            ..
        } = database.database("load");
        let mut command = measured(&url, &RAISED_LIMITS);
        command
            .env("WHITEBOARD_DATABASE_USER", user.unwrap_or_default())
            .env("WHITEBOARD_DATABASE_PASSWORD", password.unwrap_or_default());
        let data = tempfile::tempdir().expect("a folder");
        Self::run(Kind::Whiteboard, command, data)
    }

    fn run(kind: Kind, command: Command, data: TempDir) -> Self {
        let mut process = Process::start("server", command, &Log::new(), OnDrop::Kill);
        Self {
            kind,
            address: process.address(),
            process: Some(process),
            _data: data,
        }
    }

    /// Creates a drawing and returns its id.
    pub async fn create_drawing(&self) -> String {
        match self.kind {
            Kind::Whiteboard => http::create_drawing(self.address).await,
            Kind::Broadcast => uuid::Uuid::new_v4().simple().to_string(),
        }
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("it runs")
    }

    /// CPU time it has used, in user and kernel mode, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.process().pid().to_string())
    }

    /// Resident memory, in bytes.
    pub fn memory_bytes(&self) -> f64 {
        self.process().memory()
    }

    /// Peak resident memory, in bytes.
    pub fn peak_bytes(&self) -> f64 {
        self.process().peak_memory()
    }

    /// Kills it, like a machine failure.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Stops it with SIGTERM, as an upgrade does.
    pub fn terminate(&self) {
        self.process().signal(Signal::Term);
    }

    /// Waits until it has ended by itself, with success.
    pub async fn ended(&mut self) {
        let mut process = self.process.take().expect("it runs");
        let (status, logged) = process.ended().await;
        assert!(status.success(), "{status}: {logged:?}");
    }
}

/// The address of a database in a folder.
fn folder(path: &Path) -> String {
    format!("surrealkv://{}", path.display())
}

/// The whiteboard that is measured, with these settings alone.
fn measured(database: &str, settings: &[(&str, &str)]) -> Command {
    let mut command = match std::env::var_os("WHITEBOARD_BIN") {
        Some(path) => program(path),
        None => whiteboard(),
    };
    command
        .env_remove("RUST_LOG")
        .current_dir("/")
        .env("WHITEBOARD_LISTEN", "127.0.0.1:0")
        .env("WHITEBOARD_DATABASE", database)
        .envs(settings.iter().copied());
    command
}
