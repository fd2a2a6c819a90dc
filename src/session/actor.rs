//! One WebSocket: parses what the client sends, and sends it what its feed delivers.
//!
//! A session never buffers what a client does not read, and never closes because a client sends a large
//! outbox: ops beyond a limit are refused for load, and the client keeps them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_web_actors::ws;
use bytestring::ByteString;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::fragments::Fragments;
use super::guard::Gate;
use super::sequencer::OpSequencer;
use super::sessions::{
    Admitted, FIRST_OP_PARTS, JoinRequest, REQUESTS_PER_SECOND, SessionLimits, Sessions, Stay,
};
use crate::domain::ids::SessionId;
use crate::domain::op::{Op, Refusal};
use crate::feed::actor::{FeedHandle, ToFeed};
use crate::feed::core::Input;
use crate::feed::mailbox::Acks;
use crate::feed::messages::{FromSession, Request};
use crate::feed::session_mailbox::{SessionMailbox, SessionQueue};
use crate::metrics::{Dropped, Ended, Metrics};
use crate::protocol::{ClientFrame, ClientSignal, Close, Hello, ServerFrame};

/// A client that does not answer a close frame within this time is cut off.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// The actor of one WebSocket.
pub struct Session {
    pub(super) id: SessionId,
    pub(super) join_request: Result<JoinRequest, Close>,
    pub(super) sessions: Arc<Sessions>,
    /// What it takes of the server; `None` if it is rejected.
    pub(super) stay: Option<Stay>,
    pub(super) feed_handle: Option<FeedHandle>,
    pub(super) admitted: Admitted,
    /// Another key or token is looked up.
    pub(super) renews: bool,
    pub(super) hello: Option<Hello>,
    pub(super) sequencer: Option<OpSequencer>,
    /// Ops that arrived before the welcome was sent.
    pub(super) before_welcome: Vec<(u64, Result<Op, Refusal>)>,
    pub(super) rates: Rates,
    fragments: Fragments,
    /// Shared with the stream that delivers the socket's frames.
    gate: Gate,
    /// What its feed sends it.
    pub(super) queue: Arc<SessionQueue>,
    last_received: Instant,
    pub(super) closing: bool,
    ended: Ended,
}

/// A message of its feed that is more than a frame for the client: see
/// [`ToSession`](crate::feed::mailbox::ToSession).
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum FromFeed {
    Welcome { frame: ByteString, next: u64 },
    Acks(Acks),
    Close(Close),
    Rejoin,
}

/// How often a client may send something.
pub(super) struct Rates {
    pub(super) ops: DefaultDirectRateLimiter,
    signals: DefaultDirectRateLimiter,
    requests: DefaultDirectRateLimiter,
}

impl Rates {
    fn new(limits: &SessionLimits) -> Self {
        let parts = |ops: NonZeroU32| ops.saturating_mul(FIRST_OP_PARTS);
        let ops =
            Quota::per_second(parts(limits.ops_per_second)).allow_burst(parts(limits.ops_burst));
        Self {
            ops: RateLimiter::direct(ops),
            signals: RateLimiter::direct(Quota::per_second(limits.signals_per_second)),
            requests: RateLimiter::direct(Quota::per_second(REQUESTS_PER_SECOND)),
        }
    }
}

impl Session {
    pub(super) fn new(
        join_request: Result<(JoinRequest, Stay), Close>,
        sessions: Arc<Sessions>,
        gate: Gate,
        queue: Arc<SessionQueue>,
    ) -> Self {
        let (join_request, stay) = match join_request {
            Ok((join_request, stay)) => (Ok(join_request), Some(stay)),
            Err(close) => (Err(close), None),
        };
        sessions.metrics().sessions_opened.count();
        let is_admitted = |it: &JoinRequest| it.entrance.is_some();
        let admitted = match join_request.as_ref().is_ok_and(is_admitted) {
            true => Admitted::Yes,
            false => Admitted::No,
        };
        Self {
            id: sessions.opened.fetch_add(1, Ordering::Relaxed),
            join_request,
            stay,
            feed_handle: None,
            admitted,
            renews: false,
            hello: None,
            sequencer: None,
            before_welcome: Vec::new(),
            rates: Rates::new(&sessions.limits),
            fragments: Fragments::default(),
            gate,
            queue,
            last_received: Instant::now(),
            closing: false,
            ended: Ended::Cut,
            sessions,
        }
    }

    fn metrics(&self) -> &Metrics {
        self.sessions.metrics()
    }

    pub(super) fn tell(&self, message: FromSession<SessionMailbox>) {
        if let Some(feed_handle) = &self.feed_handle {
            // Ops reserved their capacity before; other messages are bounded by this session's
            // limits.
            feed_handle.feed.do_send(ToFeed(Input::Session(message)));
        }
    }

    pub(super) fn close(&mut self, close: Close, ctx: &mut ws::WebsocketContext<Self>) {
        if std::mem::replace(&mut self.closing, true) {
            return;
        }
        self.gate.close();
        self.ended = Ended::from(&close);
        log::info!(
            "session {} closes: {} {}",
            self.id,
            close.code(),
            // The reason may quote the client, including line breaks.
            close.reason().escape_debug()
        );
        self.tell(FromSession::Leave { session: self.id });
        let reason = ws::CloseReason {
            code: close.code().into(),
            description: Some(close.reason()),
        };
        ctx.close(Some(reason));
        // The client answers with a close of its own. Ending the connection earlier, with bytes
        // unread, would reset it, and the browser would never see the reason.
        ctx.run_later(CLOSE_WAIT, |_, ctx| ctx.stop());
    }

    pub(super) fn malformed(
        &mut self,
        reason: impl Into<String>,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        self.close(Close::Malformed(reason.into()), ctx);
    }

    fn text(&mut self, text: &str, ctx: &mut ws::WebsocketContext<Self>) {
        match ClientFrame::parse(text) {
            Ok(ClientFrame::Hello(hello)) if self.admitted != Admitted::Yes => {
                self.ask_to_join(hello, ctx);
            }
            Ok(_) if self.admitted == Admitted::No => self.malformed("hello comes first", ctx),
            Ok(ClientFrame::Ops(ops)) => self.ops(ops, ctx),
            Ok(ClientFrame::Signal(signal)) => self.signal(signal),
            Ok(ClientFrame::Ping) => {
                let head = self
                    .feed_handle
                    .as_ref()
                    .map_or(0, |feed_handle| feed_handle.state.head());
                ctx.text(ServerFrame::Pong { head }.encode());
            }
            Ok(_) if self.rates.requests.check().is_err() => {
                self.malformed("too many requests", ctx);
            }
            Ok(ClientFrame::Hello(hello)) => self.hello(hello, ctx),
            Ok(ClientFrame::Since { since, epoch }) => self.request(Request::Since {
                session: self.id,
                since,
                epoch,
            }),
            Ok(ClientFrame::Token(token)) => self.renew(token, ctx),
            Ok(ClientFrame::People) => self.tell(FromSession::People { session: self.id }),
            Err(error) => self.malformed(error.to_string(), ctx),
        }
    }

    fn signal(&mut self, signal: ClientSignal) {
        if self.rates.signals.check().is_err() {
            self.metrics().signals_dropped.count(Dropped::Rate);
            return;
        }
        let Some(feed_handle) = self
            .feed_handle
            .as_ref()
            .filter(|_| self.sequencer.is_some())
        else {
            return;
        };
        let signal = FromSession::Signal {
            session: self.id,
            signal,
        };
        if feed_handle
            .feed
            .try_send(ToFeed(Input::Session(signal)))
            .is_err()
        {
            self.metrics().signals_dropped.count(Dropped::Busy);
        }
    }

    fn on_ping_interval(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        let (now, timeout) = (Instant::now(), self.sessions.limits.session_timeout);
        if now.duration_since(self.last_received) > timeout || self.fragments.is_late(now, timeout)
        {
            self.close(Close::Silent, ctx);
            return;
        }
        // What waits of that feed counts first: acknowledgements, and the word to join again.
        let is_gone = |feed_handle: &FeedHandle| !feed_handle.feed.connected();
        if self.feed_handle.as_ref().is_some_and(is_gone) && self.queue.is_empty() {
            self.rejoin(ctx);
        }
        ctx.ping(b"");
    }
}

impl Actor for Session {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        match self.join_request.clone() {
            Ok(join_request) => {
                log::info!(
                    "session {} joins drawing {} since {}",
                    self.id,
                    join_request.drawing,
                    join_request.since
                );
                match join_request.entrance {
                    Some(_) => self.join(join_request, ctx),
                    None => self.expect_hello(ctx),
                }
                ctx.run_interval(self.sessions.limits.ping_interval, Self::on_ping_interval);
            }
            Err(close) => self.close(close, ctx),
        }
    }
}

impl Drop for Session {
    /// Leaves the feed on every path out.
    fn drop(&mut self) {
        self.metrics().sessions_closed.count(self.ended);
        self.tell(FromSession::Leave { session: self.id });
    }
}

impl Handler<FromFeed> for Session {
    type Result = ();

    fn handle(&mut self, message: FromFeed, ctx: &mut Self::Context) {
        if self.closing {
            return;
        }
        match message {
            FromFeed::Welcome { frame, next } => self.welcomed(frame, next, ctx),
            FromFeed::Acks(Acks {
                refusals,
                ops,
                acked_through,
            }) => {
                for frame in refusals {
                    ctx.text(frame);
                }
                match (&mut self.sequencer, &mut self.hello) {
                    (Some(sequencer), _) => sequencer.acknowledge(ops, acked_through),
                    // Of the feed that is gone: the next one must not wait for these ops.
                    (None, Some(hello)) => hello.next = hello.next.max(acked_through + 1),
                    (None, None) => {}
                }
                ctx.text(ServerFrame::Done { n: acked_through }.encode());
            }
            FromFeed::Close(close) => self.close(close, ctx),
            FromFeed::Rejoin => self.rejoin(ctx),
        }
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Session {
    fn handle(&mut self, message: Result<ws::Message, ws::ProtocolError>, ctx: &mut Self::Context) {
        if self.closing {
            if matches!(message, Ok(ws::Message::Close(_)) | Err(_)) {
                ctx.stop();
            }
            return;
        }
        self.last_received = Instant::now();
        match message {
            Ok(ws::Message::Text(text)) => self.text(&text, ctx),
            Ok(ws::Message::Ping(bytes)) => ctx.pong(&bytes),
            Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Continuation(item)) => {
                match self.fragments.take(item, self.last_received) {
                    Ok(Some(text)) => self.text(&text, ctx),
                    Ok(None) => {}
                    Err(close) => self.close(close, ctx),
                }
            }
            Ok(ws::Message::Binary(_)) => self.malformed("frames are text", ctx),
            Ok(ws::Message::Close(reason)) => {
                self.closing = true;
                self.gate.close();
                self.ended = Ended::Left;
                log::info!("session {} left", self.id);
                ctx.close(reason);
                ctx.stop();
            }
            Err(error) => {
                match (self.gate.violation(), error) {
                    (Some(close), _) => self.close(close, ctx),
                    // Text that is not UTF-8 is reported as an I/O error too: only the message
                    // differs.
                    (None, ws::ProtocolError::Io(error)) if error.to_string().contains("utf-8") => {
                        self.malformed("text is UTF-8", ctx);
                    }
                    (None, ws::ProtocolError::Io(_)) => {
                        self.closing = true;
                        log::info!("session {} was cut", self.id);
                    }
                    (None, error) => self.malformed(error.to_string(), ctx),
                }
                // Nothing that follows can be read.
                ctx.stop();
            }
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        // The connection ended without a close frame.
        if !std::mem::replace(&mut self.closing, true) {
            log::info!("session {} was cut", self.id);
        }
        ctx.stop();
    }
}
