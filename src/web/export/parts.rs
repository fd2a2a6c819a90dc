//! The pieces of an exported file, in their order.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::OwnedSemaphorePermit;

use crate::domain::asset::{Asset, AssetHash};
use crate::domain::ids::{DrawingId, StrokeId};
use crate::domain::stroke::Body;
use crate::feed::chunks;
use crate::picture::document::{self, Setting, Survey};
use crate::picture::file;
use crate::store::{Store, StoreError};
use crate::web::snapshot::Snapshot;

/// Bytes of strokes that are written at a time, unless a single one has more.
const WRITTEN_AT_ONCE: usize = 256 * 1024;

/// The bundled font as pages embed it.
static FONT: LazyLock<String> = LazyLock::new(|| {
    let file = include_bytes!("../../../static/fonts/nunito.woff2");
    format!("data:font/woff2;base64,{}", STANDARD.encode(file))
});

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Svg(Setting),
    Json,
}

/// A drawing that is written to a file.
pub(super) struct Exported {
    format: Format,
    title: String,
    strokes: Vec<(StrokeId, Body)>,
    survey: Survey,
}

impl Exported {
    /// Looks at all strokes, which takes a while for many.
    pub(super) fn new(snapshot: Snapshot, format: Format) -> Self {
        let title = snapshot.title.clone();
        let strokes = snapshot.ordered();
        let mut survey = Survey::default();
        strokes.iter().for_each(|(_, body)| survey.add(body));
        Self {
            format,
            title,
            strokes,
            survey,
        }
    }

    fn assets(&self) -> VecDeque<AssetHash> {
        let mut assets = self.survey.assets();
        if self.format == Format::Json {
            assets.sort();
        }
        assets.into()
    }

    fn parts(&self) -> VecDeque<Part> {
        let strokes = Part::Strokes { from: 0 };
        let pictures = Part::Pictures {
            left: self.assets(),
            sent: 0,
        };
        match self.format {
            Format::Svg(_) => [Part::Head, pictures, Part::Paper, strokes, Part::End],
            Format::Json => [Part::Head, strokes, Part::Paper, pictures, Part::End],
        }
        .into()
    }

    fn head(&self) -> String {
        match self.format {
            Format::Svg(_) => document::head(&self.survey, &self.title, Some(&FONT)),
            Format::Json => file::head(&self.title),
        }
    }

    /// What is between strokes and pictures.
    fn between(&self) -> String {
        match self.format {
            Format::Svg(setting) => document::paper(&self.survey, setting),
            Format::Json => file::strokes_end(self.strokes.len()).to_owned(),
        }
    }

    /// Strokes from the one with this number on, and the number of the next one.
    fn strokes(&self, from: usize) -> (String, usize) {
        let (mut text, mut next) = (String::new(), from);
        while let Some((id, body)) = self.strokes.get(next)
            && text.len() < WRITTEN_AT_ONCE
        {
            match self.format {
                Format::Svg(setting) => document::push_stroke(&mut text, body, setting.theme),
                Format::Json => file::push_stroke(&mut text, next, *id, body),
            }
            next += 1;
        }
        (text, next)
    }

    /// A picture, before which `sent` others came.
    fn picture(&self, hash: AssetHash, asset: &Asset, sent: usize) -> String {
        let mut text = String::new();
        match self.format {
            Format::Svg(_) => {
                if sent == 0 {
                    text.push_str(document::PICTURES_BEGIN);
                }
                document::push_picture(&mut text, hash, asset);
            }
            Format::Json => file::push_picture(&mut text, sent, hash, asset),
        }
        text
    }

    /// After the last picture, of which there are `sent`.
    fn pictures_end(&self, sent: usize) -> &'static str {
        match self.format {
            Format::Svg(_) if sent > 0 => document::PICTURES_END,
            Format::Svg(_) => "",
            Format::Json => file::end(sent),
        }
    }

    fn end(&self) -> &'static str {
        match self.format {
            Format::Svg(_) => document::END,
            Format::Json => "",
        }
    }
}

/// A part of a file that is still to be written.
enum Part {
    Head,
    Pictures {
        left: VecDeque<AssetHash>,
        sent: usize,
    },
    Paper,
    Strokes {
        from: usize,
    },
    End,
}

/// A file that is being sent.
struct Sending {
    exported: Arc<Exported>,
    store: Store,
    drawing: DrawingId,
    parts: VecDeque<Part>,
    _slot: OwnedSemaphorePermit,
}

/// The pieces of a file. If a picture cannot be read it ends with an error.
pub(super) fn pieces(
    exported: Exported,
    store: Store,
    drawing: DrawingId,
    slot: OwnedSemaphorePermit,
) -> impl Stream<Item = io::Result<Bytes>> {
    let sending = Sending {
        parts: exported.parts(),
        exported: Arc::new(exported),
        store,
        drawing,
        _slot: slot,
    };
    let begun = (VecDeque::new(), sending);
    stream::try_unfold(begun, |(mut pieces, mut sending)| async move {
        loop {
            if let Some(piece) = pieces.pop_front() {
                return Ok(Some((piece, (pieces, sending))));
            }
            let Some(part) = sending.parts.pop_front() else {
                return Ok(None);
            };
            let text = sending.write(part).await?;
            pieces.extend(chunks::pieces(text.into()));
        }
    })
}

impl Sending {
    /// Writes a part, and what is left of it comes next.
    async fn write(&mut self, part: Part) -> io::Result<String> {
        let exported = &self.exported;
        Ok(match part {
            Part::Head => exported.head(),
            Part::Paper => exported.between(),
            Part::End => exported.end().to_owned(),
            Part::Strokes { from } => {
                let writing = Arc::clone(exported);
                let work = tokio::task::spawn_blocking(move || writing.strokes(from));
                let (text, next) = work.await.map_err(io::Error::other)?;
                if next < exported.strokes.len() {
                    self.parts.push_front(Part::Strokes { from: next });
                }
                text
            }
            Part::Pictures { mut left, sent } => match left.pop_front() {
                None => exported.pictures_end(sent).to_owned(),
                Some(hash) => {
                    let asset = self.store.asset(self.drawing, hash).await;
                    let (text, sent) = match asset {
                        Ok(asset) => {
                            let writing = Arc::clone(exported);
                            let write = move || writing.picture(hash, &asset, sent);
                            let work = tokio::task::spawn_blocking(write).await;
                            (work.map_err(io::Error::other)?, sent + 1)
                        }
                        // The stroke may have come before its picture.
                        Err(StoreError::NotFound) => (String::new(), sent),
                        Err(error) => return Err(io::Error::other(error)),
                    };
                    self.parts.push_front(Part::Pictures { left, sent });
                    text
                }
            },
        })
    }
}
