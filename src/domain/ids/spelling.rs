//! The two ways in which ids are written, and how serde reads them.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Error, Visitor};
use uuid::Uuid;

use crate::domain::hex;

/// Characters of an id in base64url.
const CHARACTERS: usize = 22;
/// The room that its decoder asks for: it counts in groups of four characters.
const ROOM: usize = 18;

/// The text is not an id of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not the id of a drawing, an epoch or a server.
    #[error("an id is 32 lower-case hexadecimal digits")]
    Hexadecimal,
    /// Not the id of a stroke, a writer or a person.
    #[error("an id is 22 characters of base64url, for 16 bytes")]
    Base64url,
}

/// Writes 32 lower-case hexadecimal digits.
pub fn write_hexadecimal(id: Uuid, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    fmt::Display::fmt(id.as_simple(), f)
}

/// Reads what [`write_hexadecimal`] writes, and nothing else.
pub fn read_hexadecimal(text: &str) -> Result<Uuid, IdError> {
    let bytes = hex::bytes_of(text).ok_or(IdError::Hexadecimal)?;
    Ok(Uuid::from_bytes(bytes))
}

/// Writes 22 characters of base64url (RFC 4648, section 5) without padding.
pub fn write_base64url(id: Uuid, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0; CHARACTERS];
    let written = URL_SAFE_NO_PAD.encode_slice(id.as_bytes(), &mut text);
    let length = written.map_err(|_| fmt::Error)?;
    f.pad(str::from_utf8(&text[..length]).map_err(|_| fmt::Error)?)
}

/// Reads what [`write_base64url`] writes, and nothing else.
pub fn read_base64url(text: &str) -> Result<Uuid, IdError> {
    let mut bytes = [0; ROOM];
    if text.len() != CHARACTERS {
        return Err(IdError::Base64url);
    }
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes);
    let length = length.map_err(|_| IdError::Base64url)?;
    Uuid::from_slice(&bytes[..length]).map_err(|_| IdError::Base64url)
}

/// Reads an id from a string.
pub struct Spelled<T>(PhantomData<T>);

impl<T> Spelled<T> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: FromStr<Err = IdError>> Visitor<'_> for Spelled<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}
