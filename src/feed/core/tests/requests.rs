//! What a request needs to be answered, and what it waits for.

use tokio::sync::oneshot;

use super::*;
use crate::feed::messages::ReadRequest;
use crate::feed::sync::Reading;

fn position(since: Seq, target: Option<Seq>) -> Seq {
    let (answer, _) = oneshot::channel();
    let read = ReadRequest {
        since,
        epoch: None,
        target,
        answer,
    };
    Request::<Inbox>::HttpRead(read).position()
}

#[test]
fn a_reader_needs_the_tombstones_after_what_it_holds_or_is_loading() {
    assert_eq!(position(0, None), 0);
    assert_eq!(
        position(0, Some(5)),
        0,
        "it holds nothing that could be erased"
    );
    assert_eq!(position(3, Some(5)), 5);
    assert_eq!(position(3, None), 3);
}

#[test]
fn who_joins_while_the_drawing_is_read_needs_no_other_read() {
    let mut feed = Feed::begin();
    feed.input(Input::Subscribed(Ok(())));
    feed.join(SESSION, 0);
    assert!(!feed.opened().contains(&"read"));
    assert_eq!(feed.core.sync().reading(), Reading::Idle);
}
