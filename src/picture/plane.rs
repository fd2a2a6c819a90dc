//! Points and boxes of the plane.

/// A point of the plane, in units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Place {
    pub(super) fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// Turned clockwise by an angle in radians.
    pub(super) fn turned(self, angle: f64, about: Self) -> Self {
        let (dx, dy) = (self.x - about.x, self.y - about.y);
        let (sin, cos) = angle.sin_cos();
        Self {
            x: about.x + dx * cos - dy * sin,
            y: about.y + dx * sin + dy * cos,
        }
    }
}

/// A box of the plane, in units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Its left edge.
    pub left: f64,
    /// Its upper edge.
    pub top: f64,
    /// Its right edge.
    pub right: f64,
    /// Its lower edge.
    pub bottom: f64,
}

impl Area {
    /// A box that has nothing in it, and that every other one extends.
    pub(super) const NOWHERE: Self = Self {
        left: f64::INFINITY,
        top: f64::INFINITY,
        right: f64::NEG_INFINITY,
        bottom: f64::NEG_INFINITY,
    };

    pub(super) fn around(places: impl IntoIterator<Item = Place>) -> Self {
        places.into_iter().fold(Self::NOWHERE, |area, place| Self {
            left: area.left.min(place.x),
            top: area.top.min(place.y),
            right: area.right.max(place.x),
            bottom: area.bottom.max(place.y),
        })
    }

    pub(super) fn is_nowhere(&self) -> bool {
        self.left > self.right
    }

    pub(super) fn extended(&self, by: f64) -> Self {
        Self {
            left: self.left - by,
            top: self.top - by,
            right: self.right + by,
            bottom: self.bottom + by,
        }
    }

    pub(super) fn with(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub(super) fn centre(&self) -> Place {
        Place {
            x: (self.left + self.right) / 2.0,
            y: (self.top + self.bottom) / 2.0,
        }
    }

    /// Clockwise from the upper left one.
    pub(super) fn corners(&self) -> [Place; 4] {
        let at = |x, y| Place { x, y };
        [
            at(self.left, self.top),
            at(self.right, self.top),
            at(self.right, self.bottom),
            at(self.left, self.bottom),
        ]
    }
}
