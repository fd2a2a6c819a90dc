//! Appends in the core, and their acknowledgement.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Core, Effect, Step};
use crate::domain::batch::{Decision, Verdict};
use crate::domain::ids::{SessionId, Writer};
use crate::domain::needs::Action;
use crate::domain::op::Op;
use crate::domain::sequence::Seq;
use crate::feed::appender::{Next, Obeyed, State};
use crate::feed::lifecycle::CloseReason;
use crate::feed::mailbox::{Acks, Mailbox};
use crate::feed::rules_sync::RulesReading;
use crate::feed::sync::Reading;
use crate::feed::timers::Timer;
use crate::metrics::Outcome;
use crate::protocol::ServerFrame;
use crate::store::{Appended, ExpectedHead, StoreError};

impl<M: Mailbox> Core<M> {
    /// Appends the queued ops. They wait as long as an append, a probe, or a read of the drawing or its
    /// rules is in flight or will follow a pause, and while another server has its turn.
    pub(super) fn append(&mut self, step: &mut Step) {
        let is_busy = self.appender.state() != State::Idle || self.sync.reading() != Reading::Idle;
        if is_busy || self.rules_reading() != RulesReading::Idle {
            return;
        }
        let Some(drawing) = self.replica.whole() else {
            return;
        };
        let held = self
            .appender
            .contention
            .held_until(drawing.head(), step.now);
        if let Some(until) = held {
            self.timers.set(Timer::Append, until);
            return;
        }
        self.timers.cancel(Timer::Append);
        let (standings, now) = (&self.standings, step.now);
        let refusal = |session| standings.refusal(session, Action::Change, now);
        let obeyed = Obeyed {
            version: standings.rules().version,
            knows_all_under_earlier_rules: self.knows_all_under_earlier_rules(),
            refusal: &refusal,
        };
        match self.appender.next(drawing, &obeyed, now) {
            Next::Nothing => {}
            Next::Verify => self.read(step),
            Next::Acknowledge(verdicts) => {
                self.acknowledge(verdicts, step);
                self.defer_append(step);
            }
            Next::Append { expected, decision } => {
                let metrics = &self.environment.metrics;
                metrics.append_ops.together(decision.verdicts.len());
                step.effect(Effect::Append { expected, decision });
            }
        }
    }

    /// Takes ops of a session. Those that it may not make are refused at once, if that is certain.
    pub(super) fn submit(
        &mut self,
        session: SessionId,
        writer: Writer,
        ops: Vec<Op>,
        step: &mut Step,
    ) {
        let refusal = self.standings.refusal(session, Action::Change, step.now);
        let last = self.replica.whole().map(|drawing| drawing.last(writer.id));
        let is_new = last.is_some_and(|last| ops.iter().all(|op| op.n > last));
        let (Some(refusal), Some(through)) = (refusal, ops.last().map(|op| op.n)) else {
            self.appender.queue.push(session, writer, ops);
            return self.defer_append(step);
        };
        if !is_new || !self.knows_all_under_earlier_rules() || !self.appender.is_empty() {
            self.appender.queue.push(session, writer, ops);
            return self.defer_append(step);
        }
        self.appender.queue.release(&ops);
        let metrics = &self.environment.metrics;
        let refuse = |op: &Op| {
            metrics.ops_refused.count((&refusal).into());
            ServerFrame::refused(op.n, &refusal, None).encode()
        };
        let acks = Acks {
            refusals: ops.iter().map(refuse).collect(),
            ops: ops.len(),
            acked_through: through,
        };
        self.subscribers.acknowledge(session, acks, step.now);
    }

    pub(super) fn on_appended(
        &mut self,
        expected: ExpectedHead,
        decision: Decision,
        result: Result<Appended, StoreError>,
        step: &mut Step,
    ) {
        let took = self.appender.append_ended(step.now);
        self.environment.metrics.append_time.took(took);
        self.environment.metrics.appends.count(outcome(&result));
        match result {
            Ok(Appended::Committed) => self.on_committed(expected, decision, took, step),
            Ok(Appended::Behind) => {
                if let Some(turn) = self.appender.contention.lost(took, step.now) {
                    self.ask_for_turn(turn, step);
                }
                // Read what is new, and decide again.
                self.read(step);
            }
            Ok(Appended::Gone) | Err(StoreError::NotFound | StoreError::Gone) => {
                self.end(CloseReason::NoDrawing, step);
            }
            // Nothing is stored. Several ops: retry one by one. One op: probe whether the database takes
            // any write before blaming it.
            Err(StoreError::Failed(reason)) => {
                log::log!(
                    self.sync.backoff.level(),
                    "an append to drawing {} failed: {reason}",
                    self.environment.drawing
                );
                if self.appender.queue.split() {
                    self.read(step);
                } else {
                    self.appender.probe();
                    step.effect(Effect::Probe);
                }
            }
            // It may be stored, now or later. A decision after a read finds stored ops by their writer
            // and number.
            Err(error) => {
                self.appender.queue.outcome_unknown(expected.head, decision);
                log::log!(
                    self.sync.backoff.level(),
                    "the outcome of an append to drawing {} is unknown: {error}",
                    self.environment.drawing
                );
                self.read_after_pause(false, step);
            }
        }
    }

    /// An op alone failed. It is refused at last, but only if the database accepts other writes: its
    /// disk may be full.
    pub(super) fn on_probed(&mut self, result: Result<(), StoreError>, step: &mut Step) {
        self.appender.probe_ended();
        match result {
            Ok(()) => {
                self.appender.queue.failed_alone();
                self.read_after_pause(false, step);
            }
            Err(error) => {
                self.appender.queue.failed_like_others();
                log::log!(
                    self.sync.backoff.level(),
                    "drawing {} takes no writes: {error}",
                    self.environment.drawing
                );
                self.read_after_pause(false, step);
            }
        }
    }

    fn on_committed(
        &mut self,
        expected: ExpectedHead,
        decision: Decision,
        took: Duration,
        step: &mut Step,
    ) {
        self.rules_sync.version_at_head = expected.rules;
        let head = expected.head + decision.changes.len() as Seq;
        let ends_turn = self.appender.contention.won(head, took, step.now);
        self.signalling.turn = None;
        // One other server sees by the change that it is over.
        if ends_turn && self.presence.peers() > 1 {
            self.ask_for_turn(Duration::ZERO, step);
        }
        for change in decision.changes {
            self.on_change(change, step);
        }
        // Strokes before acknowledgements: a client that has received `done` has the strokes too,
        // unless it is behind. Then it shows its op until it gets them.
        self.flush(step);
        self.acknowledge(decision.verdicts, step);
        self.append(step);
    }

    /// Sends the sessions the outcome of the batch.
    fn acknowledge(&mut self, verdicts: Vec<Verdict>, step: &mut Step) {
        let mut acks: BTreeMap<SessionId, Acks> = BTreeMap::new();
        for ((session, n), verdict) in self.appender.queue.finish().into_iter().zip(verdicts) {
            let acks = acks.entry(session).or_default();
            acks.ops += 1;
            acks.acked_through = n;
            if let Verdict::Refused { refusal, stroke } = verdict {
                self.environment
                    .metrics
                    .ops_refused
                    .count((&refusal).into());
                let frame = ServerFrame::refused(n, &refusal, stroke.as_ref()).encode();
                acks.refusals.push(frame);
            }
        }
        for (session, acks) in acks {
            self.subscribers.acknowledge(session, acks, step.now);
        }
        if self.appender.is_empty() {
            self.standings.forget_gone();
        }
    }
}

fn outcome(result: &Result<Appended, StoreError>) -> Outcome {
    match result {
        Ok(Appended::Committed) => Outcome::Committed,
        Ok(Appended::Behind) => Outcome::Behind,
        Ok(Appended::Gone) | Err(StoreError::NotFound | StoreError::Gone) => Outcome::Gone,
        Err(StoreError::Failed(_)) => Outcome::Failed,
        Err(_) => Outcome::Unknown,
    }
}
