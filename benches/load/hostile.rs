//! The effect on other clients of peers that send too much, announce what they never send, or do
//! not read.
//!
//! Two people draw and watch all the while. During each attack the server's memory and their stroke
//! times must stay within bounds, and the attack must end, with a reason where possible. The rows
//! "at a plain listener" show what an attack costs the same two people when it meets a program that
//! only reads 64 KiB of each socket and closes it: what the machine itself adds to their times.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::crowd::open_client;
use crate::frames;
use crate::server::Server;
use attack::{Attack, connect, plain_listener};
use pair::{Pair, Seen, is_late, median_p99};

pub mod access;
mod attack;
mod pair;

/// Number of attacking sockets.
const ATTACKERS: usize = 100;
/// Number of requests without a body, and of readers that do not read.
const REQUESTS: usize = 300;
/// How often each attack on sockets is made. Its p99 is the median of these turns: six strokes of a
/// turn decide it.
const TURNS: usize = 3;
/// How often it is made at most: where the median breaks the bound, more turns tell whether it was the
/// attack or the machine.
const MOST_TURNS: usize = 9;
/// Duration of the observation of each attack on sockets.
const WATCHED: Duration = Duration::from_secs(12);
/// Duration of the calm before each, in which the memory of the one before is given back.
const PAUSE: Duration = Duration::from_secs(5);
/// Duration of the observation of silent requests: their deadline is 10 s.
const BODIES_WATCHED: Duration = Duration::from_secs(14);
/// Duration of the observation of unread answers: they are ended after 30 s.
const ANSWERS_WATCHED: Duration = Duration::from_secs(40);
/// Largest growth of memory at rest by a second round of the same attacks, in bytes. The first round
/// leaves pages that the allocator keeps; a second one must find them, or something leaks.
const MOST_LEFT: f64 = 16.0 * 1024.0 * 1024.0;
/// Strokes, and bytes of each, of the drawing whose answer is not read.
const LARGE: (usize, usize) = (24, 60_000);

/// A pointer that moves.
const SIGNAL: &str = r#"{"type":"signal","pointer":{"x":1.5,"y":2}}"#;
/// By these the server notices that a page is silent while it is watched.
const IMPATIENT: [(&str, &str); 1] = [("WHITEBOARD_SESSION_TIMEOUT", "6s")];

/// Prints the effect of each attack, and fails when a bound does not hold.
pub async fn run() -> Result<(), String> {
    println!("\nhostile: {ATTACKERS} sockets at once, {REQUESTS} requests at once");
    Seen::print_header();
    let server = Server::start_limited(&IMPATIENT);
    let drawing = server.create_drawing().await;
    let large = server.create_drawing().await;
    fill(&server, &large).await?;
    let mut pair = Pair::open(&server, &drawing, &frames::hello).await?;
    pair.watch(&server, PAUSE).await?;
    let quiet = pair.watch(&server, WATCHED).await?;
    quiet.print("quiet", &quiet, "");

    let huge = Attack::huge();
    let pings = Attack::pings();
    let signals = Attack::texts(None, &[SIGNAL.to_owned()]);
    let (fragments, slowly) = (Attack::fragments(), Attack::slowly());
    let mut broken = Vec::new();
    let (good, wrong) = (server.address.to_string(), "evil.example".to_owned());
    let plain = plain_listener().await?;
    let plainly = plain.to_string();
    let attacks = [
        ("2^40 at a plain listener", &huge, &plainly),
        ("2^40 announced", &huge, &good),
        ("2^40 announced, turned away", &huge, &wrong),
        ("pings at a plain listener", &pings, &plainly),
        ("1.5 GB of pings", &pings, &good),
        ("1.5 GB of pings, turned away", &pings, &wrong),
        ("1.5 GB of signals", &signals, &good),
        ("messages that do not end", &fragments, &good),
        ("a byte each second", &slowly, &good),
    ];
    // Memory at rest before each attack of the first round, and after the second.
    let mut at_rest = Vec::new();
    let rounds = [1, 2].map(|round| attacks.map(|attack| (round, attack)));
    for (round, (name, attack, host)) in rounds.into_iter().flatten() {
        let controls = *host == plainly;
        let address = if controls { plain } else { server.address };
        // A drawing of its own, for strokes take memory too, which is not the attacks'.
        let drawing = server.create_drawing().await;
        pair = Pair::open(&server, &drawing, &frames::hello).await?;
        pair.watch(&server, PAUSE).await?;
        let target = Target {
            address,
            host,
            drawing: &drawing,
        };
        let wanted = if round == 1 { TURNS } else { 1 };
        let most = if controls { wanted } else { MOST_TURNS };
        let turns = turns(&server, &mut pair, attack, &target, &quiet, wanted..=most);
        let (turns, told) = turns.await?;
        let seen = Seen::of_turns(turns);
        if round == 1 {
            at_rest.push(seen.before);
        }
        seen.print(name, &quiet, &format!("{told:?}"));
        if !controls {
            seen.check(name, &quiet, &mut broken);
        }
        if told.keys().any(|word| !word.starts_with('4')) {
            broken.push(format!("{name}: not everyone was told why"));
        }
    }
    let post = format!("POST /api/drawings HTTP/1.1\r\nhost: {good}\r\ncontent-length: 10\r\n\r\n");
    let get = format!("GET /api/drawings/{large}/strokes?since=0 HTTP/1.1\r\nhost: {good}\r\n\r\n");
    for (name, request, time) in [
        ("bodies that do not come", &post, BODIES_WATCHED),
        ("answers that nobody reads", &get, ANSWERS_WATCHED),
    ] {
        let mut streams = Vec::new();
        for _ in 0..REQUESTS {
            let mut stream = connect(server.address).await?;
            let asked = stream.write_all(request.as_bytes()).await;
            asked.map_err(|error| error.to_string())?;
            streams.push(stream);
        }
        let seen = pair.watch(&server, time).await?;
        let mut told = BTreeMap::new();
        for stream in streams {
            *told.entry(end_of(stream).await).or_insert(0) += 1;
        }
        seen.print(name, &quiet, &format!("{told:?}"));
        seen.check(name, &quiet, &mut broken);
        if told.contains_key("open") {
            broken.push(format!("{name}: not every connection ended"));
        }
    }
    pair.watch(&server, PAUSE).await?;
    let after = pair.watch(&server, WATCHED).await?;
    after.print("quiet again", &quiet, "");
    after.check("quiet again", &quiet, &mut broken);
    if after.before - at_rest.into_iter().fold(0.0, f64::max) > MOST_LEFT {
        broken.push("a second round left more memory than the first".to_owned());
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("; "))
    }
}

/// Where attackers connect to.
struct Target<'a> {
    address: SocketAddr,
    host: &'a str,
    drawing: &'a str,
}

/// How often each reason was told.
type Told = BTreeMap<String, usize>;

/// Attacks and watches, at least and at most so often: the least, unless the median p99 is late.
async fn turns(
    server: &Server,
    pair: &mut Pair,
    attack: &Attack,
    target: &Target<'_>,
    quiet: &Seen,
    times: std::ops::RangeInclusive<usize>,
) -> Result<(Vec<Seen>, Told), String> {
    let (mut turns, mut told) = (Vec::new(), Told::new());
    while turns.len() < *times.start()
        || (turns.len() < *times.end() && is_late(median_p99(&turns), quiet))
    {
        let mut attackers = JoinSet::new();
        for _ in 0..ATTACKERS {
            let (host, drawing) = (target.host.to_owned(), target.drawing.to_owned());
            attackers.spawn(attack.clone().run(target.address, host, drawing));
        }
        turns.push(pair.watch(server, WATCHED).await?);
        while let Some(one) = attackers.join_next().await {
            let reason = one.map_err(|error| error.to_string())?;
            *told.entry(reason).or_insert(0) += 1;
        }
    }
    Ok((turns, told))
}

/// Whether a connection has ended by now, and the status of its answer.
async fn end_of(mut stream: TcpStream) -> String {
    let mut heard = Vec::new();
    let reading = async { while stream.read_buf(&mut heard).await.is_ok_and(|read| read > 0) {} };
    if timeout(Duration::from_secs(2), reading).await.is_err() {
        return "open".into();
    }
    let status = heard.get(9..12).map(String::from_utf8_lossy);
    status.map_or("ended".into(), |status| format!("ended, {status}"))
}

/// Creates a drawing whose answer is large.
async fn fill(server: &Server, drawing: &str) -> Result<(), String> {
    let mut page = open_client(server, drawing, Some("Filler")).await?;
    let (count, bytes) = LARGE;
    let body = frames::body();
    let body = body.trim_end().strip_suffix('}').expect("an object");
    let body = format!(r#"{body},"note":"{}"}}"#, "x".repeat(bytes));
    for n in 1..=count as u64 {
        let frame = frames::draw(n, frames::stroke_id(1, n as usize), &body);
        page.send(Message::text(frame))
            .await
            .map_err(|error| error.to_string())?;
        let done = format!(r#"{{"type":"done","n":{n}}}"#);
        loop {
            match page.next().await {
                Some(Ok(Message::Text(text))) if text.as_str() == done => break,
                Some(Ok(Message::Text(text))) if frames::kind_of(&text) == "refused" => {
                    return Err(text.to_string());
                }
                Some(Ok(_)) => {}
                other => return Err(format!("the filler's socket ended: {other:?}")),
            }
        }
    }
    Ok(())
}
