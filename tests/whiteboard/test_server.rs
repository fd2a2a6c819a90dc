//! Servers to test against, in this process or as processes, and requests to them over HTTP.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use whiteboard::config::{Password, Settings};
use whiteboard::server::Server;
use whiteboard::store::Database;

use crate::processes::{program, spawn};

/// How long a process may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a process may take to end by itself.
const END_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an address may take until it gives the expected answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long any answer may take, to its last byte.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A client that fails when an answer takes too long, instead of waiting for ever.
pub fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT);
    client.build().expect("a client")
}

/// Starts a server with a database in memory and these flags.
pub async fn serve(flags: &[&str]) -> Server {
    Server::start(settings("mem://", flags))
        .await
        .expect("a server")
}

/// Starts a server on a database, with these flags.
pub async fn serve_on(database: &Database, flags: &[&str]) -> Server {
    Server::start(settings_on(database, flags))
        .await
        .expect("a server")
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

/// Waits until `/readyz` answers with this status; returns how long that took.
pub async fn ready(address: SocketAddr, status: u16) -> Duration {
    answers(&format!("http://{address}/readyz"), status).await
}

/// Waits until an address answers with this status; returns how long that took.
pub async fn answers(url: &str, status: u16) -> Duration {
    let begun = Instant::now();
    loop {
        let response = client().get(url).send().await;
        let told = response.expect("an answer").status();
        if told == status {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < ANSWER_TIMEOUT, "{url} still says {told}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Settings with these flags, on any free port.
pub fn settings(database: &str, flags: &[&str]) -> Settings {
    // With RUST_LOG set, a failing test shows the server's log.
    let _ = env_logger::builder().is_test(true).try_init();
    let first = ["--listen", "127.0.0.1:0", "--database", database];
    Settings::from_flags(first.iter().chain(flags).copied()).expect("settings")
}

/// Creates a drawing and returns its id.
pub async fn create_drawing(address: SocketAddr) -> String {
    let response = client()
        .post(format!("http://{address}/api/drawings"))
        .json(&json!({"title": "Plan"}))
        .send()
        .await
        .expect("an answer");
    let status = response.status();
    let drawing: Value = response.json().await.expect("JSON");
    assert_eq!(status, 201, "{drawing}");
    drawing["id"].as_str().expect("an id").to_owned()
}

/// A whole drawing, read over HTTP.
pub async fn strokes(address: SocketAddr, drawing: &str) -> Value {
    let url = format!("http://{address}/api/drawings/{drawing}/strokes?since=0");
    let response = client().get(url).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    response.json().await.expect("JSON")
}

/// One number of `/metrics`, by its name and labels.
pub async fn metric(address: SocketAddr, series: &str) -> f64 {
    let url = format!("http://{address}/metrics");
    let response = client().get(url).send().await;
    let text = response.expect("an answer").text().await.expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix(series));
    let value = value.unwrap_or_else(|| panic!("no {series} in {text}"));
    value.trim().parse().expect("a number")
}

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_whiteboard");

/// A server as a process, which ends when this is dropped.
pub struct Process {
    pub address: SocketAddr,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reading: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts one on the database in this folder.
    pub fn start(data: &Path) -> Self {
        Self::run(program(PROGRAM), data)
    }

    /// Starts one whose disk is full when a file has this many bytes.
    pub fn start_with_little_room(data: &Path, bytes: u64) -> Self {
        // A process that ignores the signal gets an error from the write.
        let little = r#"trap "" XFSZ; ulimit -S -f "$0" && exec "$@""#;
        let blocks = (bytes / 512).to_string();
        let mut command = program("sh");
        command.args(["-c", little, &blocks, PROGRAM]);
        Self::run(command, data)
    }

    /// Starts one that may open this many files.
    pub fn start_with_few_files(data: &Path, files: usize) -> Self {
        let mut command = program("sh");
        let few = r#"ulimit -n "$0" && exec "$@""#;
        command.args(["-c", few, &files.to_string(), PROGRAM]);
        Self::run(command, data)
    }

    /// Waits until it ends by itself; returns its exit code and its log.
    pub fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let deadline = Instant::now() + END_TIMEOUT;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        (status.code(), self.all_it_logged())
    }

    fn all_it_logged(&mut self) -> Vec<String> {
        let reading = self.reading.take().expect("it is read once");
        reading.join().expect("its log is read to the end");
        std::mem::take(&mut self.log.lock().unwrap())
    }

    fn run(mut command: Command, data: &Path) -> Self {
        command
            .args(["--listen", "127.0.0.1:0", "--database"])
            .arg(format!("surrealkv://{}", data.display()))
            .current_dir(data.parent().expect("a folder around it"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = spawn(command);
        let stderr = child.stderr.take().expect("stderr is piped");
        let (tell, told) = mpsc::channel();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        // Reads on after the address, or the server would block once the pipe is full.
        let reading = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                eprintln!("server: {line}");
                if let Some(address) = address_in(&line) {
                    let _ = tell.send(address);
                }
                lines.lock().unwrap().push(line);
            }
        });
        let mut process = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            child,
            log,
            reading: Some(reading),
        };
        process.address = told
            .recv_timeout(START_TIMEOUT)
            .expect("the server says where it listens");
        process
    }

    /// Stops it with SIGTERM, and returns its log.
    pub fn stop(mut self) -> Vec<String> {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(told.expect("kill runs").success());
        assert!(self.child.wait().expect("it ends").success());
        self.all_it_logged()
    }

    /// Kills it, like a power cut.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest
        .find(|c: char| c != ':' && c != '.' && !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}
