//! A reader's position, and the changes that bring it to the head.
//!
//! It must never confuse positions of two histories.

use std::time::{Duration, Instant};

use bytestring::ByteString;

use crate::domain::drawing::Drawing;
use crate::domain::ids::Epoch;
use crate::domain::op::Change;
use crate::domain::sequence::Seq;
use crate::metrics::Metrics;
use crate::protocol::{ResetReason, ServerFrame, strokes_frame};

/// Largest frame of changes, in bytes, unless a single change has more. Larger news goes out in
/// several frames; a larger catch-up is read over HTTP, compressed.
pub const MAX_STROKES_FRAME_BYTES: usize = 256 * 1024;

/// The valid position of a reader that claims to hold `since` of `epoch`, and whether it has to
/// start over.
pub fn resolve_since(
    drawing: &Drawing,
    since: Seq,
    epoch: Option<Epoch>,
) -> (Seq, Option<ResetReason>) {
    if since == 0 && epoch.is_none_or(|epoch| epoch == drawing.epoch()) {
        return (0, None);
    }
    if epoch != Some(drawing.epoch()) {
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

/// The next rows for a reader over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// A first load that has the living strokes up to `after`: the next ones are those up to
    /// `target`, the head at its start, without tombstones.
    ///
    /// A tombstone up to `target` is of a stroke erased before the load began, which no chunk
    /// contained, unless it was restored: then the tombstone is gone. Strokes erased during the
    /// load have tombstones after `target`, which the reads after the last chunk return: they
    /// continue as [`Load::Since`] the target. So do living strokes that are replaced before their
    /// chunk is read.
    First {
        /// The end of the previous chunk.
        after: Seq,
        /// The head when the first chunk was read.
        target: Seq,
    },
    /// All changes after this position.
    Since(Seq),
}

/// The next rows for a reader over HTTP that claims to hold `since` of `epoch`, and whether it has
/// to start over; with a `target`, it is in its first load.
pub fn resolve_read(
    drawing: &Drawing,
    since: Seq,
    epoch: Option<Epoch>,
    target: Option<Seq>,
) -> (Load, Option<ResetReason>) {
    // A first load needs the tombstones after its target, not those after its last chunk.
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

/// The frames that bring a session from a position to the head.
pub(super) struct CatchUp {
    /// Frames, each with the position that it reaches.
    pub(super) frames: Vec<(Seq, ByteString)>,
    /// Whether they only ask the client to read over HTTP.
    pub(super) reads: bool,
}

/// The changes after a position, for a session that holds everything before them.
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

/// Bytes of changes, or `None` if they exceed a frame. Stops there, since a drawing may be large.
fn size<'a>(mut changes: impl Iterator<Item = &'a Change>) -> Option<usize> {
    changes.try_fold(0, |bytes, change| {
        let bytes = bytes + change.bytes();
        (bytes <= MAX_STROKES_FRAME_BYTES).then_some(bytes)
    })
}

/// The frame of the last session that held nothing, kept for the next ones.
pub(super) struct FirstFrame {
    epoch: Epoch,
    head: Seq,
    rows: usize,
    bytes: usize,
    text: ByteString,
    used: Instant,
}

impl FirstFrame {
    /// How long it is kept.
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

    /// Whether the living strokes up to its head are still the same. Below a head none is added, so
    /// it is enough that none was removed.
    fn is_true(&self, drawing: &Drawing) -> bool {
        self.epoch == drawing.epoch() && drawing.living(0, self.head).count() == self.rows
    }

    pub(super) fn is_unused(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) > Self::KEEP
    }
}

/// The living strokes, for a session that holds nothing: it needs no tombstones. A frame encoded
/// for an earlier session is reused, followed by later changes, unless these exceed a quarter of
/// its size.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::drawing::Limits;
    use crate::domain::stroke::Body;

    fn of_five_changes() -> Drawing {
        let limits = Limits {
            strokes: 5,
            bytes: 1_000,
        };
        let mut drawing = Drawing::new(Epoch::random(), 0, limits);
        for seq in 1..=5 {
            drawing.apply(Change::by_anyone(seq, None));
        }
        drawing
    }

    #[test]
    fn a_first_load_whose_epoch_ended_starts_over() {
        let drawing = of_five_changes();
        let (load, reset) = resolve_read(&drawing, 2, Some(drawing.epoch()), Some(4));
        let part = Load::First {
            after: 2,
            target: 4,
        };
        assert_eq!((load, reset), (part, None));
        let (load, reset) = resolve_read(&drawing, 2, Some(Epoch::random()), Some(4));
        let whole = Load::First {
            after: 0,
            target: 5,
        };
        assert_eq!((load, reset), (whole, Some(ResetReason::Epoch)));
    }

    #[test]
    fn a_position_means_something_only_in_its_epoch_and_between_floor_and_head() {
        let mut drawing = of_five_changes();
        drawing.raise_compacted(3);
        let (own, other) = (Some(drawing.epoch()), Some(Epoch::random()));
        for (since, epoch, judged) in [
            // A reader that holds nothing has nothing to forget, but for changes of another epoch.
            (0, None, (0, None)),
            (0, own, (0, None)),
            (0, other, (0, Some(ResetReason::Epoch))),
            (4, None, (0, Some(ResetReason::Epoch))),
            (4, other, (0, Some(ResetReason::Epoch))),
            (1, own, (0, Some(ResetReason::Compacted))),
            (2, own, (0, Some(ResetReason::Compacted))),
            (3, own, (3, None)),
            (4, own, (4, None)),
            (5, own, (5, None)),
            (6, own, (0, Some(ResetReason::Ahead))),
            (Seq::MAX, own, (0, Some(ResetReason::Ahead))),
            (Seq::MAX, other, (0, Some(ResetReason::Epoch))),
        ] {
            assert_eq!(
                resolve_since(&drawing, since, epoch),
                judged,
                "{since} of {epoch:?}"
            );
        }
    }

    fn body(bytes: usize) -> Option<Body> {
        Some(Body::from_stored("x".repeat(bytes)))
    }

    /// A drawing of two strokes that count as many bytes.
    fn with_bytes(bytes: usize) -> Drawing {
        let limits = Limits {
            strokes: 5,
            bytes: 1 << 30,
        };
        let mut drawing = Drawing::new(Epoch::random(), 0, limits);
        let row = Change::by_anyone(1, body(0)).bytes();
        for (seq, bytes) in [(1, bytes / 2), (2, bytes - bytes / 2)] {
            drawing.apply(Change::by_anyone(seq, body(bytes - row)));
        }
        drawing
    }

    #[test]
    fn changes_are_sent_in_one_frame_if_they_fit_it_and_are_read_otherwise() {
        let metrics = Metrics::new();
        for (bytes, reads) in [
            (MAX_STROKES_FRAME_BYTES, false),
            (MAX_STROKES_FRAME_BYTES + 1, true),
        ] {
            let drawing = with_bytes(bytes);
            assert_eq!(drawing.bytes(), bytes);
            let found = catch_up(&drawing, 0, &metrics);
            assert_eq!((found.frames.len(), found.reads), (1, reads));
            assert_eq!(found.frames[0].0, if reads { 0 } else { 2 });
        }
    }

    #[test]
    fn the_frame_of_a_first_load_is_kept_for_the_next_ones_for_a_while() {
        let (metrics, now) = (Metrics::new(), Instant::now());
        let mut drawing = with_bytes(10_000);
        let mut kept = None;
        let mut load = |drawing: &Drawing, at| {
            let found = first_load(&mut kept, drawing, &metrics, at);
            let used = kept.as_ref().expect("a frame is kept");
            assert!(!used.is_unused(at + FirstFrame::KEEP));
            assert!(used.is_unused(at + FirstFrame::KEEP + Duration::from_millis(1)));
            let reached = found.frames.iter().map(|frame| frame.0);
            reached.collect::<Vec<_>>()
        };
        assert_eq!(load(&drawing, now), [2]);
        drawing.apply(Change::by_anyone(3, body(2_000)));
        let later = now + Duration::from_secs(1);
        assert_eq!(load(&drawing, later), [2, 3], "the rest follows it");
        drawing.apply(Change::by_anyone(4, body(2_000)));
        assert_eq!(load(&drawing, later), [4], "the rest is too large");
        let stroke = drawing.living(0, 1).next().unwrap().stroke;
        drawing.apply(Change {
            stroke,
            ..Change::by_anyone(5, None)
        });
        assert_eq!(load(&drawing, later), [5], "a stroke is gone");
    }
}
