//! Starts processes for tests, on ports reserved for them.
//!
//! Each must end with this process at the latest, even if that is killed.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{LazyLock, mpsc};
use std::thread;

/// Below the ephemeral ports, one of which might otherwise take the port of a server that is
/// restarting.
const PORTS: Range<u16> = 12_000..32_000;

type Spawned = mpsc::Sender<std::io::Result<Child>>;

/// A command that runs this program, and kills it when the thread that spawned it ends.
pub fn program(path: impl AsRef<Path>) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(path.as_ref())
        // It is meant for the tests.
        .env_remove("WHITEBOARD_TEST_ENGINE");
    command
}

/// Spawns it from a thread that lives as long as this process.
pub fn spawn(command: Command) -> Child {
    static SPAWNER: LazyLock<mpsc::Sender<(Command, Spawned)>> = LazyLock::new(|| {
        let (asks, asked) = mpsc::channel::<(Command, Spawned)>();
        thread::spawn(move || {
            for (mut command, spawned) in asked {
                // The requester may be gone.
                let _ = spawned.send(command.spawn());
            }
        });
        asks
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
