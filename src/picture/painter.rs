//! A drawing as a picture of pixels, painted stroke by stroke, as pages paint their canvas.
//!
//! It must never have more pixels than its limits, however large the drawing is.

use std::sync::Arc;

use zeno::{Cap, Command, Fill, Join, PathBuilder, Point, Stroke, Transform, apply};

use super::coarse::{Detail, coarse_line, mean_width};
use super::document::{Setting, Survey};
use super::figure::Figure;
use super::font::trace_line;
use super::kinds::{Kind, NOTE_SHADOW};
use super::lettering::Lettering;
use super::plane::{Area, Place};
use super::png;
use super::raster::Raster;
use super::shape::{Blending, Form, Look, NOTE_RADIUS, Shape};
use crate::domain::colour::Colour;
use crate::domain::stroke::Body;

/// Pixels per unit, unless there would be too many.
const SCALE: f64 = 2.0;
/// Largest side, in pixels.
pub const MAX_SIDE: f64 = 4096.0;
/// Lines thinner than this many pixels are painted with one thickness, …
const COARSE: f64 = 2.2;
/// … through points at least this many pixels apart.
const COARSE_STEP: f64 = 1.0;
/// Colours of a note's shadow, and of what stands for a picture that is missing.
const SHADOW: (Colour, f64) = (Colour([60, 40, 20]), 0.16);
const MISSING: (Colour, f64) = (Colour([141, 130, 117]), 0.16);
const MISSING_EDGE: (Colour, f64) = (Colour([141, 130, 117]), 0.8);
const MISSING_WIDTH: f64 = 1.5;
/// Largest line of the cross in it, in units.
const CROSS: f64 = 28.0;
/// Most samples of a picture for one pixel, along each axis.
const MAX_SAMPLES: f64 = 8.0;

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Its width, in pixels.
    pub width: usize,
    /// Its pixels, row by row: red, green, blue, and alpha.
    pub rgba: Vec<[u8; 4]>,
}

/// A picture of a drawing while it is painted.
pub struct Painter {
    raster: Raster,
    setting: Setting,
    /// The upper left corner of the picture in the plane.
    corner: Place,
    /// Pixels per unit.
    scale: f64,
}

/// Paint: a colour, its opacity, and how it blends.
#[derive(Clone, Copy)]
struct Paint {
    colour: Colour,
    alpha: f64,
    blending: Option<Blending>,
}

impl Painter {
    /// An empty picture for the strokes that were surveyed.
    pub fn new(survey: &Survey, setting: Setting) -> Self {
        let area = survey.area();
        let side = area.width().max(area.height());
        let scale = SCALE.min(MAX_SIDE / side);
        let pixels = |side: f64| ((side * scale).round() as usize).max(1);
        let [red, green, blue] = setting.theme.paper().0;
        let paper = match setting.background {
            true => [red, green, blue, u8::MAX],
            false => [0; 4],
        };
        Self {
            raster: Raster::new(pixels(area.width()), pixels(area.height()), paper),
            setting,
            corner: Place {
                x: area.left,
                y: area.top,
            },
            scale,
        }
    }

    /// Paints a stroke. `picture` finds a picture by its hash, if it is not missing.
    pub fn paint(&mut self, body: &Body, picture: impl FnMut(&str) -> Option<Arc<Pixels>>) {
        let Some(mut figure) = Figure::of(body) else {
            return;
        };
        // Near the corner single precision is enough.
        figure.move_by(-self.corner.x, -self.corner.y);
        if let Some(Shape { look, form }) = self.shape(&figure) {
            self.form(look, &form, picture);
        }
    }

    /// The picture as a PNG file.
    pub fn png(&self) -> Vec<u8> {
        png::encode(self.raster.width, self.raster.height, &self.raster.pixels)
    }

    fn shape(&self, figure: &Figure<'_>) -> Option<Shape> {
        let theme = self.setting.theme;
        let is_thin = figure.line_width() * self.scale < COARSE;
        if figure.kind() != Kind::Pen || !is_thin {
            return figure.shape(theme);
        }
        let detail = Detail {
            scale: self.scale,
            step: COARSE_STEP,
            points: usize::MAX,
        };
        let look = figure.look(figure.frame()?, theme);
        let form = match figure.lines(coarse_line(figure, detail), theme) {
            Form::Lines { data, colour, .. } => Form::Lines {
                data,
                colour,
                fill: None,
                width: mean_width(figure),
                dash: None,
            },
            form => form,
        };
        Some(Shape { look, form })
    }

    fn form(
        &mut self,
        look: Look,
        form: &Form,
        mut picture: impl FnMut(&str) -> Option<Arc<Pixels>>,
    ) {
        let to_pixels = self.to_pixels(look);
        let paint = |colour| Paint {
            colour,
            alpha: look.alpha,
            blending: look.blending,
        };
        let faint = |(colour, alpha): (Colour, f64)| Paint {
            colour,
            alpha: look.alpha * alpha,
            blending: look.blending,
        };
        match form {
            Form::Ink { data, colour } => self.fill(data.as_str(), to_pixels, paint(*colour)),
            Form::Lines {
                data,
                fill,
                colour,
                width,
                dash,
            } => {
                if let Some(fill) = fill {
                    self.fill(data.as_str(), to_pixels, paint(*fill));
                }
                let dash = dash.map(|lengths| lengths.map(|length| (length * self.scale) as f32));
                self.stroke(data.as_str(), to_pixels, *width, dash, paint(*colour));
            }
            Form::Text { lettering, colour } => self.letters(lettering, to_pixels, paint(*colour)),
            Form::Note {
                area,
                paper,
                edge,
                words,
            } => {
                let shadow = Area {
                    left: area.left + 1.0,
                    top: area.top + NOTE_SHADOW / 2.0,
                    right: area.right - 1.0,
                    bottom: area.bottom + NOTE_SHADOW,
                };
                self.fill(&rounded_box(&shadow), to_pixels, faint(SHADOW));
                let sheet = rounded_box(area);
                self.fill(&sheet, to_pixels, paint(*paper));
                self.stroke(&sheet, to_pixels, 1.0, None, paint(*edge));
                if let Some((lettering, colour)) = words {
                    self.letters(lettering, to_pixels, paint(*colour));
                }
            }
            Form::Picture { asset, area } => match picture(asset) {
                Some(pixels) => self.picture(&pixels, area, to_pixels, look.alpha),
                None => {
                    let corners = area.corners();
                    let edge = closed(&corners);
                    self.fill(&edge, to_pixels, faint(MISSING));
                    self.stroke(&edge, to_pixels, MISSING_WIDTH, None, faint(MISSING_EDGE));
                    let cross = cross(area);
                    self.stroke(&cross, to_pixels, MISSING_WIDTH, None, faint(MISSING_EDGE));
                }
            },
        }
    }

    /// From units, relative to the corner, to pixels.
    fn to_pixels(&self, look: Look) -> Transform {
        let (angle, about) = look.turn.unwrap_or((0.0, Place { x: 0.0, y: 0.0 }));
        let (sin, cos) = angle.sin_cos();
        let x = about.x - about.x * cos + about.y * sin;
        let y = about.y - about.x * sin - about.y * cos;
        let [xx, xy, yx, yy, x, y] =
            [cos, sin, -sin, cos, x, y].map(|number| (number * self.scale) as f32);
        Transform::new(xx, xy, yx, yy, x, y)
    }

    fn fill(&mut self, path: impl zeno::PathData, to_pixels: Transform, paint: Paint) {
        let mut area = Vec::<Command>::new();
        apply(path, Fill::NonZero, Some(to_pixels), &mut area);
        self.area(&area, paint);
    }

    fn stroke(
        &mut self,
        path: impl zeno::PathData,
        to_pixels: Transform,
        width: f64,
        dash: Option<[f32; 2]>,
        paint: Paint,
    ) {
        let mut line = Vec::<Command>::new();
        apply(path, Fill::NonZero, Some(to_pixels), &mut line);
        let mut stroke = Stroke::new((width * self.scale) as f32);
        stroke.cap(Cap::Round).join(Join::Round);
        let dash = dash.unwrap_or_default();
        // Shorter ones cannot be told apart.
        if dash[0] + dash[1] >= 1.0 {
            stroke.dash(&dash, 0.0);
        }
        let mut area = Vec::<Command>::new();
        apply(&line, stroke, None, &mut area);
        self.area(&area, paint);
    }

    fn letters(&mut self, lettering: &Lettering, to_pixels: Transform, paint: Paint) {
        for line in &lettering.lines {
            let mut outlines = Vec::new();
            trace_line(&line.text, lettering.em(), line.start, &mut outlines);
            self.fill(&outlines, to_pixels, paint);
        }
    }

    fn area(&mut self, area: &[Command], paint: Paint) {
        let colour = paint.colour.0.map(f32::from);
        let alpha = paint.alpha as f32;
        self.raster.fill(area, |_, _, covered, pixel| {
            blend(pixel, colour, covered * alpha, paint.blending);
        });
    }

    fn picture(&mut self, pixels: &Pixels, area: &Area, to_pixels: Transform, alpha: f64) {
        let height = pixels.rgba.len() / pixels.width.max(1);
        let mut place = Vec::<Command>::new();
        apply(
            &closed(&area.corners()),
            Fill::NonZero,
            Some(to_pixels),
            &mut place,
        );
        let back = inverse(to_pixels);
        let (left, top) = (area.left as f32, area.top as f32);
        let across = pixels.width as f32 / area.width() as f32;
        let down = height as f32 / area.height() as f32;
        // So many samples that no pixel of the picture is missed when it is made smaller.
        let samples = |per_unit: f32| {
            let per_pixel = f64::from(per_unit) / self.scale;
            per_pixel.ceil().clamp(2.0, MAX_SAMPLES) as u32
        };
        let (columns, rows) = (samples(across), samples(down));
        self.raster.fill(&place, |x, y, covered, pixel| {
            let (mut colour, mut opacity) = ([0.0; 3], 0.0);
            for row in 0..rows {
                for column in 0..columns {
                    let at = |i: u32, of: u32| (i as f32 + 0.5) / of as f32;
                    let at = (x as f32 + at(column, columns), y as f32 + at(row, rows));
                    let at = back.transform_point(Point::new(at.0, at.1));
                    let column = ((at.x - left) * across).clamp(0.0, pixels.width as f32 - 1.0);
                    let row = ((at.y - top) * down).clamp(0.0, height as f32 - 1.0);
                    let [red, green, blue, alpha] =
                        pixels.rgba[row as usize * pixels.width + column as usize].map(f32::from);
                    for (sum, value) in colour.iter_mut().zip([red, green, blue]) {
                        *sum += value * alpha;
                    }
                    opacity += alpha;
                }
            }
            if opacity > 0.0 {
                let colour = colour.map(|sum| sum / opacity);
                let opacity = opacity / (255 * rows * columns) as f32;
                blend(pixel, colour, covered * alpha as f32 * opacity, None);
            }
        });
    }
}

/// Puts a colour over a pixel, as CSS composites it.
fn blend(pixel: &mut [u8; 4], colour: [f32; 3], alpha: f32, blending: Option<Blending>) {
    let below = f32::from(pixel[3]) / 255.0;
    for (channel, own) in pixel.iter_mut().zip(colour) {
        // What is below, multiplied by its alpha.
        let under = f32::from(*channel);
        let own = match blending {
            None => own,
            Some(blending) => {
                let plain = if below > 0.0 { under / below } else { 0.0 };
                let mixed = match blending {
                    Blending::Multiply => own * plain / 255.0,
                    Blending::Screen => own + plain - own * plain / 255.0,
                };
                (1.0 - below) * own + below * mixed
            }
        };
        *channel = (own * alpha + under * (1.0 - alpha) + 0.5).clamp(0.0, 255.0) as u8;
    }
    pixel[3] = ((alpha + below * (1.0 - alpha)) * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
}

fn inverse(
    Transform {
        xx,
        xy,
        yx,
        yy,
        x,
        y,
    }: Transform,
) -> Transform {
    let size = xx * yy - xy * yx;
    let [xx, xy, yx, yy] = [yy / size, -xy / size, -yx / size, xx / size];
    Transform::new(xx, xy, yx, yy, -(x * xx + y * yx), -(x * xy + y * yy))
}

fn point(Place { x, y }: Place) -> Point {
    Point::new(x as f32, y as f32)
}

fn closed(corners: &[Place]) -> Vec<Command> {
    let mut path = Vec::<Command>::new();
    for (i, corner) in corners.iter().enumerate() {
        match i {
            0 => path.move_to(point(*corner)),
            _ => path.line_to(point(*corner)),
        };
    }
    path.close();
    path
}

fn cross(area: &Area) -> Vec<Command> {
    let arm = area.width().min(area.height()).min(CROSS * 2.0) / 4.0;
    let Place { x, y } = area.centre();
    let mut path = Vec::<Command>::new();
    for side in [1.0, -1.0] {
        path.move_to(point(Place {
            x: x - arm,
            y: y - arm * side,
        }));
        path.line_to(point(Place {
            x: x + arm,
            y: y + arm * side,
        }));
    }
    path
}

fn rounded_box(area: &Area) -> Vec<Command> {
    let most = (area.width().min(area.height()) / 2.0).max(0.0);
    let radius = NOTE_RADIUS.min(most) as f32;
    let mut path = Vec::<Command>::new();
    path.add_round_rect(
        (area.left as f32, area.top as f32),
        area.width() as f32,
        area.height() as f32,
        radius,
        radius,
    );
    path
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::picture::palette::Theme;

    /// How many pixels are painted, and where their middle is.
    fn painted(strokes: &[Value], picture: Option<Pixels>) -> (usize, usize, Painter) {
        let bodies = strokes
            .iter()
            .map(|one| Body::parse(&one.to_string()).unwrap());
        let bodies: Vec<Body> = bodies.collect();
        let mut survey = Survey::default();
        bodies.iter().for_each(|body| survey.add(body));
        let theme = Theme::Light;
        let background = false;
        let mut painter = Painter::new(&survey, Setting { theme, background });
        let picture = picture.map(Arc::new);
        for body in &bodies {
            painter.paint(body, |_| picture.clone());
        }
        let alpha = painter
            .raster
            .pixels
            .iter()
            .map(|pixel| usize::from(pixel[3]));
        let edge = painter.raster.pixels.iter().take(painter.raster.width);
        let on_edge = edge.filter(|pixel| pixel[3] > 0).count();
        (alpha.sum::<usize>() / 255, on_edge, painter)
    }

    fn middle(painter: &Painter) -> [u8; 4] {
        let Raster {
            width,
            height,
            pixels,
            ..
        } = &painter.raster;
        pixels[height / 2 * width + width / 2]
    }

    #[test]
    fn a_turned_stroke_stays_where_it_is() {
        let hash = "ab".repeat(32);
        for (kind, least) in [("note", 70_000), ("image", 80_000)] {
            let body = |rotation: f64| {
                json!({"kind": kind, "x": 500, "y": -900, "w": 200, "h": 100, "width": 20,
                    "asset": hash, "colour": "red", "rotation": rotation})
            };
            let picture = Pixels {
                width: 2,
                rgba: vec![[9, 9, 200, 255]; 4],
            };
            let (upright, ..) = painted(&[body(0.0)], Some(picture.clone()));
            assert!(upright >= least, "{kind}: {upright}");
            for rotation in [0.4, 2.0, -2.0, 3.0, -5.5] {
                let (area, on_edge, painter) = painted(&[body(rotation)], Some(picture.clone()));
                assert!(
                    area.abs_diff(upright) < upright / 100,
                    "{kind}, {rotation}: {area}"
                );
                assert_eq!(
                    (on_edge, middle(&painter)[3]),
                    (0, 255),
                    "{kind}, {rotation}"
                );
            }
        }
    }

    #[test]
    fn a_marker_darkens_what_is_below_it() {
        let points = "AAIAAIAQAA==";
        let line = |kind: &str, width: u32| json!({"kind": kind, "x": 0, "y": 0, "points": points, "width": width, "colour": "ink"});
        let (_, _, pen) = painted(&[line("line", 20)], None);
        let yellow = json!({"kind": "marker", "x": 0, "y": 0, "points": points, "width": 20, "colour": "yellow"});
        let (_, _, both) = painted(&[line("line", 20), yellow], None);
        assert!(middle(&both)[2] < middle(&pen)[2], "{:?}", middle(&both));
        assert_eq!(middle(&both)[3], 255);
    }

    #[test]
    fn a_picture_of_pixels_has_the_colours_that_were_painted() {
        let paint = [
            [10, 200, 30, 255],
            [0, 0, 0, 0],
            [255, 255, 255, 255],
            [50, 0, 0, 100],
        ];
        let file = png::encode(2, 2, &paint);
        let mut decoder =
            zune_png::PngDecoder::new(zune_png::zune_core::bytestream::ZCursor::new(&file));
        let pixels = decoder.decode_raw().unwrap();
        assert_eq!(decoder.dimensions(), Some((2, 2)));
        let read = [
            10, 200, 30, 255, 0, 0, 0, 0, 255, 255, 255, 255, 128, 0, 0, 100,
        ];
        assert_eq!(pixels, read);
        let opaque = png::encode(1, 3, &[[1, 2, 3, 255], [1, 2, 3, 255], [4, 5, 6, 255]]);
        let mut decoder =
            zune_png::PngDecoder::new(zune_png::zune_core::bytestream::ZCursor::new(&opaque));
        assert_eq!(decoder.decode_raw().unwrap(), [1, 2, 3, 1, 2, 3, 4, 5, 6]);
    }
}
