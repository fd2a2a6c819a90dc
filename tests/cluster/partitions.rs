//! Peers without a sign of life: a server that hangs, and a half-open connection.
//!
//! A silent peer costs the others neither time nor memory without bound.

use std::time::Duration;

use support::proxy::FaultyProxy;
use support::state::pen;
use support::user::TestUser;
use tokio::time::Instant;
use whiteboard::store::Store;

use crate::cluster::{Cluster, Plan};

/// How soon a server notices that a page is gone, and a page that a server is.
const IMPATIENT: &[&str] = &["--session-timeout", "2s"];
const PING_AFTER: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Extra time for a busy machine, and a client's pause before it reconnects.
const SLACK: Duration = Duration::from_secs(1);
/// Deadline for a server to drop a dead client: shorter than any other timeout of a connection.
const LETS_GO_WITHIN: Duration = Duration::from_secs(10);

/// Asserts that a client gave up its first socket by its own timeout.
fn noticed_in_time(user: &TestUser, since: Instant) {
    let noticed = user.state().lost[0] - since;
    println!("noticed after {noticed:?}");
    assert!(noticed < PING_AFTER + ANSWER_WITHIN + SLACK, "{noticed:?}");
}

/// Waits until all servers report this many sessions in total.
async fn sessions_are(cluster: &Cluster, store: &Store, expected: u32) {
    let since = Instant::now();
    loop {
        let servers = store.servers().await.expect("the database");
        let lately = servers
            .iter()
            .filter(|server| server.silent < since.elapsed());
        let said: Vec<u32> = lately
            .map(|server| server.drawings.iter().map(|(_, sessions)| sessions).sum())
            .collect();
        if said.len() == cluster.running().len() && said.iter().sum::<u32>() == expected {
            return;
        }
        assert!(
            since.elapsed() < LETS_GO_WITHIN,
            "{expected} sessions, not {servers:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_leaves_a_hung_server_which_then_drops_its_session() {
    /// The client's timeout, a pause, and both again until the balancer has noticed too.
    const MOVES_WITHIN: Duration = Duration::from_secs(8);
    let plan = Plan::of(2).flags(IMPATIENT).alone();
    let plan = plan.patience(PING_AFTER, ANSWER_WITHIN);
    let (cluster, drawing, ada, ben) = plan.start_with_two().await;
    ada.draw(pen(1.0));
    ada.all_acknowledged().await;
    let store = cluster.store().await;

    let hung = Instant::now();
    cluster.pause(0);
    let stroke = ada.draw(pen(2.0));
    ada.wait_within(MOVES_WITHIN, "an answer from elsewhere", |state| {
        state.server == Some(1) && state.outbox.is_empty()
    })
    .await;
    println!("moved on after {:?}", hung.elapsed());
    noticed_in_time(&ada, hung);
    ben.sees(stroke).await;

    cluster.resume(0);
    sessions_are(&cluster, &store, 2).await;
    ben.wait("both people, each once", |state| state.people.len() == 2)
        .await;
    // The op took effect before the hang or after it, but not twice.
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 2);
    ada.assert_clean();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ends_of_a_half_open_connection_give_it_up() {
    /// The client's timeout, and a pause.
    const MOVES_WITHIN: Duration = Duration::from_secs(5);
    let plan = Plan::of(2).flags(IMPATIENT).alone();
    let cluster = plan.patience(PING_AFTER, ANSWER_WITHIN).start().await;
    let drawing = cluster.create_drawing().await;
    let link = FaultyProxy::to(cluster.balancer.address).await;
    let ada = cluster
        .visit_through(link.address, 0, "Ada", &drawing)
        .await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    ben.wait("both people", |state| state.people.len() == 2)
        .await;
    let store = cluster.store().await;

    let forgotten = Instant::now();
    link.forget();
    let stroke = ada.draw(pen(1.0));
    ada.wait_within(MOVES_WITHIN, "another socket", |state| {
        state.reconnects() == 1 && state.outbox.is_empty()
    })
    .await;
    noticed_in_time(&ada, forgotten);
    ben.sees(stroke).await;
    // The first session is gone too, without a close frame.
    sessions_are(&cluster, &store, 2).await;

    // A client that cannot connect is gone for the others until it can.
    link.silence();
    ben.wait("Ada being gone", |state| state.people.len() == 1)
        .await;
    let later = ada.draw(pen(2.0));
    ada.wait("a loss", |state| state.lost.len() == 2).await;
    link.heal();
    ben.sees(later).await;
    ben.wait("both people again", |state| state.people.len() == 2)
        .await;
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 2);
    store.close().await;
}
