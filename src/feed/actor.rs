//! The actor of one open drawing: passes inputs to the pure [`Core`], and executes its effects.
//!
//! It must never decide anything itself.

use std::time::Instant;

use actix::fut::wrap_future;
use actix::prelude::*;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::core::{Core, Effect, Environment, Input, ReadResult};
use super::registration::Registration;
use super::replica::ReadPlan;
use super::session_mailbox::SessionMailbox;
use super::standings::WallClock;
use super::state::FeedState;
use crate::access;
use crate::domain::drawing::{Drawing, Limits};
use crate::domain::ids::DrawingId;
use crate::domain::op::Change;
use crate::domain::sequence::Seq;
use crate::store::{Chunk, LiveEvent, Store, StoreError};

/// A handle to a feed, held by a session.
#[derive(Clone)]
pub struct FeedHandle {
    /// The feed's address.
    pub feed: Addr<Feed>,
    /// The capacity for ops and the head.
    pub state: FeedState,
}

/// An input for a feed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ToFeed(pub Input<SessionMailbox>);

/// The server stops: store what is queued, then close the sessions, and stop.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Drain {
    pub finished: oneshot::Sender<()>,
}

/// The actor of one open drawing on one server.
pub struct Feed {
    id: DrawingId,
    store: Store,
    limits: Limits,
    mailbox_capacity: usize,
    core: Core<SessionMailbox>,
    /// Effects that the core gave and that are not executed yet.
    effects: Vec<Effect>,
    registration: Registration<FeedHandle>,
    /// The live queries, while they are open or requested.
    subscription: Option<SpawnHandle>,
    /// The timer that is set, and its time.
    timer: Option<(Instant, SpawnHandle)>,
    /// Notified at the end of a drain.
    drained: Option<oneshot::Sender<()>>,
}

/// Sent to itself: stop after everything that was sent before.
#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

impl Feed {
    pub(super) fn new(
        store: Store,
        environment: Environment,
        registration: Registration<FeedHandle>,
    ) -> Self {
        let mut effects = Vec::new();
        Self {
            id: environment.drawing,
            store,
            limits: environment.settings.limits,
            mailbox_capacity: environment.settings.feed_mailbox,
            core: Core::begin(environment, fastrand::u64(..), Instant::now(), &mut effects),
            effects,
            registration,
            subscription: None,
            timer: None,
            drained: None,
        }
    }

    /// Passes an input to the core, and executes the effects.
    fn step(&mut self, input: Input<SessionMailbox>, ctx: &mut Context<Self>) {
        self.core.step(Instant::now(), input, &mut self.effects);
        self.execute(ctx);
    }

    fn execute(&mut self, ctx: &mut Context<Self>) {
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            self.execute_one(effect, ctx);
        }
        self.effects = effects;
        self.set_timer(ctx);
    }

    fn execute_one(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        let (store, id) = (self.store.clone(), self.id);
        match effect {
            Effect::Subscribe => self.subscribe(ctx),
            Effect::Read(plan) => {
                let limits = self.limits;
                let read = async move { read(&store, id, limits, plan).await };
                self.then(read, Input::ReadEnded, ctx);
            }
            Effect::Append { expected, decision } => {
                let append = async move {
                    let result = store
                        .append(id, expected, &decision.changes, &decision.replaced)
                        .await;
                    (decision, result)
                };
                let appended = move |(decision, result)| Input::Appended {
                    expected,
                    decision,
                    result,
                };
                self.then(append, appended, ctx);
            }
            Effect::WriteIndex(index) => {
                let write = async move { store.write_index(id, &index).await };
                ctx.spawn(wrap_future(write).map(|written, feed: &mut Self, ctx| {
                    if let Err(error) = written {
                        log::debug!("drawing {} has no index of its strokes: {error}", feed.id);
                        feed.step(Input::IndexFailed, ctx);
                    }
                }));
            }
            Effect::Probe => {
                self.then(
                    async move { store.probe_write(id).await },
                    Input::Probed,
                    ctx,
                );
            }
            Effect::CheckHead => {
                let asked = Instant::now();
                let heads = async move { store.heads(&[id]).await };
                ctx.spawn(wrap_future(heads).map(move |heads, feed: &mut Self, ctx| {
                    // Without an answer nothing is known: the next check will retry.
                    if let Ok(mut heads) = heads {
                        let report = heads.pop();
                        feed.step(Input::Head { asked, report }, ctx);
                    }
                }));
            }
            Effect::ReadRules => {
                let rules = async move { store.rules(id).await };
                let read = |result| Input::Rules {
                    result,
                    clock: wall_clock(),
                };
                self.then(rules, read, ctx);
            }
            Effect::Publish { number, body } => {
                let publish = async move { store.signal(id, body).await };
                let published = move |result| Input::Published { number, result };
                self.then(publish, published, ctx);
            }
            // Queued behind everything that is ready, so that it happens once for all.
            Effect::Defer => ctx.notify(ToFeed(Input::Deferred)),
            Effect::Sessions(count) => self.registration.count(count),
            Effect::CloseIfIdle { requests } => {
                if self.registration.remove_if_idle(requests) {
                    ctx.stop();
                }
            }
            Effect::Stop => {
                self.registration.remove();
                ctx.notify(Stop);
            }
        }
    }

    /// Runs a future, and passes its output to the core as an input.
    fn then<F: Future + 'static>(
        &self,
        future: F,
        input: impl FnOnce(F::Output) -> Input<SessionMailbox> + 'static,
        ctx: &mut Context<Self>,
    ) {
        let done = |output, feed: &mut Self, ctx: &mut Context<Self>| {
            feed.step(input(output), ctx);
        };
        ctx.spawn(wrap_future(future).map(done));
    }

    fn subscribe(&mut self, ctx: &mut Context<Self>) {
        if let Some(open) = self.subscription.take() {
            ctx.cancel_future(open);
        }
        let (store, id) = (self.store.clone(), self.id);
        let subscribed = async move { store.subscribe(id).await };
        let opened = wrap_future(subscribed).map(|subscribed, feed: &mut Self, ctx| {
            let result = subscribed.map(|subscription| {
                let events = futures_util::stream::unfold(subscription, |mut open| async move {
                    open.next().await.map(|event| (event, open))
                });
                feed.subscription = Some(Self::add_stream(events, ctx));
            });
            feed.step(Input::Subscribed(result), ctx);
        });
        self.subscription = Some(ctx.spawn(opened));
    }

    /// Sets the actor's timer to the core's next timer.
    fn set_timer(&mut self, ctx: &mut Context<Self>) {
        let next = self.core.next_timer();
        if self.timer.map(|(at, _)| at) == next {
            return;
        }
        if let Some((_, set)) = self.timer.take() {
            ctx.cancel_future(set);
        }
        self.timer = next.map(|at| {
            let wait = at.saturating_duration_since(Instant::now());
            let set = ctx.run_later(wait, |feed, ctx| {
                feed.timer = None;
                feed.step(Input::Timer, ctx);
            });
            (at, set)
        });
    }
}

impl Actor for Feed {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.mailbox_capacity);
        self.execute(ctx);
    }
}

impl StreamHandler<LiveEvent> for Feed {
    fn handle(&mut self, event: LiveEvent, ctx: &mut Self::Context) {
        self.step(Input::Event(event), ctx);
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        self.subscription = None;
        self.step(Input::SubscriptionEnded, ctx);
    }
}

impl Handler<ToFeed> for Feed {
    type Result = ();

    fn handle(&mut self, ToFeed(input): ToFeed, ctx: &mut Self::Context) {
        self.step(input, ctx);
    }
}

impl Handler<Drain> for Feed {
    type Result = ();

    fn handle(&mut self, Drain { finished }: Drain, ctx: &mut Self::Context) {
        self.drained = Some(finished);
        self.step(Input::Drain, ctx);
    }
}

impl Handler<Stop> for Feed {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        if let Some(drained) = self.drained.take() {
            // The caller of a drain that timed out has gone.
            let _ = drained.send(());
        }
        ctx.stop();
    }
}

/// What time it is, for accesses that end at some time.
pub(super) fn wall_clock() -> WallClock {
    WallClock::new(Instant::now(), access::now())
}

async fn read(
    store: &Store,
    id: DrawingId,
    limits: Limits,
    plan: ReadPlan,
) -> Result<ReadResult, StoreError> {
    match plan {
        ReadPlan::Living { renew } => {
            if let Some(epoch) = renew {
                store.renew_epoch(id, epoch).await?;
            }
            let loaded = store.load(id).await?;
            let (epoch, compacted, head) = (loaded.epoch, loaded.compacted, loaded.head);
            let (living, tombstones) = (loaded.living, loaded.tombstones);
            // Milliseconds for a large drawing, in which this thread has others to serve.
            let build = move || {
                let mut drawing = Drawing::living_only(epoch, compacted, head, limits, living);
                if let Some(tombstones) = tombstones {
                    drawing.add_tombstones(tombstones);
                }
                drawing
            };
            let built = spawn_blocking(build).await;
            Ok(ReadResult::Living {
                drawing: built.map_err(|failed| StoreError::Unavailable(failed.to_string()))?,
                title: loaded.title,
                rules: loaded.rules,
                indexed: loaded.indexed,
            })
        }
        ReadPlan::Changes {
            since,
            tombstones: (after, through),
        } => {
            let tombstones = read_tombstones(store, id, after, through).await?;
            let chunks = read_changes(store, id, since).await?;
            Ok(ReadResult::Changes {
                since,
                chunks,
                tombstones,
            })
        }
    }
}

/// All tombstones after a position up to another one.
async fn read_tombstones(
    store: &Store,
    id: DrawingId,
    after: Seq,
    through: Seq,
) -> Result<Vec<Change>, StoreError> {
    let (mut tombstones, mut at) = (Vec::new(), after);
    while at < through {
        let chunk = store.tombstones(id, at, through).await?;
        tombstones.extend(chunk.changes);
        at = chunk.head;
    }
    Ok(tombstones)
}

/// All chunks after `since`, up to the database's head as the last of them reported it.
async fn read_changes(store: &Store, id: DrawingId, since: Seq) -> Result<Vec<Chunk>, StoreError> {
    let mut chunks = Vec::new();
    let mut at = since;
    loop {
        let chunk = store.since(id, at).await?;
        at = chunk.head;
        let more = chunk.more;
        chunks.push(chunk);
        if !more {
            return Ok(chunks);
        }
    }
}
