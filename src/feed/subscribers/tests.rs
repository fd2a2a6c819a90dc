//! Tests of delivery to sessions that only listen, and of where a reader stands.

use actix::{Actor, Context, Handler, Message};

use super::*;
use crate::domain::drawing::Limits;
use crate::domain::ids::{OpId, PersonId, StrokeId, WriterId};
use crate::domain::op::Change;
use crate::domain::stroke::Body;
use crate::feed::mailbox::QueuedBytes;

/// Bytes of each stroke here.
const BYTES: usize = 60 * 1024;
/// Messages that may wait.
const MESSAGES: usize = 1_000;
/// Bytes of frames that may wait.
const UNREAD: usize = 2 * 1024 * 1024;

/// A session, whose mailbox is read whenever a test waits.
struct Browser {
    queued: QueuedBytes,
    frames: Vec<ByteString>,
    acks: Vec<Acks>,
    closed: Option<Close>,
}

impl Actor for Browser {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MESSAGES);
    }
}

impl Handler<ToSession> for Browser {
    type Result = ();

    fn handle(&mut self, message: ToSession, _: &mut Self::Context) {
        match message {
            ToSession::Frame(frame) => {
                self.queued.took(&frame);
                self.frames.push(frame);
            }
            ToSession::Acks(acks) => self.acks.push(acks),
            ToSession::Close(close) => self.closed = Some(close),
            _ => {}
        }
    }
}

/// The frames that came since this was asked last.
#[derive(Message)]
#[rtype(result = "Vec<ByteString>")]
struct Came;

impl Handler<Came> for Browser {
    type Result = Vec<ByteString>;

    fn handle(&mut self, _: Came, _: &mut Self::Context) -> Vec<ByteString> {
        std::mem::take(&mut self.frames)
    }
}

fn drawing() -> Drawing {
    let limits = Limits {
        strokes: 1_000,
        bytes: 1 << 30,
    };
    Drawing::new(Epoch::random(), 0, limits)
}

fn draw(drawing: &mut Drawing) {
    let seq = drawing.head() + 1;
    let body = format!(
        r##"{{"tool":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3,"note":"{}"}}"##,
        "x".repeat(BYTES)
    );
    drawing.apply(Change {
        seq,
        stroke: StrokeId::random(),
        z: seq as i64,
        author: PersonId::random(),
        op: OpId {
            writer: WriterId::random(),
            n: seq,
        },
        prior_ops: Vec::new(),
        body: Some(Body::parse(&body).unwrap()),
    });
}

/// How it was closed, if it was.
#[derive(Message)]
#[rtype(result = "Option<Close>")]
struct Closed;

impl Handler<Closed> for Browser {
    type Result = Option<Close>;

    fn handle(&mut self, _: Closed, _: &mut Self::Context) -> Option<Close> {
        self.closed.clone()
    }
}

/// The answers that came since this was asked last.
#[derive(Message)]
#[rtype(result = "Vec<Acks>")]
struct Answered;

impl Handler<Answered> for Browser {
    type Result = Vec<Acks>;

    fn handle(&mut self, _: Answered, _: &mut Self::Context) -> Vec<Acks> {
        std::mem::take(&mut self.acks)
    }
}

async fn browser(queued: QueuedBytes) -> actix::Addr<Browser> {
    let browser = Browser {
        queued,
        frames: Vec::new(),
        acks: Vec::new(),
        closed: None,
    }
    .start();
    // It has begun once it answers.
    browser.send(Came).await.unwrap();
    browser
}

async fn joined(subscribers: &mut Subscribers, drawing: &Drawing) -> actix::Addr<Browser> {
    let queued = QueuedBytes::default();
    let browser = browser(queued.clone()).await;
    let mailbox = Mailbox::new(browser.clone().recipient(), queued, UNREAD);
    subscribers.join(1, mailbox, drawing, 0, None, Resync::Warm);
    assert_eq!(browser.send(Came).await.unwrap().len(), 1);
    browser
}

#[actix_web::test]
async fn sessions_are_closed_in_batches() {
    let (mut subscribers, drawing) = (Subscribers::new(Metrics::new()), drawing());
    for session in 1..=5 {
        let queued = QueuedBytes::default();
        let browser = browser(queued.clone()).await;
        let mailbox = Mailbox::new(browser.recipient(), queued, UNREAD);
        subscribers.join(session, mailbox, &drawing, 0, None, Resync::Warm);
    }
    for closed in [vec![1, 2], vec![3, 4], vec![5], vec![]] {
        assert_eq!(subscribers.close(2, || Close::NoDrawing), closed);
    }
    assert!(subscribers.is_empty());
}

#[actix_web::test]
async fn what_is_new_and_large_goes_out_in_several_frames_without_a_gap() {
    let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
    let browser = joined(&mut subscribers, &drawing).await;
    (0..20).for_each(|_| draw(&mut drawing));
    subscribers.flush(&drawing);
    let came = browser.send(Came).await.unwrap();
    let most = MAX_STROKES_FRAME_BYTES / BYTES;
    assert_eq!(came.len(), 20_usize.div_ceil(most));
    for (index, frame) in came.iter().enumerate() {
        let (from, to) = (index * most, 20.min((index + 1) * most));
        let begins = format!(r#"{{"type":"strokes","from":{from},"head":{to},"#);
        assert!(frame.starts_with(&begins), "{}", &frame[..100]);
        assert_eq!(frame.matches(r#""seq":"#).count(), to - from);
        assert!(frame.len() < MAX_STROKES_FRAME_BYTES + 10_000);
    }
    assert!(!subscribers.has_waiting());
}

#[actix_web::test]
async fn what_waits_for_a_browser_that_does_not_read_is_bounded_in_bytes() {
    let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
    let browser = joined(&mut subscribers, &drawing).await;
    for _ in 0..200 {
        draw(&mut drawing);
        subscribers.flush(&drawing);
        subscribers.catch_up(&drawing);
    }
    // Only now does it read. Before it lacked too much for the socket, it had what fits.
    let mut came = browser.send(Came).await.unwrap();
    let read = came.pop().unwrap();
    let bytes: usize = came.iter().map(|frame| frame.len()).sum();
    assert!(bytes <= UNREAD, "{bytes}");
    assert!(bytes > UNREAD - 2 * BYTES, "{bytes}");
    assert_eq!(read, format!(r#"{{"type":"read","since":{}}}"#, came.len()));
    assert!(!subscribers.has_waiting());
}

#[actix_web::test]
async fn who_does_not_read_is_given_up_after_a_while() {
    let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
    let browser = joined(&mut subscribers, &drawing).await;
    let now = Instant::now();
    assert!(subscribers.evict_stalled(now + 2 * MAX_STALL).is_empty());
    while !subscribers.has_waiting() {
        draw(&mut drawing);
        subscribers.flush(&drawing);
    }
    let fell_behind = Instant::now();
    assert!(subscribers.evict_stalled(now + MAX_STALL).is_empty());
    assert_eq!(subscribers.len(), 1);
    let later = fell_behind + MAX_STALL + Duration::from_millis(1);
    assert_eq!(subscribers.evict_stalled(later), [1]);
    subscribers.leave(1);
    assert!(subscribers.is_empty() && !subscribers.has_waiting());
    // Should it ever read, it is not left behind without a word.
    assert_eq!(browser.send(Closed).await.unwrap(), Some(Close::Silent));
}

#[actix_web::test]
async fn what_lasts_is_told_to_whoever_did_not_read_or_comes_later() {
    let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
    let ada = joined(&mut subscribers, &drawing).await;
    let title = |title: &'static str| ByteString::from_static(title);
    subscribers.announce(Retained::Title, title("one"));
    assert_eq!(ada.send(Came).await.unwrap(), ["one"]);
    // Now it does not read: it gets the last title, and not the one before.
    while !subscribers.has_waiting() {
        draw(&mut drawing);
        subscribers.flush(&drawing);
    }
    subscribers.announce(Retained::Title, title("two"));
    subscribers.announce(Retained::Title, title("three"));
    ada.send(Came).await.unwrap();
    subscribers.catch_up(&drawing);
    let came = ada.send(Came).await.unwrap();
    assert_eq!(came.len(), 2, "what it lacked, and the title");
    assert_eq!(came[1], "three");

    // A page that reads over HTTP is told once it has read, and who joins at once.
    let queued = QueuedBytes::default();
    let ben = browser(queued.clone()).await;
    let mailbox = Mailbox::new(ben.clone().recipient(), queued, UNREAD);
    subscribers.join(2, mailbox, &drawing, 0, None, Resync::Warm);
    assert_eq!(ben.send(Came).await.unwrap().len(), 1, "the advice to read");
    subscribers.announce(Retained::People, title("people"));
    assert_eq!(ada.send(Came).await.unwrap(), ["people"]);
    assert!(ben.send(Came).await.unwrap().is_empty());
    subscribers.resume(
        2,
        &drawing,
        drawing.head(),
        Some(drawing.epoch()),
        Resync::Warm,
    );
    let came = ben.send(Came).await.unwrap();
    assert_eq!(came[1..], ["people", "three"]);
    assert!(!subscribers.has_waiting());
}

fn acks(ops: usize, acked_through: u64, refusals: &[&'static str]) -> Acks {
    let refusals = refusals.iter().copied().map(ByteString::from_static);
    Acks {
        refusals: refusals.collect(),
        ops,
        acked_through,
    }
}

#[actix_web::test]
async fn answers_to_a_page_that_does_not_read_reach_it_once_it_does() {
    // It lacks nothing else, some strokes, or more of them than its socket gets.
    for strokes in [0, 1, 2 * MAX_STROKES_FRAME_BYTES / BYTES] {
        let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
        let browser = joined(&mut subscribers, &drawing).await;
        let pointer = ByteString::from_static("pointer");
        (0..2 * MESSAGES).for_each(|_| subscribers.signal(&pointer));
        (0..strokes).for_each(|_| draw(&mut drawing));
        subscribers.flush(&drawing);
        subscribers.acknowledge(1, acks(3, 3, &["2 is refused"]));
        subscribers.catch_up(&drawing);
        subscribers.acknowledge(1, acks(2, 5, &["4 is refused", "5 is refused"]));
        assert!(subscribers.has_waiting());

        browser.send(Came).await.unwrap();
        assert!(browser.send(Answered).await.unwrap().is_empty());
        subscribers.catch_up(&drawing);
        let told = browser.send(Answered).await.unwrap();
        let refused: Vec<_> = told.iter().flat_map(|told| &told.refusals).collect();
        assert_eq!(refused, ["2 is refused", "4 is refused", "5 is refused"]);
        assert_eq!(told.iter().map(|told| told.ops).sum::<usize>(), 5);
        assert_eq!(told.last().unwrap().acked_through, 5);
        assert!(!subscribers.has_waiting());
    }
}

#[test]
fn a_position_means_something_only_in_its_epoch_and_between_floor_and_head() {
    let mut drawing = drawing();
    (0..5).for_each(|_| draw(&mut drawing));
    drawing.raise_compacted(3);
    let (own, other) = (Some(drawing.epoch()), Some(Epoch::random()));
    for (since, epoch, judged) in [
        // Whoever holds nothing has nothing to forget, but what it holds of another epoch.
        (0, None, (0, None)),
        (0, own, (0, None)),
        (0, other, (0, Some(ResetReason::Epoch))),
        (4, None, (0, Some(ResetReason::Epoch))),
        (4, other, (0, Some(ResetReason::Epoch))),
        (1, own, (0, Some(ResetReason::Compacted))),
        (2, own, (0, Some(ResetReason::Compacted))),
        (3, own, (3, None)),
        (4, own, (4, None)),
        (5, own, (5, None)),
        (6, own, (0, Some(ResetReason::Ahead))),
        (Seq::MAX, own, (0, Some(ResetReason::Ahead))),
        (Seq::MAX, other, (0, Some(ResetReason::Epoch))),
    ] {
        assert_eq!(
            resolve_since(&drawing, since, epoch),
            judged,
            "{since} of {epoch:?}"
        );
    }
}

#[actix_web::test]
async fn what_changed_is_told_to_who_has_the_rest_and_the_whole_to_all_others() {
    let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
    let people = |frame: &'static str| ByteString::from_static(frame);
    let ada = joined(&mut subscribers, &drawing).await;
    // Nothing was told before: a change would mean nothing to her.
    subscribers.announce_change(Retained::People, people("change 1"), people("whole 1"));
    subscribers.announce_change(Retained::People, people("change 2"), people("whole 2"));
    assert_eq!(ada.send(Came).await.unwrap(), ["whole 1", "change 2"]);

    // Now she does not read. What is kept for her is one frame, whatever happens meanwhile.
    while !subscribers.has_waiting() {
        draw(&mut drawing);
        subscribers.flush(&drawing);
    }
    for (change, whole) in [("change 3", "whole 3"), ("change 4", "whole 4")] {
        subscribers.announce_change(Retained::People, people(change), people(whole));
    }
    subscribers.repeat(1, Retained::People);
    ada.send(Came).await.unwrap();
    subscribers.catch_up(&drawing);
    assert_eq!(ada.send(Came).await.unwrap()[1..], ["whole 4"]);
    subscribers.announce_change(Retained::People, people("change 5"), people("whole 5"));
    subscribers.repeat(1, Retained::People);
    subscribers.repeat(7, Retained::People);
    assert_eq!(ada.send(Came).await.unwrap(), ["change 5", "whole 5"]);
    assert!(!subscribers.has_waiting());
}
