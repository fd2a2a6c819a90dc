//! Access to SurrealDB: drawings, their changes in order, their signals, and the servers.
//!
//! It must never decide what a change is or wait for a client: it appends, reads, and reports when
//! the head has moved. No other module uses `surrealdb`.
//!
//! SurrealDB runs on its own runtime, so every method may be called from any tokio runtime,
//! including actix's single-threaded ones.

mod address;
mod append;
mod assets;
mod census;
mod connect;
mod connection;
mod drawings;
mod epoch;
mod error;
mod gc;
mod key_rows;
mod keys;
mod live_event;
mod load;
mod open;
mod own_messages;
mod read;
mod rows;
mod rules;
mod schema;
mod servers;
mod subscription;

pub use address::{Database, database_address};
pub use append::{Appended, ExpectedHead};
pub use assets::AssetPut;
pub use census::{DrawingDetails, Totals};
pub use connection::Store;
pub use drawings::{DrawingInfo, Head, ListCursor, Listed, MAX_LIST, Rows, UNDELETE_WINDOW};
pub use error::StoreError;
pub use gc::removal::Removals;
pub use key_rows::KeyInfo;
pub use keys::{KeyChange, NewKey};
pub use live_event::LiveEvent;
pub use load::{LivingIndex, Loaded};
pub use read::{CHUNK_STROKES, Chunk};
pub use rules::RulesError;
pub use servers::{SERVER_SILENCE, ServerInfo, SessionCounts};
pub use subscription::Subscription;

/// Harmless warnings of SurrealDB, by module and first words. Subscriptions detect themselves that a live
/// query ended, a read follows each subscription, and closing waits until SurrealKV has closed.
pub const KNOWN_HARMLESS_WARNINGS: [(&str, &str); 4] = [
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

#[cfg(test)]
mod tests;
