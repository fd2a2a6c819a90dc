//! Signals in the core: ink, pointers, views, presence, and the messages between the feeds of one drawing.
//!
//! Signals must never wait for the database, nor block anything else.

use std::time::Duration;

use super::{Core, Effect, Step};
use crate::domain::ids::{ServerId, SessionId};
use crate::domain::ink::Ink;
use crate::domain::needs::Action;
use crate::domain::signal::{Pointer, Preview, Signals, View};
use crate::feed::mailbox::Mailbox;
use crate::feed::presence::signal_pause;
use crate::feed::signals::ForPeers;
use crate::feed::subscribers::Retained;
use crate::feed::timers::Timer;
use crate::metrics::Dropped;
use crate::protocol::{ClientSignal, PeerMessage, ServerFrame};
use crate::store::StoreError;

impl<M: Mailbox> Core<M> {
    pub(super) fn on_signal(&mut self, session: SessionId, signal: ClientSignal, step: &mut Step) {
        let Some(writer) = self.subscribers.writer(session) else {
            return;
        };
        let writer = writer.id;
        let signal = match self.standings.refusal(session, Action::Sketch, step.now) {
            None => signal,
            Some(_) => ClientSignal {
                ink: None,
                preview: None,
                call: false,
                ..signal
            },
        };
        self.environment.metrics.signals.count();
        let mut signals = Signals::default();
        if let Some(at) = signal.pointer {
            signals.add_pointer(Pointer { writer, at });
        }
        if let Some(part) = signal.ink {
            signals.add_ink(Ink { writer, part });
        }
        if let Some(shows) = signal.view {
            let call = signal.call;
            signals.add_view(View {
                writer,
                shows,
                call,
            });
        }
        if let Some(edit) = signal.preview {
            signals.add_preview(Preview { writer, edit });
        }
        self.note_activity(&mut signals, step);
        let limit = self.environment.settings.ink_points;
        if self.presence.is_shared() {
            self.signalling
                .gather_for_peers(signals.clone(), limit, &self.environment.metrics);
        }
        self.signalling
            .gather_for_sessions(signals, limit, &self.environment.metrics);
        self.schedule_signals(step);
    }

    /// Lists active people before idle ones, and drops the pointers and views of those who are not
    /// listed, since clients could not name their owners.
    fn note_activity(&mut self, signals: &mut Signals, step: &mut Step) {
        let inks = signals.ink.iter().map(|ink| ink.writer);
        for writer in inks.chain(signals.previews.iter().map(|preview| preview.writer)) {
            self.signalling.dirty.for_sessions |= !self.presence.acts(writer, step.now);
        }
        let mut is_listed = |writer| {
            let is_listed = self.presence.acts(writer, step.now);
            if !is_listed {
                self.signalling.dirty.for_sessions = true;
                self.environment
                    .metrics
                    .signals_dropped
                    .count(Dropped::Crowd);
            }
            is_listed
        };
        signals.pointers.retain(|pointer| is_listed(pointer.writer));
        signals.views.retain(|view| is_listed(view.writer));
    }

    pub(super) fn presence_changed(&mut self, step: &mut Step) {
        self.signalling.dirty.changed();
        self.schedule_signals(step);
    }

    /// The first signal is sent at once; those within the pause after it are sent together.
    pub(super) fn schedule_signals(&mut self, step: &mut Step) {
        let pause = signal_pause(self.subscribers.len());
        let at = self
            .signalling
            .sent_at
            .map_or(step.now, |sent| step.now.max(sent + pause));
        self.timers.set_if_unset(Timer::Signals, at);
    }

    pub(super) fn send_signals(&mut self, step: &mut Step) {
        self.signalling.sent_at = Some(step.now);
        // Before the pointers, which are useless without their owners.
        self.send_presence(step);
        let signals = std::mem::take(&mut self.signalling.for_sessions);
        if !signals.is_empty() {
            let frame = ServerFrame::Signals(&signals).encode();
            self.subscribers.signal(&frame);
        }
        self.publish(step);
    }

    /// Sends presence, or delays it if it was sent a moment ago.
    fn send_presence(&mut self, step: &mut Step) {
        // A server that stops sends to the others without a pause: its own sessions are closed.
        let people = match self.lifecycle.close_reason() {
            Some(_) => 0,
            None => self.presence.writers(),
        };
        let Some(pause) = self.signalling.dirty.pause(people, step.now) else {
            return;
        };
        if !pause.is_zero() {
            self.timers.set_if_unset(Timer::Presence, step.now + pause);
            return;
        }
        let (for_sessions, for_peers) = self.signalling.dirty.take(step.now);
        if for_sessions && let Some((change, whole)) = self.presence.update_for_sessions(step.now) {
            self.environment.state.note_present(self.presence.present());
            let [change, whole] =
                [change, whole].map(|update| ServerFrame::People(&update).encode());
            self.subscribers
                .announce_change(Retained::People, change, whole, step.now);
        }
        let waiting = self.signalling.presence.take();
        self.signalling.presence = match (for_peers, waiting) {
            (ForPeers::Nothing, waiting) => waiting,
            (ForPeers::Changes, None) => Some(self.presence.update_for_peers()),
            // A change that waits for the row in flight is included in the whole list.
            (ForPeers::Changes | ForPeers::All, _) => Some(self.presence.whole_for_peers()),
        };
    }

    /// Writes everything gathered for the other servers as one row, if there are any. One row is in
    /// flight at a time: a slow database gets fewer and larger rows, never a queue.
    fn publish(&mut self, step: &mut Step) {
        if !self.presence.is_shared() {
            self.signalling.forget_for_peers();
        }
        if self.signalling.is_publishing || !self.signalling.has_news_for_peers() {
            return;
        }
        if self.signalling.announces {
            self.signalling.presence = Some(self.presence.whole_for_peers());
        }
        let number = self.sync.monitor.next_row();
        let message = PeerMessage {
            number,
            ..self.signalling.take_for_peers()
        };
        if let Ok(body) = serde_json::to_string(&message) {
            self.signalling.is_publishing = true;
            step.effect(Effect::Publish { number, body });
        }
    }

    /// Announces that this feed is new, and requests the other servers' lists.
    pub(super) fn announce(&mut self, step: &mut Step) {
        self.signalling.announce();
        self.publish(step);
    }

    /// Asks the other servers to yield to this one for so long; zero ends that.
    pub(super) fn ask_for_turn(&mut self, turn: Duration, step: &mut Step) {
        self.signalling.turn = Some(turn);
        self.publish(step);
    }

    pub(super) fn on_published(
        &mut self,
        number: u64,
        result: Result<(), StoreError>,
        step: &mut Step,
    ) {
        self.signalling.is_publishing = false;
        if let Err(error) = result {
            self.environment
                .metrics
                .signals_dropped
                .count(Dropped::Unwritten);
            self.signalling.announce_soon();
            log::debug!(
                "signals of drawing {} were not written: {error}",
                self.environment.drawing
            );
        } else {
            self.sync.monitor.on_row_stored(number);
        }
        if self.signalling.is_urgent() {
            self.publish(step);
        } else if self.signalling.has_news_for_peers() {
            self.schedule_signals(step);
        }
    }

    pub(super) fn on_peer_row(&mut self, server: ServerId, body: &str, step: &mut Step) {
        let Ok(message) = serde_json::from_str::<PeerMessage>(body) else {
            log::debug!(
                "drawing {} has a signal row of a kind that this program does not know",
                self.environment.drawing
            );
            return;
        };
        if server == self.environment.server {
            self.sync.monitor.on_row(message.number);
            return;
        }
        let PeerMessage {
            want_presence,
            check_head,
            yield_ms,
            presence,
            mut signals,
            ..
        } = message;
        if check_head {
            step.effect(Effect::CheckHead);
            return;
        }
        // A new peer lacks our presence list, so send it.
        if want_presence || !self.presence.knows(server) {
            self.signalling.dirty.for_peers_all();
        }
        let outcome = self.presence.on_row(server, presence);
        if let Some(turn) = yield_ms {
            let servers = (self.environment.server, server);
            let turn = Duration::from_millis(turn);
            let drawing = (self.replica.head(), self.presence.peers());
            self.appender
                .contention
                .grant(servers, turn, drawing, step.now);
            // It may be over.
            self.append(step);
        }
        self.signalling.dirty.for_sessions |= outcome.changed;
        self.signalling.want_presence |= outcome.missed;
        self.note_activity(&mut signals, step);
        let limit = self.environment.settings.ink_points;
        self.signalling
            .gather_for_sessions(signals, limit, &self.environment.metrics);
        self.schedule_signals(step);
    }
}
