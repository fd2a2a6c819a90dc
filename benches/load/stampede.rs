//! All clients of a server lose it at once, and reconnect to the others.
//!
//! The clients are those of the tests, which obey the rules of `static/`. An op that is lost, stored
//! twice or finally refused fails the run.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use support::database::DatabaseServer;
use support::http;
use support::process::Log;
use support::user::{Drawing, Patience, TestUser};
use support::wait::eventually_within;
use tokio::time::{Instant, sleep};

use crate::server::Server;

/// Number of clients, all on the server that is killed.
const CLIENTS: usize = 2_000;
/// Number of drawings.
const DRAWINGS: usize = 100;
/// One client in this many draws.
const DRAWS: usize = 10;
/// Interval of the strokes of each.
const DRAW_PERIOD: Duration = Duration::from_secs(2);
/// Clients that connect concurrently at the start.
const OPENED_AT_ONCE: usize = 50;
/// Drawing time before the kill, and after all have reconnected.
const CALM: Duration = Duration::from_secs(3);
/// Deadline for all to reconnect, and then to be acknowledged.
const LIMIT: Duration = Duration::from_secs(60);

/// Kills a server with all clients on it, drains the next, and checks that nothing is lost.
pub async fn run() -> Result<(), String> {
    rlimit::increase_nofile_limit(u64::MAX).map_err(|error| error.to_string())?;
    let database = DatabaseServer::start();
    let mut killed = Server::start_on(&database);
    let mut drained = Server::start_on(&database);
    let last = Server::start_on(&database);
    println!(
        "\nstampede: {CLIENTS} clients on {DRAWINGS} drawings, {} of them draw a stroke each {} s",
        CLIENTS / DRAWS,
        DRAW_PERIOD.as_secs()
    );
    let mut drawings = Vec::new();
    for _ in 0..DRAWINGS {
        drawings.push(last.create_drawing().await);
    }
    let mut crowd = Crowd::open(&killed, &drawings).await;
    sleep(CALM).await;

    let began = Instant::now();
    crowd.reach(&[&drained, &last]);
    killed.kill();
    crowd.come_back("kill -9", began, &killed).await;
    sleep(CALM).await;

    let began = Instant::now();
    crowd.reach(&[&last]);
    drained.terminate();
    crowd.come_back("SIGTERM", began, &drained).await;
    drained.ended().await;
    println!(
        "the drained server ended after {:.1} s; the last one used at most {:.0} MiB",
        began.elapsed().as_secs_f64(),
        last.peak_bytes() / 1024.0 / 1024.0
    );
    sleep(CALM).await;
    let drawn = crowd.stop().await;
    check(&last, &drawings, &drawn).await
}

/// Reads all drawings: every stroke must be there, once.
async fn check(
    server: &Server,
    drawings: &[String],
    drawn: &HashSet<String>,
) -> Result<(), String> {
    let (mut stored, mut twice) = (HashSet::new(), 0);
    for drawing in drawings {
        let chunk = http::strokes(server.address, drawing).await;
        if chunk["more"] != false {
            return Err("a drawing has more than one chunk".into());
        }
        for change in chunk["changes"].as_array().ok_or("no changes")? {
            let stroke = change["stroke"].as_str().unwrap_or_default().to_owned();
            twice += usize::from(!stored.insert(stroke));
        }
    }
    let lost = drawn.difference(&stored).count();
    println!(
        "{} strokes were drawn: lost {lost}, stored twice {twice}",
        drawn.len()
    );
    match (lost, twice, stored.len() == drawn.len()) {
        (0, 0, true) => Ok(()),
        _ => Err("what is stored is not what was drawn".into()),
    }
}

/// All clients.
struct Crowd {
    users: Vec<TestUser>,
    pens: Vec<Drawing>,
    attempts: usize,
    throttled: usize,
}

impl Crowd {
    async fn open(server: &Server, drawings: &[String]) -> Self {
        let log = Log::new();
        let mut users = Vec::new();
        while users.len() < CLIENTS {
            let some = users.len()..CLIENTS.min(users.len() + OPENED_AT_ONCE);
            let opened: Vec<TestUser> = some
                .map(|number| {
                    let drawing = &drawings[number % drawings.len()];
                    let patience = Patience::default();
                    TestUser::open(server.address, drawing, "Ada", None, patience, &log)
                })
                .collect();
            for user in &opened {
                user.welcomed().await;
            }
            users.extend(opened);
        }
        // Drawers are spread over all drawings.
        let drawers = users.iter().enumerate();
        let drawers = drawers.filter(|(number, _)| (number / drawings.len()).is_multiple_of(DRAWS));
        let pens = drawers.map(|(_, user)| {
            let phase = DRAW_PERIOD.mul_f64(fastrand::f64());
            user.draws_after(phase, DRAW_PERIOD)
        });
        let mut crowd = Self {
            pens: pens.collect(),
            users,
            attempts: 0,
            throttled: 0,
        };
        crowd.count();
        crowd
    }

    /// A balancer would send them to these servers.
    fn reach(&self, servers: &[&Server]) {
        let servers: Vec<_> = servers.iter().map(|server| server.address).collect();
        for user in &self.users {
            user.reach(&servers);
        }
    }

    /// Attempts to connect, and refusals for load, since the last count.
    fn count(&mut self) -> (usize, usize) {
        let before = (self.attempts, self.throttled);
        let states = || self.users.iter().map(TestUser::state);
        self.attempts = states().map(|state| state.attempts).sum();
        self.throttled = states().map(|state| state.throttled).sum();
        (self.attempts - before.0, self.throttled - before.1)
    }

    async fn come_back(&mut self, what: &str, began: Instant, gone: &Server) {
        let was_there = |user: &&TestUser| user.state().address == gone.address;
        let lost: Vec<&TestUser> = self.users.iter().filter(was_there).collect();
        let welcomed = |user: &&TestUser| {
            let state = user.state();
            state.welcomed.last().copied().filter(|at| *at > began)
        };
        eventually_within(LIMIT, "all have another welcome", async || {
            lost.iter().all(|user| welcomed(user).is_some())
        })
        .await;
        let times = lost.iter().filter_map(welcomed);
        let mut millis: Vec<u128> = times.map(|at| (at - began).as_millis()).collect();
        millis.sort_unstable();
        let at = |share: f64| millis[((millis.len() - 1) as f64 * share) as usize];
        println!(
            "{what}: {} clients lost their server; welcome again after p50 {} ms, p99 {} ms, max {} ms",
            millis.len(),
            at(0.5),
            at(0.99),
            at(1.0),
        );
        let (attempts, throttled) = self.count();
        println!("{attempts} attempts; {throttled} refusals for load");
    }

    /// Stops drawing, waits until every op is acknowledged, and returns all strokes.
    async fn stop(self) -> HashSet<String> {
        let drawn = join_all(self.pens.into_iter().map(Drawing::stop)).await;
        for user in &self.users {
            user.wait_within(LIMIT, "all acknowledgements", |state| {
                state.outbox.is_empty()
            })
            .await;
            user.assert_clean();
        }
        let drawn = drawn.iter().flatten();
        drawn.map(ToString::to_string).collect()
    }
}
