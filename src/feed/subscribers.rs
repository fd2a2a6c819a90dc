//! The sessions of one open drawing: delivery, and sessions that have fallen behind.
//!
//! Delivery never waits and never buffers strokes: a session whose mailbox is full is skipped until
//! it reads again, and then gets everything it lacks.
//!
//! # The cost of a slow client
//!
//! A setting bounds the bytes queued in its mailbox, which are frames, whose bytes are shared with
//! other sessions; its connection holds a copy of some 32 KiB and one frame of about [`MAX_STROKES_FRAME_BYTES`] or one
//! stroke. Beside that it may have pending acks.

mod subscriber;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytestring::ByteString;

use super::mailbox::{Acks, Mailbox, ToSession};
use super::position::{
    CatchUp, FirstFrame, MAX_STROKES_FRAME_BYTES, catch_up, first_load, resolve_since,
};
use crate::domain::drawing::Drawing;
use crate::domain::ids::{Epoch, SessionId, Writer};
use crate::domain::sequence::Seq;
use crate::metrics::{Metrics, Resync, SkippedFrame};
use crate::protocol::{Close, ResetReason, strokes_frame};
pub use subscriber::Retained;
use subscriber::{Delivery, Subscriber};

/// A session that reads nothing for this long is evicted.
pub const MAX_STALL: Duration = Duration::from_secs(30);

/// All sessions of this drawing on this server.
pub struct Subscribers<M: Mailbox> {
    metrics: Arc<Metrics>,
    all: BTreeMap<SessionId, Subscriber<M>>,
    /// Every live subscriber has everything up to this position.
    sent: Seq,
    /// Number of sessions that have fallen behind.
    slow: usize,
    /// The latest retained frame of each kind.
    retained: BTreeMap<Retained, ByteString>,
    /// The frame for the next session that holds nothing.
    first_frame: Option<FirstFrame>,
}

impl<M: Mailbox> Subscribers<M> {
    /// No session.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            all: BTreeMap::new(),
            sent: 0,
            slow: 0,
            retained: BTreeMap::new(),
            first_frame: None,
        }
    }

    /// Number of sessions.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is no session.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The writer of a session, once it sent hello.
    pub fn writer(&self, session: SessionId) -> Option<Writer> {
        self.all.get(&session)?.writer
    }

    /// A session sent hello: delivers its welcome, regardless of the mailbox's limits, since it is
    /// sent once. False if the session is unknown.
    pub fn welcome(
        &mut self,
        session: SessionId,
        writer: Writer,
        frame: ByteString,
        next: u64,
    ) -> bool {
        let Some(subscriber) = self.all.get_mut(&session) else {
            return false;
        };
        subscriber.writer = Some(writer);
        subscriber.mailbox.tell(ToSession::Welcome { frame, next });
        true
    }

    /// The last position sent to all live sessions.
    pub fn sent(&self) -> Seq {
        self.sent
    }

    /// Whether a session has to be caught up when it reads again.
    pub fn has_slow(&self) -> bool {
        self.slow > 0
    }

    /// Adds a session that holds everything up to `since` of `epoch`, and sends what it lacks;
    /// `resync` is the source of that.
    pub fn join(
        &mut self,
        session: SessionId,
        mailbox: M,
        drawing: &Drawing,
        position: (Seq, Option<Epoch>),
        resync: Resync,
        now: Instant,
    ) {
        let subscriber = Subscriber {
            mailbox,
            delivery: Delivery::Reading,
            writer: None,
            pending_acks: None,
            access_due: None,
            // A presence change is useless before the whole list, which may be sent later.
            missed: self
                .retained
                .keys()
                .copied()
                .chain([Retained::People])
                .collect(),
        };
        self.all.insert(session, subscriber);
        self.resume(session, drawing, position, resync, now);
    }

    /// A session holds everything up to `since` of `epoch`: sends what it lacks; it is live from
    /// then on.
    pub fn resume(
        &mut self,
        session: SessionId,
        drawing: &Drawing,
        (since, epoch): (Seq, Option<Epoch>),
        resync: Resync,
        now: Instant,
    ) {
        self.flush(drawing, now);
        let Some(subscriber) = self.all.get_mut(&session) else {
            return;
        };
        let (since, reset) = resolve_since(drawing, since, epoch);
        let resync = reset.map_or(resync, |_| Resync::Reset);
        self.metrics.resyncs.count(resync);
        self.slow += usize::from(!matches!(subscriber.delivery, Delivery::Behind { .. }));
        subscriber.delivery = Delivery::Behind {
            position: since,
            reset,
            since: now,
        };
        self.catch_up(drawing, now);
    }

    /// Removes a session. Returns its writer.
    pub fn leave(&mut self, session: SessionId) -> Option<Writer> {
        self.remove(session)?.writer
    }

    fn remove(&mut self, session: SessionId) -> Option<Subscriber<M>> {
        let subscriber = self.all.remove(&session)?;
        self.slow -= usize::from(matches!(subscriber.delivery, Delivery::Behind { .. }));
        Some(subscriber)
    }

    /// Sends the changes since the last flush, merged into one frame, or a few large ones, each
    /// encoded once.
    pub fn flush(&mut self, drawing: &Drawing, now: Instant) {
        if 0 < self.sent && self.sent < drawing.compacted() {
            // What was erased after `sent` is forgotten.
            return self.reset(drawing, ResetReason::Compacted, now);
        }
        let head = drawing.head();
        let mut changes = drawing.since(self.sent).peekable();
        while self.sent < head {
            let from = self.sent;
            let (mut part, mut bytes) = (Vec::new(), 0);
            while let Some(change) = changes.next_if(|change| {
                part.is_empty() || bytes + change.bytes() <= MAX_STROKES_FRAME_BYTES
            }) {
                bytes += change.bytes();
                part.push(change);
            }
            self.sent = match (changes.peek(), part.last()) {
                (Some(_), Some(last)) => last.seq,
                _ => head,
            };
            let mut followers = self
                .all
                .values_mut()
                .filter(|subscriber| matches!(subscriber.delivery, Delivery::Live))
                .peekable();
            if followers.peek().is_none() {
                self.sent = head;
                return;
            }
            let frame = strokes_frame(from, self.sent, part);
            for subscriber in followers {
                if !subscriber.mailbox.frame(frame.clone()) {
                    self.metrics.frames_skipped.count(SkippedFrame::Strokes);
                    subscriber.fall_behind(from, now);
                    self.slow += 1;
                }
            }
        }
    }

    /// The drawing was read again and has another history: all sessions start over.
    pub fn reset(&mut self, drawing: &Drawing, reason: ResetReason, now: Instant) {
        self.sent = drawing.head();
        for subscriber in self.all.values_mut() {
            subscriber.delivery = Delivery::Behind {
                position: 0,
                reset: Some(reason),
                since: now,
            };
        }
        self.slow = self.all.len();
        self.metrics.resyncs.add(Resync::Reset, self.slow);
        self.catch_up(drawing, now);
    }

    /// Sends all they lack to sessions that fell behind and read again.
    pub fn catch_up(&mut self, drawing: &Drawing, now: Instant) {
        if self.slow == 0 {
            return;
        }
        let mut catch_ups: HashMap<Seq, CatchUp> = HashMap::new();
        self.slow = 0;
        for subscriber in self.all.values_mut() {
            let Some(position) = subscriber.lacks_after(drawing.compacted()) else {
                continue;
            };
            // Encodes nothing for a session that would not take it: that would repeat for as long
            // as it does not read.
            let is_ready = subscriber.mailbox.has_room() && subscriber.send_reset(drawing.epoch());
            let is_caught_up = is_ready && {
                let found = catch_ups.entry(position).or_insert_with(|| match position {
                    0 => first_load(&mut self.first_frame, drawing, &self.metrics, now),
                    position => catch_up(drawing, position, &self.metrics),
                });
                subscriber.catch_up(found, drawing.head(), &self.retained, now)
            };
            self.slow += usize::from(!is_caught_up);
        }
    }

    /// Sends a retained frame to everyone: slow sessions get it when they read again, and new ones
    /// when they join.
    pub fn announce(&mut self, kind: Retained, frame: ByteString, now: Instant) {
        self.announce_change(kind, frame.clone(), frame, now);
    }

    /// The same with two frames: a change for the sessions that have all earlier ones, and the
    /// whole for the others. Both are encoded once.
    pub fn announce_change(
        &mut self,
        kind: Retained,
        change: ByteString,
        whole: ByteString,
        now: Instant,
    ) {
        for subscriber in self.all.values_mut() {
            let frame = match subscriber.missed.contains(&kind) {
                true => &whole,
                false => &change,
            };
            let follows = matches!(subscriber.delivery, Delivery::Live);
            if follows && subscriber.mailbox.frame(frame.clone()) {
                subscriber.missed.remove(&kind);
                continue;
            }
            subscriber.missed.insert(kind);
            if follows {
                subscriber.fall_behind(self.sent, now);
                self.slow += 1;
            }
        }
        self.retained.insert(kind, whole);
    }

    /// A session requests the whole retained frame: sends it now, or when the session reads.
    pub fn repeat(&mut self, session: SessionId, kind: Retained, now: Instant) {
        let Some(subscriber) = self.all.get_mut(&session) else {
            return;
        };
        subscriber.missed.insert(kind);
        if matches!(subscriber.delivery, Delivery::Live) && !subscriber.send_missed(&self.retained)
        {
            subscriber.fall_behind(self.sent, now);
            self.slow += 1;
        }
    }

    /// Sends a frame that may be lost: slow sessions are skipped.
    pub fn signal(&self, frame: &ByteString) {
        for subscriber in self.all.values() {
            let follows = matches!(subscriber.delivery, Delivery::Live);
            if !follows || !subscriber.mailbox.frame(frame.clone()) {
                self.metrics.frames_skipped.count(SkippedFrame::Signals);
            }
        }
    }

    /// Sends a session the outcome of its ops. Acks are never lost: those that do not fit its
    /// mailbox wait until it reads.
    pub fn acknowledge(&mut self, session: SessionId, acks: Acks, now: Instant) {
        let Some(subscriber) = self.all.get_mut(&session) else {
            return;
        };
        subscriber.acknowledge(acks);
        if subscriber.pending_acks.is_some() && matches!(subscriber.delivery, Delivery::Live) {
            subscriber.fall_behind(self.sent, now);
            self.slow += 1;
        }
    }

    /// Tells a session what it may do: now, or when it reads again. Only the last word counts.
    pub fn tell_access(&mut self, session: SessionId, frame: ByteString, now: Instant) {
        let Some(subscriber) = self.all.get_mut(&session) else {
            return;
        };
        subscriber.access_due = Some(frame);
        let waits = matches!(subscriber.delivery, Delivery::Behind { .. });
        let is_sent = !waits && subscriber.send_access();
        if !is_sent && matches!(subscriber.delivery, Delivery::Live) {
            subscriber.fall_behind(self.sent, now);
            self.slow += 1;
        }
    }

    /// Closes and removes one session.
    pub fn close_one(&mut self, session: SessionId, close: Close) {
        if let Some(subscriber) = self.remove(session) {
            subscriber.mailbox.close(close);
        }
    }

    /// Returns the sessions that have not read for too long, and closes them in case they ever
    /// read.
    pub fn evict_stalled(&mut self, now: Instant) -> Vec<SessionId> {
        if self
            .first_frame
            .as_ref()
            .is_some_and(|kept| kept.is_unused(now))
        {
            self.first_frame = None;
        }
        let stalled = |subscriber: &Subscriber<M>| match subscriber.delivery {
            Delivery::Behind { since, .. } => now.duration_since(since) > MAX_STALL,
            _ => false,
        };
        let gone = self
            .all
            .iter()
            .filter(|(_, subscriber)| stalled(subscriber));
        gone.map(|(&session, subscriber)| {
            subscriber.mailbox.close(Close::Silent);
            session
        })
        .collect()
    }

    /// Closes and removes up to `max` sessions; returns which.
    pub fn close(&mut self, max: usize, mut close: impl FnMut() -> Close) -> Vec<SessionId> {
        let sessions: Vec<_> = self.all.keys().copied().take(max).collect();
        for session in &sessions {
            if let Some(subscriber) = self.remove(*session) {
                subscriber.mailbox.close(close());
            }
        }
        sessions
    }
}

impl<M: Mailbox> Drop for Subscribers<M> {
    /// Sessions that are left when their feed is dropped join again, on every path.
    fn drop(&mut self) {
        for subscriber in self.all.values() {
            subscriber.mailbox.tell(ToSession::Rejoin);
        }
    }
}

#[cfg(test)]
mod tests;
