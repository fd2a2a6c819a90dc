//! The living strokes of a drawing as they are now, for a picture or a file of them.
//!
//! It must never copy the strokes: bodies are shared with the feed, which holds them anyway.

use std::collections::HashMap;

use crate::domain::ids::{DrawingId, Epoch, StrokeId};
use crate::domain::sequence::Seq;
use crate::domain::stroke::Body;
use crate::feed::error::FeedError;
use crate::feed::registry::Feeds;

/// A drawing at one moment.
pub(super) struct Snapshot {
    pub(super) epoch: Epoch,
    /// The position of its last change.
    pub(super) head: Seq,
    pub(super) title: String,
    strokes: HashMap<StrokeId, (i64, Body)>,
}

impl Snapshot {
    /// Reads the drawing from its feed.
    pub(super) async fn read(feeds: &Feeds, drawing: DrawingId) -> Result<Self, FeedError> {
        let mut chunk = feeds.read(drawing, 0, None, None).await?;
        let mut snapshot = Self {
            epoch: chunk.epoch,
            head: 0,
            title: String::new(),
            strokes: HashMap::new(),
        };
        loop {
            // What changed after the first chunks comes last, with tombstones.
            for change in chunk.changes() {
                match &change.body {
                    Some(body) => {
                        let stroke = (change.z, body.clone());
                        snapshot.strokes.insert(change.stroke, stroke);
                    }
                    None => drop(snapshot.strokes.remove(&change.stroke)),
                }
            }
            snapshot.head = chunk.head;
            if !chunk.more {
                snapshot.title = chunk.title;
                return Ok(snapshot);
            }
            let (epoch, target) = (Some(chunk.epoch), chunk.target);
            let next = feeds.read(drawing, snapshot.head, epoch, target).await?;
            // Otherwise the drawing was restored from a backup or compacted meanwhile.
            let continues = !next.reset && next.from == snapshot.head && next.head > next.from;
            chunk = continues.then_some(next).ok_or(FeedError::Unavailable)?;
        }
    }

    /// The strokes in painting order. It takes a while for many.
    pub(super) fn ordered(self) -> Vec<(StrokeId, Body)> {
        let strokes = self.strokes.into_iter();
        let mut strokes: Vec<_> = strokes.map(|(id, (z, body))| (z, id, body)).collect();
        strokes.sort_unstable_by(|(z, id, _), (other_z, other, _)| {
            z.cmp(other_z)
                .then_with(|| id.to_string().cmp(&other.to_string()))
        });
        strokes
            .into_iter()
            .map(|(_, id, body)| (id, body))
            .collect()
    }
}
