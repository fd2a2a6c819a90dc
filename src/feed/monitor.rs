//! Detects a live query that no longer delivers.
//!
//! A live query killed from outside ends without notice. It must not be confused with one that has
//! nothing to deliver: a feed's own changes and signals are delivered to it too.

use crate::domain::sequence::Seq;

/// Missed ticks before a live query counts as stalled.
const TICKS_UNTIL_STALLED: u8 = 2;

/// How far one live query has got, and how far it should be.
#[derive(Debug, Default)]
struct Progress {
    received: u64,
    /// What was received and stored at the last tick.
    before: u64,
    due: u64,
    missed: u8,
}

impl Progress {
    /// A live query that delivers what comes after this.
    fn from(received: u64) -> Self {
        Self {
            received,
            ..Self::default()
        }
    }

    /// A tick passed. A slow live query is not stalled as long as it makes progress.
    fn is_stalled(&mut self, stored: u64) -> bool {
        let silent = self.received < self.due && self.received == self.before;
        self.missed = if silent { self.missed + 1 } else { 0 };
        self.before = self.received;
        self.due = stored;
        self.missed >= TICKS_UNTIL_STALLED
    }
}

/// What is stored, and what of it was received.
#[derive(Debug, Default)]
pub(super) struct LiveQueryMonitor {
    /// Changes, by position.
    changes: Progress,
    /// This feed's own signal rows, by number.
    rows: Progress,
    /// The last row numbers assigned and stored.
    numbered: u64,
    written: u64,
}

impl LiveQueryMonitor {
    /// The live queries are new: changes up to `head` were read, and rows in flight may or may not
    /// be delivered.
    pub(super) fn begin(&mut self, head: Seq) {
        self.changes = Progress::from(head);
        self.rows = Progress::from(self.numbered);
    }

    /// A change was received.
    pub(super) fn on_change(&mut self, seq: Seq) {
        self.changes.received = self.changes.received.max(seq);
    }

    /// Assigns a number to a signal row that is to be stored.
    pub(super) fn next_row(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    /// The row of this number was stored.
    pub(super) fn on_row_stored(&mut self, row: u64) {
        self.written = self.written.max(row);
    }

    /// The row of this number was received. A row of an earlier feed of this server may have a higher
    /// number: ignore it.
    pub(super) fn on_row(&mut self, row: u64) {
        if row <= self.numbered {
            self.rows.received = self.rows.received.max(row);
        }
    }

    /// A tick passed, and the drawing is at `head`: true if for some ticks nothing of what was
    /// stored before was received.
    pub(super) fn is_stalled(&mut self, head: Seq) -> bool {
        let to_changes = self.changes.is_stalled(head);
        self.rows.is_stalled(self.written) || to_changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(monitor: &mut LiveQueryMonitor, head: Seq) -> usize {
        (1..100)
            .find(|_| monitor.is_stalled(head))
            .unwrap_or(usize::MAX)
    }

    #[test]
    fn changes_stored_but_not_received_for_some_ticks_mean_stalled() {
        let after = usize::from(TICKS_UNTIL_STALLED) + 1;
        let mut monitor = LiveQueryMonitor::default();
        monitor.begin(5);
        assert_eq!(ticks(&mut monitor, 5), usize::MAX);
        monitor.on_change(6);
        assert_eq!(ticks(&mut monitor, 6), usize::MAX);
        assert_eq!(ticks(&mut monitor, 7), after);
        monitor.begin(7);
        let row = monitor.next_row();
        monitor.on_row_stored(row);
        assert_eq!(ticks(&mut monitor, 7), after);
        monitor.begin(7);
        let row = monitor.next_row();
        monitor.on_row_stored(row);
        monitor.on_row(row);
        assert_eq!(ticks(&mut monitor, 7), usize::MAX);
    }

    #[test]
    fn rows_from_before_a_live_query_are_neither_due_nor_taken_for_later_ones() {
        let mut monitor = LiveQueryMonitor::default();
        let early = monitor.next_row();
        monitor.begin(0);
        monitor.on_row_stored(early);
        assert_eq!(ticks(&mut monitor, 0), usize::MAX);
        let later = monitor.next_row();
        monitor.on_row(early);
        monitor.on_row(later + 5);
        monitor.on_row_stored(later);
        assert_ne!(ticks(&mut monitor, 0), usize::MAX);
    }

    #[test]
    fn a_live_query_that_is_late_is_not_stalled() {
        let mut monitor = LiveQueryMonitor::default();
        monitor.begin(0);
        for head in 1..100 {
            assert!(!monitor.is_stalled(head));
            monitor.on_change(head - 1);
        }
    }
}
