//! Tests that need private access to the store.

use std::sync::Arc;
use std::time::Duration;

use surrealdb::types::{RecordIdKey, Value, Variables};
use uuid::Uuid;

use super::error::QueryError;
use super::rows::{Fields, drawing_record, int, record, stroke_table, variables};
use super::*;
use crate::domain::access::Level;
use crate::domain::ids::{DrawingId, PersonId, ServerId};
use crate::domain::key::Key;
use crate::domain::op::Change;
use crate::domain::rules::Rules;
use crate::metrics::DbLink;
use crate::metrics::Metrics;

/// Deadline of everything that the tests wait for.
pub(super) const SOON: Duration = Duration::from_secs(30);

pub(super) fn memory() -> Database {
    Database {
        url: "mem://".into(),
        namespace: "test".into(),
        name: "test".into(),
        user: None,
        password: None,
        query_timeout: SOON,
        max_queries: 1_024,
        live_query_buffer: 1_024,
    }
}

pub(super) async fn ask(store: &Store, text: &'static str, variables: Variables) -> Value {
    store
        .0
        .query(text, variables)
        .await
        .unwrap()
        .take(0)
        .unwrap()
}

/// Live queries on a drawing's strokes, by their ids.
async fn live_query_ids(store: &Store, drawing: DrawingId) -> Vec<Uuid> {
    let name = Value::String(stroke_table(drawing));
    let info = ask(store, "INFO FOR TABLE $table", variables([("table", name)])).await;
    match Fields::of(info).unwrap().take("lives") {
        Value::Object(live_queries) => live_queries.keys().map(|id| id.parse().unwrap()).collect(),
        other => panic!("{other:?}"),
    }
}

async fn live_queries(store: &Store, drawing: DrawingId) -> usize {
    live_query_ids(store, drawing).await.len()
}

impl Store {
    /// Kills all live queries on a drawing's strokes. Their subscribers are not notified, and
    /// receive no more changes.
    pub(crate) async fn kill_live_queries(&self, drawing: DrawingId) {
        for id in live_query_ids(self, drawing).await {
            self.0
                .query("KILL $live", variables([("live", rows::uuid(id))]))
                .await
                .unwrap();
        }
        assert_eq!(live_queries(self, drawing).await, 0);
    }
}

#[tokio::test]
async fn a_subscription_that_is_dropped_leaves_no_live_query_behind() {
    let store = Store::open(&memory(), ServerId::random(), Metrics::new())
        .await
        .unwrap();
    let drawing = store.create("A drawing").await.unwrap().id;
    let follows = [
        store.subscribe(drawing).await.unwrap(),
        store.subscribe(drawing).await.unwrap(),
    ];
    assert_eq!(live_queries(&store, drawing).await, 2);
    drop(follows);
    let gone = async {
        while live_queries(&store, drawing).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, gone).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_subscription_that_nobody_reads_ends() {
    let mut database = memory();
    database.live_query_buffer = 100;
    let store = Store::open(&database, ServerId::random(), Metrics::new())
        .await
        .unwrap();
    let drawing = store.create("A drawing").await.unwrap().id;
    let mut follow = store.subscribe(drawing).await.unwrap();
    for _ in 0..2 * database.live_query_buffer {
        store.signal(drawing, "{}".into()).await.unwrap();
    }
    let mut received = 0;
    while follow.next().await.is_some() {
        received += 1;
    }
    assert_eq!(received, database.live_query_buffer);
    let lost = "whiteboard_subscriptions_ended_total{reason=\"slow\"} 1\n";
    assert!(store.metrics().text().contains(lost));
    store.close().await;
}

#[tokio::test]
async fn more_queries_than_may_be_under_way_are_refused() {
    let mut database = memory();
    database.max_queries = 50;
    let mut store = Store::open(&database, ServerId::random(), Metrics::new())
        .await
        .unwrap();
    // Only from here on, so that opening has time enough.
    let opened = Arc::get_mut(&mut store.0).expect("nobody else has it");
    opened.database.query_timeout = Duration::from_millis(100);
    // They reach their deadline, and stay in flight until the database is done with them.
    let stuck = (0..database.max_queries).map(|_| {
        let work = |_| std::future::pending::<Result<(), QueryError>>();
        store.0.run(DbLink::Queries, &store.0.handle, work)
    });
    for given_up in futures_util::future::join_all(stuck).await {
        let error = given_up.unwrap_err();
        assert!(matches!(error, QueryError::Store(StoreError::Deadline(_))));
    }
    assert!(matches!(
        store.check().await,
        Err(StoreError::Unavailable(_))
    ));
    store.update_gauges();
    let text = store.metrics().text();
    let full = "whiteboard_query_errors_total{reason=\"full\"} 1\n";
    assert!(text.contains(full), "{text}");
    let in_flight = format!("whiteboard_queries_in_flight {}\n", database.max_queries);
    assert!(text.contains(&in_flight), "{text}");
}

#[tokio::test]
async fn a_database_with_a_schema_that_this_program_cannot_use_is_refused() {
    const CHANGE: &str = "UPDATE $meta SET schema = $schema, oldest = $oldest";
    let known = schema::SCHEMA;
    let newer = known + 6;
    for (schema, oldest, refused) in [
        (known, known, None),
        (newer, known, None),
        (1, 1, Some(StoreError::OtherSchema { schema: 1, known })),
        (
            newer,
            known + 1,
            Some(StoreError::TooNew {
                schema: newer,
                oldest: known + 1,
                known,
            }),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut database = memory();
        database.url = format!("surrealkv://{}", folder.path().display());
        let store = Store::open(&database, ServerId::random(), Metrics::new())
            .await
            .unwrap();
        let meta = record("meta", RecordIdKey::String("schema".into()));
        let variables = variables([
            ("meta", meta),
            ("schema", int(schema.into())),
            ("oldest", int(oldest.into())),
        ]);
        ask(&store, CHANGE, variables).await;
        store.close().await;
        let opened = Store::open(&database, ServerId::random(), Metrics::new()).await;
        assert_eq!(opened.as_ref().err(), refused.as_ref());
        if let Ok(store) = opened {
            store.close().await;
        }
    }
}

#[tokio::test]
async fn a_database_without_the_schema_gets_its_indexes_when_it_is_opened() {
    const REMOVE: &str = "DELETE $meta;
        REMOVE INDEX live ON drawing; REMOVE INDEX compacted_at ON drawing";
    let folder = tempfile::tempdir().unwrap();
    let mut database = memory();
    database.url = format!("surrealkv://{}", folder.path().display());
    let store = Store::open(&database, ServerId::random(), Metrics::new())
        .await
        .unwrap();
    let drawing = store.create("An old drawing").await.unwrap();
    let meta = record("meta", RecordIdKey::String("schema".into()));
    ask(&store, REMOVE, variables([("meta", meta)])).await;
    store.close().await;
    let store = Store::open(&database, ServerId::random(), Metrics::new())
        .await
        .unwrap();
    let info = ask(&store, "INFO FOR TABLE drawing", variables([])).await;
    match Fields::of(info).unwrap().take("indexes") {
        Value::Object(indexes) => assert_eq!(indexes.len(), 2, "{indexes:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.list(None, 10).await.unwrap(), [drawing]);
    store.close().await;
}

#[tokio::test]
async fn a_database_of_before_there_were_keys_gets_them() {
    const BEFORE: &str = "REMOVE TABLE access_key; REMOVE TABLE moderation;
        UPDATE drawing SET rules = NONE;
        UPDATE $meta SET schema = 2, oldest = 2";
    let folder = tempfile::tempdir().unwrap();
    let mut database = memory();
    database.url = format!("surrealkv://{}", folder.path().display());
    let open = || Store::open(&database, ServerId::random(), Metrics::new());
    let store = open().await.unwrap();
    let drawing = store.create("An old drawing").await.unwrap();
    let meta = record("meta", RecordIdKey::String("schema".into()));
    ask(&store, BEFORE, variables([("meta", meta)])).await;
    store.close().await;
    let store = open().await.unwrap();
    let listed = store.list(None, 10).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&drawing));
    let rules = store.rules(drawing.id).await.unwrap();
    assert_eq!(rules, Rules::default());
    let at = ExpectedHead {
        epoch: drawing.epoch,
        head: 0,
        rules: 0,
    };
    let change = Change::by_anyone(1, None);
    let changes = std::slice::from_ref(&change);
    let appended = store.append(drawing.id, at, changes, &[]).await;
    assert_eq!(appended, Ok(Appended::Committed));
    let key = Key::new([1; 16]);
    let new = NewKey {
        id: key.id(),
        hash: key.hash(),
        level: Level::Own,
        name: "Mine".into(),
        expires: None,
    };
    store.add_key(drawing.id, &new).await.unwrap();
    let (found, version) = store.find_key(drawing.id, key.id()).await.unwrap().unwrap();
    assert_eq!((found.key.hash, version), (key.hash(), 1));
    store.close().await;
}

#[tokio::test]
async fn the_keys_of_a_drawing_go_with_it() {
    let store = Store::open(&memory(), ServerId::random(), Metrics::new())
        .await
        .unwrap();
    let key = Key::new([1; 16]);
    let new = NewKey {
        id: key.id(),
        hash: key.hash(),
        level: Level::Own,
        name: String::new(),
        expires: None,
    };
    let drawing = store.create_owned("A drawing", &new).await.unwrap().id;
    let other = store.create_owned("Another", &new).await.unwrap().id;
    store.set_locked(drawing, true).await.unwrap();
    store.delete(drawing).await.unwrap();
    let locked = store.set_locked(drawing, false).await;
    assert_eq!(locked, Err(RulesError::Store(StoreError::Gone)));
    let mut removals = Removals::default();
    let removed = store.remove_deleted(&mut removals, Duration::ZERO);
    assert_eq!(removed.await, Ok(1));
    assert_eq!(store.find_key(drawing, key.id()).await, Ok(None));
    assert_eq!(store.keys(drawing).await, Ok(Vec::new()));
    assert_eq!(store.keys(other).await.unwrap().len(), 1);
    let count = ask(&store, "SELECT * FROM moderation", variables([])).await;
    assert_eq!(super::rows::rows(count), Ok(Vec::new()));
    store.close().await;
}

#[tokio::test]
async fn nothing_is_appended_under_rules_that_have_ended() {
    let store = Store::open(&memory(), ServerId::random(), Metrics::new())
        .await
        .unwrap();
    let drawing = store.create("A drawing").await.unwrap();
    let mut at = ExpectedHead {
        epoch: drawing.epoch,
        head: 0,
        rules: 0,
    };
    store.set_locked(drawing.id, true).await.unwrap();
    let person = PersonId::random();
    store.set_muted(drawing.id, person, true).await.unwrap();
    store.set_muted(drawing.id, person, true).await.unwrap();
    let rules = store.rules(drawing.id).await.unwrap();
    assert!(rules.locked && rules.muted.iter().eq([&person]));
    assert_eq!(rules.version, 3);
    let change = Change::by_anyone(1, None);
    let changes = std::slice::from_ref(&change);
    for (version, expected) in [
        (0, Appended::Behind),
        (2, Appended::Behind),
        (3, Appended::Committed),
    ] {
        at.rules = version;
        let appended = store.append(drawing.id, at, changes, &[]).await;
        assert_eq!(appended, Ok(expected), "{version}");
    }
    assert_eq!(store.since(drawing.id, 0).await.unwrap().rules, 3);
    assert_eq!(store.load(drawing.id).await.unwrap().rules, 3);
    assert_eq!(store.heads(&[drawing.id]).await.unwrap()[0].rules, 3);
    store.set_muted(drawing.id, person, false).await.unwrap();
    store.set_locked(drawing.id, false).await.unwrap();
    let rules = store.rules(drawing.id).await.unwrap();
    assert!(!rules.locked && rules.muted.is_empty());
    store.close().await;
}

/// The plans of the queries that are asked of all drawings: each begins with an index.
#[tokio::test]
async fn no_query_of_all_drawings_reads_them_all() {
    let store = Store::open(&memory(), ServerId::random(), Metrics::new())
        .await
        .unwrap();
    let drawing = store.create("A drawing").await.unwrap();
    for (text, index) in [
        (drawings::LIST, "live"),
        (drawings::LIST_BEFORE, "live"),
        (gc::removal::SELECT_DUE, "live"),
        (gc::sweep::SELECT_DUE, "compacted_at"),
    ] {
        let explained = format!("{text} EXPLAIN").leak();
        let variables = variables([
            ("limit", int(10)),
            ("listed", rows::time(drawing.listed)),
            ("before", drawing_record(drawing.id)),
            ("age", Value::Duration(SOON.into())),
            (
                "postponed",
                Value::Array(vec![drawing_record(drawing.id)].into()),
            ),
        ]);
        let plan = format!("{:?}", ask(&store, explained, variables).await);
        assert!(plan.contains("IndexScan"), "{text}: {plan}");
        assert!(!plan.contains("Sort"), "{text}: {plan}");
        assert!(
            plan.contains(&format!("String(\"{index}\")")),
            "{text}: {plan}"
        );
    }
    store.close().await;
}

#[tokio::test]
async fn a_deletion_cannot_be_taken_back_after_ten_minutes() {
    const AGE: &str = "UPDATE $drawing SET deleted -= $age";
    let minute = Duration::from_secs(60);
    let store = Store::open(&memory(), ServerId::random(), Metrics::new())
        .await
        .unwrap();
    for (age, taken_back) in [(9 * minute, true), (11 * minute, false)] {
        let drawing = store.create("A drawing").await.unwrap().id;
        store.delete(drawing).await.unwrap();
        let age = Value::Duration(age.into());
        let variables = variables([("drawing", drawing_record(drawing)), ("age", age)]);
        ask(&store, AGE, variables).await;
        let back = store.undelete(drawing).await;
        match taken_back {
            true => assert_eq!(back.unwrap().id, drawing),
            false => assert_eq!(back, Err(StoreError::Gone)),
        }
        assert_eq!(store.get(drawing).await.is_ok(), taken_back);
    }
    store.close().await;
}
