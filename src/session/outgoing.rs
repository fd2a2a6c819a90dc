//! What a socket is sent, in order: the frames of its feed, and what its actor writes.
//!
//! A frame goes past the actor, which only has to be told of the rest: in a crowd almost every message is a
//! frame of strokes, and an actor that wakes looks at all that it waits for. It must never encode more than
//! about [`ENOUGH`] bytes ahead of what the client reads.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use actix::Recipient;
use actix_codec::Encoder;
use actix_http::ws::{Codec, Message};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::{Bytes, BytesMut};

use super::actor::FromFeed;
use super::guard::Gate;
use super::writer::Registration;
use crate::feed::mailbox::ToSession;
use crate::feed::session_mailbox::SessionQueue;

/// Bytes after which what there is, is written.
const ENOUGH: usize = 32 * 1024;
/// Most bytes that a frame has before its text.
const MAX_FRAME_HEAD: usize = 10;

/// The bytes that a socket is sent.
pub(super) struct Outgoing {
    queue: Arc<SessionQueue>,
    address: Recipient<FromFeed>,
    /// What the actor writes: to read it runs the actor.
    actor: BoxBody,
    /// Whether the actor has something to do.
    wanted: Arc<Wanted>,
    waker: Waker,
    gate: Gate,
    /// With the writer of single frames, where there is one.
    registration: Option<Registration>,
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
        address: Recipient<FromFeed>,
        actor: BoxBody,
        gate: Gate,
        registration: Option<Registration>,
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
            registration,
            codec: Codec::new(),
            is_over: false,
        }
    }

    /// Runs the actor until it waits, ends or has written enough.
    fn run(&mut self, written: &mut BytesMut) -> Result<(), <BoxBody as MessageBody>::Error> {
        loop {
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
            if written.len() >= ENOUGH {
                self.wanted.is_wanted.store(true, Ordering::Release);
                return Ok(());
            }
        }
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
        let rest = this
            .registration
            .as_ref()
            .map(Registration::begin)
            .unwrap_or_default();
        let mut written = BytesMut::from(rest);
        while !this.is_over && written.len() < ENOUGH {
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
            this.run(&mut written)?;
        }
        // After what waited, as an actor looks at its mailbox before its timers; but it may not wait for a queue
        // that is never empty.
        if !this.is_over && this.wanted.is_wanted.load(Ordering::Acquire) {
            this.run(&mut written)?;
        }
        if !written.is_empty() {
            return Poll::Ready(Some(Ok(written.freeze())));
        }
        if this.is_over {
            return Poll::Ready(None);
        }
        // After the close frame nothing may follow.
        if let (Some(registration), false) = (&this.registration, this.gate.is_closing()) {
            registration.wait();
        }
        Poll::Pending
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.queue.close();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::future;
    use std::rc::Rc;

    use actix::{Actor, Handler};
    use actix_web::body::BodyStream;
    use actix_web::rt::task::yield_now;
    use futures_util::stream::poll_fn;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::feed::mailbox::{Acks, Mailbox};
    use crate::feed::session_mailbox::SessionMailbox;
    use crate::session::writer::Writer;

    /// Receives what a session's actor would be told.
    #[derive(Default)]
    struct Told(Rc<Cell<usize>>);

    impl Actor for Told {
        type Context = actix::Context<Self>;
    }

    impl Handler<FromFeed> for Told {
        type Result = ();

        fn handle(&mut self, _: FromFeed, _: &mut Self::Context) {
            self.0.set(self.0.get() + 1);
        }
    }

    /// What an actor writes, one part each time it is run.
    #[derive(Clone, Default)]
    struct Script {
        parts: Rc<RefCell<VecDeque<Option<&'static str>>>>,
        runs: Rc<Cell<usize>>,
        waker: Rc<RefCell<Option<Waker>>>,
    }

    impl Script {
        fn body(self) -> BoxBody {
            BoxBody::new(BodyStream::new(poll_fn(move |cx| {
                self.runs.set(self.runs.get() + 1);
                self.waker.replace(Some(cx.waker().clone()));
                let part = self.parts.borrow_mut().pop_front();
                let bytes =
                    |part: &'static str| Ok::<_, Infallible>(Bytes::from_static(part.as_bytes()));
                part.map_or(Poll::Pending, |part| Poll::Ready(part.map(bytes)))
            })))
        }
    }

    struct Socket {
        mailbox: SessionMailbox,
        outgoing: Outgoing,
        script: Script,
        told: Rc<Cell<usize>>,
        gate: Gate,
    }

    impl Socket {
        fn open() -> Self {
            Self::with(SessionQueue::new(1_000, 1 << 20, None), None)
        }

        /// And the other end of its connection, of which the writer writes single frames.
        async fn registered(writer: &Rc<Writer>) -> (Self, TcpStream) {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let peer = TcpStream::connect(listener.local_addr().unwrap()).await;
            let (stream, _) = listener.accept().await.unwrap();
            stream.writable().await.unwrap();
            let new = |ready| SessionQueue::new(1_000, 1 << 20, Some(ready));
            let (registration, queue) = writer.register(Rc::new(RefCell::new(stream)), new);
            (Self::with(queue, Some(registration)), peer.unwrap())
        }

        fn with(queue: Arc<SessionQueue>, registration: Option<Registration>) -> Self {
            let (script, gate, told) = (Script::default(), Gate::default(), Rc::default());
            let address = Told(Rc::clone(&told)).start().recipient();
            let actor = script.clone().body();
            Self {
                mailbox: SessionMailbox::new(queue.clone()),
                outgoing: Outgoing::new(queue, address, actor, gate.clone(), registration),
                script,
                told,
                gate,
            }
        }

        /// What is sent now, if anything; `None` at the end.
        async fn sends(&mut self) -> Option<String> {
            let polled =
                future::poll_fn(|cx| Poll::Ready(Pin::new(&mut self.outgoing).poll_next(cx))).await;
            match polled {
                Poll::Pending => Some(String::new()),
                Poll::Ready(None) => None,
                Poll::Ready(Some(bytes)) => {
                    let bytes = bytes.unwrap();
                    Some(
                        String::from_utf8_lossy(&bytes)
                            .replace(|c: char| !c.is_ascii_alphanumeric(), ""),
                    )
                }
            }
        }

        fn writes(&self, parts: impl IntoIterator<Item = Option<&'static str>>) {
            self.script.parts.borrow_mut().extend(parts);
        }

        fn wakes(&self) {
            let waker = self.script.waker.borrow();
            waker.as_ref().expect("it was run").wake_by_ref();
        }
    }

    #[actix_web::test]
    async fn a_frame_runs_no_actor_that_nothing_woke() {
        let mut socket = Socket::open();
        assert_eq!(socket.sends().await.unwrap(), "");
        assert_eq!(socket.script.runs.get(), 1, "it begins");
        socket.mailbox.frame("one".into());
        socket.mailbox.frame("two".into());
        assert!(socket.sends().await.unwrap().ends_with("two"));
        assert_eq!(socket.script.runs.get(), 1);
        socket.writes([Some("pong")]);
        socket.wakes();
        assert_eq!(socket.sends().await.unwrap(), "pong");
        assert_eq!(socket.script.runs.get(), 3, "until it waits");
        assert_eq!(socket.sends().await.unwrap(), "");
        assert_eq!(socket.script.runs.get(), 3);
    }

    #[actix_web::test]
    async fn what_the_actor_is_told_is_answered_between_the_frames_around_it() {
        let mut socket = Socket::open();
        socket.sends().await;
        socket.mailbox.frame("before".into());
        socket.mailbox.acks(Acks::default()).unwrap();
        socket.mailbox.frame("after".into());
        socket.writes([Some("done")]);
        assert_eq!(socket.sends().await.unwrap(), "beforedoneafter");
        yield_now().await;
        assert_eq!(socket.told.get(), 1);
    }

    #[actix_web::test]
    async fn a_queue_that_is_never_empty_does_not_keep_the_actor_from_running() {
        let mut socket = Socket::open();
        socket.sends().await;
        let large = "x".repeat(ENOUGH);
        for _ in 0..3 {
            socket.mailbox.frame(large.as_str().into());
        }
        socket.writes([Some("pong")]);
        socket.wakes();
        let sent = socket.sends().await.unwrap();
        assert!(sent.ends_with("pong"), "{} bytes", sent.len());
        assert!(sent.len() < 2 * ENOUGH, "{} bytes ahead", sent.len());
    }

    #[actix_web::test]
    async fn no_frame_follows_the_close_frame_and_the_end_of_the_actor_is_the_end() {
        let mut socket = Socket::open();
        socket.sends().await;
        socket.mailbox.frame("late".into());
        socket.gate.close();
        socket.writes([Some("close"), None]);
        socket.wakes();
        assert_eq!(socket.sends().await.unwrap(), "close");
        assert_eq!(socket.sends().await, None);
        drop(socket.outgoing);
        assert!(!socket.mailbox.frame("later".into()), "nobody takes it");
    }

    #[actix_web::test]
    async fn the_writer_writes_only_while_the_task_waits_and_nothing_after_the_close_frame() {
        let writer = Writer::start();
        let (mut socket, mut peer) = Socket::registered(&writer).await;
        socket.mailbox.frame("first".into());
        yield_now().await;
        assert!(socket.sends().await.unwrap().ends_with("first"));
        assert_eq!(socket.sends().await.unwrap(), "");
        socket.mailbox.frame("alone".into());
        let mut read = [0; 7];
        peer.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"\x81\x05alone");
        socket.gate.close();
        assert_eq!(socket.sends().await.unwrap(), "");
        socket.mailbox.frame("late".into());
        yield_now().await;
        drop((socket, writer));
        yield_now().await;
        assert_eq!(peer.read(&mut read).await.unwrap(), 0, "the end");
    }
}
