//! How the core subscribes to its drawing, reads it, and takes the changes that arrive.

use std::time::Instant;

use super::{Core, Effect, ReadResult, Step};
use crate::domain::drawing::Drawing;
use crate::domain::ids::Epoch;
use crate::domain::op::Change;
use crate::domain::sequence::Seq;
use crate::feed::lifecycle::CloseReason;
use crate::feed::mailbox::Mailbox;
use crate::feed::replica::{Placed, ReadOutcome, ReadPlan};
use crate::feed::subscribers::Retained;
use crate::feed::sync::Reading;
use crate::feed::timers::Timer;
use crate::metrics::{GapFix, Resync};
use crate::protocol::{ResetReason, ServerFrame};
use crate::store::{Head, StoreError};

impl<M: Mailbox> Core<M> {
    pub(super) fn subscribe(&mut self, step: &mut Step) {
        self.sync.open_subscription();
        self.timers.cancel(Timer::HeadCheck);
        step.effect(Effect::Subscribe);
    }

    pub(super) fn on_subscribed(&mut self, result: Result<(), StoreError>, step: &mut Step) {
        match result {
            Ok(()) => {
                self.sync.subscribed();
                // Subscribed first, read second: a write between the two is found by one or the
                // other.
                self.read(step);
                self.schedule_head_check(step);
                self.announce(step);
            }
            Err(StoreError::NotFound | StoreError::Gone) => {
                self.end(CloseReason::NoDrawing, step);
            }
            Err(error) => {
                log::log!(
                    self.sync.backoff.level(),
                    "cannot subscribe to drawing {}: {error}",
                    self.environment.drawing
                );
                self.end_unless_read(step);
                self.retry_subscription(step);
            }
        }
    }

    pub(super) fn on_subscription_ended(&mut self, step: &mut Step) {
        log::warn!(
            "the live queries of drawing {} ended; resubscribing",
            self.environment.drawing
        );
        self.retry_subscription(step);
    }

    fn retry_subscription(&mut self, step: &mut Step) {
        self.sync.unsubscribed();
        self.replica.drop_waiting();
        self.timers.cancel(Timer::HeadCheck);
        let pause = self.sync.backoff.next(&mut self.random);
        self.timers.set(Timer::Subscribe, step.now + pause);
    }

    fn schedule_head_check(&mut self, step: &mut Step) {
        if let Some(pause) = self.sync.next_head_check() {
            self.timers.set(Timer::HeadCheck, step.now + pause);
        }
    }

    pub(super) fn on_head_check(&mut self, step: &mut Step) {
        self.schedule_head_check(step);
        step.effect(Effect::CheckHead);
    }

    /// Reads what the database has after the head, unless a read is in flight: then once more after it.
    ///
    /// A drawing that was not read yet is read in two steps: the living strokes, with which readers
    /// that hold nothing are served at once, then the tombstones and what is new meanwhile.
    pub(super) fn read(&mut self, step: &mut Step) {
        if self.sync.begin_read(step.now) {
            // Later requests may know of changes that this read does not find.
            self.requests.begin_read();
            step.effect(Effect::Read(self.replica.read_plan()));
        }
    }

    pub(super) fn on_read_ended(
        &mut self,
        result: Result<ReadResult, StoreError>,
        step: &mut Step,
    ) {
        match result {
            Ok(ReadResult::Living {
                drawing,
                title,
                rules,
                indexed,
            }) => {
                self.sync.backoff.clear();
                self.rules_sync.version_at_head = rules;
                self.note_rules_version(rules, step);
                self.set_title(title, step);
                self.take_living(drawing, indexed, step);
            }
            Ok(ReadResult::Changes {
                since,
                chunks,
                tombstones,
            }) => {
                self.sync.backoff.clear();
                if let Some(last) = chunks.last() {
                    self.rules_sync.version_at_head = last.rules;
                    self.note_rules_version(last.rules, step);
                    self.set_title(last.title.clone(), step);
                }
                match self.replica.take_read(since, chunks, tombstones) {
                    ReadOutcome::UpToDate => {
                        self.head_moved(step);
                        self.read_completed(step);
                    }
                    ReadOutcome::OtherHistory { renew } => self.start_over(renew, step),
                }
            }
            Err(error) => self.read_failed(&error, step),
        }
    }

    /// The database has another history: a backup was restored. All sessions start over.
    fn start_over(&mut self, renew: Option<Epoch>, step: &mut Step) {
        log::warn!(
            "drawing {} has another history than before: it is read from its beginning",
            self.environment.drawing
        );
        step.effect(Effect::Read(ReadPlan::Living { renew }));
    }

    /// The living strokes were read, and perhaps all there is.
    fn take_living(&mut self, drawing: Drawing, indexed: Seq, step: &mut Step) {
        if let Some(held) = self.replica.drawing() {
            let reason = match held.epoch() == drawing.epoch() {
                true => ResetReason::Compacted,
                false => ResetReason::Epoch,
            };
            self.subscribers.reset(&drawing, reason, step.now);
            // In another history a version may stand for other rules.
            self.read_rules(step);
        }
        let is_known = self.replica.open(drawing, indexed);
        self.head_moved(step);
        if is_known {
            self.read_completed(step);
            return;
        }
        self.sync.end_read_step();
        for request in self.requests.take_all() {
            self.request_or_keep(request, step);
        }
        self.read(step);
    }

    /// The drawing has caught up with where the database was when the read began.
    fn read_completed(&mut self, step: &mut Step) {
        let again = self.sync.end_read(self.replica.head());
        self.appender.read_ended();
        self.serve_answered(step);
        // Before anything that may need another read: consecutive reads would block all appends.
        self.append(step);
        for request in self.requests.take_waiting() {
            self.request(request, Resync::Cold, step);
        }
        // A read that began meanwhile is as good.
        if again && self.sync.reading() == Reading::Idle {
            self.read(step);
        }
    }

    fn read_failed(&mut self, error: &StoreError, step: &mut Step) {
        if matches!(error, StoreError::NotFound | StoreError::Gone) {
            self.end(CloseReason::NoDrawing, step);
            return;
        }
        log::log!(
            self.sync.backoff.level(),
            "cannot read drawing {}: {error}",
            self.environment.drawing
        );
        self.end_unless_read(step);
        self.read_after_pause(true, step);
    }

    /// Reads after a pause; no append begins before. `has_failed`: the read in flight is the one
    /// that failed.
    pub(super) fn read_after_pause(&mut self, has_failed: bool, step: &mut Step) {
        let pause = self.sync.backoff.next(&mut self.random);
        if self.sync.wait_to_read(has_failed) {
            self.timers.set(Timer::Read, step.now + pause);
        }
    }

    /// A stored change arrived.
    pub(super) fn on_change(&mut self, change: Change, step: &mut Step) {
        match self.replica.arrive(change) {
            Placed::Stale => {}
            Placed::Applied => self.head_moved(step),
            Placed::Waits => {
                if self.replica.drawing().is_some() {
                    self.wait_for_gap(step);
                }
            }
            Placed::Overflow(dropped) => {
                self.environment.metrics.reorder_overflow.add(dropped);
                self.read(step);
            }
        }
    }

    fn wait_for_gap(&mut self, step: &mut Step) {
        let timeout = self.environment.settings.gap_timeout;
        self.timers.set_if_unset(Timer::Gap, step.now + timeout);
    }

    pub(super) fn on_gap_timeout(&mut self, step: &mut Step) {
        self.environment.metrics.gaps.count(GapFix::Reading);
        self.read(step);
    }

    /// The head moved, or a read ended: buffered changes may be next now, and sessions get them.
    fn head_moved(&mut self, step: &mut Step) {
        self.replica.take_waiting();
        if self.replica.has_gap() {
            self.wait_for_gap(step);
        } else if self.timers.is_set(Timer::Gap) {
            self.timers.cancel(Timer::Gap);
            self.environment.metrics.gaps.count(GapFix::Waiting);
        }
        self.note_state();
        if self.timers.is_set(Timer::Append) {
            // This may be what another server had its turn for.
            self.defer_append(step);
        }
        if self.subscribers.sent() < self.replica.head() {
            self.deferred.undelivered_since.get_or_insert(step.now);
            self.defer_flush(step);
        }
    }

    pub(super) fn on_head(&mut self, asked: Instant, report: Option<Head>, step: &mut Step) {
        if !self.sync.note_answer(asked) {
            return;
        }
        let Some(report) = report.filter(|report| !report.deleted) else {
            self.end(CloseReason::NoDrawing, step);
            return;
        };
        if self.replica.drawing().is_none() {
            return;
        }
        if self.replica.differs_from(&report) {
            self.environment.metrics.head_mismatches.count();
            self.read(step);
        } else {
            self.rules_sync.version_at_head = report.rules;
        }
        self.note_rules_version(report.rules, step);
        self.note_state();
        self.set_title(report.title, step);
    }

    /// Shares the head, and how large the drawing is.
    fn note_state(&self) {
        if let Some(drawing) = self.replica.drawing() {
            self.environment.state.note(drawing);
        }
    }

    fn set_title(&mut self, title: String, step: &mut Step) {
        if self.replica.set_title(title) {
            let title = self.replica.title();
            let frame = ServerFrame::Drawing { title }.encode();
            self.subscribers.announce(Retained::Title, frame, step.now);
        }
    }
}
