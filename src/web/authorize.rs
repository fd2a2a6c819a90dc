//! The first step of every request: it gets its client, and those of pages of other sites are denied.

use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Bytes;

use super::client::Client;
use super::connection::Connection;
use super::connection::limits::Slot;
use super::error::{ApiError, ErrorCode};
use super::site;
use super::state::{State, state};

/// Why a request or a connection of an address is refused that has too many already.
pub const TOO_MANY_FROM_ADDRESS: &str = "too many connections from this address";
/// Files of pages, which take no place: a page asks for a hundred of them at once, and each is short.
const FILES: &str = "/assets/";
/// Addresses that answer everyone, in time and under every host name.
const FOR_MACHINES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The first step of every request: it gets its client, and those of pages of other sites are denied.
///
/// A denied socket goes on to its handler, which upgrades it and closes it with the reason: a
/// browser cannot read the status of a failed handshake. Health and metrics are open to everyone,
/// since load balancers and scrapers use any host name; they identify no person and no drawing.
pub async fn authorize(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let connection = Connection::of(request.request()).cloned();
    let _handling = connection.as_ref().map(Connection::handle);
    let state = state(request.request());
    let peer = request.peer_addr();
    let peer = peer.map_or(IpAddr::from(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let (headers, proxies) = (request.headers(), &state.proxies);
    let client = Client::by(peer, headers, proxies, &state.person_header);
    let scheme = client.scheme.as_deref();
    let checked = site::check(headers, &state.hosts, &state.origins, scheme);
    let path = request.path();
    let is_for_machines = FOR_MACHINES.contains(&path);
    let slot = match is_for_machines || path.starts_with(FILES) {
        true => Ok(None),
        false => place(&client, state),
    };
    let slot = match slot {
        Ok(slot) => slot,
        Err(error) => return Ok(request.error_response(error).map_into_right_body()),
    };
    let answers_itself = path.starts_with("/ws/") || is_for_machines;
    match checked {
        Err(denied) if !answers_itself => Ok(request
            .error_response(ApiError::from(denied))
            .map_into_right_body()),
        checked => {
            request.extensions_mut().insert(checked);
            request.extensions_mut().insert(client);
            let response = next.call(request).await?;
            let held = response.map_body(|_, body| Held {
                body: body.boxed(),
                _slot: slot,
            });
            Ok(held.map_into_left_body())
        }
    }
}

/// The place of a request among those of its address. A client without a proxy has that of its connection.
fn place(client: &Client, state: &State) -> Result<Option<Slot>, ApiError> {
    if !client.through_proxy {
        return Ok(None);
    }
    let slot = state.connections.enter_behind_proxy(client.address);
    slot.map(Some).map_err(|limit| {
        state.store.metrics().connections_refused.count(limit);
        ApiError::new(ErrorCode::Unavailable, TOO_MANY_FROM_ADDRESS)
    })
}

/// A body that keeps a place until it is sent, or the socket is closed.
struct Held {
    body: BoxBody,
    _slot: Option<Slot>,
}

impl MessageBody for Held {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self { body, _slot } = self;
        body.try_into_bytes().map_err(|body| Self { body, _slot })
    }
}
