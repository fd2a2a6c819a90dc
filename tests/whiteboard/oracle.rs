//! No oracle in time: a wrong key to a drawing that is there takes as long as one to a drawing that is not.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use serde_json::{Value, json};
use support::http::{http, metric};
use support::server::TestServer;
use support::socket::{closed, open, request};
use tokio_tungstenite::tungstenite::Message;
use whiteboard::domain::ids::DrawingId;
use whiteboard::domain::key::Key;

/// Measured pairs of one try.
const PAIRS: usize = 200;
/// Of pairs that have no difference, more than this many go the same way in one try of 3 million: half of
/// them, and five times the spread of as many tosses of a coin, which is √200 / 2. A difference of half the
/// spread of one measurement or more would go beyond it.
const MOST: usize = 100 + 36;
/// Tries, since something else on the machine may come and go with every second measurement.
const TRIES: usize = 4;

/// A request or a hello, with a key that opens nothing.
struct Attempt {
    drawing: String,
    key: String,
}

impl Attempt {
    /// How long the refusal took; `None` if the database was too slow to know.
    async fn over_http(&self, address: SocketAddr, web: &reqwest::Client) -> Option<Duration> {
        let url = format!("http://{address}/api/drawings/{}", self.drawing);
        let asked = web.get(url).bearer_auth(&self.key);
        let began = Instant::now();
        let status = asked.send().await.unwrap().status();
        let took = began.elapsed();
        assert!([404, 503].contains(&status.as_u16()), "{status}");
        (status == 404).then_some(took)
    }

    /// The same.
    async fn over_socket(&self, address: SocketAddr) -> Option<Duration> {
        let path = format!("/ws/{}?since=0", self.drawing);
        let opened = open(address, request(address, &path), None).await;
        let (mut socket, _) = opened.unwrap();
        let id = DrawingId::random();
        let hello = json!({"type": "hello", "key": id, "tab": id, "next": 1, "token": self.key});
        let began = Instant::now();
        let hello = Message::text(hello.to_string());
        socket.send(hello).await.unwrap();
        let closed = closed(&mut socket).await;
        let took = began.elapsed();
        assert!([4403, 1013].contains(&closed.code), "{closed:?}");
        (closed.code == 4403).then_some(took)
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Measures two ways in turns, each first as often as second, so that whatever else happens meanwhile meets
/// both; until neither is faster more often than chance allows.
async fn differ_by_chance(what: &str, mut measure: impl AsyncFnMut(bool) -> Option<Duration>) {
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
        for pair in 0..2 * PAIRS {
            let is_wrong = pair % 2 == 0;
            let (one, other) = (measure(is_wrong).await, measure(!is_wrong).await);
            let (Some(one), Some(other)) = (one, other) else {
                continue;
            };
            let (one, other) = if is_wrong { (one, other) } else { (other, one) };
            wrong.push(one);
            unknown.push(other);
            if wrong.len() == PAIRS {
                break;
            }
        }
        assert_eq!(wrong.len(), PAIRS, "{what}: the database is too slow");
        let slower = wrong.iter().zip(&unknown).filter(|(it, other)| it > other);
        let slower = slower.count();
        let line = format!(
            "{what}: wrong {:?}, unknown {:?}, wrong is slower in {slower} of {PAIRS}",
            median(wrong),
            median(unknown),
        );
        println!("{line}");
        if slower.max(PAIRS - slower) <= MOST {
            return;
        }
        seen.push(line);
    }
    panic!("{seen:#?}");
}

async fn setup() -> (TestServer, Attempt, Attempt) {
    let server = TestServer::start(&["--access=links"]).await;
    let url = format!("http://{}/api/drawings", server.address());
    let made: Value = http().post(url).send().await.unwrap().json().await.unwrap();
    let key = Key::new([1; 16]).secret();
    let wrong = Attempt {
        drawing: made["id"].as_str().unwrap().to_owned(),
        key: key.clone(),
    };
    let drawing = DrawingId::random().to_string();
    (server, wrong, Attempt { drawing, key })
}

#[actix_web::test]
async fn a_wrong_key_takes_as_long_as_an_unknown_drawing() {
    let (server, wrong, unknown) = setup().await;
    let (address, web) = (server.address(), http());
    let of = |is_wrong| if is_wrong { &wrong } else { &unknown };
    differ_by_chance("requests", async |is_wrong| {
        of(is_wrong).over_http(address, &web).await
    })
    .await;
    differ_by_chance("sockets", async |is_wrong| {
        of(is_wrong).over_socket(address).await
    })
    .await;
}

#[actix_web::test]
async fn a_wrong_key_in_a_hello_costs_as_many_queries_as_an_unknown_drawing() {
    let (server, wrong, unknown) = setup().await;
    let address = server.address();
    let queries = async || metric(address, "whiteboard_query_seconds_count").await;
    for attempt in [&wrong, &unknown] {
        // A heartbeat may come between: the least of some tries is what a hello costs.
        let mut cost = f64::MAX;
        for _ in 0..5 {
            let before = queries().await;
            if attempt.over_socket(address).await.is_some() {
                cost = cost.min(queries().await - before);
            }
        }
        assert_eq!(cost, 1.0, "a hello is one look for one row");
    }
}
