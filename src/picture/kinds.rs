//! The kinds of strokes: the frame, the bounds and the looks of each, as in `static/kinds`.

use super::arrow;
use super::figure::Figure;
use super::font::line_width;
use super::ink::{trace_ink, trace_line};
use super::lettering::{EM_OF_LINE, Lettering, lines_of};
use super::number::exact;
use super::palette::{INK, Theme, colour_value, fill_value, marker_value, note_colours};
use super::path::Path;
use super::plane::{Area, Place};
use super::shape::{Blending, Form, Look, MARKER_ALPHA, Shape};
use crate::domain::colour::Colour;

/// How far a line may extend beyond its points, in line widths, and at least in units.
const REACH_WIDTHS: f64 = 2.5;
const MIN_REACH: f64 = 6.0;
/// Between a note's text and its edge, in line heights.
const NOTE_PADDING: f64 = 0.55;
/// The side of a note without a size, in units.
const NOTE_SIDE: f64 = 200.0;
/// Depth of a note's shadow, in units.
const NOTE_SHADOW: f64 = 4.0;
/// The side of a placeholder of unknown size, in units.
const PLACEHOLDER_SIDE: f64 = 64.0;
const PLACEHOLDER_COLOUR: Colour = Colour([0x8d, 0x82, 0x75]);
const PLACEHOLDER_WIDTH: f64 = 1.5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pen,
    Marker,
    Line,
    Arrow,
    Rectangle,
    Ellipse,
    Diamond,
    Polyline,
    Text,
    Note,
    Image,
    /// Light that fades: never a stroke, but a body may say so.
    Laser,
    /// Stands in for kinds that are not known.
    Placeholder,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "pen" => Self::Pen,
            "marker" => Self::Marker,
            "line" => Self::Line,
            "arrow" => Self::Arrow,
            "rectangle" => Self::Rectangle,
            "ellipse" => Self::Ellipse,
            "diamond" => Self::Diamond,
            "polyline" => Self::Polyline,
            "text" => Self::Text,
            "note" => Self::Note,
            "image" => Self::Image,
            "laser" => Self::Laser,
            _ => Self::Placeholder,
        }
    }
}

impl Figure<'_> {
    pub(super) fn kind(&self) -> Kind {
        Kind::of(&self.fields.kind)
    }

    /// The box of everything that it paints; `None` if it paints nothing.
    pub(super) fn bounds(&self) -> Option<Area> {
        let frame = self.frame()?;
        let turned = frame.corners().map(|corner| match self.rotation() {
            0.0 => corner,
            angle => corner.turned(angle, frame.centre()),
        });
        Some(Area::around(turned).extended(self.reach()))
    }

    /// The upright box of its geometry, without the line's thickness; `None` if it is invalid.
    pub(super) fn frame(&self) -> Option<Area> {
        let (x, y) = (self.fields.x, self.fields.y);
        let sized = |w: f64, h: f64| Area {
            left: x,
            top: y,
            right: x + w,
            bottom: y + h,
        };
        let of_points = || {
            let area = Area::around(self.points.iter().map(|point| point.at));
            (!area.is_nowhere()).then_some(area)
        };
        match self.kind() {
            Kind::Text => {
                let lines = self.text_lines().len() as f64;
                (self.width() > 0.0).then(|| sized(self.text_room(), lines * self.width()))
            }
            Kind::Note => {
                let (w, h) = self.note_size();
                let height = self.width();
                let needed = (self.note_lines().len() as f64 + 2.0 * NOTE_PADDING) * height;
                let needed = if self.text().is_empty() { 0.0 } else { needed };
                (height > 0.0 && w > 0.0 && h > 0.0).then(|| sized(w, h.max(needed)))
            }
            Kind::Image => {
                let (w, h) = (self.fields.w.unwrap_or(0.0), self.fields.h.unwrap_or(0.0));
                (w > 0.0 && h > 0.0 && self.fields.asset.is_some()).then(|| sized(w, h))
            }
            Kind::Placeholder => Some(of_points().map_or_else(
                || {
                    let side = |side: Option<f64>| side.unwrap_or(PLACEHOLDER_SIDE);
                    sized(side(self.fields.w), side(self.fields.h))
                },
                |area| area.extended(1.0),
            )),
            _ => of_points(),
        }
    }

    fn reach(&self) -> f64 {
        match self.kind() {
            Kind::Text | Kind::Image => 0.0,
            Kind::Note => NOTE_SHADOW,
            Kind::Placeholder => 2.0,
            Kind::Pen | Kind::Marker | Kind::Laser => {
                self.reach_of_line().max(self.reach_of_bends())
            }
            _ => self.reach_of_line(),
        }
    }

    fn reach_of_line(&self) -> f64 {
        MIN_REACH.max(self.line_width() * REACH_WIDTHS)
    }

    /// A smooth bend runs beyond its points by a quarter of its longer part times the sine of its angle at
    /// most, and has the thickness of pressed ink besides.
    fn reach_of_bends(&self) -> f64 {
        let bends = self.points.windows(3).map(|points| {
            let [(ax, ay), (bx, by)] = [0, 1].map(|i| {
                let (from, to) = (points[i].at, points[i + 1].at);
                (to.x - from.x, to.y - from.y)
            });
            if ax * bx + ay * by > 0.0 {
                let shorter = (ax * ax + ay * ay).min(bx * bx + by * by).sqrt();
                (bx * ay - by * ax).abs() / shorter
            } else {
                0.0
            }
        });
        bends.fold(0.0, f64::max) / 4.0 + self.line_width()
    }

    fn text_lines(&self) -> Vec<String> {
        lines_of(self.text(), self.width(), self.fields.w)
    }

    fn text_room(&self) -> f64 {
        let widest = || {
            let em = self.width() * EM_OF_LINE;
            let lines = self.text_lines();
            lines
                .iter()
                .map(|line| line_width(line, em))
                .fold(0.0, f64::max)
        };
        self.fields.w.unwrap_or_else(widest)
    }

    fn note_size(&self) -> (f64, f64) {
        let side = |side: Option<f64>| side.unwrap_or(NOTE_SIDE);
        (side(self.fields.w), side(self.fields.h))
    }

    fn note_room(&self) -> f64 {
        (self.note_size().0 - 2.0 * NOTE_PADDING * self.width()).max(1.0)
    }

    fn note_lines(&self) -> Vec<String> {
        lines_of(self.text(), self.width(), Some(self.note_room()))
    }

    /// What it looks like; `None` if it is invalid.
    pub(super) fn shape(&self, theme: Theme) -> Option<Shape> {
        let frame = self.frame()?;
        Some(Shape {
            look: self.look(frame, theme),
            form: self.form(frame, theme),
        })
    }

    /// How it is painted, whatever its form.
    pub(super) fn look(&self, frame: Area, theme: Theme) -> Look {
        let is_marker = self.kind() == Kind::Marker;
        let (opacity, turn) = match self.kind() {
            Kind::Placeholder => (1.0, self.rotation()),
            _ => (self.fields.opacity.unwrap_or(1.0), self.rotation()),
        };
        Look {
            alpha: opacity * if is_marker { MARKER_ALPHA } else { 1.0 },
            blending: is_marker.then(|| Blending::of_marker(theme)),
            turn: (turn != 0.0).then(|| (turn, frame.centre())),
        }
    }

    fn form(&self, frame: Area, theme: Theme) -> Form {
        match self.kind() {
            Kind::Pen => {
                let mut path = Path::default();
                trace_ink(&mut path, &self.points, self.line_width());
                let colour = colour_value(self.colour(), theme);
                let area = |fill| {
                    let mut path = Path::default();
                    trace_line(&mut path, &self.points);
                    (path.0, fill)
                };
                Form::Ink {
                    data: path.0,
                    colour,
                    area: self.fill(theme).map(area),
                }
            }
            Kind::Text => {
                let corner = Place {
                    x: self.fields.x,
                    y: self.fields.y,
                };
                let align = self.fields.align.as_deref();
                let (lines, room) = (self.text_lines(), self.text_room());
                Form::Text {
                    lettering: Lettering::new(lines, corner, room, self.width(), align),
                    colour: colour_value(self.colour(), theme),
                }
            }
            Kind::Note => self.note(frame, theme),
            Kind::Image => Form::Picture {
                asset: self.asset().unwrap_or_default().to_owned(),
                area: frame,
            },
            Kind::Placeholder => {
                let Area {
                    left,
                    top,
                    right,
                    bottom,
                } = frame;
                let [left, top, right, bottom] = [left, top, right, bottom].map(exact);
                Form::Lines {
                    data: format!("M{left} {top}H{right}V{bottom}H{left}Z"),
                    fill: None,
                    colour: colour_value(Some(&PLACEHOLDER_COLOUR.to_string()), theme),
                    width: PLACEHOLDER_WIDTH,
                    dash: Some([PLACEHOLDER_WIDTH * 2.5; 2]),
                }
            }
            _ => self.lines(self.outline(frame), theme),
        }
    }

    /// A path of it, stroked as the body says.
    pub(super) fn lines(&self, outline: Path, theme: Theme) -> Form {
        let colour = match self.kind() {
            Kind::Marker => marker_value(self.colour(), theme),
            _ => colour_value(self.colour(), theme),
        };
        let width = self.line_width();
        Form::Lines {
            data: outline.0,
            fill: self.fill(theme),
            colour,
            width,
            dash: match self.fields.dash.as_deref() {
                Some("dashed") => Some([width * 2.5; 2]),
                // Caps are round, so that a dot is a dash of hardly any length.
                Some("dotted") => Some([0.01, width * 2.0]),
                _ => None,
            },
        }
    }

    /// The colour of its inside, if it is filled.
    fn fill(&self, theme: Theme) -> Option<Colour> {
        let fill = self.fields.fill.as_deref().filter(|fill| *fill != "none");
        fill.map(|fill| fill_value(fill, theme))
    }

    /// The path of kinds that are stroked.
    pub(super) fn outline(&self, frame: Area) -> Path {
        let corners = frame.corners();
        let centre = frame.centre();
        let closed = |corners: &[Place]| {
            let mut path = Path::polyline(corners.iter().copied());
            path.close();
            path
        };
        match self.kind() {
            Kind::Line => Path::polyline(self.ends()),
            Kind::Arrow => arrow::outline(self.ends(), self.line_width()),
            Kind::Rectangle => closed(&corners),
            Kind::Diamond => closed(&[
                Place {
                    y: frame.top,
                    ..centre
                },
                Place {
                    x: frame.right,
                    ..centre
                },
                Place {
                    y: frame.bottom,
                    ..centre
                },
                Place {
                    x: frame.left,
                    ..centre
                },
            ]),
            Kind::Ellipse => {
                let (rx, ry) = (frame.width() / 2.0, frame.height() / 2.0);
                let (from, to) = (
                    Place {
                        x: frame.left,
                        ..centre
                    },
                    Place {
                        x: frame.right,
                        ..centre
                    },
                );
                let mut path = Path::default();
                path.move_to(from);
                path.arc_to(rx, ry, to);
                path.arc_to(rx, ry, from);
                path.close();
                path
            }
            Kind::Polyline => Path::polyline(self.points.iter().map(|point| point.at)),
            _ => {
                let mut path = Path::default();
                trace_line(&mut path, &self.points);
                path
            }
        }
    }

    /// The width that its lines are painted with.
    pub(super) fn line_width(&self) -> f64 {
        let chosen = self.fields.width.unwrap_or(1.0);
        match self.kind() {
            Kind::Arrow if !self.points.is_empty() => arrow::line_width(self.ends(), chosen),
            _ => chosen,
        }
    }

    fn ends(&self) -> [Place; 2] {
        let first = self.points[0].at;
        [first, self.points.get(1).map_or(first, |point| point.at)]
    }

    fn note(&self, area: Area, theme: Theme) -> Form {
        let (paper, edge) = note_colours(self.colour(), theme);
        let height = self.width();
        let words = (!self.text().is_empty()).then(|| {
            let lines = self.note_lines();
            let corner = Place {
                x: area.left + NOTE_PADDING * height,
                y: (area.top + area.bottom - lines.len() as f64 * height) / 2.0,
            };
            let align = self.fields.align.as_deref().or(Some("center"));
            let lettering = Lettering::new(lines, corner, self.note_room(), height, align);
            (lettering, colour_value(Some(INK), theme))
        });
        Form::Note {
            area,
            paper,
            edge,
            words,
        }
    }
}
