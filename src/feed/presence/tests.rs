//! Tests of presence, and of what sessions and other servers make of the lists they receive.

use super::*;
use crate::domain::colour::Colour;
use crate::domain::ids::Writer;
use crate::protocol::PeerMessage;
use proptest::prelude::*;
use uuid::Uuid;

fn person(name: &str) -> Person {
    let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4());
    Person {
        writer: writer.id,
        author: writer.author,
        name: name.into(),
        colour: Colour([1, 2, 3]),
        key: None,
    }
}

/// One of a few people with one of a few tabs, under one of a few names.
fn numbered(number: u8, nth: u8, name: u8) -> Person {
    let [key, tab] = [number, nth].map(|part| Uuid::from_u128(u128::from(part) + 1));
    let Writer { id: writer, author } = Writer::new(key, tab);
    Person {
        writer,
        author,
        name: format!("Name {name}"),
        colour: Colour([number, nth, 3]),
        key: None,
    }
}

fn names(people: &People) -> Vec<&str> {
    let mut names: Vec<_> = people
        .listed()
        .values()
        .map(|person| person.name.as_str())
        .collect();
    names.sort_unstable();
    names
}

/// The list of a session that receives every frame.
fn seen(presence: &mut Presence) -> &People {
    presence.update_for_sessions(Instant::now());
    &presence.to_sessions
}

/// Sends `receiver` the changes of `server`, and the whole list if it missed some.
fn tell(sender: &mut Presence, receiver: &mut Presence, server: ServerId) {
    let news = sender.update_for_peers();
    if receiver.on_row(server, Some(news)).missed {
        receiver.on_row(server, Some(sender.whole_for_peers()));
    }
}

#[test]
fn another_key_of_a_person_is_news_and_the_same_one_is_not() {
    let mut presence = Presence::begin(0);
    let key = Some(KeyId([1; 8]));
    assert!(!presence.set_key(1, key), "nobody is there");
    presence.join(1, person("Ada"));
    assert!(presence.set_key(1, key));
    assert!(!presence.set_key(1, key));
}

#[test]
fn a_writer_is_here_once_also_when_another_server_still_names_it() {
    let (mut presence, mut other) = (Presence::begin(1), Presence::begin(2));
    let ada = person("Ada");
    let server = ServerId::random();
    presence.join(1, ada.clone());
    other.join(1, ada);
    other.join(2, person("Bob"));
    assert!(!presence.knows(server));
    let outcome = presence.on_row(server, Some(other.whole_for_peers()));
    assert!(outcome.changed && !outcome.missed);
    assert!(presence.knows(server));
    assert_eq!(names(seen(&mut presence)), ["Ada", "Bob"]);
    assert_eq!(seen(&mut presence).count(), 2);
    assert!(presence.leave(1));
    assert!(!presence.leave(1));
    assert_eq!(names(seen(&mut presence)), ["Ada", "Bob"]);
}

#[test]
fn the_sessions_of_one_person_count_once() {
    let mut presence = Presence::begin(1);
    for tab in 1..=3 {
        presence.join(tab.into(), numbered(1, tab, 1));
    }
    presence.join(9, numbered(2, 1, 1));
    assert_eq!(seen(&mut presence).count(), 2);
    assert_eq!(seen(&mut presence).listed().len(), 4);
}

#[test]
fn a_server_that_misses_three_heartbeats_is_gone() {
    let (mut presence, mut other) = (Presence::begin(1), Presence::begin(2));
    let server = ServerId::random();
    other.join(1, person("Bob"));
    presence.on_row(server, Some(other.whole_for_peers()));
    assert_eq!(seen(&mut presence).count(), 1);
    for _ in 0..2 {
        for _ in 0..TICKS_UNTIL_EXPIRED {
            assert!(!presence.expire_peers());
        }
        presence.on_row(server, None);
    }
    for _ in 0..TICKS_UNTIL_EXPIRED {
        assert!(!presence.expire_peers());
    }
    assert!(presence.is_shared());
    assert!(presence.expire_peers());
    assert!(!presence.is_shared());
    assert_eq!(seen(&mut presence).count(), 0);
    // If it was only silent, its next row counts as one after a gap.
    assert!(
        presence
            .on_row(server, Some(other.update_for_peers()))
            .missed
    );
}

#[test]
fn the_empty_change_of_a_heartbeat_reveals_a_missed_row() {
    let (mut presence, mut other) = (Presence::begin(1), Presence::begin(2));
    let server = ServerId::random();
    presence.on_row(server, Some(other.whole_for_peers()));
    let row = presence.on_row(server, Some(other.update_for_peers()));
    assert_eq!(row, PeerRowOutcome::default());
    other.join(1, person("Bob"));
    let _lost = other.update_for_peers();
    let row = presence.on_row(server, Some(other.update_for_peers()));
    assert_eq!((row.changed, row.missed), (false, true));
    assert!(
        presence
            .on_row(server, Some(other.whole_for_peers()))
            .changed
    );
    assert_eq!(names(seen(&mut presence)), ["Bob"]);
}

#[test]
fn a_restarted_server_is_a_new_one() {
    let mut presence = Presence::begin(1);
    let server = ServerId::random();
    let (mut before, mut after) = (Presence::begin(10), Presence::begin(7));
    before.join(1, person("Ada"));
    presence.on_row(server, Some(before.whole_for_peers()));
    after.join(1, person("Bob"));
    tell(&mut after, &mut presence, server);
    assert_eq!(names(seen(&mut presence)), ["Bob"]);
}

#[test]
fn the_presence_of_a_crowd_is_bounded_and_its_count_exact() {
    const CROWD: u64 = 2_500;
    let (mut presence, mut other) = (Presence::begin(1), Presence::begin(2));
    for session in 0..CROWD {
        other.join(session, person("Someone"));
    }
    let whole = other.whole_for_peers();
    assert_eq!(
        (whole.joined.len(), whole.count),
        (MAX_LISTED_TO_PEERS, CROWD as usize)
    );
    presence.on_row(ServerId::random(), Some(whole));
    presence.join(1, person("Ada"));
    let (news, whole) = presence.update_for_sessions(Instant::now()).unwrap();
    assert_eq!(news.joined.len(), MAX_LISTED);
    assert_eq!(
        (whole.joined.len(), whole.count),
        (MAX_LISTED, CROWD as usize + 1)
    );
    assert!(
        presence.lists(presence.local[&1].writer),
        "this server's own come first"
    );
    // One more person costs every client a number.
    presence.join(2, person("Bob"));
    let (news, _) = presence.update_for_sessions(Instant::now()).unwrap();
    assert_eq!((news.joined.len(), news.left.len()), (0, 0));
    assert_eq!(news.count, CROWD as usize + 2);
    assert!(presence.update_for_sessions(Instant::now()).is_none());
}

#[test]
fn only_pointers_of_listed_people_are_sent() {
    let (mut presence, now) = (Presence::begin(1), Instant::now());
    let people: Vec<_> = (0..2 * MAX_LISTED).map(|_| person("Someone")).collect();
    // While all people fit the list, no waiting is needed.
    assert!(presence.acts(people[0].writer, now));
    for (session, person) in people.iter().enumerate() {
        presence.join(session as SessionId, person.clone());
    }
    presence.update_for_sessions(now);
    let last = people.last().unwrap().writer;
    assert!(presence.acts(people[0].writer, now));
    assert!(!presence.acts(last, now));
    let (news, _) = presence.update_for_sessions(now).unwrap();
    assert_eq!((news.joined.len(), news.left.len()), (1, 1));
    assert!(presence.acts(last, now) && presence.lists(people[0].writer));
}

#[test]
fn pauses_grow_with_the_number_to_their_limits() {
    let millis = |pause: Duration| pause.as_millis();
    assert_eq!(
        [0, 1, 8, 100, 250, 9_999].map(people_pause).map(millis),
        [33, 33, 33, 400, 1_000, 1_000]
    );
    assert_eq!(
        [0, 100, 165, 1_000, 9_999].map(signal_pause).map(millis),
        [33, 33, 33, 200, 500]
    );
    assert_eq!(people_pause(usize::MAX), MAX_PEOPLE_PAUSE);
}

#[test]
fn a_row_between_servers_reads_back_as_it_was_written() {
    let mut presence = Presence::begin(1);
    presence.join(1, person("Ada"));
    let text = serde_json::to_string(&PeerMessage {
        want_presence: true,
        yield_ms: Some(250),
        presence: Some(presence.whole_for_peers()),
        ..PeerMessage::default()
    })
    .unwrap();
    let row: PeerMessage = serde_json::from_str(&text).unwrap();
    assert_eq!((row.want_presence, row.yield_ms), (true, Some(250)));
    assert_eq!(row.presence, Some(presence.whole_for_peers()));
}

/// A step of two servers and their people.
#[derive(Clone, Debug)]
enum Step {
    Join {
        server: usize,
        session: SessionId,
        person: (u8, u8, u8),
    },
    Leave {
        server: usize,
        session: SessionId,
    },
    /// Someone moves a pointer.
    Act {
        server: usize,
        person: (u8, u8, u8),
    },
    /// A server sends its row to the other; the row may be lost.
    Row {
        server: usize,
        lost: bool,
    },
    /// A server sends a frame to its sessions; it may be missed.
    Frame {
        server: usize,
        missed: bool,
    },
    /// Time passes.
    Pass,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let person = || (0..100_u8, 0..2_u8, 0..3_u8);
    let session = || 0..150_u64;
    let step = prop_oneof![
        6 => (0..2_usize, session(), person()).prop_map(|(server, session, person)| Step::Join { server, session, person }),
        2 => (0..2_usize, session()).prop_map(|(server, session)| Step::Leave { server, session }),
        1 => (0..2_usize, person()).prop_map(|(server, person)| Step::Act { server, person }),
        1 => (0..2_usize, any::<bool>()).prop_map(|(server, lost)| Step::Row { server, lost }),
        1 => (0..2_usize, any::<bool>()).prop_map(|(server, missed)| Step::Frame { server, missed }),
        1 => Just(Step::Pass),
    ];
    prop::collection::vec(step, 1..500)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any sequence of joins, leaves, rows, lost rows and missed frames: a client holds what its
    /// server holds, that is right once each server has received the other's row, and both are
    /// bounded.
    #[test]
    fn all_servers_and_clients_converge_on_the_same_people(steps in steps()) {
        let ids = [ServerId::random(), ServerId::random()];
        let mut servers = [Presence::begin(10), Presence::begin(20)];
        let mut clients = [People::default(), People::default()];
        let mut now = Instant::now();
        let frame = |server: &mut Presence, client: &mut People, missed: bool, now| {
            let Some((change, whole)) = server.update_for_sessions(now) else { return Ok(()) };
            prop_assert!(whole.joined.len() <= MAX_LISTED && change.joined.len() <= MAX_LISTED);
            // A client that missed a frame gets the whole list, as from `Subscribers`.
            if !missed && client.take(change) == Arrival::Gap {
                client.take(whole);
            }
            Ok(())
        };
        for step in steps {
            match step {
                Step::Join { server, session, person: (number, tab, name) } => {
                    servers[server].join(session, numbered(number, tab, name));
                }
                Step::Leave { server, session } => drop(servers[server].leave(session)),
                Step::Act { server, person: (number, tab, name) } => {
                    servers[server].acts(numbered(number, tab, name).writer, now);
                }
                Step::Row { server, lost } => {
                    let [first, second] = &mut servers;
                    let (from, to) = if server == 0 { (first, second) } else { (second, first) };
                    match lost {
                        true => drop(from.update_for_peers()),
                        false => tell(from, to, ids[server]),
                    }
                }
                Step::Frame { server, missed } => frame(&mut servers[server], &mut clients[server], missed, now)?,
                Step::Pass => now += QUIET,
            }
        }
        // A row of both servers, and a frame.
        let [first, second] = &mut servers;
        tell(first, second, ids[0]);
        tell(second, first, ids[1]);
        for (server, client) in servers.iter_mut().zip(&mut clients) {
            server.update_for_sessions(now);
            client.take(server.to_sessions.whole());
            prop_assert_eq!(&*client, &server.to_sessions);
        }
        let everyone: Vec<_> = servers.iter().flat_map(|server| server.local.values()).collect();
        let persons: HashSet<_> = everyone.iter().map(|person| person.author).collect();
        let writers: HashSet<_> = everyone.iter().map(|person| person.writer).collect();
        for client in &clients {
            prop_assert_eq!(client.count(), persons.len());
            prop_assert_eq!(client.listed().len(), writers.len().min(MAX_LISTED));
            prop_assert!(client.listed().keys().all(|writer| writers.contains(writer)));
        }
    }
}

#[test]
fn those_who_were_active_a_moment_ago_stay_listed() {
    let (mut presence, now) = (Presence::begin(1), Instant::now());
    let people: Vec<_> = (0..=MAX_LISTED).map(|_| person("Someone")).collect();
    for (session, person) in people.iter().enumerate() {
        presence.join(session as SessionId, person.clone());
    }
    presence.update_for_sessions(now);
    let (hidden, listed) = people.split_last().unwrap();
    for person in listed {
        assert!(presence.acts(person.writer, now));
    }
    presence.update_for_sessions(now);
    assert!(!presence.acts(hidden.writer, now));
    presence.update_for_sessions(now);
    assert!(!presence.lists(hidden.writer), "nobody is idle");
}
