//! The metrics of one server, for its operator.
//!
//! A label must never name a drawing, a session or a person: every label has a few fixed values.
//! Counting is one atomic addition, without a lock or an allocation.
//!
//! The text beside each name is its help text in `/metrics`, and the documentation of its field.

mod kinds;

use std::sync::Arc;

use prometheus::{Registry, TextEncoder};

use crate::domain::op::Refusal;
use crate::protocol::Close;
use kinds::Kind;
pub use kinds::{Counter, Counters, Gauge, Gauges, Label, Ops, Seconds};

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

macro_rules! labels {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal { $($value:ident = $word:literal, $says:literal;)+ })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $says] $value,)+
        }

        impl Label for $name {
            const NAME: &'static str = $label;
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn index(self) -> usize {
                self as usize
            }
        }
    )+};
}

macro_rules! metrics {
    ($($field:ident: $kind:ty = $name:literal, $help:literal;)+) => {
        /// All metrics of one server.
        pub struct Metrics {
            registry: Registry,
            $(#[doc = $help] pub $field: $kind,)+
        }

        impl Metrics {
            /// Metrics of a new server, all zero.
            pub fn new() -> Arc<Self> {
                let registry = Registry::new();
                Arc::new(Self {
                    $($field: Kind::make($name, $help, &registry),)+
                    registry,
                })
            }
        }
    };
}

labels! {
    /// How a session ended.
    Ended = "reason" {
        Left = "left", "The client closed it.";
        Cut = "cut", "The connection ended without a close frame.";
        Malformed = "malformed", "It violated the protocol.";
        Forbidden = "forbidden", "It came from a foreign host or origin, or its access ended.";
        NoDrawing = "no_drawing", "Its drawing does not exist, or was deleted.";
        Silent = "silent", "It was silent for too long.";
        TooLarge = "too_large", "It sent a frame over the limit.";
        TooMany = "too_many", "This server, its address or its link is at its limit of sessions.";
        Restart = "restart", "This server stops.";
        Load = "load", "The database was away when it joined.";
    }
    /// The limit that rejected a connection.
    ConnectionLimit = "limit" {
        All = "all", "All connections.";
        Address = "address", "Connections from one address.";
    }
    /// The outcome of an append.
    Outcome = "outcome" {
        Committed = "committed", "It is stored.";
        Behind = "behind", "The head, the epoch or the rules were not the expected ones.";
        Gone = "gone", "The drawing is deleted.";
        Failed = "failed", "The database refused it.";
        Unknown = "unknown", "It may or may not be stored.";
    }
    /// Why an op is refused for good.
    Reason = "reason" {
        Exists = "exists", "A stroke with its id is or was there.";
        Absent = "absent", "Its stroke never existed.";
        Erased = "erased", "Its stroke is erased.";
        Changed = "changed", "Its stroke was changed by another op.";
        Full = "full", "The drawing is full.";
        Invalid = "invalid", "It is malformed.";
        Forbidden = "forbidden", "Its session is read-only.";
        Locked = "locked", "The drawing is locked.";
        Muted = "muted", "An owner has muted the person.";
    }
    /// The limit that an op refused for load exceeded.
    OverloadCause = "limit" {
        Unacknowledged = "unacknowledged", "Unacknowledged ops of one session.";
        Rate = "rate", "Ops per second of one session.";
        Queue = "queue", "Ops of one drawing that wait for the database.";
        Quota = "quota", "Ops or their bytes of one link, of one address, or of all.";
    }
    /// What a link, an address or all together have used up.
    Exhausted = "of" {
        Sessions = "sessions", "Open sessions.";
        Drawings = "drawings", "Drawings made.";
        Images = "images", "Pictures sent, or their bytes.";
    }
    /// The kind of a live notification.
    NotificationKind = "kind" {
        Change = "change", "A change of a drawing.";
        Signals = "signals", "Signals of a server in a drawing.";
        Server = "server", "The heartbeat of a server.";
    }
    /// How a gap was filled.
    GapFix = "by" {
        Waiting = "waiting", "The missing change arrived in time.";
        Reading = "reading", "The drawing was read.";
    }
    /// The source of the changes that a reader lacked.
    Resync = "kind" {
        Warm = "warm", "Memory.";
        Cold = "cold", "The database.";
        Reset = "reset", "None: it started over.";
    }
    /// How a chunk of a read over HTTP was encoded.
    Encoded = "encoding" {
        Plain = "plain", "As JSON.";
        Gzip = "gzip", "As JSON, compressed.";
    }
    /// The kind of a drawing's row.
    Row = "kind" {
        Living = "living", "A stroke.";
        Tombstone = "tombstone", "A record of an erased stroke, until the retention ends.";
    }
    /// The kind of a frame not sent to a slow session.
    SkippedFrame = "kind" {
        Strokes = "strokes", "Changes: sent when the session reads again.";
        Signals = "signals", "Signals: never sent again.";
    }
    /// Why a signal was dropped.
    Dropped = "reason" {
        Rate = "rate", "Its session exceeded its rate.";
        Busy = "busy", "The feed's mailbox was full.";
        Ink = "ink", "One tick had too much ink.";
        Crowd = "crowd", "A pointer of a person beyond the limit of the presence list.";
        Unwritten = "unwritten", "The row for the other servers could not be written.";
    }
    /// Why a query has no result.
    QueryFailure = "reason" {
        Deadline = "deadline", "No answer came in time.";
        Unavailable = "unavailable", "The database was away.";
        Conflict = "conflict", "Another transaction wrote the same rows.";
        Refused = "refused", "The database answered with an error.";
        Full = "full", "Too many queries were in flight.";
    }
    /// Why a subscription ended.
    SubscriptionEnd = "reason" {
        Ended = "ended", "The database or the connection ended it.";
        Slow = "slow", "This server did not keep up with it.";
        Unreadable = "unreadable", "It delivered a row of an unknown form.";
        GivenUp = "given_up", "Its connection was replaced.";
    }
    /// A connection to the database.
    DbLink = "connection" {
        Queries = "queries", "The one for queries.";
        LiveQueries = "live_queries", "The one for live queries.";
    }
}

metrics! {
    connections_open: Gauge = "whiteboard_connections_open",
        "Open connections of any kind.";
    connections_refused: Counters<ConnectionLimit> = "whiteboard_connections_refused_total",
        "Connections rejected, by the limit that was reached.";
    connections_moved: Counter = "whiteboard_connections_moved_total",
        "Connections of sockets that were brought to the thread of their drawing.";
    quotas_exceeded: Counters<Exhausted> = "whiteboard_quotas_exceeded_total",
        "Sessions and requests refused because a link, an address or all together used too much.";
    sessions_open: Gauge = "whiteboard_sessions_open",
        "Open WebSocket sessions, excluding rejected ones.";
    sessions_opened: Counter = "whiteboard_sessions_opened_total",
        "WebSocket sessions opened, including those rejected at once.";
    sessions_closed: Counters<Ended> = "whiteboard_sessions_closed_total",
        "WebSocket sessions ended, by cause.";
    feeds_open: Gauge = "whiteboard_feeds_open",
        "Drawings open on this server.";
    feeds_opened: Counter = "whiteboard_feeds_opened_total",
        "Drawings opened on this server.";
    rows: Gauges<Row> = "whiteboard_drawing_rows",
        "Rows of all open drawings in memory, by kind.";
    row_bytes: Gauges<Row> = "whiteboard_drawing_bytes",
        "Bytes of the rows of all open drawings, as a drawing's limit counts them, by kind.";
    queue_ops: Gauge = "whiteboard_queue_ops",
        "Ops of all open drawings that are not stored yet: queued, or in a transaction in flight.";
    queue_bytes: Gauge = "whiteboard_queue_bytes",
        "Bytes of the ops of all open drawings that are not stored yet.";
    appends: Counters<Outcome> = "whiteboard_appends_total",
        "Transactions to store ops, by outcome; behind is a swap that found another head, epoch or version of the rules.";
    append_ops: Ops = "whiteboard_append_ops",
        "Ops per transaction.";
    append_time: Seconds = "whiteboard_append_seconds",
        "Time of one append, from its query to its result at the feed, with any outcome.";
    ops_refused: Counters<Reason> = "whiteboard_ops_refused_total",
        "Ops refused finally, by reason.";
    ops_throttled: Counters<OverloadCause> = "whiteboard_ops_throttled_total",
        "Ops refused for load, by limit; clients send them again.";
    resends: Counter = "whiteboard_resends_total",
        "Times a client was asked to resend, because earlier ops were missing.";
    notifications: Counters<NotificationKind> = "whiteboard_notifications_total",
        "Live notifications received, by kind.";
    gaps: Counters<GapFix> = "whiteboard_gaps_filled_total",
        "Gaps in the changes of a drawing, by how they were filled.";
    reorder_overflow: Counter = "whiteboard_reorder_overflow_total",
        "Changes dropped because the reorder buffer was full: the drawing was read instead.";
    head_mismatches: Counter = "whiteboard_head_mismatches_total",
        "Head checks that found the database at another position than the feed, which then read the drawing.";
    resyncs: Counters<Resync> = "whiteboard_resyncs_total",
        "Readers, in sessions or over HTTP, that were sent what they lacked: from memory, after a read of the database, or from the beginning.";
    chunks: Counters<Encoded> = "whiteboard_chunks_encoded_total",
        "Chunks of drawings encoded for readers over HTTP: once for all readers of a chunk.";
    catch_ups: Counter = "whiteboard_catch_ups_encoded_total",
        "Frames encoded to catch sessions up: once for all that lack the same changes.";
    frames_skipped: Counters<SkippedFrame> = "whiteboard_frames_skipped_total",
        "Frames not sent to a session that was not reading.";
    delivery: Seconds = "whiteboard_delivery_seconds",
        "Time from a change's arrival at a feed (by the result of its own transaction, by a notification or by a read) until its frame was sent to all sessions that were reading; without the database before it and the network after it.";
    signals: Counter = "whiteboard_signals_total",
        "Signals (pointers, ink, views and previews) accepted from this server's sessions.";
    signals_dropped: Counters<Dropped> = "whiteboard_signals_dropped_total",
        "Signals dropped, by reason: ink and unwritten count whole ticks.";
    queries_in_flight: Gauge = "whiteboard_queries_in_flight",
        "Queries in flight in the database, including those whose caller no longer waits.";
    query_time: Seconds = "whiteboard_query_seconds",
        "Time until the database answered a query, with or without success, as seen by the store's threads.";
    query_errors: Counters<QueryFailure> = "whiteboard_query_errors_total",
        "Queries without a result, by reason; a conflict or a lost swap is retried.";
    subscriptions: Counter = "whiteboard_subscriptions_total",
        "Subscriptions to a drawing or to the servers, including repeated ones.";
    subscriptions_ended: Counters<SubscriptionEnd> = "whiteboard_subscriptions_ended_total",
        "Subscriptions ended, by reason; they are opened again.";
    heartbeats: Counter = "whiteboard_heartbeats_total",
        "Heartbeats of this server stored.";
    heartbeat_roundtrip: Seconds = "whiteboard_heartbeat_roundtrip_seconds",
        "Time from the start of writing a heartbeat until this server's live query received it: commit and notification.";
    replaced: Counters<DbLink> = "whiteboard_connections_replaced_total",
        "Connections to the database replaced because heartbeats over them were not stored or not received.";
}

impl From<&Refusal> for Reason {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Exists => Reason::Exists,
            Refusal::Absent => Reason::Absent,
            Refusal::Erased => Reason::Erased,
            Refusal::Changed => Reason::Changed,
            Refusal::Full(_) => Reason::Full,
            Refusal::Invalid(_) => Reason::Invalid,
            Refusal::Forbidden => Reason::Forbidden,
            Refusal::Locked => Reason::Locked,
            Refusal::Muted => Reason::Muted,
        }
    }
}

impl From<&Close> for Ended {
    fn from(close: &Close) -> Self {
        match close {
            Close::Malformed(_) => Ended::Malformed,
            Close::Forbidden(_) | Close::Misdirected(_) => Ended::Forbidden,
            Close::NoDrawing => Ended::NoDrawing,
            Close::Silent => Ended::Silent,
            Close::TooLarge => Ended::TooLarge,
            Close::TooMany(_) => Ended::TooMany,
            Close::Restart { .. } => Ended::Restart,
            Close::Load { .. } => Ended::Load,
        }
    }
}

impl Metrics {
    /// All of them, in Prometheus' text format.
    pub fn text(&self) -> String {
        let families = self.registry.gather();
        let text = TextEncoder::new().encode_to_string(&families);
        text.expect("every family has a name and a metric")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_value_is_exported_from_the_start() {
        let metrics = Metrics::new();
        metrics.ops_throttled.count(OverloadCause::Rate);
        let text = metrics.text();
        for (limit, times) in [("unacknowledged", 0), ("rate", 1), ("queue", 0)] {
            let line = format!("whiteboard_ops_throttled_total{{limit=\"{limit}\"}} {times}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
    }

    #[test]
    fn two_servers_of_one_process_count_for_themselves() {
        let (one, other) = (Metrics::new(), Metrics::new());
        one.resends.count();
        assert!(one.text().contains("whiteboard_resends_total 1\n"));
        assert!(other.text().contains("whiteboard_resends_total 0\n"));
    }

    #[test]
    fn names_follow_the_conventions() {
        for family in Metrics::new().registry.gather() {
            use prometheus::proto::MetricType;
            let name = family.name();
            assert!(name.starts_with("whiteboard_"), "{name}");
            let counts = family.get_field_type() == MetricType::COUNTER;
            assert_eq!(name.ends_with("_total"), counts, "{name}");
            assert!(family.help().ends_with('.'), "{name}");
        }
    }
}
