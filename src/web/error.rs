//! HTTP errors, all in one JSON form.
//!
//! ```json
//! {"error":{"code":"bad_request","message":"since is a whole number from 0","field":"since"}}
//! ```
//!
//! It must never expose internals: the database's message goes to the log only.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::access::AccessDenied;
use crate::feed::error::FeedError;
use crate::store::StoreError;

/// Delay before a retry when the database is away, in seconds.
const RETRY_AFTER_SECONDS: u32 = 2;

/// The result of a handler.
pub(super) type Answer = Result<HttpResponse, ApiError>;

/// An error answer.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    message: Cow<'static, str>,
    field: Option<String>,
}

impl ApiError {
    /// An error without a field.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
            field: None,
        }
    }

    /// An invalid value: its field, and what is allowed.
    pub fn field(field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(StatusCode::BAD_REQUEST, message)
        }
    }

    /// There is no such drawing.
    pub fn no_drawing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such drawing")
    }

    /// The database is away or does not answer in time.
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer",
        )
    }

    /// The code for programs.
    fn code(&self) -> &'static str {
        match self.status {
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::REQUEST_TIMEOUT => "too_slow",
            StatusCode::GONE => "gone",
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::UPGRADE_REQUIRED => "upgrade_required",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            StatusCode::INTERNAL_SERVER_ERROR => "failed",
            _ => "bad_request",
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        #[derive(Serialize)]
        struct Body<'a> {
            error: Details<'a>,
        }
        #[derive(Serialize)]
        struct Details<'a> {
            code: &'static str,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<&'a str>,
        }
        let mut response = HttpResponse::build(self.status);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
        }
        response.json(Body {
            error: Details {
                code: self.code(),
                message: &self.message,
                field: self.field.as_deref(),
            },
        })
    }
}

impl From<AccessDenied> for ApiError {
    fn from(denied: AccessDenied) -> Self {
        Self::new(StatusCode::FORBIDDEN, denied.reason())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::no_drawing(),
            StoreError::Gone => Self::new(StatusCode::GONE, "the drawing is deleted"),
            StoreError::Deadline(_) | StoreError::Unavailable(_) | StoreError::Storage(_) => {
                Self::unavailable()
            }
            StoreError::NoDatabase
            | StoreError::TooNew { .. }
            | StoreError::OtherSchema { .. }
            | StoreError::Failed(_) => {
                log::error!("{error}");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the database could not do this",
                )
            }
        }
    }
}

impl From<FeedError> for ApiError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::NotFound => Self::no_drawing(),
            FeedError::Unavailable => Self::unavailable(),
        }
    }
}
