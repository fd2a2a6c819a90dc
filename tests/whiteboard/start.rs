//! The program itself: it prints its address, stops on a signal, and explains why it does not
//! start.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use support::http::http;
use support::process::{program, spawn};

fn command(folder: &Path, flags: &[&str]) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_whiteboard"));
    command
        .args(flags)
        .env_clear()
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A running program, killed with its test.
struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Running {
    fn start(folder: &Path, flags: &[&str]) -> Self {
        let mut child = spawn(command(folder, flags));
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Waits for the line that says it is ready, and returns the address in it.
    fn address(&mut self) -> String {
        let mut line = String::new();
        while self.log.read_line(&mut line).unwrap() > 0 {
            if let Some((_, address)) = line.split_once("whiteboard is ready at http://") {
                return address.trim().to_owned();
            }
            line.clear();
        }
        panic!("it ended before it was ready");
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn one_line(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains("panicked"), "{text}");
    text
}

#[test]
fn a_server_prints_its_address_and_stops_on_a_signal() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut running = Running::start(folder.path(), &["--listen=127.0.0.1:0"]);
        let address = running.address();
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        assert!(folder.path().join("data").is_dir());
        running.signal(signal);
        assert_eq!(running.child.wait().unwrap().code(), Some(0));
        assert!(std::net::TcpStream::connect(&address).is_err());
    }
}

#[test]
fn strokes_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--listen=127.0.0.1:0"];
    for expected in 0..3 {
        let mut running = Running::start(folder.path(), &flags);
        let url = format!("http://{}/api/drawings", running.address());
        let count = actix_web::rt::System::new().block_on(async {
            let http = http();
            let listed: serde_json::Value =
                http.get(&url).send().await.unwrap().json().await.unwrap();
            assert_eq!(http.post(&url).send().await.unwrap().status(), 201);
            listed["drawings"].as_array().unwrap().len()
        });
        assert_eq!(count, expected);
        running.signal("TERM");
        assert_eq!(running.child.wait().unwrap().code(), Some(0));
    }
    let output = command(folder.path(), &["--new-epoch"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "3 drawings began a new epoch\n"
    );
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--database=mem://", "--listen", &address];
    let text = one_line(&command(folder.path(), &flags).output().unwrap(), 1);
    assert!(
        text.contains(&format!("cannot listen on {address}")),
        "{text}"
    );
}

#[test]
fn a_data_folder_in_use_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--listen=127.0.0.1:0"];
    let mut running = Running::start(folder.path(), &flags);
    running.address();
    let text = one_line(&command(folder.path(), &flags).output().unwrap(), 1);
    assert!(
        text.contains("cannot open the database surrealkv://data"),
        "{text}"
    );
}

#[test]
fn a_database_that_cannot_be_had_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for database in [
        "surrealkv://file",
        "surrealkv:///proc/nowhere",
        &format!("ws://{free}"),
    ] {
        let flags = [
            "--listen=127.0.0.1:0",
            "--query-timeout=3s",
            "--database",
            database,
        ];
        let text = one_line(&command(folder.path(), &flags).output().unwrap(), 1);
        assert!(
            text.contains(&format!("cannot open the database {database}")),
            "{text}"
        );
    }
}
