//! Drawings over HTTP: create, list, rename, delete and restore.
//!
//! It must never access strokes itself: it calls the store and the feeds.

use std::num::NonZeroU32;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access;
use super::error::{Answer, ApiError};
use super::extract::{self, ListQuery};
use super::schema::level;
use super::state::state;
use crate::access::{DELETED, RESTORED, audit};
use crate::domain::access::Level;
use crate::domain::ids::DrawingId;
use crate::domain::key::Key;
use crate::domain::needs::Action;
use crate::domain::people::Present;
use crate::domain::timestamp::rfc3339;
use crate::feed::registry::Feeds;
use crate::metrics::Exhausted;
use crate::quotas::Resource;
use crate::store::{DrawingInfo, ListCursor, Listed, SessionCounts, Store, StoreError};

/// The title of a drawing that is created without one.
const DEFAULT_TITLE: &str = "Untitled drawing";

/// Most keys that are looked at in one request.
const MAX_HELD: usize = 200;

/// A drawing as JSON.
#[derive(Serialize, ToSchema)]
#[schema(as = Drawing)]
pub(super) struct DrawingView<'a> {
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    id: DrawingId,
    title: &'a str,
    /// Creation time in RFC 3339, such as `2026-01-31T12:00:00.5Z`.
    created: String,
    /// Time of the last change, in RFC 3339.
    changed: String,
    /// Number of sessions on all servers.
    people: u32,
    /// Who is present, on all servers: missing if nobody is, or if this server does not have the drawing open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    present: Option<PresentView>,
    /// What the reader may do, in an answer about keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = level, required = false)]
    access: Option<Level>,
    /// The secret of the first key, in the answer that is about its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl<'a> DrawingView<'a> {
    fn new(drawing: &'a DrawingInfo, sessions: &SessionCounts, feeds: &Feeds) -> Self {
        Self {
            id: drawing.id,
            title: &drawing.title,
            created: rfc3339(drawing.created),
            changed: rfc3339(drawing.changed),
            people: sessions.of(drawing.id),
            present: feeds.present(drawing.id).map(PresentView::from),
            access: None,
            key: None,
        }
    }
}

/// Who is present on a drawing, in short.
#[derive(Serialize, ToSchema)]
#[schema(as = Present)]
pub(super) struct PresentView {
    /// Number of people, each counted once for all their pages.
    count: usize,
    /// The names of some of them.
    #[schema(max_items = 3)]
    names: Vec<String>,
}

impl From<Present> for PresentView {
    fn from(Present { count, names }: Present) -> Self {
        Self { count, names }
    }
}

/// Some drawings as JSON.
#[derive(Serialize, ToSchema)]
pub(super) struct DrawingList<'a> {
    #[schema(value_type = Vec<DrawingView>)]
    drawings: Vec<DrawingView<'a>>,
    /// The `before` of the next request; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What a new drawing has.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateRequest {
    title: Option<String>,
}

/// Keys that somebody holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HeldRequest {
    #[schema(max_items = 200)]
    held: Vec<Held>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HeldKey)]
pub(super) struct Held {
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    id: DrawingId,
    key: String,
}

/// What a drawing is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RenameRequest {
    title: String,
}

pub(super) async fn list(request: HttpRequest) -> Answer {
    access::at_all(&request, Action::List)?;
    let state = state(&request);
    let ListQuery {
        before,
        limit,
        words,
    } = ListQuery::of(&request)?;
    let listed = match words {
        Some(words) => state.store.search(&words, before, limit).await?,
        None => list_page(&state.store, before, limit).await?,
    };
    let sessions = state.store.session_counts(state.silence).await?;
    let drawings = listed.drawings.iter();
    Ok(HttpResponse::Ok().json(DrawingList {
        drawings: drawings
            .map(|info| DrawingView::new(info, &sessions, &state.feeds))
            .collect(),
        next: listed.next.map(extract::next),
    }))
}

async fn list_page(
    store: &Store,
    before: Option<ListCursor>,
    limit: usize,
) -> Result<Listed, StoreError> {
    // One more than requested shows whether there are more.
    let mut drawings = store.list(before, limit + 1).await?;
    let more = drawings.len() > limit;
    drawings.truncate(limit);
    let last = drawings.last().filter(|_| more);
    Ok(Listed {
        next: last.map(ListCursor::from),
        drawings,
    })
}

pub(super) async fn create(request: HttpRequest, payload: web::Payload) -> Answer {
    access::at_all(&request, Action::Create)?;
    let bytes = extract::body(&request, payload).await?;
    let asked = if bytes.is_empty() {
        CreateRequest::default()
    } else {
        extract::json::<CreateRequest>(&bytes)?
    };
    let title = extract::title(asked.title.as_deref().unwrap_or(DEFAULT_TITLE))?;
    let state = state(&request);
    let visit = state.quotas.visit(&extract::subject(&request, None));
    let spent = visit.spend(Resource::Drawings, NonZeroU32::MIN);
    spent.inspect_err(|_| {
        let exceeded = &state.store.metrics().quotas_exceeded;
        exceeded.count(Exhausted::Drawings);
    })?;
    let (drawing, key) = state.access.create(&title).await?;
    if let Some(key) = &key {
        let who = access::creator(&request);
        audit(
            drawing.id,
            who,
            &format!("created it with key {}", key.id()),
        );
    }
    let view = DrawingView {
        key: key.as_ref().map(Key::secret),
        ..DrawingView::new(&drawing, &SessionCounts::default(), &state.feeds)
    };
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api/drawings/{}", drawing.id)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(view))
}

/// Those of the drawings for which somebody holds keys that are there, and what the keys allow.
pub(super) async fn held(request: HttpRequest, payload: web::Payload) -> Answer {
    let HeldRequest { held } = extract::json(&extract::body(&request, payload).await?)?;
    if held.len() > MAX_HELD {
        let message = format!("held has at most {MAX_HELD} keys");
        return Err(ApiError::field("held", message));
    }
    let keys = held.into_iter();
    // What is no key opens nothing, like one that is not stored.
    let keys = keys.filter_map(|held| Some((held.id, held.key.parse().ok()?)));
    let state = state(&request);
    let mut found = state.access.held(&keys.collect::<Vec<_>>()).await?;
    found.sort_by_key(|(info, _)| (std::cmp::Reverse(info.listed), info.id));
    let sessions = state.store.session_counts(state.silence).await?;
    let drawings = found.iter().map(|(info, access)| DrawingView {
        access: Some(access.level()),
        ..DrawingView::new(info, &sessions, &state.feeds)
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(DrawingList {
            drawings: drawings.collect(),
            next: None,
        }))
}

pub(super) async fn get(request: HttpRequest) -> Answer {
    let (drawing, _) = access::on_drawing(&request, Action::Read).await?;
    let state = state(&request);
    let info = state.store.get(drawing).await?;
    let sessions = state.store.session_counts(state.silence).await?;
    Ok(HttpResponse::Ok().json(DrawingView::new(&info, &sessions, &state.feeds)))
}

pub(super) async fn rename(request: HttpRequest, payload: web::Payload) -> Answer {
    let (drawing, _) = access::on_drawing(&request, Action::Rename).await?;
    let asked: RenameRequest = extract::json(&extract::body(&request, payload).await?)?;
    let title = extract::title(&asked.title)?;
    let state = state(&request);
    let info = state.store.rename(drawing, &title).await?;
    state.feeds.announce_change(drawing).await;
    let sessions = state.store.session_counts(state.silence).await?;
    Ok(HttpResponse::Ok().json(DrawingView::new(&info, &sessions, &state.feeds)))
}

pub(super) async fn delete(request: HttpRequest) -> Answer {
    let (drawing, access) = access::on_drawing(&request, Action::Delete).await?;
    let state = state(&request);
    state.store.delete(drawing).await?;
    audit(drawing, access.by(), DELETED);
    state.feeds.announce_change(drawing).await;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) async fn restore(request: HttpRequest) -> Answer {
    let (drawing, access) = access::on_drawing(&request, Action::Delete).await?;
    let state = state(&request);
    let info = state.store.undelete(drawing).await?;
    audit(drawing, access.by(), RESTORED);
    let sessions = state.store.session_counts(state.silence).await?;
    Ok(HttpResponse::Ok().json(DrawingView::new(&info, &sessions, &state.feeds)))
}
