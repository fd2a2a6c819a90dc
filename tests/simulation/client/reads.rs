//! What a page reads over HTTP.
//!
//! It must never take a chunk of an epoch that ended.

use serde_json::json;
use whiteboard::feed::chunks::ReadChunk;

use crate::client::replica::{changes_of, written};
use crate::client::{ANSWER_WITHIN, ClientState};
use crate::server::ServerEvent;
use crate::world::World;

impl World {
    /// Reads over HTTP what comes after the position that is held.
    pub fn load(&mut self, client: usize) {
        let server = self.some_server(client);
        let it = &mut self.clients[client];
        it.reads += 1;
        it.read_for = it.replica.epoch;
        let read = ServerEvent::Read {
            client,
            page: it.page,
            token: it.reads,
            since: it.replica.head,
            epoch: it.replica.epoch,
            target: it.target,
        };
        let wait = self.millis(0..=10);
        self.later(server, wait, read);
        if !self.clients[client].is_reading {
            self.set_client_timer(client, ANSWER_WITHIN);
        }
    }

    pub fn client_reads(&mut self, client: usize, token: u64, chunk: Option<Box<ReadChunk>>) {
        let it = &mut self.clients[client];
        if it.reads != token || !(it.is_reading || it.state == ClientState::Loading) {
            return;
        }
        let Some(chunk) = chunk else {
            it.failures += 1;
            if it.is_reading {
                // The page waits before it tries again.
                self.spoil_record(client);
                return self.load(client);
            }
            let wait = self.backoff(client);
            return self.set_client_timer(client, wait);
        };
        let held = (it.replica.head, it.replica.epoch);
        let changes = changes_of(&chunk);
        self.record(client, || json!({"since": held.0, "epoch": held.1}));
        self.record(client, || written(&chunk, &changes));
        let it = &mut self.clients[client];
        it.failures = 0;
        // The socket began another epoch meanwhile: this may be of the one that ended.
        if it.replica.epoch != it.read_for {
            it.target = None;
            return self.load(client);
        }
        it.target = chunk.target;
        if chunk.reset {
            self.coverage.count("resets over HTTP");
            it.replica.reset(chunk.epoch);
        }
        it.replica.epoch = Some(chunk.epoch);
        self.check_changes(client, chunk.epoch, &changes);
        self.clients[client]
            .replica
            .take(chunk.from, chunk.head, changes);
        if chunk.more {
            self.coverage.count("chunks with more");
            return self.load(client);
        }
        let it = &mut self.clients[client];
        it.target = None;
        if it.is_reading {
            it.is_reading = false;
            it.asked_at = None;
            self.ask_since(client);
            return;
        }
        it.is_loaded = true;
        self.connect(client);
    }
}
