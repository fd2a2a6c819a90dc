//! Live queries of the model of the database: late, out of order, doubled, lost, silent.
//!
//! It must never deliver what was not stored.

use std::time::Duration;

use whiteboard::domain::ids::ServerId;
use whiteboard::feed::core::Input;
use whiteboard::store::{LiveEvent, StoreError};

use crate::database::{Asker, DatabaseEvent, Subscription};
use crate::fault::Fault;
use crate::plan::Manner;
use crate::server::ServerEvent;
use crate::world::{Event, Time, World};

/// How often the router engine looks for what is new.
const POLL: Duration = Duration::from_millis(100);

impl World {
    /// Tells live queries what was stored.
    pub fn notify(&mut self, drawing: usize, audience: &[u64], event: LiveEvent) {
        if self.plan.manner == Manner::Router {
            let was_empty = self.database.log.is_empty();
            self.database.log.push((drawing, event));
            if was_empty {
                let millis = POLL.as_millis() as u64;
                let next = millis - self.now.as_millis() as u64 % millis;
                self.after(
                    Duration::from_millis(next),
                    Event::Database(DatabaseEvent::Poll),
                );
            }
            return;
        }
        for id in audience {
            self.deliver(*id, event.clone());
        }
    }

    pub fn poll(&mut self) {
        let told: Vec<u64> = self.database.subscriptions.keys().copied().collect();
        let log = std::mem::take(&mut self.database.log);
        for id in told {
            let asker = self.database.subscriptions[&id].asker;
            if self.meets(Fault::NotificationsLost, asker.server) {
                continue;
            }
            for (_, event) in log.iter().filter(|(drawing, _)| *drawing == asker.drawing) {
                self.deliver(id, event.clone());
            }
        }
    }

    pub fn deliver(&mut self, id: u64, event: LiveEvent) {
        let Some(open) = self.database.subscriptions.get(&id) else {
            return;
        };
        let (asker, attempt) = (open.asker, open.attempt);
        if open.is_silent {
            return;
        }
        let server = asker.server;
        let is_inline = self.plan.manner == Manner::Inline;
        if is_inline && self.meets(Fault::NotificationsLost, server) {
            return;
        }
        let mut wait = self.plan.links[server] + self.millis(0..=2);
        if self.meets(Fault::NotificationsLate, server) {
            wait += self.millis(20..=800);
        }
        let is_reordered = self.meets(Fault::NotificationsReordered, server);
        let mut at = self.now + wait;
        if is_reordered {
            at += self.millis(0..=60);
        } else if let Some(open) = self.database.subscriptions.get_mut(&id) {
            open.clear_at = open.clear_at.max(at);
            at = open.clear_at;
        }
        let times = 1 + usize::from(self.meets(Fault::NotificationsDoubled, server));
        for time in 0..times {
            let notified = ServerEvent::Notified {
                feed: asker.feed,
                attempt,
                event: event.clone(),
            };
            let extra = Duration::from_millis(7) * time as u32;
            self.at(
                at + extra,
                Event::Server {
                    server,
                    process: asker.process,
                    event: notified,
                },
            );
        }
    }

    pub fn open_subscription(&mut self, asker: Asker, attempt: u64) {
        let trouble = self.trouble();
        let result = match trouble {
            Some(error) => Err(error),
            None if self.database.drawings[asker.drawing].tables.deleted => Err(StoreError::Gone),
            None if self.meets(Fault::SubscribeFails, asker.server) => {
                Err(StoreError::Failed("internal error".into()))
            }
            None => Ok(()),
        };
        if result.is_ok() {
            self.database.subscribed += 1;
            let open = Subscription {
                asker,
                attempt,
                is_silent: false,
                clear_at: Time::ZERO,
            };
            self.database
                .subscriptions
                .insert(self.database.subscribed, open);
        }
        let event = ServerEvent::Subscribed {
            feed: asker.feed,
            attempt,
            result,
        };
        let wait = self.plan.links[asker.server] + self.millis(0..=3);
        self.after(
            wait,
            Event::Server {
                server: asker.server,
                process: asker.process,
                event,
            },
        );
    }

    /// The live queries of a server's feed end; nothing of them arrives after that.
    pub fn end_subscriptions(&mut self, server: Option<usize>) {
        let ends: Vec<u64> = self
            .database
            .subscriptions
            .iter()
            .filter(|(_, open)| server.is_none_or(|server| open.asker.server == server))
            .map(|(id, _)| *id)
            .collect();
        for id in ends {
            let Some(open) = self.database.subscriptions.remove(&id) else {
                continue;
            };
            let event = ServerEvent::SubscriptionEnded {
                feed: open.asker.feed,
                attempt: open.attempt,
            };
            // Not before it is known that they are open.
            let wait = self.plan.links[open.asker.server] + self.millis(4..=23);
            self.after(
                wait,
                Event::Server {
                    server: open.asker.server,
                    process: open.asker.process,
                    event,
                },
            );
        }
    }

    pub fn store_signals(&mut self, asker: Asker, id: ServerId, number: u64, body: String) {
        let trouble = self.trouble();
        let result = match trouble {
            Some(error) => Err(error),
            None if self.meets(Fault::PublishFails, asker.server) => {
                Err(StoreError::Failed("internal error".into()))
            }
            None => Ok(()),
        };
        if result.is_ok() {
            let audience = self.database.audience(asker.drawing);
            let event = LiveEvent::Signals { server: id, body };
            self.notify(asker.drawing, &audience, event);
        }
        let wait = self.millis(0..=2);
        self.answer(asker, wait, Input::Published { number, result });
    }
}
