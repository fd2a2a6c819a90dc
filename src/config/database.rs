//! The settings of the store.
//!
//! A password must never appear in a log.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::parse::{database_name, time};
use crate::store::{Database, database_address};

/// How long the erasure of a stroke is remembered.
const TOMBSTONE_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most queries in flight, with those that passed their time limit; more wait for a place, for at most
/// `--query-timeout`.
const MAX_QUERIES: usize = 1_024;
/// Most changes and signals of one drawing that wait for this server; at more it subscribes to the drawing
/// again and reads what it lacks.
const LIVE_QUERY_BUFFER: usize = 1_024;

/// Which database, and how long to wait for it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// surrealkv:// and a folder for a database in this process, mem:// for one in memory only,
    /// ws:// or wss:// for a SurrealDB server
    #[arg(
        id = "database",
        long,
        env = "WHITEBOARD_DATABASE",
        value_name = "URL",
        default_value = "surrealkv://data",
        value_parser = address
    )]
    pub url: String,
    /// Namespace in the database
    #[arg(
        id = "database-namespace",
        long,
        env = "WHITEBOARD_DATABASE_NAMESPACE",
        value_name = "NAME",
        default_value = "whiteboard",
        value_parser = database_name
    )]
    pub namespace: String,
    /// Database in the namespace
    #[arg(
        id = "database-name",
        long,
        env = "WHITEBOARD_DATABASE_NAME",
        value_name = "NAME",
        default_value = "whiteboard",
        value_parser = database_name
    )]
    pub name: String,
    /// Root user of the SurrealDB server; a database in this process has none
    #[arg(
        id = "database-user",
        long,
        env = "WHITEBOARD_DATABASE_USER",
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub user: String,
    /// Password of that user; prefer the variable, because other users of the machine can see flags
    #[arg(
        id = "database-password",
        long,
        env = "WHITEBOARD_DATABASE_PASSWORD",
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub password: Password,
    /// Time limit of one query
    #[arg(
        id = "query-timeout",
        long,
        env = "WHITEBOARD_QUERY_TIMEOUT",
        value_name = "TIME",
        default_value = "10s",
        value_parser = time("100ms", "5m")
    )]
    pub query_timeout: Duration,
    /// How long the erasure of a stroke is remembered; a constant, beyond which a page that was offline
    /// loads the whole drawing again.
    #[arg(skip = TOMBSTONE_RETENTION)]
    pub tombstone_retention: Duration,
    /// Most notifications of one drawing that wait; a constant that tests lower.
    #[arg(skip = LIVE_QUERY_BUFFER)]
    pub live_query_buffer: usize,
}

impl DatabaseSettings {
    /// The settings of the store.
    pub fn database(&self) -> Database {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Database {
            url: self.url.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            user: given(&self.user),
            password: given(&self.password.0),
            query_timeout: self.query_timeout,
            max_queries: MAX_QUERIES,
            live_query_buffer: self.live_query_buffer,
        }
    }
}

/// An address that the store accepts, as it was written.
fn address(text: &str) -> Result<String, String> {
    database_address(text).map(|_| text.to_owned())
}

/// A password, hidden from debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub String);

impl FromStr for Password {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}
