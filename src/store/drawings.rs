//! The drawings: create, list, rename, delete and restore.
//!
//! Nothing here reads or changes a stroke.

use std::time::Duration;

use surrealdb::types::{Value, Variables};

use super::connection::Store;
use super::error::StoreError;
use super::keys::{NewKey, new_key};
use super::rows::{
    Fields, counted, drawing_record, int, list, rows, signal_table, stroke_table, time, uuid,
    variables,
};
use super::schema::{CREATE_DRAWING, CREATE_OWNED};
use crate::domain::ids::{DrawingId, Epoch};
use crate::domain::sequence::Seq;

/// How long a deleted drawing can be restored.
pub const UNDELETE_WINDOW: Duration = Duration::from_secs(10 * 60);
/// Most drawings of one [`Store::list`].
pub const MAX_LIST: usize = 500;
/// Most lists that one [`Store::search`] reads: 5,000 titles.
const SEARCHED_LISTS: usize = 10;

const GET: &str = "SELECT * FROM ONLY $drawing";
const GET_MANY: &str = "SELECT * FROM $drawings";
pub(super) const LIST: &str = "SELECT * FROM drawing WHERE deleted IS NONE
ORDER BY listed DESC, id DESC LIMIT $limit";
/// Written in this form so that the index is used to find the start.
pub(super) const LIST_BEFORE: &str = "SELECT * FROM drawing WHERE deleted IS NONE
AND listed <= $listed AND (listed < $listed OR id < $before)
ORDER BY listed DESC, id DESC LIMIT $limit";
const RENAME: &str = "UPDATE ONLY $drawing SET title = $title, changed = time::now(),
listed = time::floor(time::now(), 1ms) WHERE deleted IS NONE";
const LIST_CHANGE: &str = "UPDATE $drawing SET listed = time::floor(changed, 1ms)
WHERE deleted IS NONE AND listed < time::floor(changed, 1ms) RETURN NONE";
const DELETE: &str = "UPDATE ONLY $drawing SET deleted = time::now() WHERE deleted IS NONE";
const UNDELETE: &str = "UPDATE ONLY $drawing SET deleted = NONE
WHERE deleted IS NONE OR deleted > time::now() - $within";
const HEADS: &str = "SELECT id, head, compacted, epoch, title, rules, deleted FROM $drawings";
const COUNT: &str = "SELECT count() FROM ONLY type::table($strokes)
WHERE body IS NOT NONE OR erased IS NOT NONE GROUP ALL LIMIT 1;
SELECT count() FROM ONLY type::table($signals) GROUP ALL LIMIT 1;";

/// A drawing as in lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawingInfo {
    /// Its id.
    pub id: DrawingId,
    /// Its title.
    pub title: String,
    /// Creation time, in milliseconds since 1970, by the database's clock.
    pub created: u64,
    /// Time of the last change, in milliseconds since 1970, by the database's clock.
    pub changed: u64,
    /// What lists are sorted by: [`DrawingInfo::changed`], up to a minute late.
    pub listed: u64,
    /// The position of its last change.
    pub head: Seq,
    /// Its epoch.
    pub epoch: Epoch,
}

/// The end of an earlier list: the time and id of its last drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListCursor {
    /// Its [`DrawingInfo::listed`].
    pub listed: u64,
    /// Its id.
    pub id: DrawingId,
}

impl From<&DrawingInfo> for ListCursor {
    fn from(info: &DrawingInfo) -> Self {
        Self {
            listed: info.listed,
            id: info.id,
        }
    }
}

/// Some drawings, the last changed first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The drawings.
    pub drawings: Vec<DrawingInfo>,
    /// Where to continue, unless this is the end.
    pub next: Option<ListCursor>,
}

/// The current state of a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The drawing.
    pub id: DrawingId,
    /// The position of its last change.
    pub head: Seq,
    /// Tombstones up to this position are compacted.
    pub compacted: Seq,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its title.
    pub title: String,
    /// The version of its rules.
    pub rules: u64,
    /// Whether it is deleted.
    pub deleted: bool,
}

/// Numbers of rows in a drawing's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// One for each stroke that ever existed, without compacted tombstones.
    pub strokes: u64,
    /// 0, since the table stores no row.
    pub signals: u64,
}

impl Store {
    /// Creates a drawing with its tables.
    ///
    /// # Errors
    ///
    /// After [`StoreError::Deadline`], [`StoreError::Unavailable`] or [`StoreError::Storage`] the
    /// outcome is unknown: a drawing with an unknown id may exist.
    pub async fn create(&self, title: &str) -> Result<DrawingInfo, StoreError> {
        self.create_with(title, None).await
    }

    /// Creates a drawing with its tables, and a key to it.
    ///
    /// # Errors
    ///
    /// Those of [`Store::create`].
    pub async fn create_owned(&self, title: &str, key: &NewKey) -> Result<DrawingInfo, StoreError> {
        self.create_with(title, Some(key)).await
    }

    async fn create_with(
        &self,
        title: &str,
        key: Option<&NewKey>,
    ) -> Result<DrawingInfo, StoreError> {
        let id = DrawingId::random();
        let mut variables = variables([
            ("drawing", drawing_record(id)),
            ("title", Value::String(title.to_owned())),
            ("epoch", uuid(Epoch::random().0)),
            ("strokes", Value::String(stroke_table(id))),
            ("signals", Value::String(signal_table(id))),
        ]);
        let mut text = CREATE_DRAWING;
        if let Some(key) = key {
            text = CREATE_OWNED;
            for (name, value) in new_key(id, key) {
                variables.insert(name, value);
            }
        }
        self.0.query_with_retry(text, variables).await?;
        self.get(id).await
    }

    /// A drawing.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] and [`StoreError::Gone`] besides those of every query.
    pub async fn get(&self, drawing: DrawingId) -> Result<DrawingInfo, StoreError> {
        let variables = variables([("drawing", drawing_record(drawing))]);
        let mut results = self.0.query(GET, variables).await?;
        info(Fields::of_drawing(results.take(0)?)?)
    }

    /// Drawings that are not deleted, sorted by [`DrawingInfo::listed`], the latest first: those after
    /// `before`, at most `limit` and at most [`MAX_LIST`].
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn list(
        &self,
        before: Option<ListCursor>,
        limit: usize,
    ) -> Result<Vec<DrawingInfo>, StoreError> {
        let limit = int(limit.min(MAX_LIST) as u64);
        let mut results = match before {
            None => self.0.query(LIST, variables([("limit", limit)])).await?,
            Some(before) => {
                let variables = variables([
                    ("limit", limit),
                    ("listed", time(before.listed)),
                    ("before", drawing_record(before.id)),
                ]);
                self.0.query(LIST_BEFORE, variables).await?
            }
        };
        let listed = rows(results.take(0)?)?;
        listed
            .into_iter()
            .map(|row| info(Fields::of(row)?))
            .collect()
    }

    /// Those of [`Store::list`] whose title has every word of `text`, in any case. It reads a bounded
    /// number of titles, so it may find none and return where to continue.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn search(
        &self,
        text: &str,
        mut before: Option<ListCursor>,
        limit: usize,
    ) -> Result<Listed, StoreError> {
        let text = text.to_lowercase();
        let matches = |info: &DrawingInfo| {
            let title = info.title.to_lowercase();
            text.split_whitespace().all(|word| title.contains(word))
        };
        let mut found = Listed::default();
        for _ in 0..SEARCHED_LISTS {
            let list = self.list(before, MAX_LIST).await?;
            let is_last = list.len() < MAX_LIST;
            for info in list {
                before = Some(ListCursor::from(&info));
                if matches(&info) {
                    found.drawings.push(info);
                }
                if found.drawings.len() == limit {
                    found.next = before;
                    return Ok(found);
                }
            }
            if is_last {
                return Ok(found);
            }
        }
        found.next = before;
        Ok(found)
    }

    /// Moves a drawing to its place in lists: sets [`DrawingInfo::listed`] to the last change.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn list_change(&self, drawing: DrawingId) -> Result<(), StoreError> {
        let variables = variables([("drawing", drawing_record(drawing))]);
        self.0.query_with_retry(LIST_CHANGE, variables).await?;
        Ok(())
    }

    /// Renames a drawing.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] and [`StoreError::Gone`] besides those of every query.
    pub async fn rename(&self, drawing: DrawingId, title: &str) -> Result<DrawingInfo, StoreError> {
        let variables = variables([
            ("drawing", drawing_record(drawing)),
            ("title", Value::String(title.to_owned())),
        ]);
        self.update(drawing, RENAME, variables).await
    }

    /// Marks a drawing as deleted: it is no longer listed and accepts no changes, and can be
    /// restored for [`UNDELETE_WINDOW`].
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], and [`StoreError::Gone`] when it is deleted already.
    pub async fn delete(&self, drawing: DrawingId) -> Result<(), StoreError> {
        let variables = variables([("drawing", drawing_record(drawing))]);
        self.update(drawing, DELETE, variables).await.map(drop)
    }

    /// Restores a deleted drawing. A drawing that is not deleted stays unchanged.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], and [`StoreError::Gone`] when it was deleted longer than
    /// [`UNDELETE_WINDOW`] ago.
    pub async fn undelete(&self, drawing: DrawingId) -> Result<DrawingInfo, StoreError> {
        let variables = variables([
            ("drawing", drawing_record(drawing)),
            ("within", Value::Duration(UNDELETE_WINDOW.into())),
        ]);
        self.update(drawing, UNDELETE, variables).await
    }

    /// The drawings of these ids that are not deleted.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn get_many(&self, drawings: &[DrawingId]) -> Result<Vec<DrawingInfo>, StoreError> {
        let records = list(drawings.iter().copied().map(drawing_record));
        let variables = variables([("drawings", records)]);
        let mut results = self.0.query(GET_MANY, variables).await?;
        let found = rows(results.take(0)?)?.into_iter();
        let found = found.filter_map(|row| Fields::of_drawing(row).ok());
        found.map(info).collect()
    }

    /// The states of several drawings, in one query; missing drawings are omitted.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn heads(&self, drawings: &[DrawingId]) -> Result<Vec<Head>, StoreError> {
        let records = list(drawings.iter().copied().map(drawing_record));
        let variables = variables([("drawings", records)]);
        let mut results = self.0.query(HEADS, variables).await?;
        rows(results.take(0)?)?
            .into_iter()
            .filter_map(Fields::maybe)
            .map(|mut row| {
                Ok(Head {
                    id: DrawingId(row.uuid_key()?),
                    head: row.seq("head")?,
                    compacted: row.seq("compacted")?,
                    epoch: row.epoch()?,
                    title: row.text("title")?,
                    rules: row.version()?,
                    deleted: !matches!(row.take("deleted"), Value::None),
                })
            })
            .collect()
    }

    /// Counts the rows in the drawing's tables by reading them all, without those that were emptied: for
    /// maintenance and tests.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] and [`StoreError::Gone`] besides those of every query.
    pub async fn count_rows(&self, drawing: DrawingId) -> Result<Rows, StoreError> {
        self.get(drawing).await?;
        let variables = variables([
            ("strokes", Value::String(stroke_table(drawing))),
            ("signals", Value::String(signal_table(drawing))),
        ]);
        let mut results = self.0.query(COUNT, variables).await?;
        Ok(Rows {
            strokes: counted(results.take(0)?)?,
            signals: counted(results.take(1)?)?,
        })
    }

    async fn update(
        &self,
        drawing: DrawingId,
        text: &'static str,
        variables: Variables,
    ) -> Result<DrawingInfo, StoreError> {
        let mut results = self.0.query_with_retry(text, variables).await?;
        match Fields::maybe(results.take(0)?) {
            Some(row) => info(row),
            // The drawing does not exist, or its `deleted` does not allow the change.
            None => match self.get(drawing).await {
                Ok(_) => Err(StoreError::Failed("the drawing changed meanwhile".into())),
                Err(error) => Err(error),
            },
        }
    }

    /// The error for a failed query of a drawing's own tables, which are missing if the drawing was
    /// removed.
    pub(super) async fn explain_missing(
        &self,
        drawing: DrawingId,
        error: StoreError,
    ) -> StoreError {
        match error {
            StoreError::Failed(_) => match self.get(drawing).await {
                Err(found @ (StoreError::NotFound | StoreError::Gone)) => found,
                _ => error,
            },
            error => error,
        }
    }
}

pub(super) fn info(mut row: Fields) -> Result<DrawingInfo, StoreError> {
    Ok(DrawingInfo {
        id: DrawingId(row.uuid_key()?),
        title: row.text("title")?,
        created: row.millis("created")?,
        changed: row.millis("changed")?,
        listed: row.millis("listed")?,
        head: row.seq("head")?,
        epoch: row.epoch()?,
    })
}
