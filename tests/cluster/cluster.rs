//! A whole cluster as real processes: SurrealDB, whiteboards, HAProxy, and links between them.
//!
//! It must never leave a process behind, and never hide what one of them said when a test fails.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};
use whiteboard::domain::ids::ServerId;
use whiteboard::metrics::Metrics;
use whiteboard::store::{Database, Store};

use crate::balancer::Balancer;
use crate::faulty_proxy::FaultyProxy;
use crate::process::{Log, Process, Signal, signal};
use crate::processes::{free_port, program};
use crate::raw_db::RawDb;
pub use crate::surrealdb::engine;
use crate::surrealdb::{self, Engine};
use crate::test_user::{DEADLINE, Patience, TestUser};

/// Clusters of one run that are up at the same time; the others wait for their turn. More would
/// make all of them slow on a machine of two cores, and no run shorter.
const AT_ONCE: u32 = 2;
/// Places that the balancer has for servers, those that are started later included.
const PLACES: usize = 6;
/// The connection for live queries is the second one that a server makes.
const LIVES: u64 = 1;

/// How often heads are compared where a test waits for it.
pub const CHECKS: &[&str] = &["--head-check-interval", "2s"];
pub const INTERVAL: Duration = Duration::from_secs(2);
/// What the comparison and the read that follows may take on a busy machine.
pub const READ: Duration = Duration::from_secs(2);
/// No comparison of heads repairs anything but those that follow a subscription.
pub const NO_CHECKS: &[&str] = &["--head-check-interval", "1h"];
/// The last comparison after a subscription.
const LAST_CHECK: Duration = Duration::from_secs(2);

/// What a cluster is made of.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Whiteboards that it starts with.
    pub servers: usize,
    /// Whether each reaches the database through a [`FaultyProxy`].
    pub linked: bool,
    /// Flags of every whiteboard.
    pub flags: &'static [&'static str],
    /// How long its users wait for a sign of life.
    pub patience: Option<Patience>,
    /// How many turns it takes: one, or all of them.
    turns: u32,
}

impl Plan {
    /// So many servers, as they are by default.
    pub fn of(servers: usize) -> Self {
        Self {
            servers,
            linked: false,
            flags: &[],
            patience: None,
            turns: 1,
        }
    }

    /// Lets no other cluster be up meanwhile: for a test that says how long something may take.
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

    /// Makes users wait less long for a sign of life than pages do.
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

/// A place for a whiteboard: its port stays the same when it is started again.
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
    database: surrealdb::Server,
    /// HAProxy, in front of all servers.
    pub balancer: Balancer,
    /// What all of them said.
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
        let database = block_in_place(surrealdb::Server::start);
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
        self.places[server].process = Some(Process::start(
            &format!("server {server}"),
            command,
            &self.log,
        ));
    }

    /// A whiteboard that knows its database.
    fn program(&self, database: SocketAddr) -> Command {
        let Database {
            namespace,
            name,
            user,
            password,
            ..
        } = self.database.database("cluster");
        let mut command = program(env!("CARGO_BIN_EXE_whiteboard"));
        command
            .args(["--database", &format!("ws://{database}")])
            .args(["--database-namespace", &namespace, "--database-name", &name])
            .env("WHITEBOARD_DATABASE_USER", user.unwrap_or_default())
            .env("WHITEBOARD_DATABASE_PASSWORD", password.unwrap_or_default());
        command
    }

    /// Runs a whiteboard that is to end by itself, as one with `--new-epoch` does; gives its exit code.
    pub async fn run(&self, flags: &[&str]) -> Option<i32> {
        let mut command = self.program(self.database.address());
        command.args(["--listen", "127.0.0.1:0"]).args(flags);
        let process = Process::start("another", command, &self.log);
        process.ended(DEADLINE).await.code()
    }

    /// The numbers of the servers that run, or hang.
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

    /// A server hears nothing of its live queries any more, and nobody tells it.
    ///
    /// # Panics
    ///
    /// When it connected anew, so that nobody knows which connection is for what.
    pub fn deafen(&self, server: usize) {
        let link = self.link(server);
        assert_eq!(link.connections(), LIVES + 1, "server {server}");
        self.log
            .say(&format!("server {server}"), "hears nothing any more");
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

    /// SIGTERM. It is still there until [`Cluster::ended`] was waited for.
    pub fn term(&self, server: usize) {
        self.process(server).signal(Signal::Term);
    }

    /// Waits until a server ended by itself, and gives its exit code.
    pub async fn ended(&mut self, server: usize, within: Duration) -> Option<i32> {
        let process = self.places[server].process.take();
        let process = process.unwrap_or_else(|| panic!("server {server} does not run"));
        process.ended(within).await.code()
    }

    /// SIGSTOP: it hangs.
    pub fn pause(&self, server: usize) {
        self.process(server).signal(Signal::Stop);
    }

    /// SIGCONT.
    pub fn resume(&self, server: usize) {
        self.process(server).signal(Signal::Continue);
    }

    /// Bytes of memory that a server has in use.
    pub fn memory(&self, server: usize) -> u64 {
        self.process(server).memory()
    }

    /// Starts a server again that ended, on the same port, and waits until the balancer uses it.
    pub async fn restart(&mut self, server: usize) {
        self.launch(server);
        self.is_up(server).await;
    }

    /// Starts one more server, and waits until the balancer uses it; gives its number.
    pub async fn add(&mut self) -> usize {
        let server = self.started;
        assert!(server < PLACES, "there are {PLACES} places for servers");
        self.started += 1;
        self.restart(server).await;
        server
    }

    /// Waits until the balancer sends new connections to a server.
    pub async fn is_up(&mut self, server: usize) {
        let deadline = Instant::now() + DEADLINE;
        while !self.balancer.is_up(server).await {
            let place = &mut self.places[server];
            let ended = place.process.as_mut().is_none_or(Process::has_ended);
            assert!(!ended, "server {server} ended while it was to start");
            assert!(
                Instant::now() < deadline,
                "server {server} does not get ready"
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the balancer sends nothing more to a server.
    pub async fn is_down(&self, server: usize) {
        let deadline = Instant::now() + DEADLINE;
        while self.balancer.is_up(server).await {
            assert!(Instant::now() < deadline, "server {server} stays up");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// `kill -9` of the database.
    pub fn kill_database(&mut self) {
        self.log.say("database", "is killed");
        self.database.kill();
    }

    /// Starts the database again, on the same folder and port, and waits until it answers.
    pub fn restart_database(&mut self) {
        block_in_place(|| self.database.restart());
        self.log.say("database", "is back");
    }

    /// SIGSTOP of the database.
    pub fn pause_database(&self) {
        self.log.say("database", "hangs");
        signal(self.database.pid().expect("it runs"), Signal::Stop);
    }

    /// SIGCONT of the database.
    pub fn resume_database(&self) {
        self.log.say("database", "goes on");
        signal(self.database.pid().expect("it runs"), Signal::Continue);
    }

    /// A copy of all that the database holds. It has to be killed before.
    pub fn back_up(&self) -> TempDir {
        block_in_place(|| self.database.back_up())
    }

    /// Puts a copy in the place of all that the database holds. It has to be killed before.
    pub fn restore(&self, backup: &TempDir) {
        self.log.say("database", "is put back to a backup");
        block_in_place(|| self.database.restore(backup));
    }

    /// A connection to the database itself, past all servers and the store.
    pub async fn raw_db(&self) -> RawDb {
        RawDb::to(&self.database.database("cluster")).await
    }

    /// The database itself, past all servers. It is opened anew.
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
        let url = format!("http://{}/api/drawings", self.balancer.address);
        let asked = self
            .http
            .post(url)
            .json(&json!({"title": "Plan"}))
            .send()
            .await;
        let drawing: Value = asked.expect("an answer").json().await.expect("JSON");
        drawing["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id in {drawing}"))
            .to_owned()
    }

    /// What a server, or the balancer, answers to a GET.
    ///
    /// # Errors
    ///
    /// When there is no answer, or it is none of success.
    pub async fn get(&self, address: SocketAddr, path: &str) -> reqwest::Result<Value> {
        let url = format!("http://{address}{path}");
        let asked = self.http.get(url).send().await?;
        asked.error_for_status()?.json().await
    }

    /// Waits until the comparisons of heads that follow the subscriptions to a drawing are over.
    ///
    /// Nothing tells of one that finds nothing. But when their time has come, each server asks for them
    /// before it does what it is asked later, however late it is: it answers from the drawing's feed,
    /// and then by a query of its own.
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

    /// The value of one line of a server's metrics.
    pub async fn metric(&self, server: usize, name: &str) -> f64 {
        let url = format!("http://{}/metrics", self.address(server));
        let asked = self.http.get(url).send().await;
        let text = asked.expect("an answer").text().await.expect("text");
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|value| value.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// Asks a server for something that is not a GET, which it has to do.
    pub async fn ask(&self, server: usize, method: Method, path: &str, body: Value) {
        let url = format!("http://{}{path}", self.address(server));
        let asked = self.http.request(method, url).json(&body);
        let answer = asked.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// The status of what a server answers to a GET, if it answers.
    pub async fn status(&self, server: usize, path: &str) -> Option<u16> {
        let url = format!("http://{}{path}", self.address(server));
        let asked = self.http.get(url).send().await;
        Some(asked.ok()?.status().as_u16())
    }

    /// Someone comes to a drawing through the balancer, and is welcome.
    pub async fn visit(&self, name: &str, drawing: &str) -> TestUser {
        let user = self.visit_from(self.balancer.address, name, drawing, None);
        user.wait("being welcome", |seen| seen.welcome).await;
        user
    }

    /// The same at this server, for which the balancer is asked at first. Later any will do.
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
            user.wait("being welcome", |seen| seen.welcome).await;
            if user.seen().server == Some(server) {
                return user;
            }
            // A server that is busy for a moment is taken for one that is down.
            assert!(Instant::now() < deadline, "{name} is elsewhere");
            user.leave().await;
        }
    }

    /// Someone comes to a drawing at any address, as that of a [`FaultyProxy`]; not welcome yet.
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
