//! Opening and closing: the runtime, the connection, the sign-in, the schema.
//!
//! What is wrong with a database must be told here in one clear line, not later.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};

use super::address::{Database, folder};
use super::connect::{Missing, connect};
use super::connection::{Connections, OpenDatabase, Store};
use super::error::StoreError;
use super::schema;
use crate::domain::ids::ServerId;
use crate::metrics::{DbLink, Metrics};

/// Stack of each thread that runs SurrealDB, whose evaluation nests deeply.
const STACK_BYTES: usize = 10 * 1024 * 1024;
/// How long closing waits for live queries to end, and again for the database to shut down.
const CLOSE_WAIT: Duration = Duration::from_secs(10);
/// How often closing looks whether the database has shut down.
const CLOSE_LOOK: Duration = Duration::from_millis(2);
/// A folder that SurrealKV makes in its own before anything else is there to be read.
const MANIFEST: &str = "manifest";

impl Store {
    /// Opens the database: connects, signs in, applies the schema where it is missing.
    ///
    /// Several servers may do so at once on the same new database.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] says why it cannot be opened or reached;
    /// [`StoreError::TooNew`] that this program is too old for it.
    pub async fn open(
        database: &Database,
        server: ServerId,
        metrics: Arc<Metrics>,
    ) -> Result<Store, StoreError> {
        Self::open_or(database, server, metrics, Missing::Make).await
    }

    /// Opens a database that is there: what was mistyped is not made.
    ///
    /// # Errors
    ///
    /// Those of [`Store::open`], and [`StoreError::NoDatabase`] when the folder, the namespace, the
    /// database or its schema is missing. A folder is to be named without a `~`.
    pub async fn open_existing(
        database: &Database,
        server: ServerId,
        metrics: Arc<Metrics>,
    ) -> Result<Store, StoreError> {
        // SurrealKV makes the folder that it opens.
        let folder = folder(&database.url);
        if folder.is_some_and(|folder| !folder.join(MANIFEST).is_dir()) {
            return Err(StoreError::NoDatabase);
        }
        Self::open_or(database, server, metrics, Missing::Refuse).await
    }

    async fn open_or(
        database: &Database,
        server: ServerId,
        metrics: Arc<Metrics>,
        missing: Missing,
    ) -> Result<Store, StoreError> {
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get().max(2));
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_stack_size(STACK_BYTES)
            .thread_name("surrealdb")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Unavailable(format!("no threads for it: {error}")))?;
        let opened = runtime.spawn(connections(database.clone(), missing)).await;
        let connections = match opened {
            Ok(Ok(connections)) => connections,
            Ok(Err(error)) => {
                if !database.is_remote() {
                    // The folder can be opened again when this returns.
                    let _ = tokio::time::timeout(CLOSE_WAIT, idle(runtime.handle())).await;
                }
                runtime.shutdown_background();
                return Err(error);
            }
            Err(failed) => {
                runtime.shutdown_background();
                return Err(StoreError::Unavailable(failed.to_string()));
            }
        };
        let connection = OpenDatabase::new(runtime, connections, database.clone(), server, metrics);
        let store = Store(Arc::new(connection));
        let applied = match missing {
            Missing::Refuse if !schema::is_there(&store.0).await => Err(StoreError::NoDatabase),
            _ => schema::apply(&store.0).await,
        };
        match applied {
            Ok(()) => Ok(store),
            Err(error) => {
                store.close_runtime().await;
                Err(error)
            }
        }
    }

    /// This run of this process.
    pub fn server(&self) -> ServerId {
        self.0.server
    }

    /// What this server counts. All parts of it share this.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Brings up to date what is measured only when it is asked for.
    pub fn update_gauges(&self) {
        self.metrics().queries_in_flight.set(self.0.in_flight());
    }

    /// Opens another connection for queries: the one there is does not answer. What waits for
    /// it comes to [`StoreError::Unavailable`]. A database in this process has no connection.
    ///
    /// # Errors
    ///
    /// When no other is to be had; then the old one stays.
    pub async fn replace_queries(&self) -> Result<(), StoreError> {
        self.0.replace(DbLink::Queries).await
    }

    /// Opens another connection for live queries: nothing is heard over the one there is. Every
    /// [`super::Subscription`] ends, and is to be followed again. A database in this process has none.
    ///
    /// # Errors
    ///
    /// When no other is to be had; then the old one stays.
    pub async fn replace_live_queries(&self) -> Result<(), StoreError> {
        self.0.replace(DbLink::LiveQueries).await
    }

    /// Waits until the storage of a database in this process failed. Nothing is called stored any more,
    /// and what was is safe once the database is opened anew.
    pub async fn failed(&self) {
        // The sender lives as long as this store.
        let _ = self
            .0
            .health
            .failed
            .subscribe()
            .wait_for(|failed| *failed)
            .await;
    }

    /// Takes leave: ends all live queries, takes this server's row away, and shuts an
    /// embedded database down, so that its folder can be opened again when this returns.
    ///
    /// Other clones of the store answer [`StoreError::Unavailable`] from now on.
    pub async fn close(self) {
        if let Err(error) = self.leave().await {
            log::warn!("could not take leave of the other servers: {error}");
        }
        self.close_runtime().await;
    }

    async fn close_runtime(self) {
        self.0.closing.send_replace(true);
        if tokio::time::timeout(CLOSE_WAIT, self.0.closing.closed())
            .await
            .is_err()
        {
            log::warn!("some live queries did not end");
        }
        if let Some(runtime) = self.0.release() {
            if tokio::time::timeout(CLOSE_WAIT, idle(runtime.handle()))
                .await
                .is_err()
            {
                log::warn!("the database did not shut down in time");
            }
            runtime.shutdown_background();
        }
    }
}

/// Waits until no task is left. SurrealDB shuts a datastore down in a task of its own, after
/// the last session is gone, and tells nobody when it is done.
async fn idle(handle: &Handle) {
    while handle.metrics().num_alive_tasks() > 0 {
        tokio::time::sleep(CLOSE_LOOK).await;
    }
}

async fn connections(database: Database, missing: Missing) -> Result<Connections, StoreError> {
    let queries = connect(&database, missing).await?;
    let live_queries = match database.is_remote() {
        true => connect(&database, missing).await?,
        false => queries.clone(),
    };
    Ok(Connections::new(queries, live_queries))
}
