//! One open database: its runtime, its two sessions, and the one way to run a query.
//!
//! It must never let a query run on the caller's runtime, or wait for one beyond the deadline.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use surrealdb::engine::any::Any;
use surrealdb::method::Query;
use surrealdb::opt::auth;
use surrealdb::types::{ErrorDetails, QueryError, Value, Variables};
use surrealdb::{IndexedResults, Surreal};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use super::{Database, Store, StoreError, schema};
use crate::model::ServerId;

/// Stack of each thread that runs SurrealDB: its evaluation of statements nests deeply.
const STACK_BYTES: usize = 10 * 1024 * 1024;
/// How often something is tried that met a conflict with other servers.
const CONFLICT_RETRIES: u32 = 50;
/// Longest wait before something that met a conflict is tried again, in milliseconds.
const CONFLICT_WAIT_MS: u64 = 20;
/// How long closing waits for live queries to end, and again for the datastore.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// An open database.
pub(super) struct Connection {
    /// Nothing once the store is closed.
    runtime: Option<Runtime>,
    handle: tokio::runtime::Handle,
    /// For queries.
    pub(super) queries: Surreal<Any>,
    /// For live queries: a burst of notifications delays no query.
    pub(super) lives: Surreal<Any>,
    pub(super) server: ServerId,
    pub(super) deadline: Duration,
    /// Becomes true when the store closes: every live query ends.
    pub(super) closing: watch::Sender<bool>,
}

/// Why a query came to nothing, before it is known what that means to the caller.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The query itself said THROW, with this word.
    Thrown(String),
    /// Another transaction wrote the same at the same time: nothing happened.
    Conflict,
    /// Everything else.
    Store(StoreError),
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Thrown(word) if word == "missing" => StoreError::NotFound,
            Trouble::Thrown(word) if word == "gone" => StoreError::Gone,
            Trouble::Thrown(word) => StoreError::Failed(word),
            Trouble::Conflict => StoreError::Failed("others write the same all the time".into()),
            Trouble::Store(error) => error,
        }
    }
}

impl From<surrealdb::Error> for Trouble {
    fn from(error: surrealdb::Error) -> Self {
        let text = error.message();
        if let Some(word) = text.strip_prefix("An error occurred: ")
            && error.is_thrown()
        {
            return Trouble::Thrown(word.to_owned());
        }
        match error.details() {
            ErrorDetails::Query(Some(QueryError::TransactionConflict)) => Trouble::Conflict,
            _ if text.contains("can be retried") => Trouble::Conflict,
            ErrorDetails::Connection(_) => Trouble::Store(StoreError::Unavailable(one_line(text))),
            _ => Trouble::Store(StoreError::Failed(one_line(text))),
        }
    }
}

impl From<surrealdb::Error> for StoreError {
    fn from(error: surrealdb::Error) -> Self {
        Trouble::from(error).into()
    }
}

/// The text without line breaks: it ends up in one line of a log.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Finds the cause among the errors of a query's statements: all but one of them may only
/// say that another one failed.
fn checked(mut results: IndexedResults) -> Result<IndexedResults, Trouble> {
    let mut errors: Vec<_> = results.take_errors().into_iter().collect();
    if errors.is_empty() {
        return Ok(results);
    }
    errors.sort_by_key(|(index, error)| {
        let follows = matches!(
            error.details(),
            ErrorDetails::Query(Some(QueryError::NotExecuted))
        );
        (follows, *index)
    });
    Err(errors.swap_remove(0).1.into())
}

impl Connection {
    /// Runs `work` on the store's runtime and waits for it until the deadline.
    ///
    /// After the deadline the work goes on by itself; what it gives is dropped there.
    pub(super) async fn run_on<T, F>(&self, work: F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
        T: Send + 'static,
    {
        match tokio::time::timeout(self.deadline, self.handle.spawn(work)).await {
            Ok(Ok(result)) => result,
            Ok(Err(failed)) => Err(Trouble::Store(StoreError::Failed(format!(
                "a task of the store ended: {failed}"
            )))),
            Err(_) => Err(Trouble::Store(StoreError::Deadline(self.deadline))),
        }
    }

    /// Runs a query once.
    pub(super) async fn query(
        &self,
        text: &'static str,
        variables: Variables,
    ) -> Result<IndexedResults, Trouble> {
        let query: Query<'static, Any> = self.queries.query(text).bind(variables).into_owned();
        self.run_on(async move { checked(query.await?) }).await
    }

    /// Runs a query, again when it meets a conflict.
    pub(super) async fn persist(
        &self,
        text: &'static str,
        variables: Variables,
    ) -> Result<IndexedResults, Trouble> {
        let mut tries = 0;
        loop {
            match self.query(text, variables.clone()).await {
                Err(Trouble::Conflict) if tries < CONFLICT_RETRIES => {
                    tries += 1;
                    let wait = fastrand::u64(1..=CONFLICT_WAIT_MS);
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                }
                result => return result,
            }
        }
    }

    /// The runtime of the store, for what lives longer than one call.
    pub(super) fn handle(&self) -> &tokio::runtime::Handle {
        &self.handle
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A runtime that is simply dropped waits for its threads, which panics inside another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Store {
    /// Opens the database: connects, signs in, applies the schema where it is missing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] says why it cannot be opened or reached;
    /// [`StoreError::TooNew`] that this program is too old for it.
    pub async fn open(database: &Database) -> Result<Store, StoreError> {
        let _ = database;
        Err(StoreError::Failed("not built yet".into()))
    }

    /// This run of this process.
    pub fn server(&self) -> ServerId {
        self.0.server
    }

    /// Takes leave: ends all live queries, takes this server's row away, and shuts an
    /// embedded database down, so that its folder can be opened again when this returns.
    /// Other clones of the store must be gone or idle; they fail from now on.
    pub async fn close(self) {}
}
