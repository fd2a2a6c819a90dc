//! Keys, tokens, locks and muted people: what is granted to a session, and what it is held to.
//!
//! It must never let an op be stored that the rules forbade when it was decided.

mod changes;

use whiteboard::domain::access::{Access, Claims, Drawings, Level, Mode, Shown, grant};
use whiteboard::domain::ids::{PersonId, SessionId};
use whiteboard::domain::key::{Key, StoredKey};
use whiteboard::domain::rules::{KeyRule, Rules};
use whiteboard::feed::messages::{FromSession, Request};
use whiteboard::feed::standings::Entrance;

use crate::client::ClientState;
use crate::plan::{Plan, PlannedToken};
use crate::reference::rules::{level, refusal};
use crate::world::World;

/// Keys of each drawing, which clients share.
pub const KEYS: u8 = 4;
/// A server counts whole milliseconds from when it looked at its clock: it may be behind by one.
const ROUNDING: u64 = 1;
/// An access has ended for longer than this, in milliseconds, if its timer was due.
const TIMER_WITHIN: u64 = 1 + ROUNDING;

/// How a session came in.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// What was granted, first and later.
    pub accesses: Vec<Access>,
    /// Who it is, once it said so.
    pub author: Option<PersonId>,
}

fn key(number: u8) -> Key {
    Key::new([number + 1; 16])
}

fn key_of(client: usize) -> Key {
    key(client as u8 % KEYS)
}

/// What a new drawing allows: one key owns it, and others draw.
pub fn first_rules(plan: &Plan) -> Rules {
    let level = |number| if number == 0 { Level::Own } else { Level::Draw };
    let rule = |number: u8| {
        let ends = plan.key_ends.get(usize::from(number)).copied().flatten();
        let expires = ends.map(|ends| ends.as_millis() as u64);
        let level = level(number);
        (key(number).id(), KeyRule { level, expires })
    };
    match plan.has_keys {
        true => Rules {
            version: 1,
            keys: (0..KEYS).map(rule).collect(),
            ..Rules::default()
        },
        false => Rules::default(),
    }
}

impl World {
    /// What a session of a client is granted now, if anything.
    pub fn admitted(
        &mut self,
        server: usize,
        client: usize,
        session: SessionId,
    ) -> Option<Entrance> {
        let drawing = self.clients[client].drawing;
        let token = self.token_of(client);
        let tables = &self.database.drawings[drawing].tables;
        let key = key_of(client);
        let rule = tables.rules.keys.get(&key.id());
        let stored = rule.map(|rule| StoredKey {
            id: key.id(),
            drawing: tables.id,
            hash: key.hash(),
            level: rule.level,
            expires: rule.expires,
        });
        let claims = token.map(|token| Claims {
            drawings: Drawings::Listed(vec![tables.id]),
            level: token.level,
            expires: token.ends.as_millis() as u64,
            person: None,
            name: None,
        });
        let mode = match self.plan.has_keys {
            true if self.plan.tokens.is_empty() => Mode::Links,
            true => Mode::Jwt,
            false => Mode::Open,
        };
        let access = grant(&Shown {
            mode,
            drawing: Some(tables.id),
            secret: None,
            key: Some(&key).filter(|_| claims.is_none()),
            operator: None,
            stored: stored.as_ref(),
            claims: claims.as_ref(),
            now: self.wall(server),
        })?;
        let rules = tables.rules.version;
        let visitor = self.visitors.entry(session).or_default();
        visitor.accesses.push(access);
        Some(Entrance { access, rules })
    }

    /// The token that a client shows, if it has one and no key.
    fn token_of(&self, client: usize) -> Option<PlannedToken> {
        let tokens = &self.plan.tokens;
        let tokens = tokens.get(client % self.plan.clients)?.iter().rev();
        tokens.copied().find(|token| token.from <= self.now)
    }

    /// A session is shown another token.
    pub fn session_renews(&mut self, server: usize, id: SessionId) {
        let Some(session) = self.servers[server].sessions.get(&id) else {
            return;
        };
        let client = self.sockets.get(session.socket).map(|it| it.client);
        let Some(entrance) = client.and_then(|client| self.admitted(server, client, id)) else {
            let reason = "final: it is not shared with you".to_owned();
            return self.close_session(server, id, reason);
        };
        self.coverage.count("tokens renewed");
        if let Some(session) = self.servers[server].sessions.get_mut(&id) {
            session.entrance = entrance;
        }
        let session = id;
        let renew = Request::Renew { session, entrance };
        self.tell_feed(server, id, FromSession::Request(renew));
    }

    /// Why the rules refuse the ops of a session, if they do: nothing if one of its accesses allows them.
    fn refusals_by(
        &self,
        rules: &Rules,
        session: SessionId,
        millis: u64,
    ) -> Vec<Option<&'static str>> {
        let Some(visitor) = self.visitors.get(&session) else {
            return Vec::new();
        };
        let accesses = visitor.accesses.iter();
        accesses
            .map(|access| refusal(rules, *access, visitor.author, millis))
            .collect()
    }

    /// An op of a session is stored that was decided at this time by the clock of its server.
    pub fn check_allowed(&mut self, drawing: usize, session: SessionId, decided: u64) {
        let rules = &self.database.drawings[drawing].tables.rules;
        let decided = decided.saturating_sub(ROUNDING);
        let refusals = self.refusals_by(rules, session, decided);
        let is_allowed = refusals.is_empty() || refusals.contains(&None);
        assert!(
            is_allowed,
            "an op of session {session} is stored: {refusals:?}"
        );
        let now = self.now.as_millis() as u64;
        let refusals = self.refusals_by(rules, session, now);
        if !refusals.is_empty() && !refusals.contains(&None) {
            self.coverage
                .count("access ended while an append was in flight");
        }
    }

    /// Whether some rules that the drawing had refused the ops of a session for this reason.
    pub fn was_refused_by_rules(
        &self,
        drawing: usize,
        session: SessionId,
        reason: &str,
        millis: u64,
    ) -> bool {
        let mut rules = self.rules_log.iter().filter(|(of, _)| *of == drawing);
        rules.any(|(_, rules)| {
            [0, millis].into_iter().any(|millis| {
                let refusals = self.refusals_by(rules, session, millis);
                refusals.contains(&Some(reason))
            })
        })
    }

    /// A page may not come back: what it has not sent stays with it.
    pub fn access_ended(&mut self, client: usize) -> ClientState {
        self.coverage.count("clients whose access ended");
        let writer = self.clients[client].writer.id;
        self.checks.left_unsent(writer);
        ClientState::Gone
    }

    /// No session stays when its access has ended by the clock of its server, as far as its feed knows.
    pub fn check_ends(&mut self, server: usize, drawing: usize) {
        let it = &self.servers[server];
        if !self.plan.has_keys || it.resumed_at == self.now {
            return;
        }
        let Some(feed) = it.feeds.get(&drawing) else {
            return;
        };
        let standings = feed.core.standings();
        let millis = self.wall(server).saturating_sub(TIMER_WITHIN);
        for session in it.sessions.values().filter(|it| it.drawing == drawing) {
            let visitor = self.visitors.get(&session.id);
            let accesses = visitor.map_or(&[][..], |visitor| &visitor.accesses);
            let has = |access: &Access| level(standings.rules(), *access, millis).is_some();
            assert!(
                !standings.is_here(session.id) || accesses.iter().any(has),
                "session {} is there after its access has ended",
                session.id
            );
        }
    }

    /// Whether a session of a feed is there whose access is going to end.
    pub fn awaits_an_end(&self, server: usize, drawing: usize) -> bool {
        let rules = &self.database.drawings[drawing].tables.rules;
        let sessions = self.servers[server].sessions.values();
        let mut sessions = sessions.filter(|it| it.drawing == drawing);
        sessions.any(|session| {
            let access = self.visitors.get(&session.id);
            let access = access.and_then(|visitor| visitor.accesses.last());
            access.is_some_and(|access| level(rules, *access, u64::MAX).is_none())
        })
    }

    /// Somebody has more than the rules give, or does not know what they give.
    pub fn wrong_access(&self) -> Option<String> {
        for server in &self.servers {
            let millis = self.wall(server.id);
            for (drawing, feed) in &server.feeds {
                let rules = &self.database.drawings[*drawing].tables.rules;
                let known = feed.core.standings().rules();
                let is_used = server.sessions.values().any(|it| it.drawing == *drawing);
                if is_used && known != rules {
                    return Some(format!("server {} has the rules {known:?}", server.id));
                }
            }
            for session in server.sessions.values() {
                let rules = &self.database.drawings[session.drawing].tables.rules;
                let access = *self.visitors.get(&session.id)?.accesses.last()?;
                let level = level(rules, access, millis);
                if level.is_none() {
                    return Some(format!("session {} is still there", session.id));
                }
                let told = session.told.map(|(level, locked, _)| (Some(level), locked));
                let is = (level, rules.locked);
                if told.is_some_and(|told| told != is) {
                    let id = session.id;
                    return Some(format!("session {id} was told {told:?}, and it is {is:?}"));
                }
            }
        }
        None
    }
}
