//! The messages of a server to itself on an embedded database, which has no other server.
//!
//! A live query would deliver them too, but takes 44 KiB of memory for each open drawing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::mpsc::WeakSender;
use tokio::sync::mpsc::error::TrySendError;

use super::live_event::LiveEvent;
use crate::domain::ids::DrawingId;

/// The way to a subscription beside its live queries. It does not keep the subscription open.
#[derive(Debug)]
pub(super) struct Outlet<T> {
    pub(super) sender: WeakSender<T>,
    /// Ends the subscription, whose reader is too far behind.
    pub(super) overflow: Arc<Notify>,
}

/// The open subscriptions to drawings.
#[derive(Debug, Default)]
pub(super) struct OwnMessages(Mutex<HashMap<DrawingId, Vec<Outlet<LiveEvent>>>>);

impl OwnMessages {
    /// A subscription to a drawing is open, unless it has ended already.
    pub(super) fn add(&self, drawing: DrawingId, outlet: Outlet<LiveEvent>) {
        self.outlets().entry(drawing).or_default().push(outlet);
        self.forget_ended(drawing);
    }

    /// Forgets the subscriptions to a drawing that have ended.
    pub(super) fn forget_ended(&self, drawing: DrawingId) {
        let mut outlets = self.outlets();
        if let Some(open) = outlets.get_mut(&drawing) {
            open.retain(|outlet| outlet.sender.strong_count() > 0);
            if open.is_empty() {
                outlets.remove(&drawing);
            }
        }
    }

    /// Delivers a message to all subscriptions to a drawing.
    pub(super) fn send(&self, drawing: DrawingId, message: &LiveEvent) {
        for outlet in self.outlets().get(&drawing).into_iter().flatten() {
            let sender = outlet.sender.upgrade();
            let sent = sender.map(|sender| sender.try_send(message.clone()));
            if let Some(Err(TrySendError::Full(_))) = sent {
                outlet.overflow.notify_one();
            }
        }
    }

    fn outlets(&self) -> MutexGuard<'_, HashMap<DrawingId, Vec<Outlet<LiveEvent>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use surrealdb::types::Value;

    use super::*;
    use crate::domain::ids::ServerId;
    use crate::metrics::Metrics;
    use crate::store::Store;
    use crate::store::rows::{Fields, signal_table, variables};
    use crate::store::tests::{SOON, ask, memory};

    #[tokio::test]
    async fn on_an_embedded_database_messages_need_no_live_query() {
        let store = Store::open(&memory(), ServerId::random(), Metrics::new())
            .await
            .unwrap();
        let drawing = store.create("A drawing").await.unwrap().id;
        let other = store.create("Another one").await.unwrap().id;
        let mut follows = [
            store.subscribe(drawing).await.unwrap(),
            store.subscribe(drawing).await.unwrap(),
        ];
        let mut apart = store.subscribe(other).await.unwrap();
        let name = Value::String(signal_table(drawing));
        let info = ask(
            &store,
            "INFO FOR TABLE $table",
            variables([("table", name)]),
        )
        .await;
        match Fields::of(info).unwrap().take("lives") {
            Value::Object(live_queries) => assert!(live_queries.is_empty(), "{live_queries:?}"),
            other => panic!("{other:?}"),
        }
        store.delete(drawing).await.unwrap();
        for (drawing, body) in [(drawing, "it is deleted"), (other, "it is not")] {
            store.signal(drawing, body.into()).await.unwrap();
        }
        let message = |body: &str| LiveEvent::Signals {
            server: store.server(),
            body: body.into(),
        };
        for follow in &mut follows {
            assert_eq!(follow.next().await.unwrap(), message("it is deleted"));
        }
        assert_eq!(apart.next().await.unwrap(), message("it is not"));
        drop((follows, apart));
        tokio::time::timeout(SOON, async {
            while !store.0.own_messages.outlets().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
        .expect("what has ended is forgotten");
        store.close().await;
    }
}
