//! How a feed ends: its drawing is gone, was never read, or the server goes.
//!
//! Whoever is there or comes must be told, and no op that was taken may be without its answer.

use std::time::Duration;

use actix::prelude::*;

use super::Feed;
use crate::feed::messages::{Drain, GiveUp, Stop};
use crate::feed::requests::Ending;

/// The time between two batches of sessions that are closed for a drain.
const DRAIN_TICK: Duration = Duration::from_millis(50);
/// Sessions closed in one batch of a drain.
const DRAIN_BATCH: usize = 50;
impl Feed {
    /// What waits for a first read gets none: whoever asked comes back.
    pub(super) fn unavailable(&mut self, ctx: &mut Context<Self>) {
        if self.drawing.is_none() {
            self.end(Ending::Unavailable, ctx);
        }
    }

    /// Closes all sessions and stops. Whoever asks for the drawing from now on opens another
    /// feed; what was asked of this one already is behind its back, and is refused before it stops.
    pub(super) fn end(&mut self, ending: Ending, ctx: &mut Context<Self>) {
        self.registration.remove();
        self.ending = Some(ending);
        for asked in self.take_asked() {
            ending.refuse(asked);
        }
        self.members.close(usize::MAX, || ending.close());
        ctx.notify(Stop);
    }

    /// Nothing new is taken; what was is committed and answered; then the sessions go in batches.
    fn drain(&mut self, ctx: &mut Context<Self>) {
        self.ending = Some(Ending::Restart);
        for asked in self.take_asked() {
            Ending::Restart.refuse(asked);
        }
        let mut busy = !self.queue.is_empty();
        if !busy {
            let closed = self.members.close(DRAIN_BATCH, || Ending::Restart.close());
            let mut seen = false;
            for session in &closed {
                seen |= self.roster.leave(*session);
            }
            if seen {
                // The other servers need not wait until this one is unheard for long enough.
                self.people_changed(ctx);
            }
            busy = !closed.is_empty() || self.busy.tick || self.busy.people;
        }
        if busy {
            ctx.run_later(DRAIN_TICK, |feed, ctx| feed.drain(ctx));
            return;
        }
        self.end(Ending::Restart, ctx);
        if let Some(finished) = self.finished.take() {
            // Nobody waits for a drain that took too long.
            let _ = finished.send(());
        }
    }
}

impl Handler<Stop> for Feed {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Drain> for Feed {
    type Result = ();

    fn handle(&mut self, Drain { finished }: Drain, ctx: &mut Self::Context) {
        self.finished = Some(finished);
        self.drain(ctx);
    }
}

impl Handler<GiveUp> for Feed {
    type Result = ();

    fn handle(&mut self, _: GiveUp, ctx: &mut Self::Context) {
        self.end(Ending::Restart, ctx);
    }
}
