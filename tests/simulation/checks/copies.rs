//! Copies of ops that are on their way.
//!
//! It must never overlook a place where one can be.

use whiteboard::domain::ids::WriterId;
use whiteboard::domain::op::Op;

use crate::database::DatabaseEvent;
use crate::database::appends::Append;
use crate::server::ServerEvent;
use crate::server::feeds::Feed;
use crate::session::Session;
use crate::socket::Up;
use crate::world::{Event, World};

impl World {
    /// Whether this op, or one before it, may be decided yet, for a page may send it or has sent it.
    pub fn may_be_sent_again(&self, writer: WriterId, n: u64) -> bool {
        let mut clients = self.clients.iter();
        let in_outbox = clients.any(|it| it.writer.id == writer && it.outbox.may_send(n));
        in_outbox || self.is_on_its_way(&|of, op| of.is_none_or(|of| of == writer) && op.n <= n)
    }

    /// Whether an op is at a server, or on its way there or to the database. Its writer is not known
    /// where only its session is.
    pub fn is_on_its_way(&self, is_it: &dyn Fn(Option<WriterId>, &Op) -> bool) -> bool {
        let sent = |event: &ServerEvent| match event {
            ServerEvent::Up {
                socket,
                message: Up::Ops(ops),
            } => {
                let socket = self.sockets.get(*socket);
                let client = socket.map(|socket| (&self.clients[socket.client], socket.page));
                // A page that crashed has another writer now.
                let client = client.filter(|(client, page)| client.page == *page);
                let writer = client.map(|(client, _)| client.writer.id);
                ops.iter().any(|op| is_it(writer, op))
            }
            _ => false,
        };
        let queued = |feed: &Feed| feed.queued.iter().any(|(_, w, op)| is_it(Some(w.id), op));
        let early = |session: &Session| {
            let writer = session.hello.as_ref().map(|hello| hello.writer.id);
            session.before_welcome.iter().any(|op| is_it(writer, op))
        };
        let at_server = self.servers.iter().any(|server| {
            server.feeds.values().any(queued)
                || server.sessions.values().any(early)
                || server.held.iter().any(sent)
        });
        let appended = |append: &Append| {
            let mut batch = append.batch.iter();
            batch.any(|(_, w, op)| is_it(Some(w.id), op))
        };
        at_server
            || self.database.delayed().any(appended)
            || self.pending().any(|event| match event {
                Event::Server { event, .. } => sent(event),
                Event::Database(
                    DatabaseEvent::Begin { append, .. } | DatabaseEvent::Commit { append, .. },
                ) => appended(append),
                _ => false,
            })
    }
}
