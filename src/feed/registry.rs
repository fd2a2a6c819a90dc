//! The open feeds of this server: finds or opens a drawing's feed, and drains them all.
//!
//! There is never more than one feed of a drawing on a server.

use std::collections::HashMap;
use std::collections::hash_map;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use actix::{Actor, Addr};
use futures_util::future::join_all;
use tokio::sync::{Semaphore, oneshot};

use crate::domain::drawing::Size;
use crate::domain::ids::{DrawingId, Epoch};
use crate::domain::people::Present;
use crate::domain::sequence::Seq;
use crate::feed::actor::{Drain, Feed, FeedHandle, ToFeed, wall_clock};
use crate::feed::chunks::ReadChunk;
use crate::feed::core::{Environment, Input};
use crate::feed::error::FeedError;
use crate::feed::messages::{FromSession, ReadRequest};
use crate::feed::registration::{Entries, Entry, Registration};
use crate::feed::session_mailbox::SessionMailbox;
use crate::feed::settings::FeedSettings;
use crate::feed::state::FeedState;
use crate::feed::threads::FeedThreads;
use crate::metrics::{Metrics, Row};
use crate::protocol::PeerMessage;
use crate::store::{Head, Store, StoreError};

/// Most attempts to reach a feed that is closing at the same moment.
const ATTEMPTS: usize = 3;
/// How long feeds may take to close their sessions after a drain has timed out.
const LAST_CLOSE: Duration = Duration::from_millis(500);
/// KiB of chunks that all feeds keep for readers over HTTP.
const CHUNK_ROOM_KIB: usize = 64 * 1024;
/// How long a read waits for a feed that has to read from the database first. A client waits 20 s.
const READ_WAIT: Duration = Duration::from_secs(15);

/// The open feeds of one server. Clones share them.
#[derive(Clone)]
pub struct Feeds(Arc<Registry>);

struct Registry {
    store: Store,
    settings: Arc<FeedSettings>,
    open: Arc<Entries<FeedHandle>>,
    threads: FeedThreads,
    opened: AtomicU64,
    chunk_capacity: Arc<Semaphore>,
    draining: AtomicBool,
}

/// Tells all servers that have a drawing open that it was renamed, deleted or restored, or that its rules
/// changed. One that is not reached learns it from the next head check.
///
/// # Errors
///
/// Those of every query.
pub async fn tell_servers(store: &Store, drawing: DrawingId) -> Result<(), StoreError> {
    let row = PeerMessage {
        check_head: true,
        ..PeerMessage::default()
    };
    let body =
        serde_json::to_string(&row).map_err(|error| StoreError::Failed(error.to_string()))?;
    store.signal(drawing, body).await
}

impl Feeds {
    /// No open feed. Feeds run on the threads that call [`Feeds::run_here`], the workers of the HTTP server, which
    /// bring the sessions there too; without any, on that of their first request.
    pub fn new(store: Store, settings: FeedSettings) -> Self {
        Self(Arc::new(Registry {
            store,
            settings: Arc::new(settings),
            open: Arc::new(Entries::new()),
            threads: FeedThreads::default(),
            opened: AtomicU64::new(0),
            chunk_capacity: Arc::new(Semaphore::new(CHUNK_ROOM_KIB)),
            draining: AtomicBool::new(false),
        }))
    }

    /// Whether the server is stopping.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// Number of open feeds.
    pub fn open(&self) -> usize {
        self.lock().len()
    }

    /// Updates the gauges that are measured only on request.
    pub fn update_gauges(&self) {
        let (mut ops, mut bytes) = (0, 0);
        let mut sizes = [
            (Row::Living, Size::default()),
            (Row::Tombstone, Size::default()),
        ];
        let open = self.lock();
        for open in open.values() {
            let held = open.handle.state.capacity.used();
            ops += held.0;
            bytes += held.1;
            let (living, tombstones) = open.handle.state.sizes();
            for ((_, all), one) in sizes.iter_mut().zip([living, tombstones]) {
                all.rows += one.rows;
                all.bytes += one.bytes;
            }
        }
        let metrics = self.metrics();
        for (row, size) in sizes {
            metrics.rows.set(row, size.rows);
            metrics.row_bytes.set(row, size.bytes);
        }
        metrics.feeds_open.set(open.len());
        metrics.queue_ops.set(ops);
        metrics.queue_bytes.set(bytes);
    }

    /// The metrics of this server.
    pub fn metrics(&self) -> &Arc<Metrics> {
        self.0.store.metrics()
    }

    /// The number of sessions of each open drawing on this server.
    pub fn counts(&self) -> Vec<(DrawingId, u32)> {
        self.lock()
            .iter()
            .map(|(&id, open)| (id, open.sessions as u32))
            .collect()
    }

    /// Feeds run on the calling thread too from now on. It must be within an actix system.
    pub fn run_here(&self) {
        self.0.threads.add_current();
    }

    /// The thread of a drawing's feed, or where it would be opened, and the number of its sessions.
    pub fn thread(&self, id: DrawingId) -> (ThreadId, usize) {
        let open = self.lock();
        open.get(&id).map_or_else(
            || (self.0.threads.next().id, 0),
            |open| (open.thread.id, open.sessions),
        )
    }

    /// Who is present on a drawing; `None` if nobody is, or it is not open here.
    pub fn present(&self, id: DrawingId) -> Option<Present> {
        let present = self.lock().get(&id)?.handle.state.present();
        (present.count > 0).then_some(present)
    }

    /// The open drawings and the position of the last change of each that is held here.
    pub fn heads(&self) -> Vec<(DrawingId, Seq)> {
        self.lock()
            .iter()
            .map(|(&id, open)| (id, open.handle.state.head()))
            .collect()
    }

    /// Waits until the numbers of sessions have changed since the last wait. Only one task may
    /// wait.
    pub async fn counts_changed(&self) {
        self.0.open.counts_changed().await;
    }

    /// Joins a session: `join` is its [`Request::Join`](crate::feed::messages::Request::Join).
    ///
    /// # Errors
    ///
    /// [`FeedError::Unavailable`] while the server is stopping.
    pub fn join(
        &self,
        id: DrawingId,
        join: FromSession<SessionMailbox>,
    ) -> Result<FeedHandle, FeedError> {
        self.send(id, Input::Session(join))
    }

    /// A chunk of the changes after `since`, from the feed's memory; with the `target` that an earlier
    /// chunk named, the next one of a first load.
    ///
    /// # Errors
    ///
    /// [`FeedError`].
    pub async fn read(
        &self,
        id: DrawingId,
        since: Seq,
        epoch: Option<Epoch>,
        target: Option<Seq>,
    ) -> Result<ReadChunk, FeedError> {
        for _ in 0..ATTEMPTS {
            let (answer, chunk) = oneshot::channel();
            let request = ReadRequest {
                since,
                epoch,
                target,
                answer,
            };
            self.send(id, Input::HttpRead(request))?;
            match tokio::time::timeout(READ_WAIT, chunk).await {
                Ok(Ok(chunk)) => return chunk,
                // The feed is gone: retry with another one.
                Ok(Err(_)) => {}
                Err(_) => return Err(FeedError::Unavailable),
            }
        }
        Err(FeedError::Unavailable)
    }

    /// The title or the rules of a drawing changed through this server, or it was deleted or restored: its
    /// own feed and those of other servers check all of that. A feed that is not reached learns it from the
    /// next head check.
    pub async fn announce_change(&self, id: DrawingId) {
        let (asked, ids) = (Instant::now(), [id]);
        let told = tell_servers(&self.0.store, id);
        let (heads, _) = tokio::join!(self.0.store.heads(&ids), told);
        if let Ok(mut heads) = heads {
            self.report_head(id, asked, heads.pop());
        }
    }

    /// Passes a drawing's state in the database to its feed, if it is open here; `None` if the
    /// drawing is removed.
    fn report_head(&self, id: DrawingId, asked: Instant, head: Option<Head>) {
        let feed = self.lock().get(&id).map(|open| open.handle.feed.clone());
        if let Some(feed) = feed {
            feed.do_send(ToFeed(Input::Head {
                asked,
                report: head,
            }));
        }
    }

    /// Compares the heads, titles, rules and deletions of all open drawings with the database's every
    /// `head_check_interval`, in one query. Runs until the future is dropped.
    pub async fn watch(&self) {
        loop {
            tokio::time::sleep(self.0.settings.head_check_interval).await;
            let open: Vec<DrawingId> = self.lock().keys().copied().collect();
            if open.is_empty() {
                continue;
            }
            let asked = Instant::now();
            match self.0.store.heads(&open).await {
                Ok(heads) => {
                    let mut heads: HashMap<_, _> =
                        heads.into_iter().map(|head| (head.id, head)).collect();
                    open.iter()
                        .for_each(|id| self.report_head(*id, asked, heads.remove(id)));
                }
                Err(error) => log::warn!("cannot check the heads of open drawings: {error}"),
            }
        }
    }

    /// Closes all sessions with a restart, in batches, and stops the feeds once the ops they
    /// accepted are committed and acknowledged. Opens no feed from now on. After `limit` the
    /// remaining sessions are closed at once: their clients send unacknowledged ops to another
    /// server.
    pub async fn drain(&self, limit: Duration) {
        self.0.draining.store(true, Ordering::Relaxed);
        let feeds: Vec<Addr<Feed>> = self
            .lock()
            .values()
            .map(|open| open.handle.feed.clone())
            .collect();
        let drained = async {
            let mut finishing = Vec::new();
            for feed in &feeds {
                let (finished, done) = oneshot::channel();
                feed.do_send(Drain { finished });
                finishing.push(done);
            }
            for done in finishing {
                // A feed that closed by itself has nothing left to drain.
                let _ = done.await;
            }
        };
        if tokio::time::timeout(limit, drained).await.is_err() {
            log::warn!(
                "feeds are still busy after {} ms: their sessions are closed",
                limit.as_millis()
            );
            // The sessions of a feed that does not handle this in time are cut off.
            let closed = join_all(
                feeds
                    .iter()
                    .map(|feed| feed.send(ToFeed(Input::ForceClose))),
            );
            let _ = tokio::time::timeout(LAST_CLOSE, closed).await;
        }
    }

    /// Sends a message to the drawing's feed, and opens the feed if necessary. Sent under the lock,
    /// so that a feed that removes itself from the registry knows that no message is in flight.
    fn send(&self, id: DrawingId, input: Input<SessionMailbox>) -> Result<FeedHandle, FeedError> {
        let mut all = self.lock();
        // Under the lock: a drain that begins after this finds the feed that is opened here.
        if self.is_draining() {
            return Err(FeedError::Unavailable);
        }
        let open = match all.entry(id) {
            hash_map::Entry::Occupied(entry) if entry.get().handle.feed.connected() => {
                entry.into_mut()
            }
            hash_map::Entry::Occupied(mut entry) => {
                entry.insert(self.open_feed(id));
                entry.into_mut()
            }
            hash_map::Entry::Vacant(entry) => entry.insert(self.open_feed(id)),
        };
        open.requests_sent += 1;
        // Ignores the mailbox's limit: the messages are bounded by the numbers of sessions and
        // requests.
        open.handle.feed.do_send(ToFeed(input));
        Ok(open.handle.clone())
    }

    fn open_feed(&self, id: DrawingId) -> Entry<FeedHandle> {
        let number = self.0.opened.fetch_add(1, Ordering::Relaxed);
        self.metrics().feeds_opened.count();
        let state = FeedState::new(&self.0.settings, self.0.chunk_capacity.clone());
        let registration = Registration::new(Arc::clone(&self.0.open), id, number);
        let environment = Environment {
            drawing: id,
            server: self.0.store.server(),
            settings: Arc::clone(&self.0.settings),
            metrics: Arc::clone(self.metrics()),
            state: state.clone(),
            clock: wall_clock(),
        };
        let (store, thread) = (self.0.store.clone(), self.0.threads.next());
        let feed = Feed::start_in_arbiter(&thread.arbiter, move |_| {
            Feed::new(store, environment, registration)
        });
        let handle = FeedHandle { feed, state };
        Entry::new(number, handle, thread)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DrawingId, Entry<FeedHandle>>> {
        self.0.open.lock()
    }
}

#[cfg(test)]
mod tests;
