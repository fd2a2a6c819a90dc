//! Who is here: the writers of this server's sessions, and what other servers say of theirs.
//!
//! What was heard of another server expires by itself: nobody has to say that they left.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::model::ServerId;
use crate::queue::SessionId;
use crate::signal::{Person, Signals};

/// A server that was not heard for this many beats is gone, and so are its people.
pub const BEATS_UNTIL_GONE: u8 = 3;

/// What one server tells the others of one drawing: one row of the signal table.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ServerSignals {
    /// Asks every other server for its people: sent by a feed that is new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ask: bool,
    /// The number that its feed gave this row, from 1.
    #[serde(default)]
    pub number: u64,
    /// Asks every other server to look at the drawing's head: it was renamed or deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub look: bool,
    /// Asks every other server to append nothing for so many milliseconds, or until it sees a change
    /// that is not its own: this one has lost all swaps for long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u64>,
    /// The ink and pointers of its sessions, and, with each beat, its people.
    #[serde(flatten)]
    pub signals: Signals,
}

#[derive(Debug)]
struct Elsewhere {
    people: Vec<Person>,
    missed: u8,
}

/// Who is here.
#[derive(Debug, Default)]
pub struct Roster {
    here: BTreeMap<SessionId, Person>,
    elsewhere: HashMap<ServerId, Elsewhere>,
}

impl Roster {
    /// A session of this server is seen as this person.
    pub fn join(&mut self, session: SessionId, person: Person) {
        self.here.insert(session, person);
    }

    /// A session of this server left; true when it was seen.
    pub fn leave(&mut self, session: SessionId) -> bool {
        self.here.remove(&session).is_some()
    }

    /// The people of this server's sessions.
    pub fn here(&self) -> Vec<Person> {
        once_a_writer(self.here.values())
    }

    /// Everyone. A writer that came back through another session is here once.
    pub fn everyone(&self) -> Vec<Person> {
        once_a_writer(
            self.here
                .values()
                .chain(self.elsewhere.values().flat_map(|server| &server.people)),
        )
    }

    /// Whether another server has the drawing open.
    pub fn is_shared(&self) -> bool {
        !self.elsewhere.is_empty()
    }

    /// Whether a server was heard lately.
    pub fn knows(&self, server: ServerId) -> bool {
        self.elsewhere.contains_key(&server)
    }

    /// Another server said something, and perhaps who is there; true when that changed.
    pub fn heard(&mut self, server: ServerId, people: Option<Vec<Person>>) -> bool {
        let known = self.elsewhere.entry(server).or_insert(Elsewhere {
            people: Vec::new(),
            missed: 0,
        });
        known.missed = 0;
        match people {
            Some(people) if people != known.people => {
                known.people = people;
                true
            }
            _ => false,
        }
    }

    /// A beat passed: forgets the servers that were not heard for too long; true when people went.
    pub fn beat(&mut self) -> bool {
        let before = self.elsewhere.len();
        self.elsewhere.retain(|_, server| {
            server.missed += 1;
            server.missed <= BEATS_UNTIL_GONE
        });
        self.elsewhere.len() != before
    }
}

fn once_a_writer<'a>(people: impl Iterator<Item = &'a Person>) -> Vec<Person> {
    let mut seen = std::collections::HashSet::new();
    people
        .filter(|person| seen.insert(person.writer))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Colour, Writer};
    use uuid::Uuid;

    fn person(name: &str) -> Person {
        let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4());
        Person {
            writer: writer.id,
            by: writer.by,
            name: name.into(),
            colour: Colour([1, 2, 3]),
        }
    }

    fn names(people: Vec<Person>) -> Vec<String> {
        people.into_iter().map(|person| person.name).collect()
    }

    #[test]
    fn a_writer_is_here_once_also_when_another_server_still_names_it() {
        let mut roster = Roster::default();
        let ada = person("Ada");
        let server = ServerId::random();
        roster.join(1, ada.clone());
        assert!(!roster.knows(server));
        assert!(roster.heard(server, Some(vec![ada, person("Bob")])));
        assert!(roster.knows(server));
        assert_eq!(names(roster.everyone()), ["Ada", "Bob"]);
        assert_eq!(names(roster.here()), ["Ada"]);
        assert!(roster.leave(1));
        assert!(!roster.leave(1));
    }

    #[test]
    fn a_server_unheard_for_three_beats_is_gone() {
        let mut roster = Roster::default();
        let server = ServerId::random();
        roster.heard(server, Some(vec![person("Bob")]));
        for _ in 0..BEATS_UNTIL_GONE {
            assert!(!roster.beat());
        }
        assert!(roster.is_shared());
        assert!(roster.beat());
        assert!(!roster.is_shared());
        assert!(roster.everyone().is_empty());
    }

    #[test]
    fn a_row_between_servers_reads_back_as_it_was_written() {
        let signals = Signals {
            people: Some(vec![person("Ada")]),
            ..Signals::default()
        };
        let text = serde_json::to_string(&ServerSignals {
            ask: true,
            turn: Some(250),
            signals,
            ..ServerSignals::default()
        })
        .unwrap();
        let row: ServerSignals = serde_json::from_str(&text).unwrap();
        assert_eq!((row.ask, row.turn), (true, Some(250)));
        assert_eq!(row.signals.people.unwrap()[0].name, "Ada");
    }
}
