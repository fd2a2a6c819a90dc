//! Pixels, and areas that are filled with anti-aliased edges.
//!
//! An area costs as much as its edge is long and its rows are wide, however large the picture is: a
//! drawing may have very many strokes.

use zeno::{Command, Point};

/// Greatest distance of a curve from the lines that stand for it, in pixels.
const FLATNESS: f32 = 0.1;
const MAX_FLAT: f32 = 64.0;

/// A picture while it is painted.
pub(super) struct Raster {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Red, green, blue and alpha, by which the colours are multiplied.
    pub(super) pixels: Vec<[u8; 4]>,
    /// For each row, where edges of the area cross it. Empty between areas.
    rows: Vec<Vec<Crossing>>,
}

/// The part of an edge in one pixel.
#[derive(Clone, Copy)]
struct Crossing {
    x: u32,
    /// How much more all pixels to the right of it are covered, …
    cover: f32,
    /// … and this one.
    area: f32,
}

impl Raster {
    pub(super) fn new(width: usize, height: usize, colour: [u8; 4]) -> Self {
        Self {
            width,
            height,
            pixels: vec![colour; width * height],
            rows: vec![Vec::new(); height],
        }
    }

    /// Fills an area by the non-zero rule. `shade` changes a pixel, given its place and how much of it
    /// is covered.
    pub(super) fn fill(
        &mut self,
        area: &[Command],
        mut shade: impl FnMut(usize, usize, f32, &mut [u8; 4]),
    ) {
        let (mut top, mut bottom) = (self.height, 0);
        edges(area, |from, to| {
            if let Some((first, last)) = self.cross(from, to) {
                top = top.min(first);
                bottom = bottom.max(last + 1);
            }
        });
        for y in top..bottom {
            let mut row = std::mem::take(&mut self.rows[y]);
            row.sort_unstable_by_key(|crossing| crossing.x);
            let (mut cover, mut x) = (0.0_f32, 0);
            let pixels = &mut self.pixels[y * self.width..(y + 1) * self.width];
            for group in row.chunk_by(|a, b| a.x == b.x) {
                let at = group[0].x as usize;
                let covered = cover.abs().min(1.0);
                if covered > 0.004 {
                    for (x, pixel) in pixels.iter_mut().enumerate().take(at).skip(x) {
                        shade(x, y, covered, pixel);
                    }
                }
                let area: f32 = group.iter().map(|crossing| crossing.area).sum();
                let covered = (cover + area).abs().min(1.0);
                if let Some(pixel) = pixels.get_mut(at)
                    && covered > 0.004
                {
                    shade(at, y, covered, pixel);
                }
                cover += group.iter().map(|crossing| crossing.cover).sum::<f32>();
                x = at + 1;
            }
            row.clear();
            self.rows[y] = row;
        }
    }

    /// Notes where an edge crosses rows and pixels; the first and the last row.
    fn cross(&mut self, from: Point, to: Point) -> Option<(usize, usize)> {
        let (sign, from, to) = match from.y < to.y {
            true => (1.0, from, to),
            false => (-1.0, to, from),
        };
        let (top, bottom) = (from.y.max(0.0), to.y.min(self.height as f32));
        let is_number = (from.x + to.x + from.y + to.y).is_finite();
        if top >= bottom || !is_number {
            return None;
        }
        let slope = (to.x - from.x) / (to.y - from.y);
        let right = self.width as f32;
        let at = |y: f32| (from.x + (y - from.y) * slope).clamp(0.0, right);
        let (first, last) = (top as usize, (bottom.ceil() as usize).max(1) - 1);
        for y in first..=last {
            let (upper, lower) = (top.max(y as f32), bottom.min((y + 1) as f32));
            let (a, b) = (at(upper), at(lower));
            let (left, right) = (a.min(b), a.max(b));
            let height = (lower - upper) * sign;
            let columns = left as u32..=right as u32;
            for x in columns {
                let (begin, end) = (left.max(x as f32), right.min((x + 1) as f32));
                let part = match right > left {
                    true => height * (end - begin) / (right - left),
                    false => height,
                };
                self.rows[y].push(Crossing {
                    x,
                    cover: part,
                    area: part * (1.0 - ((begin + end) / 2.0 - x as f32)),
                });
            }
        }
        Some((first, last))
    }
}

/// The edges of an area, whose curves become lines.
fn edges(area: &[Command], mut edge: impl FnMut(Point, Point)) {
    let (mut start, mut at) = (Point::ZERO, Point::ZERO);
    for command in area {
        let from = at;
        match *command {
            Command::MoveTo(to) => {
                edge(at, start);
                (start, at) = (to, to);
            }
            Command::LineTo(to) => {
                edge(from, to);
                at = to;
            }
            Command::QuadTo(a, to) => {
                let bend = (from - a * 2.0 + to).length();
                at = flattened(bend / 4.0, from, &mut edge, |t| {
                    let s = 1.0 - t;
                    from * (s * s) + a * (2.0 * s * t) + to * (t * t)
                });
            }
            Command::CurveTo(a, b, to) => {
                let bend = (from - a * 2.0 + b)
                    .length()
                    .max((a - b * 2.0 + to).length());
                at = flattened(bend * 0.75, from, &mut edge, |t| {
                    let s = 1.0 - t;
                    let (first, second) = (from * (s * s * s), a * (3.0 * s * s * t));
                    first + second + b * (3.0 * s * t * t) + to * (t * t * t)
                });
            }
            Command::Close => {
                edge(at, start);
                at = start;
            }
        }
    }
    edge(at, start);
}

fn flattened(
    bend: f32,
    mut from: Point,
    edge: &mut impl FnMut(Point, Point),
    place: impl Fn(f32) -> Point,
) -> Point {
    let parts = (bend / FLATNESS).sqrt().ceil().clamp(1.0, MAX_FLAT) as u32;
    for k in 1..=parts {
        let to = place(k as f32 / parts as f32);
        edge(from, to);
        from = to;
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(area: &[Command]) -> Vec<Vec<u8>> {
        let mut raster = Raster::new(6, 5, [0; 4]);
        raster.fill(area, |_, _, cover, pixel| {
            pixel[3] += (cover * 100.0).round() as u8
        });
        let alphas: Vec<u8> = raster.pixels.iter().map(|pixel| pixel[3]).collect();
        alphas.chunks(6).map(<[u8]>::to_vec).collect()
    }

    fn polygon(corners: &[(f32, f32)]) -> Vec<Command> {
        let mut area = Vec::new();
        for (i, corner) in corners.iter().enumerate() {
            let to = Point::new(corner.0, corner.1);
            area.push(if i == 0 {
                Command::MoveTo(to)
            } else {
                Command::LineTo(to)
            });
        }
        area
    }

    #[test]
    fn a_pixel_is_painted_as_much_as_it_is_covered() {
        let area = polygon(&[(1.5, 1.0), (4.0, 1.0), (4.0, 2.5), (1.5, 2.5)]);
        let rows = [
            [0; 6],
            [0, 50, 100, 100, 0, 0],
            [0, 25, 50, 50, 0, 0],
            [0; 6],
            [0; 6],
        ];
        assert_eq!(covered(&area), rows);
        let triangle = polygon(&[(0.0, 0.0), (4.0, 4.0), (0.0, 4.0)]);
        assert_eq!(covered(&triangle)[2], [100, 100, 50, 0, 0, 0]);
    }

    #[test]
    fn what_is_outside_costs_nothing_and_what_overlaps_is_painted_once() {
        let area = polygon(&[(-9e6, -9e6), (9e6, -9e6), (9e6, 9e6), (-9e6, 9e6)]);
        assert_eq!(covered(&area), vec![vec![100; 6]; 5]);
        assert_eq!(
            covered(&polygon(&[
                (f32::NAN, 0.0),
                (3.0, f32::INFINITY),
                (1.0, 1.0)
            ]))
            .len(),
            5
        );
        let twice = polygon(&[(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]).repeat(2);
        assert_eq!(covered(&twice)[0], [100, 100, 0, 0, 0, 0]);
    }
}
