//! How a feed keeps up with its drawing: by following it, and by finite reads.
//!
//! It never takes a change before the ones that precede it.

use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::prelude::*;

use super::{Feed, HEAD_CHECKS};
use crate::domain::drawing::{Drawing, Limits};
use crate::domain::ids::{DrawingId, Epoch};
use crate::domain::op::Change;
use crate::domain::sequence::{Arrival, Seq, arrival};
use crate::feed::messages::{Append, Flush};
use crate::feed::requests::CloseReason;
use crate::feed::subscribers::Retained;
use crate::metrics::GapFix;
use crate::protocol::{ResetReason, ToBrowser};
use crate::store::{Chunk, Head, Store, StoreError};

/// What came of the chunks that a read gave.
#[derive(PartialEq, Eq)]
enum ReadOutcome {
    /// The drawing is as far as they are.
    Chunks,
    /// They are of another history, which is read from its beginning now.
    AnotherHistory,
}

impl Feed {
    pub(super) fn subscribe(&mut self, ctx: &mut Context<Self>) {
        if let Some(subscription) = self.subscription.take() {
            ctx.cancel_future(subscription);
        }
        let (store, id) = (self.store.clone(), self.id);
        let event = async move { store.subscribe(id).await };
        ctx.spawn(
            wrap_future(event).map(|event, feed: &mut Self, ctx| match event {
                Ok(subscription) => {
                    let stream =
                        futures_util::stream::unfold(subscription, |mut subscription| async move {
                            subscription.next().await.map(|event| (event, subscription))
                        });
                    feed.subscription = Some(Self::add_stream(stream, ctx));
                    feed.resubscribed = true;
                    // Subscribed first, read second: what is written between the two is found by one or the other.
                    feed.read(ctx);
                    for wait in HEAD_CHECKS {
                        ctx.run_later(wait, |feed, ctx| feed.check_head(ctx));
                    }
                    feed.announce(ctx);
                }
                Err(StoreError::NotFound | StoreError::Gone) => {
                    feed.end(CloseReason::NoDrawing, ctx)
                }
                Err(error) => {
                    let level = feed.read_backoff.level();
                    log::log!(level, "cannot subscribe to drawing {}: {error}", feed.id);
                    feed.unavailable(ctx);
                    let wait = feed.read_backoff.wait();
                    ctx.run_later(wait, |feed, ctx| feed.subscribe(ctx));
                }
            }),
        );
    }

    /// Reads everything after the head, unless a read is under way: then once more after it.
    ///
    /// A drawing that is not open yet is read in two steps: the living strokes, with which readers
    /// that hold nothing are served at once, then the tombstones and what is new meanwhile.
    pub(super) fn read(&mut self, ctx: &mut Context<Self>) {
        if self.in_flight.reading {
            self.in_flight.read_again = true;
            return;
        }
        self.in_flight.reading = true;
        // What comes from now on may know more than this read will find.
        self.answered_by_read.append(&mut self.pending);
        let resubscribed = std::mem::take(&mut self.resubscribed);
        let Some(drawing) = &self.drawing else {
            return self.read_living(resubscribed, ctx);
        };
        let (since, compacted) = (drawing.head(), drawing.compacted());
        let missing = drawing.tombstones_missing_to();
        let (store, id) = (self.store.clone(), self.id);
        let read = async move {
            let tombstones = read_tombstones(&store, id, compacted, missing).await?;
            Ok((tombstones, read_all(&store, id, since).await?))
        };
        ctx.spawn(wrap_future(read).map(move |read, feed: &mut Self, ctx| {
            feed.in_flight.reading = false;
            let (tombstones, chunks) = match read {
                Ok(read) => read,
                Err(error) => return feed.read_failed(&error, resubscribed, ctx),
            };
            feed.read_backoff.clear();
            if feed.apply_chunks(since, chunks, ctx) == ReadOutcome::AnotherHistory {
                return;
            }
            if let Some(drawing) = feed.drawing.as_mut().filter(|drawing| !drawing.is_whole()) {
                drawing.complete(tombstones);
            }
            feed.read_whole(resubscribed, ctx);
        }));
    }

    /// The first of the two steps.
    fn read_living(&mut self, resubscribed: bool, ctx: &mut Context<Self>) {
        let (store, id, limits) = (self.store.clone(), self.id, self.settings.limits);
        let living = async move { read_living(&store, id, limits).await };
        ctx.spawn(
            wrap_future(living).map(move |living, feed: &mut Self, ctx| {
                feed.in_flight.reading = false;
                match living {
                    Ok((drawing, title)) => {
                        feed.read_backoff.clear();
                        feed.retitle(title, ctx);
                        feed.take_living(drawing, resubscribed, ctx);
                    }
                    Err(error) => feed.read_failed(&error, resubscribed, ctx),
                }
            }),
        );
    }

    /// The living strokes were read, and perhaps all there is.
    fn take_living(&mut self, drawing: Drawing, resubscribed: bool, ctx: &mut Context<Self>) {
        let whole = drawing.is_whole();
        self.drawing = Some(drawing);
        self.moved_on(ctx);
        if whole {
            self.read_whole(resubscribed, ctx);
        } else {
            self.resubscribed |= resubscribed;
            self.serve_first_loads(ctx);
            self.read(ctx);
        }
    }

    /// All of the drawing is read, up to where the database was when the read began, or further.
    fn read_whole(&mut self, resubscribed: bool, ctx: &mut Context<Self>) {
        if resubscribed {
            self.monitor.begin(self.head());
        }
        self.head_verified = std::mem::take(&mut self.verify_head);
        self.update_gauges();
        self.read_ended(ctx);
    }

    fn read_failed(&mut self, error: &StoreError, resubscribed: bool, ctx: &mut Context<Self>) {
        self.resubscribed |= resubscribed;
        if matches!(error, StoreError::NotFound | StoreError::Gone) {
            self.end(CloseReason::NoDrawing, ctx);
            return;
        }
        let level = self.read_backoff.level();
        log::log!(level, "cannot read drawing {}: {error}", self.id);
        self.unavailable(ctx);
        let wait = self.read_backoff.wait();
        self.read_after(wait, ctx);
    }

    /// Reads after a pause; nothing is appended before.
    pub(super) fn read_after(&mut self, wait: Duration, ctx: &mut Context<Self>) {
        self.in_flight.reading = true;
        ctx.run_later(wait, |feed, ctx| {
            feed.in_flight.reading = false;
            feed.read(ctx);
        });
    }

    fn apply_chunks(
        &mut self,
        since: Seq,
        chunks: Vec<Chunk>,
        ctx: &mut Context<Self>,
    ) -> ReadOutcome {
        let Some(last) = chunks.last() else {
            return ReadOutcome::Chunks;
        };
        let epoch = last.epoch;
        self.retitle(last.title.clone(), ctx);
        let Some(drawing) = &mut self.drawing else {
            return ReadOutcome::Chunks;
        };
        let other_epoch = drawing.epoch() != epoch;
        let went_back = last.database_head < since;
        // Below the compacted position a read does not tell what was erased.
        if other_epoch || went_back || (0 < since && since < last.compacted) {
            self.start_over(epoch, went_back && !other_epoch, ctx);
            return ReadOutcome::AnotherHistory;
        }
        for mut chunk in chunks {
            let head = drawing.head();
            if chunk.head > head {
                chunk.changes.retain(|change| change.seq > head);
                drawing.load(chunk.changes, chunk.head);
            }
            drawing.raise_compacted(chunk.compacted);
        }
        self.moved_on(ctx);
        ReadOutcome::Chunks
    }

    /// The database holds another history than this feed: a backup was restored. Everyone starts over.
    pub(super) fn start_over(&mut self, epoch: Epoch, went_back: bool, ctx: &mut Context<Self>) {
        log::warn!(
            "drawing {} has another history than before; reading it again",
            self.id
        );
        self.out_of_order.clear();
        self.in_flight.reading = true;
        let (store, id, limits) = (self.store.clone(), self.id, self.settings.limits);
        let living = async move {
            if went_back {
                // The same epoch with fewer changes: nobody may take positions of the two for the same.
                store.renew_epoch(id, epoch).await?;
            }
            read_living(&store, id, limits).await
        };
        ctx.spawn(wrap_future(living).map(|living, feed: &mut Self, ctx| {
            feed.in_flight.reading = false;
            let Ok((drawing, title)) = living else {
                let wait = feed.read_backoff.wait();
                feed.read_after(wait, ctx);
                return;
            };
            feed.retitle(title, ctx);
            feed.subscribers.reset(&drawing, ResetReason::Epoch);
            // What the live query owes is counted from the head of this history.
            feed.take_living(drawing, true, ctx);
        }));
    }

    pub(super) fn arrived(&mut self, change: Change, ctx: &mut Context<Self>) {
        let Some(drawing) = &mut self.drawing else {
            self.buffer_out_of_order(change, ctx);
            return;
        };
        match arrival(drawing.head(), change.seq - 1, change.seq) {
            Arrival::Stale => {}
            Arrival::Next => {
                drawing.apply(change);
                self.moved_on(ctx);
            }
            Arrival::Gap => self.buffer_out_of_order(change, ctx),
        }
    }

    pub(super) fn buffer_out_of_order(&mut self, change: Change, ctx: &mut Context<Self>) {
        if self.out_of_order.len() >= self.settings.reorder_buffer {
            self.metrics
                .reorder_overflow
                .add(self.out_of_order.len() + 1);
            self.out_of_order.clear();
            self.read(ctx);
            return;
        }
        self.out_of_order.insert(change.seq, change);
        if self.drawing.is_some() && !std::mem::replace(&mut self.in_flight.gap, true) {
            ctx.run_later(self.settings.gap_timeout, |feed, ctx| {
                feed.in_flight.gap = false;
                let filled = match feed.out_of_order.is_empty() {
                    true => GapFix::Waiting,
                    false => GapFix::Reading,
                };
                feed.metrics.gaps.count(filled);
                if !feed.out_of_order.is_empty() {
                    feed.read(ctx);
                }
            });
        }
    }

    /// The head moved, or a read ended: what was held early may be next now, and sessions are told.
    pub(super) fn moved_on(&mut self, ctx: &mut Context<Self>) {
        let Some(drawing) = &mut self.drawing else {
            return;
        };
        while let Some(early) = self.out_of_order.first_entry() {
            match arrival(drawing.head(), early.key() - 1, *early.key()) {
                Arrival::Stale => {
                    early.remove();
                }
                Arrival::Next => {
                    drawing.apply(early.remove());
                }
                Arrival::Gap => break,
            }
        }
        self.state.note(drawing);
        if self.in_flight.yielding {
            // Perhaps this was what another server had its turn for.
            ctx.notify(Append);
        }
        if self.subscribers.sent() < drawing.head() {
            self.undelivered_since.get_or_insert_with(Instant::now);
            // Queued behind all that is ready to arrive, so that it goes out as one frame.
            if !std::mem::replace(&mut self.in_flight.flush, true) {
                ctx.notify(Flush);
            }
        }
    }

    pub(super) fn check_head(&mut self, ctx: &mut Context<Self>) {
        let (store, id) = (self.store.clone(), self.id);
        let heads = async move { store.heads(&[id]).await };
        ctx.spawn(wrap_future(heads).map(|heads, feed: &mut Self, ctx| {
            if let Ok(mut heads) = heads {
                feed.on_head_report(heads.pop(), ctx);
            }
        }));
    }

    pub(super) fn on_head_report(&mut self, told: Option<Head>, ctx: &mut Context<Self>) {
        let Some(told) = told.filter(|told| !told.deleted) else {
            self.end(CloseReason::NoDrawing, ctx);
            return;
        };
        let Some(drawing) = &mut self.drawing else {
            return;
        };
        // Either side may have moved on since it was asked: only a read can tell who is behind.
        if told.head != drawing.head() || told.epoch != drawing.epoch() {
            self.metrics.head_mismatches.count();
            self.read(ctx);
        } else {
            drawing.raise_compacted(told.compacted);
        }
        self.update_gauges();
        self.retitle(told.title, ctx);
    }

    /// Shares how large the drawing is now.
    fn update_gauges(&self) {
        if let Some(drawing) = &self.drawing {
            self.state.note(drawing);
        }
    }

    pub(super) fn retitle(&mut self, title: String, ctx: &mut Context<Self>) {
        if title != self.title {
            self.title = title;
            let frame = ToBrowser::Drawing { title: &self.title }.encode();
            self.subscribers.announce(Retained::Title, frame);
            self.watch_waiting(ctx);
        }
    }
}

/// The living strokes of a drawing and its title, with its tombstones if they are few.
///
/// All that is read has positions up to the head that the first read saw: what moved on meanwhile is
/// found by a read of what is new since then.
async fn read_living(
    store: &Store,
    id: DrawingId,
    limits: Limits,
) -> Result<(Drawing, String), StoreError> {
    let (first, tombstones) = store.living(id, 0, None).await?;
    let head = first.database_head;
    let (epoch, compacted, title) = (first.epoch, first.compacted, first.title);
    let (mut living, mut at, mut more) = (first.changes, first.head, first.more);
    while more {
        let (chunk, _) = store.living(id, at, Some(head)).await?;
        living.extend(chunk.changes);
        (at, more) = (chunk.head, chunk.more);
    }
    let mut drawing = Drawing::living_only(epoch, compacted, head, limits, living);
    if let Some(tombstones) = tombstones {
        drawing.complete(tombstones);
    }
    Ok((drawing, title))
}

/// All tombstones after the compacted position up to `missing`.
async fn read_tombstones(
    store: &Store,
    id: DrawingId,
    compacted: Seq,
    missing: Seq,
) -> Result<Vec<Change>, StoreError> {
    let (mut tombstones, mut at) = (Vec::new(), compacted);
    while at < missing {
        let chunk = store.tombstones(id, at, missing).await?;
        tombstones.extend(chunk.changes);
        at = chunk.head;
    }
    Ok(tombstones)
}

/// All chunks after `since`, up to the database's head as the last of them saw it.
async fn read_all(store: &Store, id: DrawingId, since: Seq) -> Result<Vec<Chunk>, StoreError> {
    let mut chunks = Vec::new();
    let mut at = since;
    loop {
        let chunk = store.since(id, at).await?;
        at = chunk.head;
        let more = chunk.more;
        chunks.push(chunk);
        if !more {
            return Ok(chunks);
        }
    }
}
