//! A drawing as a file to take away, over HTTP.
//!
//! A file must never be in memory as a whole: it is written piece by piece, each when the reader has
//! taken the one before.

mod parts;
mod png;

use std::convert::Infallible;

use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::http::header::{Charset, DispositionParam, DispositionType, ExtendedValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::stream;

use super::access;
use super::error::{Answer, ApiError};
use super::extract::ExportQuery;
use super::pictures::{Shown, holds, in_background};
use super::snapshot::Snapshot;
use super::state::state;
use crate::domain::ids::DrawingId;
use crate::domain::needs::Action;
use crate::feed::chunks;
use crate::picture::document::Setting;

use parts::{Exported, Format, pieces};

/// It is asked for again each time, and then the tag says whether it is still the same.
const ASK: &str = "private, no-cache";
/// Even opened by itself, it may do nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; sandbox";
/// Most characters of a file's name before its extension.
const MAX_NAME_CHARS: usize = 80;

pub(super) async fn svg(request: HttpRequest) -> Answer {
    let ExportQuery { theme, background } = ExportQuery::of(&request)?;
    export(request, Format::Svg(Setting { theme, background })).await
}

/// A picture of pixels is painted in memory, so only one at a time.
pub(super) async fn png(request: HttpRequest) -> Answer {
    let ExportQuery { theme, background } = ExportQuery::of(&request)?;
    let drawing = match asked(&request).await? {
        Asked::Held(answer) => return Ok(answer),
        Asked::Wanted(drawing) => drawing,
    };
    let state = state(&request);
    let slot = state.pictures.paint().await?;
    let snapshot = Snapshot::read(&state.feeds, drawing).await?;
    let mut response = begun(&snapshot, "image/png", "png");
    let setting = Setting { theme, background };
    let painted = png::painted(snapshot, setting, &state.store, drawing, slot).await?;
    let pieces = chunks::pieces(painted.clone()).map(Ok::<_, Infallible>);
    Ok(response.body(SizedStream::new(painted.len() as u64, stream::iter(pieces))))
}

pub(super) async fn json(request: HttpRequest) -> Answer {
    export(request, Format::Json).await
}

async fn export(request: HttpRequest, format: Format) -> Answer {
    let drawing = match asked(&request).await? {
        Asked::Held(answer) => return Ok(answer),
        Asked::Wanted(drawing) => drawing,
    };
    let state = state(&request);
    let slot = state.pictures.send().await?;
    let snapshot = Snapshot::read(&state.feeds, drawing).await?;
    let mut response = match format {
        Format::Svg(_) => begun(&snapshot, "image/svg+xml", "svg"),
        Format::Json => begun(&snapshot, "application/json", "json"),
    };
    let exported = in_background(move || Exported::new(snapshot, format)).await?;
    let store = state.store.clone();
    Ok(response.streaming(pieces(exported, store, drawing, slot)))
}

/// What is to be done for a request.
enum Asked {
    /// The reader has the file: this is the answer.
    Held(HttpResponse),
    Wanted(DrawingId),
}

async fn asked(request: &HttpRequest) -> Result<Asked, ApiError> {
    let (drawing, _) = access::on_drawing(request, Action::Read).await?;
    let info = state(request).store.get(drawing).await?;
    let stored = Shown {
        epoch: info.epoch,
        head: info.head,
    };
    let tag = stored.tag_with_title(&info.title);
    if !holds(request, &tag) {
        return Ok(Asked::Wanted(drawing));
    }
    let answer = HttpResponse::NotModified()
        .insert_header(header::ETag(tag))
        .insert_header((header::CACHE_CONTROL, ASK))
        .finish();
    Ok(Asked::Held(answer))
}

/// The answer with a file, up to its body.
fn begun(snapshot: &Snapshot, media_type: &str, extension: &str) -> HttpResponseBuilder {
    let shown = Shown {
        epoch: snapshot.epoch,
        head: snapshot.head,
    };
    let mut response = HttpResponse::Ok();
    response
        .content_type(media_type)
        .insert_header(header::ETag(shown.tag_with_title(&snapshot.title)))
        .insert_header(attachment(&snapshot.title, extension))
        .insert_header((header::CACHE_CONTROL, ASK))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    response
}

/// The name of the file, as a page makes it.
fn attachment(title: &str, extension: &str) -> header::ContentDisposition {
    let odd = |c: char| "\\/:*?\"<>|".contains(c) || c.is_control() || c.is_whitespace();
    let words: Vec<&str> = title.split(odd).filter(|word| !word.is_empty()).collect();
    let name = words.join(" ");
    let name = name.trim_start_matches(['.', ' ']).chars();
    let mut name: String = name.take(MAX_NAME_CHARS).collect();
    if name.is_empty() {
        name = "drawing".to_owned();
    }
    let name = format!("{name}.{extension}");
    let plain = match name.is_ascii() {
        true => name.clone(),
        false => format!("drawing.{extension}"),
    };
    header::ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![
            DispositionParam::Filename(plain),
            DispositionParam::FilenameExt(ExtendedValue {
                charset: Charset::Ext("UTF-8".to_owned()),
                language_tag: None,
                value: name.into_bytes(),
            }),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_its_drawing() {
        for (title, name) in [
            ("Plan", "filename=\"Plan.svg\"; filename*=UTF-8''Plan.svg"),
            (
                "../a\\b: \"c\"\r\n",
                "filename=\"a b c.svg\"; filename*=UTF-8''a%20b%20c.svg",
            ),
            (
                "Größe",
                "filename=\"drawing.svg\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.svg",
            ),
            (
                "...",
                "filename=\"drawing.svg\"; filename*=UTF-8''drawing.svg",
            ),
        ] {
            let written = attachment(title, "svg").to_string();
            assert_eq!(written, format!("attachment; {name}"), "{title}");
        }
    }
}
