//! How browsers are treated: the settings of sessions.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;

use super::parse::{count, rate, size, time};
use crate::session::SessionSettings;

/// How browsers are treated.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Sessions")]
pub struct BrowserSettings {
    /// Sessions that this server takes in all
    #[arg(
        long,
        env = "WHITEBOARD_MAX_SESSIONS",
        value_name = "COUNT",
        default_value = "10000",
        value_parser = count::<usize>(1, 1_000_000)
    )]
    pub max_sessions: usize,
    /// How often each side asks whether the other is there
    #[arg(
        long,
        env = "WHITEBOARD_HEARTBEAT",
        value_name = "TIME",
        default_value = "10s",
        value_parser = time("100ms", "10m")
    )]
    pub heartbeat: Duration,
    /// How long a browser may be silent before its session is closed: longer than the heartbeat
    #[arg(
        long,
        env = "WHITEBOARD_SESSION_TIMEOUT",
        value_name = "TIME",
        default_value = "30s",
        value_parser = time("200ms", "1h")
    )]
    pub session_timeout: Duration,
    /// Ops a second that one session may send for long
    #[arg(
        long,
        env = "WHITEBOARD_OPS_PER_SECOND",
        value_name = "COUNT",
        default_value = "100",
        value_parser = rate(1, 1_000_000)
    )]
    pub ops_per_second: NonZeroU32,
    /// Ops that one session may send at once, as after a time offline
    #[arg(
        long,
        env = "WHITEBOARD_OPS_BURST",
        value_name = "COUNT",
        default_value = "2000",
        value_parser = rate(500, 1_000_000)
    )]
    pub ops_burst: NonZeroU32,
    /// Signals a second, of pointer and ink, that one session may send; more are dropped
    #[arg(
        long,
        env = "WHITEBOARD_SIGNALS_PER_SECOND",
        value_name = "COUNT",
        default_value = "120",
        value_parser = rate(1, 10_000)
    )]
    pub signals_per_second: NonZeroU32,
    /// Ops of one session that may be without an answer; more are refused for load, and the page sends
    /// them again
    #[arg(
        long,
        env = "WHITEBOARD_MAX_UNACKED_OPS",
        value_name = "COUNT",
        default_value = "1000",
        value_parser = count::<usize>(1, 100_000)
    )]
    pub max_unacked_ops: usize,
    /// Size of the frames that may wait for a browser that does not read; it gets what it then lacks when
    /// it reads again
    #[arg(
        long,
        env = "WHITEBOARD_SEND_BUFFER_BYTES",
        value_name = "SIZE",
        default_value = "2560KiB",
        value_parser = size("64KiB", "1GiB")
    )]
    pub send_buffer_bytes: usize,
    /// How many frames and answers these may be
    #[arg(
        long,
        env = "WHITEBOARD_SEND_BUFFER_FRAMES",
        value_name = "COUNT",
        default_value = "32",
        value_parser = count::<usize>(4, 1_024)
    )]
    pub send_buffer_frames: usize,
}

impl BrowserSettings {
    /// What sessions obey.
    pub fn session(&self) -> SessionSettings {
        SessionSettings {
            max_sessions: self.max_sessions,
            heartbeat: self.heartbeat,
            session_timeout: self.session_timeout,
            ops_per_second: self.ops_per_second,
            ops_burst: self.ops_burst,
            signals_per_second: self.signals_per_second,
            max_unacked_ops: self.max_unacked_ops,
            send_buffer_bytes: self.send_buffer_bytes,
            send_buffer_frames: self.send_buffer_frames,
        }
    }
}
