//! The pictures of drawings over HTTP: send one, and get it under the hash of its bytes.
//!
//! A picture comes from anyone who has the link: it must never be sent in a way that a browser could
//! take for a page.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::access;
use super::error::{Answer, ApiError, ErrorCode};
use super::extract;
use super::state::state;
use crate::domain::asset::{Asset, AssetHash, AssetKind, MAX_ASSET_BYTES, MAX_ASSETS_BYTES};
use crate::domain::needs::Action;
use crate::feed::chunks::pieces;
use crate::metrics::Exhausted;
use crate::quotas::{Exceeded, Resource};
use crate::store::AssetPut;

/// How long a reader waits until another one has its picture.
const SEND_WAIT: Duration = Duration::from_secs(15);
/// A picture is secret like its drawing, and never changes.
const FOR_EVER: &str = "private, max-age=31536000, immutable";
/// Even opened by itself, it may do nothing.
const POLICY: &str = "default-src 'none'; sandbox";

/// A stored picture as JSON.
#[derive(Serialize, ToSchema)]
#[schema(as = Asset)]
pub(super) struct AssetView {
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    hash: AssetHash,
    #[serde(rename = "type")]
    media_type: &'static str,
    bytes: usize,
}

pub(super) async fn put(request: HttpRequest, payload: web::Payload) -> Answer {
    let (drawing, access) = access::on_drawing(&request, Action::SendPicture).await?;
    let state = state(&request);
    // Before a large body is read for nothing.
    state.store.get(drawing).await?;
    let visit = state
        .quotas
        .visit(&extract::subject(&request, access.key()));
    let exhausted = |_: &Exceeded| {
        let exceeded = &state.store.metrics().quotas_exceeded;
        exceeded.count(Exhausted::Images);
    };
    let spent = visit.spend(Resource::Images, NonZeroU32::MIN);
    spent.inspect_err(exhausted)?;
    let Ok(_slot) = state.assets.received.try_acquire() else {
        return Err(ApiError::new(
            ErrorCode::Unavailable,
            "too many pictures arrive at once",
        ));
    };
    let file = extract::body_up_to(&request, payload, MAX_ASSET_BYTES).await?;
    let kind = AssetKind::of(&file).ok_or_else(|| {
        ApiError::new(
            ErrorCode::Unsupported,
            "a picture is PNG, JPEG, WebP or GIF",
        )
    })?;
    let bytes = file.len();
    visit.spend_bytes(bytes).inspect_err(exhausted)?;
    let hashed = file.clone();
    let hash = web::block(move || AssetHash::of(&hashed)).await;
    let hash = hash.map_err(|_| ApiError::unavailable())?;
    let asset = Asset { kind, bytes: file };
    let put = state
        .store
        .put_asset(drawing, hash, asset, MAX_ASSETS_BYTES);
    match put.await? {
        AssetPut::Full => {
            let message =
                format!("the pictures of a drawing have at most {MAX_ASSETS_BYTES} bytes");
            Err(ApiError::new(ErrorCode::Full, message))
        }
        AssetPut::Stored => Ok(HttpResponse::Created()
            .insert_header((
                header::LOCATION,
                format!("/api/drawings/{drawing}/assets/{hash}"),
            ))
            .json(AssetView {
                hash,
                media_type: kind.media_type(),
                bytes,
            })),
    }
}

pub(super) async fn get(request: HttpRequest) -> Answer {
    let (drawing, _) = access::on_drawing(&request, Action::Read).await?;
    let hash = extract::asset(&request)?;
    let state = state(&request);
    let slot = timeout(SEND_WAIT, Arc::clone(&state.assets.sent).acquire_owned()).await;
    let Ok(Ok(slot)) = slot else {
        return Err(ApiError::new(
            ErrorCode::Unavailable,
            "too many pictures are sent at once",
        ));
    };
    let Asset { kind, bytes } = state.store.asset(drawing, hash).await?;
    let size = bytes.len() as u64;
    // The slot is free again when the body is dropped.
    let pieces = stream::iter(pieces(bytes)).map(move |piece| {
        let _ = &slot;
        Ok::<_, Infallible>(piece)
    });
    Ok(HttpResponse::Ok()
        .content_type(kind.media_type())
        .insert_header((header::CACHE_CONTROL, FOR_EVER))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header(("cross-origin-resource-policy", "same-origin"))
        .body(SizedStream::new(size, pieces)))
}
