//! One page's drawing: strokes when they are due.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use support::socket::Socket;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::reader::Answer;
use super::{Ledger, Tally};

/// A page that draws.
pub struct Drawer {
    pub ledger: Arc<Ledger>,
    pub own: Range<usize>,
    /// Its id, where a client chooses it.
    pub client: u32,
    pub sink: SplitSink<Socket, Message>,
    pub answers: mpsc::UnboundedReceiver<Answer>,
}

impl Drawer {
    pub async fn run(mut self, mut begin: watch::Receiver<Option<Instant>>) -> Tally {
        let load = self.ledger.load;
        let begin = loop {
            if let Some(begin) = *begin.borrow_and_update() {
                break begin;
            }
            tokio::select! {
                changed = begin.changed() => if changed.is_err() { return Tally::default() },
                answer = self.answers.recv() => {
                    if !self.replied(answer).await {
                        return Tally::default();
                    }
                }
            }
        };
        let period = Duration::from_secs_f64(1.0 / load.rate);
        // Drawers are staggered, so that no two end a stroke at the same time.
        let drawers = (load.drawings * load.drawers) as u32;
        let turn = (self.own.start / load.each()) as u32;
        let due = |n: u64| begin + period * turn / drawers + period.mul_f64((n - 1) as f64);
        let last = self.own.len() as u64;
        // Ops are numbered from 1: `drawn` is the last one made, `next` the one to send.
        let (mut drawn, mut next) = (0, 1);
        let mut pause: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                answer = self.answers.recv() => match answer {
                    Some(Answer::Again { from, after }) => {
                        next = next.min(from);
                        pause = Some(Instant::now() + after);
                    }
                    answer => if !self.replied(answer).await {
                        return Tally::default();
                    },
                },
                () = sleep_until(due(drawn + 1)), if drawn < last => {}
                () = sleep_until(pause.unwrap_or(begin)), if pause.is_some() => pause = None,
            }
            let now = Instant::now();
            while drawn < last && due(drawn + 1) <= now {
                let nanos = self.ledger.epoch.elapsed().as_nanos() as u64;
                let stroke = self.own.start + drawn as usize;
                self.ledger.sent[stroke].store(nanos, Relaxed);
                drawn += 1;
                if pause.is_none() && self.feed(&mut next, drawn).await.is_err() {
                    return Tally::default();
                }
            }
            let written = pause.is_some() || self.feed(&mut next, drawn).await.is_ok();
            if !written || self.sink.flush().await.is_err() {
                return Tally::default();
            }
        }
    }

    async fn feed(&mut self, next: &mut u64, drawn: u64) -> Result<(), Error> {
        while *next <= drawn {
            let stroke = self.own.start + (*next - 1) as usize;
            let message = self.ledger.wire.draw(self.client, *next, stroke);
            self.sink.feed(message).await?;
            *next += 1;
        }
        Ok(())
    }

    /// Replies to the server if this is for it; false if the page has ended.
    async fn replied(&mut self, answer: Option<Answer>) -> bool {
        match answer {
            Some(Answer::Reply(reply)) => self.sink.send(reply).await.is_ok(),
            answer => answer.is_some(),
        }
    }
}
