//! Tests of delivery to sessions that only receive, and of reader positions.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::domain::drawing::Limits;
use crate::domain::op::Change;
use crate::domain::stroke::Body;

/// Size of each stroke here, in bytes.
const BYTES: usize = 60 * 1024;
/// Most queued messages.
const MESSAGES: usize = 1_000;
/// Most bytes of queued frames.
const UNREAD: usize = 2 * 1024 * 1024;

/// A client that reads its queued messages when a test says so.
#[derive(Clone, Debug)]
struct Client {
    inbox: Rc<RefCell<Inbox>>,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Inbox {
    frames: Vec<ByteString>,
    acks: Vec<Acks>,
    closed: Option<Close>,
    /// A message did not fit since its last read.
    is_full: bool,
}

impl Inbox {
    fn len(&self) -> usize {
        self.frames.len() + self.acks.len()
    }
}

impl Client {
    fn new() -> Self {
        Self::with_room(UNREAD)
    }

    fn with_room(max_bytes: usize) -> Self {
        Self {
            inbox: Rc::default(),
            max_bytes,
        }
    }

    /// Reads all queued messages; returns the frames.
    fn frames(&self) -> Vec<ByteString> {
        let mut inbox = self.inbox.borrow_mut();
        inbox.is_full = false;
        std::mem::take(&mut inbox.frames)
    }

    /// The acknowledgements received since the last call.
    fn acks(&self) -> Vec<Acks> {
        std::mem::take(&mut self.inbox.borrow_mut().acks)
    }

    fn closed(&self) -> Option<Close> {
        self.inbox.borrow().closed.clone()
    }
}

impl Mailbox for Client {
    fn frame(&self, frame: ByteString) -> bool {
        let mut inbox = self.inbox.borrow_mut();
        let queued: usize = inbox.frames.iter().map(|frame| frame.len()).sum();
        let fits = queued == 0 || queued + frame.len() <= self.max_bytes;
        if !fits || inbox.len() >= MESSAGES {
            inbox.is_full = true;
            return false;
        }
        inbox.frames.push(frame);
        true
    }

    fn has_room(&self) -> bool {
        !self.inbox.borrow().is_full
    }

    fn acks(&self, acks: Acks) -> Result<(), Acks> {
        let mut inbox = self.inbox.borrow_mut();
        if inbox.len() >= MESSAGES {
            inbox.is_full = true;
            return Err(acks);
        }
        inbox.acks.push(acks);
        Ok(())
    }

    fn tell(&self, message: ToSession) {
        if let ToSession::Close(close) = message {
            self.inbox.borrow_mut().closed = Some(close);
        }
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
    draw_with(drawing, BYTES);
}

/// Draws a stroke with a note of this many bytes.
fn draw_with(drawing: &mut Drawing, bytes: usize) {
    let seq = drawing.head() + 1;
    let body = format!(
        r##"{{"kind":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3,"note":"{}"}}"##,
        "x".repeat(bytes)
    );
    drawing.apply(Change::by_anyone(seq, Some(Body::parse(&body).unwrap())));
}

fn joined(subscribers: &mut Subscribers<Client>, drawing: &Drawing) -> Client {
    let client = Client::new();
    let now = Instant::now();
    subscribers.join(1, client.clone(), drawing, (0, None), Resync::Warm, now);
    assert_eq!(client.frames().len(), 1);
    client
}

#[test]
fn sessions_are_closed_in_batches() {
    let (mut subscribers, drawing) = (Subscribers::new(Metrics::new()), drawing());
    for session in 1..=5 {
        let now = Instant::now();
        subscribers.join(
            session,
            Client::new(),
            &drawing,
            (0, None),
            Resync::Warm,
            now,
        );
    }
    for closed in [vec![1, 2], vec![3, 4], vec![5], vec![]] {
        assert_eq!(subscribers.close(2, || Close::NoDrawing), closed);
    }
    assert!(subscribers.is_empty());
}

#[test]
fn large_changes_are_sent_in_several_frames_without_a_gap() {
    let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
    let now = Instant::now();
    let client = joined(&mut subscribers, &drawing);
    (0..20).for_each(|_| draw(&mut drawing));
    subscribers.flush(&drawing, now);
    let frames = client.frames();
    let max = MAX_STROKES_FRAME_BYTES / BYTES;
    assert_eq!(frames.len(), 20_usize.div_ceil(max));
    for (index, frame) in frames.iter().enumerate() {
        let (from, to) = (index * max, 20.min((index + 1) * max));
        let begins = format!(r#"{{"type":"strokes","from":{from},"head":{to},"#);
        assert!(frame.starts_with(&begins), "{}", &frame[..100]);
        assert_eq!(frame.matches(r#""seq":"#).count(), to - from);
        assert!(frame.len() < MAX_STROKES_FRAME_BYTES + 10_000);
    }
    assert!(!subscribers.has_slow());
}

#[test]
fn frames_queued_for_a_slow_client_are_bounded_in_bytes() {
    let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
    let now = Instant::now();
    let client = joined(&mut subscribers, &drawing);
    for _ in 0..200 {
        draw(&mut drawing);
        subscribers.flush(&drawing, now);
        subscribers.catch_up(&drawing, now);
    }
    // It reads only now: first what fit its mailbox, then advice to read over HTTP, since it lacks
    // too much.
    let frames = client.frames();
    subscribers.catch_up(&drawing, now);
    let mut advice = client.frames();
    let read = advice.pop().unwrap();
    assert!(advice.is_empty(), "nothing but the advice to read");
    let bytes: usize = frames.iter().map(|frame| frame.len()).sum();
    assert!(bytes <= UNREAD, "{bytes}");
    assert!(bytes > UNREAD - 2 * BYTES, "{bytes}");
    assert_eq!(
        read,
        format!(r#"{{"type":"read","since":{}}}"#, frames.len())
    );
    assert!(!subscribers.has_slow());
}

#[test]
fn a_stalled_session_is_evicted() {
    let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
    let now = Instant::now();
    let client = joined(&mut subscribers, &drawing);
    assert!(subscribers.evict_stalled(now + 2 * MAX_STALL).is_empty());
    while !subscribers.has_slow() {
        draw(&mut drawing);
        subscribers.flush(&drawing, now);
    }
    let fell_behind = Instant::now();
    assert!(subscribers.evict_stalled(now + MAX_STALL).is_empty());
    assert_eq!(subscribers.len(), 1);
    let later = fell_behind + MAX_STALL + Duration::from_millis(1);
    assert_eq!(subscribers.evict_stalled(later), [1]);
    subscribers.leave(1);
    assert!(subscribers.is_empty() && !subscribers.has_slow());
    // If it ever reads, it is closed with a reason.
    assert_eq!(client.closed(), Some(Close::Silent));
}

#[test]
fn retained_frames_reach_slow_and_new_sessions() {
    let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
    let now = Instant::now();
    let ada = joined(&mut subscribers, &drawing);
    let title = |title: &'static str| ByteString::from_static(title);
    subscribers.announce(Retained::Title, title("one"), now);
    assert_eq!(ada.frames(), ["one"]);
    // It does not read now: later it gets the last title only.
    while !subscribers.has_slow() {
        draw(&mut drawing);
        subscribers.flush(&drawing, now);
    }
    subscribers.announce(Retained::Title, title("two"), now);
    subscribers.announce(Retained::Title, title("three"), now);
    ada.frames();
    subscribers.catch_up(&drawing, now);
    let frames = ada.frames();
    assert_eq!(frames.len(), 2, "what it lacked, and the title");
    assert_eq!(frames[1], "three");

    // A client that reads over HTTP gets it after that, and a new session at once.
    let ben = Client::new();
    subscribers.join(2, ben.clone(), &drawing, (0, None), Resync::Warm, now);
    assert_eq!(ben.frames().len(), 1, "the advice to read");
    subscribers.announce(Retained::People, title("people"), now);
    assert_eq!(ada.frames(), ["people"]);
    assert!(ben.frames().is_empty());
    subscribers.resume(
        2,
        &drawing,
        (drawing.head(), Some(drawing.epoch())),
        Resync::Warm,
        now,
    );
    let frames = ben.frames();
    assert_eq!(frames[1..], ["people", "three"]);
    assert!(!subscribers.has_slow());
}

fn catch_ups(metrics: &Metrics) -> usize {
    let text = metrics.text();
    let mut lines = text.lines();
    let number = lines.find_map(|line| line.strip_prefix("whiteboard_catch_ups_encoded_total "));
    number.unwrap().parse().unwrap()
}

#[test]
fn no_frame_is_encoded_for_sessions_that_do_not_read() {
    const ROUNDS: usize = 100;
    for slow in [0, 4, 100] {
        let metrics = Metrics::new();
        let (mut subscribers, mut drawing) = (Subscribers::new(metrics.clone()), drawing());
        let now = Instant::now();
        let mut clients = Vec::new();
        for session in 0..slow + 2 {
            let max_bytes = if session < slow { 1 } else { UNREAD };
            clients.push((Client::with_room(max_bytes), session));
        }
        // No client reads before all frames are sent. A slow one's mailbox is full with its first
        // frame, and each lacks different changes.
        for (client, session) in &clients {
            let position = (drawing.head(), Some(drawing.epoch()));
            let client = client.clone();
            subscribers.join(*session, client, &drawing, position, Resync::Warm, now);
            draw_with(&mut drawing, 1);
            subscribers.flush(&drawing, now);
        }
        assert_eq!(subscribers.slow, slow as usize);
        let before = catch_ups(&metrics);
        for _ in 0..ROUNDS {
            draw_with(&mut drawing, 1);
            subscribers.flush(&drawing, now);
            subscribers.catch_up(&drawing, now);
        }
        assert_eq!(catch_ups(&metrics), before);
        let mut frames = Vec::new();
        for (client, ..) in &clients {
            frames.push(client.frames());
        }
        let [.., one, other] = &frames[..] else {
            panic!()
        };
        // Each flush was one frame, encoded once for both live sessions.
        let (one, other) = (&one[one.len() - ROUNDS..], &other[other.len() - ROUNDS..]);
        assert!(
            one.iter()
                .all(|frame| frame.matches(r#""seq":"#).count() == 1)
        );
        let same = |(one, other): (&ByteString, &ByteString)| one.as_ptr() == other.as_ptr();
        assert!(one.iter().zip(other).all(same));

        // All have read now: they lack nothing after the next check.
        subscribers.catch_up(&drawing, now);
        assert!(!subscribers.has_slow());
        assert_eq!(catch_ups(&metrics), before + slow as usize);
        let head = format!(r#""head":{},"#, drawing.head());
        for (client, ..) in &clients[..slow as usize] {
            let frames = client.frames();
            assert!(frames.len() == 1 && frames[0].contains(&head));
        }
    }
}

fn acks(ops: usize, acked_through: u64, refusals: &[&'static str]) -> Acks {
    let refusals = refusals.iter().copied().map(ByteString::from_static);
    Acks {
        refusals: refusals.collect(),
        ops,
        acked_through,
    }
}

#[test]
fn acks_reach_a_slow_client_once_it_reads() {
    // It lacks no changes, some, or more than its socket gets.
    for strokes in [0, 1, 2 * MAX_STROKES_FRAME_BYTES / BYTES] {
        let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
        let now = Instant::now();
        let client = joined(&mut subscribers, &drawing);
        let pointer = ByteString::from_static("pointer");
        (0..2 * MESSAGES).for_each(|_| subscribers.signal(&pointer));
        (0..strokes).for_each(|_| draw(&mut drawing));
        subscribers.flush(&drawing, now);
        subscribers.acknowledge(1, acks(3, 3, &["2 is refused"]), now);
        subscribers.catch_up(&drawing, now);
        subscribers.acknowledge(1, acks(2, 5, &["4 is refused", "5 is refused"]), now);
        assert!(subscribers.has_slow());

        client.frames();
        assert!(Client::acks(&client).is_empty());
        subscribers.catch_up(&drawing, now);
        let acks = Client::acks(&client);
        let refused: Vec<_> = acks.iter().flat_map(|acks| &acks.refusals).collect();
        assert_eq!(refused, ["2 is refused", "4 is refused", "5 is refused"]);
        assert_eq!(acks.iter().map(|acks| acks.ops).sum::<usize>(), 5);
        assert_eq!(acks.last().unwrap().acked_through, 5);
        assert!(!subscribers.has_slow());
    }
}

#[test]
fn a_presence_change_is_sent_only_to_sessions_that_have_the_previous_list() {
    let (mut subscribers, mut drawing) = (Subscribers::new(Metrics::new()), drawing());
    let now = Instant::now();
    let people = |frame: &'static str| ByteString::from_static(frame);
    let ada = joined(&mut subscribers, &drawing);
    // She has no list yet, so a change would be useless.
    subscribers.announce_change(Retained::People, people("change 1"), people("whole 1"), now);
    subscribers.announce_change(Retained::People, people("change 2"), people("whole 2"), now);
    assert_eq!(ada.frames(), ["whole 1", "change 2"]);

    // She does not read now. Only one frame is kept for her, whatever happens meanwhile.
    while !subscribers.has_slow() {
        draw(&mut drawing);
        subscribers.flush(&drawing, now);
    }
    for (change, whole) in [("change 3", "whole 3"), ("change 4", "whole 4")] {
        subscribers.announce_change(Retained::People, people(change), people(whole), now);
    }
    subscribers.repeat(1, Retained::People, now);
    ada.frames();
    subscribers.catch_up(&drawing, now);
    assert_eq!(ada.frames()[1..], ["whole 4"]);
    subscribers.announce_change(Retained::People, people("change 5"), people("whole 5"), now);
    subscribers.repeat(1, Retained::People, now);
    subscribers.repeat(7, Retained::People, now);
    assert_eq!(ada.frames(), ["change 5", "whole 5"]);
    assert!(!subscribers.has_slow());
}
