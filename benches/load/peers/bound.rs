//! The least that the whiteboard's promise can cost: the broadcast with frames written by hand, which sends a
//! stroke on only when SurrealDB has stored it.
//!
//! A stroke is a row of one field, stored by a compare-and-swap on its drawing's head, and a live query tells
//! every node of it. What a drawing gathers while its last transaction is in flight goes in the next one, and in
//! one frame. Nothing is checked, bounded or counted, nobody is refused, and what fails ends the process.
//!
//! With several nodes, all who draw are on the first one, so that no swap is ever lost. What a process before it
//! stored is only read.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use futures_util::{FutureExt, StreamExt};
use surrealdb::engine::any::{Any, connect};
use surrealdb::opt::auth::Root;
use surrealdb::types::{Array, Object, RecordId, RecordIdKey, Value, Variables};
use surrealdb::{IndexedResults, Notification, Surreal};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OnceCell};
use tokio::task::{LocalSet, spawn_local};

use super::hand_written::{read_frames, read_request, text_frame, upgrade, write};

mod loads;

/// The table of a drawing, and its head; safe to repeat.
const CREATE: &str = "DEFINE TABLE IF NOT EXISTS $table SCHEMAFULL;
DEFINE FIELD IF NOT EXISTS body ON $table TYPE string;
DEFINE TABLE IF NOT EXISTS head;
INSERT IGNORE INTO head { id: $table, at: 0 }";
const LIVE: &str = "LIVE SELECT * FROM type::table($table)";
/// To insert NONE is an error.
const APPEND: &str = "INSERT INTO $table (UPDATE ONLY $head SET at = $new WHERE at = $old RETURN VALUE $rows) RETURN NONE";
/// The stack of the database's thread, in bytes.
const STACK: usize = 10 << 20;

/// A drawing on this node.
#[derive(Default)]
struct Drawing {
    opened: OnceCell<()>,
    pages: RefCell<Vec<Rc<TcpStream>>>,
    /// Who drew, the number of the op, and the op without its opening brace.
    gathered: RefCell<Vec<(Rc<TcpStream>, u64, String)>>,
    more: Notify,
    /// The position of the last stroke that was sent.
    head: Cell<u64>,
}

/// Serves until it is killed, at the latest when the parent process ends, with a database at this address.
pub fn serve(url: &str) {
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .expect("a runtime");
    let opening = threads.spawn(open(url.to_owned()));
    let database = threads.block_on(opening).expect("a database");
    let sockets = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&sockets, accept(database));
}

/// A connection for queries, and one for live queries, since what follows has to be read fast.
#[derive(Clone)]
struct Database {
    queries: Surreal<Any>,
    live: Surreal<Any>,
}

async fn open(url: String) -> Database {
    let queries = signed_in(&url).await;
    let live = match url.starts_with("ws") {
        true => signed_in(&url).await,
        false => queries.clone(),
    };
    Database { queries, live }
}

async fn signed_in(url: &str) -> Surreal<Any> {
    let database = connect(url).await.expect("a database");
    if url.starts_with("ws") {
        let (username, password) = ("root".into(), "root".into());
        let root = Root { username, password };
        database.signin(root).await.expect("its user");
    }
    database
        .use_ns("load")
        .use_db("load")
        .await
        .expect("its database");
    database
}

async fn accept(database: Database) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    eprintln!("http://{}", listener.local_addr().expect("its address"));
    let drawings = RefCell::new(HashMap::<String, Rc<Drawing>>::new());
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            continue;
        };
        let Some(request) = read_request(&mut stream).await else {
            continue;
        };
        if let Some(table) = loads::table_of(&request) {
            loads::answer(&mut stream, &database.queries, table).await;
            continue;
        }
        let Some(path) = upgrade(&mut stream, &request).await else {
            continue;
        };
        let table = path.split(['/', '?']).nth(2).expect("a drawing");
        let drawing = drawings
            .borrow_mut()
            .entry(table.to_owned())
            .or_default()
            .clone();
        drawing
            .opened
            .get_or_init(|| follow(&database, table, &drawing))
            .await;
        spawn_local(session(Rc::new(stream), drawing));
    }
}

/// Follows a drawing, and stores what is drawn in it here.
async fn follow(database: &Database, table: &str, drawing: &Rc<Drawing>) {
    define(&database.queries, CREATE, table).await;
    let mut live = define(&database.live, LIVE, table).await;
    let mut told = live.stream::<Value>(0).expect("a live query");
    let follower = drawing.clone();
    spawn_local(async move {
        let mut early = BTreeMap::new();
        while let Some(first) = told.next().await {
            early.extend([change(first)]);
            while let Some(Some(next)) = told.next().now_or_never() {
                early.extend([change(next)]);
            }
            take_in(&follower, &mut early);
        }
    });
    let (database, drawing) = (database.queries.clone(), drawing.clone());
    let table = table.to_owned();
    spawn_local(async move {
        loop {
            let gathered = drawing.gathered.take();
            match gathered.is_empty() {
                true => drawing.more.notified().await,
                false => append(&database, &table, &drawing, gathered).await,
            }
        }
    });
}

/// Changes a definition, of which another node may change one at the same time.
async fn define(database: &Surreal<Any>, text: &str, table: &str) -> IndexedResults {
    loop {
        let changed = database.query(text).bind(("table", table.to_owned()));
        match changed.await.and_then(IndexedResults::check) {
            Ok(results) => return results,
            Err(error) if error.message().contains("conflict") => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Sends the changes that follow on what was sent, and leaves those that come later.
fn take_in(drawing: &Drawing, early: &mut BTreeMap<u64, String>) {
    let from = drawing.head.get();
    early.retain(|&seq, _| seq > from);
    let next = (from + 1..).map_while(|seq| early.remove(&seq));
    send(drawing, &next.collect::<Vec<_>>());
}

/// The position and the op in a row.
fn change(told: surrealdb::Result<Notification<Value>>) -> (u64, String) {
    let mut row = match told.expect("the live query goes on").data {
        Value::Object(row) => row,
        other => panic!("not a row: {other:?}"),
    };
    match (row.remove("id"), row.remove("body")) {
        (Some(Value::RecordId(id)), Some(Value::String(op))) => match id.key {
            RecordIdKey::Number(seq) => (seq as u64, op),
            key => panic!("not a position: {key:?}"),
        },
        other => panic!("not a stroke: {other:?}"),
    }
}

/// Stores what was gathered, and then sends it and says that it is stored.
async fn append(
    database: &Surreal<Any>,
    table: &str,
    drawing: &Drawing,
    gathered: Vec<(Rc<TcpStream>, u64, String)>,
) {
    let old = drawing.head.get();
    let row = |(seq, (_, _, op)): (u64, &(_, _, String))| {
        let mut row = Object::new();
        row.insert("id", seq as i64);
        row.insert("body", op.clone());
        Value::Object(row)
    };
    let rows: Vec<Value> = (old + 1..).zip(&gathered).map(row).collect();
    let mut variables = Variables::new();
    variables.insert("head", RecordId::new("head", table));
    variables.insert("old", old as i64);
    variables.insert("new", (old + rows.len() as u64) as i64);
    variables.insert("table", table.to_owned());
    variables.insert("rows", Value::Array(Array::from(rows)));
    let stored = database.query(APPEND).bind(variables).await;
    stored
        .and_then(|stored| stored.check())
        .expect("it is stored");
    // The live query may have told of it before.
    let sent = (drawing.head.get() - old) as usize;
    let ops: Vec<String> = gathered[sent.min(gathered.len())..]
        .iter()
        .map(|(_, _, op)| op.clone())
        .collect();
    send(drawing, &ops);
    for (at, (page, n, _)) in gathered.iter().enumerate() {
        let again = |(later, _, _): &(Rc<TcpStream>, _, _)| Rc::ptr_eq(page, later);
        if !gathered[at + 1..].iter().any(again) {
            write(
                page,
                &text_frame(format!(r#"{{"type":"done","n":{n}}}"#).as_bytes()),
            );
        }
    }
}

/// Sends changes that follow on what was sent to all pages, in one frame.
fn send(drawing: &Drawing, ops: &[String]) {
    let from = drawing.head.get();
    let head = from + ops.len() as u64;
    if head == from {
        return;
    }
    let mut text = format!(r#"{{"type":"strokes","from":{from},"head":{head},"changes":["#);
    for (seq, op) in (from + 1..).zip(ops) {
        let comma = if seq == head { "" } else { "," };
        text += &format!(r#"{{"seq":{seq},{op}{comma}"#);
    }
    text += "]}";
    drawing.head.set(head);
    let frame = text_frame(text.as_bytes());
    drawing
        .pages
        .borrow_mut()
        .retain(|page| write(page, &frame));
}

/// Gathers what a page draws, until it closes.
async fn session(own: Rc<TcpStream>, drawing: Rc<Drawing>) {
    drawing.pages.borrow_mut().push(own.clone());
    read_frames(&own, |text| {
        if let Some((n, op)) = op_in(text) {
            drawing
                .gathered
                .borrow_mut()
                .push((own.clone(), n, op.to_owned()));
            drawing.more.notify_one();
        }
    })
    .await;
    drawing
        .pages
        .borrow_mut()
        .retain(|page| !Rc::ptr_eq(page, &own));
}

/// The number of the op in a frame of one, and the op without its opening brace.
fn op_in(text: &[u8]) -> Option<(u64, &str)> {
    let text = std::str::from_utf8(text).ok()?;
    let op = text
        .strip_prefix(r#"{"type":"ops","ops":[{"#)?
        .strip_suffix("]}")?;
    let n = op.strip_prefix(r#""n":"#)?.split(',').next()?;
    Some((n.parse().ok()?, op))
}
