//! The workers of the HTTP server, and the way of a new socket to the worker of its drawing.
//!
//! A drawing's feed runs on one worker: a session on the same worker is reached without waking another thread. A
//! connection that says nothing must never wait for long.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use actix_service::{Service, ServiceFactory, fn_factory, fn_service};
use actix_web::rt::net::TcpStream;
use actix_web::rt::spawn;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::domain::ids::DrawingId;
use crate::feed::registry::Feeds;
use crate::web::connection::limits::Slot;

/// Most sessions of a drawing that are brought to the worker of its feed. Further ones stay where they arrive: a
/// crowd shall have all processors.
const TOGETHER: usize = 64;
/// How long the first bytes of a connection are awaited. Later it is served where it is.
const FIRST_BYTES: Duration = Duration::from_millis(500);
/// What the first request begins with if it is for a socket; the drawing follows.
const SOCKET: &[u8] = b"GET /ws/";

/// A connection that has a slot.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) slot: Slot,
}

/// A connection on its way to another worker.
struct Moved {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    slot: Slot,
    counted: Counted,
}

/// Counts a connection that was moved until it is dropped.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(moved: &watch::Sender<usize>) -> Self {
        moved.send_modify(|moved| *moved += 1);
        Self(moved.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|moved| *moved -= 1);
    }
}

/// Where a worker receives connections from others; never more than there are slots.
#[derive(Clone)]
struct Worker {
    thread: ThreadId,
    receive: mpsc::UnboundedSender<Moved>,
}

/// The workers of a server. Clones share them.
#[derive(Clone)]
pub(super) struct Workers {
    feeds: Feeds,
    all: Arc<Mutex<Vec<Worker>>>,
    /// The number of open connections that were moved.
    moved: watch::Sender<usize>,
}

impl Workers {
    /// None yet.
    pub(super) fn new(feeds: Feeds) -> Self {
        Self {
            feeds,
            all: Arc::default(),
            moved: watch::Sender::default(),
        }
    }

    /// Waits until the connections that were moved have ended. A worker that stops waits for those only that it
    /// accepted itself.
    pub(super) async fn moved_have_ended(&self) {
        // It fails if there is no sender, but there is one here.
        let _ = self.moved.subscribe().wait_for(|moved| *moved == 0).await;
    }

    /// A service for each worker, which gives a connection to the worker's own `serves` or to that of a better worker.
    pub(super) fn serve<F>(
        self,
        serves: F,
    ) -> impl ServiceFactory<
        Accepted,
        Config = (),
        Response = (),
        Error = F::Error,
        InitError = F::InitError,
    >
    where
        F: ServiceFactory<Accepted, Config = (), Response = ()>,
        F::Service: 'static,
        F::Error: From<io::Error>,
    {
        // Called once on each worker.
        fn_factory(move || {
            let (workers, making) = (self.clone(), serves.new_service(()));
            async move {
                let service = Rc::new(making.await?);
                workers.feeds.run_here();
                workers.receive_from_others(service.clone());
                Ok(fn_service::<_, _, _, _, _, ()>(move |accepted| {
                    let (workers, service) = (workers.clone(), service.clone());
                    async move { workers.serve_one(accepted, service).await }
                }))
            }
        })
    }

    async fn serve_one<S>(&self, accepted: Accepted, service: Rc<S>) -> Result<(), S::Error>
    where
        S: Service<Accepted, Response = ()>,
        S::Error: From<io::Error>,
    {
        let Some(better) = self.better(&accepted.stream).await else {
            return call(&*service, accepted).await;
        };
        self.feeds.metrics().connections_moved.count();
        let moved = Moved {
            stream: accepted.stream.into_std()?,
            peer: accepted.peer,
            slot: accepted.slot,
            counted: Counted::new(&self.moved),
        };
        // A worker that has stopped drops it.
        let _ = better.receive.send(moved);
        Ok(())
    }

    /// Serves connections that other workers send to this one, from now on.
    fn receive_from_others<S>(&self, service: Rc<S>)
    where
        S: Service<Accepted, Response = ()> + 'static,
    {
        let (receive, mut moved) = mpsc::unbounded_channel::<Moved>();
        let thread = thread::current().id();
        self.all().push(Worker { thread, receive });
        spawn(async move {
            while let Some(moved) = moved.recv().await {
                let service = service.clone();
                spawn(async move {
                    let _counted = moved.counted;
                    // A connection that fails here is ended.
                    if let Ok(stream) = TcpStream::from_std(moved.stream) {
                        let (peer, slot) = (moved.peer, moved.slot);
                        let _ = call(&*service, Accepted { stream, peer, slot }).await;
                    }
                });
            }
        });
    }

    /// The other worker that a new connection is better served by.
    async fn better(&self, stream: &TcpStream) -> Option<Worker> {
        let mut begin = [0; 64];
        let peeked = timeout(FIRST_BYTES, stream.peek(&mut begin)).await;
        let drawing = drawing(&begin[..peeked.ok()?.ok()?])?;
        let (thread, sessions) = self.feeds.thread(drawing);
        if sessions >= TOGETHER || thread == thread::current().id() {
            return None;
        }
        self.all()
            .iter()
            .find(|worker| worker.thread == thread)
            .cloned()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn call<S: Service<R>, R>(service: &S, request: R) -> Result<S::Response, S::Error> {
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}

/// The drawing of the socket that a connection's first request asks for, if it does.
fn drawing(begin: &[u8]) -> Option<DrawingId> {
    let path = begin.strip_prefix(SOCKET)?;
    let end = path.iter().position(|&byte| matches!(byte, b'?' | b' '))?;
    str::from_utf8(&path[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_known_by_the_beginning_of_its_request() {
        let id = DrawingId::random();
        let of = |request: &str| drawing(request.as_bytes());
        assert_eq!(of(&format!("GET /ws/{id}?since=0 HTTP/1.1")), Some(id));
        assert_eq!(of(&format!("GET /ws/{id} HTTP/1.1")), Some(id));
        assert_eq!(of(&format!("GET /ws/{id}")), None, "it may go on");
        assert_eq!(of(&format!("GET /api/drawings/{id} HTTP/1.1")), None);
        assert_eq!(of("GET /ws/x HTTP/1.1"), None);
        assert_eq!(of(""), None);
    }
}
