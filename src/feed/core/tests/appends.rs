//! Appends: won, lost, failed, without an answer.

use super::*;
use crate::domain::op::Refusal;
use crate::feed::appender::State;
use crate::feed::contention::{LOSSES, PATIENCE};
use crate::feed::sync::Reading;

/// An edit of a stroke that is absent: it is refused, and leaves no row.
fn edit(n: u64) -> Op {
    let set = serde_json::from_str(r#"{"x":3}"#).unwrap();
    let (z, base) = (None, None);
    Op {
        n,
        stroke: StrokeId::random(),
        kind: OpKind::Edit { set, z, base },
    }
}

fn failed() -> Result<Appended, StoreError> {
    Err(StoreError::Failed("it is not accepted".into()))
}

fn no_answer() -> Result<Appended, StoreError> {
    Err(StoreError::Deadline(Duration::from_secs(5)))
}

/// The numbers of the ops that the append in flight stores.
fn stored(append: &(ExpectedHead, Decision)) -> Vec<u64> {
    append.1.changes.iter().map(|change| change.op.n).collect()
}

#[test]
fn ops_are_acknowledged_once_they_are_stored_and_after_their_strokes() {
    let (mut feed, writer, inbox) = Feed::with_session();
    assert_eq!(feed.submit(writer, [draw(1), draw(2)]), ["append"]);
    assert!(matches!(
        feed.core.appender().state(),
        State::InFlight { .. }
    ));
    let append = feed.append();
    assert_eq!((append.0.head, append.0.epoch), (0, feed.epoch));
    assert_eq!(stored(&append), [1, 2]);
    assert!(feed.submit(writer, [draw(3)]).is_empty(), "one at a time");
    assert!(inbox.names().is_empty());
    assert_eq!(
        feed.appended(append, Ok(Appended::Committed)),
        ["defer", "append"]
    );
    assert_eq!(inbox.names(), ["strokes", "acks 2"]);
    let append = feed.append();
    assert_eq!((append.0.head, stored(&append)), (2, vec![3]));
    feed.appended(append, Ok(Appended::Committed));
    assert_eq!(inbox.names(), ["strokes", "acks 3"]);
    assert!(feed.core.appender().is_empty());
    assert_eq!(feed.core.environment.state.capacity.used(), (0, 0));
}

#[test]
fn an_append_that_lost_is_decided_again_after_a_read() {
    let (mut feed, writer, inbox) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    let append = feed.append();
    assert_eq!(feed.appended(append, Ok(Appended::Behind)), ["read"]);
    assert_eq!(feed.found(vec![change(1)]), ["defer", "append"]);
    let append = feed.append();
    assert_eq!(append.0.head, 1);
    assert!(inbox.acknowledged().is_empty());
    feed.appended(append, Ok(Appended::Committed));
    assert_eq!(inbox.acknowledged()[0].acked_through, 1);
}

#[test]
fn an_append_without_an_answer_is_not_acknowledged_but_found_by_a_read() {
    let (mut feed, writer, inbox) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    let append = feed.append();
    let stored = append.1.changes.clone();
    assert!(feed.appended(append, no_answer()).is_empty());
    assert_eq!(feed.core.sync().reading(), Reading::Waiting);
    assert_eq!(feed.pass(PAUSE), ["read"]);
    assert!(inbox.acknowledged().is_empty());
    feed.found(stored);
    feed.input(Input::Deferred);
    assert_eq!(inbox.acknowledged()[0].acked_through, 1);
    assert!(feed.core.appender().is_empty());
}

#[test]
fn an_append_without_an_answer_that_is_not_stored_is_repeated() {
    let (mut feed, writer, _) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    let append = feed.append();
    let before = append.clone();
    feed.appended(append, no_answer());
    feed.pass(PAUSE);
    assert_eq!(feed.found(Vec::new()), ["append"]);
    assert_eq!(feed.append(), before);
}

#[test]
fn a_batch_that_failed_goes_op_by_op() {
    let (mut feed, writer, inbox) = Feed::with_session();
    feed.submit(writer, [draw(1), draw(2)]);
    let append = feed.append();
    assert_eq!(feed.appended(append, failed()), ["read"]);
    assert_eq!(feed.found(Vec::new()), ["append"]);
    for n in [1, 2] {
        let append = feed.append();
        assert_eq!(stored(&append), [n]);
        feed.appended(append, Ok(Appended::Committed));
        assert_eq!(inbox.acknowledged()[0].acked_through, n);
    }
}

#[test]
fn an_op_that_fails_alone_twice_while_the_database_takes_writes_is_refused() {
    let (mut feed, writer, inbox) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    for _ in 0..2 {
        let append = feed.append();
        assert!(append.1.changes[0].body.is_some());
        assert_eq!(feed.appended(append, failed()), ["probe"]);
        assert_eq!(feed.core.appender().state(), State::Probing);
        assert!(feed.input(Input::Probed(Ok(()))).is_empty());
        assert_eq!(feed.core.appender().state(), State::Idle);
        assert_eq!(feed.pass(PAUSE), ["read"]);
        assert_eq!(feed.found(Vec::new()), ["append"]);
    }
    let append = feed.append();
    assert!(
        append.1.changes[0].body.is_none(),
        "only its number is stored"
    );
    feed.appended(append, Ok(Appended::Committed));
    let acks = &inbox.acknowledged()[0];
    assert_eq!((acks.acked_through, acks.ops), (1, 1));
    let reason = &json(&acks.refusals[0])["reason"];
    let invalid = Refusal::Invalid(String::new());
    assert_eq!(reason, invalid.code());
}

#[test]
fn an_op_is_not_to_blame_while_the_database_takes_no_write() {
    let (mut feed, writer, _) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    for _ in 0..5 {
        let append = feed.append();
        assert!(append.1.changes[0].body.is_some());
        assert_eq!(feed.appended(append, failed()), ["probe"]);
        feed.input(Input::Probed(Err(unavailable())));
        assert_eq!(feed.pass(PAUSE), ["read"]);
        assert_eq!(feed.found(Vec::new()), ["append"]);
    }
}

#[test]
fn a_refusal_without_a_row_is_told_after_a_read_that_proves_the_head() {
    let (mut feed, writer, inbox) = Feed::with_session();
    assert_eq!(feed.submit(writer, [edit(1)]), ["read"]);
    assert!(inbox.acknowledged().is_empty());
    assert_eq!(feed.found(Vec::new()), ["defer"]);
    let acks = inbox.acknowledged();
    assert_eq!((acks[0].acked_through, acks[0].refusals.len()), (1, 1));
}

#[test]
fn a_refusal_beside_a_row_needs_no_read() {
    let (mut feed, writer, inbox) = Feed::with_session();
    assert_eq!(feed.submit(writer, [edit(1), draw(2)]), ["append"]);
    let append = feed.append();
    feed.appended(append, Ok(Appended::Committed));
    let acks = inbox.acknowledged();
    assert_eq!((acks[0].acked_through, acks[0].ops), (2, 2));
    assert_eq!(acks[0].refusals.len(), 1);
}

#[test]
fn a_refusal_of_an_append_without_an_answer_is_told_once_that_proves_to_be_stored() {
    let (mut feed, writer, inbox) = Feed::with_session();
    feed.submit(writer, [edit(1), draw(2)]);
    let append = feed.append();
    let stored = append.1.changes.clone();
    feed.appended(append, no_answer());
    feed.pass(PAUSE);
    feed.found(stored);
    feed.input(Input::Deferred);
    let acks = inbox.acknowledged();
    assert_eq!((acks[0].ops, acks[0].refusals.len()), (2, 1));
}

#[test]
fn a_server_that_loses_often_or_for_long_asks_for_a_turn() {
    for (append_takes, losses) in [(PATIENCE / 9, LOSSES), (PATIENCE, 2)] {
        let (mut feed, writer, _) = Feed::with_session();
        feed.submit(writer, [draw(1)]);
        let asked = (1..10).find(|loss| {
            let append = feed.append();
            feed.now += append_takes;
            let asks = feed
                .appended(append, Ok(Appended::Behind))
                .contains(&"publish");
            if !asks {
                feed.found(vec![change(*loss)]);
            }
            asks
        });
        assert_eq!(
            asked,
            Some(losses.into()),
            "time counts from the first loss on"
        );
        assert!(feed.row().yield_ms.is_some());
    }
}

#[test]
fn a_turn_of_another_server_holds_appends_until_its_change_arrives() {
    let (mut feed, writer, _) = Feed::with_session();
    let turn = PeerMessage {
        yield_ms: Some(1_000),
        ..PeerMessage::default()
    };
    feed.peer(ServerId::random(), &turn);
    assert!(feed.submit(writer, [draw(1)]).is_empty());
    assert!(feed.is_set(Timer::Append));
    assert_eq!(feed.change(change(1)), ["defer"]);
    assert_eq!(feed.input(Input::Deferred), ["append"]);
    assert!(!feed.is_set(Timer::Append));
}

#[test]
fn a_turn_of_one_of_several_others_is_over_when_it_says_so() {
    let (mut feed, writer, _) = Feed::with_session();
    let row = |yield_ms| PeerMessage {
        yield_ms,
        ..PeerMessage::default()
    };
    let asks = ServerId::random();
    feed.peer(ServerId::random(), &row(None));
    feed.peer(asks, &row(Some(1_000)));
    feed.submit(writer, [draw(1)]);
    feed.change(change(1));
    assert!(!feed.input(Input::Deferred).contains(&"append"));
    assert!(feed.peer(asks, &row(Some(0))).contains(&"append"));
}

#[test]
fn a_server_says_that_its_turn_is_over_where_several_others_wait() {
    for others in [1, 2] {
        let (mut feed, writer, _) = Feed::with_session();
        for _ in 0..others {
            feed.peer(ServerId::random(), &PeerMessage::default());
        }
        feed.submit(writer, [draw(1)]);
        let mut append = feed.append();
        for loss in 1..=LOSSES.into() {
            feed.appended(append, Ok(Appended::Behind));
            feed.found(vec![change(loss)]);
            append = feed.append();
        }
        feed.published();
        let says = feed.appended(append, Ok(Appended::Committed));
        assert_eq!(says.contains(&"publish"), others > 1);
        if others > 1 {
            assert_eq!(feed.row().yield_ms, Some(0));
        }
    }
}

#[test]
fn a_turn_of_another_server_is_over_in_time() {
    let (mut feed, writer, _) = Feed::with_session();
    let turn = PeerMessage {
        yield_ms: Some(500),
        ..PeerMessage::default()
    };
    feed.peer(ServerId::random(), &turn);
    feed.submit(writer, [draw(1)]);
    assert!(!feed.pass(499 * MILLI).contains(&"append"));
    assert!(feed.pass(MILLI).contains(&"append"));
}

#[test]
fn acknowledgements_wait_for_a_session_that_does_not_read() {
    let (mut feed, writer, inbox) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    let append = feed.append();
    inbox.is_full.set(true);
    feed.appended(append, Ok(Appended::Committed));
    assert!(inbox.names().is_empty() && feed.is_set(Timer::CatchUp));
    inbox.is_full.set(false);
    feed.pass(CATCH_UP_INTERVAL);
    assert_eq!(inbox.names(), ["strokes", "acks 1"]);
    assert!(!feed.is_set(Timer::CatchUp));
}

#[test]
fn a_read_in_flight_goes_on_when_a_probe_ends() {
    let (mut feed, writer, _) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    let append = feed.append();
    feed.appended(append, failed());
    assert_eq!(feed.head(1), ["read"]);
    assert!(feed.input(Input::Probed(Ok(()))).is_empty());
    assert!(!feed.is_set(Timer::Read));
    assert_eq!(feed.found(vec![change(1)]), ["defer", "append", "read"]);
}

#[test]
fn a_server_yields_after_a_win_while_another_one_appends() {
    let (mut feed, writer, _) = Feed::with_session();
    feed.submit(writer, [draw(1)]);
    let append = feed.append();
    feed.appended(append, Ok(Appended::Committed));
    feed.change(change(2));
    feed.input(Input::Deferred);
    feed.submit(writer, [draw(2), draw(3)]);
    let append = feed.append();
    feed.submit(writer, [draw(4)]);
    feed.now += 20 * MILLI;
    assert!(
        !feed
            .appended(append, Ok(Appended::Committed))
            .contains(&"append")
    );
    assert!(!feed.pass(19 * MILLI).contains(&"append"));
    assert!(feed.pass(MILLI).contains(&"append"));
}
