//! Processes of tests: their programs, ports, logs, signals and ends.
//!
//! Each must end with its handle, and with this process at the latest, even if that is killed.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::wait::{DEADLINE, eventually, eventually_blocking, eventually_within};

/// Below the ephemeral ports, one of which might otherwise take the port of a server that is
/// restarting.
const PORTS: Range<u16> = 12_000..32_000;
/// Ticks per second in `/proc/PID/stat`: fixed at 100 in Linux's interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// A binary of the workspace, which is built next to the folder of the running test or benchmark.
pub fn binary(name: &str) -> PathBuf {
    let path = path_of(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --workspace` before the tests",
        path.display()
    );
    path
}

/// Where such a binary is once it is built.
pub fn path_of(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("its own path");
    let folder = this.parent().and_then(Path::parent).expect("its folder");
    folder.join(name)
}

/// A command that runs this program without settings of the environment, and kills it when the
/// thread that spawned it ends.
pub fn program(path: impl AsRef<Path>) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(path.as_ref());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WHITEBOARD_") {
            command.env_remove(name);
        }
    }
    command
}

/// A command that runs the whiteboard, away from any `.env` file.
pub fn whiteboard() -> Command {
    let mut command = program(binary("whiteboard"));
    command.current_dir("/");
    command
}

/// Spawns it from a thread that lives as long as this process.
pub fn spawn(command: Command) -> Child {
    type Spawned = mpsc::Sender<std::io::Result<Child>>;
    static SPAWNER: LazyLock<mpsc::Sender<(Command, Spawned)>> = LazyLock::new(|| {
        let (requests, received) = mpsc::channel::<(Command, Spawned)>();
        thread::spawn(move || {
            for (mut command, spawned) in received {
                // The requester may be gone.
                let _ = spawned.send(command.spawn());
            }
        });
        requests
    });
    let (spawned, child) = mpsc::channel();
    let text = format!("{command:?}");
    SPAWNER.send((command, spawned)).expect("the spawner lives");
    let child = child.recv().expect("the spawner lives");
    child.unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A free port that no other caller in this process gets.
pub fn free_port() -> u16 {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(fastrand::u16(PORTS)));
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if !PORTS.contains(&port) {
            NEXT.store(PORTS.start, Ordering::Relaxed);
        } else if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The log of several parts, in order.
#[derive(Clone)]
pub struct Log(Arc<Lines>);

struct Lines {
    began: Instant,
    /// The time, the part and the text of each.
    lines: Mutex<Vec<(Duration, String, String)>>,
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Log {
    /// An empty log.
    pub fn new() -> Self {
        Self(Arc::new(Lines {
            began: Instant::now(),
            lines: Mutex::default(),
        }))
    }

    /// Adds a line.
    pub fn note(&self, who: &str, what: impl fmt::Display) {
        let line = (self.0.began.elapsed(), who.to_owned(), what.to_string());
        let lines = self.0.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// The lines of one part so far.
    pub fn lines_of(&self, who: &str) -> Vec<String> {
        let lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = lines.iter().filter(|(_, part, _)| part == who);
        of_it.map(|(_, _, text)| text.clone()).collect()
    }

    /// Waits until a part has logged a line that contains this.
    ///
    /// # Panics
    ///
    /// When no such line appears in time.
    pub async fn has(&self, who: &str, text: &str) {
        eventually(&format!("{who} logs {text:?}"), async || {
            self.lines_of(who).iter().any(|line| line.contains(text))
        })
        .await;
    }

    /// Prints all of it to the test's own output.
    pub fn show(&self) {
        let lines = self.0.lines.lock();
        for (at, who, text) in &*lines.unwrap_or_else(PoisonError::into_inner) {
            eprintln!("{:8.3} {who}: {text}", at.as_secs_f64());
        }
    }
}

/// The signals that tests send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: stop cleanly.
    Term,
    /// SIGINT: the same, from a terminal.
    Interrupt,
    /// SIGSTOP: hang.
    Stop,
    /// SIGCONT: continue.
    Continue,
}

/// Sends a signal to a process that was not waited for yet. With [`Signal::Stop`], none of its
/// threads runs any more when this returns.
pub fn signal(pid: u32, signal: Signal) {
    let name = match signal {
        Signal::Term => "TERM",
        Signal::Interrupt => "INT",
        Signal::Stop => "STOP",
        Signal::Continue => "CONT",
    };
    // The shell has `kill` built in, even where there is no such program.
    let sent = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
        .status();
    assert!(sent.expect("a shell").success(), "{name} for {pid}");
    if signal == Signal::Stop {
        // Other threads run on until one of them is scheduled and takes the signal.
        eventually_blocking("a process stops", || is_stopped(pid));
    }
}

/// Whether all threads of a process are stopped, according to Linux.
fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let stopped = |thread: std::io::Result<std::fs::DirEntry>| {
        let stat = thread.and_then(|thread| std::fs::read_to_string(thread.path().join("stat")));
        // A thread that is gone does not run either.
        stat.map_or(true, |stat| {
            let state = stat.rsplit(')').next();
            state.is_some_and(|rest| rest.starts_with(" T"))
        })
    };
    threads.into_iter().all(stopped)
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

/// Resident memory of a process, in bytes.
///
/// # Panics
///
/// When it does not run.
pub fn resident_bytes(pid: u32) -> f64 {
    status_bytes(pid, "VmRSS:")
}

fn status_bytes(pid: u32, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: f64 = size.and_then(|size| size.parse().ok()).expect("a size");
    kib * 1024.0
}

/// How a process ends when its handle is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDrop {
    /// At once, like a power cut.
    Kill,
    /// By SIGTERM; it is killed if the test panics.
    Drain,
}

/// A running process; it is waited for when this is dropped.
pub struct Process {
    name: String,
    child: Child,
    log: Log,
    reading: Option<JoinHandle<()>>,
    on_drop: OnDrop,
}

impl Process {
    /// Starts it; its stderr goes to the log under its name.
    pub fn start(name: &str, mut command: Command, log: &Log, on_drop: OnDrop) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = spawn(command);
        let stderr = child.stderr.take().expect("stderr is piped");
        let (read, who) = (log.clone(), name.to_owned());
        // It reads all there is, or the process would block once the pipe is full.
        let reading = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                read.note(&who, line);
            }
        });
        Self {
            name: name.to_owned(),
            child,
            log: log.clone(),
            reading: Some(reading),
            on_drop,
        }
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The address in the first line of its log that has one.
    ///
    /// # Panics
    ///
    /// When it ends before, or logs none in time.
    pub fn address(&mut self) -> SocketAddr {
        let mut address = None;
        eventually_blocking("an address in its log", || {
            let ended = self.has_ended();
            let lines = self.log.lines_of(&self.name);
            address = lines.iter().find_map(|line| address_in(line));
            assert!(address.is_some() || !ended, "it ended: {lines:#?}");
            address.is_some()
        });
        address.expect("it was waited for")
    }

    /// Kills it, like a power cut.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends it a signal.
    pub fn signal(&self, sent: Signal) {
        self.log
            .note("test", format_args!("{sent:?} for {}", self.name));
        signal(self.pid(), sent);
    }

    /// Stops it with SIGTERM, and returns what it logged.
    ///
    /// # Panics
    ///
    /// When it does not end with success.
    pub fn stop(&mut self) -> Vec<String> {
        self.signal(Signal::Term);
        let status = self.child.wait().expect("it is a child");
        let logged = self.logged();
        assert!(status.success(), "{status}: {logged:#?}");
        logged
    }

    /// Waits until it ends by itself; returns its status, and what it logged.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    pub async fn ended(&mut self) -> (ExitStatus, Vec<String>) {
        self.ended_within(DEADLINE).await
    }

    /// The same with another deadline.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    pub async fn ended_within(&mut self, within: Duration) -> (ExitStatus, Vec<String>) {
        let what = format!("{} ends", self.name);
        eventually_within(within, &what, async || self.has_ended()).await;
        let status = self.child.wait().expect("it is a child");
        self.log
            .note("test", format_args!("{} ended: {status}", self.name));
        (status, self.logged())
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is a child").is_some()
    }

    /// Its resident memory, in bytes.
    pub fn memory(&self) -> f64 {
        resident_bytes(self.pid())
    }

    /// Its peak resident memory, in bytes.
    pub fn peak_memory(&self) -> f64 {
        status_bytes(self.pid(), "VmHWM:")
    }

    /// All that it logged, once it has ended.
    fn logged(&mut self) -> Vec<String> {
        if let Some(reading) = self.reading.take() {
            reading.join().expect("its log is read to the end");
        }
        self.log.lines_of(&self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.on_drop == OnDrop::Drain && !thread::panicking() && !self.has_ended() {
            self.signal(Signal::Term);
            eventually_blocking("a process ends", || self.has_ended());
        }
        self.kill();
        self.logged();
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest
        .find(|c: char| c != ':' && c != '.' && !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    /// Killed tests leave no process behind: each ends with the thread that spawned it.
    #[test]
    fn a_process_of_a_test_does_not_outlive_it() {
        let spawning = thread::spawn(|| {
            let mut command = program("sh");
            command.args(["-c", "echo; exec sleep 20"]);
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            // It runs, so everything before it is done.
            let mut line = String::new();
            let mut stdout = BufReader::new(child.stdout.take().unwrap());
            stdout.read_line(&mut line).unwrap();
            child
        });
        let mut child = spawning.join().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
}
