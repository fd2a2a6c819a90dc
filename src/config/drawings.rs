//! How open drawings are kept: the settings of feeds.

use std::time::Duration;

use clap::Args;

use super::parse::{count, size, time};
use crate::domain::drawing::Limits;
use crate::feed::settings::FeedSettings;

/// How open drawings are kept, and how large they may be.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Drawings")]
pub struct DrawingSettings {
    /// Strokes in one drawing; beyond it nothing new can be drawn, and erasing works
    #[arg(
        long,
        env = "WHITEBOARD_MAX_STROKES",
        value_name = "COUNT",
        default_value = "100000",
        value_parser = count::<usize>(1, 10_000_000)
    )]
    pub max_strokes: usize,
    /// Size of one drawing: an open drawing stands in memory
    #[arg(
        long,
        env = "WHITEBOARD_MAX_DRAWING_SIZE",
        value_name = "SIZE",
        default_value = "64MiB",
        value_parser = size("64KiB", "4GiB")
    )]
    pub max_drawing_size: usize,
    /// How long a drawing stays open after its last session left
    #[arg(
        long,
        env = "WHITEBOARD_IDLE_TIMEOUT",
        value_name = "TIME",
        default_value = "10s",
        value_parser = time("100ms", "1d")
    )]
    pub idle_timeout: Duration,
    /// Ops of one drawing that may wait to be stored; more are refused for load, and the pages send
    /// them again
    #[arg(
        long,
        env = "WHITEBOARD_QUEUE_OPS",
        value_name = "COUNT",
        default_value = "10000",
        value_parser = count::<usize>(500, 1_000_000)
    )]
    pub queue_ops: usize,
    /// Size of the ops of one drawing that may wait to be stored
    #[arg(
        long,
        env = "WHITEBOARD_QUEUE_SIZE",
        value_name = "SIZE",
        default_value = "8MiB",
        value_parser = size("512KiB", "1GiB")
    )]
    pub queue_size: usize,
    /// How long a change that came too early waits for the one before it: 5ms where SurrealDB notifies
    /// inline, 250ms with its router engine
    #[arg(
        long,
        env = "WHITEBOARD_GAP_TIMEOUT",
        value_name = "TIME",
        default_value = "5ms",
        value_parser = time("0s", "5s")
    )]
    pub gap_timeout: Duration,
    /// Changes of one drawing that may wait so; when there are more, the drawing is read instead
    #[arg(
        long,
        env = "WHITEBOARD_REORDER_BUFFER",
        value_name = "COUNT",
        default_value = "1024",
        value_parser = count::<usize>(1, 1_000_000)
    )]
    pub reorder_buffer: usize,
    /// Messages of its sessions that may wait for one drawing; when there are more, pointers and ink are
    /// dropped
    #[arg(
        long,
        env = "WHITEBOARD_FEED_MAILBOX",
        value_name = "COUNT",
        default_value = "256",
        value_parser = count::<usize>(16, 65_536)
    )]
    pub feed_mailbox: usize,
    /// Points of ink of one drawing that are gathered between two ticks of 33ms; when there are more,
    /// they are dropped
    #[arg(
        long,
        env = "WHITEBOARD_INK_POINTS",
        value_name = "COUNT",
        default_value = "20000",
        value_parser = count::<usize>(1_000, 1_000_000)
    )]
    pub ink_points: usize,
    /// How often the positions and titles of open drawings are compared with the database
    #[arg(
        long,
        env = "WHITEBOARD_HEAD_CHECK_INTERVAL",
        value_name = "TIME",
        default_value = "5s",
        value_parser = time("100ms", "1h")
    )]
    pub head_check_interval: Duration,
}

impl DrawingSettings {
    /// What feeds obey, whose pages are of this build.
    pub fn feed(&self, build: &str) -> FeedSettings {
        FeedSettings {
            limits: Limits {
                strokes: self.max_strokes,
                bytes: self.max_drawing_size,
            },
            queue_ops: self.queue_ops,
            queue_bytes: self.queue_size,
            gap_timeout: self.gap_timeout,
            reorder_buffer: self.reorder_buffer,
            feed_mailbox: self.feed_mailbox,
            ink_points: self.ink_points,
            idle_timeout: self.idle_timeout,
            head_check_interval: self.head_check_interval,
            build: build.to_owned(),
        }
    }
}
