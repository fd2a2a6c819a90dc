//! Tests of feeds with a database in memory and sessions that only listen.

use std::time::Instant;

use actix::{Context, Recipient, StreamHandler};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::*;
use crate::drawing::Limits;
use crate::members::{Mailbox, ToSession, Unread};
use crate::model::{Change, OpId, StrokeId, Writer};
use crate::protocol::Close;
use crate::store::{Database, Followed, Removals};

/// Changes that feeds hold here while one before them is missing.
const EARLY: usize = 50;

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

/// Makes a feed hear this, as if its live query told it.
#[derive(Message)]
#[rtype(result = "()")]
struct Hear(Vec<Followed>);

impl Handler<Hear> for Feed {
    type Result = ();

    fn handle(&mut self, Hear(all): Hear, ctx: &mut Context<Feed>) {
        for followed in all {
            StreamHandler::handle(self, followed, ctx);
        }
    }
}

/// A session that only listens.
struct Listener(mpsc::UnboundedSender<ToSession>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<ToSession> for Listener {
    type Result = ();

    fn handle(&mut self, message: ToSession, _: &mut Context<Self>) {
        let _ = self.0.send(message);
    }
}

fn listener() -> (Recipient<ToSession>, mpsc::UnboundedReceiver<ToSession>) {
    let (heard, hears) = mpsc::unbounded_channel();
    (Listener(heard).start().recipient(), hears)
}

fn settings(idle_close: Duration) -> FeedSettings {
    FeedSettings {
        limits: Limits {
            strokes: 100,
            bytes: 1 << 20,
        },
        queue_ops: 100,
        queue_bytes: 1 << 20,
        gap_hold: Duration::from_millis(5),
        early_changes: EARLY,
        waiting_messages: 256,
        ink_points: 20_000,
        idle_close,
        heads_interval: Duration::from_secs(1),
        build: "test".into(),
    }
}

async fn feeds(idle_close: Duration) -> (Feeds, DrawingId) {
    let database = Database {
        url: "mem://".into(),
        namespace: "test".into(),
        name: "test".into(),
        user: None,
        password: None,
        deadline: Duration::from_secs(10),
        queries: 1_024,
        notifications: 1_024,
    };
    let store = Store::open(&database).await.unwrap();
    let drawing = store.create("A drawing").await.unwrap().id;
    (Feeds::new(store, settings(idle_close)), drawing)
}

fn join(feeds: &Feeds, drawing: DrawingId, recipient: Recipient<ToSession>) -> Attached {
    let message = FromSession::Join {
        session: 1,
        mailbox: Mailbox::new(recipient, Unread::default(), 1 << 20),
        since: 0,
        life: None,
    };
    feeds.join(drawing, message).unwrap()
}

async fn next(hears: &mut mpsc::UnboundedReceiver<ToSession>) -> ToSession {
    tokio::time::timeout(Duration::from_secs(10), hears.recv())
        .await
        .expect("a message in time")
        .unwrap()
}

#[actix_web::test]
async fn a_feed_that_died_is_replaced_and_its_sessions_hear_of_it() {
    let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
    let (recipient, mut hears) = listener();
    let first = join(&feeds, drawing, recipient);
    assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
    first.feed.do_send(Die);
    while !matches!(next(&mut hears).await, ToSession::Lost) {}
    let (recipient, mut hears) = listener();
    let second = join(&feeds, drawing, recipient);
    assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
    assert!(first.feed != second.feed);
}

fn change(seq: Seq) -> Change {
    let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4());
    Change {
        seq,
        stroke: StrokeId::random(),
        z: seq as i64,
        by: writer.by,
        op: OpId {
            writer: writer.id,
            n: 1,
        },
        marks: Vec::new(),
        body: None,
    }
}

/// Waits until the metrics have this line.
async fn counted(feeds: &Feeds, line: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !feeds
        .metrics()
        .text()
        .lines()
        .any(|counted| counted == line)
    {
        let text = feeds.metrics().text();
        assert!(Instant::now() < deadline, "{line} is not in {text}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn a_gap_is_filled_by_waiting_or_by_reading() {
    for (seqs, by) in [(vec![2, 1], "waiting"), (vec![2], "reading")] {
        let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
        let (recipient, mut hears) = listener();
        let open = join(&feeds, drawing, recipient);
        assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
        let told = seqs
            .into_iter()
            .map(|seq| Followed::Change(Box::new(change(seq))));
        open.feed.do_send(Hear(told.collect()));
        let line = format!("whiteboard_gaps_filled_total{{by=\"{by}\"}} 1");
        counted(&feeds, &line).await;
    }
}

#[actix_web::test]
async fn too_many_early_changes_are_dropped_and_the_drawing_is_read() {
    let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
    let (recipient, mut hears) = listener();
    let open = join(&feeds, drawing, recipient);
    assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
    let early = (2..).map(|seq| Followed::Change(Box::new(change(seq))));
    open.feed.do_send(Hear(early.take(EARLY + 1).collect()));
    let line = format!("whiteboard_early_changes_dropped_total {}", EARLY + 1);
    counted(&feeds, &line).await;
}

#[actix_web::test]
async fn another_position_in_the_database_is_noticed() {
    let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
    let (recipient, mut hears) = listener();
    join(&feeds, drawing, recipient);
    assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
    let life = feeds.read(drawing, 0, None).await.unwrap().life;
    let head = Head {
        id: drawing,
        head: 5,
        floor: 0,
        life,
        title: "A drawing".into(),
        deleted: false,
    };
    feeds.told(drawing, Some(head));
    counted(&feeds, "whiteboard_heads_differed_total 1").await;
}

#[actix_web::test]
async fn a_feed_without_sessions_closes_and_a_join_opens_another() {
    let (feeds, drawing) = feeds(Duration::from_millis(50)).await;
    let (recipient, mut hears) = listener();
    let first = join(&feeds, drawing, recipient);
    assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
    assert_eq!(feeds.open(), 1);
    first.feed.do_send(FromSession::Leave { session: 1 });
    let deadline = Instant::now() + Duration::from_secs(10);
    while feeds.open() > 0 {
        assert!(Instant::now() < deadline, "the feed closes");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(feeds.read(drawing, 0, None).await.is_ok());
}

#[actix_web::test]
async fn a_drawing_that_was_swept_away_unheard_closes_its_sessions() {
    let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
    let (recipient, mut hears) = listener();
    join(&feeds, drawing, recipient);
    assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
    let store = &feeds.0.store;
    store.delete(drawing).await.unwrap();
    let mut removals = Removals::default();
    let removed = store.remove_deleted(&mut removals, Duration::ZERO).await;
    assert_eq!(removed, Ok(1));
    let watching = feeds.clone();
    let watch = actix_web::rt::spawn(async move { watching.watch().await });
    let closed = loop {
        if let ToSession::Close(close) = next(&mut hears).await {
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
        feeds.read(nowhere, 0, None).await.unwrap_err(),
        FeedError::NotFound
    );
    let (recipient, mut hears) = listener();
    join(&feeds, nowhere, recipient);
    assert!(matches!(next(&mut hears).await, ToSession::Close(_)));
    assert_eq!(feeds.open(), 0);
}
