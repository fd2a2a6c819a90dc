//! Many people in one drawing: what is sent to each about the others is bounded, and correct in the
//! end.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use support::client::Client;
use support::http::create_drawing;
use support::server::TestServer;
use support::state::pen;
use tokio::time::Instant;
use whiteboard::feed::presence::{MAX_LISTED, QUIET, people_pause};

/// Most bytes of one listed person whose name is `Person 123`, and of a frame without people.
const BYTES_OF_A_PERSON: usize = 150;
const BYTES_OF_A_FRAME: usize = 80;

/// Adds this many people, a few at a time, so that a busy machine answers each in time.
async fn come(server: &TestServer, drawing: &str, names: std::ops::Range<usize>) -> Vec<Client> {
    let come = names.map(|number| async move {
        Client::named(server.address(), drawing, &format!("Person {number}")).await
    });
    futures_util::stream::iter(come)
        .buffered(10)
        .collect()
        .await
}

async fn all_count(clients: &mut [Client], people: usize) {
    for client in clients {
        client
            .wait(&format!("{people} people"), |it| it.people_count == people)
            .await;
    }
}

#[actix_web::test]
async fn presence_traffic_grows_linearly_with_the_crowd() {
    const PEOPLE: usize = 200;
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let begun = Instant::now();
    let mut all = Vec::new();
    while all.len() < PEOPLE {
        all.extend(come(&server, &drawing, all.len()..all.len() + 20).await);
        // They read now and then, or they would be evicted.
        let here = all.len();
        all_count(&mut all, here).await;
    }
    // Each client gets those who are listed once, as a whole or one by one; none is active, so no
    // other takes their place. In addition it gets counts: at most one for each of the first who
    // join, and then one for each pause, which is never shorter than for those.
    let numbers =
        MAX_LISTED as u128 + begun.elapsed().as_millis() / people_pause(MAX_LISTED).as_millis();
    let each = MAX_LISTED * BYTES_OF_A_PERSON + (numbers as usize + 2) * BYTES_OF_A_FRAME;
    let bytes: usize = all.iter().map(|client| client.people_bytes).sum();
    eprintln!(
        "{PEOPLE} people got {bytes} bytes of at most {}",
        PEOPLE * each
    );
    assert!(bytes <= PEOPLE * each, "{bytes} of {}", PEOPLE * each);
    for client in &all {
        assert_eq!((client.people.len(), client.people_wholes), (MAX_LISTED, 1));
    }

    // More people join at once. Now a second passes between two frames.
    let frames: Vec<_> = all.iter().map(|client| client.people_frames).collect();
    let begun = Instant::now();
    let mut more = come(&server, &drawing, PEOPLE..PEOPLE + 60).await;
    all_count(&mut all, PEOPLE + 60).await;
    all_count(&mut more, PEOPLE + 60).await;
    let most = begun.elapsed().as_millis() / people_pause(PEOPLE).as_millis() + 2;
    for (client, before) in all.iter().zip(frames) {
        let frames = client.people_frames - before;
        assert!(
            0 < frames && frames as u128 <= most,
            "{frames} frames, not {most}"
        );
    }

    // And all of them leave.
    drop(more);
    all_count(&mut all, PEOPLE).await;
}

#[actix_web::test]
async fn a_few_know_of_each_other_at_once() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::named(server.address(), &drawing, "Ada").await;
    let mut took = Vec::new();
    for _ in 0..5 {
        let mut ben = Client::named(server.address(), &drawing, "Ben").await;
        let welcome = Instant::now();
        ben.wait("both", |it| it.people_count == 2).await;
        ada.wait("both", |it| it.people_count == 2).await;
        took.push(welcome.elapsed());
        let both = vec!["Ada", "Ben"];
        assert_eq!((ada.names(), ben.names()), (both.clone(), both));
        ben.cut();
        let gone = Instant::now();
        ada.wait("being alone", |it| it.people_count == 1).await;
        took.push(gone.elapsed());
    }
    // The median counts, since the machine is busy with other things too.
    took.sort();
    assert!(took[5] < Duration::from_millis(500), "{took:?}");
}

#[actix_web::test]
async fn active_people_in_a_crowd_are_listed_with_their_pointers() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut all = come(&server, &drawing, 0..MAX_LISTED + 10).await;
    all_count(&mut all, MAX_LISTED + 10).await;
    let unlisted =
        |client: &Client, writer| client.people.iter().all(|person| person.writer != writer);
    let mut others = all.split_off(1);
    let client = &mut all[0];
    let at = others
        .iter()
        .position(|other| unlisted(client, other.writer.expect("welcome")))
        .expect("more are here than are listed");
    let writer = others[at].writer.expect("welcome");
    let deadline = Instant::now() + QUIET;
    for x in 0.. {
        others[at]
            .signal(json!({"pointer": {"x": x, "y": 2}}))
            .await;
        // Reads incoming frames until then.
        client.all_read().await;
        if client.pointers.contains_key(&writer) {
            break;
        }
        assert!(Instant::now() < deadline, "{client:?}");
    }
    assert!(!unlisted(client, writer));
    assert_eq!(client.people.len(), MAX_LISTED);
}

#[actix_web::test]
async fn a_slow_client_gets_the_whole_presence_list_and_no_older_frame() {
    const CAME: usize = 5;
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::named(server.address(), &drawing, "Ada").await;
    let mut slow = Client::new(server.address(), &drawing);
    slow.name = Some("Slow".into());
    slow.connect_slowly().await;
    slow.wait("both", |it| it.people_count == 2).await;
    let frames = slow.people_frames;
    let mut large = pen(1.0);
    large["note"] = Value::from("x".repeat(40_000));
    // More than the buffers of a socket and a mailbox hold.
    for _ in 0..300 {
        ada.draw_stored(large.clone()).await;
    }
    for number in 0..CAME {
        let someone = Client::named(server.address(), &drawing, &format!("Person {number}")).await;
        ada.wait("their coming", |it| it.people_count == 3).await;
        // A closing client waits for the server's close frame, and no session may go unread for
        // long.
        drop(someone);
        ada.wait("their leaving", |it| it.people_count == 2).await;
    }
    let ben = Client::named(server.address(), &drawing, "Ben").await;
    slow.wait("all three", |it| it.people_count == 3).await;
    assert_eq!(slow.names(), ["Ada", "Ben", "Slow"]);
    // It received changes from before it fell behind or after it read again: none of those between
    // were kept.
    assert_eq!(slow.people_wholes, 2, "it was never behind: {slow:?}");
    assert!(
        slow.people_frames <= frames + 3,
        "{} frames",
        slow.people_frames - frames
    );
    // And it is live again.
    ben.leave().await;
    slow.wait("her leaving", |it| it.people_count == 2).await;
    assert_eq!(slow.people_wholes, 2);
}

#[actix_web::test]
async fn a_client_that_requests_presence_gets_the_whole_list() {
    let server = TestServer::start(&[]).await;
    let drawing = create_drawing(server.address()).await;
    let mut ada = Client::named(server.address(), &drawing, "Ada").await;
    let ben = Client::named(server.address(), &drawing, "Ben").await;
    ada.wait("both", |it| it.people_count == 2).await;
    let (version, wholes) = (ada.people_version, ada.people_wholes);
    ada.raw(r#"{"type":"people"}"#).await;
    ada.wait("the whole", |it| it.people_wholes > wholes).await;
    assert_eq!((ada.people_version, ada.people_count), (version, 2));
    assert_eq!(ada.names(), ["Ada", "Ben"]);
    ben.leave().await;
    ada.wait("being alone", |it| it.people_count == 1).await;
}
