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
use crate::feed::requests::Ending;
use crate::feed::subscribers::Lasting;
use crate::metrics::Filled;
use crate::protocol::{ResetReason, ToBrowser};
use crate::store::{Head, Page, Store, StoreError};

/// What came of the pages that a read gave.
#[derive(PartialEq, Eq)]
enum Took {
    /// The drawing is as far as they are.
    Pages,
    /// They are of another history, which is read from its beginning now.
    AnotherHistory,
}

impl Feed {
    pub(super) fn follow(&mut self, ctx: &mut Context<Self>) {
        if let Some(following) = self.following.take() {
            ctx.cancel_future(following);
        }
        let (store, id) = (self.store.clone(), self.id);
        let followed = async move { store.follow(id).await };
        ctx.spawn(
            wrap_future(followed).map(|followed, feed: &mut Self, ctx| match followed {
                Ok(follow) => {
                    let stream = futures_util::stream::unfold(follow, |mut follow| async move {
                        follow.next().await.map(|followed| (followed, follow))
                    });
                    feed.following = Some(Self::add_stream(stream, ctx));
                    feed.fresh = true;
                    // Subscribed first, read second: what is written between the two is found by one or the other.
                    feed.read(ctx);
                    for wait in HEAD_CHECKS {
                        ctx.run_later(wait, |feed, ctx| feed.check_head(ctx));
                    }
                    feed.announce(ctx);
                }
                Err(StoreError::NotFound | StoreError::Gone) => feed.end(Ending::NoDrawing, ctx),
                Err(error) => {
                    let level = feed.reading_setbacks.level();
                    log::log!(level, "drawing {} cannot be followed: {error}", feed.id);
                    feed.unavailable(ctx);
                    let wait = feed.reading_setbacks.wait();
                    ctx.run_later(wait, |feed, ctx| feed.follow(ctx));
                }
            }),
        );
    }

    /// Reads everything after the head, unless a read is under way: then once more after it.
    ///
    /// A drawing that is not open yet is read in two steps: the living strokes, with which readers
    /// that hold nothing are served at once, then the tombstones and what is new meanwhile.
    pub(super) fn read(&mut self, ctx: &mut Context<Self>) {
        if self.busy.reading {
            self.busy.read_again = true;
            return;
        }
        self.busy.reading = true;
        // What comes from now on may know more than this read will find.
        self.read_for.append(&mut self.asked);
        let fresh = std::mem::take(&mut self.fresh);
        let Some(drawing) = &self.drawing else {
            return self.read_living(fresh, ctx);
        };
        let (since, compacted) = (drawing.head(), drawing.compacted());
        let missing = drawing.tombstones_missing_to();
        let (store, id) = (self.store.clone(), self.id);
        let read = async move {
            let tombstones = read_tombstones(&store, id, compacted, missing).await?;
            Ok((tombstones, read_all(&store, id, since).await?))
        };
        ctx.spawn(wrap_future(read).map(move |read, feed: &mut Self, ctx| {
            feed.busy.reading = false;
            let (tombstones, pages) = match read {
                Ok(read) => read,
                Err(error) => return feed.read_failed(&error, fresh, ctx),
            };
            feed.reading_setbacks.clear();
            if feed.take_pages(since, pages, ctx) == Took::AnotherHistory {
                return;
            }
            if let Some(drawing) = feed.drawing.as_mut().filter(|drawing| !drawing.is_whole()) {
                drawing.complete(tombstones);
            }
            feed.read_whole(fresh, ctx);
        }));
    }

    /// The first of the two steps.
    fn read_living(&mut self, fresh: bool, ctx: &mut Context<Self>) {
        let (store, id, limits) = (self.store.clone(), self.id, self.settings.limits);
        let living = async move { read_living(&store, id, limits).await };
        ctx.spawn(
            wrap_future(living).map(move |living, feed: &mut Self, ctx| {
                feed.busy.reading = false;
                match living {
                    Ok((drawing, title)) => {
                        feed.reading_setbacks.clear();
                        feed.retitle(title, ctx);
                        feed.take_living(drawing, fresh, ctx);
                    }
                    Err(error) => feed.read_failed(&error, fresh, ctx),
                }
            }),
        );
    }

    /// The living strokes were read, and perhaps all there is.
    fn take_living(&mut self, drawing: Drawing, fresh: bool, ctx: &mut Context<Self>) {
        let whole = drawing.is_whole();
        self.drawing = Some(drawing);
        self.moved_on(ctx);
        if whole {
            self.read_whole(fresh, ctx);
        } else {
            self.fresh |= fresh;
            self.serve_first_loads(ctx);
            self.read(ctx);
        }
    }

    /// All of the drawing is read, up to where the database was when the read began, or further.
    fn read_whole(&mut self, fresh: bool, ctx: &mut Context<Self>) {
        if fresh {
            self.hearing.begin(self.head());
        }
        self.confirmed = std::mem::take(&mut self.confirm);
        self.measure();
        self.read_ended(ctx);
    }

    fn read_failed(&mut self, error: &StoreError, fresh: bool, ctx: &mut Context<Self>) {
        self.fresh |= fresh;
        if matches!(error, StoreError::NotFound | StoreError::Gone) {
            self.end(Ending::NoDrawing, ctx);
            return;
        }
        let level = self.reading_setbacks.level();
        log::log!(level, "drawing {} cannot be read: {error}", self.id);
        self.unavailable(ctx);
        let wait = self.reading_setbacks.wait();
        self.read_after(wait, ctx);
    }

    /// Reads after a pause; nothing is appended before.
    pub(super) fn read_after(&mut self, wait: Duration, ctx: &mut Context<Self>) {
        self.busy.reading = true;
        ctx.run_later(wait, |feed, ctx| {
            feed.busy.reading = false;
            feed.read(ctx);
        });
    }

    fn take_pages(&mut self, since: Seq, pages: Vec<Page>, ctx: &mut Context<Self>) -> Took {
        let Some(last) = pages.last() else {
            return Took::Pages;
        };
        let epoch = last.epoch;
        self.retitle(last.title.clone(), ctx);
        let Some(drawing) = &mut self.drawing else {
            return Took::Pages;
        };
        let other_epoch = drawing.epoch() != epoch;
        let went_back = last.database_head < since;
        // Below the compacted position a read does not tell what was erased.
        if other_epoch || went_back || (0 < since && since < last.compacted) {
            self.start_over(epoch, went_back && !other_epoch, ctx);
            return Took::AnotherHistory;
        }
        for mut page in pages {
            let head = drawing.head();
            if page.head > head {
                page.changes.retain(|change| change.seq > head);
                drawing.load(page.changes, page.head);
            }
            drawing.raise_compacted(page.compacted);
        }
        self.moved_on(ctx);
        Took::Pages
    }

    /// The database holds another history than this feed: a backup was restored. Everyone starts over.
    pub(super) fn start_over(&mut self, epoch: Epoch, went_back: bool, ctx: &mut Context<Self>) {
        log::warn!(
            "drawing {} has another history than before: it is read anew",
            self.id
        );
        self.early.clear();
        self.busy.reading = true;
        let (store, id, limits) = (self.store.clone(), self.id, self.settings.limits);
        let living = async move {
            if went_back {
                // The same epoch with fewer changes: nobody may take positions of the two for the same.
                store.renew_epoch(id, epoch).await?;
            }
            read_living(&store, id, limits).await
        };
        ctx.spawn(wrap_future(living).map(|living, feed: &mut Self, ctx| {
            feed.busy.reading = false;
            let Ok((drawing, title)) = living else {
                let wait = feed.reading_setbacks.wait();
                feed.read_after(wait, ctx);
                return;
            };
            feed.retitle(title, ctx);
            feed.members.reset(&drawing, ResetReason::Epoch);
            // What the live query owes is counted from the head of this history.
            feed.take_living(drawing, true, ctx);
        }));
    }

    pub(super) fn arrived(&mut self, change: Change, ctx: &mut Context<Self>) {
        let Some(drawing) = &mut self.drawing else {
            self.hold(change, ctx);
            return;
        };
        match arrival(drawing.head(), change.seq - 1, change.seq) {
            Arrival::Stale => {}
            Arrival::Next => {
                drawing.apply(change);
                self.moved_on(ctx);
            }
            Arrival::Gap => self.hold(change, ctx),
        }
    }

    pub(super) fn hold(&mut self, change: Change, ctx: &mut Context<Self>) {
        if self.early.len() >= self.settings.early_changes {
            self.metrics.early_dropped.add(self.early.len() + 1);
            self.early.clear();
            self.read(ctx);
            return;
        }
        self.early.insert(change.seq, change);
        if self.drawing.is_some() && !std::mem::replace(&mut self.busy.gap, true) {
            ctx.run_later(self.settings.gap_hold, |feed, ctx| {
                feed.busy.gap = false;
                let filled = match feed.early.is_empty() {
                    true => Filled::Waiting,
                    false => Filled::Reading,
                };
                feed.metrics.gaps.count(filled);
                if !feed.early.is_empty() {
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
        while let Some(early) = self.early.first_entry() {
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
        self.shared.note(drawing);
        if self.busy.turn {
            // Perhaps this was what another server had its turn for.
            ctx.notify(Append);
        }
        if self.members.sent() < drawing.head() {
            self.untold_since.get_or_insert_with(Instant::now);
            // Queued behind all that is ready to arrive, so that it goes out as one frame.
            if !std::mem::replace(&mut self.busy.flush, true) {
                ctx.notify(Flush);
            }
        }
    }

    pub(super) fn check_head(&mut self, ctx: &mut Context<Self>) {
        let (store, id) = (self.store.clone(), self.id);
        let heads = async move { store.heads(&[id]).await };
        ctx.spawn(wrap_future(heads).map(|heads, feed: &mut Self, ctx| {
            if let Ok(mut heads) = heads {
                feed.told(heads.pop(), ctx);
            }
        }));
    }

    pub(super) fn told(&mut self, told: Option<Head>, ctx: &mut Context<Self>) {
        let Some(told) = told.filter(|told| !told.deleted) else {
            self.end(Ending::NoDrawing, ctx);
            return;
        };
        let Some(drawing) = &mut self.drawing else {
            return;
        };
        // Either side may have moved on since it was asked: only a read can tell who is behind.
        if told.head != drawing.head() || told.epoch != drawing.epoch() {
            self.metrics.heads_differed.count();
            self.read(ctx);
        } else {
            drawing.raise_compacted(told.compacted);
        }
        self.measure();
        self.retitle(told.title, ctx);
    }

    /// Shares how large the drawing is now.
    fn measure(&self) {
        if let Some(drawing) = &self.drawing {
            self.shared.note(drawing);
        }
    }

    pub(super) fn retitle(&mut self, title: String, ctx: &mut Context<Self>) {
        if title != self.title {
            self.title = title;
            let frame = ToBrowser::Drawing { title: &self.title }.encode();
            self.members.announce(Lasting::Title, frame);
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
        let (page, _) = store.living(id, at, Some(head)).await?;
        living.extend(page.changes);
        (at, more) = (page.head, page.more);
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
        let page = store.tombstones(id, at, missing).await?;
        tombstones.extend(page.changes);
        at = page.head;
    }
    Ok(tombstones)
}

/// All pages after `since`, up to the database's head as the last of them saw it.
async fn read_all(store: &Store, id: DrawingId, since: Seq) -> Result<Vec<Page>, StoreError> {
    let mut pages = Vec::new();
    let mut at = since;
    loop {
        let page = store.since(id, at).await?;
        at = page.head;
        let more = page.more;
        pages.push(page);
        if !more {
            return Ok(pages);
        }
    }
}
