//! Tests of the harness itself, on which all other cluster tests depend.

use std::time::Duration;

use serde_json::json;
use support::database::{Engine, engine};
use support::state::pen;
use tokio::time::Instant;

use crate::cluster::Plan;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_on_different_servers_draw_together() {
    let (mut cluster, drawing, ada, ben) = Plan::of(2).start_with_two().await;
    let first = ada.draw(pen(1.0));
    ben.sees(first).await;
    ben.edit(first, json!({"x": 7}));
    let second = ben.draw(pen(2.0));
    ada.sees(second).await;
    ben.wait("both people", |state| state.people.len() == 2)
        .await;
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.living(), 2);

    // Another server starts, and clients that lose theirs reconnect elsewhere.
    let added = cluster.add().await;
    let cleo = cluster.visit_at(added, "Cleo", &drawing).await;
    let dora = cluster.visit("Dora", &drawing).await;
    cleo.wait("all people", |state| state.people.len() == 4)
        .await;
    cleo.signal(json!({"pointer": {"x": 1, "y": 2}}));
    ada.wait("a pointer", |state| !state.pointers.is_empty())
        .await;
    dora.leave().await;
    cleo.wait("three people", |state| state.people.len() == 3)
        .await;
    cluster.kill(0);
    let third = ada.draw(pen(3.0));
    cleo.sees(third).await;
    assert_eq!(ada.state().reconnects(), 1);
    assert_ne!(ada.state().server, Some(0));
    cluster.restart(0).await;
    cluster.term(1);
    ben.wait("another server", |state| state.reconnects() == 1)
        .await;
    assert_eq!(cluster.ended(1, Duration::from_secs(20)).await, Some(0));
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben, &cleo]).await.head, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ops_sent_while_the_database_is_away_are_stored_when_it_returns() {
    let (mut cluster, drawing, ada, ben) = Plan::of(2).linked().start_with_two().await;
    ada.draw(pen(1.0));
    ada.all_acknowledged().await;

    cluster.kill_database();
    let away = ada.draw(pen(2.0));
    cluster.is_down(0).await;
    assert_eq!(ada.state().outbox.len(), 1);
    cluster.restart_database();
    ben.sees(away).await;

    cluster.link(0).cut();
    let behind = ada.draw(pen(3.0));
    let base = ben.draw(pen(4.0));
    ben.all_acknowledged().await;
    assert!(!ada.state().is_there(base), "the link is cut");
    cluster.link(0).heal();
    ben.sees(behind).await;
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_come_as_those_of_the_engine_that_was_asked_for() {
    const STROKES: usize = 20;
    /// The router polls every 100 ms: a stroke just after that waits nearly as long.
    const ROUTED: Duration = Duration::from_millis(50);
    let (cluster, _, ada, ben) = Plan::of(2).start_with_two().await;
    let mut times = Vec::new();
    for _ in 0..STROKES {
        let drawn = Instant::now();
        ben.sees(ada.draw(pen(1.0))).await;
        times.push(drawn.elapsed());
    }
    times.sort();
    println!("{:?}: {times:?}", engine());
    match engine() {
        Engine::Inline => assert!(times[0] < ROUTED, "{times:?}"),
        Engine::Router => assert!(times[STROKES / 2] > ROUTED, "{times:?}"),
    }
    drop(cluster);
}
