//! What must hold after every step, and once everything is at rest.
//!
//! It must never look at anything that a user, an operator or the database could not see, except for
//! how much is queued.

mod copies;
mod outcomes;
mod rest;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use whiteboard::domain::batch::Verdict;
use whiteboard::domain::ids::{Epoch, OpId, Writer, WriterId};
use whiteboard::domain::op::{Change, Op};
use whiteboard::domain::sequence::Seq;
use whiteboard::feed::lifecycle::Lifecycle;
use whiteboard::feed::sync::Subscription;

use crate::database::appends::Append;
use crate::database::{Asker, OpKey};
use crate::plan::Flavour;
use crate::reference::Outcome;
use crate::tables::Tables;
use crate::wire::{Frame, WireChange};
use crate::world::{Time, World};

/// In a rush, an op has its acknowledgement within this time, whichever server takes it.
const TURN_WITHIN: Time = Time::from_secs(2);

/// What is known of an op.
#[derive(Debug)]
struct Known {
    op: Op,
    drawing: usize,
    /// When it was made.
    since: Time,
    /// What it would have done, at any time since it was made.
    seen: BTreeSet<Outcome>,
    /// It happened, in some history.
    happened: bool,
    /// When it did last.
    happened_at: Time,
    /// A server decided it with complete knowledge.
    is_decided: bool,
    /// Its page was told that it is refused.
    refused: bool,
    /// It was refused while a copy of it was on its way through another server, or in an append that
    /// had no answer: that may happen yet.
    is_in_doubt: bool,
    /// How often an append of it alone failed.
    failed_alone: usize,
    /// One of these times the database took other writes.
    is_to_blame: bool,
}

/// What the checks remember.
#[derive(Debug, Default)]
pub struct Checks {
    ops: BTreeMap<OpKey, Known>,
    /// Those of them that a later one of their writer has not passed.
    open: BTreeSet<OpKey>,
    /// What was ever stored at each position.
    log: BTreeMap<(Epoch, Seq), Change>,
    /// Refusals in batches that were stored, by who decided them, and the rows of the batch.
    stored_refusals: BTreeMap<(u64, u64, OpKey), Vec<(Seq, OpId)>>,
    restored_at: Option<Time>,
    /// Writers whose pages may not come back.
    left_unsent: BTreeSet<WriterId>,
}

impl Checks {
    /// A page makes an op.
    pub fn op_made(&mut self, drawing: usize, writer: WriterId, op: &Op, now: Time) {
        let known = Known {
            op: op.clone(),
            drawing,
            since: now,
            seen: BTreeSet::new(),
            happened: false,
            happened_at: Time::ZERO,
            is_decided: false,
            refused: false,
            is_in_doubt: false,
            failed_alone: 0,
            is_to_blame: false,
        };
        let before = self.ops.insert((writer, op.n), known);
        assert!(before.is_none(), "the number {} is used twice", op.n);
        self.open.insert((writer, op.n));
    }

    /// Ops of a page that may not come back need no decision.
    pub fn left_unsent(&mut self, writer: WriterId) {
        self.left_unsent.insert(writer);
    }

    /// Whether what a feed has read may be of before a restore.
    pub fn is_restored_lately(&self, now: Time) -> bool {
        self.restored_at
            .is_some_and(|at| now < at + Time::from_secs(3))
    }

    /// The drawing has another epoch, in which it holds what it held before.
    pub fn epoch_renewed(&mut self, tables: &Tables) {
        for (seq, change) in tables.all() {
            self.log.insert((tables.epoch, seq), change.clone());
        }
    }

    /// The database answered an append with an error.
    pub fn append_failed(&mut self, append: &Append, is_full: bool) {
        if let [(_, writer, op)] = &append.batch[..]
            && !append.is_refusal()
            && let Some(known) = self.ops.get_mut(&(writer.id, op.n))
        {
            known.failed_alone += 1;
            known.is_to_blame |= !is_full;
        }
    }
}

impl World {
    /// The database stored an append.
    pub fn committed(&mut self, asker: Asker, append: &Append) {
        let Append {
            decided,
            expected,
            decision,
            batch,
            ..
        } = append;
        assert_eq!(
            batch.len(),
            decision.verdicts.len(),
            "a verdict for each op"
        );
        if append.is_refusal() {
            self.coverage.count("refusals stored");
        }
        let ops: Vec<(Writer, Op)> = batch.iter().map(|(_, w, op)| (*w, op.clone())).collect();
        let stored = &mut self.database.drawings[asker.drawing];
        let outcomes = stored.reference.commit(&ops, decision);
        let outcomes = outcomes.unwrap_or_else(|error| panic!("a wrong decision: {error}"));
        let judged = batch.iter().zip(&decision.verdicts).zip(outcomes);
        let mut allowed = Vec::new();
        for (((session, writer, op), verdict), outcome) in judged {
            let key = (writer.id, op.n);
            if matches!(verdict, Verdict::Refused { .. }) {
                let refusal = (asker.feed, *session, key);
                let rows = decision.changes.iter().map(|row| (row.seq, row.op));
                self.checks.stored_refusals.insert(refusal, rows.collect());
            }
            let happens = outcome == Outcome::Happens;
            if happens && *verdict == Verdict::Done {
                allowed.push(*session);
            }
            if happens {
                let is_new = stored.happened.insert(key);
                assert!(is_new, "op {} happened twice", op.n);
            }
            if let Some(known) = self.checks.ops.get_mut(&key) {
                if happens && known.is_in_doubt {
                    self.coverage.count("refused, and a copy happened later");
                }
                assert!(
                    !(happens && known.refused && !known.is_in_doubt),
                    "{op:?} happened after its page was told that it is refused"
                );
                if happens {
                    (known.happened, known.happened_at) = (true, self.now);
                }
                known.is_decided = true;
                known.seen.insert(outcome);
            }
        }
        for change in &decision.changes {
            let place = (expected.epoch, change.seq);
            let before = self.checks.log.insert(place, change.clone());
            assert!(before.is_none(), "position {} is used twice", change.seq);
        }
        for session in allowed {
            self.check_allowed(asker.drawing, session, *decided);
        }
        self.state_changed(asker.drawing);
    }

    /// Whether an older copy of the database was restored.
    pub fn was_restored(&self) -> bool {
        self.checks.restored_at.is_some()
    }

    /// After each step of a feed: what left its queue, what was acknowledged, and what is bounded.
    pub fn check_feed(&mut self, server: usize, drawing: usize) {
        let Some(feed) = self.servers[server].feeds.get_mut(&drawing) else {
            return;
        };
        // A feed that has ended takes no more notice of its subscription.
        let has_ended = matches!(feed.core.lifecycle(), Lifecycle::Ended(_));
        assert!(
            has_ended || feed.is_covered || feed.core.sync().subscription() != Subscription::Live,
            "a subscription is live before a read that began after it"
        );
        let (held, _) = feed.state.capacity.used();
        assert!(held <= self.plan.queue_ops, "more ops are queued than may");
        let held = held - feed.dropped;
        assert!(held <= feed.queued.len(), "ops are queued twice");
        let finished = feed.queued.len() - held;
        for (session, writer, op) in feed.queued.drain(..finished).collect::<Vec<_>>() {
            if let Some(known) = self.checks.ops.get_mut(&(writer.id, op.n)) {
                known.is_decided = true;
            }
            let waits = feed.finished.entry(session).or_default();
            waits.push_back((writer, op));
        }
        let (number, known_at) = (feed.number, feed.known_at);
        let wall = self.wall(server);
        let sessions = self.servers[server].sessions.values();
        let mut acks = Vec::new();
        for session in sessions.filter(|session| session.drawing == drawing) {
            assert!(session.mailbox.is_bounded(), "a mailbox is over its limit");
            let new = session.mailbox.new_acks();
            acks.extend(new.into_iter().map(|acks| (session.id, acks)));
        }
        for (session, acks) in acks {
            let refusals: Vec<Frame> = acks
                .refusals
                .iter()
                .map(|frame| serde_json::from_str(frame).expect("a frame"))
                .collect();
            let Some(feed) = self.servers[server].feeds.get_mut(&drawing) else {
                return;
            };
            let finished = feed.finished.entry(session).or_default();
            assert!(acks.ops <= finished.len(), "an acknowledgement for no op");
            let acked: VecDeque<_> = finished.drain(..acks.ops).collect();
            assert_eq!(acked.back().map(|(_, op)| op.n), Some(acks.acked_through));
            for (writer, op) in acked {
                let refusal = refusals.iter().find(|frame| frame.n == Some(op.n));
                let reason = refusal.and_then(|frame| frame.reason.clone());
                if reason.is_some() {
                    self.note_doubt(writer.id, op.n, known_at);
                }
                self.check_acknowledged((number, session), writer.id, &op, (reason, wall));
            }
        }
    }

    /// A feed refuses an op, by what it knew at some time: a copy may be on its way, or have happened since.
    fn note_doubt(&mut self, writer: WriterId, n: u64, known_at: Time) {
        let is_it = |of: Option<WriterId>, op: &Op| of.is_none_or(|of| of == writer) && op.n == n;
        let has_copy = self.is_on_its_way(&is_it);
        if let Some(known) = self.checks.ops.get_mut(&(writer, n)) {
            known.is_in_doubt |= has_copy || known.happened_at > known_at;
        }
    }

    /// A feed tells a session what became of an op.
    fn check_acknowledged(
        &mut self,
        by: (u64, u64),
        writer: WriterId,
        op: &Op,
        (refused, wall): (Option<String>, u64),
    ) {
        let key = (writer, op.n);
        // Only a row of the batch tells that it was stored.
        let is_there = |(seq, op): &(Seq, OpId)| {
            let mut drawings = self.database.drawings.iter();
            drawings.any(|it| it.tables.row(*seq).is_some_and(|row| row.op == *op))
        };
        let refusals = &self.checks.stored_refusals;
        let was_refused = refusals
            .get(&(by.0, by.1, key))
            .is_some_and(|rows| rows.iter().any(is_there));
        if let Some(reason) = &refused
            && (0..self.plan.drawings)
                .any(|drawing| self.was_refused_by_rules(drawing, by.1, reason, wall))
        {
            self.coverage.count("ops refused by rules");
            return;
        }
        let Some(known) = self.checks.ops.get_mut(&key) else {
            return;
        };
        let Some(reason) = refused else {
            // An op that a later one of its writer has passed is taken for done where nobody knows better.
            let is_passed = known.seen.contains(&Outcome::Already) && !was_refused;
            let is_true = known.happened
                || is_passed
                || known.seen.contains(&Outcome::Nothing)
                || known.op.kind != op.kind;
            assert!(
                is_true,
                "{op:?} is acknowledged and not stored; refused before: {was_refused}"
            );
            return;
        };
        let allowed = known.seen.iter().any(|seen| match seen {
            Outcome::Refused(code) => *code == reason || *code == "compacted",
            _ => false,
        });
        let allowed =
            allowed || (reason == "invalid" && known.failed_alone >= 2 && known.is_to_blame);
        let is_compacted = self.coverage.counted("compactions") > 0;
        assert!(
            allowed || is_compacted,
            "{op:?} is refused as {reason}, but it would have been {:?}",
            known.seen
        );
    }

    /// A page removes ops from its outbox, for they are acknowledged.
    pub fn check_removed(&mut self, writer: WriterId, n: u64) {
        let Some(known) = self.checks.ops.get_mut(&(writer, n)) else {
            panic!("an acknowledgement of an op that was never made");
        };
        assert!(
            known.happened || known.is_decided,
            "{:?} is acknowledged to its page, and was not decided",
            known.op
        );
        let waited = self.now - known.since;
        if self.plan.flavour == Flavour::Rush {
            assert!(
                waited <= TURN_WITHIN,
                "{:?} has waited for {waited:?} in a rush",
                known.op
            );
        }
    }

    /// A page is told that an op is refused.
    pub fn check_refused(&mut self, writer: WriterId, n: u64) {
        let Some(known) = self.checks.ops.get_mut(&(writer, n)) else {
            panic!("a refusal of an op that was never made");
        };
        assert!(!known.refused, "{:?} is refused twice", known.op);
        let is_stored = self.database.has_happened(known.drawing, (writer, n));
        assert!(
            !is_stored || known.is_in_doubt,
            "{:?} is refused, and happened",
            known.op
        );
        known.refused = true;
    }

    /// A page takes a change.
    ///
    /// A notification does not say of which epoch it is. A feed that subscribes after a restore may pass
    /// one on before it has read, and all its pages start over a moment later.
    pub fn check_change(&self, epoch: Epoch, change: &WireChange) {
        let is_it = |stored: &Change| {
            let body = stored.body.as_ref().map(|body| body.as_json());
            (stored.stroke, stored.z, stored.op.writer, stored.op.n)
                == (change.stroke, change.z(), change.writer, change.n)
                && body == change.body.as_deref().map(|body| body.get())
        };
        let log = &self.checks.log;
        let is_stored = log.get(&(epoch, change.seq)).is_some_and(is_it);
        let mut others = log.iter().filter(|((_, seq), _)| *seq == change.seq);
        assert!(
            is_stored || (self.was_restored() && others.any(|(_, stored)| is_it(stored))),
            "{change:?} was never stored"
        );
    }
}
