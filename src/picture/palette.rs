//! The palette: the values of strokes' colours on light and on dark paper, as in
//! `static/model/palette.js`.

use std::str::FromStr;

use super::number::round;
use crate::domain::colour::Colour;

/// The paper that a picture is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Light paper.
    #[default]
    Light,
    /// Dark paper.
    Dark,
}

/// A text is not a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a theme is light or dark")]
pub struct ThemeError;

impl FromStr for Theme {
    type Err = ThemeError;

    fn from_str(text: &str) -> Result<Self, ThemeError> {
        match text {
            "light" => Ok(Self::Light),
            "dark" => Ok(Self::Dark),
            _ => Err(ThemeError),
        }
    }
}

impl Theme {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn of(self, [light, dark]: [u32; 2]) -> Colour {
        rgb(match self {
            Self::Light => light,
            Self::Dark => dark,
        })
    }

    /// The colour of the paper.
    pub fn paper(self) -> Colour {
        self.of([0xfbf7ef, 0x1d1a17])
    }
}

/// The default token, which stands in for unknown ones.
pub(super) const INK: &str = "ink";
const INK_SHADES: [u32; 2] = [0x22201d, 0xf1e9dd];
/// Each token's value on light and on dark paper.
const PALETTE: [(&str, [u32; 2]); 8] = [
    (INK, INK_SHADES),
    ("red", [0xd6402b, 0xff7d68]),
    ("orange", [0xd8700a, 0xffab54]),
    ("yellow", [0xa98000, 0xf7d560]),
    ("green", [0x3c9a5f, 0x6fce92]),
    ("blue", [0x2f7fc1, 0x70b6f2]),
    ("violet", [0x7f52b5, 0xb893ea]),
    ("pink", [0xd95a8d, 0xf597bd]),
];
/// Those of the marker, where it has others.
const MARKER: [(&str, [u32; 2]); 2] = [
    ("orange", [0xee8a1d, 0xffab54]),
    ("yellow", [0xefbf26, 0xf7d560]),
];

/// The least contrast of a custom colour with the paper, …
const MIN_CONTRAST: f64 = 2.0;
/// … and of ink with a custom fill on dark paper.
const FILL_CONTRAST: f64 = 4.5;
/// Steps in which a colour is mixed until then.
const MIX_STEPS: u32 = 16;

fn rgb(value: u32) -> Colour {
    let [_, red, green, blue] = value.to_be_bytes();
    Colour([red, green, blue])
}

fn token(table: &[(&str, [u32; 2])], name: &str) -> Option<[u32; 2]> {
    let found = table.iter().find(|(token, _)| *token == name);
    found.map(|(_, shades)| *shades)
}

/// The value of a stroke's colour. A fixed one that would hardly be seen on the paper is mixed with ink
/// until it is.
pub(super) fn colour_value(colour: Option<&str>, theme: Theme) -> Colour {
    match colour.map(str::parse) {
        Some(Ok(fixed)) => mixed_until(fixed, theme.of(INK_SHADES), |value| {
            contrast(value, theme.paper()) >= MIN_CONTRAST
        }),
        _ => theme.of(token(&PALETTE, colour.unwrap_or(INK)).unwrap_or(INK_SHADES)),
    }
}

/// The value of a marker's colour.
pub(super) fn marker_value(colour: Option<&str>, theme: Theme) -> Colour {
    match token(&MARKER, colour.unwrap_or(INK)) {
        Some(shades) => theme.of(shades),
        None => colour_value(colour, theme),
    }
}

/// The value of a fill. A fixed one stays as it is on light paper, and is mixed with dark paper until
/// ink is legible on it.
pub(super) fn fill_value(fill: &str, theme: Theme) -> Colour {
    match (fill.parse(), theme) {
        (Err(_), _) => colour_value(Some(fill), theme),
        (Ok(fixed), Theme::Light) => fixed,
        (Ok(fixed), Theme::Dark) => mixed_until(fixed, theme.paper(), |value| {
            contrast(value, theme.of(INK_SHADES)) >= FILL_CONTRAST
        }),
    }
}

/// The paper and the edge of a note.
pub(super) fn note_colours(colour: Option<&str>, theme: Theme) -> (Colour, Colour) {
    let tint = match colour {
        None | Some(INK) => Some("yellow"),
        tint => tint,
    };
    let tint = marker_value(tint, theme);
    let (paper, part) = match theme {
        Theme::Light => (0xffffff, 0.42),
        Theme::Dark => (0x1d1a17, 0.32),
    };
    let mixed = |part: f64| {
        let own = tint.0.map(f64::from);
        let paper = rgb(paper).0.map(f64::from);
        Colour(std::array::from_fn(|i| {
            round(own[i] * part + paper[i] * (1.0 - part)) as u8
        }))
    };
    (mixed(part), mixed(part + 0.22))
}

/// Mixes a colour with another one, sixteenth by sixteenth, until it will do.
fn mixed_until(colour: Colour, other: Colour, is_enough: impl Fn(Colour) -> bool) -> Colour {
    let (own, added) = (colour.0.map(f64::from), other.0.map(f64::from));
    let mut value = colour;
    for step in 1..=MIX_STEPS {
        if is_enough(value) {
            break;
        }
        let part = |i: usize| own[i] + (added[i] - own[i]) * f64::from(step) / f64::from(MIX_STEPS);
        value = Colour(std::array::from_fn(|i| round(part(i)) as u8));
    }
    value
}

/// The relative luminance, as WCAG defines it.
fn luminance(colour: Colour) -> f64 {
    let [red, green, blue] = colour.0.map(|channel| {
        let part = f64::from(channel) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// The contrast of two colours, from 1 to 21, as WCAG defines it.
fn contrast(a: Colour, b: Colour) -> f64 {
    let (x, y) = (luminance(a) + 0.05, luminance(b) + 0.05);
    x.max(y) / x.min(y)
}
