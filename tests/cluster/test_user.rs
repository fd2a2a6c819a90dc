//! Someone who has a page open: a page that lives on in the background, and reconnects by itself.
//!
//! It must never be kinder than a page: it waits, asks, pings and sends again by the rules of
//! `static/`, and a server that breaks a rule fails the test.

mod rules;
mod socket;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use whiteboard::domain::ids::{StrokeId, Writer, WriterId};

use crate::page::{Closed, Page, pen};
use crate::process::Log;
use socket::{End, UserTask};

/// How long anything that is waited for may take, on a machine that is busy with other things too.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How long a page waits for a sign of life.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After so much silence it asks whether the server is there …
    pub ping_after: Duration,
    /// … and waits so long for anything, as it does for a socket to open.
    pub answer_within: Duration,
}

impl Default for Patience {
    /// That of a page.
    fn default() -> Self {
        Self {
            ping_after: rules::PING_AFTER,
            answer_within: rules::ANSWER_WITHIN,
        }
    }
}

/// A page, and what became of its sockets.
pub struct Seen {
    page: Page,
    /// Which server its socket was opened to last, if a balancer said so.
    pub server: Option<usize>,
    /// When it was welcome, each time.
    pub welcomed: Vec<Instant>,
    /// When it lost a socket that was welcome, each time.
    pub lost: Vec<Instant>,
    /// When an answer to an op came, each time.
    pub answered: Vec<Instant>,
    /// How often each op was sent.
    pub sent: BTreeMap<u64, usize>,
    /// Ops whose answers were lost with a socket: the welcome of the next one said that they are done.
    pub done_by_welcome: BTreeSet<u64>,
    /// Attempts to connect.
    pub attempts: usize,
    /// Why it does not come back: the server said that it makes no sense.
    pub ended: Option<Closed>,
}

impl Deref for Seen {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl Seen {
    /// Whether a stroke is there, and not erased.
    pub fn is_there(&self, stroke: StrokeId) -> bool {
        self.strokes.get(&stroke).is_some_and(|held| !held.erased)
    }

    /// How often it came back after it had lost its socket.
    pub fn reconnects(&self) -> usize {
        self.welcomed.len().saturating_sub(1)
    }

    /// How many ops were sent more than once.
    pub fn sent_again(&self) -> usize {
        self.sent.values().filter(|times| **times > 1).count()
    }
}

/// What a test asks of a page that lives in the background.
enum Ask {
    Signal(Value),
    /// The socket breaks without a goodbye.
    Cut,
    /// Nothing is read until it says so again.
    Read(bool),
    /// It reads over HTTP at this address, then asks for what is missing yet.
    Load(SocketAddr),
    Leave,
}

/// A page in the background. When it is dropped, it goes without a goodbye.
pub struct TestUser {
    pub name: String,
    seen: watch::Sender<Seen>,
    /// Ends when the page broke.
    alive: watch::Receiver<()>,
    asks: mpsc::UnboundedSender<Ask>,
    task: Option<JoinHandle<()>>,
}

impl TestUser {
    /// Opens a page, which loads the drawing and connects. With a server it asks the balancer
    /// for that one first.
    pub fn open(
        address: SocketAddr,
        drawing: &str,
        name: &str,
        first: Option<usize>,
        patience: Patience,
        log: &Log,
    ) -> Self {
        let mut page = Page::new(address, drawing);
        page.name = Some(name.to_owned());
        let seen = watch::Sender::new(Seen {
            page,
            server: None,
            welcomed: Vec::new(),
            lost: Vec::new(),
            answered: Vec::new(),
            sent: BTreeMap::new(),
            done_by_welcome: BTreeSet::new(),
            attempts: 0,
            ended: None,
        });
        let (asks, asked) = mpsc::unbounded_channel();
        let (beats, alive) = watch::channel(());
        let task = UserTask::new(name, seen.clone(), asked, first, patience, log.clone());
        let task = tokio::spawn(async move {
            if task.live().await == End::Final {
                // Stays until nobody looks any more: only a page that broke ends the channel before.
                beats.closed().await;
            }
        });
        Self {
            name: name.to_owned(),
            seen,
            alive,
            asks,
            task: Some(task),
        }
    }

    /// What it holds, and what became of its sockets, right now.
    pub fn seen(&self) -> watch::Ref<'_, Seen> {
        // A test borrows for a moment only: the page cannot go on meanwhile.
        self.check();
        self.seen.borrow()
    }

    /// Its public id, which it has before it is welcome.
    pub fn writer(&self) -> WriterId {
        self.identity().id
    }

    /// The same, with the person's.
    pub fn identity(&self) -> Writer {
        let seen = self.seen();
        Writer::new(seen.key, seen.tab)
    }

    /// Draws a stroke; it is in the outbox until it is answered.
    pub fn draw(&self, body: Value) -> StrokeId {
        let stroke = StrokeId::random();
        self.submit(json!({"op": "draw", "stroke": stroke, "body": body}));
        stroke
    }

    /// Changes some fields of a stroke.
    pub fn edit(&self, stroke: StrokeId, set: Value) -> u64 {
        self.submit(json!({"op": "edit", "stroke": stroke, "set": set}))
    }

    /// Erases a stroke.
    pub fn erase(&self, stroke: StrokeId) -> u64 {
        self.submit(json!({"op": "erase", "stroke": stroke}))
    }

    /// Puts any op into the outbox under its next number, which it gives.
    pub fn submit(&self, op: Value) -> u64 {
        self.check();
        let mut n = 0;
        self.seen.send_modify(|seen| n = seen.page.submit(op));
        n
    }

    /// Draws one stroke after another, with a pause between two, until it is stopped.
    pub fn draws_steadily(&self, pause: Duration) -> Drawing {
        self.check();
        let seen = self.seen.clone();
        let (stop, mut stopped) = oneshot::channel();
        let drawing = tokio::spawn(async move {
            let mut drawn = Vec::new();
            let mut pauses = tokio::time::interval(pause);
            loop {
                tokio::select! {
                    _ = &mut stopped => return drawn,
                    _ = pauses.tick() => {}
                }
                let stroke = StrokeId::random();
                let draw = json!({"op": "draw", "stroke": stroke, "body": pen(drawn.len() as f64)});
                seen.send_modify(|seen| {
                    seen.page.submit(draw);
                });
                drawn.push(stroke);
            }
        });
        Drawing { stop, drawing }
    }

    /// Signals a pointer, ink or being away; nothing if it has no socket.
    pub fn signal(&self, mut signal: Value) {
        signal["type"] = json!("signal");
        self.ask(Ask::Signal(signal));
    }

    /// Takes another name, and comes again to say so: a page says who it is once for each socket.
    pub fn rename(&self, name: &str) {
        self.check();
        self.seen
            .send_modify(|seen| seen.page.name = Some(name.to_owned()));
        self.cut();
    }

    /// Its connection breaks, without a goodbye; it comes back by itself.
    pub fn cut(&self) {
        self.ask(Ask::Cut);
    }

    /// Reads nothing any more.
    pub fn stop_reading(&self) {
        self.ask(Ask::Read(false));
    }

    /// Reads on.
    pub fn read_on(&self) {
        self.ask(Ask::Read(true));
    }

    /// Reads over HTTP, as a page that is told to, and finds itself at this server.
    pub fn load_at(&self, address: SocketAddr) {
        self.ask(Ask::Load(address));
    }

    /// Closes its page.
    pub async fn leave(mut self) {
        self.ask(Ask::Leave);
        if let Some(task) = self.task.take() {
            let left = timeout(DEADLINE, task).await;
            left.expect("it leaves in time")
                .expect("no rule was broken");
        }
    }

    /// Waits until something holds.
    ///
    /// # Panics
    ///
    /// When it does not hold in time, or when a server broke a rule.
    pub async fn wait(&self, what: &str, holds: impl Fn(&Seen) -> bool) {
        self.wait_within(DEADLINE, what, holds).await;
    }

    /// The same with a deadline of the test's own.
    pub async fn wait_within(&self, within: Duration, what: &str, holds: impl Fn(&Seen) -> bool) {
        let (mut seen, mut alive) = (self.seen.subscribe(), self.alive.clone());
        let waiting = async {
            tokio::select! {
                held = seen.wait_for(|seen| holds(seen)) => drop(held),
                _ = alive.changed() => self.check(),
            }
        };
        if timeout(within, waiting).await.is_err() {
            let (name, seen) = (&self.name, self.seen());
            panic!(
                "{name} waited longer than {within:?} for {what}: {:?}",
                seen.page
            );
        }
    }

    /// Waits until every op is answered.
    pub async fn saved(&self) {
        self.wait("answers to all ops", |seen| seen.outbox.is_empty())
            .await;
    }

    /// Waits until it holds a stroke, which is not erased.
    pub async fn sees(&self, stroke: StrokeId) {
        self.wait("a stroke", |seen| seen.is_there(stroke)).await;
    }

    /// No op was refused for good, it never had to start over, and nobody sent it away.
    pub fn assert_clean(&self) {
        let (name, seen) = (&self.name, self.seen());
        assert!(seen.refusals.is_empty(), "{name}: {:?}", seen.refusals);
        self.kept_its_replica();
    }

    /// It never had to start over, and nobody sent it away.
    pub fn kept_its_replica(&self) {
        let (name, seen) = (&self.name, self.seen());
        assert!(seen.resets.is_empty(), "{name}: {:?}", seen.resets);
        assert_eq!(seen.ended, None, "{name}");
    }

    fn ask(&self, ask: Ask) {
        self.check();
        // A page that ended has nothing to do.
        let _ = self.asks.send(ask);
    }

    fn check(&self) {
        assert!(
            self.alive.has_changed().is_ok(),
            "the page of {} broke: its panic is above",
            self.name
        );
    }
}

/// A user that draws until it is told to stop, or until this is dropped.
pub struct Drawing {
    stop: oneshot::Sender<()>,
    drawing: JoinHandle<Vec<StrokeId>>,
}

impl Drawing {
    /// Stops, and gives what was drawn.
    pub async fn stop(self) -> Vec<StrokeId> {
        drop(self.stop);
        self.drawing.await.expect("drawing does not fail")
    }
}

impl Drop for TestUser {
    fn drop(&mut self) {
        let Some(task) = &self.task else { return };
        let broke = task.is_finished();
        task.abort();
        // A rule that was broken after the test last looked fails it too.
        assert!(
            !broke || std::thread::panicking(),
            "the page of {} broke: its panic is above",
            self.name
        );
    }
}
