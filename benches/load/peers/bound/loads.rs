//! The first load of a drawing at the least that SurrealDB allows: its rows are read in parts, two at a time on
//! threads of their own, each of which compresses what it read.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt, stream};
use surrealdb::Surreal;
use surrealdb::engine::any::Any;
use surrealdb::types::{RecordId, Variables};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

const HEAD: &str = "SELECT VALUE at FROM ONLY $head";
const ROWS: &str = "SELECT VALUE body FROM type::record($table, $first..=$last)";
/// Rows of a part, and parts that are read at a time.
const PART: i64 = 500;
const AT_ONCE: usize = 2;

/// The table of the drawing that a request loads.
pub fn table_of(request: &str) -> Option<&str> {
    let path = request.strip_prefix("GET /api/drawings/")?;
    path.split_once("/strokes").map(|(table, _)| table)
}

/// Answers with all strokes, as a gzip file of several members.
pub async fn answer(stream: &mut TcpStream, database: &Surreal<Any>, table: &str) {
    let head = database
        .query(HEAD)
        .bind(("head", RecordId::new("head", table)));
    let head = head.await.and_then(|mut head| head.take::<Option<i64>>(0));
    let head = head.expect("an answer").expect("a head");
    let parts = (0..head).step_by(PART as usize).map(|after| {
        let (database, table) = (database.clone(), table.to_owned());
        let part = move || {
            // What SurrealDB makes tasks of stays on this thread.
            let runtime = Builder::new_current_thread().enable_time().build();
            let part = part(&database, &table, after, head.min(after + PART));
            runtime.expect("a runtime").block_on(part)
        };
        async { spawn_blocking(part).await.expect("a part") }
    });
    let parts: Vec<Vec<u8>> = stream::iter(parts).buffered(AT_ONCE).collect().await;
    let start = format!(r#"{{"epoch":"none","from":0,"head":{head},"changes":["#);
    let body = [packed(&start), parts.concat(), packed("]}")].concat();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let written = stream.write_all(&[head.into_bytes(), body].concat()).await;
    written.expect("a reader");
}

async fn part(database: &Surreal<Any>, table: &str, after: i64, through: i64) -> Vec<u8> {
    let mut variables = Variables::new();
    variables.insert("table", table);
    variables.insert("first", after + 1);
    variables.insert("last", through);
    let rows = database.query(ROWS).bind(variables);
    let rows = rows.await.and_then(|mut rows| rows.take::<Vec<String>>(0));
    let mut text = String::new();
    for (seq, op) in (after + 1..).zip(rows.expect("rows")) {
        let comma = if seq == 1 { "" } else { "," };
        text += &format!(r#"{comma}{{"seq":{seq},{op}"#);
    }
    packed(&text)
}

fn packed(text: &str) -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), Compression::fast());
    let written = member.write_all(text.as_bytes());
    written.and_then(|()| member.finish()).expect("memory")
}
