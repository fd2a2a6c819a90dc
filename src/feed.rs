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
mod follow;
mod hearing;
mod messages;
mod signals;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::oneshot;

use crate::drawing::{Drawing, Limits, Verdict};
use append::Append;
use hearing::Hearing;
pub(crate) use messages::{Drain, Read, Told};
pub use messages::{FeedError, FromSession, ReadPage, Shared};
use signals::gather;

use crate::feeds::Registration;
use crate::members::{Answers, Mailbox, Members, judge_since};
use crate::metrics::{Dropped, Filled, Metrics, Outcome, Resync};
use crate::model::{
    Access, Arrival, Change, DrawingId, Life, Refusal, Seq, ServerId, Writer, arrival,
};
use crate::protocol::{Close, Hello, PageSignal, ResetReason, ToBrowser};
use crate::queue::{Queue, SessionId};
use crate::roster::{Roster, ServerSignals};
use crate::signal::{Ink, Person, Pointer, Signals};
use crate::store::{Appended, At, Followed, Head, Page, Store, StoreError};

/// Signals go out at most once in this time.
const SIGNAL_TICK: Duration = Duration::from_millis(33);
/// A feed repeats who is here this often. A killed server's people are gone after three to four
/// beats, which has to be less than 10 s.
const ROSTER_BEAT: Duration = Duration::from_secs(2);
/// Those who fell behind are looked at this often.
const CATCH_UP_TICK: Duration = Duration::from_millis(50);
/// The head is compared with the database's so long after each following.
const HEAD_CHECKS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];
/// Messages of sessions that wait for a feed; when there are more, signals are dropped. What must
/// not be lost goes past this limit, and is bounded by what each session may have on its way.
const MAILBOX: usize = 256;
/// Most points of ink that are gathered for one tick; more is dropped.
const MAX_GATHERED_POINTS: usize = 20_000;
/// The first and the longest wait before a failed read, following or append is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// The time between two batches of sessions that are closed for a drain.
const DRAIN_TICK: Duration = Duration::from_millis(50);
/// Sessions closed in one batch of a drain.
const DRAIN_BATCH: usize = 50;
/// Sessions that are closed for a drain come back spread over this time.
const DRAIN_SPREAD: Duration = Duration::from_secs(2);

/// What a feed obeys.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// What a drawing may hold.
    pub limits: Limits,
    /// Most ops that wait to be appended.
    pub queue_ops: usize,
    /// Most bytes of ops that wait to be appended.
    pub queue_bytes: usize,
    /// How long a change waits for a missing one before it.
    pub gap_hold: Duration,
    /// Most changes that wait so; when there are more, the drawing is read instead.
    pub early_changes: usize,
    /// A feed without a session closes after this time.
    pub idle_close: Duration,
    /// How often the heads of all open drawings are compared with the database's.
    pub heads_interval: Duration,
    /// Names the page's files in `welcome`.
    pub build: String,
}

enum Asked {
    Join {
        session: SessionId,
        mailbox: Mailbox,
        since: Seq,
        life: Option<Life>,
    },
    Hello {
        session: SessionId,
        hello: Hello,
        access: Access,
    },
    Since {
        session: SessionId,
        since: Seq,
        life: Life,
    },
    Read(Read),
}

/// The feed of one open drawing.
pub struct Feed {
    id: DrawingId,
    store: Store,
    metrics: Arc<Metrics>,
    settings: Arc<FeedSettings>,
    registration: Registration,
    shared: Shared,
    /// Nothing until the first read.
    drawing: Option<Drawing>,
    title: String,
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
    /// What is asked while nothing was read, or before it is sure where the database is.
    asked: Vec<Asked>,
    /// Signals for this server's sessions, and for the other servers.
    for_sessions: Signals,
    for_servers: Signals,
    last_tick: Instant,
    idle_since: Instant,
    /// Joins and reads that reached this feed.
    asked_for: u64,
    /// Reads, followings and appends that failed in a row.
    failures: u32,
    /// Swaps that were lost in a row.
    lost: u32,
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

/// Why a feed ends, and what those who are there or come are told.
#[derive(Clone, Copy)]
enum Ending {
    /// The drawing is not there, or no longer.
    NoDrawing,
    /// The drawing was never read.
    Unavailable,
    /// The server goes.
    Restart,
}

impl Ending {
    fn close(self) -> Close {
        match self {
            Ending::NoDrawing => Close::NoDrawing,
            Ending::Unavailable => Close::Load { after: RETRY.1 },
            Ending::Restart => {
                let spread = DRAIN_SPREAD.as_millis() as u64;
                Close::Restart {
                    after: Duration::from_millis(fastrand::u64(0..=spread)),
                }
            }
        }
    }

    fn refuse(self, asked: Asked) {
        match asked {
            Asked::Join { mailbox, .. } => mailbox.close(self.close()),
            Asked::Hello { .. } | Asked::Since { .. } => {}
            Asked::Read(read) => {
                let error = match self {
                    Ending::NoDrawing => FeedError::NotFound,
                    Ending::Unavailable | Ending::Restart => FeedError::Unavailable,
                };
                // A reader that is gone misses nothing.
                let _ = read.answer.send(Err(error));
            }
        }
    }
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
    signalling: bool,
    catch_up: bool,
}

impl Feed {
    pub(crate) fn new(
        id: DrawingId,
        store: Store,
        settings: Arc<FeedSettings>,
        shared: Shared,
        registration: Registration,
    ) -> Self {
        let now = Instant::now();
        Self {
            id,
            registration,
            drawing: None,
            title: String::new(),
            members: Members::new(Arc::clone(store.metrics())),
            metrics: Arc::clone(store.metrics()),
            store,
            roster: Roster::default(),
            queue: Queue::new(shared.room.clone()),
            shared,
            settings,
            following: None,
            fresh: false,
            hearing: Hearing::default(),
            early: BTreeMap::new(),
            untold_since: None,
            asked: Vec::new(),
            for_sessions: Signals::default(),
            for_servers: Signals::default(),
            last_tick: now - SIGNAL_TICK,
            idle_since: now,
            asked_for: 0,
            failures: 0,
            lost: 0,
            left: None,
            others: None,
            confirm: false,
            confirmed: false,
            busy: Busy::default(),
            finished: None,
            ending: None,
        }
    }

    /// Says what failed, aloud only the first time in a row: a database may be away for long.
    fn trouble(&self, what: &str, error: &StoreError) {
        let level = match self.failures {
            0 => log::Level::Warn,
            _ => log::Level::Debug,
        };
        log::log!(level, "drawing {} {what}: {error}", self.id);
    }

    /// Waits a little longer with each failure in a row, and not all servers equally long.
    fn backoff(&mut self) -> Duration {
        let (first, longest) = RETRY;
        let wait = first
            .saturating_mul(1 << self.failures.min(10))
            .min(longest);
        self.failures += 1;
        wait.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    fn head(&self) -> Seq {
        self.drawing.as_ref().map_or(0, Drawing::head)
    }

    /// Answers what waited for a read, now that the feed knows where the database is.
    fn serve_asked(&mut self, ctx: &mut Context<Self>) {
        for asked in std::mem::take(&mut self.asked) {
            self.serve(asked, Resync::Cold, ctx);
        }
    }

    fn ask(&mut self, asked: Asked, ctx: &mut Context<Self>) {
        if let Some(ending) = self.ending {
            ending.refuse(asked);
            return;
        }
        let since = match &asked {
            Asked::Join { since, .. } | Asked::Since { since, .. } => *since,
            Asked::Read(read) => read.since,
            Asked::Hello { .. } => 0,
        };
        // The hello of a session whose join still waits for a read waits with it, or it would be told to nobody.
        let joins_later = match &asked {
            Asked::Hello {
                session: greeting, ..
            } => self
                .asked
                .iter()
                .any(|asked| matches!(asked, Asked::Join { session, .. } if session == greeting)),
            _ => false,
        };
        // A position beyond this feed's head may be right all the same: the feed may lag, so it reads before it judges.
        if self.drawing.is_none() || joins_later {
            self.asked.push(asked);
        } else if since > self.head() {
            self.asked.push(asked);
            self.read(ctx);
        } else {
            self.serve(asked, Resync::Warm, ctx);
        }
    }

    fn serve(&mut self, asked: Asked, resync: Resync, ctx: &mut Context<Self>) {
        let Some(drawing) = &self.drawing else { return };
        match asked {
            Asked::Join {
                session,
                mailbox,
                since,
                life,
            } => {
                self.members
                    .join(session, mailbox, drawing, since, life, resync);
                self.watch_waiting(ctx);
            }
            Asked::Hello {
                session,
                hello,
                access,
            } => self.welcome(session, hello, access, ctx),
            Asked::Since {
                session,
                since,
                life,
            } => {
                self.members
                    .resume(session, drawing, since, Some(life), resync);
                self.watch_waiting(ctx);
            }
            Asked::Read(read) => {
                let (from, reset) = judge_since(drawing, read.since, read.life);
                let resync = reset.map_or(resync, |_| Resync::Reset);
                self.metrics.resyncs.count(resync);
                let page = ReadPage::of(drawing, from, reset.is_some(), &self.title);
                // A reader that is gone misses nothing.
                let _ = read.answer.send(Ok(page));
            }
        }
    }

    fn welcome(
        &mut self,
        session: SessionId,
        hello: Hello,
        access: Access,
        ctx: &mut Context<Self>,
    ) {
        let Some(drawing) = &self.drawing else { return };
        let Some(member) = self.members.get_mut(session) else {
            return;
        };
        let done = drawing.last(hello.writer.id);
        let frame = ToBrowser::Welcome {
            writer: hello.writer.id,
            by: hello.writer.by,
            life: drawing.life(),
            head: drawing.head(),
            done,
            title: &self.title,
            access: access.into(),
            build: &self.settings.build,
        };
        member.welcome(hello.writer, frame.encode(), hello.next.max(done + 1));
        if let Some((name, colour)) = hello.seen_as {
            let Writer { id: writer, by } = hello.writer;
            self.roster.join(
                session,
                Person {
                    writer,
                    by,
                    name,
                    colour,
                },
            );
        }
        self.people_changed(ctx);
    }

    fn beat(&mut self, ctx: &mut Context<Self>) {
        for session in self.members.give_up(Instant::now()) {
            log::info!(
                "session {session} of drawing {} has not read for too long",
                self.id
            );
            self.left(session, ctx);
        }
        if self.following.is_some() && self.hearing.is_deaf(self.head()) {
            log::warn!("drawing {} hears nothing: following again", self.id);
            self.follow(ctx);
        }
        if self.roster.beat() {
            self.people_changed(ctx);
        }
        if self.roster.is_shared() {
            self.for_servers.people = Some(self.roster.here());
            self.schedule_tick(ctx);
        }
        if !self.members.is_empty() || !self.asked.is_empty() || !self.queue.is_empty() {
            self.idle_since = Instant::now();
        } else if self.idle_since.elapsed() >= self.settings.idle_close
            && self.registration.remove_if_idle(self.asked_for)
        {
            ctx.stop();
        }
    }

    fn left(&mut self, session: SessionId, ctx: &mut Context<Self>) {
        self.asked.retain(|asked| match asked {
            Asked::Join { session: held, .. }
            | Asked::Hello { session: held, .. }
            | Asked::Since { session: held, .. } => *held != session,
            Asked::Read(_) => true,
        });
        let writer = self.members.leave(session).and_then(|member| member.writer);
        if self.roster.leave(session) {
            if let Some(writer) = writer {
                let pointer = Pointer {
                    writer: writer.id,
                    place: None,
                };
                gather(
                    &mut self.for_sessions,
                    Signals {
                        pointers: vec![pointer],
                        ..Signals::default()
                    },
                    &self.metrics,
                );
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

    /// What waits for a first read gets none: whoever asked comes back.
    fn unavailable(&mut self, ctx: &mut Context<Self>) {
        if self.drawing.is_none() {
            self.end(Ending::Unavailable, ctx);
        }
    }

    /// Closes all sessions and stops. Whoever asks for the drawing from now on opens another
    /// feed; what was asked of this one already is behind its back, and is refused before it stops.
    fn end(&mut self, ending: Ending, ctx: &mut Context<Self>) {
        self.registration.remove();
        self.ending = Some(ending);
        for asked in std::mem::take(&mut self.asked) {
            ending.refuse(asked);
        }
        self.members.close(usize::MAX, || ending.close());
        ctx.notify(Stop);
    }

    /// Nothing new is taken; what was is committed and answered; then the sessions go in batches.
    fn drain(&mut self, ctx: &mut Context<Self>) {
        self.ending = Some(Ending::Restart);
        for asked in std::mem::take(&mut self.asked) {
            Ending::Restart.refuse(asked);
        }
        let mut busy = !self.queue.is_empty();
        if !busy {
            let closed = self.members.close(DRAIN_BATCH, || Ending::Restart.close());
            let mut seen = false;
            for session in &closed {
                seen |= self.roster.leave(*session);
            }
            if seen {
                // The other servers need not wait until this one is unheard for long enough.
                self.people_changed(ctx);
            }
            busy = !closed.is_empty() || self.busy.tick;
        }
        if busy {
            ctx.run_later(DRAIN_TICK, |feed, ctx| feed.drain(ctx));
            return;
        }
        self.end(Ending::Restart, ctx);
        if let Some(finished) = self.finished.take() {
            // Nobody waits for a drain that took too long.
            let _ = finished.send(());
        }
    }
}

/// Stop, after all that was sent before.
#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

/// Send what is new.
#[derive(Message)]
#[rtype(result = "()")]
struct Flush;

impl Actor for Feed {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.follow(ctx);
        ctx.run_interval(ROSTER_BEAT.min(self.settings.idle_close), |feed, ctx| {
            feed.beat(ctx)
        });
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
        let wait = self.backoff();
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
                life,
            } => {
                self.asked_for += 1;
                self.idle_since = Instant::now();
                self.ask(
                    Asked::Join {
                        session,
                        mailbox,
                        since,
                        life,
                    },
                    ctx,
                );
            }
            FromSession::Hello {
                session,
                hello,
                access,
            } => self.ask(
                Asked::Hello {
                    session,
                    hello,
                    access,
                },
                ctx,
            ),
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
                life,
            } => {
                // The last one that a page says counts: they must not gather while it is read.
                self.asked.retain(
                    |asked| !matches!(asked, Asked::Since { session: held, .. } if *held == session),
                );
                self.ask(
                    Asked::Since {
                        session,
                        since,
                        life,
                    },
                    ctx,
                );
            }
            FromSession::Leave { session } => self.left(session, ctx),
        }
    }
}

impl Handler<Read> for Feed {
    type Result = ();

    fn handle(&mut self, read: Read, ctx: &mut Self::Context) {
        self.asked_for += 1;
        self.idle_since = Instant::now();
        self.ask(Asked::Read(read), ctx);
    }
}

impl Handler<Told> for Feed {
    type Result = ();

    fn handle(&mut self, Told(head): Told, ctx: &mut Self::Context) {
        self.told(head, ctx);
    }
}

impl Handler<Drain> for Feed {
    type Result = ();

    fn handle(&mut self, Drain { finished }: Drain, ctx: &mut Self::Context) {
        self.finished = Some(finished);
        self.drain(ctx);
    }
}

impl Handler<Stop> for Feed {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        ctx.stop();
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
