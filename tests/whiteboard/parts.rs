//! A server assembled by the test, which has access to its store and its feeds, and can block or
//! kill a feed.
//!
//! No background task runs: no heartbeat, no head check, no sweep.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix::{Addr, Arbiter, Handler, Message};
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use support::server::settings;
use tokio::sync::oneshot;
use whiteboard::access::AccessControl;
use whiteboard::domain::access::{Creators, Mode};
use whiteboard::feed::actor::Feed;
use whiteboard::feed::messages::FromSession;
use whiteboard::feed::registry::Feeds;
use whiteboard::heartbeat::Heartbeat;
use whiteboard::quotas::Quotas;
use whiteboard::server;
use whiteboard::session::{SessionLimits, Sessions};
use whiteboard::store::Store;
use whiteboard::web::asset_slots::AssetSlots;
use whiteboard::web::authorize::authorize;
use whiteboard::web::connection::limits::Connections;
use whiteboard::web::extract::BodyLimit;
use whiteboard::web::pictures::Pictures;
use whiteboard::web::routes::routes;
use whiteboard::web::state::State;

/// How long a server may be silent before its sessions no longer count.
pub const SILENCE: Duration = Duration::from_secs(1);
/// How long the body of a request may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(10);
/// How long its feeds may take to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// A server and its parts.
pub struct Parts {
    pub store: Store,
    pub feeds: Feeds,
    pub address: SocketAddr,
    http: ServerHandle,
}

impl Parts {
    /// A server with a database in memory and these flags.
    pub async fn start(flags: &[&str]) -> Self {
        let store = server::open(&settings("mem://", flags).database).await;
        Self::on(store.expect("a database"), flags)
    }

    /// A server on a store that other servers in this process may use too.
    pub fn on(store: Store, flags: &[&str]) -> Self {
        let settings = settings("mem://", flags);
        let feeds = Feeds::new(store.clone(), settings.drawings.feed("test"));
        let sessions: SessionLimits = settings.sessions.limits(20_000);
        let quotas = Quotas::new(settings.shares());
        let everyone = Creators::Everyone;
        let access = AccessControl::new(store.clone(), Mode::Open, everyone, "", None);
        let access = Arc::new(access);
        let state = web::Data::new(State {
            store: store.clone(),
            feeds: feeds.clone(),
            sessions: Arc::new(Sessions::new(
                feeds.clone(),
                sessions,
                access.clone(),
                quotas.clone(),
            )),
            access,
            hosts: settings.access.hosts,
            origins: settings.access.origins,
            quotas,
            proxies: Default::default(),
            person_header: Default::default(),
            silence: SILENCE,
            heartbeat: Arc::new(Heartbeat::new(store.clone(), feeds.clone(), SILENCE)),
            connections: Connections::new(usize::MAX, 0),
            leaving: AtomicBool::new(false),
            assets: AssetSlots::default(),
            pictures: Pictures::default(),
        });
        let http = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .app_data(BodyLimit(BODY_LIMIT))
                .wrap(from_fn(authorize))
                .configure(routes)
        });
        let http = http.disable_signals().workers(1).bind("127.0.0.1:0");
        let http = http.expect("a free port");
        let address = http.addrs()[0];
        let running = http.run();
        let handle = running.handle();
        actix_web::rt::spawn(running);
        Self {
            store,
            feeds,
            address,
            http: handle,
        }
    }

    /// Opens a drawing's feed on its own thread, so that blocking it blocks nothing else.
    pub async fn feed(&self, drawing: &str) -> Addr<Feed> {
        let drawing = drawing.parse().expect("an id");
        let feeds = self.feeds.clone();
        let (opened, feed) = oneshot::channel();
        // A message without effect: there is no such session.
        let nothing = FromSession::Leave { session: u64::MAX };
        Arbiter::new().spawn_fn(move || {
            let open = feeds.join(drawing, nothing).expect("a feed");
            let _ = opened.send(open.feed);
        });
        feed.await.expect("a feed")
    }

    /// Drains the server.
    pub async fn stop(self) {
        self.feeds.drain(DRAIN_LIMIT).await;
        self.http.stop(false).await;
    }
}

/// Blocks a feed until the returned value is dropped: it handles no message before.
pub async fn hold(feed: &Addr<Feed>) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel();
    let (blocked, is_blocked) = oneshot::channel();
    feed.do_send(Hold { blocked, released });
    is_blocked.await.expect("it is open");
    release
}

#[derive(Message)]
#[rtype(result = "()")]
struct Hold {
    blocked: oneshot::Sender<()>,
    released: mpsc::Receiver<()>,
}

impl Handler<Hold> for Feed {
    type Result = ();

    fn handle(&mut self, Hold { blocked, released }: Hold, _: &mut Self::Context) {
        let _ = blocked.send(());
        // The other end is dropped, and the error is expected.
        let _ = released.recv();
    }
}

/// Makes a feed panic.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Die;

impl Handler<Die> for Feed {
    type Result = ();

    fn handle(&mut self, _: Die, _: &mut Self::Context) {
        panic!("a feed dies for a test");
    }
}
