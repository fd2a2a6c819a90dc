//! Joins, hellos and reads that wait until the feed knows that it has caught up with the database.

use super::mailbox::Mailbox;
use super::messages::Request;
use crate::domain::ids::SessionId;

/// The waiting requests.
#[derive(Debug)]
pub(super) struct Requests<M> {
    /// They wait for a read that begins later.
    waiting: Vec<Request<M>>,
    /// The read that is in flight answers them.
    answered_by_read: Vec<Request<M>>,
    /// Joins and reads that have arrived in total.
    seen: u64,
}

impl<M> Default for Requests<M> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            answered_by_read: Vec::new(),
            seen: 0,
        }
    }
}

impl<M: Mailbox> Requests<M> {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.answered_by_read.is_empty()
    }

    pub(super) fn note_seen(&mut self) {
        self.seen += 1;
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) fn keep(&mut self, request: Request<M>) {
        self.waiting.push(request);
    }

    /// A read has answered it, but it has to wait for something else.
    pub(super) fn put_back(&mut self, request: Request<M>) {
        self.answered_by_read.push(request);
    }

    /// What was put back waits from now on, before what came later.
    pub(super) fn all_put_back(&mut self) {
        self.answered_by_read.append(&mut self.waiting);
        self.waiting = std::mem::take(&mut self.answered_by_read);
    }

    /// A read begins: it answers all that waits.
    pub(super) fn begin_read(&mut self) {
        self.answered_by_read.append(&mut self.waiting);
    }

    /// Whether the join of this session still waits.
    pub(super) fn has_join(&self, session: SessionId) -> bool {
        self.all().any(
            |request| matches!(request, Request::Join { session: joins, .. } if *joins == session),
        )
    }

    pub(super) fn take_answered(&mut self) -> Vec<Request<M>> {
        std::mem::take(&mut self.answered_by_read)
    }

    pub(super) fn take_waiting(&mut self) -> Vec<Request<M>> {
        std::mem::take(&mut self.waiting)
    }

    /// All of them, in the order of arrival.
    pub(super) fn take_all(&mut self) -> Vec<Request<M>> {
        let mut all = self.take_answered();
        all.append(&mut self.waiting);
        all
    }

    pub(super) fn forget_session(&mut self, session: SessionId) {
        self.forget(|request| request.session() == Some(session));
    }

    /// Forgets the position that a session gave before.
    pub(super) fn forget_since(&mut self, session: SessionId) {
        self.forget(
            |request| matches!(request, Request::Since { session: held, .. } if *held == session),
        );
    }

    pub(super) fn forget_abandoned(&mut self) {
        self.forget(|_| false);
    }

    fn forget(&mut self, which: impl Fn(&Request<M>) -> bool) {
        for list in [&mut self.waiting, &mut self.answered_by_read] {
            list.retain(|request| !request.is_abandoned() && !which(request));
        }
    }

    fn all(&self) -> impl Iterator<Item = &Request<M>> {
        self.answered_by_read.iter().chain(&self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use bytestring::ByteString;
    use tokio::sync::oneshot;

    use super::*;
    use crate::domain::ids::Epoch;
    use crate::domain::sequence::Seq;
    use crate::feed::mailbox::{Acks, ToSession};
    use crate::feed::messages::ReadRequest;
    use crate::feed::standings::Entrance;

    #[derive(Debug)]
    struct Nowhere;

    impl Mailbox for Nowhere {
        fn frame(&self, _: ByteString) -> bool {
            true
        }

        fn has_room(&self) -> bool {
            true
        }

        fn acks(&self, _: Acks) -> Result<(), Acks> {
            Ok(())
        }

        fn tell(&self, _: ToSession) {}
    }

    fn since(session: SessionId, since: Seq) -> Request<Nowhere> {
        Request::Since {
            session,
            since,
            epoch: Epoch::random(),
        }
    }

    fn join(session: SessionId) -> Request<Nowhere> {
        Request::Join {
            session,
            mailbox: Nowhere,
            since: 0,
            epoch: None,
            entrance: Entrance::open(),
        }
    }

    #[test]
    fn a_read_answers_only_what_arrived_before_it_began() {
        let mut requests = Requests::default();
        requests.keep(since(1, 5));
        requests.begin_read();
        requests.keep(since(2, 6));
        let positions = |all: Vec<Request<Nowhere>>| {
            let positions = all.iter().map(Request::position);
            positions.collect::<Vec<_>>()
        };
        assert_eq!(positions(requests.take_answered()), [5]);
        assert_eq!(positions(requests.take_waiting()), [6]);
        assert!(requests.is_empty());
    }

    #[test]
    fn only_the_last_position_of_a_session_waits() {
        let mut requests = Requests::default();
        requests.keep(since(1, 5));
        requests.begin_read();
        requests.forget_since(1);
        requests.keep(since(1, 6));
        requests.keep(since(2, 7));
        assert_eq!(requests.take_all().len(), 2);
    }

    #[test]
    fn a_session_that_left_waits_for_nothing() {
        let mut requests = Requests::default();
        requests.keep(join(1));
        requests.keep(join(2));
        assert!(requests.has_join(1));
        requests.forget_session(1);
        assert!(!requests.has_join(1) && requests.has_join(2));
    }

    #[test]
    fn a_reader_that_is_gone_is_forgotten() {
        let mut requests = Requests::<Nowhere>::default();
        let (answer, reader) = oneshot::channel();
        requests.keep(Request::HttpRead(ReadRequest {
            since: 0,
            epoch: None,
            target: None,
            answer,
        }));
        requests.forget_abandoned();
        assert!(!requests.is_empty());
        drop(reader);
        requests.forget_abandoned();
        assert!(requests.is_empty());
    }
}
