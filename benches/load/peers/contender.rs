//! The servers that are compared, and how each is started.

use std::fmt;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use support::database::{self, DatabaseServer};
use support::process::{Log, OnDrop, Process, free_port, program};
use support::wait::eventually_blocking;
use tempfile::TempDir;

use crate::server::{Kind, Server, StoreProcess};

/// Where the servers in JavaScript and their packages are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers");

/// A kind of server, with its number of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// A broadcast with frames written by hand, which stores nothing.
    HandWritten,
    /// A broadcast over tokio-tungstenite, which stores nothing.
    Tungstenite,
    /// The server of y-websocket with LevelDB.
    YWebsocket,
    /// So many nodes of socket.io with one Redis.
    SocketIo(usize),
    /// The least that stores strokes in an embedded SurrealDB before it sends them.
    Bound,
    /// So many nodes of it with one SurrealDB process.
    BoundOnSurreal(usize),
    /// The whiteboard with its embedded database.
    Embedded,
    /// So many servers of the whiteboard with one SurrealDB process.
    OnSurreal(usize),
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |nodes: usize, one: &str| match nodes {
            1 => format!("1 {one}"),
            _ => format!("{nodes} {one}s"),
        };
        f.pad(&match *self {
            Contender::HandWritten => "broadcast, frames by hand".into(),
            Contender::Tungstenite => "broadcast, tungstenite".into(),
            Contender::YWebsocket => "y-websocket + LevelDB".into(),
            Contender::SocketIo(nodes) => format!("socket.io + Redis, {}", count(nodes, "node")),
            Contender::Bound => "bound, embedded".into(),
            Contender::BoundOnSurreal(nodes) => {
                format!("bound on SurrealDB, {}", count(nodes, "server"))
            }
            Contender::Embedded => "whiteboard, embedded".into(),
            Contender::OnSurreal(nodes) => {
                format!("whiteboard on SurrealDB, {}", count(nodes, "server"))
            }
        })
    }
}

impl Contender {
    /// Whether it is ours.
    pub fn is_whiteboard(self) -> bool {
        matches!(self, Contender::Embedded | Contender::OnSurreal(_))
    }

    /// The bound that it is compared with, if it is ours.
    pub fn bound(self) -> Option<Self> {
        match self {
            Contender::Embedded => Some(Contender::Bound),
            Contender::OnSurreal(nodes) => Some(Contender::BoundOnSurreal(nodes)),
            _ => None,
        }
    }

    /// Starts it with empty data, and waits until it listens.
    pub fn start(self) -> Server {
        match self {
            Contender::HandWritten => Server::start(Kind::HandWritten),
            Contender::Tungstenite => Server::start(Kind::Broadcast),
            Contender::Bound => Server::start(Kind::Bound),
            Contender::Embedded => Server::start(Kind::Whiteboard),
            Contender::YWebsocket => {
                let data = folder();
                let mut command = node("yjs.js");
                command.env("YPERSISTENCE", data.path());
                Server::run(Kind::YWebsocket, command, data)
            }
            Contender::SocketIo(nodes) => {
                let (redis, port, data) = redis();
                let start = |data| {
                    let mut command = node("socketio.js");
                    command.arg(port.to_string());
                    Server::run(Kind::SocketIo, command, data)
                };
                let mut server = start(data);
                for _ in 1..nodes {
                    server.add_node(start(folder()));
                }
                server.add_store(StoreProcess::Plain(redis));
                server
            }
            Contender::BoundOnSurreal(nodes) => on_surreal(nodes, |database| {
                Server::start_bound(&database.url(), folder())
            }),
            Contender::OnSurreal(nodes) => on_surreal(nodes, Server::start_on),
        }
    }
}

/// So many servers with one SurrealDB process.
fn on_surreal(nodes: usize, start: impl Fn(&DatabaseServer) -> Server) -> Server {
    let database = DatabaseServer::start();
    let mut server = start(&database);
    for _ in 1..nodes {
        server.add_node(start(&database));
    }
    server.add_store(StoreProcess::Surreal(database));
    server
}

/// Installs the packages of the servers in JavaScript unless they are there, and looks for what has
/// to be built or installed by hand.
///
/// # Errors
///
/// A text that says what is missing.
pub fn prepare(contenders: &[Contender]) -> Result<(), String> {
    let on_surreal = |contender: &Contender| {
        matches!(
            contender,
            Contender::OnSurreal(_) | Contender::BoundOnSurreal(_)
        )
    };
    if contenders.iter().any(on_surreal) && !database::is_there() {
        return Err(
            "the SurrealDB server is missing: `cargo build --release -p surrealdb-process`, \
                    or name one in SURREALDB_BIN"
                .into(),
        );
    }
    for (name, package) in [
        ("redis-server", "redis-server"),
        ("node", "nodejs"),
        ("npm", "npm"),
    ] {
        if !in_path(name) {
            return Err(format!(
                "{name} is not in the PATH, and the peers need it: `apt install {package}`"
            ));
        }
    }
    let folder = Path::new(FOLDER);
    let changed = |path: PathBuf| path.metadata().and_then(|data| data.modified());
    let installed = changed(folder.join("node_modules/.package-lock.json"));
    let locked = changed(folder.join("package-lock.json")).map_err(|error| error.to_string())?;
    if installed.is_ok_and(|installed| installed >= locked) {
        return Ok(());
    }
    println!("installing the peers' packages in {FOLDER}");
    let npm = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--prefix", FOLDER])
        .status();
    match npm {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("npm ci: {status}")),
        Err(error) => Err(format!("npm ci: {error}")),
    }
}

fn in_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A server in JavaScript, as in production.
fn node(script: &str) -> Command {
    let mut command = program("node");
    command
        .arg(Path::new(FOLDER).join(script))
        .env("NODE_ENV", "production");
    command
}

/// Starts Redis on a new folder; returns its port and the folder too.
///
/// It appends each command to its file, and syncs that to disk once a second, which is its default.
fn redis() -> (Process, u16, TempDir) {
    let (data, port) = (folder(), free_port());
    let mut command = program("redis-server");
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--appendonly", "yes", "--appendfsync", "everysec"])
        .args(["--save", "", "--dir"])
        .arg(data.path());
    let redis = Process::start("redis", command, &Log::new(), OnDrop::Kill);
    eventually_blocking("Redis listens", || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
    });
    (redis, port, data)
}
