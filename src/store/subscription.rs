//! LIVE SELECT as streams: the changes and signals of one drawing, and the heartbeats of the
//! servers. On an embedded database signals come [past](super::own_messages) the database.
//!
//! Memory must stay bounded: SurrealDB's own channels have no limit, so a task of the store drains
//! them into one that has, and ends the stream when that is full.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use surrealdb::engine::any::Any;
use surrealdb::method::QueryStream;
use surrealdb::types::{Action, Object, Value};
use surrealdb::{Notification, Surreal};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, watch};
use uuid::Uuid;

use super::connect::pause;
use super::connection::{Connection, Store};
use super::error::{QueryError, StoreError, checked, one_line};
use super::live_event::LiveEvent;
use super::own_messages::Outlet;
use super::rows::{
    Fields, drawing_record, from_row, signal_table, stroke_table, uuid, variables, wrong,
};
use super::servers::{ServerInfo, from_server_row};
use crate::domain::ids::{DrawingId, ServerId};
use crate::metrics::{DbLink, Metrics, NotificationKind, SubscriptionEnd};

/// Most attempts to open or kill a live query after conflicts: both write the definition of their
/// table.
const TRIES: u32 = 50;
/// How long checking for a leftover live query, or killing it, may take.
const KILL_WAIT: Duration = Duration::from_secs(2);

const DELETED: &str = "SELECT deleted FROM ONLY $drawing";
/// One per query: with two in one query, an open one would leak if the other met a conflict.
const LIVE: &str = "LIVE SELECT * FROM type::table($table)";
const KILL: &str = "KILL $live";
const INFO: &str = "INFO FOR TABLE $table";
const SIGNAL: &str = "INSERT INTO $signals $row RETURN NONE";

/// The notifications about one drawing since [`Store::subscribe`] returned. Dropping it ends its
/// live queries.
///
/// Deletion or removal of the drawing is not notified.
#[derive(Debug)]
pub struct Subscription<T = LiveEvent>(mpsc::Receiver<T>);

impl<T> Subscription<T> {
    /// The next notification; `None` once the connection was lost, the store closed, or more than
    /// [`Database::live_query_buffer`](super::Database::live_query_buffer) of them were queued here.
    /// Then subscribe again, and read what was missed.
    pub async fn next(&mut self) -> Option<T> {
        self.0.recv().await
    }
}

impl Store {
    /// Subscribes to a drawing: each change stored from now on, and each message.
    ///
    /// A write that began before this and commits after it may be missing: read [`Store::since`]
    /// after this, and check the head again a little later.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] and [`StoreError::Gone`] besides those of every query.
    pub async fn subscribe(&self, drawing: DrawingId) -> Result<Subscription, StoreError> {
        let variables = variables([("drawing", drawing_record(drawing))]);
        let mut results = self.0.query(DELETED, variables).await?;
        Fields::of_drawing(results.take(0)?)?;
        let is_remote = self.0.database.is_remote();
        let mut tables = vec![stroke_table(drawing)];
        tables.extend(is_remote.then(|| signal_table(drawing)));
        let database = Arc::downgrade(&self.0);
        let on_end = move || {
            if let Some(database) = database.upgrade() {
                database.own_messages.forget_ended(drawing);
            }
        };
        match self.live(tables, drawing_event, on_end).await {
            Ok((subscription, outlet)) => {
                if !is_remote {
                    self.0.own_messages.add(drawing, outlet);
                }
                Ok(subscription)
            }
            Err(error) => Err(self.explain_missing(drawing, error.into()).await),
        }
    }

    /// Subscribes to the rows of all servers, including this one, as [`Store::heartbeat`] writes them.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn subscribe_servers(&self) -> Result<Subscription<ServerInfo>, StoreError> {
        let opened = self.live(vec!["server".into()], server_event, || ());
        Ok(opened.await?.0)
    }

    /// Sends a message to all subscribers of a drawing, including this server. It is not stored.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn signal(&self, drawing: DrawingId, body: String) -> Result<(), StoreError> {
        if !self.0.database.is_remote() {
            match self.get(drawing).await {
                // As long as a deleted drawing can be restored, there is somebody to tell.
                Ok(_) | Err(StoreError::Gone) => {}
                Err(error) => return Err(error),
            }
            let server = self.server();
            let message = LiveEvent::Signals { server, body };
            self.metrics()
                .notifications
                .count(NotificationKind::Signals);
            self.0.own_messages.send(drawing, &message);
            return Ok(());
        }
        let mut row = Object::new();
        row.insert("server", uuid(self.server().0));
        row.insert("body", Value::String(body));
        let variables = variables([
            ("signals", Value::String(signal_table(drawing))),
            ("row", Value::Object(row)),
        ]);
        match self.0.query(SIGNAL, variables).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explain_missing(drawing, error.into()).await),
        }
    }
}

/// The value of a notification, if it has one of interest.
type Take<T> = fn(Notification<Value>, &Metrics) -> Result<Option<T>, StoreError>;

/// Why live queries are ended from this side.
struct Ends {
    /// The store closes.
    closing: watch::Receiver<bool>,
    /// Their connection was replaced.
    given_up: watch::Receiver<bool>,
    /// What came beside them did not fit.
    overflow: Arc<Notify>,
}

/// An open live query: its table and its id.
struct Live {
    table: String,
    id: Uuid,
}

impl Store {
    /// Opens live queries of `tables`, and passes on what `take` makes of their notifications, until `on_end`.
    async fn live<T: Send + 'static>(
        &self,
        tables: Vec<String>,
        take: Take<T>,
        on_end: impl FnOnce() + Send + 'static,
    ) -> Result<(Subscription<T>, Outlet<T>), QueryError> {
        let closing = self.0.closing.subscribe();
        let capacity = self.0.database.live_query_buffer;
        let metrics = Arc::clone(self.metrics());
        let work = |connection: Arc<Connection>| async move {
            let (mut streams, mut open) = (Vec::new(), Vec::new());
            for table in tables {
                match open_live(&connection.client, table).await {
                    Ok((live, stream)) => {
                        open.push(live);
                        streams.push(stream);
                    }
                    Err(error) => {
                        drop(streams);
                        tokio::spawn(async move { kill_leftovers(&connection.client, open).await });
                        return Err(error);
                    }
                }
            }
            let (sender, receiver) = mpsc::channel(capacity);
            let outlet = Outlet {
                sender: sender.downgrade(),
                overflow: Arc::default(),
            };
            let overflow = outlet.overflow.clone();
            metrics.subscriptions.count();
            tokio::spawn(async move {
                let ends = Ends {
                    closing: closing.clone(),
                    given_up: connection.given_up.subscribe(),
                    overflow,
                };
                if drain(streams, ends, sender, take, &metrics).await {
                    kill_leftovers(&connection.client, open).await;
                }
                drop(closing);
                on_end();
            });
            Ok((Subscription(receiver), outlet))
        };
        self.0.run(DbLink::LiveQueries, &self.0.handle, work).await
    }
}

/// Opens a live query, and retries after a conflict.
async fn open_live(
    live_queries: &Surreal<Any>,
    table: String,
) -> Result<(Live, QueryStream<Value>), QueryError> {
    let mut tries = 0;
    let mut results = loop {
        let live = live_queries
            .query(LIVE)
            .bind(("table", table.clone()))
            .await;
        match live.map_err(QueryError::from).and_then(checked) {
            Err(QueryError::Conflict) if tries < TRIES => tries += 1,
            results => break results?,
        }
        pause().await;
    };
    let id = match results.take::<Value>(0)? {
        Value::Uuid(id) => id.into_inner(),
        _ => return Err(QueryError::Store(wrong("live query"))),
    };
    Ok((Live { table, id }, results.stream::<Value>(0)?))
}

/// Moves notifications from SurrealDB's unbounded channels to a bounded one, until either side
/// ends, the store closes, or the connection is replaced. Returns whether the live queries may
/// still have to be killed.
async fn drain<T>(
    mut streams: Vec<QueryStream<Value>>,
    ends: Ends,
    sender: mpsc::Sender<T>,
    take: Take<T>,
    metrics: &Metrics,
) -> bool {
    let mut end = pin!(end(ends, &sender, metrics));
    loop {
        let arrival = tokio::select! {
            may_be_open = &mut end => return may_be_open,
            arrival = next_of(&mut streams) => arrival,
        };
        let taken = match arrival {
            Some(Ok(notification)) => take(notification, metrics),
            Some(Err(error)) => {
                log::warn!("a live query ended: {}", one_line(error.message()));
                metrics.subscriptions_ended.count(SubscriptionEnd::Ended);
                return false;
            }
            // Killed from outside, as when the table is removed.
            None => {
                metrics.subscriptions_ended.count(SubscriptionEnd::Ended);
                return false;
            }
        };
        match taken {
            Ok(None) => {}
            Ok(Some(event)) => match sender.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Closed(_)) => return true,
                Err(TrySendError::Full(_)) => {
                    too_far_behind(metrics);
                    return true;
                }
            },
            Err(error) => {
                log::warn!("a live query ends: {error}");
                metrics
                    .subscriptions_ended
                    .count(SubscriptionEnd::Unreadable);
                return true;
            }
        }
    }
}

/// Waits until the live queries are ended from this side. Returns whether they have to be killed.
async fn end<T>(mut ends: Ends, sender: &mpsc::Sender<T>, metrics: &Metrics) -> bool {
    tokio::select! {
        () = sender.closed() => true,
        _ = ends.closing.wait_for(|closing| *closing) => true,
        _ = ends.given_up.wait_for(|given_up| *given_up) => {
            metrics.subscriptions_ended.count(SubscriptionEnd::GivenUp);
            false
        }
        () = ends.overflow.notified() => {
            too_far_behind(metrics);
            true
        }
    }
}

/// What one of the streams has next; `None` once one of them has ended, as all must then. Each has its turn.
async fn next_of<S: Stream + Unpin>(streams: &mut [S]) -> Option<S::Item> {
    poll_fn(|context| {
        for at in 0..streams.len() {
            if let Poll::Ready(next) = streams[at].poll_next_unpin(context) {
                streams[at..].rotate_left(1);
                return Poll::Ready(next);
            }
        }
        Poll::Pending
    })
    .await
}

fn too_far_behind(metrics: &Metrics) {
    log::warn!("a live query ends: its reader is too far behind");
    metrics.subscriptions_ended.count(SubscriptionEnd::Slow);
}

/// Kills live queries whose streams were dropped and that still exist. The client kills them too,
/// but only once and without reporting a conflict; and every leftover would slow each later write
/// to its table.
async fn kill_leftovers(live_queries: &Surreal<Any>, open: Vec<Live>) {
    for Live { table, id } in open {
        for _ in 0..TRIES {
            pause().await;
            match tokio::time::timeout(KILL_WAIT, is_open(live_queries, &table, id)).await {
                Ok(Ok(true) | Err(QueryError::Conflict)) => {}
                // The live query is gone, or its table, or its connection with all its live
                // queries.
                Ok(_) => break,
                Err(_) => return,
            }
            let kill = live_queries.query(KILL).bind(("live", uuid(id)));
            // The client does not report whether it worked.
            let _ = tokio::time::timeout(KILL_WAIT, kill).await;
        }
    }
}

async fn is_open(live_queries: &Surreal<Any>, table: &str, id: Uuid) -> Result<bool, QueryError> {
    let name = Value::String(table.to_owned());
    let info = live_queries.query(INFO).bind(("table", name)).await?;
    let mut info = Fields::of(checked(info)?.take(0)?).map_err(QueryError::Store)?;
    match info.take("lives") {
        Value::Object(open) => Ok(open.contains_key(&id.to_string())),
        _ => Ok(false),
    }
}

fn drawing_event(
    notification: Notification<Value>,
    metrics: &Metrics,
) -> Result<Option<LiveEvent>, StoreError> {
    // The deletion of a stroke's old row needs no notification: its new row has one.
    if notification.action != Action::Create {
        return Ok(None);
    }
    match &notification.data {
        Value::Object(row) if row.contains_key("stroke") => {
            metrics.notifications.count(NotificationKind::Change);
            from_row(notification.data).map(|change| Some(LiveEvent::Change(Box::new(change))))
        }
        _ => {
            metrics.notifications.count(NotificationKind::Signals);
            let mut row = Fields::of(notification.data)?;
            Ok(Some(LiveEvent::Signals {
                server: ServerId(row.uuid("server")?),
                body: row.text("body")?,
            }))
        }
    }
}

fn server_event(
    notification: Notification<Value>,
    metrics: &Metrics,
) -> Result<Option<ServerInfo>, StoreError> {
    metrics.notifications.count(NotificationKind::Server);
    let left = notification.action == Action::Delete;
    from_server_row(notification.data, left).map(Some)
}
