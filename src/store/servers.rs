//! The rows of the servers that share a database.
//!
//! Strokes never depend on these rows: they serve presence counts and health only.

use std::time::Duration;

use surrealdb::types::{RecordIdKey, Value};

use super::connection::Store;
use super::error::StoreError;
use super::rows::{Fields, list, pair, record, rows, variables};
use crate::domain::ids::{DrawingId, ServerId};

/// How long a server may be silent before its row is deleted.
pub const SERVER_SILENCE: Duration = Duration::from_secs(10 * 60);

const HEARTBEAT: &str =
    "UPSERT $server SET heartbeat = time::now(), drawings = $drawings RETURN NONE";
const SERVERS: &str = "SELECT *, time::now() - heartbeat AS silent FROM server";
const LEAVE: &str = "DELETE $server RETURN NONE";

/// The last row that a server wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The id of the server.
    pub id: ServerId,
    /// Age of the row by the database's clock; zero when it arrives live.
    pub silent: Duration,
    /// The drawings it has open, with their numbers of sessions.
    pub drawings: Vec<(DrawingId, u32)>,
    /// Whether the server stopped and deleted its row.
    pub left: bool,
}

/// The number of sessions of each drawing, on all servers.
#[derive(Clone, Debug, Default)]
pub struct SessionCounts(Vec<(DrawingId, u32)>);

impl SessionCounts {
    /// The number of sessions of a drawing.
    pub fn of(&self, drawing: DrawingId) -> u32 {
        let counts = self.0.iter().filter(|(id, _)| *id == drawing);
        counts.map(|(_, count)| count).sum()
    }
}

impl Store {
    /// Writes this server's heartbeat, with the number of sessions of each open drawing.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn heartbeat(&self, counts: &[(DrawingId, u32)]) -> Result<(), StoreError> {
        let count = |&(drawing, sessions): &(DrawingId, u32)| pair(drawing.0, sessions.into());
        let variables = variables([
            ("server", server_record(self.server())),
            ("drawings", list(counts.iter().map(count))),
        ]);
        self.0.query(HEARTBEAT, variables).await?;
        Ok(())
    }

    /// All servers with a row, including this one. A crashed server's row remains until it is
    /// swept: judge it by [`ServerInfo::silent`].
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn servers(&self) -> Result<Vec<ServerInfo>, StoreError> {
        let mut results = self.0.query(SERVERS, variables([])).await?;
        rows(results.take(0)?)?
            .into_iter()
            .map(|row| from_server_row(row, false))
            .collect()
    }

    /// The sessions of all drawings, on servers that were silent for at most `silence`.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn session_counts(&self, silence: Duration) -> Result<SessionCounts, StoreError> {
        let servers = self.servers().await?.into_iter();
        // Servers that stopped have no row.
        let alive = servers.filter(|server| server.silent <= silence);
        let counts = alive.flat_map(|server| server.drawings);
        Ok(SessionCounts(counts.collect()))
    }

    /// Deletes this server's row.
    pub(super) async fn leave(&self) -> Result<(), StoreError> {
        let variables = variables([("server", server_record(self.server()))]);
        self.0.query(LEAVE, variables).await?;
        Ok(())
    }
}

fn server_record(server: ServerId) -> Value {
    record("server", RecordIdKey::Uuid(server.0.into()))
}

/// Parses a row of a server.
pub(super) fn from_server_row(row: Value, left: bool) -> Result<ServerInfo, StoreError> {
    let mut row = Fields::of(row)?;
    let silent = match row.take("silent") {
        Value::Duration(silent) => silent.into_inner(),
        _ => Duration::ZERO,
    };
    let drawings = match left {
        true => Vec::new(),
        false => row.pairs("drawings", |id, sessions| (DrawingId(id), sessions as u32))?,
    };
    Ok(ServerInfo {
        id: ServerId(row.uuid_key()?),
        silent,
        drawings,
        left,
    })
}
