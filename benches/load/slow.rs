//! What clients that stop reading cost the server in memory, and others in time, while large
//! strokes are drawn.
//!
//! Each load is drawn twice: while those clients read, and while they do not. One that always reads
//! must receive everything in both. Then one client edits a drawing that no other reads any more
//! and, in turn, one where all read.

use std::future::ready;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use support::http::metric;
use support::socket::Socket;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use whiteboard::domain::ids::StrokeId;

use crate::crowd::open_client;
use crate::frames;
use crate::percentile;
use crate::server::{Kind, Server};

/// Number of clients that stop reading.
const SLOW: [usize; 2] = [1, 50];
/// Number of strokes, the bytes of each, and strokes per frame. Enough are in flight that appends,
/// and the frames for them, are as large as possible.
const STROKES: usize = 800;
const BYTES: usize = 60 * 1024;
const IN_A_FRAME: usize = 4;
const UNANSWERED: usize = 60;
/// Receive buffer of a client that does not read: small, so that the server has to buffer.
const RECEIVE_BUFFER: usize = 32 * 1024;
/// Deadline of drawing. Slow clients are evicted after 30 s.
const LIMIT: Duration = Duration::from_secs(60);
/// How long memory may take to settle.
const SETTLE: Duration = Duration::from_secs(1);
/// Edits in each of two drawings, one of which has slow clients, and the bound of the median ratio
/// of two consecutive edits.
const EDITS: usize = 200;
const RATIO: f64 = 2.0;
/// Most edits until all slow clients are behind, and the edits between two checks.
const MOST_EDITS: usize = 2_000;
const BETWEEN_LOOKS: usize = 20;
/// How often a server skipped a slow client: once until it reads again.
const SKIPPED: &str = "whiteboard_frames_skipped_total{kind=\"strokes\"} ";

/// Prints memory with clients that read, and with as many that do not.
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
    for count in SLOW {
        slower(count).await?;
    }
    Ok(())
}

/// Measures edits beside this many slow clients, and edits elsewhere between them.
async fn slower(count: usize) -> Result<(), String> {
    let server = Server::start(Kind::Whiteboard);
    let [mut here, mut elsewhere] = [Editor::open(&server).await?, Editor::open(&server).await?];
    let mut pages = Vec::new();
    for editor in [&here, &elsewhere] {
        for _ in 0..count {
            pages.push(open_client(&server, &editor.drawing, None).await?);
        }
    }
    let read = pages.split_off(count);
    for mut page in read {
        tokio::spawn(async move { while let Some(Ok(_)) = page.next().await {} });
    }
    for page in &pages {
        let socket = socket2::SockRef::from(page.get_ref());
        let small = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        small.map_err(|error| error.to_string())?;
    }
    let mut behind = 0;
    while behind < count {
        if here.edits > MOST_EDITS {
            return Err(format!("only {behind} of {count} browsers are behind"));
        }
        for _ in 0..BETWEEN_LOOKS {
            here.edit().await?;
        }
        behind = skipped(&server).await;
    }
    let (mut ratios, mut times) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..EDITS {
        let beside = here.edit().await?;
        let alone = elsewhere.edit().await?;
        ratios.push(beside.as_secs_f64() / alone.as_secs_f64());
        times[0].push(beside.as_micros() as u32);
        times[1].push(alone.as_micros() as u32);
    }
    if skipped(&server).await != count {
        return Err("a browser that does not read was told something".into());
    }
    ratios.sort_unstable_by(f64::total_cmp);
    times.iter_mut().for_each(|times| times.sort_unstable());
    let ratio = ratios[EDITS / 2];
    let [beside, alone] = times.map(|times| [0.5, 0.99].map(|share| percentile(&times, share)));
    println!(
        "{count:>3} browsers that do not read: an edit takes {:.2} ms (p99 {:.2}), where all read {:.2} (p99 {:.2}): \
         {ratio:.2} times as long",
        beside[0], beside[1], alone[0], alone[1]
    );
    match ratio <= RATIO {
        true => Ok(()),
        false => Err(format!("an edit takes {ratio:.2} times as long")),
    }
}

async fn skipped(server: &Server) -> usize {
    metric(server.address, SKIPPED).await as usize
}

/// A client that edits one large stroke repeatedly.
struct Editor {
    page: Socket,
    drawing: String,
    stroke: String,
    edits: usize,
}

impl Editor {
    async fn open(server: &Server) -> Result<Self, String> {
        let drawing = server.create_drawing().await;
        let mut editor = Self {
            page: open_client(server, &drawing, Some("Editor")).await?,
            drawing,
            stroke: StrokeId::random().to_string(),
            edits: 0,
        };
        let (stroke, body) = (&editor.stroke, frames::body());
        let draw = format!(r#""op":"draw","stroke":"{stroke}","body":{body}"#);
        editor.tell(&draw).await?;
        Ok(editor)
    }

    /// Edits once; returns the time until it has the change and its acknowledgement.
    async fn edit(&mut self) -> Result<Duration, String> {
        let (stroke, note) = (&self.stroke, "x".repeat(BYTES - self.edits % 2));
        let edit = format!(r#""op":"edit","stroke":"{stroke}","set":{{"note":"{note}"}}"#);
        let began = Instant::now();
        self.tell(&edit).await?;
        Ok(began.elapsed())
    }

    async fn tell(&mut self, op: &str) -> Result<(), String> {
        self.edits += 1;
        let n = self.edits;
        let frame = format!(r#"{{"type":"ops","ops":[{{"n":{n},{op}}}]}}"#);
        let sent = self.page.send(Message::text(frame)).await;
        sent.map_err(|error| error.to_string())?;
        let (answer, mut seen, mut done) = (format!(r#"{{"type":"done","n":{n}}}"#), false, false);
        while !(seen && done) {
            match timeout(LIMIT, self.page.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => match frames::kind_of(&text) {
                    "refused" | "reset" | "resend" | "read" => return Err(text.to_string()),
                    _ => {
                        seen |= frames::span(&text).is_some_and(|(_, to)| to >= n as u64);
                        done |= text.as_str() == answer;
                    }
                },
                Ok(Some(Ok(_))) => {}
                other => return Err(format!("the editor's socket ended: {other:?}")),
            }
        }
        Ok(())
    }
}

/// Final and peak growth of the server's memory, in MiB.
async fn grown(count: usize, reading: bool) -> Result<(f64, f64), String> {
    let server = Server::start(Kind::Whiteboard);
    let drawing = server.create_drawing().await;
    let mut drawer = open_client(&server, &drawing, Some("Drawer")).await?;
    let mut others = Vec::new();
    for _ in 0..count {
        let mut page = open_client(&server, &drawing, None).await?;
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

/// Draws all strokes, and reads until all have arrived and are acknowledged.
async fn draw(drawer: &mut Socket) -> Result<(), String> {
    let body = format!(
        r##"{{"kind":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3,"note":"{}"}}"##,
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
                        let stroke = StrokeId::random();
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
