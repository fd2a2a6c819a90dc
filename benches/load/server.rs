//! A server under load, as a process measured by the operating system's accounting.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use support::database::DatabaseServer;
use support::http;
use support::process::{
    Log, OnDrop, Process, Signal, cpu_seconds, program, resident_bytes, whiteboard,
};
use tempfile::TempDir;
use whiteboard::store::Database;

/// The hidden argument that makes this program the bare broadcast.
pub const BROADCAST_ARGUMENT: &str = "serve-bare-broadcast";
/// The one that makes it the broadcast with frames written by hand.
pub const HAND_WRITTEN_ARGUMENT: &str = "serve-hand-written-broadcast";
/// The one that makes it the least that stores strokes in SurrealDB, whose address is in [`BOUND_DATABASE`].
pub const BOUND_ARGUMENT: &str = "serve-bound";
pub const BOUND_DATABASE: &str = "BOUND_DATABASE";
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
    /// The same with frames written by hand.
    HandWritten,
    /// The least that stores strokes in SurrealDB, which speaks like the whiteboard.
    Bound,
    /// socket.io, which stores strokes in Redis.
    SocketIo,
    /// The server of y-websocket, which stores updates in LevelDB.
    YWebsocket,
}

impl Kind {
    /// Whether the server tells a drawer which strokes are stored.
    pub fn acknowledges(self) -> bool {
        matches!(self, Kind::Whiteboard | Kind::Bound | Kind::SocketIo)
    }

    /// Whether strokes come in their order, and all that follows is as in the whiteboard's protocol.
    pub fn orders(self) -> bool {
        matches!(self, Kind::Whiteboard | Kind::Bound)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Whiteboard => "whiteboard",
            Kind::Broadcast => "broadcast",
            Kind::HandWritten => "hand-written",
            Kind::Bound => "bound",
            Kind::SocketIo => "socket.io",
            Kind::YWebsocket => "y-websocket",
        })
    }
}

/// A process that servers store with, and whose cost is theirs.
pub enum StoreProcess {
    /// Any program.
    Plain(Process),
    /// SurrealDB.
    Surreal(DatabaseServer),
}

impl StoreProcess {
    fn cpu_seconds(&self) -> f64 {
        match self {
            StoreProcess::Plain(process) => cpu_seconds(&process.pid().to_string()),
            StoreProcess::Surreal(database) => cpu_seconds(&database.pid().to_string()),
        }
    }

    fn memory_bytes(&self) -> f64 {
        match self {
            StoreProcess::Plain(process) => process.memory(),
            StoreProcess::Surreal(database) => resident_bytes(database.pid()),
        }
    }
}

/// A server that runs until this is dropped, with what runs for it.
pub struct Server {
    pub kind: Kind,
    pub address: SocketAddr,
    process: Option<Process>,
    /// Other nodes that serve the same drawings.
    nodes: Vec<Server>,
    stores: Vec<StoreProcess>,
    opened: AtomicUsize,
    data: TempDir,
}

impl Server {
    /// Starts a new one and waits until it listens.
    pub fn start(kind: Kind) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        match kind {
            Kind::Whiteboard => Self::start_in(data),
            Kind::Broadcast | Kind::HandWritten => {
                let mut command = program(std::env::current_exe().expect("its own path"));
                command.arg(match kind {
                    Kind::HandWritten => HAND_WRITTEN_ARGUMENT,
                    _ => BROADCAST_ARGUMENT,
                });
                Self::run(kind, command, data)
            }
            Kind::Bound => Self::start_bound_in(data),
            Kind::SocketIo | Kind::YWebsocket => unreachable!("it is started by its command"),
        }
    }

    /// Starts the least that stores strokes in the database at this address.
    pub fn start_bound(database: &str, data: TempDir) -> Self {
        let mut command = program(std::env::current_exe().expect("its own path"));
        command.arg(BOUND_ARGUMENT).env(BOUND_DATABASE, database);
        Self::run(Kind::Bound, command, data)
    }

    /// Starts it with an embedded database.
    fn start_bound_in(data: TempDir) -> Self {
        Self::start_bound(&folder(&data.path().join("data")), data)
    }

    /// Kills it and starts another one on the same embedded database.
    pub fn restarted(mut self) -> Self {
        self.kill();
        match self.kind {
            Kind::Whiteboard => Self::start_in(self.data),
            Kind::Bound => Self::start_bound_in(self.data),
            kind => unreachable!("{kind} has no embedded database"),
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

    /// Starts a command that logs its address.
    pub fn run(kind: Kind, command: Command, data: TempDir) -> Self {
        let mut process = Process::start("server", command, &Log::new(), OnDrop::Kill);
        Self {
            kind,
            address: process.address(),
            process: Some(process),
            nodes: Vec::new(),
            stores: Vec::new(),
            opened: AtomicUsize::new(0),
            data,
        }
    }

    /// Adds another node, which gets its share of the clients.
    pub fn add_node(&mut self, node: Server) {
        self.nodes.push(node);
    }

    /// Adds what it stores with.
    pub fn add_store(&mut self, store: StoreProcess) {
        self.stores.push(store);
    }

    /// The address for the next client: of each node in turn.
    pub fn next_address(&self) -> SocketAddr {
        let turn = self.opened.fetch_add(1, Relaxed) % (1 + self.nodes.len());
        match turn.checked_sub(1) {
            Some(node) => self.nodes[node].address,
            None => self.address,
        }
    }

    /// Makes the first node the one for the next client.
    pub fn turn_to_first(&self) {
        self.opened.store(0, Relaxed);
    }

    /// Creates a drawing and returns its id.
    pub async fn create_drawing(&self) -> String {
        match self.kind {
            Kind::Whiteboard => http::create_drawing(self.address).await,
            _ => uuid::Uuid::new_v4().simple().to_string(),
        }
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("it runs")
    }

    /// CPU time that all its processes have used, in user and kernel mode, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let nodes: f64 = self.nodes.iter().map(Server::cpu_seconds).sum();
        let stores: f64 = self.stores.iter().map(StoreProcess::cpu_seconds).sum();
        cpu_seconds(&self.process().pid().to_string()) + nodes + stores
    }

    /// Resident memory of all its processes, in bytes.
    pub fn memory_bytes(&self) -> f64 {
        let nodes: f64 = self.nodes.iter().map(Server::memory_bytes).sum();
        let stores: f64 = self.stores.iter().map(StoreProcess::memory_bytes).sum();
        self.process().memory() + nodes + stores
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
