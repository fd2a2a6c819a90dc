//! A stroke's body, read for a picture of it.
//!
//! A body has been validated when it was stored: one that cannot be read is not shown, and never an
//! error.

use std::borrow::Cow;

use serde::Deserialize;

use super::ink::InkPoint;
use super::plane::Place;
use crate::domain::points::{Points, STEPS_PER_UNIT};
use crate::domain::stroke::Body;

/// The fields of a body that a picture depends on.
#[derive(Deserialize)]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
    pub(super) x: f64,
    pub(super) y: f64,
    #[serde(borrow)]
    points: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) colour: Option<Cow<'a, str>>,
    pub(super) width: Option<f64>,
    #[serde(borrow)]
    pub(super) fill: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) dash: Option<Cow<'a, str>>,
    pub(super) opacity: Option<f64>,
    pub(super) rotation: Option<f64>,
    #[serde(borrow)]
    pub(super) align: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) w: Option<f64>,
    pub(super) h: Option<f64>,
    #[serde(borrow)]
    pub(super) asset: Option<Cow<'a, str>>,
}

/// A stroke to be shown.
pub struct Figure<'a> {
    pub(super) fields: Fields<'a>,
    /// Its points in the plane; none if it has none.
    pub(super) points: Vec<InkPoint>,
}

impl<'a> Figure<'a> {
    /// Reads a body.
    pub fn of(body: &'a Body) -> Option<Self> {
        let fields: Fields<'a> = serde_json::from_str(body.as_json()).ok()?;
        let points = match &fields.points {
            Some(packed) => Points::from_base64(packed).ok()?,
            None => Points::default(),
        };
        let pressures = points.pressures();
        let points = points.points().iter().enumerate();
        let points = points.map(|(i, point)| InkPoint {
            at: Place {
                x: fields.x + f64::from(point.x) / STEPS_PER_UNIT,
                y: fields.y + f64::from(point.y) / STEPS_PER_UNIT,
            },
            pressure: pressures.map(|pressures| pressures[i]),
        });
        Some(Self {
            points: points.collect(),
            fields,
        })
    }

    /// Moves it, for a picture whose corner is elsewhere.
    pub(super) fn move_by(&mut self, dx: f64, dy: f64) {
        self.fields.x += dx;
        self.fields.y += dy;
        for point in &mut self.points {
            point.at.x += dx;
            point.at.y += dy;
        }
    }

    /// Whether it holds text.
    pub fn has_text(&self) -> bool {
        self.fields.text.is_some()
    }

    /// The picture that it names.
    pub fn asset(&self) -> Option<&str> {
        self.fields.asset.as_deref()
    }

    pub(super) fn colour(&self) -> Option<&str> {
        self.fields.colour.as_deref()
    }

    pub(super) fn text(&self) -> &str {
        self.fields.text.as_deref().unwrap_or_default()
    }

    /// The width of its lines, or the height of a line of text; 0 without one.
    pub(super) fn width(&self) -> f64 {
        self.fields.width.unwrap_or(0.0)
    }

    pub(super) fn rotation(&self) -> f64 {
        self.fields.rotation.unwrap_or(0.0)
    }
}
