//! The feeds of a server: the real cores, executed as their actors would, and their registry.
//!
//! It must never decide anything that the core decides.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use whiteboard::domain::ids::{SessionId, Writer};
use whiteboard::domain::op::Op;
use whiteboard::feed::core::{Core, Effect, Environment, Input};
use whiteboard::feed::replica::ReadPlan;
use whiteboard::feed::standings::WallClock;
use whiteboard::feed::state::FeedState;

use crate::database::appends::Append;
use crate::database::{Asker, DatabaseEvent};
use crate::mailbox::SimMailbox;
use crate::server::{ServerEvent, ServerState};
use crate::world::{Time, World};

/// A feed, and what its actor holds.
pub struct Feed {
    /// Tells feeds apart.
    pub number: u64,
    /// The real core.
    pub core: Core<SimMailbox>,
    /// What it shares with its sessions.
    pub state: FeedState,
    /// Joins and reads that were sent to it.
    requests: u64,
    /// Whether the registry still finds it.
    is_registered: bool,
    /// The live queries that were asked for last, and whether they are open.
    pub(super) attempt: u64,
    pub(super) is_subscribed: bool,
    pub(super) timer: Option<Instant>,
    /// When the read in flight began, and when the last one did that has ended: the feed knows what was stored
    /// then.
    read_at: Time,
    /// See there.
    pub known_at: Time,
    /// The read in flight began after the live queries were open.
    read_covers: bool,
    /// Such a read has ended.
    pub is_covered: bool,
    /// A signal row is in flight.
    is_publishing: bool,
    /// The ops in its queue, as they were submitted.
    pub queued: VecDeque<(SessionId, Writer, Op)>,
    /// Ops that were submitted to a feed that ends: it takes none of them.
    pub dropped: usize,
    /// Ops that have left the queue, and whose acknowledgement was not delivered yet.
    pub finished: BTreeMap<SessionId, VecDeque<(Writer, Op)>>,
}

impl Feed {
    /// Whether it takes no more ops.
    pub fn ends(&self) -> bool {
        self.core.lifecycle().close_reason().is_some()
    }
}

impl World {
    /// A drain ends once all ops are acknowledged.
    pub fn check_stopped(&self, server: usize, drawing: usize) {
        let it = &self.servers[server];
        let Some(feed) = it.feeds.get(&drawing) else {
            return;
        };
        let waits = feed.queued.len();
        let is_drained = it.state == ServerState::Drains && !it.is_forced;
        let is_there = !self.database.drawings[drawing].tables.deleted;
        assert!(
            waits == 0 || !is_drained || !is_there,
            "a drain ends while {waits} ops wait"
        );
        assert!(
            !feed.is_publishing || !is_drained || !is_there,
            "a drain ends while a signal row is in flight"
        );
    }

    pub fn open_drawings(&self, server: usize) -> Vec<usize> {
        self.servers[server].feeds.keys().copied().collect()
    }

    /// The drawing whose feed has this number.
    pub fn drawing_of(&self, server: usize, number: u64) -> Option<usize> {
        let mut feeds = self.servers[server].feeds.iter();
        let found = feeds.find(|(_, feed)| feed.number == number);
        found.map(|(drawing, _)| *drawing)
    }

    /// The same while these live queries are open.
    pub fn subscribed_to(&self, server: usize, number: u64, attempt: u64) -> Option<usize> {
        let drawing = self.drawing_of(server, number)?;
        let feed = &self.servers[server].feeds[&drawing];
        (feed.attempt == attempt && feed.is_subscribed).then_some(drawing)
    }

    /// The feed goes; its sessions are told by its core as it is dropped.
    pub fn drop_feed(&mut self, server: usize, drawing: usize) {
        let asker = self.asker(server, drawing);
        self.database.unsubscribe(asker);
        self.servers[server].feeds.remove(&drawing);
        self.answer_reads(server);
        self.wake_sessions(server);
    }

    pub fn asker(&self, server: usize, drawing: usize) -> Asker {
        let it = &self.servers[server];
        Asker {
            server,
            process: it.process,
            drawing,
            feed: it.feeds.get(&drawing).map_or(0, |feed| feed.number),
        }
    }

    /// Gives a feed a join or a read; it is opened if it is not. Nothing while the server drains.
    pub fn ask_feed(
        &mut self,
        server: usize,
        drawing: usize,
        input: Input<SimMailbox>,
    ) -> Option<u64> {
        if self.servers[server].state == ServerState::Drains {
            return None;
        }
        let feed = self.servers[server].feeds.get(&drawing);
        if feed.is_none_or(|feed| !feed.is_registered) {
            if feed.is_some() {
                // The one that ends is not found any more.
                self.drop_feed(server, drawing);
            }
            self.open_feed(server, drawing);
        }
        let feed = self.servers[server].feeds.get_mut(&drawing)?;
        feed.requests += 1;
        let number = feed.number;
        self.feed_step(server, drawing, input);
        Some(number)
    }

    pub fn open_feed(&mut self, server: usize, drawing: usize) {
        let now = self.instant(self.servers[server].ahead);
        let wall = self.wall(server);
        let seed = self.random.u64(..);
        let number = self.random.u64(1..);
        let it = &mut self.servers[server];
        let state = FeedState::new(&it.settings, Arc::clone(&it.chunks));
        let environment = Environment {
            drawing: self.database.drawings[drawing].tables.id,
            server: it.server.expect("it runs"),
            settings: Arc::clone(&it.settings),
            metrics: Arc::clone(&self.metrics),
            state: state.clone(),
            clock: WallClock::new(now, wall),
        };
        let mut effects = Vec::new();
        let core = Core::begin(environment, seed, now, &mut effects);
        let feed = Feed {
            number,
            core,
            state,
            requests: 0,
            is_registered: true,
            attempt: 0,
            is_subscribed: false,
            timer: None,
            read_at: Time::ZERO,
            known_at: Time::ZERO,
            read_covers: false,
            is_covered: false,
            is_publishing: false,
            queued: VecDeque::new(),
            dropped: 0,
            finished: BTreeMap::new(),
        };
        it.feeds.insert(drawing, feed);
        self.coverage.count(match it.feeds.len() {
            1 => "feeds opened",
            _ => "feeds opened beside another one",
        });
        self.execute(server, drawing, effects);
    }

    /// Gives the core of a feed an input, checks what became of it and executes its effects.
    pub fn feed_step(&mut self, server: usize, drawing: usize, input: Input<SimMailbox>) {
        let now = self.instant(self.servers[server].ahead);
        let Some(feed) = self.servers[server].feeds.get_mut(&drawing) else {
            return;
        };
        match &input {
            Input::Subscribed(_) | Input::SubscriptionEnded => {
                feed.is_covered = false;
                feed.read_covers = false;
            }
            Input::ReadEnded(Ok(_)) => {
                feed.is_covered |= feed.read_covers;
                feed.known_at = feed.read_at;
            }
            Input::Published { .. } => feed.is_publishing = false,
            _ => {}
        }
        let mut effects = Vec::new();
        self.check_ends(server, drawing);
        let Some(feed) = self.servers[server].feeds.get_mut(&drawing) else {
            return;
        };
        feed.core.step(now, input, &mut effects);
        self.check_feed(server, drawing);
        self.check_ends(server, drawing);
        self.note_states(server);
        self.execute(server, drawing, effects);
    }

    pub fn execute(&mut self, server: usize, drawing: usize, effects: Vec<Effect>) {
        for effect in effects {
            self.execute_one(server, drawing, effect);
        }
        self.set_timer(server, drawing);
        self.answer_reads(server);
        self.wake_sessions(server);
    }

    pub fn execute_one(&mut self, server: usize, drawing: usize, effect: Effect) {
        let asker = self.asker(server, drawing);
        let Some(feed) = self.servers[server].feeds.get_mut(&drawing) else {
            return;
        };
        match effect {
            Effect::Subscribe => {
                feed.attempt += 1;
                feed.is_subscribed = false;
                let attempt = feed.attempt;
                self.database.unsubscribe(asker);
                let subscribe = DatabaseEvent::Subscribe { asker, attempt };
                self.ask_database(server, subscribe);
            }
            Effect::Read(plan) => {
                feed.read_at = self.now;
                feed.read_covers = feed.is_subscribed;
                let tables = &self.database.drawings[drawing].tables;
                let is_same_epoch = feed.core.replica().drawing().is_some_and(|drawing| {
                    drawing.epoch() == tables.epoch && drawing.head() > tables.head
                });
                assert!(
                    plan != ReadPlan::Living { renew: None }
                        || !is_same_epoch
                        || self.checks.is_restored_lately(self.now),
                    "a feed starts over in an epoch whose positions mean two things"
                );
                self.begin_read(asker, plan);
            }
            Effect::Append { expected, decision } => {
                let ops = decision.verdicts.len();
                let batch = feed.queued.iter().take(ops).cloned().collect();
                let number = self.database.next_append();
                let fate = self.fate(server);
                let decided = self.wall(server);
                let append = Append {
                    decided,
                    expected,
                    decision,
                    batch,
                    number,
                };
                self.note(|| {
                    let ops = append.batch.iter();
                    let ops: Vec<_> = ops
                        .map(|(_, w, op)| format!("{}-{}", &w.id.to_string()[..4], op.n))
                        .collect();
                    let head = expected.head;
                    format!("server {server}: appends {ops:?} after {head}, {fate:?}")
                });
                let begin = DatabaseEvent::Begin {
                    asker,
                    append: Box::new(append),
                    fate,
                };
                self.ask_database(server, begin);
            }
            Effect::WriteIndex(index) => self.begin_index(asker, index),
            Effect::Probe => self.ask_database(server, DatabaseEvent::Probe(asker)),
            Effect::CheckHead => {
                let asked = self.instant(self.servers[server].ahead);
                self.ask_database(server, DatabaseEvent::CheckHead(asker, asked));
            }
            Effect::ReadRules => self.ask_database(server, DatabaseEvent::ReadRules(asker)),
            Effect::Publish { number, body } => {
                let is_second = std::mem::replace(&mut feed.is_publishing, true);
                assert!(!is_second, "two signal rows are in flight");
                let Some(id) = self.servers[server].server else {
                    return;
                };
                let publish = DatabaseEvent::Publish {
                    asker,
                    id,
                    number,
                    body,
                };
                self.ask_database(server, publish);
            }
            Effect::Defer => {
                let event = ServerEvent::Feed {
                    feed: asker.feed,
                    input: Box::new(Input::Deferred),
                };
                self.later(server, Duration::ZERO, event);
            }
            Effect::Sessions(_) => {}
            Effect::CloseIfIdle { requests } => {
                if feed.requests == requests {
                    self.coverage.count("feeds closed idle");
                    self.drop_feed(server, drawing);
                }
            }
            Effect::Stop => {
                feed.is_registered = false;
                let stop = ServerEvent::Stop { feed: asker.feed };
                self.later(server, Duration::ZERO, stop);
            }
        }
    }

    pub fn set_timer(&mut self, server: usize, drawing: usize) {
        let ahead = self.servers[server].ahead;
        let Some(feed) = self.servers[server].feeds.get_mut(&drawing) else {
            return;
        };
        let next = feed.core.next_timer();
        if feed.timer == next {
            return;
        }
        feed.timer = next;
        let number = feed.number;
        if let Some(at) = next {
            let wait = self.time_of(at, ahead).saturating_sub(self.now);
            let timer = ServerEvent::Timer { feed: number, at };
            self.later(server, wait, timer);
        }
    }

    pub fn compare_heads(&mut self, server: usize) {
        let Some(interval) = self.plan.head_check_interval else {
            return;
        };
        self.later(server, interval, ServerEvent::CompareHeads);
        for drawing in self.open_drawings(server) {
            let asker = self.asker(server, drawing);
            let asked = self.instant(self.servers[server].ahead);
            self.ask_database(server, DatabaseEvent::CheckHead(asker, asked));
        }
    }

    /// A server's clock jumps forward: its timers are due.
    pub fn jump_clock(&mut self, server: usize, by: Duration) {
        self.servers[server].ahead += by;
        self.servers[server].resumed_at = self.now;
        for drawing in self.open_drawings(server) {
            if let Some(feed) = self.servers[server].feeds.get_mut(&drawing) {
                feed.timer = None;
            }
            self.set_timer(server, drawing);
        }
    }
}
