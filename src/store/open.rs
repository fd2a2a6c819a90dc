//! Opening and closing: the runtime, the connection, the sign-in, the schema.
//!
//! What is wrong with a database must be told here in one clear line, not later.

use std::sync::Arc;
use std::time::Duration;

use surrealdb::Surreal;
use surrealdb::engine::any::{self, Any};
use surrealdb::opt::{Config, auth};
use surrealdb::types::Value;
use tokio::runtime::{Builder, Handle};

use super::address::{database_address, folder};
use super::connection::{Connection, Sessions, Trouble, checked, one_line, pause};
use super::rows::{Fields, variables};
use super::{Database, Store, StoreError, schema};
use crate::metrics::{Link, Metrics};
use crate::model::ServerId;

/// Stack of each thread that runs SurrealDB, whose evaluation nests deeply.
const STACK_BYTES: usize = 10 * 1024 * 1024;
/// How long closing waits for live queries to end, and again for the database to shut down.
const CLOSE_WAIT: Duration = Duration::from_secs(10);
/// How often closing looks whether the database has shut down.
const CLOSE_LOOK: Duration = Duration::from_millis(2);
/// How long connecting may take, and then signing in: the server hashes the password, which is
/// slow on purpose, for every server that starts.
const CONNECT_WAIT: Duration = Duration::from_secs(30);
/// How often connecting is tried while a server is starting.
const START_LOOK: Duration = Duration::from_millis(100);
/// A folder that SurrealKV makes in its own before anything else is there to be read.
const MANIFEST: &str = "manifest";

/// What is done where there is no database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// One is made.
    Make,
    /// That is an error, and nothing is made.
    Refuse,
}

impl Store {
    /// Opens the database: connects, signs in, applies the schema where it is missing.
    ///
    /// Several servers may do so at once on the same new database.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] says why it cannot be opened or reached;
    /// [`StoreError::TooNew`] that this program is too old for it.
    pub async fn open(database: &Database) -> Result<Store, StoreError> {
        Self::open_or(database, Missing::Make).await
    }

    /// Opens a database that is there: what was mistyped is not made.
    ///
    /// # Errors
    ///
    /// Those of [`Store::open`], and [`StoreError::NoDatabase`] when the folder, the namespace, the
    /// database or its schema is missing. A folder is to be named without a `~`.
    pub async fn open_existing(database: &Database) -> Result<Store, StoreError> {
        // SurrealKV makes the folder that it opens.
        let folder = folder(&database.url);
        if folder.is_some_and(|folder| !folder.join(MANIFEST).is_dir()) {
            return Err(StoreError::NoDatabase);
        }
        Self::open_or(database, Missing::Refuse).await
    }

    async fn open_or(database: &Database, missing: Missing) -> Result<Store, StoreError> {
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get().max(2));
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_stack_size(STACK_BYTES)
            .thread_name("surrealdb")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Unavailable(format!("no threads for it: {error}")))?;
        let opened = runtime.spawn(sessions(database.clone(), missing)).await;
        let sessions = match opened {
            Ok(Ok(sessions)) => sessions,
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
        let connection = Connection::new(runtime, sessions, database.clone());
        let store = Store(Arc::new(connection));
        let applied = match missing {
            Missing::Refuse if !schema::is_there(&store.0).await => Err(StoreError::NoDatabase),
            _ => schema::apply(&store.0).await,
        };
        match applied {
            Ok(()) => Ok(store),
            Err(error) => {
                store.shut().await;
                Err(error)
            }
        }
    }

    /// This run of this process.
    pub fn server(&self) -> ServerId {
        self.0.server
    }

    /// What this server counts. It begins with its store, and all other parts share it.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Brings up to date what is measured only when it is asked for.
    pub fn measure(&self) {
        self.metrics().queries.set(self.0.under_way());
    }

    /// Opens another connection for queries: the one there is does not answer. What waits for
    /// it comes to [`StoreError::Unavailable`]. A database in this process has no connection.
    ///
    /// # Errors
    ///
    /// When no other is to be had; then the old one stays.
    pub async fn replace_queries(&self) -> Result<(), StoreError> {
        self.0.replace(Link::Queries).await
    }

    /// Opens another connection for live queries: nothing is heard over the one there is. Every
    /// [`super::Follow`] ends, and is to be followed again. A database in this process has none.
    ///
    /// # Errors
    ///
    /// When no other is to be had; then the old one stays.
    pub async fn replace_lives(&self) -> Result<(), StoreError> {
        self.0.replace(Link::Lives).await
    }

    /// Waits until the storage of a database in this process failed. Nothing is called stored any more,
    /// and what was is safe once the database is opened anew.
    pub async fn failed(&self) {
        // The sender lives as long as this store.
        let _ = self
            .0
            .trust
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
        self.shut().await;
    }

    async fn shut(self) {
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

async fn sessions(database: Database, missing: Missing) -> Result<Sessions, StoreError> {
    let queries = connect(&database, missing).await?;
    let lives = match database.is_remote() {
        true => connect(&database, missing).await?,
        false => queries.clone(),
    };
    Ok(Sessions::new(queries, lives))
}

/// Connects, signs in, and goes to the database.
pub(super) async fn connect(
    database: &Database,
    missing: Missing,
) -> Result<Surreal<Any>, StoreError> {
    let url = database_address(&database.url).map_err(|reason| unavailable(database, &reason))?;
    // A large folder may take longer than a query to open, and nobody else can answer for it.
    let connected = match database.is_remote() {
        true => tokio::time::timeout(CONNECT_WAIT, reach(&url)).await,
        false => Ok(reach(&url).await),
    };
    let client = match connected {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => return Err(unavailable(database, error.message())),
        Err(_) => return Err(unavailable(database, "no answer in time")),
    };
    let prepared = tokio::time::timeout(CONNECT_WAIT, prepare(&client, database, missing)).await;
    prepared.unwrap_or_else(|_| Err(unavailable(database, "no answer in time")))?;
    Ok(client)
}

/// Connects; again when a server is there but still starting.
async fn reach(url: &str) -> Result<Surreal<Any>, surrealdb::Error> {
    loop {
        match any::connect((url, Config::new())).await {
            Err(error) if error.message().contains("503 Service Unavailable") => {
                tokio::time::sleep(START_LOOK).await;
            }
            connected => return connected,
        }
    }
}

/// Signs in, and goes to the namespace and the database.
async fn prepare(
    client: &Surreal<Any>,
    database: &Database,
    missing: Missing,
) -> Result<(), StoreError> {
    let mut at_root = true;
    if let Some(user) = &database.user {
        let password = database.password.clone().unwrap_or_default();
        let root = auth::Root {
            username: user.clone(),
            password: password.clone(),
        };
        if client.signin(root).await.is_err() {
            at_root = false;
            let user = auth::Database {
                namespace: database.namespace.clone(),
                database: database.name.clone(),
                username: user.clone(),
                password,
            };
            client
                .signin(user)
                .await
                .map_err(|error| unavailable(database, error.message()))?;
        }
    }
    if at_root && missing == Missing::Refuse {
        // To go where nothing is makes it.
        if !lists(client, "INFO FOR ROOT", "namespaces", &database.namespace).await? {
            return Err(StoreError::NoDatabase);
        }
        client.use_ns(&database.namespace).await?;
        if !lists(client, "INFO FOR NS", "databases", &database.name).await? {
            return Err(StoreError::NoDatabase);
        }
    } else if at_root {
        let names = variables([
            ("namespace", Value::String(database.namespace.clone())),
            ("database", Value::String(database.name.clone())),
        ]);
        // Servers that start at the same time make them at the same time.
        loop {
            let made = client.query(schema::DATABASE).bind(names.clone()).await?;
            match checked(made) {
                Err(Trouble::Conflict) => pause().await,
                made => break drop(made?),
            }
        }
    }
    client
        .use_ns(&database.namespace)
        .use_db(&database.name)
        .await
        .map_err(|error| unavailable(database, error.message()))?;
    Ok(())
}

/// Whether what is defined in some place has this name.
async fn lists(
    client: &Surreal<Any>,
    info: &'static str,
    kind: &str,
    name: &str,
) -> Result<bool, StoreError> {
    let mut told = checked(client.query(info).await?)?;
    let defined = Fields::of(told.take(0)?)?.take(kind);
    Ok(matches!(defined, Value::Object(defined) if defined.contains_key(name)))
}

impl Database {
    /// Whether it is in another process.
    pub(super) fn is_remote(&self) -> bool {
        self.url.starts_with("ws")
    }
}

fn unavailable(database: &Database, reason: &str) -> StoreError {
    StoreError::Unavailable(format!("{}: {}", database.url, one_line(reason)))
}
