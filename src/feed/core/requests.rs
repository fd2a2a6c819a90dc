//! Joins, hellos and reads in the core, answered once it has caught up with the database.
//!
//! It must never judge a position beyond its own head.

use super::{Core, Effect, Step};
use crate::domain::access::Access;
use crate::domain::ids::{SessionId, Writer};
use crate::domain::people::Person;
use crate::feed::mailbox::Mailbox;
use crate::feed::messages::Request;
use crate::feed::position::resolve_read;
use crate::metrics::Resync;
use crate::protocol::{Hello, ServerFrame};

impl<M: Mailbox> Core<M> {
    pub(super) fn request(&mut self, request: Request<M>, resync: Resync, step: &mut Step) {
        if let Some(reason) = self.lifecycle.close_reason() {
            reason.refuse(request, &mut self.random);
            return;
        }
        if self.can_serve(&request) {
            self.serve(request, resync, step);
            return;
        }
        // A position beyond this feed's head may be valid: the feed may lag, so it reads before it
        // judges.
        let is_ahead = self.replica.drawing().is_some() && request.position() > self.replica.head();
        self.requests.keep(request);
        if is_ahead {
            self.read(step);
        }
    }

    /// Serves a request if the living strokes are enough for it.
    pub(super) fn request_or_keep(&mut self, request: Request<M>, step: &mut Step) {
        if self.can_serve(&request) {
            self.serve(request, Resync::Cold, step);
        } else {
            self.requests.keep(request);
        }
    }

    /// Whether enough of the drawing was read to answer this.
    fn can_serve(&self, request: &Request<M>) -> bool {
        let Some(drawing) = self.replica.drawing() else {
            return false;
        };
        if let Request::Hello { session, .. } = request {
            // A hello waits for the join of its session and for the tombstones: the last op of a
            // writer may be found only in one of them.
            return !self.requests.has_join(*session) && drawing.is_whole();
        }
        let position = request.position();
        // A reader that holds nothing needs no tombstone; others need those after their position.
        position == 0 || (drawing.tombstones_missing_to() <= position && position <= drawing.head())
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
            } => {
                self.subscribers
                    .join(session, mailbox, drawing, (since, epoch), resync, step.now);
                step.effect(Effect::Sessions(self.subscribers.len()));
            }
            Request::Hello {
                session,
                hello,
                access,
            } => self.welcome(session, hello, access, step),
            Request::Since {
                session,
                since,
                epoch,
            } => {
                self.subscribers
                    .resume(session, drawing, (since, Some(epoch)), resync, step.now);
            }
            Request::Read(request) => {
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

    fn welcome(&mut self, session: SessionId, hello: Hello, access: Access, step: &mut Step) {
        let Some(drawing) = self.replica.drawing() else {
            return;
        };
        let done = drawing.last(hello.writer.id);
        let frame = ServerFrame::Welcome {
            writer: hello.writer.id,
            author: hello.writer.author,
            epoch: drawing.epoch(),
            head: drawing.head(),
            done,
            title: self.replica.title(),
            access: access.into(),
            build: &self.environment.settings.build,
        };
        let next = hello.next.max(done + 1);
        let is_here = self
            .subscribers
            .welcome(session, hello.writer, frame.encode(), next);
        let Some((name, colour)) = hello.seen_as.filter(|_| is_here) else {
            return;
        };
        let Writer { id: writer, author } = hello.writer;
        let person = Person {
            writer,
            author,
            name,
            colour,
        };
        self.presence.join(session, person);
        self.presence_changed(step);
    }
}
