//! The core's states in virtual time, one input at a time.

mod access;
mod appends;
mod delivery;
mod ends;
mod inbox;
mod reads;
mod requests;
mod signals;

use tokio::sync::Semaphore;
use uuid::Uuid;

use super::*;
use crate::domain::batch::Decision;
use crate::domain::colour::Colour;
use crate::domain::drawing::{Drawing, Limits};
use crate::domain::ids::{Epoch, StrokeId, Writer};
use crate::domain::op::{Change, Op, OpKind};
use crate::domain::rules::Rules;
use crate::domain::sequence::Seq;
use crate::domain::stroke::Body;
use crate::feed::mailbox::ToSession;
use crate::feed::standings::{Entrance, WallClock};
use crate::protocol::{Hello, PeerMessage};
use crate::store::{Appended, Chunk, ExpectedHead, Head, StoreError};
use inbox::{Inbox, json};

const LIMITS: Limits = Limits {
    strokes: 100,
    bytes: 1 << 20,
};
const GAP_TIMEOUT: Duration = Duration::from_millis(300);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const REORDER_BUFFER: usize = 3;
const SESSION: SessionId = 1;
const MILLI: Duration = Duration::from_millis(1);
/// No pause after a failure is longer.
const PAUSE: Duration = crate::backoff::MAX_PAUSE;

/// A feed, and the time.
struct Feed {
    core: Core<Inbox>,
    now: Instant,
    epoch: Epoch,
    /// What it asked for in the last step.
    effects: Vec<Effect>,
    /// The number of its last signal row.
    row: u64,
}

impl Feed {
    /// A feed that has just begun.
    fn begin() -> Self {
        let settings = FeedSettings {
            limits: LIMITS,
            queue_ops: 100,
            queue_bytes: 1 << 20,
            gap_timeout: GAP_TIMEOUT,
            reorder_buffer: REORDER_BUFFER,
            index_after: 10,
            feed_mailbox: 256,
            ink_points: 2_000,
            idle_timeout: IDLE_TIMEOUT,
            head_check_interval: Duration::from_secs(1),
            build: "test".into(),
        };
        let settings = Arc::new(settings);
        let now = Instant::now();
        let environment = Environment {
            drawing: DrawingId::random(),
            server: ServerId::random(),
            state: FeedState::new(&settings, Arc::new(Semaphore::new(1_000))),
            settings,
            metrics: Metrics::new(),
            clock: WallClock::new(now, 0),
        };
        let mut effects = Vec::new();
        Self {
            core: Core::begin(environment, 1, now, &mut effects),
            now,
            epoch: Epoch::random(),
            effects,
            row: 0,
        }
    }

    /// A feed of an empty drawing that is known, without another server.
    fn live() -> Self {
        let mut feed = Self::begin();
        feed.input(Input::Subscribed(Ok(())));
        feed.opened();
        feed.published();
        // They have a test of their own.
        feed.core.timers.cancel(Timer::HeadCheck);
        feed
    }

    /// The same with a session that has said who it is, and whose welcome is taken.
    fn with_session() -> (Self, Writer, Inbox) {
        let mut feed = Self::live();
        let inbox = feed.join(SESSION, 0);
        let writer = feed.hello(SESSION);
        feed.pass(50 * MILLI);
        inbox.take();
        (feed, writer, inbox)
    }

    /// The same with another server that it knows, and nothing left to send.
    fn shared() -> (Self, Writer, Inbox, ServerId) {
        let (mut feed, writer, inbox) = Self::with_session();
        let other = ServerId::random();
        feed.peer(other, &PeerMessage::default());
        feed.pass(50 * MILLI);
        feed.published();
        inbox.take();
        (feed, writer, inbox, other)
    }

    /// Gives it an input; returns the names of the effects.
    fn input(&mut self, input: Input<Inbox>) -> Vec<&'static str> {
        self.effects.clear();
        self.core.step(self.now, input, &mut self.effects);
        for effect in &self.effects {
            if let Effect::Publish { number, .. } = effect {
                self.row = *number;
            }
        }
        names(&self.effects)
    }

    /// Time passes, and its timers are due one after the other; returns all effects.
    fn pass(&mut self, time: Duration) -> Vec<&'static str> {
        let end = self.now + time;
        let mut all = Vec::new();
        while let Some(at) = self.core.next_timer().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            all.extend(self.input(Input::Timer));
        }
        self.now = end;
        all
    }

    /// The first read found an empty drawing.
    fn opened(&mut self) -> Vec<&'static str> {
        let drawing = Drawing::new(self.epoch, 0, LIMITS);
        self.loaded(drawing)
    }

    /// A read from the beginning ended.
    fn loaded(&mut self, drawing: Drawing) -> Vec<&'static str> {
        let read = ReadResult::Living {
            drawing,
            title: "A drawing".into(),
            rules: 0,
            indexed: 0,
        };
        self.input(Input::ReadEnded(Ok(read)))
    }

    fn chunk(&self, changes: Vec<Change>, head: Seq) -> Chunk {
        Chunk {
            epoch: self.epoch,
            compacted: 0,
            title: "A drawing".into(),
            rules: 0,
            changes,
            head,
            more: false,
            database_head: head,
        }
    }

    /// A read after the head found these changes, and nothing after them.
    fn found(&mut self, changes: Vec<Change>) -> Vec<&'static str> {
        let since = self.core.replica().head();
        let head = changes.last().map_or(since, |change| change.seq);
        let chunks = vec![self.chunk(changes, head)];
        self.changes(since, chunks)
    }

    fn changes(&mut self, since: Seq, chunks: Vec<Chunk>) -> Vec<&'static str> {
        let tombstones = Vec::new();
        self.input(Input::ReadEnded(Ok(ReadResult::Changes {
            since,
            chunks,
            tombstones,
        })))
    }

    fn read_fails(&mut self) -> Vec<&'static str> {
        self.input(Input::ReadEnded(Err(unavailable())))
    }

    /// The database reports this head now.
    fn head(&mut self, head: Seq) -> Vec<&'static str> {
        let report = self.report(head);
        let asked = self.now;
        self.input(Input::Head {
            asked,
            report: Some(report),
        })
    }

    fn report(&self, head: Seq) -> Head {
        Head {
            id: self.core.environment.drawing,
            head,
            compacted: 0,
            epoch: self.epoch,
            title: "A drawing".into(),
            rules: 0,
            deleted: false,
        }
    }

    /// A change arrives through the live query.
    fn change(&mut self, change: Change) -> Vec<&'static str> {
        self.input(Input::Event(LiveEvent::Change(Box::new(change))))
    }

    /// A session joins that holds everything up to `since`.
    fn join(&mut self, session: SessionId, since: Seq) -> Inbox {
        let inbox = Inbox::default();
        let epoch = Some(self.epoch);
        self.request(Request::Join {
            session,
            mailbox: inbox.clone(),
            since,
            epoch,
            entrance: Entrance::open(),
        });
        inbox
    }

    fn hello(&mut self, session: SessionId) -> Writer {
        let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4());
        let hello = Hello {
            writer,
            seen_as: Some(("Ada".into(), Colour([1, 2, 3]))),
            next: 1,
            token: None,
        };
        self.request(Request::Hello { session, hello });
        writer
    }

    fn request(&mut self, request: Request<Inbox>) -> Vec<&'static str> {
        self.input(Input::Session(FromSession::Request(request)))
    }

    /// A session submits ops, for which it has reserved capacity; they are appended if that may be.
    fn submit(&mut self, writer: Writer, ops: impl IntoIterator<Item = Op>) -> Vec<&'static str> {
        let ops: Vec<_> = ops.into_iter().collect();
        for op in &ops {
            let bytes = crate::feed::queue::op_bytes(op);
            assert!(self.core.environment.state.capacity.reserve(bytes));
        }
        let mut names = self.input(Input::Session(FromSession::Submit {
            session: SESSION,
            writer,
            ops,
        }));
        if names.contains(&"defer") {
            names = self.input(Input::Deferred);
        }
        names
    }

    /// What the append that was asked for in the last step expects and stores.
    fn append(&mut self) -> (ExpectedHead, Decision) {
        let append = |effect| match effect {
            Effect::Append { expected, decision } => Some((expected, decision)),
            _ => None,
        };
        let mut appends = self.effects.drain(..).filter_map(append);
        appends.next().expect("an append")
    }

    /// That append ended.
    fn appended(
        &mut self,
        (expected, decision): (ExpectedHead, Decision),
        result: Result<Appended, StoreError>,
    ) -> Vec<&'static str> {
        self.input(Input::Appended {
            expected,
            decision,
            result,
        })
    }

    /// The row that was to be published in the last step.
    fn row(&self) -> PeerMessage {
        let body = self.effects.iter().find_map(|effect| match effect {
            Effect::Publish { body, .. } => Some(body),
            _ => None,
        });
        serde_json::from_str(body.expect("a row")).unwrap()
    }

    /// The row in flight is stored, and comes back.
    fn published(&mut self) -> Vec<&'static str> {
        let number = self.row;
        let own = self.core.environment.server;
        let row = PeerMessage {
            number,
            ..PeerMessage::default()
        };
        self.peer(own, &row);
        let result = Ok(());
        self.input(Input::Published { number, result })
    }

    /// A row of another server arrives.
    fn peer(&mut self, server: ServerId, row: &PeerMessage) -> Vec<&'static str> {
        let body = serde_json::to_string(row).unwrap();
        self.input(Input::Event(LiveEvent::Signals { server, body }))
    }

    fn is_set(&self, timer: Timer) -> bool {
        self.core.timers().is_set(timer)
    }
}

fn names(effects: &[Effect]) -> Vec<&'static str> {
    let name = |effect: &Effect| match effect {
        Effect::Subscribe => Some("subscribe"),
        Effect::Read(_) => Some("read"),
        Effect::Append { .. } => Some("append"),
        Effect::WriteIndex(_) => Some("index"),
        Effect::Probe => Some("probe"),
        Effect::CheckHead => Some("head"),
        Effect::ReadRules => Some("rules"),
        Effect::Publish { .. } => Some("publish"),
        Effect::Defer => Some("defer"),
        Effect::CloseIfIdle { .. } => Some("idle"),
        Effect::Stop => Some("stop"),
        Effect::Sessions(_) => None,
    };
    effects.iter().filter_map(name).collect()
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("it is away".into())
}

fn body() -> Body {
    let body = r##"{"kind":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3}"##;
    Body::parse(body).unwrap()
}

fn draw(n: u64) -> Op {
    Op {
        n,
        stroke: StrokeId::random(),
        kind: OpKind::Draw { body: body() },
    }
}

/// A change of another server's client.
fn change(seq: Seq) -> Change {
    Change::by_anyone(seq, Some(body()))
}
