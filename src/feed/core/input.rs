//! What happens to a feed.

use std::time::Instant;

use crate::domain::batch::Decision;
use crate::domain::drawing::Drawing;
use crate::domain::op::Change;
use crate::domain::rules::Rules;
use crate::domain::sequence::Seq;
use crate::feed::messages::{FromSession, ReadRequest};
use crate::feed::standings::WallClock;
use crate::store::{Appended, Chunk, ExpectedHead, Head, LiveEvent, StoreError};

/// What happened.
#[derive(Debug)]
pub enum Input<M> {
    /// A session sent a message.
    Session(FromSession<M>),
    /// A reader over HTTP made a request.
    HttpRead(ReadRequest),
    /// [`Effect::Subscribe`](super::Effect::Subscribe) ended: the live queries are open, or failed.
    Subscribed(Result<(), StoreError>),
    /// The live queries delivered something.
    Event(LiveEvent),
    /// The live queries ended.
    SubscriptionEnded,
    /// [`Effect::Read`](super::Effect::Read) ended.
    ReadEnded(Result<ReadResult, StoreError>),
    /// [`Effect::Append`](super::Effect::Append) ended.
    Appended {
        /// The state in which the drawing was expected to be.
        expected: ExpectedHead,
        /// The decision to store.
        decision: Decision,
        /// The outcome.
        result: Result<Appended, StoreError>,
    },
    /// [`Effect::WriteIndex`](super::Effect::WriteIndex) failed.
    IndexFailed,
    /// [`Effect::Probe`](super::Effect::Probe) ended.
    Probed(Result<(), StoreError>),
    /// The database reports the drawing's head.
    Head {
        /// When it was asked.
        asked: Instant,
        /// Nothing if the drawing is removed.
        report: Option<Head>,
    },
    /// [`Effect::ReadRules`](super::Effect::ReadRules) ended.
    Rules {
        /// The rules.
        result: Result<Rules, StoreError>,
        /// The time then.
        clock: WallClock,
    },
    /// [`Effect::Publish`](super::Effect::Publish) ended.
    Published {
        /// The number of the row.
        number: u64,
        /// Whether it was written.
        result: Result<(), StoreError>,
    },
    /// Answers [`Effect::Defer`](super::Effect::Defer): everything that was ready before was handled.
    Deferred,
    /// The time of [`Core::next_timer`](super::Core::next_timer) has come.
    Timer,
    /// The server stops: store what is queued, then close the sessions.
    Drain,
    /// The server stops at once.
    ForceClose,
}

/// The result of a read.
#[derive(Debug)]
pub enum ReadResult {
    /// Answers [`ReadPlan::Living`](crate::feed::replica::ReadPlan::Living).
    Living {
        /// The living strokes, with the tombstones if they are few.
        drawing: Drawing,
        /// Its title.
        title: String,
        /// The version of its rules.
        rules: u64,
        /// The head of the index of living strokes that the database has, or 0.
        indexed: Seq,
    },
    /// Answers [`ReadPlan::Changes`](crate::feed::replica::ReadPlan::Changes).
    Changes {
        /// The position after which was read.
        since: Seq,
        /// The changes after it, in order.
        chunks: Vec<Chunk>,
        /// The tombstones that were missing.
        tombstones: Vec<Change>,
    },
}
