//! Joins, hellos and reads in the core, answered once it has caught up with the database.
//!
//! It must never judge a position beyond its own head.

use std::time::Instant;

use super::access::ended;
use super::{Core, Effect, Step};
use crate::domain::access::Access;
use crate::domain::ids::{SessionId, Writer};
use crate::domain::needs::Action;
use crate::domain::people::Person;
use crate::feed::mailbox::Mailbox;
use crate::feed::messages::Request;
use crate::feed::position::resolve_read;
use crate::feed::rules_sync::RulesReading;
use crate::metrics::Resync;
use crate::protocol::{Hello, ServerFrame};

impl<M: Mailbox> Core<M> {
    pub(super) fn request(&mut self, request: Request<M>, resync: Resync, step: &mut Step) {
        if let Some(reason) = self.lifecycle.close_reason() {
            reason.refuse(request, &mut self.random);
            return;
        }
        if self.can_serve(&request, step.now) {
            self.serve(request, resync, step);
            return;
        }
        // A position beyond this feed's head may be valid: the feed may lag, so it reads before it
        // judges.
        let is_ahead = self.replica.drawing().is_some() && request.position() > self.replica.head();
        let is_idle = self.rules_reading() == RulesReading::Idle;
        let needs_read = is_ahead || is_idle && self.hello_needs_read(&request, step.now);
        self.requests.keep(request);
        if needs_read {
            self.read(step);
        }
    }

    /// Serves a request if the living strokes are enough for it.
    pub(super) fn request_or_keep(&mut self, request: Request<M>, step: &mut Step) {
        if self.can_serve(&request, step.now) {
            self.serve(request, Resync::Cold, step);
        } else {
            self.requests.keep(request);
        }
    }

    /// Whether enough of the drawing was read to answer this.
    fn can_serve(&self, request: &Request<M>, now: Instant) -> bool {
        let Some(drawing) = self.replica.drawing() else {
            return false;
        };
        if self.waits_for_access(request, now) {
            return false;
        }
        match request {
            // It waits for the tombstones: the last op of a writer may be found only there.
            Request::Hello { .. } => return drawing.is_whole(),
            Request::Renew { .. } => return true,
            Request::Join { .. } | Request::Since { .. } | Request::HttpRead(_) => {}
        }
        let position = request.position();
        // A reader that holds nothing needs no tombstone; others need those after their position.
        position == 0 || (drawing.tombstones_missing_to() <= position && position <= drawing.head())
    }

    /// Whether the rules have to be known first, or the session has not joined yet.
    fn waits_for_access(&self, request: &Request<M>, now: Instant) -> bool {
        let has_join = match request {
            Request::Hello { session, .. } | Request::Renew { session, .. } => {
                self.requests.has_join(*session)
            }
            Request::Join { .. } | Request::Since { .. } | Request::HttpRead(_) => false,
        };
        has_join || self.waits_for_rules(request) || self.hello_needs_read(request, now)
    }

    /// Whether it is the hello of a writer whose ops will be refused, and it is not yet known which were
    /// stored before: read first, since the welcome tells.
    fn hello_needs_read(&self, request: &Request<M>, now: Instant) -> bool {
        let Request::Hello { session, .. } = request else {
            return false;
        };
        let is_here = self.standings.access(*session).is_some();
        is_here && !self.knows_all_under_earlier_rules() && !self.may_change(*session, now)
    }

    fn may_change(&self, session: SessionId, now: Instant) -> bool {
        self.standings
            .refusal(session, Action::Change, now)
            .is_none()
    }

    /// Serves what a read has answered, but for those who have to wait for the rules.
    pub(super) fn serve_answered(&mut self, step: &mut Step) {
        for request in self.requests.take_answered() {
            match self.waits_for_access(&request, step.now) {
                true => self.requests.put_back(request),
                false => self.serve(request, Resync::Cold, step),
            }
        }
        self.requests.all_put_back();
    }

    pub(super) fn serve(&mut self, request: Request<M>, resync: Resync, step: &mut Step) {
        let Some(drawing) = self.replica.drawing() else {
            return;
        };
        match request {
            Request::Join {
                session,
                mailbox,
                since,
                epoch,
                entrance,
            } => {
                self.standings.join(session, entrance.access);
                if self.standings.standing(session, step.now).is_none() {
                    // It ended since it was granted.
                    self.standings.leave(session, false);
                    return mailbox.close(ended());
                }
                self.subscribers
                    .join(session, mailbox, drawing, (since, epoch), resync, step.now);
                step.effect(Effect::Sessions(self.subscribers.len()));
                self.set_access_timer(step);
            }
            Request::Hello { session, hello } => self.welcome(session, hello, step),
            Request::Renew { session, entrance } => {
                self.standings.renew(session, entrance.access, step.now);
                let key = self.standings.access(session).and_then(Access::key);
                if self.presence.set_key(session, key) {
                    self.presence_changed(step);
                }
                self.review(step);
            }
            Request::Since {
                session,
                since,
                epoch,
            } => {
                self.subscribers
                    .resume(session, drawing, (since, Some(epoch)), resync, step.now);
            }
            Request::HttpRead(request) => {
                let (load, reset) =
                    resolve_read(drawing, request.since, request.epoch, request.target);
                let resync = reset.map_or(resync, |_| Resync::Reset);
                self.environment.metrics.resyncs.count(resync);
                let title = self.replica.title();
                let chunk = self
                    .chunks
                    .read(drawing, load, reset.is_some(), title, step.now);
                // The reader has gone.
                let _ = request.answer.send(Ok(chunk));
            }
        }
    }

    fn welcome(&mut self, session: SessionId, hello: Hello, step: &mut Step) {
        let Some(drawing) = self.replica.drawing() else {
            return;
        };
        let done = drawing.last(hello.writer.id);
        self.standings.hello(session, hello.writer.author);
        let Some(told) = self.standings.tell(session, step.now) else {
            return;
        };
        let frame = ServerFrame::Welcome {
            writer: hello.writer.id,
            author: hello.writer.author,
            epoch: drawing.epoch(),
            head: drawing.head(),
            done,
            title: self.replica.title(),
            access: told.standing.level,
            build: &self.environment.settings.build,
            ink_opacity: true,
        };
        let next = hello.next.max(done + 1);
        let is_here = self
            .subscribers
            .welcome(session, hello.writer, frame.encode(), next);
        self.tell_access(session, &told, step);
        let Some((name, colour)) = hello.seen_as.filter(|_| is_here) else {
            return;
        };
        let Writer { id: writer, author } = hello.writer;
        let person = Person {
            writer,
            author,
            name,
            colour,
            key: self.standings.access(session).and_then(Access::key),
        };
        self.presence.join(session, person);
        self.presence_changed(step);
    }
}
