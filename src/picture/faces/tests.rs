//! Fonts for tests, as if a machine had them.

use super::*;

/// A letter that the bundled font lacks, …
pub(in crate::picture) const LACKING: char = '漢';
/// … and one that it has, as which a font of tests shows it.
pub(in crate::picture) const SHOWN_AS: char = 'W';

/// A machine without fonts.
pub(in crate::picture) fn none() -> &'static Faces {
    static NONE: LazyLock<Faces> = LazyLock::new(|| Faces::new(Database::clone(&BUNDLED)));
    &NONE
}

/// A machine with one font, which has one letter.
pub(in crate::picture) fn one() -> &'static Faces {
    static ONE: LazyLock<Faces> = LazyLock::new(|| {
        let mut database = Database::clone(&BUNDLED);
        database.load_font_data(font_with(LACKING, SHOWN_AS));
        Faces::new(database)
    });
    &ONE
}

/// The bundled font with another table of characters, in which there is one.
fn font_with(letter: char, shown_as: char) -> Vec<u8> {
    let face = Face::parse(font::FILE, 0).unwrap();
    let glyph = u32::from(face.glyph_index(shown_as).unwrap().0);
    // One table for all of Unicode, of format 12, with one group.
    let letter = u32::from(letter);
    let group = [letter, letter, glyph];
    let head = [0x0000_0001, 0x0003_000a, 12, 0x000c_0000, 28, 0, 1];
    let table = head.into_iter().chain(group).flat_map(u32::to_be_bytes);
    let table: Vec<u8> = table.collect();
    let mut file = font::FILE.to_vec();
    let entry = file.windows(4).position(|tag| tag == b"cmap").unwrap();
    let place = [file.len() as u32, table.len() as u32].map(u32::to_be_bytes);
    file[entry + 8..entry + 16].copy_from_slice(&place.concat());
    file.extend(table);
    file
}

#[test]
fn a_letter_that_the_bundled_font_lacks_is_looked_up_once_in_the_others() {
    let resolve = |others, letter, used: usize| {
        let mut database = bundled();
        let bundled = database.faces().next().unwrap().id;
        let select = resolver(others).select_fallback;
        select(letter, &vec![bundled; used], &mut database).map(|face| {
            assert_ne!(face, bundled);
            (face, database.len())
        })
    };
    let (face, count) = resolve(one, LACKING, 1).unwrap();
    assert_eq!((face, count), (one().by_letter[&LACKING], 2));
    assert_eq!(resolve(one, '字', 1), None);
    assert_eq!(resolve(none, LACKING, 1), None);
    assert_eq!(resolve(one, LACKING, MAX_OTHERS + 1), None);
    let select = resolver(one).select_fallback;
    assert_eq!(select(LACKING, &[face], &mut bundled()), None);
}
