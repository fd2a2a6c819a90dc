//! Subscribing, reading and what arrives.

use tokio::sync::oneshot;

use super::*;
use crate::feed::messages::ReadRequest;
use crate::feed::replica::ReadPlan;
use crate::feed::sync::{HEAD_CHECKS, Reading, Subscription};

fn plan(feed: &Feed) -> ReadPlan {
    let mut plans = feed.effects.iter().rev().filter_map(|effect| match effect {
        Effect::Read(plan) => Some(*plan),
        _ => None,
    });
    plans.next().expect("a read")
}

#[test]
fn a_feed_subscribes_first_and_reads_second() {
    let mut feed = Feed::begin();
    assert_eq!(names(&feed.effects), ["subscribe"]);
    assert_eq!(feed.input(Input::Subscribed(Ok(()))), ["read", "publish"]);
    assert_eq!(plan(&feed), ReadPlan::Living { renew: None });
    assert!(feed.row().want_presence, "it announces itself");
    assert_eq!(feed.core.sync().subscription(), Subscription::Unread);
    assert!(feed.opened().is_empty());
    assert_eq!(feed.core.sync().subscription(), Subscription::Live);
    assert_eq!(feed.core.sync().reading(), Reading::Idle);
}

#[test]
fn the_tombstones_are_read_after_the_living_strokes() {
    let mut feed = Feed::begin();
    feed.input(Input::Subscribed(Ok(())));
    let (reader, hello) = (feed.join(SESSION, 0), SESSION + 1);
    let waiting = feed.join(hello, 3);
    feed.hello(hello);
    let living = vec![change(2), change(5)];
    let drawing = Drawing::living_only(feed.epoch, 0, 5, LIMITS, living);
    assert_eq!(feed.loaded(drawing), ["defer", "read"]);
    let tombstones = (0, 5);
    assert_eq!(
        plan(&feed),
        ReadPlan::Changes {
            since: 5,
            tombstones
        }
    );
    assert_eq!(reader.names(), ["strokes", "drawing"], "it holds nothing");
    assert!(waiting.names().is_empty());
    feed.found(Vec::new());
    assert_eq!(waiting.names(), ["strokes", "drawing", "welcome", "access"]);
}

#[test]
fn live_queries_that_end_or_fail_are_opened_again_after_a_pause() {
    let mut feed = Feed::live();
    assert!(feed.input(Input::SubscriptionEnded).is_empty());
    for _ in 0..3 {
        assert_eq!(feed.core.sync().subscription(), Subscription::Closed);
        assert!(!feed.is_set(Timer::HeadCheck));
        assert_eq!(feed.pass(PAUSE), ["subscribe"]);
        assert!(feed.input(Input::Subscribed(Err(unavailable()))).is_empty());
    }
    assert_eq!(feed.pass(PAUSE), ["subscribe"]);
    assert_eq!(feed.input(Input::Subscribed(Ok(()))), ["read", "publish"]);
    let tombstones = (0, 0);
    assert_eq!(
        plan(&feed),
        ReadPlan::Changes {
            since: 0,
            tombstones
        }
    );
    feed.found(Vec::new());
    assert_eq!(feed.core.sync().subscription(), Subscription::Live);
}

#[test]
fn heads_are_compared_a_few_times_after_a_subscription() {
    let mut feed = Feed::begin();
    feed.input(Input::Subscribed(Ok(())));
    feed.opened();
    let (mut checked, start) = (Vec::new(), feed.now);
    for _ in 0..300 {
        if feed.pass(10 * MILLI).contains(&"head") {
            checked.push(feed.now - start);
        }
    }
    assert_eq!(checked, HEAD_CHECKS);
}

#[test]
fn a_read_that_failed_is_repeated_after_a_pause_and_appends_wait_for_it() {
    let (mut feed, writer, _) = Feed::with_session();
    assert_eq!(feed.head(1), ["read"]);
    assert!(feed.submit(writer, [draw(1)]).is_empty());
    assert!(feed.read_fails().is_empty());
    assert_eq!(feed.core.sync().reading(), Reading::Waiting);
    assert!(feed.head(1).is_empty(), "a read begins soon");
    assert_eq!(feed.pass(PAUSE), ["read"]);
    assert_eq!(feed.found(vec![change(1)]), ["defer", "append"]);
}

#[test]
fn a_read_that_is_asked_for_during_another_one_follows_it() {
    let mut feed = Feed::live();
    assert_eq!(feed.head(1), ["read"]);
    assert!(feed.head(2).is_empty());
    assert_eq!(feed.found(vec![change(1)]), ["defer", "read"]);
    assert_eq!(
        feed.found(vec![change(2)]),
        [""; 0],
        "a frame is due already"
    );
    assert_eq!(feed.core.sync().reading(), Reading::Idle);
}

#[test]
fn a_change_that_does_not_arrive_is_read() {
    let mut feed = Feed::live();
    assert!(feed.change(change(2)).is_empty());
    assert!(
        feed.pass(GAP_TIMEOUT - MILLI)
            .iter()
            .all(|it| *it != "read")
    );
    assert!(feed.pass(MILLI).contains(&"read"));
    feed.found(vec![change(1)]);
    assert_eq!(feed.core.replica().head(), 2);
    assert!(!feed.is_set(Timer::Gap));
}

#[test]
fn a_change_that_arrives_late_is_not_read() {
    let mut feed = Feed::live();
    feed.change(change(2));
    feed.pass(GAP_TIMEOUT / 2);
    assert_eq!(feed.change(change(1)), ["defer"]);
    assert_eq!(feed.core.replica().head(), 2);
    assert!(!feed.is_set(Timer::Gap));
    assert!(feed.change(change(2)).is_empty(), "it is held");
}

#[test]
fn a_gap_with_too_many_changes_after_it_is_read_at_once() {
    let mut feed = Feed::live();
    for seq in 2..2 + REORDER_BUFFER as Seq {
        assert!(feed.change(change(seq)).is_empty());
    }
    assert_eq!(feed.change(change(9)), ["read"]);
    assert!(!feed.core.replica().has_gap());
}

#[test]
fn changes_before_the_first_read_wait_without_a_timeout() {
    let mut feed = Feed::begin();
    feed.change(change(1));
    assert!(!feed.is_set(Timer::Gap));
    feed.input(Input::Subscribed(Ok(())));
    assert_eq!(feed.opened(), ["defer"]);
    assert_eq!(feed.core.replica().head(), 1);
}

#[test]
fn a_head_report_leads_to_a_read_only_if_it_differs_and_is_the_latest() {
    let mut feed = Feed::live();
    assert!(feed.head(0).is_empty());
    let (asked, report) = (feed.now - MILLI, Some(feed.report(7)));
    assert!(feed.input(Input::Head { asked, report }).is_empty());
    assert_eq!(feed.head(7), ["read"]);
    let mut unread = Feed::begin();
    let report = Head {
        rules: 2,
        ..unread.report(7)
    };
    let (asked, report) = (unread.now, Some(report));
    let effects = unread.input(Input::Head { asked, report });
    assert!(effects.is_empty(), "it is read anyway");
}

#[test]
fn the_head_that_sessions_and_the_registry_see_follows() {
    let mut feed = Feed::live();
    feed.change(change(1));
    assert_eq!(feed.core.environment.state.head(), 1);
}

#[test]
fn rules_of_another_version_are_read_with_what_was_stored_under_them() {
    let mut feed = Feed::live();
    assert_eq!(feed.head(1), ["read"]);
    let chunk = Chunk {
        rules: 2,
        ..feed.chunk(vec![change(1)], 1)
    };
    assert_eq!(feed.changes(0, vec![chunk]), ["rules", "defer"]);
}

#[test]
fn a_new_title_is_told_once() {
    let (mut feed, _, inbox) = Feed::with_session();
    for _ in 0..2 {
        let (asked, report) = (feed.now, feed.report(0));
        let report = Some(Head {
            title: "Another".into(),
            ..report
        });
        feed.input(Input::Head { asked, report });
    }
    let frames = inbox.frames("drawing");
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0]["title"], "Another");
}

#[test]
fn a_drawing_of_another_epoch_is_read_from_its_beginning_and_sessions_start_over() {
    let (mut feed, writer, inbox) = Feed::with_session();
    feed.change(change(1));
    feed.input(Input::Deferred);
    assert_eq!(inbox.names(), ["strokes"]);
    feed.epoch = Epoch::random();
    assert_eq!(feed.head(0), ["read"]);
    let chunks = vec![feed.chunk(Vec::new(), 1)];
    assert_eq!(feed.changes(1, chunks), ["read"]);
    assert_eq!(plan(&feed), ReadPlan::Living { renew: None });
    // What arrives meanwhile belongs to one history or the other: only a read can tell.
    assert!(feed.change(change(2)).is_empty());
    assert!(feed.submit(writer, [draw(1)]).is_empty());
    // In another history a version may stand for other rules.
    assert_eq!(feed.opened(), ["rules", "read"]);
    let resets = inbox.frames("reset");
    assert_eq!(resets[0]["reason"], "epoch");
    assert!(
        feed.found(Vec::new()).is_empty(),
        "an append obeys the rules"
    );
    let rules = Input::Rules {
        result: Ok(Rules::default()),
        clock: WallClock::new(feed.now, 0),
    };
    assert_eq!(feed.input(rules), ["defer"]);
    assert_eq!(feed.input(Input::Deferred), ["append"]);
}

#[test]
fn an_epoch_that_lost_changes_is_renewed() {
    let (mut feed, _, inbox) = Feed::with_session();
    feed.change(change(1));
    assert_eq!(feed.head(0), ["read"]);
    let chunks = vec![feed.chunk(Vec::new(), 0)];
    assert_eq!(feed.changes(1, chunks), ["read"]);
    let renew = Some(feed.epoch);
    assert_eq!(plan(&feed), ReadPlan::Living { renew });
    feed.epoch = Epoch::random();
    feed.opened();
    assert_eq!(inbox.frames("reset").len(), 1);
}

#[test]
fn tombstones_that_were_compacted_before_they_were_read_make_sessions_start_over() {
    let (mut feed, _, inbox) = Feed::with_session();
    feed.change(change(1));
    feed.head(9);
    let chunk = Chunk {
        compacted: 5,
        ..feed.chunk(Vec::new(), 9)
    };
    assert_eq!(feed.changes(1, vec![chunk]), ["read"]);
    let drawing = Drawing::living_only(feed.epoch, 5, 9, LIMITS, Vec::new());
    feed.loaded(drawing);
    assert_eq!(inbox.frames("reset")[0]["reason"], "compacted");
}

#[test]
fn live_queries_that_no_longer_deliver_are_opened_again() {
    let (mut feed, writer, _) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    let append = feed.append();
    feed.appended(append, Ok(Appended::Committed));
    assert!(
        feed.pass(2 * FEED_HEARTBEAT)
            .iter()
            .all(|it| *it != "subscribe")
    );
    assert!(feed.pass(FEED_HEARTBEAT).contains(&"subscribe"));
    assert_eq!(feed.core.sync().subscription(), Subscription::Opening);
}

#[test]
fn a_position_beyond_the_head_is_judged_after_a_read() {
    let mut feed = Feed::live();
    let inbox = feed.join(SESSION, 1);
    assert_eq!(names(&feed.effects), ["read"]);
    let early = feed.join(SESSION + 1, 9);
    assert!(feed.effects.is_empty(), "a read is in flight");
    feed.found(vec![change(1)]);
    assert_eq!(inbox.names(), ["strokes", "drawing"]);
    assert!(early.names().is_empty());
    assert_eq!(names(&feed.effects), ["defer", "read"]);
    feed.found(Vec::new());
    assert_eq!(early.names(), ["reset", "strokes", "drawing"]);
}

#[test]
fn a_hello_waits_for_the_join_of_its_session() {
    let mut feed = Feed::live();
    let inbox = feed.join(SESSION, 1);
    feed.hello(SESSION);
    assert!(inbox.names().is_empty());
    feed.found(vec![change(1)]);
    assert_eq!(inbox.names(), ["strokes", "drawing", "welcome", "access"]);
}

#[test]
fn the_welcome_names_the_op_that_is_next() {
    let (mut feed, writer, inbox) = Feed::with_session();
    feed.submit(writer, [draw(1), draw(2)]);
    let append = feed.append();
    feed.appended(append, Ok(Appended::Committed));
    inbox.take();
    let hello = |next| Hello {
        writer,
        seen_as: None,
        next,
        token: None,
    };
    for (sent, next) in [(1, 3), (7, 7)] {
        feed.request(Request::Hello {
            session: SESSION,
            hello: hello(sent),
        });
        let told = inbox.take().into_iter().find_map(|message| match message {
            ToSession::Welcome { next, .. } => Some(next),
            _ => None,
        });
        assert_eq!(told, Some(next));
    }
}

#[test]
fn of_the_positions_of_a_session_the_last_one_counts() {
    let (mut feed, _, inbox) = Feed::with_session();
    let epoch = feed.epoch;
    for since in [4, 0] {
        feed.request(Request::Since {
            session: SESSION,
            since,
            epoch,
        });
    }
    inbox.take();
    feed.found(vec![change(1)]);
    feed.found(Vec::new());
    assert!(inbox.frames("reset").is_empty());
}

#[test]
fn a_reader_gets_the_living_strokes_and_then_what_is_new() {
    let mut feed = Feed::live();
    feed.change(change(1));
    for (since, changes) in [(0, 1), (1, 0)] {
        let (answer, mut reader) = oneshot::channel();
        feed.input(Input::HttpRead(ReadRequest {
            since,
            epoch: Some(feed.epoch),
            target: None,
            answer,
        }));
        let chunk = reader.try_recv().expect("an answer").expect("a chunk");
        assert_eq!((chunk.from, chunk.head), (since, 1));
        assert_eq!(chunk.changes().len(), changes);
        assert!(!chunk.more && !chunk.reset);
        assert_eq!(chunk.title, "A drawing");
    }
}

#[test]
fn an_index_of_living_strokes_is_written_when_it_is_due_and_again_when_that_failed() {
    let mut feed = Feed::live();
    let tombstones = (1..=11).map(|seq| Change::by_anyone(seq, None));
    feed.head(11);
    feed.found(tombstones.collect());
    assert!(feed.pass(FEED_HEARTBEAT).contains(&"index"));
    assert!(!feed.pass(FEED_HEARTBEAT).contains(&"index"));
    feed.input(Input::IndexFailed);
    assert!(feed.pass(FEED_HEARTBEAT).contains(&"index"));
}
