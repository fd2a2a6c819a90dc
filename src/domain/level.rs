//! Levels of access, from least to most.
//!
//! Nothing else may be compared with `<` where access is judged.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What one may do with a drawing, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Viewing, and being listed as present.
    View,
    /// Also drawing.
    Draw,
    /// Also renaming, deleting and sharing.
    Own,
}

impl Level {
    /// All of them, from least to most.
    pub const ALL: [Level; 3] = [Level::View, Level::Draw, Level::Own];

    /// Its name in the protocol and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::View => "view",
            Level::Draw => "draw",
            Level::Own => "own",
        }
    }
}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(text: &str) -> Result<Self, LevelError> {
        let mut all = Self::ALL.into_iter();
        all.find(|level| level.as_str() == text).ok_or(LevelError)
    }
}

/// The text is not a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("access is view, draw or own")]
pub struct LevelError;
