//! What each session of a drawing may do: its access, judged by the drawing's rules.
//!
//! A session must never have more than the feed's known rules give it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::domain::access::{Access, Grantor, Level};
#[cfg(test)]
use crate::domain::access::{Mode, Shown, grant};
use crate::domain::ids::{PersonId, SessionId};
use crate::domain::needs::Action;
use crate::domain::op::Refusal;
use crate::domain::rules::{Rules, Standing};

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// What was granted.
    pub access: Access,
    /// The version of the drawing's rules at that time: a feed with older ones reads them first.
    pub rules: u64,
}

#[cfg(test)]
impl Entrance {
    /// That of everybody to an open server.
    pub(crate) fn open() -> Self {
        let nothing = Shown {
            mode: Mode::Open,
            drawing: None,
            secret: None,
            key: None,
            operator: None,
            stored: None,
            claims: None,
            now: 0,
        };
        Self {
            access: grant(&nothing).expect("it is open"),
            rules: 0,
        }
    }
}

/// What time it is, as the shell knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// This instant …
    at: Instant,
    /// … was this time, in milliseconds since 1970.
    millis: u64,
}

impl WallClock {
    /// At this instant it was this time, in milliseconds since 1970.
    pub fn new(at: Instant, millis: u64) -> Self {
        Self { at, millis }
    }

    fn millis(self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.at).as_millis() as u64;
        self.millis.saturating_add(since)
    }

    fn instant(self, millis: u64, now: Instant) -> Instant {
        let after = Duration::from_millis(millis.saturating_sub(self.millis(now)));
        now + after.min(FAR)
    }
}

/// Ends that are later than this are looked at again then.
const FAR: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
struct Visitor {
    access: Access,
    author: Option<PersonId>,
    /// What it was told last, once it sent hello.
    told: Option<Told>,
}

/// What a client is told about its access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) standing: Standing,
    /// Who is muted; for owners alone.
    pub(super) muted: Option<BTreeSet<PersonId>>,
}

/// What changed for a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Its access has ended.
    Ended,
    /// It may do something else than before.
    Changed(Told),
}

/// The sessions of a drawing, and the rules that they are held to.
#[derive(Debug)]
pub struct Standings {
    rules: Rules,
    clock: WallClock,
    here: BTreeMap<SessionId, Visitor>,
    /// Sessions that have ended, and whose ops may still wait.
    gone: BTreeMap<SessionId, Visitor>,
}

impl Standings {
    pub(super) fn new(clock: WallClock) -> Self {
        Self {
            rules: Rules::default(),
            clock,
            here: BTreeMap::new(),
            gone: BTreeMap::new(),
        }
    }

    /// The rules as they are known.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn take_rules(&mut self, rules: Rules, clock: WallClock) {
        self.rules = rules;
        self.clock = clock;
    }

    pub(super) fn join(&mut self, session: SessionId, access: Access) {
        let visitor = Visitor {
            access,
            author: None,
            told: None,
        };
        self.here.insert(session, visitor);
    }

    /// A session ended. What it may do still counts for its ops that wait.
    pub(super) fn leave(&mut self, session: SessionId, has_ops: bool) {
        if let Some(visitor) = self.here.remove(&session)
            && has_ops
        {
            self.gone.insert(session, visitor);
        }
    }

    /// No op waits.
    pub(super) fn forget_gone(&mut self) {
        self.gone.clear();
    }

    /// Whether a session has joined and is not gone.
    pub fn is_here(&self, session: SessionId) -> bool {
        self.here.contains_key(&session)
    }

    /// Who a session is.
    pub(super) fn hello(&mut self, session: SessionId, author: PersonId) {
        if let Some(visitor) = self.here.get_mut(&session) {
            visitor.author = Some(author);
        }
    }

    /// A session showed something else. The better access counts; of two tokens, the later one.
    pub(super) fn renew(&mut self, session: SessionId, access: Access, now: Instant) {
        let millis = self.clock.millis(now);
        if let Some(visitor) = self.here.get_mut(&session) {
            let held = self.rules.level(visitor.access, millis);
            let is_token = |access: &Access| matches!(access.by(), Grantor::Token { .. });
            let are_tokens = [visitor.access, access].iter().all(is_token);
            if are_tokens || held <= self.rules.level(access, millis) {
                visitor.access = access;
            }
        }
    }

    /// The access of a session.
    pub(super) fn access(&self, session: SessionId) -> Option<Access> {
        self.here.get(&session).map(|visitor| visitor.access)
    }

    /// What a session may do, if it is here or its ops wait, and its access has not ended.
    pub fn standing(&self, session: SessionId, now: Instant) -> Option<Standing> {
        let visitor = self.here.get(&session);
        self.of(visitor.or_else(|| self.gone.get(&session))?, now)
    }

    fn of(&self, visitor: &Visitor, now: Instant) -> Option<Standing> {
        let millis = self.clock.millis(now);
        self.rules.standing(visitor.access, visitor.author, millis)
    }

    /// Why a session may not do something, if it may not.
    pub fn refusal(&self, session: SessionId, action: Action, now: Instant) -> Option<Refusal> {
        match self.standing(session, now) {
            Some(standing) => standing.refusal(action.needs()),
            None => Some(Refusal::Forbidden),
        }
    }

    /// What a session is to be told, if it is here and its access has not ended.
    pub(super) fn tell(&mut self, session: SessionId, now: Instant) -> Option<Told> {
        let told = self.told(self.here.get(&session)?, now)?;
        self.here.get_mut(&session)?.told = Some(told.clone());
        Some(told)
    }

    fn told(&self, visitor: &Visitor, now: Instant) -> Option<Told> {
        let standing = self.of(visitor, now)?;
        let is_owner = standing.level == Level::Own;
        Some(Told {
            standing,
            muted: is_owner.then(|| self.rules.muted.clone()),
        })
    }

    /// What has changed for the sessions that are here since they were told.
    pub(super) fn review(&mut self, now: Instant) -> Vec<(SessionId, News)> {
        let mut news = Vec::new();
        for (&session, visitor) in &self.here {
            match self.told(visitor, now) {
                None => news.push((session, News::Ended)),
                Some(told) if visitor.told.as_ref().is_some_and(|before| *before != told) => {
                    news.push((session, News::Changed(told)));
                }
                Some(_) => {}
            }
        }
        for (session, news) in &news {
            if let (News::Changed(told), Some(visitor)) = (news, self.here.get_mut(session)) {
                visitor.told = Some(told.clone());
            }
        }
        news
    }

    /// Whether the access of a session ends by itself.
    pub(super) fn has_end(&self, session: SessionId) -> bool {
        let visitor = self.here.get(&session);
        visitor.is_some_and(|visitor| self.rules.expiry(visitor.access).is_some())
    }

    /// When the access of a session ends next by itself.
    pub(super) fn next_end(&self, now: Instant) -> Option<Instant> {
        let ends = self.here.values();
        let ends = ends.filter_map(|visitor| self.rules.expiry(visitor.access));
        ends.min().map(|millis| self.clock.instant(millis, now))
    }
}

#[cfg(test)]
mod tests;
