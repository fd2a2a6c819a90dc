//! The only door to SurrealDB: drawings, their changes in order, their signals, and the servers.
//!
//! It must never decide what a change is or wait for a browser: it appends what it is given, reads
//! what there is, and says when it is behind. No other module names `surrealdb`.
//!
//! SurrealDB runs on a runtime of its own, so every method may be called from any tokio runtime,
//! also from the single-threaded ones of actix.

mod address;
mod append;
mod connection;
mod drawings;
mod live;
mod lives;
mod open;
mod removal;
mod rows;
mod schema;
mod servers;
mod since;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Change, DrawingId, Life, Seq, ServerId};

pub use address::database_address;
pub use drawings::Rows;
pub use live::{Follow, FollowServers};
pub use removal::Removals;
pub use sweep::Swept;

/// Living strokes that one [`Page`] has at most. Bodies are at most 64 KiB, so a page stays
/// under half of the 64 MiB that SurrealDB allows in one message.
pub const PAGE: u64 = 500;
/// How long a deleted drawing can be taken back.
pub const TAKE_BACK: Duration = Duration::from_secs(10 * 60);
/// How long a server may be silent before its row is swept.
pub const SERVER_SILENCE: Duration = Duration::from_secs(10 * 60);
/// Most drawings that one [`Store::list`] gives.
pub const MAX_LIST: usize = 500;

/// Warnings of what is beneath this, by module and first words, about what is seen to all the
/// same: the store looks itself whether a live query is gone, a reader reads what a live query told
/// before it was known, and the store waits until SurrealKV has closed.
pub const FALSE_ALARMS: [(&str, &str); 4] = [
    ("surrealdb::method::live", "Failed to kill live query"),
    (
        "surrealdb_engine_local::session",
        "Failed to kill live query",
    ),
    (
        "surrealdb_engine_local::session",
        "Failed to find live query",
    ),
    ("surrealkv::lsm", "No runtime available for closing"),
];

/// Which database, and how to reach it.
#[derive(Clone)]
pub struct Database {
    /// `mem://`, `surrealkv://folder`, `ws://host:port` or `wss://host:port`: see [`database_address`].
    pub url: String,
    /// The namespace, created when it is missing.
    pub namespace: String,
    /// The database in it, created when it is missing.
    pub name: String,
    /// Who signs in, at the root or else at the database; nobody in an embedded database.
    pub user: Option<String>,
    /// Their password.
    pub password: Option<String>,
    /// How long any one query may take before its outcome is [`StoreError::Deadline`].
    pub deadline: Duration,
    /// Queries that may be under way at once, with those that were given up at their deadline: SurrealDB's
    /// client queues without bound while the database is away. More wait, for as long as one may take.
    pub queries: usize,
    /// Changes and signals that may wait in a [`Follow`]; when more do, it ends.
    pub notifications: usize,
}

impl std::fmt::Debug for Database {
    /// All but the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("url", &self.url)
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("user", &self.user)
            .field("deadline", &self.deadline)
            .field("queries", &self.queries)
            .field("notifications", &self.notifications)
            .finish_non_exhaustive()
    }
}

/// The database, open. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<connection::Connection>);

/// Where whoever appends believes a drawing to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Its life: after a backup was restored, the same head may be another picture.
    pub life: Life,
    /// The position of its last change.
    pub head: Seq,
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// All of it is stored, on disk.
    Committed,
    /// Someone else appended first, or at the same time; nothing is stored. Read
    /// [`Store::since`], decide again, and try again.
    Behind,
    /// The drawing is deleted, or was never there; nothing is stored.
    Gone,
}

/// Changes of a drawing after a position, read in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The drawing's life.
    pub life: Life,
    /// Up to here tombstones are swept away: who holds less must start over.
    pub floor: Seq,
    /// The drawing's title.
    pub title: String,
    /// The changes, by position. Positions whose stroke changed later are missing.
    pub changes: Vec<Change>,
    /// The position that this page reaches: the end of what was asked for, or less when there is more.
    pub head: Seq,
    /// Whether there is more of what was asked for after `head`.
    pub more: bool,
    /// The drawing's head. It is less than what was asked for when the asker holds
    /// positions of another life.
    pub database_head: Seq,
}

/// What is heard of a drawing.
#[derive(Clone, Debug, PartialEq)]
pub enum Followed {
    /// A change was stored; not always in order. Boxed, for room for many is kept for each open drawing.
    Change(Box<Change>),
    /// A server said something that is not stored.
    Signals {
        /// The server.
        server: ServerId,
        /// What it said.
        body: String,
    },
}

/// A drawing as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawingInfo {
    /// Its id.
    pub id: DrawingId,
    /// Its title.
    pub title: String,
    /// When it was made, in milliseconds since 1970, by the database's clock.
    pub created: u64,
    /// When it last changed, in milliseconds since 1970, by the database's clock.
    pub changed: u64,
    /// The position of its last change.
    pub head: Seq,
    /// Its life.
    pub life: Life,
}

/// Where a list goes on: after the drawing with this time and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Its [`DrawingInfo::created`].
    pub created: u64,
    /// Its id.
    pub id: DrawingId,
}

/// How a drawing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The drawing.
    pub id: DrawingId,
    /// The position of its last change.
    pub head: Seq,
    /// Tombstones up to here were swept.
    pub floor: Seq,
    /// Its life.
    pub life: Life,
    /// Its title.
    pub title: String,
    /// Whether it is deleted.
    pub deleted: bool,
}

/// What a server last said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The server.
    pub id: ServerId,
    /// How long ago it said so, by the database's clock; zero when it is heard live.
    pub silent: Duration,
    /// The drawings it has open, with the number of their sessions.
    pub drawings: Vec<(DrawingId, u32)>,
    /// Whether it took leave; then it has nothing open.
    pub left: bool,
}

/// Why the database did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such drawing.
    #[error("there is no such drawing")]
    NotFound,
    /// The drawing is deleted.
    #[error("the drawing is deleted")]
    Gone,
    /// No answer in time: it may have happened, or may still happen.
    #[error("the database did not answer within {0:?}")]
    Deadline(Duration),
    /// The database cannot be reached or opened, or the connection broke: for what writes,
    /// it may have happened.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The storage beneath the database failed, as with a full disk: it may have happened.
    #[error("the database's storage failed: {0}")]
    Storage(String),
    /// There is no database of this program where one has to be.
    #[error("there is no database of a whiteboard, and none is made")]
    NoDatabase,
    /// A newer program wrote this database, and says that this one may not read it.
    #[error(
        "the database was written by a newer program (schema {schema}) that asks for \
         schema {oldest} or later; this program knows schema {known}: upgrade it"
    )]
    TooNew {
        /// The schema of the database.
        schema: u32,
        /// The oldest program that may read it, by the schema it knows.
        oldest: u32,
        /// The schema this program knows.
        known: u32,
    },
    /// The database answered with an error, and nothing happened. It may be a fault of what was
    /// asked, or of the database.
    #[error("the database refused: {0}")]
    Failed(String),
}

#[cfg(test)]
mod tests;
