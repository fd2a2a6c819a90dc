//! The types of a drawing and their rules.
//!
//! Nothing here does I/O, reads a clock, waits, or depends on storage or transport.

/// Serialises a type as the text that `Display` writes and `FromStr` reads.
macro_rules! serde_as_text {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text =
                    <std::borrow::Cow<str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub mod access;
pub mod asset;
pub mod batch;
pub mod colour;
pub mod drawing;
mod hex;
pub mod ids;
pub mod ink;
pub mod key;
pub mod level;
pub mod needs;
pub mod op;
pub mod people;
pub mod points;
pub mod rules;
pub mod sequence;
pub mod signal;
pub mod stroke;
pub mod timestamp;
pub mod token;
