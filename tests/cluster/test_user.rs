//! A user with a client that runs in the background and reconnects by itself.
//!
//! It must never be more lenient than the browser: it waits, requests, pings and resends by the
//! rules of `static/`, and a server that violates a rule fails the test.

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

/// Deadline of everything that is waited for, on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How long a client waits for a sign of life.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After this silence it sends a ping.
    pub ping_after: Duration,
    /// It waits this long for any frame, or for a socket to open.
    pub answer_within: Duration,
}

impl Default for Patience {
    /// That of the browser.
    fn default() -> Self {
        Self {
            ping_after: rules::PING_AFTER,
            answer_within: rules::ANSWER_WITHIN,
        }
    }
}

/// A client's copy, and the history of its sockets.
pub struct Seen {
    page: Page,
    /// The server of its last socket, if a balancer named it.
    pub server: Option<usize>,
    /// Times of all welcomes.
    pub welcomed: Vec<Instant>,
    /// Times of all losses of a welcome socket.
    pub lost: Vec<Instant>,
    /// Times of all acknowledgements.
    pub answered: Vec<Instant>,
    /// How often each op was sent.
    pub sent: BTreeMap<u64, usize>,
    /// Ops whose acknowledgements were lost with a socket: the next welcome acknowledged them.
    pub done_by_welcome: BTreeSet<u64>,
    /// Attempts to connect.
    pub attempts: usize,
    /// Why it does not reconnect: the server closed it for good.
    pub ended: Option<Closed>,
}

impl Deref for Seen {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl Seen {
    /// Whether a stroke exists and is not erased.
    pub fn is_there(&self, stroke: StrokeId) -> bool {
        self.strokes.get(&stroke).is_some_and(|held| !held.erased)
    }

    /// How often it reconnected after the loss of a socket.
    pub fn reconnects(&self) -> usize {
        self.welcomed.len().saturating_sub(1)
    }

    /// Number of ops that were sent more than once.
    pub fn sent_again(&self) -> usize {
        self.sent.values().filter(|times| **times > 1).count()
    }
}

/// A command to a client in the background.
enum Ask {
    Signal(Value),
    /// The socket breaks without a close frame.
    Cut,
    /// Reads nothing until told otherwise.
    Read(bool),
    /// Reads over HTTP at this address, then requests the rest.
    Load(SocketAddr),
    Leave,
}

/// A client in the background. On drop, it ends without a close frame.
pub struct TestUser {
    pub name: String,
    seen: watch::Sender<Seen>,
    /// Ends when the client panicked.
    alive: watch::Receiver<()>,
    asks: mpsc::UnboundedSender<Ask>,
    task: Option<JoinHandle<()>>,
}

impl TestUser {
    /// Starts a client, which loads the drawing and connects. With a server, it asks the balancer
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
                // Stays until no one reads the state any more: only a client that panicked ends the
                // channel before.
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

    /// The current copy and history.
    pub fn seen(&self) -> watch::Ref<'_, Seen> {
        // A test borrows for a moment only: the client cannot continue meanwhile.
        self.check();
        self.seen.borrow()
    }

    /// Its writer id, known before the welcome.
    pub fn writer(&self) -> WriterId {
        self.identity().id
    }

    /// The same, with the person's id.
    pub fn identity(&self) -> Writer {
        let seen = self.seen();
        Writer::new(seen.key, seen.tab)
    }

    /// Draws a stroke; it is in the outbox until acknowledged.
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

    /// Adds any op to the outbox under the next number, which it returns.
    pub fn submit(&self, op: Value) -> u64 {
        self.check();
        let mut n = 0;
        self.seen.send_modify(|seen| n = seen.page.submit(op));
        n
    }

    /// Draws one stroke after another, with a pause between them, until stopped.
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

    /// Sends a pointer, ink or being away; nothing without a socket.
    pub fn signal(&self, mut signal: Value) {
        signal["type"] = json!("signal");
        self.ask(Ask::Signal(signal));
    }

    /// Takes another name and reconnects, since hello is sent once per socket.
    pub fn rename(&self, name: &str) {
        self.check();
        self.seen
            .send_modify(|seen| seen.page.name = Some(name.to_owned()));
        self.cut();
    }

    /// Cuts its connection without a close frame; it reconnects by itself.
    pub fn cut(&self) {
        self.ask(Ask::Cut);
    }

    /// Stops reading.
    pub fn stop_reading(&self) {
        self.ask(Ask::Read(false));
    }

    /// Resumes reading.
    pub fn read_on(&self) {
        self.ask(Ask::Read(true));
    }

    /// Reads over HTTP, like a client that was told to, at this server.
    pub fn load_at(&self, address: SocketAddr) {
        self.ask(Ask::Load(address));
    }

    /// Closes the client.
    pub async fn leave(mut self) {
        self.ask(Ask::Leave);
        if let Some(task) = self.task.take() {
            let left = timeout(DEADLINE, task).await;
            left.expect("it leaves in time")
                .expect("no rule was broken");
        }
    }

    /// Waits until a condition holds.
    ///
    /// # Panics
    ///
    /// When it does not hold in time, or when a server violated a rule.
    pub async fn wait(&self, what: &str, holds: impl Fn(&Seen) -> bool) {
        self.wait_within(DEADLINE, what, holds).await;
    }

    /// The same with another deadline.
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

    /// Waits until every op is acknowledged.
    pub async fn saved(&self) {
        self.wait("answers to all ops", |seen| seen.outbox.is_empty())
            .await;
    }

    /// Waits until it holds a living stroke.
    pub async fn sees(&self, stroke: StrokeId) {
        self.wait("a stroke", |seen| seen.is_there(stroke)).await;
    }

    /// Asserts that no op was finally refused, and no reset or final close happened.
    pub fn assert_clean(&self) {
        let (name, seen) = (&self.name, self.seen());
        assert!(seen.refusals.is_empty(), "{name}: {:?}", seen.refusals);
        self.kept_its_replica();
    }

    /// Asserts that no reset or final close happened.
    pub fn kept_its_replica(&self) {
        let (name, seen) = (&self.name, self.seen());
        assert!(seen.resets.is_empty(), "{name}: {:?}", seen.resets);
        assert_eq!(seen.ended, None, "{name}");
    }

    fn ask(&self, ask: Ask) {
        self.check();
        // A client that has ended does nothing.
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

/// A user that draws until stopped or dropped.
pub struct Drawing {
    stop: oneshot::Sender<()>,
    drawing: JoinHandle<Vec<StrokeId>>,
}

impl Drawing {
    /// Stops, and returns the drawn strokes.
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
        // A rule violated after the test's last check fails it too.
        assert!(
            !broke || std::thread::panicking(),
            "the page of {} broke: its panic is above",
            self.name
        );
    }
}
