//! How a feed ends: its drawing is gone, was never read, or the server goes.
//!
//! Whoever is there or comes must be told, and no op that was taken may be without its answer.

use std::time::Duration;

use actix::prelude::*;

use super::Feed;
use crate::feed::messages::{Drain, ForceClose, Stop};
use crate::feed::requests::CloseReason;

/// The time between two batches of sessions that are closed for a drain.
const DRAIN_TICK: Duration = Duration::from_millis(50);
/// Sessions closed in one batch of a drain.
const DRAIN_BATCH: usize = 50;
impl Feed {
    /// What waits for a first read gets none: whoever asked comes back.
    pub(super) fn unavailable(&mut self, ctx: &mut Context<Self>) {
        if self.drawing.is_none() {
            self.end(CloseReason::Unavailable, ctx);
        }
    }

    /// Closes all sessions and stops. Whoever asks for the drawing from now on opens another
    /// feed; what was asked of this one already is behind its back, and is refused before it stops.
    pub(super) fn end(&mut self, reason: CloseReason, ctx: &mut Context<Self>) {
        self.registration.remove();
        self.closing = Some(reason);
        for request in self.take_pending() {
            reason.refuse(request);
        }
        self.subscribers.close(usize::MAX, || reason.close());
        ctx.notify(Stop);
    }

    /// Nothing new is taken; what was is committed and answered; then the sessions go in batches.
    fn drain(&mut self, ctx: &mut Context<Self>) {
        self.closing = Some(CloseReason::Restart);
        for request in self.take_pending() {
            CloseReason::Restart.refuse(request);
        }
        let mut busy = !self.queue.is_empty();
        if !busy {
            let closed = self
                .subscribers
                .close(DRAIN_BATCH, || CloseReason::Restart.close());
            let mut seen = false;
            for session in &closed {
                seen |= self.presence.leave(*session);
            }
            if seen {
                // The other servers need not wait until this one is unheard for long enough.
                self.people_changed(ctx);
            }
            busy = !closed.is_empty() || self.in_flight.tick || self.in_flight.people;
        }
        if busy {
            ctx.run_later(DRAIN_TICK, |feed, ctx| feed.drain(ctx));
            return;
        }
        self.end(CloseReason::Restart, ctx);
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

impl Handler<ForceClose> for Feed {
    type Result = ();

    fn handle(&mut self, _: ForceClose, ctx: &mut Self::Context) {
        self.end(CloseReason::Restart, ctx);
    }
}
