//! What is asked of a feed: to join it, to greet it, and to read. Each is answered once the feed is
//! sure where the database is.
//!
//! It must never judge a position that is beyond what the feed has read.

use std::time::Instant;

use actix::prelude::*;

use super::Feed;
use crate::domain::access::Access;
use crate::domain::ids::{SessionId, Writer};
use crate::domain::people::Person;
use crate::feed::messages::Read;
use crate::feed::position::resolve_read;
use crate::feed::requests::PendingRequest;
use crate::metrics::Resync;
use crate::protocol::{Hello, ToBrowser};

impl Feed {
    /// A read ended: answers what waited for it, now that the feed knows where the database was as
    /// it began, and appends before what came later may need another read. Or reads that follow each
    /// other would let nothing be stored.
    pub(super) fn read_ended(&mut self, ctx: &mut Context<Self>) {
        for request in std::mem::take(&mut self.answered_by_read) {
            self.serve(request, Resync::Cold, ctx);
        }
        self.append(ctx);
        for request in std::mem::take(&mut self.pending) {
            self.request(request, Resync::Cold, ctx);
        }
        if std::mem::take(&mut self.in_flight.read_again) {
            self.read(ctx);
        }
    }

    pub(super) fn request(
        &mut self,
        request: PendingRequest,
        resync: Resync,
        ctx: &mut Context<Self>,
    ) {
        if let Some(reason) = self.closing {
            reason.refuse(request);
            return;
        }
        if self.can_serve(&request) {
            self.serve(request, resync, ctx);
            return;
        }
        // A position beyond this feed's head may be right all the same: the feed may lag, so it reads before it judges.
        let is_ahead = self.drawing.is_some() && request.position() > self.head();
        self.pending.push(request);
        if is_ahead {
            self.read(ctx);
        }
    }

    /// The living strokes of the drawing are read: serves those who need no more than that.
    pub(super) fn serve_first_loads(&mut self, ctx: &mut Context<Self>) {
        for request in self.take_pending() {
            if self.can_serve(&request) {
                self.serve(request, Resync::Cold, ctx);
            } else {
                self.pending.push(request);
            }
        }
    }

    /// Whether enough of the drawing is read to answer this.
    fn can_serve(&self, request: &PendingRequest) -> bool {
        let Some(drawing) = &self.drawing else {
            return false;
        };
        if let PendingRequest::Hello {
            session: greeting, ..
        } = request
        {
            // The hello of a session whose join still waits for a read waits with it, or it would be told to nobody.
            let joins_later =
                self.answered_by_read.iter().chain(&self.pending).any(
                    |request| matches!(request, PendingRequest::Join { session, .. } if session == greeting),
                );
            // The last op of a writer may be found in a tombstone only.
            return !joins_later && drawing.is_whole();
        }
        let position = request.position();
        // Who holds nothing needs no tombstone, and who holds something those after it.
        position == 0 || (drawing.tombstones_missing_to() <= position && position <= drawing.head())
    }

    fn serve(&mut self, request: PendingRequest, resync: Resync, ctx: &mut Context<Self>) {
        let Some(drawing) = &self.drawing else { return };
        match request {
            PendingRequest::Join {
                session,
                mailbox,
                since,
                epoch,
            } => {
                self.subscribers
                    .join(session, mailbox, drawing, since, epoch, resync);
                self.watch_waiting(ctx);
            }
            PendingRequest::Hello {
                session,
                hello,
                access,
            } => self.welcome(session, hello, access, ctx),
            PendingRequest::Since {
                session,
                since,
                epoch,
            } => {
                self.subscribers
                    .resume(session, drawing, since, Some(epoch), resync);
                self.watch_waiting(ctx);
            }
            PendingRequest::Read(read) => {
                let Read {
                    since,
                    epoch,
                    target,
                    ..
                } = read;
                let (load, reset) = resolve_read(drawing, since, epoch, target);
                let resync = reset.map_or(resync, |_| Resync::Reset);
                self.metrics.resyncs.count(resync);
                let page = self
                    .chunks
                    .read(drawing, load, reset.is_some(), &self.title);
                // A reader that is gone misses nothing.
                let _ = read.answer.send(Ok(page));
            }
        }
    }

    fn welcome(
        &mut self,
        session: SessionId,
        hello: Hello,
        access: Access,
        ctx: &mut Context<Self>,
    ) {
        let Some(drawing) = &self.drawing else { return };
        let Some(subscriber) = self.subscribers.get_mut(session) else {
            return;
        };
        let done = drawing.last(hello.writer.id);
        let frame = ToBrowser::Welcome {
            writer: hello.writer.id,
            author: hello.writer.author,
            epoch: drawing.epoch(),
            head: drawing.head(),
            done,
            title: &self.title,
            access: access.into(),
            build: &self.settings.build,
        };
        subscriber.welcome(hello.writer, frame.encode(), hello.next.max(done + 1));
        if let Some((name, colour)) = hello.seen_as {
            let Writer { id: writer, author } = hello.writer;
            self.presence.join(
                session,
                Person {
                    writer,
                    author,
                    name,
                    colour,
                },
            );
            self.people_changed(ctx);
        }
    }

    /// Forgets what nobody waits for any more, and whatever `gone` says.
    pub(super) fn forget_pending(&mut self, gone: impl Fn(&PendingRequest) -> bool) {
        for list in [&mut self.pending, &mut self.answered_by_read] {
            list.retain(|request| !request.is_given_up() && !gone(request));
        }
    }

    /// Everything that waits for an answer.
    pub(super) fn take_pending(&mut self) -> impl Iterator<Item = PendingRequest> + use<> {
        let answered_by_read = std::mem::take(&mut self.answered_by_read);
        answered_by_read
            .into_iter()
            .chain(std::mem::take(&mut self.pending))
    }
}

impl Handler<Read> for Feed {
    type Result = ();

    fn handle(&mut self, read: Read, ctx: &mut Self::Context) {
        self.requests_seen += 1;
        self.idle_since = Instant::now();
        self.request(PendingRequest::Read(read), Resync::Warm, ctx);
    }
}
