//! The settings of sessions.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;

use super::parse::{rate, time};
use crate::protocol::MAX_OPS_PER_FRAME;
use crate::session::{FIRST_OP_PARTS, SessionLimits};

/// How long a session that has to show a key or token first may send no hello.
const HELLO_WAIT: Duration = Duration::from_secs(10);
/// Pings in the time that a page may be silent, so that one of them may be lost.
const PINGS_PER_TIMEOUT: u32 = 3;
/// Ops that a session may send at once, as after a time offline, in seconds of `--ops-per-second`.
const BURST_SECONDS: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Smallest burst: the cost of a full frame, which a smaller burst would refuse for ever.
const MIN_BURST: NonZeroU32 =
    NonZeroU32::new(1 + (MAX_OPS_PER_FRAME as u32 - 1).div_ceil(FIRST_OP_PARTS.get())).unwrap();
/// Signals of pointer and ink that a session may send each second; more are dropped.
const SIGNALS_PER_SECOND: NonZeroU32 = NonZeroU32::new(120).unwrap();
/// Most ops of one session without an answer, as an edit of as many strokes has. More are refused for load,
/// and the page sends them again.
const MAX_UNACKED_OPS: usize = 10_000;
/// Most bytes of frames that wait for a page that does not read; it gets what it lacks when it reads again.
const SEND_BUFFER_BYTES: usize = 2_560 * 1024;
/// Most such frames.
const SEND_BUFFER_FRAMES: usize = 32;

/// How many sessions there may be, and what each may send.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Sessions")]
pub struct SessionSettings {
    /// Most open sessions, of which a page that shows a drawing has one; half of the connections, unless
    /// a test says otherwise.
    #[arg(skip)]
    pub max_sessions: Option<usize>,
    /// How long a page may be silent before its session is closed; it is pinged after each third of this
    #[arg(
        long,
        env = "WHITEBOARD_SESSION_TIMEOUT",
        value_name = "TIME",
        default_value = "30s",
        value_parser = time("200ms", "1h")
    )]
    pub session_timeout: Duration,
    /// How long a session that was not let in may send no hello; a constant that tests lower.
    #[arg(skip = HELLO_WAIT)]
    pub hello_wait: Duration,
    /// Ops per second that one session may send, and those of 20 seconds at once; in a frame of several, each
    /// after the first counts a 25th; more are refused for load, and the page sends them again
    #[arg(
        long,
        env = "WHITEBOARD_OPS_PER_SECOND",
        value_name = "COUNT",
        default_value = "100",
        value_parser = rate(1, 1_000_000)
    )]
    pub ops_per_second: NonZeroU32,
    /// Ops at once, in seconds of `ops_per_second`; a constant that tests change.
    #[arg(skip = BURST_SECONDS)]
    pub burst_seconds: NonZeroU32,
    /// Most ops of one session without an answer; a constant that tests lower.
    #[arg(skip = MAX_UNACKED_OPS)]
    pub max_unacked_ops: usize,
    /// Signals per second of one session; a constant that tests change.
    #[arg(skip = SIGNALS_PER_SECOND)]
    pub signals_per_second: NonZeroU32,
    /// Most bytes of frames that wait for a page that does not read; a constant that tests raise.
    #[arg(skip = SEND_BUFFER_BYTES)]
    pub send_buffer_bytes: usize,
    /// Most frames that wait for such a page; a constant that tests change.
    #[arg(skip = SEND_BUFFER_FRAMES)]
    pub send_buffer_frames: usize,
}

impl SessionSettings {
    /// The limits of each session, of a server that accepts so many connections.
    pub fn limits(&self, max_connections: usize) -> SessionLimits {
        let burst = self.ops_per_second.saturating_mul(self.burst_seconds);
        SessionLimits {
            max_sessions: self.max_sessions.unwrap_or(max_connections.div_ceil(2)),
            ping_interval: self.session_timeout / PINGS_PER_TIMEOUT,
            session_timeout: self.session_timeout,
            hello_wait: self.hello_wait,
            ops_per_second: self.ops_per_second,
            ops_burst: burst.max(MIN_BURST),
            signals_per_second: self.signals_per_second,
            max_unacked_ops: self.max_unacked_ops,
            send_buffer_bytes: self.send_buffer_bytes,
            send_buffer_frames: self.send_buffer_frames,
        }
    }
}
