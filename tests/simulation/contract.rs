//! The contract of the store, held by the model and by real databases: what the simulation shows is
//! worth as much as this.
//!
//! It must never ask the model for more than the store, nor the store for more than the model.

mod subject;

use std::fmt::Debug;
use std::time::{Duration, Instant};

use support::database::{Engine, embedded, in_folder, shared};
use support::wait::DEADLINE;
use whiteboard::domain::ids::{Epoch, ServerId};
use whiteboard::domain::op::{Change, RowId};
use whiteboard::metrics::Metrics;
use whiteboard::store::{
    Appended, Database, ExpectedHead, LiveEvent, LivingIndex, Store, StoreError,
};

use crate::contract::subject::{Subject, change};

/// What a server with the router engine has not told after this long, some of its looks for new writes, it
/// may have missed.
const MISSED_AFTER: Duration = Duration::from_secs(2);

/// Draws strokes 1 to 8, edits 2, erases 3, 5 and 7, and restores 5: what is left of it.
async fn some_history(it: &mut Subject) -> Vec<Change> {
    let drawn: Vec<Change> = (1..=8).map(|seq| change(seq, seq.into(), true)).collect();
    let expected = it.here().await;
    assert_eq!(it.append(expected, &drawn, &[]).await, Appended::Committed);
    let mut rows = drawn;
    for (stroke, is_living) in [(2, true), (3, false), (5, false), (7, false), (5, true)] {
        let expected = it.here().await;
        let new = change(expected.head + 1, stroke, is_living);
        let held = |row: &&Change| row.stroke == new.stroke;
        let replaced: Vec<RowId> = rows.iter().filter(held).map(Change::row).collect();
        let appended = it
            .append(expected, std::slice::from_ref(&new), &replaced)
            .await;
        assert_eq!(appended, Appended::Committed);
        rows.retain(|row| row.stroke != new.stroke);
        rows.push(new);
    }
    rows
}

async fn an_append_commits_only_at_the_head_of_its_epoch(mut it: Subject) {
    let here = it.here().await;
    let first = change(1, 1, true);
    assert_eq!(
        it.append(here, std::slice::from_ref(&first), &[]).await,
        Appended::Committed
    );
    let second = change(2, 2, true);
    assert_eq!(
        it.append(here, std::slice::from_ref(&second), &[]).await,
        Appended::Behind
    );
    let other = ExpectedHead {
        epoch: Epoch::random(),
        head: 1,
        rules: 0,
    };
    assert_eq!(
        it.append(other, std::slice::from_ref(&second), &[]).await,
        Appended::Behind
    );
    assert_eq!(it.all_since(0).await, [first]);
    let beyond = it.since(9).await.expect("a chunk");
    assert_eq!(
        (beyond.changes.len(), beyond.database_head, beyond.more),
        (0, 1, false)
    );
}

async fn a_deleted_drawing_takes_and_gives_nothing(mut it: Subject) {
    let here = it.here().await;
    it.set_deleted(true).await;
    assert!(it.head().await.deleted);
    assert_eq!(
        it.append(here, &[change(1, 1, true)], &[]).await,
        Appended::Gone
    );
    assert_eq!(it.since(0).await, Err(StoreError::Gone));
    assert_eq!(it.load().await, Err(StoreError::Gone));
    it.set_deleted(false).await;
    assert_eq!(
        it.append(here, &[change(1, 1, true)], &[]).await,
        Appended::Committed
    );
}

async fn chunks_give_each_stroke_once_and_holes_cost_nothing(mut it: Subject) {
    let rows = some_history(&mut it).await;
    for since in [0, 1, 8, 9, 12, 13] {
        let expected: Vec<_> = rows.iter().filter(|row| row.seq > since).cloned().collect();
        assert_eq!(it.all_since(since).await, expected, "since {since}");
    }
}

async fn living_strokes_and_tombstones_are_read_apart(mut it: Subject) {
    let rows = some_history(&mut it).await;
    let loaded = it.load().await.expect("a load");
    let head = loaded.head;
    assert_eq!(head, 13);
    let kind = |is_living: bool| {
        let of_kind = rows
            .iter()
            .filter(move |row| row.body.is_some() == is_living);
        of_kind.cloned().collect::<Vec<_>>()
    };
    assert_eq!(loaded.living, kind(true));
    let (mut tombstones, mut at) = (Vec::new(), 0);
    while at < head {
        let chunk = it.tombstones(at, head).await;
        tombstones.extend(chunk.changes);
        at = chunk.head;
    }
    assert_eq!(tombstones, kind(false));
}

async fn a_first_load_is_right_whatever_the_index_says(mut it: Subject) {
    let rows = some_history(&mut it).await;
    let living = || rows.iter().filter(|row| row.body.is_some());
    let is_right = async |it: &mut Subject, indexed| {
        let mut loaded = it.load().await.expect("a load");
        loaded.living.sort_unstable_by_key(|row| row.seq);
        assert_eq!((loaded.head, loaded.indexed), (13, indexed));
        assert!(
            loaded.living.iter().eq(living()),
            "with one up to {indexed}"
        );
    };
    is_right(&mut it, 0).await;
    let epoch = it.here().await.epoch;
    // Of position 8 on, as it was; of all; and again the older one, whose write was late.
    let old = LivingIndex {
        epoch,
        head: 8,
        positions: (1..=8).collect(),
    };
    let positions = living().map(|row| row.seq).collect();
    let new = LivingIndex {
        epoch,
        head: 13,
        positions,
    };
    for index in [&old, &new, &old] {
        it.write_index(index).await;
        is_right(&mut it, index.head).await;
    }
    let other = LivingIndex {
        epoch: Epoch::random(),
        ..new.clone()
    };
    it.write_index(&other).await;
    is_right(&mut it, old.head).await;
    // Of a history that was longer: its positions would mean two things.
    it.write_index(&LivingIndex { head: 14, ..new }).await;
    assert!(matches!(it.load().await, Err(StoreError::Failed(_))));
    assert_ne!(it.here().await.epoch, epoch);
    is_right(&mut it, 0).await;
}

async fn subscribers_get_each_change_and_each_signal(mut it: Subject) {
    it.subscribe().await;
    let rows: Vec<Change> = (1..=2).map(|seq| change(seq, seq.into(), true)).collect();
    let here = it.here().await;
    it.append(here, &rows, &[]).await;
    let mut changes = Vec::new();
    for _ in &rows {
        match it.next_event().await {
            LiveEvent::Change(change) => changes.push(*change),
            event => panic!("{event:?}"),
        }
    }
    changes.sort_by_key(|change| change.seq);
    assert_eq!(changes, rows);
    it.signal("{}").await;
    match it.next_event().await {
        LiveEvent::Signals { body, .. } => assert_eq!(body, "{}"),
        event => panic!("{event:?}"),
    }
    assert_eq!(it.all_since(0).await.len(), 2, "a signal is not stored");
}

/// The router engine never tells of what commits while it looks for new writes: the head shows what was
/// not told, and later writes are told. Nothing is told that was not written, and nothing twice.
async fn subscribers_of_the_router_engine_get_what_was_written_or_the_head_shows_it(
    mut it: Subject,
) {
    it.subscribe().await;
    let (mut untold, mut unsaid) = (Vec::new(), Vec::new());
    let (mut told, mut said) = (0, 0);
    let begun = Instant::now();
    while told < 2 || said == 0 {
        assert!(begun.elapsed() < DEADLINE, "untold: {untold:?}, {unsaid:?}");
        let here = it.here().await;
        let seq = here.head + 1;
        let row = change(seq, seq.into(), true);
        let appended = it.append(here, std::slice::from_ref(&row), &[]).await;
        assert_eq!(appended, Appended::Committed);
        assert_eq!(it.here().await.head, seq);
        untold.push(row);
        let body = format!("{{\"n\":{seq}}}");
        it.signal(&body).await;
        unsaid.push(body);
        while !(untold.is_empty() && unsaid.is_empty()) {
            match it.event_within(MISSED_AFTER).await {
                Some(LiveEvent::Change(change)) => {
                    remove(&mut untold, &change);
                    told += 1;
                }
                Some(LiveEvent::Signals { body, .. }) => {
                    remove(&mut unsaid, &body);
                    said += 1;
                }
                None => break,
            }
        }
    }
    assert_eq!(it.all_since(0).await.len(), told + untold.len());
}

fn remove<T: PartialEq + Debug>(written: &mut Vec<T>, told: &T) {
    let at = written.iter().position(|one| one == told);
    written.remove(at.unwrap_or_else(|| panic!("{told:?} is told, of {written:?}")));
}

async fn an_epoch_is_renewed_once_by_all_who_see_it_end(mut it: Subject) {
    some_history(&mut it).await;
    let before = it.here().await;
    it.renew_epoch(Epoch::random()).await;
    assert_eq!(it.here().await, before, "another epoch was meant");
    it.renew_epoch(before.epoch).await;
    let after = it.here().await;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.head, before.head);
    it.renew_epoch(before.epoch).await;
    assert_eq!(it.here().await, after);
    assert_eq!(
        it.append(before, &[change(14, 9, true)], &[]).await,
        Appended::Behind
    );
}

async fn compaction_removes_tombstones_but_not_at_the_head(mut it: Subject) {
    some_history(&mut it).await;
    it.compact().await;
    let head = it.head().await;
    assert_eq!((head.head, head.compacted), (13, 12));
    assert_eq!(it.tombstones(0, 13).await.changes, []);
    let here = it.here().await;
    let erased = change(14, 1, false);
    let row = RowId {
        seq: 1,
        tombstone: false,
    };
    let appended = it.append(here, std::slice::from_ref(&erased), &[row]).await;
    assert_eq!(appended, Appended::Committed);
    it.compact().await;
    assert_eq!(it.head().await.compacted, 12);
    assert_eq!(it.tombstones(0, 14).await.changes, [erased]);
}

/// Runs a part of the contract on the model and on real databases; a server with the router engine holds
/// the part behind the arrow instead, if there is one.
macro_rules! contract {
    (@router $name:ident $of_router:ident) => { super::$of_router };
    (@router $name:ident) => { super::$name };
    ($($name:ident $(=> $of_router:ident)?)*) => { $(
        mod $name {
            #[test]
            fn on_the_model() {
                super::block_on(super::$name(super::Subject::model()));
            }

            #[test]
            fn in_memory() {
                super::on_store(&super::embedded("mem://"), super::$name);
            }

            #[test]
            fn in_a_folder() {
                let folder = tempfile::tempdir().expect("a folder");
                super::on_store(&super::in_folder(&folder.path().join("data")), super::$name);
            }

            #[test]
            fn on_a_server() {
                let (_server, database) = super::shared(super::Engine::Inline);
                super::on_store(&database, super::$name);
            }

            #[test]
            fn on_a_server_with_the_router_engine() {
                let (_server, database) = super::shared(super::Engine::Router);
                super::on_store(&database, contract!(@router $name $($of_router)?));
            }
        }
    )* };
}

contract! {
    an_append_commits_only_at_the_head_of_its_epoch
    a_deleted_drawing_takes_and_gives_nothing
    chunks_give_each_stroke_once_and_holes_cost_nothing
    living_strokes_and_tombstones_are_read_apart
    a_first_load_is_right_whatever_the_index_says
    subscribers_get_each_change_and_each_signal
        => subscribers_of_the_router_engine_get_what_was_written_or_the_head_shows_it
    an_epoch_is_renewed_once_by_all_who_see_it_end
    compaction_removes_tombstones_but_not_at_the_head
}

/// Runs a part of the contract on a real database.
fn on_store<F: Future<Output = ()>>(database: &Database, part: impl FnOnce(Subject) -> F) {
    block_on(async {
        let store = Store::open(database, ServerId::random(), Metrics::new()).await;
        let store = store.expect("a store");
        part(Subject::real(&store).await).await;
        store.close().await;
    });
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
