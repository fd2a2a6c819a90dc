//! What changes while sessions are there: the rules of a drawing, and the tokens of clients.
//!
//! It must never change rules without another version.

use std::time::Duration;

use whiteboard::domain::access::Level;
use whiteboard::domain::key::KeyId;
use whiteboard::domain::rules::KeyRule;

use super::{KEYS, key};
use crate::client::ClientState;
use crate::database::DatabaseEvent;
use crate::fault::Fault;
use crate::socket::Up;
use crate::world::{Event, World};

impl World {
    /// The first rules of each drawing are known, and clients will have other tokens.
    pub fn plan_access(&mut self) {
        if !self.plan.has_keys {
            return;
        }
        for (drawing, stored) in self.database.drawings.iter().enumerate() {
            self.rules_log.push((drawing, stored.tables.rules.clone()));
        }
        for (client, tokens) in self.plan.tokens.clone().into_iter().enumerate() {
            for token in tokens.iter().skip(1) {
                self.at(token.from, Event::Token(client));
            }
        }
    }

    /// A client has another token, and shows it if it is connected.
    pub fn token_renewed(&mut self, client: usize) {
        if self.clients[client].state == ClientState::Open {
            self.send(client, Up::Token);
        }
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
        let expires = rules.keys.get(&id).and_then(|rule| rule.expires);
        let mut set = |level| _ = rules.keys.insert(id, KeyRule { level, expires });
        match (fault, ends) {
            (Fault::KeyLowered, false) => set(Level::View),
            (Fault::KeyLowered, true) => set(Level::Draw),
            (Fault::DrawingLocked, _) => rules.locked = !ends,
            (Fault::PersonMuted, false) => _ = rules.muted.insert(author),
            (Fault::PersonMuted, true) => rules.muted.clear(),
            (_, false) => _ = rules.keys.remove(&id),
            (_, true) => return,
        }
        self.rules_changed(drawing);
    }

    /// A key gets an end, whether it had one or not.
    pub fn key_ends(&mut self, drawing: usize, target: usize, lasts: Duration) {
        let id: KeyId = key(1 + (target as u8 % (KEYS - 1))).id();
        self.renew_restored(drawing);
        let ends = (self.now + lasts).as_millis() as u64;
        let rules = &mut self.database.drawings[drawing].tables.rules;
        if let Some(rule) = rules.keys.get_mut(&id) {
            rule.expires = Some(ends);
            self.rules_changed(drawing);
        }
    }

    fn rules_changed(&mut self, drawing: usize) {
        let rules = &mut self.database.drawings[drawing].tables.rules;
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

    /// A change of rules that lasts begins, or one that has no end.
    pub fn rules_change(&mut self, fault: Fault, drawing: usize, target: usize, lasts: Duration) {
        for server in 0..self.servers.len() {
            self.met(fault, server);
        }
        if fault == Fault::KeyExpires {
            return self.key_ends(drawing, target, lasts);
        }
        self.change_rules(drawing, fault, target, false);
        let event = Event::RulesEnd {
            drawing,
            fault,
            target,
        };
        self.after(lasts, event);
    }
}
