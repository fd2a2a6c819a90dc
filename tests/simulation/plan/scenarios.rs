//! Runs in which what is rare by chance happens on purpose.
//!
//! It must never decide by anything but the seed.

use std::time::Duration;

use crate::fault::Fault;
use crate::plan::{ACTIVE_MILLIS, Manner, Plan, PlannedFault, PlannedOp};

impl Plan {
    /// Live queries are opened while transactions are in flight, and nothing but the checks after that
    /// finds what they stored.
    pub fn late_commits(&mut self, random: &mut fastrand::Rng) {
        self.servers = self.servers.max(2);
        self.links = vec![Duration::from_millis(1); self.servers];
        self.clients = 4;
        self.manner = Manner::Inline;
        self.head_check_interval = None;
        self.commits_are_slow = true;
        self.faults.clear();
        self.draw_at((0..6).map(|op| 800 + 500 * op), random);
        for op in 0..6 {
            for target in 0..self.servers {
                let at = 800 + 500 * op - random.u64(..60);
                self.fault(Fault::SubscriptionEnds, at, 10, target);
            }
        }
    }

    /// Servers are behind, and clients that hold more come to them.
    pub fn slow_servers(&mut self, random: &mut fastrand::Rng) {
        self.servers = self.servers.max(2);
        self.links = vec![Duration::from_millis(4); self.servers];
        self.faults.clear();
        self.fault(Fault::NotificationsLate, 500, 3_500, 0);
        self.fault(Fault::ReadsSlow, 500, 3_500, 0);
        for _ in 0..8 {
            let at = random.u64(800..ACTIVE_MILLIS);
            self.fault(Fault::ClientMoves, at, 10, random.usize(..12));
            self.fault(
                Fault::SubscriptionEnds,
                at - random.u64(..300),
                10,
                random.usize(..12),
            );
        }
    }

    /// Strokes are erased and their tombstones compacted, while a server and a client hear nothing.
    pub fn compaction_behind_a_back(&mut self, random: &mut fastrand::Rng) {
        self.servers = self.servers.max(2);
        self.links = vec![Duration::from_millis(1); self.servers];
        self.clients = 4;
        self.faults.clear();
        let early = (0..12).map(|op| 600 + 20 * op);
        let meanwhile = (0..14).map(|op| 1_600 + 30 * op);
        self.draw_at(early.chain(meanwhile), random);
        for op in &mut self.ops {
            // The others hear nothing, or are to hold nothing back.
            op.client %= 2;
        }
        let server = random.usize(..self.servers);
        self.fault(Fault::ServerFrozen, 1_400, 2_500, server);
        if random.bool() {
            // Otherwise it finds all notifications when it goes on.
            self.fault(Fault::SubscriptionEnds, 1_410, 10, server);
        }
        self.fault(Fault::SocketHalfOpen, 1_450, 10, random.usize(2..4));
        self.fault(Fault::Compacted, 3_500, 10, 0);
    }

    /// Many changes arrive at once, and not in their order.
    pub fn bursts_out_of_order(&mut self, random: &mut fastrand::Rng) {
        self.servers = self.servers.max(2);
        self.links = vec![Duration::from_millis(1); self.servers];
        self.manner = Manner::Inline;
        self.head_check_interval = None;
        self.gap_timeout = Duration::from_millis(250);
        self.reorder_buffer = 2;
        self.max_strokes = 1_000;
        self.faults.clear();
        self.fault(Fault::NotificationsReordered, 2_500, 2_000, 0);
        self.draw_at((0..24).map(|op| 3_000 + op / 12 * 500), random);
        for op in &mut self.ops {
            op.client = 0;
        }
    }

    /// A copy is restored, nobody renews the epoch, and only a comparison of heads can tell.
    pub fn restore_unnoticed(&mut self, random: &mut fastrand::Rng) {
        self.servers = self.servers.max(2);
        self.links = vec![Duration::from_millis(1); self.servers];
        self.clients = 4;
        self.manner = Manner::Inline;
        self.head_check_interval = Some(Duration::from_secs(2));
        self.faults.clear();
        let early = (0..6).map(|op| 600 + 60 * op);
        let later = (0..3).map(|op| 3_600 + 20 * op);
        self.draw_at(early.chain(later), random);
        // One client hears nothing of it, and comes back with a position of before.
        self.fault(Fault::SocketHalfOpen, 1_750, 10, random.usize(..4));
        // Long enough for an index to be sent meanwhile, and a feed that reads it first.
        let lasts = *random.choice(&[60, 60, 2_300]).unwrap_or(&60);
        self.fault(Fault::FeedDies, 1_800 + lasts, 10, random.usize(..12));
        let restored = match random.u32(..3) {
            0 => Fault::RestoredWithNewEpoch,
            _ => Fault::RestoredWithOldEpoch,
        };
        self.fault(restored, 1_800, lasts, 0);
    }

    /// A client does not read while much is drawn.
    pub fn cut_off(&mut self, random: &mut fastrand::Rng) {
        for _ in 0..20 {
            self.ops.push(PlannedOp {
                at: Duration::from_millis(random.u64(800..ACTIVE_MILLIS)),
                client: random.usize(..self.clients),
                choice: random.u64(..),
            });
        }
        self.ops.sort_by_key(|op| op.at);
        let (from, lasts) = (random.u64(700..1_200), random.u64(2_000..3_000));
        for target in 0..2 {
            self.faults.push(PlannedFault {
                at: Duration::from_millis(from),
                lasts: Duration::from_millis(lasts),
                fault: Fault::SocketStalled,
                target,
            });
        }
        // The others meet them when they are told to read over HTTP.
        let count = self.faults.len() - 2;
        for fault in self.faults.iter_mut().take(count / 2) {
            fault.at = Duration::from_millis(from + lasts + random.u64(..40));
        }
    }

    /// A user pastes so much that it goes in several frames and batches, while all else goes on.
    pub fn paste(&mut self, random: &mut fastrand::Rng) {
        self.queue_ops = 1_000;
        self.max_unacked_ops = 1_000;
        self.chunk_rows = 500;
        self.mailbox_bytes = 1_000_000;
        let (at, client) = (random.u64(600..1_500), random.usize(..self.clients));
        for _ in 0..random.usize(300..1_300) {
            self.ops.push(PlannedOp {
                at: Duration::from_millis(at),
                client,
                choice: random.u64(..),
            });
        }
        self.ops.sort_by_key(|op| op.at);
    }

    /// Two servers to which users say something all the time; one of them may be far from the database.
    pub fn rush(&mut self, random: &mut fastrand::Rng) {
        let far = *random.choice(&[1, 4, 20]).unwrap_or(&1);
        self.links = vec![Duration::from_millis(1), Duration::from_millis(far)];
        self.clients = 4;
        self.manner = Manner::Inline;
        self.gap_timeout = Duration::from_millis(5);
        self.queue_ops = 1_000;
        self.max_unacked_ops = 1_000;
        self.max_strokes = 1_000;
        self.mailbox_messages = 64;
        self.chunk_rows = 500;
        self.mailbox_bytes = 1_000_000;
        for client in 0..self.clients {
            let mut at = random.u64(500..510);
            while at < 3_500 {
                self.ops.push(PlannedOp {
                    at: Duration::from_millis(at),
                    client,
                    choice: random.u64(..),
                });
                // Those of the near server leave no moment without an op.
                at += if client % 2 == 0 { 4 } else { 40 };
            }
        }
        self.ops.sort_by_key(|op| op.at);
    }
}
