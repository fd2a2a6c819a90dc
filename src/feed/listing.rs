//! When the place of open drawings in lists is brought up to date: once a minute at most.
//!
//! An append must never pay for the order of lists. A copy of a drawing's time of change is taken
//! beside it, and may lag by a minute.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::domain::ids::DrawingId;
use crate::domain::sequence::Seq;

/// Interval of the looks at open drawings. It is shorter than a drawing stays open after its last
/// session, so that no change goes unseen.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Shortest time between two updates of a drawing.
const UPDATE_INTERVAL: Duration = Duration::from_secs(60);

/// The open drawings, as they were listed last.
#[derive(Debug, Default)]
pub struct Listing(HashMap<DrawingId, (Seq, Instant)>);

impl Listing {
    /// The drawings to list anew, of those that are open and their heads. A drawing that is new here
    /// is among them, since another server may have failed before it listed its last change.
    pub fn due(&mut self, open: &[(DrawingId, Seq)], now: Instant) -> Vec<DrawingId> {
        let open: HashMap<_, _> = open.iter().copied().collect();
        self.0.retain(|drawing, _| open.contains_key(drawing));
        let is_due = |(drawing, head): (&DrawingId, &Seq)| {
            let listed = self.0.get(drawing);
            let is_due = listed.is_none_or(|(listed, at)| {
                listed != head && now.saturating_duration_since(*at) >= UPDATE_INTERVAL
            });
            is_due.then_some(*drawing)
        };
        let due: Vec<DrawingId> = open.iter().filter_map(is_due).collect();
        for drawing in &due {
            self.0.insert(*drawing, (open[drawing], now));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_listed_anew_when_it_changed_and_once_a_minute_at_most() {
        let (mut listing, begun) = (Listing::default(), Instant::now());
        let (a, b) = (DrawingId::random(), DrawingId::random());
        let second = |n| begun + Duration::from_secs(n);
        let mut due = |open: &[_], n| {
            let mut due = listing.due(open, second(n));
            due.sort();
            due
        };
        assert_eq!(due(&[(a, 7)], 0), [a]);
        assert_eq!(due(&[(a, 7), (b, 0)], 5), [b]);
        assert_eq!(due(&[(a, 8), (b, 0)], 59), [], "it is too soon");
        assert_eq!(due(&[(a, 9), (b, 0)], 60), [a]);
        assert_eq!(due(&[(a, 9), (b, 0)], 600), [], "nothing changed");
        assert_eq!(due(&[(b, 0)], 601), []);
        assert_eq!(due(&[(a, 9), (b, 0)], 602), [a], "it was closed meanwhile");
    }
}
