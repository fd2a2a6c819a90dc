//! Connecting to a database and signing in.
//!
//! A problem with the database must be reported here in one clear line, not later.

use std::time::Duration;

use surrealdb::Surreal;
use surrealdb::engine::any::{self, Any};
use surrealdb::opt::{Config, auth};
use surrealdb::types::Value;

use super::address::{Database, database_address};
use super::error::{QueryError, StoreError, checked, one_line};
use super::rows::{Fields, variables};

/// Namespace and database.
const DATABASE: &str = include_str!("../../schema/database.surql");
/// How long connecting may take, and then signing in: the database hashes the password,
/// deliberately slowly, for every server that starts.
const CONNECT_WAIT: Duration = Duration::from_secs(30);
/// What SurrealKV says of a folder that another process has open.
const LOCKED: &str = "already locked by another process";
/// Interval of attempts to connect while the database is starting.
const START_LOOK: Duration = Duration::from_millis(100);
/// Upper bound of the random pause after a conflict, in milliseconds.
const CONFLICT_WAIT_MS: u64 = 20;

/// What to do when there is no database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Create one.
    Make,
    /// Fail, and create nothing.
    Refuse,
}

/// Pauses at random, until another transaction is done.
pub(super) async fn pause() {
    let wait = fastrand::u64(1..=CONFLICT_WAIT_MS);
    tokio::time::sleep(Duration::from_millis(wait)).await;
}

/// Connects, signs in, and selects the database.
pub(super) async fn connect(
    database: &Database,
    missing: Missing,
) -> Result<Surreal<Any>, StoreError> {
    let url = database_address(&database.url).map_err(|reason| unavailable(database, &reason))?;
    // A large folder may take minutes to open, and there is no other database to connect to.
    let connected = match database.is_remote() {
        true => tokio::time::timeout(CONNECT_WAIT, reach(&url)).await,
        false => Ok(reach(&url).await),
    };
    let client = match connected {
        Ok(Ok(client)) => client,
        Ok(Err(error)) if error.message().contains(LOCKED) => {
            let reason = "another process has it open, such as a server that runs on it";
            return Err(unavailable(database, reason));
        }
        Ok(Err(error)) => return Err(unavailable(database, error.message())),
        Err(_) => return Err(unavailable(database, "no answer in time")),
    };
    let prepared = tokio::time::timeout(CONNECT_WAIT, prepare(&client, database, missing)).await;
    prepared.unwrap_or_else(|_| Err(unavailable(database, "no answer in time")))?;
    Ok(client)
}

/// Connects; retries while the database is starting.
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

/// Signs in, and selects the namespace and the database.
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
        // Selecting a missing one would create it.
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
        // Servers that start at the same time may conflict.
        loop {
            let made = client.query(DATABASE).bind(names.clone()).await?;
            match checked(made) {
                Err(QueryError::Conflict) => pause().await,
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

/// Whether the definitions of one kind contain this name.
async fn lists(
    client: &Surreal<Any>,
    info: &'static str,
    kind: &str,
    name: &str,
) -> Result<bool, StoreError> {
    let mut info = checked(client.query(info).await?)?;
    let defined = Fields::of(info.take(0)?)?.take(kind);
    Ok(matches!(defined, Value::Object(defined) if defined.contains_key(name)))
}

fn unavailable(database: &Database, reason: &str) -> StoreError {
    StoreError::Unavailable(format!("{}: {}", database.url, one_line(reason)))
}
