//! LIVE SELECT as streams: what is stored in one drawing, what is said in it, and the servers.
//!
//! It must never gather without bound: SurrealDB's own channels have no limit, so a task of the
//! store drains them into one that has, and ends the stream when that is full.

use std::sync::Arc;

use futures_util::StreamExt;
use surrealdb::IndexedResults;
use surrealdb::method::QueryStream;
use surrealdb::types::{Action, Value, Variables};
use tokio::sync::mpsc;

use super::connection::{Connection, Trouble};
use super::rows::{
    Fields, drawing_record, from_row, signal_table, stroke_table, table, uuid, variables,
};
use super::schema::SCHEMA;
use super::{FOLLOW_CAPACITY, Followed, ServerInfo, Store, StoreError, servers};
use crate::model::{DrawingId, ServerId};

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
        let (sender, receiver) = mpsc::channel(FOLLOW_CAPACITY);
        let schema = match self.live(FOLLOW, variables, sender, take_followed).await {
            Ok(schema) => schema,
            Err(trouble) => return Err(self.missing(drawing, trouble.into()).await),
        };
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
        Err(StoreError::Failed("not built yet".into()))
    }

    /// Says something to all who follow a drawing, this server too. It is stored nowhere, and
    /// lost on those who do not listen.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn signal(&self, drawing: DrawingId, body: String) -> Result<(), StoreError> {
        let mut row = surrealdb::types::Object::new();
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
impl Store {
    async fn live<T, F>(
        &self,
        text: &'static str,
        variables: Variables,
        sender: mpsc::Sender<T>,
        take: F,
    ) -> Result<u32, Trouble> {
        let _ = (text, variables, sender, take);
        Err(Trouble::Store(StoreError::Failed("not built yet".into())))
    }
}
fn take_followed() {}
