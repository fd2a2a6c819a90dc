//! The body of a stroke: its tool, place (x, y), colour, points and text, validated at the edge.
//!
//! Inside the server a valid body is opaque JSON: it is stored, edited and sent as text without
//! being parsed again. Unknown fields are kept, so that a newer client may add one without a
//! migration. A new tool needs all servers upgraded first: an older server refuses it for good.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::colour::Colour;
use crate::domain::points::Points;

/// Largest body, in bytes of JSON.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Longest text of a stroke, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 4 * 1024;
/// Bound of a stroke's x and y, in units either way.
pub const MAX_COORDINATE: f64 = 10_000_000.0;
/// Least width of a stroke, in units.
pub const MIN_WIDTH: f64 = 0.25;
/// Greatest width of a stroke, in units.
pub const MAX_WIDTH: f64 = 400.0;

/// The tool that drew a stroke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// A freehand line whose thickness follows the pressure; one point or more.
    Pen,
    /// A broad translucent freehand line; one point or more.
    Marker,
    /// A straight line between its two points.
    Line,
    /// A straight line between its two points, with a head at the second.
    Arrow,
    /// A rectangle with its two points as opposite corners.
    Rectangle,
    /// An ellipse in the rectangle of its two points.
    Ellipse,
    /// Text with its upper left corner at x and y, without points; its width is the line height, in
    /// units.
    Text,
}

/// The known fields of a body, as in JSON.
#[derive(Deserialize)]
struct BodyFields<'a> {
    tool: Tool,
    x: f64,
    y: f64,
    #[serde(borrow, default)]
    points: Option<std::borrow::Cow<'a, str>>,
    #[serde(rename = "colour")]
    _colour: Colour,
    width: f64,
    #[serde(rename = "fill", default)]
    _fill: Option<Colour>,
    #[serde(borrow, default)]
    text: Option<std::borrow::Cow<'a, str>>,
}

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
    let fields: BodyFields =
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json))
            .map_err(|error| BodyError(format!("{}: {}", error.path(), error.inner())))?;
    for (name, value) in [("x", fields.x), ("y", fields.y)] {
        if value.is_nan() || value.abs() > MAX_COORDINATE {
            return Err(BodyError(format!("{name} is within ± {MAX_COORDINATE}")));
        }
    }
    if !(MIN_WIDTH..=MAX_WIDTH).contains(&fields.width) {
        return Err(BodyError(format!(
            "width is from {MIN_WIDTH} to {MAX_WIDTH}"
        )));
    }
    let count = match &fields.points {
        Some(points) => {
            let points = Points::from_base64(points)
                .map_err(|error| BodyError(format!("points: {error}")))?;
            points.points().len()
        }
        None => 0,
    };
    match fields.tool {
        Tool::Pen | Tool::Marker if count == 0 => {
            return Err(BodyError(
                "points: a freehand line has one point or more".into(),
            ));
        }
        Tool::Line | Tool::Arrow | Tool::Rectangle | Tool::Ellipse if count != 2 => {
            return Err(BodyError("points: this tool has two points".into()));
        }
        Tool::Text if fields.points.is_some() => {
            return Err(BodyError("points: text has none".into()));
        }
        _ => {}
    }
    match (&fields.text, fields.tool) {
        (Some(text), Tool::Text) if text.is_empty() || text.len() > MAX_TEXT_BYTES => Err(
            BodyError(format!("text has from 1 to {MAX_TEXT_BYTES} bytes")),
        ),
        (None, Tool::Text) => Err(BodyError("text is missing".into())),
        (Some(_), tool) if tool != Tool::Text => {
            Err(BodyError("text: only the text tool has one".into()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LINE: &str = r##"{"tool":"line","x":1,"y":2.5,"points":"AAIAAAIC","colour":"#1d1d1f","width":4,"later":{"a":[1]}}"##;

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
            (json!({"tool": "crayon"}), "tool"),
            (json!({"tool": "crayon"}), "crayon"),
            (json!({"x": 1e9}), "x is within"),
            (json!({"y": -1e300}), "y is within"),
            (json!({"x": "1"}), "x: invalid type"),
            (json!({"width": 0}), "width"),
            (json!({"colour": "red"}), "colour"),
            (json!({"fill": "#ff"}), "colour"),
            (json!({"points": "AA=="}), "points"),
            (json!({"points": "AAEAAA=="}), "two points"),
            (json!({"text": "x"}), "text"),
            (json!({"tool": "text", "points": null}), "text is missing"),
            (
                json!({"tool": "text", "points": null, "text": ""}),
                "text has",
            ),
            (
                json!({"tool": "text", "points": null, "text": "x".repeat(MAX_TEXT_BYTES + 1)}),
                "text has",
            ),
            (
                json!({"tool": "text", "text": "x"}),
                "points: text has none",
            ),
            (json!({"tool": "pen", "points": null}), "one point or more"),
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
        assert!(
            patched(
                LINE,
                json!({"tool": "text", "points": null, "text": "Ünïcode 🙂"})
            )
            .is_ok()
        );
    }
}
