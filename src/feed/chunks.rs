//! Reads over HTTP: chunks of a drawing's changes, kept for all readers of the same range.
//!
//! A feed must never encode a chunk: the readers' threads do it, once for all readers of a chunk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::error::FeedError;
use super::packed::{GzipFile, Packed};
use crate::domain::drawing::Drawing;
use crate::domain::ids::Epoch;
use crate::domain::op::Change;
use crate::domain::sequence::Seq;
use crate::feed::position::Load;
use crate::metrics::{Encoded, Metrics};
use crate::protocol::{Author, push_changes};

/// Largest chunk, in bytes of [`Change::bytes`], unless a single change has more.
const MAX_CHUNK_BYTES: usize = 1024 * 1024;
/// A smaller chunk is extended by later changes, up to these bytes: that costs less than another
/// request.
const MIN_KEPT_BYTES: usize = 64 * 1024;
/// Most chunks kept per feed.
const MAX_KEPT: usize = 64;
/// How long an unread chunk is kept.
const KEEP: Duration = Duration::from_secs(10);

/// Largest piece of a body. A connection buffers one piece, and takes the next one when its reader
/// has read that: so a slow reader holds a piece, not a chunk.
const PIECE_BYTES: usize = 32 * 1024;

/// The encoding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Uncompressed.
    Plain,
    /// Compressed with gzip.
    Gzip,
}

/// A chunk of changes for HTTP.
#[derive(Debug)]
pub struct ReadChunk {
    /// The drawing's epoch.
    pub epoch: Epoch,
    /// The chunk covers the positions after this one …
    pub from: Seq,
    /// … up to this one.
    pub head: Seq,
    /// Whether there are more changes after it.
    pub more: bool,
    /// In a first load that is not finished, the head at its start: the next read has to pass it
    /// on.
    pub target: Option<Seq>,
    /// The drawing's title.
    pub title: String,
    /// Whether the reader has to forget everything first.
    pub reset: bool,
    chunk: Arc<Chunk>,
}

/// The body of an answer: texts of its own, and changes that it shares with other readers.
#[derive(Debug)]
pub struct Body {
    gzip: Option<GzipFile>,
    pieces: Vec<Bytes>,
}

impl Body {
    /// An empty body.
    pub fn begin(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Plain => Self {
                gzip: None,
                pieces: Vec::new(),
            },
            Encoding::Gzip => {
                let (gzip, header) = GzipFile::begin();
                Self {
                    gzip: Some(gzip),
                    pieces: vec![header],
                }
            }
        }
    }

    /// Adds a short text.
    pub fn text(&mut self, text: String) {
        let bytes = match &mut self.gzip {
            Some(gzip) => gzip.text(&text),
            None => text.into(),
        };
        self.pieces.extend(pieces(bytes));
    }

    /// Adds the changes of a chunk as elements of a JSON array. They are encoded on a thread that may
    /// block.
    ///
    /// # Errors
    ///
    /// [`FeedError::Unavailable`] when this process is stopping.
    pub async fn changes(&mut self, chunk: &ReadChunk) -> Result<(), FeedError> {
        let bytes = match &mut self.gzip {
            Some(gzip) => gzip.packed(chunk.chunk.packed().await?),
            None => chunk.chunk.plain().await?.clone(),
        };
        self.pieces.extend(pieces(bytes));
        Ok(())
    }

    /// What was added since the last call, in pieces.
    pub fn take(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.pieces)
    }

    /// Ends the body: the rest of its pieces.
    pub fn end(mut self) -> Vec<Bytes> {
        let mut pieces = self.take();
        pieces.extend(self.gzip.map(GzipFile::end));
        pieces
    }
}

impl ReadChunk {
    /// Whether it has no change.
    pub fn is_empty(&self) -> bool {
        self.chunk.changes.is_empty()
    }

    /// Its changes, in order.
    pub fn changes(&self) -> &[Change] {
        &self.chunk.changes
    }

    /// Starts to encode its changes for a body that will take them.
    pub fn start(&self, encoding: Encoding) {
        let chunk = Arc::clone(&self.chunk);
        // Without success it is tried again for the body.
        tokio::spawn(async move {
            match encoding {
                Encoding::Plain => chunk.plain().await.is_ok(),
                Encoding::Gzip => chunk.packed().await.is_ok(),
            }
        });
    }
}

/// Shared bytes in pieces.
pub fn pieces(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
        (!piece.is_empty()).then_some(piece)
    })
}

/// Changes, and their encoding once it was needed.
struct Chunk {
    changes: Vec<Change>,
    plain: OnceCell<Bytes>,
    packed: OnceCell<Packed>,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} changes", self.changes.len())
    }
}

impl Chunk {
    async fn plain(self: &Arc<Self>) -> Result<&Bytes, FeedError> {
        let chunk = Arc::clone(self);
        let encode = || in_background(move || Bytes::from(chunk.encode(Encoded::Plain)));
        self.plain.get_or_try_init(encode).await
    }

    async fn packed(self: &Arc<Self>) -> Result<&Packed, FeedError> {
        let chunk = Arc::clone(self);
        let encode = || in_background(move || Packed::of(chunk.encode(Encoded::Gzip).as_bytes()));
        self.packed.get_or_try_init(encode).await
    }

    fn encode(&self, encoded: Encoded) -> String {
        self.metrics.chunks.count(encoded);
        let bytes: usize = self.changes.iter().map(Change::bytes).sum();
        let mut text = String::with_capacity(2 * bytes);
        push_changes(&mut text, &self.changes, Author::Said);
        text
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, FeedError> {
    let work = tokio::task::spawn_blocking(work);
    work.await.map_err(|_| FeedError::Unavailable)
}

/// The rows of which a chunk is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The living strokes.
    Living,
    /// All changes.
    All,
}

/// The rows of one kind after a position, up to another one.
#[derive(Clone, Copy)]
struct Range {
    kind: Kind,
    after: Seq,
    through: Seq,
}

impl Range {
    fn rows(self, drawing: &Drawing) -> impl Iterator<Item = &Change> {
        let living = (self.kind == Kind::Living).then(|| drawing.living(self.after, self.through));
        let all = (self.kind == Kind::All).then(|| drawing.since(self.after));
        let all = all.into_iter().flatten();
        let all = all.take_while(move |change| change.seq <= self.through);
        living.into_iter().flatten().chain(all)
    }
}

/// A chunk that is kept.
struct Kept {
    range: Range,
    epoch: Epoch,
    rows: usize,
    bytes: usize,
    chunk: Arc<Chunk>,
    used: Instant,
    _room: OwnedSemaphorePermit,
}

impl Kept {
    /// Whether a new chunk would have the same rows. Rows never change, and none is added up to the
    /// head: so it is enough that none was removed.
    fn is_true(&self, drawing: &Drawing) -> bool {
        self.epoch == drawing.epoch() && self.range.rows(drawing).count() == self.rows
    }

    /// The position up to which the chunk serves a reader that wants the rows up to `through`;
    /// `None` if more changes than its own size came after it. So a growing drawing is encoded a
    /// few times, not with every stroke, and a reader needs few requests.
    fn brings_to(&self, drawing: &Drawing, through: Seq) -> Option<Seq> {
        let end = self.range.through;
        let later = Range {
            after: end,
            through,
            ..self.range
        };
        let mut rest = 0;
        for change in later.rows(drawing) {
            rest += change.bytes();
            if self.bytes + change.bytes() > MAX_CHUNK_BYTES {
                return Some(end);
            }
            if self.bytes < MIN_KEPT_BYTES || rest >= self.bytes {
                return None;
            }
        }
        Some(if rest == 0 { through } else { end })
    }
}

/// The chunks of one drawing that were read lately.
pub(super) struct Chunks {
    kept: Vec<Kept>,
    /// KiB that all feeds of this server may still keep.
    capacity: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Chunks {
    pub(super) fn new(capacity: Arc<Semaphore>, metrics: Arc<Metrics>) -> Self {
        Self {
            kept: Vec::new(),
            capacity,
            metrics,
        }
    }

    /// The next chunk for a reader, without its encoding.
    pub(super) fn read(
        &mut self,
        drawing: &Drawing,
        load: Load,
        reset: bool,
        title: &str,
        now: Instant,
    ) -> ReadChunk {
        let (kind, after, through) = match load {
            Load::First { after, target } => (Kind::Living, after, target),
            Load::Since(since) => (Kind::All, since, drawing.head()),
        };
        let range = Range {
            kind,
            after,
            through,
        };
        let found = self.find(drawing, range, now);
        let (head, chunk) = found.unwrap_or_else(|| self.cut(drawing, range, now));
        let more = head < drawing.head();
        ReadChunk {
            epoch: drawing.epoch(),
            from: after,
            head,
            more,
            target: (more && kind == Kind::Living).then_some(through),
            title: title.to_owned(),
            reset,
            chunk,
        }
    }

    fn find(
        &mut self,
        drawing: &Drawing,
        wanted: Range,
        now: Instant,
    ) -> Option<(Seq, Arc<Chunk>)> {
        // The longest that ends in time: readers of several heads are served beside each other.
        let is_in_time = |kept: Range| {
            let begins = (kept.kind, kept.after) == (wanted.kind, wanted.after);
            begins && kept.through <= wanted.through
        };
        let kept = self.kept.iter().enumerate();
        let (place, _) = kept
            .filter(|(_, kept)| is_in_time(kept.range))
            .max_by_key(|(_, kept)| kept.range.through)?;
        if !self.kept[place].is_true(drawing) {
            self.kept.swap_remove(place);
            return None;
        }
        let kept = &mut self.kept[place];
        let head = kept.brings_to(drawing, wanted.through)?;
        kept.used = now;
        Some((head, Arc::clone(&kept.chunk)))
    }

    fn cut(&mut self, drawing: &Drawing, mut range: Range, now: Instant) -> (Seq, Arc<Chunk>) {
        let (mut changes, mut bytes) = (Vec::<Change>::new(), 0);
        for change in range.rows(drawing) {
            if let Some(last) = changes.last()
                && bytes + change.bytes() > MAX_CHUNK_BYTES
            {
                range.through = last.seq;
                break;
            }
            bytes += change.bytes();
            changes.push(change.clone());
        }
        let rows = changes.len();
        let chunk = Arc::new(Chunk {
            changes,
            plain: OnceCell::new(),
            packed: OnceCell::new(),
            metrics: Arc::clone(&self.metrics),
        });
        // The changes, their encoding, and the compressed encoding.
        let kib = (3 * bytes).div_ceil(1024) as u32;
        if let Ok(capacity) = Arc::clone(&self.capacity).try_acquire_many_owned(kib) {
            if self.kept.len() >= MAX_KEPT {
                let kept = self.kept.iter().enumerate();
                if let Some((place, _)) = kept.min_by_key(|(_, kept)| kept.used) {
                    self.kept.swap_remove(place);
                }
            }
            self.kept.push(Kept {
                range,
                epoch: drawing.epoch(),
                rows,
                bytes,
                chunk: Arc::clone(&chunk),
                used: now,
                _room: capacity,
            });
        }
        (range.through, chunk)
    }

    /// Drops chunks that were not read lately.
    pub(super) fn forget_unused(&mut self, now: Instant) {
        self.kept
            .retain(|kept| now.saturating_duration_since(kept.used) < KEEP);
    }
}

#[cfg(test)]
mod tests;
