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

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.outlets().is_empty()
    }

    fn outlets(&self) -> MutexGuard<'_, HashMap<DrawingId, Vec<Outlet<LiveEvent>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
