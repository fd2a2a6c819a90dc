//! Lines that are so thin in a picture that their outline cannot be seen.

use super::figure::Figure;
use super::ink::InkPoint;
use super::kinds::Kind;
use super::path::Path;
use super::plane::{Area, Place};

/// Least distance of the places that a line is drawn through, in pixels, before it is rounded down.
const GRID: f64 = 0.4;
/// Least distance between the points of a line, in pixels, …
const STEP: f64 = 2.5;
/// … and most of them.
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
    let kept = thinned(&figure.points, scale);
    let places: Vec<Place> = kept.into_iter().map(on_grid).collect();
    if figure.kind() == Kind::Polyline || places.len() < 3 {
        return Path::polyline(places);
    }
    let mut path = Path::default();
    path.move_to(places[0]);
    for pair in places[1..].windows(2) {
        let middle = Area::around(pair.iter().copied()).centre();
        path.quadratic_to(pair[0], on_grid(middle));
    }
    path.line_to(places[places.len() - 1]);
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

/// Points some distance apart, with both ends.
fn thinned(points: &[InkPoint], scale: f64) -> Vec<Place> {
    let step = STEP / scale;
    let every = points.len().div_ceil(MAX_POINTS).max(1);
    let mut kept: Vec<Place> = Vec::new();
    for point in points.iter().step_by(every) {
        if kept
            .last()
            .is_none_or(|last| last.distance(point.at) >= step)
        {
            kept.push(point.at);
        }
    }
    match points.last() {
        Some(last) if points.len() > 1 && kept.last() != Some(&last.at) => kept.push(last.at),
        _ => {}
    }
    kept
}
