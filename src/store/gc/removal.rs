//! Deleted drawings are removed for good, one after the other, for a share of the time.
//!
//! To remove a table, SurrealDB reads the definitions of all tables there are, again for each, also within
//! one transaction: with many drawings nothing that a server does is dearer. It must never take
//! more of the time than its share, or let one drawing that cannot be removed keep others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use surrealdb::types::{Array, Value};

use crate::domain::ids::DrawingId;
use crate::store::connection::Store;
use crate::store::error::QueryError;
use crate::store::error::StoreError;
use crate::store::rows::{
    Fields, drawing_record, int, rows, signal_table, stroke_table, variables,
};

/// How long is rested after a removal, by the time that it took: two thirds of the time go into removing.
const REST: f64 = 0.5;
/// Most drawings that are looked for at once.
const AT_ONCE: usize = 100;
/// How long one that could not be removed is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(10 * 60);
/// How long it is remembered that one could not be removed: if it still cannot be, that is logged again.
const FORGET_AFTER: Duration = Duration::from_secs(24 * 3600);
/// How long a server may be silent until the next one removes in its place.
const FIRST_SILENCE: Duration = Duration::from_secs(30);

/// NONE is less than any time: it must be ruled out wherever times are compared.
pub(in crate::store) const SELECT_DUE: &str = "SELECT id FROM drawing
WHERE deleted IS NOT NONE AND deleted < time::now() - $age AND id NOT IN $postponed LIMIT $most";
const REMOVE: &str = "BEGIN;
IF (DELETE ONLY $drawing WHERE deleted IS NOT NONE AND deleted < time::now() - $age RETURN BEFORE) IS NONE { THROW 'taken back' };
REMOVE TABLE IF EXISTS $strokes;
REMOVE TABLE IF EXISTS $signals;
COMMIT;";
/// Of the servers with a recent heartbeat.
const FIRST: &str =
    "SELECT id FROM server WHERE heartbeat > time::now() - $silence ORDER BY id LIMIT 1";

/// What a server knows of the drawings that it tried to remove: those that it could not.
#[derive(Debug, Default)]
pub struct Removals {
    failed: HashMap<DrawingId, Failure>,
}

#[derive(Debug)]
struct Failure {
    first: Instant,
    last: Instant,
}

impl Removals {
    /// Those that are left alone for now.
    fn postponed(&mut self, now: Instant) -> Vec<DrawingId> {
        self.failed
            .retain(|_, failure| now.duration_since(failure.first) < FORGET_AFTER);
        let lately = |failure: &Failure| now.duration_since(failure.last) < RETRY_AFTER;
        let failed = self.failed.iter();
        failed
            .filter(|(_, failure)| lately(failure))
            .map(|(drawing, _)| *drawing)
            .collect()
    }

    /// One is removed, or not to be removed any more.
    fn is_gone(&mut self, drawing: DrawingId) {
        self.failed.remove(&drawing);
    }

    /// One could not be removed; true if that is new.
    fn has_failed(&mut self, drawing: DrawingId, now: Instant) -> bool {
        match self.failed.entry(drawing) {
            Entry::Occupied(mut known) => {
                known.get_mut().last = now;
                false
            }
            Entry::Vacant(new) => {
                new.insert(Failure {
                    first: now,
                    last: now,
                });
                true
            }
        }
    }
}

/// How long to rest after a removal that took so long.
fn rest(took: Duration) -> Duration {
    took.mul_f64(REST)
}

/// Whether it would be the same with any other drawing. A removal that takes too long is not of these: it
/// goes on by itself, and only its own drawing waits.
fn is_of_database(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::Storage(_))
}

impl Store {
    /// Removes all drawings that were deleted longer ago than `undelete`, with their tables; gives how many.
    ///
    /// It takes its time. Several servers may do this at once: a drawing that another one removed, or
    /// that was taken back in the last moment, is passed over. One that cannot be removed is
    /// logged once, and tried again in a later call.
    ///
    /// # Errors
    ///
    /// When the database is not available; what was removed until then stays removed.
    pub async fn remove_deleted(
        &self,
        removals: &mut Removals,
        undelete: Duration,
    ) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let mut due = self.due(removals, undelete).await?;
            if due.is_empty() {
                return Ok(removed);
            }
            // Servers that do this at the same time seldom meet.
            fastrand::shuffle(&mut due);
            for drawing in due {
                let began = Instant::now();
                match self.remove(drawing, undelete).await {
                    Ok(was_there) => {
                        removed += usize::from(was_there);
                        removals.is_gone(drawing);
                    }
                    Err(error) if is_of_database(&error) => return Err(error),
                    Err(error) if removals.has_failed(drawing, Instant::now()) => {
                        log::warn!("the deleted drawing {drawing} was not removed: {error}");
                    }
                    Err(error) => {
                        log::debug!("the deleted drawing {drawing} was not removed: {error}");
                    }
                }
                tokio::time::sleep(rest(began.elapsed())).await;
            }
        }
    }

    /// As [`Store::remove_deleted`], if this server is the first of those with a recent heartbeat, or there is none: to remove at
    /// a share of the time is the work of one.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn remove_deleted_if_first(
        &self,
        removals: &mut Removals,
        undelete: Duration,
    ) -> Result<usize, StoreError> {
        match self.is_first().await? {
            true => self.remove_deleted(removals, undelete).await,
            false => Ok(0),
        }
    }

    /// Removes one; false if it was not to be removed any more.
    async fn remove(&self, drawing: DrawingId, undelete: Duration) -> Result<bool, StoreError> {
        let variables = variables([
            ("drawing", drawing_record(drawing)),
            ("age", Value::Duration(undelete.into())),
            ("strokes", Value::String(stroke_table(drawing))),
            ("signals", Value::String(signal_table(drawing))),
        ]);
        match self.0.query_with_retry(REMOVE, variables).await {
            Ok(_) => Ok(true),
            // Taken back, or another server was faster.
            Err(QueryError::Thrown(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn due(
        &self,
        removals: &mut Removals,
        undelete: Duration,
    ) -> Result<Vec<DrawingId>, StoreError> {
        let postponed = removals.postponed(Instant::now());
        let postponed: Vec<Value> = postponed.into_iter().map(drawing_record).collect();
        let variables = variables([
            ("age", Value::Duration(undelete.into())),
            ("postponed", Value::Array(Array::from(postponed))),
            ("most", int(AT_ONCE as u64)),
        ]);
        let mut results = self.0.query(SELECT_DUE, variables).await?;
        rows(results.take(0)?)?
            .into_iter()
            .map(|row| Ok(DrawingId(Fields::of(row)?.uuid_key()?)))
            .collect()
    }

    async fn is_first(&self) -> Result<bool, StoreError> {
        let silence = variables([("silence", Value::Duration(FIRST_SILENCE.into()))]);
        let mut results = self.0.query(FIRST, silence).await?;
        match rows(results.take(0)?)?.into_iter().next() {
            Some(first) => Ok(Fields::of(first)?.uuid_key()? == self.server().0),
            None => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ServerId;
    use crate::metrics::Metrics;
    use crate::store::Database;
    use crate::store::rows::record;
    use surrealdb::types::RecordIdKey;

    const SOON: Duration = Duration::from_secs(30);

    async fn open() -> Store {
        let database = Database {
            url: "mem://".into(),
            namespace: "test".into(),
            name: "test".into(),
            user: None,
            password: None,
            query_timeout: SOON,
            max_queries: 1_024,
            live_query_buffer: 1_024,
        };
        Store::open(&database, ServerId::random(), Metrics::new())
            .await
            .unwrap()
    }

    async fn deleted(store: &Store, count: usize) -> Vec<DrawingId> {
        let mut drawings = Vec::new();
        for _ in 0..count {
            let drawing = store.create("A drawing").await.unwrap().id;
            store.delete(drawing).await.unwrap();
            drawings.push(drawing);
        }
        drawings
    }

    #[test]
    fn removing_takes_no_more_than_its_share_of_the_time() {
        // What it costs falls as tables go: 2,000 of 5,000 drawings, 40 µs for each that is there.
        let (mut busy, mut all) = (Duration::ZERO, Duration::ZERO);
        for there in (3_000..5_000).rev() {
            let took = Duration::from_micros(40) * there;
            busy += took;
            all += took + rest(took);
        }
        let share = busy.as_secs_f64() / all.as_secs_f64();
        assert!((0.6..0.7).contains(&share), "{share}");
        assert!(all < Duration::from_secs(10 * 60), "{all:?}");
    }

    #[test]
    fn a_failed_removal_is_logged_once_and_retried_later() {
        let mut removals = Removals::default();
        let drawing = DrawingId::random();
        let begun = Instant::now();
        assert!(removals.has_failed(drawing, begun));
        let mut now = begun;
        while now < begun + FORGET_AFTER - RETRY_AFTER {
            assert_eq!(removals.postponed(now), [drawing]);
            assert_eq!(removals.postponed(now + RETRY_AFTER / 2), [drawing]);
            now += RETRY_AFTER;
            assert_eq!(removals.postponed(now), []);
            assert!(!removals.has_failed(drawing, now), "it is told again");
        }
        assert_eq!(removals.postponed(begun + FORGET_AFTER), []);
        assert!(removals.has_failed(drawing, begun + FORGET_AFTER));
        removals.is_gone(drawing);
        assert_eq!(removals.postponed(now), []);
    }

    #[test]
    fn only_errors_of_the_whole_database_stop_the_removal() {
        let word = || "one".to_owned();
        for (error, ends) in [
            (StoreError::Deadline(SOON), false),
            (StoreError::Failed(word()), false),
            (StoreError::Gone, false),
            (StoreError::Unavailable(word()), true),
            (StoreError::Storage(word()), true),
        ] {
            assert_eq!(is_of_database(&error), ends, "{error}");
        }
    }

    #[tokio::test]
    async fn a_drawing_that_cannot_be_removed_does_not_block_others() {
        const VIEW: &str =
            "DEFINE TABLE held AS SELECT count() FROM type::table($strokes) GROUP ALL";
        let store = open().await;
        let drawings = deleted(&store, AT_ONCE + 10).await;
        // SurrealDB removes no table that a view reads.
        let held = drawings[0];
        let view = VIEW.replace("type::table($strokes)", &stroke_table(held));
        store.0.query(view.leak(), variables([])).await.unwrap();
        let mut removals = Removals::default();
        let removed = store.remove_deleted(&mut removals, Duration::ZERO).await;
        assert_eq!(removed, Ok(drawings.len() - 1));
        assert_eq!(store.get(held).await, Err(StoreError::Gone));
        assert_eq!(store.get(drawings[1]).await, Err(StoreError::NotFound));
        assert_eq!(removals.postponed(Instant::now()), [held]);

        // It is not tried again at once, but later, when the cause is gone.
        let free = store.0.query("REMOVE TABLE held", variables([])).await;
        free.unwrap();
        let soon = store.remove_deleted(&mut removals, Duration::ZERO).await;
        assert_eq!(soon, Ok(0));
        removals.failed.get_mut(&held).unwrap().last -= RETRY_AFTER;
        let later = store.remove_deleted(&mut removals, Duration::ZERO).await;
        assert_eq!(later, Ok(1));
        assert_eq!(store.get(held).await, Err(StoreError::NotFound));
        store.close().await;
    }

    #[tokio::test]
    async fn of_several_servers_one_removes() {
        const OTHER: &str = "UPSERT $server SET heartbeat = time::now() - $age, drawings = []";
        let store = open().await;
        let drawings = deleted(&store, 1).await;
        store.heartbeat(&[]).await.unwrap();
        let heartbeat = |first: u8, silent: Duration| {
            let key = uuid::Uuid::from_bytes([first; 16]);
            let server = record("server", RecordIdKey::Uuid(key.into()));
            let age = Value::Duration(silent.into());
            store
                .0
                .query(OTHER, variables([("server", server), ("age", age)]))
        };
        heartbeat(u8::MAX, Duration::ZERO).await.unwrap();
        heartbeat(0, Duration::ZERO).await.unwrap();
        let mut removals = Removals::default();
        let second = store.remove_deleted_if_first(&mut removals, Duration::ZERO);
        let second = second.await;
        assert_eq!(second, Ok(0), "the first one does it");
        assert_eq!(store.get(drawings[0]).await, Err(StoreError::Gone));
        heartbeat(0, FIRST_SILENCE).await.unwrap();
        let first = store.remove_deleted_if_first(&mut removals, Duration::ZERO);
        let first = first.await;
        assert_eq!(first, Ok(1));
        store.close().await;
    }
}
