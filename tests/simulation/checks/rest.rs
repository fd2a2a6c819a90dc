//! What must hold once everything is at rest.
//!
//! It must never take anything for equal that a user could tell apart.

use whiteboard::domain::op::Change;
use whiteboard::feed::appender::State;
use whiteboard::feed::core::{Core, Input};
use whiteboard::feed::lifecycle::Lifecycle;
use whiteboard::feed::sync::{Reading, Subscription};
use whiteboard::feed::timers::Timer;

use crate::database::DatabaseEvent;
use crate::mailbox::SimMailbox;
use crate::server::{ServerEvent, ServerState};
use crate::world::{Event, World};

impl World {
    /// Why everything is not at rest, if it is not.
    pub fn unrest(&self) -> Option<String> {
        for client in &self.clients {
            let socket = client.socket.and_then(|socket| self.sockets.get(socket));
            if socket.is_some_and(|socket| socket.is_half_open || socket.stalled_until > self.now) {
                return Some(format!("client {} is cut off", client.id));
            }
            if !client.is_at_rest() {
                let waits = client.outbox.count();
                let state = client.state;
                return Some(format!("client {} is {state:?}, {waits} ops", client.id));
            }
        }
        for server in &self.servers {
            if !matches!(server.state, ServerState::Runs) {
                return Some(format!("server {} does not run", server.id));
            }
            let mut unrest = server.feeds.iter().filter_map(|(drawing, it)| {
                unrest_of(&it.core, self.awaits_an_end(server.id, *drawing))
            });
            if let Some(unrest) = unrest.next() {
                return Some(format!("server {}: {unrest}", server.id));
            }
            if let Some(session) = server.sessions.values().find(|s| !s.mailbox.is_empty()) {
                return Some(format!("session {} has messages", session.id));
            }
        }
        if let Some(wrong) = self.wrong_access() {
            return Some(wrong);
        }
        if let Some(ghost) = self.ghost() {
            return Some(ghost);
        }
        self.pending().find_map(|event| match event {
            Event::Database(DatabaseEvent::Begin { .. } | DatabaseEvent::Commit { .. }) => {
                Some("an append is in flight".into())
            }
            Event::Server {
                event: ServerEvent::Feed { input, .. },
                ..
            } if matches!(**input, Input::Appended { .. } | Input::ReadEnded(_)) => {
                Some("an answer is in flight".into())
            }
            _ => None,
        })
    }

    /// What is not equal to what is stored, if anything.
    pub fn inequality(&self) -> Option<String> {
        (0..self.plan.drawings).find_map(|drawing| self.inequality_of(drawing))
    }

    pub fn inequality_of(&self, number: usize) -> Option<String> {
        let stored = &self.database.drawings[number].tables;
        let rows: Vec<&Change> = stored.all().into_values().collect();
        for server in &self.servers {
            let Some(feed) = server.feeds.get(&number) else {
                continue;
            };
            let Some(drawing) = feed.core.replica().drawing() else {
                return Some(format!("server {} holds nothing", server.id));
            };
            let held: Vec<&Change> = drawing.since(0).collect();
            if (drawing.epoch(), drawing.head()) != (stored.epoch, stored.head) {
                let (own, head) = (drawing.head(), stored.head);
                return Some(format!("server {} is at {own}, not {head}", server.id));
            }
            // That tombstones are gone is learned with the next read.
            let may_be_gone = |row: &Change| row.body.is_none() && row.seq <= stored.compacted;
            let extra = |row: &&&Change| !rows.contains(row) && !may_be_gone(row);
            if let Some(row) = held.iter().find(extra) {
                return Some(format!("server {} holds {row:?}", server.id));
            }
            let needed = rows
                .iter()
                .filter(|row| row.seq > drawing.compacted() || row.body.is_some());
            if let Some(row) = needed.into_iter().find(|row| !held.contains(row)) {
                return Some(format!("server {} lacks {row:?}", server.id));
            }
        }
        let living: Vec<&Change> = stored.living_rows().collect();
        let clients = self.clients.iter().filter(|it| it.drawing == number);
        for client in clients.filter(|client| client.has_replica()) {
            let replica = &client.replica;
            if (replica.epoch, replica.head) != (Some(stored.epoch), stored.head) {
                let (own, head) = (replica.head, stored.head);
                return Some(format!("client {} is at {own}, not {head}", client.id));
            }
            let held: Vec<_> = replica.living().collect();
            let same = held.len() == living.len()
                && living.iter().all(|row| {
                    replica.stroke(row.stroke).is_some_and(|held| {
                        held.seq == row.seq
                            && held.z() == row.z
                            && held.body.as_deref().map(|body| body.get())
                                == row.body.as_ref().map(|body| body.as_json())
                    })
                });
            if !same {
                return Some(format!(
                    "client {} holds {} strokes: {held:?} instead of {living:?}",
                    client.id,
                    held.len(),
                ));
            }
        }
        None
    }

    /// Everything is at rest and equal: every op happened once, or was refused.
    pub fn check_end(&self) {
        for ((writer, n), known) in &self.checks.ops {
            let happened = known.happened;
            let is_left = self.checks.left_unsent.contains(writer);
            assert!(
                happened || known.refused || known.is_decided || is_left,
                "op {n} {:?} neither happened nor was it refused",
                known.op
            );
        }
        for ((writer, n), known) in &self.checks.ops {
            let is_stored = self.database.has_happened(known.drawing, (*writer, *n));
            assert!(
                is_stored || !known.happened || self.was_restored(),
                "op {n} {:?} is lost",
                known.op
            );
        }
        for feed in self.servers.iter().flat_map(|server| server.feeds.values()) {
            let held = feed.state.capacity.used();
            assert_eq!(held, (0, 0), "capacity is held by nothing");
        }
    }
}

/// Why a feed is not at rest, if it is not. Some session may have to go yet.
fn unrest_of(core: &Core<SimMailbox>, awaits_an_end: bool) -> Option<String> {
    let states = (core.sync().subscription(), core.sync().reading());
    if states != (Subscription::Live, Reading::Idle) {
        return Some(format!("{states:?}"));
    }
    if core.appender().state() != State::Idle || !core.appender().is_empty() {
        return Some("ops wait".into());
    }
    if !matches!(core.lifecycle(), Lifecycle::Open { .. }) {
        return Some("it ends".into());
    }
    if core.holds_signals() {
        return Some("signals wait".into());
    }
    let at_rest = [
        Timer::Heartbeat,
        Timer::Idle,
        Timer::Signals,
        Timer::Presence,
    ];
    let is_at_rest =
        |timer: &Timer| at_rest.contains(timer) || *timer == Timer::Access && awaits_an_end;
    let set = |timer: &Timer| core.timers().is_set(*timer) && !is_at_rest(timer);
    let timer = Timer::ALL.into_iter().find(set)?;
    Some(format!("the timer {timer:?} is set"))
}
