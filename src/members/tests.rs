//! Tests of delivery to sessions that only listen, and of where a reader stands.

use actix::{Actor, Context, Handler, Message};

use super::*;
use crate::drawing::Limits;
use crate::model::{Change, OpId, PersonId, StrokeId, WriterId};
use crate::stroke::Body;

/// Bytes of each stroke here.
const BYTES: usize = 60 * 1024;
/// Messages that may wait.
const MESSAGES: usize = 1_000;
/// Bytes of frames that may wait.
const UNREAD: usize = 2 * 1024 * 1024;

/// A session, whose mailbox is read whenever a test waits.
struct Browser {
    unread: Unread,
    frames: Vec<ByteString>,
    answers: Vec<Answers>,
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
        self.unread.took(&message);
        match message {
            ToSession::Frame(frame) => self.frames.push(frame),
            ToSession::Answers(answers) => self.answers.push(answers),
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
    Drawing::new(Life::random(), 0, limits)
}

fn draw(drawing: &mut Drawing) {
    draw_with(drawing, BYTES);
}

/// Draws a stroke with a note of so many bytes.
fn draw_with(drawing: &mut Drawing, bytes: usize) {
    let seq = drawing.head() + 1;
    let body = format!(
        r##"{{"tool":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3,"note":"{}"}}"##,
        "x".repeat(bytes)
    );
    drawing.apply(Change {
        seq,
        stroke: StrokeId::random(),
        z: seq as i64,
        by: PersonId::random(),
        op: OpId {
            writer: WriterId::random(),
            n: seq,
        },
        marks: Vec::new(),
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
#[rtype(result = "Vec<Answers>")]
struct Answered;

impl Handler<Answered> for Browser {
    type Result = Vec<Answers>;

    fn handle(&mut self, _: Answered, _: &mut Self::Context) -> Vec<Answers> {
        std::mem::take(&mut self.answers)
    }
}

async fn browser(unread: Unread) -> actix::Addr<Browser> {
    let browser = Browser {
        unread,
        frames: Vec::new(),
        answers: Vec::new(),
        closed: None,
    }
    .start();
    // It has begun once it answers.
    browser.send(Came).await.unwrap();
    browser
}

async fn joined(members: &mut Members, drawing: &Drawing) -> actix::Addr<Browser> {
    let unread = Unread::default();
    let browser = browser(unread.clone()).await;
    let mailbox = Mailbox::new(browser.clone().recipient(), unread, UNREAD);
    members.join(1, mailbox, drawing, 0, None, Resync::Warm);
    assert_eq!(browser.send(Came).await.unwrap().len(), 1);
    browser
}

#[actix_web::test]
async fn sessions_are_closed_in_batches() {
    let (mut members, drawing) = (Members::new(Metrics::new()), drawing());
    for session in 1..=5 {
        let unread = Unread::default();
        let browser = browser(unread.clone()).await;
        let mailbox = Mailbox::new(browser.recipient(), unread, UNREAD);
        members.join(session, mailbox, &drawing, 0, None, Resync::Warm);
    }
    for closed in [vec![1, 2], vec![3, 4], vec![5], vec![]] {
        assert_eq!(members.close(2, || Close::NoDrawing), closed);
    }
    assert!(members.is_empty());
}

#[actix_web::test]
async fn what_is_new_and_large_goes_out_in_several_frames_without_a_gap() {
    let (mut members, mut drawing) = (Members::new(Metrics::new()), drawing());
    let browser = joined(&mut members, &drawing).await;
    (0..20).for_each(|_| draw(&mut drawing));
    members.flush(&drawing);
    let came = browser.send(Came).await.unwrap();
    let most = MAX_FRAME_BYTES / BYTES;
    assert_eq!(came.len(), 20_usize.div_ceil(most));
    for (index, frame) in came.iter().enumerate() {
        let (from, to) = (index * most, 20.min((index + 1) * most));
        let begins = format!(r#"{{"type":"strokes","from":{from},"head":{to},"#);
        assert!(frame.starts_with(&begins), "{}", &frame[..100]);
        assert_eq!(frame.matches(r#""seq":"#).count(), to - from);
        assert!(frame.len() < MAX_FRAME_BYTES + 10_000);
    }
    assert!(!members.has_waiting());
}

#[actix_web::test]
async fn what_waits_for_a_browser_that_does_not_read_is_bounded_in_bytes() {
    let (mut members, mut drawing) = (Members::new(Metrics::new()), drawing());
    let browser = joined(&mut members, &drawing).await;
    for _ in 0..200 {
        draw(&mut drawing);
        members.flush(&drawing);
        members.catch_up(&drawing);
    }
    // Only now does it read. Before it lacked too much for the socket, it had what fits.
    let came = browser.send(Came).await.unwrap();
    members.catch_up(&drawing);
    let mut advice = browser.send(Came).await.unwrap();
    let read = advice.pop().unwrap();
    assert!(advice.is_empty(), "nothing but the advice to read");
    let bytes: usize = came.iter().map(|frame| frame.len()).sum();
    assert!(bytes <= UNREAD, "{bytes}");
    assert!(bytes > UNREAD - 2 * BYTES, "{bytes}");
    assert_eq!(read, format!(r#"{{"type":"read","since":{}}}"#, came.len()));
    assert!(!members.has_waiting());
}

#[actix_web::test]
async fn who_does_not_read_is_given_up_after_a_while() {
    let (mut members, mut drawing) = (Members::new(Metrics::new()), drawing());
    let browser = joined(&mut members, &drawing).await;
    let now = Instant::now();
    assert!(members.give_up(now + 2 * MAX_STALL).is_empty());
    while !members.has_waiting() {
        draw(&mut drawing);
        members.flush(&drawing);
    }
    let fell_behind = Instant::now();
    assert!(members.give_up(now + MAX_STALL).is_empty());
    assert_eq!(members.len(), 1);
    let later = fell_behind + MAX_STALL + Duration::from_millis(1);
    assert_eq!(members.give_up(later), [1]);
    members.leave(1);
    assert!(members.is_empty() && !members.has_waiting());
    // Should it ever read, it is not left behind without a word.
    assert_eq!(browser.send(Closed).await.unwrap(), Some(Close::Silent));
}

#[actix_web::test]
async fn what_lasts_is_told_to_whoever_did_not_read_or_comes_later() {
    let (mut members, mut drawing) = (Members::new(Metrics::new()), drawing());
    let ada = joined(&mut members, &drawing).await;
    let title = |title: &'static str| ByteString::from_static(title);
    members.announce(Lasting::Title, title("one"));
    assert_eq!(ada.send(Came).await.unwrap(), ["one"]);
    // Now it does not read: it gets the last title, and not the one before.
    while !members.has_waiting() {
        draw(&mut drawing);
        members.flush(&drawing);
    }
    members.announce(Lasting::Title, title("two"));
    members.announce(Lasting::Title, title("three"));
    ada.send(Came).await.unwrap();
    members.catch_up(&drawing);
    let came = ada.send(Came).await.unwrap();
    assert_eq!(came.len(), 2, "what it lacked, and the title");
    assert_eq!(came[1], "three");

    // A page that reads over HTTP is told once it has read, and who joins at once.
    let unread = Unread::default();
    let ben = browser(unread.clone()).await;
    let mailbox = Mailbox::new(ben.clone().recipient(), unread, UNREAD);
    members.join(2, mailbox, &drawing, 0, None, Resync::Warm);
    assert_eq!(ben.send(Came).await.unwrap().len(), 1, "the advice to read");
    members.announce(Lasting::People, title("people"));
    assert_eq!(ada.send(Came).await.unwrap(), ["people"]);
    assert!(ben.send(Came).await.unwrap().is_empty());
    members.resume(
        2,
        &drawing,
        drawing.head(),
        Some(drawing.life()),
        Resync::Warm,
    );
    let came = ben.send(Came).await.unwrap();
    assert_eq!(came[1..], ["people", "three"]);
    assert!(!members.has_waiting());
}

fn catch_ups(metrics: &Metrics) -> usize {
    let text = metrics.text();
    let mut lines = text.lines();
    let number = lines.find_map(|line| line.strip_prefix("whiteboard_catch_ups_encoded_total "));
    number.unwrap().parse().unwrap()
}

#[actix_web::test]
async fn nothing_is_encoded_for_sessions_that_take_nothing() {
    const ROUNDS: usize = 100;
    for slow in [0, 4, 100] {
        let metrics = Metrics::new();
        let (mut members, mut drawing) = (Members::new(metrics.clone()), drawing());
        let mut browsers = Vec::new();
        for session in 0..slow + 2 {
            let unread = Unread::default();
            browsers.push((browser(unread.clone()).await, unread, session));
        }
        // No browser reads until one is asked what came. A slow one's mailbox is full with its first
        // frame, and each lacks something else.
        for (browser, unread, session) in &browsers {
            let most = if *session < slow { 1 } else { UNREAD };
            let mailbox = Mailbox::new(browser.clone().recipient(), unread.clone(), most);
            let (head, life) = (drawing.head(), Some(drawing.life()));
            members.join(*session, mailbox, &drawing, head, life, Resync::Warm);
            draw_with(&mut drawing, 1);
            members.flush(&drawing);
        }
        assert_eq!(members.waiting, slow as usize);
        let before = catch_ups(&metrics);
        for _ in 0..ROUNDS {
            draw_with(&mut drawing, 1);
            members.flush(&drawing);
            members.catch_up(&drawing);
        }
        assert_eq!(catch_ups(&metrics), before);
        let mut came = Vec::new();
        for (browser, ..) in &browsers {
            came.push(browser.send(Came).await.unwrap());
        }
        let [.., one, other] = &came[..] else {
            panic!()
        };
        // Each flush was one frame, encoded once for both who follow.
        let (one, other) = (&one[one.len() - ROUNDS..], &other[other.len() - ROUNDS..]);
        assert!(
            one.iter()
                .all(|frame| frame.matches(r#""seq":"#).count() == 1)
        );
        let same = |(one, other): (&ByteString, &ByteString)| one.as_ptr() == other.as_ptr();
        assert!(one.iter().zip(other).all(same));

        // Now all have taken what there was: they lack nothing after the next look.
        members.catch_up(&drawing);
        assert!(!members.has_waiting());
        assert_eq!(catch_ups(&metrics), before + slow as usize);
        let head = format!(r#""head":{},"#, drawing.head());
        for (browser, ..) in &browsers[..slow as usize] {
            let came = browser.send(Came).await.unwrap();
            assert!(came.len() == 1 && came[0].contains(&head));
        }
    }
}

fn answers(ops: usize, upto: u64, refusals: &[&'static str]) -> Answers {
    let refusals = refusals.iter().copied().map(ByteString::from_static);
    Answers {
        refusals: refusals.collect(),
        ops,
        upto,
    }
}

#[actix_web::test]
async fn answers_to_a_page_that_does_not_read_reach_it_once_it_does() {
    // It lacks nothing else, some strokes, or more of them than its socket gets.
    for strokes in [0, 1, 2 * MAX_FRAME_BYTES / BYTES] {
        let (mut members, mut drawing) = (Members::new(Metrics::new()), drawing());
        let browser = joined(&mut members, &drawing).await;
        let pointer = ByteString::from_static("pointer");
        (0..2 * MESSAGES).for_each(|_| members.signal(&pointer));
        (0..strokes).for_each(|_| draw(&mut drawing));
        members.flush(&drawing);
        members.answer(1, answers(3, 3, &["2 is refused"]));
        members.catch_up(&drawing);
        members.answer(1, answers(2, 5, &["4 is refused", "5 is refused"]));
        assert!(members.has_waiting());

        browser.send(Came).await.unwrap();
        assert!(browser.send(Answered).await.unwrap().is_empty());
        members.catch_up(&drawing);
        let told = browser.send(Answered).await.unwrap();
        let refused: Vec<_> = told.iter().flat_map(|told| &told.refusals).collect();
        assert_eq!(refused, ["2 is refused", "4 is refused", "5 is refused"]);
        assert_eq!(told.iter().map(|told| told.ops).sum::<usize>(), 5);
        assert_eq!(told.last().unwrap().upto, 5);
        assert!(!members.has_waiting());
    }
}

#[test]
fn a_position_means_something_only_in_its_life_and_between_floor_and_head() {
    let mut drawing = drawing();
    (0..5).for_each(|_| draw(&mut drawing));
    drawing.raise_floor(3);
    let (own, other) = (Some(drawing.life()), Some(Life::random()));
    for (since, life, judged) in [
        // Whoever holds nothing has nothing to forget, but what it holds of another life.
        (0, None, (0, None)),
        (0, own, (0, None)),
        (0, other, (0, Some(ResetReason::Life))),
        (4, None, (0, Some(ResetReason::Life))),
        (4, other, (0, Some(ResetReason::Life))),
        (1, own, (0, Some(ResetReason::Floor))),
        (2, own, (0, Some(ResetReason::Floor))),
        (3, own, (3, None)),
        (4, own, (4, None)),
        (5, own, (5, None)),
        (6, own, (0, Some(ResetReason::Ahead))),
        (Seq::MAX, own, (0, Some(ResetReason::Ahead))),
        (Seq::MAX, other, (0, Some(ResetReason::Life))),
    ] {
        assert_eq!(
            judge_since(&drawing, since, life),
            judged,
            "{since} of {life:?}"
        );
    }
}

#[actix_web::test]
async fn what_changed_is_told_to_who_has_the_rest_and_the_whole_to_all_others() {
    let (mut members, mut drawing) = (Members::new(Metrics::new()), drawing());
    let people = |frame: &'static str| ByteString::from_static(frame);
    let ada = joined(&mut members, &drawing).await;
    // Nothing was told before: a change would mean nothing to her.
    members.announce_change(Lasting::People, people("change 1"), people("whole 1"));
    members.announce_change(Lasting::People, people("change 2"), people("whole 2"));
    assert_eq!(ada.send(Came).await.unwrap(), ["whole 1", "change 2"]);

    // Now she does not read. What is kept for her is one frame, whatever happens meanwhile.
    while !members.has_waiting() {
        draw(&mut drawing);
        members.flush(&drawing);
    }
    for (change, whole) in [("change 3", "whole 3"), ("change 4", "whole 4")] {
        members.announce_change(Lasting::People, people(change), people(whole));
    }
    members.repeat(1, Lasting::People);
    ada.send(Came).await.unwrap();
    members.catch_up(&drawing);
    assert_eq!(ada.send(Came).await.unwrap()[1..], ["whole 4"]);
    members.announce_change(Lasting::People, people("change 5"), people("whole 5"));
    members.repeat(1, Lasting::People);
    members.repeat(7, Lasting::People);
    assert_eq!(ada.send(Came).await.unwrap(), ["change 5", "whole 5"]);
    assert!(!members.has_waiting());
}
