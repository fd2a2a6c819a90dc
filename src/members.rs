//! The sessions of one open drawing: who gets what, and who has fallen behind.
//!
//! Delivery never waits and never buffers strokes: a session whose mailbox is full is left
//! out until it reads again, and then gets everything it lacks in one frame.
//!
//! # What a browser that does not read costs
//!
//! At most so many bytes of frames as a setting says wait in its mailbox, which other sessions share,
//! and its connection holds a copy of some 32 KiB and one frame, of about
//! [`MAX_FRAME_BYTES`] or one stroke. Beside that it is owed the answers to its own ops.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix::{Message, Recipient};
use bytestring::ByteString;

use crate::drawing::Drawing;
use crate::metrics::{Metrics, Resync, Skipped};
use crate::model::{Life, Seq, Writer};
use crate::protocol::{Close, ResetReason, ToBrowser, strokes_frame};
use crate::queue::SessionId;

/// The largest frame of changes, in bytes, unless a single one has more. What is new and does
/// not fit goes out in several; a catch-up that does not fit is read over HTTP, compressed.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;
/// A session that reads nothing for so long is given up.
pub const MAX_STALL: Duration = Duration::from_secs(30);

/// What a feed tells a session.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub enum ToSession {
    /// A frame for the browser.
    Frame(ByteString),
    /// The answer to `hello`: the frame, and the number of the op that is taken next.
    Welcome {
        /// The `welcome` frame.
        frame: ByteString,
        /// The next op's number.
        next: u64,
    },
    /// Some of its ops are decided.
    Answers(Answers),
    /// The socket is to be closed.
    Close(Close),
    /// The feed is gone without a reason: join again.
    Lost,
}

/// The way to a session: its mailbox, and how many bytes of frames wait in it.
#[derive(Clone, Debug)]
pub struct Mailbox {
    recipient: Recipient<ToSession>,
    unread: Unread,
    most: usize,
}

/// Bytes of frames that were sent to a session and not taken by it.
#[derive(Clone, Debug, Default)]
pub struct Unread(Arc<AtomicUsize>);

impl Unread {
    /// The session took a frame.
    pub fn took(&self, frame: &ByteString) {
        self.0.fetch_sub(frame.len(), Ordering::Relaxed);
    }
}

impl Mailbox {
    /// The mailbox of a session, which says to `unread` what it took. At most so many bytes of frames
    /// wait in it, unless a single one has more.
    pub fn new(recipient: Recipient<ToSession>, unread: Unread, most: usize) -> Self {
        Self {
            recipient,
            unread,
            most,
        }
    }

    /// Closes the session. Past the mailbox's limit: its last message.
    pub fn close(&self, close: Close) {
        self.recipient.do_send(ToSession::Close(close));
    }

    /// Sends a frame, if there is room; says whether there was.
    fn frame(&self, frame: ByteString) -> bool {
        let bytes = frame.len();
        let unread = self.unread.0.fetch_add(bytes, Ordering::Relaxed);
        let fits = unread == 0 || unread + bytes <= self.most;
        if fits && self.recipient.try_send(ToSession::Frame(frame)).is_ok() {
            return true;
        }
        self.unread.0.fetch_sub(bytes, Ordering::Relaxed);
        false
    }
}

/// What is told when it changes, and has to reach everyone once they read: the last of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lasting {
    /// Who is here.
    People,
    /// The drawing's title.
    Title,
}

/// What came of ops of one session.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The refusals among them, as frames, in order.
    pub refusals: Vec<ByteString>,
    /// How many ops were decided.
    pub ops: usize,
    /// The number of the last: every op up to it is decided.
    pub upto: u64,
}

/// How changes reach a session.
#[derive(Debug)]
enum Flow {
    /// It has everything that was sent, and gets each frame.
    Following,
    /// It has everything up to `position`, after it forgot everything if there is a reason to
    /// reset, and was not reading at `since`.
    Behind {
        position: Seq,
        reset: Option<ResetReason>,
        since: Instant,
    },
    /// It reads over HTTP, and will say what it then has.
    Reading,
}

/// One session of this drawing.
#[derive(Debug)]
pub struct Member {
    mailbox: Mailbox,
    flow: Flow,
    /// Who draws in it, once it said hello.
    pub writer: Option<Writer>,
    /// Answers that found its mailbox full. Bounded by the ops that a session may have without an answer.
    owed: Option<Answers>,
    /// What changed while it was not reading.
    missed: BTreeSet<Lasting>,
}

impl Member {
    /// It holds everything up to `position`, and gets the rest when it reads.
    fn fall_behind(&mut self, position: Seq) {
        self.flow = Flow::Behind {
            position,
            reset: None,
            since: Instant::now(),
        };
    }

    /// Sends what it missed of what lasts; false when its mailbox is full.
    fn make_up(&mut self, lasting: &BTreeMap<Lasting, ByteString>) -> bool {
        while let Some(kind) = self.missed.first().copied() {
            if let Some(frame) = lasting.get(&kind)
                && !self.mailbox.frame(frame.clone())
            {
                return false;
            }
            self.missed.remove(&kind);
        }
        true
    }

    /// It said hello, and is told so. Past the mailbox's limit: a session says it once.
    pub fn welcome(&mut self, writer: Writer, frame: ByteString, next: u64) {
        self.writer = Some(writer);
        let welcome = ToSession::Welcome { frame, next };
        self.mailbox.recipient.do_send(welcome);
    }

    fn pay(&mut self) -> bool {
        let Some(answers) = self.owed.take() else {
            return true;
        };
        let answers = ToSession::Answers(answers);
        match self.mailbox.recipient.try_send(answers) {
            Ok(()) => true,
            Err(error) => {
                if let ToSession::Answers(answers) = error.into_inner() {
                    self.owed = Some(answers);
                }
                false
            }
        }
    }

    fn answer(&mut self, answers: Answers) {
        let owed = self.owed.get_or_insert_default();
        owed.refusals.extend(answers.refusals);
        owed.ops += answers.ops;
        owed.upto = answers.upto;
        self.pay();
    }
}

/// All sessions of this drawing on this server.
pub struct Members {
    metrics: Arc<Metrics>,
    all: BTreeMap<SessionId, Member>,
    /// Everyone who follows has everything up to here.
    sent: Seq,
    /// How many have fallen behind.
    waiting: usize,
    /// What everyone was told last of what lasts.
    lasting: BTreeMap<Lasting, ByteString>,
}

impl Members {
    /// Nobody yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            all: BTreeMap::new(),
            sent: 0,
            waiting: 0,
            lasting: BTreeMap::new(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// One of them.
    pub fn get_mut(&mut self, session: SessionId) -> Option<&mut Member> {
        self.all.get_mut(&session)
    }

    /// The last position that was sent to all who follow.
    pub fn sent(&self) -> Seq {
        self.sent
    }

    /// Whether someone is to be caught up when they read again.
    pub fn has_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Takes in a session that holds everything up to `since` of `life`, and sends what it
    /// lacks; `resync` says where that comes from.
    pub fn join(
        &mut self,
        session: SessionId,
        mailbox: Mailbox,
        drawing: &Drawing,
        since: Seq,
        life: Option<Life>,
        resync: Resync,
    ) {
        let member = Member {
            mailbox,
            flow: Flow::Reading,
            writer: None,
            owed: None,
            missed: self.lasting.keys().copied().collect(),
        };
        self.all.insert(session, member);
        self.resume(session, drawing, since, life, resync);
    }

    /// A session holds everything up to `since` of `life`: sends what it lacks, and it follows from then on.
    pub fn resume(
        &mut self,
        session: SessionId,
        drawing: &Drawing,
        since: Seq,
        life: Option<Life>,
        resync: Resync,
    ) {
        self.flush(drawing);
        let Some(member) = self.all.get_mut(&session) else {
            return;
        };
        let (since, reset) = judge_since(drawing, since, life);
        let resync = reset.map_or(resync, |_| Resync::Reset);
        self.metrics.resyncs.count(resync);
        self.waiting += usize::from(!matches!(member.flow, Flow::Behind { .. }));
        member.flow = Flow::Behind {
            position: since,
            reset,
            since: Instant::now(),
        };
        self.catch_up(drawing);
    }

    /// A session left.
    pub fn leave(&mut self, session: SessionId) -> Option<Member> {
        let member = self.all.remove(&session)?;
        self.waiting -= usize::from(matches!(member.flow, Flow::Behind { .. }));
        Some(member)
    }

    /// Sends what is new since the last flush, merged into one frame, or a few large ones, each
    /// encoded once.
    pub fn flush(&mut self, drawing: &Drawing) {
        let head = drawing.head();
        let mut changes = drawing.since(self.sent).peekable();
        while self.sent < head {
            let from = self.sent;
            let (mut part, mut bytes) = (Vec::new(), 0);
            while let Some(change) = changes
                .next_if(|change| part.is_empty() || bytes + change.bytes() <= MAX_FRAME_BYTES)
            {
                bytes += change.bytes();
                part.push(change);
            }
            self.sent = match (changes.peek(), part.last()) {
                (Some(_), Some(last)) => last.seq,
                _ => head,
            };
            let mut followers = self
                .all
                .values_mut()
                .filter(|member| matches!(member.flow, Flow::Following))
                .peekable();
            if followers.peek().is_none() {
                self.sent = head;
                return;
            }
            let frame = strokes_frame(from, self.sent, part);
            for member in followers {
                if !member.mailbox.frame(frame.clone()) {
                    self.metrics.skipped.count(Skipped::Strokes);
                    member.fall_behind(from);
                    self.waiting += 1;
                }
            }
        }
    }

    /// The drawing was read anew and is another one: everyone starts over.
    pub fn reset(&mut self, drawing: &Drawing, reason: ResetReason) {
        self.sent = drawing.head();
        for member in self.all.values_mut() {
            member.flow = Flow::Behind {
                position: 0,
                reset: Some(reason),
                since: Instant::now(),
            };
        }
        self.waiting = self.all.len();
        self.metrics.resyncs.add(Resync::Reset, self.waiting);
        self.catch_up(drawing);
    }

    /// Sends those who fell behind all they lack, if they read again.
    pub fn catch_up(&mut self, drawing: &Drawing) {
        if self.waiting == 0 {
            return;
        }
        let head = drawing.head();
        let mut frames: HashMap<Seq, CatchUp> = HashMap::new();
        self.waiting = 0;
        for member in self.all.values_mut() {
            let Flow::Behind {
                position, reset, ..
            } = &mut member.flow
            else {
                continue;
            };
            let position = *position;
            if let Some(reason) = *reset {
                let frame = ToBrowser::Reset {
                    life: drawing.life(),
                    reason,
                }
                .encode();
                if !member.mailbox.frame(frame) {
                    self.waiting += 1;
                    continue;
                }
                *reset = None;
            }
            let frame = frames
                .entry(position)
                .or_insert_with(|| catch_up_frame(drawing, position, head));
            if !member.mailbox.frame(frame.text.clone()) {
                self.waiting += 1;
                continue;
            }
            if frame.reads {
                member.flow = Flow::Reading;
                // Answers do not wait for the strokes: it may say nothing for long.
                member.pay();
                continue;
            }
            member.flow = Flow::Following;
            if !member.pay() || !member.make_up(&self.lasting) {
                member.fall_behind(head);
                self.waiting += 1;
            }
        }
    }

    /// Tells everyone something that lasts until it changes again: those who do not read are
    /// told when they do, and those who join are told too.
    pub fn announce(&mut self, kind: Lasting, frame: ByteString) {
        for member in self.all.values_mut() {
            let follows = matches!(member.flow, Flow::Following);
            if follows && member.mailbox.frame(frame.clone()) {
                member.missed.remove(&kind);
                continue;
            }
            member.missed.insert(kind);
            if follows {
                member.fall_behind(self.sent);
                self.waiting += 1;
            }
        }
        self.lasting.insert(kind, frame);
    }

    /// Sends a frame that nobody misses: those who do not read are left out.
    pub fn signal(&self, frame: &ByteString) {
        for member in self.all.values() {
            let follows = matches!(member.flow, Flow::Following);
            if !follows || !member.mailbox.frame(frame.clone()) {
                self.metrics.skipped.count(Skipped::Signals);
            }
        }
    }

    /// Tells a session what came of its ops. It is told for certain: what
    /// finds its mailbox full waits until it reads.
    pub fn answer(&mut self, session: SessionId, answers: Answers) {
        let Some(member) = self.all.get_mut(&session) else {
            return;
        };
        member.answer(answers);
        if member.owed.is_some() && matches!(member.flow, Flow::Following) {
            member.fall_behind(self.sent);
            self.waiting += 1;
        }
    }

    /// Names the sessions that have not read for too long, and closes them, should they ever read.
    pub fn give_up(&mut self, now: Instant) -> Vec<SessionId> {
        let stalled = |member: &Member| match member.flow {
            Flow::Behind { since, .. } => now.duration_since(since) > MAX_STALL,
            _ => false,
        };
        let gone = self.all.iter().filter(|(_, member)| stalled(member));
        gone.map(|(&session, member)| {
            member.mailbox.close(Close::Silent);
            session
        })
        .collect()
    }

    /// Closes up to `most` sessions, and forgets them; gives which.
    pub fn close(&mut self, most: usize, close: impl Fn() -> Close) -> Vec<SessionId> {
        let sessions: Vec<_> = self.all.keys().copied().take(most).collect();
        for session in &sessions {
            if let Some(member) = self.leave(*session) {
                member.mailbox.close(close());
            }
        }
        sessions
    }
}

impl Drop for Members {
    /// No path forgets a session: those that are left when their feed goes join again.
    fn drop(&mut self) {
        for member in self.all.values() {
            member.mailbox.recipient.do_send(ToSession::Lost);
        }
    }
}

/// Where a reader that says it holds `since` of `life` really is, and whether it has to start over.
pub fn judge_since(
    drawing: &Drawing,
    since: Seq,
    life: Option<Life>,
) -> (Seq, Option<ResetReason>) {
    if since == 0 && life.is_none_or(|life| life == drawing.life()) {
        return (0, None);
    }
    if life.is_some_and(|life| life != drawing.life()) || (life.is_none() && since > 0) {
        return (0, Some(ResetReason::Life));
    }
    if since < drawing.floor() {
        return (0, Some(ResetReason::Floor));
    }
    if since > drawing.head() {
        return (0, Some(ResetReason::Ahead));
    }
    (since, None)
}

/// What brings a reader from a position to the head: the changes, or the advice to read them over HTTP.
struct CatchUp {
    text: ByteString,
    reads: bool,
}

fn catch_up_frame(drawing: &Drawing, position: Seq, head: Seq) -> CatchUp {
    // Only as far as it may go: the drawing may be large.
    let fits = drawing.since(position).try_fold(0, |bytes, change| {
        let bytes = bytes + change.bytes();
        (bytes <= MAX_FRAME_BYTES).then_some(bytes)
    });
    let reads = fits.is_none();
    let text = match reads {
        true => ToBrowser::Read { since: position }.encode(),
        false => strokes_frame(position, head, drawing.since(position)),
    };
    CatchUp { text, reads }
}

#[cfg(test)]
mod tests {
    use actix::{Actor, Context, Handler};

    use super::*;
    use crate::drawing::Limits;
    use crate::model::{Change, OpId, PersonId, StrokeId, WriterId};
    use crate::stroke::Body;

    /// Bytes of each stroke here.
    const BYTES: usize = 60 * 1024;
    /// Bytes of frames that may wait.
    const UNREAD: usize = 2 * 1024 * 1024;

    /// A session, whose mailbox is read whenever a test waits.
    struct Browser {
        unread: Unread,
        frames: Vec<ByteString>,
    }

    impl Actor for Browser {
        type Context = Context<Self>;

        fn started(&mut self, ctx: &mut Self::Context) {
            ctx.set_mailbox_capacity(1_000);
        }
    }

    impl Handler<ToSession> for Browser {
        type Result = ();

        fn handle(&mut self, message: ToSession, _: &mut Self::Context) {
            if let ToSession::Frame(frame) = message {
                self.unread.took(&frame);
                self.frames.push(frame);
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
        let seq = drawing.head() + 1;
        let body = format!(
            r##"{{"tool":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3,"note":"{}"}}"##,
            "x".repeat(BYTES)
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

    async fn browser(unread: Unread) -> actix::Addr<Browser> {
        let browser = Browser {
            unread,
            frames: Vec::new(),
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
        let mut came = browser.send(Came).await.unwrap();
        let read = came.pop().unwrap();
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
        drop(browser);
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
}
