//! Presence: the writers of this server's sessions and of other servers, and the lists sent to the
//! sessions and to other servers.
//!
//! Another server's list expires by itself, so no leave message is needed. What is sent is bounded,
//! whatever the number of people: sessions get [`MAX_LISTED`] names and the total number, other
//! servers [`MAX_LISTED_TO_PEERS`] names.

mod listed;

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use crate::domain::ids::SessionId;
use crate::domain::ids::{ServerId, WriterId};
use crate::domain::key::KeyId;
use crate::domain::people::{People, PeopleUpdate, Person, Present};
use crate::domain::sequence::Arrival;
use listed::Activity;
pub use listed::{MAX_LISTED, QUIET};

/// Ticks without a row before a server's people expire.
pub const TICKS_UNTIL_EXPIRED: u8 = 3;
/// Most writers of one server that are listed to the other servers. A writer beyond it who is seen
/// through two servers may be counted twice. It bounds a row to some 150 KiB.
pub const MAX_LISTED_TO_PEERS: usize = 1_000;
/// Least pause between two presence updates, and between two frames of signals.
pub const MIN_PAUSE: Duration = Duration::from_millis(33);
/// Increase of the pause for each writer: it is a second at 250.
const PEOPLE_PAUSE_EACH: Duration = Duration::from_millis(4);
/// Longest pause between two presence updates.
const MAX_PEOPLE_PAUSE: Duration = Duration::from_secs(1);
/// Increase of the pause between frames of signals for each session: some 5,000 frames per second
/// at most.
const SIGNAL_PAUSE_EACH: Duration = Duration::from_micros(200);
/// Longest pause between frames of signals: ink has to arrive while it is drawn.
const MAX_SIGNAL_PAUSE: Duration = Duration::from_millis(500);

/// How long to gather presence changes, with this many people.
pub fn people_pause(people: usize) -> Duration {
    pause(PEOPLE_PAUSE_EACH, people, MAX_PEOPLE_PAUSE)
}

/// How long to gather ink and pointers for this many sessions.
pub fn signal_pause(sessions: usize) -> Duration {
    pause(SIGNAL_PAUSE_EACH, sessions, MAX_SIGNAL_PAUSE)
}

fn pause(each: Duration, number: usize, longest: Duration) -> Duration {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    each.saturating_mul(number).clamp(MIN_PAUSE, longest)
}

/// Another server's list as received.
#[derive(Debug, Default)]
struct RemotePeople {
    people: People,
    missed: u8,
}

/// The effect of a row of another server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerRowOutcome {
    /// The presence has changed.
    pub changed: bool,
    /// A row before it was missed: request the whole list.
    pub missed: bool,
}

/// The presence of one drawing on one server.
#[derive(Debug)]
pub struct Presence {
    local: BTreeMap<SessionId, Person>,
    remote: BTreeMap<ServerId, RemotePeople>,
    /// The lists as sent to the sessions and to the other servers.
    to_sessions: People,
    to_servers: People,
    activity: Activity,
}

impl Presence {
    /// No people. Versions begin at a number that no earlier feed of this drawing on this server
    /// began with.
    pub fn begin(version: u64) -> Self {
        Self {
            local: BTreeMap::new(),
            remote: BTreeMap::new(),
            to_sessions: People::begin(version),
            to_servers: People::begin(version),
            activity: Activity::default(),
        }
    }

    /// A session of this server is present as this person.
    pub fn join(&mut self, session: SessionId, person: Person) {
        self.local.insert(session, person);
    }

    /// A session of this server is here by another key; true if it is present and that is news.
    pub fn set_key(&mut self, session: SessionId, key: Option<KeyId>) -> bool {
        let person = self.local.get_mut(&session);
        person.is_some_and(|person| std::mem::replace(&mut person.key, key) != key)
    }

    /// A session of this server left; true if it was present.
    pub fn leave(&mut self, session: SessionId) -> bool {
        self.local.remove(&session).is_some()
    }

    /// All people known by name, this server's first. A writer with several sessions is listed
    /// once.
    fn everyone(&self) -> Vec<&Person> {
        let remote = self.remote.values();
        let remote = remote.flat_map(|server| server.people.listed().values());
        let mut seen = HashSet::new();
        self.local
            .values()
            .chain(remote)
            .filter(|person| seen.insert(person.writer))
            .collect()
    }

    /// Number of people: those known by name, each counted once for all their tabs, and the others.
    fn count(&self, everyone: &[&Person]) -> usize {
        let persons: HashSet<_> = everyone.iter().map(|person| person.author).collect();
        let others = self.remote.values().map(|server| {
            let people = &server.people;
            people.count().saturating_sub(people.listed().len())
        });
        persons.len() + others.sum::<usize>()
    }

    /// Approximate number of writers, which determines how long to gather.
    pub fn writers(&self) -> usize {
        let remote = self.remote.values();
        let remote: usize = remote.map(|server| server.people.count()).sum();
        self.local.len() + remote
    }

    /// The changes for the sessions, and the whole list for those that missed some; `None` when
    /// nothing changed.
    pub fn update_for_sessions(&mut self, now: Instant) -> Option<(PeopleUpdate, PeopleUpdate)> {
        // Taken out, since the chosen people are borrowed from `self`.
        let mut activity = std::mem::take(&mut self.activity);
        let everyone = self.everyone();
        let count = self.count(&everyone);
        let listed = activity
            .choose(self.to_sessions.listed(), &everyone, now)
            .into_iter()
            .map(|(writer, person)| (writer, person.clone()))
            .collect();
        self.activity = activity;
        let news = self.to_sessions.become_next(count, listed);
        news.is_change().then(|| (news, self.to_sessions.whole()))
    }

    /// Those who are present as the sessions know them, in short.
    pub fn present(&self) -> Present {
        self.to_sessions.present()
    }

    /// The changes for the other servers; empty when there are none.
    pub fn update_for_peers(&mut self) -> PeopleUpdate {
        let mut seen = HashSet::new();
        let mut listed = BTreeMap::new();
        for person in self.local.values() {
            if seen.insert(person.writer) && listed.len() < MAX_LISTED_TO_PEERS {
                listed.insert(person.writer, person.clone());
            }
        }
        self.to_servers.become_next(seen.len(), listed)
    }

    /// The whole list for the other servers.
    pub fn whole_for_peers(&mut self) -> PeopleUpdate {
        self.update_for_peers();
        self.to_servers.whole()
    }

    /// A writer moves its pointer or draws. Returns whether to send its pointer: receivers need its
    /// owner in their list.
    pub fn acts(&mut self, writer: WriterId, now: Instant) -> bool {
        let listed = self.to_sessions.listed();
        let all_fit = listed.len() < MAX_LISTED;
        if !all_fit {
            self.activity.note(writer, now);
        }
        all_fit || listed.contains_key(&writer)
    }

    /// Whether a writer is in the sessions' list.
    pub fn lists(&self, writer: WriterId) -> bool {
        self.to_sessions.listed().contains_key(&writer)
    }

    /// Whether another server has the drawing open.
    pub fn is_shared(&self) -> bool {
        !self.remote.is_empty()
    }

    /// Whether a row of a server was received lately.
    pub fn knows(&self, server: ServerId) -> bool {
        self.remote.contains_key(&server)
    }

    /// Number of other servers that have the drawing open.
    pub fn peers(&self) -> usize {
        self.remote.len()
    }

    /// A row of another server arrived, perhaps with its people.
    pub fn on_row(&mut self, server: ServerId, presence: Option<PeopleUpdate>) -> PeerRowOutcome {
        let known = self.remote.entry(server).or_default();
        known.missed = 0;
        let Some(presence) = presence else {
            return PeerRowOutcome::default();
        };
        let arrival = known.people.take(presence);
        PeerRowOutcome {
            changed: arrival == Arrival::Next,
            missed: arrival == Arrival::Gap,
        }
    }

    /// A heartbeat interval passed: drops servers that have missed too many; true if one was
    /// dropped.
    pub fn expire_peers(&mut self) -> bool {
        let before = self.remote.len();
        self.remote.retain(|_, server| {
            server.missed += 1;
            server.missed <= TICKS_UNTIL_EXPIRED
        });
        self.remote.len() != before
    }
}

#[cfg(test)]
mod tests;
