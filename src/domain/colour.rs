//! Colours, each of which has one spelling.

use std::fmt;
use std::str::FromStr;

use super::hex;

/// A colour, written `#rrggbb` in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Colour {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<Self, ColourError> {
        let digits = text.strip_prefix('#').ok_or(ColourError)?;
        hex::bytes_of(digits).map(Self).ok_or(ColourError)
    }
}

/// A text is not a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a colour is # and six lower-case hexadecimal digits")]
pub struct ColourError;

serde_as_text!(Colour);

/// Longest name of a colour in the palette, in bytes.
pub const MAX_COLOUR_NAME_BYTES: usize = 16;

/// A stroke's colour: fixed, or the name of one in the palette, which clients adapt to their theme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StrokeColour {
    /// A name of 1 to [`MAX_COLOUR_NAME_BYTES`] lower-case letters; a fill may be `none`.
    Named(Box<str>),
    /// The same in every theme.
    Fixed(Colour),
}

impl fmt::Display for StrokeColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Fixed(colour) => colour.fmt(f),
        }
    }
}

impl FromStr for StrokeColour {
    type Err = StrokeColourError;

    fn from_str(text: &str) -> Result<Self, StrokeColourError> {
        if let Ok(colour) = text.parse() {
            return Ok(Self::Fixed(colour));
        }
        let is_name = (1..=MAX_COLOUR_NAME_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase());
        is_name
            .then(|| Self::Named(text.into()))
            .ok_or(StrokeColourError)
    }
}

/// A text is not the colour of a stroke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a colour is # and six lower-case hexadecimal digits, or 1 to {MAX_COLOUR_NAME_BYTES} lower-case letters"
)]
pub struct StrokeColourError;

serde_as_text!(StrokeColour);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stroke_has_a_fixed_colour_or_one_of_the_palette() {
        for text in ["#1d1d1f", "ink", "none", &"a".repeat(16)] {
            let colour: StrokeColour = text.parse().unwrap();
            assert_eq!(colour.to_string(), text);
        }
        for text in [
            "",
            "#fff",
            "Red",
            "light blue",
            "url(x)",
            "red1",
            &"a".repeat(17),
        ] {
            assert_eq!(
                text.parse::<StrokeColour>(),
                Err(StrokeColourError),
                "{text}"
            );
        }
    }

    #[test]
    fn a_colour_has_one_spelling() {
        assert_eq!("#1d1d1f".parse(), Ok(Colour([0x1d, 0x1d, 0x1f])));
        assert_eq!(Colour([0x1d, 0x1d, 0x1f]).to_string(), "#1d1d1f");
        for text in [
            "", "#", "#fff", "#FFFFFF", "1d1d1f", "#1d1d1g", "#1d1d1f0", "#é1d1f", "url(x)",
        ] {
            assert_eq!(text.parse::<Colour>(), Err(ColourError), "{text}");
        }
    }
}
