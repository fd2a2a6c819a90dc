//! The thumbnail of a drawing over HTTP.
//!
//! It must never open a drawing for a reader that holds its thumbnail: a list of drawings asks for
//! all of them.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

use super::access;
use super::error::Answer;
use super::extract::ExportQuery;
use super::pictures::{Shown, holds, in_background};
use super::snapshot::Snapshot;
use super::state::state;
use crate::domain::needs::Action;
use crate::picture::palette::Theme;
use crate::picture::thumbnail::thumbnail;

/// It is asked for again each time, and then the tag says whether it is still the same.
const ASK: &str = "private, no-cache";
/// Even opened by itself, it may do nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

pub(super) async fn get(request: HttpRequest) -> Answer {
    let (drawing, _) = access::on_drawing(&request, Action::Read).await?;
    let theme = ExportQuery::of(&request)?.theme;
    let state = state(&request);
    let info = state.store.get(drawing).await?;
    let stored = Shown {
        epoch: info.epoch,
        head: info.head,
    };
    let tag = stored.tag();
    if holds(&request, &tag) {
        return Ok(HttpResponse::NotModified()
            .insert_header(header::ETag(tag))
            .insert_header((header::CACHE_CONTROL, ASK))
            .finish());
    }
    let pictures = &state.pictures;
    if let Some(svg) = pictures.kept(drawing, theme, stored) {
        return answer(stored, svg);
    }
    let slot = pictures.make_thumbnail().await?;
    // Another request may have made it meanwhile.
    if let Some(svg) = pictures.kept(drawing, theme, stored) {
        return answer(stored, svg);
    }
    let snapshot = Snapshot::read(&state.feeds, drawing).await?;
    let shown = Shown {
        epoch: snapshot.epoch,
        head: snapshot.head,
    };
    let svg = in_background(move || {
        let svg = made(snapshot, theme);
        drop(slot);
        svg
    });
    let svg = svg.await?;
    pictures.keep(drawing, theme, shown, svg.clone());
    answer(shown, svg)
}

fn made(snapshot: Snapshot, theme: Theme) -> Bytes {
    let strokes = snapshot.ordered();
    let bodies: Vec<_> = strokes.iter().map(|(_, body)| body).collect();
    thumbnail(&bodies, theme).into()
}

fn answer(shown: Shown, svg: Bytes) -> Answer {
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header(header::ETag(shown.tag()))
        .insert_header((header::CACHE_CONTROL, ASK))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(svg))
}
