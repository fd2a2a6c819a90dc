//! Many readers of one drawing over HTTP while it is drawn on.

use std::cell::Cell;

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::browser::Browser;
use crate::page::pen;
use crate::test_server::{client, create_drawing, metric, serve};

#[actix_web::test]
async fn a_first_load_of_a_large_drawing_is_one_answer() {
    // Several chunks.
    const STROKES: u64 = 60;
    const BYTES: usize = 60_000;
    let server = serve(&["--receive-rate", "1GiB"]).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut ada = Browser::open(address, &drawing).await;
    let mut large = pen(1.0);
    large["note"] = json!("x".repeat(BYTES));
    for _ in 0..STROKES {
        ada.draw(large.clone()).await;
    }
    ada.answered().await;
    let url = format!("http://{address}/api/drawings/{drawing}/strokes");
    let read = async |encoding: &'static str| {
        let asked = client().get(&url).header("accept-encoding", encoding);
        let text = asked.send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<serde_json::Value>(&text).expect("one JSON value")
    };
    let (plain, packed) = (read("identity").await, read("gzip").await);
    assert_eq!(plain, packed);
    assert_eq!(plain["head"], STROKES);
    assert_eq!(plain["more"], false);
    assert_eq!(plain["changes"].as_array().unwrap().len() as u64, STROKES);

    // Also while it is drawn on: what came later is read from there on.
    let mut ben = Browser::new(address, &drawing);
    let draws = async {
        for x in 0..20 {
            ada.draw(pen(f64::from(x))).await;
            ada.answered().await;
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
    let flags = ["--receive-rate", "1GiB"];
    let server = serve(&flags).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let mut ada = Browser::open(address, &drawing).await;
    let mut large = pen(1.0);
    large["note"] = json!("x".repeat(BYTES));
    for _ in 0..LARGE {
        ada.draw(large.clone()).await;
        ada.answered().await;
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
        let http = client();
        let mut read = 0;
        while drawing_on.get() {
            let answer = http.get(&url).send().await.expect("an answer");
            assert_eq!(answer.status(), 200);
            let text = answer.text().await.expect("a whole answer");
            assert!(text.len() > LARGE as usize * BYTES);
            read += 1;
        }
        read
    });
    let draws = async {
        for x in 0..DRAWN {
            ada.draw(pen(x as f64)).await;
            ada.answered().await;
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
    assert!(ada.refusals.is_empty() && ada.loads == 0, "{ada:?}");

    // The cached chunk is not outdated: a reader who continues gets everything.
    let mut ben = Browser::new(address, &drawing);
    ben.fetch().await;
    assert_eq!(ben.head, LARGE + DRAWN);
    ada.reach(LARGE + DRAWN).await;
    assert_eq!(ben.picture(), ada.picture());
    drop((ada, ben));
    server.drain().await;
}
