//! Who is here: the writers of this server's sessions, and what other servers say of theirs; and
//! what the sessions and the other servers were told of it.
//!
//! What was heard of another server expires by itself: nobody has to say that they left. What is
//! told has a bound, however many are here: sessions are told of [`MAX_LISTED`] by name and of the
//! number of all, other servers of [`MAX_TOLD`].

mod listed;

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use crate::domain::ids::SessionId;
use crate::domain::ids::{ServerId, WriterId};
use crate::domain::people::{People, PeopleUpdate, Person};
use crate::domain::sequence::Arrival;
use listed::Activity;
pub use listed::{MAX_LISTED, QUIET};

/// Ticks without a row before a server's people expire.
pub const TICKS_UNTIL_EXPIRED: u8 = 3;
/// Most writers of one server whom the other servers are told of by name. Beyond it a writer who is seen
/// through two servers may be counted twice. It bounds a row: some 150 KiB.
pub const MAX_TOLD: usize = 1_000;
/// The pauses between two updates of who is here, and between two frames of signals, are at least so long …
pub const SHORTEST_PAUSE: Duration = Duration::from_millis(33);
/// … and grow by so much with each writer who is here: to a second for 250, …
const PEOPLE_PAUSE_EACH: Duration = Duration::from_millis(4);
/// … but to no more than that: in a crowd nobody is told of anybody's coming more often.
const LONGEST_PEOPLE_PAUSE: Duration = Duration::from_secs(1);
/// … and with each session that gets the frame: some 5,000 frames of signals a second at most.
const SIGNAL_PAUSE_EACH: Duration = Duration::from_micros(200);
/// Ink has to come while it is drawn, however many look on.
const LONGEST_SIGNAL_PAUSE: Duration = Duration::from_millis(500);

/// How long to gather who came and left, when so many are here.
pub fn people_pause(people: usize) -> Duration {
    pause(PEOPLE_PAUSE_EACH, people, LONGEST_PEOPLE_PAUSE)
}

/// How long to gather ink and pointers for so many sessions.
pub fn signal_pause(sessions: usize) -> Duration {
    pause(SIGNAL_PAUSE_EACH, sessions, LONGEST_SIGNAL_PAUSE)
}

fn pause(each: Duration, number: usize, longest: Duration) -> Duration {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    each.saturating_mul(number).clamp(SHORTEST_PAUSE, longest)
}

/// What another server is known to have said of its people.
#[derive(Debug, Default)]
struct RemotePeople {
    people: People,
    missed: u8,
}

/// What came of a row of another server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerRowOutcome {
    /// Who is here is not what it was.
    pub changed: bool,
    /// A row before it was missed: its server is to be asked.
    pub missed: bool,
}

/// Who is here.
#[derive(Debug)]
pub struct Presence {
    local: BTreeMap<SessionId, Person>,
    remote: BTreeMap<ServerId, RemotePeople>,
    /// What the sessions were told, and the other servers.
    to_sessions: People,
    to_servers: People,
    activity: Activity,
}

impl Presence {
    /// Nobody yet. The versions of what is told begin at a number that no roster of this server for
    /// this drawing began with before.
    pub fn begin(version: u64) -> Self {
        Self {
            local: BTreeMap::new(),
            remote: BTreeMap::new(),
            to_sessions: People::begin(version),
            to_servers: People::begin(version),
            activity: Activity::default(),
        }
    }

    /// A session of this server is seen as this person.
    pub fn join(&mut self, session: SessionId, person: Person) {
        self.local.insert(session, person);
    }

    /// A session of this server left; true when it was seen.
    pub fn leave(&mut self, session: SessionId) -> bool {
        self.local.remove(&session).is_some()
    }

    /// Everyone who is known by name, this server's first. A writer that came back through another session is here once.
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

    /// How many people there are: those known by name, each once however many pages they have, and the others.
    fn count(&self, everyone: &[&Person]) -> usize {
        let persons: HashSet<_> = everyone.iter().map(|person| person.author).collect();
        let others = self.remote.values().map(|server| {
            let people = &server.people;
            people.count().saturating_sub(people.listed().len())
        });
        persons.len() + others.sum::<usize>()
    }

    /// About how many writers are here: how long to gather depends on it.
    pub fn len(&self) -> usize {
        let remote = self.remote.values();
        let remote: usize = remote.map(|server| server.people.count()).sum();
        self.local.len() + remote
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is new to the sessions, and all of it for those who missed something; nothing when
    /// nothing is.
    pub fn update_for_sessions(&mut self, now: Instant) -> Option<(PeopleUpdate, PeopleUpdate)> {
        // Taken out, since whom it chooses is borrowed from here.
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

    /// What is new to the other servers: an empty change when nothing is.
    pub fn update_for_peers(&mut self) -> PeopleUpdate {
        let mut seen = HashSet::new();
        let mut listed = BTreeMap::new();
        for person in self.local.values() {
            if seen.insert(person.writer) && listed.len() < MAX_TOLD {
                listed.insert(person.writer, person.clone());
            }
        }
        self.to_servers.become_next(seen.len(), listed)
    }

    /// All of it for the other servers.
    pub fn whole_for_peers(&mut self) -> PeopleUpdate {
        self.update_for_peers();
        self.to_servers.whole()
    }

    /// A writer moves its pointer, or draws. Whether its pointer is to be passed on: it is of use to
    /// those only who know whose it is.
    pub fn acts(&mut self, writer: WriterId, now: Instant) -> bool {
        let listed = self.to_sessions.listed();
        let all_fit = listed.len() < MAX_LISTED;
        if !all_fit {
            self.activity.note(writer, now);
        }
        all_fit || listed.contains_key(&writer)
    }

    /// Whether the sessions know a writer by name.
    pub fn lists(&self, writer: WriterId) -> bool {
        self.to_sessions.listed().contains_key(&writer)
    }

    /// Whether another server has the drawing open.
    pub fn is_shared(&self) -> bool {
        !self.remote.is_empty()
    }

    /// Whether a server was heard lately.
    pub fn knows(&self, server: ServerId) -> bool {
        self.remote.contains_key(&server)
    }

    /// Another server said something, and perhaps who is there.
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

    /// A tick passed: forgets the servers that have missed too many; true when one was forgotten.
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
