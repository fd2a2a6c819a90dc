//! Where drawings are kept: the settings of the store.
//!
//! A password must never show up in a log.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::parse::{count, database_name, time};
use crate::store::{Database, database_address};

/// Where drawings are kept.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// surrealkv:// and a folder for a database in this process, mem:// for one that forgets, ws:// or
    /// wss:// for a SurrealDB server
    #[arg(
        id = "database",
        long,
        env = "WHITEBOARD_DATABASE",
        value_name = "URL",
        default_value = "surrealkv://data",
        value_parser = address
    )]
    pub url: String,
    /// The namespace in the database
    #[arg(
        id = "database-namespace",
        long,
        env = "WHITEBOARD_DATABASE_NAMESPACE",
        value_name = "NAME",
        default_value = "whiteboard",
        value_parser = database_name
    )]
    pub namespace: String,
    /// The database in the namespace
    #[arg(
        id = "database-name",
        long,
        env = "WHITEBOARD_DATABASE_NAME",
        value_name = "NAME",
        default_value = "whiteboard",
        value_parser = database_name
    )]
    pub name: String,
    /// The root user of a SurrealDB server; a database in this process has none
    #[arg(
        id = "database-user",
        long,
        env = "WHITEBOARD_DATABASE_USER",
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub user: String,
    /// The password of that user; better given as a variable than as a flag, which others can see
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
    /// How long one query may take before it is given up
    #[arg(
        id = "query-timeout",
        long,
        env = "WHITEBOARD_QUERY_TIMEOUT",
        value_name = "TIME",
        default_value = "10s",
        value_parser = time("100ms", "5m")
    )]
    pub query_timeout: Duration,
    /// Queries that may be under way at once; more wait, for as long as one may take
    #[arg(
        id = "max-queries",
        long,
        env = "WHITEBOARD_MAX_QUERIES",
        value_name = "COUNT",
        default_value = "1024",
        value_parser = count::<usize>(16, 1_000_000)
    )]
    pub max_queries: usize,
    /// Changes and signals of one drawing that may wait for this server; when there are more, it subscribes
    /// to the drawing again, and reads what it lacks
    #[arg(
        id = "live-query-buffer",
        long,
        env = "WHITEBOARD_LIVE_QUERY_BUFFER",
        value_name = "COUNT",
        default_value = "1024",
        value_parser = count::<usize>(16, 1_000_000)
    )]
    pub live_query_buffer: usize,
    /// How long it is remembered that a stroke was erased: a page that was away longer starts over
    #[arg(
        long,
        env = "WHITEBOARD_TOMBSTONE_RETENTION",
        value_name = "TIME",
        default_value = "30d",
        value_parser = time("1m", "3650d")
    )]
    pub tombstone_retention: Duration,
}

impl DatabaseSettings {
    /// What the store is opened with.
    pub fn database(&self) -> Database {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Database {
            url: self.url.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            user: given(&self.user),
            password: given(&self.password.0),
            query_timeout: self.query_timeout,
            max_queries: self.max_queries,
            live_query_buffer: self.live_query_buffer,
        }
    }
}

/// An address that the store takes, as it was written.
fn address(text: &str) -> Result<String, String> {
    database_address(text).map(|_| text.to_owned())
}

/// A password, which shows up in no log.
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
