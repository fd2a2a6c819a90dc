//! Ink: strokes in progress, which are sent part by part while they are drawn, and never stored.

use serde::{Deserialize, Serialize};

use crate::domain::colour::StrokeColour;
use crate::domain::ids::{StrokeId, WriterId};
use crate::domain::points::{Point, Points, STEPS_PER_UNIT};
use crate::domain::stroke::{MAX_COORDINATE, MAX_WIDTH, MIN_WIDTH};
use crate::domain::token::Token;

/// Most points of ink in one signal of a client.
pub const MAX_INK_POINTS: usize = 1_000;

/// Part of a stroke that is being drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InkPart {
    /// The id that the stroke will have.
    pub stroke: StrokeId,
    /// The number that its op will have.
    pub n: u64,
    /// Index of the first of these points within the stroke.
    pub offset: u32,
    /// x of the first of these points, in units.
    pub x: f64,
    /// y of the first of these points, in units.
    pub y: f64,
    /// The points, relative to `x` and `y`.
    pub points: Points,
    /// The kind of the stroke.
    pub kind: Token,
    /// Its colour.
    pub colour: StrokeColour,
    /// Its width, in units.
    pub width: f64,
    /// Its opacity, from 0 to 1: 1 without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opacity: Option<f64>,
    /// The stroke was cancelled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
}

impl InkPart {
    /// The beginning of a stroke, for tests.
    #[cfg(test)]
    pub(crate) fn of_points(count: usize) -> Self {
        use super::points::Point;
        let points = vec![Point { x: 0, y: 0 }; count];
        Self {
            stroke: StrokeId::random(),
            n: 1,
            offset: 0,
            x: 0.0,
            y: 0.0,
            points: Points::new(points, None).expect("there are not too many"),
            kind: "pen".parse().expect("a kind"),
            colour: "ink".parse().expect("a colour"),
            width: 4.0,
            opacity: None,
            end: false,
        }
    }

    /// Whether every field is within a drawing's bounds.
    pub fn is_valid(&self) -> bool {
        let is_in_bounds = |at: f64| at.abs() <= MAX_COORDINATE;
        is_in_bounds(self.x)
            && is_in_bounds(self.y)
            && (MIN_WIDTH..=MAX_WIDTH).contains(&self.width)
            && self
                .opacity
                .is_none_or(|opacity| (0.0..=1.0).contains(&opacity))
            && self.points.points().len() <= MAX_INK_POINTS
    }

    /// Appends `newer` if it continues this part without a hole.
    ///
    /// Returns `newer` otherwise, or when both together are too long for one signal.
    pub(super) fn join(&mut self, newer: InkPart) -> Option<InkPart> {
        let held = self.points.points().len();
        let continues = newer.stroke == self.stroke
            && newer.n == self.n
            && newer.offset as usize == self.offset as usize + held
            && self.points.pressures().is_some() == newer.points.pressures().is_some();
        if !continues {
            return Some(newer);
        }
        let dx = ((newer.x - self.x) * STEPS_PER_UNIT).round() as i32;
        let dy = ((newer.y - self.y) * STEPS_PER_UNIT).round() as i32;
        let moved = newer.points.points().iter().map(|point| Point {
            x: point.x.saturating_add(dx),
            y: point.y.saturating_add(dy),
        });
        let points = self.points.points().iter().copied().chain(moved).collect();
        let pressures = self
            .points
            .pressures()
            .map(|pressures| [pressures, newer.points.pressures().unwrap_or_default()].concat());
        match Points::new(points, pressures) {
            Ok(points) => {
                self.points = points;
                self.end = newer.end;
                None
            }
            Err(_) => Some(newer),
        }
    }
}

/// Ink with its writer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ink {
    /// The writer of the ink.
    pub writer: WriterId,
    /// Part of their stroke.
    #[serde(flatten)]
    pub part: InkPart,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Writer;
    use crate::domain::points::{MAX_POINTS, MAX_STEPS};
    use crate::domain::signal::Signals;
    use uuid::Uuid;

    fn writer() -> WriterId {
        Writer::new(Uuid::new_v4(), Uuid::new_v4()).id
    }

    fn points(steps: &[(i32, i32)]) -> Points {
        let points = steps.iter().map(|&(x, y)| Point { x, y }).collect();
        Points::new(points, None).unwrap()
    }

    fn part(stroke: StrokeId, offset: u32, x: f64, steps: &[(i32, i32)]) -> InkPart {
        InkPart {
            stroke,
            n: 1,
            offset,
            x,
            y: 0.0,
            points: points(steps),
            kind: "pen".parse().unwrap(),
            colour: "ink".parse().unwrap(),
            width: 2.0,
            opacity: None,
            end: false,
        }
    }

    fn joined(parts: impl IntoIterator<Item = InkPart>) -> Vec<InkPart> {
        let (mut signals, writer) = (Signals::default(), writer());
        for part in parts {
            signals.add_ink(Ink { writer, part });
        }
        signals.ink.into_iter().map(|ink| ink.part).collect()
    }

    #[test]
    fn ink_of_one_stroke_is_joined() {
        let stroke = StrokeId::random();
        let end = InkPart {
            y: 1.0,
            end: true,
            ..part(stroke, 2, 12.0, &[(0, 0), (4, 0)])
        };
        let whole = InkPart {
            end: true,
            ..part(stroke, 0, 10.0, &[(0, 0), (8, 8), (16, 8), (20, 8)])
        };
        let parts = [part(stroke, 0, 10.0, &[(0, 0), (8, 8)]), end];
        assert_eq!(joined(parts), [whole]);
    }

    #[test]
    fn ink_with_a_hole_is_kept_apart() {
        let stroke = StrokeId::random();
        let other_op = InkPart {
            n: 2,
            ..part(stroke, 6, 12.0, &[(0, 0)])
        };
        let parts = [
            part(stroke, 0, 10.0, &[(0, 0)]),
            part(stroke, 5, 12.0, &[(0, 0)]),
            other_op,
            part(StrokeId::random(), 7, 12.0, &[(0, 0)]),
        ];
        assert_eq!(joined(parts.clone()), parts);
    }

    #[test]
    fn ink_is_joined_to_the_last_part_of_its_own_writer() {
        let (stroke, other) = (StrokeId::random(), StrokeId::random());
        let [a, b] = [(); 2].map(|()| writer());
        let mut signals = Signals::default();
        for (writer, stroke, offset) in [(a, stroke, 0), (b, other, 0), (a, stroke, 1)] {
            let part = part(stroke, offset, 1.0, &[(0, 0)]);
            signals.add_ink(Ink { writer, part });
        }
        let held: Vec<_> = signals.ink.iter().map(|ink| ink.writer).collect();
        assert_eq!((held, signals.ink_points()), (vec![a, b], 3));
    }

    #[test]
    fn pressures_are_joined_and_never_mixed_with_ink_without_them() {
        let stroke = StrokeId::random();
        let pressed = |offset, pressures: &[u8]| {
            let steps = vec![Point { x: 0, y: 0 }; pressures.len()];
            InkPart {
                points: Points::new(steps, Some(pressures.to_vec())).unwrap(),
                ..part(stroke, offset, 0.0, &[])
            }
        };
        let parts = [pressed(0, &[1, 2]), pressed(2, &[3])];
        assert_eq!(joined(parts), [pressed(0, &[1, 2, 3])]);
        let mixed = [pressed(0, &[1]), part(stroke, 1, 0.0, &[(0, 0)])];
        assert_eq!(joined(mixed.clone()), mixed);
    }

    #[test]
    fn ink_that_is_too_long_or_too_far_for_one_part_is_kept_apart() {
        let stroke = StrokeId::random();
        let full = part(stroke, 0, 0.0, &[(0, 0); MAX_POINTS - 1]);
        let at = |offset, x| part(stroke, offset, x, &[(0, 0)]);
        let count = MAX_POINTS as u32 - 1;
        assert_eq!(joined([full.clone(), at(count, 0.0)]).len(), 1);
        let parts = [full, at(count, 0.0), at(count + 1, 0.0)];
        assert_eq!(joined(parts).len(), 2);
        let far = f64::from(MAX_STEPS) / STEPS_PER_UNIT;
        assert_eq!(joined([at(0, 0.0), at(1, far)]).len(), 1);
        assert_eq!(joined([at(0, 0.0), at(1, far + 1.0)]).len(), 2);
    }

    #[test]
    fn every_field_of_ink_is_bounded() {
        let steps = [(0, 0); MAX_INK_POINTS + 1];
        let with = |x, y, width, points| InkPart {
            y,
            width,
            ..part(StrokeId::random(), 0, x, &steps[..points])
        };
        for (x, y, width, points) in [
            (MAX_COORDINATE, -MAX_COORDINATE, MIN_WIDTH, 0),
            (-MAX_COORDINATE, MAX_COORDINATE, MAX_WIDTH, MAX_INK_POINTS),
        ] {
            assert!(with(x, y, width, points).is_valid());
        }
        for (x, y, width, points) in [
            (MAX_COORDINATE + 1.0, 0.0, 2.0, 1),
            (0.0, -MAX_COORDINATE - 1.0, 2.0, 1),
            (f64::NAN, 0.0, 2.0, 1),
            (0.0, f64::NAN, 2.0, 1),
            (0.0, 0.0, MIN_WIDTH / 2.0, 1),
            (0.0, 0.0, MAX_WIDTH + 1.0, 1),
            (0.0, 0.0, 2.0, MAX_INK_POINTS + 1),
        ] {
            assert!(!with(x, y, width, points).is_valid(), "{x} {y} {width}");
        }
        for (opacity, is_valid) in [(0.0, true), (1.0, true), (-0.1, false), (1.1, false)] {
            let ink = InkPart {
                opacity: Some(opacity),
                ..with(0.0, 0.0, 2.0, 1)
            };
            assert_eq!(ink.is_valid(), is_valid, "{opacity}");
        }
    }

    #[test]
    fn opacity_is_sent_on_and_a_newer_server_may_send_more() {
        let ink = Ink {
            writer: writer(),
            part: InkPart {
                opacity: Some(0.5),
                ..part(StrokeId::random(), 0, 1.0, &[(0, 0)])
            },
        };
        let mut json = serde_json::to_value(&ink).unwrap();
        assert_eq!(json["opacity"], 0.5);
        json["later"] = "unknown".into();
        assert_eq!(serde_json::from_value::<Ink>(json).unwrap(), ink);
        let opaque = Ink {
            part: InkPart {
                opacity: None,
                ..ink.part
            },
            ..ink
        };
        let json = serde_json::to_value(&opaque).unwrap();
        assert!(json.get("opacity").is_none(), "{json}");
    }
}
