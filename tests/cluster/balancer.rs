//! HAProxy in front of the servers of a cluster, in a usual setup: round robin with health checks,
//! without stickiness.
//!
//! It must never depend on drawings.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use support::process::{Log, OnDrop, Process, free_port, program};
use support::user::SERVER_HEADER;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Its path in Debian.
const PROGRAM: &str = "/usr/sbin/haproxy";

/// HAProxy, which ends when this is dropped.
pub struct Balancer {
    /// The address for clients.
    pub address: SocketAddr,
    socket: PathBuf,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Balancer {
    /// Starts it in front of servers on these ports, which may start later.
    pub fn start(ports: &[u16], log: &Log) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let socket = folder.path().join("socket");
        let mut servers = String::new();
        for (index, port) in ports.iter().enumerate() {
            // A header names the first server of a user, unless that one is down.
            writeln!(
                servers,
                "    use-server {index} if {{ req.hdr({SERVER_HEADER}) {index} }}\n    \
                 server {index} 127.0.0.1:{port}"
            )
            .expect("room");
        }
        let config = format!(
            "
global
    stats socket {socket} mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    timeout tunnel 1h
    timeout check 1s
    retries 3
    option redispatch 1
frontend browsers
    bind {address}
    default_backend whiteboards
backend whiteboards
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    http-response set-header {SERVER_HEADER} %s
    default-server check inter 200ms fall 2 rise 1
{servers}",
            socket = socket.display()
        );
        let path = folder.path().join("haproxy.cfg");
        std::fs::write(&path, config).expect("room");
        let mut command = program(PROGRAM);
        command.args(["-db", "-q", "-f"]).arg(path);
        Self {
            address,
            socket,
            _process: Process::start("balancer", command, log, OnDrop::Kill),
            _folder: folder,
        }
    }

    /// Whether it sends new connections to this server, after one successful check.
    pub async fn is_up(&self, index: usize) -> bool {
        let Ok(stats) = self.ask("show stat\n").await else {
            return false;
        };
        // The columns are named in the first line; the status is the eighteenth.
        let prefix = format!("whiteboards,{index},");
        let line = stats.lines().find(|line| line.starts_with(&prefix));
        let status = line.and_then(|line| line.split(',').nth(17));
        let checked = line.and_then(|line| line.split(',').nth(36));
        status == Some("UP") && checked == Some("L7OK")
    }

    async fn ask(&self, command: &str) -> std::io::Result<String> {
        let mut socket = UnixStream::connect(&self.socket).await?;
        socket.write_all(command.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}
