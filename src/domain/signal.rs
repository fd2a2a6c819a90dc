//! Signals: ink in progress, pointers, views and previews of edits, which are sent and never stored.
//!
//! Signals may be dropped. Nothing here does I/O or reads a clock.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::ids::WriterId;
use crate::domain::ink::Ink;
use crate::domain::stroke::MAX_COORDINATE;

/// Longest preview of one writer, in bytes of JSON.
pub const MAX_PREVIEW_BYTES: usize = 8 * 1024;
/// Most previews that are sent together; those of more writers are dropped.
const MAX_PREVIEWS: usize = 16;

/// A point in the drawing's plane, in units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanePoint {
    /// To the right, in units.
    pub x: f64,
    /// Downwards, in units.
    pub y: f64,
}

impl PlanePoint {
    /// Whether both coordinates are within a drawing's bounds.
    pub fn is_valid(&self) -> bool {
        self.x.abs() <= MAX_COORDINATE && self.y.abs() <= MAX_COORDINATE
    }
}

/// The position of a writer's pointer, or `None` once it left the drawing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pointer {
    /// The owner of the pointer.
    pub writer: WriterId,
    /// Its position.
    pub at: Option<PlanePoint>,
}

/// A part of the drawing's plane, in units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaneBox {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// Its width.
    pub w: f64,
    /// Its height.
    pub h: f64,
}

impl PlaneBox {
    /// Whether it has an extent and lies within a drawing's bounds.
    pub fn is_valid(&self) -> bool {
        let Self { x, y, w, h } = *self;
        let ends = [(x, y), (x + w, y + h)];
        w > 0.0 && h > 0.0 && ends.iter().all(|&(x, y)| PlanePoint { x, y }.is_valid())
    }
}

/// The part of the drawing that a writer's client shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The writer.
    pub writer: WriterId,
    /// The part.
    pub shows: PlaneBox,
    /// Whether the writer invites everyone to that part.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub call: bool,
}

/// How strokes will be if a writer ends the edit in progress now, such as a drag.
///
/// As with bodies, the server knows only its bounds; its meaning is up to clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The editing writer.
    pub writer: WriterId,
    /// The edit, or `None` once it was cancelled.
    pub edit: Option<Map<String, Value>>,
}

/// Signals of one drawing that are sent together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    /// Ink, in the order it was drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ink: Vec<Ink>,
    /// Pointers that moved, one per writer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pointers: Vec<Pointer>,
    /// Views that moved, one per writer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<View>,
    /// Previews, the newest of each writer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previews: Vec<Preview>,
}

impl Signals {
    /// Whether it holds no signal.
    pub fn is_empty(&self) -> bool {
        self.ink.is_empty()
            && self.pointers.is_empty()
            && self.previews.is_empty()
            && self.views.is_empty()
    }

    /// Adds a preview, which replaces an older one of the same writer.
    pub fn add_preview(&mut self, preview: Preview) {
        let mut held = self.previews.iter();
        match held.position(|held| held.writer == preview.writer) {
            Some(at) => self.previews[at] = preview,
            None if self.previews.len() < MAX_PREVIEWS => self.previews.push(preview),
            None => {}
        }
    }

    /// Adds a pointer, which replaces an older one of the same writer.
    pub fn add_pointer(&mut self, pointer: Pointer) {
        let mut held = self.pointers.iter_mut();
        match held.find(|held| held.writer == pointer.writer) {
            Some(held) => *held = pointer,
            None => self.pointers.push(pointer),
        }
    }

    /// Adds a view, which replaces an older one of the same writer; an invitation stays.
    pub fn add_view(&mut self, view: View) {
        let mut held = self.views.iter_mut();
        match held.find(|held| held.writer == view.writer) {
            Some(held) => {
                let call = held.call || view.call;
                *held = View { call, ..view };
            }
            None => self.views.push(view),
        }
    }

    /// Adds ink, joined to the last part of the same stroke if it continues that.
    pub fn add_ink(&mut self, ink: Ink) {
        let last = self
            .ink
            .iter_mut()
            .rev()
            .find(|held| held.writer == ink.writer);
        match last {
            Some(held) => {
                let writer = ink.writer;
                if let Some(part) = held.part.join(ink.part) {
                    self.ink.push(Ink { writer, part });
                }
            }
            None => self.ink.push(ink),
        }
    }

    /// Adds newer signals, from one server or several.
    pub fn merge(&mut self, newer: Signals) {
        for pointer in newer.pointers {
            self.add_pointer(pointer);
        }
        for view in newer.views {
            self.add_view(view);
        }
        for ink in newer.ink {
            self.add_ink(ink);
        }
        for preview in newer.previews {
            self.add_preview(preview);
        }
    }

    /// Number of points of ink held.
    pub fn ink_points(&self) -> usize {
        self.ink
            .iter()
            .map(|ink| ink.part.points.points().len())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Writer;
    use uuid::Uuid;

    fn writer() -> Writer {
        Writer::new(Uuid::new_v4(), Uuid::new_v4())
    }

    #[test]
    fn a_box_has_an_extent_and_ends_within_the_bounds() {
        let is_valid = |x, y, w, h| PlaneBox { x, y, w, h }.is_valid();
        let far = MAX_COORDINATE;
        assert!(is_valid(-far, -far, 2.0 * far, 2.0 * far));
        assert!(!is_valid(0.0, 0.0, 0.0, 1.0) && !is_valid(0.0, 0.0, 1.0, 0.0));
        assert!(!is_valid(1.0, 0.0, far, 1.0) && !is_valid(0.0, 1.0, 1.0, far));
        assert!(is_valid(-far, 0.0, 1.0, 1.0) && is_valid(0.0, -far, 1.0, 1.0));
    }

    #[test]
    fn the_newest_pointer_of_a_writer_wins() {
        let (a, b) = (writer().id, writer().id);
        let at = |writer, x| Pointer {
            writer,
            at: Some(PlanePoint { x, y: 0.0 }),
        };
        let mut signals = Signals::default();
        signals.add_pointer(at(a, 1.0));
        signals.add_pointer(at(b, 2.0));
        signals.merge(Signals {
            pointers: vec![at(a, 3.0)],
            ..Signals::default()
        });
        assert_eq!(signals.pointers, [at(a, 3.0), at(b, 2.0)]);
    }

    #[test]
    fn the_newest_view_of_a_writer_wins_and_keeps_an_invitation() {
        let (a, b) = (writer().id, writer().id);
        let view = |writer, x, call| View {
            writer,
            shows: PlaneBox {
                x,
                y: 0.0,
                w: 4.0,
                h: 3.0,
            },
            call,
        };
        let mut signals = Signals::default();
        signals.add_view(view(a, 1.0, true));
        signals.add_view(view(b, 2.0, false));
        signals.merge(Signals {
            views: vec![view(a, 3.0, false)],
            ..Signals::default()
        });
        assert_eq!(signals.views, [view(a, 3.0, true), view(b, 2.0, false)]);
    }

    #[test]
    fn a_view_has_an_extent_within_the_bounds() {
        let shows = |x, w| PlaneBox {
            x,
            y: 0.0,
            w,
            h: 1.0,
        };
        assert!(shows(-MAX_COORDINATE, 2.0 * MAX_COORDINATE).is_valid());
        for wrong in [
            shows(0.0, 0.0),
            shows(0.0, -1.0),
            shows(1.0, MAX_COORDINATE),
            shows(-MAX_COORDINATE - 1.0, 2.0),
        ] {
            assert!(!wrong.is_valid(), "{wrong:?}");
        }
    }

    #[test]
    fn the_newest_preview_of_a_writer_wins_and_their_number_is_bounded() {
        let edit = |n: usize| Some(Map::from_iter([("n".to_owned(), n.into())]));
        let mut signals = Signals::default();
        let writers: Vec<_> = (0..MAX_PREVIEWS + 3).map(|_| writer().id).collect();
        for (n, &writer) in writers.iter().enumerate() {
            let edit = edit(n);
            signals.add_preview(Preview { writer, edit });
        }
        signals.merge(Signals {
            previews: vec![Preview {
                writer: writers[0],
                edit: None,
            }],
            ..Signals::default()
        });
        assert_eq!(signals.previews.len(), MAX_PREVIEWS);
        assert_eq!(signals.previews[0].edit, None);
        assert_eq!(signals.previews[1].edit, edit(1));
        let json = serde_json::to_string(&signals).unwrap();
        assert_eq!(serde_json::from_str::<Signals>(&json).unwrap(), signals);
    }
}
