//! What a socket is sent, in order: the frames of its feed, and what its actor writes.
//!
//! A frame goes past the actor, which only has to be told of the rest: in a crowd almost every message is a
//! frame of strokes, and an actor that wakes looks at all that it waits for. It must never encode more than
//! about [`ENOUGH`] bytes ahead of what the client reads.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use actix::Addr;
use actix_codec::Encoder;
use actix_http::ws::{Codec, Message};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::{Bytes, BytesMut};

use super::actor::{FromFeed, Session};
use super::guard::Gate;
use crate::feed::mailbox::ToSession;
use crate::feed::session_mailbox::SessionQueue;

/// Bytes after which what there is, is written.
const ENOUGH: usize = 32 * 1024;
/// Most bytes that a frame has before its text.
const MAX_FRAME_HEAD: usize = 10;

/// The bytes that a socket is sent.
pub(super) struct Outgoing {
    queue: Arc<SessionQueue>,
    address: Addr<Session>,
    /// What the actor writes: to read it runs the actor.
    actor: BoxBody,
    /// Whether the actor has something to do.
    wanted: Arc<Wanted>,
    waker: Waker,
    gate: Gate,
    codec: Codec,
    /// The actor has ended.
    is_over: bool,
}

/// Remembers that the actor was woken, and wakes the task that runs it.
struct Wanted {
    is_wanted: AtomicBool,
    queue: Arc<SessionQueue>,
}

impl Wake for Wanted {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_wanted.store(true, Ordering::Release);
        self.queue.wake();
    }
}

impl Outgoing {
    /// Of this actor, which was not run yet, and its queue.
    pub(super) fn new(
        queue: Arc<SessionQueue>,
        address: Addr<Session>,
        actor: BoxBody,
        gate: Gate,
    ) -> Self {
        let wanted = Arc::new(Wanted {
            is_wanted: AtomicBool::new(true),
            queue: queue.clone(),
        });
        Self {
            queue,
            address,
            actor,
            waker: wanted.clone().into(),
            wanted,
            gate,
            codec: Codec::new(),
            is_over: false,
        }
    }

    /// Runs the actor until it waits, ends or has written enough.
    fn run(&mut self, written: &mut BytesMut) -> Result<(), <BoxBody as MessageBody>::Error> {
        while written.len() < ENOUGH {
            self.wanted.is_wanted.store(false, Ordering::Release);
            let mut context = Context::from_waker(&self.waker);
            match Pin::new(&mut self.actor).poll_next(&mut context) {
                Poll::Ready(Some(bytes)) => written.extend_from_slice(&bytes?),
                Poll::Ready(None) => {
                    self.is_over = true;
                    return Ok(());
                }
                Poll::Pending => return Ok(()),
            }
        }
        self.wanted.is_wanted.store(true, Ordering::Release);
        Ok(())
    }

    fn tell(&self, message: FromFeed) {
        self.address.do_send(message);
    }
}

impl MessageBody for Outgoing {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        this.queue.register(cx.waker());
        let mut written = BytesMut::new();
        let mut runs = this.wanted.is_wanted.load(Ordering::Acquire);
        while !this.is_over && written.len() < ENOUGH {
            if std::mem::take(&mut runs) {
                this.run(&mut written)?;
                continue;
            }
            match this.queue.take() {
                None => break,
                // After the close frame nothing may follow.
                Some(ToSession::Frame(_)) if this.gate.is_closing() => continue,
                Some(ToSession::Frame(frame)) => {
                    written.reserve(frame.len() + MAX_FRAME_HEAD);
                    this.codec.encode(Message::Text(frame), &mut written)?;
                    continue;
                }
                Some(ToSession::Welcome { frame, next }) => {
                    this.tell(FromFeed::Welcome { frame, next });
                }
                Some(ToSession::Acks(acks)) => this.tell(FromFeed::Acks(acks)),
                Some(ToSession::Close(close)) => this.tell(FromFeed::Close(close)),
                Some(ToSession::Rejoin) => this.tell(FromFeed::Rejoin),
            }
            // It answers before anything that follows.
            runs = true;
        }
        match (written.is_empty(), this.is_over) {
            (false, _) => Poll::Ready(Some(Ok(written.freeze()))),
            (true, true) => Poll::Ready(None),
            (true, false) => Poll::Pending,
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.queue.close();
    }
}
