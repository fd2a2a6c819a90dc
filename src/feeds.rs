//! Stub.
#![allow(missing_docs)]
use std::time::Duration;
use crate::feed::{FeedError, FeedSettings, ReadPage};
use crate::model::{DrawingId, Life, Seq};
use crate::protocol::push_changes;
use crate::store::{Head, Store, StoreError};
#[derive(Clone)]
pub struct Feeds(Store);
impl Feeds {
    pub fn new(store: Store, _: FeedSettings, _threads: usize) -> Self {
        Self(store)
    }
    pub fn counts(&self) -> Vec<(DrawingId, u32)> {
        Vec::new()
    }
    pub async fn read(&self, id: DrawingId, since: Seq, life: Option<Life>) -> Result<ReadPage, FeedError> {
        let mut page = self.0.since(id, since).await.map_err(|error| match error {
            StoreError::NotFound | StoreError::Gone => FeedError::NotFound,
            _ => FeedError::Unavailable,
        })?;
        let reset = since > page.database_head || life.is_some_and(|life| life != page.life);
        let from = if reset { 0 } else { since };
        if reset {
            page = self.0.since(id, 0).await.map_err(|_| FeedError::Unavailable)?;
        }
        let mut changes = String::new();
        push_changes(&mut changes, &page.changes);
        Ok(ReadPage { life: page.life, from, head: page.head, more: page.more, title: page.title, reset, changes })
    }
    pub fn told(&self, _: Head) {}
    pub async fn watch(&self) {
        std::future::pending().await
    }
    pub async fn drain(&self, _: Duration) {}
}
