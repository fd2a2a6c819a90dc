//! Everything a drawing's table ever held, recorded by the database itself.
//!
//! A replaced row is deleted, and several ops on one stroke may share a row, so no final copy shows
//! whether an op took effect twice. So the database records each row, and each move of the head, in
//! the transaction that makes it.

use serde::Deserialize;
use serde_json::Value;
use surrealdb::types::SurrealValue;
use uuid::Uuid;
use whiteboard::domain::ids::{PersonId, StrokeId, WriterId};
use whiteboard::domain::sequence::Seq;

use crate::raw_db::{Names, RawDb};

/// Tables for the records, unknown to servers.
const ROWS: &str = "history_rows";
const HEADS: &str = "history_heads";

/// A row as it was stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub seq: Seq,
    pub stroke: StrokeId,
    pub z: i64,
    pub author: PersonId,
    pub writer: WriterId,
    pub n: u64,
    /// `None` for a tombstone.
    pub body: Option<Value>,
}

/// All rows by position, and the moves of the head in order.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub rows: Vec<Row>,
    /// The old and new head of each transaction.
    pub moves: Vec<(Seq, Seq)>,
}

/// A row as the database recorded it.
#[derive(Deserialize)]
struct Noted {
    /// The row's id: its position, and the sign bit if it is a tombstone.
    key: i64,
    stroke: Uuid,
    z: i64,
    author: Uuid,
    writer: Uuid,
    n: u64,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Deserialize)]
struct Move {
    old: Seq,
    new: Seq,
}

impl History {
    /// Starts recording a drawing, which no one has opened yet.
    pub async fn begins(raw_db: &RawDb, drawing: &str) {
        let Names { strokes, .. } = Names::of(drawing);
        raw_db.run(&format!("DEFINE TABLE {ROWS} SCHEMALESS")).await;
        raw_db
            .run(&format!("DEFINE TABLE {HEADS} SCHEMALESS"))
            .await;
        let note = format!(
            "DEFINE EVENT history ON {strokes} WHEN $event = 'CREATE' THEN (CREATE {ROWS} SET \
             key = $after.id.id(), stroke = $after.stroke, z = $after.z, author = $after.author, \
             writer = $after.writer, n = $after.n, body = $after.body)"
        );
        raw_db.run(&note).await;
        let note = format!(
            "DEFINE EVENT history ON drawing WHEN $event = 'UPDATE' AND $before.head != $after.head \
             THEN (CREATE {HEADS} SET old = $before.head, new = $after.head)"
        );
        raw_db.run(&note).await;
    }

    /// Returns the records.
    pub async fn noted(raw_db: &RawDb) -> Self {
        let rows: Vec<Noted> = all(
            raw_db,
            &format!(
                "SELECT key, <string> stroke AS stroke, z, <string> author AS author, \
                 <string> writer AS writer, n, body FROM {ROWS}"
            ),
        )
        .await;
        let moves: Vec<Move> = all(
            raw_db,
            &format!("SELECT old, new FROM {HEADS} ORDER BY old, new"),
        )
        .await;
        let mut rows: Vec<Row> = rows.into_iter().map(Row::from).collect();
        rows.sort_by_key(|row| row.seq);
        Self {
            rows,
            moves: moves.into_iter().map(|one| (one.old, one.new)).collect(),
        }
    }
}

impl From<Noted> for Row {
    fn from(noted: Noted) -> Self {
        let body = noted.body.as_deref();
        Self {
            seq: (noted.key & i64::MAX) as Seq,
            stroke: StrokeId(noted.stroke),
            z: noted.z,
            author: PersonId(noted.author),
            writer: WriterId(noted.writer),
            n: noted.n,
            body: body.map(|body| serde_json::from_str(body).expect("JSON")),
        }
    }
}

async fn all<T: for<'de> Deserialize<'de>>(raw_db: &RawDb, text: &str) -> Vec<T> {
    let rows = Value::from_value(raw_db.run(text).await).expect("plain values");
    serde_json::from_value(rows).expect("what was noted")
}
