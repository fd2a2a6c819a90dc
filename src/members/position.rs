//! Where a reader stands, and what brings it to the head.
//!
//! It must never take a position of another history for one of this.

use bytestring::ByteString;

use super::MAX_FRAME_BYTES;
use crate::drawing::Drawing;
use crate::model::{Life, Seq};
use crate::protocol::{ResetReason, ToBrowser, strokes_frame};

/// Where a reader that says it holds `since` of `life` really is, and whether it has to start over.
pub fn judge_since(
    drawing: &Drawing,
    since: Seq,
    life: Option<Life>,
) -> (Seq, Option<ResetReason>) {
    if since == 0 && life.is_none_or(|life| life == drawing.life()) {
        return (0, None);
    }
    if life.is_some_and(|life| life != drawing.life()) || (life.is_none() && since > 0) {
        return (0, Some(ResetReason::Life));
    }
    if since < drawing.floor() {
        return (0, Some(ResetReason::Floor));
    }
    if since > drawing.head() {
        return (0, Some(ResetReason::Ahead));
    }
    (since, None)
}

/// What brings a reader from a position to the head: the changes, or the advice to read them over HTTP.
pub(super) struct CatchUp {
    pub(super) text: ByteString,
    pub(super) reads: bool,
}

pub(super) fn catch_up_frame(drawing: &Drawing, position: Seq, head: Seq) -> CatchUp {
    // Only as far as it may go: the drawing may be large.
    let fits = drawing.since(position).try_fold(0, |bytes, change| {
        let bytes = bytes + change.bytes();
        (bytes <= MAX_FRAME_BYTES).then_some(bytes)
    });
    let reads = fits.is_none();
    let text = match reads {
        true => ToBrowser::Read { since: position }.encode(),
        false => strokes_frame(position, head, drawing.since(position)),
    };
    CatchUp { text, reads }
}
