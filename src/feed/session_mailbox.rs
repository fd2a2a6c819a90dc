//! The mailbox of a session: a feed fills it, and the session's task empties it, or the writer of its worker.
//!
//! It must never hold more than its limits for a client that does not read.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytestring::ByteString;
use futures_util::task::AtomicWaker;

use super::mailbox::{Acks, Mailbox, ToSession};

/// What waits for one session.
#[derive(Debug)]
pub struct SessionQueue {
    waiting: Mutex<Waiting>,
    /// Most messages.
    max_messages: usize,
    /// Most bytes of frames, unless a single one has more.
    max_bytes: usize,
    /// Where a frame is announced.
    ready: Option<Ready>,
    /// The session's task, to which all else is announced, and frames too without the above.
    task: AtomicWaker,
}

/// The sessions of one worker that were given a frame, by their tokens.
#[derive(Debug, Default)]
pub struct ReadyList {
    tokens: Mutex<Vec<usize>>,
    /// The task that takes them.
    taker: AtomicWaker,
}

/// How a session announces that it was given a frame.
#[derive(Debug)]
pub struct Ready {
    /// That of its worker.
    pub list: Arc<ReadyList>,
    /// Its number among the sessions of that worker.
    pub token: usize,
}

impl ReadyList {
    /// Moves all tokens to the end of `taken`, each at most once since it was last taken; the next one wakes `task`.
    pub fn take(&self, taken: &mut Vec<usize>, task: &Waker) {
        self.taker.register(task);
        taken.append(&mut self.tokens());
    }

    fn add(&self, token: usize) {
        let mut tokens = self.tokens();
        tokens.push(token);
        let is_first = tokens.len() == 1;
        drop(tokens);
        if is_first {
            self.taker.wake();
        }
    }

    fn tokens(&self) -> MutexGuard<'_, Vec<usize>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<ToSession>,
    /// Whether it is in the ready list.
    is_ready: bool,
    /// Bytes of its frames.
    bytes: usize,
    /// Messages that the session has taken in total.
    taken: usize,
    /// Whether the session is gone.
    is_closed: bool,
}

impl SessionQueue {
    /// An empty queue with these limits.
    pub fn new(max_messages: usize, max_bytes: usize, ready: Option<Ready>) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            max_messages,
            max_bytes,
            ready,
            task: AtomicWaker::new(),
        })
    }

    /// Takes the oldest message.
    pub fn take(&self) -> Option<ToSession> {
        self.waiting().take()
    }

    /// Takes the only message if that is a frame and the session's task waits; otherwise that task takes all.
    /// To be called for each token of the ready list.
    pub fn take_single_frame(&self, task_waits: bool) -> Option<ByteString> {
        let mut waiting = self.waiting();
        waiting.is_ready = false;
        let single = waiting.messages.len() == 1 && task_waits;
        match waiting.messages.front() {
            Some(ToSession::Frame(frame)) if single => {
                let frame = frame.clone();
                waiting.take();
                Some(frame)
            }
            Some(_) if task_waits => {
                drop(waiting);
                self.wake();
                None
            }
            _ => None,
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting().messages.is_empty()
    }

    /// The task that is woken by the next message: to be called before the queue is found empty.
    pub fn register(&self, task: &Waker) {
        self.task.register(task);
    }

    /// Wakes the session's task for another reason.
    pub fn wake(&self) {
        self.task.wake();
    }

    /// The session is gone: drops what waits, and takes nothing more.
    pub fn close(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        let messages = std::mem::take(&mut waiting.messages);
        waiting.bytes = 0;
        drop(waiting);
        drop(messages);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_room(&self, waiting: &Waiting, bytes: usize) -> bool {
        let fits = waiting.bytes == 0 || waiting.bytes + bytes <= self.max_bytes;
        fits && waiting.messages.len() < self.max_messages && !waiting.is_closed
    }

    fn push(&self, mut waiting: MutexGuard<'_, Waiting>, message: ToSession) {
        let is_frame = matches!(message, ToSession::Frame(_));
        waiting.messages.push_back(message);
        match &self.ready {
            Some(ready) if is_frame => {
                let was_ready = std::mem::replace(&mut waiting.is_ready, true);
                drop(waiting);
                if !was_ready {
                    ready.list.add(ready.token);
                }
            }
            _ => {
                drop(waiting);
                self.task.wake();
            }
        }
    }
}

impl Waiting {
    fn take(&mut self) -> Option<ToSession> {
        let message = self.messages.pop_front()?;
        if let ToSession::Frame(frame) = &message {
            self.bytes -= frame.len();
        }
        self.taken += 1;
        Some(message)
    }
}

/// The feed's end of a session's queue.
#[derive(Clone, Debug)]
pub struct SessionMailbox {
    queue: Arc<SessionQueue>,
    /// The last message that did not fit.
    refused: Cell<Option<Refused>>,
}

/// A message that did not fit.
#[derive(Clone, Copy, Debug)]
struct Refused {
    bytes: usize,
    /// The number of messages taken before.
    taken: usize,
}

impl SessionMailbox {
    /// The mailbox that fills this queue.
    pub fn new(queue: Arc<SessionQueue>) -> Self {
        Self {
            queue,
            refused: Cell::new(None),
        }
    }
}

impl Mailbox for SessionMailbox {
    fn frame(&self, frame: ByteString) -> bool {
        let bytes = frame.len();
        let mut waiting = self.queue.waiting();
        if !self.queue.has_room(&waiting, bytes) {
            let taken = waiting.taken;
            self.refused.set(Some(Refused { bytes, taken }));
            return false;
        }
        self.refused.set(None);
        waiting.bytes += bytes;
        self.queue.push(waiting, ToSession::Frame(frame));
        true
    }

    fn has_room(&self) -> bool {
        self.refused.get().is_none_or(|refused| {
            let waiting = self.queue.waiting();
            waiting.taken != refused.taken && self.queue.has_room(&waiting, refused.bytes)
        })
    }

    fn acks(&self, acks: Acks) -> Result<(), Acks> {
        let waiting = self.queue.waiting();
        if waiting.messages.len() >= self.queue.max_messages || waiting.is_closed {
            let taken = waiting.taken;
            self.refused.set(Some(Refused { bytes: 0, taken }));
            return Err(acks);
        }
        self.queue.push(waiting, ToSession::Acks(acks));
        Ok(())
    }

    fn tell(&self, message: ToSession) {
        let waiting = self.queue.waiting();
        if !waiting.is_closed {
            self.queue.push(waiting, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Close;

    fn mailbox(max_messages: usize, max_bytes: usize) -> (Arc<SessionQueue>, SessionMailbox) {
        let queue = SessionQueue::new(max_messages, max_bytes, None);
        (queue.clone(), SessionMailbox::new(queue))
    }

    #[test]
    fn frames_and_acks_are_bounded_and_there_is_room_again_when_the_session_takes_some() {
        let (queue, mailbox) = mailbox(3, 10);
        assert!(mailbox.frame("12345".into()));
        assert!(!mailbox.frame("123456".into()), "too many bytes");
        assert!(!mailbox.has_room(), "nothing was taken");
        assert!(mailbox.frame("12345".into()));
        assert!(mailbox.acks(Acks::default()).is_ok());
        assert!(!mailbox.frame("".into()), "too many messages");
        assert!(mailbox.acks(Acks::default()).is_err());
        assert!(!mailbox.has_room());
        // Told once, whatever waits.
        mailbox.tell(ToSession::Close(Close::Silent));
        assert!(matches!(queue.take(), Some(ToSession::Frame(_))));
        assert!(!mailbox.has_room(), "the closing takes its place");
        assert!(matches!(queue.take(), Some(ToSession::Frame(_))));
        assert!(mailbox.has_room());
        assert!(matches!(queue.take(), Some(ToSession::Acks(_))));
        assert!(matches!(queue.take(), Some(ToSession::Close(_))));
        assert!(queue.take().is_none());
    }

    #[test]
    fn a_frame_that_alone_exceeds_the_bytes_fits_alone() {
        let (queue, mailbox) = mailbox(3, 10);
        assert!(mailbox.frame("12345678901".into()));
        assert!(!mailbox.frame("1".into()));
        assert!(queue.take().is_some());
        assert!(mailbox.has_room());
        assert!(mailbox.frame("1".into()));
    }

    #[test]
    fn a_frame_is_announced_once_until_the_token_is_taken_and_taken_alone_only_where_it_is_alone() {
        let list = Arc::<ReadyList>::default();
        let ready = Ready {
            list: list.clone(),
            token: 7,
        };
        let queue = SessionQueue::new(10, 100, Some(ready));
        let mailbox = SessionMailbox::new(queue.clone());
        let tokens = || {
            let mut tokens = Vec::new();
            list.take(&mut tokens, Waker::noop());
            tokens
        };
        assert!(mailbox.acks(Acks::default()).is_ok());
        assert!(tokens().is_empty(), "the session's task is woken");
        assert!(queue.take().is_some());
        assert!(mailbox.frame("1".into()) && mailbox.frame("2".into()));
        assert_eq!(tokens(), [7]);
        assert_eq!(queue.take_single_frame(true), None, "there are two");
        assert!(queue.take().is_some());
        assert_eq!(queue.take_single_frame(false), None, "the task is busy");
        assert_eq!(queue.take_single_frame(true).unwrap(), "2");
        assert!(queue.is_empty() && mailbox.frame("3".into()));
        assert_eq!(tokens(), [7]);
    }

    #[test]
    fn a_session_that_is_gone_holds_and_takes_nothing() {
        let (queue, mailbox) = mailbox(3, 10);
        assert!(mailbox.frame("1".into()));
        queue.close();
        assert!(queue.take().is_none());
        assert!(!mailbox.frame("1".into()));
        assert!(!mailbox.has_room());
        assert!(mailbox.acks(Acks::default()).is_err());
        mailbox.tell(ToSession::Rejoin);
        assert!(queue.take().is_none());
    }
}
