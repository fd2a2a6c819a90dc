//! The outline of ink: a smooth line whose thickness follows the pressure, with tapered ends.
//!
//! The formula is in `static/kinds/ink.js`, and the steps here are the same in the same order: another
//! order of additions may round otherwise.

use super::path::Path;
use super::plane::Place;

const CORNER: f64 = 0.2;
const MIN_STEP: f64 = 6.0;
const STEP_WIDTHS: f64 = 2.0;
const TURN_PER_SAMPLE: f64 = 0.3;
const MAX_SAMPLES: f64 = 64.0;
const MIN_END_STEP: f64 = 2.0;
const SAME_PLACE: f64 = 0.01;
const NOMINAL_PRESSURE: f64 = 127.5;
const THINNING: f64 = 0.55;
const TAPER_WIDTHS: f64 = 3.0;
const TAPER: f64 = 0.5;
const SHARP: f64 = 1.0;

/// A point of a line, with a pressure from 0 to 255 if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct InkPoint {
    pub(super) at: Place,
    pub(super) pressure: Option<u8>,
}

impl InkPoint {
    fn pressure(&self) -> f64 {
        self.pressure.map_or(NOMINAL_PRESSURE, f64::from)
    }

    /// Half the thickness of a line here.
    pub(super) fn radius(&self, width: f64) -> f64 {
        pressed_radius(width, self.pressure())
    }
}

fn pressed_radius(width: f64, pressure: f64) -> f64 {
    width * (0.5 - THINNING * (0.5 - pressure / 255.0))
}

fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

pub(super) fn chord(a: Place, b: Place) -> f64 {
    length(b.x - a.x, b.y - a.y)
}

/// The unit tangent at a point, as x and y; zero at corners and ends.
fn tangent(points: &[InkPoint], i: usize) -> (f64, f64) {
    if i == 0 || i == points.len() - 1 {
        return (0.0, 0.0);
    }
    let (before, point, after) = (points[i - 1].at, points[i].at, points[i + 1].at);
    let (a, b) = (chord(before, point), chord(point, after));
    if a == 0.0 || b == 0.0 {
        return (0.0, 0.0);
    }
    let (ux, uy) = ((point.x - before.x) / a, (point.y - before.y) / a);
    let (vx, vy) = ((after.x - point.x) / b, (after.y - point.y) / b);
    if ux * vx + uy * vy < CORNER {
        return (0.0, 0.0);
    }
    // The shorter segment is weighted more: it says more about the direction at this point.
    let (x, y) = (ux * b + vx * a, uy * b + vy * a);
    let length = length(x, y);
    (x / length, y / length)
}

/// Whether a line has a sharp corner at a point, as at both ends.
pub(super) fn is_corner(points: &[InkPoint], i: usize) -> bool {
    tangent(points, i) == (0.0, 0.0)
}

/// The curve from a point to the next one: its control points, the length of its chord, and how much it
/// turns.
pub(super) struct Curve {
    pub(super) a: Place,
    pub(super) b: Place,
    pub(super) chord: f64,
    turn: f64,
}

pub(super) fn curve(points: &[InkPoint], i: usize) -> Curve {
    let (p, q) = (points[i].at, points[i + 1].at);
    let c = chord(p, q);
    let (t, u) = (tangent(points, i), tangent(points, i + 1));
    let (bends, arrives) = (t != (0.0, 0.0), u != (0.0, 0.0));
    let over = if c == 0.0 { 1.0 } else { c };
    let (dx, dy) = ((q.x - p.x) / over, (q.y - p.y) / over);
    let mut curve = Curve {
        a: Place {
            x: p.x + t.0 * c / 3.0,
            y: p.y + t.1 * c / 3.0,
        },
        b: Place {
            x: q.x - u.0 * c / 3.0,
            y: q.y - u.1 * c / 3.0,
        },
        chord: c,
        turn: 0.0,
    };
    if bends {
        curve.turn += turn_of(t.0 * dx + t.1 * dy);
    }
    if arrives {
        curve.turn += turn_of(u.0 * dx + u.1 * dy);
    }
    if !bends {
        let part = if arrives { 1.0 } else { 0.5 };
        curve.a.x = p.x + (2.0 / 3.0) * (q.x - u.0 * c / 2.0 - p.x) * part;
        curve.a.y = p.y + (2.0 / 3.0) * (q.y - u.1 * c / 2.0 - p.y) * part;
    }
    if !arrives {
        let part = if bends { 1.0 } else { 0.5 };
        curve.b.x = q.x + (2.0 / 3.0) * (p.x + t.0 * c / 2.0 - q.x) * part;
        curve.b.y = q.y + (2.0 / 3.0) * (p.y + t.1 * c / 2.0 - q.y) * part;
    }
    curve
}

fn turn_of(cosine: f64) -> f64 {
    (2.0 - 2.0 * cosine).max(0.0).sqrt()
}

/// A place on a line, and half the line's thickness there.
#[derive(Clone, Copy)]
struct Sample {
    x: f64,
    y: f64,
    r: f64,
}

fn samples(points: &[InkPoint], width: f64) -> Vec<Sample> {
    let pairs = || points.windows(2).map(|pair| chord(pair[0].at, pair[1].at));
    let length = pairs().fold(0.0, |sum, chord| sum + chord);
    let full = TAPER_WIDTHS * width;
    let (height, reach) = (TAPER * (length / full).min(1.0), full.min(length / 2.0));
    let taper = |d: f64| {
        if d < reach {
            1.0 - height * (1.0 - d / reach).powi(2)
        } else {
            1.0
        }
    };
    let first = points[0];
    let mut samples = vec![Sample {
        x: first.at.x,
        y: first.at.y,
        r: first.radius(width) * taper(0.0) * taper(length),
    }];
    let step = MIN_STEP.max(STEP_WIDTHS * width);
    let end_step = MIN_END_STEP.max(width / 2.0);
    let mut along = 0.0;
    for i in 0..points.len() - 1 {
        let (p, q) = (&points[i], &points[i + 1]);
        let Curve {
            a,
            b,
            chord: c,
            turn,
        } = curve(points, i);
        if c == 0.0 {
            continue;
        }
        let at_end = along < reach || length - along - c < reach;
        let steps = (c / if at_end { end_step } else { step }).ceil();
        let steps = steps.max(1.0 + (turn / TURN_PER_SAMPLE).floor());
        let steps = steps.min(MAX_SAMPLES) as u32;
        for k in 1..=steps {
            let f = f64::from(k) / f64::from(steps);
            let e = 1.0 - f;
            let (w0, w1, w2, w3) = (e * e * e, 3.0 * e * e * f, 3.0 * e * f * f, f * f * f);
            let x = w0 * p.at.x + w1 * a.x + w2 * b.x + w3 * q.at.x;
            let y = w0 * p.at.y + w1 * a.y + w2 * b.y + w3 * q.at.y;
            let last = samples[samples.len() - 1];
            let (ox, oy) = (x - last.x, y - last.y);
            if ox * ox + oy * oy <= SAME_PLACE * SAME_PLACE {
                continue;
            }
            let d = along + c * f;
            let r = pressed_radius(width, p.pressure() * e + q.pressure() * f);
            let r = r * taper(d) * taper(length - d);
            samples.push(Sample { x, y, r });
        }
        along += c;
    }
    samples
}

/// The direction, as a unit vector, and the length of a segment between samples.
#[derive(Clone, Copy)]
struct Segment {
    x: f64,
    y: f64,
    length: f64,
}

/// Adds the outline of a line of at least one point, to be filled with the non-zero rule.
pub(super) fn trace_ink(path: &mut Path, points: &[InkPoint], width: f64) {
    let samples = samples(points, width);
    let segments: Vec<Segment> = samples
        .windows(2)
        .map(|pair| {
            let (dx, dy) = (pair[1].x - pair[0].x, pair[1].y - pair[0].y);
            let length = length(dx, dy);
            let (x, y) = (dx / length, dy / length);
            Segment { x, y, length }
        })
        .collect();
    let is_sharp = |i: usize| {
        if i == 0 || i == samples.len() - 1 {
            return true;
        }
        let (a, b) = (segments[i - 1], segments[i]);
        let turn = turn_of(a.x * b.x + a.y * b.y);
        turn > SHARP || samples[i].r * turn > a.length.min(b.length)
    };
    let mut from = 0;
    for (i, sample) in samples.iter().enumerate() {
        if !is_sharp(i) {
            continue;
        }
        let Sample { x, y, r } = *sample;
        path.circle(Place { x, y }, r);
        if i > from {
            trace_ribbon(path, &samples[from..=i], &segments[from..i]);
        }
        from = i;
    }
}

/// Adds the ribbon between two sharp samples.
fn trace_ribbon(path: &mut Path, samples: &[Sample], segments: &[Segment]) {
    let last = segments.len();
    let directions: Vec<(f64, f64)> = (0..=last)
        .map(|i| {
            let (a, b) = (segments[i.saturating_sub(1)], segments[i.min(last - 1)]);
            let (x, y) = (
                a.x * b.length + b.x * a.length,
                a.y * b.length + b.y * a.length,
            );
            let length = length(x, y);
            (x / length, y / length)
        })
        .collect();
    let side = |i: usize, sign: f64| Place {
        x: samples[i].x - sign * directions[i].1 * samples[i].r,
        y: samples[i].y + sign * directions[i].0 * samples[i].r,
    };
    let curve = |path: &mut Path, i: usize, j: usize, sign: f64| {
        let (a, b) = (side(i, sign), side(j, sign));
        let forward = if j > i { 1.0 } else { -1.0 };
        let quarter = forward * chord(a, b) / 4.0;
        let control = Place {
            x: (a.x + b.x) / 2.0 + (directions[i].0 - directions[j].0) * quarter,
            y: (a.y + b.y) / 2.0 + (directions[i].1 - directions[j].1) * quarter,
        };
        path.quadratic_to(control, b);
    };
    path.move_to(side(0, -1.0));
    for i in 0..last {
        curve(path, i, i + 1, -1.0);
    }
    path.line_to(side(last, 1.0));
    for i in (1..=last).rev() {
        curve(path, i, i - 1, 1.0);
    }
    path.close();
}

/// Adds a smooth line through at least one point, to be stroked.
pub(super) fn trace_line(path: &mut Path, points: &[InkPoint]) {
    let first = points[0].at;
    path.move_to(first);
    if points.len() == 1 {
        // Nothing is painted for a line of no length.
        path.line_to(Place {
            x: first.x + 0.01,
            y: first.y,
        });
    }
    for i in 0..points.len() - 1 {
        let Curve { a, b, .. } = curve(points, i);
        path.cubic_to(a, b, points[i + 1].at);
    }
}
