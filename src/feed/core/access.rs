//! Who may do what in the core: the rules as the database has them, and what they mean for sessions.
//!
//! An op must never be stored under other rules than the last ones that the feed knows: an append
//! waits while they are read, and the database refuses one that obeys others than it has.

use super::{Core, Effect, Step};
use crate::domain::ids::SessionId;
use crate::domain::rules::Rules;
use crate::feed::lifecycle::CloseReason;
use crate::feed::mailbox::Mailbox;
use crate::feed::messages::Request;
use crate::feed::rules_sync::RulesReading;
use crate::feed::standings::{News, Told, WallClock};
use crate::feed::timers::Timer;
use crate::metrics::Resync;
use crate::protocol::{Close, ServerFrame};
use crate::store::StoreError;

impl<M: Mailbox> Core<M> {
    /// The database has this version of the rules: reads them if another one is known.
    pub(super) fn note_rules_version(&mut self, version: u64, step: &mut Step) {
        if version != self.standings.rules().version {
            self.read_rules(step);
        }
    }

    /// Whether the rules are known, and all that was stored under earlier ones. If not, an op that these
    /// rules refuse may have been stored before: read first.
    pub(super) fn knows_all_under_earlier_rules(&self) -> bool {
        self.rules_sync.reading == RulesReading::Idle
            && self.rules_sync.version_at_head == self.standings.rules().version
    }

    /// Reads the rules, once more if they are being read.
    pub(super) fn read_rules(&mut self, step: &mut Step) {
        match &mut self.rules_sync.reading {
            RulesReading::Idle => {
                self.rules_sync.reading = RulesReading::InFlight { again: false };
                step.effect(Effect::ReadRules);
            }
            RulesReading::InFlight { again } => *again = true,
            RulesReading::Waiting => {}
        }
    }

    pub(super) fn read_rules_again(&mut self, step: &mut Step) {
        self.rules_sync.reading = RulesReading::Idle;
        self.read_rules(step);
    }

    pub(super) fn on_rules(
        &mut self,
        result: Result<Rules, StoreError>,
        clock: WallClock,
        step: &mut Step,
    ) {
        let again = self.rules_sync.reading == RulesReading::InFlight { again: true };
        match result {
            Ok(rules) => self.standings.take_rules(rules, clock),
            Err(StoreError::NotFound | StoreError::Gone) => {
                return self.end(CloseReason::NoDrawing, step);
            }
            Err(error) => {
                log::log!(
                    self.sync.backoff.level(),
                    "cannot read the rules of drawing {}: {error}",
                    self.environment.drawing
                );
                self.rules_sync.reading = RulesReading::Waiting;
                let pause = self.sync.backoff.next(&mut self.random);
                return self.timers.set(Timer::Rules, step.now + pause);
            }
        }
        self.review(step);
        if again {
            return self.read_rules_again(step);
        }
        self.rules_sync.reading = RulesReading::Idle;
        for request in self.requests.take_waiting() {
            self.request(request, Resync::Warm, step);
        }
        self.defer_append(step);
    }

    /// Tells the sessions what they may do now, and closes those that may nothing any more.
    pub(super) fn review(&mut self, step: &mut Step) {
        for (session, news) in self.standings.review(step.now) {
            match news {
                News::Changed(told) => self.tell_access(session, &told, step),
                News::Ended => {
                    self.subscribers.close_one(session, ended());
                    self.remove_session(session, step);
                }
            }
        }
        self.set_access_timer(step);
    }

    pub(super) fn tell_access(&mut self, session: SessionId, told: &Told, step: &mut Step) {
        let frame = ServerFrame::Access {
            access: told.standing.level,
            locked: told.standing.locked,
            muted: told.standing.muted,
            muted_people: told.muted.as_ref(),
        };
        self.subscribers
            .tell_access(session, frame.encode(), step.now);
    }

    pub(super) fn set_access_timer(&mut self, step: &mut Step) {
        match self.standings.next_end(step.now) {
            Some(at) => self.timers.set(Timer::Access, at),
            None => self.timers.cancel(Timer::Access),
        }
    }

    /// Asks for the rules if somebody came in under later ones.
    pub(super) fn note_entrance(&mut self, request: &Request<M>, step: &mut Step) {
        let entrance = request.entrance();
        if entrance.is_some_and(|it| it.rules > self.standings.rules().version) {
            self.read_rules(step);
        }
    }

    /// Whether a request has to wait until the rules are known, by which it is judged.
    pub(super) fn waits_for_rules(&self, request: &Request<M>) -> bool {
        let is_reading = self.rules_sync.reading != RulesReading::Idle;
        let entrance = request.entrance();
        is_reading && entrance.is_some_and(|it| it.rules > self.standings.rules().version)
    }
}

/// How a session is closed whose access ends.
pub(super) fn ended() -> Close {
    Close::Forbidden("this drawing is no longer shared with you")
}
