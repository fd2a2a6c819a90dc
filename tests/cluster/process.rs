//! A process of a cluster: its log, signals and end.
//!
//! It must never outlive its handle.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::processes::spawn;
use crate::test_user::DEADLINE;

/// How long a stopped process may take until none of its threads runs.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// The log of all parts of a cluster, in order; shown when the test fails.
#[derive(Clone)]
pub struct Log(Arc<Lines>);

struct Lines {
    began: std::time::Instant,
    lines: Mutex<Vec<String>>,
}

impl Log {
    pub fn new() -> Self {
        Self(Arc::new(Lines {
            began: std::time::Instant::now(),
            lines: Mutex::default(),
        }))
    }

    /// Adds a line.
    pub fn say(&self, who: &str, what: impl fmt::Display) {
        let line = format!("{:8.3} {who}: {what}", self.0.began.elapsed().as_secs_f64());
        let lines = self.0.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// Waits until a part has logged a line that contains this.
    ///
    /// # Panics
    ///
    /// When no such line appears in time.
    pub async fn has(&self, who: &str, text: &str) {
        let who = format!(" {who}: ");
        let deadline = Instant::now() + DEADLINE;
        let said = |line: &String| line.contains(&who) && line.contains(text);
        while !self
            .0
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .any(said)
        {
            assert!(Instant::now() < deadline, "{who:?} did not say {text:?}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Prints the whole log to the test's own output.
    pub fn show(&self) {
        let lines = self.0.lines.lock();
        for line in &*lines.unwrap_or_else(PoisonError::into_inner) {
            eprintln!("{line}");
        }
    }
}

/// The signals that tests send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: stop cleanly.
    Term,
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
        let deadline = Instant::now() + STOPS_WITHIN;
        while !is_stopped(pid) {
            assert!(Instant::now() < deadline, "{pid} does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Whether all threads of a process are stopped, according to Linux.
fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let stopped = |thread: std::io::Result<std::fs::DirEntry>| {
        let stat = thread.and_then(|thread| std::fs::read_to_string(thread.path().join("stat")));
        // A process that is gone does not run either.
        stat.map_or(true, |stat| {
            stat.rsplit(')')
                .next()
                .is_some_and(|rest| rest.starts_with(" T"))
        })
    };
    threads.into_iter().all(stopped)
}

/// A running process, killed and waited for on drop.
pub struct Process {
    name: String,
    child: Child,
    log: Log,
}

impl Process {
    /// Starts it; its stderr goes to the log under its name.
    pub fn start(name: &str, mut command: Command, log: &Log) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = spawn(command);
        log.say(name, format_args!("starts as process {}", child.id()));
        let stderr = child.stderr.take().expect("stderr is piped");
        let (said, who) = (log.clone(), name.to_owned());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                said.say(&who, line);
            }
        });
        Self {
            name: name.to_owned(),
            child,
            log: log.clone(),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, like a power cut.
    pub fn kill(mut self) {
        self.log.say(&self.name, "is killed");
        self.end();
    }

    pub fn signal(&self, sent: Signal) {
        self.log.say(&self.name, format_args!("gets {sent:?}"));
        signal(self.pid(), sent);
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    ///
    /// When it does not end within this time.
    pub async fn ended(mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is a child") {
                self.log.say(&self.name, format_args!("ended: {status}"));
                return status;
            }
            let name = &self.name;
            assert!(
                Instant::now() < deadline,
                "{name} did not end in {within:?}"
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is a child").is_some()
    }

    /// Its resident memory, in bytes.
    pub fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: u64 = size.and_then(|size| size.parse().ok()).expect("a size");
        kib * 1024
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
