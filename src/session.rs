//! One browser's WebSocket: checks what it says, and sends it what its feed tells.
//!
//! A session never buffers what a browser does not read, and never closes over an honest
//! outbox: too much is refused for load, and the browser keeps its ops.

mod fragments;
mod guard;
mod ops;
mod scanner;
mod sessions;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::prelude::*;
use actix_web_actors::ws;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::feed::FromSession;
use crate::feeds::Attached;
use crate::members::{Answers, Mailbox, ToSession, Unread};
use crate::metrics::{Dropped, Ended, Metrics};
use crate::model::{Access, Op, Refusal};
use crate::protocol::{Close, FromBrowser, Hello, PageSignal, ToBrowser};
use crate::queue::SessionId;
use crate::upwards::Upwards;
use fragments::Fragments;
use guard::Gate;
use sessions::Place;
pub use sessions::{Joining, SessionSettings, Sessions, upgrade};

/// A frame of this size fills a connection's write buffer: it goes out by itself.
const LARGE_FRAME: usize = 32 * 1024;
/// How long a browser waits after a refusal for load.
const RETRY: Duration = Duration::from_millis(500);
/// A session whose feed is gone looks for it again after this time.
const REJOIN: Duration = Duration::from_millis(100);

/// Frames that ask for changes, a second: a page has reason for a few at most. Over it a session is closed.
const ASKS_PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// A browser that does not answer a close within this time is cut.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// One WebSocket, and the actor that is its end.
pub struct Session {
    id: SessionId,
    joining: Result<Joining, Close>,
    sessions: Arc<Sessions>,
    /// Nothing if it is turned away.
    _place: Option<Place>,
    attached: Option<Attached>,
    hello: Option<Hello>,
    upwards: Option<Upwards>,
    /// Ops that came before the welcome went out.
    early: Vec<(u64, Result<Op, Refusal>)>,
    ops_limit: DefaultDirectRateLimiter,
    signals_limit: DefaultDirectRateLimiter,
    asks_limit: DefaultDirectRateLimiter,
    fragments: Fragments,
    /// Between it and the stream that its socket's frames come from.
    gate: Gate,
    /// What waits in the mailbox.
    unread: Unread,
    heard: Instant,
    closing: bool,
    ended: Ended,
}

impl Session {
    fn new(joining: Result<(Joining, Place), Close>, sessions: Arc<Sessions>, gate: Gate) -> Self {
        let (joining, place) = match joining {
            Ok((joining, place)) => (Ok(joining), Some(place)),
            Err(close) => (Err(close), None),
        };
        sessions.metrics().sessions_opened.count();
        let settings = &sessions.settings;
        let ops = Quota::per_second(settings.ops_per_second).allow_burst(settings.ops_burst);
        Self {
            id: sessions.opened.fetch_add(1, Ordering::Relaxed),
            joining,
            _place: place,
            attached: None,
            hello: None,
            upwards: None,
            early: Vec::new(),
            ops_limit: RateLimiter::direct(ops),
            signals_limit: RateLimiter::direct(Quota::per_second(settings.signals_per_second)),
            asks_limit: RateLimiter::direct(Quota::per_second(ASKS_PER_SECOND)),
            fragments: Fragments::default(),
            gate,
            unread: Unread::default(),
            heard: Instant::now(),
            closing: false,
            ended: Ended::Cut,
            sessions,
        }
    }

    fn join(&mut self, joining: Joining, ctx: &mut ws::WebsocketContext<Self>) {
        let Joining {
            drawing,
            since,
            life,
            ..
        } = joining;
        let most = self.sessions.settings.unread_bytes;
        let mailbox = Mailbox::new(ctx.address().recipient(), self.unread.clone(), most);
        let join = FromSession::Join {
            session: self.id,
            mailbox,
            since,
            life,
        };
        match self.sessions.feeds.join(drawing, join) {
            Ok(attached) => self.attached = Some(attached),
            Err(_) => self.close(Close::Restart { after: RETRY }, ctx),
        }
    }

    fn metrics(&self) -> &Metrics {
        self.sessions.metrics()
    }

    fn tell(&self, message: FromSession) {
        if let Some(attached) = &self.attached {
            // Ops reserved their room before, and the rest is bounded by this session's limits.
            attached.feed.do_send(message);
        }
    }

    fn close(&mut self, close: Close, ctx: &mut ws::WebsocketContext<Self>) {
        if std::mem::replace(&mut self.closing, true) {
            return;
        }
        self.gate.close();
        self.ended = Ended::from(&close);
        log::info!(
            "session {} closes: {} {}",
            self.id,
            close.code(),
            // It may repeat what the browser said, line breaks and all.
            close.reason().escape_debug()
        );
        self.tell(FromSession::Leave { session: self.id });
        let reason = ws::CloseReason {
            code: close.code().into(),
            description: Some(close.reason()),
        };
        ctx.close(Some(reason));
        // The browser answers with a close of its own. To end the connection before would, with
        // bytes still unread, reset it: and the browser would never see the reason.
        ctx.run_later(CLOSE_WAIT, |_, ctx| ctx.stop());
    }

    fn malformed(&mut self, reason: impl Into<String>, ctx: &mut ws::WebsocketContext<Self>) {
        self.close(Close::Malformed(reason.into()), ctx);
    }

    fn text(&mut self, text: &str, ctx: &mut ws::WebsocketContext<Self>) {
        match FromBrowser::parse(text) {
            Ok(FromBrowser::Ops(ops)) => self.ops(ops, ctx),
            Ok(FromBrowser::Signal(signal)) => self.signal(signal),
            Ok(FromBrowser::Ping) => {
                let head = self
                    .attached
                    .as_ref()
                    .map_or(0, |attached| attached.shared.head());
                ctx.text(ToBrowser::Pong { head }.encode());
            }
            Ok(_) if self.asks_limit.check().is_err() => {
                self.malformed("asks more often than a page has reason to", ctx);
            }
            Ok(FromBrowser::Hello(hello)) => self.hello(hello, ctx),
            Ok(FromBrowser::Since { since, life }) => {
                self.tell(FromSession::Since {
                    session: self.id,
                    since,
                    life,
                });
            }
            Ok(FromBrowser::People) => self.tell(FromSession::People { session: self.id }),
            Err(error) => self.malformed(error.to_string(), ctx),
        }
    }

    fn signal(&mut self, signal: PageSignal) {
        if self.signals_limit.check().is_err() {
            self.metrics().signals_dropped.count(Dropped::Rate);
            return;
        }
        let allowed = self
            .joining
            .as_ref()
            .is_ok_and(|joining| joining.access >= Access::Draw);
        let Some(attached) = self.attached.as_ref().filter(|_| self.upwards.is_some()) else {
            return;
        };
        let signal = PageSignal {
            ink: signal.ink.filter(|_| allowed),
            ..signal
        };
        let signal = FromSession::Signal {
            session: self.id,
            signal,
        };
        if attached.feed.try_send(signal).is_err() {
            self.metrics().signals_dropped.count(Dropped::Busy);
        }
    }

    fn hello(&mut self, hello: Hello, ctx: &mut ws::WebsocketContext<Self>) {
        if self.hello.is_some() {
            self.malformed("hello is said once", ctx);
            return;
        }
        let Ok(joining) = &self.joining else { return };
        let access = joining.access;
        self.hello = Some(hello.clone());
        self.tell(FromSession::Hello {
            session: self.id,
            hello,
            access,
        });
    }

    fn heartbeat(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        let (now, limit) = (Instant::now(), self.sessions.settings.silence);
        if now.duration_since(self.heard) > limit || self.fragments.is_late(now, limit) {
            self.close(Close::Silent, ctx);
            return;
        }
        if self
            .attached
            .as_ref()
            .is_some_and(|attached| !attached.feed.connected())
        {
            self.lost(ctx);
        }
        ctx.ping(b"");
    }

    /// The feed is gone: join the one that replaces it, under the same numbers. What it had
    /// not answered is asked for again; the writer's numbers make that harmless.
    fn lost(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        // Without a feed it looks for one already.
        if self.closing || self.attached.take().is_none() {
            return;
        }
        if let (Some(upwards), Some(hello)) = (self.upwards.take(), &mut self.hello) {
            hello.next = hello.next.max(upwards.answered() + 1);
        }
        ctx.run_later(REJOIN, |session, ctx| {
            let Ok(joining) = session.joining.clone() else {
                return;
            };
            // The page judges what comes by its own position, so that to start from the beginning repeats nothing.
            session.join(
                Joining {
                    since: 0,
                    life: joining.life,
                    ..joining
                },
                ctx,
            );
            if let Some(hello) = session.hello.clone() {
                session.tell(FromSession::Hello {
                    session: session.id,
                    hello,
                    access: joining.access,
                });
            }
        });
    }
}

impl Actor for Session {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.sessions.settings.unread_messages);
        match self.joining.clone() {
            Ok(joining) => {
                log::info!(
                    "session {} joins drawing {} since {}",
                    self.id,
                    joining.drawing,
                    joining.since
                );
                self.join(joining, ctx);
                ctx.run_interval(self.sessions.settings.heartbeat, Self::heartbeat);
            }
            Err(close) => self.close(close, ctx),
        }
    }
}

impl Drop for Session {
    /// No path out forgets to leave.
    fn drop(&mut self) {
        self.metrics().sessions_closed.count(self.ended);
        self.tell(FromSession::Leave { session: self.id });
    }
}

impl Handler<ToSession> for Session {
    type Result = ();

    fn handle(&mut self, message: ToSession, ctx: &mut Self::Context) {
        if self.closing {
            return;
        }
        self.unread.took(&message);
        match message {
            ToSession::Frame(frame) => {
                if frame.len() >= LARGE_FRAME {
                    // No more until this one is written: what is taken from the mailbox is
                    // copied, and of a browser that does not read it is to be little.
                    ctx.wait(wrap_future(tokio::task::yield_now()));
                }
                ctx.text(frame);
            }
            ToSession::Welcome { frame, next } => self.welcomed(frame, next, ctx),
            ToSession::Answers(Answers {
                refusals,
                ops,
                upto,
            }) => {
                for frame in refusals {
                    ctx.text(frame);
                }
                if let Some(upwards) = &mut self.upwards {
                    upwards.answer(ops, upto);
                }
                ctx.text(ToBrowser::Done { n: upto }.encode());
            }
            ToSession::Close(close) => self.close(close, ctx),
            ToSession::Lost => self.lost(ctx),
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
        self.heard = Instant::now();
        match message {
            Ok(ws::Message::Text(text)) => self.text(&text, ctx),
            Ok(ws::Message::Ping(bytes)) => ctx.pong(&bytes),
            Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Continuation(item)) => match self.fragments.take(item, self.heard) {
                Ok(Some(text)) => self.text(&text, ctx),
                Ok(None) => {}
                Err(close) => self.close(close, ctx),
            },
            Ok(ws::Message::Binary(_)) => self.malformed("frames are text", ctx),
            Ok(ws::Message::Close(reason)) => {
                self.closing = true;
                self.ended = Ended::Left;
                log::info!("session {} left", self.id);
                ctx.close(reason);
                ctx.stop();
            }
            Err(error) => {
                match (self.gate.violation(), error) {
                    (Some(close), _) => self.close(close, ctx),
                    // Text that is no UTF-8 comes as an I/O error too: only its words tell.
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
