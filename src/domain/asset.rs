//! Assets: the pictures that strokes show.
//!
//! What a file is must never be taken from its name or from who sent it, only from its first bytes.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::hex;

/// Largest picture, in bytes. Pages scale pictures down before they send them.
pub const MAX_ASSET_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of all pictures of one drawing.
pub const MAX_ASSETS_BYTES: usize = 64 * 1024 * 1024;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its type.
    pub kind: AssetKind,
    /// The file.
    pub bytes: bytes::Bytes,
}

/// The types of pictures: those that every browser shows, and none that can hold a program, as SVG
/// can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
    /// GIF.
    Gif,
}

impl AssetKind {
    /// The type of a file, by its first bytes.
    pub fn of(file: &[u8]) -> Option<Self> {
        match file {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ => None,
        }
    }

    /// Its short name: the subtype of its media type.
    pub fn name(self) -> &'static str {
        &self.media_type()["image/".len()..]
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }
}

impl FromStr for AssetKind {
    type Err = AssetKindError;

    fn from_str(name: &str) -> Result<Self, AssetKindError> {
        [Self::Png, Self::Jpeg, Self::Webp, Self::Gif]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or(AssetKindError)
    }
}

/// A text is not the name of a type of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a picture is PNG, JPEG, WebP or GIF")]
pub struct AssetKindError;

/// The name of an asset: the SHA-256 of its bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetHash(pub [u8; 32]);

impl AssetHash {
    /// The name of a file.
    pub fn of(file: &[u8]) -> Self {
        Self(Sha256::digest(file).into())
    }
}

impl fmt::Display for AssetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for AssetHash {
    type Err = AssetHashError;

    fn from_str(text: &str) -> Result<Self, AssetHashError> {
        hex::bytes_of(text).map(Self).ok_or(AssetHashError)
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
    fn a_picture_is_known_by_its_first_bytes() {
        let png = b"\x89PNG\r\n\x1a\n....";
        for (file, kind) in [
            (&png[..], Some(AssetKind::Png)),
            (b"\xff\xd8\xff\xe0....", Some(AssetKind::Jpeg)),
            (b"RIFF....WEBPVP8 ", Some(AssetKind::Webp)),
            (b"GIF87a....", Some(AssetKind::Gif)),
            (b"GIF89a....", Some(AssetKind::Gif)),
            (b"", None),
            (b"\x89PNG", None),
            (b"RIFF....WAVE", None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
            (b"<html><script>", None),
            (b" \x89PNG\r\n\x1a\n", None),
        ] {
            assert_eq!(AssetKind::of(file), kind, "{file:?}");
            if let Some(kind) = kind {
                assert_eq!(kind.name().parse(), Ok(kind));
            }
        }
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(AssetHash::of(b"").to_string(), empty);
    }

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
