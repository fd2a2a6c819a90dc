//! The file of a drawing, as JSON, in parts: see `docs/format.md`.

use super::document::push_address;
use crate::domain::asset::{Asset, AssetHash};
use crate::domain::ids::StrokeId;
use crate::domain::stroke::Body;

/// The file up to its first stroke.
pub fn head(title: &str) -> String {
    let title = serde_json::Value::from(title);
    format!(r#"{{"format":"whiteboard","version":1,"title":{title},"strokes":["#)
}

/// Appends a stroke; `n` of them came before.
pub fn push_stroke(out: &mut String, n: usize, id: StrokeId, body: &Body) {
    out.push_str(separator(n));
    out.push_str(&format!(r#"{{"id":"{id}","body":{}}}"#, body.as_json()));
}

/// Between the strokes, of which there are `strokes`, and the pictures.
pub fn strokes_end(strokes: usize) -> &'static str {
    match strokes {
        0 => r#"],"assets":{"#,
        _ => "\n],\"assets\":{",
    }
}

/// Appends a picture, before which `n` others came.
pub fn push_picture(out: &mut String, n: usize, hash: AssetHash, asset: &Asset) {
    out.push_str(&format!(r#"{}"{hash}":""#, separator(n)));
    push_address(out, asset);
    out.push('"');
}

/// The end of the file, in which there are `pictures`.
pub fn end(pictures: usize) -> &'static str {
    match pictures {
        0 => "}}\n",
        _ => "\n}}\n",
    }
}

fn separator(n: usize) -> &'static str {
    if n == 0 { "\n" } else { ",\n" }
}
