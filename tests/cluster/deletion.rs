//! A drawing that is deleted, restored or renamed through one server while others have it open.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use support::state::pen;
use support::user::TestUser;
use tokio::time::{Instant, sleep};
use whiteboard::store::Removals;

use crate::cluster::{Cluster, NO_CHECKS, Plan};
use crate::raw_db::Names;

/// Deadline until all clients on all servers know, on a busy machine.
const SOON: Duration = Duration::from_secs(5);

async fn delete(cluster: &Cluster, server: usize, drawing: &str) -> Instant {
    let path = format!("/api/drawings/{drawing}");
    cluster
        .ask(server, Method::DELETE, &path, Value::Null)
        .await;
    Instant::now()
}

/// Waits until a user's socket is closed for good, because the drawing does not exist.
async fn is_sent_away(user: &TestUser, until: Instant) {
    let left = until.saturating_duration_since(Instant::now());
    user.wait_within(left, "the end", |state| state.ended.is_some())
        .await;
    assert_eq!(user.state().ended.as_ref().map(|end| end.code), Some(4404));
}

/// The tables that a drawing has.
async fn tables(cluster: &Cluster, drawing: &str) -> Vec<String> {
    let rows = cluster.raw_db().await.rows().await;
    rows.into_keys()
        .filter(|table| table.contains(drawing))
        .collect()
}

/// Removes deleted drawings, as if they had been deleted long ago.
async fn remove(cluster: &Cluster) -> usize {
    let store = cluster.store().await;
    let mut removals = Removals::default();
    let removed = store.remove_deleted(&mut removals, Duration::ZERO).await;
    store.close().await;
    removed.expect("the database")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drawing_deleted_while_all_draw_is_closed_everywhere_and_stays_away() {
    let cluster = Plan::of(3).start().await;
    let drawing = cluster.create_drawing().await;
    let mut users = Vec::new();
    for server in 0..3 {
        users.push(
            cluster
                .visit_at(server, &format!("Ada {server}"), &drawing)
                .await,
        );
    }
    let drawing_on = async {
        loop {
            for user in &users {
                user.draw(pen(1.0));
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let deletion = async {
        for user in &users {
            user.wait("some strokes", |state| state.head > 20).await;
        }
        let deleted = delete(&cluster, 0, &drawing).await;
        for user in &users {
            is_sent_away(user, deleted + SOON).await;
        }
    };
    tokio::select! {
        () = drawing_on => {}
        () = deletion => {}
    }
    let attempts: Vec<usize> = users.iter().map(|each| each.state().attempts).collect();
    assert_eq!(remove(&cluster).await, 1);
    assert_eq!(tables(&cluster, &drawing).await, Vec::<String>::new());
    for server in 0..3 {
        let path = format!("/api/drawings/{drawing}/strokes");
        assert_eq!(cluster.status(server, &path).await, Some(404));
        let late = cluster.visit_from(cluster.address(server), "Late", &drawing, None);
        is_sent_away(&late, Instant::now() + SOON).await;
    }
    let now: Vec<usize> = users.iter().map(|each| each.state().attempts).collect();
    assert_eq!(now, attempts, "nobody comes back");
    assert_eq!(tables(&cluster, &drawing).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_slept_through_a_deletion_brings_no_table_back() {
    let (cluster, drawing, ada, ben) = Plan::of(2).start_with_two().await;
    ada.sees(ben.draw(pen(1.0))).await;
    cluster.pause(1);
    // It is in the server's socket buffer when that wakes up.
    ben.draw(pen(2.0));
    let deleted = delete(&cluster, 0, &drawing).await;
    is_sent_away(&ada, deleted + SOON).await;
    assert_eq!(remove(&cluster).await, 1);
    cluster.resume(1);
    is_sent_away(&ben, Instant::now() + SOON).await;
    assert_eq!(tables(&cluster, &drawing).await, Vec::<String>::new());
    let raw_db = cluster.raw_db().await;
    let late = format!("CREATE {}:9 SET z = 1", Names::of(&drawing).strokes);
    let error = raw_db.tried(&late).await.expect_err("there is no table");
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_title_reaches_users_of_other_servers_at_once() {
    let cluster = Plan::of(2).flags(NO_CHECKS).start().await;
    let drawing = cluster.create_drawing().await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    cluster.checks_after_following_are_over(&drawing).await;
    let path = format!("/api/drawings/{drawing}");
    let renamed = json!({"title": "A better plan"});
    cluster.ask(0, Method::PATCH, &path, renamed).await;
    ben.wait_within(SOON, "the title", |state| state.title == "A better plan")
        .await;
}
