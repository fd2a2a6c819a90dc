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

mod mailbox;
mod position;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytestring::ByteString;

use crate::drawing::Drawing;
use crate::metrics::{Metrics, Resync, Skipped};
use crate::model::{Life, Seq, Writer};
use crate::protocol::{Close, ResetReason, ToBrowser, strokes_frame};
use crate::queue::SessionId;
pub use mailbox::{Answers, Mailbox, ToSession, Unread};
use position::{CatchUp, FirstFrame, catch_up, first_load};
pub use position::{Load, judge_read, judge_since};

/// The largest frame of changes, in bytes, unless a single one has more. What is new and does
/// not fit goes out in several; a catch-up that does not fit is read over HTTP, compressed.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;
/// A session that reads nothing for so long is given up.
pub const MAX_STALL: Duration = Duration::from_secs(30);

/// What is told when it changes, and has to reach everyone once they read: the last of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lasting {
    /// Who is here.
    People,
    /// The drawing's title.
    Title,
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
        for (kind, frame) in lasting {
            if self.missed.contains(kind) {
                if !self.mailbox.frame(frame.clone()) {
                    return false;
                }
                self.missed.remove(kind);
            }
        }
        true
    }

    /// It said hello, and is told so. Past the mailbox's limit: a session says it once.
    pub fn welcome(&mut self, writer: Writer, frame: ByteString, next: u64) {
        self.writer = Some(writer);
        let welcome = ToSession::Welcome { frame, next };
        self.mailbox.tell(welcome);
    }

    fn pay(&mut self) -> bool {
        let Some(answers) = self.owed.take() else {
            return true;
        };
        self.owed = self.mailbox.answers(answers).err();
        self.owed.is_none()
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
    /// What the next session that holds nothing is sent.
    first_frame: Option<FirstFrame>,
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
            first_frame: None,
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
            // What changes of who is here means nothing before all of it was told, be it later.
            missed: self
                .lasting
                .keys()
                .copied()
                .chain([Lasting::People])
                .collect(),
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
        let mut catch_ups: HashMap<Seq, CatchUp> = HashMap::new();
        self.waiting = 0;
        for member in self.all.values_mut() {
            let Flow::Behind {
                position, reset, ..
            } = &mut member.flow
            else {
                continue;
            };
            // What would not be taken is not encoded: that would go on for as long as it reads nothing.
            if !member.mailbox.has_room() {
                self.waiting += 1;
                continue;
            }
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
            let found = catch_ups
                .entry(*position)
                .or_insert_with(|| match *position {
                    0 => first_load(&mut self.first_frame, drawing, &self.metrics),
                    position => catch_up(drawing, position, &self.metrics),
                });
            // Between two frames it may stop reading, and goes on from there.
            let all = found.frames.iter().all(|(reached, frame)| {
                let taken = member.mailbox.frame(frame.clone());
                if taken {
                    *position = *reached;
                }
                taken
            });
            if !all {
                self.waiting += 1;
                continue;
            }
            if found.reads {
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
        self.announce_change(kind, frame.clone(), frame);
    }

    /// The same with two frames: what changed, for those who were told all that was told before, and
    /// the whole of it for the others. Both are encoded once.
    pub fn announce_change(&mut self, kind: Lasting, change: ByteString, whole: ByteString) {
        for member in self.all.values_mut() {
            let frame = match member.missed.contains(&kind) {
                true => &whole,
                false => &change,
            };
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
        self.lasting.insert(kind, whole);
    }

    /// A session asks for the whole of what lasts: at once, or when it reads.
    pub fn repeat(&mut self, session: SessionId, kind: Lasting) {
        let Some(member) = self.all.get_mut(&session) else {
            return;
        };
        member.missed.insert(kind);
        if matches!(member.flow, Flow::Following) && !member.make_up(&self.lasting) {
            member.fall_behind(self.sent);
            self.waiting += 1;
        }
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
        if self
            .first_frame
            .as_ref()
            .is_some_and(|kept| kept.is_unused(now))
        {
            self.first_frame = None;
        }
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
            member.mailbox.tell(ToSession::Lost);
        }
    }
}

#[cfg(test)]
mod tests;
