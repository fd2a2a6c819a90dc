//! A small SVG of a drawing, of bounded size and cost.
//!
//! An empty drawing has an empty picture.

use super::coarse::{coarse_line, mean_width};
use super::document::Survey;
use super::figure::Figure;
use super::kinds::Kind;
use super::lettering::Lettering;
use super::number::{exact, rounded};
use super::palette::Theme;
use super::path::Path;
use super::plane::{Area, Place};
use super::shape::{Form, Shape};
use super::specks::Specks;
use crate::domain::colour::Colour;
use crate::domain::stroke::Body;

/// Largest width and height, in pixels.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 200.0;
/// Most bytes of a thumbnail.
pub const MAX_BYTES: usize = 64 * 1024;
/// Strokes that are looked at; of more, some are left out evenly.
const MAX_LOOKED_AT: usize = 30_000;
/// A stroke of less than this extent, in pixels, is left out if there are many.
const SPECK: f64 = 3.0;
/// Above so many strokes those that are left out are dots, …
const MANY: usize = 500;
/// … for which these bytes are kept free.
const ROOM_OF_SPECKS: usize = MAX_BYTES / 2;
/// Least thickness of a line, in pixels.
const MIN_LINE: f64 = 0.8;
/// Height of a line of text, in pixels, below which it is only a bar.
const MIN_LETTERS: f64 = 5.0;
/// Thickness of such a bar, as a part of the line's height, and its opacity.
const BAR: f64 = 0.5;
const BAR_ALPHA: f64 = 0.45;
/// What stands for a picture.
const PICTURE: Colour = Colour([0x8d, 0x82, 0x75]);
const PICTURE_ALPHA: f64 = 0.35;
/// Least length of a dash and a gap together, in pixels.
const MIN_DASH: f64 = 2.0;
/// Strokes that did not fit, after which no more are tried.
const MAX_REFUSED: usize = 64;

/// A thumbnail of strokes in painting order.
pub fn thumbnail(bodies: &[&Body], theme: Theme) -> String {
    let every = bodies.len().div_ceil(MAX_LOOKED_AT).max(1);
    let mut survey = Survey::default();
    let mut seen: Vec<(usize, f64)> = Vec::new();
    for (i, body) in bodies.iter().enumerate().step_by(every) {
        let bounds = Figure::of(body).and_then(|figure| figure.bounds());
        if let Some(bounds) = bounds {
            survey.include(&bounds);
            seen.push((i, bounds.width().hypot(bounds.height())));
        }
    }
    let area = survey.area();
    let scale = (WIDTH / area.width()).min(HEIGHT / area.height()).min(1.0);
    let [left, top, width, height] = [area.left, area.top, area.width(), area.height()].map(exact);
    let (shown_width, shown_height) = (
        rounded(area.width() * scale),
        rounded(area.height() * scale),
    );
    let head = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{left} {top} {width} {height}\" width=\"{shown_width}\" height=\"{shown_height}\" fill=\"none\">"
    );
    let mut room = MAX_BYTES - head.len() - END.len();
    let is_many = seen.len() > MANY;
    if is_many {
        room -= ROOM_OF_SPECKS;
    }
    // The largest are drawn, and in their order; others are specks.
    seen.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut specks = Specks::new(&area, scale);
    let (mut drawn, mut refused) = (Vec::<(usize, String)>::new(), 0);
    for (i, extent) in seen {
        let is_speck = is_many && extent * scale < SPECK || refused >= MAX_REFUSED;
        let element = if is_speck {
            None
        } else {
            element(bodies[i], scale, theme)
        };
        match element {
            Some(element) if element.len() <= room => {
                room -= element.len();
                drawn.push((i, element));
            }
            Some(_) | None => {
                // A smaller one may fit.
                refused += usize::from(!is_speck);
                if let Some(figure) = Figure::of(bodies[i])
                    && let Some(frame) = figure.frame()
                {
                    specks.add(&figure, &frame, theme);
                }
            }
        }
    }
    drawn.sort_by_key(|(i, _)| *i);
    let mut svg = head;
    if is_many {
        room += ROOM_OF_SPECKS;
    }
    svg.push_str(&specks.svg(room));
    drawn.iter().for_each(|(_, element)| svg.push_str(element));
    svg.push_str(END);
    svg
}

const END: &str = "</svg>\n";

fn element(body: &Body, scale: f64, theme: Theme) -> Option<String> {
    let figure = Figure::of(body)?;
    let frame = figure.frame()?;
    let thinnest = MIN_LINE / scale;
    let mut look = figure.look(frame, theme);
    let form = match figure.kind() {
        Kind::Pen | Kind::Marker | Kind::Laser | Kind::Polyline => {
            figure.lines(coarse_line(&figure, scale), theme)
        }
        Kind::Image => {
            look.alpha *= PICTURE_ALPHA;
            blank(frame)
        }
        _ => figure.shape(theme)?.form,
    };
    let form = match form {
        Form::Lines {
            data,
            fill,
            colour,
            width,
            dash,
        } => Form::Lines {
            data,
            fill,
            colour,
            width: match figure.kind() {
                Kind::Pen => mean_width(&figure).max(thinnest),
                _ => width.max(thinnest),
            },
            dash: dash.filter(|[dash, gap]| (dash + gap) * scale >= MIN_DASH),
        },
        form => form,
    };
    let mut svg = String::new();
    match form {
        Form::Text { lettering, colour } if lettering.height * scale < MIN_LETTERS => {
            let bars = bars(&lettering, colour);
            look.alpha *= BAR_ALPHA;
            Shape { look, form: bars }.push_svg(&mut svg);
        }
        Form::Note {
            area,
            paper,
            edge,
            words: Some((lettering, colour)),
        } if lettering.height * scale < MIN_LETTERS => {
            let words = None;
            let paper = Form::Note {
                area,
                paper,
                edge,
                words,
            };
            Shape { look, form: paper }.push_svg(&mut svg);
            let bars = bars(&lettering, colour);
            look.alpha *= BAR_ALPHA;
            Shape { look, form: bars }.push_svg(&mut svg);
        }
        mut form => {
            if let Some(lettering) = form.lettering() {
                // Pictures on a page cannot use its font.
                lettering.is_fitted = true;
            }
            Shape { look, form }.push_svg(&mut svg);
        }
    }
    Some(svg)
}

/// Lines that stand for text that is too small to be read.
fn bars(lettering: &Lettering, colour: Colour) -> Form {
    let mut path = Path::default();
    for line in &lettering.lines {
        let width = line.width;
        let y = line.start.y - lettering.height * BAR / 2.0;
        if width > 0.0 {
            path.move_to(Place { x: line.start.x, y });
            path.line_to(Place {
                x: line.start.x + width,
                y,
            });
        }
    }
    Form::Lines {
        data: path.0,
        fill: None,
        colour,
        width: lettering.height * BAR,
        dash: None,
    }
}

/// A box that stands for a picture.
fn blank(frame: Area) -> Form {
    let mut path = Path::polyline(frame.corners());
    path.close();
    Form::Ink {
        data: path.0,
        colour: PICTURE,
        area: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::points::{Point, Points};

    fn body(fields: serde_json::Value) -> Body {
        Body::parse(&fields.to_string()).unwrap()
    }

    /// A stroke of many points in a square of the plane.
    fn scribble(at: f64, points: i32, side: i32) -> Body {
        let places = (0..points).map(|i| Point {
            x: i * 7919 % (8 * side),
            y: i * 104_729 % (8 * side),
        });
        let points = Points::new(places.collect(), None).unwrap().to_base64();
        body(
            json!({"kind": "pen", "x": at, "y": at / 2.0, "points": points, "colour": "ink", "width": 4}),
        )
    }

    fn svg(bodies: &[Body]) -> String {
        let svg = thumbnail(&bodies.iter().collect::<Vec<_>>(), Theme::Light);
        assert!(svg.len() <= MAX_BYTES, "{} bytes", svg.len());
        assert!(svg.starts_with("<svg ") && svg.ends_with(END), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        svg
    }

    #[test]
    fn an_empty_drawing_looks_empty() {
        let empty = svg(&[]);
        assert_eq!(empty.matches('<').count(), 2, "{empty}");
        let invalid = body(json!({"kind": "pen", "x": 0, "y": 0, "colour": "ink"}));
        assert_eq!(svg(&[invalid]), empty);
    }

    #[test]
    fn a_thumbnail_has_a_bounded_size_and_the_strokes_in_their_order() {
        let large = scribble(0.0, 10_000, 900);
        let one = svg(std::slice::from_ref(&large));
        assert!(one.len() < 8 * 1024, "{} bytes", one.len());
        let many: Vec<Body> = (0..4_000)
            .map(|i| scribble(f64::from(i), 40, 300))
            .collect();
        assert!(svg(&many).len() > MAX_BYTES / 2);
        // Also very many small ones are seen, wherever they are.
        let wide: Vec<Body> = (0..6_000)
            .map(|i| scribble(f64::from(i % 80) * 300.0 + f64::from(i / 80) * 40.0, 8, 20))
            .collect();
        let specks = svg(&wide);
        assert!(specks.matches('M').count() > 70, "{specks}");
        let same: Vec<Body> = (0..6_000).map(|_| scribble(0.0, 8, 20)).collect();
        assert!(svg(&same).len() > 1_000);
        let colours = ["red", "green", "blue"].map(|colour| {
            let points = Points::new(vec![Point { x: 0, y: 0 }, Point { x: 800, y: 800 }], None);
            let points = points.unwrap().to_base64();
            body(json!({"kind": "line", "x": 0, "y": 0, "points": points, "colour": colour, "width": 4}))
        });
        let svg = svg(&colours);
        let at = ["#d6402b", "#3c9a5f", "#2f7fc1"].map(|colour| svg.find(colour).unwrap());
        assert!(at.is_sorted(), "{svg}");
    }

    /// A line by hand through places, in units.
    fn ink(places: &[(i32, i32)]) -> Body {
        let points = places.iter().map(|(x, y)| Point { x: 8 * x, y: 8 * y });
        let points = Points::new(points.collect(), None).unwrap().to_base64();
        body(json!({"kind": "pen", "x": 0, "y": 0, "points": points, "colour": "ink", "width": 4}))
    }

    #[test]
    fn sharp_corners_are_sharp_and_bends_are_smooth_in_a_thumbnail() {
        let data = |places: &[(i32, i32)]| {
            let svg = svg(&[ink(places)]);
            let data = svg.split(" d=\"").nth(1).unwrap();
            data.split('"').next().unwrap().to_owned()
        };
        let square = [(0, 0), (160, 0), (160, 160), (0, 160), (0, 0)];
        assert_eq!(data(&square), "M0 0L160 0L160 160L0 160L0 0");
        // Of points that are close together it is the corner that stays.
        let corner = [(0, 0), (90, 0), (98, 0), (100, 0), (100, 50)];
        assert_eq!(data(&corner), "M0 0L90 0L98 0L100 0L100 50");
        let round: Vec<(i32, i32)> = (0..=12)
            .map(|i| (f64::from(i) * std::f64::consts::TAU / 12.0).sin_cos())
            .map(|(sin, cos)| ((150.0 * cos) as i32, (150.0 * sin) as i32))
            .collect();
        let round = data(&round);
        assert!(round.matches('C').count() >= 10, "{round}");
        // Four times as large as a thumbnail, with a bend of 20 units: one of 5 pixels.
        let bend = [
            (0, 0),
            (1200, 0),
            (1210, 2),
            (1218, 10),
            (1220, 20),
            (1220, 700),
        ];
        let bend = data(&bend);
        assert!(bend.contains('C') && bend.ends_with("1220 700"), "{bend}");
    }

    #[test]
    fn filled_ink_has_its_area_in_a_thumbnail() {
        let ink = |fill: &str| {
            let points = scribble(0.0, 9, 90);
            let mut fields: serde_json::Value = serde_json::from_str(points.as_json()).unwrap();
            fields["fill"] = fill.into();
            svg(&[body(fields)])
        };
        let (filled, empty) = (ink("#ff0000"), ink("none"));
        assert_eq!(empty.matches("fill=\"none\"").count(), 2, "{empty}");
        assert_eq!(filled.matches("fill=\"none\"").count(), 1, "{filled}");
    }

    #[test]
    fn every_kind_has_a_thumbnail_at_any_distance() {
        let all = |far: f64| {
            let mut bodies = vec![scribble(far, 3, 90)];
            for kind in [
                "marker",
                "arrow",
                "rectangle",
                "ellipse",
                "diamond",
                "hologram",
            ] {
                let points = "AAIAAAIC";
                bodies.push(body(json!({"kind": kind, "x": 1, "y": 2, "points": points, "colour": "red", "rotation": 1})));
            }
            let text = "a <b> & \"c\"\nd";
            bodies.push(body(json!({"kind": "text", "x": 9, "y": 9, "text": text, "width": 20, "colour": "blue"})));
            bodies.push(body(
                json!({"kind": "note", "x": 9, "y": 9, "text": text, "width": 20, "colour": "ink"}),
            ));
            bodies.push(body(json!({"kind": "image", "x": 9, "y": 9, "w": 90, "h": 90, "asset": "ab".repeat(32), "colour": "ink"})));
            bodies
        };
        let near = svg(&all(10.0));
        assert!(near.contains("a &#60;b&#62; &#38; &#34;c&#34;"), "{near}");
        let far = svg(&all(9_000_000.0));
        assert!(!far.contains("<text"), "{far}");
    }
}
