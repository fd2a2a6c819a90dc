//! The registry's entries: one per open feed.
//!
//! A feed must never remove the entry of another feed of the same drawing.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::threads::FeedThread;
use crate::domain::ids::DrawingId;

/// One open feed, as the registry finds it.
pub(super) struct Entry<H> {
    /// Identifies the feed among those of one drawing.
    pub(super) number: u64,
    pub(super) handle: H,
    /// Where the feed runs.
    pub(super) thread: FeedThread,
    /// Joins and reads sent to the feed: it does not close for idleness before it has seen them
    /// all.
    pub(super) requests_sent: u64,
    pub(super) sessions: usize,
}

impl<H> Entry<H> {
    /// A feed without sessions, on this thread.
    pub(super) fn new(number: u64, handle: H, thread: FeedThread) -> Self {
        thread.users.fetch_add(1, Ordering::Relaxed);
        Self {
            number,
            handle,
            thread,
            requests_sent: 0,
            sessions: 0,
        }
    }

    fn count(&mut self, sessions: usize) {
        let users = &self.thread.users;
        users.fetch_add(sessions, Ordering::Relaxed);
        users.fetch_sub(self.sessions, Ordering::Relaxed);
        self.sessions = sessions;
    }
}

impl<H> Drop for Entry<H> {
    fn drop(&mut self) {
        let users = 1 + self.sessions;
        self.thread.users.fetch_sub(users, Ordering::Relaxed);
    }
}

/// The open feeds of one server, by drawing.
pub(super) struct Entries<H> {
    open: Mutex<HashMap<DrawingId, Entry<H>>>,
    counted: Notify,
}

impl<H> Entries<H> {
    pub(super) fn new() -> Self {
        Self {
            open: Mutex::default(),
            counted: Notify::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<DrawingId, Entry<H>>> {
        // Nothing panics while it holds the lock; if something did, the map is still whole.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the numbers of sessions have changed since the last wait.
    pub(super) async fn counts_changed(&self) {
        self.counted.notified().await;
    }
}

/// A feed's entry in the registry.
pub(super) struct Registration<H> {
    entries: Arc<Entries<H>>,
    id: DrawingId,
    number: u64,
}

impl<H> Registration<H> {
    /// The entry of the feed with this number.
    pub(super) fn new(entries: Arc<Entries<H>>, id: DrawingId, number: u64) -> Self {
        Self {
            entries,
            id,
            number,
        }
    }

    /// Removes the feed. Later requests for the drawing open another one.
    pub(super) fn remove(&self) {
        let mut open = self.entries.lock();
        if open
            .get(&self.id)
            .is_some_and(|open| open.number == self.number)
        {
            open.remove(&self.id);
            self.entries.counted.notify_one();
        }
    }

    /// Removes the feed if all requests that were sent to it have reached it.
    pub(super) fn remove_if_idle(&self, requests_seen: u64) -> bool {
        let mut open = self.entries.lock();
        match open.get(&self.id) {
            Some(entry) if entry.number == self.number => {
                let idle = entry.requests_sent == requests_seen;
                if idle {
                    open.remove(&self.id);
                    self.entries.counted.notify_one();
                }
                idle
            }
            _ => true,
        }
    }

    /// Updates the number of the feed's sessions.
    pub(super) fn count(&self, sessions: usize) {
        if let Some(open) = self
            .entries
            .lock()
            .get_mut(&self.id)
            .filter(|open| open.number == self.number && open.sessions != sessions)
        {
            open.count(sessions);
            self.entries.counted.notify_one();
        }
    }
}
