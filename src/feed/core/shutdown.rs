//! How the core ends.
//!
//! Every session and request must be answered. A drain acknowledges every accepted op; otherwise
//! unacknowledged ops stay in the clients' outboxes.

use std::time::Duration;

use super::{Core, Effect, FEED_HEARTBEAT, Step};
use crate::feed::lifecycle::CloseReason;
use crate::feed::mailbox::Mailbox;
use crate::feed::timers::Timer;

/// The pause between two batches of sessions that a drain closes.
const DRAIN_INTERVAL: Duration = Duration::from_millis(50);
/// Sessions in one batch.
const DRAIN_BATCH: usize = 50;

impl<M: Mailbox> Core<M> {
    pub(super) fn idle_interval(&self) -> Duration {
        FEED_HEARTBEAT.min(self.environment.settings.idle_timeout)
    }

    /// Closes the feed if nobody has used it for long.
    pub(super) fn close_if_idle(&mut self, step: &mut Step) {
        self.timers
            .set(Timer::Idle, step.now + self.idle_interval());
        let in_use =
            !self.subscribers.is_empty() || !self.requests.is_empty() || !self.appender.is_empty();
        if in_use {
            self.lifecycle.note_use(step.now);
        } else if self
            .lifecycle
            .is_idle(step.now, self.environment.settings.idle_timeout)
        {
            step.effect(Effect::CloseIfIdle {
                requests: self.requests.seen(),
            });
        }
    }

    /// A drawing that was never read cannot be served: waiting clients retry later. A drain ends by
    /// itself, once no signal row is in flight.
    pub(super) fn end_unless_read(&mut self, step: &mut Step) {
        if self.replica.drawing().is_none() && self.lifecycle.close_reason().is_none() {
            self.end(CloseReason::Unavailable, step);
        }
    }

    /// Closes all sessions and stops. Later requests for the drawing open another feed; those
    /// already sent to this one are refused.
    pub(super) fn end(&mut self, reason: CloseReason, step: &mut Step) {
        let is_ended = self.lifecycle.is_ended();
        self.lifecycle.end(reason);
        self.refuse_requests(reason);
        let random = &mut self.random;
        self.subscribers.close(usize::MAX, || reason.close(random));
        if !is_ended {
            step.effect(Effect::Stop);
        }
    }

    fn refuse_requests(&mut self, reason: CloseReason) {
        for request in self.requests.take_all() {
            reason.refuse(request, &mut self.random);
        }
    }

    /// Accepts nothing new; commits and acknowledges what was accepted; then closes the sessions in
    /// batches.
    pub(super) fn drain(&mut self, step: &mut Step) {
        self.lifecycle.drain();
        self.refuse_requests(CloseReason::Restart);
        let mut busy = !self.appender.is_empty();
        if !busy {
            let random = &mut self.random;
            let closed = self
                .subscribers
                .close(DRAIN_BATCH, || CloseReason::Restart.close(random));
            step.effect(Effect::Sessions(self.subscribers.len()));
            let left = closed.iter().filter(|it| self.presence.leave(**it));
            if left.count() > 0 {
                // Tells the other servers at once, before they miss this server's heartbeats.
                self.presence_changed(step);
            }
            // What the other servers do not know is gathered, or in the row in flight.
            let is_sending = [Timer::Signals, Timer::Presence].map(|it| self.timers.is_set(it));
            busy =
                !closed.is_empty() || is_sending.contains(&true) || self.signalling.is_publishing;
        }
        if busy {
            self.timers.set(Timer::Drain, step.now + DRAIN_INTERVAL);
        } else {
            self.end(CloseReason::Restart, step);
        }
    }
}
