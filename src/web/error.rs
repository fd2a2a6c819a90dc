//! HTTP errors, all in one JSON form.
//!
//! ```json
//! {"error":{"code":"bad_request","message":"since is a whole number from 0","field":"since"}}
//! ```
//!
//! It must never expose internals: the database's message goes to the log only. Nor is a message for
//! the people who draw: a page shows its own text for the code.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::site::SiteDenied;
use crate::access::Denied;
use crate::feed::error::FeedError;
use crate::quotas::Exceeded;
use crate::store::{RulesError, StoreError};

/// Delay before a retry when the database is away, in seconds.
const RETRY_AFTER_SECONDS: u64 = 2;

/// The result of a handler.
pub(super) type Answer = Result<HttpResponse, ApiError>;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:ident;)*) => {
        /// What went wrong, for programs: the whole set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in an answer.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// The status of an answer with it.
            pub fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)*
                }
            }
        }
    };
}

error_codes! {
    /// A value is missing, unknown or out of its bounds.
    BadRequest = "bad_request", BAD_REQUEST;
    /// The host, the origin or the link does not allow it.
    Forbidden = "forbidden", FORBIDDEN;
    /// There is nothing at the address, or no such drawing.
    NotFound = "not_found", NOT_FOUND;
    /// The address has other methods.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED;
    /// The body did not arrive in time.
    TooSlow = "too_slow", REQUEST_TIMEOUT;
    /// It would leave the drawing without a key that owns it.
    LastOwner = "last_owner", CONFLICT;
    /// The drawing is deleted.
    Gone = "gone", GONE;
    /// The body is too large.
    TooLarge = "too_large", PAYLOAD_TOO_LARGE;
    /// The file is of a type that is not taken.
    Unsupported = "unsupported", UNSUPPORTED_MEDIA_TYPE;
    /// The address is for WebSockets.
    UpgradeRequired = "upgrade_required", UPGRADE_REQUIRED;
    /// The link, the address or all together used too much; a retry makes sense after a while.
    TooMany = "too_many", TOO_MANY_REQUESTS;
    /// A fault of the server, which is in its log.
    Failed = "failed", INTERNAL_SERVER_ERROR;
    /// The database or the server is away or busy; a retry makes sense.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE;
    /// The drawing has no room for more.
    Full = "full", INSUFFICIENT_STORAGE;
}

/// An error answer.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    message: Cow<'static, str>,
    field: Option<String>,
    /// The methods that the address has.
    allow: Option<&'static str>,
    /// When a retry makes sense, in seconds.
    retry: Option<u64>,
}

impl ApiError {
    /// An error without a field; `message` is for developers.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            allow: None,
            retry: (code == ErrorCode::Unavailable).then_some(RETRY_AFTER_SECONDS),
        }
    }

    /// An invalid value: its field, and what is allowed.
    pub fn field(field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(ErrorCode::BadRequest, message)
        }
    }

    /// There is no such drawing.
    pub fn no_drawing() -> Self {
        Self::new(ErrorCode::NotFound, "there is no such drawing")
    }

    /// The address has only these methods.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                ErrorCode::MethodNotAllowed,
                format!("this address allows {allow}"),
            )
        }
    }

    /// The database is away or does not answer in time.
    pub fn unavailable() -> Self {
        Self::new(ErrorCode::Unavailable, "the database does not answer")
    }

    /// What went wrong.
    pub fn code(&self) -> ErrorCode {
        self.code
    }
}

/// An error as JSON.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorBody<'a> {
    #[schema(inline)]
    error: Details<'a>,
}

#[derive(Serialize, ToSchema)]
struct Details<'a> {
    /// What went wrong, for programs.
    code: &'static str,
    /// What went wrong, for developers.
    message: &'a str,
    /// The value that is wrong, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if let Some(allow) = self.allow {
            response.insert_header((header::ALLOW, allow));
        }
        response.json(ErrorBody {
            error: Details {
                code: self.code.as_str(),
                message: &self.message,
                field: self.field.as_deref(),
            },
        })
    }
}

impl From<SiteDenied> for ApiError {
    fn from(denied: SiteDenied) -> Self {
        Self::new(ErrorCode::Forbidden, denied.reason())
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotShared => Self::new(ErrorCode::NotFound, denied.to_string()),
            Denied::Unknown(error) => error.into(),
        }
    }
}

impl From<RulesError> for ApiError {
    fn from(error: RulesError) -> Self {
        match error {
            RulesError::NoKey => Self::new(ErrorCode::NotFound, "there is no such key"),
            RulesError::LastOwner => Self::new(
                ErrorCode::LastOwner,
                "a key that owns the drawing and never ends must remain",
            ),
            RulesError::Full => Self::new(ErrorCode::Full, "there are too many"),
            RulesError::Store(error) => error.into(),
        }
    }
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        Self {
            // The first whole second at which there is enough again.
            retry: Some(exceeded.retry.as_secs().saturating_add(1)),
            ..Self::new(ErrorCode::TooMany, exceeded.to_string())
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::no_drawing(),
            StoreError::Gone => Self::new(ErrorCode::Gone, "the drawing is deleted"),
            StoreError::Deadline(_) | StoreError::Unavailable(_) | StoreError::Storage(_) => {
                Self::unavailable()
            }
            StoreError::NoDatabase
            | StoreError::TooNew { .. }
            | StoreError::OtherSchema { .. }
            | StoreError::OldTables { .. }
            | StoreError::Failed(_) => {
                log::error!("{error}");
                Self::new(ErrorCode::Failed, "the database could not do this")
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
