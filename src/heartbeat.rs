//! The beat of this server: it says that it is there, and hears itself say so through the database.
//!
//! A beat that is stored proves the connection for queries, and one that is heard the connection
//! for live queries. SurrealDB's client notices neither when the other side is gone without a
//! word: it must never be believed for longer than a few beats.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::backoff::Backoff;
use crate::feed::registry::Feeds;
use crate::store::{Store, StoreError};

/// How often a server tells the others at least that it is there, and who is on its drawings. Unheard for
/// [`HEARTBEATS_UNTIL_GONE`] times as long it counts no more, which has to be less than 10 s.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(2_500);
/// Who comes or goes is told at once, but such beats are at least so far apart.
const HEARTBEAT_PAUSE: Duration = Duration::from_millis(500);
/// A server is gone that is unheard for so many beats, and so is a connection over which as
/// many were not stored or not heard.
pub const HEARTBEATS_UNTIL_GONE: u32 = 3;

/// The beat of one server.
pub struct Heartbeat {
    store: Store,
    feeds: Feeds,
    interval: Duration,
    state: Mutex<State>,
    /// A beat is due before its time.
    due: Notify,
}

/// What is known of the two connections.
#[derive(Default)]
struct State {
    /// When the last beat began, until it is heard.
    begun: Option<Instant>,
    /// Beats in a row that were not stored.
    unstored: u32,
    /// Beats in a row that were stored and not heard.
    unacknowledged: u32,
    /// Whether one was heard since the servers are followed.
    acknowledged: bool,
}

impl Heartbeat {
    /// A server that has not beaten yet.
    pub fn new(store: Store, feeds: Feeds, interval: Duration) -> Self {
        Self {
            store,
            feeds,
            interval,
            state: Mutex::default(),
            due: Notify::new(),
        }
    }

    /// Whether this server can store something and hears of it, as its own last beats prove.
    pub fn is_acknowledged(&self) -> bool {
        let state = self.state();
        state.acknowledged
            && state.unacknowledged < HEARTBEATS_UNTIL_GONE
            && state.unstored < HEARTBEATS_UNTIL_GONE
    }

    /// Beats, and replaces a connection that does not answer. Runs until it is dropped.
    pub async fn run(&self) {
        let mut times = tokio::time::interval(self.interval);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = tokio::time::Instant::now();
        loop {
            let counts_changed = async {
                tokio::time::sleep_until(last + HEARTBEAT_PAUSE).await;
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
                log::warn!("the database did not answer {unstored} beats: connecting anew");
                log_replaced(self.store.replace_queries().await);
            }
            if is_multiple(unacknowledged) {
                log::warn!("live queries did not tell of {unacknowledged} beats: connecting anew");
                log_replaced(self.store.replace_live_queries().await);
            }
        }
    }

    /// Listens for this server's own beats, over and over. Runs until it is dropped.
    pub async fn listen(&self) {
        let (mut backoff, mut random) = (Backoff::default(), fastrand::Rng::new());
        loop {
            match self.store.subscribe_servers().await {
                Ok(mut follow) => {
                    backoff.clear();
                    // Proves at once that it works, not only with the next beat.
                    self.due.notify_one();
                    while let Some(server) = follow.next().await {
                        if server.id == self.store.server() && !server.left {
                            self.on_own_heartbeat();
                        }
                    }
                    self.state().acknowledged = false;
                    log::warn!("the servers are no longer followed: following again");
                }
                // That the database is away is said above, once.
                Err(error) => log::debug!("the servers cannot be followed: {error}"),
            }
            tokio::time::sleep(backoff.next(&mut random)).await;
        }
    }

    /// Notes what came of a beat; gives how many regular ones in a row were not stored, if that may
    /// be the connection's fault, and how many were not heard: those between them come too fast to tell what is gone from what is slow.
    fn on_stored(&self, stored: &Result<(), StoreError>, regular: bool) -> (u32, u32) {
        let mut state = self.state();
        match stored {
            Ok(()) => {
                self.store.metrics().heartbeats.count();
                state.unstored = 0;
                // It may have been heard before this server was told that it is stored.
                if !regular {
                    return (0, 0);
                }
                if state.begun.is_some() {
                    state.unacknowledged += 1;
                }
            }
            Err(error) => {
                // `/readyz` and the feeds say that the database is away.
                log::debug!("the beat was not stored: {error}");
                if !regular {
                    return (0, 0);
                }
                state.unstored += 1;
                let unanswered = match error {
                    StoreError::Deadline(_) | StoreError::Unavailable(_) => state.unstored,
                    // The database answered: another connection would be no better.
                    _ => 0,
                };
                return (unanswered, 0);
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
            log::info!("this server hears its own beat through the database");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether so many beats in a row are once more as many as a connection is given.
fn is_multiple(beats: u32) -> bool {
    beats > 0 && beats.is_multiple_of(HEARTBEATS_UNTIL_GONE)
}

fn log_replaced(replaced: Result<(), StoreError>) {
    if let Err(error) = replaced {
        log::warn!("there is no other connection to the database: {error}");
    }
}
