//! LIVE SELECT as streams: what is stored in one drawing, what is said in it, and the servers.
//!
//! It must never gather without bound: SurrealDB's own channels have no limit, so a task of the
//! store drains them into one that has, and ends the stream when that is full.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use surrealdb::engine::any::Any;
use surrealdb::method::QueryStream;
use surrealdb::types::{Action, Object, Value, Variables};
use surrealdb::{Notification, Surreal};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::connection::{Sessions, Trouble, checked, pause};
use super::rows::{
    Fields, drawing_record, from_row, signal_table, stroke_table, table, uuid, variables,
};
use super::schema::SCHEMA;
use super::servers::from_server_row;
use super::{FOLLOW_CAPACITY, Followed, ServerInfo, Store, StoreError};
use crate::model::{DrawingId, ServerId};

/// How often a live query is opened, or killed, again after a conflict: both write the
/// definition of their table.
const TRIES: u32 = 50;
/// How long a killed live query may take to end before it is killed again.
const KILL_WAIT: Duration = Duration::from_millis(500);

const FOLLOW: &str = "SELECT schema, deleted FROM ONLY $drawing;
LIVE SELECT * FROM type::table($strokes);
LIVE SELECT * FROM type::table($signals);";
const FOLLOW_SERVERS: &str = "LIVE SELECT * FROM server";
const KILL: &str = "KILL $live";
const SIGNAL: &str = "INSERT INTO $signals $row RETURN NONE";

/// What is heard of one drawing, from the moment [`Store::follow`] returned. Dropping it ends
/// its live queries.
#[derive(Debug)]
pub struct Follow(mpsc::Receiver<Followed>);

impl Follow {
    /// The next change or signals; nothing once the connection was lost, the drawing was swept
    /// away, the store closed, or more than [`FOLLOW_CAPACITY`] of them waited here. Then
    /// follow again, and read [`Store::since`].
    pub async fn next(&mut self) -> Option<Followed> {
        self.0.recv().await
    }
}

/// What is heard of the servers. Dropping it ends its live query.
#[derive(Debug)]
pub struct FollowServers(mpsc::Receiver<ServerInfo>);

impl FollowServers {
    /// What the next server says of itself, also this one; it ends as [`Follow::next`] does.
    pub async fn next(&mut self) -> Option<ServerInfo> {
        self.0.recv().await
    }
}

impl Store {
    /// Follows a drawing: each change that is stored from now on, and each signal.
    ///
    /// A write that began before this and ends after it may be missing: read [`Store::since`]
    /// after this, and look at the head again a little later.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] and [`StoreError::Gone`] besides those of every query.
    pub async fn follow(&self, drawing: DrawingId) -> Result<Follow, StoreError> {
        let variables = variables([
            ("drawing", drawing_record(drawing)),
            ("strokes", Value::String(stroke_table(drawing))),
            ("signals", Value::String(signal_table(drawing))),
        ]);
        let (row, receiver) = match self.live(FOLLOW, &[1, 2], variables, followed).await {
            Ok(live) => live,
            Err(trouble) => return Err(self.missing(drawing, trouble.into()).await),
        };
        let mut row = Fields::maybe(row).ok_or(StoreError::NotFound)?;
        if !matches!(row.take("deleted"), Value::None) {
            return Err(StoreError::Gone);
        }
        let schema = row.seq("schema")? as u32;
        if schema < SCHEMA {
            self.migrate(drawing, schema).await?;
        }
        Ok(Follow(receiver))
    }

    /// Follows the rows of all servers, as [`Store::beat`] writes them.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn follow_servers(&self) -> Result<FollowServers, StoreError> {
        let (_, receiver) = self
            .live(FOLLOW_SERVERS, &[0], variables([]), heard)
            .await?;
        Ok(FollowServers(receiver))
    }

    /// Says something to all who follow a drawing, this server too. It is stored nowhere, and
    /// lost on those who do not listen.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn signal(&self, drawing: DrawingId, body: String) -> Result<(), StoreError> {
        let mut row = Object::new();
        row.insert("server", uuid(self.server().0));
        row.insert("body", Value::String(body));
        let variables = variables([
            ("signals", table(signal_table(drawing))),
            ("row", Value::Object(row)),
        ]);
        match self.0.query(SIGNAL, variables).await {
            Ok(_) => Ok(()),
            Err(trouble) => Err(self.missing(drawing, trouble.into()).await),
        }
    }
}

type Take<T> = fn(Notification<Value>) -> Result<Option<T>, StoreError>;

impl Store {
    /// Runs a query whose statements `live` are live queries; gives the result of its first
    /// statement, and what `take` makes of the notifications.
    async fn live<T: Send + 'static>(
        &self,
        text: &'static str,
        live: &'static [usize],
        variables: Variables,
        take: Take<T>,
    ) -> Result<(Value, mpsc::Receiver<T>), Trouble> {
        let closing = self.0.closing.subscribe();
        let work = |Sessions { lives, .. }: Sessions| async move {
            let mut tries = 0;
            let mut results = loop {
                let results = lives.query(text).bind(variables.clone()).await;
                match results.map_err(Trouble::from).and_then(checked) {
                    Err(Trouble::Conflict) if tries < TRIES => tries += 1,
                    results => break results?,
                }
                pause().await;
            };
            let (sender, receiver) = mpsc::channel(FOLLOW_CAPACITY);
            let mut streams = Vec::with_capacity(live.len());
            let mut ids = Vec::with_capacity(live.len());
            for &index in live {
                if let Value::Uuid(id) = results.take::<Value>(index)? {
                    ids.push(id.into_inner());
                }
                streams.push(results.stream::<Value>(index)?);
            }
            let first = match live {
                [0, ..] => Value::None,
                _ => results.take(0)?,
            };
            tokio::spawn(drain(lives, ids, streams, closing, sender, take));
            Ok((first, receiver))
        };
        self.0.run(work).await
    }
}

/// Moves notifications from SurrealDB's unbounded channels to a bounded one, until either side
/// ends or the store closes; then ends the live queries.
async fn drain<T>(
    lives: Arc<Surreal<Any>>,
    ids: Vec<Uuid>,
    streams: Vec<QueryStream<Value>>,
    mut closing: watch::Receiver<bool>,
    sender: mpsc::Sender<T>,
    take: Take<T>,
) {
    // When one of the streams ends, all must.
    let marked = streams
        .into_iter()
        .map(|live| live.map(Some).chain(stream::iter([None])));
    let mut arrivals = stream::select_all(marked.map(Box::pin));
    loop {
        let arrival = tokio::select! {
            _ = sender.closed() => break,
            _ = closing.wait_for(|closing| *closing) => break,
            arrival = arrivals.next() => arrival.flatten(),
        };
        let taken = match arrival {
            Some(Ok(notification)) => take(notification),
            Some(Err(error)) => Err(error.into()),
            // Killed from outside, as when the table is removed.
            None => break,
        };
        match taken {
            Ok(None) => {}
            Ok(Some(heard)) => {
                if sender.try_send(heard).is_err() {
                    log::warn!("a live query ends: its reader is gone, or too far behind");
                    break;
                }
            }
            Err(error) => {
                log::warn!("a live query ends: {error}");
                break;
            }
        }
    }
    drop(sender);
    // The client would kill them when the streams are dropped, but only once: a conflict would
    // leave a live query without a listener, which every later write pays for.
    for _ in 0..TRIES {
        for id in &ids {
            let kill = lives.query(KILL).bind(("live", uuid(*id)));
            if tokio::time::timeout(KILL_WAIT, kill).await.is_err() {
                return;
            }
        }
        let ended = async { while arrivals.next().await.is_some() {} };
        if tokio::time::timeout(KILL_WAIT, ended).await.is_ok() {
            return;
        }
    }
}

fn followed(notification: Notification<Value>) -> Result<Option<Followed>, StoreError> {
    // A stroke that changed again is a new row; the deletion of the old one tells nothing new.
    if notification.action != Action::Create {
        return Ok(None);
    }
    match &notification.data {
        Value::Object(row) if row.contains_key("stroke") => {
            from_row(notification.data).map(|change| Some(Followed::Change(change)))
        }
        _ => {
            let mut row = Fields::of(notification.data)?;
            Ok(Some(Followed::Signals {
                server: ServerId(row.uuid("server")?),
                body: row.text("body")?,
            }))
        }
    }
}

fn heard(notification: Notification<Value>) -> Result<Option<ServerInfo>, StoreError> {
    let left = notification.action == Action::Delete;
    from_server_row(notification.data, left).map(Some)
}
