//! A database restored from an older backup: positions of the two histories are never confused.

use std::collections::BTreeSet;

use support::proxy::FaultyProxy;
use support::state::pen;
use support::user::TestUser;
use whiteboard::domain::ids::Epoch;

use crate::cluster::{Cluster, Plan};

/// Draws this many strokes, and waits until they are acknowledged.
async fn draws(user: &TestUser, strokes: usize) {
    for x in 0..strokes {
        user.draw(pen(x as f64));
    }
    user.all_acknowledged().await;
}

async fn epoch(cluster: &Cluster, drawing: &str) -> Epoch {
    let store = cluster.store().await;
    let epoch = store
        .get(drawing.parse().expect("an id"))
        .await
        .expect("it")
        .epoch;
    store.close().await;
    epoch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_under_running_servers_is_noticed_and_everyone_starts_over() {
    let mut cluster = Plan::of(2).start().await;
    let drawing = cluster.create_drawing().await;
    let road = FaultyProxy::to(cluster.balancer.address).await;
    let ada = cluster.visit_at(0, "Ada", &drawing).await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    let cleo = cluster.visit_from(road.address, "Cleo", &drawing, None);
    draws(&ben, 9).await;
    cluster.kill_database();
    let backup = cluster.back_up();
    cluster.restart_database();
    draws(&ada, 3).await;
    let all = [&ada, &ben, &cleo];
    for user in all {
        user.wait("all", |state| state.head == 12).await;
    }
    // One user is disconnected during the restore.
    road.cut();
    let before = epoch(&cluster, &drawing).await;
    cluster.kill_database();
    cluster.restore(&backup);
    let waiting = [ada.draw(pen(50.0)), ben.draw(pen(51.0))];
    cluster.restart_database();
    for stroke in waiting {
        ada.sees(stroke).await;
    }
    draws(&ben, 5).await;
    assert_ne!(epoch(&cluster, &drawing).await, before);
    road.heal();
    let copy = cluster.agree(&drawing, &all).await;
    assert_eq!((copy.living(), copy.head), (9 + 2 + 5, 16));
    for user in all {
        assert_eq!(user.state().resets.len(), 1, "{}", user.name);
    }
    let live_queries: BTreeSet<_> = all.iter().map(|each| each.state().epoch).collect();
    assert_eq!(live_queries.len(), 1);
}
