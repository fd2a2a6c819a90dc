//! Appends to the model of the database: what becomes of each, and of indexes of living strokes.
//!
//! It must never commit unless the drawing is where it is expected, nor answer an append twice.

use std::time::Duration;

use whiteboard::domain::batch::{Decision, Verdict};
use whiteboard::domain::ids::Writer;
use whiteboard::domain::op::Op;
use whiteboard::feed::core::Input;
use whiteboard::store::{Appended, ExpectedHead, LiveEvent, LivingIndex, StoreError};

use crate::database::{Asker, DatabaseEvent, QUERY_TIMEOUT};
use crate::fault::Fault;
use crate::mailbox::SimMailbox;
use crate::plan::Flavour;
use crate::world::{Event, World};

/// A copy is made after this many commits.
const COPY_EVERY: usize = 4;

/// What an append stores, and whose ops these are.
#[derive(Debug)]
pub struct Append {
    /// When it was decided, by the clock of its server.
    pub decided: u64,
    /// Where the drawing has to be.
    pub expected: ExpectedHead,
    /// What was decided.
    pub decision: Decision,
    /// The ops it was decided for, and the sessions that submitted them.
    pub batch: Vec<(u64, Writer, Op)>,
    /// Tells appends apart.
    pub number: u64,
}

impl Append {
    /// Whether it stores nothing but that an op is refused.
    pub fn is_refusal(&self) -> bool {
        let verdicts = &self.decision.verdicts;
        matches!(verdicts[..], [Verdict::Refused { .. }])
    }
}

/// What becomes of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is executed and answered.
    Works,
    /// It is answered with an error.
    Fails,
    /// It meets a conflict.
    Conflicts,
    /// It is executed, and the connection breaks before the answer.
    LosesAnswer,
    /// The connection breaks before it is executed.
    LosesQuery,
    /// It is executed, and its answer comes too late.
    HangsAfter,
    /// It is executed too late.
    HangsBefore,
    /// It is never executed, and there is no answer.
    HangsForEver,
}

fn appended(append: &Append, result: Result<Appended, StoreError>) -> Input<SimMailbox> {
    Input::Appended {
        expected: append.expected,
        decision: append.decision.clone(),
        result,
    }
}

impl World {
    /// What becomes of the next append.
    pub fn fate(&mut self, server: usize) -> Fate {
        let fates = [
            (Fault::AppendsConflict, Fate::Conflicts),
            (Fault::AppendsFail, Fate::Fails),
            (Fault::AppendsHangStored, Fate::HangsAfter),
            (Fault::AppendsHangThenStore, Fate::HangsBefore),
            (Fault::AppendsHangUnstored, Fate::HangsForEver),
            (Fault::AppendsStoredUnanswered, Fate::LosesAnswer),
            (Fault::AppendsUnavailable, Fate::LosesQuery),
        ];
        let fate = fates
            .into_iter()
            .find(|(fault, _)| self.meets(*fault, server));
        fate.map_or(Fate::Works, |(_, fate)| fate)
    }

    pub fn begin_append(&mut self, asker: Asker, append: Box<Append>, fate: Fate) {
        if !self.database.is_up {
            if self.random.bool() {
                let error = StoreError::Unavailable("connection reset".into());
                return self.answer_append(asker, append, Duration::from_millis(5), Err(error));
            }
            // The client of the database sends it once the connection is back.
            self.answer_at_deadline(asker, &append);
            self.database.delayed.push((asker, append));
            return;
        }
        let audience = self.database.audience(asker.drawing);
        let takes = match self.random.u32(..8) {
            0 if self.plan.flavour != Flavour::Rush => self.millis(5..=120),
            1..6 if self.plan.commits_are_slow => self.millis(20..=200),
            _ => self.millis(1..=4),
        };
        let wait = match fate {
            Fate::HangsBefore => QUERY_TIMEOUT + self.millis(1..=1_500),
            _ => takes,
        };
        if matches!(
            fate,
            Fate::HangsAfter | Fate::HangsBefore | Fate::HangsForEver
        ) {
            self.answer_at_deadline(asker, &append);
        }
        let run = self.database.run;
        let commit = DatabaseEvent::Commit {
            asker,
            append,
            fate,
            audience,
            run,
        };
        self.after(wait, Event::Database(commit));
    }

    pub fn answer_at_deadline(&mut self, asker: Asker, append: &Append) {
        self.database.answered.insert(append.number);
        let result = Err(StoreError::Deadline(QUERY_TIMEOUT));
        let input = appended(append, result);
        self.answer_after(asker, QUERY_TIMEOUT, input);
    }

    pub fn answer_append(
        &mut self,
        asker: Asker,
        append: Box<Append>,
        wait: Duration,
        result: Result<Appended, StoreError>,
    ) {
        if self.database.answered.insert(append.number) {
            let is_full = self.database.active.contains_key(&Fault::DatabaseFull);
            if matches!(result, Err(StoreError::Failed(_))) {
                self.checks.append_failed(&append, is_full);
            }
            let input = appended(&append, result);
            self.answer(asker, wait, input);
        }
    }

    pub fn commit(
        &mut self,
        asker: Asker,
        append: Box<Append>,
        fate: Fate,
        mut audience: Vec<u64>,
        run: u64,
    ) {
        let soon = Duration::ZERO;
        let reset = || Err(StoreError::Unavailable("connection reset".into()));
        if run != self.database.run || !self.database.is_up || fate == Fate::LosesQuery {
            return self.answer_append(asker, append, soon, reset());
        }
        match fate {
            Fate::HangsForEver => return,
            Fate::Conflicts => {
                return self.answer_append(asker, append, soon, Ok(Appended::Behind));
            }
            Fate::Fails => {
                let error = Err(StoreError::Failed("internal error".into()));
                return self.answer_append(asker, append, soon, error);
            }
            _ => {}
        }
        if self.is_poisoned(&append, asker.server) {
            let error = Err(StoreError::Failed("cannot be stored".into()));
            return self.answer_append(asker, append, soon, error);
        }
        if self.database.active.contains_key(&Fault::DatabaseFull) {
            self.met(Fault::DatabaseFull, asker.server);
            let error = match self.random.bool() {
                true => StoreError::Storage("no space left".into()),
                false => StoreError::Failed("no space left".into()),
            };
            return self.answer_append(asker, append, soon, Err(error));
        }
        let result = self.store(asker, &append);
        if result == Appended::Committed {
            if fate == Fate::HangsBefore {
                // It began so long ago that the live queries of today are its audience.
                audience = self.database.audience(asker.drawing);
            }
            for change in &append.decision.changes {
                let event = LiveEvent::Change(Box::new(change.clone()));
                self.notify(asker.drawing, &audience, event);
            }
        }
        match fate {
            Fate::LosesAnswer => self.answer_append(asker, append, soon, reset()),
            _ => self.answer_append(asker, append, soon, Ok(result)),
        }
    }

    pub fn is_poisoned(&mut self, append: &Append, server: usize) -> bool {
        if !self.database.active.contains_key(&Fault::PoisonedOp) {
            return false;
        }
        let mut rows = append.decision.changes.iter();
        let first = rows.next().filter(|_| !append.is_refusal());
        let Some(first) = first.map(|change| (change.op.writer, change.op.n)) else {
            return false;
        };
        let poisoned = *self.database.poisoned.get_or_insert(first);
        let mut ops = append.batch.iter();
        let holds = ops.any(|(_, writer, op)| (writer.id, op.n) == poisoned);
        if holds {
            self.met(Fault::PoisonedOp, server);
        }
        holds
    }

    /// Sends an index on its way. A feed is told only if it was not written, as far as is known.
    pub fn begin_index(&mut self, asker: Asker, index: LivingIndex) {
        let (soon, late) = (self.millis(1..=8), QUERY_TIMEOUT + self.millis(1..=1_500));
        if !self.database.is_up && self.random.bool() {
            // The client of the database sends it once the connection is back.
            self.database.delayed_indexes.push((asker.drawing, index));
            return self.answer_after(asker, QUERY_TIMEOUT, Input::IndexFailed);
        }
        let fate = match self.database.is_up {
            true => self.fate(asker.server),
            false => Fate::LosesQuery,
        };
        let (written, failed) = match fate {
            Fate::Works => (Some(soon), None),
            Fate::Fails | Fate::Conflicts | Fate::LosesQuery => (None, Some(soon)),
            Fate::LosesAnswer => (Some(soon), Some(soon)),
            Fate::HangsAfter => (Some(soon), Some(QUERY_TIMEOUT)),
            Fate::HangsBefore => (Some(late), Some(QUERY_TIMEOUT)),
            Fate::HangsForEver => (None, Some(QUERY_TIMEOUT)),
        };
        if let Some(wait) = written {
            let drawing = asker.drawing;
            let event = DatabaseEvent::WriteIndex { drawing, index };
            self.after(wait, Event::Database(event));
        }
        if let Some(wait) = failed {
            self.coverage.count("indexes lost");
            self.answer_after(asker, wait, Input::IndexFailed);
        }
    }

    pub fn write_index(&mut self, drawing: usize, index: &LivingIndex) {
        let tables = &mut self.database.drawings[drawing].tables;
        if !self.database.is_up || self.database.active.contains_key(&Fault::DatabaseFull) {
            return;
        }
        let before = tables.index.as_ref().map(|index| (index.epoch, index.head));
        self.coverage.count(match before {
            _ if tables.epoch != index.epoch => "indexes of an epoch that ended",
            Some((epoch, head)) if epoch == index.epoch && head > index.head => {
                "indexes written over newer ones"
            }
            _ => "indexes written",
        });
        tables.write_index(index);
    }

    /// The compare-and-swap.
    pub fn store(&mut self, asker: Asker, append: &Append) -> Appended {
        let Append {
            expected, decision, ..
        } = append;
        let stored = &mut self.database.drawings[asker.drawing];
        let tables = &mut stored.tables;
        if stored.needs_new_epoch && (tables.epoch, tables.head) == (expected.epoch, expected.head)
        {
            // Positions of the old epoch would mean two things: this is when the operator renews it.
            self.renew_epoch(asker.drawing, expected.epoch);
            return Appended::Behind;
        }
        let result = tables.append(*expected, &decision.changes, &decision.replaced);
        if result != Appended::Committed {
            return result;
        }
        self.note(|| {
            let changes = &append.decision.changes;
            let changes = changes.iter().map(|change| {
                let writer = &change.op.writer.to_string()[..4];
                let what = if change.body.is_some() { "" } else { " erased" };
                format!("{}: {writer}-{}{what}", change.seq, change.op.n)
            });
            let changes: Vec<_> = changes.collect();
            format!("database: server {} commits {changes:?}", asker.server)
        });
        self.committed(asker, append);
        self.database.commits += 1;
        if self.database.commits.is_multiple_of(COPY_EVERY) {
            let copy = self.database.drawings.clone();
            self.database.copies.push(copy);
        }
        result
    }
}
