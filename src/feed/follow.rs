//! How a feed keeps up with its drawing: by following it, and by finite reads.
//!
//! It never takes a change before the ones that precede it.

use actix::fut::wrap_future;
use actix::prelude::*;

use super::*;

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
    pub(super) fn read(&mut self, ctx: &mut Context<Self>) {
        if self.busy.reading {
            self.busy.read_again = true;
            return;
        }
        self.busy.reading = true;
        // What comes from now on may know more than this read will find.
        self.read_for.append(&mut self.asked);
        let fresh = std::mem::take(&mut self.fresh);
        let (store, id, since) = (self.store.clone(), self.id, self.head());
        let pages = async move { read_all(&store, id, since).await };
        ctx.spawn(wrap_future(pages).map(move |pages, feed: &mut Self, ctx| {
            feed.busy.reading = false;
            match pages {
                Ok(pages) => {
                    feed.reading_setbacks.clear();
                    if feed.take_pages(since, pages, ctx) == Took::AnotherHistory {
                        return;
                    }
                    if fresh {
                        feed.hearing.begin(feed.head());
                    }
                    feed.confirmed = std::mem::take(&mut feed.confirm);
                    feed.read_ended(ctx);
                }
                Err(StoreError::NotFound | StoreError::Gone) => {
                    feed.end(Ending::NoDrawing, ctx);
                }
                Err(error) => {
                    let level = feed.reading_setbacks.level();
                    log::log!(level, "drawing {} cannot be read: {error}", feed.id);
                    feed.fresh |= fresh;
                    feed.unavailable(ctx);
                    let wait = feed.reading_setbacks.wait();
                    feed.read_after(wait, ctx);
                }
            }
        }));
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
        let life = last.life;
        self.retitle(last.title.clone(), ctx);
        match &self.drawing {
            // Below the floor a read does not tell what was erased.
            Some(drawing)
                if drawing.life() != life
                    || last.database_head < since
                    || (0 < since && since < last.floor) =>
            {
                self.start_over(
                    life,
                    last.database_head < since && drawing.life() == life,
                    ctx,
                );
                return Took::AnotherHistory;
            }
            Some(_) => {}
            None => self.drawing = Some(Drawing::new(life, last.floor, self.settings.limits)),
        }
        let Some(drawing) = &mut self.drawing else {
            return Took::Pages;
        };
        for mut page in pages {
            let head = drawing.head();
            if page.head > head {
                page.changes.retain(|change| change.seq > head);
                drawing.load(page.changes, page.head);
            }
            drawing.raise_floor(page.floor);
        }
        self.moved_on(ctx);
        Took::Pages
    }

    /// The database holds another history than this feed: a backup was restored. Everyone starts over.
    pub(super) fn start_over(&mut self, life: Life, went_back: bool, ctx: &mut Context<Self>) {
        log::warn!(
            "drawing {} has another history than before: it is read anew",
            self.id
        );
        self.early.clear();
        self.busy.reading = true;
        let (store, id) = (self.store.clone(), self.id);
        let pages = async move {
            if went_back {
                // The same life with fewer changes: nobody may take positions of the two for the same.
                store.renew_life(id, life).await?;
            }
            read_all(&store, id, 0).await
        };
        ctx.spawn(wrap_future(pages).map(|pages, feed: &mut Self, ctx| {
            feed.busy.reading = false;
            let Ok(pages) = pages else {
                let wait = feed.reading_setbacks.wait();
                feed.read_after(wait, ctx);
                return;
            };
            feed.drawing = None;
            feed.take_first_pages(pages, ctx);
        }));
    }

    pub(super) fn take_first_pages(&mut self, pages: Vec<Page>, ctx: &mut Context<Self>) {
        let Some(last) = pages.last() else { return };
        let mut drawing = Drawing::new(last.life, last.floor, self.settings.limits);
        for page in pages {
            drawing.load(page.changes, page.head);
        }
        self.members.reset(&drawing, ResetReason::Life);
        self.hearing.begin(drawing.head());
        self.drawing = Some(drawing);
        self.moved_on(ctx);
        self.read_ended(ctx);
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
        self.shared.head.store(drawing.head(), Ordering::Relaxed);
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
        if told.head != drawing.head() || told.life != drawing.life() {
            self.metrics.heads_differed.count();
            self.read(ctx);
        } else {
            drawing.raise_floor(told.floor);
        }
        self.retitle(told.title, ctx);
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
