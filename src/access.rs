//! Who may do what on this server: looks up what somebody shows, and grants what that is worth.
//!
//! A secret must never be logged, nor may the work for a wrong one depend on whether the drawing
//! exists.

mod tokens;

use std::collections::HashMap;
use std::fmt::Display;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::access::{Access, Claims, Creators, Level, Mode, Shown, grant};
use crate::domain::ids::{DrawingId, PersonId};
use crate::domain::key::{Key, KeyHash, KeyId, StoredKey};
use crate::metrics::Metrics;
use crate::store::{DrawingInfo, KeyInfo, NewKey, Store, StoreError};

pub use tokens::TokenKeys;

/// Longest token or key that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// A key's last use is noted at most this often, in milliseconds.
const NOTE_INTERVAL: u64 = 60_000;
/// What the log says of a drawing that is deleted.
pub const DELETED: &str = "deleted it";
/// What the log says of a deletion that is taken back.
pub const RESTORED: &str = "restored it";
/// What the key of a new drawing is called.
const FIRST_KEY: &str = "";

/// How this server decides who may do what.
pub struct AccessControl {
    store: Store,
    mode: Mode,
    creators: Creators,
    operator: Option<KeyHash>,
    tokens: Option<TokenKeys>,
}

/// Somebody may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// What they may do.
    pub access: Access,
    /// The version of the drawing's rules at that time.
    pub rules: u64,
    /// Who they are, if a token says so.
    pub person: Option<PersonId>,
    /// Their name, if a token says so.
    pub name: Option<String>,
}

/// Why somebody may not come in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// They showed nothing that opens this drawing, or there is no such drawing.
    #[error("there is no such drawing, or it is not shared with you")]
    NotShared,
    /// Nobody knows, since the database does not answer.
    #[error(transparent)]
    Unknown(#[from] StoreError),
}

/// The time, in milliseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// Logs a change of who may do what, a deletion, or that one was taken back.
pub fn audit(drawing: DrawingId, who: impl Display, what: &str) {
    log::info!(target: "whiteboard::audit", "drawing {drawing}: {who} {what}");
}

/// What the log says of a key that is revoked.
pub fn revoked(key: KeyId) -> String {
    format!("revoked key {key}")
}

/// A new key, of 128 bits from the operating system.
pub fn new_key() -> Key {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the operating system has random numbers");
    Key::new(random)
}

impl AccessControl {
    /// Decides by this mode.
    pub fn new(
        store: Store,
        mode: Mode,
        creators: Creators,
        operator_key: &str,
        tokens: Option<TokenKeys>,
    ) -> Self {
        let operator = (!operator_key.is_empty()).then(|| KeyHash::of(operator_key.as_bytes()));
        Self {
            store,
            mode,
            creators,
            operator,
            tokens,
        }
    }

    /// How it decides.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The metrics of this server.
    pub fn metrics(&self) -> &Metrics {
        self.store.metrics()
    }

    /// The access that everybody has to everything, if the server is open.
    pub fn open(&self) -> Option<Admission> {
        (self.mode == Mode::Open).then(|| self.judged(None, None, None, None))?
    }

    /// What somebody may do with a drawing who shows this.
    ///
    /// A token that has the form of a key costs one look for one row, whatever is true of it and of
    /// the drawing.
    ///
    /// # Errors
    ///
    /// [`Denied`].
    pub async fn admit(
        &self,
        drawing: DrawingId,
        shown: Option<&str>,
        name: Option<&str>,
    ) -> Result<Admission, Denied> {
        if let Some(everybody) = self.open() {
            return Ok(everybody);
        }
        let text = shown.filter(|text| text.len() <= MAX_TOKEN_BYTES);
        let text = text.ok_or(Denied::NotShared)?;
        if let Ok(key) = text.parse::<Key>() {
            let found = self.store.find_key(drawing, key.id()).await?;
            let (stored, rules) = match &found {
                Some((info, rules)) => (Some(info.key), *rules),
                None => (None, 0),
            };
            let admission = self.judged(Some(drawing), Some(text), stored.as_ref(), None);
            let mut admission = admission.ok_or(Denied::NotShared)?;
            admission.rules = rules;
            if let Some((info, _)) = found {
                self.note_use(&info, admission.access, name);
            }
            return Ok(admission);
        }
        let claims = self.tokens.as_ref().and_then(|it| it.claims(text));
        let admission = self.judged(Some(drawing), Some(text), None, claims.as_ref());
        admission.ok_or(Denied::NotShared)
    }

    /// Whether somebody who shows this may create a drawing.
    pub fn may_create(&self, shown: Option<&str>) -> bool {
        let is_operator = self.operator.is_some_and(|operator| {
            shown.is_some_and(|text| KeyHash::of(text.as_bytes()) == operator)
        });
        let is_one = match (self.creators, self.mode) {
            (Creators::Operator, _) => false,
            (Creators::Everyone, Mode::Jwt) => shown.is_some_and(|text| {
                let claims = self.tokens.as_ref().and_then(|it| it.claims(text));
                claims.is_some_and(|claims| now() < claims.expires)
            }),
            (Creators::Everyone, Mode::Open | Mode::Links) => true,
        };
        is_operator || is_one
    }

    /// Whether somebody who shows this may see the list of all drawings: the operator, and everybody of
    /// an open server.
    pub fn is_operator(&self, shown: Option<&str>) -> bool {
        let admission = self.judged(None, shown, None, None);
        admission.is_some_and(|admission| admission.access.is_operator())
    }

    /// Creates a drawing; where keys count, with a key that owns it.
    ///
    /// # Errors
    ///
    /// Those of [`Store::create`].
    pub async fn create(&self, title: &str) -> Result<(DrawingInfo, Option<Key>), StoreError> {
        if self.mode == Mode::Open {
            return Ok((self.store.create(title).await?, None));
        }
        let key = new_key();
        let first = NewKey {
            id: key.id(),
            hash: key.hash(),
            level: Level::Own,
            name: FIRST_KEY.to_owned(),
            expires: None,
        };
        Ok((self.store.create_owned(title, &first).await?, Some(key)))
    }

    /// The drawings that these keys open, and what they allow, in any order.
    ///
    /// # Errors
    ///
    /// Those of every query.
    pub async fn held(
        &self,
        held: &[(DrawingId, Key)],
    ) -> Result<Vec<(DrawingInfo, Access)>, StoreError> {
        let ids: Vec<_> = held.iter().map(|(id, key)| (*id, key.id())).collect();
        let stored = match self.mode {
            Mode::Open => Vec::new(),
            Mode::Links | Mode::Jwt => self.store.find_keys(&ids).await?,
        };
        let mut granted = HashMap::<DrawingId, Access>::new();
        for (drawing, key) in held {
            let is_it = |info: &&KeyInfo| info.key.id == key.id() && info.key.drawing == *drawing;
            let stored = stored.iter().find(is_it).map(|info| info.key);
            let secret = key.secret();
            let admission = self.judged(Some(*drawing), Some(&secret), stored.as_ref(), None);
            if let Some(Admission { access, .. }) = admission {
                let best = granted.entry(*drawing).or_insert(access);
                if best.level() < access.level() {
                    *best = access;
                }
            }
        }
        let ids: Vec<_> = granted.keys().copied().collect();
        let found = self.store.get_many(&ids).await?.into_iter();
        let with_access = |info: DrawingInfo| {
            let access = granted[&info.id];
            (info, access)
        };
        Ok(found.map(with_access).collect())
    }

    fn judged(
        &self,
        drawing: Option<DrawingId>,
        text: Option<&str>,
        stored: Option<&StoredKey>,
        claims: Option<&Claims>,
    ) -> Option<Admission> {
        let key = text.and_then(|text| text.parse().ok());
        let access = grant(&Shown {
            mode: self.mode,
            drawing,
            secret: text.map(|text| KeyHash::of(text.as_bytes())),
            key: key.as_ref(),
            operator: self.operator,
            stored,
            claims,
            now: now(),
        })?;
        Some(Admission {
            access,
            rules: 0,
            person: claims.and_then(|claims| claims.person),
            name: claims.and_then(|claims| claims.name.clone()),
        })
    }

    /// Notes the use of a key, unless that was noted a moment ago. Nobody waits for it.
    fn note_use(&self, info: &KeyInfo, access: Access, name: Option<&str>) {
        let is_recent = |used: u64| now().saturating_sub(used) < NOTE_INTERVAL;
        let is_key = access.key() == Some(info.key.id);
        if !is_key || info.last_used.is_some_and(is_recent) {
            return;
        }
        let (store, key) = (self.store.clone(), info.key);
        let name = name.map(str::to_owned);
        tokio::spawn(async move {
            let noted = store.note_key_use(key.drawing, key.id, name).await;
            if let Err(error) = noted {
                log::debug!("the use of key {} was not noted: {error}", key.id);
            }
        });
    }
}
