//! Live queries that SurrealDB ends, or that deliver nothing: all changes arrive nevertheless.

use std::time::Duration;

use serde_json::json;
use support::database::{Engine, engine};
use support::state::pen;
use support::user::TestUser;
use support::wait::{DEADLINE, eventually_within};
use tokio::time::{Instant, sleep};
use whiteboard::domain::ids::StrokeId;

use crate::cluster::{CHECKS, INTERVAL, Plan, READ};
use crate::raw_db::{Names, RawDb, append, write};

/// Deadline for a feed to notice a stalled live query and resubscribe: up to one heartbeat of 2 s
/// after a write, two more until it counts as stalled, each of which may just have passed. Half as
/// much again for a busy machine.
const DEAF: Duration = Duration::from_secs(15);
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
    eventually_within(within, &format!("{table} is followed"), async || {
        raw_db.live_queries(table).await.len() >= servers
    })
    .await;
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
        let differs = cluster.metric(0, DIFFERED).await > differed;
        assert!(differs || table == &signals, "what else brought it?");
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
    // Later notifications arrive as before.
    ada.sees(ben.draw(pen(2.0))).await;
    ben.sees(ada.draw(pen(3.0))).await;
    let copy = cluster.agree(&drawing, &[&ada, &ben]).await;
    assert_eq!((copy.living() as u64, copy.head), (BURST + 3, BURST + 3));
    assert_eq!((ada.state().reconnects(), ben.state().reconnects()), (0, 0));
}
