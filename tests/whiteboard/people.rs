//! Presence for clients and lists: no one who has left, and no rows without a receiver.

use std::time::Duration;

use serde_json::{Value, json};
use support::client::Client;
use support::database::DatabaseServer;
use support::http::{create_drawing, http, metric, metric_is};
use support::server::TestServer;
use support::wait::eventually;
use tokio::time::Instant;

use crate::parts::Parts;

/// A silent server is dropped after more than three heartbeats of 2 s, one of which may be over
/// when it stops.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(4);

#[actix_web::test]
async fn the_people_of_a_server_that_drains_are_gone_before_it_is_forgotten() {
    let process = DatabaseServer::start();
    let database = process.database("people");
    let one = TestServer::on(&database, &[]).await;
    let two = TestServer::on(&database, &[]).await;
    let drawing = create_drawing(one.address()).await;
    let mut ada = Client::named(one.address(), &drawing, "Ada").await;
    let mut ben = Client::named(two.address(), &drawing, "Ben").await;
    for client in [&mut ada, &mut ben] {
        client.wait("both", |it| it.names() == ["Ada", "Ben"]).await;
    }
    let began = Instant::now();
    let draining = actix_web::rt::spawn(one.drain());
    ben.wait("Ada being gone", |it| it.names() == ["Ben"]).await;
    let gone = began.elapsed();
    assert!(gone < FORGOTTEN_AFTER, "{gone:?}");
    assert_eq!(ada.closed().await.code, 1012);
    draining.await.unwrap();
}

#[actix_web::test]
async fn no_peer_row_is_written_without_other_servers() {
    let server = TestServer::start(&[]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let received = "whiteboard_notifications_total{kind=\"signals\"}";
    let mut ada = Client::named(address, &drawing, "Ada").await;
    // A new feed asks once whether there are others.
    metric_is(address, received, |count| count == 1.0).await;
    let mut ben = Client::named(address, &drawing, "Ben").await;
    ada.wait("both", |it| it.names() == ["Ada", "Ben"]).await;
    let writer = ada.writer.expect("it is welcome");
    for x in 0..10 {
        let x = f64::from(x);
        ada.signal(json!({"pointer": {"x": x, "y": 2}})).await;
        ben.wait("the pointer", |b| {
            b.pointers.get(&writer) == Some(&(x, 2.0))
        })
        .await;
    }
    for _ in 0..5 {
        let cleo = Client::named(address, &drawing, "Cleo").await;
        ada.wait("Cleo", |it| it.people.len() == 3).await;
        cleo.leave().await;
        ada.wait("Cleo being gone", |it| it.people.len() == 2).await;
    }
    assert_eq!(metric(address, received).await, 1.0);
}

#[actix_web::test]
async fn a_server_that_fell_silent_does_not_count_in_lists() {
    let parts = Parts::start(&[]).await;
    let drawing = create_drawing(parts.address).await;
    let url = format!("http://{}/api/drawings", parts.address);
    let listed = || async {
        let list = http().get(&url).send().await.expect("an answer");
        let list: Value = list.json().await.expect("JSON");
        list["drawings"][0]["people"].as_u64().expect("a number")
    };
    // One announcement, and then silence.
    let counts = [(drawing.parse().expect("an id"), 5)];
    eventually("a server that is there counts", async || {
        parts.store.heartbeat(&counts).await.unwrap();
        listed().await == 5
    })
    .await;
    eventually("a silent server does not count", async || {
        listed().await == 0
    })
    .await;
    parts.stop().await;
}

/// A drawing in the list of a server.
async fn listed(server: &TestServer, drawing: &str) -> Value {
    let url = format!("http://{}/api/drawings", server.address());
    let list = http().get(&url).send().await.expect("an answer");
    let list: Value = list.json().await.expect("JSON");
    let all = list["drawings"].as_array().expect("drawings");
    let one = all.iter().find(|it| it["id"] == drawing);
    one.expect("it is listed").clone()
}

/// Who is present in the list of a server: how many, and the names in order.
async fn present(server: &TestServer, drawing: &str) -> Option<(u64, Vec<String>)> {
    let listed = listed(server, drawing).await;
    let present = listed.get("present")?;
    let names = present["names"].as_array().expect("names").iter();
    let mut names: Vec<_> = names
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect();
    names.sort_unstable();
    Some((present["count"].as_u64().expect("a number"), names))
}

#[actix_web::test]
async fn a_list_names_who_is_present_on_all_servers_if_the_drawing_is_open_there() {
    let process = DatabaseServer::start();
    let database = process.database("present");
    let one = TestServer::on(&database, &[]).await;
    let two = TestServer::on(&database, &[]).await;
    let drawing = create_drawing(one.address()).await;
    assert_eq!(present(&one, &drawing).await, None);
    let ada = Client::named(one.address(), &drawing, "Ada").await;
    eventually("the server that has it open names her", async || {
        present(&one, &drawing).await == Some((1, vec!["Ada".into()]))
    })
    .await;
    eventually("the other one counts her, and names nobody", async || {
        listed(&two, &drawing).await["people"] == 1
    })
    .await;
    assert_eq!(present(&two, &drawing).await, None);
    let mut others = Vec::new();
    for name in ["Ben", "Cleo", "Dora"] {
        others.push(Client::named(two.address(), &drawing, name).await);
    }
    for server in [&one, &two] {
        eventually("both name three of four", async || {
            let present = present(server, &drawing).await;
            present.is_some_and(|(count, names)| count == 4 && names.len() == 3)
        })
        .await;
    }
    for client in others {
        client.leave().await;
    }
    ada.leave().await;
    eventually("nobody is named when all have left", async || {
        present(&one, &drawing).await.is_none() && present(&two, &drawing).await.is_none()
    })
    .await;
}
