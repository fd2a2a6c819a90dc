//! A drawing as a picture of pixels, over HTTP.
//!
//! It must never paint on the thread of a request, nor without end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::domain::asset::{Asset, AssetHash};
use crate::domain::ids::{DrawingId, StrokeId};
use crate::domain::stroke::Body;
use crate::picture::document::{Setting, Survey};
use crate::picture::painter::Painter;
use crate::store::{Store, StoreError};
use crate::web::error::{ApiError, ErrorCode};
use crate::web::pictures::in_background;
use crate::web::snapshot::Snapshot;

/// How long a picture may take.
const PAINTING: Duration = Duration::from_secs(30);

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
            Ok(asset) => drop(assets.insert(hash, asset)),
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let work = in_background(move || {
        let _slot = slot;
        paint(&strokes, &survey, setting, &assets)
    });
    work.await?
}

fn paint(
    strokes: &[(StrokeId, Body)],
    survey: &Survey,
    setting: Setting,
    assets: &HashMap<AssetHash, Asset>,
) -> Result<Bytes, ApiError> {
    let end = Instant::now() + PAINTING;
    let no_memory = || ApiError::new(ErrorCode::Failed, "there is no memory for the picture");
    let mut painter = Painter::new(survey, setting).ok_or_else(no_memory)?;
    for (_, body) in strokes {
        if Instant::now() > end {
            let message = "the drawing is too large for a picture: SVG has no limit";
            return Err(ApiError::new(ErrorCode::TooLarge, message));
        }
        painter.paint(body, assets);
    }
    Ok(painter.png().ok_or_else(no_memory)?.into())
}
