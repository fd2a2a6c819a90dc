//! What a feed passes on and forgets: ink, pointers, and who is here.
//!
//! Signals never wait for the database, and never make anything else wait.

use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::prelude::*;

use super::{Feed, PEOPLE_AGAIN};
use crate::domain::ids::{ServerId, SessionId};
use crate::domain::signal::{Ink, Pointer, Signals};
use crate::feed::presence::{MAX_LISTED, signal_pause};
use crate::feed::presence_dirty::PeerUpdate;
use crate::feed::subscribers::Retained;
use crate::metrics::{Dropped, Metrics};
use crate::protocol::{PageSignal, PeerMessage, ToBrowser};

/// To whom gathered signals go.
#[derive(Clone, Copy)]
enum Audience {
    Sessions,
    Servers,
}

impl Feed {
    pub(super) fn signalled(
        &mut self,
        session: SessionId,
        signal: PageSignal,
        ctx: &mut Context<Self>,
    ) {
        let Some(writer) = self
            .subscribers
            .get_mut(session)
            .and_then(|subscriber| subscriber.writer)
        else {
            return;
        };
        let writer = writer.id;
        self.metrics.signals.count();
        let mut signals = Signals::default();
        if let Some(at) = signal.pointer {
            signals.add_pointer(Pointer { writer, at });
        }
        if let Some(part) = signal.ink {
            signals.add_ink(Ink { writer, part });
        }
        self.note_activity(&mut signals);
        if self.presence.is_shared() {
            self.gather(Audience::Servers, signals.clone());
        }
        self.gather(Audience::Sessions, signals);
        self.schedule_tick(ctx);
    }

    /// Whoever does something is listed before those who do nothing, and pointers of those who are
    /// not listed are of no use.
    fn note_activity(&mut self, signals: &mut Signals) {
        let now = Instant::now();
        for ink in &signals.ink {
            self.presence_dirty.sessions |= !self.presence.acts(ink.writer, now);
        }
        signals.pointers.retain(|pointer| {
            let passes = self.presence.acts(pointer.writer, now);
            if !passes {
                self.presence_dirty.sessions = true;
                self.metrics.signals_dropped.count(Dropped::Crowd);
            }
            passes
        });
    }

    fn gather(&mut self, audience: Audience, newer: Signals) {
        let gathered = match audience {
            Audience::Sessions => &mut self.for_sessions,
            Audience::Servers => &mut self.for_peers,
        };
        gather(gathered, newer, self.settings.ink_points, &self.metrics);
    }

    pub(super) fn people_changed(&mut self, ctx: &mut Context<Self>) {
        self.presence_dirty.changed();
        self.registration.count(self.subscribers.len());
        self.schedule_tick(ctx);
        if self.presence.is_shared() && !std::mem::replace(&mut self.in_flight.people_again, true) {
            ctx.run_later(PEOPLE_AGAIN, |feed, ctx| {
                feed.in_flight.people_again = false;
                feed.presence_dirty.for_peers(PeerUpdate::Changes);
                feed.schedule_tick(ctx);
            });
        }
    }

    /// The first signal goes at once; those that follow within a tick go together.
    pub(super) fn schedule_tick(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.in_flight.tick, true) {
            return;
        }
        let pause = signal_pause(self.subscribers.len());
        let wait = pause.saturating_sub(self.last_tick.elapsed());
        ctx.run_later(wait, |feed, ctx| {
            feed.in_flight.tick = false;
            feed.last_tick = Instant::now();
            // Before the pointers, which mean nothing to whoever does not know whose they are.
            feed.tell_people(ctx);
            let signals = std::mem::take(&mut feed.for_sessions);
            if !signals.is_empty() {
                feed.subscribers
                    .signal(&ToBrowser::Signals(&signals).encode());
            }
            feed.watch_waiting(ctx);
            feed.signal_servers(ctx);
        });
    }

    /// Tells who is here, unless it was told just now: then a little later.
    fn tell_people(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        // A server that goes tells the others before it is gone, and its own sessions are closed.
        let people = match self.closing {
            Some(_) => 0,
            None => self.presence.len(),
        };
        let Some(wait) = self.presence_dirty.wait(people, now) else {
            return;
        };
        if !wait.is_zero() {
            if !std::mem::replace(&mut self.in_flight.people, true) {
                ctx.run_later(wait, |feed, ctx| {
                    feed.in_flight.people = false;
                    feed.schedule_tick(ctx);
                });
            }
            return;
        }
        let (sessions, servers) = self.presence_dirty.take(now);
        if sessions && let Some((change, whole)) = self.presence.update_for_sessions(now) {
            let [change, whole] = [change, whole].map(|update| ToBrowser::People(&update).encode());
            self.subscribers
                .announce_change(Retained::People, change, whole);
        }
        self.pending_presence = match (servers, self.pending_presence.take()) {
            (PeerUpdate::Nothing, waits) => waits,
            (PeerUpdate::Changes, None) => Some(self.presence.update_for_peers()),
            // A change that waits yet for the row before it is a part of all.
            (PeerUpdate::Changes | PeerUpdate::All, _) => Some(self.presence.whole_for_peers()),
        };
    }

    /// Writes what has gathered for the other servers as one row, if there are any. One such write
    /// is under way at a time: a slow database gets fewer and larger rows, never a queue.
    pub(super) fn signal_servers(&mut self, ctx: &mut Context<Self>) {
        if !self.presence.is_shared() {
            self.for_peers = Signals::default();
            self.pending_presence = None;
            self.want_presence = false;
            return;
        }
        if self.in_flight.signalling || !self.has_update_for_peers() {
            return;
        }
        let row = PeerMessage {
            signals: std::mem::take(&mut self.for_peers),
            presence: self.pending_presence.take(),
            want_presence: std::mem::take(&mut self.want_presence),
            ..PeerMessage::default()
        };
        self.write_signals(row, ctx);
    }

    fn has_update_for_peers(&self) -> bool {
        !self.for_peers.is_empty() || self.pending_presence.is_some() || self.want_presence
    }

    /// Says that this feed is new, and asks the others who is there.
    pub(super) fn announce(&mut self, ctx: &mut Context<Self>) {
        let row = PeerMessage {
            want_presence: true,
            presence: Some(self.presence.whole_for_peers()),
            ..PeerMessage::default()
        };
        self.write_signals(row, ctx);
    }

    /// Asks the other servers to let this one append.
    pub(super) fn ask_to_yield(&mut self, pause: Duration, ctx: &mut Context<Self>) {
        let row = PeerMessage {
            yield_ms: Some(pause.as_millis() as u64),
            ..PeerMessage::default()
        };
        self.write_signals(row, ctx);
    }

    pub(super) fn write_signals(&mut self, row: PeerMessage, ctx: &mut Context<Self>) {
        let number = self.monitor.number();
        let row = PeerMessage { number, ..row };
        let Ok(body) = serde_json::to_string(&row) else {
            return;
        };
        self.in_flight.signalling = true;
        let (store, id) = (self.store.clone(), self.id);
        let write = async move { store.signal(id, body).await };
        ctx.spawn(
            wrap_future(write).map(move |written, feed: &mut Self, ctx| {
                feed.in_flight.signalling = false;
                if let Err(error) = written {
                    feed.metrics.signals_dropped.count(Dropped::Unwritten);
                    log::debug!("signals of drawing {} were not written: {error}", feed.id);
                    return;
                }
                feed.monitor.wrote(number);
                if feed.has_update_for_peers() {
                    feed.schedule_tick(ctx);
                }
            }),
        );
    }

    pub(super) fn on_peer_row(&mut self, server: ServerId, body: &str, ctx: &mut Context<Self>) {
        let Ok(row) = serde_json::from_str::<PeerMessage>(body) else {
            log::debug!(
                "a signal row of drawing {} is of a kind this program does not know",
                self.id
            );
            return;
        };
        if server == self.store.server() {
            self.monitor.row(row.number);
            return;
        }
        let PeerMessage {
            want_presence,
            check_head,
            yield_ms,
            presence,
            mut signals,
            ..
        } = row;
        if check_head {
            self.check_head(ctx);
            return;
        }
        if let Some(yield_ms) = yield_ms {
            let servers = (self.store.server(), server);
            let turn = Duration::from_millis(yield_ms);
            self.contention
                .yield_to(servers, turn, self.head(), Instant::now());
            return;
        }
        // A new peer lacks our presence list, so send it: nothing is written while there are no peers.
        let tell = want_presence || !self.presence.knows(server);
        if tell {
            self.presence_dirty.for_peers(PeerUpdate::All);
        }
        let heard = self.presence.on_row(server, presence);
        self.presence_dirty.sessions |= heard.changed;
        self.want_presence |= heard.missed;
        self.note_activity(&mut signals);
        self.gather(Audience::Sessions, signals);
        self.schedule_tick(ctx);
    }
}

/// Takes in what came later. Beyond `most` points of ink all of it is dropped, and the next goes on.
fn gather(signals: &mut Signals, newer: Signals, most: usize, metrics: &Metrics) {
    signals.merge(newer);
    if signals.ink_points() > most {
        metrics.signals_dropped.count(Dropped::Ink);
        signals.ink.clear();
    }
    // Those whose owners could be listed, if only so many had come at once.
    signals.pointers.truncate(MAX_LISTED);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::colour::Colour;
    use crate::domain::ids::StrokeId;
    use crate::domain::ids::Writer;
    use crate::domain::points::{Point, Points};
    use crate::domain::signal::{InkPart, MAX_INK_POINTS};
    use crate::domain::stroke::Tool;
    use uuid::Uuid;

    fn ink(writer: Writer) -> Signals {
        let points = vec![Point { x: 0, y: 0 }; MAX_INK_POINTS];
        let part = InkPart {
            stroke: StrokeId::random(),
            n: 1,
            offset: 0,
            x: 0.0,
            y: 0.0,
            points: Points::new(points, None).unwrap(),
            tool: Tool::Pen,
            colour: Colour([1, 2, 3]),
            width: 4.0,
            end: false,
        };
        let writer = writer.id;
        Signals {
            ink: vec![Ink { writer, part }],
            ..Signals::default()
        }
    }

    #[test]
    fn more_ink_than_a_tick_takes_is_dropped() {
        let metrics = Metrics::new();
        let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4());
        let mut gathered = Signals::default();
        let parts = 3;
        let most = parts * MAX_INK_POINTS;
        for _ in 0..parts {
            gather(&mut gathered, ink(writer), most, &metrics);
        }
        assert_eq!(gathered.ink.len(), parts);
        gather(&mut gathered, ink(writer), most, &metrics);
        assert_eq!(gathered.ink.len(), 0);
        let line = "whiteboard_signals_dropped_total{reason=\"ink\"} 1\n";
        assert!(metrics.text().contains(line));
    }
}
