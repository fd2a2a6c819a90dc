//! What happens in one run: its settings, what its users do, and which faults occur when.
//!
//! All of it follows from the seed, so that parts of it can be left out while a failure is shrunk.

use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Appends meet a conflict though nobody else appends.
    AppendsConflict,
    /// Appends are answered with an error; nothing is stored.
    AppendsFail,
    /// Appends are stored, and their answer comes too late.
    AppendsHangStored,
    /// Appends are stored after their deadline.
    AppendsHangThenStore,
    /// Appends get no answer and are not stored.
    AppendsHangUnstored,
    /// Appends are stored and the connection breaks before the answer.
    AppendsStoredUnanswered,
    /// The connection breaks before appends are stored.
    AppendsUnavailable,
    /// One op makes each append that holds it fail, while the database takes other writes.
    PoisonedOp,
    /// Notifications are late.
    NotificationsLate,
    /// Notifications arrive out of order.
    NotificationsReordered,
    /// Notifications arrive twice.
    NotificationsDoubled,
    /// Notifications are lost.
    NotificationsLost,
    /// Live queries end.
    SubscriptionEnds,
    /// Live queries stay open and deliver nothing any more.
    SubscriptionSilent,
    /// Live queries cannot be opened.
    SubscribeFails,
    /// Signal rows cannot be written.
    PublishFails,
    /// Reads are slow.
    ReadsSlow,
    /// Reads fail.
    ReadsFail,
    /// The database stops for a while.
    DatabaseStops,
    /// The storage is full: what writes fails.
    DatabaseFull,
    /// An older copy of the database is restored, and all drawings get a new epoch.
    RestoredWithNewEpoch,
    /// An older copy of the database is restored, and nobody renews the epoch.
    RestoredWithOldEpoch,
    /// Old tombstones are compacted.
    Compacted,
    /// The drawing is deleted, and undeleted after a while.
    Deleted,
    /// A server process is killed.
    ServerKilled,
    /// A server process is suspended for a while.
    ServerFrozen,
    /// A server drains and stops.
    ServerDrained,
    /// A server's clock jumps forward.
    ClockJumps,
    /// A feed dies without a reason; its sessions join another one.
    FeedDies,
    /// A socket is cut; both ends notice.
    SocketCut,
    /// A client does not read for a while.
    SocketStalled,
    /// Nothing passes through a socket any more, and nobody notices.
    SocketHalfOpen,
    /// A client crashes; its outbox is adopted.
    ClientCrashes,
    /// A client connects anew through another server.
    ClientMoves,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 34] = [
        Fault::AppendsConflict,
        Fault::AppendsFail,
        Fault::AppendsHangStored,
        Fault::AppendsHangThenStore,
        Fault::AppendsHangUnstored,
        Fault::AppendsStoredUnanswered,
        Fault::AppendsUnavailable,
        Fault::PoisonedOp,
        Fault::NotificationsLate,
        Fault::NotificationsReordered,
        Fault::NotificationsDoubled,
        Fault::NotificationsLost,
        Fault::SubscriptionEnds,
        Fault::SubscriptionSilent,
        Fault::SubscribeFails,
        Fault::PublishFails,
        Fault::ReadsSlow,
        Fault::ReadsFail,
        Fault::DatabaseStops,
        Fault::DatabaseFull,
        Fault::RestoredWithNewEpoch,
        Fault::RestoredWithOldEpoch,
        Fault::Compacted,
        Fault::Deleted,
        Fault::ServerKilled,
        Fault::ServerFrozen,
        Fault::ServerDrained,
        Fault::ClockJumps,
        Fault::FeedDies,
        Fault::SocketCut,
        Fault::SocketStalled,
        Fault::SocketHalfOpen,
        Fault::ClientCrashes,
        Fault::ClientMoves,
    ];

    /// Whether what it hides can be found only by comparing heads for as long as the drawing is open.
    fn needs_head_checks(self) -> bool {
        matches!(
            self,
            Fault::NotificationsLost | Fault::SubscriptionSilent | Fault::RestoredWithOldEpoch
        )
    }

    /// How rare it is: a fault that ends much else leaves less to see of the others.
    fn is_rare(self) -> bool {
        matches!(
            self,
            Fault::Deleted | Fault::RestoredWithNewEpoch | Fault::RestoredWithOldEpoch
        )
    }
}

/// A fault that occurs.
#[derive(Clone, Copy, Debug)]
pub struct PlannedFault {
    /// When it begins.
    pub at: Duration,
    /// How long it lasts, if it lasts.
    pub lasts: Duration,
    /// What goes wrong.
    pub fault: Fault,
    /// Which of the servers, clients or sockets it meets.
    pub target: usize,
}

/// Something that a user does.
#[derive(Clone, Copy, Debug)]
pub struct PlannedOp {
    /// When.
    pub at: Duration,
    /// Which client.
    pub client: usize,
    /// Decides what it is.
    pub choice: u64,
}

/// How the database tells of what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// With each commit.
    Inline,
    /// By looking every 100 ms.
    Router,
}

/// How large and how hurried a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Faults of all kinds.
    Disaster,
    /// No faults, but servers that append without a pause: each must get its turn.
    Rush,
    /// Strokes so large that clients read over HTTP.
    Heavy,
}

/// What happens in one run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides everything that is not in the plan.
    pub seed: u64,
    /// What kind of run it is.
    pub flavour: Flavour,
    /// How the database tells of what is stored.
    pub manner: Manner,
    /// Servers.
    pub servers: usize,
    /// Drawings; the clients are spread over them.
    pub drawings: usize,
    /// Clients at the beginning.
    pub clients: usize,
    /// One way between each server and the database.
    pub links: Vec<Duration>,
    /// How often a server compares all heads; nothing if it does not.
    pub head_check_interval: Option<Duration>,
    /// Changes that a feed holds out of order.
    pub reorder_buffer: usize,
    /// How long a change waits for those before it.
    pub gap_timeout: Duration,
    /// Transactions take long.
    pub commits_are_slow: bool,
    /// Messages in the mailbox of a session.
    pub mailbox_messages: usize,
    /// Bytes in the mailbox of a session.
    pub mailbox_bytes: usize,
    /// Ops that a feed holds.
    pub queue_ops: usize,
    /// Ops of one session without an acknowledgement.
    pub max_unacked_ops: usize,
    /// Most living strokes of the drawing.
    pub max_strokes: usize,
    /// Positions without a living row after which the living ones are written down.
    pub index_after: usize,
    /// Rows in one chunk of a read.
    pub chunk_rows: usize,
    /// Bytes of text in a stroke's body.
    pub body_bytes: usize,
    /// What users do.
    pub ops: Vec<PlannedOp>,
    /// What goes wrong.
    pub faults: Vec<PlannedFault>,
}

/// For how long users draw.
const ACTIVE_MILLIS: u64 = 4_000;
/// How many ops there are at least and at most.
const OPS: (usize, usize) = (8, 40);
/// How many faults there are at most.
const MAX_FAULTS: usize = 9;

impl Plan {
    /// The plan that follows from a seed.
    pub fn new(seed: u64) -> Self {
        let random = &mut fastrand::Rng::with_seed(seed);
        let flavour = match random.u32(..100) {
            0..6 => Flavour::Rush,
            6..10 => Flavour::Heavy,
            _ => Flavour::Disaster,
        };
        let manner = match random.u32(..3) {
            0 => Manner::Router,
            _ => Manner::Inline,
        };
        let head_check_interval = match manner {
            Manner::Router => Some(Duration::from_secs(1)),
            Manner::Inline if random.bool() => Some(Duration::from_secs(2)),
            Manner::Inline => None,
        };
        let servers = match flavour {
            Flavour::Rush => 2,
            _ => random.usize(1..=3),
        };
        let clients = random.usize(servers.max(2)..=4);
        let mut plan = Self {
            seed,
            flavour,
            manner,
            servers,
            drawings: 1,
            clients,
            links: Vec::new(),
            head_check_interval,
            reorder_buffer: *random.choice(&[2, 4, 100]).unwrap_or(&4),
            gap_timeout: match manner {
                Manner::Inline => Duration::from_millis(5),
                Manner::Router => Duration::from_millis(250),
            },
            commits_are_slow: false,
            mailbox_messages: random.usize(2..=16),
            mailbox_bytes: *random.choice(&[1_000, 4_000, 1_000_000]).unwrap_or(&1_000),
            queue_ops: *random.choice(&[3, 20, 1_000]).unwrap_or(&20),
            max_unacked_ops: *random.choice(&[2, 10, 1_000]).unwrap_or(&10),
            max_strokes: *random.choice(&[4, 12, 1_000]).unwrap_or(&12),
            index_after: *random.choice(&[1, 3, 1_000]).unwrap_or(&3),
            chunk_rows: random.usize(1..=6),
            body_bytes: 0,
            ops: Vec::new(),
            faults: Vec::new(),
        };
        match flavour {
            Flavour::Rush => plan.rush(random),
            Flavour::Heavy => {
                plan.body_bytes = random.usize(40_000..60_000);
                plan.mailbox_bytes = 1_000_000;
                plan.max_strokes = 1_000;
                plan.disasters(random);
                plan.cut_off(random);
            }
            Flavour::Disaster => {
                plan.disasters(random);
                match random.u32(..12) {
                    0 => plan.late_commits(random),
                    1 => plan.slow_servers(random),
                    2 => plan.compaction_behind_a_back(random),
                    3 => plan.bursts_out_of_order(random),
                    4 => plan.restore_unnoticed(random),
                    5 | 6 => {
                        plan.drawings = 2;
                        plan.clients = 4;
                    }
                    _ => {}
                }
            }
        }
        plan
    }

    fn disasters(&mut self, random: &mut fastrand::Rng) {
        self.links = (0..self.servers)
            .map(|_| Duration::from_millis(random.u64(0..=8)))
            .collect();
        let mut at = 0;
        for _ in 0..random.usize(OPS.0..=OPS.1) {
            // Some of them at once, some after a pause.
            at += *random.choice(&[0, 1, 20, 150, 300]).unwrap_or(&0);
            self.ops.push(PlannedOp {
                at: Duration::from_millis(at % ACTIVE_MILLIS),
                client: random.usize(..self.clients),
                choice: random.u64(..),
            });
        }
        // A few kinds in each run, so that the same one occurs again and again in some.
        let mut kinds = Fault::ALL.to_vec();
        random.shuffle(&mut kinds);
        kinds.retain(|fault| {
            let lacks_checks = fault.needs_head_checks() && self.head_check_interval.is_none();
            let is_left_out = fault.is_rare() && random.u32(..3) > 0;
            !lacks_checks && !is_left_out
        });
        kinds.truncate(random.usize(1..=6));
        let mut at = 0;
        for _ in 0..random.usize(0..=MAX_FAULTS) {
            let Some(&fault) = random.choice(&kinds) else {
                break;
            };
            // Half of them meet what the one before has just done.
            at = match random.bool() {
                true => at + random.u64(..80),
                false => random.u64(..ACTIVE_MILLIS),
            };
            if fault == Fault::Compacted && random.bool() {
                // Tombstones go that a server has not seen.
                at = random.u64(1_500..ACTIVE_MILLIS);
                self.faults.push(PlannedFault {
                    at: Duration::from_millis(at - random.u64(200..1_400)),
                    lasts: Duration::from_millis(1_500),
                    fault: Fault::ServerFrozen,
                    target: random.usize(..12),
                });
            }
            self.faults.push(PlannedFault {
                at: Duration::from_millis(at),
                lasts: Duration::from_millis(match (fault, random.u32(..20)) {
                    // Longer than a session that does not read is borne.
                    (Fault::SocketStalled, 0) => 40_000,
                    // Longer than other servers wait for a word of it.
                    (Fault::ServerFrozen, 0) => 12_000,
                    (_, 0..10) => random.u64(10..300),
                    _ => random.u64(300..3_000),
                }),
                fault,
                target: random.usize(..12),
            });
        }
    }

    fn fault(&mut self, fault: Fault, at: u64, lasts: u64, target: usize) {
        self.faults.push(PlannedFault {
            at: Duration::from_millis(at),
            lasts: Duration::from_millis(lasts),
            fault,
            target,
        });
    }

    /// When ops are made, in milliseconds: of each client one in turn.
    fn draw_at(&mut self, times: impl IntoIterator<Item = u64>, random: &mut fastrand::Rng) {
        self.ops.clear();
        for (index, at) in times.into_iter().enumerate() {
            self.ops.push(PlannedOp {
                at: Duration::from_millis(at),
                client: index % self.clients,
                choice: random.u64(..),
            });
        }
        self.ops.sort_by_key(|op| op.at);
    }

    /// Live queries are opened while transactions are in flight, and nothing but the checks after that
    /// finds what they stored.
    fn late_commits(&mut self, random: &mut fastrand::Rng) {
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
    fn slow_servers(&mut self, random: &mut fastrand::Rng) {
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
    fn compaction_behind_a_back(&mut self, random: &mut fastrand::Rng) {
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
    fn bursts_out_of_order(&mut self, random: &mut fastrand::Rng) {
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
    fn restore_unnoticed(&mut self, random: &mut fastrand::Rng) {
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
    fn cut_off(&mut self, random: &mut fastrand::Rng) {
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

    /// Two servers to which users say something all the time; one of them may be far from the database.
    fn rush(&mut self, random: &mut fastrand::Rng) {
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
