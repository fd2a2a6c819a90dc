//! A drawing begins another life: positions of the old one must never be taken for the new.

use super::rows::{drawing_record, uuid, variables};
use super::{Store, StoreError};
use crate::model::{DrawingId, Life};

/// Only the first of several servers that notice renews it.
const RENEW_ONE: &str = "UPDATE $drawing SET life = rand::uuid() WHERE life = $life RETURN NONE";

impl Store {
    /// Gives a drawing a new life if it still has `life`: its head was seen to go back, as
    /// when a backup was restored.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn renew_life(&self, drawing: DrawingId, life: Life) -> Result<(), StoreError> {
        let variables = variables([("drawing", drawing_record(drawing)), ("life", uuid(life.0))]);
        self.0.persist(RENEW_ONE, variables).await?;
        Ok(())
    }
}
