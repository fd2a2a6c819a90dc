//! One page's reading: which strokes arrived, and when.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use support::socket::Socket;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::{Ledger, Tally};
use crate::frames::{self, Reader};
use crate::peers::{socketio, wire, yjs};
use crate::server::Kind;

/// What a server says to a page, beside strokes.
pub enum Answer {
    /// All up to this one are stored.
    Done(u64),
    /// Those from this one on have to be sent again.
    Again { from: u64, after: Duration },
    /// This has to be sent, which is no stroke.
    Reply(Message),
}

/// What a page has seen so far.
pub struct ChunkReader {
    pub ledger: Arc<Ledger>,
    pub order: Reader,
    pub on_drawing: Range<usize>,
    pub own: Range<usize>,
    /// A bit for each stroke of the drawing.
    pub seen: Vec<u64>,
    /// Those of one frame.
    pub strokes: Vec<usize>,
    pub tally: Tally,
    pub answers: Option<mpsc::UnboundedSender<Answer>>,
}

impl ChunkReader {
    /// Reads until stopped. It has the sink of a watcher, for what the server asks for.
    pub async fn run(
        mut self,
        mut stream: SplitStream<Socket>,
        mut sink: Option<SplitSink<Socket, Message>>,
        mut stop: watch::Receiver<bool>,
    ) -> Tally {
        loop {
            let message = tokio::select! {
                biased;
                message = stream.next() => message,
                _ = stop.changed() => return self.tally,
            };
            let read = match message {
                Some(Ok(Message::Close(frame))) => Err(format!("closed: {frame:?}")),
                Some(Ok(message)) => self.read(&message),
                Some(Err(error)) => Err(error.to_string()),
                None => Err("the socket ended".into()),
            };
            let answered = match (read, &mut sink) {
                (Ok(Some(Answer::Reply(reply))), Some(sink)) => {
                    sink.send(reply).await.map_err(|error| error.to_string())
                }
                (Ok(Some(answer)), _) => {
                    self.tell(answer);
                    Ok(())
                }
                (read, _) => read.map(drop),
            };
            if let Err(reason) = answered {
                self.ledger.fail(|| reason);
                return self.tally;
            }
        }
    }

    fn read(&mut self, message: &Message) -> Result<Option<Answer>, String> {
        let now = Instant::now();
        let kind = self.ledger.wire.kind;
        let delivered = match message {
            Message::Text(text) => {
                let answer = match kind {
                    Kind::SocketIo => socketio::answer(text),
                    kind if kind.orders() && self.answers.is_some() => answer(text)?,
                    _ => None,
                };
                if let Some(Answer::Done(n)) = answer {
                    self.done(n, now);
                }
                if answer.is_some() {
                    return Ok(answer);
                }
                self.read_strokes(text, now)?
            }
            Message::Binary(update) => match yjs::stroke_in(self.ledger.wire.run, update) {
                Some(stroke) => self.take(stroke, now)?,
                None => 0,
            },
            _ => return Ok(None),
        };
        if delivered > 0 {
            self.ledger.delivered.fetch_add(delivered, Relaxed);
        }
        if !self.tally.latency.is_empty() {
            self.tally.bytes += wire::frame_bytes(message.len());
        }
        Ok(None)
    }

    /// Strokes up to the `n`th one of its drawer are stored.
    fn done(&mut self, n: u64, now: Instant) {
        for number in self.tally.done.len()..n as usize {
            let stroke = self.own.start + number;
            let micros = self.ledger.micros_since_sent(stroke, now);
            self.tally.done.push(micros);
            self.ledger.answered.fetch_add(1, Relaxed);
        }
    }

    fn tell(&self, answer: Answer) {
        if let Some(answers) = &self.answers {
            let _ = answers.send(answer);
        }
    }

    fn read_strokes(&mut self, text: &str, now: Instant) -> Result<usize, String> {
        let (kind, run) = (self.ledger.wire.kind, self.ledger.wire.run);
        let mut strokes = std::mem::take(&mut self.strokes);
        strokes.clear();
        self.order.read(kind, run, text, |stroke| {
            strokes.push(stroke);
            Ok(())
        })?;
        let mut delivered = 0;
        for stroke in &strokes {
            delivered += self.take(*stroke, now)?;
        }
        self.strokes = strokes;
        Ok(delivered)
    }

    /// Takes a stroke in; returns the number of deliveries that it is.
    fn take(&mut self, stroke: usize, now: Instant) -> Result<usize, String> {
        if !self.on_drawing.contains(&stroke) {
            return Err("a stroke of another drawing".into());
        }
        let bit = stroke - self.on_drawing.start;
        let word = &mut self.seen[bit / 64];
        if *word & 1 << (bit % 64) != 0 {
            return Err("a stroke came twice".into());
        }
        *word |= 1 << (bit % 64);
        if self.own.contains(&stroke) {
            return Ok(0);
        }
        if self.ledger.is_measured(stroke) {
            let micros = self.ledger.micros_since_sent(stroke, now);
            self.tally.latency.push(micros);
        }
        Ok(1)
    }
}

fn answer(text: &str) -> Result<Option<Answer>, String> {
    let kind = frames::kind_of(text);
    if !matches!(kind, "done" | "refused" | "resend") {
        return Ok(None);
    }
    let frame: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let n = frame["n"].as_u64().ok_or("an answer without n")?;
    match kind {
        "done" => Ok(Some(Answer::Done(n))),
        "resend" => Ok(Some(Answer::Again {
            from: n,
            after: Duration::ZERO,
        })),
        _ if frame["reason"] == "load" => Ok(Some(Answer::Again {
            from: n,
            after: Duration::from_millis(frame["retry_ms"].as_u64().unwrap_or(100)),
        })),
        _ => Err(format!("a stroke was refused: {text}")),
    }
}
