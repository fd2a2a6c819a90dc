//! Assets: the pictures that strokes show.

use std::fmt;
use std::str::FromStr;

/// The name of an asset: the SHA-256 of its bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AssetHash(pub [u8; 32]);

impl fmt::Display for AssetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for AssetHash {
    type Err = AssetHashError;

    fn from_str(text: &str) -> Result<Self, AssetHashError> {
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(AssetHashError),
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(AssetHashError);
        };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| AssetHashError)?;
        let mut hash = [0; 32];
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = digit(*high)? * 16 + digit(*low)?;
        }
        Ok(Self(hash))
    }
}

/// A text is not the hash of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an asset is named by 64 lower-case hexadecimal digits")]
pub struct AssetHashError;

serde_as_text!(AssetHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_one_spelling() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(text.parse::<AssetHash>().unwrap().to_string(), text);
        for text in [
            String::new(),
            "ab".into(),
            "0123456789ABCDEF".repeat(4),
            "0".repeat(63),
            "0".repeat(65),
            "0".repeat(66),
            "../".repeat(21) + "x",
        ] {
            assert_eq!(text.parse::<AssetHash>(), Err(AssetHashError), "{text}");
        }
    }
}
