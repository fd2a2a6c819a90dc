//! Virtual time, and everything that lives in it.
//!
//! It must never read a clock or a random number that does not follow from the seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use whiteboard::domain::ids::SessionId;
use whiteboard::domain::rules::Rules;
use whiteboard::metrics::Metrics;

use crate::access::Visitor;
use crate::checks::Checks;
use crate::client::{Client, ClientEvent};
use crate::coverage::Coverage;
use crate::database::{Database, DatabaseEvent};
use crate::fault::Fault;
use crate::plan::Plan;
use crate::presence::People;
use crate::server::{Server, ServerEvent};
use crate::socket::Sockets;
use crate::transcript::Recorder;

/// Time since the run began.
pub type Time = Duration;

/// For how long everything may take to come to rest once no fault occurs any more.
const REST_WITHIN: Duration = Duration::from_secs(90);
/// How often it is looked whether everything is at rest.
const REST_CHECK: Duration = Duration::from_millis(500);
/// A run of more events than this does not end.
const MAX_EVENTS: u64 = 400_000;

/// Something that happens at some time.
#[derive(Debug)]
pub enum Event {
    /// At a server, if the process still runs.
    Server {
        /// Which one.
        server: usize,
        /// Which run of its process.
        process: u64,
        /// What.
        event: ServerEvent,
    },
    /// At the database.
    Database(DatabaseEvent),
    /// At a client, if its page is still open.
    Client {
        /// Which one.
        client: usize,
        /// Which of its pages.
        page: u64,
        /// What.
        event: ClientEvent,
    },
    /// A user does the planned op of this index.
    Op(usize),
    /// The planned fault of this index begins.
    Fault(usize),
    /// A fault of this kind ends.
    FaultEnds(Fault),
    /// The database starts again.
    DatabaseStarts,
    /// A drawing is undeleted.
    Undeleted(usize),
    /// A change of rules is taken back.
    RulesEnd {
        /// Of this drawing.
        drawing: usize,
        /// What it was.
        fault: Fault,
        /// Whom it met.
        target: usize,
    },
    /// A client has another token.
    Token(usize),
    /// A server process starts.
    ServerStarts(usize),
    /// A suspended server goes on.
    ServerThaws(usize),
}

impl Event {
    /// Whether it was planned, or ends what was: others follow from each other for ever.
    fn is_of_plan(&self) -> bool {
        !matches!(
            self,
            Event::Server { .. } | Event::Client { .. } | Event::Database(_)
        )
    }
}

/// All that is simulated.
pub struct World {
    /// What is to happen.
    pub plan: Plan,
    /// The time.
    pub now: Time,
    /// The database.
    pub database: Database,
    /// The servers.
    pub servers: Vec<Server>,
    /// The clients.
    pub clients: Vec<Client>,
    /// What connects clients with servers.
    pub sockets: Sockets,
    /// What must hold.
    pub checks: Checks,
    /// What was granted to each session.
    pub visitors: BTreeMap<SessionId, Visitor>,
    /// All rules that drawings ever had.
    pub rules_log: Vec<(usize, Rules)>,
    /// Who came and went, and what they signalled.
    pub people: People,
    /// What was met.
    pub coverage: Coverage,
    /// Decides what the plan does not.
    pub random: fastrand::Rng,
    /// What all servers count.
    pub metrics: Arc<Metrics>,
    /// What happened, if that is recorded.
    pub trace: Option<Vec<String>>,
    /// What happened at each page, if that is recorded.
    pub recorder: Option<Recorder>,
    base: Instant,
    queue: BTreeMap<(Time, u64), Event>,
    /// Events of the plan that are to happen.
    planned: usize,
    number: u64,
    events: u64,
}

impl World {
    /// A world in which nothing has happened.
    pub fn new(plan: Plan, metrics: Arc<Metrics>, is_traced: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(plan.seed ^ 0x5eed);
        let database = Database::new(&plan, &mut random);
        let mut world = Self {
            now: Time::ZERO,
            database,
            servers: Vec::new(),
            clients: Vec::new(),
            sockets: Sockets::default(),
            checks: Checks::default(),
            visitors: BTreeMap::new(),
            rules_log: Vec::new(),
            people: People::default(),
            coverage: Coverage::of_one_run(),
            random,
            metrics,
            trace: is_traced.then(Vec::new),
            recorder: None,
            base: Instant::now(),
            queue: BTreeMap::new(),
            planned: 0,
            number: 0,
            events: 0,
            plan,
        };
        for server in 0..world.plan.servers {
            world.servers.push(Server::new(&world.plan, server));
            world.start_server(server);
        }
        for _ in 0..world.plan.clients {
            world.open_page();
        }
        for (index, op) in world.plan.ops.clone().into_iter().enumerate() {
            world.at(op.at, Event::Op(index));
        }
        for (index, fault) in world.plan.faults.clone().into_iter().enumerate() {
            world.at(fault.at, Event::Fault(index));
        }
        world.plan_access();
        world
    }

    /// Lets everything happen that is planned, until all is at rest, and checks it.
    pub fn run(&mut self) {
        while self.events_of_plan_are_left() {
            self.step();
        }
        let calm = self.now;
        self.note(|| "no more faults".into());
        let (mut rests_since, mut wrong_since) = (None, None);
        loop {
            self.run_until(self.now + REST_CHECK);
            let mut unrest = self.unrest();
            if unrest.is_none() {
                unrest = self.wrong_people();
                let since = *wrong_since.get_or_insert(self.now);
                match &unrest {
                    None => wrong_since = None,
                    Some(wrong) => assert!(self.now - since < self.known_within(), "{wrong}"),
                }
            }
            match (&unrest, rests_since) {
                (None, None) => rests_since = Some(self.now),
                // What was lost last may be found only when heads are compared.
                (None, Some(since)) if self.now - since >= self.longest_silence() => break,
                (None, Some(_)) => {}
                (&Some(_), _) => rests_since = None,
            }
            if self.now - calm > REST_WITHIN {
                let unrest = unrest.or_else(|| self.inequality());
                panic!("no rest: {}", unrest.unwrap_or_default());
            }
        }
        if let Some(inequality) = self.inequality() {
            panic!("at rest, but {inequality}");
        }
        self.check_end();
    }

    fn events_of_plan_are_left(&self) -> bool {
        self.planned > 0
    }

    /// Within this time whatever is lost is found.
    fn longest_silence(&self) -> Duration {
        let interval = self.plan.head_check_interval.unwrap_or(Duration::ZERO);
        interval + Duration::from_millis(2_600)
    }

    fn run_until(&mut self, until: Time) {
        while self.queue.keys().next().is_some_and(|(at, _)| *at <= until) {
            self.step();
        }
        self.now = until;
    }

    fn step(&mut self) {
        let Some(((at, _), event)) = self.queue.pop_first() else {
            return;
        };
        self.events += 1;
        self.planned -= usize::from(event.is_of_plan());
        assert!(self.events < MAX_EVENTS, "too many events");
        self.now = at;
        match event {
            Event::Server {
                server,
                process,
                event,
            } => self.at_server(server, process, event),
            Event::Database(event) => self.at_database(event),
            Event::Client {
                client,
                page,
                event,
            } => self.at_client(client, page, event),
            Event::Op(index) => self.user_acts(index),
            Event::Fault(index) => self.fault_begins(index),
            Event::FaultEnds(fault) => self.fault_ends(fault),
            Event::DatabaseStarts => self.start_database(),
            Event::Undeleted(drawing) => self.undelete(drawing),
            Event::RulesEnd {
                drawing,
                fault,
                target,
            } => self.change_rules(drawing, fault, target, true),
            Event::Token(client) => self.token_renewed(client),
            Event::ServerStarts(server) => self.start_server(server),
            Event::ServerThaws(server) => self.thaw_server(server),
        }
    }

    /// Something happens at this time.
    pub fn at(&mut self, at: Time, event: Event) {
        self.number += 1;
        self.planned += usize::from(event.is_of_plan());
        self.queue.insert((at.max(self.now), self.number), event);
    }

    /// Something happens after a while.
    pub fn after(&mut self, wait: Duration, event: Event) {
        self.at(self.now + wait, event);
    }

    /// All that is going to happen.
    pub fn pending(&self) -> impl Iterator<Item = &Event> {
        self.queue.values()
    }

    /// The time by the clock of a server, which is ahead by this much.
    pub fn instant(&self, ahead: Duration) -> Instant {
        self.base + self.now + ahead
    }

    /// What time it is by the clock of a server, in milliseconds.
    pub fn wall(&self, server: usize) -> u64 {
        (self.now + self.servers[server].ahead).as_millis() as u64
    }

    /// The virtual time of an instant by a clock that is ahead by this much.
    pub fn time_of(&self, at: Instant, ahead: Duration) -> Time {
        at.saturating_duration_since(self.base)
            .saturating_sub(ahead)
    }

    /// A random duration within these bounds, in milliseconds.
    pub fn millis(&mut self, range: std::ops::RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.random.u64(range))
    }

    /// A random id.
    pub fn uuid(&mut self) -> Uuid {
        Uuid::from_u128(self.random.u128(..))
    }

    /// Notes what happens, if that is recorded.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9.3}  {}", self.now.as_secs_f64(), what()));
        }
    }

    /// How many events there were.
    pub fn events(&self) -> u64 {
        self.events
    }
}
