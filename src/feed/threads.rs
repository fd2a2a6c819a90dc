//! The threads that feeds run on, and which of them opens the next drawing.
//!
//! None may have many more feeds and sessions than another.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use actix::{Arbiter, ArbiterHandle};

/// A thread that runs feeds. Clones share the count.
#[derive(Clone, Debug)]
pub(super) struct FeedThread {
    pub(super) id: ThreadId,
    pub(super) arbiter: ArbiterHandle,
    /// Its feeds and their sessions.
    pub(super) users: Arc<AtomicUsize>,
}

impl FeedThread {
    /// The calling thread. It must be within an actix system.
    fn current() -> Self {
        Self {
            id: thread::current().id(),
            arbiter: Arbiter::current(),
            users: Arc::default(),
        }
    }
}

/// The threads that feeds run on.
#[derive(Debug, Default)]
pub(super) struct FeedThreads(Mutex<Vec<FeedThread>>);

impl FeedThreads {
    /// Feeds run on the calling thread too from now on.
    pub(super) fn add_current(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(FeedThread::current());
    }

    /// Where the next feed is to be opened: the thread with the fewest feeds and sessions; without any, the calling one.
    pub(super) fn next(&self) -> FeedThread {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let users = |thread: &&FeedThread| thread.users.load(Ordering::Relaxed);
        let fewest = all.iter().min_by_key(users);
        fewest.cloned().unwrap_or_else(FeedThread::current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_drawing_is_opened_on_the_thread_with_the_fewest_feeds_and_sessions() {
        let threads = FeedThreads::default();
        assert_eq!(threads.next().id, thread::current().id());
        let other = Arbiter::new();
        let (tell, told) = tokio::sync::oneshot::channel();
        let told_of = move || assert!(tell.send(FeedThread::current()).is_ok());
        assert!(other.handle().spawn_fn(told_of));
        let all = [FeedThread::current(), told.await.unwrap()];
        threads.0.lock().unwrap().extend(all.iter().cloned());
        all[0].users.store(3, Ordering::Relaxed);
        assert_eq!(threads.next().id, all[1].id);
        all[1].users.store(4, Ordering::Relaxed);
        assert_eq!(threads.next().id, all[0].id);
        other.stop();
    }
}
