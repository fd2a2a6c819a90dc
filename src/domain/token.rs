//! Short words to which only clients give a meaning: kinds of strokes, dashes, fonts, alignments.

use std::fmt;
use std::str::FromStr;

/// Longest token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 32;

/// A word of 1 to [`MAX_TOKEN_BYTES`] lower-case letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(Box<str>);

impl Token {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let is_valid = (1..=MAX_TOKEN_BYTES).contains(&text.len())
            && text
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        is_valid.then(|| Self(text.into())).ok_or(TokenError)
    }
}

/// A text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token has 1 to {MAX_TOKEN_BYTES} lower-case letters, digits and hyphens")]
pub struct TokenError;

serde_as_text!(Token);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_short_and_has_no_special_characters() {
        for text in ["pen", "x", "sticky-note", "h2", &"a".repeat(32)] {
            assert_eq!(text.parse::<Token>().unwrap().as_str(), text);
        }
        for text in [
            "",
            "Pen",
            "a b",
            "a_b",
            "é",
            "a\n",
            "<svg>",
            &"a".repeat(33),
        ] {
            assert_eq!(text.parse::<Token>(), Err(TokenError), "{text}");
        }
    }
}
