//! A server under load, and a database server, as processes measured by the operating system's
//! accounting.
//!
//! No path out of this program may leave such a process behind.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use whiteboard::store::Database;

/// How long a server may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Ticks per second in `/proc/PID/stat`: fixed at 100 in Linux's interface.
const TICKS_PER_SECOND: f64 = 100.0;
/// The user and the password of the database server.
const ROOT: &str = "root";
/// Polling interval for the database server to accept connections.
const START_LOOK: Duration = Duration::from_millis(50);
/// The hidden argument that makes this program the bare broadcast.
pub const BROADCAST_ARGUMENT: &str = "serve-bare-broadcast";
/// Limits of the whiteboard that no person reaches and this program does.
const RAISED_LIMITS: [(&str, &str); 5] = [
    ("WHITEBOARD_MAX_CONNECTIONS_PER_ADDRESS", "0"),
    ("WHITEBOARD_RECEIVE_RATE", "1GiB"),
    ("WHITEBOARD_OPS_PER_SECOND", "1000000"),
    ("WHITEBOARD_MAX_STROKES", "10000000"),
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
    child: Child,
    _data: TempDir,
}

impl Server {
    /// Starts a new one and waits until it listens.
    pub fn start(kind: Kind) -> Result<Self, String> {
        let data = tempfile::tempdir().map_err(|error| error.to_string())?;
        match kind {
            Kind::Whiteboard => Self::start_in(data),
            Kind::Broadcast => {
                let this = std::env::current_exe().map_err(|error| error.to_string())?;
                let mut command = Command::new(this);
                command.arg(BROADCAST_ARGUMENT);
                Self::run(kind, command, data)
            }
        }
    }

    /// Starts a whiteboard whose database is the folder `data` in this one.
    pub fn start_in(data: TempDir) -> Result<Self, String> {
        let folder = data.path().join("data");
        let command = whiteboard(&data, &format!("surrealkv://{}", folder.display()));
        Self::run(Kind::Whiteboard, command, data)
    }

    /// Starts a whiteboard whose database is a folder that outlives it.
    pub fn start_on_folder(folder: &Path) -> Result<Self, String> {
        let data = tempfile::tempdir().map_err(|error| error.to_string())?;
        let command = whiteboard(&data, &format!("surrealkv://{}", folder.display()));
        Self::run(Kind::Whiteboard, command, data)
    }

    /// Starts a whiteboard with default limits, and these settings.
    pub fn start_limited(settings: &[(&str, &str)]) -> Result<Self, String> {
        let data = tempfile::tempdir().map_err(|error| error.to_string())?;
        let folder = data.path().join("data");
        let mut command = whiteboard(&data, &format!("surrealkv://{}", folder.display()));
        for (name, _) in RAISED_LIMITS {
            command.env_remove(name);
        }
        command.envs(settings.iter().copied());
        Self::run(Kind::Whiteboard, command, data)
    }

    /// Starts a whiteboard on a database server.
    pub fn start_on(surreal: &Surreal) -> Result<Self, String> {
        let data = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut command = whiteboard(&data, &surreal.url());
        command
            .env("WHITEBOARD_DATABASE_USER", ROOT)
            .env("WHITEBOARD_DATABASE_PASSWORD", ROOT);
        Self::run(Kind::Whiteboard, command, data)
    }

    fn run(kind: Kind, mut command: Command, data: TempDir) -> Result<Self, String> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        let stderr = child.stderr.take().expect("stderr is piped");
        let mut server = Self {
            kind,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            child,
            _data: data,
        };
        let (tell, told) = mpsc::channel();
        // Reads on after the address, or the server would block once the pipe is full.
        std::thread::spawn(move || {
            let mut said = String::new();
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                match address_in(&line) {
                    Some(address) => drop(tell.send(Ok(address))),
                    None if said.len() < 10_000 => said += &format!("{line}\n"),
                    None => {}
                }
            }
            let _ = tell.send(Err(said));
        });
        server.address = told
            .recv_timeout(START_TIMEOUT)
            .map_err(|_| format!("the {kind} did not say where it listens"))?
            .map_err(|said| format!("the {kind} did not start:\n{said}"))?;
        Ok(server)
    }

    /// Creates a drawing and returns its id.
    pub async fn create_drawing(&self, http: &reqwest::Client) -> Result<String, String> {
        if self.kind == Kind::Broadcast {
            return Ok(uuid::Uuid::new_v4().simple().to_string());
        }
        let response = http
            .post(format!("http://{}/api/drawings", self.address))
            .json(&json!({"title": "load"}))
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let status = response.status();
        let text = response.text().await.map_err(|error| error.to_string())?;
        serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .filter(|_| status == 201)
            .and_then(|answer| Some(answer["id"].as_str()?.to_owned()))
            .ok_or_else(|| format!("creating a drawing was answered {status}: {text}"))
    }

    /// CPU time it has used, in user and kernel mode, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.child.id().to_string())
    }

    /// Resident memory, in bytes.
    pub fn memory_bytes(&self) -> f64 {
        self.status_bytes("VmRSS:")
    }

    /// Peak resident memory, in bytes.
    pub fn peak_bytes(&self) -> f64 {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let kib = status.ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        });
        kib.map_or(f64::NAN, |kib| kib * 1024.0)
    }

    /// Kills it, like a machine failure.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops it with SIGTERM, as an upgrade does.
    pub fn terminate(&self) -> Result<(), String> {
        let told = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        match told {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("a server was not told to stop: {other:?}")),
        }
    }

    /// Whether it has ended by itself, with success.
    pub fn has_ended(&mut self) -> Result<bool, String> {
        match self.child.try_wait() {
            Ok(None) => Ok(false),
            Ok(Some(status)) if status.success() => Ok(true),
            other => Err(format!("a server ended: {other:?}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A SurrealDB server on a new folder, until this is dropped.
pub struct Surreal {
    address: SocketAddr,
    child: Child,
    _data: TempDir,
}

impl Surreal {
    /// Starts one and waits until it accepts connections. `SURREALDB_BIN` names its program; the
    /// default is where Cargo puts it, beside the whiteboard.
    pub fn start() -> Result<Self, String> {
        let program = std::env::var_os("SURREALDB_BIN").unwrap_or_else(|| {
            let beside = Path::new(env!("CARGO_BIN_EXE_whiteboard"));
            beside.with_file_name("surrealdb-process").into()
        });
        let data = tempfile::tempdir().map_err(|error| error.to_string())?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|free| free.local_addr())
            .map_err(|error| error.to_string())?;
        let child = Command::new(&program)
            .args(["start", "--no-banner", "--log", "none"])
            .args(["--bind", &address.to_string()])
            .args(["--user", ROOT, "--pass", ROOT])
            .arg(format!("surrealkv://{}?sync=every", data.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| {
                format!(
                    "{}: {error}; `cargo build --release -p surrealdb-process` makes it, \
                     SURREALDB_BIN names another place",
                    program.display()
                )
            })?;
        let surreal = Self {
            address,
            child,
            _data: data,
        };
        let until = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > until {
                return Err("the SurrealDB server does not start".into());
            }
            std::thread::sleep(START_LOOK);
        }
        Ok(surreal)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// A database of the server with this address, or of a folder.
    pub fn database(url: &str, name: &str) -> Database {
        let root = url.starts_with("ws").then(|| ROOT.to_owned());
        Database {
            url: url.into(),
            namespace: "load".into(),
            name: name.into(),
            user: root.clone(),
            password: root,
            query_timeout: START_TIMEOUT,
            max_queries: 1_024,
            live_query_buffer: 1_024,
        }
    }
}

impl Drop for Surreal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time that a process, by its id or as `self`, has used, in seconds.
pub fn cpu_seconds(process: &str) -> f64 {
    let ticks = std::fs::read_to_string(format!("/proc/{process}/stat"))
        .ok()
        .and_then(|stat| {
            // The name before the last parenthesis may contain spaces.
            let (_, fields) = stat.rsplit_once(')')?;
            let mut times = fields.split_whitespace().skip(11);
            let user: u64 = times.next()?.parse().ok()?;
            let system: u64 = times.next()?.parse().ok()?;
            Some(user + system)
        });
    ticks.map_or(f64::NAN, |ticks| ticks as f64 / TICKS_PER_SECOND)
}

fn whiteboard(data: &TempDir, database: &str) -> Command {
    let program = std::env::var_os("WHITEBOARD_BIN")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_whiteboard").into());
    let mut command = Command::new(program);
    // Neither the caller's settings nor a `.env` file may affect the measurement.
    for (name, _) in std::env::vars_os() {
        if name == "RUST_LOG" || name.to_string_lossy().starts_with("WHITEBOARD_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(data)
        .env("WHITEBOARD_LISTEN", "127.0.0.1:0")
        .env("WHITEBOARD_DATABASE", database)
        .envs(RAISED_LIMITS);
    command
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest
        .find(|c: char| c != ':' && c != '.' && !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}
