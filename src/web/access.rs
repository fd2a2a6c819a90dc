//! What a request may do: looks up what it shows, and holds that against what it needs.
//!
//! Whoever may not even view a drawing must not learn whether there is one.

use actix_web::HttpRequest;

use super::error::{ApiError, ErrorCode};
use super::extract;
use super::state::state;
use crate::domain::access::Access;
use crate::domain::ids::DrawingId;
use crate::domain::needs::{Action, Need};

/// The drawing in the path, and the access to it, which is enough for this.
///
/// # Errors
///
/// The same for a drawing that is not there as for one that is not shared; that it is forbidden for
/// those who may view it.
pub(super) async fn on_drawing(
    request: &HttpRequest,
    action: Action,
) -> Result<(DrawingId, Access), ApiError> {
    extract::site(request)?;
    let drawing = extract::drawing(request)?;
    let shown = extract::shown(request);
    let admission = state(request).access.admit(drawing, shown, None).await?;
    let is_enough = match action.needs() {
        Need::Level(least) | Need::Unhindered(least) => least <= admission.access.level(),
        Need::Nothing => true,
        Need::Operator | Need::Creator => false,
    };
    match is_enough {
        true => Ok((drawing, admission.access)),
        false => Err(forbidden()),
    }
}

/// Checks what is about no single drawing.
pub(super) fn at_all(request: &HttpRequest, action: Action) -> Result<(), ApiError> {
    extract::site(request)?;
    let (access, shown) = (&state(request).access, extract::shown(request));
    let is_enough = match action.needs() {
        Need::Nothing => true,
        Need::Operator => access.is_operator(shown),
        Need::Creator => access.may_create(shown),
        Need::Level(_) | Need::Unhindered(_) => false,
    };
    is_enough.then_some(()).ok_or_else(forbidden)
}

/// Who creates a drawing, for the log.
pub(super) fn creator(request: &HttpRequest) -> &'static str {
    let access = &state(request).access;
    match access.is_operator(extract::shown(request)) {
        true => "the operator",
        false => "a visitor",
    }
}

fn forbidden() -> ApiError {
    let message = "this link does not allow this request";
    ApiError::new(ErrorCode::Forbidden, message)
}
