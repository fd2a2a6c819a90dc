//! How a session joins its drawing, and joins it again when the feed is gone.
//!
//! It must never take a position for the client's that the client may not hold.

use std::time::Duration;

use actix::prelude::*;
use actix_web_actors::ws;
use bytestring::ByteString;

use super::actor::Session;
use super::sequencer::OpSequencer;
use super::sessions::{JoinRequest, RETRY_AFTER};
use crate::feed::messages::{FromSession, Request};
use crate::feed::session_mailbox::SessionMailbox;
use crate::protocol::{Close, Hello};

/// Pause before a session whose feed is gone joins again.
const REJOIN_AFTER: Duration = Duration::from_millis(100);

impl Session {
    pub(super) fn join(&mut self, join_request: JoinRequest, ctx: &mut ws::WebsocketContext<Self>) {
        let JoinRequest {
            drawing,
            since,
            epoch,
            entrance,
            ..
        } = join_request;
        let Some(entrance) = entrance else {
            return;
        };
        let mailbox = SessionMailbox::new(self.queue.clone());
        let join = Request::Join {
            session: self.id,
            mailbox,
            since,
            epoch,
            entrance,
        };
        match self
            .sessions
            .feeds
            .join(drawing, FromSession::Request(join))
        {
            Ok(feed_handle) => self.feed_handle = Some(feed_handle),
            Err(_) => self.close(Close::Restart { after: RETRY_AFTER }, ctx),
        }
    }

    pub(super) fn request(&self, request: Request<SessionMailbox>) {
        self.tell(FromSession::Request(request));
    }

    pub(super) fn hello(&mut self, mut hello: Hello, ctx: &mut ws::WebsocketContext<Self>) {
        if self.hello.is_some() {
            self.malformed("hello may be sent only once", ctx);
            return;
        }
        if let Ok(join_request) = &self.join_request {
            join_request.name(&mut hello);
        }
        self.hello = Some(hello.clone());
        self.request(Request::Hello {
            session: self.id,
            hello,
        });
    }

    pub(super) fn welcomed(
        &mut self,
        frame: ByteString,
        next: u64,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        let Some(hello) = &self.hello else { return };
        // Acknowledgements may have arrived since the hello was sent.
        let next = next.max(hello.next);
        self.sequencer = Some(OpSequencer::new(hello.writer, next));
        ctx.text(frame);
        let before_welcome = std::mem::take(&mut self.before_welcome);
        if !before_welcome.is_empty() {
            self.ops(before_welcome, ctx);
        }
    }

    /// The feed is gone: joins the one that replaces it, under the same numbers. Unacknowledged ops
    /// are requested again; their numbers make that harmless.
    pub(super) fn rejoin(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        // Without a feed it is already joining.
        if self.closing || self.feed_handle.take().is_none() {
            return;
        }
        if let (Some(sequencer), Some(hello)) = (self.sequencer.take(), &mut self.hello) {
            hello.next = hello.next.max(sequencer.acknowledged() + 1);
        }
        ctx.run_later(REJOIN_AFTER, |session, ctx| {
            let Ok(join_request) = session.join_request.clone() else {
                return;
            };
            // The client's position is not known here, and a first load would not contain what was
            // erased meanwhile: a position without an epoch makes the client start over.
            session.join(
                JoinRequest {
                    since: 1,
                    epoch: None,
                    ..join_request
                },
                ctx,
            );
            if let Some(hello) = session.hello.clone() {
                session.request(Request::Hello {
                    session: session.id,
                    hello,
                });
            }
        });
    }
}
