//! What may happen to servers: they are killed, restarted, hang, or race each other.
//!
//! Nothing that was acknowledged is ever lost, nothing happens twice, and nobody waits for long.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;
use whiteboard::model::StrokeId;

use crate::agreement::Copy;
use crate::cluster::Plan;
use crate::link::Link;
use crate::page::{Closed, pen};
use crate::visitor::Visitor;

/// A page draws again so soon after its server was killed, in 95 of 100 cases.
const DRAWS_AGAIN_WITHIN: Duration = Duration::from_secs(2);

/// Every stroke that was drawn is there, and nothing else.
fn holds_exactly(copy: &Copy, drawn: &[Vec<StrokeId>]) {
    for stroke in drawn.iter().flatten() {
        let held = copy.strokes.get(stroke);
        assert!(held.is_some_and(|held| !held.gone), "{stroke} is lost");
    }
    let drawn: usize = drawn.iter().map(Vec::len).sum();
    assert_eq!(copy.strokes.len(), drawn);
    assert_eq!(copy.head, drawn as u64, "an op happened twice");
}

fn nothing_was_refused(visitors: &[Visitor]) {
    for visitor in visitors {
        let seen = visitor.seen();
        assert!(
            seen.refusals.is_empty(),
            "{}: {:?}",
            visitor.name,
            seen.refusals
        );
        assert!(
            seen.resets.is_empty(),
            "{}: {:?}",
            visitor.name,
            seen.resets
        );
        assert_eq!(seen.ended, None, "{}", visitor.name);
    }
}

/// The first answer to an op after this moment that came through a later socket.
fn draws_again(visitor: &Visitor, since: Instant) -> Option<Duration> {
    let seen = visitor.seen();
    let welcome = seen.welcomed.iter().find(|at| **at > since)?;
    let answer = seen.answered.iter().find(|at| *at > welcome)?;
    Some(*answer - since)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_server_loses_no_stroke() {
    const KILLS: usize = 5;
    const VISITORS: usize = 5;
    let mut cluster = Plan::of(2).start().await;
    let drawing = cluster.create_drawing().await;
    let mut visitors = Vec::new();
    for number in 0..VISITORS {
        visitors.push(
            cluster
                .visit_at(0, &format!("Ada {number}"), &drawing)
                .await,
        );
    }
    let pens: Vec<_> = visitors
        .iter()
        .map(|visitor| visitor.draws_steadily(Duration::from_millis(40)))
        .collect();
    let mut times = Vec::new();
    for kill in 0..KILLS {
        let server = kill % 2;
        for visitor in &visitors {
            let here = visitor.seen().answered.len();
            visitor
                .wait("answers", |seen| seen.answered.len() > here)
                .await;
            assert_eq!(visitor.seen().server, Some(server));
        }
        // So that everyone has something in flight when it is killed.
        cluster.pause_database();
        for visitor in &visitors {
            visitor
                .wait("an op in flight", |seen| {
                    let first = seen.outbox.front();
                    first.is_some_and(|(n, _)| seen.sent.contains_key(n))
                })
                .await;
        }
        let killed = Instant::now();
        cluster.kill(server);
        cluster.resume_database();
        for visitor in &visitors {
            visitor
                .wait("drawing again", |seen| {
                    let welcome = seen.welcomed.last().filter(|at| **at > killed);
                    welcome.is_some_and(|at| seen.answered.last() > Some(at))
                })
                .await;
        }
        times.extend(
            visitors
                .iter()
                .filter_map(|visitor| draws_again(visitor, killed)),
        );
        cluster.restart(server).await;
    }
    let mut drawn = Vec::new();
    for pen in pens {
        drawn.push(pen.stop().await);
    }
    let everyone: Vec<&Visitor> = visitors.iter().collect();
    holds_exactly(&cluster.agree(&drawing, &everyone).await, &drawn);
    nothing_was_refused(&visitors);
    let again: usize = visitors
        .iter()
        .map(|visitor| visitor.seen().sent_again())
        .sum();
    assert!(again >= KILLS, "{again} ops were sent again");
    assert_eq!(times.len(), KILLS * VISITORS);
    times.sort();
    let welcome: Vec<_> = visitors
        .iter()
        .map(|visitor| visitor.seen().absences())
        .collect();
    println!("welcome again after {welcome:?}, drawing again after {times:?}");
    assert!(
        times[times.len() * 95 / 100] < DRAWS_AGAIN_WITHIN,
        "{times:?}"
    );
}

/// When the transaction arrives that was on its way as its server was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrives {
    /// Before its page is back at another server.
    Early,
    /// After its page has sent the op again, and has its answer.
    Late,
}

/// Ada draws through server 0, which is killed while her transaction is on its way to the
/// database; gives how often she sent that op.
async fn killed_in_flight(arrives: Arrives) -> usize {
    let mut cluster = Plan::of(2).linked().start().await;
    let drawing = cluster.create_drawing().await;
    let way = Link::to(cluster.balancer.address).await;
    let ada = cluster.visit_from(way.address, "Ada", &drawing, Some(0));
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    let first = ada.draw(pen(1.0));
    ada.saved().await;

    cluster.link(0).hold();
    let mut large = pen(2.0);
    large["note"] = json!("x".repeat(30_000));
    let second = ada.draw(large);
    let n = ada.seen().next - 1;
    // More than everything else that a server says to its database.
    cluster.link(0).carries(20_000).await;
    way.cut();
    cluster.kill(0);
    ada.edit(second, json!({"x": 3}));
    let third = ada.draw(pen(3.0));
    if arrives == Arrives::Early {
        cluster.link(0).release();
        ben.sees(second).await;
    }
    way.heal();
    ada.saved().await;
    ben.sees(third).await;
    let before = cluster.agree(&drawing, &[&ada, &ben]).await;
    if arrives == Arrives::Late {
        cluster.link(0).release();
        cluster.link(0).is_empty().await;
        // What follows is stored after it was tried.
        ben.edit(first, json!({"x": 9}));
        ben.saved().await;
    }
    let after = cluster.agree(&drawing, &[&ada, &ben]).await;
    assert_eq!((before.living(), after.living()), (3, 3));
    assert_eq!(after.strokes[&second], before.strokes[&second]);
    assert_eq!(
        after.strokes[&second].n,
        n + 1,
        "the edit is the last op on it"
    );
    assert_eq!(
        after.head,
        before.head + u64::from(arrives == Arrives::Late)
    );
    assert!(ada.seen().refusals.is_empty());
    ada.seen().sent[&n]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_of_a_killed_server_that_arrives_late_stores_nothing() {
    assert_eq!(killed_in_flight(Arrives::Late).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_of_a_killed_server_that_arrives_early_is_not_repeated() {
    // Her welcome says that it is stored.
    assert_eq!(killed_in_flight(Arrives::Early).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_moves_each_page_once_and_loses_nothing() {
    const SERVERS: usize = 2;
    const DRAWING: usize = 4;
    /// More than are closed at once.
    const LOOKING: usize = 110;
    /// Notice and limit of a drain together, and a little for the process to end.
    const ENDS_WITHIN: Duration = Duration::from_secs(15);
    let flags = &["--drain-notice", "1s", "--drain-limit", "10s"];
    let mut cluster = Plan::of(SERVERS).flags(flags).start().await;
    let drawing = cluster.create_drawing().await;
    let mut visitors = Vec::new();
    for number in 0..DRAWING {
        let name = format!("Ada {number}");
        visitors.push(cluster.visit_at(number % SERVERS, &name, &drawing).await);
    }
    let crowd = (0..LOOKING).map(|number| {
        let address = cluster.balancer.address;
        cluster.visit_from(address, &format!("Ben {number}"), &drawing, Some(0))
    });
    let crowd: Vec<_> = crowd.collect();
    for visitor in &crowd {
        visitor.wait("being welcome", |seen| seen.welcome).await;
    }
    let pens: Vec<_> = visitors
        .iter()
        .map(|visitor| visitor.draws_steadily(Duration::from_millis(50)))
        .collect();
    visitors.extend(crowd);

    for server in 0..SERVERS {
        let before: Vec<_> = visitors
            .iter()
            .map(|visitor| (visitor.seen().server, visitor.seen().reconnects()))
            .collect();
        cluster.term(server);
        // The balancer learns of it while the sockets are still open.
        cluster.is_down(server).await;
        assert_eq!(cluster.status(server, "/readyz").await, Some(503));
        for (visitor, (_, reconnects)) in visitors.iter().zip(&before) {
            assert!(visitor.seen().welcome, "{} lost its socket", visitor.name);
            assert_eq!(visitor.seen().reconnects(), *reconnects);
        }
        assert_eq!(cluster.ended(server, ENDS_WITHIN).await, Some(0));
        let mut delays = Vec::new();
        for (visitor, (at, reconnects)) in visitors.iter().zip(before) {
            let moves = usize::from(at == Some(server));
            visitor
                .wait("being welcome elsewhere", |seen| {
                    seen.welcome && seen.server != Some(server)
                })
                .await;
            let seen = visitor.seen();
            assert_eq!(seen.reconnects(), reconnects + moves, "{}", visitor.name);
            delays.extend(seen.closes.last().filter(|_| moves == 1).map(delay));
        }
        is_spread(&delays);
        cluster.restart(server).await;
    }

    let mut drawn = Vec::new();
    for pen in pens {
        drawn.push(pen.stop().await);
    }
    let everyone: Vec<&Visitor> = visitors.iter().collect();
    holds_exactly(&cluster.agree(&drawing, &everyone).await, &drawn);
    nothing_was_refused(&visitors);
    for visitor in &visitors {
        let seen = visitor.seen();
        assert!(
            seen.closes.iter().all(|closed| closed.code == 1012),
            "{:?}",
            seen.closes
        );
        // Each attempt found a server at once.
        assert_eq!(seen.attempts, seen.reconnects() + 1, "{}", visitor.name);
    }
}

/// When a page is told to come back, in milliseconds.
fn delay(closed: &Closed) -> u64 {
    let words = closed.reason.strip_prefix("again in ");
    let number = words.and_then(|words| words.split(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("{closed:?} names no time"))
}

/// Pages are not all told to come back at once, but at any time within two seconds.
fn is_spread(delays: &[u64]) {
    assert!(delays.len() > 50, "only {} pages moved", delays.len());
    for quarter in 0..4 {
        let part = quarter * 500..(quarter + 1) * 500;
        assert!(
            delays.iter().any(|delay| part.contains(delay)),
            "{delays:?}"
        );
    }
    assert!(delays.iter().all(|delay| *delay <= 2_000), "{delays:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_race_for_one_drawing_each_get_a_fair_part() {
    /// Ops that a writer keeps waiting: there is always something to append, and a swap is won
    /// often enough to tell luck from unfairness.
    const AHEAD: usize = 12;
    const RACE: Duration = Duration::from_secs(5);
    let flags = &["--ops-per-second", "100000", "--ops-burst", "100000"];
    let cluster = Plan::of(2).flags(flags).start().await;
    let drawing = cluster.create_drawing().await;
    let writers = [
        cluster.visit_at(0, "Ada", &drawing).await,
        cluster.visit_at(1, "Ben", &drawing).await,
    ];
    let until = Instant::now() + RACE;
    let races = writers.iter().map(|writer| async {
        let mut drawn = Vec::new();
        while Instant::now() < until {
            let waiting = writer.seen().outbox.len();
            drawn.extend((waiting..AHEAD).map(|x| writer.draw(pen(x as f64))));
            writer
                .wait("answers", |seen| seen.outbox.len() < AHEAD / 2)
                .await;
        }
        (drawn, writer.seen().done)
    });
    let (drawn, done): (Vec<_>, Vec<_>) = join_all(races).await.into_iter().unzip();
    let all: u64 = done.iter().sum();
    println!("{done:?} ops in {RACE:?}");
    assert!(all > 100, "it was no race: {done:?}");
    assert!(done.iter().all(|done| *done >= all / 4), "{done:?}");
    let everyone: Vec<&Visitor> = writers.iter().collect();
    holds_exactly(&cluster.agree(&drawing, &everyone).await, &drawn);
    nothing_was_refused(&writers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_read_elsewhere_what_its_server_lacks_does_not_start_over() {
    let cluster = Plan::of(2).linked().start().await;
    let drawing = cluster.create_drawing().await;
    let ada = cluster.visit_at(0, "Ada", &drawing).await;
    let ben = cluster.visit_at(1, "Ben", &drawing).await;
    ada.draw(pen(1.0));
    ada.saved().await;

    // Server 0 hears of everything later than server 1.
    cluster.link(0).delay(Duration::from_secs(1));
    ben.draw(pen(2.0));
    ben.saved().await;
    ada.load_at(cluster.address(1));
    ada.wait("what Ben drew", |seen| seen.head == 2).await;
    let third = ben.draw(pen(3.0));
    ada.sees(third).await;
    cluster.link(0).delay(Duration::ZERO);
    cluster.agree(&drawing, &[&ada, &ben]).await;
    let seen = ada.seen();
    assert_eq!(seen.resets, [""; 0], "it had to forget what it had");
    assert_eq!(seen.reconnects(), 0);
}
