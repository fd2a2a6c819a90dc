//! Presence: the people in a drawing, sent as a whole or as changes, and the receiver's copy of it.
//!
//! A sender and its receivers hold the same [`People`]. A change applies only to the version that
//! it names.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::domain::colour::Colour;
use crate::domain::ids::{PersonId, WriterId};
use crate::domain::key::KeyId;
use crate::domain::sequence::Arrival;

/// Longest name of a person, in characters.
pub const MAX_NAME_CHARS: usize = 40;

/// Most people who are named where it is only said in short who is present.
pub const MAX_NAMED: usize = 3;

/// A writer in the drawing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The writer's id, one per client.
    pub writer: WriterId,
    /// The person that the writer belongs to.
    pub author: PersonId,
    /// The name they gave.
    pub name: String,
    /// The colour of their pointer.
    pub colour: Colour,
    /// The key that let them in, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
}

/// A presence message: the whole list, or what changed between two versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleUpdate {
    /// The version that it changes; `None` for the whole list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// The version that it results in.
    pub version: u64,
    /// Number of people, including those who are not listed.
    pub count: usize,
    /// Listed people that are new or have changed; in a whole list, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<Person>,
    /// Those who are listed no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<WriterId>,
}

/// Who is present, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Present {
    /// Number of people, each counted once for all their tabs.
    pub count: usize,
    /// The names of the first of them, at most [`MAX_NAMED`].
    pub names: Vec<String>,
}

/// One version of the presence list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    version: u64,
    count: usize,
    listed: BTreeMap<WriterId, Person>,
}

impl People {
    /// The empty list of a new sender. A start number that no earlier sender used keeps their
    /// versions apart.
    pub fn begin(version: u64) -> Self {
        Self {
            version,
            ..Self::default()
        }
    }

    /// Number of people, including those who are not listed.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Those who are listed.
    pub fn listed(&self) -> &BTreeMap<WriterId, Person> {
        &self.listed
    }

    /// Those who are present, in short: a person with several writers is named once.
    pub fn present(&self) -> Present {
        let mut named = HashSet::new();
        let people = self.listed.values();
        let once = people.filter(|person| named.insert(person.author));
        Present {
            count: self.count,
            names: once.take(MAX_NAMED).map(|it| it.name.clone()).collect(),
        }
    }

    /// The whole list as a message.
    pub fn whole(&self) -> PeopleUpdate {
        PeopleUpdate {
            from: None,
            version: self.version,
            count: self.count,
            joined: self.listed.values().cloned().collect(),
            left: Vec::new(),
        }
    }

    /// Becomes the next version if it differs, and returns what changed. Without a difference the
    /// change is empty and leads from the version to itself.
    pub fn become_next(
        &mut self,
        count: usize,
        listed: BTreeMap<WriterId, Person>,
    ) -> PeopleUpdate {
        let joined: Vec<_> = listed
            .iter()
            .filter(|(writer, person)| self.listed.get(writer) != Some(person))
            .map(|(_, person)| person.clone())
            .collect();
        let left: Vec<_> = self
            .listed
            .keys()
            .filter(|writer| !listed.contains_key(writer))
            .copied()
            .collect();
        let from = self.version;
        let changed = count != self.count || !joined.is_empty() || !left.is_empty();
        *self = Self {
            version: from + u64::from(changed),
            count,
            listed,
        };
        PeopleUpdate {
            from: Some(from),
            version: self.version,
            count,
            joined,
            left,
        }
    }

    /// Applies a message if it is a whole list or changes this version.
    pub fn take(&mut self, update: PeopleUpdate) -> Arrival {
        match update.from {
            Some(_) if update.version == self.version => return Arrival::Stale,
            Some(from) if from != self.version => return Arrival::Gap,
            Some(_) => {}
            None => self.listed.clear(),
        }
        self.version = update.version;
        self.count = update.count;
        for writer in update.left {
            self.listed.remove(&writer);
        }
        let joined = update.joined.into_iter();
        self.listed
            .extend(joined.map(|person| (person.writer, person)));
        Arrival::Next
    }
}

impl PeopleUpdate {
    /// Whether it changes something.
    pub fn is_change(&self) -> bool {
        self.from != Some(self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Writer;
    use proptest::prelude::*;
    use uuid::Uuid;

    /// One of a few people, under one of a few names.
    fn person(number: u8, name: u8) -> Person {
        let key = Uuid::from_u128(u128::from(number) + 1);
        let Writer { id: writer, author } = Writer::new(key, key);
        Person {
            writer,
            author,
            name: format!("Name {name}"),
            colour: Colour([number, 2, 3]),
            key: None,
        }
    }

    fn listed(people: &[(u8, u8)]) -> BTreeMap<WriterId, Person> {
        people
            .iter()
            .map(|&(number, name)| person(number, name))
            .map(|person| (person.writer, person))
            .collect()
    }

    #[test]
    fn a_change_is_taken_by_the_version_before_and_by_no_other() {
        let mut sender = People::begin(7);
        let mut copy = People::default();
        copy.take(sender.whole());
        let first = sender.become_next(2, listed(&[(1, 1), (2, 1)]));
        let second = sender.become_next(2, listed(&[(2, 2), (3, 1)]));
        assert_eq!((first.from, second.from), (Some(7), Some(8)));
        assert_eq!(
            second.joined,
            [person(2, 2), person(3, 1)]
                .into_iter()
                .map(|person| (person.writer, person))
                .collect::<BTreeMap<_, _>>()
                .into_values()
                .collect::<Vec<_>>()
        );
        assert_eq!(second.left, [person(1, 1).writer]);
        let before = copy.clone();
        assert_eq!(copy.take(second.clone()), Arrival::Gap);
        assert_eq!(copy, before);
        assert_eq!(copy.take(first), Arrival::Next);
        assert_eq!(copy.take(second.clone()), Arrival::Next);
        assert_eq!(copy.take(second), Arrival::Stale);
        assert_eq!(copy, sender);
    }

    #[test]
    fn the_first_people_are_named_once_each_and_all_are_counted() {
        let mut people = People::begin(0);
        assert_eq!(people.present(), Present::default());
        let mut everyone = listed(&[(1, 1), (2, 2), (3, 3), (4, 4)]);
        let mut tab = person(1, 1);
        tab.writer = Writer::new(Uuid::from_u128(99), Uuid::from_u128(98)).id;
        everyone.insert(tab.writer, tab);
        people.become_next(9, everyone);
        let Present { count, names } = people.present();
        assert_eq!((count, names.len()), (9, MAX_NAMED));
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), MAX_NAMED);
    }

    #[test]
    fn an_empty_change_shows_a_receiver_that_it_missed_one() {
        let mut sender = People::begin(0);
        let mut copy = People::default();
        let unchanged = sender.become_next(0, BTreeMap::new());
        assert!(!unchanged.is_change());
        assert_eq!(copy.take(unchanged), Arrival::Stale);
        let missed = sender.become_next(1, listed(&[(1, 1)]));
        assert!(missed.is_change());
        let unchanged = sender.become_next(1, listed(&[(1, 1)]));
        assert_eq!(copy.take(unchanged), Arrival::Gap);
        assert_eq!(copy.take(sender.whole()), Arrival::Next);
        assert_eq!(copy, sender);
    }

    #[test]
    fn an_update_reads_back_as_it_was_written() {
        let mut sender = People::begin(1);
        let change = sender.become_next(3, listed(&[(1, 1)]));
        for update in [change, sender.whole(), PeopleUpdate::default()] {
            let text = serde_json::to_string(&update).unwrap();
            let read: PeopleUpdate = serde_json::from_str(&text).unwrap();
            assert_eq!(read, update);
        }
    }

    proptest! {
        /// Whatever changes and whatever is missed, a receiver that requests the whole list at a
        /// gap holds the sender's list after the next message.
        #[test]
        fn a_copy_equals_its_sender_whatever_it_missed(
            steps in prop::collection::vec(
                (prop::collection::vec((0..8_u8, 0..3_u8), 0..6), 0..20_usize, any::<bool>()),
                1..40,
            ),
        ) {
            let mut sender = People::begin(100);
            let mut copy = People::default();
            copy.take(sender.whole());
            for (people, more, arrives) in steps {
                let listed = listed(&people);
                let update = sender.become_next(listed.len() + more, listed);
                if !arrives {
                    continue;
                }
                if copy.take(update) == Arrival::Gap {
                    copy.take(sender.whole());
                }
                prop_assert_eq!(&copy, &sender);
            }
        }
    }
}
