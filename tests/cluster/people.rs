//! Signals and presence across servers.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use support::state::{ClientState, pen};
use support::user::TestUser;
use support::wait::DEADLINE;
use tokio::time::{Instant, sleep};
use whiteboard::domain::ids::{StrokeId, WriterId};
use whiteboard::feed::presence::MAX_LISTED;

use crate::cluster::{Cluster, Plan};

/// Deadline of a presence change on every server.
const SOON: Duration = Duration::from_secs(1);
/// Extra time for the list of drawings: a server sends its counts at once, but with a pause
/// between.
const BEAT_PAUSE: Duration = Duration::from_millis(500);
/// Deadline until the people of a killed server are gone.
const FORGOTTEN: Duration = Duration::from_secs(10);
/// Polling interval.
const LOOK: Duration = Duration::from_millis(20);

fn names(state: &ClientState) -> Vec<&str> {
    let mut names: Vec<&str> = state
        .people
        .iter()
        .map(|person| person.name.as_str())
        .collect();
    names.sort_unstable();
    names
}

/// The displayed pointer of a user: a client shows none of unlisted people.
fn pointer(state: &ClientState, writer: WriterId) -> Option<(f64, f64)> {
    let here = state.people.iter().any(|person| person.writer == writer);
    state.pointers.get(&writer).copied().filter(|_| here)
}

/// One user moves the pointer until another receives it, and so has received everything that was in
/// flight before.
async fn shows(points: &TestUser, viewer: &TestUser) {
    let (writer, until) = (points.writer(), Instant::now() + DEADLINE);
    // A position that no one has received before.
    let first = fastrand::u16(..);
    for step in 0.. {
        let at = (f64::from(first) + f64::from(step) / 1_000.0, -1.0);
        points.signal(json!({"pointer": {"x": at.0, "y": at.1}}));
        sleep(LOOK).await;
        if pointer(&viewer.state(), writer).is_some_and(|(x, y)| x >= f64::from(first) && y == -1.0)
        {
            return;
        }
        let (points, viewer) = (&points.name, &viewer.name);
        assert!(
            Instant::now() < until,
            "{viewer} is not shown what {points} does"
        );
    }
}

/// Number of people of a drawing in a server's list.
async fn listed(cluster: &Cluster, server: usize, drawing: &str) -> u64 {
    let list = cluster.get(cluster.address(server), "/api/drawings").await;
    let list = list.expect("a list");
    let all = list["drawings"].as_array().expect("drawings");
    let one = all.iter().find(|one| one["id"] == drawing);
    one.expect("it is listed")["people"]
        .as_u64()
        .expect("a number")
}

/// The users whose pointers a client received, whether listed or not.
fn pointing(state: &ClientState) -> Vec<WriterId> {
    state.pointers.keys().copied().collect()
}

/// Waits until all clients have the same people.
async fn all_see(all: &[&TestUser], who: &[&str], until: Instant) {
    for user in all {
        let left = until.saturating_duration_since(Instant::now());
        let what = format!("{who:?}");
        user.wait_within(left, &what, |state| names(state) == who)
            .await;
    }
}

/// Waits until the lists of all servers count this many people.
async fn all_list(cluster: &Cluster, drawing: &str, people: usize, until: Instant) {
    let lists = cluster.running().into_iter().map(|server| async move {
        loop {
            let listed = listed(cluster, server, drawing).await;
            if listed == people as u64 {
                break;
            }
            assert!(
                Instant::now() < until,
                "server {server} lists {listed}, not {people}"
            );
            sleep(LOOK).await;
        }
    });
    join_all(lists).await;
}

/// After a join, a leave or a change at this moment, waits until all clients know.
async fn all_know(
    cluster: &Cluster,
    drawing: &str,
    all: &[&TestUser],
    who: &[&str],
    since: Instant,
) {
    all_see(all, who, since + SOON).await;
    all_list(cluster, drawing, who.len(), since + SOON + BEAT_PAUSE).await;
}

/// Waits until a user gets the nth welcome, and returns its time.
async fn welcome(user: &TestUser, nth: usize) -> Instant {
    user.wait("a welcome", |state| state.welcomed.len() >= nth)
        .await;
    user.state().welcomed[nth - 1]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pointers_and_ink_cross_servers_and_leave_no_row_behind() {
    let (cluster, drawing, ada, ben) = Plan::of(2).alone().start_with_two().await;
    all_see(&[&ada, &ben], &["Ada", "Ben"], Instant::now() + DEADLINE).await;
    let raw_db = cluster.raw_db().await;
    let before = raw_db.rows().await;
    let (stroke, writer) = (StrokeId::random(), ada.state().writer.expect("welcome"));
    for step in 1..=100 {
        ada.signal(json!({
            "pointer": {"x": step, "y": 2},
            "ink": {"stroke": stroke, "n": 1, "offset": step, "x": step, "y": 2, "points": "AAEAAA==",
                "kind": "pen", "colour": "#1d1d1f", "width": 4},
        }));
        sleep(Duration::from_millis(5)).await;
    }
    ben.wait("the last pointer", |state| {
        pointer(state, writer) == Some((100.0, 2.0))
    })
    .await;
    ben.wait("ink", |state| {
        state.ink.iter().any(|ink| ink["stroke"] == json!(stroke))
    })
    .await;
    assert_eq!(raw_db.rows().await, before);
    assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.head, 0);

    // A user who leaves takes the pointer along.
    ada.leave().await;
    let gone = Instant::now();
    all_know(&cluster, &drawing, &[&ben], &["Ben"], gone).await;
    // A new user, on either server, gets neither pointer nor ink.
    for server in 0..2 {
        let cleo = cluster.visit_at(server, "Cleo", &drawing).await;
        let now = welcome(&cleo, 1).await;
        all_see(&[&cleo], &["Ben", "Cleo"], now + SOON).await;
        shows(&ben, &cleo).await;
        assert_eq!(pointing(&cleo.state()), [ben.writer()]);
        assert!(cleo.state().ink.is_empty());
        cleo.leave().await;
    }
    assert_eq!(raw_db.rows().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presence_reaches_clients_of_every_server_within_a_second() {
    let cluster = Plan::of(3).alone().start().await;
    let drawing = cluster.create_drawing().await;
    let ada = cluster.visit_at(0, "Ada", &drawing).await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    let now = welcome(&ben, 1).await;
    all_know(&cluster, &drawing, &[&ada, &ben], &["Ada", "Ben"], now).await;

    // A user joins at a server that did not have the drawing open.
    let cleo = cluster.visit_at(2, "Cleo", &drawing).await;
    let now = welcome(&cleo, 1).await;
    let all = [&ada, &ben, &cleo];
    all_know(&cluster, &drawing, &all, &["Ada", "Ben", "Cleo"], now).await;

    // A user changes their name.
    cleo.rename("Zoe");
    let now = welcome(&cleo, 2).await;
    all_know(&cluster, &drawing, &all, &["Ada", "Ben", "Zoe"], now).await;

    // A user moves to another server, with another name: the same one would prove nothing.
    let mut moves = 0;
    while ada.state().server == Some(0) {
        moves += 1;
        ada.rename(&format!("Ada {moves}"));
        welcome(&ada, 1 + moves).await;
    }
    let (now, name) = (welcome(&ada, 1 + moves).await, format!("Ada {moves}"));
    let people = [&*name, "Ben", "Zoe"];
    all_know(&cluster, &drawing, &all, &people, now).await;
    // When her old server drops her session, she stays listed.
    let left = all.iter().filter(|one| one.state().server == Some(0));
    let left = left.count() as f64;
    let until = Instant::now() + DEADLINE;
    while cluster.metric(0, "whiteboard_sessions_open ").await != left {
        assert!(Instant::now() < until, "her old server keeps her");
        sleep(LOOK).await;
    }
    for viewer in [&ben, &cleo] {
        shows(&ada, viewer).await;
    }
    all_list(&cluster, &drawing, 3, Instant::now() + SOON + BEAT_PAUSE).await;
    for user in all {
        assert_eq!(names(&user.state()), people, "{}", user.name);
    }

    // A user leaves.
    ben.leave().await;
    let now = Instant::now();
    all_know(&cluster, &drawing, &[&ada, &cleo], &[&name, "Zoe"], now).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_people_of_a_killed_server_are_gone_within_ten_seconds() {
    let mut cluster = Plan::of(2).alone().start().await;
    let drawing = cluster.create_drawing().await;
    // Ada knows no other server, and cannot reconnect.
    let ada = cluster.visit_from(cluster.address(0), "Ada", &drawing, None);
    let now = welcome(&ada, 1).await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    let both = [&ada, &ben];
    all_see(&both, &["Ada", "Ben"], now + DEADLINE).await;
    let writer = ada.state().writer.expect("welcome");
    ada.signal(json!({"pointer": {"x": 1, "y": 2}}));
    ben.wait("a pointer", |state| pointer(state, writer).is_some())
        .await;
    all_list(&cluster, &drawing, 2, now + DEADLINE).await;
    cluster.kill(0);
    let killed = Instant::now();
    all_see(&[&ben], &["Ben"], killed + FORGOTTEN).await;
    all_list(&cluster, &drawing, 1, killed + FORGOTTEN).await;
    // A new user never learns of her.
    let cleo = cluster.visit_at(1, "Cleo", &drawing).await;
    let now = welcome(&cleo, 1).await;
    all_see(&[&ben, &cleo], &["Ben", "Cleo"], now + SOON).await;
    shows(&ben, &cleo).await;
    assert_eq!(pointing(&cleo.state()), [ben.writer()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_who_returns_through_another_server_is_listed_once() {
    let (mut cluster, drawing, ada, ben) = Plan::of(2).alone().start_with_two().await;
    let both = [&ada, &ben];
    let people = ["Ada", "Ben"];
    all_see(&both, &people, Instant::now() + DEADLINE).await;
    cluster.kill(0);
    let killed = Instant::now();
    let back = welcome(&ada, 2).await;
    for user in both {
        let left = (back + SOON).saturating_duration_since(Instant::now());
        user.wait_within(left, "both", |state| names(state) == people)
            .await;
    }
    ada.draw(pen(1.0));
    // No one is listed twice or disappears, while the killed server expires.
    while Instant::now() < killed + FORGOTTEN {
        for user in both {
            assert_eq!(names(&user.state()), people, "{}", user.name);
        }
        sleep(LOOK).await;
    }
    assert_eq!(listed(&cluster, 1, &drawing).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_on_two_servers_is_counted_and_its_active_people_listed() {
    const EACH: usize = 40;
    let mut cluster = Plan::of(2).alone().start().await;
    let drawing = cluster.create_drawing().await;
    let mut crowds = [Vec::new(), Vec::new()];
    for number in 0..EACH {
        for (server, crowd) in crowds.iter_mut().enumerate() {
            // None of them knows another server, or reconnects.
            let (address, name) = (cluster.address(server), format!("{number} at {server}"));
            crowd.push(cluster.visit_from(address, &name, &drawing, None));
        }
    }
    let [here, there] = &crowds;
    for user in here.iter().chain(there) {
        user.wait("the number of all", |state| state.people_count == 2 * EACH)
            .await;
        assert_eq!(user.state().people.len(), MAX_LISTED);
    }
    // A user there who is not listed here.
    let viewer = &here[0];
    let unlisted = |user: &&TestUser| {
        let writer = user.writer();
        viewer
            .state()
            .people
            .iter()
            .all(|person| person.writer != writer)
    };
    let acts = there
        .iter()
        .find(unlisted)
        .expect("more are there than are listed");
    let writer = acts.writer();
    let until = Instant::now() + DEADLINE;
    for x in 0.. {
        acts.signal(json!({"pointer": {"x": x, "y": 2}}));
        sleep(LOOK).await;
        if pointer(&viewer.state(), writer).is_some() {
            break;
        }
        assert!(Instant::now() < until, "{} is not known by name", acts.name);
    }
    cluster.kill(1);
    let killed = Instant::now();
    for user in here {
        let left = (killed + FORGOTTEN).saturating_duration_since(Instant::now());
        user.wait_within(left, "those who are left", |state| {
            state.people_count == EACH
        })
        .await;
        assert!(
            names(&user.state())
                .iter()
                .all(|name| name.ends_with(" at 0"))
        );
    }
}
