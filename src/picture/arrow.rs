//! An arrow: its line and its head, as in `static/kinds/arrow.js`.
//!
//! However short it is, its head must not be a blob: the line is thinner then, and the head smaller.

use super::number::round;
use super::path::Path;
use super::plane::Place;
use crate::domain::points::STEPS_PER_UNIT;

/// Length of an arrow's head in line widths, and the minimum in units.
const HEAD_WIDTHS: f64 = 4.0;
const MIN_HEAD: f64 = 10.0;
/// Half the angle of the head, in radians.
const HEAD_ANGLE: f64 = 0.46;
/// Length of an arrow in line widths below which the line is thinner, so that the head is no blob.
const LENGTH_WIDTHS: f64 = 6.0;
/// Most of an arrow's length that its head takes.
const HEAD_PART: f64 = HEAD_WIDTHS / LENGTH_WIDTHS;

/// The width that an arrow from one place to the other is painted with, if `chosen` is what it has.
pub(super) fn line_width([from, tip]: [Place; 2], chosen: f64) -> f64 {
    let widest = from.distance(tip) / LENGTH_WIDTHS;
    let widest = round(widest * STEPS_PER_UNIT) / STEPS_PER_UNIT;
    chosen.min(widest.max(1.0))
}

/// The line of an arrow with its head, painted with a line of this width.
pub(super) fn outline([from, tip]: [Place; 2], width: f64) -> Path {
    let length = (from.distance(tip) * HEAD_PART).max(width);
    let length = length.min((width * HEAD_WIDTHS).max(MIN_HEAD));
    let angle = (tip.y - from.y).atan2(tip.x - from.x);
    let end = |turn: f64| Place {
        x: tip.x - length * (angle + turn).cos(),
        y: tip.y - length * (angle + turn).sin(),
    };
    let mut path = Path::default();
    path.move_to(from);
    path.line_to(tip);
    path.move_to(end(HEAD_ANGLE));
    path.line_to(tip);
    path.line_to(end(-HEAD_ANGLE));
    path
}
