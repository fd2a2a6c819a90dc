//! Renews epochs, so that positions of an old one are never taken for the new one's.

use std::ops::Bound;

use surrealdb::types::{RecordId, RecordIdKey, RecordIdKeyRange, Value};
use uuid::Uuid;

use super::connection::Store;
use super::error::StoreError;
use super::rows::{drawing_record, rows, uuid, variables};
use crate::domain::ids::{DrawingId, Epoch};

/// Only the first of several servers that notice the rollback renews it.
const RENEW_ONE: &str = "UPDATE $drawing SET epoch = rand::uuid() WHERE epoch = $epoch RETURN NONE";
const RENEW_ALL: &str = "UPDATE $drawings SET epoch = rand::uuid() RETURN VALUE head";

impl Store {
    /// Gives a drawing a new epoch if it still has `epoch`: its head went back, as when a backup
    /// was restored.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn renew_epoch(&self, drawing: DrawingId, epoch: Epoch) -> Result<(), StoreError> {
        let variables = variables([
            ("drawing", drawing_record(drawing)),
            ("epoch", uuid(epoch.0)),
        ]);
        self.0.query_with_retry(RENEW_ONE, variables).await?;
        Ok(())
    }

    /// Gives every drawing a new epoch, after a backup was restored, so that older positions are
    /// invalid. Returns the number of drawings.
    ///
    /// Ids are random, so the drawings whose ids begin with the same byte are few enough for one
    /// transaction. If this fails halfway, run it again.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn renew_epochs(&self) -> Result<usize, StoreError> {
        let mut renewed = 0;
        for first in 0..=u8::MAX {
            let drawings = variables([("drawings", beginning_with(first))]);
            let mut results = self.0.query_with_retry(RENEW_ALL, drawings).await?;
            renewed += rows(results.take(0)?)?.len();
        }
        Ok(renewed)
    }
}

/// The drawings whose ids begin with this byte.
fn beginning_with(first: u8) -> Value {
    let edge = |rest: u8| {
        let mut bytes = [rest; 16];
        bytes[0] = first;
        Bound::Included(RecordIdKey::Uuid(Uuid::from_bytes(bytes).into()))
    };
    let range = RecordIdKeyRange {
        start: edge(0),
        end: edge(u8::MAX),
    };
    Value::RecordId(RecordId::new(
        "drawing",
        RecordIdKey::Range(Box::new(range)),
    ))
}
