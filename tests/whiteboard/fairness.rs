//! Two servers that append to one drawing all the time, without turns: after a win, each leaves the
//! next swap to the other.
//!
//! Their feeds share a store, so each takes the other's request for a turn as its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler};
use support::server::settings;
use support::state::pen;
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use whiteboard::domain::ids::{DrawingId, StrokeId, Writer};
use whiteboard::domain::op::{Op, OpKind};
use whiteboard::domain::stroke::Body;
use whiteboard::feed::actor::FeedHandle;
use whiteboard::feed::actor::FromActor;
use whiteboard::feed::mailbox::ToSession;
use whiteboard::feed::messages::FromSession;
use whiteboard::feed::queue::op_bytes;
use whiteboard::feed::registry::Feeds;
use whiteboard::feed::session_mailbox::{QueuedBytes, SessionMailbox};
use whiteboard::server;

/// Ops of the race, and its deadline.
const RACE: u64 = 240;
const LIMIT: Duration = Duration::from_secs(60);

/// A session with always one unacknowledged op.
struct Drawer {
    feeds: Feeds,
    drawing: DrawingId,
    writer: Writer,
    n: u64,
    open: Option<FeedHandle>,
    unread: QueuedBytes,
    answered: Arc<AtomicU64>,
}

impl Drawer {
    fn draw(&mut self) {
        let Some(open) = &self.open else { return };
        self.n += 1;
        let body = Body::parse(&pen(1.0).to_string()).expect("a body");
        let op = Op {
            n: self.n,
            stroke: StrokeId::random(),
            kind: OpKind::Draw { body },
        };
        assert!(open.state.capacity.reserve(op_bytes(&op)));
        open.feed.do_send(FromActor(FromSession::Submit {
            session: 1,
            writer: self.writer,
            ops: vec![op],
        }));
    }
}

impl Actor for Drawer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let recipient = ctx.address().recipient();
        let join = FromSession::Join {
            session: 1,
            mailbox: SessionMailbox::new(recipient, self.unread.clone(), 1 << 20),
            since: 0,
            epoch: None,
        };
        self.open = Some(
            self.feeds
                .join(self.drawing, FromActor(join))
                .expect("a feed"),
        );
        self.draw();
    }
}

impl Handler<ToSession> for Drawer {
    type Result = ();

    fn handle(&mut self, message: ToSession, _: &mut Self::Context) {
        self.unread.took(&message);
        if let ToSession::Acks(answers) = message {
            let ops = answers.ops as u64;
            if self.answered.fetch_add(ops, Ordering::Relaxed) < RACE {
                self.draw();
            }
        }
    }
}

#[actix_web::test]
async fn a_server_that_won_leaves_the_next_swap_to_others() {
    let settings = settings("mem://", &[]);
    let store = server::open(&settings.database).await.expect("a database");
    let drawing = store.create("A race").await.unwrap().id;
    let answered = Arc::new(AtomicU64::new(0));
    let mut threads = Vec::new();
    for _ in 0..2 {
        let drawer = Drawer {
            feeds: Feeds::new(store.clone(), settings.drawings.feed("test")),
            drawing,
            writer: Writer::new(Uuid::new_v4(), Uuid::new_v4()),
            n: 0,
            open: None,
            unread: QueuedBytes::default(),
            answered: Arc::clone(&answered),
        };
        let thread = Arbiter::new();
        thread.spawn_fn(move || drop::<Addr<_>>(drawer.start()));
        threads.push(thread);
    }
    let deadline = Instant::now() + LIMIT;
    while answered.load(Ordering::Relaxed) < RACE {
        assert!(Instant::now() < deadline, "they are too slow: {answered:?}");
        sleep(Duration::from_millis(20)).await;
    }
    let page = store.since(drawing, 0).await.unwrap();
    let winners: Vec<_> = page.changes.iter().map(|change| change.op.writer).collect();
    let again = winners.windows(2).filter(|two| two[0] == two[1]).count();
    // About half of them; five of six if no server yields.
    assert!(
        again < winners.len() * 7 / 10,
        "{again} of {}",
        winners.len()
    );
    for thread in threads {
        thread.stop();
    }
}
