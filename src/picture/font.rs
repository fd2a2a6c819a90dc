//! The bundled font: the widths of lines set in it.
//!
//! It must never use a font of the system, so that a text has the same box on every server. Pages set
//! scripts that the font lacks in other fonts, whose widths can only be guessed here.

use std::sync::LazyLock;

use ttf_parser::gdef::GlyphClass;
use ttf_parser::gpos::{PairAdjustment, PositioningSubtable};
use ttf_parser::opentype_layout::LayoutTable;
use ttf_parser::{Face, GlyphId, Tag};

/// The font's file.
pub(super) static FILE: &[u8] = include_bytes!("../../static/fonts/nunito.ttf");
/// How bold it is.
pub(super) const WEIGHT: u16 = 500;
static FONT: LazyLock<Font> = LazyLock::new(Font::read);

/// Assumed width, in em, of a character that the font lacks, …
const GUESSED: f64 = 0.62;
/// … and of one of a script whose characters are as wide as high.
const GUESSED_WIDE: f64 = 1.0;

/// The font.
struct Font {
    face: Face<'static>,
    kerning: Vec<PairAdjustment<'static>>,
    units_per_em: f64,
}

/// The width of a line at a size of the font.
pub(super) fn line_width(line: &str, em: f64) -> f64 {
    let font = &*FONT;
    let (mut units, mut guessed, mut before) = (0.0, 0.0, None);
    for character in line.chars().filter(|character| !is_invisible(*character)) {
        // As a canvas does, also with line breaks and tabs.
        let shown = if character.is_control() {
            ' '
        } else {
            character
        };
        let glyph = font.face.glyph_index(shown);
        // Marks neither are kerned nor keep others apart.
        let is_mark = glyph.is_some_and(|glyph| font.is_mark(glyph));
        if let (Some(before), Some(glyph), false) = (before, glyph, is_mark) {
            units += font.kern(before, glyph);
        }
        match glyph {
            Some(glyph) => units += f64::from(font.face.glyph_hor_advance(glyph).unwrap_or(0)),
            None => guessed += guessed_width(character),
        }
        if !is_mark {
            before = glyph;
        }
    }
    (units / font.units_per_em + guessed) * em
}

/// Whether the font lacks a character that can be seen.
pub(super) fn lacks(character: char) -> bool {
    let is_seen = !is_invisible(character) && !character.is_control() && !character.is_whitespace();
    is_seen && FONT.face.glyph_index(character).is_none()
}

/// The parts of a line, each of letters that the font has or of letters that it lacks. What is between two
/// letters that it lacks and is no letter or digit goes with them: words that are read from the right are
/// in one part, so that they keep their order.
pub(super) fn parts(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    // Where the part begins, and where its last letter ends if the font lacks it.
    let (mut begin, mut lacking) = (0, None);
    for (at, character) in line.char_indices() {
        let end = at + character.len_utf8();
        if lacks(character) {
            if lacking.is_none() && at > begin {
                parts.push(&line[begin..at]);
                begin = at;
            }
            lacking = Some(end);
        } else if lacking == Some(at) && is_invisible(character) {
            lacking = Some(end);
        } else if character.is_alphanumeric()
            && let Some(end) = lacking.take()
        {
            parts.push(&line[begin..end]);
            begin = end;
        }
    }
    for end in lacking.into_iter().chain([line.len()]) {
        if end > begin {
            parts.push(&line[begin..end]);
            begin = end;
        }
    }
    parts
}

impl Font {
    fn read() -> Self {
        let face = Face::parse(FILE, 0).expect("the bundled font is one");
        let kerning = face.tables().gpos.map(kerning).unwrap_or_default();
        Self {
            kerning,
            units_per_em: f64::from(face.units_per_em()),
            face,
        }
    }

    fn is_mark(&self, glyph: GlyphId) -> bool {
        let definitions = self.face.tables().gdef;
        let class = definitions.and_then(|definitions| definitions.glyph_class(glyph));
        class == Some(GlyphClass::Mark)
    }

    /// How much farther the second glyph is from the first one, in units of the font.
    fn kern(&self, first: GlyphId, second: GlyphId) -> f64 {
        let pair = self.kerning.iter().find_map(|table| match table {
            PairAdjustment::Format1 { coverage, sets } => {
                sets.get(coverage.get(first)?)?.get(second)
            }
            PairAdjustment::Format2 {
                coverage,
                classes: (firsts, seconds),
                matrix,
            } => {
                coverage.get(first)?;
                matrix.get((firsts.get(first), seconds.get(second)))
            }
        });
        pair.map_or(0.0, |(value, _)| f64::from(value.x_advance))
    }
}

/// The tables of kerning, of which the first that has a pair counts.
fn kerning(layout: LayoutTable<'static>) -> Vec<PairAdjustment<'static>> {
    let feature = layout.features.find(Tag::from_bytes(b"kern"));
    let lookups = feature
        .map(|feature| feature.lookup_indices)
        .into_iter()
        .flatten();
    let tables = lookups.filter_map(|index| layout.lookups.get(index));
    tables
        .flat_map(|lookup| lookup.subtables.into_iter::<PositioningSubtable>())
        .filter_map(|table| match table {
            PositioningSubtable::Pair(pair) => Some(pair),
            _ => None,
        })
        .collect()
}

/// Whether a character has no place of its own: marks that join or direct others.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn guessed_width(character: char) -> f64 {
    match character {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => GUESSED_WIDE,
        _ => GUESSED,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::*;
    use crate::picture::tests::assert_golden;

    /// What a page measures of the font, in thousandths of an em: each character, and pairs that are
    /// kerned.
    #[derive(Serialize)]
    struct Widths {
        advances: BTreeMap<String, i32>,
        kerning: BTreeMap<String, i32>,
    }

    #[test]
    fn the_font_has_the_widths_that_pages_are_tested_with() {
        let characters: Vec<char> = (' '..='~').chain("äöüéñçßœŁ–—…“”€".chars()).collect();
        let width = |text: &str| line_width(text, 1000.0).round() as i32;
        let of = |character: &char| width(&character.to_string());
        let mut widths = Widths {
            advances: characters
                .iter()
                .map(|one| (one.to_string(), of(one)))
                .collect(),
            kerning: BTreeMap::new(),
        };
        for first in &characters {
            for second in &characters {
                let pair = format!("{first}{second}");
                let kerning = width(&pair) - of(first) - of(second);
                if kerning != 0 {
                    widths.kerning.insert(pair, kerning);
                }
            }
        }
        assert!(widths.kerning["To"] < 0 && widths.kerning.len() > 500);
        assert_golden("font.json", &serde_json::to_string_pretty(&widths).unwrap());
    }

    #[test]
    fn a_line_is_parted_between_letters_that_the_font_has_and_lacks() {
        for whole in [
            "Hello, world 42!",
            "漢字",
            "שלום, עולם",
            "👨\u{200d}👩\u{200d}👧",
        ] {
            assert_eq!(parts(whole), [whole]);
        }
        assert_eq!(parts(""), [] as [&str; 0]);
        assert_eq!(parts("a 漢 字 b"), ["a ", "漢 字", " b"]);
        assert_eq!(parts("漢3字 (שלום)"), ["漢", "3", "字 (שלום", ")"]);
        assert_eq!(
            parts("e\u{301}☂\u{fe0f} x"),
            ["e\u{301}", "☂\u{fe0f}", " x"]
        );
        assert_eq!(parts("tab\t漢\u{3000}"), ["tab\t", "漢", "\u{3000}"]);
    }

    #[test]
    fn characters_that_the_font_lacks_are_as_wide_as_usual() {
        assert!((line_width("漢字", 10.0) - 20.0).abs() < 1e-9);
        assert!((line_width("ש", 10.0) - 6.2).abs() < 1e-9);
        assert_eq!(line_width("e\u{301}", 10.0), line_width("e", 10.0));
        assert_eq!(line_width("a\tb", 10.0), line_width("a b", 10.0));
    }
}
