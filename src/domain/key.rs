//! Keys to drawings: a secret that a link carries, its public id, and the hash that is stored.
//!
//! A secret must never be printed: it has neither `Display` nor a telling `Debug`, and leaves its type
//! by [`Key::secret`] alone.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::ids::DrawingId;
use super::level::Level;

/// Most keys of one drawing.
pub const MAX_KEYS: usize = 200;
/// Longest name of a key, in characters.
pub const MAX_KEY_NAME_CHARS: usize = 60;

/// The secret of a link: 128 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 16]);

impl Key {
    /// The key of these random bytes.
    pub fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// The secret as it is in a link: 22 characters of base64url.
    pub fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored in its place.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.0)
    }

    /// Its public id. It is a part of a hash, so that a key is found without a search: whether a
    /// key is unknown, or its drawing, one row is looked for and is not there.
    pub fn id(&self) -> KeyId {
        let hash = Sha256::new().chain_update(b"id").chain_update(self.0);
        let hash: [u8; 32] = hash.finalize().into();
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        KeyId(id)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

impl FromStr for Key {
    type Err = KeyError;

    /// Accepts exactly the form of [`Key::secret`].
    fn from_str(text: &str) -> Result<Self, KeyError> {
        decoded(text).map(Self)
    }
}

/// The text is not a key, or not the id of one. It says nothing about the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key has 22 characters and its id 11, from A-Z, a-z, 0-9, - and _")]
pub struct KeyError;

fn decoded<const N: usize>(text: &str) -> Result<[u8; N], KeyError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError)?;
    bytes.try_into().map_err(|_| KeyError)
}

/// The SHA-256 of a secret, from which nobody finds the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// The hash of any secret.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

/// The public id of a key: 11 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    /// Accepts exactly the form that `Display` writes.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        decoded(text).map(Self)
    }
}

serde_as_text!(KeyId);

/// A key as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Its public id.
    pub id: KeyId,
    /// The drawing that it opens.
    pub drawing: DrawingId,
    /// The hash of the secret.
    pub hash: KeyHash,
    /// What it allows.
    pub level: Level,
    /// When it ends, in milliseconds since 1970.
    pub expires: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_spelling_and_prints_no_secret() {
        let key = Key::new([7; 16]);
        let secret = key.secret();
        assert_eq!(secret.len(), 22);
        assert_eq!(secret.parse(), Ok(key.clone()));
        assert_eq!(key.id().to_string().len(), 11);
        assert_eq!(key.id().to_string().parse(), Ok(key.id()));
        let shown = format!("{key:?} {:?} {:?}", key.id(), key.hash());
        assert!(!shown.contains(&secret), "{shown}");
        // The last character has two bits of the key and four that must be zero.
        let other = format!(
            "{}{}",
            &secret[..21],
            if secret.ends_with('w') { "x" } else { "w" }
        );
        for text in [
            "",
            "a",
            &secret[1..],
            &format!("{secret}="),
            &other,
            &format!("{secret}AA"),
        ] {
            let read = text.parse::<Key>();
            assert!(read.is_err() || read.unwrap().secret() == text, "{text}");
        }
        assert!("AAAAAAAAAAAAAAAAAAAAAB".parse::<Key>().is_err());
        assert!("AAAAAAAAAAAAAAAAAAAA+/".parse::<Key>().is_err());
    }

    #[test]
    fn the_id_tells_nothing_of_the_hash_that_is_stored() {
        let key = Key::new([9; 16]);
        assert!(!key.hash().0.starts_with(&key.id().0));
    }
}
