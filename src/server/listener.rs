//! Accepts connections up to the limits, and serves HTTP on each.
//!
//! A connection beyond the limits gets a short answer with the reason if possible, and is closed.

use std::future::ready;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_service::{Service, ServiceFactoryExt, apply_fn_factory, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServiceRequest, ServiceResponse, fn_service};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::{DefaultHeaders, Next, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::{App, web};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::workers::{Accepted, Workers};
use crate::config::Settings;
use crate::metrics::{ConnectionLimit, Metrics};
use crate::session::Writer;
use crate::web::authorize::{TOO_MANY_FROM_ADDRESS, authorize};
use crate::web::connection::ConnectionSettings;
use crate::web::connection::limits::Connections;
use crate::web::connection::stream::Watched;
use crate::web::connection::upgraded::Upgraded;
use crate::web::explain::explain;
use crate::web::extract::BodyLimit;
use crate::web::proxies::Proxies;
use crate::web::routes::routes;
use crate::web::state::State;

/// Length of the accept queue.
const BACKLOG: i32 = 1_024;
/// How long data may stay unacknowledged by a peer before its connection is dropped. The heartbeat
/// cannot detect a dead peer while bytes to it are queued.
#[cfg(target_os = "linux")]
const PEER_TIMEOUT: Duration = Duration::from_secs(30);
/// Kernel send buffer of a connection, in bytes; Linux doubles it. The default is megabytes, also
/// for a peer that reads nothing.
const SEND_BUFFER: usize = 128 * 1024;
/// Kernel receive buffer of a connection, in bytes; Linux doubles it. Otherwise it grows up to
/// megabytes for a peer that sends more than is read.
const RECEIVE_BUFFER: usize = 128 * 1024;
/// How long requests may take to finish once everything else has stopped.
pub(super) const LAST_REQUESTS: Duration = Duration::from_secs(3);
/// How long the first request of a connection may take to arrive, without its body.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// How long a peer may take to close its side once this side is closed.
const GOODBYE: Duration = Duration::from_secs(1);
/// Rejected connections that are answered at a time; further ones are closed without an answer.
const REFUSED_AT_ONCE: usize = 64;
/// Bytes of the request that are read from a rejected connection, so that the answer is not lost.
const READ_OF_REFUSED: u64 = 16 * 1024;
/// Path prefix of the files that pages load.
const ASSETS: &str = "/assets/";
/// What a browser may load: files of this server only, and no script or style that is part of a page
/// or of a drawing. Exports and pasted pictures are `blob:` and `data:` images. The origins that may
/// show a drawing in a frame follow: others may not, against clickjacking.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
    manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'self'";

/// Adds the policy to every answer but the files that pages load, which need none.
async fn protect(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
    policy: HeaderValue,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let is_file = request.path().starts_with(ASSETS);
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    if !is_file && !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// Listens and serves from now on. Returns the address that it is bound to.
///
/// # Errors
///
/// When the address is not available.
pub(super) fn run(
    settings: &Settings,
    threads: usize,
    state: web::Data<State>,
    workers: Workers,
) -> io::Result<(SocketAddr, Server)> {
    let listener = listen(settings.server.listen)?;
    let address = listener.local_addr()?;
    let limits = settings.connections.clone();
    let mut policy = CONTENT_SECURITY_POLICY.to_owned();
    for origin in &settings.access.frame_origins.0 {
        policy += &format!(" {origin}");
    }
    let entrance = Entrance {
        connections: state.connections.clone(),
        proxies: state.proxies.clone(),
        settings: limits.connection(),
        metrics: state.store.metrics().clone(),
        refusals: Arc::new(Semaphore::new(REFUSED_AT_ONCE)),
    };
    let builder = Server::build();
    let stops = builder.graceful_shutdown_signal();
    let policy = HeaderValue::try_from(policy).map_err(io::Error::other)?;
    let http = move || {
        // One for each worker, which makes its own services.
        let writer = Writer::start();
        let app = || {
            let policy = policy.clone();
            let app = App::new()
                .app_data(state.clone())
                .app_data(BodyLimit(limits.body_limit))
                .app_data(writer.clone())
                .wrap(from_fn(authorize))
                .wrap(from_fn(explain))
                .wrap(from_fn(move |request, next| {
                    protect(request, next, policy.clone())
                }))
                .wrap(
                    DefaultHeaders::new()
                        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                        .add((header::REFERRER_POLICY, "same-origin")),
                )
                .configure(routes);
            map_config(app, |()| AppConfig::default())
        };
        let upgraded = apply_fn_factory(app(), |(request, framed), app| {
            let (upgraded, request) = Upgraded::take_over(request, framed);
            upgraded.answer(app.call(request))
        });
        let stops = stops.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stops = stops.clone();
                async move { stops.notified().await }
            })
            .client_request_timeout(REQUEST_LIMIT)
            .client_disconnect_timeout(GOODBYE)
            .local_addr(address)
            .on_connect_ext(|stream: &Watched, data| {
                data.insert(stream.connection().clone());
                data.insert(stream.shared());
            })
            .upgrade(upgraded)
            .finish(app());
        let entrance = entrance.clone();
        let limits = entrance.settings;
        let watched = fn_service(move |accepted| ready(Ok(watch(accepted, limits))));
        let served = workers.clone().serve(watched.and_then(http));
        fn_service(move |stream| entrance.clone().enter(stream)).and_then(served)
    };
    let server = builder
        .disable_signals()
        .shutdown_timeout(LAST_REQUESTS.as_secs())
        .workers(threads)
        // Rejected connections have to be accepted too, to be answered.
        .max_concurrent_connections(usize::MAX)
        .listen("whiteboard", listener, http)?
        .run();
    Ok((address, server))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    // After a restart, connections that are closing still hold the address.
    socket.set_reuse_address(true)?;
    // Connections inherit it, and TCP agrees on how to announce it when they begin.
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Counts the connections.
#[derive(Clone)]
struct Entrance {
    connections: Arc<Connections>,
    /// Their connections are not counted by their addresses.
    proxies: Proxies,
    settings: ConnectionSettings,
    metrics: Arc<Metrics>,
    refusals: Arc<Semaphore>,
}

impl Entrance {
    async fn enter(self, stream: TcpStream) -> Result<Accepted, DispatchError> {
        let peer = stream.peer_addr().map_err(DispatchError::Io)?;
        let slot = match self.proxies.contains(peer.ip()) {
            true => self.connections.enter_as_proxy(),
            false => self.connections.enter(peer.ip()),
        };
        match slot {
            Ok(slot) => {
                prepare(&stream);
                Ok(Accepted { stream, peer, slot })
            }
            Err(limit) => {
                self.metrics.connections_refused.count(limit);
                if let Ok(_one) = self.refusals.try_acquire() {
                    let _ = timeout(GOODBYE, refuse(stream, limit)).await;
                }
                Err(DispatchError::Io(io::ErrorKind::ConnectionRefused.into()))
            }
        }
    }
}

/// Gives a connection its limits.
fn watch(
    Accepted { stream, peer, slot }: Accepted,
    settings: ConnectionSettings,
) -> (Watched, Protocol, Option<SocketAddr>) {
    let stream = Watched::new(stream, slot, settings);
    (stream, Protocol::Http1, Some(peer))
}

/// Sets socket options: no delay for small frames, and timeouts for a peer that is dead or does not
/// read.
fn prepare(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    // Failure is harmless: a broken connection fails when it is read.
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_send_buffer_size(SEND_BUFFER);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(PEER_TIMEOUT));
}

/// Answers why there is no slot, and reads the request: closing with bytes unread would lose the
/// answer.
async fn refuse(mut stream: TcpStream, limit: ConnectionLimit) -> io::Result<()> {
    let message = match limit {
        ConnectionLimit::All => "too many connections to this server",
        ConnectionLimit::Address => TOO_MANY_FROM_ADDRESS,
    };
    let body = format!(r#"{{"error":{{"code":"unavailable","message":"{message}"}}}}"#);
    let head = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n\
        content-type: application/json";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    let mut asked = Vec::new();
    stream.take(READ_OF_REFUSED).read_to_end(&mut asked).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream as Client;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_the_kernel_holds_of_a_sender_is_bounded() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let _client = Client::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let socket = socket2::SockRef::from(&accepted);
        // A size that was set is doubled and does not grow.
        assert_eq!(socket.recv_buffer_size().unwrap(), 2 * RECEIVE_BUFFER);
    }
}
