//! How many pictures of drawings a server has in memory at a time.
//!
//! It must never be passed by: a picture has up to 4 MiB, and a slow peer takes its time.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Pictures that are received at a time: they are in memory until they are stored.
const RECEIVED_AT_ONCE: usize = 16;
/// Pictures that are sent at a time. Each is in memory until its reader has it.
const SENT_AT_ONCE: usize = 64;

/// The pictures that are in memory.
pub struct AssetSlots {
    /// Those that are received.
    pub(super) received: Semaphore,
    /// Those that are sent.
    pub(super) sent: Arc<Semaphore>,
}

impl Default for AssetSlots {
    fn default() -> Self {
        Self {
            received: Semaphore::new(RECEIVED_AT_ONCE),
            sent: Arc::new(Semaphore::new(SENT_AT_ONCE)),
        }
    }
}
