//! The settings of feeds.

use std::time::Duration;

use clap::Args;

use super::parse::{size, time};
use crate::domain::drawing::Limits;
use crate::feed::replica::INDEX_AFTER;
use crate::feed::settings::FeedSettings;

/// Bytes of a drawing for each stroke that it may have: 100,000 in 64 MiB.
const BYTES_PER_STROKE: usize = 671;
/// How long a drawing stays in memory after its last session ended. Longer than the interval at which changed
/// drawings move in lists.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// Most ops of one drawing that wait to be stored, twice what one session may have; more are refused for load,
/// and pages send them again.
const QUEUE_OPS: usize = 20_000;
/// Most bytes of these ops.
const QUEUE_BYTES: usize = 8 * 1024 * 1024;
/// Most changes of one drawing that wait for a missing one before them; at more the drawing is read instead.
const REORDER_BUFFER: usize = 1_024;
/// Most messages of sessions that wait for one feed; at more, signals are dropped.
const FEED_MAILBOX: usize = 256;
/// Most points of ink of one drawing that are gathered between two ticks of 33 ms; more are dropped.
const INK_POINTS: usize = 20_000;

/// How large a drawing may be, and how an open one is kept up to date.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Drawings")]
pub struct DrawingSettings {
    /// Largest size of one drawing, which has at most a stroke per 671 bytes of it; open drawings are held in
    /// memory, and in a full one strokes can still be erased
    #[arg(
        long,
        env = "WHITEBOARD_MAX_DRAWING_SIZE",
        value_name = "SIZE",
        default_value = "64MiB",
        value_parser = size("1KiB", "4GiB")
    )]
    pub max_drawing_size: usize,
    /// How long a change that arrived early waits for the one before it; set 250ms for SurrealDB's router
    /// engine
    #[arg(
        long,
        env = "WHITEBOARD_GAP_TIMEOUT",
        value_name = "TIME",
        default_value = "5ms",
        value_parser = time("0s", "5s")
    )]
    pub gap_timeout: Duration,
    /// How often the positions, titles, rules and deletions of open drawings are compared with the database
    #[arg(
        long,
        env = "WHITEBOARD_HEAD_CHECK_INTERVAL",
        value_name = "TIME",
        default_value = "5s",
        value_parser = time("100ms", "1h")
    )]
    pub head_check_interval: Duration,
    /// Most strokes of one drawing, if not as many as its size allows; tests set it.
    #[arg(skip)]
    pub max_strokes: Option<usize>,
    /// How long a drawing stays in memory after its last session ended; a constant, since reading it again
    /// takes some milliseconds.
    #[arg(skip = IDLE_TIMEOUT)]
    pub idle_timeout: Duration,
    /// Most ops that wait to be stored; a constant that tests change.
    #[arg(skip = QUEUE_OPS)]
    pub queue_ops: usize,
    /// Most bytes of ops that wait to be stored; a constant that tests lower.
    #[arg(skip = QUEUE_BYTES)]
    pub queue_bytes: usize,
}

impl DrawingSettings {
    /// The settings of feeds whose pages are of this build.
    pub fn feed(&self, build: &str) -> FeedSettings {
        let most = self.max_drawing_size / BYTES_PER_STROKE;
        FeedSettings {
            limits: Limits {
                strokes: self.max_strokes.unwrap_or(most.max(1)),
                bytes: self.max_drawing_size,
            },
            queue_ops: self.queue_ops,
            queue_bytes: self.queue_bytes,
            gap_timeout: self.gap_timeout,
            reorder_buffer: REORDER_BUFFER,
            index_after: INDEX_AFTER,
            feed_mailbox: FEED_MAILBOX,
            ink_points: INK_POINTS,
            idle_timeout: self.idle_timeout,
            head_check_interval: self.head_check_interval,
            build: build.to_owned(),
        }
    }
}
