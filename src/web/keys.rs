//! Keys, locking and muting over HTTP: for the owners of a drawing.
//!
//! A secret must never be answered but once, to whoever makes it.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use super::access::on_drawing;
use super::error::{Answer, ApiError};
use super::extract;
use super::schema::level;
use super::state::state;
use crate::access::{audit, new_key, now, revoked};
use crate::domain::access::{Access, Level};
use crate::domain::ids::DrawingId;
use crate::domain::key::{Key, KeyId, MAX_KEY_NAME_CHARS};
use crate::domain::needs::Action;
use crate::domain::timestamp::rfc3339;
use crate::store::{KeyChange, KeyInfo, NewKey};

/// A key as JSON.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
pub(super) struct KeyView<'a> {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{11}$")]
    id: KeyId,
    #[schema(schema_with = level)]
    access: Level,
    name: &'a str,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_by: Option<&'a str>,
    /// Whether the reader came in by it.
    mine: bool,
    /// The secret, when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl<'a> KeyView<'a> {
    fn new(info: &'a KeyInfo, reader: Access) -> Self {
        Self {
            id: info.key.id,
            access: info.key.level,
            name: &info.name,
            created: rfc3339(info.created),
            expires: info.key.expires.map(rfc3339),
            last_used: info.last_used.map(rfc3339),
            last_by: info.last_by.as_deref(),
            mine: reader.key() == Some(info.key.id),
            key: None,
        }
    }
}

/// All keys of a drawing as JSON.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyList<'a> {
    #[schema(value_type = Vec<KeyView>)]
    keys: Vec<KeyView<'a>>,
}

/// What a new key has.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyRequest {
    #[schema(schema_with = level)]
    access: Level,
    #[serde(default)]
    name: String,
    /// A later time in RFC 3339; it never ends without one.
    expires: Option<String>,
}

/// What a key is to have; what is missing stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyChange)]
pub(super) struct ChangeRequest {
    #[schema(schema_with = level, required = false)]
    access: Option<Level>,
    name: Option<String>,
    /// A later time in RFC 3339; `null`, which is not the same as nothing, for never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    expires: Option<Option<String>>,
}

/// Whether a drawing is to be locked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LockRequest {
    locked: bool,
}

pub(super) async fn list(request: HttpRequest) -> Answer {
    let (drawing, access) = owned(&request, Action::Share).await?;
    let keys = state(&request).store.keys(drawing).await?;
    let keys = keys.iter().map(|info| KeyView::new(info, access)).collect();
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(KeyList { keys }))
}

pub(super) async fn add(request: HttpRequest, payload: web::Payload) -> Answer {
    let (drawing, access) = owned(&request, Action::Share).await?;
    let asked: KeyRequest = extract::json(&extract::body(&request, payload).await?)?;
    let key = new_key();
    let new = NewKey {
        id: key.id(),
        hash: key.hash(),
        level: asked.access,
        name: name(&asked.name)?,
        expires: asked.expires.as_deref().map(later).transpose()?,
    };
    let store = &state(&request).store;
    store.add_key(drawing, &new).await?;
    let what = format!("made key {}, which may {}", new.id, new.level.as_str());
    changed(&request, drawing, access, &what).await;
    let stored = store.find_key(drawing, new.id).await?;
    let (stored, _) = stored.ok_or(crate::store::RulesError::NoKey)?;
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(KeyView {
            key: Some(Key::secret(&key)),
            ..KeyView::new(&stored, access)
        }))
}

pub(super) async fn change(request: HttpRequest, payload: web::Payload) -> Answer {
    let (drawing, access) = owned(&request, Action::Share).await?;
    let id = extract::key(&request)?;
    let asked: ChangeRequest = extract::json(&extract::body(&request, payload).await?)?;
    let expires = asked
        .expires
        .map(|expires| expires.as_deref().map(later).transpose());
    let change = KeyChange {
        level: asked.access,
        name: asked.name.as_deref().map(name).transpose()?,
        expires: expires.transpose()?,
    };
    let info = state(&request)
        .store
        .change_key(drawing, id, &change)
        .await?;
    let what = format!("changed key {id}, which may {}", info.key.level.as_str());
    changed(&request, drawing, access, &what).await;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(KeyView::new(&info, access)))
}

pub(super) async fn revoke(request: HttpRequest) -> Answer {
    let (drawing, access) = owned(&request, Action::Share).await?;
    let id = extract::key(&request)?;
    state(&request).store.revoke_key(drawing, id).await?;
    changed(&request, drawing, access, &revoked(id)).await;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) async fn lock(request: HttpRequest, payload: web::Payload) -> Answer {
    let (drawing, access) = owned(&request, Action::Moderate).await?;
    let asked: LockRequest = extract::json(&extract::body(&request, payload).await?)?;
    state(&request)
        .store
        .set_locked(drawing, asked.locked)
        .await?;
    let what = if asked.locked {
        "locked it"
    } else {
        "unlocked it"
    };
    changed(&request, drawing, access, what).await;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) async fn mute(request: HttpRequest) -> Answer {
    set_muted(&request, true).await
}

pub(super) async fn unmute(request: HttpRequest) -> Answer {
    set_muted(&request, false).await
}

async fn set_muted(request: &HttpRequest, muted: bool) -> Answer {
    let (drawing, access) = owned(request, Action::Moderate).await?;
    let author = extract::author(request)?;
    state(request)
        .store
        .set_muted(drawing, author, muted)
        .await?;
    let what = if muted { "muted" } else { "unmuted" };
    changed(request, drawing, access, &format!("{what} person {author}")).await;
    Ok(HttpResponse::NoContent().finish())
}

async fn owned(request: &HttpRequest, action: Action) -> Result<(DrawingId, Access), ApiError> {
    let (drawing, access) = on_drawing(request, action).await?;
    // A deleted drawing has no rules.
    state(request).store.get(drawing).await?;
    Ok((drawing, access))
}

/// Logs a change of the rules, and tells the feeds of all servers.
async fn changed(request: &HttpRequest, drawing: DrawingId, access: Access, what: &str) {
    audit(drawing, access.by(), what);
    state(request).feeds.announce_change(drawing).await;
}

fn name(text: &str) -> Result<String, ApiError> {
    let name = text.trim();
    let allowed = name.chars().count() <= MAX_KEY_NAME_CHARS && !name.chars().any(char::is_control);
    allowed.then(|| name.to_owned()).ok_or_else(|| {
        let message = format!("a name has at most {MAX_KEY_NAME_CHARS} printable characters");
        ApiError::field("name", message)
    })
}

/// A time that is not over, in milliseconds since 1970.
fn later(text: &str) -> Result<u64, ApiError> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok();
    let millis = time.map(|time| time.unix_timestamp_nanos() / 1_000_000);
    let millis = millis.and_then(|millis| u64::try_from(millis).ok());
    millis.filter(|millis| *millis > now()).ok_or_else(|| {
        ApiError::field(
            "expires",
            "expires is a later time, such as 2026-01-31T12:00:00Z",
        )
    })
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}
