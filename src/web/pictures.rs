//! What the pictures and files of drawings may cost, and the thumbnails that are kept.
//!
//! It must never be passed by: a picture of a large drawing takes seconds of a processor.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{EntityTag, Header, IfNoneMatch};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::error::{ApiError, ErrorCode};
use crate::domain::ids::{DrawingId, Epoch};
use crate::domain::sequence::Seq;
use crate::picture::palette::Theme;

/// Files that are sent at a time: each has one picture in memory, and what its reader has not taken.
const SENT_AT_ONCE: usize = 16;
/// Thumbnails that are made at a time.
const THUMBNAILS_AT_ONCE: usize = 2;
/// Pictures that are painted at a time. Each may take some 300 MiB: 64 MiB of pixels, as much again for the
/// file or for a see-through stroke, and those of one picture in it.
const PAINTED_AT_ONCE: usize = 1;
/// How long a request waits for its turn. A client waits 20 s.
const WAIT: Duration = Duration::from_secs(15);
/// Most bytes of thumbnails that are kept.
const MAX_KEPT_BYTES: usize = 16 * 1024 * 1024;
/// Raised when the same strokes get another picture.
const VERSION: u32 = 2;

/// The pictures of drawings that are being made or sent, and the thumbnails that were made last.
pub struct Pictures {
    sent: Arc<Semaphore>,
    painted: Arc<Semaphore>,
    thumbnails: Arc<Semaphore>,
    kept: std::sync::Mutex<Kept>,
}

/// The state of a drawing that a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) epoch: Epoch,
    pub(super) head: Seq,
}

#[derive(Default)]
struct Kept {
    thumbnails: HashMap<(DrawingId, Theme), Thumbnail>,
    bytes: usize,
    /// Counts the uses, to know the oldest.
    uses: u64,
}

struct Thumbnail {
    shown: Shown,
    svg: Bytes,
    used: u64,
}

impl Default for Pictures {
    fn default() -> Self {
        Self {
            sent: Arc::new(Semaphore::new(SENT_AT_ONCE)),
            painted: Arc::new(Semaphore::new(PAINTED_AT_ONCE)),
            thumbnails: Arc::new(Semaphore::new(THUMBNAILS_AT_ONCE)),
            kept: std::sync::Mutex::default(),
        }
    }
}

impl Pictures {
    /// Waits for a turn to send a file.
    pub(super) async fn send(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        turn(&self.sent).await
    }

    /// Waits for a turn to paint a picture of pixels.
    pub(super) async fn paint(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        turn(&self.painted).await
    }

    /// Waits for a turn to make a thumbnail.
    pub(super) async fn make_thumbnail(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        turn(&self.thumbnails).await
    }

    /// The kept thumbnail of a drawing in this state.
    pub(super) fn kept(&self, drawing: DrawingId, theme: Theme, shown: Shown) -> Option<Bytes> {
        let mut kept = self.lock();
        kept.uses += 1;
        let used = kept.uses;
        let thumbnail = kept.thumbnails.get_mut(&(drawing, theme))?;
        thumbnail.used = used;
        (thumbnail.shown == shown).then(|| thumbnail.svg.clone())
    }

    /// Keeps a thumbnail, and drops those that were not used for the longest time.
    pub(super) fn keep(&self, drawing: DrawingId, theme: Theme, shown: Shown, svg: Bytes) {
        let mut kept = self.lock();
        kept.uses += 1;
        let used = kept.uses;
        kept.bytes += svg.len();
        let thumbnail = Thumbnail { shown, svg, used };
        if let Some(old) = kept.thumbnails.insert((drawing, theme), thumbnail) {
            kept.bytes -= old.svg.len();
        }
        while kept.bytes > MAX_KEPT_BYTES {
            let all = kept.thumbnails.iter();
            let oldest = all.min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key);
            let Some(dropped) = oldest.and_then(|key| kept.thumbnails.remove(&key)) else {
                break;
            };
            kept.bytes -= dropped.svg.len();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        let kept = self.kept.lock();
        kept.unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Shown {
    /// The tag of a picture that depends on nothing else.
    pub(super) fn tag(self) -> EntityTag {
        EntityTag::new_weak(format!("{VERSION}-{}-{}", self.epoch, self.head))
    }

    /// The tag of a file that has the title too.
    pub(super) fn tag_with_title(self, title: &str) -> EntityTag {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        title.hash(&mut hasher);
        let title = hasher.finish();
        EntityTag::new_weak(format!("{VERSION}-{}-{}-{title:x}", self.epoch, self.head))
    }
}

/// Whether the reader holds what has this tag.
pub(super) fn holds(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(held)) => held.iter().any(|held| held.weak_eq(tag)),
        Ok(IfNoneMatch::Any) => request.headers().contains_key("if-none-match"),
        Err(_) => false,
    }
}

/// Work of the processor, on a thread that may block.
pub(super) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let work = tokio::task::spawn_blocking(work).await;
    work.map_err(|_| ApiError::new(ErrorCode::Failed, "the picture could not be made"))
}

async fn turn(slots: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
    match timeout(WAIT, Arc::clone(slots).acquire_owned()).await {
        Ok(Ok(slot)) => Ok(slot),
        _ => Err(ApiError::new(
            ErrorCode::Unavailable,
            "too many pictures are made at once",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbnails_are_kept_up_to_a_bound_and_the_least_used_go_first() {
        let pictures = Pictures::default();
        let shown = |head| Shown {
            epoch: Epoch(uuid::Uuid::nil()),
            head,
        };
        let drawings: Vec<_> = (0..17).map(|_| DrawingId::random()).collect();
        let svg = Bytes::from(vec![b' '; 1024 * 1024]);
        for drawing in &drawings[..16] {
            pictures.keep(*drawing, Theme::Light, shown(1), svg.clone());
        }
        let has = |i: usize, theme, head| pictures.kept(drawings[i], theme, shown(head)).is_some();
        assert!(has(0, Theme::Light, 1));
        assert!(!has(0, Theme::Dark, 1) && !has(0, Theme::Light, 2));
        pictures.keep(drawings[16], Theme::Light, shown(1), svg.clone());
        assert!(has(0, Theme::Light, 1) && !has(1, Theme::Light, 1) && has(16, Theme::Light, 1));
        pictures.keep(drawings[16], Theme::Light, shown(2), svg);
        assert!(has(2, Theme::Light, 1), "one takes the other's place");
        assert_eq!(pictures.lock().bytes, 16 * 1024 * 1024);
    }
}
