//! A drawing as an SVG document that needs no other file, in parts, as in `static/kinds/drawing-svg.js`.
//!
//! It must never include a value of a stroke without escaping or checking it, nor name another address.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::figure::Figure;
use super::number::exact;
use super::palette::Theme;
use super::plane::Area;
use super::shape::{picture_id, push_escaped};
use crate::domain::asset::{Asset, AssetHash};
use crate::domain::stroke::Body;

/// Units around the strokes.
const MARGIN: f64 = 16.0;
/// The side of an empty drawing.
const EMPTY_SIDE: f64 = 64.0;

/// How a drawing is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The paper it is for.
    pub theme: Theme,
    /// Whether it has the paper's colour, or is transparent.
    pub background: bool,
}

/// What has to be known of all strokes before the first is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    area: Area,
    has_text: bool,
    assets: Vec<AssetHash>,
}

impl Default for Survey {
    fn default() -> Self {
        Self {
            area: Area::NOWHERE,
            has_text: false,
            assets: Vec::new(),
        }
    }
}

impl Survey {
    /// Takes a stroke into account.
    pub fn add(&mut self, body: &Body) {
        let Some(figure) = Figure::of(body) else {
            return;
        };
        if let Some(bounds) = figure.bounds() {
            self.include(&bounds);
        }
        self.has_text |= figure.has_text();
        let asset = figure.asset().map(str::parse::<AssetHash>);
        self.assets.extend(asset.and_then(Result::ok));
    }

    pub(super) fn include(&mut self, bounds: &Area) {
        self.area = self.area.with(bounds);
    }

    /// The box that a picture of the strokes shows.
    pub(super) fn area(&self) -> Area {
        if self.area.is_nowhere() {
            return Area {
                left: 0.0,
                top: 0.0,
                right: EMPTY_SIDE,
                bottom: EMPTY_SIDE,
            };
        }
        let area = self.area.extended(MARGIN);
        Area {
            left: area.left.floor(),
            top: area.top.floor(),
            right: area.right.ceil(),
            bottom: area.bottom.ceil(),
        }
    }

    /// Whether a stroke holds text, which needs the font.
    pub fn has_text(&self) -> bool {
        self.has_text
    }

    /// The pictures that strokes name, each once, in the order of the strokes.
    pub fn assets(&self) -> Vec<AssetHash> {
        let mut seen = std::collections::HashSet::new();
        let assets = self.assets.iter().copied();
        assets.filter(|asset| seen.insert(*asset)).collect()
    }
}

/// The document up to its pictures. `font` is the `data:` address of the bundled font, if it is needed.
pub fn head(survey: &Survey, title: &str, font: Option<&str>) -> String {
    let area = survey.area();
    let [left, top, width, height] = [area.left, area.top, area.width(), area.height()].map(exact);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{left} {top} {width} {height}\" width=\"{width}\" height=\"{height}\">\n"
    );
    if !title.is_empty() {
        text.push_str("<title>");
        push_escaped(&mut text, title);
        text.push_str("</title>\n");
    }
    if let Some(font) = font.filter(|_| survey.has_text) {
        text.push_str("<style>@font-face{font-family:Nunito;src:url(");
        push_escaped(&mut text, font);
        text.push_str(")}</style>\n");
    }
    text
}

/// Before the first picture, …
pub const PICTURES_BEGIN: &str = "<defs>";
/// … and after the last one.
pub const PICTURES_END: &str = "</defs>\n";

/// Appends a picture.
pub fn push_picture(out: &mut String, hash: AssetHash, asset: &Asset) {
    let id = picture_id(&hash.to_string());
    out.push_str(&format!(
        "<image id=\"{id}\" width=\"1\" height=\"1\" preserveAspectRatio=\"none\" href=\""
    ));
    push_address(out, asset);
    out.push_str("\"/>");
}

/// Appends a picture's `data:` address.
pub(super) fn push_address(out: &mut String, asset: &Asset) {
    out.extend(["data:", asset.kind.media_type(), ";base64,"]);
    STANDARD.encode_string(&asset.bytes, out);
}

/// The paper, if it is shown.
pub fn paper(survey: &Survey, Setting { theme, background }: Setting) -> String {
    if !background {
        return String::new();
    }
    let area = survey.area();
    let [left, top, width, height] = [area.left, area.top, area.width(), area.height()].map(exact);
    let paper = theme.paper();
    format!(
        "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{paper}\"/>\n"
    )
}

/// Appends a stroke; nothing for one that is invalid.
pub fn push_stroke(out: &mut String, body: &Body, theme: Theme) {
    let shape = Figure::of(body).and_then(|figure| figure.shape(theme));
    if let Some(shape) = shape {
        shape.push_svg(out);
        out.push('\n');
    }
}

/// The end of the document.
pub const END: &str = "</svg>\n";
