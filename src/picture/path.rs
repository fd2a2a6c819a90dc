//! Paths as SVG path data.

use super::number::push_rounded;
use super::plane::Place;

/// SVG path data that is being written.
#[derive(Debug, Default)]
pub(super) struct Path(pub(super) String);

impl Path {
    fn add(&mut self, command: char, places: &[Place]) {
        self.0.push(command);
        for (i, place) in places.iter().enumerate() {
            if i > 0 {
                self.0.push(' ');
            }
            push_rounded(&mut self.0, place.x);
            self.0.push(' ');
            push_rounded(&mut self.0, place.y);
        }
    }

    pub(super) fn move_to(&mut self, to: Place) {
        self.add('M', &[to]);
    }

    pub(super) fn line_to(&mut self, to: Place) {
        self.add('L', &[to]);
    }

    pub(super) fn quadratic_to(&mut self, control: Place, to: Place) {
        self.add('Q', &[control, to]);
    }

    pub(super) fn cubic_to(&mut self, first: Place, second: Place, to: Place) {
        self.add('C', &[first, second, to]);
    }

    pub(super) fn close(&mut self) {
        self.0.push('Z');
    }

    /// The larger of both arcs, clockwise.
    pub(super) fn arc_to(&mut self, rx: f64, ry: f64, to: Place) {
        self.0.push('A');
        push_rounded(&mut self.0, rx);
        self.0.push(' ');
        push_rounded(&mut self.0, ry);
        self.0.push_str(" 0 1 1 ");
        push_rounded(&mut self.0, to.x);
        self.0.push(' ');
        push_rounded(&mut self.0, to.y);
    }

    /// A full circle, from its right.
    pub(super) fn circle(&mut self, centre: Place, radius: f64) {
        let at = |dx: f64| Place {
            x: centre.x + dx,
            y: centre.y,
        };
        self.move_to(at(radius));
        self.arc_to(radius, radius, at(-radius));
        self.arc_to(radius, radius, at(radius));
        self.close();
    }

    /// Straight lines through places.
    pub(super) fn polyline(places: impl IntoIterator<Item = Place>) -> Self {
        let mut path = Self::default();
        let mut count = 0;
        for place in places {
            match count {
                0 => path.move_to(place),
                _ => path.line_to(place),
            }
            count += 1;
        }
        if count == 1 {
            // Nothing is painted for a line of no length.
            path.0.push_str("l0.01 0");
        }
        path
    }
}
