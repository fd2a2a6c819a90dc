//! The rules of a drawing: how they are read, and what changes for sessions.

use super::*;
use crate::domain::access::{Level, Mode, Shown, grant};
use crate::domain::key::{Key, StoredKey};
use crate::domain::rules::{KeyRule, Rules};
use crate::domain::signal::{PlaneBox, PlanePoint};
use crate::feed::rules_sync::RulesReading;
use crate::feed::standings::WallClock;
use crate::protocol::ClientSignal;

fn key() -> Key {
    Key::new([7; 16])
}

/// Rules of this version, by which the key has this level.
fn rules(version: u64, level: Option<Level>) -> Rules {
    let expires = None;
    let rule = |level| (key().id(), KeyRule { level, expires });
    Rules {
        version,
        keys: level.map(rule).into_iter().collect(),
        ..Rules::default()
    }
}

impl Feed {
    fn rules(&mut self, result: Result<Rules, StoreError>) -> Vec<&'static str> {
        let clock = WallClock::new(self.now, 0);
        self.input(Input::Rules { result, clock })
    }

    /// The database reports this version of the rules.
    fn has_rules(&mut self, rules: u64) -> Vec<&'static str> {
        let report = self.report(self.core.replica().head());
        let (asked, report) = (self.now, Some(Head { rules, ..report }));
        self.input(Input::Head { asked, report })
    }

    /// What a key is worth that had this level under the rules of this version.
    fn entrance(&self, key: &Key, level: Level, rules: u64) -> Entrance {
        let drawing = self.core.environment.drawing;
        let stored = StoredKey {
            id: key.id(),
            drawing,
            hash: key.hash(),
            level,
            expires: None,
        };
        let access = grant(&Shown {
            mode: Mode::Links,
            drawing: Some(drawing),
            secret: None,
            key: Some(key),
            operator: None,
            stored: Some(&stored),
            claims: None,
            now: 0,
        });
        let access = access.unwrap();
        Entrance { access, rules }
    }

    /// A session joins with the key, which had this level under the rules of this version.
    fn join_by_key(&mut self, level: Level, rules: u64) -> Inbox {
        let entrance = self.entrance(&key(), level, rules);
        let inbox = Inbox::default();
        self.request(Request::Join {
            session: SESSION,
            mailbox: inbox.clone(),
            since: 0,
            epoch: None,
            entrance,
        });
        inbox
    }

    /// A session with a key of this level, under rules of version 1 that the feed knows.
    fn with_key(level: Level) -> (Self, Writer, Inbox) {
        let mut feed = Self::live();
        assert_eq!(feed.has_rules(1), ["rules"]);
        feed.rules(Ok(rules(1, Some(level))));
        feed.input(Input::Deferred);
        let inbox = feed.join_by_key(level, 1);
        let writer = feed.hello(SESSION);
        feed.pass(50 * MILLI);
        inbox.take();
        (feed, writer, inbox)
    }

    fn reading(&self) -> RulesReading {
        self.core.rules_sync.reading
    }
}

#[test]
fn rules_of_another_version_are_read_and_no_append_begins_before() {
    let (mut feed, writer, _) = Feed::with_key(Level::Draw);
    assert!(feed.has_rules(1).is_empty());
    assert_eq!(feed.has_rules(2), ["rules"]);
    assert!(feed.has_rules(2).is_empty(), "they are being read");
    assert_eq!(feed.reading(), RulesReading::InFlight { again: true });
    assert!(feed.submit(writer, [draw(1)]).is_empty());
    assert_eq!(feed.rules(Ok(rules(2, Some(Level::Draw)))), ["rules"]);
    assert_eq!(feed.rules(Ok(rules(2, Some(Level::Draw)))), ["defer"]);
    assert_eq!(feed.reading(), RulesReading::Idle);
    assert_eq!(feed.input(Input::Deferred), ["append"]);
    assert_eq!(feed.append().0.rules, 2);
}

#[test]
fn rules_that_cannot_be_read_are_read_again_after_a_pause() {
    let (mut feed, _, _) = Feed::with_key(Level::Draw);
    feed.has_rules(2);
    assert!(feed.rules(Err(unavailable())).is_empty());
    assert_eq!(feed.reading(), RulesReading::Waiting);
    assert!(feed.has_rules(2).is_empty());
    assert_eq!(feed.pass(PAUSE), ["rules"]);
    assert_eq!(feed.rules(Err(StoreError::Gone)), ["stop"]);
}

#[test]
fn a_session_whose_key_is_removed_is_closed() {
    let (mut feed, _, inbox) = Feed::with_key(Level::Draw);
    feed.has_rules(2);
    feed.rules(Ok(rules(2, None)));
    assert_eq!(inbox.names(), ["close 4403"]);
    assert!(feed.core.subscribers.is_empty());
}

/// Rules of version 2, by which the key draws until a second from the time of the clock.
fn until_a_second() -> Rules {
    let mut rules = rules(2, Some(Level::Draw));
    rules.keys.get_mut(&key().id()).unwrap().expires = Some(1_000);
    rules
}

#[test]
fn a_session_whose_key_ends_is_closed_at_that_moment() {
    let (mut feed, _, inbox) = Feed::with_key(Level::Draw);
    feed.has_rules(2);
    feed.rules(Ok(until_a_second()));
    assert!(feed.is_set(Timer::Access));
    feed.pass(Duration::from_millis(999));
    assert!(inbox.names().is_empty() && feed.core.standings.is_here(SESSION));
    // Whatever comes first, it meets no session whose access has ended.
    feed.now += Duration::from_millis(1);
    feed.input(Input::Deferred);
    assert_eq!(inbox.names(), ["close 4403"]);
    assert!(!feed.core.standings.is_here(SESSION) && !feed.is_set(Timer::Access));
}

#[test]
fn one_who_joins_with_a_key_that_ends_is_closed_at_that_moment() {
    let mut feed = Feed::live();
    feed.has_rules(2);
    feed.rules(Ok(until_a_second()));
    assert!(!feed.is_set(Timer::Access));
    let inbox = feed.join_by_key(Level::Draw, 2);
    inbox.take();
    feed.pass(Duration::from_secs(1));
    assert!(inbox.names().contains(&"close 4403".into()));
}

#[test]
fn nothing_waits_for_the_end_of_a_key_whose_session_left() {
    let (mut feed, _, _) = Feed::with_key(Level::Draw);
    feed.has_rules(2);
    feed.rules(Ok(until_a_second()));
    assert!(feed.is_set(Timer::Access));
    feed.input(Input::Session(FromSession::Leave { session: SESSION }));
    assert!(!feed.is_set(Timer::Access));
}

#[test]
fn a_session_is_told_what_it_may_do_from_now_on() {
    let (mut feed, _, inbox) = Feed::with_key(Level::Draw);
    feed.has_rules(2);
    feed.rules(Ok(rules(2, Some(Level::View))));
    let told = inbox.frames("access");
    assert_eq!(told[0]["access"], "view");
}

#[test]
fn one_who_may_only_view_shows_a_pointer_and_a_view_but_draws_and_calls_nothing() {
    let (mut feed, _, inbox) = Feed::with_key(Level::View);
    let [x, y, w, h] = [1.0; 4];
    feed.input(Input::Session(FromSession::Signal {
        session: SESSION,
        signal: ClientSignal {
            pointer: Some(Some(PlanePoint { x, y })),
            view: Some(PlaneBox { x, y, w, h }),
            call: true,
            preview: Some(None),
            ink: None,
        },
    }));
    feed.pass(50 * MILLI);
    let frame = &inbox.frames("signals")[0];
    assert!(frame["pointers"].is_array() && frame["previews"].is_null());
    assert!(frame["views"][0]["call"].is_null());
}

#[test]
fn one_who_came_in_under_later_rules_waits_until_they_are_read() {
    let mut feed = Feed::live();
    feed.has_rules(1);
    feed.rules(Ok(rules(1, None)));
    let inbox = feed.join_by_key(Level::Draw, 2);
    assert_eq!(names(&feed.effects), ["rules"]);
    assert!(inbox.names().is_empty());
    feed.rules(Ok(rules(2, Some(Level::Draw))));
    assert!(inbox.names().contains(&"strokes".into()));
}

#[test]
fn a_refusal_by_later_rules_is_told_once_all_of_earlier_ones_is_known() {
    let (mut feed, writer, inbox) = Feed::with_key(Level::Draw);
    feed.submit(writer, [draw(1)]);
    let append = feed.append();
    feed.appended(append, Ok(Appended::Committed));
    assert_eq!(inbox.acknowledged()[0].refusals.len(), 0);
    feed.input(Input::Deferred);
    feed.submit(writer, [draw(2)]);
    let append = feed.append();
    feed.has_rules(2);
    feed.rules(Ok(rules(2, Some(Level::View))));
    assert_eq!(feed.appended(append, Ok(Appended::Behind)), ["read"]);
    assert!(inbox.acknowledged().is_empty());
    let chunk = Chunk {
        rules: 2,
        ..feed.chunk(Vec::new(), 1)
    };
    feed.changes(1, vec![chunk]);
    feed.input(Input::Deferred);
    assert_eq!(inbox.acknowledged()[0].refusals.len(), 1);
}

#[test]
fn an_append_under_the_last_rules_proves_that_all_of_earlier_ones_is_known() {
    let (mut feed, writer, _) = Feed::with_key(Level::Draw);
    feed.join_by_key(Level::Draw, 2);
    feed.rules(Ok(rules(2, Some(Level::Draw))));
    feed.input(Input::Deferred);
    assert!(!feed.core.knows_all_under_earlier_rules());
    feed.submit(writer, [draw(1)]);
    let append = feed.append();
    feed.appended(append, Ok(Appended::Committed));
    assert!(feed.core.knows_all_under_earlier_rules());
}

#[test]
fn a_person_who_shows_another_key_is_listed_with_it() {
    let (mut feed, _, inbox) = Feed::with_key(Level::View);
    feed.pass(Duration::from_secs(1));
    inbox.take();
    let rule = KeyRule {
        level: Level::Draw,
        expires: None,
    };
    let other = Key::new([8; 16]);
    feed.has_rules(2);
    let mut both = rules(2, Some(Level::View));
    both.keys.insert(other.id(), rule);
    feed.rules(Ok(both));
    let entrance = feed.entrance(&other, Level::Draw, 2);
    let session = SESSION;
    feed.request(Request::Renew { session, entrance });
    feed.pass(Duration::from_secs(1));
    assert_eq!(inbox.frames("people").len(), 1);
}
