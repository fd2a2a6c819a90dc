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

use super::backoff::Setbacks;
use super::chunks::Chunks;
use super::contention::Turns;
use super::messages::{Append, Flush, FromSession, Told};
use super::monitor::Hearing;
use super::presence::{Roster, SHORTEST_PAUSE};
use super::presence_dirty::{ForServers, PeopleDue};
use super::queue::Queue;
use super::registration::Registration;
use super::requests::{Asked, Ending};
use super::settings::FeedSettings;
use super::state::Shared;
use super::subscribers::{Lasting, Members};
use crate::domain::drawing::Drawing;
use crate::domain::ids::{DrawingId, SessionId};
use crate::domain::op::Change;
use crate::domain::people::PeopleUpdate;
use crate::domain::sequence::Seq;
use crate::domain::signal::{Pointer, Signals};
use crate::metrics::{Metrics, Resync};
use crate::store::{Followed, Store};

/// A feed tells the other servers this often that it is there, and which version of its people they should have. A killed server's people are gone after three to four
/// beats, which has to be less than 10 s.
const ROSTER_BEAT: Duration = Duration::from_secs(2);
/// The same is told so long after who is here changed: SurrealDB's router engine loses a row now and
/// then, and within a second everyone is to know.
const PEOPLE_AGAIN: Duration = Duration::from_millis(400);
/// Versions of who is here begin at a number up to this one, so that no two feeds of a drawing begin alike. It
/// leaves what a page can count to.
const FIRST_VERSIONS: u64 = u32::MAX as u64;
/// Those who fell behind are looked at this often.
const CATCH_UP_TICK: Duration = Duration::from_millis(50);
/// The head is compared with the database's so long after each following.
const HEAD_CHECKS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// A feed as a session holds it.
#[derive(Clone)]
pub struct Attached {
    /// The feed's address.
    pub feed: Addr<Feed>,
    /// Its room and its head.
    pub shared: Shared,
}

/// The feed of one open drawing.
pub struct Feed {
    id: DrawingId,
    store: Store,
    metrics: Arc<Metrics>,
    settings: Arc<FeedSettings>,
    registration: Registration<Attached>,
    shared: Shared,
    /// Nothing until the first read.
    drawing: Option<Drawing>,
    title: String,
    /// What was read over HTTP lately.
    chunks: Chunks,
    members: Members,
    roster: Roster,
    queue: Queue,
    /// The live queries, while they are open.
    following: Option<SpawnHandle>,
    /// They are new, and nothing was read since.
    fresh: bool,
    hearing: Hearing,
    /// Changes that came before one that precedes them.
    early: BTreeMap<Seq, Change>,
    /// When the first change that no frame told yet was learnt.
    untold_since: Option<Instant>,
    /// What is asked while nothing was read, or before it is sure where the database is …
    asked: Vec<Asked>,
    /// … and of it what the read that is under way answers.
    read_for: Vec<Asked>,
    /// Signals for this server's sessions, and for the other servers.
    for_sessions: Signals,
    for_servers: Signals,
    people_due: PeopleDue,
    /// What waits for the row before it to be written.
    presence: Option<PeopleUpdate>,
    /// A row of another server was missed.
    asks_people: bool,
    last_tick: Instant,
    idle_since: Instant,
    /// Joins and reads that reached this feed.
    asked_for: u64,
    /// Reads and followings that failed.
    reading_setbacks: Setbacks,
    /// Appends that failed, or had no answer.
    append_setbacks: Setbacks,
    turns: Turns,
    /// The head as this feed's last append left it …
    left: Option<Seq>,
    /// … and when it last found that another server had moved it since.
    others: Option<Instant>,
    /// Verdicts wait for a read that begins after their ops came, or had it.
    confirm: bool,
    confirmed: bool,
    busy: Busy,
    finished: Option<oneshot::Sender<()>>,
    ending: Option<Ending>,
}

/// What is under way or scheduled, each at most once.
#[derive(Default)]
struct Busy {
    appending: bool,
    reading: bool,
    read_again: bool,
    gap: bool,
    flush: bool,
    tick: bool,
    people: bool,
    turn: bool,
    people_again: bool,
    signalling: bool,
    catch_up: bool,
}

impl Feed {
    pub(super) fn new(
        id: DrawingId,
        store: Store,
        settings: Arc<FeedSettings>,
        shared: Shared,
        registration: Registration<Attached>,
    ) -> Self {
        let now = Instant::now();
        Self {
            id,
            registration,
            drawing: None,
            title: String::new(),
            chunks: Chunks::new(shared.chunk_room.clone(), Arc::clone(store.metrics())),
            members: Members::new(Arc::clone(store.metrics())),
            metrics: Arc::clone(store.metrics()),
            store,
            roster: Roster::begin(fastrand::u64(..=FIRST_VERSIONS)),
            queue: Queue::new(shared.room.clone()),
            shared,
            settings,
            following: None,
            fresh: false,
            hearing: Hearing::default(),
            early: BTreeMap::new(),
            untold_since: None,
            asked: Vec::new(),
            read_for: Vec::new(),
            for_sessions: Signals::default(),
            for_servers: Signals::default(),
            people_due: PeopleDue::default(),
            presence: None,
            asks_people: false,
            last_tick: now - SHORTEST_PAUSE,
            idle_since: now,
            asked_for: 0,
            reading_setbacks: Setbacks::default(),
            append_setbacks: Setbacks::default(),
            turns: Turns::default(),
            left: None,
            others: None,
            confirm: false,
            confirmed: false,
            busy: Busy::default(),
            finished: None,
            ending: None,
        }
    }

    fn head(&self) -> Seq {
        self.drawing.as_ref().map_or(0, Drawing::head)
    }

    fn beat(&mut self, ctx: &mut Context<Self>) {
        for session in self.members.give_up(Instant::now()) {
            log::info!(
                "session {session} of drawing {} has not read for too long",
                self.id
            );
            self.left(session, ctx);
        }
        self.forget_asked(|_| false);
        self.chunks.forget_unused(Instant::now());
        if self.following.is_some() && self.hearing.is_deaf(self.head()) {
            log::warn!("drawing {} hears nothing: following again", self.id);
            self.follow(ctx);
        }
        if self.roster.beat() {
            self.people_changed(ctx);
        }
        if self.roster.is_shared() {
            self.people_due.for_servers(ForServers::Changes);
            self.schedule_tick(ctx);
        }
    }

    fn close_if_idle(&mut self, ctx: &mut Context<Self>) {
        let asked = !self.asked.is_empty() || !self.read_for.is_empty();
        if !self.members.is_empty() || asked || !self.queue.is_empty() {
            self.idle_since = Instant::now();
        } else if self.idle_since.elapsed() >= self.settings.idle_close
            && self.registration.remove_if_idle(self.asked_for)
        {
            ctx.stop();
        }
    }

    fn left(&mut self, session: SessionId, ctx: &mut Context<Self>) {
        self.forget_asked(|asked| asked.session() == Some(session));
        let writer = self.members.leave(session).and_then(|member| member.writer);
        if self.roster.leave(session) {
            if let Some(writer) = writer.filter(|writer| self.roster.lists(writer.id)) {
                let pointer = Pointer {
                    writer: writer.id,
                    at: None,
                };
                self.for_sessions.add_pointer(pointer);
            }
            self.people_changed(ctx);
        }
        self.registration.count(self.members.len());
    }

    /// Hands everyone who follows what is new.
    fn flush(&mut self) {
        let Some(drawing) = &self.drawing else { return };
        self.members.flush(drawing);
        let untold = self.untold_since.take();
        if let Some(learnt) = untold.filter(|_| !self.members.is_empty()) {
            self.metrics.delivery.since(learnt);
        }
    }

    fn watch_waiting(&mut self, ctx: &mut Context<Self>) {
        if self.members.has_waiting() && !std::mem::replace(&mut self.busy.catch_up, true) {
            ctx.run_later(CATCH_UP_TICK, |feed, ctx| {
                feed.busy.catch_up = false;
                feed.flush();
                if let Some(drawing) = &feed.drawing {
                    feed.members.catch_up(drawing);
                }
                feed.watch_waiting(ctx);
            });
        }
    }
}

impl Actor for Feed {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.settings.waiting_messages);
        self.follow(ctx);
        ctx.run_interval(ROSTER_BEAT, Self::beat);
        let idle_look = ROSTER_BEAT.min(self.settings.idle_close);
        ctx.run_interval(idle_look, Self::close_if_idle);
    }
}

impl StreamHandler<Followed> for Feed {
    fn handle(&mut self, followed: Followed, ctx: &mut Self::Context) {
        match followed {
            Followed::Change(change) => {
                self.hearing.change(change.seq);
                self.arrived(*change, ctx);
            }
            Followed::Signals { server, body } => self.heard(server, &body, ctx),
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        log::warn!("drawing {} is no longer followed: following again", self.id);
        self.following = None;
        let wait = self.reading_setbacks.wait();
        ctx.run_later(wait, |feed, ctx| feed.follow(ctx));
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
                self.asked_for += 1;
                self.idle_since = Instant::now();
                let join = Asked::Join {
                    session,
                    mailbox,
                    since,
                    epoch,
                };
                self.ask(join, Resync::Warm, ctx);
            }
            FromSession::Hello {
                session,
                hello,
                access,
            } => {
                let hello = Asked::Hello {
                    session,
                    hello,
                    access,
                };
                self.ask(hello, Resync::Warm, ctx);
            }
            FromSession::Submit {
                session,
                writer,
                ops,
            } => {
                if self.ending.is_some() {
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
                self.forget_asked(
                    |asked| matches!(asked, Asked::Since { session: held, .. } if *held == session),
                );
                let since = Asked::Since {
                    session,
                    since,
                    epoch,
                };
                self.ask(since, Resync::Warm, ctx);
            }
            FromSession::People { session } => self.members.repeat(session, Lasting::People),
            FromSession::Leave { session } => self.left(session, ctx),
        }
    }
}

impl Handler<Told> for Feed {
    type Result = ();

    fn handle(&mut self, Told(head): Told, ctx: &mut Self::Context) {
        self.told(head, ctx);
    }
}

impl Handler<Flush> for Feed {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Self::Context) {
        self.busy.flush = false;
        self.flush();
        self.watch_waiting(ctx);
    }
}
