//! One contract for the store, tested on every kind of database.

use std::collections::BTreeSet;
use std::future::Future;
use std::ops::RangeInclusive;
use std::time::Duration;

use support::database::{DatabaseServer, Engine, embedded, engine, in_folder, shared};
use support::wait::DEADLINE;
use uuid::Uuid;
use whiteboard::domain::asset::{Asset, AssetHash, AssetKind};
use whiteboard::domain::ids::{DrawingId, Epoch, OpId, ServerId, StrokeId, Writer};
use whiteboard::domain::op::{Change, RowId};
use whiteboard::domain::sequence::Seq;
use whiteboard::domain::stroke::Body;
use whiteboard::metrics::Metrics;
use whiteboard::store::{
    Appended, AssetPut, CHUNK_STROKES, Chunk, Database, ExpectedHead, ListCursor, LiveEvent,
    LivingIndex, Loaded, Removals, Store, StoreError, Subscription, UNDELETE_WINDOW,
};

/// What a server with the router engine has not told after this long, many of its looks for new writes, it
/// has missed.
const MISSED_AFTER: Duration = Duration::from_secs(5);

/// Runs a test on a database, on a single-threaded runtime like actix's.
fn on<F: Future<Output = ()>>(database: &Database, test: impl FnOnce(Store) -> F) {
    run(async {
        let store = open(database).await.unwrap();
        test(store.clone()).await;
        store.close().await;
    });
}

async fn open(database: &Database) -> Result<Store, StoreError> {
    Store::open(database, ServerId::random(), Metrics::new()).await
}

fn run<F: Future>(test: F) -> F::Output {
    let _ = env_logger::builder().is_test(true).try_init();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}

/// Each rule is a test on each kind of database. What the model of the simulation holds as well is
/// in its contract.
macro_rules! contract {
    ($($name:ident)*) => {
        mod in_memory { $(#[test] fn $name() { super::on(&super::embedded("mem://"), super::$name); })* }
        mod in_a_folder { $(#[test] fn $name() {
            let folder = tempfile::tempdir().unwrap();
            super::on(&super::in_folder(&folder.path().join("data")), super::$name);
        })* }
        mod on_a_server { $(#[test] fn $name() {
            let (_server, database) = super::shared(super::engine());
            super::on(&database, super::$name);
        })* }
    };
}

contract! {
    four_appenders_lose_nothing_to_each_other
    chunks_are_counted_by_rows_and_holes_cost_none
    a_first_load_reads_living_strokes_only_however_many_were_erased
    a_first_load_reads_the_rows_that_an_index_lists_and_what_is_newer
    an_edit_takes_the_old_row_and_a_tombstone_keeps_no_body
    each_subscription_receives_the_changes_of_its_drawing
    a_signal_leaves_nothing_behind
    drawings_are_listed_by_their_last_change_in_chunks
    drawings_are_found_by_words_of_their_title
    assets_are_stored_once_within_the_quota_and_removed_with_their_drawing
    a_deleted_drawing_can_be_taken_back
    a_removed_drawing_stays_away
    a_tombstone_is_compacted_when_it_is_old_enough
    a_new_epoch_is_another_for_every_drawing
    heads_of_many_drawings_are_read_at_once
    servers_receive_each_others_heartbeats
}

fn body(x: u32) -> Body {
    let json = format!(
        r##"{{"kind":"line","x":{x},"y":2.5,"points":"AAIAAAIC","colour":"#1d1d1f","width":4}}"##
    );
    Body::parse(&json).unwrap()
}

/// A change that draws a new stroke.
fn draw(seq: Seq) -> Change {
    let writer = Writer::new(Uuid::from_u128(1), Uuid::from_u128(2));
    Change {
        seq,
        stroke: StrokeId::random(),
        z: seq as i64,
        author: writer.author,
        op: OpId {
            writer: writer.id,
            n: seq,
        },
        prior_ops: Vec::new(),
        body: Some(body(seq as u32)),
    }
}

async fn drawing(store: &Store) -> DrawingId {
    store.create("A drawing").await.unwrap().id
}

/// A drawing's state in the database, with this head.
async fn at(store: &Store, drawing: DrawingId, head: Seq) -> ExpectedHead {
    let drawings = [drawing];
    let heads = again("a head", || store.heads(&drawings)).await;
    let epoch = heads.first().map_or_else(Epoch::random, |head| head.epoch);
    ExpectedHead {
        epoch,
        head,
        rules: 0,
    }
}

/// Appends `count` new strokes in one transaction.
async fn append(store: &Store, drawing: DrawingId, head: Seq, count: u64) -> Vec<Change> {
    let changes: Vec<_> = (head + 1..=head + count).map(draw).collect();
    let at = at(store, drawing, head).await;
    let appended = store.append(drawing, at, &changes, &[]).await;
    assert_eq!(appended, Ok(Appended::Committed));
    changes
}

async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} did not happen within {DEADLINE:?}"),
    }
}

/// Retries until it succeeds.
async fn again<T, F: Future<Output = Result<T, StoreError>>>(
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> T {
    soon(what, async {
        loop {
            match attempt().await {
                Ok(output) => break output,
                Err(StoreError::Deadline(_) | StoreError::Unavailable(_)) => {
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{what}: {error}"),
            }
        }
    })
    .await
}

/// What a subscription is told of a write. The router engine never tells of what commits while it looks for
/// new writes: then another one is made.
async fn told<T>(subscription: &mut Subscription<T>, mut write: impl AsyncFnMut()) -> T {
    let patience = match engine() {
        Engine::Inline => DEADLINE,
        Engine::Router => MISSED_AFTER,
    };
    let event = soon("an event", async {
        loop {
            write().await;
            if let Ok(event) = tokio::time::timeout(patience, subscription.next()).await {
                break event;
            }
        }
    });
    event.await.expect("it goes on")
}

/// The rows of living strokes at these positions.
fn living(seqs: RangeInclusive<Seq>) -> Vec<RowId> {
    let row = |seq| RowId {
        seq,
        tombstone: false,
    };
    seqs.map(row).collect()
}

async fn four_appenders_lose_nothing_to_each_other(store: Store) {
    const EACH: usize = 25;
    let drawing = drawing(&store).await;
    let appender = |store: Store| async move {
        let mut mine = BTreeSet::new();
        let mut at = at(&store, drawing, 0).await;
        let mut behind = 0;
        while mine.len() < EACH {
            let change = draw(at.head + 1);
            match store
                .append(drawing, at, std::slice::from_ref(&change), &[])
                .await
            {
                Ok(Appended::Committed) => {
                    mine.insert((change.seq, change.stroke));
                    at.head = change.seq;
                }
                Ok(Appended::Behind) => {
                    behind += 1;
                    at.head = store.since(drawing, at.head).await.unwrap().database_head;
                }
                other => panic!("{other:?}"),
            }
        }
        (mine, behind)
    };
    let (a, b, c, d) = tokio::join!(
        appender(store.clone()),
        appender(store.clone()),
        appender(store.clone()),
        appender(store.clone())
    );
    assert!(a.1 + b.1 + c.1 + d.1 > 0, "nobody ever was behind");
    let all: BTreeSet<_> = [a.0, b.0, c.0, d.0].into_iter().flatten().collect();
    let chunk = store.since(drawing, 0).await.unwrap();
    assert_eq!(chunk.head, 4 * EACH as u64);
    let stored: BTreeSet<_> = chunk.changes.iter().map(|c| (c.seq, c.stroke)).collect();
    assert_eq!(stored, all);
    assert_eq!(stored.len(), 4 * EACH);
}

async fn chunks_are_counted_by_rows_and_holes_cost_none(store: Store) {
    let drawing = drawing(&store).await;
    append(&store, drawing, 0, CHUNK_STROKES).await;
    let mut moved = draw(CHUNK_STROKES + 1);
    moved.z = 2;
    let replaced = living(2..=50);
    let appended = store
        .append(
            drawing,
            at(&store, drawing, CHUNK_STROKES).await,
            &[moved, draw(CHUNK_STROKES + 2)],
            &replaced,
        )
        .await;
    assert_eq!(appended, Ok(Appended::Committed));
    let seqs = |chunk: &Chunk| {
        chunk
            .changes
            .iter()
            .map(|change| change.seq)
            .collect::<Vec<_>>()
    };
    let chunk = store.since(drawing, 0).await.unwrap();
    let kept: Vec<Seq> = std::iter::once(1).chain(51..=CHUNK_STROKES + 2).collect();
    assert_eq!(seqs(&chunk), kept, "holes are no rows, and cost no chunk");
    assert_eq!((chunk.head, chunk.more), (CHUNK_STROKES + 2, false));
    // More rows than fit one chunk.
    append(&store, drawing, CHUNK_STROKES + 2, 60).await;
    let chunk = store.since(drawing, 0).await.unwrap();
    assert_eq!(chunk.changes.len() as u64, CHUNK_STROKES);
    assert_eq!((chunk.head, chunk.more), (CHUNK_STROKES + 49, true));
    assert_eq!(chunk.database_head, CHUNK_STROKES + 62);
    let rest = store.since(drawing, chunk.head).await.unwrap();
    assert_eq!(
        seqs(&rest),
        (CHUNK_STROKES + 50..=CHUNK_STROKES + 62).collect::<Vec<_>>()
    );
    assert_eq!((rest.head, rest.more), (CHUNK_STROKES + 62, false));
}

async fn a_first_load_reads_the_rows_that_an_index_lists_and_what_is_newer(store: Store) {
    let drawing = drawing(&store).await;
    let drawn = append(&store, drawing, 0, 10).await;
    let epoch = store.load(drawing).await.unwrap().epoch;
    let index = |epoch, positions| LivingIndex {
        epoch,
        head: 10,
        positions,
    };
    // It lists all that were living; one of them changes afterwards, and one is drawn.
    let positions = (1..=10).filter(|seq| seq % 2 == 0).collect();
    let even = index(epoch, positions);
    store.write_index(drawing, &even).await.unwrap();
    let changed = Change {
        seq: 11,
        ..drawn[3].clone()
    };
    let was = at(&store, drawing, 10).await;
    let appended = store.append(drawing, was, &[changed], &living(4..=4)).await;
    assert_eq!(appended, Ok(Appended::Committed));
    append(&store, drawing, 11, 1).await;
    let seqs = |loaded: &Loaded| loaded.living.iter().map(|one| one.seq).collect::<Vec<_>>();
    let loaded = store.load(drawing).await.unwrap();
    assert_eq!(
        seqs(&loaded),
        [2, 6, 8, 10, 11, 12],
        "only what is listed, or newer"
    );
    assert_eq!((loaded.head, loaded.indexed), (12, 10));
    assert_eq!(loaded.tombstones, Some(Vec::new()));
    // An index of another epoch is not written, and that of the epoch before is not used.
    let other = index(Epoch::random(), vec![1]);
    store.write_index(drawing, &other).await.unwrap();
    assert_eq!(store.load(drawing).await.unwrap().indexed, 10);
    store.renew_epoch(drawing, epoch).await.unwrap();
    let loaded = store.load(drawing).await.unwrap();
    assert_eq!(seqs(&loaded), [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!(loaded.indexed, 0);
    // One from beyond the head proves that the history went back: it begins another epoch.
    let beyond = LivingIndex {
        epoch: loaded.epoch,
        head: 13,
        positions: vec![13],
    };
    store.write_index(drawing, &beyond).await.unwrap();
    assert!(matches!(
        store.load(drawing).await,
        Err(StoreError::Failed(_))
    ));
    let renewed = store.load(drawing).await.unwrap();
    assert_ne!(renewed.epoch, loaded.epoch);
    assert_eq!(renewed.living, loaded.living);
}

async fn a_first_load_reads_living_strokes_only_however_many_were_erased(store: Store) {
    let drawing = drawing(&store).await;
    let drawn = append(&store, drawing, 0, 250).await;
    let erased: Vec<Change> = drawn[..200]
        .iter()
        .map(|change| Change {
            seq: 250 + change.seq,
            body: None,
            ..change.clone()
        })
        .collect();
    let was = at(&store, drawing, 250).await;
    let appended = store.append(drawing, was, &erased, &living(1..=200)).await;
    assert_eq!(appended, Ok(Appended::Committed));
    let loaded = store.load(drawing).await.unwrap();
    assert_eq!((loaded.head, &loaded.living[..]), (450, &drawn[200..]));
    assert_eq!(loaded.tombstones, None, "many do not come along");
    let (chunk, few) = (
        store.tombstones(drawing, 440, 450).await.unwrap(),
        &erased[190..],
    );
    assert_eq!(
        (chunk.changes.as_slice(), chunk.head, chunk.more),
        (few, 450, false)
    );
    let all = store.since(drawing, 0).await.unwrap().changes;
    assert_eq!(all, [&drawn[200..], &erased].concat());
    // A restored stroke replaces its tombstone.
    let back = Change {
        seq: 451,
        ..drawn[0].clone()
    };
    let was = at(&store, drawing, 450).await;
    let row = erased[0].row();
    let appended = store.append(drawing, was, &[back], &[row]).await;
    assert_eq!(appended, Ok(Appended::Committed));
    assert_eq!(store.count_rows(drawing).await.unwrap().strokes, 250);
}

async fn an_edit_takes_the_old_row_and_a_tombstone_keeps_no_body(store: Store) {
    let drawing = drawing(&store).await;
    let drawn = append(&store, drawing, 0, 2).await;
    let other = Writer::new(Uuid::from_u128(3), Uuid::from_u128(4));
    let prior_op = drawn[0].op;
    let edited = Change {
        seq: 3,
        z: -7,
        author: other.author,
        op: OpId {
            writer: other.id,
            n: (1 << 53) - 1,
        },
        prior_ops: vec![prior_op],
        body: Some(body(77)),
        ..drawn[0].clone()
    };
    let erased = Change {
        seq: 4,
        body: None,
        ..drawn[1].clone()
    };
    let changes = [edited, erased];
    let appended = store
        .append(
            drawing,
            at(&store, drawing, 2).await,
            &changes,
            &living(1..=2),
        )
        .await;
    assert_eq!(appended, Ok(Appended::Committed));
    assert_eq!(store.since(drawing, 0).await.unwrap().changes, changes);
}

async fn each_subscription_receives_the_changes_of_its_drawing(store: Store) {
    let drawing = drawing(&store).await;
    let elsewhere = store.create("Elsewhere").await.unwrap().id;
    let first = store.subscribe(drawing).await.unwrap();
    let mut second = store.subscribe(drawing).await.unwrap();
    append(&store, elsewhere, 0, 3).await;
    drop(first);
    let (mut written, mut seen) = (Vec::new(), BTreeSet::new());
    for _ in 1..=3 {
        let write = async || {
            let head = written.len() as Seq;
            written.extend(append(&store, drawing, head, 1).await);
        };
        let LiveEvent::Change(told) = told(&mut second, write).await else {
            panic!("a signal");
        };
        // Once, and nothing of elsewhere.
        assert!(
            written.contains(&*told) && seen.insert(told.seq),
            "{told:?}"
        );
    }
}

async fn a_signal_leaves_nothing_behind(store: Store) {
    let drawing = drawing(&store).await;
    let mut subscription = store.subscribe(drawing).await.unwrap();
    for n in 0..10 {
        let write = async || store.signal(drawing, n.to_string()).await.unwrap();
        told(&mut subscription, write).await;
    }
    assert_eq!(store.since(drawing, 0).await.unwrap().head, 0);
    let counted = store.count_rows(drawing).await.unwrap();
    assert_eq!((counted.strokes, counted.signals), (0, 0));
}

async fn drawings_are_listed_by_their_last_change_in_chunks(store: Store) {
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(store.create(&n.to_string()).await.unwrap());
    }
    made[3] = store
        .rename(made[3].id, "'; REMOVE TABLE drawing; --")
        .await
        .unwrap();
    store.delete(made.remove(1).id).await.unwrap();
    // A stroke moves a drawing once that is noted, and the next list has it first.
    let drawn = made[0].id;
    let unmoved = store.get(drawn).await.unwrap().listed;
    tokio::time::sleep(Duration::from_millis(2)).await;
    append(&store, drawn, 0, 1).await;
    assert_eq!(store.get(drawn).await.unwrap().listed, unmoved);
    store.list_change(drawn).await.unwrap();
    made[0] = store.get(drawn).await.unwrap();
    assert_eq!(made[0].listed, made[0].changed);
    assert_eq!(store.list(None, 1).await.unwrap(), made[..1]);
    store.list_change(made[1].id).await.unwrap();
    made.sort_by_key(|info| std::cmp::Reverse((info.listed, info.id)));
    let mut listed = Vec::new();
    let mut before = None;
    loop {
        let chunk = store.list(before, 4).await.unwrap();
        let Some(last) = chunk.last() else { break };
        before = Some(ListCursor::from(last));
        listed.extend(chunk);
    }
    assert_eq!(listed, made);
}

async fn drawings_are_found_by_words_of_their_title(store: Store) {
    for title in ["Küche, first plan", "KÜCHE second", "Bath plan", "x"] {
        store.create(title).await.unwrap();
    }
    let titles = async |text: &str, before, limit| {
        let found = store.search(text, before, limit).await.unwrap();
        let titles = found.drawings.into_iter().map(|info| info.title);
        let mut titles: Vec<_> = titles.collect();
        titles.sort();
        (titles, found.next)
    };
    let all = titles("küche", None, 10).await;
    assert_eq!(
        all,
        (
            vec!["KÜCHE second".into(), "Küche, first plan".into()],
            None
        )
    );
    assert_eq!(
        titles("PLAN küche", None, 10).await.0,
        ["Küche, first plan"]
    );
    assert_eq!(titles("'; REMOVE TABLE drawing", None, 10).await.0, [""; 0]);
    let (first, next) = titles("plan", None, 1).await;
    let (second, next) = titles("plan", Some(next.unwrap()), 1).await;
    assert_ne!(first, second);
    assert_eq!(titles("plan", next, 1).await, (vec![], None));
}

async fn assets_are_stored_once_within_the_quota_and_removed_with_their_drawing(store: Store) {
    const MOST: usize = 250;
    let [drawing, other] = [drawing(&store).await, drawing(&store).await];
    let asset = |byte: u8| Asset {
        kind: AssetKind::Webp,
        bytes: vec![byte; 100].into(),
    };
    let hash = |byte: u8| AssetHash::of(&asset(byte).bytes);
    let put = |drawing, byte| store.put_asset(drawing, hash(byte), asset(byte), MOST);
    for byte in [0, 1, 1, 0] {
        assert_eq!(put(drawing, byte).await, Ok(AssetPut::Stored));
    }
    assert_eq!(put(drawing, 2).await, Ok(AssetPut::Full));
    assert_eq!(put(drawing, 1).await, Ok(AssetPut::Stored), "it is there");
    assert_eq!(put(other, 0).await, Ok(AssetPut::Stored));
    assert_eq!(store.asset(drawing, hash(1)).await, Ok(asset(1)));
    let absent = Err(StoreError::NotFound);
    assert_eq!(store.asset(drawing, hash(2)).await, absent);
    assert_eq!(store.asset(other, hash(1)).await, absent, "it is another's");
    assert_eq!(store.asset(DrawingId::random(), hash(1)).await, absent);
    let nowhere = put(DrawingId::random(), 1).await;
    assert_eq!(nowhere, Err(StoreError::NotFound));

    store.delete(drawing).await.unwrap();
    assert_eq!(put(drawing, 3).await, Err(StoreError::Gone));
    let gone = Err(StoreError::Gone);
    assert_eq!(store.asset(drawing, hash(1)).await, gone);
    store.undelete(drawing).await.unwrap();
    assert_eq!(store.asset(drawing, hash(1)).await, Ok(asset(1)));
    assert_eq!(store.count_assets().await, Ok((3, 2)));
    store.delete(drawing).await.unwrap();
    let mut removals = Removals::default();
    let removed = store.remove_deleted(&mut removals, Duration::ZERO).await;
    assert_eq!(removed, Ok(1));
    assert_eq!(store.count_assets().await, Ok((1, 1)));
    assert_eq!(store.asset(other, hash(0)).await, Ok(asset(0)));
}

async fn a_deleted_drawing_can_be_taken_back(store: Store) {
    let drawing = drawing(&store).await;
    append(&store, drawing, 0, 2).await;
    store.undelete(drawing).await.unwrap();
    store.delete(drawing).await.unwrap();
    assert_eq!(store.delete(drawing).await, Err(StoreError::Gone));
    assert_eq!(store.rename(drawing, "x").await, Err(StoreError::Gone));
    assert_eq!(store.get(drawing).await, Err(StoreError::Gone));
    assert_eq!(store.subscribe(drawing).await.err(), Some(StoreError::Gone));
    let mut removals = Removals::default();
    let removed = store.remove_deleted(&mut removals, UNDELETE_WINDOW).await;
    assert_eq!(removed, Ok(0));
    assert_eq!(store.undelete(drawing).await.unwrap().head, 2);
    append(&store, drawing, 2, 1).await;
    assert_eq!(store.since(drawing, 0).await.unwrap().changes.len(), 3);
    let unknown = DrawingId::random();
    assert_eq!(store.undelete(unknown).await, Err(StoreError::NotFound));
    assert_eq!(store.delete(unknown).await, Err(StoreError::NotFound));
    assert_eq!(store.since(unknown, 0).await, Err(StoreError::NotFound));
    let subscribed = store.subscribe(unknown).await.err();
    assert_eq!(subscribed, Some(StoreError::NotFound));
}

async fn a_removed_drawing_stays_away(store: Store) {
    let kept = drawing(&store).await;
    let drawing = drawing(&store).await;
    append(&store, drawing, 0, 2).await;
    let _follow = store.subscribe(drawing).await.unwrap();
    let was = at(&store, drawing, 2).await;
    store.delete(drawing).await.unwrap();
    let mut removals = Removals::default();
    let removed = store.remove_deleted(&mut removals, Duration::ZERO).await;
    assert_eq!(removed, Ok(1));
    let appended = store.append(drawing, was, &[draw(3)], &[]).await;
    assert_eq!(appended, Ok(Appended::Gone));
    assert_eq!(
        store.signal(drawing, "{}".into()).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(store.get(drawing).await, Err(StoreError::NotFound));
    assert_eq!(store.undelete(drawing).await, Err(StoreError::NotFound));
    assert_eq!(store.count_rows(drawing).await, Err(StoreError::NotFound));
    append(&store, kept, 0, 1).await;
}

async fn a_tombstone_is_compacted_when_it_is_old_enough(store: Store) {
    let drawing = drawing(&store).await;
    let drawn = append(&store, drawing, 0, 1).await;
    let erased = Change {
        seq: 2,
        body: None,
        ..drawn[0].clone()
    };
    let was = at(&store, drawing, 1).await;
    let appended = store.append(drawing, was, &[erased], &living(1..=1)).await;
    assert_eq!(appended, Ok(Appended::Committed));
    append(&store, drawing, 2, 1).await;
    let early = store.sweep(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(early, 0);
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), 1);
}

async fn a_new_epoch_is_another_for_every_drawing(store: Store) {
    let (a, b) = (
        store.create("a").await.unwrap(),
        store.create("b").await.unwrap(),
    );
    assert_ne!(a.epoch, b.epoch);
    assert_eq!(store.renew_epochs().await, Ok(2));
    let epochs = [
        a.epoch,
        b.epoch,
        store.get(a.id).await.unwrap().epoch,
        store.get(b.id).await.unwrap().epoch,
    ];
    assert_eq!(epochs.into_iter().collect::<BTreeSet<_>>().len(), 4);
}

async fn heads_of_many_drawings_are_read_at_once(store: Store) {
    let (a, b) = (
        store.create("a").await.unwrap(),
        store.create("b").await.unwrap(),
    );
    append(&store, b.id, 0, 3).await;
    store.delete(a.id).await.unwrap();
    let heads = store
        .heads(&[b.id, DrawingId::random(), a.id])
        .await
        .unwrap();
    let found: Vec<_> = heads
        .iter()
        .map(|head| {
            (
                head.id,
                head.head,
                head.epoch,
                head.title.as_str(),
                head.deleted,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (b.id, 3, b.epoch, "b", false),
            (a.id, 0, a.epoch, "a", true)
        ]
    );
    assert_eq!(store.heads(&[]).await, Ok(Vec::new()));
}

async fn servers_receive_each_others_heartbeats(store: Store) {
    let drawing = DrawingId::random();
    let mut subscription = store.subscribe_servers().await.unwrap();
    for sessions in [3, 4] {
        let beat = async || store.heartbeat(&[(drawing, sessions)]).await.unwrap();
        let info = told(&mut subscription, beat).await;
        assert_eq!((info.id, info.left), (store.server(), false));
        assert_eq!(info.drawings, [(drawing, sessions)]);
    }
    let servers = store.servers().await.unwrap();
    assert_eq!(servers.len(), 1);
    assert_eq!(servers[0].drawings, [(drawing, 4)]);
    assert!(servers[0].silent < DEADLINE);
}

#[test]
fn a_folder_that_is_opened_again_has_everything() {
    let folder = tempfile::tempdir().unwrap();
    let database = in_folder(&folder.path().join("data"));
    run(async {
        let store = open(&database).await.unwrap();
        let drawing = drawing(&store).await;
        let _follow = store.subscribe(drawing).await.unwrap();
        let changes = append(&store, drawing, 0, 5).await;
        let taken = open(&database).await.err().unwrap();
        assert!(matches!(taken, StoreError::Unavailable(_)), "{taken:?}");
        assert!(taken.to_string().contains("data"), "{taken}");
        let clone = store.clone();
        store.close().await;
        let closed = clone.since(drawing, 0).await.unwrap_err();
        assert!(matches!(closed, StoreError::Unavailable(_)), "{closed:?}");
        let store = open(&database).await.unwrap();
        assert_eq!(store.since(drawing, 0).await.unwrap().changes, changes);
        let mut subscription = store.subscribe(drawing).await.unwrap();
        let mut head = 5;
        let write = async || {
            append(&store, drawing, head, 1).await;
            head += 1;
        };
        let event = told(&mut subscription, write).await;
        assert!(matches!(event, LiveEvent::Change(change) if change.seq == head));
        store.close().await;
    });
}

#[test]
fn a_database_that_cannot_be_reached_is_one_clear_line() {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", nowhere.local_addr().unwrap());
    drop(nowhere);
    let error = run(open(&embedded(&url))).err().unwrap();
    let StoreError::Unavailable(text) = &error else {
        panic!("{error:?}");
    };
    assert!(text.contains(&url) && !text.contains('\n'), "{text}");
}

#[test]
fn a_wrong_password_or_protocol_is_one_clear_line() {
    let server = DatabaseServer::start();
    let mut database = server.database("test");
    database.password = Some("wrong".into());
    let error = run(open(&database)).err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{database:?}{error}").contains("wrong"));
    database.url = database.url.replace("ws:", "wss:");
    let error = run(open(&database)).err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[test]
fn servers_that_start_at_once_open_the_same_new_database() {
    let server = DatabaseServer::start();
    run(async {
        let database = server.database("test");
        let (a, b, c, d) = tokio::join!(
            open(&database),
            open(&database),
            open(&database),
            open(&database)
        );
        let stores = [a.unwrap(), b.unwrap(), c.unwrap(), d.unwrap()];
        let drawing = drawing(&stores[0]).await;
        let mut subscription = stores[1].subscribe(drawing).await.unwrap();
        let mut head = 0;
        let write = async || {
            append(&stores[2], drawing, head, 1).await;
            head += 1;
        };
        let event = told(&mut subscription, write).await;
        assert!(matches!(event, LiveEvent::Change(change) if change.seq <= head));
        let hello = LiveEvent::Signals {
            server: stores[3].server(),
            body: "hello".into(),
        };
        let write = async || stores[3].signal(drawing, "hello".into()).await.unwrap();
        assert_eq!(told(&mut subscription, write).await, hello);
    });
}

#[test]
fn acknowledged_ops_survive_a_killed_database() {
    let mut server = DatabaseServer::start();
    run(async {
        let mut database = server.database("test");
        database.query_timeout = Duration::from_secs(3);
        let store = open(&database).await.unwrap();
        let drawing = drawing(&store).await;
        let mut subscription = store.subscribe(drawing).await.unwrap();
        let mut acknowledged = append(&store, drawing, 0, 3).await;
        let was = at(&store, drawing, 3).await;
        server.kill();
        soon("the end of the subscription", async {
            while subscription.next().await.is_some() {}
        })
        .await;
        let lost = draw(4);
        let unknown = store
            .append(drawing, was, std::slice::from_ref(&lost), &[])
            .await;
        assert!(
            matches!(
                unknown,
                Err(StoreError::Deadline(_) | StoreError::Unavailable(_))
            ),
            "{unknown:?}"
        );
        server.restart();
        let mut subscription = again("a subscription", || store.subscribe(drawing)).await;
        let head = soon("an append", async {
            loop {
                let chunk = again("a chunk", || store.since(drawing, 0)).await;
                // An unknown append may have been stored, or may still be.
                assert_eq!(chunk.changes[..3], acknowledged[..3]);
                let change = draw(chunk.head + 1);
                let changes = std::slice::from_ref(&change);
                let at = ExpectedHead {
                    epoch: chunk.epoch,
                    head: chunk.head,
                    rules: chunk.rules,
                };
                match store.append(drawing, at, changes, &[]).await {
                    Ok(Appended::Committed) => {
                        acknowledged.push(change);
                        break chunk.head + 1;
                    }
                    Ok(Appended::Behind) | Err(StoreError::Deadline(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        })
        .await;
        // It is told of what comes now, perhaps after what came before.
        let mut last = head;
        loop {
            let write = async || {
                acknowledged.extend(append(&store, drawing, last, 1).await);
                last += 1;
            };
            match told(&mut subscription, write).await {
                LiveEvent::Change(change) if change.seq > head => break,
                _ => {}
            }
        }
        let chunk = again("a chunk", || store.since(drawing, 0)).await;
        for change in &acknowledged {
            assert!(chunk.changes.contains(change));
        }
        store.close().await;
    });
}
