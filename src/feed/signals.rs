//! What is gathered to be sent together: signals for the sessions; signals and presence for the
//! other servers' feeds.
//!
//! It must never hold more ink than a setting allows, nor pointers and views of more people than are listed.

use std::time::{Duration, Instant};

use super::presence::{MAX_LISTED, people_pause};
use crate::domain::people::PeopleUpdate;
use crate::domain::signal::Signals;
use crate::metrics::{Dropped, Metrics};
use crate::protocol::PeerMessage;

/// A feed that knows no peer announces itself again after this many heartbeats, which is half a
/// minute: its announcement, or a peer's, may have been lost.
const HEARTBEATS_UNTIL_ANNOUNCED: u8 = 15;

/// The presence that the other servers have to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ForPeers {
    /// Nothing.
    #[default]
    Nothing,
    /// The changes since the last row; an empty change if there are none.
    Changes,
    /// The whole list: another server requested it, or is new.
    All,
}

/// Who has to be sent presence, and when it was last sent.
#[derive(Debug, Default)]
pub(super) struct PresenceDirty {
    pub(super) for_sessions: bool,
    for_peers: ForPeers,
    sent: Option<Instant>,
}

impl PresenceDirty {
    /// A person joined, left or changed on this server.
    pub(super) fn changed(&mut self) {
        self.for_sessions = true;
        self.for_peers_changes();
    }

    /// The other servers have to be sent what changed.
    pub(super) fn for_peers_changes(&mut self) {
        self.for_peers = self.for_peers.max(ForPeers::Changes);
    }

    /// The other servers have to be sent the whole list.
    pub(super) fn for_peers_all(&mut self) {
        self.for_peers = ForPeers::All;
    }

    /// How long to gather further with this many people; `None` when there is nothing to send.
    pub(super) fn pause(&self, people: usize, now: Instant) -> Option<Duration> {
        if !self.for_sessions && self.for_peers == ForPeers::Nothing {
            return None;
        }
        let pause = people_pause(people);
        let passed = self
            .sent
            .map_or(pause, |sent| now.saturating_duration_since(sent));
        Some(pause.saturating_sub(passed))
    }

    /// Returns what to send now, and marks it as sent.
    pub(super) fn take(&mut self, now: Instant) -> (bool, ForPeers) {
        self.sent = Some(now);
        let for_sessions = std::mem::take(&mut self.for_sessions);
        (for_sessions, std::mem::take(&mut self.for_peers))
    }
}

/// The gathered signals and presence.
#[derive(Debug, Default)]
pub(super) struct Signalling {
    pub(super) for_sessions: Signals,
    for_peers: Signals,
    pub(super) dirty: PresenceDirty,
    /// Presence for the other servers, which waits until the row in flight is written.
    pub(super) presence: Option<PeopleUpdate>,
    /// A row of another server was missed, so its whole list is needed.
    pub(super) want_presence: bool,
    /// The next row announces this feed, and requests the other servers' lists.
    pub(super) announces: bool,
    /// The next row asks for a turn of this length.
    pub(super) turn: Option<Duration>,
    /// A row is in flight.
    pub(super) is_publishing: bool,
    /// Heartbeats without a peer since this feed announced itself.
    heartbeats_alone: u8,
    /// When signals were last sent to the sessions.
    pub(super) sent_at: Option<Instant>,
}

impl Signalling {
    pub(super) fn gather_for_sessions(
        &mut self,
        newer: Signals,
        max_points: usize,
        metrics: &Metrics,
    ) {
        gather(&mut self.for_sessions, newer, max_points, metrics);
    }

    pub(super) fn gather_for_peers(
        &mut self,
        newer: Signals,
        max_points: usize,
        metrics: &Metrics,
    ) {
        gather(&mut self.for_peers, newer, max_points, metrics);
    }

    /// The next row announces this feed to those of other servers.
    pub(super) fn announce(&mut self) {
        self.announces = true;
        self.heartbeats_alone = 0;
    }

    /// A row was not written, or the last peer is gone: announces this feed at the next heartbeat.
    pub(super) fn announce_soon(&mut self) {
        self.heartbeats_alone = HEARTBEATS_UNTIL_ANNOUNCED;
    }

    /// A heartbeat passed without a peer: whether this feed has to announce itself again.
    pub(super) fn announcement_is_due(&mut self) -> bool {
        self.heartbeats_alone = self.heartbeats_alone.saturating_add(1);
        self.heartbeats_alone > HEARTBEATS_UNTIL_ANNOUNCED
    }

    /// Whether the next row must not wait.
    pub(super) fn is_urgent(&self) -> bool {
        self.announces || self.turn.is_some()
    }

    pub(super) fn holds_signals(&self) -> bool {
        !self.for_sessions.is_empty() || !self.for_peers.is_empty()
    }

    pub(super) fn has_news_for_peers(&self) -> bool {
        let has_news = !self.for_peers.is_empty() || self.presence.is_some() || self.want_presence;
        has_news || self.is_urgent()
    }

    /// Everything for the other servers, as one message.
    pub(super) fn take_for_peers(&mut self) -> PeerMessage {
        let turn = self.turn.take();
        PeerMessage {
            signals: std::mem::take(&mut self.for_peers),
            presence: self.presence.take(),
            want_presence: std::mem::take(&mut self.want_presence)
                | std::mem::take(&mut self.announces),
            yield_ms: turn.map(|turn| turn.as_millis() as u64),
            ..PeerMessage::default()
        }
    }

    /// No other server has the drawing open, as far as is known.
    pub(super) fn forget_for_peers(&mut self) {
        self.for_peers = Signals::default();
        self.presence = None;
        self.want_presence = false;
    }
}

/// Adds newer signals. If there is more ink than `max_points`, all of it is dropped.
fn gather(signals: &mut Signals, newer: Signals, max_points: usize, metrics: &Metrics) {
    signals.merge(newer);
    if signals.ink_points() > max_points {
        metrics.signals_dropped.count(Dropped::Ink);
        signals.ink.clear();
    }
    // No more pointers and views than people can be listed.
    signals.pointers.truncate(MAX_LISTED);
    signals.views.truncate(MAX_LISTED);
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::Writer;
    use crate::domain::ink::{Ink, InkPart, MAX_INK_POINTS};
    use crate::domain::signal::{PlaneBox, Pointer, View};

    const STEP: Duration = Duration::from_millis(1);

    /// The milliseconds at which presence is sent when a person joins every `every` ms for five
    /// seconds.
    fn sent_at(people: usize, comes_every: u64) -> Vec<u64> {
        let (mut dirty, start) = (PresenceDirty::default(), Instant::now());
        let mut sent = Vec::new();
        for at in 0..5_000 {
            let now = start + STEP * at as u32;
            if at % comes_every == 0 {
                dirty.changed();
            }
            if dirty.pause(people, now) == Some(Duration::ZERO) {
                assert_eq!(dirty.take(now), (true, ForPeers::Changes));
                sent.push(at);
            }
        }
        sent
    }

    fn pauses(sent: &[u64]) -> Vec<u64> {
        sent.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    #[test]
    fn presence_of_few_people_is_sent_at_the_next_tick() {
        assert!(pauses(&sent_at(3, 1)).iter().all(|pause| *pause == 33));
        // A change after a pause is sent at once.
        assert_eq!(sent_at(3, 1_000), [0, 1_000, 2_000, 3_000, 4_000]);
    }

    #[test]
    fn presence_of_a_crowd_is_sent_at_most_once_a_second() {
        for people in [250, 1_000, 100_000] {
            assert_eq!(sent_at(people, 5), [0, 1_000, 2_000, 3_000, 4_000]);
        }
        assert_eq!(sent_at(1_000, 2_000), [0, 2_000, 4_000]);
        let between = pauses(&sent_at(100, 5));
        assert!(between.iter().all(|pause| *pause == 400), "{between:?}");
    }

    #[test]
    fn a_request_for_everything_is_not_lowered_to_what_changed() {
        let (mut dirty, now) = (PresenceDirty::default(), Instant::now());
        assert_eq!(dirty.pause(1, now), None);
        dirty.for_peers_all();
        dirty.for_peers_changes();
        assert_eq!(dirty.pause(1, now), Some(Duration::ZERO));
        assert_eq!(dirty.take(now), (false, ForPeers::All));
        assert_eq!(dirty.take(now), (false, ForPeers::Nothing));
    }

    #[test]
    fn what_is_urgent_goes_with_the_next_row_though_no_peer_is_known() {
        let mut signalling = Signalling::default();
        signalling.announce();
        signalling.turn = Some(100 * STEP);
        signalling.want_presence = true;
        signalling.forget_for_peers();
        assert!(signalling.is_urgent());
        let row = signalling.take_for_peers();
        assert!(
            row.want_presence,
            "an announcement asks for the other lists"
        );
        assert_eq!(row.yield_ms, Some(100));
        assert!(!signalling.has_news_for_peers());
    }

    #[test]
    fn a_server_that_knows_no_peer_asks_none_for_what_it_missed() {
        let mut signalling = Signalling {
            want_presence: true,
            ..Signalling::default()
        };
        signalling.forget_for_peers();
        assert!(!signalling.take_for_peers().want_presence);
    }

    fn ink(writer: Writer) -> Signals {
        let part = InkPart::of_points(MAX_INK_POINTS);
        let writer = writer.id;
        Signals {
            ink: vec![Ink { writer, part }],
            ..Signals::default()
        }
    }

    #[test]
    fn ink_beyond_the_limit_is_dropped() {
        let metrics = Metrics::new();
        let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4());
        let mut signalling = Signalling::default();
        let parts = 3;
        let max_points = parts * MAX_INK_POINTS;
        for _ in 0..parts {
            signalling.gather_for_sessions(ink(writer), max_points, &metrics);
        }
        assert_eq!(signalling.for_sessions.ink.len(), parts);
        signalling.gather_for_sessions(ink(writer), max_points, &metrics);
        assert_eq!(signalling.for_sessions.ink.len(), 0);
        let line = "whiteboard_signals_dropped_total{reason=\"ink\"} 1\n";
        assert!(metrics.text().contains(line));
    }

    #[test]
    fn pointers_and_views_are_bounded() {
        let (metrics, mut signalling) = (Metrics::new(), Signalling::default());
        for _ in 0..=MAX_LISTED {
            let writer = Writer::new(Uuid::new_v4(), Uuid::new_v4()).id;
            let [x, y, w, h] = [1.0; 4];
            let shows = PlaneBox { x, y, w, h };
            let mut signals = Signals::default();
            signals.add_pointer(Pointer { writer, at: None });
            let call = false;
            signals.add_view(View {
                writer,
                shows,
                call,
            });
            signalling.gather_for_sessions(signals, 1, &metrics);
        }
        let held = &signalling.for_sessions;
        assert_eq!(
            (held.pointers.len(), held.views.len()),
            (MAX_LISTED, MAX_LISTED)
        );
    }
}
