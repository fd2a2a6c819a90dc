//! Removes deleted drawings for good, one after the other, for a share of the time.
//!
//! To remove a table, SurrealDB reads the definitions of all tables, again for each removal even
//! within one transaction: with many drawings this is the most expensive thing a server does. It
//! must never take more than its share of the time, and one drawing that cannot be removed must
//! never block others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use surrealdb::types::Value;

use crate::domain::ids::DrawingId;
use crate::store::assets::{asset_keys, asset_use_record};
use crate::store::connection::Store;
use crate::store::error::{QueryError, StoreError};
use crate::store::key_rows::key_ends;
use crate::store::rows::{
    Fields, drawing_record, int, list, living_record, rows, signal_table, stroke_table, variables,
};
use crate::store::rules::moderation_record;

/// Pause after a removal, as a multiple of its duration: two thirds of the time go into removing.
const REST: f64 = 0.5;
/// Most drawings found by one query.
const AT_ONCE: usize = 100;
/// Pause before a failed removal is retried.
const RETRY_AFTER: Duration = Duration::from_secs(10 * 60);
/// How long a failed removal is remembered: if it fails again later, that is logged again.
const FORGET_AFTER: Duration = Duration::from_secs(24 * 3600);
/// How long a server may be silent before the next one takes over the removal.
const FIRST_SILENCE: Duration = Duration::from_secs(30);

/// NONE is less than any time: exclude it wherever times are compared.
pub(in crate::store) const SELECT_DUE: &str = "SELECT id FROM drawing
WHERE deleted IS NOT NONE AND deleted < time::now() - $age AND id NOT IN $postponed LIMIT $limit";
const REMOVE: &str = "BEGIN;
IF (DELETE ONLY $drawing WHERE deleted IS NOT NONE AND deleted < time::now() - $age RETURN BEFORE) IS NONE { THROW 'restored' };
DELETE $living RETURN NONE;
DELETE type::record('asset', $first_asset..$after_assets) RETURN NONE;
DELETE $asset_use RETURN NONE;
DELETE type::record('access_key', $first_key..$after_keys) RETURN NONE;
DELETE $moderation RETURN NONE;
REMOVE TABLE IF EXISTS $strokes;
REMOVE TABLE IF EXISTS $signals;
COMMIT;";
/// The first of the servers with a recent heartbeat.
const FIRST: &str =
    "SELECT id FROM server WHERE heartbeat > time::now() - $silence ORDER BY id LIMIT 1";

/// The drawings that a server could not remove.
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
    /// Those not to be retried yet.
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

    /// A drawing is removed, or no longer has to be.
    fn is_gone(&mut self, drawing: DrawingId) {
        self.failed.remove(&drawing);
    }

    /// Records a failure; true if it is new.
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

/// The pause after a removal that took `took`.
fn rest(took: Duration) -> Duration {
    took.mul_f64(REST)
}

/// Whether any other drawing would fail in the same way. A removal beyond the query timeout is no such
/// error: it continues in the database, and only its own drawing is postponed.
fn is_of_database(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::Storage(_))
}

impl Store {
    /// Removes all drawings that were deleted longer ago than `undelete`, with their tables;
    /// returns how many.
    ///
    /// Long-running. Several servers may do this at once: a drawing that another one removed, or
    /// that was restored just before, is skipped. One that cannot be removed is logged once, and
    /// retried in a later call.
    ///
    /// # Errors
    ///
    /// When the database is not available; completed removals stay.
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
            // In random order, so that servers seldom choose the same drawing.
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

    /// As [`Store::remove_deleted`], if this server is the first of those with a recent heartbeat,
    /// or there is none: one server at a time keeps the share.
    ///
    /// # Errors
    ///
    /// Those of [`Store::remove_deleted`].
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

    /// Removes one drawing; false if it no longer had to be removed.
    async fn remove(&self, drawing: DrawingId, undelete: Duration) -> Result<bool, StoreError> {
        let [first_asset, after_assets] = asset_keys(drawing);
        let [first_key, after_keys] = key_ends(drawing);
        let variables = variables([
            ("drawing", drawing_record(drawing)),
            ("age", Value::Duration(undelete.into())),
            ("living", living_record(drawing)),
            first_asset,
            after_assets,
            first_key,
            after_keys,
            ("moderation", moderation_record(drawing)),
            ("asset_use", asset_use_record(drawing)),
            ("strokes", Value::String(stroke_table(drawing))),
            ("signals", Value::String(signal_table(drawing))),
        ]);
        match self.0.query_with_retry(REMOVE, variables).await {
            Ok(_) => Ok(true),
            // It was restored, or another server removed it.
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
        let variables = variables([
            ("age", Value::Duration(undelete.into())),
            ("postponed", list(postponed.into_iter().map(drawing_record))),
            ("limit", int(AT_ONCE as u64)),
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
        // The cost falls as tables go: 2,000 of 5,000 drawings, 40 µs for each existing one.
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

        // It is not retried at once, but later, when the cause is gone.
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
