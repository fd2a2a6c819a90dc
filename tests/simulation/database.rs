//! The database: a model of the store's contract with all its vices.
//!
//! It must never lose what it has committed, unless an older copy is restored.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use uuid::Uuid;
use whiteboard::domain::batch::{Decision, Verdict};
use whiteboard::domain::drawing::{Drawing, Limits};
use whiteboard::domain::ids::{DrawingId, Epoch, ServerId, Writer, WriterId};
use whiteboard::domain::op::{Change, Op};
use whiteboard::domain::sequence::Seq;
use whiteboard::feed::core::{Input, ReadResult};
use whiteboard::feed::replica::ReadPlan;
use whiteboard::store::{Appended, Chunk, ExpectedHead, Head, LiveEvent, LivingIndex, StoreError};

use crate::load::{Load, Part};
use crate::mailbox::SimMailbox;
use crate::plan::{Fault, Flavour, Manner, Plan};
use crate::reference::Reference;
use crate::server::ServerEvent;
use crate::tables::Tables;
use crate::world::{Event, Time, World};

/// No answer within this time is an answer.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the router engine looks for what is new.
const POLL: Duration = Duration::from_millis(100);
/// A copy is made after this many commits.
const COPY_EVERY: usize = 4;

/// Names an op for ever.
pub type OpKey = (WriterId, u64);

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The server.
    pub server: usize,
    /// The run of its process.
    pub process: u64,
    /// The drawing of the feed.
    pub drawing: usize,
    /// The number of the feed.
    pub feed: u64,
}

/// What an append stores, and whose ops these are.
#[derive(Debug)]
pub struct Append {
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

/// The parts of a read that were read.
#[derive(Debug, Default)]
pub struct Progress {
    is_renewed: bool,
    load: Load,
    head: Seq,
    tombstones: Vec<Change>,
    chunks: Vec<Chunk>,
}

/// Something that happens at the database.
#[derive(Debug)]
pub enum DatabaseEvent {
    /// An append begins its transaction.
    Begin {
        /// Who asked.
        asker: Asker,
        /// What to store.
        append: Box<Append>,
        /// What becomes of it.
        fate: Fate,
    },
    /// It commits.
    Commit {
        /// Who asked.
        asker: Asker,
        /// What to store.
        append: Box<Append>,
        /// What becomes of it.
        fate: Fate,
        /// The live queries that were open when it began.
        audience: Vec<u64>,
        /// The run of the database in which it began.
        run: u64,
    },
    /// A read goes on.
    Read {
        /// Who asked.
        asker: Asker,
        /// What to read.
        plan: ReadPlan,
        /// What was read.
        progress: Box<Progress>,
        /// The run of the database in which it began.
        run: u64,
    },
    /// An index of living strokes is written.
    WriteIndex {
        /// Of which drawing.
        drawing: usize,
        /// The index.
        index: LivingIndex,
    },
    /// Live queries are opened.
    Subscribe {
        /// Who asked.
        asker: Asker,
        /// Tells this one from those before.
        attempt: u64,
    },
    /// A write that only proves that writes work.
    Probe(Asker),
    /// The head is asked for, at this time by the server's clock.
    CheckHead(Asker, Instant),
    /// A signal row is written.
    Publish {
        /// Who asked.
        asker: Asker,
        /// The id of the server.
        id: ServerId,
        /// The number of the row.
        number: u64,
        /// What it says.
        body: String,
    },
    /// The router engine looks for what is new.
    Poll,
}

/// The live queries of one feed.
#[derive(Debug)]
struct Subscription {
    asker: Asker,
    attempt: u64,
    is_silent: bool,
    clear_at: Time,
}

/// Everything that is stored of one drawing.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What is stored.
    pub tables: Tables,
    /// What the reference makes of the same ops.
    pub reference: Reference,
    /// The ops that happened.
    pub happened: BTreeSet<OpKey>,
    /// It is of an older copy, and its epoch was not renewed.
    needs_new_epoch: bool,
}

/// The database.
pub struct Database {
    /// What it holds of each drawing.
    pub drawings: Vec<Stored>,
    /// Older copies.
    copies: Vec<Vec<Stored>>,
    commits: usize,
    /// Whether it runs.
    pub is_up: bool,
    run: u64,
    subscriptions: BTreeMap<u64, Subscription>,
    subscribed: u64,
    /// Faults that last, and how often each was begun.
    active: BTreeMap<Fault, usize>,
    poisoned: Option<OpKey>,
    /// Appends that were sent while it was down, and run when it is back.
    delayed: Vec<(Asker, Box<Append>)>,
    /// And indexes of living strokes.
    delayed_indexes: Vec<(usize, LivingIndex)>,
    /// Appends that have their answer.
    answered: BTreeSet<u64>,
    appends: u64,
    /// What the router engine has not told.
    log: Vec<(usize, LiveEvent)>,
    limits: Limits,
    chunk_rows: usize,
}

impl Database {
    /// A database with empty drawings.
    pub fn new(plan: &Plan, random: &mut fastrand::Rng) -> Self {
        let mut uuid = || Uuid::from_u128(random.u128(..));
        let empty = |_| Stored {
            tables: Tables::new(DrawingId(uuid()), Epoch(uuid())),
            reference: Reference::new(plan.max_strokes),
            happened: BTreeSet::new(),
            needs_new_epoch: false,
        };
        let drawings: Vec<Stored> = (0..plan.drawings).map(empty).collect();
        Self {
            copies: vec![drawings.clone()],
            drawings,
            commits: 0,
            is_up: true,
            run: 0,
            subscriptions: BTreeMap::new(),
            subscribed: 0,
            active: BTreeMap::new(),
            poisoned: None,
            delayed: Vec::new(),
            delayed_indexes: Vec::new(),
            answered: BTreeSet::new(),
            appends: 0,
            log: Vec::new(),
            limits: limits(plan),
            chunk_rows: plan.chunk_rows,
        }
    }

    /// A number for the next append.
    pub fn next_append(&mut self) -> u64 {
        self.appends += 1;
        self.appends
    }

    /// A fault begins that lasts.
    pub fn begin(&mut self, fault: Fault) {
        *self.active.entry(fault).or_default() += 1;
    }

    /// It ends, unless it was begun again.
    pub fn end(&mut self, fault: Fault) {
        if let Some(begun) = self.active.get_mut(&fault) {
            *begun -= 1;
            if *begun == 0 {
                self.active.remove(&fault);
            }
        }
        if fault == Fault::PoisonedOp {
            self.poisoned = None;
        }
    }

    /// Appends that run once the database is back.
    pub fn delayed(&self) -> impl Iterator<Item = &Append> {
        self.delayed.iter().map(|(_, append)| &**append)
    }

    /// Whether an op of this drawing happened.
    pub fn has_happened(&self, drawing: usize, op: OpKey) -> bool {
        self.drawings[drawing].happened.contains(&op)
    }

    /// The live queries of a drawing.
    fn audience(&self, drawing: usize) -> Vec<u64> {
        let open = self.subscriptions.iter();
        let open = open.filter(|(_, open)| open.asker.drawing == drawing);
        open.map(|(id, _)| *id).collect()
    }

    /// A feed's live queries are given up.
    pub fn unsubscribe(&mut self, asker: Asker) {
        self.subscriptions.retain(|_, open| open.asker != asker);
    }

    /// The live queries of a server's feed stay open, and deliver nothing any more.
    pub fn silence(&mut self, server: usize) {
        for open in self.subscriptions.values_mut() {
            open.is_silent |= open.asker.server == server;
        }
    }
}

/// What the drawing may hold.
pub fn limits(plan: &Plan) -> Limits {
    Limits {
        strokes: plan.max_strokes,
        bytes: usize::MAX,
    }
}

impl World {
    /// Whether a fault that lasts now meets something of this server.
    fn meets(&mut self, fault: Fault, server: usize) -> bool {
        let meets = self.database.active.contains_key(&fault) && self.random.u32(..100) < 60;
        if meets {
            self.met(fault, server);
        }
        meets
    }

    /// Sends a query on its way.
    pub fn ask_database(&mut self, server: usize, event: DatabaseEvent) {
        let jitter = self.millis(0..=2);
        let wait = self.plan.links[server] + jitter;
        self.after(wait, Event::Database(event));
    }

    fn answer(&mut self, asker: Asker, wait: Duration, input: Input<SimMailbox>) {
        let wait = wait + self.plan.links[asker.server];
        self.answer_after(asker, wait, input);
    }

    fn answer_after(&mut self, asker: Asker, wait: Duration, input: Input<SimMailbox>) {
        let event = ServerEvent::Feed {
            feed: asker.feed,
            input: Box::new(input),
        };
        self.after(
            wait,
            Event::Server {
                server: asker.server,
                process: asker.process,
                event,
            },
        );
    }

    /// Something happens at the database.
    pub fn at_database(&mut self, event: DatabaseEvent) {
        match event {
            DatabaseEvent::Begin {
                asker,
                append,
                fate,
            } => self.begin_append(asker, append, fate),
            DatabaseEvent::Commit {
                asker,
                append,
                fate,
                audience,
                run,
            } => self.commit(asker, append, fate, audience, run),
            DatabaseEvent::Read {
                asker,
                plan,
                progress,
                run,
            } => self.read(asker, plan, progress, run),
            DatabaseEvent::WriteIndex { drawing, index } => self.write_index(drawing, &index),
            DatabaseEvent::Subscribe { asker, attempt } => self.open_subscription(asker, attempt),
            DatabaseEvent::Probe(asker) => {
                let result = match self.trouble() {
                    Some(error) => Err(error),
                    None if self.database.active.contains_key(&Fault::DatabaseFull) => {
                        Err(StoreError::Storage("no space left".into()))
                    }
                    None => Ok(()),
                };
                self.answer(asker, Duration::from_millis(1), Input::Probed(result));
            }
            DatabaseEvent::CheckHead(asker, asked) => {
                if let Ok(report) = self.heads(asker.drawing) {
                    let wait = self.millis(0..=3);
                    let report = Some(report);
                    self.answer(asker, wait, Input::Head { asked, report });
                }
            }
            DatabaseEvent::Publish {
                asker,
                id,
                number,
                body,
            } => self.store_signals(asker, id, number, body),
            DatabaseEvent::Poll => self.poll(),
        }
    }

    /// Why nothing can be asked.
    fn trouble(&self) -> Option<StoreError> {
        let down = StoreError::Unavailable("connection reset".into());
        (!self.database.is_up).then_some(down)
    }

    /// What a comparison of heads is told.
    pub fn heads(&mut self, drawing: usize) -> Result<Head, StoreError> {
        match self.trouble() {
            Some(error) => Err(error),
            None => Ok(self.database.drawings[drawing].tables.report()),
        }
    }

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

    fn begin_append(&mut self, asker: Asker, append: Box<Append>, fate: Fate) {
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

    fn answer_at_deadline(&mut self, asker: Asker, append: &Append) {
        self.database.answered.insert(append.number);
        let result = Err(StoreError::Deadline(QUERY_TIMEOUT));
        let input = appended(append, result);
        self.answer_after(asker, QUERY_TIMEOUT, input);
    }

    fn answer_append(
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

    fn commit(
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

    fn is_poisoned(&mut self, append: &Append, server: usize) -> bool {
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

    fn write_index(&mut self, drawing: usize, index: &LivingIndex) {
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
    fn store(&mut self, asker: Asker, append: &Append) -> Appended {
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

    /// Tells live queries what was stored.
    fn notify(&mut self, drawing: usize, audience: &[u64], event: LiveEvent) {
        if self.plan.manner == Manner::Router {
            let was_empty = self.database.log.is_empty();
            self.database.log.push((drawing, event));
            if was_empty {
                let millis = POLL.as_millis() as u64;
                let next = millis - self.now.as_millis() as u64 % millis;
                self.after(
                    Duration::from_millis(next),
                    Event::Database(DatabaseEvent::Poll),
                );
            }
            return;
        }
        for id in audience {
            self.deliver(*id, event.clone());
        }
    }

    fn poll(&mut self) {
        let told: Vec<u64> = self.database.subscriptions.keys().copied().collect();
        let log = std::mem::take(&mut self.database.log);
        for id in told {
            let asker = self.database.subscriptions[&id].asker;
            if self.meets(Fault::NotificationsLost, asker.server) {
                continue;
            }
            for (_, event) in log.iter().filter(|(drawing, _)| *drawing == asker.drawing) {
                self.deliver(id, event.clone());
            }
        }
    }

    fn deliver(&mut self, id: u64, event: LiveEvent) {
        let Some(open) = self.database.subscriptions.get(&id) else {
            return;
        };
        let (asker, attempt) = (open.asker, open.attempt);
        if open.is_silent {
            return;
        }
        let server = asker.server;
        let is_inline = self.plan.manner == Manner::Inline;
        if is_inline && self.meets(Fault::NotificationsLost, server) {
            return;
        }
        let mut wait = self.plan.links[server] + self.millis(0..=2);
        if self.meets(Fault::NotificationsLate, server) {
            wait += self.millis(20..=800);
        }
        let is_reordered = self.meets(Fault::NotificationsReordered, server);
        let mut at = self.now + wait;
        if is_reordered {
            at += self.millis(0..=60);
        } else if let Some(open) = self.database.subscriptions.get_mut(&id) {
            open.clear_at = open.clear_at.max(at);
            at = open.clear_at;
        }
        let times = 1 + usize::from(self.meets(Fault::NotificationsDoubled, server));
        for time in 0..times {
            let notified = ServerEvent::Notified {
                feed: asker.feed,
                attempt,
                event: event.clone(),
            };
            let extra = Duration::from_millis(7) * time as u32;
            self.at(
                at + extra,
                Event::Server {
                    server,
                    process: asker.process,
                    event: notified,
                },
            );
        }
    }

    fn open_subscription(&mut self, asker: Asker, attempt: u64) {
        let trouble = self.trouble();
        let result = match trouble {
            Some(error) => Err(error),
            None if self.database.drawings[asker.drawing].tables.deleted => Err(StoreError::Gone),
            None if self.meets(Fault::SubscribeFails, asker.server) => {
                Err(StoreError::Failed("internal error".into()))
            }
            None => Ok(()),
        };
        if result.is_ok() {
            self.database.subscribed += 1;
            let open = Subscription {
                asker,
                attempt,
                is_silent: false,
                clear_at: Time::ZERO,
            };
            self.database
                .subscriptions
                .insert(self.database.subscribed, open);
        }
        let event = ServerEvent::Subscribed {
            feed: asker.feed,
            attempt,
            result,
        };
        let wait = self.plan.links[asker.server] + self.millis(0..=3);
        self.after(
            wait,
            Event::Server {
                server: asker.server,
                process: asker.process,
                event,
            },
        );
    }

    /// The live queries of a server's feed end; nothing of them arrives after that.
    pub fn end_subscriptions(&mut self, server: Option<usize>) {
        let ends: Vec<u64> = self
            .database
            .subscriptions
            .iter()
            .filter(|(_, open)| server.is_none_or(|server| open.asker.server == server))
            .map(|(id, _)| *id)
            .collect();
        for id in ends {
            let Some(open) = self.database.subscriptions.remove(&id) else {
                continue;
            };
            let event = ServerEvent::SubscriptionEnded {
                feed: open.asker.feed,
                attempt: open.attempt,
            };
            let wait = self.millis(1..=20);
            self.after(
                wait,
                Event::Server {
                    server: open.asker.server,
                    process: open.asker.process,
                    event,
                },
            );
        }
    }

    fn store_signals(&mut self, asker: Asker, id: ServerId, number: u64, body: String) {
        let trouble = self.trouble();
        let result = match trouble {
            Some(error) => Err(error),
            None if self.meets(Fault::PublishFails, asker.server) => {
                Err(StoreError::Failed("internal error".into()))
            }
            None => Ok(()),
        };
        if result.is_ok() {
            let audience = self.database.audience(asker.drawing);
            let event = LiveEvent::Signals { server: id, body };
            self.notify(asker.drawing, &audience, event);
        }
        let wait = self.millis(0..=2);
        self.answer(asker, wait, Input::Published { number, result });
    }

    fn read(&mut self, asker: Asker, plan: ReadPlan, mut progress: Box<Progress>, run: u64) {
        let is_cut = run != self.database.run;
        let trouble = self
            .trouble()
            .or_else(|| is_cut.then(|| StoreError::Unavailable("connection reset".into())));
        let result = match trouble {
            Some(error) => Some(Err(error)),
            None if self.meets(Fault::ReadsFail, asker.server) => {
                Some(Err(match self.random.bool() {
                    true => StoreError::Failed("internal error".into()),
                    false => StoreError::Deadline(QUERY_TIMEOUT),
                }))
            }
            None => self
                .read_part(asker.drawing, plan, &mut progress)
                .transpose(),
        };
        if let Some(result) = result {
            let wait = self.slow_read(asker.server) + self.millis(0..=3);
            return self.answer(asker, wait, Input::ReadEnded(result));
        }
        let slow = self.slow_read(asker.server);
        let wait = slow + 2 * self.plan.links[asker.server] + self.millis(0..=2);
        let next = DatabaseEvent::Read {
            asker,
            plan,
            progress,
            run,
        };
        self.after(wait, Event::Database(next));
    }

    /// How much longer a read takes than it should.
    fn slow_read(&mut self, server: usize) -> Duration {
        match self.meets(Fault::ReadsSlow, server) {
            true => self.millis(20..=600),
            false => Duration::ZERO,
        }
    }

    /// Sends a read on its way.
    pub fn begin_read(&mut self, asker: Asker, plan: ReadPlan) {
        let read = DatabaseEvent::Read {
            asker,
            plan,
            progress: Box::default(),
            run: self.database.run,
        };
        let wait = self.slow_read(asker.server) + self.plan.links[asker.server];
        self.after(wait, Event::Database(read));
    }

    /// Reads the next part; gives all of it with the last one.
    fn read_part(
        &mut self,
        drawing: usize,
        plan: ReadPlan,
        progress: &mut Progress,
    ) -> Result<Option<ReadResult>, StoreError> {
        let rows = self.database.chunk_rows;
        match plan {
            ReadPlan::Living { renew } => {
                let is_first = !std::mem::replace(&mut progress.is_renewed, true);
                if let Some(epoch) = renew.filter(|_| is_first) {
                    self.renew_epoch(drawing, epoch);
                    return Ok(None);
                }
                let tables = &self.database.drawings[drawing].tables;
                let loaded = match progress.load.next(tables, rows)? {
                    Part::More => return Ok(None),
                    Part::Last(loaded) => loaded,
                    Part::Renew => {
                        self.coverage.count("loads with an index beyond the head");
                        self.renew_epoch(drawing, tables.epoch);
                        return Err(StoreError::Failed("the history changed".into()));
                    }
                };
                let index = tables.index.as_ref();
                self.coverage.count(match (index, loaded.indexed) {
                    (None, _) => "loads without an index",
                    (Some(_), 0) => "loads with an index of another epoch",
                    (Some(_), _) => "loads with an index",
                });
                let mut drawing = Drawing::living_only(
                    loaded.epoch,
                    loaded.compacted,
                    loaded.head,
                    self.database.limits,
                    loaded.living,
                );
                if let Some(tombstones) = loaded.tombstones {
                    drawing.complete(tombstones);
                }
                Ok(Some(ReadResult::Living {
                    drawing,
                    title: loaded.title,
                    indexed: loaded.indexed,
                }))
            }
            ReadPlan::Changes { since, tombstones } => {
                let (after, through) = tombstones;
                let tables = &self.database.drawings[drawing].tables;
                progress.head = progress.head.max(after);
                if progress.head < through {
                    let chunk = tables.tombstones(progress.head, through, rows)?;
                    progress.head = chunk.head;
                    progress.tombstones.extend(chunk.changes);
                    return Ok(None);
                }
                let at = progress.chunks.last().map_or(since, |chunk| chunk.head);
                let chunk = tables.since(at, rows)?;
                let more = chunk.more;
                progress.chunks.push(chunk);
                Ok((!more).then(|| ReadResult::Changes {
                    since,
                    chunks: std::mem::take(&mut progress.chunks),
                    tombstones: std::mem::take(&mut progress.tombstones),
                }))
            }
        }
    }

    fn renew_epoch(&mut self, drawing: usize, epoch: Epoch) {
        let to = Epoch(self.uuid());
        let stored = &mut self.database.drawings[drawing];
        stored.tables.renew_epoch(epoch, to);
        if stored.tables.epoch == to {
            stored.needs_new_epoch = false;
            self.checks.epoch_renewed(&stored.tables);
            self.coverage.count("epochs renewed");
            self.note(|| "database: another epoch".into());
        }
    }

    /// The database stops; what it was asked and has not answered gets an error.
    pub fn stop_database(&mut self, lasts: Duration) {
        self.database.is_up = false;
        self.database.run += 1;
        self.database.log.clear();
        self.end_subscriptions(None);
        self.after(lasts.max(Duration::from_millis(60)), Event::DatabaseStarts);
    }

    /// The database starts again.
    pub fn start_database(&mut self) {
        self.note(|| "database: starts".into());
        self.database.is_up = true;
        self.database.run += 1;
        for (asker, append) in std::mem::take(&mut self.database.delayed) {
            self.begin_append(asker, append, Fate::Works);
        }
        for (drawing, index) in std::mem::take(&mut self.database.delayed_indexes) {
            self.write_index(drawing, &index);
        }
    }

    /// An older copy is restored while the database is stopped.
    pub fn restore(&mut self, has_new_epoch: bool) {
        if self.random.u32(..3) == 0 {
            // The last copy was made a moment ago.
            let copy = self.database.drawings.clone();
            self.database.copies.push(copy);
        }
        let last = self.database.copies.len() - 1;
        let copy = match self.random.bool() {
            true => last,
            false => self.random.usize(..=last),
        };
        self.database.copies.truncate(copy + 1);
        let copy = self.database.copies[copy].clone();
        let before = std::mem::replace(&mut self.database.drawings, copy);
        for (drawing, before) in before.into_iter().enumerate() {
            let stored = &mut self.database.drawings[drawing];
            stored.tables.deleted = before.tables.deleted;
            stored.needs_new_epoch = true;
            let (head, epoch) = (stored.tables.head, stored.tables.epoch);
            self.note(|| format!("database: a copy with head {head} is restored"));
            if has_new_epoch {
                self.renew_epoch(drawing, epoch);
            }
            self.state_changed(drawing);
        }
    }

    /// Old tombstones are compacted: those of ops that nobody will send again.
    pub fn compact(&mut self, drawing: usize) {
        let mut through = 0;
        let tombstones: Vec<Change> = {
            let tables = &self.database.drawings[drawing].tables;
            let below_head = |row: &&Change| row.seq < tables.head;
            tables
                .tombstone_rows()
                .filter(below_head)
                .cloned()
                .collect()
        };
        for row in tombstones {
            let mut ops = row.prior_ops.iter().chain([&row.op]);
            if ops.any(|op| self.may_be_sent_again(op.writer, op.n)) {
                break;
            }
            through = row.seq;
        }
        let stored = &mut self.database.drawings[drawing];
        if through > stored.tables.compacted {
            stored.tables.compact(through);
            stored.reference.compact(through);
            self.note(|| format!("database: compacted up to {through}"));
            self.coverage.count("compactions");
            self.state_changed(drawing);
        }
    }
}

fn appended(append: &Append, result: Result<Appended, StoreError>) -> Input<SimMailbox> {
    Input::Appended {
        expected: append.expected,
        decision: append.decision.clone(),
        result,
    }
}
