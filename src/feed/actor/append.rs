//! How a feed appends: one transaction at a time, with all that gathered meanwhile.
//!
//! It answers an op only after its verdict is certain: stored, or decided with complete knowledge.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::prelude::*;

use super::Feed;
use crate::domain::batch::Verdict;
use crate::domain::ids::SessionId;
use crate::domain::op::Refusal;
use crate::domain::sequence::Seq;
use crate::feed::contention::yield_time;
use crate::feed::mailbox::Acks;
use crate::feed::messages::Append;
use crate::feed::requests::CloseReason;
use crate::metrics::Outcome;
use crate::protocol::ToBrowser;
use crate::store::{Appended, ExpectedHead, StoreError};

impl Feed {
    /// Appends what has gathered, unless a transaction is under way: then it gathers on.
    pub(super) fn append(&mut self, ctx: &mut Context<Self>) {
        if self.in_flight.appending || self.in_flight.reading {
            return;
        }
        // A verdict needs the tombstones too.
        let Some(drawing) = self.drawing.as_ref().filter(|drawing| drawing.is_whole()) else {
            return;
        };
        let now = Instant::now();
        if let Some(until) = self.contention.yields_until(drawing.head(), now) {
            // It is tried again when the drawing moves on, or else then.
            if !std::mem::replace(&mut self.in_flight.yielding, true) {
                ctx.run_later(until - now, |feed, ctx| {
                    feed.in_flight.yielding = false;
                    feed.append(ctx);
                });
            }
            return;
        }
        let batch = self.queue.batch();
        if batch.is_empty() {
            return;
        }
        let at = ExpectedHead {
            epoch: drawing.epoch(),
            head: drawing.head(),
        };
        let mut decision = drawing.decide(batch);
        let last = |writer| drawing.last(writer);
        self.queue.restore_refusals(&mut decision.verdicts, last);
        let head_verified = std::mem::take(&mut self.head_verified);
        if decision.changes.is_empty() {
            if decision.needs_head && !head_verified {
                // No swap will prove that this feed knew everything, and a verdict is final.
                self.verify_head = true;
                self.read(ctx);
            } else {
                self.contention.rest();
                self.answer(decision.verdicts);
                ctx.notify(Append);
            }
            return;
        }
        if self.head_after_append.is_some_and(|left| left != at.head) {
            self.last_contention = Some(Instant::now());
        }
        self.in_flight.appending = true;
        self.metrics.append_ops.together(decision.verdicts.len());
        let begun = Instant::now();
        let (store, id) = (self.store.clone(), self.id);
        let append = async move {
            let result = store
                .append(id, at, &decision.changes, &decision.replaced)
                .await;
            (result, decision)
        };
        ctx.spawn(
            wrap_future(append).map(move |(result, decision), feed: &mut Self, ctx| {
                feed.in_flight.appending = false;
                feed.metrics.append_time.since(begun);
                feed.metrics.appends.count(outcome(&result));
                match result {
                    Ok(Appended::Committed) => {
                        feed.append_backoff.clear();
                        let head = at.head + decision.changes.len() as Seq;
                        feed.head_after_append = Some(head);
                        feed.contention.on_commit(head);
                        for change in decision.changes {
                            feed.arrived(change, ctx);
                        }
                        // The strokes go out before the answers: a page that follows and is told "done" has them.
                        feed.flush();
                        feed.answer(decision.verdicts);
                        feed.watch_waiting(ctx);
                        feed.yield_to_others(begun.elapsed(), ctx);
                    }
                    // Someone else moved the head: see what they did, and decide again.
                    Ok(Appended::Behind) => {
                        if let Some(turn) =
                            feed.contention.on_conflict(begun.elapsed(), Instant::now())
                        {
                            feed.ask_to_yield(turn, ctx);
                        }
                        feed.read(ctx);
                    }
                    Ok(Appended::Gone) => feed.end(CloseReason::NoDrawing, ctx),
                    Err(StoreError::NotFound | StoreError::Gone) => {
                        feed.end(CloseReason::NoDrawing, ctx);
                    }
                    Err(StoreError::Failed(reason)) => feed.append_failed(reason, ctx),
                    // It may or may not have happened. The rows tell: a decision after a read finds
                    // the ops that are stored, by their writer and number.
                    Err(error) => {
                        feed.queue.set_unproven(decision.verdicts);
                        feed.append_unanswered(&error, ctx);
                    }
                }
            }),
        );
    }

    /// Appends what has gathered, at once if no other server draws here. If one does, whoever
    /// lost this swap still has to read, and would lose the next one too, and so on: after so
    /// long as an append takes they are on a par.
    fn yield_to_others(&mut self, append: Duration, ctx: &mut Context<Self>) {
        let Some(pause) = yield_time(append, self.last_contention, Instant::now()) else {
            self.append(ctx);
            return;
        };
        self.in_flight.appending = true;
        ctx.run_later(pause, |feed, ctx| {
            feed.in_flight.appending = false;
            feed.append(ctx);
        });
    }

    fn append_unanswered(&mut self, error: &StoreError, ctx: &mut Context<Self>) {
        let level = self.append_backoff.level();
        log::log!(
            level,
            "the outcome of an append to drawing {} is unknown: {error}",
            self.id
        );
        let wait = self.append_backoff.wait();
        self.read_after(wait, ctx);
    }

    /// The database answered with an error. Of several ops one may be to blame: then each goes alone.
    /// One that is alone is refused only if the database takes other writes: it may be full.
    fn append_failed(&mut self, reason: String, ctx: &mut Context<Self>) {
        let level = self.append_backoff.level();
        log::log!(level, "an append to drawing {} failed: {reason}", self.id);
        if self.queue.split() {
            self.read(ctx);
            return;
        }
        self.in_flight.reading = true;
        let (store, id) = (self.store.clone(), self.id);
        let touch = async move { store.probe_write(id).await };
        ctx.spawn(wrap_future(touch).map(|touched, feed: &mut Self, ctx| {
            feed.in_flight.reading = false;
            if let Err(error) = touched {
                feed.append_unanswered(&error, ctx);
                return;
            }
            if feed.queue.second_failure() {
                let refusal = Refusal::Invalid("the database does not take it".into());
                feed.answer(vec![Verdict::Refused {
                    refusal,
                    stroke: None,
                }]);
            }
            feed.read(ctx);
        }));
    }

    /// Tells the sessions what came of the batch.
    pub(super) fn answer(&mut self, verdicts: Vec<Verdict>) {
        let mut acks: BTreeMap<SessionId, Acks> = BTreeMap::new();
        for ((session, n), verdict) in self.queue.finish().into_iter().zip(verdicts) {
            let acks = acks.entry(session).or_default();
            acks.ops += 1;
            acks.acked_through = n;
            if let Verdict::Refused { refusal, stroke } = verdict {
                self.metrics.ops_refused.count((&refusal).into());
                acks.refusals
                    .push(ToBrowser::refused(n, &refusal, stroke.as_ref()).encode());
            }
        }
        for (session, acks) in acks {
            self.subscribers.acknowledge(session, acks);
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

impl Handler<Append> for Feed {
    type Result = ();

    fn handle(&mut self, _: Append, ctx: &mut Self::Context) {
        self.append(ctx);
    }
}
