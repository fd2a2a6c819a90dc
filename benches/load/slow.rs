//! What browsers that stop reading cost the server in memory, while large strokes are drawn.
//!
//! Each load is drawn twice: while those browsers read, and while they do not. One that
//! always reads has to see everything in both.

use std::future::ready;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::crowd::open_page;
use crate::frames;
use crate::server::{Kind, Server};

/// Browsers that stop reading.
const SLOW: [usize; 2] = [1, 50];
/// Strokes that are drawn, of so many bytes each, so many in a frame. So many are always on
/// their way that appends are as large as they can be, and with them the frames that tell of them.
const STROKES: usize = 800;
const BYTES: usize = 60 * 1024;
const IN_A_FRAME: usize = 4;
const UNANSWERED: usize = 60;
/// What a browser that does not read holds in its own system: little, so that the server feels it.
const RECEIVE_BUFFER: usize = 32 * 1024;
/// How long drawing may take. Browsers that do not read are given up after 30 s.
const LIMIT: Duration = Duration::from_secs(60);
/// How long memory may take to settle.
const SETTLE: Duration = Duration::from_secs(1);

/// Prints memory with browsers that read, and with as many that do not.
pub async fn run() -> Result<(), String> {
    println!(
        "\nslow: MiB of memory that drawing {STROKES} strokes of {} KiB adds, at its end and at most",
        BYTES / 1024
    );
    for count in SLOW {
        let reading = grown(count, true).await?;
        let slow = grown(count, false).await?;
        println!(
            "{count:>3} browsers: reading {:.0} and {:.0}, not reading {:.0} and {:.0}: \
             {:.2} MiB for each that does not read",
            reading.0,
            reading.1,
            slow.0,
            slow.1,
            (slow.0 - reading.0) / count as f64
        );
    }
    Ok(())
}

/// MiB that the server grew by, and had grown by at most.
async fn grown(count: usize, reading: bool) -> Result<(f64, f64), String> {
    let server = Server::start(Kind::Whiteboard)?;
    let drawing = server.create_drawing(&reqwest::Client::new()).await?;
    let mut drawer = open_page(&server, &drawing, Some("Drawer")).await?;
    let mut others = Vec::new();
    for _ in 0..count {
        let mut page = open_page(&server, &drawing, None).await?;
        if reading {
            let reads = async move { while let Some(Ok(_)) = page.next().await {} };
            others.push(Err(tokio::spawn(reads)));
        } else {
            let socket = socket2::SockRef::from(page.get_ref());
            let small = socket.set_recv_buffer_size(RECEIVE_BUFFER);
            small.map_err(|error| error.to_string())?;
            others.push(Ok(page));
        }
    }
    sleep(SETTLE).await;
    let before = server.memory_bytes();
    let drawn = timeout(LIMIT, draw(&mut drawer)).await;
    drawn.map_err(|_| "drawing took too long")??;
    sleep(SETTLE).await;
    let mib = |bytes: f64| (bytes - before) / 1024.0 / 1024.0;
    Ok((mib(server.memory_bytes()), mib(server.peak_bytes())))
}

/// Draws all strokes, and reads until it has seen and saved them all.
async fn draw(
    drawer: &mut tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>,
) -> Result<(), String> {
    let body = format!(
        r##"{{"tool":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3,"note":"{}"}}"##,
        "x".repeat(BYTES)
    );
    let (mut sent, mut seen, mut done) = (0, 0, 0);
    while seen < STROKES as u64 || done < STROKES {
        tokio::select! {
            message = drawer.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    if let Some((_, to)) = frames::span(&text) {
                        seen = to;
                    }
                    match frames::kind_of(&text) {
                        "done" => {
                            let frame: serde_json::Value =
                                serde_json::from_str(&text).map_err(|error| error.to_string())?;
                            done = frame["n"].as_u64().unwrap_or_default() as usize;
                        }
                        "refused" | "reset" | "resend" => return Err(text.to_string()),
                        "read" => return Err("the one who draws was not reading".into()),
                        _ => {}
                    }
                }
                Some(Ok(_)) => {}
                other => return Err(format!("the drawer's socket ended: {other:?}")),
            },
            () = ready(()), if sent < STROKES.min(done + UNANSWERED) => {
                let ops: Vec<String> = (sent + 1..=sent + IN_A_FRAME)
                    .map(|n| {
                        let stroke = Uuid::new_v4().simple();
                        format!(r#"{{"n":{n},"op":"draw","stroke":"{stroke}","body":{body}}}"#)
                    })
                    .collect();
                let frame = format!(r#"{{"type":"ops","ops":[{}]}}"#, ops.join(","));
                drawer.send(Message::text(frame)).await.map_err(|error| error.to_string())?;
                sent += IN_A_FRAME;
            }
        }
    }
    Ok(())
}
