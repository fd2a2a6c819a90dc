//! What a feed passes on and forgets: ink, pointers, and who is here.
//!
//! Signals never wait for the database, and never make anything else wait.

use actix::fut::wrap_future;
use actix::prelude::*;

use super::*;

/// To whom gathered signals go.
#[derive(Clone, Copy)]
enum For {
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
            .members
            .get_mut(session)
            .and_then(|member| member.writer)
        else {
            return;
        };
        let writer = writer.id;
        self.metrics.signals.count();
        let mut signals = Signals::default();
        if let Some(place) = signal.pointer {
            signals.add_pointer(Pointer { writer, place });
        }
        if let Some(part) = signal.ink {
            signals.add_ink(Ink { writer, part });
        }
        if self.roster.is_shared() {
            self.gather(For::Servers, signals.clone());
        }
        self.gather(For::Sessions, signals);
        self.schedule_tick(ctx);
    }

    fn gather(&mut self, audience: For, newer: Signals) {
        let gathered = match audience {
            For::Sessions => &mut self.for_sessions,
            For::Servers => &mut self.for_servers,
        };
        gather(gathered, newer, self.settings.ink_points, &self.metrics);
    }

    pub(super) fn people_changed(&mut self, ctx: &mut Context<Self>) {
        self.people_due = PeopleDue {
            sessions: true,
            servers: true,
        };
        self.registration.count(self.members.len());
        self.schedule_tick(ctx);
        if self.roster.is_shared() && !std::mem::replace(&mut self.busy.people_again, true) {
            ctx.run_later(PEOPLE_AGAIN, |feed, ctx| {
                feed.busy.people_again = false;
                feed.people_due.servers = true;
                feed.schedule_tick(ctx);
            });
        }
    }

    /// The first signal goes at once; those that follow within a tick go together.
    pub(super) fn schedule_tick(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.busy.tick, true) {
            return;
        }
        let wait = SIGNAL_TICK.saturating_sub(self.last_tick.elapsed());
        ctx.run_later(wait, |feed, ctx| {
            feed.busy.tick = false;
            feed.last_tick = Instant::now();
            let due = std::mem::take(&mut feed.people_due);
            if due.sessions {
                let people = Signals::of_people(feed.roster.everyone());
                let frame = ToBrowser::Signals(&people).encode();
                feed.members.announce(Lasting::People, frame);
            }
            let signals = std::mem::take(&mut feed.for_sessions);
            if !signals.is_empty() {
                feed.members.signal(&ToBrowser::Signals(&signals).encode());
            }
            if due.servers {
                feed.for_servers.people = Some(feed.roster.here());
            }
            feed.watch_waiting(ctx);
            feed.signal_servers(ctx);
        });
    }

    /// Writes what has gathered for the other servers as one row, if there are any. One such write
    /// is under way at a time: a slow database gets fewer and larger rows, never a queue.
    pub(super) fn signal_servers(&mut self, ctx: &mut Context<Self>) {
        if !self.roster.is_shared() {
            self.for_servers = Signals::default();
            return;
        }
        if self.for_servers.is_empty() || self.busy.signalling {
            return;
        }
        let signals = std::mem::take(&mut self.for_servers);
        self.write_signals(
            ServerSignals {
                signals,
                ..ServerSignals::default()
            },
            ctx,
        );
    }

    /// Says that this feed is new, and asks the others who is there.
    pub(super) fn announce(&mut self, ctx: &mut Context<Self>) {
        let row = ServerSignals {
            ask: true,
            signals: Signals::of_people(self.roster.here()),
            ..ServerSignals::default()
        };
        self.write_signals(row, ctx);
    }

    /// Asks the other servers to let this one append.
    pub(super) fn ask_for_turn(&mut self, turn: Duration, ctx: &mut Context<Self>) {
        let row = ServerSignals {
            turn: Some(turn.as_millis() as u64),
            ..ServerSignals::default()
        };
        self.write_signals(row, ctx);
    }

    pub(super) fn write_signals(&mut self, row: ServerSignals, ctx: &mut Context<Self>) {
        let number = self.hearing.number();
        let row = ServerSignals { number, ..row };
        let Ok(body) = serde_json::to_string(&row) else {
            return;
        };
        self.busy.signalling = true;
        let (store, id) = (self.store.clone(), self.id);
        let write = async move { store.signal(id, body).await };
        ctx.spawn(
            wrap_future(write).map(move |written, feed: &mut Self, ctx| {
                feed.busy.signalling = false;
                if let Err(error) = written {
                    feed.metrics.signals_dropped.count(Dropped::Unwritten);
                    log::debug!("signals of drawing {} were lost: {error}", feed.id);
                    return;
                }
                feed.hearing.wrote(number);
                if !feed.for_servers.is_empty() {
                    feed.schedule_tick(ctx);
                }
            }),
        );
    }

    pub(super) fn heard(&mut self, server: ServerId, body: &str, ctx: &mut Context<Self>) {
        let Ok(row) = serde_json::from_str::<ServerSignals>(body) else {
            log::debug!(
                "a signal row of drawing {} is of a kind this program does not know",
                self.id
            );
            return;
        };
        if server == self.store.server() {
            self.hearing.row(row.number);
            return;
        }
        let ServerSignals {
            ask,
            look,
            turn,
            mut signals,
            ..
        } = row;
        if look {
            self.check_head(ctx);
            return;
        }
        if let Some(turn) = turn {
            let servers = (self.store.server(), server);
            let turn = Duration::from_millis(turn);
            self.turns.give(servers, turn, self.head(), Instant::now());
            return;
        }
        // Whom this feed did not know may not have heard who came here before: nothing is written
        // while nobody is known to listen.
        let tell = ask || !self.roster.knows(server);
        let changed = self.roster.heard(server, signals.people.take());
        self.gather(For::Sessions, signals);
        self.people_due.sessions |= changed;
        self.people_due.servers |= tell;
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Colour, StrokeId};
    use crate::points::{Point, Points};
    use crate::signal::{InkPart, MAX_INK_POINTS};
    use crate::stroke::Tool;
    use uuid::Uuid;

    fn ink(writer: Writer) -> Signals {
        let points = vec![Point { x: 0, y: 0 }; MAX_INK_POINTS];
        let part = InkPart {
            stroke: StrokeId::random(),
            n: 1,
            at: 0,
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
