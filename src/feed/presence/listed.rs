//! The people sent to the clients by name when there are more than the limit: active people replace
//! idle ones.
//!
//! It must never list more than [`MAX_LISTED`], nor anyone who is not present.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::domain::ids::WriterId;
use crate::domain::people::Person;

/// Most writers sent to a client by name, counting each tab of a person. It bounds the first
/// presence frame to some 50 times 150 bytes.
pub const MAX_LISTED: usize = 50;
/// A listed writer idle for this long is replaced by an active one that is not listed.
pub const QUIET: Duration = Duration::from_secs(10);

/// When writers last moved their pointer or drew, as long as it matters.
#[derive(Debug, Default)]
pub(super) struct Activity(HashMap<WriterId, Instant>);

impl Activity {
    /// A writer moved its pointer or drew.
    pub(super) fn note(&mut self, writer: WriterId, now: Instant) {
        self.0.insert(writer, now);
    }

    /// Drops entries that no longer matter.
    fn forget_quiet(&mut self, now: Instant) {
        self.0.retain(|_, at| now.duration_since(*at) <= QUIET);
    }

    /// The new list: those listed before who are still present, except for idle ones that are
    /// replaced, and then the earliest, in the order of `all`.
    pub(super) fn choose<'a>(
        &mut self,
        before: &BTreeMap<WriterId, Person>,
        all: &[&'a Person],
        now: Instant,
    ) -> BTreeMap<WriterId, &'a Person> {
        self.forget_quiet(now);
        let (mut listed, mut others) = (BTreeMap::new(), Vec::new());
        for &person in all {
            match before.contains_key(&person.writer) {
                true => drop(listed.insert(person.writer, person)),
                false => others.push(person),
            }
        }
        let quiet: Vec<_> = listed
            .keys()
            .filter(|writer| !self.0.contains_key(writer))
            .copied()
            .collect();
        let mut quiet = quiet.into_iter();
        // A stable sort: idle people keep their order.
        others.sort_by_key(|person| !self.0.contains_key(&person.writer));
        for person in others {
            if listed.len() >= MAX_LISTED {
                if !self.0.contains_key(&person.writer) {
                    break;
                }
                let Some(gives_way) = quiet.next() else { break };
                listed.remove(&gives_way);
            }
            listed.insert(person.writer, person);
        }
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::colour::Colour;
    use crate::domain::ids::Writer;
    use uuid::Uuid;

    fn people(count: usize) -> Vec<Person> {
        let person = |_| {
            let Writer { id: writer, author } = Writer::new(Uuid::new_v4(), Uuid::new_v4());
            Person {
                writer,
                author,
                name: "Ada".into(),
                colour: Colour([1, 2, 3]),
                key: None,
            }
        };
        (0..count).map(person).collect()
    }

    fn choose(
        activity: &mut Activity,
        before: &BTreeMap<WriterId, Person>,
        all: &[Person],
        now: Instant,
    ) -> BTreeMap<WriterId, Person> {
        let all: Vec<_> = all.iter().collect();
        let chosen = activity.choose(before, &all, now);
        chosen
            .into_iter()
            .map(|(writer, person)| (writer, person.clone()))
            .collect()
    }

    fn are_listed(listed: &BTreeMap<WriterId, Person>, people: &[Person]) -> bool {
        people
            .iter()
            .all(|person| listed.contains_key(&person.writer))
    }

    #[test]
    fn the_first_are_listed_and_stay_while_others_come() {
        let (mut activity, now) = (Activity::default(), Instant::now());
        let all = people(3 * MAX_LISTED);
        let few = choose(&mut activity, &BTreeMap::new(), &all[..3], now);
        assert!(few.len() == 3 && are_listed(&few, &all[..3]));
        let many = choose(&mut activity, &few, &all, now);
        assert!(many.len() == MAX_LISTED && are_listed(&many, &all[..MAX_LISTED]));
        // The first three leave, and the next three take their places.
        let later = choose(&mut activity, &many, &all[3..], now);
        assert!(later.len() == MAX_LISTED && are_listed(&later, &all[3..MAX_LISTED + 3]));
    }

    #[test]
    fn an_active_person_replaces_an_idle_one_in_the_list() {
        let (mut activity, now) = (Activity::default(), Instant::now());
        let all = people(2 * MAX_LISTED);
        let before = choose(&mut activity, &BTreeMap::new(), &all, now);
        let (quiet, busy) = all[..MAX_LISTED].split_first().unwrap();
        for person in busy {
            activity.note(person.writer, now);
        }
        let [late, later] = [MAX_LISTED, MAX_LISTED + 1].map(|at| all[at].writer);
        activity.note(late, now);
        let listed = choose(&mut activity, &before, &all, now);
        assert!(listed.len() == MAX_LISTED && are_listed(&listed, busy));
        assert!(listed.contains_key(&late) && !listed.contains_key(&quiet.writer));
        // No one is idle any more: a newly active writer has to wait.
        activity.note(later, now);
        assert_eq!(choose(&mut activity, &listed, &all, now), listed);
        let afterwards = now + QUIET + Duration::from_millis(1);
        activity.note(later, afterwards);
        let listed = choose(&mut activity, &listed, &all, afterwards);
        assert!(listed.len() == MAX_LISTED && listed.contains_key(&later));
    }
}
