//! The first load of a large drawing: by a server that has it open, and by one that does not.

use std::fmt::Write;
use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use reqwest::Client;
use tokio::time::sleep;

use super::contender::Contender;
use super::{named, socketio, sweeps, wire};
use crate::server::{Kind, Server};
use crate::{create_drawings, median};

/// The servers that are compared.
const CONTENDERS: [Contender; 3] = [
    Contender::SocketIo(1),
    Contender::Bound,
    Contender::Embedded,
];
/// Strokes of each drawing, and how often one is loaded.
const STROKES: usize = 10_000;
const LOADS: usize = 9;
/// A server that was started has nothing else to do after this time.
const SETTLE: Duration = Duration::from_secs(2);

/// One first load.
struct Load {
    /// Milliseconds from the request to all strokes and a joined drawing.
    time: f64,
    /// Bytes of the strokes, as sent.
    bytes: f64,
}

/// Measures all with one of these in their names, and returns the table.
pub async fn markdown(only: &str) -> Result<String, String> {
    let mut text = format!(
        "### First load of a drawing of {STROKES} strokes\n\n\
         Until the page has all strokes and has joined: the median of {LOADS}. *Cold*: by a new process, of a drawing that \
         it has not read, after another one. Redis has all drawings in memory at all times. *Warm*: of a drawing that was \
         loaded before. *Bytes*: of the strokes, as sent.\n\n\
         | | cold, ms | of socket.io's | warm, ms | of socket.io's | bytes, KiB | of socket.io's |\n\
         |---|---|---|---|---|---|---|\n"
    );
    let mut peer = None;
    for contender in named(&CONTENDERS, only) {
        let (cold, warm) = measure(contender).await?;
        let values = [
            median(&cold, |load| load.time),
            median(&warm, |load| load.time),
            median(&warm, |load| load.bytes / 1024.0),
        ];
        let of = match contender {
            Contender::SocketIo(_) => *peer.insert(values),
            _ => peer.unwrap_or([f64::NAN; 3]),
        };
        write!(text, "| {contender} |").expect("writing to a string does not fail");
        for (value, of) in values.iter().zip(of) {
            write!(text, " {value:.0} | {:.2} |", value / of).expect("the same");
        }
        text.push('\n');
    }
    text.push('\n');
    Ok(text)
}

/// Cold and warm first loads.
async fn measure(contender: Contender) -> Result<(Vec<Load>, Vec<Load>), String> {
    let mut server = contender.start();
    let drawings = create_drawings(&server, 1 + LOADS).await;
    for drawing in &drawings {
        let drawing = std::slice::from_ref(drawing);
        sweeps::fill(&server, drawing, STROKES).await?;
    }
    if server.kind != Kind::SocketIo {
        server = server.restarted();
    }
    sleep(SETTLE).await;
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    // The first one is of code that did not run before.
    load(&server, &drawings[0]).await?;
    for drawing in &drawings[1..] {
        cold.push(load(&server, drawing).await?);
    }
    for _ in 0..LOADS {
        warm.push(load(&server, &drawings[LOADS]).await?);
    }
    Ok((cold, warm))
}

async fn load(server: &Server, drawing: &str) -> Result<Load, String> {
    // A browser is there before the page is: making a client reads the certificates of the machine.
    let http = Client::builder().gzip(false).build();
    let http = http.map_err(|error| error.to_string())?;
    let began = Instant::now();
    let opened = match server.kind {
        Kind::SocketIo => socketio::open(server, drawing, "Page", 0).await,
        _ => {
            let strokes = strokes(&http, server, drawing).await;
            let strokes = strokes.map_err(|error| error.to_string())?;
            let epoch = epoch_in(&strokes).ok_or("not a drawing")?;
            let joined = wire::join(server, drawing, "Page", STROKES, &epoch).await;
            joined.map(|socket| (socket, strokes.len()))
        }
    };
    let (_socket, bytes) = opened.map_err(|error| error.to_string())?;
    Ok(Load {
        time: began.elapsed().as_secs_f64() * 1e3,
        bytes: bytes as f64,
    })
}

/// All strokes of a drawing, compressed as for a browser.
async fn strokes(http: &Client, server: &Server, drawing: &str) -> reqwest::Result<Vec<u8>> {
    let address = server.next_address();
    let url = format!("http://{address}/api/drawings/{drawing}/strokes?since=0");
    let request = http.get(url).header("Accept-Encoding", "gzip");
    let answer = request.send().await?.error_for_status()?;
    Ok(answer.bytes().await?.to_vec())
}

/// The epoch, which an answer begins with.
fn epoch_in(answer: &[u8]) -> Option<String> {
    let mut start = String::new();
    let read = GzDecoder::new(answer).take(64).read_to_string(&mut start);
    read.ok()?;
    start.split('"').nth(3).map(str::to_owned)
}
