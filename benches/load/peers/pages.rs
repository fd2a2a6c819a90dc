//! What a page costs that draws nothing: while many come, while it is idle, and its first load.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use support::socket::Socket;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::contender::Contender;
use super::{named, socketio, sweeps, wire};
use crate::crowd::Answer;
use crate::server::{Kind, Server};
use crate::{create_drawings, median};

/// The servers that are compared.
const CONTENDERS: [Contender; 2] = [Contender::SocketIo(1), Contender::Embedded];
/// Drawings, and people in each, who come one after the other.
const DRAWINGS: usize = 100;
const PEOPLE: usize = 20;
/// After this time everyone has heard of all who came.
const SETTLE: Duration = Duration::from_secs(5);
/// Strokes of the drawing that is loaded, and how often that is done.
const STROKES: usize = 10_000;
const LOADS: usize = 5;

/// Figures of one server.
struct Costs {
    /// Resident memory for each idle page, in bytes.
    memory: f64,
    /// Bytes that all pages received for each page that came.
    arrival: f64,
    /// Milliseconds from the first request to all strokes and a joined drawing: the median.
    load: f64,
    /// Bytes of the strokes, as sent.
    bytes: f64,
}

/// Measures all with one of these in their names, and returns the table.
pub async fn markdown(only: &str) -> Result<String, String> {
    let mut text = format!(
        "### Pages that only watch\n\n\
         {DRAWINGS} drawings, each with {PEOPLE} named people, who come one after the other: what all of them receive for \
         each who comes, and resident memory of the server for each, {} s later. Then the first load of a drawing of \
         {STROKES} strokes, until the page has all of them and has joined: the median of {LOADS}, and the bytes of \
         the strokes as sent.\n\n\
         | | bytes while one comes | memory of an idle page, KiB | first load, ms | bytes of it, KiB |\n\
         |---|---|---|---|---|\n",
        SETTLE.as_secs()
    );
    for contender in named(&CONTENDERS, only) {
        let costs = measure(contender).await?;
        writeln!(
            text,
            "| {contender} | {:.0} | {:.1} | {:.0} | {:.0} |",
            costs.arrival,
            costs.memory / 1024.0,
            costs.load,
            costs.bytes / 1024.0,
        )
        .expect("writing to a string does not fail");
    }
    text.push('\n');
    Ok(text)
}

async fn measure(contender: Contender) -> Result<Costs, String> {
    let server = contender.start();
    let mut pages = Pages::default();
    // What the first page of a process needs is not a page's.
    let first = create_drawings(&server, 1).await;
    pages.come(&server, &first).await?;
    sleep(SETTLE).await;
    let (memory, received) = (server.memory_bytes(), pages.received());
    let drawings = create_drawings(&server, DRAWINGS).await;
    pages.come(&server, &drawings).await?;
    sleep(SETTLE).await;
    let count = (DRAWINGS * PEOPLE) as f64;
    let memory = (server.memory_bytes() - memory) / count;
    let arrival = (pages.received() - received) as f64 / count;
    drop(pages);
    let drawing = create_drawings(&server, 1).await;
    sweeps::fill(&server, &drawing, STROKES).await?;
    let mut loads = Vec::new();
    for _ in 0..LOADS {
        loads.push(load(&server, &drawing[0]).await?);
    }
    Ok(Costs {
        memory,
        arrival,
        load: median(&loads, |load| load.0),
        bytes: median(&loads, |load| load.1),
    })
}

/// Milliseconds and bytes of one first load.
async fn load(server: &Server, drawing: &str) -> Result<(f64, f64), String> {
    // A browser is there before the page is: making a client reads the certificates of the machine.
    let http = reqwest::Client::builder().gzip(false).build();
    let http = http.map_err(|error| error.to_string())?;
    let began = Instant::now();
    let bytes = match server.kind {
        Kind::SocketIo => {
            let opened = socketio::open(server, drawing, "Page", 0).await;
            let (_socket, bytes) = opened.map_err(|error| error.to_string())?;
            bytes
        }
        _ => {
            let bytes = first_answer(&http, server, drawing).await;
            let bytes = bytes.map_err(|error| error.to_string())?;
            let _socket = wire::open(server, drawing, "Page", STROKES).await?;
            bytes
        }
    };
    Ok((began.elapsed().as_secs_f64() * 1e3, bytes as f64))
}

/// Reads all strokes of a drawing of the whiteboard, compressed as for a browser; returns their bytes.
async fn first_answer(
    http: &reqwest::Client,
    server: &Server,
    drawing: &str,
) -> reqwest::Result<usize> {
    let address = server.next_address();
    let url = format!("http://{address}/api/drawings/{drawing}/strokes?since=0");
    let request = http.get(url).header("Accept-Encoding", "gzip");
    Ok(request
        .send()
        .await?
        .error_for_status()?
        .bytes()
        .await?
        .len())
}

/// Open pages that count what they receive; dropping them closes all.
#[derive(Default)]
struct Pages {
    received: Arc<AtomicUsize>,
    open: JoinSet<()>,
}

impl Pages {
    fn received(&self) -> usize {
        self.received.load(Relaxed)
    }

    async fn come(&mut self, server: &Server, drawings: &[String]) -> Result<(), String> {
        for drawing in drawings {
            for page in 0..PEOPLE {
                let socket = wire::open(server, drawing, &format!("Page {page}"), 0).await?;
                self.open.spawn(count(socket, Arc::clone(&self.received)));
            }
        }
        Ok(())
    }
}

async fn count(mut socket: Socket, received: Arc<AtomicUsize>) {
    while let Some(Ok(message)) = socket.next().await {
        received.fetch_add(wire::frame_bytes(message.len()), Relaxed);
        let answer = message.to_text().ok().and_then(socketio::answer);
        if let Some(Answer::Reply(reply)) = answer
            && socket.send(reply).await.is_err()
        {
            return;
        }
    }
}
