use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::{self, Setting, Survey};
use super::figure::Figure;
use super::file;
use super::palette::Theme;
use crate::domain::asset::{Asset, AssetHash, AssetKind};
use crate::domain::ids::StrokeId;
use crate::domain::stroke::Body;

/// Bounds are kept in hundredths.
const ROUNDING: f64 = 0.01;
const FONT: &str = "data:font/woff2;base64,AAAA";

/// Compares a text with a file that is kept in the repository. `UPDATE_GOLDEN=1` writes it anew.
pub(super) fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    let lines = kept.lines().zip(text.lines()).enumerate();
    for (i, (kept, line)) in lines {
        assert_eq!(line, kept, "{name}, line {}", i + 1);
    }
    assert_eq!(text.len(), kept.len(), "{name}");
}

#[derive(Deserialize)]
struct GoldenFile {
    title: String,
    strokes: Vec<GoldenStroke>,
    assets: BTreeMap<AssetHash, String>,
}

#[derive(Deserialize)]
struct GoldenStroke {
    id: StrokeId,
    body: Box<RawValue>,
}

fn golden_file() -> (String, GoldenFile) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/drawing.json");
    let text = std::fs::read_to_string(path).unwrap();
    let file = serde_json::from_str(&text).unwrap();
    (text, file)
}

/// The picture at a `data:` address.
fn picture(address: &str) -> Asset {
    let (_, base64) = address.split_once(',').expect("an address with data");
    let file = STANDARD.decode(base64).unwrap();
    Asset {
        kind: AssetKind::of(&file).expect("a picture"),
        bytes: file.into(),
    }
}

fn bodies(file: &GoldenFile) -> Vec<Body> {
    let bodies = file.strokes.iter().map(|stroke| {
        Body::parse(stroke.body.get()).expect("a valid body");
        Body::from_stored(stroke.body.get().to_owned())
    });
    bodies.collect()
}

fn svg(file: &GoldenFile, bodies: &[Body], setting: Setting) -> String {
    let mut survey = Survey::default();
    bodies.iter().for_each(|body| survey.add(body));
    let mut svg = document::head(&survey, &file.title, Some(FONT));
    svg.push_str(document::PICTURES_BEGIN);
    for asset in survey.assets() {
        document::push_picture(&mut svg, asset, &picture(&file.assets[&asset]));
    }
    svg.push_str(document::PICTURES_END);
    svg.push_str(&document::paper(&survey, setting));
    let push = |body| document::push_stroke(&mut svg, body, setting.theme);
    bodies.iter().for_each(push);
    svg.push_str(document::END);
    svg
}

#[test]
fn a_drawing_is_the_same_svg_as_on_a_page() {
    let (_, file) = golden_file();
    let bodies = bodies(&file);
    for (theme, background) in [(Theme::Light, true), (Theme::Dark, false)] {
        let svg = svg(&file, &bodies, Setting { theme, background });
        assert_golden(&format!("drawing-{}.svg", theme.name()), &svg);
    }
}

#[test]
fn strokes_have_the_same_bounds_as_on_a_page() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/bounds.json");
    let text = std::fs::read_to_string(path).unwrap();
    let expected: BTreeMap<StrokeId, Option<[f64; 4]>> = serde_json::from_str(&text).unwrap();
    let (_, file) = golden_file();
    assert_eq!(expected.len(), file.strokes.len());
    for (stroke, body) in file.strokes.iter().zip(bodies(&file)) {
        let bounds = Figure::of(&body).unwrap().bounds();
        let bounds = bounds.map(|area| [area.left, area.top, area.right, area.bottom]);
        let expected = expected[&stroke.id];
        let is_same = match (bounds, expected) {
            (Some(bounds), Some(expected)) => {
                let sides = bounds.iter().zip(expected);
                sides.into_iter().all(|(a, b)| (a - b).abs() < ROUNDING)
            }
            (bounds, expected) => bounds == expected,
        };
        assert!(is_same, "{bounds:?}, not {expected:?}: {}", body.as_json());
    }
}

#[test]
fn a_drawing_is_the_same_file_as_on_a_page() {
    let (text, golden) = golden_file();
    let mut written = file::head(&golden.title);
    for (n, (stroke, body)) in golden.strokes.iter().zip(bodies(&golden)).enumerate() {
        file::push_stroke(&mut written, n, stroke.id, &body);
    }
    written.push_str(file::strokes_end(golden.strokes.len()));
    for (n, (asset, address)) in golden.assets.iter().enumerate() {
        file::push_picture(&mut written, n, *asset, &picture(address));
    }
    written.push_str(file::end(golden.assets.len()));
    assert_eq!(written, text);
    let empty = [
        file::head(""),
        file::strokes_end(0).into(),
        file::end(0).into(),
    ]
    .concat();
    assert_eq!(
        empty,
        "{\"format\":\"whiteboard\",\"version\":1,\"title\":\"\",\"strokes\":[],\"assets\":{}}\n"
    );
}
