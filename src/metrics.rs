//! What an operator may want to know of one server, counted where it happens.
//!
//! It must never name a drawing, a session or a person: every label is one of a few fixed
//! words, and counting is one atomic addition, without a lock or an allocation.
//!
//! The text beside each name is what `/metrics` says of it, and the documentation of its field.

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
            /// Metrics of a server that did nothing yet.
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
        Left = "left", "The browser closed it.";
        Cut = "cut", "The connection ended without a goodbye.";
        Malformed = "malformed", "It said what is none of the protocol.";
        Forbidden = "forbidden", "It came from a foreign host or origin.";
        NoDrawing = "no_drawing", "Its drawing is not there, or no longer.";
        Silent = "silent", "It was not heard for too long.";
        TooLarge = "too_large", "It sent a frame over the limit.";
        TooMany = "too_many", "This server has as many as it takes.";
        Restart = "restart", "This server stops.";
        Load = "load", "The database was away when it came.";
    }
    /// Why a connection found no place.
    NoPlace = "limit" {
        All = "all", "There are as many connections as there may be.";
        Address = "address", "There are as many from its address as there may be from one.";
    }
    /// What became of an append.
    Outcome = "outcome" {
        Committed = "committed", "It is stored.";
        Behind = "behind", "Another server appended first.";
        Gone = "gone", "The drawing is deleted.";
        Failed = "failed", "The database refused it.";
        Unknown = "unknown", "It has no answer.";
    }
    /// Why an op is refused for good.
    Reason = "reason" {
        Exists = "exists", "A stroke with its id is or was there.";
        Absent = "absent", "Its stroke was never there.";
        Erased = "erased", "Its stroke is erased.";
        Changed = "changed", "Its stroke was changed by another op.";
        Full = "full", "The drawing is full.";
        Invalid = "invalid", "It is no op.";
        Forbidden = "forbidden", "Its session may only look.";
    }
    /// Which limit an op met that is refused for load.
    OverloadCause = "limit" {
        Unanswered = "unanswered", "Ops of one session without an answer.";
        Rate = "rate", "Ops a second of one session.";
        Queue = "queue", "Ops of one drawing that wait for the database.";
    }
    /// What a live query told.
    NotificationKind = "kind" {
        Change = "change", "A change of a drawing.";
        Signals = "signals", "Signals of a server in a drawing.";
        Server = "server", "The heartbeat of a server.";
    }
    /// How a gap was filled.
    GapFix = "by" {
        Waiting = "waiting", "What was missing came a little later.";
        Reading = "reading", "The drawing was read.";
    }
    /// Where a reader got from what it lacks.
    Resync = "kind" {
        Warm = "warm", "From memory.";
        Cold = "cold", "The database was read first.";
        Reset = "reset", "It started over.";
    }
    /// How a chunk of a read over HTTP was encoded.
    Encoded = "encoding" {
        Plain = "plain", "As JSON.";
        Gzip = "gzip", "As JSON, compressed.";
    }
    /// What a row of a drawing is.
    Row = "kind" {
        Living = "living", "A stroke.";
        Tombstone = "tombstone", "What is kept of an erased stroke, for as long as the retention says.";
    }
    /// A frame that was left out for a session that does not read.
    SkippedFrame = "kind" {
        Strokes = "strokes", "Changes: it gets them when it reads again.";
        Signals = "signals", "Signals: nobody misses them.";
    }
    /// Why a signal was dropped.
    Dropped = "reason" {
        Rate = "rate", "Its session sends more than it may.";
        Busy = "busy", "The feed had no room for it.";
        Ink = "ink", "More ink came than one tick takes.";
        Crowd = "crowd", "A pointer of somebody who is not listed, since more people are here than are.";
        Unwritten = "unwritten", "The row for the other servers was not written.";
    }
    /// Why a query has no result.
    QueryFailure = "reason" {
        Deadline = "deadline", "No answer came in time.";
        Unavailable = "unavailable", "The database is away.";
        Conflict = "conflict", "Another transaction was faster.";
        Refused = "refused", "The database did not do it.";
        Full = "full", "As many queries are under way as may be.";
    }
    /// Why something is no longer followed.
    SubscriptionEnd = "reason" {
        Ended = "ended", "The database or the connection ended it.";
        Slow = "slow", "More was heard than this server kept up with.";
        Unreadable = "unreadable", "What was heard is none of this program's rows.";
        GivenUp = "given_up", "Its connection was replaced.";
    }
    /// Which connection to the database.
    DbLink = "connection" {
        Queries = "queries", "The one for queries.";
        LiveQueries = "live_queries", "The one for live queries.";
    }
}

metrics! {
    connections_open: Gauge = "whiteboard_connections_open",
        "Connections that are open, whatever they are for.";
    connections_refused: Counters<NoPlace> = "whiteboard_connections_refused_total",
        "Connections that found no place, by the limit that was reached.";
    sessions_open: Gauge = "whiteboard_sessions_open",
        "WebSocket sessions that are open, without those that were turned away.";
    sessions_opened: Counter = "whiteboard_sessions_opened_total",
        "WebSocket sessions that were opened, with those that were turned away at once.";
    sessions_closed: Counters<Ended> = "whiteboard_sessions_closed_total",
        "WebSocket sessions that ended, by how.";
    feeds_open: Gauge = "whiteboard_feeds_open",
        "Drawings that are open on this server.";
    feeds_opened: Counter = "whiteboard_feeds_opened_total",
        "Drawings that were opened on this server.";
    rows: Gauges<Row> = "whiteboard_drawing_rows",
        "Rows of all open drawings that are in memory, by kind.";
    row_bytes: Gauges<Row> = "whiteboard_drawing_bytes",
        "Bytes of the rows of all open drawings, as a drawing's limit counts them, by kind.";
    queue_ops: Gauge = "whiteboard_queue_ops",
        "Ops of all open drawings that are not stored yet: they wait, or their transaction is under way.";
    queue_bytes: Gauge = "whiteboard_queue_bytes",
        "Bytes of all open drawings' ops that are not stored yet.";
    appends: Counters<Outcome> = "whiteboard_appends_total",
        "Transactions that were to store ops, by what became of them; behind is a swap lost to another server.";
    append_ops: Ops = "whiteboard_append_ops",
        "Ops that went together in one transaction.";
    append_time: Seconds = "whiteboard_append_seconds",
        "Time of one append, from its query to its result at the feed, whatever the outcome.";
    ops_refused: Counters<Reason> = "whiteboard_ops_refused_total",
        "Ops that were refused for good, by reason.";
    ops_throttled: Counters<OverloadCause> = "whiteboard_ops_throttled_total",
        "Ops that were refused for load, by the limit they met; pages send them again.";
    resends: Counter = "whiteboard_resends_total",
        "Times a page was asked to send again, since ops before the one that came were missing.";
    notifications: Counters<NotificationKind> = "whiteboard_notifications_total",
        "Live notifications that were received, by what they told.";
    gaps: Counters<GapFix> = "whiteboard_gaps_filled_total",
        "Gaps in what was followed of a drawing, by how they were filled.";
    reorder_overflow: Counter = "whiteboard_reorder_overflow_total",
        "Changes that came too early and were dropped, since too many were held: the drawing was read instead.";
    head_mismatches: Counter = "whiteboard_head_mismatches_total",
        "Checks that found the database at another position than the feed, which was then read.";
    resyncs: Counters<Resync> = "whiteboard_resyncs_total",
        "Readers, sessions or over HTTP, that were given what they lack: from memory, after a read of the database, or all anew.";
    chunks: Counters<Encoded> = "whiteboard_chunks_encoded_total",
        "Chunks of drawings that were encoded for readers over HTTP: once for all who read the same.";
    catch_ups: Counter = "whiteboard_catch_ups_encoded_total",
        "Frames that were encoded to bring sessions to the head: once for all that lack the same.";
    frames_skipped: Counters<SkippedFrame> = "whiteboard_frames_skipped_total",
        "Frames that were left out for a session that was not reading.";
    delivery: Seconds = "whiteboard_delivery_seconds",
        "Time from when a feed learnt of a change (its own transaction's result, or the notification or read that told of another server's) until its frame was handed to all sessions that were reading; not the database before it, nor the network after it.";
    signals: Counter = "whiteboard_signals_total",
        "Pointers and ink of this server's sessions that were taken in.";
    signals_dropped: Counters<Dropped> = "whiteboard_signals_dropped_total",
        "Signals that were dropped, by reason: ink and unwritten count whole ticks.";
    queries_in_flight: Gauge = "whiteboard_queries_in_flight",
        "Queries that are under way in the database, with those that were given up and have no answer yet.";
    query_time: Seconds = "whiteboard_query_seconds",
        "Time until the database answered a query, with and without success, as the store's threads saw it.";
    query_errors: Counters<QueryFailure> = "whiteboard_query_errors_total",
        "Queries that had no result, by reason; a conflict or a lost swap is tried again.";
    subscriptions: Counter = "whiteboard_subscriptions_total",
        "Times a drawing or the servers began to be followed with live queries, also again.";
    subscriptions_ended: Counters<SubscriptionEnd> = "whiteboard_subscriptions_ended_total",
        "Times live queries were lost, by reason; what they told is followed again.";
    heartbeats: Counter = "whiteboard_heartbeats_total",
        "Heartbeats of this server that were stored.";
    heartbeat_roundtrip: Seconds = "whiteboard_heartbeat_roundtrip_seconds",
        "Time from when this server began to store its own heartbeat until its live query received it: commit and notification.";
    replaced: Counters<DbLink> = "whiteboard_connections_replaced_total",
        "Connections to the database that were replaced by new ones, since heartbeats over them were not stored or not received.";
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
        }
    }
}

impl From<&Close> for Ended {
    fn from(close: &Close) -> Self {
        match close {
            Close::Malformed(_) => Ended::Malformed,
            Close::Forbidden(_) => Ended::Forbidden,
            Close::NoDrawing => Ended::NoDrawing,
            Close::Silent => Ended::Silent,
            Close::TooLarge => Ended::TooLarge,
            Close::TooMany => Ended::TooMany,
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
        for (limit, times) in [("unanswered", 0), ("rate", 1), ("queue", 0)] {
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
