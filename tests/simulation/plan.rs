//! What happens in one run: its settings, what its users do, and which faults occur when.
//!
//! All of it follows from the seed, so that parts of it can be left out while a failure is shrunk.

mod access;
mod scenarios;

pub use access::PlannedToken;

use std::time::Duration;

use crate::fault::Fault;

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
    /// Whether keys let clients in, and change.
    pub has_keys: bool,
    /// When each key ends, if it does.
    pub key_ends: Vec<Option<Duration>>,
    /// The clients, by their number, that show tokens and no keys.
    pub tokens: Vec<Vec<PlannedToken>>,
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
            has_keys: false,
            key_ends: Vec::new(),
            tokens: Vec::new(),
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
                    7 if random.u32(..4) == 0 => plan.paste(random),
                    _ => {}
                }
                plan.keys(&mut fastrand::Rng::with_seed(seed ^ 0xacce55));
                plan.ends(&mut fastrand::Rng::with_seed(seed ^ 0xe9d5));
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
        kinds.retain(|fault| !Fault::OF_ACCESS.contains(fault));
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
}
