//! Direct access to the database: what no server does, but may have to handle.
//!
//! It must not be used to check drawings: that is what the store is for.

use std::collections::BTreeMap;
use std::str::FromStr;

use surrealdb::Surreal;
use surrealdb::engine::any::{self, Any};
use surrealdb::method::Transaction;
use surrealdb::opt::auth::Root;
use surrealdb::types::{Object, Value};
use uuid::Uuid;
use whiteboard::domain::ids::{DrawingId, StrokeId};
use whiteboard::domain::sequence::Seq;
use whiteboard::store::Database;

/// A separate connection.
pub struct RawDb(Surreal<Any>);

/// The names of a drawing in SurrealDB: its row, and its tables.
pub struct Names {
    pub row: String,
    pub strokes: String,
    pub signals: String,
}

impl Names {
    pub fn of(drawing: &str) -> Self {
        let id = DrawingId::from_str(drawing).expect("an id");
        Self {
            row: format!("drawing:u'{}'", id.0.hyphenated()),
            strokes: format!("stroke_{drawing}"),
            signals: format!("signal_{drawing}"),
        }
    }
}

impl RawDb {
    /// Connects, and signs in.
    pub async fn to(database: &Database) -> Self {
        let client = any::connect(&database.url).await.expect("the database");
        let root = Root {
            username: database.user.clone().expect("a user"),
            password: database.password.clone().expect("a password"),
        };
        client.signin(root).await.expect("the password is right");
        client
            .use_ns(&database.namespace)
            .use_db(&database.name)
            .await
            .expect("it is there");
        Self(client)
    }

    /// Runs one statement, which must succeed.
    pub async fn run(&self, text: &str) -> Value {
        self.tried(text)
            .await
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Runs one statement.
    ///
    /// # Errors
    ///
    /// The error of the database.
    pub async fn tried(&self, text: &str) -> surrealdb::Result<Value> {
        self.0.query(text).await?.check()?.take(0)
    }

    /// The rows of each table there is.
    pub async fn rows(&self) -> BTreeMap<String, usize> {
        let mut rows = BTreeMap::new();
        for name in keys(field(self.run("INFO FOR DB").await, "tables")) {
            let Value::Array(all) = self.run(&format!("SELECT VALUE id FROM {name}")).await else {
                panic!("{name} is no table");
            };
            rows.insert(name, all.len());
        }
        rows
    }

    /// The ids of the live queries of a table.
    pub async fn live_queries(&self, table: &str) -> Vec<String> {
        let info = self.run(&format!("INFO FOR TABLE {table}")).await;
        keys(field(info, "lives"))
    }

    /// Kills all live queries of a table, and returns how many there were.
    pub async fn kill_live_queries(&self, table: &str) -> usize {
        let live_queries = self.live_queries(table).await;
        for live in &live_queries {
            self.run(&format!("KILL u'{live}'")).await;
        }
        live_queries.len()
    }

    /// A transaction that stays open until it is committed.
    pub async fn begin(&self) -> Transaction<Any> {
        self.0.clone().begin().await.expect("a transaction")
    }
}

/// The statements with which a server would store new strokes, in the order in which the rows are
/// written.
pub fn append(drawing: &str, head: Seq, rows: &[(Seq, StrokeId)]) -> Vec<String> {
    let Names { row, strokes, .. } = Names::of(drawing);
    let new = head + rows.len() as Seq;
    let (writer, author) = (Uuid::new_v4(), Uuid::new_v4());
    let body = support::state::pen(9.0);
    let swap = format!("UPDATE {row} SET head = {new}, changed = time::now() WHERE head = {head}");
    let insert = |(seq, stroke): &(Seq, StrokeId)| {
        format!(
            "CREATE {strokes}:{seq} SET stroke = u'{}', z = {seq}, author = u'{author}', writer = u'{writer}', \
             n = {}, body = '{body}'",
            stroke.0,
            seq - head
        )
    };
    [swap].into_iter().chain(rows.iter().map(insert)).collect()
}

/// Runs statements in an open transaction.
pub async fn write(transaction: &Transaction<Any>, statements: &[String]) {
    for statement in statements {
        let done = transaction.query(statement).await;
        done.and_then(surrealdb::IndexedResults::check)
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

fn field(value: Value, name: &str) -> Object {
    let Value::Object(mut all) = value else {
        panic!("no object: {value:?}");
    };
    match all.remove(name) {
        Some(Value::Object(object)) => object,
        other => panic!("{name} is {other:?}"),
    }
}

fn keys(object: Object) -> Vec<String> {
    object.into_iter().map(|(key, _)| key.to_string()).collect()
}
