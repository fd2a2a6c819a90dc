//! Liveness, readiness and metrics.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::error::{Answer, ApiError, ErrorCode};
use super::state::state;
use crate::metrics::CONTENT_TYPE;

/// How long `/readyz` waits for the database.
const READY_WAIT: Duration = Duration::from_secs(2);

pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({"status": "ok"}))
}

/// Whether a load balancer should send new clients here: not while the server stops, lacks its
/// database, or receives no notifications.
pub(super) async fn readyz(request: HttpRequest) -> Answer {
    let state = state(&request);
    if state.leaving.load(Ordering::Relaxed) {
        let message = "this server is stopping";
        return Err(ApiError::new(ErrorCode::Unavailable, message));
    }
    let asked = tokio::time::timeout(READY_WAIT, state.store.check());
    match asked.await {
        Ok(Ok(())) if !state.heartbeat.is_acknowledged() => {
            let message = "this server receives no notifications from the database";
            Err(ApiError::new(ErrorCode::Unavailable, message))
        }
        Ok(Ok(())) => Ok(HttpResponse::Ok().json(serde_json::json!({"status": "ready"}))),
        Ok(Err(_)) | Err(_) => Err(ApiError::unavailable()),
    }
}

pub(super) async fn metrics(request: HttpRequest) -> HttpResponse {
    let state = state(&request);
    state.store.update_gauges();
    state.feeds.update_gauges();
    state.sessions.update_gauges();
    let connections = state.connections.open();
    state.store.metrics().connections_open.set(connections);
    HttpResponse::Ok()
        .content_type(CONTENT_TYPE)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(state.store.metrics().text())
}
