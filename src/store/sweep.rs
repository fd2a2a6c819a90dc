//! What is taken away in the background: deleted drawings, old tombstones, rows of dead servers.
//!
//! It must never take the row at a drawing's head, and raises the floor in the same
//! transaction in which tombstones go.

use std::time::Duration;

use super::{Store, StoreError};

/// What a sweep took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Deleted drawings, with their tables.
    pub drawings: usize,
    /// Tombstones.
    pub tombstones: usize,
}

impl Store {
    /// Removes drawings deleted longer ago than [`super::TAKE_BACK`], and tombstones older than
    /// `tombstones`. Several servers may sweep at once.
    ///
    /// # Errors
    ///
    /// Those of every query; what was swept until then stays swept.
    pub async fn sweep(&self, tombstones: Duration) -> Result<Swept, StoreError> {
        let _ = tombstones;
        Err(StoreError::Failed("not built yet".into()))
    }
}
