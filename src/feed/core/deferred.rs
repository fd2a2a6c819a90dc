//! What the core puts off until everything that is ready was handled, so that it is done once for all.

use super::{Core, Effect, Step};
use crate::feed::mailbox::Mailbox;

impl<M: Mailbox> Core<M> {
    pub(super) fn defer_append(&mut self, step: &mut Step) {
        self.deferred.append = true;
        self.defer(step);
    }

    pub(super) fn defer_flush(&mut self, step: &mut Step) {
        self.deferred.flush = true;
        self.defer(step);
    }

    fn defer(&mut self, step: &mut Step) {
        if !std::mem::replace(&mut self.deferred.is_scheduled, true) {
            step.effect(Effect::Defer);
        }
    }

    pub(super) fn on_deferred(&mut self, step: &mut Step) {
        self.deferred.is_scheduled = false;
        if std::mem::take(&mut self.deferred.flush) {
            self.flush(step);
        }
        if std::mem::take(&mut self.deferred.append) {
            self.append(step);
        }
    }

    /// Delivers new changes and acknowledgements.
    pub(super) fn flush(&mut self, step: &mut Step) {
        let Some(drawing) = self.replica.drawing() else {
            return;
        };
        self.subscribers.flush(drawing, step.now);
        let since = self.deferred.undelivered_since.take();
        if let Some(since) = since.filter(|_| !self.subscribers.is_empty()) {
            let took = step.now.saturating_duration_since(since);
            self.environment.metrics.delivery.took(took);
        }
    }
}
