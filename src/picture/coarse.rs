//! Lines that are so thin in a picture that their outline cannot be seen.

use super::figure::Figure;
use super::ink::{Curve, InkPoint, curve, is_corner};
use super::kinds::Kind;
use super::path::Path;
use super::plane::Place;

/// Least distance of the places that a line is drawn through, in pixels, before it is rounded down.
const GRID: f64 = 0.4;
/// How far the control points of a curve are from its chord, in pixels, if it is drawn straight.
const FLAT: f64 = 0.25;
/// Least distance between the points of a line, in pixels, …
const STEP: f64 = 2.5;
/// … and of a sharp corner from the point before it; …
const CORNER_STEP: f64 = 1.0;
/// … and most points.
const MAX_POINTS: usize = 256;
/// Points of a line by which its mean thickness is found.
const MEASURED: usize = 8;

/// A line through some of the points of a figure, at so many pixels per unit.
pub(super) fn coarse_line(figure: &Figure<'_>, scale: f64) -> Path {
    // Digits that cannot be seen are not written.
    let grid = 10_f64.powf((GRID / scale).log10().floor());
    let on_grid = |at: Place| Place {
        x: (at.x / grid).round() * grid,
        y: (at.y / grid).round() * grid,
    };
    let mut kept = thinned(&figure.points, scale);
    for point in &mut kept {
        point.at = on_grid(point.at);
    }
    if figure.kind() == Kind::Polyline || kept.len() < 3 {
        return Path::polyline(kept.into_iter().map(|point| point.at));
    }
    let mut path = Path::default();
    path.move_to(kept[0].at);
    for (i, pair) in kept.windows(2).enumerate() {
        let (from, to) = (pair[0].at, pair[1].at);
        let Curve { a, b, chord, .. } = curve(&kept, i);
        let is_flat = |control: Place| {
            let (x, y) = (control.x - from.x, control.y - from.y);
            (x * (to.y - from.y) - y * (to.x - from.x)).abs() <= chord * FLAT / scale
        };
        if is_flat(a) && is_flat(b) {
            path.line_to(to);
        } else {
            path.cubic_to(on_grid(a), on_grid(b), to);
        }
    }
    path
}

/// The mean thickness of ink, which follows the pressure.
pub(super) fn mean_width(figure: &Figure<'_>) -> f64 {
    let width = figure.line_width();
    let every = figure.points.len().div_ceil(MEASURED).max(1);
    let radii = figure.points.iter().step_by(every);
    let (sum, count) = radii.fold((0.0, 0.0), |(sum, count), point| {
        (sum + point.radius(width), count + 1.0)
    });
    if count == 0.0 {
        width
    } else {
        2.0 * sum / count
    }
}

/// Points some distance apart, with both ends and sharp corners.
fn thinned(points: &[InkPoint], scale: f64) -> Vec<InkPoint> {
    let (step, corner_step) = (STEP / scale, CORNER_STEP / scale);
    let mut kept: Vec<InkPoint> = Vec::new();
    for (i, point) in points.iter().enumerate() {
        let gone = kept.last().map_or(step, |last| last.at.distance(point.at));
        if gone >= step || gone >= corner_step && is_corner(points, i) {
            kept.push(*point);
        }
    }
    let every = kept.len().div_ceil(MAX_POINTS).max(1);
    let mut kept: Vec<InkPoint> = kept.into_iter().step_by(every).collect();
    match points.last() {
        Some(last) if points.len() > 1 && kept.last().map(|kept| kept.at) != Some(last.at) => {
            kept.push(*last);
        }
        _ => {}
    }
    kept
}
