//! A whiteboard in this process, and one as a process of its own; both drain when they are dropped.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};
use whiteboard::config::{Password, Settings};
use whiteboard::server::Server;
use whiteboard::store::Database;

use crate::process::{Log, OnDrop, Process, program, whiteboard};

/// Settings with these flags, on any free port.
pub fn settings(database: &str, flags: &[&str]) -> Settings {
    // With RUST_LOG set, a failing test shows the server's log.
    let _ = env_logger::builder().is_test(true).try_init();
    let first = ["--listen", "127.0.0.1:0", "--database", database];
    Settings::from_flags(first.iter().chain(flags).copied()).expect("settings")
}

/// Settings for a database, with these flags.
pub fn settings_on(database: &Database, flags: &[&str]) -> Settings {
    let mut settings = settings(&database.url, flags);
    settings.database.name = database.name.clone();
    settings.database.namespace = database.namespace.clone();
    settings.database.user = database.user.clone().unwrap_or_default();
    settings.database.password = Password(database.password.clone().unwrap_or_default());
    settings.database.query_timeout = database.query_timeout;
    settings
}

/// A whiteboard in this process, with threads of its own.
pub struct TestServer {
    address: SocketAddr,
    stop: mpsc::UnboundedSender<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    /// Starts one with a database in memory and these flags.
    pub async fn start(flags: &[&str]) -> Self {
        Self::with(settings("mem://", flags)).await
    }

    /// Starts one with a database in memory that reads as fast as anyone sends.
    pub async fn unhurried() -> Self {
        let mut settings = settings("mem://", &[]);
        settings.connections.receive_rate = 1 << 30;
        Self::with(settings).await
    }

    /// Starts one on a database, with these flags.
    pub async fn on(database: &Database, flags: &[&str]) -> Self {
        Self::with(settings_on(database, flags)).await
    }

    /// Starts one with these settings.
    pub async fn with(settings: Settings) -> Self {
        let (started, address) = oneshot::channel();
        let (stop, mut stopped) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = Server::start(settings).await.expect("a server");
                let _ = started.send(server.address());
                let drained = stopped.recv().await;
                server.drain().await;
                if let Some(drained) = drained {
                    // Nobody may wait for it.
                    let _ = drained.send(());
                }
            });
        });
        Self {
            address: address.await.expect("a server"),
            stop,
            thread: Some(thread),
        }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drains it.
    pub async fn drain(self) {
        let (drained, done) = oneshot::channel();
        self.stop.send(drained).expect("it runs");
        done.await.expect("it drains");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let (drained, _) = oneshot::channel();
        let _ = self.stop.send(drained);
        let thread = self.thread.take().expect("it is dropped once");
        if !thread::panicking() {
            thread.join().expect("the server drains");
        }
    }
}

/// A whiteboard as a process with a database in a folder.
pub struct ServerProcess {
    /// The address it listens on.
    pub address: SocketAddr,
    process: Process,
    log: Log,
}

impl ServerProcess {
    /// Starts one on the database in this folder.
    pub fn start(data: &Path) -> Self {
        Self::run(whiteboard(), data)
    }

    /// Starts one with these flags, which logs this much.
    pub fn start_with(data: &Path, flags: &[&str], log: &str) -> Self {
        let mut command = whiteboard();
        command.args(flags).env("RUST_LOG", log);
        Self::run(command, data)
    }

    /// Starts one whose disk is full when a file has this many bytes.
    pub fn start_with_little_space(data: &Path, bytes: u64) -> Self {
        // A process that ignores the signal gets an error from the write.
        let limit = r#"trap "" XFSZ; ulimit -S -f "$0" && exec "$@""#;
        Self::run_limited(data, limit, bytes / 512)
    }

    /// Starts one that may open this many files.
    pub fn start_with_few_files(data: &Path, files: u64) -> Self {
        Self::run_limited(data, r#"ulimit -n "$0" && exec "$@""#, files)
    }

    fn run_limited(data: &Path, script: &str, limit: u64) -> Self {
        let mut command = program("sh");
        command
            .args(["-c", script, &limit.to_string()])
            .arg(crate::process::binary("whiteboard"));
        Self::run(command, data)
    }

    fn run(mut command: Command, data: &Path) -> Self {
        command
            .args(["--listen", "127.0.0.1:0", "--database"])
            .arg(format!("surrealkv://{}", data.display()))
            .current_dir(data.parent().expect("a folder around it"));
        let log = Log::new();
        let mut process = Process::start("server", command, &log, OnDrop::Drain);
        Self {
            address: process.address(),
            process,
            log,
        }
    }

    /// Waits until it ends by itself; returns its status, and what it logged.
    pub async fn ended(&mut self) -> (ExitStatus, Vec<String>) {
        self.process.ended().await
    }

    /// Stops it with SIGTERM, and returns what it logged.
    pub fn stop(mut self) -> Vec<String> {
        self.process.stop()
    }

    /// Kills it, like a power cut.
    pub fn kill(mut self) {
        self.process.kill();
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if thread::panicking() {
            self.log.show();
        }
    }
}
