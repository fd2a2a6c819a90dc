//! Opening and closing: the runtime, the connection, the sign-in, the schema.
//!
//! A problem with the database must be reported here in one clear line, not later.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};

use super::address::{Database, folder};
use super::connect::{Missing, connect};
use super::connection::{Connections, OpenDatabase, STACK_BYTES, Store};
use super::error::StoreError;
use super::schema;
use crate::domain::ids::ServerId;
use crate::metrics::{DbLink, Metrics};

/// How long closing waits for live queries to end, and again for the database to shut down.
const CLOSE_WAIT: Duration = Duration::from_secs(10);
/// How often closing checks whether the database has shut down.
const CLOSE_LOOK: Duration = Duration::from_millis(2);
/// A folder that SurrealKV creates before anything can be read from its database.
const MANIFEST: &str = "manifest";

impl Store {
    /// Opens the database: connects, signs in, applies the schema where it is missing.
    ///
    /// Several servers may do so at the same time on a new database.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when it cannot be opened or reached; [`StoreError::TooNew`],
    /// [`StoreError::OtherSchema`] or [`StoreError::OldTables`] when another version of the program wrote it.
    pub async fn open(
        database: &Database,
        server: ServerId,
        metrics: Arc<Metrics>,
    ) -> Result<Store, StoreError> {
        Self::open_or(database, server, metrics, Missing::Make).await
    }

    /// Opens an existing database, and never creates one.
    ///
    /// # Errors
    ///
    /// Those of [`Store::open`], and [`StoreError::NoDatabase`] when the folder, the namespace, the
    /// database or its schema is missing. A `~` in the folder is not expanded.
    pub async fn open_existing(
        database: &Database,
        server: ServerId,
        metrics: Arc<Metrics>,
    ) -> Result<Store, StoreError> {
        // Opening a folder would create it.
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
        // The other half of the cores serves sessions: with a thread for each core, a stroke costs more
        // hops between threads than it gains.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = cores.div_ceil(2);
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

    /// The id of this run of the server process.
    pub fn server(&self) -> ServerId {
        self.0.server
    }

    /// The metrics of this server, shared by all its parts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Updates the gauges that are measured only on request.
    pub fn update_gauges(&self) {
        self.metrics().queries_in_flight.set(self.0.in_flight());
    }

    /// Replaces a connection that does not answer, or delivers nothing: queries in flight on it end
    /// with [`StoreError::Unavailable`], and every [`super::Subscription`] on it ends. An embedded
    /// database has no connection.
    ///
    /// # Errors
    ///
    /// When no new connection can be opened; then the old one stays.
    pub async fn replace(&self, link: DbLink) -> Result<(), StoreError> {
        self.0.replace(link).await
    }

    /// Waits until the storage of an embedded database has failed. From then on nothing is
    /// acknowledged as stored; everything acknowledged before is safe once the database is opened
    /// again.
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

    /// Ends all live queries, deletes this server's row, and shuts an embedded database down, so
    /// that its folder can be opened again when this returns.
    ///
    /// Other clones of the store return [`StoreError::Unavailable`] from now on.
    pub async fn close(self) {
        if let Err(error) = self.leave().await {
            log::warn!("could not delete this server's row: {error}");
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

/// Waits until no task is left. SurrealDB shuts a datastore down in a task of its own after the
/// last session is gone, and sends no signal when that is done.
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
