//! One open database: its runtime, its two connections, and the one way to run a query.
//!
//! It must never let a query run on the caller's runtime, or wait for one beyond the deadline.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use surrealdb::engine::any::Any;
use surrealdb::types::Variables;
use surrealdb::{IndexedResults, Surreal};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Semaphore, watch};

use super::address::Database;
use super::connect::pause;
use super::connect::{Missing, connect};
use super::error::{QueryError, StoreError, checked, closed, unavailable};
use crate::domain::ids::ServerId;
use crate::metrics::{DbLink, Metrics, QueryFailure};

/// How long a connection that is to replace another one may take to be there. Nothing waits
/// for it, and it is tried again.
const REPLACE_WAIT: Duration = Duration::from_secs(5);
/// How often something is tried that met a conflict with other servers.
const CONFLICT_RETRIES: u32 = 50;
/// The database, open. Clones share it.
#[derive(Clone)]
pub struct Store(pub(super) Arc<OpenDatabase>);

/// An open database.
pub(super) struct OpenDatabase {
    /// Nothing once the store is closed.
    runtime: Mutex<Option<Runtime>>,
    pub(super) handle: Handle,
    /// Nothing once the store is closed.
    connections: Mutex<Option<Connections>>,
    queries: Arc<Semaphore>,
    pub(super) server: ServerId,
    pub(super) database: Database,
    pub(super) metrics: Arc<Metrics>,
    /// Becomes true when the store closes. Every live query holds a receiver.
    pub(super) closing: watch::Sender<bool>,
    pub(super) health: StorageHealth,
}

/// Whether a database in this process is to be believed. SurrealKV goes on writing behind what it wrote
/// in part when its disk was full, and may forget all of that if it crashes: once its storage failed
/// nothing is believed any more, until it is opened anew. Of a server that is left to its operator.
#[derive(Clone)]
pub(super) struct StorageHealth {
    is_remote: bool,
    pub(super) failed: watch::Sender<bool>,
}

impl StorageHealth {
    fn judge<T>(&self, result: Result<T, QueryError>) -> Result<T, QueryError> {
        if self.is_remote {
            return result;
        }
        if matches!(result, Err(QueryError::Store(StoreError::Storage(_)))) {
            self.failed.send_replace(true);
        } else if *self.failed.borrow() {
            return Err(unavailable("its storage failed before"));
        }
        result
    }
}

/// The two sessions of the database, in a server each with a connection of its own.
pub(super) struct Connections {
    /// For queries.
    queries: Arc<Connection>,
    /// For live queries: a burst of notifications delays no query.
    live_queries: Arc<Connection>,
}

/// One of them. It is shared and never cloned on the way of a query, since a clone of the
/// client is a new session.
pub(super) struct Connection {
    pub(super) client: Surreal<Any>,
    /// Becomes true when another one takes its place: nothing waits for its answers any more.
    pub(super) given_up: watch::Sender<bool>,
}

impl Connections {
    pub(super) fn new(queries: Surreal<Any>, live_queries: Surreal<Any>) -> Self {
        Self {
            queries: Connection::new(queries),
            live_queries: Connection::new(live_queries),
        }
    }

    fn of(&mut self, link: DbLink) -> &mut Arc<Connection> {
        match link {
            DbLink::Queries => &mut self.queries,
            DbLink::LiveQueries => &mut self.live_queries,
        }
    }
}

impl Connection {
    fn new(client: Surreal<Any>) -> Arc<Self> {
        let given_up = watch::Sender::new(false);
        Arc::new(Self { client, given_up })
    }
}

impl OpenDatabase {
    /// Takes over a runtime and the sessions that live on it.
    pub(super) fn new(
        runtime: Runtime,
        connections: Connections,
        database: Database,
        server: ServerId,
        metrics: Arc<Metrics>,
    ) -> Self {
        let health = StorageHealth {
            is_remote: database.is_remote(),
            failed: watch::Sender::new(false),
        };
        Self {
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            connections: Mutex::new(Some(connections)),
            queries: Arc::new(Semaphore::new(database.max_queries)),
            server,
            database,
            metrics,
            closing: watch::Sender::new(false),
            health,
        }
    }

    /// Runs `work` on the store's runtime and waits for it until the deadline.
    ///
    /// After the deadline the work goes on by itself, for as long as its connection is not
    /// given up; what it gives is dropped there.
    pub(super) async fn run<T, W, F>(&self, link: DbLink, work: W) -> Result<T, QueryError>
    where
        W: FnOnce(Arc<Connection>) -> F,
        F: Future<Output = Result<T, QueryError>> + Send + 'static,
        T: Send + 'static,
    {
        let connection = lock(&self.connections)
            .as_mut()
            .map(|connections| Arc::clone(connections.of(link)))
            .ok_or_else(closed)?;
        let mut given_up = connection.given_up.subscribe();
        let work = work(connection);
        let deadline = self.database.query_timeout;
        let permit = Arc::clone(&self.queries).acquire_owned();
        let permit = match tokio::time::timeout(deadline, permit).await {
            Ok(Ok(permit)) => permit,
            _ => {
                self.metrics.query_errors.count(QueryFailure::Full);
                return Err(unavailable("too many queries wait for it"));
            }
        };
        let health = self.health.clone();
        let task = self.handle.spawn(async move {
            let _permit = permit;
            tokio::select! {
                // Also what comes after the deadline counts.
                result = work => health.judge(result),
                _ = given_up.wait_for(|given_up| *given_up) => {
                    Err(unavailable("its connection did not answer and was given up"))
                }
            }
        });
        let result = match tokio::time::timeout(deadline, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(failed)) => Err(unavailable(&format!("a task of the store ended: {failed}"))),
            Err(_) => Err(QueryError::Store(StoreError::Deadline(deadline))),
        };
        if let Err(error) = &result {
            self.metrics.query_errors.count(query_failure(error));
        }
        result
    }

    /// Runs a query once.
    pub(super) async fn query(
        &self,
        text: &'static str,
        variables: Variables,
    ) -> Result<IndexedResults, QueryError> {
        let metrics = Arc::clone(&self.metrics);
        let work = |connection: Arc<Connection>| async move {
            let asked = Instant::now();
            let answer = connection.client.query(text).bind(variables).await;
            metrics.query_time.since(asked);
            checked(answer?)
        };
        self.run(DbLink::Queries, work).await
    }

    /// Runs a query, again when it meets a conflict.
    pub(super) async fn query_with_retry(
        &self,
        text: &'static str,
        variables: Variables,
    ) -> Result<IndexedResults, QueryError> {
        let mut tries = 0;
        loop {
            match self.query(text, variables.clone()).await {
                Err(QueryError::Conflict) if tries < CONFLICT_RETRIES => {
                    tries += 1;
                    pause().await;
                }
                result => return result,
            }
        }
    }

    /// Queries that are under way, or were given up and have no answer yet.
    pub(super) fn in_flight(&self) -> usize {
        self.database.max_queries - self.queries.available_permits()
    }

    /// Opens another connection, which takes the place of one that does not answer. What waits
    /// for that one is told that the database is not available, and its live queries end.
    pub(super) async fn replace(&self, link: DbLink) -> Result<(), StoreError> {
        if !self.database.is_remote() {
            return Ok(());
        }
        let database = self.database.clone();
        let connecting = async move { connect(&database, Missing::Make).await };
        let connecting = self
            .handle
            .spawn(tokio::time::timeout(REPLACE_WAIT, connecting));
        let client = match connecting.await {
            Ok(Ok(client)) => client?,
            Ok(Err(_)) => return Err(StoreError::Deadline(REPLACE_WAIT)),
            Err(failed) => return Err(StoreError::Unavailable(failed.to_string())),
        };
        let old = match &mut *lock(&self.connections) {
            Some(connections) => std::mem::replace(connections.of(link), Connection::new(client)),
            None => return Err(closed().into()),
        };
        old.given_up.send_replace(true);
        self.metrics.replaced.count(link);
        Ok(())
    }

    /// Lets go of the sessions: the database shuts down when the last query under way ends.
    pub(super) fn release(&self) -> Option<Runtime> {
        lock(&self.connections).take();
        lock(&self.runtime).take()
    }
}

impl Drop for OpenDatabase {
    fn drop(&mut self) {
        // A runtime that is simply dropped waits for its threads, which panics inside another.
        if let Some(runtime) = self.release() {
            runtime.shutdown_background();
        }
    }
}

/// Nothing that holds one of these locks can panic, so it does not matter if it did.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn query_failure(error: &QueryError) -> QueryFailure {
    match error {
        QueryError::Conflict => QueryFailure::Conflict,
        QueryError::Store(StoreError::Deadline(_)) => QueryFailure::Deadline,
        QueryError::Store(StoreError::Unavailable(_) | StoreError::Storage(_)) => {
            QueryFailure::Unavailable
        }
        QueryError::Thrown(_) | QueryError::Store(_) => QueryFailure::Refused,
    }
}
