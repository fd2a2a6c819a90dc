//! Writes single frames to the sockets of one worker, without running their tasks.
//!
//! In a crowd almost all that a socket is sent is one frame of strokes at a time, and to wake and run a socket's
//! task costs as much as to write. It must never write between the parts of what that task writes.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_codec::Encoder;
use actix_http::ws::{Codec, Message};
use actix_web::rt::net::TcpStream;
use actix_web::web::{Bytes, BytesMut};
use bytestring::ByteString;
use slab::Slab;

use crate::feed::session_mailbox::{Ready, ReadyList, SessionQueue};

/// Most sockets that are written to before other tasks have their turn.
const TURN: usize = 16;

/// A connection's stream, which its task and the writer share.
pub type SharedStream = Rc<RefCell<TcpStream>>;

/// The writer of one worker.
#[derive(Debug, Default)]
pub struct Writer {
    sockets: RefCell<Slab<Rc<Socket>>>,
    ready: Arc<ReadyList>,
}

/// A socket that the writer knows.
#[derive(Debug)]
struct Socket {
    queue: Arc<SessionQueue>,
    stream: SharedStream,
    /// Its task has written all that it took, and waits.
    task_waits: Cell<bool>,
    /// What was not written of a frame.
    rest: RefCell<Bytes>,
}

/// A socket's registration with the writer, until it is dropped.
pub(super) struct Registration {
    socket: Rc<Socket>,
    writer: Rc<Writer>,
    token: usize,
}

impl Writer {
    /// Starts the writer of this worker.
    pub fn start() -> Rc<Self> {
        let writer = Rc::<Self>::default();
        let task = writer.clone();
        actix_web::rt::spawn(async move {
            let (mut tokens, mut encoded) = (Vec::new(), BytesMut::new());
            poll_fn(|cx| task.write(&mut tokens, &mut encoded, cx)).await
        });
        writer
    }

    /// Registers a new socket, and makes its queue.
    pub(super) fn register(
        self: &Rc<Self>,
        stream: SharedStream,
        queue: impl FnOnce(Ready) -> Arc<SessionQueue>,
    ) -> (Registration, Arc<SessionQueue>) {
        let mut sockets = self.sockets.borrow_mut();
        let entry = sockets.vacant_entry();
        let token = entry.key();
        let list = self.ready.clone();
        let queue = queue(Ready { list, token });
        let socket = Rc::new(Socket {
            queue: queue.clone(),
            stream,
            task_waits: Cell::new(false),
            rest: RefCell::default(),
        });
        entry.insert(socket.clone());
        let registration = Registration {
            socket,
            writer: self.clone(),
            token,
        };
        (registration, queue)
    }

    /// Writes to those that were given a frame.
    fn write(
        &self,
        tokens: &mut Vec<usize>,
        encoded: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        self.ready.take(tokens, cx.waker());
        for token in tokens.drain(..tokens.len().min(TURN)) {
            // Another socket may have the token now: it is written to when it waits too.
            let socket = self.sockets.borrow().get(token).cloned();
            if let Some(socket) = socket
                && let Some(frame) = socket.queue.take_single_frame(socket.task_waits.get())
            {
                socket.write(frame, encoded);
            }
        }
        if !tokens.is_empty() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Socket {
    /// Writes a frame, and leaves to the task what cannot be written now.
    fn write(&self, frame: ByteString, encoded: &mut BytesMut) {
        encoded.clear();
        // A whole text can always be encoded.
        let is_encoded = Codec::new().encode(Message::Text(frame), encoded).is_ok();
        debug_assert!(is_encoded);
        // The task meets an error itself, when it writes.
        let written = self.stream.borrow().try_write(encoded).unwrap_or(0);
        if written < encoded.len() {
            self.rest
                .replace(Bytes::copy_from_slice(&encoded[written..]));
            self.task_waits.set(false);
            self.queue.wake();
        }
    }
}

impl Registration {
    /// The task goes on: it writes by itself from now on. Returns what it has to write first.
    pub(super) fn begin(&self) -> Bytes {
        self.socket.task_waits.set(false);
        self.socket.rest.take()
    }

    /// The task has written all that it took, and waits.
    pub(super) fn wait(&self) {
        self.socket.task_waits.set(true);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.writer.sockets.borrow_mut().remove(self.token);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use actix_web::rt::task::yield_now;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::feed::mailbox::{Acks, Mailbox, ToSession};
    use crate::feed::session_mailbox::SessionMailbox;

    /// Counts how often a socket's task was woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Page {
        registration: Registration,
        queue: Arc<SessionQueue>,
        mailbox: SessionMailbox,
        woken: Arc<Woken>,
        /// The other end.
        peer: TcpStream,
    }

    impl Page {
        /// With a task that never began to wait.
        async fn open(writer: &Rc<Writer>) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let peer = TcpStream::connect(listener.local_addr().unwrap()).await;
            let (stream, _) = listener.accept().await.unwrap();
            stream.writable().await.unwrap();
            let stream = Rc::new(RefCell::new(stream));
            let new = |ready| SessionQueue::new(1_000, 1 << 30, Some(ready));
            let (registration, queue) = writer.register(stream, new);
            let woken = Arc::<Woken>::default();
            queue.register(&Waker::from(woken.clone()));
            Self {
                registration,
                mailbox: SessionMailbox::new(queue.clone()),
                queue,
                woken,
                peer: peer.unwrap(),
            }
        }

        fn frame(&self, text: &str) {
            assert!(self.mailbox.frame(text.into()));
        }

        async fn receives(&mut self, bytes: &[u8]) {
            let mut read = vec![0; bytes.len()];
            self.peer.read_exact(&mut read).await.unwrap();
            assert_eq!(read, bytes);
        }

        fn woken(&self) -> usize {
            self.woken.0.load(Ordering::Relaxed)
        }
    }

    #[actix_web::test]
    async fn a_single_frame_is_written_without_the_task() {
        let writer = Writer::start();
        let mut page = Page::open(&writer).await;
        page.registration.wait();
        for _ in 0..3 {
            page.frame("one");
            page.receives(b"\x81\x03one").await;
        }
        assert_eq!(page.woken(), 0);
        assert!(page.queue.is_empty());
    }

    #[actix_web::test]
    async fn nothing_is_written_between_the_parts_of_what_the_task_writes() {
        let writer = Writer::start();
        let mut page = Page::open(&writer).await;
        page.frame("before");
        yield_now().await;
        assert!(page.queue.take().is_some(), "its task never waited");
        page.registration.wait();
        assert!(page.registration.begin().is_empty());
        page.frame("meanwhile");
        yield_now().await;
        assert!(page.queue.take().is_some());
        assert_eq!(page.woken(), 0, "it will look itself");
        page.registration.wait();
        page.frame("after");
        page.receives(b"\x81\x05after").await;
    }

    #[actix_web::test]
    async fn what_is_more_than_a_frame_is_left_to_the_task() {
        let writer = Writer::start();
        let page = Page::open(&writer).await;
        page.registration.wait();
        page.frame("one");
        page.mailbox.acks(Acks::default()).unwrap();
        yield_now().await;
        page.frame("two");
        yield_now().await;
        assert!(page.woken() > 0);
        let mut taken = std::iter::from_fn(|| page.queue.take());
        assert!(matches!(taken.next(), Some(ToSession::Frame(_))));
        assert!(matches!(taken.next(), Some(ToSession::Acks(_))));
        assert!(matches!(taken.next(), Some(ToSession::Frame(_))));
    }

    #[actix_web::test]
    async fn what_does_not_fit_the_socket_is_left_to_the_task_to_the_byte() {
        let writer = Writer::start();
        let mut page = Page::open(&writer).await;
        let text = "x".repeat(1 << 24);
        page.registration.wait();
        page.frame(&text);
        yield_now().await;
        assert_eq!(page.woken(), 1);
        page.frame("later");
        yield_now().await;
        let rest = page.registration.begin();
        assert!(!rest.is_empty() && page.registration.begin().is_empty());
        let head = b"\x81\x7f\0\0\0\0\x01\0\0\0";
        let written = head.len() + text.len() - rest.len();
        assert!(written > head.len());
        page.receives(head).await;
        page.receives(&text.as_bytes()[..written - head.len()])
            .await;
        let later = page.queue.take();
        assert!(matches!(later, Some(ToSession::Frame(text)) if text == "later"));
    }

    #[actix_web::test]
    async fn all_of_many_sockets_are_written_to_and_a_token_is_used_again() {
        let writer = Writer::start();
        let mut pages = Vec::new();
        for _ in 0..2 * TURN + 1 {
            pages.push(Page::open(&writer).await);
        }
        let gone = pages.pop().unwrap();
        gone.frame("lost");
        drop(gone.registration);
        pages.push(Page::open(&writer).await);
        assert_eq!(writer.sockets.borrow().len(), pages.len());
        for page in &pages {
            page.registration.wait();
            page.frame("all");
        }
        for page in &mut pages {
            page.receives(b"\x81\x03all").await;
        }
    }
}
