//! The first step of every request: those of pages of other sites are denied.

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use super::connection::Connection;
use super::error::ApiError;
use super::site;
use super::state::state;

/// The first step of every request: those of pages of other sites are denied.
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
    let checked = site::check(request.headers(), &state.hosts, &state.origins);
    let path = request.path();
    let answers_itself =
        path.starts_with("/ws/") || ["/healthz", "/readyz", "/metrics"].contains(&path);
    match checked {
        Err(denied) if !answers_itself => Ok(request
            .error_response(ApiError::from(denied))
            .map_into_right_body()),
        checked => {
            request.extensions_mut().insert(checked);
            Ok(next.call(request).await?.map_into_left_body())
        }
    }
}
