//! Keys, locks and muted people: what is granted to a session, and what changes while it is there.
//!
//! It must never let an op be stored that the rules forbade at that moment.

use std::time::Duration;

use whiteboard::domain::access::{Access, Level, Mode, Shown, grant};
use whiteboard::domain::ids::{PersonId, SessionId};
use whiteboard::domain::key::{Key, KeyId, StoredKey};
use whiteboard::domain::needs::Action;
use whiteboard::domain::rules::{KeyRule, Rules};
use whiteboard::feed::standings::Entrance;

use crate::client::ClientState;
use crate::database::DatabaseEvent;
use crate::fault::Fault;
use crate::world::{Event, World};

/// Keys of each drawing, which clients share.
const KEYS: u8 = 4;

/// How a session came in.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// What was granted.
    pub access: Access,
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
pub fn first_rules(plan_has_keys: bool) -> Rules {
    let level = |number| if number == 0 { Level::Own } else { Level::Draw };
    let rule = |number| {
        let (level, expires) = (level(number), None);
        (key(number).id(), KeyRule { level, expires })
    };
    match plan_has_keys {
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
    pub fn admitted(&mut self, client: usize, session: SessionId) -> Option<Entrance> {
        let drawing = self.clients[client].drawing;
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
        let mode = match self.plan.has_keys {
            true => Mode::Links,
            false => Mode::Open,
        };
        let access = grant(&Shown {
            mode,
            drawing: Some(tables.id),
            secret: None,
            key: Some(&key),
            operator: None,
            stored: stored.as_ref(),
            claims: None,
            now: 0,
        })?;
        let author = None;
        let rules = tables.rules.version;
        self.visitors.insert(session, Visitor { access, author });
        Some(Entrance { access, rules })
    }

    /// Why the rules refuse the ops of a session, if they do.
    fn refusal_by(&self, rules: &Rules, session: SessionId) -> Option<&'static str> {
        let visitor = self.visitors.get(&session)?;
        let standing = rules.standing(visitor.access, visitor.author, 0);
        match standing {
            Some(standing) => Some(standing.refusal(Action::Change.needs())?.code()),
            None => Some("forbidden"),
        }
    }

    /// An op of a session is stored.
    pub fn check_allowed(&self, drawing: usize, session: SessionId) {
        let rules = &self.database.drawings[drawing].tables.rules;
        let refusal = self.refusal_by(rules, session);
        assert_eq!(refusal, None, "an op of session {session} is stored");
    }

    /// Whether some rules that the drawing had refused the ops of a session for this reason.
    pub fn was_refused_by_rules(&self, drawing: usize, session: SessionId, reason: &str) -> bool {
        let mut rules = self.rules_log.iter();
        rules.any(|(of, rules)| *of == drawing && self.refusal_by(rules, session) == Some(reason))
    }

    /// The rules of a drawing change, and the servers are told: those that are not, find out later.
    pub fn change_rules(&mut self, drawing: usize, fault: Fault, target: usize, ends: bool) {
        let Some(who) = self.client_for(target) else {
            return;
        };
        let author = self.clients[who].writer.author;
        let id: KeyId = key(1 + (target as u8 % (KEYS - 1))).id();
        self.renew_restored(drawing);
        let rules = &mut self.database.drawings[drawing].tables.rules;
        let mut set = |level| {
            let expires = None;
            rules.keys.insert(id, KeyRule { level, expires });
        };
        match (fault, ends) {
            (Fault::KeyLowered, false) => set(Level::View),
            (Fault::KeyLowered, true) => set(Level::Draw),
            (Fault::DrawingLocked, _) => rules.locked = !ends,
            (Fault::PersonMuted, false) => _ = rules.muted.insert(author),
            (Fault::PersonMuted, true) => rules.muted.clear(),
            (_, false) => _ = rules.keys.remove(&id),
            (_, true) => return,
        }
        rules.version += 1;
        let rules = rules.clone();
        self.note(|| format!("database: rules {rules:?}"));
        self.rules_log.push((drawing, rules));
        self.coverage.count("rules changed");
        for server in 0..self.servers.len() {
            let is_told = self.random.u32(..4) > 0;
            if is_told && self.servers[server].feeds.contains_key(&drawing) {
                let asker = self.asker(server, drawing);
                let asked = self.instant(self.servers[server].ahead);
                let wait = self.millis(0..=20);
                let check = DatabaseEvent::CheckHead(asker, asked);
                self.after(wait, Event::Database(check));
            }
        }
    }

    /// A change of rules that lasts begins.
    pub fn rules_change(&mut self, fault: Fault, drawing: usize, target: usize, lasts: Duration) {
        for server in 0..self.servers.len() {
            self.met(fault, server);
        }
        self.change_rules(drawing, fault, target, false);
        let event = Event::RulesEnd {
            drawing,
            fault,
            target,
        };
        self.after(lasts, event);
    }

    /// A page may not come back: what it has not sent stays with it.
    pub fn access_ended(&mut self, client: usize) -> ClientState {
        self.coverage.count("clients whose access ended");
        let writer = self.clients[client].writer.id;
        self.checks.left_unsent(writer);
        ClientState::Gone
    }

    /// Somebody has more than the rules give, or does not know what they give.
    pub fn wrong_access(&self) -> Option<String> {
        for server in &self.servers {
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
                let visitor = self.visitors.get(&session.id)?;
                if rules.level(visitor.access, 0).is_none() {
                    return Some(format!("session {} is still there", session.id));
                }
                let told = session.told.map(|(level, locked, _)| (Some(level), locked));
                let is = (rules.level(visitor.access, 0), rules.locked);
                if told.is_some_and(|told| told != is) {
                    let id = session.id;
                    return Some(format!("session {id} was told {told:?}, and it is {is:?}"));
                }
            }
        }
        None
    }
}
