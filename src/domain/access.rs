//! Who may do what with a drawing.
//!
//! An [`Access`] must never be made but by [`grant`]: its fields are private, so that code that
//! holds one holds the proof that somebody showed what it takes.

use std::fmt;

use super::ids::{DrawingId, PersonId};
use super::key::{Key, KeyHash, KeyId, StoredKey};
pub use super::level::{Level, LevelError};

/// How a server decides who has access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Whoever reaches it owns everything.
    Open,
    /// Whoever shows a key has what the key allows.
    Links,
    /// The same, and whoever shows a token that somebody else has signed.
    Jwt,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 3] = [Mode::Open, Mode::Links, Mode::Jwt];

    /// Its name in the settings and in pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Open => "open",
            Mode::Links => "links",
            Mode::Jwt => "jwt",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who may create drawings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creators {
    /// Whoever reaches the server, with a token where tokens are needed.
    Everyone,
    /// The operator.
    Operator,
}

/// The drawings that a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drawings {
    /// All.
    All,
    /// Those.
    Listed(Vec<DrawingId>),
}

/// What a token says whose signature is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The drawings that it is about.
    pub drawings: Drawings,
    /// What it allows there.
    pub level: Level,
    /// When it ends, in milliseconds since 1970.
    pub expires: u64,
    /// Who it was given to, if it says so.
    pub person: Option<PersonId>,
    /// Their name, if it says so.
    pub name: Option<String>,
}

/// Who granted an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grantor {
    /// The server is open.
    Open,
    /// The operator's key.
    Operator,
    /// A key of the drawing, as long as it is not revoked.
    Key(KeyId),
    /// A token, until its time.
    Token {
        /// When it ends, in milliseconds since 1970.
        expires: u64,
    },
}

impl fmt::Display for Grantor {
    /// For the log of changes: never a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grantor::Open => f.write_str("anyone"),
            Grantor::Operator => f.write_str("the operator"),
            Grantor::Key(id) => write!(f, "key {id}"),
            Grantor::Token { .. } => f.write_str("a token"),
        }
    }
}

/// The access that somebody has to one drawing. Only [`grant`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    level: Level,
    by: Grantor,
}

impl Access {
    /// What it allows. If a key granted it, the key may be lowered or revoked later.
    pub fn level(self) -> Level {
        self.level
    }

    /// Who granted it.
    pub fn by(self) -> Grantor {
        self.by
    }

    /// The key that granted it, if one did.
    pub fn key(self) -> Option<KeyId> {
        match self.by {
            Grantor::Key(id) => Some(id),
            _ => None,
        }
    }

    /// Whether it is the operator's, who may also list and create drawings.
    pub fn is_operator(self) -> bool {
        matches!(self.by, Grantor::Open | Grantor::Operator)
    }
}

/// What somebody shows for access to one drawing, and what is known about that.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// How this server decides.
    pub mode: Mode,
    /// The drawing; `None` for what concerns no single one.
    pub drawing: Option<DrawingId>,
    /// The hash of what is shown.
    pub secret: Option<KeyHash>,
    /// The key that is shown, if it has the form of one.
    pub key: Option<&'a Key>,
    /// The hash of the operator's key, if there is one.
    pub operator: Option<KeyHash>,
    /// The key that is stored under the id of the one that is shown.
    pub stored: Option<&'a StoredKey>,
    /// What the token says that is shown, if its signature is valid.
    pub claims: Option<&'a Claims>,
    /// The time, in milliseconds since 1970.
    pub now: u64,
}

/// The access that this is worth: the only way to one.
pub fn grant(shown: &Shown) -> Option<Access> {
    if shown.mode == Mode::Open {
        let by = Grantor::Open;
        return Some(Access {
            level: Level::Own,
            by,
        });
    }
    if shown.operator.is_some() && shown.operator == shown.secret {
        let by = Grantor::Operator;
        return Some(Access {
            level: Level::Own,
            by,
        });
    }
    by_key(shown).or_else(|| by_token(shown))
}

fn by_key(shown: &Shown) -> Option<Access> {
    let (key, stored) = (shown.key?, shown.stored?);
    let is_valid = Some(stored.drawing) == shown.drawing
        && stored.id == key.id()
        && stored.hash == key.hash()
        && stored.expires.is_none_or(|expires| shown.now < expires);
    is_valid.then_some(Access {
        level: stored.level,
        by: Grantor::Key(stored.id),
    })
}

fn by_token(shown: &Shown) -> Option<Access> {
    let claims = shown.claims.filter(|_| shown.mode == Mode::Jwt)?;
    let is_about = match (&claims.drawings, shown.drawing) {
        (Drawings::All, _) => true,
        (Drawings::Listed(listed), Some(drawing)) => listed.contains(&drawing),
        (Drawings::Listed(_), None) => false,
    };
    let is_valid = is_about && shown.now < claims.expires;
    is_valid.then_some(Access {
        level: claims.level,
        by: Grantor::Token {
            expires: claims.expires,
        },
    })
}

#[cfg(test)]
mod tests;
