//! The heartbeat of this server: a row that it writes, and receives through its own live query.
//!
//! A stored heartbeat proves the connection for queries, and a received one proves the connection
//! for live queries. SurrealDB's client detects neither when the other side is gone: a connection
//! must never be trusted for longer than a few heartbeats.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::backoff::Backoff;
use crate::feed::registry::Feeds;
use crate::metrics::DbLink;
use crate::store::{Store, StoreError};

/// Longest interval between two heartbeats, which also carry the numbers of sessions. After
/// [`HEARTBEATS_UNTIL_GONE`] intervals without one a server counts as gone, which has to be less
/// than 10 s.
pub const SERVER_HEARTBEAT: Duration = Duration::from_millis(2_500);
/// Shortest interval: a heartbeat is written early when a number of sessions changes.
const SERVER_HEARTBEAT_PAUSE: Duration = Duration::from_millis(500);
/// Missed heartbeats before a server counts as gone, and before a connection is replaced.
pub const HEARTBEATS_UNTIL_GONE: u32 = 3;

/// The heartbeat of one server.
pub struct Heartbeat {
    store: Store,
    feeds: Feeds,
    interval: Duration,
    state: Mutex<State>,
    /// Wakes the task to write a heartbeat early.
    due: Notify,
}

/// The state of the two connections.
#[derive(Default)]
struct State {
    /// Start of the last heartbeat, until it is received.
    begun: Option<Instant>,
    /// Consecutive heartbeats that were not stored.
    unstored: u32,
    /// Consecutive heartbeats that were stored but not received.
    unacknowledged: u32,
    /// Whether one was received on the current subscription.
    acknowledged: bool,
}

impl Heartbeat {
    /// A server that has written no heartbeat yet.
    pub fn new(store: Store, feeds: Feeds, interval: Duration) -> Self {
        Self {
            store,
            feeds,
            interval,
            state: Mutex::default(),
            due: Notify::new(),
        }
    }

    /// Whether this server can write and receives notifications, as its last heartbeats prove.
    pub fn is_acknowledged(&self) -> bool {
        let state = self.state();
        state.acknowledged
            && state.unacknowledged < HEARTBEATS_UNTIL_GONE
            && state.unstored < HEARTBEATS_UNTIL_GONE
    }

    /// Writes heartbeats, and replaces a connection that does not answer. Runs until the future is
    /// dropped.
    pub async fn run(&self) {
        let mut times = tokio::time::interval(self.interval);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = tokio::time::Instant::now();
        loop {
            let counts_changed = async {
                tokio::time::sleep_until(last + SERVER_HEARTBEAT_PAUSE).await;
                self.feeds.counts_changed().await;
            };
            let regular = tokio::select! {
                _ = times.tick() => true,
                () = self.due.notified() => true,
                () = counts_changed => false,
            };
            last = tokio::time::Instant::now();
            self.state().begun = Some(Instant::now());
            let stored = self.store.heartbeat(&self.feeds.counts()).await;
            let (unstored, unacknowledged) = self.on_stored(&stored, regular);
            if is_multiple(unstored) {
                log::warn!("{unstored} heartbeats were not stored; reconnecting");
                log_replaced(self.store.replace(DbLink::Queries).await);
            }
            if is_multiple(unacknowledged) {
                log::warn!(
                    "{unacknowledged} heartbeats were not received by live query; reconnecting"
                );
                log_replaced(self.store.replace(DbLink::LiveQueries).await);
            }
        }
    }

    /// Receives this server's own heartbeats, and subscribes again when the live query ends. Runs
    /// until the future is dropped.
    pub async fn listen(&self) {
        let (mut backoff, mut random) = (Backoff::default(), fastrand::Rng::new());
        loop {
            match self.store.subscribe_servers().await {
                Ok(mut servers) => {
                    backoff.clear();
                    // Proves at once that the subscription works, not only with the next heartbeat.
                    self.due.notify_one();
                    while let Some(server) = servers.next().await {
                        if server.id == self.store.server() && !server.left {
                            self.on_own_heartbeat();
                        }
                    }
                    self.state().acknowledged = false;
                    log::warn!("live query of the servers ended; resubscribing");
                }
                // `run` logs once when the database is away.
                Err(error) => log::debug!("cannot subscribe to the servers: {error}"),
            }
            tokio::time::sleep(backoff.next(&mut random)).await;
        }
    }

    /// Records the outcome of a heartbeat. Returns how many consecutive regular heartbeats were not
    /// stored, if the connection may be the cause, and how many were not received. Early ones are
    /// too close together to tell a dead connection from a slow one.
    fn on_stored(&self, stored: &Result<(), StoreError>, regular: bool) -> (u32, u32) {
        let mut state = self.state();
        match stored {
            Ok(()) => {
                self.store.metrics().heartbeats.count();
                state.unstored = 0;
                // It may have been received before its write returned.
                if !regular {
                    return (0, 0);
                }
                if state.begun.is_some() {
                    state.unacknowledged += 1;
                }
            }
            Err(error) => {
                // `/readyz` and the feeds report that the database is away.
                log::debug!("the heartbeat was not stored: {error}");
                if !regular {
                    return (0, 0);
                }
                state.unstored += 1;
                let unreachable = match error {
                    StoreError::Deadline(_) | StoreError::Unavailable(_) => state.unstored,
                    // The database answered, so a new connection would not help.
                    _ => 0,
                };
                return (unreachable, 0);
            }
        }
        (0, state.unacknowledged)
    }

    fn on_own_heartbeat(&self) {
        let mut state = self.state();
        if let Some(begun) = state.begun.take() {
            self.store.metrics().heartbeat_roundtrip.since(begun);
        }
        state.unacknowledged = 0;
        if !std::mem::replace(&mut state.acknowledged, true) {
            log::info!("this server receives its own heartbeat through the database");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this many missed heartbeats are a multiple of the limit.
fn is_multiple(beats: u32) -> bool {
    beats > 0 && beats.is_multiple_of(HEARTBEATS_UNTIL_GONE)
}

fn log_replaced(replaced: Result<(), StoreError>) {
    if let Err(error) = replaced {
        log::warn!("cannot replace the connection to the database: {error}");
    }
}
