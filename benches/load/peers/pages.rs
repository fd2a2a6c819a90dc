//! What a page costs that draws nothing: while many come, and while it is idle.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use support::socket::Socket;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::contender::Contender;
use super::{named, socketio, wire};
use crate::create_drawings;
use crate::crowd::Answer;
use crate::server::Server;

/// The servers that are compared.
const CONTENDERS: [Contender; 2] = [Contender::SocketIo(1), Contender::Embedded];
/// Drawings, and people in each, who come one after the other.
const DRAWINGS: usize = 100;
const PEOPLE: usize = 20;
/// After this time everyone has heard of all who came.
const SETTLE: Duration = Duration::from_secs(5);

/// Figures of one server.
struct Costs {
    /// Resident memory for each idle page, in bytes.
    memory: f64,
    /// Bytes that all pages received for each page that came.
    arrival: f64,
}

/// Measures all with one of these in their names, and returns the table.
pub async fn markdown(only: &str) -> Result<String, String> {
    let mut text = format!(
        "### Pages that only watch\n\n\
         {DRAWINGS} drawings, each with {PEOPLE} named people, who come one after the other: what all of them receive for \
         each who comes, and resident memory of the server for each, {} s later.\n\n\
         | | bytes while one comes | memory of an idle page, KiB |\n|---|---|---|\n",
        SETTLE.as_secs()
    );
    for contender in named(&CONTENDERS, only) {
        let costs = measure(contender).await?;
        writeln!(
            text,
            "| {contender} | {:.0} | {:.1} |",
            costs.arrival,
            costs.memory / 1024.0,
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
    Ok(Costs { memory, arrival })
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
