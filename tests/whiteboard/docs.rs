//! The documentation: what is made from the code equals it.

use std::path::Path;

use whiteboard::feed::presence::MAX_LISTED;
use whiteboard::protocol::{MAX_FRAME_BYTES, MAX_OPS_PER_FRAME, SUBPROTOCOL};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Writes a link to an item, which only rustdoc resolves, as plain code.
fn plain(line: &str) -> String {
    let mut parts = line.split("[`");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (item, rest) = part.split_once("`]").unwrap();
        let target = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        text += &format!("`{item}`{}", target.map_or(rest, |(_, rest)| rest));
    }
    text
}

#[test]
fn the_protocol_document_is_the_documentation_of_its_module() {
    let source = file("src/protocol.rs");
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let mut expected = String::from("# The protocol\n\n");
    for line in lines.map(|line| line.strip_prefix(' ').unwrap_or(line)) {
        let level = if line.starts_with("# ") { "#" } else { "" };
        expected += &format!("{level}{}\n", plain(line));
    }
    assert!(
        file("docs/protocol.md") == expected,
        "this is what docs/protocol.md should be:\n{expected}"
    );
    for limit in [
        format!("`MAX_FRAME_BYTES`, {} KiB.", MAX_FRAME_BYTES / 1_024),
        format!("`MAX_OPS_PER_FRAME`, {MAX_OPS_PER_FRAME},"),
        format!("`MAX_LISTED`, {MAX_LISTED}."),
        format!("`SUBPROTOCOL`, `{SUBPROTOCOL}`,"),
    ] {
        assert!(expected.contains(&limit), "{limit}");
    }
}
