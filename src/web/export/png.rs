//! A drawing as a picture of pixels, over HTTP.
//!
//! It must never paint on the thread of a request, nor without end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::decode::decode;
use crate::domain::asset::Asset;
use crate::domain::ids::{DrawingId, StrokeId};
use crate::domain::stroke::Body;
use crate::picture::document::{Setting, Survey};
use crate::picture::painter::{Painter, Pixels};
use crate::store::{Store, StoreError};
use crate::web::error::{ApiError, ErrorCode};
use crate::web::pictures::in_background;
use crate::web::snapshot::Snapshot;

/// How long a picture may take.
const PAINTING: Duration = Duration::from_secs(30);
/// Pixels of decoded pictures that are kept while a drawing is painted.
const MAX_DECODED: usize = 16 * 1024 * 1024;

/// Paints a drawing. `slot` is free again when its work ends, even if nobody waits for that.
pub(super) async fn painted<S: Send + 'static>(
    snapshot: Snapshot,
    setting: Setting,
    store: &Store,
    drawing: DrawingId,
    slot: S,
) -> Result<Bytes, ApiError> {
    let surveyed = in_background(move || {
        let strokes = snapshot.ordered();
        let mut survey = Survey::default();
        strokes.iter().for_each(|(_, body)| survey.add(body));
        (strokes, survey)
    });
    let (strokes, survey) = surveyed.await?;
    // All pictures of a drawing together have a limit.
    let mut assets = HashMap::new();
    for hash in survey.assets() {
        match store.asset(drawing, hash).await {
            Ok(asset) => drop(assets.insert(hash.to_string(), asset)),
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let work = in_background(move || {
        let _slot = slot;
        paint(&strokes, &survey, setting, &assets)
    });
    work.await?.ok_or_else(|| {
        let message = "the drawing is too large for a picture: SVG has no limit";
        ApiError::new(ErrorCode::TooLarge, message)
    })
}

/// `None` if it takes too long.
fn paint(
    strokes: &[(StrokeId, Body)],
    survey: &Survey,
    setting: Setting,
    assets: &HashMap<String, Asset>,
) -> Option<Bytes> {
    let end = Instant::now() + PAINTING;
    let mut painter = Painter::new(survey, setting);
    let mut decoded = Decoded::default();
    for (_, body) in strokes {
        if Instant::now() > end {
            return None;
        }
        painter.paint(body, |hash| decoded.find(hash, assets));
    }
    Some(painter.png().into())
}

/// The pictures that were decoded last.
#[derive(Default)]
struct Decoded {
    pictures: HashMap<String, Option<Arc<Pixels>>>,
    pixels: usize,
}

impl Decoded {
    fn find(&mut self, hash: &str, assets: &HashMap<String, Asset>) -> Option<Arc<Pixels>> {
        if let Some(found) = self.pictures.get(hash) {
            return found.clone();
        }
        let picture = assets.get(hash).and_then(decode).map(Arc::new);
        let pixels = picture.as_ref().map_or(0, |picture| picture.rgba.len());
        if self.pixels + pixels > MAX_DECODED {
            *self = Self::default();
        }
        self.pixels += pixels;
        self.pictures.insert(hash.to_owned(), picture.clone());
        picture
    }
}
