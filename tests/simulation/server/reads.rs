//! Reads over HTTP that wait for their answer.
//!
//! It must never leave one without an answer once its feed is gone.

use tokio::sync::oneshot;
use whiteboard::feed::chunks::ReadChunk;
use whiteboard::feed::error::FeedError;

use crate::client::ClientEvent;
use crate::world::{Event, World};

/// A read over HTTP that waits for its answer.
pub(super) struct PendingRead {
    pub(super) client: usize,
    pub(super) page: u64,
    pub(super) token: u64,
    pub(super) answer: oneshot::Receiver<Result<ReadChunk, FeedError>>,
}

impl World {
    /// Answers the reads over HTTP that have their answer.
    pub fn answer_reads(&mut self, server: usize) {
        if self.servers[server].reads.is_empty() {
            return;
        }
        let mut answers = Vec::new();
        self.servers[server].reads.retain_mut(|read| {
            let answer = match read.answer.try_recv() {
                Ok(answer) => answer.ok(),
                Err(oneshot::error::TryRecvError::Empty) => return true,
                Err(oneshot::error::TryRecvError::Closed) => None,
            };
            answers.push((read.client, read.page, read.token, answer));
            false
        });
        for (client, page, token, answer) in answers {
            self.answer_read(client, page, token, answer);
        }
    }

    pub fn answer_read(&mut self, client: usize, page: u64, token: u64, chunk: Option<ReadChunk>) {
        let wait = self.millis(0..=10);
        let event = ClientEvent::Read {
            token,
            chunk: chunk.map(Box::new),
        };
        self.after(
            wait,
            Event::Client {
                client,
                page,
                event,
            },
        );
    }
}
