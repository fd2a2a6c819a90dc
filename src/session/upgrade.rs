//! Turns a request into a session.
//!
//! It must never reject a client without a reason, which is a close code.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws;

use super::actor::Session;
use super::guard::{Gate, Guard};
use super::outgoing::Outgoing;
use super::sessions::{JoinRequest, RETRY_AFTER, Sessions};
use super::writer::{SharedStream, Writer};
use crate::feed::session_mailbox::SessionQueue;
use crate::protocol::{Close, MAX_FRAME_BYTES, SUBPROTOCOL};

/// Turns a request into a session, whose single frames are written by the writer where one is given.
///
/// A rejected socket is upgraded too, and closed with the code that gives the reason: a client
/// cannot read the status of a failed handshake.
///
/// # Errors
///
/// When the request is not a WebSocket handshake.
pub fn upgrade(
    request: &HttpRequest,
    payload: web::Payload,
    join_request: Result<JoinRequest, Close>,
    sessions: &Arc<Sessions>,
    direct: Option<(SharedStream, Rc<Writer>)>,
) -> Result<HttpResponse, actix_web::Error> {
    let offered = request
        .headers()
        .get("Sec-WebSocket-Protocol")
        .and_then(|value| value.to_str().ok());
    let speaks =
        offered.is_some_and(|offered| offered.split(',').any(|one| one.trim() == SUBPROTOCOL));
    let join_request = match join_request {
        Ok(_) if !speaks => Err(Close::Malformed(format!(
            "speak the subprotocol {SUBPROTOCOL}"
        ))),
        Ok(_) if sessions.feeds.is_draining() => Err(Close::Restart { after: RETRY_AFTER }),
        join_request => join_request,
    };
    // A rejected socket takes no slot.
    let join_request = join_request.and_then(|join_request| {
        let stay = sessions.admit(&join_request.subject)?;
        Ok((join_request, stay))
    });
    let gate = Gate::default();
    let limits = &sessions.limits;
    let queue =
        |ready| SessionQueue::new(limits.send_buffer_frames, limits.send_buffer_bytes, ready);
    let (registration, queue) = match direct {
        Some((stream, writer)) => {
            let (registration, queue) = writer.register(stream, |ready| queue(Some(ready)));
            (Some(registration), queue)
        }
        None => (None, queue(None)),
    };
    let frames = Guard::new(payload, gate.clone(), limits.frames_per_second());
    let session = Session::new(join_request, sessions.clone(), gate.clone(), queue.clone());
    let (address, response) = ws::WsResponseBuilder::new(session, request, frames)
        .protocols(&[SUBPROTOCOL])
        .frame_size(MAX_FRAME_BYTES)
        .start_with_addr()?;
    let address = address.recipient();
    Ok(response.map_body(|_, actor| {
        BoxBody::new(Outgoing::new(queue, address, actor, gate, registration))
    }))
}
