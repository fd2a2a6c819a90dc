//! The upgrade to a WebSocket.

use std::rc::Rc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::client::Client;
use super::connection::Connection;
use super::error::{ApiError, ErrorCode};
use super::extract::{self, SinceQuery};
use super::state::state;
use crate::feed::standings::Entrance;
use crate::protocol::Close;
use crate::session::{self, JoinRequest, SharedStream, Writer};

pub(super) async fn socket(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let upgrade = request.headers().get(header::UPGRADE);
    let is_socket =
        upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !is_socket {
        extract::site(&request).map_err(ApiError::from)?;
        let message = "this address is for WebSockets";
        return Err(ApiError::new(ErrorCode::UpgradeRequired, message).into());
    }
    let sessions = &state(&request).sessions;
    let stream = request.conn_data::<SharedStream>().cloned();
    let direct = stream.zip(request.app_data::<Rc<Writer>>().cloned());
    let response = session::upgrade(&request, payload, join_request(&request), sessions, direct)
        .map_err(|error| ApiError::new(ErrorCode::BadRequest, error.to_string()))?;
    // Not earlier: after a failed handshake the connection goes on with HTTP, and still needs its
    // idle timeout.
    if let Some(connection) = Connection::of(&request) {
        connection.is_socket_now();
    }
    Ok(response)
}

fn join_request(request: &HttpRequest) -> Result<JoinRequest, Close> {
    let malformed = |error: ApiError| Close::Malformed(error.to_string());
    extract::site(request).map_err(|denied| Close::Misdirected(denied.reason()))?;
    let drawing = extract::drawing(request).map_err(malformed)?;
    let SinceQuery { since, epoch } = SinceQuery::of(request).map_err(malformed)?;
    let everybody = state(request).access.open();
    Ok(JoinRequest {
        drawing,
        entrance: everybody.map(|admission| Entrance {
            access: admission.access,
            rules: admission.rules,
        }),
        since,
        epoch,
        subject: extract::subject(request, None),
        person: Client::of(request).person,
    })
}
