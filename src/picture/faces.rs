//! The fonts that text is painted in: the bundled one, and those of this machine for letters that it lacks.
//!
//! It must never decide where a text is: the bundled font does, so that a text has the same box everywhere.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use resvg::usvg::FontResolver;
use resvg::usvg::fontdb::{Database, FaceInfo, ID, Stretch, Style};
use ttf_parser::Face;

use super::font;

/// Most fonts of the machine in a part of a line, which is shaped again in each.
const MAX_OTHERS: usize = 8;
/// What the names of preferred fonts contain: emoji have one look, and letters fit the bundled font.
const PREFERRED: [&str; 2] = ["Emoji", "Sans"];
/// How the name of a font ends that shows no letter, but has a box for each.
const BOXES_ONLY: &str = "LastResort";

/// The bundled font alone.
static BUNDLED: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut database = Database::new();
    database.load_font_data(font::FILE.to_vec());
    Arc::new(database)
});

/// The bundled font and those of the machine. A server is to be started again for new ones.
static OF_MACHINE: LazyLock<Faces> = LazyLock::new(|| {
    let mut database = Database::clone(&BUNDLED);
    database.load_system_fonts();
    let faces = Faces::new(database);
    let (count, letters) = (faces.database.len() - 1, faces.by_letter.len());
    log::info!(
        "{count} fonts of this machine have {letters} letters, for those that the bundled one lacks"
    );
    faces
});

/// Fonts, and which of them is used for a letter that the first one lacks.
pub(super) struct Faces {
    database: Arc<Database>,
    by_letter: HashMap<char, ID>,
}

impl Faces {
    /// Those of the machine. The first time they are read, which may take seconds if there are thousands;
    /// what is kept does not grow with their size.
    pub(super) fn of_machine() -> &'static Self {
        &OF_MACHINE
    }

    /// Whether one of them, but the first, has a letter.
    pub(super) fn have(&self, letter: char) -> bool {
        self.by_letter.contains_key(&letter)
    }

    /// Finds the letters of all fonts but the first one.
    fn new(database: Database) -> Self {
        let mut others: Vec<&FaceInfo> = database.faces().skip(1).collect();
        others.retain(|face| !face.post_script_name.ends_with(BOXES_ONLY));
        // Plain ones of the preferred kinds first, and the same on each start.
        others.sort_by_key(|face| {
            let name = &face.post_script_name;
            let is_odd = face.style != Style::Normal || face.stretch != Stretch::Normal;
            let kind = PREFERRED.iter().position(|kind| name.contains(kind));
            let kind = kind.unwrap_or(PREFERRED.len());
            let weight = face.weight.0.abs_diff(font::WEIGHT);
            (is_odd, kind, face.monospaced, weight, name)
        });
        // Bold and slanted ones of the same family have no other letters.
        let mut families = HashSet::new();
        others.retain(|face| families.insert(face.families.first().map(|family| &family.0)));
        let mut by_letter = HashMap::new();
        for face in others {
            database.with_face_data(face.id, |file, index| {
                add_letters(file, index, face.id, &mut by_letter);
            });
        }
        Self {
            database: Arc::new(database),
            by_letter,
        }
    }
}

/// Adds the letters of a font that no font before it has.
fn add_letters(file: &[u8], index: u32, id: ID, by_letter: &mut HashMap<char, ID>) {
    let face = Face::parse(file, index).ok();
    let tables = face.and_then(|face| face.tables().cmap);
    let tables = tables.into_iter().flat_map(|tables| tables.subtables);
    for table in tables.filter(|table| table.is_unicode()) {
        table.codepoints(|code| {
            let letter = char::from_u32(code).map(|letter| by_letter.entry(letter));
            // A table may list letters without a glyph.
            if let Some(Entry::Vacant(free)) = letter
                && table.glyph_index(code).is_some_and(|glyph| glyph.0 > 0)
            {
                free.insert(id);
            }
        });
    }
}

/// The bundled font.
pub(super) fn bundled() -> Arc<Database> {
    Arc::clone(&BUNDLED)
}

/// Sets all text in the first font, and letters that it lacks in `others`, which is not called before there
/// are some.
pub(super) fn resolver(others: fn() -> &'static Faces) -> FontResolver<'static> {
    FontResolver {
        select_font: Box::new(|_, database| database.faces().next().map(|face| face.id)),
        select_fallback: Box::new(move |letter, used, database| {
            let others = others();
            let face = *others.by_letter.get(&letter)?;
            if used.contains(&face) || used.len() > MAX_OTHERS {
                return None;
            }
            // It has all that the other one has, under the same ids.
            *database = Arc::clone(&others.database);
            Some(face)
        }),
    }
}

#[cfg(test)]
pub(super) mod tests;
