//! A whole cluster of real processes: SurrealDB, servers, HAProxy, and links between them.
//!
//! It must never leave a process behind, and shows the log of all of them when a test fails.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use support::database::{DatabaseServer, Engine, engine};
use support::http;
use support::process::{Log, OnDrop, Process, Signal, free_port, whiteboard};
use support::proxy::FaultyProxy;
use support::user::{Patience, TestUser};
use support::wait::{DEADLINE, eventually};
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};
use whiteboard::domain::ids::ServerId;
use whiteboard::metrics::Metrics;
use whiteboard::store::{Database, Store};

use crate::balancer::Balancer;
use crate::raw_db::RawDb;

/// Clusters of one run that are up at the same time; the others wait. More would slow all of them
/// down on a machine of two cores, and not shorten the run.
const AT_ONCE: u32 = 2;
/// Slots that the balancer has for servers, including those started later.
const PLACES: usize = 6;
/// A server's connection for live queries is its second one.
const LIVES: u64 = 1;

/// Interval of head checks where a test waits for one.
pub const CHECKS: &[&str] = &["--head-check-interval", "2s"];
pub const INTERVAL: Duration = Duration::from_secs(2);
/// How long a head check and the read after it may take on a busy machine.
pub const READ: Duration = Duration::from_secs(2);
/// No head checks except those after a subscription.
pub const NO_CHECKS: &[&str] = &["--head-check-interval", "1h"];
/// The last comparison after a subscription.
const LAST_CHECK: Duration = Duration::from_secs(2);

/// The configuration of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of servers at the start.
    pub servers: usize,
    /// Whether each connects to the database through a [`FaultyProxy`].
    pub linked: bool,
    /// Flags of every server.
    pub flags: &'static [&'static str],
    /// How long its users wait for a sign of life.
    pub patience: Option<Patience>,
    /// Number of permits it takes: one, or all of them.
    turns: u32,
}

impl Plan {
    /// A cluster of this many servers with default settings.
    pub fn of(servers: usize) -> Self {
        Self {
            servers,
            linked: false,
            flags: &[],
            patience: None,
            turns: 1,
        }
    }

    /// Runs without any other cluster: for a test that measures time.
    pub fn alone(self) -> Self {
        Self {
            turns: AT_ONCE,
            ..self
        }
    }

    /// Puts a link between each server and the database.
    pub fn linked(self) -> Self {
        Self {
            linked: true,
            ..self
        }
    }

    /// Gives every whiteboard these flags.
    pub fn flags(self, flags: &'static [&'static str]) -> Self {
        Self { flags, ..self }
    }

    /// Gives users a shorter timeout than browsers have.
    pub fn patience(self, ping_after: Duration, answer_within: Duration) -> Self {
        let patience = Some(Patience {
            ping_after,
            answer_within,
        });
        Self { patience, ..self }
    }

    /// Starts it, and waits until all of it is ready.
    pub async fn start(self) -> Cluster {
        Cluster::start(self).await
    }

    /// The same, with a new drawing that Ada has open at server 0 and Ben at server 1.
    pub async fn start_with_two(self) -> (Cluster, String, TestUser, TestUser) {
        let cluster = self.start().await;
        let drawing = cluster.create_drawing().await;
        let ada = cluster.visit_at(0, "Ada", &drawing).await;
        let ben = cluster.visit_at(1, "Ben", &drawing).await;
        (cluster, drawing, ada, ben)
    }
}

/// A slot for a server: its port stays the same after a restart.
struct Place {
    port: u16,
    link: Option<FaultyProxy>,
    process: Option<Process>,
}

/// A running cluster. Everything in it ends when it is dropped.
pub struct Cluster {
    plan: Plan,
    places: Vec<Place>,
    started: usize,
    database: DatabaseServer,
    /// HAProxy, in front of all servers.
    pub balancer: Balancer,
    /// The log of all of them.
    pub log: Log,
    http: reqwest::Client,
    _turn: OwnedSemaphorePermit,
}

impl Cluster {
    async fn start(plan: Plan) -> Self {
        static TURNS: LazyLock<Arc<Semaphore>> =
            LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE as usize)));
        let turn = TURNS.clone().acquire_many_owned(plan.turns).await;
        let turn = turn.expect("never closed");
        let log = Log::new();
        let database = block_in_place(DatabaseServer::start);
        let mut places = Vec::new();
        for _ in 0..PLACES {
            let link = match plan.linked {
                true => Some(FaultyProxy::to(database.address()).await),
                false => None,
            };
            places.push(Place {
                port: free_port(),
                link,
                process: None,
            });
        }
        let ports: Vec<u16> = places.iter().map(|place| place.port).collect();
        let http = reqwest::Client::builder().timeout(DEADLINE);
        let mut cluster = Self {
            plan,
            places,
            started: 0,
            database,
            balancer: Balancer::start(&ports, &log),
            log,
            http: http.build().expect("a client"),
            _turn: turn,
        };
        for server in 0..plan.servers {
            cluster.launch(server);
        }
        cluster.started = plan.servers;
        for server in 0..plan.servers {
            cluster.is_up(server).await;
        }
        cluster
    }

    fn launch(&mut self, server: usize) {
        let place = &mut self.places[server];
        assert!(place.process.is_none(), "server {server} runs");
        let database = place.link.as_ref().map(|link| link.address);
        let mut command = self.program(database.unwrap_or(self.database.address()));
        command.args([
            "--listen",
            &format!("127.0.0.1:{}", self.places[server].port),
        ]);
        if engine() == Engine::Router {
            command.args(["--gap-timeout", "250ms"]);
        }
        command.args(self.plan.flags);
        let name = format!("server {server}");
        let process = Process::start(&name, command, &self.log, OnDrop::Kill);
        self.places[server].process = Some(process);
    }

    /// A server process configured for the cluster's database.
    fn program(&self, database: SocketAddr) -> Command {
        let Database {
            namespace,
            name,
            user,
            password,
            ..
        } = self.database.database("cluster");
        let mut command = whiteboard();
        command
            .args(["--database", &format!("ws://{database}")])
            .args(["--database-namespace", &namespace, "--database-name", &name])
            .env("WHITEBOARD_DATABASE_USER", user.unwrap_or_default())
            .env("WHITEBOARD_DATABASE_PASSWORD", password.unwrap_or_default());
        command
    }

    /// Runs a server program that ends by itself, such as with `--new-epoch`; returns its exit
    /// code.
    pub async fn run(&self, flags: &[&str]) -> Option<i32> {
        let mut command = self.program(self.database.address());
        command.args(["--listen", "127.0.0.1:0"]).args(flags);
        let mut process = Process::start("another", command, &self.log, OnDrop::Kill);
        process.ended().await.0.code()
    }

    /// The numbers of the servers that run or hang.
    pub fn running(&self) -> Vec<usize> {
        let all = self.places.iter().enumerate();
        all.filter(|(_, place)| place.process.is_some())
            .map(|(server, _)| server)
            .collect()
    }

    /// Where a server listens.
    pub fn address(&self, server: usize) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.places[server].port))
    }

    /// The link between a server and the database.
    pub fn link(&self, server: usize) -> &FaultyProxy {
        self.places[server]
            .link
            .as_ref()
            .expect("a plan with links")
    }

    /// A server's connection for live queries stalls without notice.
    ///
    /// # Panics
    ///
    /// When it has reconnected, so that its connections cannot be told apart.
    pub fn deafen(&self, server: usize) {
        let link = self.link(server);
        assert_eq!(link.connections(), LIVES + 1, "server {server}");
        self.log
            .note(&format!("server {server}"), "its live queries are silent");
        link.silence_one(LIVES);
    }

    fn process(&self, server: usize) -> &Process {
        let process = self.places[server].process.as_ref();
        process.unwrap_or_else(|| panic!("server {server} does not run"))
    }

    /// `kill -9`.
    pub fn kill(&mut self, server: usize) {
        let process = self.places[server].process.take();
        process
            .unwrap_or_else(|| panic!("server {server} does not run"))
            .kill();
    }

    /// SIGTERM. The process exists until [`Cluster::ended`] has returned.
    pub fn term(&self, server: usize) {
        self.process(server).signal(Signal::Term);
    }

    /// Waits until a server ends by itself, and returns its exit code.
    pub async fn ended(&mut self, server: usize, within: Duration) -> Option<i32> {
        let process = self.places[server].process.take();
        let mut process = process.unwrap_or_else(|| panic!("server {server} does not run"));
        process.ended_within(within).await.0.code()
    }

    /// SIGSTOP: it hangs.
    pub fn pause(&self, server: usize) {
        self.process(server).signal(Signal::Stop);
    }

    /// SIGCONT.
    pub fn resume(&self, server: usize) {
        self.process(server).signal(Signal::Continue);
    }

    /// Restarts a server that has ended, on the same port, and waits until the balancer uses it.
    pub async fn restart(&mut self, server: usize) {
        self.launch(server);
        self.is_up(server).await;
    }

    /// Starts one more server, and waits until the balancer uses it; returns its number.
    pub async fn add(&mut self) -> usize {
        let server = self.started;
        assert!(server < PLACES, "there are {PLACES} places for servers");
        self.started += 1;
        self.restart(server).await;
        server
    }

    /// Waits until the balancer sends new connections to a server.
    pub async fn is_up(&mut self, server: usize) {
        let process = &mut self.places[server].process;
        eventually(&format!("server {server} is ready"), async || {
            let ended = process.as_mut().is_none_or(Process::has_ended);
            assert!(!ended, "server {server} ended while it was to start");
            self.balancer.is_up(server).await
        })
        .await;
    }

    /// Waits until the balancer stops using a server.
    pub async fn is_down(&self, server: usize) {
        eventually(&format!("server {server} is down"), async || {
            !self.balancer.is_up(server).await
        })
        .await;
    }

    /// `kill -9` of the database.
    pub fn kill_database(&mut self) {
        self.log.note("database", "is killed");
        self.database.kill();
    }

    /// Restarts the database on the same folder and port, and waits until it answers.
    pub fn restart_database(&mut self) {
        block_in_place(|| self.database.restart());
        self.log.note("database", "is back");
    }

    /// SIGSTOP of the database.
    pub fn pause_database(&self) {
        self.log.note("database", "hangs");
        self.database.signal(Signal::Stop);
    }

    /// SIGCONT of the database.
    pub fn resume_database(&self) {
        self.log.note("database", "goes on");
        self.database.signal(Signal::Continue);
    }

    /// A copy of the database's folder. It must be killed before.
    pub fn back_up(&self) -> TempDir {
        block_in_place(|| self.database.back_up())
    }

    /// Replaces the database's folder by a copy. It must be killed before.
    pub fn restore(&self, backup: &TempDir) {
        self.log.note("database", "is put back to a backup");
        block_in_place(|| self.database.restore(backup));
    }

    /// A connection to the database itself, bypassing all servers and the store.
    pub async fn raw_db(&self) -> RawDb {
        RawDb::to(&self.database.database("cluster")).await
    }

    /// The store, bypassing all servers. It is opened anew.
    pub async fn store(&self) -> Store {
        Store::open(
            &self.database.database("cluster"),
            ServerId::random(),
            Metrics::new(),
        )
        .await
        .expect("the database")
    }

    /// A new drawing.
    pub async fn create_drawing(&self) -> String {
        http::create_drawing(self.balancer.address).await
    }

    /// The answer of a server or the balancer to a GET.
    ///
    /// # Errors
    ///
    /// When there is no answer, or its status is not a success.
    pub async fn get(&self, address: SocketAddr, path: &str) -> reqwest::Result<Value> {
        let url = format!("http://{address}{path}");
        let asked = self.http.get(url).send().await?;
        asked.error_for_status()?.json().await
    }

    /// Waits until the head checks after the subscriptions to a drawing are over.
    ///
    /// A check that finds nothing leaves no trace. But once they are due, each server sends them
    /// before it handles later requests, however late it is: one to the drawing's feed, and then
    /// one with a query.
    pub async fn checks_after_following_are_over(&self, drawing: &str) {
        sleep(LAST_CHECK).await;
        for server in self.running() {
            for _ in 0..2 {
                let feed = format!("/api/drawings/{drawing}/strokes?since=0");
                for path in [&feed, "/api/drawings"] {
                    let answer = self.get(self.address(server), path).await;
                    answer.unwrap_or_else(|error| panic!("server {server}: {error}"));
                }
            }
        }
    }

    /// Waits until head checks after subscriptions are over, where no request may be sent that shows it.
    pub async fn checks_are_over(&self) {
        sleep(LAST_CHECK + LAST_CHECK / 2).await;
    }

    /// The value of one line of a server's metrics.
    pub async fn metric(&self, server: usize, name: &str) -> f64 {
        http::metric(self.address(server), name).await
    }

    /// Sends a request other than GET, which must succeed.
    pub async fn ask(&self, server: usize, method: Method, path: &str, body: Value) {
        let url = format!("http://{}{path}", self.address(server));
        let asked = self.http.request(method, url).json(&body);
        let answer = asked.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// The status of a server's answer to a GET, if it answers.
    pub async fn status(&self, server: usize, path: &str) -> Option<u16> {
        http::status(&format!("http://{}{path}", self.address(server))).await
    }

    /// A user joins a drawing through the balancer, and gets a welcome.
    pub async fn visit(&self, name: &str, drawing: &str) -> TestUser {
        let user = self.visit_from(self.balancer.address, name, drawing, None);
        user.welcomed().await;
        user
    }

    /// The same with a preferred server for the first connection. Later ones go to any server.
    pub async fn visit_at(&self, server: usize, name: &str, drawing: &str) -> TestUser {
        self.visit_through(self.balancer.address, server, name, drawing)
            .await
    }

    /// The same through a [`FaultyProxy`] to the balancer.
    pub async fn visit_through(
        &self,
        address: SocketAddr,
        server: usize,
        name: &str,
        drawing: &str,
    ) -> TestUser {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let user = self.visit_from(address, name, drawing, Some(server));
            user.welcomed().await;
            if user.state().server == Some(server) {
                return user;
            }
            // The balancer may take a busy server for a dead one.
            assert!(Instant::now() < deadline, "{name} is elsewhere");
            user.leave().await;
        }
    }

    /// A user joins a drawing at any address, such as a [`FaultyProxy`]'s; does not wait for the
    /// welcome.
    pub fn visit_from(
        &self,
        address: SocketAddr,
        name: &str,
        drawing: &str,
        first: Option<usize>,
    ) -> TestUser {
        let patience = self.plan.patience.unwrap_or_default();
        TestUser::open(address, drawing, name, first, patience, &self.log)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.log.show();
        }
    }
}
