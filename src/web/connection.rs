//! The rate limit and the idle timeout of one connection.
//!
//! It must never end a connection that makes progress, however slowly its peer reads and however
//! long the server works on a request.

mod budget;
pub mod limits;
pub mod stream;
pub mod upgraded;

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::HttpRequest;

/// The limits of a connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionSettings {
    /// Sustained rate of bytes read from one connection, per second, and the burst after a pause.
    pub bytes_per_second: usize,
    /// A connection is ended after this time in which its peer read nothing of what was to be
    /// written or, unless it is a WebSocket, made no request.
    pub progress_limit: Duration,
}

/// State shared by a connection's stream and its requests.
#[derive(Clone, Debug)]
pub struct Connection(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    is_socket: Cell<bool>,
    /// Number of requests in progress.
    handled: Cell<u32>,
    /// When the last request ended, or the last byte was written.
    progress: Cell<Instant>,
}

/// Marks a request in progress until it is dropped.
#[derive(Debug)]
pub struct Handling(Connection);

impl Connection {
    /// The connection of a request. A request in a test may have none.
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

    /// The connection is a WebSocket from now on, whose session has its own timeout.
    pub fn is_socket_now(&self) {
        self.0.is_socket.set(true);
    }

    /// A request begins.
    pub fn handle(&self) -> Handling {
        self.0.handled.set(self.0.handled.get() + 1);
        Handling(self.clone())
    }

    fn progressed(&self) {
        self.0.progress.set(Instant::now());
    }

    /// When the connection is to be ended if nothing happens before. `blocked` is since when its
    /// peer reads nothing.
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
