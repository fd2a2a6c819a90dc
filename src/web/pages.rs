//! The HTML pages and their files.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;

use super::assets;
use super::error::{Answer, ApiError, ErrorCode};
use super::extract;

pub(super) async fn index() -> Answer {
    assets::page("index.html", StatusCode::OK).ok_or_else(nothing_here)
}

pub(super) async fn drawing_page(request: HttpRequest) -> Answer {
    // A mistyped link gets the page too, which shows an explanation.
    let status = match extract::drawing(&request) {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::NOT_FOUND,
    };
    assets::page("drawing.html", status).ok_or_else(nothing_here)
}

pub(super) async fn favicon() -> Answer {
    assets::file("", "favicon.ico").ok_or_else(nothing_here)
}

/// The service worker. It is at the root because it may serve only what is below its own address.
pub(super) async fn service_worker() -> Answer {
    assets::service_worker().ok_or_else(nothing_here)
}

pub(super) async fn asset(request: HttpRequest) -> Answer {
    let matched = request.match_info();
    assets::file(matched.query("build"), matched.query("path")).ok_or_else(nothing_here)
}

pub(super) async fn no_page() -> Answer {
    Err(nothing_here())
}

fn nothing_here() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "there is nothing at this address")
}
