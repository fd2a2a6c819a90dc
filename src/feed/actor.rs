//! One open drawing on one server: the actor that appends to it, follows it, and tells its sessions.
//!
//! It is the only one on its server that appends to its drawing. It never waits for a
//! session, and never holds more than its limits.
//!
//! # How it keeps up
//!
//! The feed owns the [`Drawing`] in memory. Three sources move it on, and all are judged by
//! the same stale / next / gap rule: its own commits, the live query, and finite reads.
//! It follows first and reads second. That alone leaks: a write that began before the live
//! query and commits after the read notifies nobody, and a lost last notification leaves no
//! gap to see; so the drawing's head is compared with the database's a few times after each
//! following, and every few seconds for as long as it is open.

mod append;
mod requests;
mod shutdown;
mod signals;
mod sync;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::oneshot;

use super::backoff::Backoff;
use super::chunks::Chunks;
use super::contention::Contention;
use super::messages::{Append, Flush, FromSession, HeadReport};
use super::monitor::LiveQueryMonitor;
use super::presence::{Presence, SHORTEST_PAUSE};
use super::presence_dirty::{PeerUpdate, PresenceDirty};
use super::queue::Queue;
use super::registration::Registration;
use super::requests::{CloseReason, PendingRequest};
use super::settings::FeedSettings;
use super::state::FeedState;
use super::subscribers::{Retained, Subscribers};
use crate::domain::drawing::Drawing;
use crate::domain::ids::{DrawingId, SessionId};
use crate::domain::op::Change;
use crate::domain::people::PeopleUpdate;
use crate::domain::sequence::Seq;
use crate::domain::signal::{Pointer, Signals};
use crate::metrics::{Metrics, Resync};
use crate::store::{LiveEvent, Store};

/// Interval of a feed's presence rows to its peers, with the version of its presence list. The people of
/// a killed server expire after three to four of them, which has to be less than 10 s.
const PRESENCE_INTERVAL: Duration = Duration::from_secs(2);
/// The same is sent so long after the presence list changed: SurrealDB's router engine loses a row now and
/// then, and within a second everyone is to know.
const PEOPLE_AGAIN: Duration = Duration::from_millis(400);
/// Versions of who is here begin at a number up to this one, so that no two feeds of a drawing begin alike. It
/// leaves what a page can count to.
const FIRST_VERSIONS: u64 = u32::MAX as u64;
/// Interval at which sessions that fell behind are sent what they lack.
const CATCH_UP_TICK: Duration = Duration::from_millis(50);
/// Delays after a subscription at which the head is compared with the database's.
const HEAD_CHECKS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// A session's hold on a feed.
#[derive(Clone)]
pub struct FeedHandle {
    /// The feed's address.
    pub feed: Addr<Feed>,
    /// Its room and its head.
    pub state: FeedState,
}

/// The feed of one open drawing.
pub struct Feed {
    id: DrawingId,
    store: Store,
    metrics: Arc<Metrics>,
    settings: Arc<FeedSettings>,
    registration: Registration<FeedHandle>,
    state: FeedState,
    /// Nothing until the first read.
    drawing: Option<Drawing>,
    title: String,
    /// Chunks that were read over HTTP recently.
    chunks: Chunks,
    subscribers: Subscribers,
    presence: Presence,
    queue: Queue,
    /// The live queries, while they are open.
    subscription: Option<SpawnHandle>,
    /// Subscribed; not read yet.
    resubscribed: bool,
    monitor: LiveQueryMonitor,
    /// Changes that arrived before an earlier one.
    out_of_order: BTreeMap<Seq, Change>,
    /// When the oldest change that was not delivered yet arrived.
    undelivered_since: Option<Instant>,
    /// Requests that wait for a read …
    pending: Vec<PendingRequest>,
    /// … and those that the read in flight answers.
    answered_by_read: Vec<PendingRequest>,
    /// Signals for this server's sessions, and for the other servers.
    for_sessions: Signals,
    for_peers: Signals,
    presence_dirty: PresenceDirty,
    /// Waits until the row in flight is written.
    pending_presence: Option<PeopleUpdate>,
    /// A peer's row was missed: request its presence list.
    want_presence: bool,
    last_tick: Instant,
    idle_since: Instant,
    /// Joins and reads that reached this feed.
    requests_seen: u64,
    /// Reads and subscriptions that failed in a row.
    read_backoff: Backoff,
    /// Appends that failed, or had no answer.
    append_backoff: Backoff,
    contention: Contention,
    /// The head as this feed's last append left it …
    head_after_append: Option<Seq>,
    /// … and when it last found that another server had moved it since.
    last_contention: Option<Instant>,
    /// Verdicts wait for a read that begins after their ops came, or had it.
    verify_head: bool,
    head_verified: bool,
    in_flight: InFlight,
    finished: Option<oneshot::Sender<()>>,
    closing: Option<CloseReason>,
}

/// What is under way or scheduled, each at most once.
#[derive(Default)]
struct InFlight {
    appending: bool,
    reading: bool,
    read_again: bool,
    gap: bool,
    flush: bool,
    tick: bool,
    people: bool,
    yielding: bool,
    people_again: bool,
    signalling: bool,
    catch_up: bool,
}

impl Feed {
    pub(super) fn new(
        id: DrawingId,
        store: Store,
        settings: Arc<FeedSettings>,
        state: FeedState,
        registration: Registration<FeedHandle>,
    ) -> Self {
        let now = Instant::now();
        Self {
            id,
            registration,
            drawing: None,
            title: String::new(),
            chunks: Chunks::new(state.chunk_capacity.clone(), Arc::clone(store.metrics())),
            subscribers: Subscribers::new(Arc::clone(store.metrics())),
            metrics: Arc::clone(store.metrics()),
            store,
            presence: Presence::begin(fastrand::u64(..=FIRST_VERSIONS)),
            queue: Queue::new(state.capacity.clone()),
            state,
            settings,
            subscription: None,
            resubscribed: false,
            monitor: LiveQueryMonitor::default(),
            out_of_order: BTreeMap::new(),
            undelivered_since: None,
            pending: Vec::new(),
            answered_by_read: Vec::new(),
            for_sessions: Signals::default(),
            for_peers: Signals::default(),
            presence_dirty: PresenceDirty::default(),
            pending_presence: None,
            want_presence: false,
            last_tick: now - SHORTEST_PAUSE,
            idle_since: now,
            requests_seen: 0,
            read_backoff: Backoff::default(),
            append_backoff: Backoff::default(),
            contention: Contention::default(),
            head_after_append: None,
            last_contention: None,
            verify_head: false,
            head_verified: false,
            in_flight: InFlight::default(),
            finished: None,
            closing: None,
        }
    }

    fn head(&self) -> Seq {
        self.drawing.as_ref().map_or(0, Drawing::head)
    }

    fn on_presence_tick(&mut self, ctx: &mut Context<Self>) {
        for session in self.subscribers.evict_stalled(Instant::now()) {
            log::info!(
                "session {session} of drawing {} stalled; closing it",
                self.id
            );
            self.remove_session(session, ctx);
        }
        self.forget_pending(|_| false);
        self.chunks.forget_unused(Instant::now());
        if self.subscription.is_some() && self.monitor.is_stalled(self.head()) {
            log::warn!("live query of drawing {} stalled; resubscribing", self.id);
            self.subscribe(ctx);
        }
        if self.presence.expire_silent() {
            self.people_changed(ctx);
        }
        if self.presence.is_shared() {
            self.presence_dirty.for_peers(PeerUpdate::Changes);
            self.schedule_tick(ctx);
        }
    }

    fn close_if_idle(&mut self, ctx: &mut Context<Self>) {
        let request = !self.pending.is_empty() || !self.answered_by_read.is_empty();
        if !self.subscribers.is_empty() || request || !self.queue.is_empty() {
            self.idle_since = Instant::now();
        } else if self.idle_since.elapsed() >= self.settings.idle_timeout
            && self.registration.remove_if_idle(self.requests_seen)
        {
            ctx.stop();
        }
    }

    fn remove_session(&mut self, session: SessionId, ctx: &mut Context<Self>) {
        self.forget_pending(|request| request.session() == Some(session));
        let writer = self
            .subscribers
            .leave(session)
            .and_then(|subscriber| subscriber.writer);
        if self.presence.leave(session) {
            if let Some(writer) = writer.filter(|writer| self.presence.lists(writer.id)) {
                let pointer = Pointer {
                    writer: writer.id,
                    at: None,
                };
                self.for_sessions.add_pointer(pointer);
            }
            self.people_changed(ctx);
        }
        self.registration.count(self.subscribers.len());
    }

    /// Delivers what is new to the subscribers.
    fn flush(&mut self) {
        let Some(drawing) = &self.drawing else { return };
        self.subscribers.flush(drawing);
        let untold = self.undelivered_since.take();
        if let Some(learnt) = untold.filter(|_| !self.subscribers.is_empty()) {
            self.metrics.delivery.since(learnt);
        }
    }

    fn watch_waiting(&mut self, ctx: &mut Context<Self>) {
        if self.subscribers.has_waiting() && !std::mem::replace(&mut self.in_flight.catch_up, true)
        {
            ctx.run_later(CATCH_UP_TICK, |feed, ctx| {
                feed.in_flight.catch_up = false;
                feed.flush();
                if let Some(drawing) = &feed.drawing {
                    feed.subscribers.catch_up(drawing);
                }
                feed.watch_waiting(ctx);
            });
        }
    }
}

impl Actor for Feed {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.settings.feed_mailbox);
        self.subscribe(ctx);
        ctx.run_interval(PRESENCE_INTERVAL, Self::on_presence_tick);
        let idle_look = PRESENCE_INTERVAL.min(self.settings.idle_timeout);
        ctx.run_interval(idle_look, Self::close_if_idle);
    }
}

impl StreamHandler<LiveEvent> for Feed {
    fn handle(&mut self, event: LiveEvent, ctx: &mut Self::Context) {
        match event {
            LiveEvent::Change(change) => {
                self.monitor.change(change.seq);
                self.arrived(*change, ctx);
            }
            LiveEvent::Signals { server, body } => self.on_peer_row(server, &body, ctx),
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        log::warn!("live query of drawing {} ended; resubscribing", self.id);
        self.subscription = None;
        let wait = self.read_backoff.wait();
        ctx.run_later(wait, |feed, ctx| feed.subscribe(ctx));
    }
}

impl Handler<FromSession> for Feed {
    type Result = ();

    fn handle(&mut self, message: FromSession, ctx: &mut Self::Context) {
        match message {
            FromSession::Join {
                session,
                mailbox,
                since,
                epoch,
            } => {
                self.requests_seen += 1;
                self.idle_since = Instant::now();
                let join = PendingRequest::Join {
                    session,
                    mailbox,
                    since,
                    epoch,
                };
                self.request(join, Resync::Warm, ctx);
            }
            FromSession::Hello {
                session,
                hello,
                access,
            } => {
                let hello = PendingRequest::Hello {
                    session,
                    hello,
                    access,
                };
                self.request(hello, Resync::Warm, ctx);
            }
            FromSession::Submit {
                session,
                writer,
                ops,
            } => {
                if self.closing.is_some() {
                    // Its session is about to be closed, and its page sends them to another server.
                    return;
                }
                self.queue.push(session, writer, ops);
                // Behind what else is ready, so that it goes in the same transaction.
                ctx.notify(Append);
            }
            FromSession::Signal { session, signal } => self.signalled(session, signal, ctx),
            FromSession::Since {
                session,
                since,
                epoch,
            } => {
                // The last one that a page says counts: they must not gather while it is read.
                self.forget_pending(
                    |request| matches!(request, PendingRequest::Since { session: held, .. } if *held == session),
                );
                let since = PendingRequest::Since {
                    session,
                    since,
                    epoch,
                };
                self.request(since, Resync::Warm, ctx);
            }
            FromSession::People { session } => self.subscribers.repeat(session, Retained::People),
            FromSession::Leave { session } => self.remove_session(session, ctx),
        }
    }
}

impl Handler<HeadReport> for Feed {
    type Result = ();

    fn handle(&mut self, HeadReport(head): HeadReport, ctx: &mut Self::Context) {
        self.on_head_report(head, ctx);
    }
}

impl Handler<Flush> for Feed {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Self::Context) {
        self.in_flight.flush = false;
        self.flush();
        self.watch_waiting(ctx);
    }
}
