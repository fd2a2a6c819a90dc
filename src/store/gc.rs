//! Background deletion of old tombstones, rows of dead servers and deleted drawings.

pub(super) mod removal;
pub(super) mod sweep;
