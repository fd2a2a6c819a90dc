//! What a page does with what its server sends.
//!
//! It must never judge a change by anything but its position.

use std::time::Duration;

use serde_json::json;
use whiteboard::domain::colour::Colour;
use whiteboard::domain::ids::StrokeId;
use whiteboard::domain::sequence::{Arrival, Seq};
use whiteboard::protocol::Hello;

use crate::client::{ClientEvent, ClientState, PING_AFTER};
use crate::outbox::Refusal;
use crate::socket::{Down, Up};
use crate::wire::Frame;
use crate::world::World;

/// How long a page waits before the same question is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(3);

/// Pongs that tell of a later head before a page asks for what it lacks.
const PONGS_BEHIND: u32 = 2;

impl World {
    pub fn client_hears(&mut self, client: usize, message: Down) {
        let it = &mut self.clients[client];
        match message {
            Down::Opened => {
                it.state = ClientState::Greeting;
                it.asked_at = None;
                it.pongs_behind = 0;
                it.people.opened();
                it.has_pinged = false;
                let writer = it.writer;
                let hello = Hello {
                    writer,
                    seen_as: (!it.adopts).then(|| (it.name(), Colour([0, 0, 0]))),
                    next: it.outbox.first(),
                    token: None,
                };
                self.forget_end(writer.id);
                self.record(client, || json!({"hello": hello.next}));
                self.send(client, Up::Hello(hello));
                self.set_client_timer(client, PING_AFTER);
            }
            Down::Frame(text) => {
                it.failures = 0;
                it.has_pinged = false;
                self.set_client_timer(client, PING_AFTER);
                self.record_frame(client, &text);
                let frame = serde_json::from_str(&text).expect("a frame");
                self.client_frame(client, frame);
            }
            Down::Closed(reason) => {
                let reason = reason.unwrap_or_default();
                self.note(|| format!("client {client}: closed {reason:?}"));
                if reason.starts_with("final: ") {
                    self.lose_socket(client, Some(Duration::from_millis(700)));
                    self.clients[client].state = match reason.contains("shared") {
                        true => self.access_ended(client),
                        false => ClientState::Ended,
                    };
                    self.spoil_record(client);
                    return;
                }
                let after = reason
                    .strip_prefix("again in ")
                    .and_then(|rest| rest.split(' ').next()?.parse().ok());
                self.lose_socket(client, after.map(Duration::from_millis));
            }
        }
    }

    pub fn client_frame(&mut self, client: usize, frame: Frame) {
        let it = &mut self.clients[client];
        let writer = it.writer.id;
        match frame.kind.as_str() {
            "welcome" => {
                it.state = ClientState::Open;
                self.client_done(client, frame.done.unwrap_or(0));
                self.clients[client].outbox.opened();
                self.pump(client);
                self.adoption_ends(client);
            }
            "done" => {
                self.client_done(client, frame.n.unwrap_or(0));
                self.pump(client);
                self.adoption_ends(client);
            }
            "refused" => {
                let n = frame.n.unwrap_or(0);
                let is_load = frame.reason.as_deref() == Some("load");
                let other = StrokeId(self.uuid());
                match self.clients[client].outbox.refused(n, is_load, other) {
                    Refusal::Pause => {
                        let wait = Duration::from_millis(frame.retry_ms.unwrap_or(500));
                        self.client_later(client, wait, ClientEvent::Resumes);
                    }
                    Refusal::Final => {
                        self.coverage.count("refusals");
                        let reason = frame.reason.unwrap_or_default();
                        self.note(|| format!("client {client}: op {n} is refused, {reason}"));
                        self.check_refused(writer, n);
                        self.pump(client);
                        self.adoption_ends(client);
                    }
                    Refusal::Unknown => {}
                }
            }
            "resend" => {
                it.outbox.resend(frame.n.unwrap_or(0));
                self.pump(client);
            }
            _ if it.adopts => {}
            "strokes" => {
                let (from, head) = (frame.from.unwrap_or(0), frame.head.unwrap_or(0));
                let changes = frame.changes.unwrap_or_default();
                if let Some(epoch) = it.replica.epoch {
                    self.check_changes(client, epoch, &changes);
                }
                match self.clients[client].replica.take(from, head, changes) {
                    // A server leaves nothing out, but what the page said and a reset may cross.
                    Arrival::Gap => {
                        self.coverage.count("gaps at a client");
                        self.ask_since(client);
                    }
                    Arrival::Stale => self.coverage.count("stale frames"),
                    Arrival::Next => {}
                }
            }
            "reset" => {
                if let Some(epoch) = frame.epoch {
                    self.coverage.count("resets");
                    let reason = frame.reason.unwrap_or_default();
                    self.note(|| format!("client {client}: starts over, {reason}"));
                    self.check_reset(client, epoch, &reason);
                    self.clients[client].replica.reset(epoch);
                }
            }
            "read" => {
                self.coverage.count("reads instead of frames");
                if !it.is_reading {
                    it.is_reading = true;
                    it.target = None;
                    self.load(client);
                }
            }
            "pong" => self.client_pong(client, frame.head.unwrap_or(0)),
            "people" => self.client_people(client, frame),
            "signals" => self.check_signals(frame),
            _ => {}
        }
    }

    pub fn client_done(&mut self, client: usize, n: u64) {
        let now = self.now;
        let writer = self.clients[client].writer.id;
        for n in self.clients[client].outbox.done(n, now) {
            self.note(|| format!("client {client}: op {n} is done"));
            self.check_removed(writer, n);
        }
    }

    pub fn client_pong(&mut self, client: usize, head: Seq) {
        let it = &mut self.clients[client];
        if head <= it.replica.head {
            it.pongs_behind = 0;
            return;
        }
        it.pongs_behind += 1;
        if it.pongs_behind >= PONGS_BEHIND {
            self.ask_since(client);
        }
    }

    pub fn ask_since(&mut self, client: usize) {
        let now = self.now;
        let it = &mut self.clients[client];
        let asked = it.asked_at.is_some_and(|at| now < at + ASK_AGAIN);
        let Some(epoch) = it.replica.epoch.filter(|_| !it.is_reading && !asked) else {
            return;
        };
        it.asked_at = Some(now);
        let since = it.replica.head;
        self.send(client, Up::Since { since, epoch });
    }

    pub fn pump(&mut self, client: usize) {
        for frame in 0.. {
            let ops = self.clients[client].outbox.take_frame();
            if ops.is_empty() {
                return;
            }
            if frame == 1 {
                self.coverage.count("ops sent in several frames");
            }
            let numbers: Vec<u64> = ops.iter().map(|op| op.n).collect();
            self.note(|| format!("client {client}: sends {numbers:?}"));
            self.record(client, || json!({"sends": numbers}));
            self.send(client, Up::Ops(ops));
        }
    }

    /// The outbox of a crashed page is sent: nothing is left to do for it.
    pub fn adoption_ends(&mut self, client: usize) {
        let it = &mut self.clients[client];
        if it.adopts && it.outbox.count() == 0 {
            self.coverage.count("outboxes adopted");
            self.send(client, Up::Closed);
            let it = &mut self.clients[client];
            it.state = ClientState::Gone;
            it.socket = None;
            it.page += 1;
        }
    }
}
