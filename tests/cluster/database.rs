//! The database is away, killed or hanging: users see only that changes are not saved yet.

use std::time::Duration;

use support::http::{metric_is, ready};
use support::state::{ClientState, pen};
use support::user::TestUser;
use tokio::time::Instant;
use whiteboard::domain::ids::StrokeId;

use crate::cluster::{Cluster, NO_CHECKS, Plan};

/// Deadline for full recovery after the database is back.
const AS_BEFORE: Duration = Duration::from_secs(3);

/// One user on each server, each with an acknowledged stroke.
async fn one_on_each(cluster: &Cluster, drawing: &str) -> Vec<TestUser> {
    let mut users = Vec::new();
    for server in cluster.running() {
        let user = cluster
            .visit_at(server, &format!("Ada {server}"), drawing)
            .await;
        user.draw(pen(1.0));
        user.all_acknowledged().await;
        users.push(user);
    }
    users
}

/// Waits until every server answers so on whether it is ready.
async fn all_answer(cluster: &Cluster, status: u16) {
    for server in cluster.running() {
        ready(cluster.address(server), status).await;
    }
}

/// Waits until a query of every server has reached its deadline.
async fn queries_were_given_up(cluster: &Cluster) {
    const GIVEN_UP: &str = "whiteboard_query_errors_total{reason=\"deadline\"}";
    for server in cluster.running() {
        metric_is(cluster.address(server), GIVEN_UP, |count| count > 0.0).await;
    }
}

fn each_draws(users: &[TestUser]) -> Vec<StrokeId> {
    users.iter().map(|each| each.draw(pen(2.0))).collect()
}

/// Asserts that no new stroke is acknowledged, and each user has their own in the outbox.
fn nothing_is_saved(users: &[TestUser]) {
    for user in users {
        let state = user.state();
        assert_eq!(state.outbox.len(), 1, "{}", user.name);
    }
}

/// After the database is back: all waiting ops are stored and reach all users in time, and new ones
/// too.
async fn all_is_as_before(
    cluster: &Cluster,
    drawing: &str,
    users: &[TestUser],
    waited: Vec<StrokeId>,
    back: Instant,
) {
    let all = [waited, each_draws(users)].concat();
    for user in users {
        let left = (back + AS_BEFORE).saturating_duration_since(Instant::now());
        let arrived = |state: &ClientState| {
            state.outbox.is_empty() && all.iter().all(|stroke| state.is_there(*stroke))
        };
        user.wait_within(left, "all strokes", arrived).await;
    }
    let took = back.elapsed().as_millis();
    cluster
        .log
        .note("test", format_args!("all is there after {took} ms"));
    all_answer(cluster, 200).await;
    for user in users {
        assert_eq!(user.state().reconnects(), 0, "{}", user.name);
    }
    let users: Vec<&TestUser> = users.iter().collect();
    let copy = cluster.agree(drawing, &users).await;
    assert_eq!(
        (copy.living(), copy.head),
        (3 * users.len(), 3 * users.len() as u64)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_database_costs_nobody_their_session_or_a_stroke() {
    let mut cluster = Plan::of(3).flags(NO_CHECKS).alone().start().await;
    let drawing = cluster.create_drawing().await;
    let users = one_on_each(&cluster, &drawing).await;
    cluster.kill_database();
    let waiting = each_draws(&users);
    all_answer(&cluster, 503).await;
    nothing_is_saved(&users);
    cluster.restart_database();
    let back = Instant::now();
    all_is_as_before(&cluster, &drawing, &users, waiting, back).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_away_for_longer_than_a_query_may_take_is_used_again_at_once() {
    let mut cluster = Plan::of(2).flags(NO_CHECKS).alone().start().await;
    let drawing = cluster.create_drawing().await;
    let users = one_on_each(&cluster, &drawing).await;
    cluster.kill_database();
    let waiting = each_draws(&users);
    queries_were_given_up(&cluster).await;
    all_answer(&cluster, 503).await;
    nothing_is_saved(&users);
    cluster.restart_database();
    let back = Instant::now();
    all_is_as_before(&cluster, &drawing, &users, waiting, back).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_costs_nobody_their_session_or_a_stroke() {
    let cluster = Plan::of(2).flags(NO_CHECKS).alone().start().await;
    let drawing = cluster.create_drawing().await;
    let users = one_on_each(&cluster, &drawing).await;
    cluster.pause_database();
    let waiting = each_draws(&users);
    all_answer(&cluster, 503).await;
    queries_were_given_up(&cluster).await;
    nothing_is_saved(&users);
    cluster.resume_database();
    let back = Instant::now();
    all_is_as_before(&cluster, &drawing, &users, waiting, back).await;
}
