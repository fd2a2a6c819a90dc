//! A real SurrealDB server process, with its own port and folder.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use uuid::Uuid;
use whiteboard::store::Database;

use crate::process::{Signal, binary, free_port, path_of, program, signal, spawn};
use crate::wait::{DEADLINE, eventually_blocking};

/// `router` makes all servers use SurrealDB's router engine, which several of its nodes require.
const ENGINE: &str = "WHITEBOARD_TEST_ENGINE";
/// Names another program than that of the workspace.
const BINARY: &str = "SURREALDB_BIN";
/// The program of the workspace.
const PROGRAM: &str = "surrealdb-process";

/// The process, killed and waited for when this is dropped.
pub struct DatabaseServer {
    folder: tempfile::TempDir,
    port: u16,
    engine: Engine,
    process: Option<Child>,
}

/// The engine of live queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Notifies within the write itself, on its own node: the default.
    Inline,
    /// Notifies from an event log that all nodes share.
    Router,
}

/// Whether the program of such a server is there.
pub fn is_there() -> bool {
    std::env::var_os(BINARY).is_some() || path_of(PROGRAM).exists()
}

/// The engine that the environment requests.
pub fn engine() -> Engine {
    match std::env::var(ENGINE).as_deref() {
        Ok("router") => Engine::Router,
        Ok(other) if !other.is_empty() => panic!("{ENGINE} is router or nothing, not {other}"),
        _ => Engine::Inline,
    }
}

impl DatabaseServer {
    /// Starts a server on an empty folder, with the engine that the environment requests, and waits
    /// until it answers.
    pub fn start() -> Self {
        Self::start_with(engine())
    }

    /// Starts one with an engine of live queries.
    pub fn start_with(engine: Engine) -> Self {
        let mut server = Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            engine,
            process: None,
        };
        server.restart();
        server
    }

    /// Restarts it on the same folder and port.
    pub fn restart(&mut self) {
        self.kill();
        let path = std::env::var_os(BINARY).map(PathBuf::from);
        let mut command = program(path.unwrap_or_else(|| binary(PROGRAM)));
        if self.engine == Engine::Router {
            command.env("SURREAL_LIVE_QUERY_ENGINE", "router");
        }
        command
            .args(["start", "--no-banner", "--log", "none"])
            .args(["--bind", &format!("127.0.0.1:{}", self.port)])
            .args(["--user", "root", "--pass", "root"])
            .arg(format!(
                "surrealkv://{}?sync=every",
                self.folder.path().display()
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        self.process = Some(spawn(command));
        let address = self.address();
        let process = self.process.as_mut().unwrap();
        eventually_blocking("the SurrealDB server is ready", || {
            let ended = process.try_wait().unwrap();
            assert_eq!(ended, None, "the SurrealDB server ended while it started");
            is_ready(address)
        });
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// A copy of its folder, taken while it does not run.
    pub fn back_up(&self) -> tempfile::TempDir {
        let backup = tempfile::tempdir().unwrap();
        self.copy(self.folder.path(), backup.path());
        backup
    }

    /// Replaces its folder by a copy, while it does not run.
    pub fn restore(&self, backup: &tempfile::TempDir) {
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => std::fs::remove_dir_all(path).unwrap(),
                false => std::fs::remove_file(path).unwrap(),
            }
        }
        self.copy(backup.path(), self.folder.path());
    }

    fn copy(&self, from: &Path, to: &Path) {
        assert!(self.process.is_none(), "it writes to its folder");
        let from = from.join(".");
        let copied = Command::new("cp").arg("-a").args([&from, to]).status();
        assert!(copied.unwrap().success(), "{}", from.display());
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The id of the running process.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// Sends a signal to the running process.
    pub fn signal(&self, sent: Signal) {
        signal(self.pid(), sent);
    }

    /// The address of its databases.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address())
    }

    /// A database of this server.
    pub fn database(&self, name: &str) -> Database {
        Database {
            name: name.into(),
            user: Some("root".into()),
            password: Some("root".into()),
            ..embedded(&self.url())
        }
    }
}

/// A new database on a server with this engine, which tests share while any of them uses it.
pub fn shared(engine: Engine) -> (Arc<DatabaseServer>, Database) {
    static SHARED: Mutex<[Weak<DatabaseServer>; 2]> = Mutex::new([Weak::new(), Weak::new()]);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let place = &mut shared[usize::from(engine == Engine::Router)];
    let server = place.upgrade();
    let server = server.unwrap_or_else(|| Arc::new(DatabaseServer::start_with(engine)));
    *place = Arc::downgrade(&server);
    let database = server.database(&Uuid::new_v4().simple().to_string());
    (server, database)
}

/// A database in memory or in a folder.
pub fn embedded(url: &str) -> Database {
    Database {
        url: url.into(),
        namespace: "test".into(),
        name: "test".into(),
        user: None,
        password: None,
        query_timeout: DEADLINE,
        max_queries: 1_024,
        live_query_buffer: 1_024,
    }
}

/// A database in this folder.
pub fn in_folder(path: &Path) -> Database {
    embedded(&format!("surrealkv://{}", path.display()))
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// It listens before it serves; until then it answers 503.
fn is_ready(address: SocketAddr) -> bool {
    let ask = || {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        socket.write_all(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        socket.read_exact(&mut status)?;
        Ok::<_, std::io::Error>(status)
    };
    ask().is_ok_and(|status| status.ends_with(b"200"))
}
