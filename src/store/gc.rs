//! What is taken away in the background: old tombstones, rows of dead servers, deleted drawings.

pub(super) mod removal;
pub(super) mod sweep;
