//! A feed's entry in the registry of the open ones, as the feed itself holds it.
//!
//! It must never remove another feed of the same drawing.

use super::Feeds;
use crate::model::DrawingId;

/// A feed's entry in the registry.
#[derive(Clone)]
pub(crate) struct Registration {
    feeds: Feeds,
    id: DrawingId,
    number: u64,
}

impl Registration {
    /// The entry of the feed with this number.
    pub(super) fn new(feeds: Feeds, id: DrawingId, number: u64) -> Self {
        Self { feeds, id, number }
    }

    /// Removes the feed. Whoever asks for the drawing from now on opens another one.
    pub fn remove(&self) {
        let mut open = self.feeds.lock();
        if open
            .get(&self.id)
            .is_some_and(|open| open.number == self.number)
        {
            open.remove(&self.id);
            self.feeds.0.counted.notify_one();
        }
    }

    /// Removes the feed if all that was asked of it, `asked` in number, has reached it.
    pub fn remove_if_idle(&self, asked: u64) -> bool {
        let mut open = self.feeds.lock();
        match open.get(&self.id) {
            Some(entry) if entry.number == self.number => {
                let idle = entry.asked == asked;
                if idle {
                    open.remove(&self.id);
                }
                idle
            }
            _ => true,
        }
    }

    /// Tells how many sessions the feed has.
    pub fn count(&self, sessions: usize) {
        if let Some(open) = self
            .feeds
            .lock()
            .get_mut(&self.id)
            .filter(|open| open.number == self.number && open.sessions != sessions)
        {
            open.sessions = sessions;
            self.feeds.0.counted.notify_one();
        }
    }
}
