//! Errors as pages, for people whose browser opened a wrong address.
//!
//! It must never change an answer to a program.

use actix_web::HttpRequest;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;

use super::assets;
use super::error::{ApiError, ErrorCode};

/// Addresses that only programs use: a person who opens one wants to see what it says.
const FOR_PROGRAMS: [&str; 5] = ["/api/", "/assets/", "/healthz", "/readyz", "/metrics"];

/// Answers an error of a browser that wants a page with a page.
pub async fn explain(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let is_for_person = wants_page(request.request());
    let response = next.call(request).await?;
    let error = response.response().error();
    let code = error.and_then(|error| Some(error.as_error::<ApiError>()?.code()));
    let page = code
        .filter(|_| is_for_person)
        .and_then(|code| assets::error_page(section(code), code.status()));
    Ok(match page {
        Some(page) => response.into_response(page).map_into_right_body(),
        None => response.map_into_left_body(),
    })
}

/// Whether a page is wanted: a browser that opens an address names HTML, and a script of a page does not.
fn wants_page(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    let path = request.path();
    accept.is_some_and(|accept| accept.contains("text/html"))
        && !FOR_PROGRAMS.iter().any(|prefix| path.starts_with(prefix))
}

/// The section of the page that explains an error.
fn section(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Forbidden => "forbidden",
        ErrorCode::Failed | ErrorCode::Unavailable | ErrorCode::TooSlow => "unavailable",
        // Nothing for people is there.
        _ => "not_found",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn the_page_has_a_section_for_every_error() {
        for &code in ErrorCode::ALL {
            let page = assets::error_page(section(code), code.status()).unwrap();
            assert_eq!(page.status(), code.status());
            let html = actix_web::body::to_bytes(page.into_body()).await.unwrap();
            let html = std::str::from_utf8(&html).unwrap();
            let shown = format!("<section id=\"{}\">", section(code));
            assert!(html.contains(&shown), "{html}");
            assert_eq!(
                html.matches("<section").count(),
                html.matches(" hidden>").count() + 1
            );
        }
    }
}
