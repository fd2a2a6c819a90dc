//! What a stroke looks like, before it is written as SVG or painted.

use super::lettering::Lettering;
use super::number::{exact, push_rounded, rounded};
use super::palette::Theme;
use super::plane::{Area, Place};
use crate::domain::colour::Colour;

/// The fonts that texts are set in, the bundled one first.
const FONT: &str = "Nunito, \"Noto Sans\", \"DejaVu Sans\", system-ui, sans-serif";
/// Opacity of a marker.
pub(super) const MARKER_ALPHA: f64 = 0.38;
/// Radius of a note's corners, in units.
const NOTE_RADIUS: f64 = 4.0;

/// A stroke's looks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) look: Look,
    pub(super) form: Form,
}

/// What all kinds of strokes have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    /// Opacity, from 0 to 1.
    pub(super) alpha: f64,
    /// How a marker blends with what is below it.
    pub(super) blending: Option<Blending>,
    /// Turned clockwise by an angle in radians, about a place.
    pub(super) turn: Option<(f64, Place)>,
}

/// Blending with what is below: plain paint would lighten dark ink, or darken light ink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blending {
    Multiply,
    Screen,
}

impl Blending {
    pub(super) fn of_marker(theme: Theme) -> Self {
        match theme {
            Theme::Light => Self::Multiply,
            Theme::Dark => Self::Screen,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// A path whose inside is the line itself, above the area that the line encloses, if it is filled.
    Ink {
        data: String,
        colour: Colour,
        area: Option<(String, Colour)>,
    },
    /// A path that is stroked.
    Lines {
        data: String,
        fill: Option<Colour>,
        colour: Colour,
        width: f64,
        /// Lengths of a dash and of a gap, in units.
        dash: Option<[f64; 2]>,
    },
    Text {
        lettering: Lettering,
        colour: Colour,
    },
    Note {
        area: Area,
        paper: Colour,
        edge: Colour,
        words: Option<(Lettering, Colour)>,
    },
    /// An image, by the hash of its picture.
    Picture { asset: String, area: Area },
}

impl Form {
    /// Its text, if it has one.
    pub(super) fn lettering(&mut self) -> Option<&mut Lettering> {
        match self {
            Form::Text { lettering, .. }
            | Form::Note {
                words: Some((lettering, _)),
                ..
            } => Some(lettering),
            _ => None,
        }
    }
}

impl Shape {
    /// Appends an SVG element.
    pub(super) fn push_svg(&self, out: &mut String) {
        match &self.form {
            Form::Ink { data, colour, area } => {
                let area = area.as_ref().map(|(data, colour)| (data, colour));
                for (data, colour) in area.into_iter().chain([(data, colour)]) {
                    let parts = ["<path d=\"", data, "\" fill=\"", &colour.to_string(), "\""];
                    parts.iter().for_each(|part| out.push_str(part));
                    self.look.push_attributes(out);
                    out.push_str("/>");
                }
            }
            Form::Lines {
                data,
                fill,
                colour,
                width,
                dash,
            } => {
                let fill = fill.map_or("none".to_owned(), |fill| fill.to_string());
                let (colour, width) = (colour.to_string(), exact(*width));
                let parts = [
                    "<path d=\"",
                    data,
                    "\" fill=\"",
                    &fill,
                    "\" stroke=\"",
                    &colour,
                ];
                parts.iter().for_each(|part| out.push_str(part));
                let parts = ["\" stroke-width=\"", &width, "\" stroke-linecap=\"round\""];
                parts.iter().for_each(|part| out.push_str(part));
                out.push_str(" stroke-linejoin=\"round\"");
                if let Some([dash, gap]) = dash {
                    out.push_str(" stroke-dasharray=\"");
                    push_rounded(out, *dash);
                    out.push(' ');
                    push_rounded(out, *gap);
                    out.push('"');
                }
                self.look.push_attributes(out);
                out.push_str("/>");
            }
            Form::Text { lettering, colour } => {
                push_lettering(out, lettering, *colour, Some(&self.look));
            }
            Form::Note {
                area,
                paper,
                edge,
                words,
            } => {
                out.push_str("<g");
                self.look.push_attributes(out);
                let (x, y) = (rounded(area.left), rounded(area.top));
                let (w, h) = (rounded(area.width()), rounded(area.height()));
                out.push_str(&format!(
                    "><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{NOTE_RADIUS}\" fill=\"{paper}\" stroke=\"{edge}\"/>"
                ));
                if let Some((lettering, colour)) = words {
                    push_lettering(out, lettering, *colour, None);
                }
                out.push_str("</g>");
            }
            Form::Picture { asset, area } => {
                out.push_str("<g");
                self.look.push_attributes(out);
                let (x, y) = (rounded(area.left), rounded(area.top));
                let (w, h) = (rounded(area.width()), rounded(area.height()));
                let id = picture_id(asset);
                out.push_str(&format!(
                    "><use href=\"#{id}\" transform=\"translate({x} {y}) scale({w} {h})\"/></g>"
                ));
            }
        }
    }
}

/// The id of a picture in an SVG.
pub(super) fn picture_id(asset: &str) -> String {
    format!("picture-{asset}")
}

impl Look {
    fn push_attributes(&self, out: &mut String) {
        if self.alpha != 1.0 {
            out.push_str(" opacity=\"");
            push_rounded(out, self.alpha);
            out.push('"');
        }
        match self.blending {
            Some(Blending::Multiply) => out.push_str(" style=\"mix-blend-mode:multiply\""),
            Some(Blending::Screen) => out.push_str(" style=\"mix-blend-mode:screen\""),
            None => {}
        }
        if let Some((angle, about)) = self.turn {
            out.push_str(" transform=\"rotate(");
            push_rounded(out, angle * 180.0 / std::f64::consts::PI);
            out.push(' ');
            push_rounded(out, about.x);
            out.push(' ');
            push_rounded(out, about.y);
            out.push_str(")\"");
        }
    }
}

fn push_lettering(out: &mut String, lettering: &Lettering, colour: Colour, look: Option<&Look>) {
    out.push_str("<text xml:space=\"preserve\" font-family=\"");
    push_escaped(out, FONT);
    out.push_str("\" font-size=\"");
    push_rounded(out, lettering.em());
    out.push_str("\" fill=\"");
    out.push_str(&colour.to_string());
    out.push('"');
    if let Some(look) = look {
        look.push_attributes(out);
    }
    out.push('>');
    for line in &lettering.lines {
        out.push_str("<tspan x=\"");
        push_rounded(out, line.start.x);
        out.push_str("\" y=\"");
        push_rounded(out, line.start.y);
        if lettering.is_fitted && line.width > 0.0 {
            out.push_str("\" lengthAdjust=\"spacingAndGlyphs\" textLength=\"");
            push_rounded(out, line.width);
        }
        out.push_str("\">");
        push_escaped(out, &line.text);
        out.push_str("</tspan>");
    }
    out.push_str("</text>");
}

/// Appends a text of XML. Characters that XML cannot have are replaced.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' | '<' | '>' | '"' | '\'' => out.push_str(&format!("&#{};", character as u32)),
            '\t' | '\n' | '\r' => out.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
}
