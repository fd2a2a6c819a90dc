//! Tests of feeds with a database in memory and sessions that only receive.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Instant;

use actix::{Context, Handler, Message};

use super::*;
use crate::domain::drawing::Limits;
use crate::domain::ids::ServerId;
use crate::domain::op::Change;
use crate::feed::mailbox::ToSession;
use crate::feed::messages::Request;
use crate::feed::session_mailbox::SessionQueue;
use crate::feed::standings::Entrance;
use crate::protocol::Close;
use crate::store::{Appended, Database, ExpectedHead, LiveEvent, Removals};

/// Size of the reorder buffer in these tests.
const REORDER_BUFFER: usize = 50;

/// Makes a feed panic.
#[derive(Message)]
#[rtype(result = "()")]
struct Die;

impl Handler<Die> for Feed {
    type Result = ();

    fn handle(&mut self, _: Die, _: &mut Context<Feed>) {
        panic!("a feed dies for a test");
    }
}

/// A session that only receives.
fn listener() -> Arc<SessionQueue> {
    SessionQueue::new(256, 1 << 20, None)
}

fn settings(idle_timeout: Duration) -> FeedSettings {
    FeedSettings {
        limits: Limits {
            strokes: 100,
            bytes: 1 << 20,
        },
        queue_ops: 100,
        queue_bytes: 1 << 20,
        gap_timeout: Duration::from_millis(5),
        reorder_buffer: REORDER_BUFFER,
        index_after: 20_000,
        feed_mailbox: 256,
        ink_points: 20_000,
        idle_timeout,
        head_check_interval: Duration::from_secs(1),
        build: "test".into(),
    }
}

async fn feeds(idle_timeout: Duration) -> (Feeds, DrawingId) {
    let database = Database {
        url: "mem://".into(),
        namespace: "test".into(),
        name: "test".into(),
        user: None,
        password: None,
        query_timeout: Duration::from_secs(10),
        max_queries: 1_024,
        live_query_buffer: 1_024,
    };
    let store = Store::open(&database, ServerId::random(), Metrics::new())
        .await
        .unwrap();
    let drawing = store.create("A drawing").await.unwrap().id;
    (Feeds::new(store, settings(idle_timeout)), drawing)
}

fn join(feeds: &Feeds, drawing: DrawingId, inbox: &Arc<SessionQueue>) -> FeedHandle {
    let message = Request::Join {
        session: 1,
        mailbox: SessionMailbox::new(inbox.clone()),
        since: 0,
        epoch: None,
        entrance: Entrance::open(),
    };
    feeds.join(drawing, FromSession::Request(message)).unwrap()
}

async fn next(inbox: &SessionQueue) -> ToSession {
    let message = poll_fn(|cx| {
        inbox.register(cx.waker());
        inbox.take().map_or(Poll::Pending, Poll::Ready)
    });
    tokio::time::timeout(Duration::from_secs(10), message)
        .await
        .expect("a message in time")
}

#[actix_web::test]
async fn a_dead_feed_is_replaced_and_its_sessions_rejoin() {
    let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
    let inbox = listener();
    let first = join(&feeds, drawing, &inbox);
    assert!(matches!(next(&inbox).await, ToSession::Frame(_)));
    first.feed.do_send(Die);
    while !matches!(next(&inbox).await, ToSession::Rejoin) {}
    let inbox = listener();
    let second = join(&feeds, drawing, &inbox);
    assert!(matches!(next(&inbox).await, ToSession::Frame(_)));
    assert!(first.feed != second.feed);
}

/// A feed without notifications from the database, a session that subscribed to its drawing, and
/// the changes that are stored in the meantime.
struct Stalled {
    feeds: Feeds,
    drawing: DrawingId,
    open: FeedHandle,
    inbox: Arc<SessionQueue>,
    stored: Vec<Change>,
    /// The last position that the session received.
    received: Seq,
}

impl Stalled {
    async fn new() -> Self {
        let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
        let inbox = listener();
        let open = join(&feeds, drawing, &inbox);
        assert!(matches!(next(&inbox).await, ToSession::Frame(_)));
        feeds.0.store.kill_live_queries(drawing).await;
        Self {
            feeds,
            drawing,
            open,
            inbox,
            stored: Vec::new(),
            received: 0,
        }
    }

    fn head(&self) -> Seq {
        self.stored.len() as Seq
    }

    /// Stores this many more changes.
    async fn stores(&mut self, changes: u64) {
        let head = self.head();
        let new: Vec<_> = (head + 1..=head + changes)
            .map(|seq| Change::by_anyone(seq, None))
            .collect();
        let store = &self.feeds.0.store;
        let epoch = store.since(self.drawing, 0).await.unwrap().epoch;
        let appended = store.append(
            self.drawing,
            ExpectedHead {
                epoch,
                head,
                rules: 0,
            },
            &new,
            &[],
        );
        assert_eq!(appended.await.unwrap(), Appended::Committed);
        self.stored.extend(new);
    }

    /// Delivers these changes to the feed, in this order.
    fn delivers(&self, seqs: impl IntoIterator<Item = Seq>) {
        let events = seqs.into_iter().map(|seq| &self.stored[seq as usize - 1]);
        let events = events.map(|change| LiveEvent::Change(Box::new(change.clone())));
        events.for_each(|event| self.open.feed.do_send(ToFeed(Input::Event(event))));
    }

    /// Waits until the session has received all stored changes, in order and once.
    async fn receives_all(&mut self) {
        while self.received < self.head() {
            let ToSession::Frame(frame) = next(&self.inbox).await else {
                panic!("the session received another message");
            };
            let frame: serde_json::Value = serde_json::from_str(&frame).unwrap();
            if frame["type"] != "strokes" {
                continue;
            }
            assert_eq!(frame["from"], self.received, "{frame}");
            for events in frame["changes"].as_array().unwrap() {
                self.received += 1;
                let stored = &self.stored[self.received as usize - 1];
                let stored = (
                    serde_json::json!(stored.seq),
                    serde_json::json!(stored.stroke),
                );
                assert_eq!((&events["seq"], &events["stroke"]), (&stored.0, &stored.1));
            }
            assert_eq!(frame["head"], self.received, "{frame}");
        }
    }

    /// The value of a counter.
    fn count(&self, counter: &str) -> u64 {
        let text = self.feeds.metrics().text();
        let line = text.lines().find_map(|line| line.strip_prefix(counter));
        line.expect(counter).trim().parse().expect("a number")
    }

    /// Stores changes and delivers them until this counter rises: a head check after the
    /// subscription may have found them first. Each time the session receives all of them.
    async fn until_counted(&mut self, counter: &str, changes: u64, tell: impl Fn(&Self, Seq)) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let before = self.count(counter);
        while self.count(counter) == before {
            assert!(Instant::now() < deadline, "{counter} is still {before}");
            let head = self.head();
            self.stores(changes).await;
            tell(self, head);
            self.receives_all().await;
            // The feed has handled every message before this one.
            let read = self.feeds.read(self.drawing, 0, None, None).await;
            assert_eq!(read.unwrap().head, self.head());
            tokio::time::sleep(2 * self.feeds.0.settings.gap_timeout).await;
        }
    }
}

#[actix_web::test]
async fn a_gap_is_filled_by_waiting() {
    let mut stalled = Stalled::new().await;
    let counter = "whiteboard_gaps_filled_total{by=\"waiting\"}";
    let backwards = |stalled: &Stalled, head| stalled.delivers([head + 2, head + 1]);
    stalled.until_counted(counter, 2, backwards).await;
    assert_eq!(stalled.count("whiteboard_reorder_overflow_total"), 0);
}

#[actix_web::test]
async fn a_gap_that_nothing_fills_is_read() {
    let mut stalled = Stalled::new().await;
    let counter = "whiteboard_gaps_filled_total{by=\"reading\"}";
    let last_only = |stalled: &Stalled, head| stalled.delivers([head + 2]);
    stalled.until_counted(counter, 2, last_only).await;
}

#[actix_web::test]
async fn too_many_early_changes_are_dropped_and_the_drawing_is_read() {
    let mut stalled = Stalled::new().await;
    let counter = "whiteboard_reorder_overflow_total";
    let all = REORDER_BUFFER as u64 + 2;
    let all_but_one = |stalled: &Stalled, head| stalled.delivers(head + 2..=head + all);
    stalled.until_counted(counter, all, all_but_one).await;
    // As many as the buffer holds, and one too many.
    assert_eq!(stalled.count(counter), REORDER_BUFFER as u64 + 1);
}

#[actix_web::test]
async fn another_position_in_the_database_is_noticed() {
    /// Each head check after a subscription may have found the difference first, once.
    const ATTEMPTS: u64 = 4;
    let mut stalled = Stalled::new().await;
    let epoch = stalled
        .feeds
        .read(stalled.drawing, 0, None, None)
        .await
        .unwrap()
        .epoch;
    let mut noticed = 0;
    for _ in 0..ATTEMPTS {
        stalled.stores(5).await;
        let head = Head {
            id: stalled.drawing,
            head: stalled.head(),
            compacted: 0,
            epoch,
            title: "A drawing".into(),
            rules: 0,
            deleted: false,
        };
        let before = stalled.count("whiteboard_head_mismatches_total");
        stalled
            .feeds
            .report_head(stalled.drawing, Instant::now(), Some(head));
        // The feed answers after it has handled the event.
        stalled
            .feeds
            .read(stalled.drawing, 0, None, None)
            .await
            .unwrap();
        noticed += stalled.count("whiteboard_head_mismatches_total") - before;
        stalled.receives_all().await;
    }
    assert!(noticed > 0);
}

#[actix_web::test]
async fn a_feed_without_sessions_closes_and_a_join_opens_another() {
    let (feeds, drawing) = feeds(Duration::from_millis(50)).await;
    let inbox = listener();
    let first = join(&feeds, drawing, &inbox);
    assert!(matches!(next(&inbox).await, ToSession::Frame(_)));
    assert_eq!(feeds.open(), 1);
    first
        .feed
        .do_send(ToFeed(Input::Session(FromSession::Leave { session: 1 })));
    let deadline = Instant::now() + Duration::from_secs(10);
    while feeds.open() > 0 {
        assert!(Instant::now() < deadline, "the feed closes");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(feeds.read(drawing, 0, None, None).await.is_ok());
}

#[actix_web::test]
async fn a_missed_removal_of_the_drawing_closes_its_sessions() {
    let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
    let inbox = listener();
    join(&feeds, drawing, &inbox);
    assert!(matches!(next(&inbox).await, ToSession::Frame(_)));
    let store = &feeds.0.store;
    store.delete(drawing).await.unwrap();
    let mut removals = Removals::default();
    let removed = store.remove_deleted(&mut removals, Duration::ZERO).await;
    assert_eq!(removed, Ok(1));
    let watching = feeds.clone();
    let watch = actix_web::rt::spawn(async move { watching.watch().await });
    let closed = loop {
        if let ToSession::Close(close) = next(&inbox).await {
            break close;
        }
    };
    watch.abort();
    assert!(matches!(closed, Close::NoDrawing), "{closed:?}");
    assert_eq!(feeds.open(), 0);
}

#[actix_web::test]
async fn a_drawing_that_is_not_there_has_no_feed() {
    let (feeds, _) = feeds(Duration::from_secs(60)).await;
    let nowhere = DrawingId::random();
    assert_eq!(
        feeds.read(nowhere, 0, None, None).await.unwrap_err(),
        FeedError::NotFound
    );
    let inbox = listener();
    join(&feeds, nowhere, &inbox);
    assert!(matches!(next(&inbox).await, ToSession::Close(_)));
    assert_eq!(feeds.open(), 0);
}
