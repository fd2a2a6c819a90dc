//! The database: a model of the store's contract with all its vices.
//!
//! It must never lose what it has committed, unless an older copy is restored.

pub mod appends;
mod notifications;
mod outages;
mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use uuid::Uuid;
use whiteboard::domain::drawing::Limits;
use whiteboard::domain::ids::{DrawingId, Epoch, ServerId, WriterId};
use whiteboard::feed::core::Input;
use whiteboard::feed::replica::ReadPlan;
use whiteboard::feed::standings::WallClock;
use whiteboard::store::{Head, LiveEvent, LivingIndex, StoreError};

use crate::access::first_rules;
use crate::database::appends::{Append, Fate};
use crate::database::reads::Progress;
use crate::fault::Fault;
use crate::mailbox::SimMailbox;
use crate::plan::Plan;
use crate::reference::Reference;
use crate::server::ServerEvent;
use crate::tables::Tables;
use crate::world::{Event, Time, World};

/// No answer within this time is an answer.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(1);
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
    /// The rules are read.
    ReadRules(Asker),
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
            tables: {
                let mut tables = Tables::new(DrawingId(uuid()), Epoch(uuid()));
                tables.rules = first_rules(plan);
                tables
            },
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
            DatabaseEvent::ReadRules(asker) => {
                let rules = match self.trouble() {
                    Some(error) => Err(error),
                    None if self.meets(Fault::ReadsFail, asker.server) => {
                        Err(StoreError::Deadline(QUERY_TIMEOUT))
                    }
                    None => Ok(self.database.drawings[asker.drawing].tables.rules.clone()),
                };
                let wait = self.slow_read(asker.server) + self.millis(0..=3);
                let ahead = self.servers[asker.server].ahead;
                let clock = WallClock::new(self.instant(ahead), self.wall(asker.server));
                let result = rules;
                self.answer(asker, wait, Input::Rules { result, clock });
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
}
