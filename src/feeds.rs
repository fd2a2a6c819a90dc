//! The feeds that are open on this server: finds or opens the one of a drawing, and drains them all.
//!
//! There is never more than one feed of a drawing on a server.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Actor, Addr, Handler, Message};
use tokio::sync::{Notify, oneshot};

use crate::feed::{
    Drain, Feed, FeedError, FeedSettings, FromSession, Read, ReadPage, Shared, Told,
};
use crate::metrics::Metrics;
use crate::model::{DrawingId, Life, Seq};
use crate::roster::ServerSignals;
use crate::store::{Head, Store};

/// An attempt to reach a feed that closes at the same moment is made again so often.
const ATTEMPTS: usize = 3;
/// How long a read waits for a feed that has to ask the database first. A page gives up after 20 s.
const READ_WAIT: Duration = Duration::from_secs(15);

/// The open feeds of one server. Clones are the same registry.
#[derive(Clone)]
pub struct Feeds(Arc<Registry>);

struct Registry {
    store: Store,
    settings: Arc<FeedSettings>,
    open: Mutex<HashMap<DrawingId, Open>>,
    opened: AtomicU64,
    counted: Notify,
    draining: AtomicBool,
}

struct Open {
    number: u64,
    feed: Addr<Feed>,
    shared: Shared,
    /// Joins and reads on their way to it or there: it does not close for idleness before it saw them.
    asked: u64,
    sessions: usize,
}

/// A feed's entry in the registry.
#[derive(Clone)]
pub(crate) struct Registration {
    feeds: Feeds,
    id: DrawingId,
    number: u64,
}

/// A feed as a session holds it.
#[derive(Clone)]
pub struct Attached {
    /// The feed's address.
    pub feed: Addr<Feed>,
    /// Its room and its head.
    pub shared: Shared,
}

impl Feeds {
    /// No open feed yet. A feed runs on the thread that first asks for it, a worker of the
    /// HTTP server: many of its sessions are on the same thread, and cost no wake-up of another.
    pub fn new(store: Store, settings: FeedSettings) -> Self {
        Self(Arc::new(Registry {
            store,
            settings: Arc::new(settings),
            open: Mutex::default(),
            opened: AtomicU64::new(0),
            counted: Notify::new(),
            draining: AtomicBool::new(false),
        }))
    }

    /// Whether this server goes.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// How many feeds are open.
    pub fn open(&self) -> usize {
        self.lock().len()
    }

    /// Brings up to date what is measured only when it is asked for.
    pub fn measure(&self) {
        let (mut ops, mut bytes) = (0, 0);
        let open = self.lock();
        for open in open.values() {
            let held = open.shared.room.held();
            ops += held.0;
            bytes += held.1;
        }
        let metrics = self.metrics();
        metrics.feeds_open.set(open.len());
        metrics.queue_ops.set(ops);
        metrics.queue_bytes.set(bytes);
    }

    /// What this server counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        self.0.store.metrics()
    }

    /// The sessions of each open drawing on this server.
    pub fn counts(&self) -> Vec<(DrawingId, u32)> {
        self.lock()
            .iter()
            .map(|(&id, open)| (id, open.sessions as u32))
            .collect()
    }

    /// Waits until the counts are others than when this was last waited for. One task waits.
    pub async fn counts_changed(&self) {
        self.0.counted.notified().await;
    }

    /// Joins a session: `message` is its [`FromSession::Join`].
    ///
    /// # Errors
    ///
    /// [`FeedError::Unavailable`] while this server goes.
    pub fn join(&self, id: DrawingId, message: FromSession) -> Result<Attached, FeedError> {
        self.ask(id, message)
    }

    /// A page of the changes after `since`, from the feed's memory.
    ///
    /// # Errors
    ///
    /// [`FeedError`].
    pub async fn read(
        &self,
        id: DrawingId,
        since: Seq,
        life: Option<Life>,
    ) -> Result<ReadPage, FeedError> {
        for _ in 0..ATTEMPTS {
            let (answer, page) = oneshot::channel();
            self.ask(
                id,
                Read {
                    since,
                    life,
                    answer,
                },
            )?;
            match tokio::time::timeout(READ_WAIT, page).await {
                Ok(Ok(page)) => return page,
                // The feed is gone: another one answers.
                Ok(Err(_)) => {}
                Err(_) => return Err(FeedError::Unavailable),
            }
        }
        Err(FeedError::Unavailable)
    }

    /// A drawing was renamed, deleted or taken back through this server: tells its own feed and those of the
    /// other servers. Whom this does not reach learns it when heads are compared.
    pub async fn look(&self, id: DrawingId) {
        let row = ServerSignals {
            look: true,
            ..ServerSignals::default()
        };
        let signal = async {
            match serde_json::to_string(&row) {
                Ok(body) => self.0.store.signal(id, body).await.ok(),
                Err(_) => None,
            }
        };
        let asked = [id];
        let (heads, _) = tokio::join!(self.0.store.heads(&asked), signal);
        if let Ok(mut heads) = heads {
            self.told(id, heads.pop());
        }
    }

    /// Passes on what the database says of a drawing, if it is open here; nothing, if it is swept away.
    fn told(&self, id: DrawingId, head: Option<Head>) {
        let feed = self.lock().get(&id).map(|open| open.feed.clone());
        if let Some(feed) = feed {
            feed.do_send(Told(head));
        }
    }

    /// Compares the heads, titles and deletions of all open drawings with the database's every
    /// `heads_interval`, in one query for all. Runs until it is dropped.
    pub async fn watch(&self) {
        loop {
            tokio::time::sleep(self.0.settings.heads_interval).await;
            let open: Vec<DrawingId> = self.lock().keys().copied().collect();
            if open.is_empty() {
                continue;
            }
            match self.0.store.heads(&open).await {
                Ok(heads) => {
                    let mut heads: HashMap<_, _> =
                        heads.into_iter().map(|head| (head.id, head)).collect();
                    open.iter().for_each(|id| self.told(*id, heads.remove(id)));
                }
                Err(error) => log::warn!("the heads of open drawings cannot be checked: {error}"),
            }
        }
    }

    /// Closes all sessions with a restart, in batches, and stops the feeds once what they were
    /// given is committed and answered. Opens none from now on. Gives up after `limit`.
    pub async fn drain(&self, limit: Duration) {
        self.0.draining.store(true, Ordering::Relaxed);
        let feeds: Vec<Addr<Feed>> = self.lock().values().map(|open| open.feed.clone()).collect();
        let drained = async {
            let mut finishing = Vec::new();
            for feed in feeds {
                let (finished, done) = oneshot::channel();
                feed.do_send(Drain { finished });
                finishing.push(done);
            }
            for done in finishing {
                // A feed that went by itself has nothing left to drain.
                let _ = done.await;
            }
        };
        if tokio::time::timeout(limit, drained).await.is_err() {
            log::warn!(
                "feeds were still busy after {} ms: their sessions are cut",
                limit.as_millis()
            );
        }
    }

    /// Asks the drawing's feed, which is opened if it is not. Sent under the lock, so that a
    /// feed that takes itself off the registry knows that nothing more is on its way to it.
    fn ask<M>(&self, id: DrawingId, message: M) -> Result<Attached, FeedError>
    where
        M: Message<Result = ()> + Send + 'static,
        Feed: Handler<M>,
    {
        let mut all = self.lock();
        // Under the lock: a drain that begins after this finds the feed that is opened here.
        if self.is_draining() {
            return Err(FeedError::Unavailable);
        }
        let open = match all.entry(id) {
            Entry::Occupied(entry) if entry.get().feed.connected() => entry.into_mut(),
            Entry::Occupied(mut entry) => {
                entry.insert(self.open_feed(id));
                entry.into_mut()
            }
            Entry::Vacant(entry) => entry.insert(self.open_feed(id)),
        };
        open.asked += 1;
        // Past the mailbox's limit: bounded by the number of sessions and requests.
        open.feed.do_send(message);
        Ok(Attached {
            feed: open.feed.clone(),
            shared: open.shared.clone(),
        })
    }

    fn open_feed(&self, id: DrawingId) -> Open {
        let number = self.0.opened.fetch_add(1, Ordering::Relaxed);
        self.metrics().feeds_opened.count();
        let shared = Shared::new(&self.0.settings);
        let registration = Registration {
            feeds: self.clone(),
            id,
            number,
        };
        let feed = Feed::new(
            id,
            self.0.store.clone(),
            self.0.settings.clone(),
            shared.clone(),
            registration,
        );
        Open {
            number,
            feed: feed.start(),
            shared,
            asked: 0,
            sessions: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DrawingId, Open>> {
        // Nothing panics while it holds the lock; if something did, the map is still whole.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registration {
    /// Removes the feed. Whoever asks for the drawing from now on opens another one.
    pub fn remove(&self) {
        let mut open = self.feeds.lock();
        if open
            .get(&self.id)
            .is_some_and(|open| open.number == self.number)
        {
            open.remove(&self.id);
            self.feeds.0.counted.notify_one();
        }
    }

    /// Removes the feed if all that was asked of it, `asked` in number, has reached it.
    pub fn remove_if_idle(&self, asked: u64) -> bool {
        let mut open = self.feeds.lock();
        match open.get(&self.id) {
            Some(entry) if entry.number == self.number => {
                let idle = entry.asked == asked;
                if idle {
                    open.remove(&self.id);
                }
                idle
            }
            _ => true,
        }
    }

    /// Tells how many sessions the feed has.
    pub fn count(&self, sessions: usize) {
        if let Some(open) = self
            .feeds
            .lock()
            .get_mut(&self.id)
            .filter(|open| open.number == self.number && open.sessions != sessions)
        {
            open.sessions = sessions;
            self.feeds.0.counted.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use actix::{Context, Recipient, StreamHandler};
    use tokio::sync::mpsc;
    use uuid::Uuid;

    use super::*;
    use crate::drawing::Limits;
    use crate::members::{Mailbox, ToSession, Unread};
    use crate::model::{Change, OpId, StrokeId, Writer};
    use crate::protocol::Close;
    use crate::store::{Database, Followed};

    /// Changes that feeds hold here while one before them is missing.
    const EARLY: usize = 50;

    /// Makes a feed panic.
    #[derive(Message)]
    #[rtype(result = "()")]
    struct Die;

    impl Handler<Die> for Feed {
        type Result = ();

        fn handle(&mut self, _: Die, _: &mut Context<Feed>) {
            panic!("a feed dies for a test");
        }
    }

    /// Makes a feed hear this, as if its live query told it.
    #[derive(Message)]
    #[rtype(result = "()")]
    struct Hear(Vec<Followed>);

    impl Handler<Hear> for Feed {
        type Result = ();

        fn handle(&mut self, Hear(all): Hear, ctx: &mut Context<Feed>) {
            for followed in all {
                StreamHandler::handle(self, followed, ctx);
            }
        }
    }

    /// A session that only listens.
    struct Listener(mpsc::UnboundedSender<ToSession>);

    impl Actor for Listener {
        type Context = Context<Self>;
    }

    impl Handler<ToSession> for Listener {
        type Result = ();

        fn handle(&mut self, message: ToSession, _: &mut Context<Self>) {
            let _ = self.0.send(message);
        }
    }

    fn listener() -> (Recipient<ToSession>, mpsc::UnboundedReceiver<ToSession>) {
        let (heard, hears) = mpsc::unbounded_channel();
        (Listener(heard).start().recipient(), hears)
    }

    fn settings(idle_close: Duration) -> FeedSettings {
        FeedSettings {
            limits: Limits {
                strokes: 100,
                bytes: 1 << 20,
            },
            queue_ops: 100,
            queue_bytes: 1 << 20,
            gap_hold: Duration::from_millis(5),
            early_changes: EARLY,
            idle_close,
            heads_interval: Duration::from_secs(1),
            build: "test".into(),
        }
    }

    async fn feeds(idle_close: Duration) -> (Feeds, DrawingId) {
        let database = Database {
            url: "mem://".into(),
            namespace: "test".into(),
            name: "test".into(),
            user: None,
            password: None,
            deadline: Duration::from_secs(10),
            queries: 1_024,
            notifications: 1_024,
        };
        let store = Store::open(&database).await.unwrap();
        let drawing = store.create("A drawing").await.unwrap().id;
        (Feeds::new(store, settings(idle_close)), drawing)
    }

    fn join(feeds: &Feeds, drawing: DrawingId, recipient: Recipient<ToSession>) -> Attached {
        let message = FromSession::Join {
            session: 1,
            mailbox: Mailbox::new(recipient, Unread::default(), 1 << 20),
            since: 0,
            life: None,
        };
        feeds.join(drawing, message).unwrap()
    }

    async fn next(hears: &mut mpsc::UnboundedReceiver<ToSession>) -> ToSession {
        tokio::time::timeout(Duration::from_secs(10), hears.recv())
            .await
            .expect("a message in time")
            .unwrap()
    }

    #[actix_web::test]
    async fn a_feed_that_died_is_replaced_and_its_sessions_hear_of_it() {
        let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
        let (recipient, mut hears) = listener();
        let first = join(&feeds, drawing, recipient);
        assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
        first.feed.do_send(Die);
        while !matches!(next(&mut hears).await, ToSession::Lost) {}
        let (recipient, mut hears) = listener();
        let second = join(&feeds, drawing, recipient);
        assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
        assert!(first.feed != second.feed);
    }

    fn change(seq: Seq) -> Change {
        let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4());
        Change {
            seq,
            stroke: StrokeId::random(),
            z: seq as i64,
            by: writer.by,
            op: OpId {
                writer: writer.id,
                n: 1,
            },
            marks: Vec::new(),
            body: None,
        }
    }

    /// Waits until the metrics have this line.
    async fn counted(feeds: &Feeds, line: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !feeds
            .metrics()
            .text()
            .lines()
            .any(|counted| counted == line)
        {
            let text = feeds.metrics().text();
            assert!(Instant::now() < deadline, "{line} is not in {text}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[actix_web::test]
    async fn a_gap_is_filled_by_waiting_or_by_reading() {
        for (seqs, by) in [(vec![2, 1], "waiting"), (vec![2], "reading")] {
            let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
            let (recipient, mut hears) = listener();
            let open = join(&feeds, drawing, recipient);
            assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
            let told = seqs
                .into_iter()
                .map(|seq| Followed::Change(Box::new(change(seq))));
            open.feed.do_send(Hear(told.collect()));
            let line = format!("whiteboard_gaps_filled_total{{by=\"{by}\"}} 1");
            counted(&feeds, &line).await;
        }
    }

    #[actix_web::test]
    async fn too_many_early_changes_are_dropped_and_the_drawing_is_read() {
        let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
        let (recipient, mut hears) = listener();
        let open = join(&feeds, drawing, recipient);
        assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
        let early = (2..).map(|seq| Followed::Change(Box::new(change(seq))));
        open.feed.do_send(Hear(early.take(EARLY + 1).collect()));
        let line = format!("whiteboard_early_changes_dropped_total {}", EARLY + 1);
        counted(&feeds, &line).await;
    }

    #[actix_web::test]
    async fn another_position_in_the_database_is_noticed() {
        let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
        let (recipient, mut hears) = listener();
        join(&feeds, drawing, recipient);
        assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
        let life = feeds.read(drawing, 0, None).await.unwrap().life;
        let head = Head {
            id: drawing,
            head: 5,
            floor: 0,
            life,
            title: "A drawing".into(),
            deleted: false,
        };
        feeds.told(drawing, Some(head));
        counted(&feeds, "whiteboard_heads_differed_total 1").await;
    }

    #[actix_web::test]
    async fn a_feed_without_sessions_closes_and_a_join_opens_another() {
        let (feeds, drawing) = feeds(Duration::from_millis(50)).await;
        let (recipient, mut hears) = listener();
        let first = join(&feeds, drawing, recipient);
        assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
        assert_eq!(feeds.open(), 1);
        first.feed.do_send(FromSession::Leave { session: 1 });
        let deadline = Instant::now() + Duration::from_secs(10);
        while feeds.open() > 0 {
            assert!(Instant::now() < deadline, "the feed closes");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(feeds.read(drawing, 0, None).await.is_ok());
    }

    #[actix_web::test]
    async fn a_drawing_that_was_swept_away_unheard_closes_its_sessions() {
        let (feeds, drawing) = feeds(Duration::from_secs(60)).await;
        let (recipient, mut hears) = listener();
        join(&feeds, drawing, recipient);
        assert!(matches!(next(&mut hears).await, ToSession::Frame(_)));
        let store = &feeds.0.store;
        store.delete(drawing).await.unwrap();
        let swept = store
            .sweep_after(Duration::ZERO, Duration::from_secs(3_600))
            .await;
        assert_eq!(swept.unwrap().drawings, 1);
        let watching = feeds.clone();
        let watch = actix_web::rt::spawn(async move { watching.watch().await });
        let closed = loop {
            if let ToSession::Close(close) = next(&mut hears).await {
                break close;
            }
        };
        watch.abort();
        assert!(matches!(closed, Close::NoDrawing), "{closed:?}");
        assert_eq!(feeds.open(), 0);
    }

    #[actix_web::test]
    async fn a_drawing_that_is_not_there_has_no_feed() {
        let (feeds, _) = feeds(Duration::from_secs(60)).await;
        let nowhere = DrawingId::random();
        assert_eq!(
            feeds.read(nowhere, 0, None).await.unwrap_err(),
            FeedError::NotFound
        );
        let (recipient, mut hears) = listener();
        join(&feeds, nowhere, recipient);
        assert!(matches!(next(&mut hears).await, ToSession::Close(_)));
        assert_eq!(feeds.open(), 0);
    }
}
