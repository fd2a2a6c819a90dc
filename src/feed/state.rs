//! State that a feed shares with its sessions and the registry.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::queue::Capacity;
use super::settings::FeedSettings;
use crate::domain::drawing::{Drawing, Size};
use crate::domain::people::Present;
use crate::domain::sequence::Seq;

/// State that a feed shares with its sessions and the registry: the capacity for ops, the head,
/// the drawing's size in memory, and who is present.
#[derive(Clone, Debug)]
pub struct FeedState {
    /// The capacity for ops.
    pub capacity: Capacity,
    /// KiB of chunks that all feeds of this server may still keep.
    pub(super) chunk_capacity: Arc<Semaphore>,
    numbers: Arc<Numbers>,
    present: Arc<Mutex<Present>>,
}

#[derive(Debug, Default)]
struct Numbers {
    head: AtomicU64,
    living: AtomicSize,
    tombstones: AtomicSize,
}

#[derive(Debug, Default)]
struct AtomicSize {
    rows: AtomicUsize,
    bytes: AtomicUsize,
}

impl AtomicSize {
    fn set(&self, size: Size) {
        self.rows.store(size.rows, Ordering::Relaxed);
        self.bytes.store(size.bytes, Ordering::Relaxed);
    }

    fn get(&self) -> Size {
        Size {
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

impl FeedState {
    /// What a new feed shares; its chunks count against `chunk_capacity`, in KiB.
    pub fn new(settings: &FeedSettings, chunk_capacity: Arc<Semaphore>) -> Self {
        Self {
            capacity: Capacity::new(settings.queue_ops, settings.queue_bytes),
            chunk_capacity,
            numbers: Arc::default(),
            present: Arc::default(),
        }
    }

    pub(super) fn note(&self, drawing: &Drawing) {
        self.numbers.head.store(drawing.head(), Ordering::Relaxed);
        let (living, tombstones) = drawing.sizes();
        self.numbers.living.set(living);
        self.numbers.tombstones.set(tombstones);
    }

    /// The sizes of the living strokes and of the tombstones in memory.
    pub(crate) fn sizes(&self) -> (Size, Size) {
        (self.numbers.living.get(), self.numbers.tombstones.get())
    }

    /// Notes who is present, which changes far less often than the drawing.
    pub(super) fn note_present(&self, present: Present) {
        *self.present.lock().unwrap_or_else(PoisonError::into_inner) = present;
    }

    /// Who is present, on all servers, as far as the feed knows.
    pub fn present(&self) -> Present {
        let present = self.present.lock();
        present.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last position the feed holds.
    pub fn head(&self) -> Seq {
        self.numbers.head.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::drawing::Limits;
    use crate::domain::ids::Epoch;
    use crate::domain::op::Change;
    use crate::domain::stroke::Body;

    #[test]
    fn the_head_and_the_sizes_are_those_of_the_drawing() {
        let limits = Limits {
            strokes: 10,
            bytes: 1 << 20,
        };
        let mut drawing = Drawing::new(Epoch::random(), 0, limits);
        for (seq, body) in (1..).zip([Some("{}"), None, None]) {
            let body = body.map(|json| Body::from_stored(json.into()));
            drawing.apply(Change::by_anyone(seq, body));
        }
        let state = FeedState {
            capacity: Capacity::new(1, 1),
            chunk_capacity: Arc::new(Semaphore::new(1)),
            numbers: Arc::default(),
            present: Arc::default(),
        };
        assert_eq!((state.head(), state.sizes()), (0, Default::default()));
        state.note(&drawing);
        assert_eq!((state.head(), state.sizes()), (3, drawing.sizes()));
        let (living, tombstones) = state.sizes();
        assert_eq!((living.rows, tombstones.rows), (1, 2));
        assert_eq!(living.bytes + tombstones.bytes, drawing.bytes());
    }
}
