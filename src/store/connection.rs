//! One open database: its runtime, its two connections, and the one way to run a query.
//!
//! A query must never block the caller beyond the deadline, and only a short one may run on the caller's runtime:
//! there it holds up what else runs on that thread.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use surrealdb::engine::any::Any;
use surrealdb::types::Variables;
use surrealdb::{IndexedResults, Surreal};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, spawn_blocking};

use super::address::Database;
use super::connect::{Missing, connect, pause};
use super::error::{QueryError, StoreError, checked, closed, unavailable};
use super::own_messages::OwnMessages;
use crate::domain::ids::ServerId;
use crate::metrics::{DbLink, Metrics, QueryFailure};

/// How long opening a replacement connection may take. Nothing waits for it, and it is retried.
const REPLACE_WAIT: Duration = Duration::from_secs(5);
/// Stack of each thread that runs SurrealDB, whose evaluation nests deeply, in bytes.
pub(super) const STACK_BYTES: usize = 10 * 1024 * 1024;
/// Bytes of stack that a query may need: an append takes less than 0.5 MB, and 1.6 MB without optimisation. A worker
/// of actix has 2 MiB.
const QUERY_STACK: usize = 7 << 18;
/// Most attempts of a query that conflicts with those of other servers.
const CONFLICT_RETRIES: u32 = 50;

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Store(pub(super) Arc<OpenDatabase>);

/// An open database.
pub(super) struct OpenDatabase {
    /// `None` once the store is closed.
    runtime: Mutex<Option<Runtime>>,
    pub(super) handle: Handle,
    /// `None` once the store is closed.
    connections: Mutex<Option<Connections>>,
    queries: Arc<Semaphore>,
    pub(super) server: ServerId,
    pub(super) database: Database,
    pub(super) metrics: Arc<Metrics>,
    /// Becomes true when the store closes. Every live query holds a receiver.
    pub(super) closing: watch::Sender<bool>,
    pub(super) health: StorageHealth,
    pub(super) own_messages: OwnMessages,
}

/// Whether the storage of an embedded database has failed. After a partial write to a full disk
/// SurrealKV appends behind the damage, and may lose all of that in a crash: so after the first
/// failure nothing is acknowledged until the database is opened again. A database server is its
/// operator's responsibility.
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
            return Err(unavailable("its storage has failed"));
        }
        result
    }
}

/// The two sessions of the database, each with its own connection to a database server.
pub(super) struct Connections {
    /// For queries.
    queries: Arc<Connection>,
    /// For live queries, separate so that a burst of notifications delays no query.
    live_queries: Arc<Connection>,
}

/// One session. It is shared and never cloned per query, since a clone of the client is a new
/// session.
pub(super) struct Connection {
    pub(super) client: Surreal<Any>,
    /// Becomes true when the session is replaced: nothing waits for its answers any more.
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
    /// Takes ownership of a runtime and the sessions on it.
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
            own_messages: OwnMessages::default(),
        }
    }

    /// Runs `work` on the store's runtime, or on the caller's, and waits for it until the deadline.
    ///
    /// After the deadline the work continues until it ends or its connection is replaced; its
    /// result is dropped.
    pub(super) async fn run<T, W, F>(
        &self,
        link: DbLink,
        runtime: &Handle,
        work: W,
    ) -> Result<T, QueryError>
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
                return Err(unavailable("too many queries are in flight"));
            }
        };
        let health = self.health.clone();
        let task = runtime.spawn(async move {
            let _permit = permit;
            tokio::select! {
                // Answers after the deadline count too.
                result = work => health.judge(result),
                _ = given_up.wait_for(|given_up| *given_up) => {
                    Err(unavailable("its connection did not answer and was replaced"))
                }
            }
        });
        let result = match tokio::time::timeout(deadline, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(failed)) => Err(task_ended(&failed)),
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
        self.query_on(&self.handle, text, variables).await
    }

    /// Runs a query once on the runtime of the caller. Only for one that is so short that waking another thread,
    /// and being woken by it, is a good part of its cost.
    pub(super) async fn query_here(
        &self,
        text: &'static str,
        variables: Variables,
    ) -> Result<IndexedResults, QueryError> {
        self.query_on(&Handle::current(), text, variables).await
    }

    async fn query_on(
        &self,
        runtime: &Handle,
        text: &'static str,
        variables: Variables,
    ) -> Result<IndexedResults, QueryError> {
        let metrics = Arc::clone(&self.metrics);
        let work = |connection| answer(connection, metrics, text, variables);
        self.run(DbLink::Queries, runtime, work).await
    }

    /// Runs a query of many rows and takes its answer apart, all of it on a thread that has no other work: so one
    /// caller can have several of them at a time. It must write nothing: SurrealDB notifies live queries in tasks,
    /// which would end with that thread's work.
    pub(super) async fn read_many<T: Send + 'static>(
        &self,
        text: &'static str,
        variables: Variables,
        take: impl FnOnce(IndexedResults) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, QueryError> {
        let metrics = Arc::clone(&self.metrics);
        let work = |connection| {
            let read = async move {
                let results = answer(connection, metrics, text, variables).await?;
                take(results).map_err(QueryError::Store)
            };
            // The store does not close before this task ends, and it ends after its thread.
            async {
                let thread = spawn_blocking(|| block_on_this_thread(read)).await;
                thread.unwrap_or_else(|failed| Err(task_ended(&failed)))
            }
        };
        self.run(DbLink::Queries, &self.handle, work).await
    }

    /// Runs a query, and retries it after a conflict.
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

    /// Number of queries in flight, including those past their deadline.
    pub(super) fn in_flight(&self) -> usize {
        self.database.max_queries - self.queries.available_permits()
    }

    /// See [`Store::replace`].
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

    /// Drops the sessions: the database shuts down when the last query in flight ends.
    pub(super) fn release(&self) -> Option<Runtime> {
        lock(&self.connections).take();
        lock(&self.runtime).take()
    }
}

impl Drop for OpenDatabase {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, which panics inside another runtime.
        if let Some(runtime) = self.release() {
            runtime.shutdown_background();
        }
    }
}

/// The answer to a query without errors.
fn answer(
    connection: Arc<Connection>,
    metrics: Arc<Metrics>,
    text: &'static str,
    variables: Variables,
) -> impl Future<Output = Result<IndexedResults, QueryError>> + Send {
    with_stack(async move {
        let asked = Instant::now();
        let answer = connection.client.query(text).bind(variables).await;
        metrics.query_time.since(asked);
        checked(answer?)
    })
}

/// Runs a query, with the tasks that SurrealDB makes of it: on the runtime of the store they would wait for each
/// other, and memory that one thread takes and another one gives back costs a third more.
fn block_on_this_thread<T>(
    work: impl Future<Output = Result<T, QueryError>>,
) -> Result<T, QueryError> {
    match Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Err(unavailable(&format!("no runtime for a query: {error}"))),
    }
}

fn task_ended(failed: &JoinError) -> QueryError {
    unavailable(&format!("a task of the store ended: {failed}"))
}

/// Polls `work` with enough stack for a query, on a new stack where the thread's is too short.
fn with_stack<F: Future + Send>(work: F) -> impl Future<Output = F::Output> + Send {
    let mut work = Box::pin(work);
    poll_fn(move |context| {
        stacker::maybe_grow(QUERY_STACK, STACK_BYTES, || work.as_mut().poll(context))
    })
}

/// No code panics while it holds one of these locks, so poisoning does not matter.
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
