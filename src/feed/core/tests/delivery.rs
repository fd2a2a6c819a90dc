//! What sessions get that fall behind, and when all start over.

use super::*;

impl Feed {
    /// A change arrives, and is delivered.
    fn delivers(&mut self, seq: Seq) {
        self.change(change(seq));
        self.input(Input::Deferred);
    }

    /// The database has removed the tombstones up to this position.
    fn is_compacted(&mut self, compacted: Seq) {
        let head = self.core.replica().head();
        let report = Some(Head {
            compacted,
            ..self.report(head)
        });
        let asked = self.now;
        assert!(self.input(Input::Head { asked, report }).is_empty());
    }
}

#[test]
fn a_session_that_was_behind_gets_no_change_twice() {
    let (mut feed, _, inbox) = Feed::with_session();
    inbox.is_full.set(true);
    feed.delivers(1);
    assert_eq!(feed.change(change(2)), ["defer"]);
    inbox.is_full.set(false);
    feed.pass(CATCH_UP_INTERVAL);
    feed.input(Input::Deferred);
    let frames = inbox.frames("strokes");
    let reached: Vec<_> = frames.iter().map(|frame| frame["head"].as_u64()).collect();
    assert_eq!(reached, [Some(2)]);
}

#[test]
fn a_session_behind_the_compacted_position_starts_over_and_others_do_not() {
    let (mut feed, _, inbox) = Feed::with_session();
    feed.delivers(1);
    feed.is_compacted(1);
    feed.delivers(2);
    assert_eq!(inbox.names(), ["strokes", "strokes"]);
    feed.change(Change::by_anyone(3, None));
    feed.is_compacted(3);
    feed.input(Input::Deferred);
    assert_eq!(inbox.frames("reset")[0]["reason"], "compacted");
}

#[test]
fn a_session_that_stops_reading_after_a_reset_is_not_reset_again() {
    let (mut feed, _, inbox) = Feed::with_session();
    feed.delivers(1);
    inbox.take();
    feed.change(Change::by_anyone(2, None));
    feed.is_compacted(2);
    inbox.room.set(Some(1));
    feed.input(Input::Deferred);
    assert_eq!(inbox.names(), ["reset"]);
    inbox.room.set(None);
    inbox.is_full.set(false);
    feed.pass(CATCH_UP_INTERVAL);
    assert_eq!(inbox.names(), ["strokes"]);
}

#[test]
fn a_list_that_is_asked_for_waits_until_there_is_room() {
    let (mut feed, _, inbox) = Feed::with_session();
    inbox.is_full.set(true);
    feed.input(Input::Session(FromSession::People { session: SESSION }));
    assert!(inbox.names().is_empty());
    inbox.is_full.set(false);
    feed.pass(CATCH_UP_INTERVAL);
    assert_eq!(inbox.frames("people").len(), 1);
    assert!(!feed.is_set(Timer::CatchUp));
}

#[test]
fn presence_of_many_is_sent_after_their_pause() {
    let mut feed = Feed::live();
    let people = 20;
    let inboxes = (0..people).map(|session| {
        let inbox = feed.join(session, 0);
        feed.hello(session);
        inbox
    });
    let inboxes: Vec<_> = inboxes.collect();
    feed.pass(Duration::from_secs(1));
    inboxes[0].take();
    for session in [people, people + 1] {
        feed.join(session, 0);
        feed.hello(session);
        feed.pass(MILLI);
    }
    let count = |inbox: &Inbox| {
        let last = inbox.frames("people").pop();
        last.map(|frame| frame["count"].as_u64().unwrap())
    };
    assert_eq!(count(&inboxes[0]), Some(people + 1));
    feed.pass(crate::feed::presence::people_pause(people as usize) - 5 * MILLI);
    assert_eq!(count(&inboxes[0]), None);
    feed.pass(20 * MILLI);
    assert_eq!(count(&inboxes[0]), Some(people + 2));
}

#[test]
fn a_slow_session_behind_the_compacted_position_starts_over_when_it_reads() {
    let (mut feed, _, inbox) = Feed::with_session();
    feed.delivers(1);
    inbox.take();
    inbox.is_full.set(true);
    feed.change(Change::by_anyone(2, None));
    feed.input(Input::Deferred);
    feed.delivers(3);
    feed.is_compacted(2);
    inbox.is_full.set(false);
    feed.pass(CATCH_UP_INTERVAL);
    assert_eq!(inbox.names(), ["reset", "strokes"]);
}

#[test]
fn what_nobody_was_there_to_get_is_not_sent_later() {
    let mut feed = Feed::live();
    let large = Body::from_stored(format!(r#"{{"x":"{}"}}"#, "x".repeat(100_000)));
    for seq in 1..=6 {
        feed.change(Change::by_anyone(seq, Some(large.clone())));
    }
    feed.input(Input::Deferred);
    let inbox = feed.join(SESSION, 6);
    inbox.take();
    feed.delivers(7);
    let frames = inbox.frames("strokes");
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0]["from"].as_u64(), Some(6));
}

/// More people than are listed, all of whom have their lists.
fn crowd() -> (Feed, Vec<(Writer, Inbox)>) {
    let mut feed = Feed::live();
    let people = (0..=crate::feed::presence::MAX_LISTED as SessionId).map(|session| {
        let inbox = feed.join(session, 0);
        (feed.hello(session), inbox)
    });
    let people: Vec<_> = people.collect();
    feed.pass(2 * crate::feed::presence::QUIET);
    for (_, inbox) in &people {
        inbox.take();
    }
    (feed, people)
}

#[test]
fn a_person_who_is_not_listed_is_once_they_move_their_pointer() {
    let (mut feed, people) = crowd();
    let hidden = people
        .iter()
        .position(|it| !feed.core.presence.lists(it.0.id));
    let (session, watcher) = (hidden.unwrap(), &people[0].1);
    let signal = crate::protocol::ClientSignal {
        pointer: Some(None),
        ..crate::protocol::ClientSignal::default()
    };
    feed.input(Input::Session(FromSession::Signal {
        session: session as SessionId,
        signal,
    }));
    feed.pass(PAUSE);
    let messages = watcher.names();
    assert!(
        !messages.contains(&"signals".into()),
        "nobody knows whose it is"
    );
    assert!(messages.contains(&"people".into()));
    assert!(feed.core.presence.lists(people[session].0.id));
}

#[test]
fn the_registry_is_told_how_many_sessions_there_are() {
    let mut feed = Feed::live();
    let counts = |feed: &Feed| {
        let count = feed.effects.iter().filter_map(|effect| match effect {
            Effect::Sessions(count) => Some(*count),
            _ => None,
        });
        count.collect::<Vec<_>>()
    };
    feed.join(SESSION, 0);
    assert_eq!(counts(&feed), [1]);
    feed.join(SESSION + 1, 0);
    assert_eq!(counts(&feed), [2]);
    feed.input(Input::Session(FromSession::Leave { session: SESSION }));
    assert_eq!(counts(&feed), [1]);
    feed.input(Input::Drain);
    assert_eq!(counts(&feed), [0]);
}

#[test]
fn what_compaction_leaves_is_what_the_feed_says_it_holds() {
    let mut feed = Feed::live();
    for seq in 1..=2 {
        feed.change(Change::by_anyone(seq, None));
    }
    assert_eq!(feed.core.environment.state.sizes().1.rows, 2);
    feed.is_compacted(1);
    assert_eq!(feed.core.environment.state.sizes().1.rows, 1);
}

#[test]
fn a_frame_has_as_many_bytes_of_changes_as_it_may_have() {
    let row = Change::by_anyone(1, Some(Body::from_stored(String::new()))).bytes();
    let half = crate::feed::position::MAX_STROKES_FRAME_BYTES / 2;
    for (bytes, frames) in [(half, 1), (half + 1, 2)] {
        let (mut feed, _, inbox) = Feed::with_session();
        for (seq, bytes) in [(1, half), (2, bytes)] {
            let body = format!(r#""{}""#, "x".repeat(bytes - row - 2));
            let body = Body::from_stored(body);
            feed.change(Change::by_anyone(seq, Some(body)));
        }
        feed.input(Input::Deferred);
        assert_eq!(inbox.frames("strokes").len(), frames);
    }
}
