//! How a feed ends: drained, idle, without its drawing.

use tokio::sync::oneshot;

use super::*;
use crate::feed::error::FeedError;
use crate::feed::lifecycle::CloseReason;
use crate::feed::messages::ReadRequest;
use crate::feed::subscribers::MAX_STALL;

/// Those of a drain.
const INTERVAL: Duration = Duration::from_millis(50);
const BATCH: u64 = 50;

fn reason(feed: &Feed) -> Option<CloseReason> {
    feed.core.lifecycle().close_reason()
}

fn is_ended(feed: &Feed) -> bool {
    matches!(feed.core.lifecycle(), Lifecycle::Ended(_))
}

#[test]
fn a_drain_closes_the_sessions_and_ends() {
    let (mut feed, _, inbox) = Feed::with_session();
    assert!(feed.input(Input::Drain).is_empty());
    assert_eq!(reason(&feed), Some(CloseReason::Restart));
    assert_eq!(inbox.names(), ["close 1012"]);
    assert!(!is_ended(&feed), "the other servers are told first");
    assert_eq!(feed.pass(2 * INTERVAL), ["stop"]);
    assert!(is_ended(&feed));
    assert_eq!(feed.core.next_timer(), None);
    assert!(feed.input(Input::Drain).is_empty());
}

#[test]
fn a_drain_waits_until_the_ops_that_were_taken_are_acknowledged() {
    let (mut feed, writer, inbox) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    let append = feed.append();
    feed.input(Input::Drain);
    assert!(feed.submit_late(writer).is_empty());
    feed.pass(10 * INTERVAL);
    assert!(inbox.names().is_empty());
    feed.appended(append, Ok(Appended::Committed));
    assert_eq!(inbox.names(), ["strokes", "acks 1"]);
    assert!(
        feed.core.appender().is_empty(),
        "what came later was not taken"
    );
    feed.pass(INTERVAL);
    assert_eq!(inbox.names(), ["close 1012"]);
    assert!(feed.pass(2 * INTERVAL).contains(&"stop"));
}

impl Feed {
    /// A session submits an op to a feed that takes none any more.
    fn submit_late(&mut self, writer: Writer) -> Vec<&'static str> {
        self.input(Input::Session(FromSession::Submit {
            session: SESSION,
            writer,
            ops: vec![draw(2)],
        }))
    }
}

#[test]
fn a_drain_closes_the_sessions_in_batches() {
    let mut feed = Feed::live();
    let inboxes: Vec<_> = (0..=BATCH).map(|session| feed.join(session, 0)).collect();
    let closed = || {
        let closed = inboxes.iter().flat_map(Inbox::names);
        closed.filter(|name| name == "close 1012").count() as u64
    };
    feed.input(Input::Drain);
    assert_eq!(closed(), BATCH);
    feed.pass(INTERVAL - MILLI);
    assert_eq!(closed(), 0);
    feed.pass(MILLI);
    assert_eq!(closed(), 1);
    assert!(feed.pass(INTERVAL).contains(&"stop"));
}

#[test]
fn a_drain_tells_the_other_servers_who_left_and_waits_for_that_row() {
    let (mut feed, writer, _, _) = Feed::shared();
    feed.input(Input::Drain);
    let mut asked = Vec::new();
    while !asked.contains(&"publish") {
        asked = feed.pass(MILLI);
    }
    assert_eq!(feed.row().presence.unwrap().left, [writer.id]);
    feed.pass(10 * INTERVAL);
    assert!(!is_ended(&feed));
    feed.published();
    assert!(feed.pass(INTERVAL).contains(&"stop"));
}

#[test]
fn a_drain_of_a_feed_that_was_never_read_waits_for_its_row_though_reads_fail() {
    let mut feed = Feed::begin();
    assert_eq!(feed.input(Input::Subscribed(Ok(()))), ["read", "publish"]);
    feed.input(Input::Drain);
    assert!(!feed.read_fails().contains(&"stop"));
    feed.input(Input::SubscriptionEnded);
    feed.input(Input::Subscribed(Err(unavailable())));
    assert!(!feed.pass(10 * INTERVAL).contains(&"stop"));
    feed.published();
    assert!(feed.pass(INTERVAL).contains(&"stop"));
    assert_eq!(reason(&feed), Some(CloseReason::Restart));
}

#[test]
fn a_drawing_that_was_never_read_is_unavailable() {
    let end: [fn(&mut Feed) -> Vec<&'static str>; 2] = [
        |feed| feed.input(Input::Subscribed(Err(unavailable()))),
        |feed| {
            feed.input(Input::Subscribed(Ok(())));
            feed.read_fails()
        },
    ];
    for end in end {
        let mut feed = Feed::begin();
        let inbox = feed.join(SESSION, 0);
        assert_eq!(end(&mut feed), ["stop"]);
        assert_eq!(reason(&feed), Some(CloseReason::Unavailable));
        assert_eq!(inbox.names(), ["close 1013"]);
    }
}

/// Something that happens while an append is in flight.
type End<'a> = dyn Fn(&mut Feed, (ExpectedHead, Decision)) -> Vec<&'static str> + 'a;

#[test]
fn a_drawing_that_is_gone_ends_its_feed() {
    let gone: fn() -> StoreError = || StoreError::Gone;
    let ends: [&End<'_>; 6] = [
        &|feed, _| feed.input(Input::Subscribed(Err(gone()))),
        &|feed, _| {
            feed.head(9);
            feed.input(Input::ReadEnded(Err(StoreError::NotFound)))
        },
        &|feed, append| feed.appended(append, Ok(Appended::Gone)),
        &|feed, append| feed.appended(append, Err(gone())),
        &|feed, _| {
            let (asked, report) = (feed.now, None);
            feed.input(Input::Head { asked, report })
        },
        &|feed, _| {
            let (asked, report) = (feed.now, feed.report(0));
            let deleted = true;
            let report = Some(Head { deleted, ..report });
            feed.input(Input::Head { asked, report })
        },
    ];
    for end in ends {
        let (mut feed, writer, inbox) = Feed::with_session();
        feed.submit(writer, [draw(1)]);
        let append = feed.append();
        assert_eq!(end(&mut feed, append), ["stop"]);
        assert_eq!(reason(&feed), Some(CloseReason::NoDrawing));
        assert_eq!(inbox.names(), ["close 4404"]);
        assert!(feed.change(change(1)).is_empty() && feed.core.next_timer().is_none());
    }
}

#[test]
fn a_feed_that_has_ended_refuses_those_who_still_arrive() {
    let (mut feed, _, _) = Feed::with_session();
    assert_eq!(feed.input(Input::ForceClose), ["stop"]);
    let inbox = feed.join(SESSION + 1, 0);
    assert_eq!(inbox.names(), ["close 1012"]);
    let (answer, mut reader) = oneshot::channel();
    feed.input(Input::HttpRead(ReadRequest {
        since: 0,
        epoch: None,
        target: None,
        answer,
    }));
    let answer = reader.try_recv().expect("an answer");
    assert!(matches!(answer, Err(FeedError::Unavailable)));
}

#[test]
fn requests_that_wait_are_refused_when_a_drain_begins() {
    let mut feed = Feed::begin();
    let inbox = feed.join(SESSION, 0);
    assert!(inbox.names().is_empty());
    feed.input(Input::Drain);
    assert_eq!(inbox.names(), ["close 1012"]);
}

#[test]
fn a_feed_is_closed_when_nobody_has_used_it_for_long() {
    let (mut feed, _, _) = Feed::with_session();
    assert!(!feed.pass(2 * IDLE_TIMEOUT).contains(&"idle"));
    feed.input(Input::Session(FromSession::Leave { session: SESSION }));
    assert!(!feed.pass(IDLE_TIMEOUT - FEED_HEARTBEAT).contains(&"idle"));
    let mut asked = Vec::new();
    while !asked.contains(&"idle") {
        asked = feed.pass(FEED_HEARTBEAT);
        assert!(feed.now < feed.now + IDLE_TIMEOUT);
    }
    let seen = feed.effects.iter().find_map(|effect| match effect {
        Effect::CloseIfIdle { requests } => Some(*requests),
        _ => None,
    });
    assert_eq!(seen, Some(1), "one join was seen");
}

#[test]
fn a_feed_with_ops_in_flight_is_not_idle() {
    let (mut feed, writer, _) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    feed.input(Input::Session(FromSession::Leave { session: SESSION }));
    assert!(!feed.pass(2 * IDLE_TIMEOUT).contains(&"idle"));
}

#[test]
fn a_session_that_reads_nothing_for_long_is_evicted() {
    let (mut feed, _, inbox) = Feed::with_session();
    inbox.is_full.set(true);
    feed.change(change(1));
    feed.input(Input::Deferred);
    feed.pass(MAX_STALL - FEED_HEARTBEAT);
    assert!(inbox.names().is_empty());
    feed.pass(2 * FEED_HEARTBEAT);
    assert_eq!(inbox.names(), ["close 4408"]);
    assert!(feed.core.subscribers.is_empty());
    assert!(!feed.is_set(Timer::CatchUp));
}

#[test]
fn the_sessions_of_a_feed_that_is_dropped_join_again() {
    let (feed, _, inbox) = Feed::with_session();
    drop(feed);
    assert_eq!(inbox.names(), ["rejoin"]);
}
