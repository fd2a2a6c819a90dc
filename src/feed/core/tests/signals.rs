//! Signals, presence, and what servers tell each other.

use serde_json::Value;

use super::*;
use crate::domain::ink::InkPart;
use crate::domain::signal::{PlaneBox, PlanePoint, Signals};
use crate::feed::presence::{MIN_PAUSE, TICKS_UNTIL_EXPIRED};
use crate::protocol::ClientSignal;

const ORIGIN: PlanePoint = PlanePoint { x: 0.0, y: 0.0 };
/// Heartbeats after which a feed without a peer announces itself again.
const SILENT: u32 = 16;

fn pointer(at: Option<PlanePoint>) -> ClientSignal {
    ClientSignal {
        pointer: Some(at),
        ..ClientSignal::default()
    }
}

fn ink(points: usize) -> ClientSignal {
    let part = InkPart::of_points(points);
    ClientSignal {
        ink: Some(part),
        ..ClientSignal::default()
    }
}

impl Feed {
    fn signal(&mut self, signal: ClientSignal) -> Vec<&'static str> {
        let session = SESSION;
        self.input(Input::Session(FromSession::Signal { session, signal }))
    }
}

#[test]
fn the_first_signal_is_sent_at_once_and_those_soon_after_it_together() {
    let (mut feed, writer, inbox) = Feed::with_session();
    feed.signal(pointer(Some(ORIGIN)));
    assert!(feed.core.holds_signals());
    feed.pass(Duration::ZERO);
    assert_eq!(inbox.frames("signals").len(), 1);
    for x in [1.0, 2.0] {
        feed.signal(pointer(Some(PlanePoint { x, y: 0.0 })));
    }
    feed.pass(MIN_PAUSE - MILLI);
    assert!(inbox.frames("signals").is_empty());
    feed.pass(MILLI);
    let frames = inbox.frames("signals");
    assert_eq!(frames.len(), 1);
    let pointers = frames[0]["pointers"].as_array().unwrap();
    assert_eq!(pointers.len(), 1, "the newest of each writer");
    assert_eq!(pointers[0]["at"]["x"], 2.0);
    assert_eq!(pointers[0]["writer"], json_of(&writer.id));
    assert!(!feed.core.holds_signals() && !feed.is_set(Timer::Signals));
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn every_part_of_a_signal_is_passed_on() {
    let (mut feed, _, inbox) = Feed::with_session();
    let [x, y, w, h] = [1.0; 4];
    feed.signal(ClientSignal {
        pointer: Some(None),
        view: Some(PlaneBox { x, y, w, h }),
        call: true,
        preview: Some(None),
        ..ink(3)
    });
    feed.pass(MIN_PAUSE);
    let frame = &inbox.frames("signals")[0];
    assert!(frame["pointers"][0]["at"].is_null());
    assert_eq!(frame["views"][0]["call"], true);
    assert!(frame["previews"][0]["edit"].is_null());
    assert_eq!(frame["ink"].as_array().unwrap().len(), 1);
}

#[test]
fn the_signal_of_a_session_that_has_not_said_who_it_is_is_dropped() {
    let mut feed = Feed::live();
    let inbox = feed.join(SESSION, 0);
    feed.signal(pointer(Some(ORIGIN)));
    feed.pass(MIN_PAUSE);
    assert!(inbox.frames("signals").is_empty());
}

#[test]
fn signals_go_to_other_servers_only_if_there_are_any() {
    let (mut feed, _, _) = Feed::with_session();
    feed.signal(pointer(Some(ORIGIN)));
    assert!(!feed.pass(MIN_PAUSE).contains(&"publish"));
    let (mut feed, writer, _, _) = Feed::shared();
    feed.signal(pointer(Some(ORIGIN)));
    assert!(feed.pass(MIN_PAUSE).contains(&"publish"));
    assert_eq!(feed.row().signals.pointers[0].writer, writer.id);
}

#[test]
fn one_row_is_in_flight_and_what_gathers_meanwhile_is_the_next_one() {
    let (mut feed, _, _, _) = Feed::shared();
    feed.signal(ink(3));
    assert!(feed.pass(MIN_PAUSE).contains(&"publish"));
    for _ in 0..3 {
        feed.signal(ink(3));
        assert!(!feed.pass(MIN_PAUSE).contains(&"publish"));
    }
    feed.published();
    assert!(feed.pass(MIN_PAUSE).contains(&"publish"));
    assert_eq!(feed.row().signals.ink.len(), 3);
    feed.published();
    assert!(!feed.pass(MIN_PAUSE).contains(&"publish"));
}

#[test]
fn more_ink_than_a_tick_may_hold_is_dropped() {
    let (mut feed, _, inbox) = Feed::with_session();
    for _ in 0..3 {
        feed.signal(ink(1_000));
    }
    feed.pass(MIN_PAUSE);
    let frames = inbox.frames("signals");
    assert!(frames.iter().all(|frame| frame["ink"].is_null()));
}

#[test]
fn a_new_server_is_sent_the_whole_list_and_its_people_are_shown() {
    let (mut feed, writer, inbox) = Feed::with_session();
    let other = ServerId::random();
    let mut away = Feed::with_session().0;
    feed.peer(
        other,
        &PeerMessage {
            presence: Some(away.core.presence.whole_for_peers()),
            ..PeerMessage::default()
        },
    );
    assert!(feed.pass(100 * MILLI).contains(&"publish"));
    let presence = feed.row().presence.unwrap();
    assert_eq!((presence.from, presence.count), (None, 1));
    assert_eq!(presence.joined[0].writer, writer.id);
    let people = inbox.frames("people");
    assert_eq!(people[0]["count"], 2);
    assert_eq!(people[0]["joined"].as_array().unwrap().len(), 1);
}

#[test]
fn the_signals_of_another_server_are_shown() {
    let (mut feed, writer, inbox, other) = Feed::shared();
    let mut signals = Signals::default();
    signals.add_pointer(Pointer {
        writer: writer.id,
        at: Some(ORIGIN),
    });
    feed.peer(
        other,
        &PeerMessage {
            signals,
            ..PeerMessage::default()
        },
    );
    feed.pass(MIN_PAUSE);
    assert_eq!(inbox.frames("signals").len(), 1);
}

#[test]
fn a_row_that_was_missed_is_asked_for() {
    let (mut feed, _, _, other) = Feed::shared();
    let mut away = Feed::with_session().0;
    let mut presence = away.core.presence.update_for_peers();
    presence.from = Some(presence.version);
    presence.version += 1;
    let row = PeerMessage {
        presence: Some(presence),
        ..PeerMessage::default()
    };
    feed.peer(other, &row);
    assert!(feed.pass(MIN_PAUSE).contains(&"publish"));
    assert!(feed.row().want_presence);
}

#[test]
fn heads_are_compared_when_another_server_says_so() {
    let mut feed = Feed::live();
    let row = PeerMessage {
        check_head: true,
        ..PeerMessage::default()
    };
    assert_eq!(feed.peer(ServerId::random(), &row), ["head"]);
    let server = ServerId::random();
    let body = "a later program's".into();
    let event = LiveEvent::Signals { server, body };
    assert!(feed.input(Input::Event(event)).is_empty());
}

#[test]
fn every_heartbeat_tells_the_other_servers_that_this_one_is_there() {
    let (mut feed, _, _, _) = Feed::shared();
    for _ in 0..2 {
        let mut asked = feed.pass(FEED_HEARTBEAT);
        asked.extend(feed.pass(50 * MILLI));
        assert!(asked.contains(&"publish"));
        let presence = feed.row().presence.unwrap();
        assert!(presence.joined.is_empty() && presence.left.is_empty());
        feed.published();
    }
}

#[test]
fn the_people_of_a_server_that_is_silent_for_long_are_gone() {
    let (mut feed, _, inbox, other) = Feed::shared();
    let mut away = Feed::with_session().0;
    let presence = Some(away.core.presence.whole_for_peers());
    let row = PeerMessage {
        presence,
        ..PeerMessage::default()
    };
    feed.peer(other, &row);
    feed.pass(100 * MILLI);
    assert_eq!(inbox.frames("people").pop().unwrap()["count"], 2);
    feed.pass(u32::from(TICKS_UNTIL_EXPIRED) * FEED_HEARTBEAT);
    assert!(inbox.frames("people").is_empty());
    feed.pass(FEED_HEARTBEAT + 100 * MILLI);
    assert_eq!(inbox.frames("people").pop().unwrap()["count"], 1);
    // It may be back already: so this feed announces itself, after the row in flight.
    assert_eq!(feed.published(), ["publish"]);
    assert!(feed.row().want_presence);
}

#[test]
fn a_feed_without_a_peer_announces_itself_again_after_half_a_minute() {
    let mut feed = Feed::live();
    let start = feed.now;
    let mut announced = Vec::new();
    for _ in 0..2 * SILENT {
        if feed.pass(FEED_HEARTBEAT).contains(&"publish") {
            announced.push(feed.now - start);
            feed.published();
        }
    }
    assert_eq!(
        announced,
        [SILENT * FEED_HEARTBEAT, 2 * SILENT * FEED_HEARTBEAT]
    );
}

#[test]
fn an_announcement_that_was_not_written_is_repeated_at_the_next_heartbeat() {
    let mut feed = Feed::begin();
    feed.input(Input::Subscribed(Ok(())));
    feed.opened();
    let number = feed.row;
    let result = Err(unavailable());
    feed.input(Input::Published { number, result });
    assert!(feed.pass(FEED_HEARTBEAT).contains(&"publish"));
    assert!(feed.row().want_presence);
}

#[test]
fn the_pointer_of_a_person_who_left_is_removed() {
    let (mut feed, _, _) = Feed::with_session();
    let inbox = feed.join(SESSION + 1, 0);
    let writer = feed.hello(SESSION + 1);
    feed.pass(100 * MILLI);
    inbox.take();
    let watcher = feed.join(SESSION + 2, 0);
    watcher.take();
    let session = SESSION + 1;
    feed.input(Input::Session(FromSession::Leave { session }));
    feed.pass(100 * MILLI);
    let messages = watcher.frames("signals");
    let pointer = &messages[0]["pointers"][0];
    assert!(pointer["at"].is_null());
    assert_eq!(pointer["writer"], json_of(&writer.id));
}

#[test]
fn a_client_that_missed_people_is_sent_all_of_them() {
    let (mut feed, _, inbox) = Feed::with_session();
    feed.input(Input::Session(FromSession::People { session: SESSION }));
    let people = inbox.frames("people");
    assert!(people[0]["from"].is_null());
    assert_eq!(people[0]["joined"].as_array().unwrap().len(), 1);
}

#[test]
fn live_queries_that_deliver_no_own_row_are_opened_again() {
    let (mut feed, _, _, _) = Feed::shared();
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.extend(feed.pass(FEED_HEARTBEAT));
        asked.extend(feed.pass(50 * MILLI));
        let number = feed.row;
        let result = Ok(());
        feed.input(Input::Published { number, result });
    }
    assert!(!asked.contains(&"subscribe"));
    assert!(feed.pass(FEED_HEARTBEAT).contains(&"subscribe"));
}

#[test]
fn signals_without_a_peer_are_not_kept_for_one() {
    let (mut feed, _, _) = Feed::with_session();
    feed.signal(pointer(Some(ORIGIN)));
    feed.peer(ServerId::random(), &PeerMessage::default());
    assert!(feed.pass(MIN_PAUSE).contains(&"publish"));
    assert!(feed.row().signals.is_empty());
}

#[test]
fn a_known_peer_gets_the_whole_list_only_if_it_asks() {
    let (mut feed, _, _, other) = Feed::shared();
    feed.peer(other, &PeerMessage::default());
    let sent = feed.pass(50 * MILLI);
    assert!(!sent.contains(&"publish"), "{sent:?}");
    let asks = PeerMessage {
        want_presence: true,
        ..PeerMessage::default()
    };
    feed.peer(other, &asks);
    assert!(feed.pass(50 * MILLI).contains(&"publish"));
}
