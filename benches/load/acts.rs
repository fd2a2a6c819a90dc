//! Acts on many strokes: how long a server with its default limits takes until all of one is saved.
//!
//! *µs/op* is the CPU time of the server for each op, beside the strokes of the third one.
//!
//! A person imports strokes, moves all of them, moves them back, clears the drawing and brings them
//! back, while another one watches and a third one draws one stroke after the other. As a page does,
//! the person sends all ops at once, and what was refused for load again when the server says so.

use std::fmt::Write;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use support::socket::Socket;
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::crowd::{open_client, open_writer};
use crate::frames;
use crate::percentile;
use crate::server::Server;

/// Strokes that are imported, and those that are moved and cleared.
const IMPORTED: usize = 5_000;
const MOVED: usize = 10_000;
/// Ops in one frame, as a page sends them, and the bytes at which a frame ends.
const IN_A_FRAME: usize = 500;
const FRAME_BYTES: usize = 200 * 1024;
/// The bounds: an import, and any other act.
const IMPORT_LIMIT: Duration = Duration::from_secs(5);
const ACT_LIMIT: Duration = Duration::from_secs(2);
/// Pause after an act, in which the rate of ops fills up again.
const REST: Duration = Duration::from_secs(10);
/// Deadline of one act.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs all acts, and fails if one takes longer than its bound.
pub async fn run() -> Result<(), String> {
    let server = Server::start_limited(&[]);
    println!("\nacts: seconds until all of it is saved, with the default limits");
    println!(
        "                    strokes  seconds  bound  loads  µs/op  p50 and max ms of another's strokes"
    );
    let mut late = Vec::new();
    for (count, bound) in [(IMPORTED, IMPORT_LIMIT), (MOVED, 2 * IMPORT_LIMIT)] {
        let drawing = server.create_drawing().await;
        let watching = watch(open_client(&server, &drawing, None).await?);
        let mut person = Person::open(&server, &drawing, count).await?;
        let other = tokio::spawn(draw_alone(open_client(&server, &drawing, None).await?));
        let mut acts = vec![("import", Act::Draw, bound)];
        if count == MOVED {
            acts.extend([
                ("move", Act::Move(7), ACT_LIMIT),
                ("move back", Act::Move(0), ACT_LIMIT),
                ("clear", Act::Clear, ACT_LIMIT),
                ("undo the clear", Act::Restore, bound),
            ]);
        }
        for (name, act, bound) in acts {
            let cpu = server.cpu_seconds();
            let (took, loads) = person.act(act).await?;
            let cpu = (server.cpu_seconds() - cpu) * 1e6 / count as f64;
            println!(
                "{name:<18}  {count:>7}  {:>7.2}  {:>5}  {loads:>5}  {cpu:>6.0}",
                took.as_secs_f64(),
                bound.as_secs()
            );
            if took > bound {
                late.push(name);
            }
            tokio::time::sleep(REST).await;
        }
        other.abort();
        watching.abort();
    }
    match late.is_empty() {
        true => Ok(()),
        false => Err(format!("over the bound: {}", late.join(", "))),
    }
}

#[derive(Clone, Copy)]
enum Act {
    Draw,
    Move(u32),
    Clear,
    Restore,
}

struct Person {
    socket: Socket,
    writer: String,
    run: u64,
    bodies: Vec<String>,
    /// The number of the next op.
    next: u64,
    /// The number of the erasure of the first stroke.
    cleared: u64,
}

/// What a person acts on in the frames of the server.
#[derive(Deserialize)]
struct Answer {
    n: u64,
    reason: Option<String>,
    retry_ms: Option<u64>,
}

impl Person {
    async fn open(server: &Server, drawing: &str, strokes: usize) -> Result<Self, String> {
        let (socket, writer) = open_writer(server, drawing, None).await?;
        Ok(Self {
            socket,
            writer,
            run: fastrand::u64(..),
            bodies: (0..strokes).map(|_| frames::body()).collect(),
            next: 1,
            cleared: 0,
        })
    }

    /// Does an act, and returns when all of it is saved, with the number of refusals for load.
    async fn act(&mut self, act: Act) -> Result<(Duration, usize), String> {
        let first = self.next;
        let ops: Vec<String> = (0..self.bodies.len()).map(|at| self.op(act, at)).collect();
        self.next += ops.len() as u64;
        if matches!(act, Act::Clear) {
            self.cleared = first;
        }
        let began = Instant::now();
        let done = timeout(DEADLINE, self.send_all(first, &ops)).await;
        let loads = done.map_err(|_| "an act took too long".to_owned())??;
        Ok((began.elapsed(), loads))
    }

    fn op(&self, act: Act, at: usize) -> String {
        let n = self.next + at as u64;
        let stroke = frames::stroke_id(self.run, at);
        let body = &self.bodies[at];
        match act {
            Act::Draw => format!(r#"{{"n":{n},"op":"draw","stroke":"{stroke}","body":{body}}}"#),
            Act::Move(by) => format!(
                r#"{{"n":{n},"op":"edit","stroke":"{stroke}","set":{{"x":{by}.125,"y":{by}.5}},"base":{{"writer":"{}","n":{}}}}}"#,
                self.writer,
                n - self.bodies.len() as u64
            ),
            Act::Clear => format!(r#"{{"n":{n},"op":"erase","stroke":"{stroke}"}}"#),
            Act::Restore => format!(
                r#"{{"n":{n},"op":"restore","stroke":"{stroke}","body":{body},"base":{{"writer":"{}","n":{}}}}}"#,
                self.writer,
                self.cleared + at as u64
            ),
        }
    }

    /// Sends ops numbered from `first`, again when asked to, until all are done.
    async fn send_all(&mut self, first: u64, ops: &[String]) -> Result<usize, String> {
        let last = first + ops.len() as u64 - 1;
        let (mut loads, mut again) = (0, None::<(tokio::time::Instant, u64)>);
        self.send_from(first, first, ops).await?;
        loop {
            let message = match again {
                Some((at, from)) => tokio::select! {
                    message = self.socket.next() => message,
                    () = sleep_until(at) => {
                        again = None;
                        self.send_from(first, from, ops).await?;
                        continue;
                    }
                },
                None => self.socket.next().await,
            };
            let text = match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(_)) => continue,
                end => return Err(format!("the socket ended: {end:?}")),
            };
            let kind = frames::kind_of(&text);
            if !["done", "refused", "resend"].contains(&kind) {
                continue;
            }
            let answer: Answer = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            match (kind, answer) {
                ("done", Answer { n, .. }) if n >= last => return Ok(loads),
                (
                    "refused",
                    Answer {
                        n,
                        retry_ms: Some(wait),
                        ..
                    },
                ) => {
                    loads += 1;
                    let at = tokio::time::Instant::now() + Duration::from_millis(wait);
                    again = Some((at, n));
                }
                ("refused", Answer { n, reason, .. }) => {
                    return Err(format!("op {n} was refused: {reason:?}"));
                }
                ("resend", Answer { n, .. }) => self.send_from(first, n, ops).await?,
                _ => {}
            }
        }
    }

    async fn send_from(&mut self, first: u64, from: u64, ops: &[String]) -> Result<(), String> {
        let mut rest = &ops[(from - first) as usize..];
        while !rest.is_empty() {
            let (mut frame, mut count) = (String::from(r#"{"type":"ops","ops":["#), 0);
            for op in rest.iter().take(IN_A_FRAME) {
                if count > 0 && frame.len() + op.len() > FRAME_BYTES {
                    break;
                }
                let comma = if count > 0 { "," } else { "" };
                write!(frame, "{comma}{op}").expect("writing to a string does not fail");
                count += 1;
            }
            frame.push_str("]}");
            rest = &rest[count..];
            let sent = self.socket.send(Message::text(frame)).await;
            sent.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// Reads everything, as a page does.
fn watch(mut page: Socket) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move { while let Some(Ok(_)) = page.next().await {} })
}

/// Draws a stroke five times a second, and prints every ten seconds how long they took.
async fn draw_alone(mut page: Socket) {
    let run = fastrand::u64(..);
    let mut times = Vec::new();
    for n in 1.. {
        let began = Instant::now();
        let frame = frames::draw(n, frames::stroke_id(run, n as usize), &frames::body());
        if page.send(Message::text(frame)).await.is_err() {
            return;
        }
        loop {
            match page.next().await {
                Some(Ok(Message::Text(text))) if frames::kind_of(&text) == "done" => break,
                Some(Ok(_)) => {}
                _ => return,
            }
        }
        times.push(began.elapsed().as_micros() as u32);
        tokio::time::sleep(Duration::from_millis(200)).await;
        if times.len() == 40 {
            times.sort_unstable();
            println!(
                "{:>68.1} {:.1}",
                percentile(&times, 0.5),
                percentile(&times, 1.0)
            );
            times.clear();
        }
    }
}
