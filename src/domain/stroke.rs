//! The body of a stroke, whose bounds and sizes are checked at the edge.
//!
//! No rule of one kind of stroke may be here: what a field means and which kinds have it is defined in
//! `static/kinds`, so an older server accepts the strokes of newer clients. A valid body is opaque JSON,
//! which is stored, edited and sent as text. Unknown fields are kept.
//!
//! # Fields
//!
//! | field | value |
//! |---|---|
//! | `kind` | 1 to 32 lower-case letters, digits and hyphens; required |
//! | `x`, `y` | place, in units, within ± [`MAX_COORDINATE`]; required |
//! | `colour` | `#rrggbb`, or a name of 1 to 16 lower-case letters from the palette; required |
//! | `points` | base64, see [`points`](super::points) |
//! | `width` | from [`MIN_WIDTH`] to [`MAX_WIDTH`], in units |
//! | `fill` | like `colour`, or `none` |
//! | `dash`, `font`, `align` | like `kind` |
//! | `opacity` | from 0 to 1 |
//! | `rotation` | in radians, within ± [`MAX_ROTATION`] |
//! | `w`, `h` | extent, in units, from [`MIN_EXTENT`] to [`MAX_COORDINATE`] |
//! | `text` | at most [`MAX_TEXT_BYTES`] |
//! | `group` | at most [`MAX_GROUP_BYTES`] |
//! | `locked` | `true` or `false` |
//! | `asset` | name of a picture: 64 lower-case hexadecimal digits |
//! | `start`, `end` | what an arrow's end is bound to: objects of at most [`MAX_BINDING_BYTES`] |

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::domain::asset::AssetHash;
use crate::domain::colour::StrokeColour;
use crate::domain::points::Points;
use crate::domain::token::Token;

/// Largest body, in bytes of JSON.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Longest text of a stroke, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 4 * 1024;
/// Bound of a stroke's x and y, in units either way.
pub const MAX_COORDINATE: f64 = 10_000_000.0;
/// Least extent, w or h, of a stroke that has one, in units.
pub const MIN_EXTENT: f64 = 0.000_001;
/// Least width of a stroke, in units.
pub const MIN_WIDTH: f64 = 0.25;
/// Greatest width of a stroke, in units.
pub const MAX_WIDTH: f64 = 400.0;

/// Bound of a stroke's rotation, in radians either way: a turn and a little for rounding.
pub const MAX_ROTATION: f64 = 6.3;
/// Longest name of a group, in bytes of UTF-8.
pub const MAX_GROUP_BYTES: usize = 64;
/// Longest binding of an arrow's end, in bytes of JSON.
pub const MAX_BINDING_BYTES: usize = 1024;

/// The fields of a body whose values are bounded, as in JSON.
#[derive(Deserialize)]
#[expect(dead_code, reason = "the type of some fields is their whole check")]
struct BodyFields<'a> {
    kind: Token,
    x: f64,
    y: f64,
    #[serde(borrow)]
    points: Option<Text<'a>>,
    colour: StrokeColour,
    width: Option<f64>,
    fill: Option<StrokeColour>,
    dash: Option<Token>,
    opacity: Option<f64>,
    rotation: Option<f64>,
    #[serde(borrow)]
    group: Option<Text<'a>>,
    locked: Option<bool>,
    font: Option<Token>,
    align: Option<Token>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    w: Option<f64>,
    h: Option<f64>,
    asset: Option<AssetHash>,
    #[serde(borrow)]
    start: Option<&'a RawValue>,
    #[serde(borrow)]
    end: Option<&'a RawValue>,
}

/// A string that is copied only if it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A stroke's body: validated JSON, shared and immutable.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Arc<str>);

/// Why a text is not a stroke's body: the field, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(String);

impl Body {
    /// Validates JSON and stores it in its shortest spelling.
    ///
    /// # Errors
    ///
    /// [`BodyError`] names the field that is wrong, and what is allowed.
    pub fn parse(json: &str) -> Result<Self, BodyError> {
        if json.len() > MAX_BODY_BYTES {
            return Err(BodyError(format!(
                "a stroke has at most {MAX_BODY_BYTES} bytes"
            )));
        }
        let fields =
            serde_json::from_str(json).map_err(|error| BodyError(format!("body: {error}")))?;
        Self::from_fields(fields)
    }

    fn from_fields(fields: Map<String, Value>) -> Result<Self, BodyError> {
        let json = serde_json::to_string(&fields).map_err(|error| BodyError(error.to_string()))?;
        check(&json)?;
        Ok(Self(json.into()))
    }

    /// A body that this program stored earlier, not validated again.
    pub(crate) fn from_stored(json: String) -> Self {
        Self(json.into())
    }

    /// The body as JSON.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// This body with some fields replaced.
    ///
    /// # Errors
    ///
    /// [`BodyError`] when the result is not a stroke.
    pub fn with(&self, patch: &Patch) -> Result<Self, BodyError> {
        let mut fields: Map<String, Value> =
            serde_json::from_str(&self.0).map_err(|error| BodyError(error.to_string()))?;
        for (name, value) in &patch.0 {
            if value.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.clone(), value.clone());
            }
        }
        Self::from_fields(fields)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Replacements for some fields of a body; `null` removes an optional field.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Patch(pub Map<String, Value>);

fn check(json: &str) -> Result<(), BodyError> {
    if json.len() > MAX_BODY_BYTES {
        return Err(BodyError(format!(
            "a stroke has at most {MAX_BODY_BYTES} bytes"
        )));
    }
    let fields: BodyFields = serde_json::from_str(json)
        .map_err(|error| BodyError(format!("{}: {error}", wrong_field(json))))?;
    let plane = -MAX_COORDINATE..=MAX_COORDINATE;
    let extent = MIN_EXTENT..=MAX_COORDINATE;
    let turn = -MAX_ROTATION..=MAX_ROTATION;
    for (name, value, range) in [
        ("x", Some(fields.x), &plane),
        ("y", Some(fields.y), &plane),
        ("width", fields.width, &(MIN_WIDTH..=MAX_WIDTH)),
        ("opacity", fields.opacity, &(0.0..=1.0)),
        ("rotation", fields.rotation, &turn),
        ("w", fields.w, &extent),
        ("h", fields.h, &extent),
    ] {
        if value.is_some_and(|value| !range.contains(&value)) {
            let (least, most) = (range.start(), range.end());
            return Err(BodyError(format!("{name} is from {least} to {most}")));
        }
    }
    for (name, text, most) in [
        ("text", &fields.text, MAX_TEXT_BYTES),
        ("group", &fields.group, MAX_GROUP_BYTES),
    ] {
        if text.as_ref().is_some_and(|text| text.0.len() > most) {
            return Err(BodyError(format!("{name} has at most {most} bytes")));
        }
    }
    for (name, binding) in [("start", fields.start), ("end", fields.end)] {
        let is_small_object =
            |json: &RawValue| json.get().starts_with('{') && json.get().len() <= MAX_BINDING_BYTES;
        if binding.is_some_and(|json| !is_small_object(json)) {
            return Err(BodyError(format!(
                "{name} is an object of at most {MAX_BINDING_BYTES} bytes"
            )));
        }
    }
    if let Some(Text(points)) = &fields.points {
        Points::from_base64(points).map_err(|error| BodyError(format!("points: {error}")))?;
    }
    Ok(())
}

/// Where this is not a body. It is asked only then, since to keep the names of fields while reading takes time.
fn wrong_field(json: &str) -> String {
    let mut input = serde_json::Deserializer::from_str(json);
    let read: Result<BodyFields, _> = serde_path_to_error::deserialize(&mut input);
    read.map_or_else(|error| error.path().to_string(), |_| "body".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LINE: &str = r##"{"kind":"line","x":1,"y":2.5,"points":"AAIAAAIC","colour":"#1d1d1f","width":4,"later":{"a":[1]}}"##;

    fn patched(base: &str, patch: Value) -> Result<Body, BodyError> {
        Body::parse(base)?.with(&serde_json::from_value(patch).unwrap())
    }

    #[test]
    fn unknown_fields_of_a_body_survive() {
        let body = Body::parse(LINE).unwrap();
        assert!(body.as_json().contains(r#""later":{"a":[1]}"#));
        let moved = body
            .with(&serde_json::from_value(json!({"x": 9})).unwrap())
            .unwrap();
        let fields: Value = serde_json::from_str(moved.as_json()).unwrap();
        assert_eq!(fields["x"], 9);
        assert_eq!(fields["y"], 2.5);
        assert_eq!(fields["later"], json!({"a": [1]}));
    }

    #[test]
    fn a_null_takes_an_optional_field_away() {
        let filled = patched(LINE, json!({"fill": "#ffffff"})).unwrap();
        assert!(filled.as_json().contains("fill"));
        let plain = filled
            .with(&serde_json::from_value(json!({"fill": null})).unwrap())
            .unwrap();
        assert!(!plain.as_json().contains("fill"));
        assert!(patched(LINE, json!({"colour": null})).is_err());
    }

    #[test]
    fn a_wrong_body_has_a_reason_that_names_the_field() {
        let cases = [
            (json!({"kind": null}), "kind"),
            (json!({"kind": ""}), "kind: a token has"),
            (json!({"kind": "Crayon"}), "kind: a token has"),
            (json!({"kind": 7}), "kind: invalid type"),
            (json!({"x": 1e9}), "x is from"),
            (json!({"y": -1e300}), "y is from"),
            (json!({"x": "1"}), "x: invalid type"),
            (json!({"width": 0}), "width is from"),
            (json!({"width": 401}), "width is from"),
            (json!({"colour": "Red"}), "colour: a colour is"),
            (json!({"fill": "#ff"}), "fill: a colour is"),
            (json!({"points": "AA=="}), "points: points end"),
            (json!({"dash": "- -"}), "dash: a token has"),
            (json!({"font": ""}), "font: a token has"),
            (json!({"align": "x".repeat(33)}), "align: a token has"),
            (json!({"opacity": 1.1}), "opacity is from 0 to 1"),
            (json!({"rotation": -7}), "rotation is from"),
            (json!({"w": 0}), "w is from"),
            (json!({"h": -1}), "h is from"),
            (json!({"h": 1e9}), "h is from"),
            (json!({"locked": 1}), "locked: invalid type"),
            (json!({"group": "x".repeat(65)}), "group has at most"),
            (json!({"text": "x".repeat(MAX_TEXT_BYTES + 1)}), "text has"),
            (json!({"asset": "ab"}), "asset: an asset is named"),
            (json!({"start": "c1"}), "start is an object"),
            (json!({"end": [1]}), "end is an object"),
            (json!({"end": {"x": "x".repeat(1024)}}), "end is an object"),
            (json!({"later": "x".repeat(MAX_BODY_BYTES)}), "bytes"),
        ];
        for (patch, word) in cases {
            let error = patched(LINE, patch.clone())
                .expect_err(&patch.to_string())
                .to_string();
            assert!(error.contains(word), "{patch}: {error}");
        }
        for json in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"x":NaN}"#,
            &LINE.replace("2.5", "1e999"),
            &"[".repeat(100_000),
        ] {
            assert!(Body::parse(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_kind_that_the_server_does_not_know_is_taken_as_it_is() {
        let every_field = json!({
            "kind": "sticky-note2", "colour": "ink", "fill": "none", "width": null, "points": null,
            "dash": "dotted", "opacity": 0.5, "rotation": -6.25, "group": "Ünïcode 🙂", "locked": true,
            "font": "hand", "align": "center", "text": "", "w": 0.5, "h": 1e7, "asset": "0a".repeat(32),
            "start": {"stroke": "c1", "at": [0.5, 1]}, "end": {},
        });
        let body = patched(LINE, every_field.clone()).unwrap();
        let stored: Value = serde_json::from_str(body.as_json()).unwrap();
        for (name, value) in every_field.as_object().unwrap() {
            assert_eq!(
                stored.get(name),
                Some(value).filter(|value| !value.is_null()),
                "{name}"
            );
        }
        for kind in ["pen", "rectangle", "text"] {
            let bare = json!({"kind": kind, "x": 0, "y": 0, "colour": "ink"});
            assert!(Body::parse(&bare.to_string()).is_ok(), "{kind}");
        }
    }
}
