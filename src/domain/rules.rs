//! The rules of one drawing: its keys, whether it is locked, and who is muted.
//!
//! They have a version, which each change of them raises, so that a server that holds old ones
//! learns of it.

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Access, Grantor, Level};
use super::ids::PersonId;
use super::key::KeyId;
use super::needs::Need;
use super::op::Refusal;

/// Most people that are muted in one drawing.
pub const MAX_MUTED: usize = 1_000;

/// What a key allows, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRule {
    /// What it allows.
    pub level: Level,
    /// When it ends, in milliseconds since 1970.
    pub expires: Option<u64>,
}

/// The rules of one drawing. Those of version 0 are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Their version, from 1; 0 if nobody has ever changed them.
    pub version: u64,
    /// Whether only owners may change the drawing.
    pub locked: bool,
    /// The people who may not change it, unless they own it.
    pub muted: BTreeSet<PersonId>,
    /// Its keys.
    pub keys: BTreeMap<KeyId, KeyRule>,
}

/// What somebody may do in one drawing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Their level.
    pub level: Level,
    /// Only owners may change the drawing.
    pub locked: bool,
    /// They may not change it.
    pub muted: bool,
}

impl Standing {
    /// Why something that needs this is refused, if it is.
    pub fn refusal(self, need: Need) -> Option<Refusal> {
        let least = match need {
            Need::Nothing => return None,
            Need::Level(least) | Need::Unhindered(least) => least,
            Need::Operator | Need::Creator => return Some(Refusal::Forbidden),
        };
        if self.level < least {
            return Some(Refusal::Forbidden);
        }
        let is_hindered = matches!(need, Need::Unhindered(_)) && self.level < Level::Own;
        match (is_hindered, self.locked, self.muted) {
            (true, true, _) => Some(Refusal::Locked),
            (true, false, true) => Some(Refusal::Muted),
            _ => None,
        }
    }
}

impl Rules {
    /// The level that an access has under these rules at this time, in milliseconds since 1970.
    pub fn level(&self, access: Access, now: u64) -> Option<Level> {
        match access.by() {
            Grantor::Open | Grantor::Operator => Some(access.level()),
            Grantor::Token { expires } => (now < expires).then_some(access.level()),
            Grantor::Key(id) => {
                let key = self.keys.get(&id)?;
                key.expires
                    .is_none_or(|expires| now < expires)
                    .then_some(key.level)
            }
        }
    }

    /// When an access ends by itself, in milliseconds since 1970.
    pub fn expiry(&self, access: Access) -> Option<u64> {
        match access.by() {
            Grantor::Open | Grantor::Operator => None,
            Grantor::Token { expires } => Some(expires),
            Grantor::Key(id) => self.keys.get(&id)?.expires,
        }
    }

    /// What somebody with this access may do under these rules, if anything.
    pub fn standing(&self, access: Access, author: Option<PersonId>, now: u64) -> Option<Standing> {
        Some(Standing {
            level: self.level(access, now)?,
            locked: self.locked,
            muted: author.is_some_and(|author| self.muted.contains(&author)),
        })
    }
}

#[cfg(test)]
mod tests;
