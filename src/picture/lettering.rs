//! Lines of text in a box: wrapping and alignment, as in `static/kinds/lettering.js`.

use super::font::{lacks, line_width, parts};
use super::plane::Place;

/// Font size as a fraction of the line height.
pub(super) const EM_OF_LINE: f64 = 0.8;
/// Distance of the baseline from the top of a line, as a fraction of its height: the font's ascent and
/// descent are centred in the line.
const BASELINE: f64 = (1.0 - (1.011 + 0.353) * EM_OF_LINE) / 2.0 + 1.011 * EM_OF_LINE;

/// What is painted for a letter that no font has. The bundled one has no box for it.
const REPLACEMENT: char = '?';

/// Text that is set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lettering {
    pub(super) lines: Vec<Line>,
    /// Of a line, in units.
    pub(super) height: f64,
    /// Whether another font has to make lines as wide as the bundled one does.
    pub(super) is_fitted: bool,
}

/// A line of text, the left end of its baseline, and its width.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) start: Place,
    /// In units.
    pub(super) width: f64,
}

impl Lettering {
    /// Sets lines in a box that begins at `corner` and is `room` wide.
    pub(super) fn new(
        lines: Vec<String>,
        corner: Place,
        room: f64,
        height: f64,
        align: Option<&str>,
    ) -> Self {
        let free_left = match align {
            Some("center") => 0.5,
            Some("end") => 1.0,
            _ => 0.0,
        };
        let set = lines.into_iter().enumerate().map(|(i, text)| {
            let width = line_width(&text, height * EM_OF_LINE);
            let free = room - width;
            let start = Place {
                x: corner.x + free * free_left,
                y: corner.y + (i as f64 + BASELINE) * height,
            };
            Line { text, start, width }
        });
        Self {
            lines: set.collect(),
            height,
            is_fitted: false,
        }
    }

    /// Sets letters that the bundled font lacks apart from others, so that those stay where it has them. A
    /// letter that the other fonts lack as well is replaced.
    pub(super) fn part(&mut self, others_have: impl Fn(char) -> bool) {
        let em = self.em();
        let shown = |letter| match lacks(letter) && !others_have(letter) {
            true => REPLACEMENT,
            false => letter,
        };
        let shown = &shown;
        let parted = self.lines.iter().flat_map(|line| {
            let mut start = line.start;
            parts(&line.text).into_iter().map(move |text| {
                let width = line_width(text, em);
                let part = Line {
                    text: text.chars().map(shown).collect(),
                    start,
                    width,
                };
                start.x += width;
                part
            })
        });
        self.lines = parted.collect();
    }

    /// The size of the font, in units.
    pub(super) fn em(&self) -> f64 {
        self.height * EM_OF_LINE
    }
}

/// The lines of a text; without a `room` to wrap them in only its own line breaks count.
pub(super) fn lines_of(text: &str, height: f64, room: Option<f64>) -> Vec<String> {
    let lines = text.split('\n');
    match room {
        None => lines.map(str::to_owned).collect(),
        Some(room) => lines
            .flat_map(|line| wrapped(line, height * EM_OF_LINE, room))
            .collect(),
    }
}

fn wrapped(line: &str, em: f64, room: f64) -> Vec<String> {
    let fits = |line: &str| line_width(line.trim_end_matches(is_space), em) <= room;
    if fits(line) {
        return vec![line.to_owned()];
    }
    let (mut lines, mut current) = (Vec::new(), String::new());
    // Each word has the space that follows it; text without spaces breaks between any two characters.
    for word in words(line) {
        let longer = format!("{current}{word}");
        if fits(&longer) {
            current = longer;
            continue;
        }
        if !current.is_empty() {
            lines.push(current.trim_end_matches(is_space).to_owned());
        }
        current = String::new();
        for character in word.chars() {
            if !current.is_empty() && !fits(&format!("{current}{character}")) {
                lines.push(std::mem::take(&mut current));
            }
            current.push(character);
        }
    }
    lines.push(current.trim_end_matches(is_space).to_owned());
    lines
}

/// Words with the space after them; space at the start is a word of its own.
fn words(mut line: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let word = line.find(is_space).unwrap_or(line.len());
        let space = line[word..].find(|c| !is_space(c));
        let (first, rest) = line.split_at(space.map_or(line.len(), |space| word + space));
        line = rest;
        (!first.is_empty()).then_some(first)
    })
}

/// White space as JavaScript's `\s` has it.
fn is_space(character: char) -> bool {
    character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_the_space_after_them() {
        let all = |line| words(line).collect::<Vec<_>>();
        assert_eq!(all("  a bc   d "), ["  ", "a ", "bc   ", "d "]);
        assert_eq!(all("abc"), ["abc"]);
        assert_eq!(all(""), [] as [&str; 0]);
        assert_eq!(all("\u{a0}é\u{feff}x"), ["\u{a0}", "é\u{feff}", "x"]);
    }

    #[test]
    fn a_text_is_wrapped_without_losing_a_character() {
        let text = "one two  three\nfour\n\nunbreakable-word end ";
        for room in [1.0, 30.0, 60.0, 90.0, 1000.0] {
            let lines = lines_of(text, 20.0, Some(room));
            let kept = |text: &str| text.replace([' ', '\n'], "");
            assert_eq!(kept(&lines.concat()), kept(text), "{room}");
            let fits = |line: &String| line.chars().count() < 2 || line_width(line, 16.0) <= room;
            assert!(lines.iter().all(fits), "{room}: {lines:?}");
        }
    }
}
