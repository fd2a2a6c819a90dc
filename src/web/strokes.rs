//! The changes of a drawing over HTTP; a first load is one answer, however large the drawing.
//!
//! An answer must never be in memory as a whole: it is read from the feed, encoded and sent chunk by
//! chunk, and at most one is encoded before the reader has taken the one before.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;

use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::{Stream, stream};

use super::access;
use super::error::Answer;
use super::extract::{self, SinceQuery};
use super::state::state;
use crate::domain::ids::{DrawingId, Epoch};
use crate::domain::needs::Action;
use crate::domain::sequence::Seq;
use crate::feed::chunks::{Body, Encoding, ReadChunk};
use crate::feed::error::FeedError;
use crate::feed::registry::Feeds;

pub(super) async fn strokes(request: HttpRequest) -> Answer {
    let (drawing, _) = access::on_drawing(&request, Action::Read).await?;
    let SinceQuery { since, epoch } = SinceQuery::of(&request)?;
    let feeds = state(&request).feeds.clone();
    let first = feeds.read(drawing, since, epoch, None).await?;
    let encoding = match extract::takes_gzip(&request) {
        true => Encoding::Gzip,
        false => Encoding::Plain,
    };
    let mut body = Body::begin(encoding);
    body.text(head(&first));
    let mut response = HttpResponse::Ok();
    response
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "accept-encoding"));
    if encoding == Encoding::Gzip {
        response.insert_header(header::ContentEncoding::Gzip);
    }
    match first.target {
        None => {
            body.changes(&first).await?;
            body.text("]}".to_owned());
            let pieces = body.end();
            let size = pieces.iter().map(|piece| piece.len() as u64).sum();
            let pieces = stream::iter(pieces.into_iter().map(Ok::<_, Infallible>));
            Ok(response.body(SizedStream::new(size, pieces)))
        }
        Some(target) => {
            let mut load = FirstLoad {
                feeds,
                drawing,
                epoch: first.epoch,
                target,
                next: Some(first),
                has_changes: false,
                encoding,
                body,
            };
            load.go_on().await?;
            Ok(response.streaming(rest(load)))
        }
    }
}

/// The answer up to its changes.
fn head(first: &ReadChunk) -> String {
    let title = serde_json::Value::from(first.title.as_str());
    // The answer to a reader that holds nothing goes on to the target.
    let (head, more) = match first.target {
        Some(target) => (target, false),
        None => (first.head, first.more),
    };
    format!(
        r#"{{"epoch":"{}","from":{},"head":{head},"more":{more},"reset":{},"title":{title},"changes":["#,
        first.epoch, first.from, first.reset
    )
}

/// A first load that is being sent.
struct FirstLoad {
    feeds: Feeds,
    drawing: DrawingId,
    epoch: Epoch,
    /// The body ends with the living strokes up to here, the head at its start.
    target: Seq,
    /// The chunk that follows on what the body has, if there is one.
    next: Option<ReadChunk>,
    /// Whether the body has a change that a further one is separated from.
    has_changes: bool,
    encoding: Encoding,
    body: Body,
}

/// The pieces of a first load. If it cannot go on it ends with an error, and the reader starts over.
fn rest(load: FirstLoad) -> impl Stream<Item = io::Result<Bytes>> {
    let begun = (VecDeque::new(), Some(load));
    stream::try_unfold(begun, |(mut pieces, mut load)| async move {
        loop {
            if let Some(piece) = pieces.pop_front() {
                return Ok(Some((piece, (pieces, load))));
            }
            let Some(mut going) = load.take() else {
                return Ok(None);
            };
            pieces.extend(going.body.take());
            if !pieces.is_empty() {
                load = Some(going);
            } else if going.next.is_some() {
                going.go_on().await.map_err(io::Error::other)?;
                load = Some(going);
            } else {
                going.body.text("]}".to_owned());
                pieces.extend(going.body.end());
            }
        }
    })
}

impl FirstLoad {
    /// Adds the next chunk to the body, while the one after it is encoded.
    async fn go_on(&mut self) -> Result<(), FeedError> {
        let Some(chunk) = self.next.take() else {
            return Ok(());
        };
        if chunk.head < self.target {
            chunk.start(self.encoding);
            let next = self.after(chunk.head).await?;
            next.start(self.encoding);
            self.next = Some(next);
        }
        if chunk.is_empty() {
            return Ok(());
        }
        if std::mem::replace(&mut self.has_changes, true) {
            self.body.text(",".to_owned());
        }
        self.body.changes(&chunk).await
    }

    /// The chunk after this position.
    async fn after(&self, reached: Seq) -> Result<ReadChunk, FeedError> {
        let (epoch, target) = (Some(self.epoch), Some(self.target));
        let chunk = self
            .feeds
            .read(self.drawing, reached, epoch, target)
            .await?;
        // The drawing was restored from a backup or compacted meanwhile: what was sent is worth nothing.
        let continues = !chunk.reset && chunk.from == reached && chunk.head > reached;
        continues.then_some(chunk).ok_or(FeedError::Unavailable)
    }
}
