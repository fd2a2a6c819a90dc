//! The socket's upgrade.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::connection::Connection;
use super::error::ApiError;
use super::extract::{self, Position};
use super::state::state;
use crate::protocol::Close;
use crate::session::{self, Joining};

pub(super) async fn socket(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let upgrade = request.headers().get(header::UPGRADE);
    let is_socket =
        upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !is_socket {
        extract::access(&request).map_err(ApiError::from)?;
        let message = "this address is for WebSockets";
        return Err(ApiError::new(StatusCode::UPGRADE_REQUIRED, message).into());
    }
    let sessions = &state(&request).sessions;
    if let Some(connection) = Connection::of(&request) {
        connection.is_socket_now();
    }
    session::upgrade(&request, payload, joining(&request), sessions)
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, error.to_string()).into())
}

fn joining(request: &HttpRequest) -> Result<Joining, Close> {
    let malformed = |error: ApiError| Close::Malformed(error.to_string());
    let access = extract::access(request).map_err(|refused| Close::Forbidden(refused.reason()))?;
    let drawing = extract::drawing(request).map_err(malformed)?;
    let Position { since, epoch, .. } = Position::of(request).map_err(malformed)?;
    Ok(Joining {
        drawing,
        access,
        since,
        epoch,
    })
}
