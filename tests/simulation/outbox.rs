//! The ops of one writer that have no acknowledgement: what the page's outbox does.
//!
//! It must never send an op again whose refusal its page was told, and never have a hole in its numbers.

use std::collections::VecDeque;

use whiteboard::domain::ids::StrokeId;
use whiteboard::domain::op::{Op, OpKind};
use whiteboard::feed::queue::op_bytes;

use crate::world::Time;

/// Most ops and bytes that are sent and have no acknowledgement.
const WINDOW: usize = 1_000;
const BYTES_IN_FLIGHT: usize = 2 * 1024 * 1024;
/// Most ops and bytes of one frame.
const OPS_PER_FRAME: usize = 500;
const BYTES_PER_FRAME: usize = 200 * 1024;
/// A removal may be undone by a crash of the page for so long, unless it was made strictly.
const DURABLE_AFTER: Time = Time::from_millis(50);

/// An op without an acknowledgement.
#[derive(Clone, Debug)]
struct Entry {
    op: Op,
    /// It was refused, and is kept only so that the numbers have no hole.
    is_void: bool,
}

/// What a page was told that it acts on.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It waits, and sends all from there again.
    Pause,
    /// The op is refused for good.
    Final,
    /// It was told before, or has left the outbox.
    Unknown,
}

/// The outbox.
#[derive(Debug)]
pub struct Outbox {
    entries: VecDeque<Entry>,
    next: u64,
    sent_through: u64,
    /// A session takes ops.
    is_open: bool,
    /// The server asked for a pause.
    is_paused: bool,
    /// Removed a moment ago: they are back if the page crashes now.
    removed: VecDeque<(Time, Entry)>,
}

impl Outbox {
    /// An outbox without ops.
    pub fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            next: 1,
            sent_through: 0,
            is_open: false,
            is_paused: false,
            removed: VecDeque::new(),
        }
    }

    /// What another page finds after a crash.
    pub fn adopt(&self, now: Time) -> Self {
        let lost = |(at, _): &&(Time, Entry)| now < *at + DURABLE_AFTER;
        let removed = self.removed.iter().filter(lost);
        let mut entries: VecDeque<Entry> = removed.map(|(_, entry)| entry.clone()).collect();
        entries.extend(self.entries.iter().cloned());
        let first = entries.front().map_or(self.next, |entry| entry.op.n);
        Self {
            entries,
            next: self.next,
            sent_through: first - 1,
            is_open: false,
            is_paused: false,
            removed: VecDeque::new(),
        }
    }

    /// The number of the first op without an acknowledgement, or of the next one.
    pub fn first(&self) -> u64 {
        self.entries.front().map_or(self.next, |entry| entry.op.n)
    }

    /// The number of the next op.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How many ops have no acknowledgement.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Whether it waits before it sends again.
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Whether an op up to this one may be sent yet.
    pub fn may_send(&self, n: u64) -> bool {
        let removed = self.removed.front().map(|(_, entry)| entry.op.n);
        self.first() <= n || removed.is_some_and(|first| first <= n)
    }

    /// The last own op on a stroke.
    pub fn last_on(&self, stroke: StrokeId) -> Option<&Op> {
        let mut ops = self.entries.iter().rev().map(|entry| &entry.op);
        ops.find(|op| op.stroke == stroke)
    }

    /// Takes an op in.
    pub fn add(&mut self, op: Op) {
        self.next = op.n + 1;
        self.entries.push_back(Entry { op, is_void: false });
    }

    /// A session takes ops: sends all of them from the first on.
    pub fn opened(&mut self) {
        self.is_open = true;
        self.sent_through = self.first() - 1;
    }

    /// The session is gone.
    pub fn closed(&mut self) {
        self.is_open = false;
        self.is_paused = false;
    }

    /// The pause is over.
    pub fn resume(&mut self) {
        self.is_paused = false;
    }

    /// Every op up to `n` is acknowledged: gives the numbers of those that leave.
    pub fn done(&mut self, n: u64, now: Time) -> Vec<u64> {
        let count = self.entries.iter().filter(|entry| entry.op.n <= n).count();
        let gone: Vec<Entry> = self.entries.drain(..count).collect();
        while let Some((at, _)) = self.removed.front()
            && *at + DURABLE_AFTER <= now
        {
            self.removed.pop_front();
        }
        let numbers = gone
            .iter()
            .filter(|entry| !entry.is_void)
            .map(|entry| entry.op.n);
        let numbers = numbers.collect();
        self.removed
            .extend(gone.into_iter().map(|entry| (now, entry)));
        numbers
    }

    /// An op is refused; `other` is the id of a stroke that never was.
    pub fn refused(&mut self, n: u64, is_load: bool, other: StrokeId) -> Refusal {
        if is_load {
            let before = n.max(self.first()) - 1;
            self.sent_through = self.sent_through.min(before);
            self.is_paused = true;
            return Refusal::Pause;
        }
        let Some(place) = self.entries.iter().position(|entry| entry.op.n == n) else {
            return Refusal::Unknown;
        };
        if self.entries[place].is_void {
            return Refusal::Unknown;
        }
        if place == 0 {
            self.entries.pop_front();
        } else {
            // The ops before it may be sent again, and its number is needed then.
            self.entries[place] = Entry {
                op: Op {
                    n,
                    stroke: other,
                    kind: OpKind::Erase { base: None },
                },
                is_void: true,
            };
        }
        // Written to the disk before the page acts on it, and all that was written before with it.
        self.removed.clear();
        Refusal::Final
    }

    /// The ops from `n` on were not taken.
    pub fn resend(&mut self, n: u64) {
        if n >= self.first() {
            self.sent_through = self.sent_through.min(n - 1);
        }
    }

    /// The ops of the next frame to send now, none if there is none. Sizes are rough: the page counts
    /// the bytes of the frame's text.
    pub fn take_frame(&mut self) -> Vec<Op> {
        if !self.is_open || self.is_paused {
            return Vec::new();
        }
        let sent = self.sent_through;
        let count = self.entries.iter().take_while(|entry| entry.op.n <= sent);
        let count = count.count();
        let bytes = |entry: &Entry| op_bytes(&entry.op);
        let bytes_in_flight: usize = self.entries.iter().take(count).map(bytes).sum();
        if bytes_in_flight >= BYTES_IN_FLIGHT {
            return Vec::new();
        }
        let mut size = 0;
        let ready = self.entries.iter().skip(count);
        let fits = ready.take(OPS_PER_FRAME.min(WINDOW.saturating_sub(count)));
        let fits = fits.enumerate().take_while(|(place, entry)| {
            size += bytes(entry);
            *place == 0 || size <= BYTES_PER_FRAME
        });
        let ops: Vec<Op> = fits.map(|(_, entry)| entry.op.clone()).collect();
        if let Some(last) = ops.last() {
            self.sent_through = last.n;
        }
        ops
    }
}

#[test]
fn the_limits_are_those_of_the_page() {
    let page = include_str!("../../static/net/outbox.js");
    for line in [
        "const WINDOW = 1_000;",
        "const BYTES_IN_FLIGHT = 2 * 1024 * 1024;",
        "const OPS_PER_FRAME = 500;",
        "const BYTES_PER_FRAME = 200 * 1024;",
    ] {
        assert!(page.contains(line), "{line}");
    }
}
