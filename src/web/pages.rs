//! The HTML pages and their files.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;

use super::assets;
use super::error::{Answer, ApiError, ErrorCode};
use super::extract;
use super::state::state;

pub(super) async fn index(request: HttpRequest) -> Answer {
    let access = state(&request).access.mode();
    assets::page(&request, "index.html", access, StatusCode::OK).ok_or_else(nothing_here)
}

pub(super) async fn drawing_page(request: HttpRequest) -> Answer {
    // A mistyped link gets the page too, which shows an explanation.
    let status = match extract::drawing(&request) {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::NOT_FOUND,
    };
    let access = state(&request).access.mode();
    assets::page(&request, "drawing.html", access, status).ok_or_else(nothing_here)
}

pub(super) async fn favicon(request: HttpRequest) -> Answer {
    assets::file(&request, "", "favicon.ico").ok_or_else(nothing_here)
}

/// The service worker. It is at the root because it may serve only what is below its own address.
pub(super) async fn service_worker(request: HttpRequest) -> Answer {
    assets::service_worker(&request).ok_or_else(nothing_here)
}

pub(super) async fn asset(request: HttpRequest) -> Answer {
    let matched = request.match_info();
    assets::file(&request, matched.query("build"), matched.query("path")).ok_or_else(nothing_here)
}

pub(super) async fn no_page() -> Answer {
    Err(nothing_here())
}

fn nothing_here() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "there is nothing at this address")
}
