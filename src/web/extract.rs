//! The parameters of a request, validated: drawing, position, body and title.
//!
//! Values returned from here are valid. Nothing here calls the store or a feed.

use std::ops::RangeInclusive;
use std::time::Duration;

use actix_web::http::header;
use actix_web::http::header::{AcceptEncoding, Encoding, Header};
use actix_web::{HttpMessage, HttpRequest, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::client::Client;
use super::error::{ApiError, ErrorCode};
use super::site::SiteDenied;
use crate::domain::asset::{AssetHash, AssetHashError};
use crate::domain::drawing::MAX_TITLE_CHARS;
use crate::domain::ids::{DrawingId, Epoch, IdError, PersonId};
use crate::domain::key::{KeyError, KeyId};
use crate::domain::sequence::Seq;
use crate::picture::palette::{Theme, ThemeError};
use crate::quotas::Subject;
use crate::store::ListCursor;

/// Largest request body, in bytes.
const MAX_REQUEST_BYTES: usize = 16 * 1024;
/// Length of a list unless the request says otherwise, in drawings.
const DEFAULT_LIST_LIMIT: u64 = 50;
/// Longest list, in drawings.
const MAX_LIST_LIMIT: u64 = 200;
/// Largest position in a query: the largest integer that every JSON reader holds exactly.
const MAX_SINCE: Seq = (1 << 53) - 1;

/// What [`authorize`](super::authorize::authorize) found.
pub fn site(request: &HttpRequest) -> Result<(), SiteDenied> {
    let checked = request.extensions().get().copied();
    checked.expect("every request came past `authorize`")
}

/// The key or token that a request shows.
pub fn shown(request: &HttpRequest) -> Option<&str> {
    let header = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The id of a key in the path.
pub fn key(request: &HttpRequest) -> Result<KeyId, ApiError> {
    let text = request.match_info().query("key");
    text.parse()
        .map_err(|error: KeyError| ApiError::field("key", error.to_string()))
}

/// The id of a person in the path.
pub fn author(request: &HttpRequest) -> Result<PersonId, ApiError> {
    let text = request.match_info().query("author");
    text.parse()
        .map_err(|error: IdError| ApiError::field("author", error.to_string()))
}

/// Whom what the request uses counts for, whose access this key granted, if one did.
pub fn subject(request: &HttpRequest, key: Option<KeyId>) -> Subject {
    Subject {
        key,
        network: Client::of(request).address.into(),
    }
}

/// The drawing in the path.
pub fn drawing(request: &HttpRequest) -> Result<DrawingId, ApiError> {
    let text = request.match_info().query("drawing");
    text.parse()
        .map_err(|error: IdError| ApiError::field("drawing", error.to_string()))
}

/// The picture in the path.
pub fn asset(request: &HttpRequest) -> Result<AssetHash, ApiError> {
    let text = request.match_info().query("hash");
    text.parse()
        .map_err(|error: AssetHashError| ApiError::field("hash", error.to_string()))
}

/// A reader's position, from the query.
pub struct SinceQuery {
    /// The last position it holds.
    pub since: Seq,
    /// The epoch of that position, if it has one.
    pub epoch: Option<Epoch>,
}

impl SinceQuery {
    /// The position in the query; 0 if there is none.
    pub fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct PendingRequest {
            since: Option<String>,
            epoch: Option<String>,
        }
        let asked: PendingRequest = query(request)?;
        let since = whole("since", asked.since, 0, 0..=MAX_SINCE)?;
        let epoch = asked.epoch.as_deref().map(str::parse).transpose();
        let epoch = epoch.map_err(|error: IdError| ApiError::field("epoch", error.to_string()))?;
        Ok(Self { since, epoch })
    }
}

/// How a drawing is shown, from the query.
pub struct ExportQuery {
    /// The paper that the picture is for.
    pub theme: Theme,
    /// Whether it has the paper's colour, or is transparent.
    pub background: bool,
}

impl ExportQuery {
    /// The choice in the query; light paper if there is none.
    pub fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct PendingRequest {
            theme: Option<String>,
            background: Option<String>,
        }
        let asked: PendingRequest = query(request)?;
        let theme = asked.theme.as_deref().map(str::parse).transpose();
        let theme = theme.map_err(|error: ThemeError| ApiError::field("theme", error.to_string()));
        let background = match asked.background.as_deref() {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => {
                let message = "background is true or false";
                return Err(ApiError::field("background", message));
            }
        };
        Ok(Self {
            theme: theme?.unwrap_or_default(),
            background,
        })
    }
}

/// Whether the reader accepts gzip and prefers it.
pub fn takes_gzip(request: &HttpRequest) -> bool {
    let supported = [Encoding::gzip(), Encoding::identity()];
    let accepted = AcceptEncoding::parse(request).ok();
    let chosen = accepted.and_then(|accepted| accepted.negotiate(supported.iter()));
    chosen == Some(Encoding::gzip())
}

/// The requested part of the list of drawings, from the query.
pub struct ListQuery {
    /// Starts after this drawing.
    pub before: Option<ListCursor>,
    /// Most drawings to return.
    pub limit: usize,
    /// Words that the titles have.
    pub words: Option<String>,
}

impl ListQuery {
    /// The part in the query; the first one if there is none.
    pub fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        struct PendingRequest {
            before: Option<String>,
            limit: Option<String>,
            q: Option<String>,
        }
        let asked: PendingRequest = query(request)?;
        let before = asked.before.as_deref().map(|text| {
            parse_before(text).ok_or_else(|| {
                ApiError::field("before", "before is what an earlier list called next")
            })
        });
        let limit = whole("limit", asked.limit, DEFAULT_LIST_LIMIT, 1..=MAX_LIST_LIMIT)?;
        let words = asked.q.filter(|words| !words.trim().is_empty());
        if words
            .as_ref()
            .is_some_and(|words| words.chars().count() > MAX_TITLE_CHARS)
        {
            let message = format!("q has at most {MAX_TITLE_CHARS} characters");
            return Err(ApiError::field("q", message));
        }
        Ok(Self {
            before: before.transpose()?,
            limit: limit as usize,
            words,
        })
    }
}

/// The `before` that [`ListQuery::of`] parses, for the drawings after this one.
pub fn next(ListCursor { listed, id }: ListCursor) -> String {
    format!("{listed}.{id}")
}

fn parse_before(text: &str) -> Option<ListCursor> {
    let (listed, id) = text.split_once('.')?;
    Some(ListCursor {
        listed: listed.parse().ok()?,
        id: id.parse().ok()?,
    })
}

/// A whole number within bounds, from the query.
fn whole(
    field: &str,
    text: Option<String>,
    default: u64,
    bounds: RangeInclusive<u64>,
) -> Result<u64, ApiError> {
    let number = text.map_or(Ok(default), |text| text.parse());
    number
        .ok()
        .filter(|number| bounds.contains(number))
        .ok_or_else(|| {
            let (least, most) = bounds.into_inner();
            let message = format!("{field} is a whole number from {least} to {most}");
            ApiError::field(field, message)
        })
}

fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, ApiError> {
    web::Query::from_query(request.query_string())
        .map(web::Query::into_inner)
        .map_err(|error| ApiError::new(ErrorCode::BadRequest, format!("the query: {error}")))
}

/// How long a body may take to arrive.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub Duration);

/// Reads the whole body, which is small.
pub async fn body(request: &HttpRequest, payload: web::Payload) -> Result<web::Bytes, ApiError> {
    body_up_to(request, payload, MAX_REQUEST_BYTES).await
}

/// Reads the whole body, which may be large: a caller bounds how many are read at a time. The time
/// limit is for each MiB that it may have.
pub async fn body_up_to(
    request: &HttpRequest,
    payload: web::Payload,
    most: usize,
) -> Result<web::Bytes, ApiError> {
    let too_large = || {
        let message = format!("a body has at most {most} bytes");
        ApiError::new(ErrorCode::TooLarge, message)
    };
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > most) {
        return Err(too_large());
    }
    let BodyLimit(limit) = *request
        .app_data()
        .expect("the server gives every application its limits");
    let limit = limit * most.div_ceil(1024 * 1024) as u32;
    let read = timeout(limit, payload.to_bytes_limited(most)).await;
    let too_slow = || {
        let message = format!("a body comes within {limit:?}");
        ApiError::new(ErrorCode::TooSlow, message)
    };
    read.map_err(|_| too_slow())?
        .map_err(|_| too_large())?
        .map_err(|_| ApiError::new(ErrorCode::BadRequest, "the body ended too early"))
}

/// Parses a body as a JSON object; errors name the field.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // serde would accept a list as the fields in order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        let message = "the body is a JSON object";
        return Err(ApiError::new(ErrorCode::BadRequest, message));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let message = format!("the body: {}", error.inner());
        // If the body is not JSON at all, the path has only dots and question marks.
        match error.path().to_string() {
            field if field.contains(char::is_alphanumeric) => ApiError::field(&field, message),
            _ => ApiError::new(ErrorCode::BadRequest, message),
        }
    })?;
    reader
        .end()
        .map_err(|error| ApiError::new(ErrorCode::BadRequest, format!("the body: {error}")))?;
    Ok(value)
}

/// A title without surrounding space.
pub fn title(text: &str) -> Result<String, ApiError> {
    let title = text.trim();
    let allowed = (1..=MAX_TITLE_CHARS).contains(&title.chars().count())
        && !title.chars().any(char::is_control);
    allowed.then(|| title.to_owned()).ok_or_else(|| {
        let message = format!("a title has 1 to {MAX_TITLE_CHARS} printable characters");
        ApiError::field("title", message)
    })
}
