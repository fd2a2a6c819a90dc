//! Many readers of one drawing over HTTP while it is drawn on.

use std::cell::Cell;

use futures_util::future::{join, join_all};
use support::client::Client;
use support::http::{create_drawing, http, metric};
use support::server::TestServer;
use support::state::{large_pen, pen};
use support::wait::DEADLINE;

#[actix_web::test]
async fn a_first_load_of_a_large_drawing_is_one_answer() {
    // Several chunks.
    const STROKES: u64 = 60;
    const BYTES: usize = 60_000;
    let server = TestServer::unhurried().await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut ada = Client::open(address, &drawing).await;
    for _ in 0..STROKES {
        ada.draw(large_pen(1.0, BYTES)).await;
    }
    ada.all_acknowledged().await;
    let url = format!("http://{address}/api/drawings/{drawing}/strokes");
    let read = async |encoding: &'static str| {
        let asked = http().get(&url).header("accept-encoding", encoding);
        let text = asked.send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<serde_json::Value>(&text).expect("one JSON value")
    };
    let (plain, packed) = (read("identity").await, read("gzip").await);
    assert_eq!(plain, packed);
    assert_eq!(plain["head"], STROKES);
    assert_eq!(plain["more"], false);
    assert_eq!(plain["changes"].as_array().unwrap().len() as u64, STROKES);

    // Also while it is drawn on: what came later is read from there on.
    let mut ben = Client::new(address, &drawing);
    let draws = async {
        for x in 0..20 {
            ada.draw_stored(pen(f64::from(x))).await;
        }
    };
    join(ben.fetch(), draws).await;
    ben.connect().await;
    ben.reach(STROKES + 20).await;
    ada.reach(STROKES + 20).await;
    assert_eq!(ben.picture(), ada.picture());
    assert!(ben.resets.is_empty(), "{ben:?}");
    drop((ada, ben));
    server.drain().await;
}

#[actix_web::test]
async fn a_crowd_that_reads_a_large_drawing_costs_one_encoding_while_one_person_draws() {
    const READERS: usize = 30;
    // Almost a full chunk, so that later strokes do not join it.
    const LARGE: u64 = 16;
    const BYTES: usize = 60_000;
    const DRAWN: u64 = 60;
    let server = TestServer::unhurried().await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut ada = Client::open(address, &drawing).await;
    let large = large_pen(1.0, BYTES);
    for _ in 0..LARGE {
        ada.draw_stored(large.clone()).await;
    }
    let encoded = async || {
        let of = |encoding| format!("whiteboard_chunks_encoded_total{{encoding=\"{encoding}\"}}");
        let (plain, gzip) = (of("plain"), of("gzip"));
        [metric(address, &plain).await, metric(address, &gzip).await]
    };
    assert_eq!(encoded().await, [0.0, 0.0]);

    let drawing_on = Cell::new(true);
    let url = format!("http://{address}/api/drawings/{drawing}/strokes");
    let readers = (0..READERS).map(async |_| {
        // Unpacking would take the one thread of this test for longer than a connection may be idle.
        let http = reqwest::Client::builder().no_gzip().timeout(DEADLINE);
        let http = http.build().expect("a client");
        let mut read = 0;
        while drawing_on.get() {
            let asked = http.get(&url).header("accept-encoding", "gzip");
            let answer = asked.send().await.expect("an answer");
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-encoding"], "gzip");
            let packed = answer.bytes().await.expect("a whole answer");
            assert!(packed.len() > 1_000, "{}", packed.len());
            read += 1;
        }
        read
    });
    let draws = async {
        for x in 0..DRAWN {
            ada.draw_stored(pen(x as f64)).await;
        }
        drawing_on.set(false);
    };
    let (read, ()) = join(join_all(readers), draws).await;
    let reads: usize = read.iter().sum();
    println!("{reads} reads beside {DRAWN} strokes");
    assert!(read.iter().all(|&read| read > 0), "{read:?}");
    // The large chunk once, and what came after it once for all readers at the same position.
    let [plain, gzip] = encoded().await;
    assert_eq!(plain, 0.0);
    assert!((1.0..=1.0 + DRAWN as f64).contains(&gzip), "{gzip}");
    assert!(gzip < reads as f64, "{gzip} encodings for {reads} reads");
    assert!(ada.refusals.is_empty() && ada.throttled == 0, "{ada:?}");

    // The cached chunk is not outdated: a reader who continues gets everything.
    let mut ben = Client::new(address, &drawing);
    ben.fetch().await;
    assert_eq!(ben.head, LARGE + DRAWN);
    ada.reach(LARGE + DRAWN).await;
    assert_eq!(ben.picture(), ada.picture());
}
