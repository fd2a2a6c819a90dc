//! One connection: what it may take of the server, and when it is ended.
//!
//! It must never end one that makes progress: an answer may take as long as its reader reads on, and
//! a request as long as the server works on it.

mod budget;
pub mod limits;
pub mod stream;

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::HttpRequest;

/// What a connection obeys.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionSettings {
    /// Bytes a second that are read of one connection for long, and so many at once after a pause.
    pub bytes_per_second: usize,
    /// A connection is ended after this time in which its peer took nothing of what was written, or,
    /// unless it is a WebSocket, in which it asked for nothing.
    pub progress_limit: Duration,
}

/// What a connection's stream and its requests tell each other.
#[derive(Clone, Debug)]
pub struct Connection(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    is_socket: Cell<bool>,
    /// Requests that the server works on.
    handled: Cell<u32>,
    /// When the last request ended, or the last byte was taken.
    progress: Cell<Instant>,
}

/// While this lives, the server works on a request of the connection.
#[derive(Debug)]
pub struct Handling(Connection);

impl Connection {
    /// The connection that a request came by. A request of a test may have none.
    pub fn of(request: &HttpRequest) -> Option<&Self> {
        request.conn_data()
    }

    fn new() -> Self {
        Self(Rc::new(Shared {
            is_socket: Cell::new(false),
            handled: Cell::new(0),
            progress: Cell::new(Instant::now()),
        }))
    }

    /// From now on it is a WebSocket, whose session knows when it was silent for too long.
    pub fn is_socket_now(&self) {
        self.0.is_socket.set(true);
    }

    /// The server begins to work on a request.
    pub fn handle(&self) -> Handling {
        self.0.handled.set(self.0.handled.get() + 1);
        Handling(self.clone())
    }

    fn progressed(&self) {
        self.0.progress.set(Instant::now());
    }

    /// When it is to be ended, if nothing happens until then. `blocked` is since when its peer takes nothing.
    fn end(&self, blocked: Option<Instant>, limit: Duration) -> Option<Instant> {
        let waits = !self.0.is_socket.get() && self.0.handled.get() == 0;
        let since = blocked.or_else(|| waits.then(|| self.0.progress.get()))?;
        Some(since + limit)
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        let shared = &self.0.0;
        shared.handled.set(shared.handled.get() - 1);
        self.0.progressed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn a_connection_that_asks_for_nothing_is_ended() {
        let connection = Connection::new();
        let begin = connection.0.progress.get();
        assert_eq!(connection.end(None, LIMIT), Some(begin + LIMIT));
        connection.progressed();
        assert!(connection.end(None, LIMIT) > Some(begin + LIMIT));
    }

    #[test]
    fn a_request_that_the_server_works_on_may_take_its_time() {
        let connection = Connection::new();
        let first = connection.handle();
        let second = connection.handle();
        drop(first);
        assert_eq!(connection.end(None, LIMIT), None);
        drop(second);
        assert!(connection.end(None, LIMIT).is_some());
    }

    #[test]
    fn a_socket_may_be_silent_and_may_not_be_blocked() {
        let connection = Connection::new();
        connection.is_socket_now();
        assert_eq!(connection.end(None, LIMIT), None);
        let now = Instant::now();
        assert_eq!(connection.end(Some(now), LIMIT), Some(now + LIMIT));
    }
}
