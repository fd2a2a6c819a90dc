//! Where a reader stands, and what brings it to the head.
//!
//! It must never take a position of another history for one of this.

use std::time::{Duration, Instant};

use bytestring::ByteString;

use crate::domain::drawing::Drawing;
use crate::domain::ids::Epoch;
use crate::domain::op::Change;
use crate::domain::sequence::Seq;
use crate::metrics::Metrics;
use crate::protocol::{ResetReason, ServerFrame, strokes_frame};

/// The largest frame of changes, in bytes, unless a single one has more. What is new and does
/// not fit goes out in several; a catch-up that does not fit is read over HTTP, compressed.
pub const MAX_STROKES_FRAME_BYTES: usize = 256 * 1024;

/// Where a reader that says it holds `since` of `epoch` really is, and whether it has to start over.
pub fn resolve_since(
    drawing: &Drawing,
    since: Seq,
    epoch: Option<Epoch>,
) -> (Seq, Option<ResetReason>) {
    if since == 0 && epoch.is_none_or(|epoch| epoch == drawing.epoch()) {
        return (0, None);
    }
    if epoch.is_some_and(|epoch| epoch != drawing.epoch()) || (epoch.is_none() && since > 0) {
        return (0, Some(ResetReason::Epoch));
    }
    if since < drawing.compacted() {
        return (0, Some(ResetReason::Compacted));
    }
    if since > drawing.head() {
        return (0, Some(ResetReason::Ahead));
    }
    (since, None)
}

/// What a reader over HTTP is given next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// It loads the drawing for the first time, and has the living strokes up to `after`: those up to
    /// `target`, which was the head when it began, are next, and no tombstone.
    ///
    /// A tombstone up to `target` is of a stroke that was gone when the reader began, so no chunk
    /// gave it that stroke, unless it was restored: then the tombstone is there no more. What is erased
    /// while it reads has a position after `target`, and is told by the reads that follow the last
    /// chunk: they go on as [`Load::Since`] the target. A living stroke that moves on before its chunk
    /// is read is missing there, and found after the target too.
    First {
        /// The end of the chunk before.
        after: Seq,
        /// The head when the first chunk was read.
        target: Seq,
    },
    /// It holds everything up to here, and needs all changes after it.
    Since(Seq),
}

/// What a reader over HTTP that says it holds `since` of `epoch` is given next, and whether it has to
/// start over; with a `target`, it is in the middle of its first load.
pub fn resolve_read(
    drawing: &Drawing,
    since: Seq,
    epoch: Option<Epoch>,
    target: Option<Seq>,
) -> (Load, Option<ResetReason>) {
    // Of a first load, the tombstones after its target must be there, not those after its last chunk.
    let target = target.filter(|&target| 0 < since && since < target);
    let (held, reset) = resolve_since(drawing, target.unwrap_or(since), epoch);
    let load = match target {
        Some(target) if reset.is_none() => Load::First {
            after: since,
            target,
        },
        _ if held == 0 => Load::First {
            after: 0,
            target: drawing.head(),
        },
        _ => Load::Since(held),
    };
    (load, reset)
}

/// What brings a session from a position to the head.
pub(super) struct CatchUp {
    /// Frames, each with the position that it reaches.
    pub(super) frames: Vec<(Seq, ByteString)>,
    /// They are the advice to read over HTTP.
    pub(super) reads: bool,
}

/// The changes after a position, for a session that holds what is before them.
pub(super) fn catch_up(drawing: &Drawing, position: Seq, metrics: &Metrics) -> CatchUp {
    if size(drawing.since(position)).is_none() {
        return read_instead(position);
    }
    metrics.catch_ups.count();
    let frame = strokes_frame(position, drawing.head(), drawing.since(position));
    CatchUp {
        frames: vec![(drawing.head(), frame)],
        reads: false,
    }
}

fn read_instead(since: Seq) -> CatchUp {
    CatchUp {
        frames: vec![(since, ServerFrame::Read { since }.encode())],
        reads: true,
    }
}

/// Bytes of changes, unless they are more than fit in a frame: it looks only as far as that, since a
/// drawing may be large.
fn size<'a>(mut changes: impl Iterator<Item = &'a Change>) -> Option<usize> {
    changes.try_fold(0, |bytes, change| {
        let bytes = bytes + change.bytes();
        (bytes <= MAX_STROKES_FRAME_BYTES).then_some(bytes)
    })
}

/// The frame that the last session which held nothing was sent: it is kept for those that come after it.
pub(super) struct FirstFrame {
    epoch: Epoch,
    head: Seq,
    rows: usize,
    bytes: usize,
    text: ByteString,
    used: Instant,
}

impl FirstFrame {
    /// For how long it is kept for the next session.
    const KEEP: Duration = Duration::from_secs(10);

    fn of(drawing: &Drawing, bytes: usize, metrics: &Metrics, now: Instant) -> Self {
        metrics.catch_ups.count();
        let living = || drawing.living(0, drawing.head());
        Self {
            epoch: drawing.epoch(),
            head: drawing.head(),
            rows: living().count(),
            bytes,
            text: strokes_frame(0, drawing.head(), living()),
            used: now,
        }
    }

    /// Whether the living strokes up to its head are the same still. Below a head none is added, so it
    /// is enough that none went.
    fn is_true(&self, drawing: &Drawing) -> bool {
        self.epoch == drawing.epoch() && drawing.living(0, self.head).count() == self.rows
    }

    pub(super) fn is_unused(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) > Self::KEEP
    }
}

/// The living strokes, for a session that holds nothing: it needs no tombstone. A frame that was
/// encoded for another session is sent again, and what was drawn since then behind it, unless that is
/// more than a quarter of it.
pub(super) fn first_load(
    kept: &mut Option<FirstFrame>,
    drawing: &Drawing,
    metrics: &Metrics,
    now: Instant,
) -> CatchUp {
    let head = drawing.head();
    let Some(bytes) = size(drawing.living(0, head)) else {
        *kept = None;
        return read_instead(0);
    };
    let is_of_use =
        |kept: &FirstFrame| kept.is_true(drawing) && 4 * (bytes - kept.bytes) <= kept.bytes;
    let mut first = kept
        .take()
        .filter(is_of_use)
        .unwrap_or_else(|| FirstFrame::of(drawing, bytes, metrics, now));
    first.used = now;
    let mut frames = vec![(first.head, first.text.clone())];
    if first.head < head {
        let rest = strokes_frame(first.head, head, drawing.living(first.head, head));
        frames.push((head, rest));
    }
    *kept = Some(first);
    CatchUp {
        frames,
        reads: false,
    }
}
