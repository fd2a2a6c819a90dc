//! The feed of one open drawing as a state machine: inputs go in, effects and messages come out.
//!
//! [`Core::step`] takes the time and one [`Input`]. It does no I/O, reads no clock and waits for
//! nothing, so the same code runs in an actor (the shell, [`super::actor`]) and in a simulation of many
//! servers in virtual time.
//!
//! Two ways out: [`Effect`]s, which the shell executes, and [`Mailbox`], which takes a frame or
//! acknowledgements for one session and answers at once: taken, or full. Besides, a read over HTTP is
//! answered through its oneshot channel, and shared counters ([`Metrics`], [`FeedState`]) are called.
//!
//! # How it keeps up
//!
//! The core holds the drawing in memory ([`Replica`]). Its own appends, the subscription (live queries)
//! and finite reads move it on: changes by the first two are judged by the stale / next / gap rule; a
//! read fills in what is after the head.
//!
//! The core subscribes first and reads second. That alone misses writes: one that began before the
//! live query and committed after the read notifies nobody, and a lost last notification leaves no
//! gap to see. So the head is compared with the database's ([`Input::Head`]): by the core's own timer
//! three times after each subscription, by the registry for all feeds every `head_check_interval`.
//!
//! # Its states
//!
//! ```text
//! lifecycle     Open -> Draining -> Ended                         the server stops
//!               Open -> Ended                                     ForceClose; the drawing is gone, or was never read
//! subscription  Closed -> Opening -> Unread -> Live
//!               Live -> Opening                                   stalled
//!                    -> Closed                                    ended or failed
//! reading       Idle -> InFlight -> Idle
//!                          \-> Waiting -> InFlight                it failed: after a pause
//!               Idle -> Waiting                                   an append had no answer, or an op alone failed
//! rules         Idle -> InFlight -> Idle | Waiting -> InFlight    as for reading
//! appender      Idle -> InFlight -> Idle                          committed: acknowledge; behind: read, decide again
//!                          |                                      no answer: pause, read, decide again
//!                          |                                      several ops failed: split, read, one by one
//!                          \-> Probing -> Idle                    an op alone failed: pause, read, decide again
//! verification  Unverified -> Requested -> Verified               nothing to store: a read proves the head first
//! ```
//!
//! An append begins only if reading, rules and appender are Idle, and no other server has its turn.
//!
//! A stroke passes through `Session(Submit)` → the [queue](super::queue) → `Deferred` → [`Appender`] →
//! `Effect::Append` → `Appended` → [`Replica`] → [`Subscribers`], in this order; on the other servers
//! through `Event(Change)` → [`Replica`] → `Deferred` → [`Subscribers`].

mod access;
mod append;
mod deferred;
mod effect;
mod input;
mod requests;
mod shutdown;
mod signals;
mod sync;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::appender::Appender;
use super::chunks::Chunks;
use super::deferred::Deferred;
use super::lifecycle::{CloseReason, Lifecycle};
use super::mailbox::Mailbox;
use super::messages::{FromSession, Request};
use super::presence::Presence;
use super::replica::Replica;
use super::requests::Requests;
use super::rules_sync::{RulesReading, RulesSync};
use super::settings::FeedSettings;
use super::signals::Signalling;
use super::standings::{Standings, WallClock};
use super::state::FeedState;
use super::subscribers::{Retained, Subscribers};
use super::sync::Sync;
use super::timers::{Timer, Timers};
use crate::domain::ids::{DrawingId, ServerId, SessionId};
use crate::domain::signal::Pointer;
use crate::metrics::{Metrics, Resync};
use crate::store::LiveEvent;

pub use effect::Effect;
pub use input::{Input, ReadResult};

/// How often a feed tells the other servers that it is there, and which version of its people they
/// should have. A killed server's people are gone after three to four, which has to be less than 10 s.
const FEED_HEARTBEAT: Duration = Duration::from_secs(2);
/// Interval at which a feed checks whether slow subscribers read again.
const CATCH_UP_INTERVAL: Duration = Duration::from_millis(50);
/// Presence versions begin at a random number up to this one, so that no two feeds of a drawing
/// begin alike. It leaves room to count within the integers of JSON.
const FIRST_VERSIONS: u64 = u32::MAX as u64;

/// The parameters of a feed.
pub struct Environment {
    /// The drawing.
    pub drawing: DrawingId,
    /// This server.
    pub server: ServerId,
    /// What it obeys.
    pub settings: Arc<FeedSettings>,
    /// The metrics of this server.
    pub metrics: Arc<Metrics>,
    /// What it shares with its sessions and the registry.
    pub state: FeedState,
    /// The time, by which accesses end.
    pub clock: WallClock,
}

/// The state of one feed.
pub struct Core<M: Mailbox> {
    environment: Environment,
    replica: Replica,
    sync: Sync,
    appender: Appender,
    subscribers: Subscribers<M>,
    standings: Standings,
    rules_sync: RulesSync,
    requests: Requests<M>,
    chunks: Chunks,
    presence: Presence,
    signalling: Signalling,
    deferred: Deferred,
    lifecycle: Lifecycle,
    timers: Timers,
    random: fastrand::Rng,
}

/// The time of a step, and its effects.
struct Step<'a> {
    now: Instant,
    effects: &'a mut Vec<Effect>,
}

impl Step<'_> {
    fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }
}

impl<M: Mailbox> Core<M> {
    /// A new feed; all its random choices follow from `seed`.
    pub fn begin(
        environment: Environment,
        seed: u64,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut core = Self {
            replica: Replica::new(
                environment.settings.reorder_buffer,
                environment.settings.index_after,
            ),
            sync: Sync::new(),
            appender: Appender::new(environment.state.capacity.clone()),
            subscribers: Subscribers::new(Arc::clone(&environment.metrics)),
            standings: Standings::new(environment.clock),
            rules_sync: RulesSync::new(),
            requests: Requests::default(),
            chunks: Chunks::new(
                environment.state.chunk_capacity.clone(),
                Arc::clone(&environment.metrics),
            ),
            presence: Presence::begin(random.u64(..=FIRST_VERSIONS)),
            signalling: Signalling::default(),
            deferred: Deferred::default(),
            lifecycle: Lifecycle::open(now),
            timers: Timers::default(),
            random,
            environment,
        };
        core.timers.set(Timer::Heartbeat, now + FEED_HEARTBEAT);
        core.timers.set(Timer::Idle, now + core.idle_interval());
        core.subscribe(&mut Step { now, effects });
        core
    }

    /// Handles an input.
    pub fn step(&mut self, now: Instant, input: Input<M>, effects: &mut Vec<Effect>) {
        let step = &mut Step { now, effects };
        if self.lifecycle.is_ended() && !matches!(input, Input::Session(_) | Input::HttpRead(_)) {
            // Only those who still arrive are answered.
            return;
        }
        if self.timers.take_if_due(Timer::Access, now) {
            // Nothing may be done, or refused, for a session whose access has ended.
            self.review(step);
        }
        match input {
            Input::Session(message) => self.on_session(message, step),
            Input::HttpRead(request) => {
                self.note_use(now);
                self.request(Request::HttpRead(request), Resync::Warm, step);
            }
            Input::Subscribed(result) => self.on_subscribed(result, step),
            Input::Event(LiveEvent::Change(change)) => {
                self.sync.monitor.on_change(change.seq);
                self.on_change(*change, step);
            }
            Input::Event(LiveEvent::Signals { server, body }) => {
                self.on_peer_row(server, &body, step);
            }
            Input::SubscriptionEnded => self.on_subscription_ended(step),
            Input::ReadEnded(result) => self.on_read_ended(result, step),
            Input::Appended {
                expected,
                decision,
                result,
            } => self.on_appended(expected, decision, result, step),
            Input::IndexFailed => self.replica.index_failed(),
            Input::Probed(result) => self.on_probed(result, step),
            Input::Head { asked, report } => self.on_head(asked, report, step),
            Input::Rules { result, clock } => self.on_rules(result, clock, step),
            Input::Published { number, result } => self.on_published(number, result, step),
            Input::Deferred => self.on_deferred(step),
            Input::Timer => {
                // One of them may end the feed, and the others have no purpose then.
                while !self.lifecycle.is_ended()
                    && let Some(timer) = self.timers.pop_due(now)
                {
                    self.on_timer(timer, step);
                }
            }
            Input::Drain => self.drain(step),
            Input::ForceClose => self.end(CloseReason::Restart, step),
        }
        // Whatever was delivered may have found a full mailbox.
        if self.subscribers.has_slow() {
            self.timers
                .set_if_unset(Timer::CatchUp, now + CATCH_UP_INTERVAL);
        }
        if self.lifecycle.is_ended() {
            self.timers = Timers::default();
        }
    }

    /// When [`Input::Timer`] is due.
    pub fn next_timer(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The drawing as it is held.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The state of subscription and read.
    pub fn sync(&self) -> &Sync {
        &self.sync
    }

    /// The ops on their way to the database.
    pub fn appender(&self) -> &Appender {
        &self.appender
    }

    /// What each session may do.
    pub fn standings(&self) -> &Standings {
        &self.standings
    }

    /// The read of the rules.
    pub fn rules_reading(&self) -> RulesReading {
        self.rules_sync.reading
    }

    /// Whether it is open, drains or has ended.
    pub fn lifecycle(&self) -> Lifecycle {
        self.lifecycle
    }

    /// Whether signals wait to be sent.
    pub fn holds_signals(&self) -> bool {
        self.signalling.holds_signals()
    }

    /// The timers that are set.
    pub fn timers(&self) -> &Timers {
        &self.timers
    }

    fn on_session(&mut self, message: FromSession<M>, step: &mut Step) {
        match message {
            FromSession::Request(request) => {
                match &request {
                    Request::Join { .. } => self.note_use(step.now),
                    // The last one counts: changes must not gather while a read is in flight.
                    Request::Since { session, .. } => self.requests.forget_since(*session),
                    Request::Hello { .. } | Request::Renew { .. } | Request::HttpRead(_) => {}
                }
                self.note_entrance(&request, step);
                self.request(request, Resync::Warm, step);
            }
            FromSession::Submit {
                session,
                writer,
                ops,
            } => {
                // The sessions of a feed that ends are closed, and their clients send the ops elsewhere.
                if self.lifecycle.close_reason().is_none() {
                    self.submit(session, writer, ops, step);
                }
            }
            FromSession::Signal { session, signal } => self.on_signal(session, signal, step),
            FromSession::People { session } => {
                self.subscribers.repeat(session, Retained::People, step.now);
            }
            FromSession::Leave { session } => self.remove_session(session, step),
        }
    }

    fn on_timer(&mut self, timer: Timer, step: &mut Step) {
        match timer {
            Timer::Heartbeat => self.on_heartbeat(step),
            Timer::Idle => self.close_if_idle(step),
            Timer::Subscribe => self.subscribe(step),
            Timer::Read => {
                self.sync.end_wait();
                self.read(step);
            }
            Timer::Gap => self.on_gap_timeout(step),
            Timer::Append => self.append(step),
            Timer::Rules => self.read_rules_again(step),
            Timer::Access => self.review(step),
            Timer::HeadCheck => self.on_head_check(step),
            Timer::Signals => self.send_signals(step),
            Timer::Presence => self.schedule_signals(step),
            Timer::CatchUp => {
                self.flush(step);
                if let Some(drawing) = self.replica.drawing() {
                    self.subscribers.catch_up(drawing, step.now);
                }
            }
            Timer::Drain => self.drain(step),
        }
    }

    fn on_heartbeat(&mut self, step: &mut Step) {
        self.timers.set(Timer::Heartbeat, step.now + FEED_HEARTBEAT);
        for session in self.subscribers.evict_stalled(step.now) {
            log::info!(
                "session {session} of drawing {} has not read for too long",
                self.environment.drawing
            );
            self.remove_session(session, step);
        }
        self.requests.forget_abandoned();
        self.chunks.forget_unused(step.now);
        if self.sync.has_stalled(self.replica.head()) {
            log::warn!(
                "live query of drawing {} stalled; resubscribing",
                self.environment.drawing
            );
            self.subscribe(step);
        }
        let index = self.replica.take_due_index();
        step.effects.extend(index.map(Effect::WriteIndex));
        if self.presence.expire_peers() {
            self.presence_changed(step);
            self.signalling.announce_soon();
        }
        if self.presence.is_shared() {
            self.signalling.dirty.for_peers_changes();
            self.schedule_signals(step);
        } else if self.signalling.announcement_is_due() {
            // A peer that opened the drawing may have missed the announcement, or its own was lost.
            self.announce(step);
        }
    }

    /// A join or a read arrived.
    fn note_use(&mut self, now: Instant) {
        self.requests.note_seen();
        self.lifecycle.note_use(now);
    }

    fn remove_session(&mut self, session: SessionId, step: &mut Step) {
        self.requests.forget_session(session);
        let has_end = self.standings.has_end(session);
        self.standings.leave(session, !self.appender.is_empty());
        if has_end {
            self.set_access_timer(step);
        }
        let writer = self.subscribers.leave(session);
        if self.presence.leave(session) {
            if let Some(writer) = writer.filter(|writer| self.presence.lists(writer.id)) {
                self.signalling.for_sessions.add_pointer(Pointer {
                    writer: writer.id,
                    at: None,
                });
            }
            self.presence_changed(step);
        }
        step.effect(Effect::Sessions(self.subscribers.len()));
    }
}

#[cfg(test)]
mod tests;
