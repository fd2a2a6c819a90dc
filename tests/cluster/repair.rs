//! Changes that no notification tells of, or tells out of order: all arrive all the same.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};
use whiteboard::model::StrokeId;

use crate::cluster::{Cluster, Plan};
use crate::direct::{Direct, Names, append, write};
use crate::page::pen;
use crate::surrealdb::{Engine, engine};
use crate::visitor::{DEADLINE, Visitor};

/// How often heads are compared here.
const CHECKS: &[&str] = &["--heads-interval", "2s"];
const INTERVAL: Duration = Duration::from_secs(2);
/// What the comparison and the read that follows may take on a busy machine.
const READ: Duration = Duration::from_millis(500);
/// By then a feed notices that it hears nothing, and follows again: a beat of 2 s comes after
/// something is stored, two more until it should have been heard, and each may just have been.
const DEAF: Duration = Duration::from_secs(10);
/// No comparison of heads repairs anything but those that follow a subscription.
const NO_CHECKS: &[&str] = &["--heads-interval", "1h"];
/// The last comparison after a subscription.
const LAST_CHECK: Duration = Duration::from_secs(2);
/// The connection for live queries is the second one that a server makes.
const LIVES: u64 = 1;

async fn sees_within(visitor: &Visitor, within: Duration, stroke: StrokeId) {
    visitor
        .wait_within(within, "a stroke", |seen| seen.is_there(stroke))
        .await;
}

/// Waits until every server follows a table again, each with one live query.
async fn followed_again(direct: &Direct, table: &str, servers: usize, within: Duration) {
    let deadline = Instant::now() + within;
    while direct.lives(table).await.len() < servers {
        assert!(Instant::now() < deadline, "{table} is not followed");
        sleep(Duration::from_millis(20)).await;
    }
}

/// The gaps that a server met, whatever filled them.
async fn gaps(cluster: &Cluster, server: usize) -> f64 {
    let mut gaps = 0.0;
    for by in ["waiting", "reading"] {
        let name = format!("whiteboard_gaps_filled_total{{by=\"{by}\"}}");
        gaps += cluster.metric(server, &name).await;
    }
    gaps
}

/// Moves someone's pointer until someone else sees it move.
async fn pointer_passes(from: &Visitor, to: &Visitor, until: Instant) {
    let before = to.seen().pointers.clone();
    for x in 1.. {
        from.signal(json!({"pointer": {"x": x, "y": 0.5}}));
        sleep(Duration::from_millis(50)).await;
        if to.seen().pointers != before {
            return;
        }
        assert!(Instant::now() < until, "no pointer passes");
    }
}

async fn two(flags: &'static [&'static str], linked: bool) -> (Cluster, String, Visitor, Visitor) {
    let plan = Plan::of(2).flags(flags);
    let plan = if linked { plan.linked() } else { plan };
    let cluster = plan.start().await;
    let drawing = cluster.create_drawing().await;
    let ada = cluster.visit_at(0, "Ada", &drawing).await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    ada.sees(ben.draw(pen(1.0))).await;
    (cluster, drawing, ada, ben)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_queries_that_were_killed_behind_the_feeds_backs_are_opened_again() {
    let (cluster, drawing, ada, ben) = two(CHECKS, false).await;
    let direct = cluster.direct().await;
    let Names {
        strokes, signals, ..
    } = Names::of(&drawing);
    for table in [&strokes, &signals] {
        assert_eq!(direct.kill_lives(table).await, 2);
        let killed = Instant::now();
        let stroke = ben.draw(pen(2.0));
        sees_within(&ada, INTERVAL + READ, stroke).await;
        let left = (killed + DEAF).saturating_duration_since(Instant::now());
        followed_again(&direct, &strokes, 2, left).await;
        followed_again(&direct, &signals, 2, left).await;
        pointer_passes(&ben, &ada, killed + DEAF).await;
    }
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.living(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_notification_that_was_lost_is_made_up_for_within_the_heads_interval() {
    let (cluster, drawing, ada, ben) = two(CHECKS, true).await;
    cluster.link(0).silence_one(LIVES);
    let last = ben.draw(pen(2.0));
    let drawn = Instant::now();
    ben.saved().await;
    assert!(!ada.seen().is_there(last), "nobody told of it");
    let left = (drawn + INTERVAL + READ).saturating_duration_since(Instant::now());
    sees_within(&ada, left, last).await;
    cluster.link(0).heal();
    let direct = cluster.direct().await;
    followed_again(&direct, &Names::of(&drawing).strokes, 2, DEADLINE).await;
    ada.sees(ben.draw(pen(3.0))).await;
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.living(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_began_before_a_feed_followed_and_ended_after_it_read_is_found() {
    for late in [false, true] {
        let cluster = Plan::of(1).flags(CHECKS).start().await;
        let drawing = cluster.create_drawing().await;
        let direct = cluster.direct().await;
        let held = direct.begin().await;
        let stroke = StrokeId::random();
        write(&held, &append(&drawing, 0, &[(1, stroke)])).await;
        let ada = cluster.visit_at(0, "Ada", &drawing).await;
        if late {
            // Also when the comparisons that follow a subscription are over.
            sleep_until(Instant::now() + LAST_CHECK).await;
        }
        assert_eq!(ada.seen().head, 0);
        held.commit().await.expect("nobody wrote the same");
        sees_within(&ada, INTERVAL + READ, stroke).await;
        assert_eq!(cluster.agree(&drawing, &[&ada]).await.head, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_that_no_notification_fills_is_read() {
    let cluster = Plan::of(2).flags(NO_CHECKS).start().await;
    let drawing = cluster.create_drawing().await;
    let direct = cluster.direct().await;
    let held = direct.begin().await;
    let silent = StrokeId::random();
    write(&held, &append(&drawing, 0, &[(1, silent)])).await;
    let ada = cluster.visit_at(0, "Ada", &drawing).await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    sleep_until(Instant::now() + LAST_CHECK).await;
    held.commit().await.expect("nobody wrote the same");
    let next = ben.draw(pen(2.0));
    ada.sees(next).await;
    assert!(ada.seen().is_there(silent), "changes come in order");
    let read = "whiteboard_gaps_filled_total{by=\"reading\"}";
    assert_eq!(cluster.metric(0, read).await, 1.0);
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_out_of_order_are_put_in_order() {
    let (cluster, drawing, ada, ben) = two(NO_CHECKS, false).await;
    let direct = cluster.direct().await;
    let strokes: Vec<StrokeId> = (0..4).map(|_| StrokeId::random()).collect();
    let rows: Vec<(u64, StrokeId)> = (2..).zip(strokes.iter().copied()).collect();
    let backwards: Vec<(u64, StrokeId)> = rows.into_iter().rev().collect();
    let transaction = direct.begin().await;
    write(&transaction, &append(&drawing, 1, &backwards)).await;
    transaction.commit().await.expect("nobody wrote the same");
    for visitor in [&ada, &ben] {
        for stroke in &strokes {
            visitor.sees(*stroke).await;
        }
    }
    for server in 0..2 {
        let deadline = Instant::now() + DEADLINE;
        while gaps(&cluster, server).await == 0.0 {
            assert!(Instant::now() < deadline, "{server} heard them in order");
            sleep(Duration::from_millis(20)).await;
        }
    }
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_notifications_arrives_whole() {
    // More than a follow holds, and with the router engine more than SurrealDB queues for a connection,
    // which it then closes.
    const BURST: u64 = 3000;
    let checks = match engine() {
        Engine::Inline => NO_CHECKS,
        // It was seen to tell of nothing at all, and to close nothing either: then only heads tell.
        Engine::Router => CHECKS,
    };
    let (cluster, drawing, ada, ben) = two(checks, false).await;
    let rows: Vec<(u64, StrokeId)> = (2..)
        .map(|seq| (seq, StrokeId::random()))
        .take(BURST as usize)
        .collect();
    let statements = append(&drawing, 1, &rows).join(";");
    let transaction = cluster.direct().await.begin().await;
    write(&transaction, &[statements]).await;
    transaction.commit().await.expect("nobody wrote the same");
    for visitor in [&ada, &ben] {
        visitor
            .wait("all of it", |seen| seen.head == BURST + 1)
            .await;
    }
    // What comes after it is heard as before.
    ada.sees(ben.draw(pen(2.0))).await;
    ben.sees(ada.draw(pen(3.0))).await;
    let copy = cluster.agree(&drawing, &[&ada, &ben]).await;
    assert_eq!((copy.living() as u64, copy.head), (BURST + 3, BURST + 3));
    assert_eq!((ada.seen().reconnects(), ben.seen().reconnects()), (0, 0));
}
