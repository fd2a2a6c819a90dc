//! The database away, killed or hanging: nobody notices but by what is not saved yet.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use whiteboard::domain::ids::StrokeId;

use crate::cluster::{Cluster, NO_CHECKS, Plan};
use crate::page::pen;
use crate::visitor::{DEADLINE, Visitor};

/// So long after the database is back all is as before.
const AS_BEFORE: Duration = Duration::from_secs(3);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// One visitor on each server, each of whom drew a stroke that is saved.
async fn one_on_each(cluster: &Cluster, drawing: &str) -> Vec<Visitor> {
    let mut visitors = Vec::new();
    for server in cluster.running() {
        let visitor = cluster
            .visit_at(server, &format!("Visitor {server}"), drawing)
            .await;
        visitor.draw(pen(1.0));
        visitor.saved().await;
        visitors.push(visitor);
    }
    visitors
}

/// Waits until every server says that it is not ready.
async fn nobody_is_ready(cluster: &Cluster) {
    let deadline = Instant::now() + DEADLINE;
    for server in cluster.running() {
        while cluster.status(server, "/readyz").await != Some(503) {
            assert!(Instant::now() < deadline, "server {server} is ready");
            sleep(LOOK).await;
        }
    }
}

/// Waits until every server gave up a query at its deadline.
async fn queries_were_given_up(cluster: &Cluster) {
    const GIVEN_UP: &str = "whiteboard_query_errors_total{reason=\"deadline\"}";
    let deadline = Instant::now() + DEADLINE;
    for server in cluster.running() {
        while cluster.metric(server, GIVEN_UP).await == 0.0 {
            assert!(Instant::now() < deadline, "server {server} gives up none");
            sleep(LOOK).await;
        }
    }
}

fn each_draws(visitors: &[Visitor]) -> Vec<StrokeId> {
    visitors.iter().map(|each| each.draw(pen(2.0))).collect()
}

/// Nothing that was drawn is saved, and everyone has their own in the outbox.
fn nothing_is_saved(visitors: &[Visitor]) {
    for visitor in visitors {
        let seen = visitor.seen();
        assert_eq!(seen.outbox.len(), 1, "{}", visitor.name);
    }
}

/// From the moment when the database was back: all that waited is stored and seen by everyone in
/// time, and what is drawn now too.
async fn all_is_as_before(
    cluster: &Cluster,
    drawing: &str,
    visitors: &[Visitor],
    waited: Vec<StrokeId>,
    back: Instant,
) {
    let all = [waited, each_draws(visitors)].concat();
    for visitor in visitors {
        let left = (back + AS_BEFORE).saturating_duration_since(Instant::now());
        let arrived = |seen: &crate::visitor::Seen| {
            seen.outbox.is_empty() && all.iter().all(|stroke| seen.is_there(*stroke))
        };
        visitor.wait_within(left, "all strokes", arrived).await;
    }
    let took = back.elapsed().as_millis();
    cluster
        .log
        .say("test", format_args!("all is there after {took} ms"));
    let deadline = Instant::now() + DEADLINE;
    for server in cluster.running() {
        while cluster.status(server, "/readyz").await != Some(200) {
            assert!(Instant::now() < deadline, "server {server} is not ready");
            sleep(LOOK).await;
        }
    }
    for visitor in visitors {
        assert_eq!(visitor.seen().reconnects(), 0, "{}", visitor.name);
    }
    let visitors: Vec<&Visitor> = visitors.iter().collect();
    let copy = cluster.agree(drawing, &visitors).await;
    assert_eq!(
        (copy.living(), copy.head),
        (3 * visitors.len(), 3 * visitors.len() as u64)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_database_costs_nobody_their_session_or_a_stroke() {
    let mut cluster = Plan::of(3).flags(NO_CHECKS).alone().start().await;
    let drawing = cluster.create_drawing().await;
    let visitors = one_on_each(&cluster, &drawing).await;
    cluster.kill_database();
    let waiting = each_draws(&visitors);
    nobody_is_ready(&cluster).await;
    nothing_is_saved(&visitors);
    cluster.restart_database();
    let back = Instant::now();
    all_is_as_before(&cluster, &drawing, &visitors, waiting, back).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_away_for_longer_than_a_query_may_take_is_used_again_at_once() {
    let mut cluster = Plan::of(2).flags(NO_CHECKS).alone().start().await;
    let drawing = cluster.create_drawing().await;
    let visitors = one_on_each(&cluster, &drawing).await;
    cluster.kill_database();
    let waiting = each_draws(&visitors);
    queries_were_given_up(&cluster).await;
    nobody_is_ready(&cluster).await;
    nothing_is_saved(&visitors);
    cluster.restart_database();
    let back = Instant::now();
    all_is_as_before(&cluster, &drawing, &visitors, waiting, back).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_costs_nobody_their_session_or_a_stroke() {
    let cluster = Plan::of(2).flags(NO_CHECKS).alone().start().await;
    let drawing = cluster.create_drawing().await;
    let visitors = one_on_each(&cluster, &drawing).await;
    cluster.pause_database();
    let waiting = each_draws(&visitors);
    nobody_is_ready(&cluster).await;
    queries_were_given_up(&cluster).await;
    nothing_is_saved(&visitors);
    cluster.resume_database();
    let back = Instant::now();
    all_is_as_before(&cluster, &drawing, &visitors, waiting, back).await;
}
