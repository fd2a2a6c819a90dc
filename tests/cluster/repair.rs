//! Changes without a notification, or with notifications out of order: all arrive nevertheless.

use std::time::Duration;

use serde_json::json;
use support::database::{Engine, engine};
use support::state::pen;
use support::user::TestUser;
use support::wait::DEADLINE;
use tokio::time::{Instant, sleep};
use whiteboard::domain::ids::StrokeId;

use crate::cluster::{CHECKS, Cluster, INTERVAL, NO_CHECKS, Plan, READ};
use crate::raw_db::{Names, RawDb, append, write};

/// Deadline for a feed to notice a stalled live query and resubscribe: up to one heartbeat of 2 s
/// after a write, two more until it counts as stalled, each of which may just have passed. Half as
/// much again for a busy machine.
const DEAF: Duration = Duration::from_secs(15);
/// Polling interval.
const LOOK: Duration = Duration::from_millis(20);
/// Head checks that found changes without a notification.
const DIFFERED: &str = "whiteboard_head_mismatches_total";
/// Number of subscriptions begun.
const FOLLOWS: &str = "whiteboard_subscriptions_total";

async fn sees_within(user: &TestUser, within: Duration, stroke: StrokeId) {
    user.wait_within(within, "a stroke", |state| state.is_there(stroke))
        .await;
}

/// Waits until every server is subscribed to a table again, with at least one live query each: an
/// old one may take a while to go.
async fn followed_again(raw_db: &RawDb, table: &str, servers: usize, within: Duration) {
    let deadline = Instant::now() + within;
    while raw_db.live_queries(table).await.len() < servers {
        assert!(Instant::now() < deadline, "{table} is not followed");
        sleep(LOOK).await;
    }
}

/// The gaps that a server met, however they were filled.
async fn gaps(cluster: &Cluster, server: usize) -> f64 {
    let mut gaps = 0.0;
    for author in ["waiting", "reading"] {
        let name = format!("whiteboard_gaps_filled_total{{by=\"{author}\"}}");
        gaps += cluster.metric(server, &name).await;
    }
    gaps
}

/// Moves one user's pointer until another user receives it.
async fn pointer_passes(from: &TestUser, to: &TestUser, until: Instant) {
    let before = to.state().pointers.clone();
    for x in 1.. {
        from.signal(json!({"pointer": {"x": x, "y": 0.5}}));
        sleep(Duration::from_millis(50)).await;
        if to.state().pointers != before {
            return;
        }
        assert!(Instant::now() < until, "no pointer passes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_queries_that_were_killed_behind_the_feeds_backs_are_opened_again() {
    let plan = Plan::of(2).flags(CHECKS);
    let (cluster, drawing, ada, ben) = plan.start_with_two().await;
    ada.sees(ben.draw(pen(1.0))).await;
    let raw_db = cluster.raw_db().await;
    let Names {
        strokes, signals, ..
    } = Names::of(&drawing);
    cluster.checks_after_following_are_over(&drawing).await;
    for table in [&strokes, &signals] {
        let differed = cluster.metric(0, DIFFERED).await;
        assert!(raw_db.kill_live_queries(table).await >= 2);
        let killed = Instant::now();
        let stroke = ben.draw(pen(2.0));
        sees_within(&ada, INTERVAL + READ, stroke).await;
        // Without a subscription, only a head check finds strokes.
        let told = cluster.metric(0, DIFFERED).await > differed;
        assert!(told || table == &signals, "what else told of it?");
        let left = (killed + DEAF).saturating_duration_since(Instant::now());
        followed_again(&raw_db, &strokes, 2, left).await;
        followed_again(&raw_db, &signals, 2, left).await;
        pointer_passes(&ben, &ada, killed + DEAF).await;
    }
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.living(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_notification_that_was_lost_is_made_up_for_within_the_head_check_interval() {
    let plan = Plan::of(2).flags(CHECKS).linked();
    let (cluster, drawing, ada, ben) = plan.start_with_two().await;
    ada.sees(ben.draw(pen(1.0))).await;
    cluster.checks_after_following_are_over(&drawing).await;
    let differed = cluster.metric(0, DIFFERED).await;
    let follows = cluster.metric(0, FOLLOWS).await;
    cluster.deafen(0);
    let last = ben.draw(pen(2.0));
    let drawn = Instant::now();
    sees_within(&ada, INTERVAL + READ, last).await;
    println!("made up for after {:?}", drawn.elapsed());
    // A head check found it, and no live query: resubscribing takes longer.
    assert!(cluster.metric(0, DIFFERED).await > differed);
    assert_eq!(cluster.metric(0, FOLLOWS).await, follows);
    cluster.link(0).heal();
    let raw_db = cluster.raw_db().await;
    followed_again(&raw_db, &Names::of(&drawing).strokes, 2, DEADLINE).await;
    ada.sees(ben.draw(pen(3.0))).await;
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.living(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_began_before_a_feed_followed_and_ended_after_it_read_is_found() {
    for late in [false, true] {
        let cluster = Plan::of(1).flags(CHECKS).start().await;
        let drawing = cluster.create_drawing().await;
        let raw_db = cluster.raw_db().await;
        let held = raw_db.begin().await;
        let stroke = StrokeId::random();
        write(&held, &append(&drawing, 0, &[(1, stroke)])).await;
        let ada = cluster.visit_at(0, "Ada", &drawing).await;
        if late {
            // Then only those of the head-check interval can find it.
            cluster.checks_after_following_are_over(&drawing).await;
        }
        assert_eq!(ada.state().head, 0);
        held.commit().await.expect("nobody wrote the same");
        sees_within(&ada, INTERVAL + READ, stroke).await;
        assert_eq!(cluster.agree(&drawing, &[&ada]).await.head, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_that_no_notification_fills_is_read() {
    let cluster = Plan::of(2).flags(NO_CHECKS).start().await;
    let drawing = cluster.create_drawing().await;
    let raw_db = cluster.raw_db().await;
    let held = raw_db.begin().await;
    let silent = StrokeId::random();
    write(&held, &append(&drawing, 0, &[(1, silent)])).await;
    let ada = cluster.visit_at(0, "Ada", &drawing).await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    cluster.checks_after_following_are_over(&drawing).await;
    held.commit().await.expect("nobody wrote the same");
    let next = ben.draw(pen(2.0));
    ada.sees(next).await;
    assert!(ada.state().is_there(silent), "changes come in order");
    let read = "whiteboard_gaps_filled_total{by=\"reading\"}";
    let deadline = Instant::now() + DEADLINE;
    while cluster.metric(0, read).await < 1.0 {
        assert!(Instant::now() < deadline, "something else told of it");
        sleep(LOOK).await;
    }
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_out_of_order_are_put_in_order() {
    const STROKES: u64 = 4;
    let (cluster, drawing, ada, ben) = Plan::of(2).flags(NO_CHECKS).start_with_two().await;
    let raw_db = cluster.raw_db().await;
    let deadline = Instant::now() + DEADLINE;
    let mut head = 0;
    // A head check after a subscription may find a transaction before its notification.
    while gaps(&cluster, 0).await == 0.0 || gaps(&cluster, 1).await == 0.0 {
        assert!(Instant::now() < deadline, "they were heard in order");
        let rows = (head + 1..=head + STROKES).map(|seq| (seq, StrokeId::random()));
        let rows: Vec<(u64, StrokeId)> = rows.collect();
        let backwards: Vec<(u64, StrokeId)> = rows.iter().copied().rev().collect();
        let transaction = raw_db.begin().await;
        write(&transaction, &append(&drawing, head, &backwards)).await;
        transaction.commit().await.expect("nobody wrote the same");
        head += STROKES;
        for user in [&ada, &ben] {
            for (_, stroke) in &rows {
                user.sees(*stroke).await;
            }
        }
    }
    println!("{} transactions", head / STROKES);
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_notifications_arrives_whole() {
    // More than a subscription buffers, and with the router engine more than SurrealDB queues for a
    // connection, which it then closes.
    const BURST: u64 = 3000;
    let flags: &[&str] = match engine() {
        Engine::Inline => &["--head-check-interval", "1h"],
        // It may send nothing at all and close nothing either: then only the comparison of heads helps.
        Engine::Router => &["--head-check-interval", "2s"],
    };
    let (cluster, drawing, ada, ben) = Plan::of(2).flags(flags).start_with_two().await;
    ada.sees(ben.draw(pen(1.0))).await;
    let rows: Vec<(u64, StrokeId)> = (2..)
        .map(|seq| (seq, StrokeId::random()))
        .take(BURST as usize)
        .collect();
    let statements = append(&drawing, 1, &rows).join(";");
    let transaction = cluster.raw_db().await.begin().await;
    write(&transaction, &[statements]).await;
    transaction.commit().await.expect("nobody wrote the same");
    for user in [&ada, &ben] {
        user.wait("all of it", |state| state.head == BURST + 1)
            .await;
    }
    // What comes after it is heard as before.
    ada.sees(ben.draw(pen(2.0))).await;
    ben.sees(ada.draw(pen(3.0))).await;
    let copy = cluster.agree(&drawing, &[&ada, &ben]).await;
    assert_eq!((copy.living() as u64, copy.head), (BURST + 3, BURST + 3));
    assert_eq!((ada.state().reconnects(), ben.state().reconnects()), (0, 0));
}
