//! A drawing as a picture of pixels: resvg paints the strokes' SVG.
//!
//! It must never have more pixels than its limits, however large the drawing is, nor read anything but
//! what is handed to it and the fonts of this machine. Each stroke is a document of its own, so that memory
//! does not grow with the drawing, and painting can end between two strokes: resvg cannot be interrupted.

use std::collections::HashMap;

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree};

use super::document::{self, Setting, Survey};
use super::faces::{Faces, bundled, resolver};
use super::figure::Figure;
use super::number::exact;
use super::palette::Theme;
use super::plane::Place;
use crate::domain::asset::{Asset, AssetHash};
use crate::domain::stroke::Body;

/// Pixels per unit, unless there would be too many.
const SCALE: f64 = 2.0;
/// Largest side, in pixels.
const MAX_SIDE: f64 = 4096.0;
/// Largest side of a picture in a drawing, and most pixels: a small file may claim to be a huge one.
/// Pages send none of more than 2,048 a side.
const MAX_PICTURE_SIDE: usize = 8_192;
const MAX_PICTURE_PIXELS: usize = 16 * 1024 * 1024;

/// A picture of a drawing while it is painted.
pub struct Painter {
    pixels: Pixmap,
    options: Options<'static>,
    /// The fonts for letters that the bundled one lacks.
    others: fn() -> &'static Faces,
    theme: Theme,
    /// The upper left corner of the picture in the plane.
    corner: Place,
    to_pixels: Transform,
    /// What each document begins with.
    head: String,
}

impl Painter {
    /// An empty picture for the strokes that were surveyed; `None` without memory for it.
    pub fn new(survey: &Survey, setting: Setting) -> Option<Self> {
        Self::with(Faces::of_machine, survey, setting)
    }

    /// The same with these fonts.
    fn with(
        others: fn() -> &'static Faces,
        survey: &Survey,
        Setting { theme, background }: Setting,
    ) -> Option<Self> {
        let area = survey.area();
        let side = area.width().max(area.height());
        let scale = SCALE.min(MAX_SIDE / side);
        let pixels = |side: f64| ((side * scale).round() as u32).max(1);
        let mut pixels = Pixmap::new(pixels(area.width()), pixels(area.height()))?;
        if background {
            let [red, green, blue] = theme.paper().0;
            pixels.fill(Color::from_rgba8(red, green, blue, u8::MAX));
        }
        let [width, height] = [area.width(), area.height()].map(exact);
        Some(Self {
            pixels,
            options: options(others),
            others,
            theme,
            corner: Place {
                x: area.left,
                y: area.top,
            },
            to_pixels: Transform::from_scale(scale as f32, scale as f32),
            head: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\">"
            ),
        })
    }

    /// Paints a stroke; nothing for one that is invalid, or whose picture is missing, damaged or too large.
    pub fn paint(&mut self, body: &Body, assets: &HashMap<AssetHash, Asset>) {
        let Some(mut figure) = Figure::of(body) else {
            return;
        };
        // Near the corner single precision is enough.
        figure.move_by(-self.corner.x, -self.corner.y);
        let Some(mut shape) = figure.shape(self.theme) else {
            return;
        };
        if let Some(lettering) = shape.form.lettering() {
            lettering.part(|letter| (self.others)().have(letter));
        }
        let mut svg = self.head.clone();
        let named = figure.asset().and_then(|hash| hash.parse().ok());
        if let Some((hash, asset)) = named.and_then(|hash| assets.get_key_value(&hash)) {
            svg.push_str(document::PICTURES_BEGIN);
            document::push_picture(&mut svg, *hash, asset);
            svg.push_str(document::PICTURES_END);
        }
        shape.push_svg(&mut svg);
        svg.push_str(document::END);
        match Tree::from_str(&svg, &self.options) {
            Ok(tree) => resvg::render(&tree, self.to_pixels, &mut self.pixels.as_mut()),
            Err(error) => log::warn!("a stroke cannot be painted: {error}"),
        }
    }

    /// The picture as a PNG file; `None` without memory for it.
    pub fn png(&self) -> Option<Vec<u8>> {
        self.pixels.encode_png().ok()
    }
}

/// Text in the bundled font, and in others where it lacks a letter.
fn options(others: fn() -> &'static Faces) -> Options<'static> {
    let by_type = ImageHrefResolver::default_data_resolver();
    Options {
        fontdb: bundled(),
        font_resolver: resolver(others),
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(move |media_type, file, options| {
                let size = imagesize::blob_size(&file).ok()?;
                let is_allowed = size.width.max(size.height) <= MAX_PICTURE_SIDE
                    && size.width * size.height <= MAX_PICTURE_PIXELS;
                is_allowed.then(|| by_type(media_type, file, options))?
            }),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use resvg::tiny_skia::PremultipliedColorU8;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::asset::AssetKind;
    use crate::domain::points::{Point, Points};
    use crate::picture::faces::tests::{LACKING, SHOWN_AS, none, one};
    use crate::picture::font;

    /// A picture of one pixel of each type, whose first one is yellow and half transparent.
    const PICTURES: [&str; 4] = [
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP4/Z+hHgAHbQJ6yAGjAQAAAABJRU5ErkJggg==",
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI////////////////////////////////////////////////////2wBDAVVaWnhpeOuCguv/////////////////////////////////////////////////////////////////////////wAARCAABAAEDASIAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAUAQEAAAAAAAAAAAAAAAAAAAAA/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACEQMRAD8AAA//2Q==",
        "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA",
        "R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=",
    ];

    fn file(base64: &str) -> Vec<u8> {
        STANDARD.decode(base64).unwrap()
    }

    /// Paints strokes, whose picture is `file`, on nothing, where there are no other fonts.
    fn painted(strokes: &[Value], file: &[u8]) -> Painter {
        painted_with(none, strokes, file)
    }

    /// Paints them where there are these fonts.
    fn painted_with(others: fn() -> &'static Faces, strokes: &[Value], file: &[u8]) -> Painter {
        let bodies = strokes.iter().map(|one| Body::parse(&one.to_string()));
        let bodies: Vec<Body> = bodies.map(Result::unwrap).collect();
        let mut survey = Survey::default();
        bodies.iter().for_each(|body| survey.add(body));
        let setting = Setting {
            theme: Theme::Light,
            background: false,
        };
        let kind = AssetKind::of(file).unwrap_or(AssetKind::Png);
        let bytes = file.to_vec().into();
        let assets = HashMap::from([(AssetHash::of(b""), Asset { kind, bytes })]);
        let mut painter = Painter::with(others, &survey, setting).unwrap();
        bodies.iter().for_each(|body| painter.paint(body, &assets));
        painter
    }

    /// Fields of a box that names the picture.
    fn boxed(kind: &str, rotation: f64) -> Value {
        json!({"kind": kind, "x": 500, "y": -900, "w": 200, "h": 100, "width": 20, "colour": "red",
            "asset": AssetHash::of(b"").to_string(), "rotation": rotation})
    }

    fn at(painter: &Painter, x: u32, y: u32) -> PremultipliedColorU8 {
        painter.pixels.pixel(x, y).unwrap()
    }

    fn middle(painter: &Painter) -> PremultipliedColorU8 {
        at(
            painter,
            painter.pixels.width() / 2,
            painter.pixels.height() / 2,
        )
    }

    /// The places of pixels that are more than half covered.
    fn covered(painter: &Painter) -> Vec<(u32, u32)> {
        let width = painter.pixels.width() as usize;
        let pixels = painter.pixels.pixels().iter().enumerate();
        let covered = pixels.filter(|(_, pixel)| pixel.alpha() > 127);
        covered
            .map(|(i, _)| ((i % width) as u32, (i / width) as u32))
            .collect()
    }

    #[test]
    fn a_turned_stroke_stays_where_it_is() {
        for kind in ["note", "image"] {
            let upright = covered(&painted(&[boxed(kind, 0.0)], &file(PICTURES[3]))).len();
            assert!(upright.abs_diff(400 * 200) < 1_500, "{kind}: {upright}");
            for rotation in [0.4, 2.0, -2.0, 3.0, -5.5] {
                let painter = painted(&[boxed(kind, rotation)], &file(PICTURES[3]));
                let pixels = covered(&painter);
                let size = pixels.len();
                assert!(
                    size.abs_diff(upright) < upright / 100,
                    "{kind}, {rotation}: {size}"
                );
                assert!(
                    pixels.iter().all(|(x, y)| *x > 0 && *y > 0),
                    "{kind}, {rotation}"
                );
                assert_eq!(middle(&painter).alpha(), 255, "{kind}, {rotation}");
            }
        }
    }

    #[test]
    fn a_marker_darkens_what_is_below_it() {
        let line = |kind: &str, colour: &str| json!({"kind": kind, "x": 0, "y": 0, "points": "AAIAAIAQAA==", "width": 20, "colour": colour});
        let pen = middle(&painted(&[line("line", "ink")], b""));
        let both = middle(&painted(
            &[line("line", "ink"), line("marker", "yellow")],
            b"",
        ));
        assert!(both.blue() < pen.blue(), "{both:?}, {pen:?}");
        assert_eq!(both.alpha(), 255);
    }

    #[test]
    fn the_area_of_filled_ink_is_painted_below_its_line() {
        // Around a square of 40 units.
        let points = Points::new(
            [(0, 0), (320, 0), (320, 320), (0, 320)]
                .map(|(x, y)| Point { x, y })
                .into(),
            None,
        );
        let points = points.unwrap().to_base64();
        let square = |fill: &str| {
            let ink = json!({"kind": "pen", "x": 0, "y": 0, "points": points, "width": 4, "colour": "ink", "fill": fill});
            painted(&[ink], b"")
        };
        let (filled, empty) = (square("#ff0000"), square("none"));
        assert_eq!(middle(&empty).alpha(), 0);
        let inside = middle(&filled);
        assert!(
            inside.alpha() == 255 && inside.red() > inside.blue(),
            "{inside:?}"
        );
        // The line between the second corner and the third, within the margin and the reach of a line.
        let (x, y) = (2 * (16 + 10 + 40), filled.pixels.height() / 2);
        assert_eq!(at(&empty, x, y).alpha(), 255);
        assert_eq!(at(&filled, x, y), at(&empty, x, y));
    }

    #[test]
    fn letters_are_painted_in_their_box_and_a_stroke_far_away_as_one_nearby() {
        let words = |x: f64, text: &str| {
            let body =
                json!({"kind": "text", "x": x, "y": 0, "text": text, "width": 50, "colour": "ink"});
            painted(&[body], b"")
        };
        let near = words(0.0, "Tail\nwww");
        let pixels = covered(&near);
        assert!(pixels.len() > 2_000, "{}", pixels.len());
        let (left, right) = (
            pixels.iter().map(|(x, _)| *x).min().unwrap(),
            pixels.iter().map(|(x, _)| *x).max().unwrap(),
        );
        let width = (2.0 * font::line_width("www", 40.0)) as u32;
        assert!((32..40).contains(&left), "{left}");
        assert!(
            (width + 24..width + 34).contains(&right),
            "{right}, {width}"
        );
        // A letter that the font lacks has its room.
        let lacking = covered(&words(0.0, "漢\nwww"));
        assert!(!lacking.is_empty() && lacking.len() < pixels.len());
        let far = words(9_000_000.0, "Tail\nwww");
        assert!(far.pixels == near.pixels);
    }

    #[test]
    fn a_letter_that_the_bundled_font_lacks_is_painted_in_another_one_and_moves_no_other() {
        let words = |others: fn() -> &'static Faces, text: &str| {
            let body =
                json!({"kind": "text", "x": 0, "y": 0, "text": text, "width": 50, "colour": "ink"});
            covered(&painted_with(others, &[body], b""))
        };
        let lacking = LACKING.to_string();
        let shown = words(one, &lacking);
        assert_eq!(shown, words(none, &SHOWN_AS.to_string()));
        for others in [none, one] {
            assert_eq!(words(others, "字"), words(none, "?"));
        }
        let text = format!("Tail {LACKING} Tail");
        let [with, without] = [words(one, &text), words(none, &text)];
        assert_ne!(with, without);
        // Twice the margin, and what is before the second word.
        let before = 32.0 + 2.0 * font::line_width(&format!("Tail {LACKING} "), 40.0);
        let after = |pixels: Vec<(u32, u32)>| -> Vec<(u32, u32)> {
            let right = pixels.into_iter().filter(|(x, _)| f64::from(*x) > before);
            right.collect()
        };
        let last = after(with);
        assert!(last.len() > 500, "{}", last.len());
        assert_eq!(last, after(without));
    }

    #[test]
    fn each_type_of_picture_is_painted_and_a_damaged_one_is_not() {
        for picture in PICTURES {
            let file = file(picture);
            assert!(
                middle(&painted(&[boxed("image", 0.0)], &file)).alpha() > 100,
                "{picture}"
            );
            for end in 0..file.len() - 1 {
                // It must not panic; a little may be missing.
                let mut small = boxed("image", 0.0);
                small["w"] = json!(4);
                small["h"] = json!(2);
                painted(&[small], &file[..end]);
            }
        }
        for file in [
            &b""[..],
            b"GIF89a",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff\xe0",
            b"RIFF....WEBPVP8 ",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        ] {
            assert_eq!(
                covered(&painted(&[boxed("image", 0.0)], file)),
                [],
                "{file:?}"
            );
        }
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_is_not_decoded() {
        let options = options(none);
        let is_read = |media_type: &str, file: &[u8]| {
            let read = &options.image_href_resolver.resolve_data;
            read(media_type, Arc::new(file.to_vec()), &options).is_some()
        };
        let mut png = file(PICTURES[0]);
        assert!(is_read("image/png", &png));
        png[16..24].copy_from_slice(&[0, 0, 0x20, 0, 0, 0, 0x20, 0]);
        assert!(!is_read("image/png", &png));
        let mut gif = file(PICTURES[3]);
        assert!(is_read("image/gif", &gif));
        gif[6..10].copy_from_slice(&[0x01, 0x20, 1, 0]);
        assert!(!is_read("image/gif", &gif));
    }

    #[test]
    fn a_file_has_the_colours_that_were_painted() {
        let painter = painted(&[boxed("image", 0.0)], &file(PICTURES[0]));
        let file = painter.png().unwrap();
        let read = Pixmap::decode_png(&file).unwrap();
        assert_eq!(read, painter.pixels);
        assert_eq!(at(&painter, 0, 0).alpha(), 0);
    }
}
