//! What an operator sees of all drawings, deleted ones too.
//!
//! Nothing here changes anything, and no stroke or picture is read.

use surrealdb::types::Value;

use super::assets::asset_use_record;
use super::connection::Store;
use super::drawings::{DrawingInfo, info};
use super::error::StoreError;
use super::rows::{Fields, counted, drawing_record, int, rows, variables};
use super::rules::moderation_record;
use crate::domain::ids::DrawingId;

const EXAMINE: &str = "SELECT * FROM ONLY $drawing;
SELECT * FROM ONLY $use;
SELECT * FROM ONLY $moderation;";
/// A deletion is soon removed, so there are few.
const DELETED: &str =
    "SELECT * FROM drawing WHERE deleted IS NOT NONE ORDER BY deleted DESC LIMIT $limit";
const COUNT: &str = "SELECT count() FROM ONLY drawing WHERE deleted IS NONE GROUP ALL LIMIT 1;
SELECT count() FROM ONLY drawing WHERE deleted IS NOT NONE GROUP ALL LIMIT 1;
SELECT count() FROM ONLY access_key GROUP ALL LIMIT 1;
SELECT math::sum(bytes) AS count FROM ONLY asset_use GROUP ALL LIMIT 1;";

/// A drawing as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawingDetails {
    /// As in lists.
    pub info: DrawingInfo,
    /// When it was deleted, in milliseconds since 1970, if it is.
    pub deleted: Option<u64>,
    /// Bytes of its pictures.
    pub picture_bytes: u64,
    /// Whether only owners may change it.
    pub locked: bool,
    /// Number of people who may not change it.
    pub muted: usize,
}

/// Numbers of what is in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Drawings that are not deleted.
    pub drawings: u64,
    /// Drawings that are, and can be restored or wait for their removal.
    pub deleted: u64,
    /// Keys of all drawings.
    pub keys: u64,
    /// Bytes of all pictures.
    pub picture_bytes: u64,
}

impl Store {
    /// A drawing, which may be deleted.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] besides those of every query.
    pub async fn examine(&self, drawing: DrawingId) -> Result<DrawingDetails, StoreError> {
        let names = variables([
            ("drawing", drawing_record(drawing)),
            ("use", asset_use_record(drawing)),
            ("moderation", moderation_record(drawing)),
        ]);
        let mut results = self.0.query(EXAMINE, names).await?;
        let mut row = Fields::maybe(results.take(0)?).ok_or(StoreError::NotFound)?;
        let deleted = row.maybe_millis("deleted")?;
        let picture_bytes = Fields::maybe(results.take(1)?).map(|mut row| row.seq("bytes"));
        let mut details = DrawingDetails {
            info: info(row)?,
            deleted,
            picture_bytes: picture_bytes.transpose()?.unwrap_or_default(),
            locked: false,
            muted: 0,
        };
        if let Some(mut moderation) = Fields::maybe(results.take(2)?) {
            details.locked = matches!(moderation.take("locked"), Value::Bool(true));
            details.muted = rows(moderation.take("muted"))?.len();
        }
        Ok(details)
    }

    /// Drawings that are deleted, the last one first, at most `limit`: each with when that was, in
    /// milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn deleted(&self, limit: usize) -> Result<Vec<(DrawingInfo, u64)>, StoreError> {
        let names = variables([("limit", int(limit as u64))]);
        let mut results = self.0.query(DELETED, names).await?;
        let found = rows(results.take(0)?)?.into_iter();
        let each = found.map(|row| {
            let mut row = Fields::of(row)?;
            let deleted = row.millis("deleted")?;
            Ok((info(row)?, deleted))
        });
        each.collect()
    }

    /// Counts what is in the database; that takes a while where there is much.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn totals(&self) -> Result<Totals, StoreError> {
        let mut results = self.0.query(COUNT, variables([])).await?;
        Ok(Totals {
            drawings: counted(results.take(0)?)?,
            deleted: counted(results.take(1)?)?,
            keys: counted(results.take(2)?)?,
            picture_bytes: counted(results.take(3)?)?,
        })
    }
}
