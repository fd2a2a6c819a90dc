//! The documentation: what is made from the code equals it, and every link leads somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use whiteboard::domain::op::Refusal;
use whiteboard::feed::presence::MAX_LISTED;
use whiteboard::protocol::{MAX_FRAME_BYTES, MAX_OPS_PER_FRAME, SUBPROTOCOL};
use whiteboard::web::error::ErrorCode;

const DOCS: [&str; 7] = [
    "README.md",
    "docs/operating.md",
    "docs/deployment.md",
    "docs/protocol.md",
    "docs/format.md",
    "docs/simulation.md",
    "docs/security.md",
];

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

/// The first cells of the table rows below a heading of the protocol document.
fn documented(heading: &str) -> Vec<String> {
    let text = file("docs/protocol.md");
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.lines().take_while(|line| !line.starts_with("## "));
    let cells = section.filter_map(|line| line.strip_prefix("| `"));
    // The head of the table is written as code, like its rows.
    let cells = cells.map(|line| line.split_once('`').unwrap().0.to_owned());
    cells.skip(1).collect()
}

#[test]
fn every_code_of_an_error_and_every_reason_of_a_refusal_is_documented() {
    let codes = ErrorCode::ALL.iter().map(|code| code.as_str().to_owned());
    assert_eq!(documented("HTTP"), codes.collect::<Vec<_>>());
    let refusals = [
        Refusal::Exists,
        Refusal::Absent,
        Refusal::Erased,
        Refusal::Changed,
        Refusal::Full("it has the most strokes allowed"),
        Refusal::Invalid(String::new()),
        Refusal::Forbidden,
        Refusal::Locked,
        Refusal::Muted,
    ];
    let reasons = refusals.iter().map(Refusal::code).chain(["load"]);
    assert_eq!(documented("Refusals"), reasons.collect::<Vec<_>>());
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let kept = heading.chars().filter(|c| kept(*c)).collect::<String>();
    kept.to_lowercase().replace(' ', "-")
}

#[test]
fn links_between_documents_lead_to_a_file_and_a_heading() {
    let mut links = 0;
    for name in DOCS {
        let folder = Path::new(name).parent().unwrap();
        for link in file(name).split("](").skip(1) {
            let (link, _) = link.split_once(')').unwrap();
            if link.starts_with("http") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let path = match path {
                "" => Path::new(name).to_owned(),
                path => folder.join(path),
            };
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            assert!(root.join(&path).exists(), "{name}: {link}");
            if !heading.is_empty() {
                let text = file(path.to_str().unwrap());
                let headings = text.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches(['#', ' '])));
                assert!(anchors.any(|anchor| anchor == heading), "{name}: {link}");
            }
            links += 1;
        }
    }
    assert!(links > 10, "{links} links");
}

/// Adds the names of the tests in a folder, which are functions with an attribute that says so.
fn add_tests(folder: &Path, found: &mut BTreeSet<String>) {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.ends_with("tests/browser"));
    for path in paths {
        if path.is_dir() {
            add_tests(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                if line.starts_with("#[") {
                    is_test |= line.contains("test");
                    continue;
                }
                let line = line.strip_prefix("async ").unwrap_or(line);
                let name = line.strip_prefix("fn ").and_then(|it| it.split('(').next());
                found.extend(name.filter(|_| is_test).map(str::to_owned));
                is_test = false;
            }
        }
    }
}

#[test]
fn every_promise_and_invariant_names_tests_that_exist() {
    let (root, mut tests) = (Path::new(env!("CARGO_MANIFEST_DIR")), BTreeSet::new());
    add_tests(&root.join("src"), &mut tests);
    add_tests(&root.join("tests"), &mut tests);
    let (library, security) = (file("src/lib.rs"), file("docs/security.md"));
    let section = |text: &str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    let promises = section(&security, "\n| promise | test |\n|---|---|\n", "\n\n");
    let cells = promises.lines().map(|row| row.rsplit('|').nth(1).unwrap());
    let invariants = section(&library, "//! # Invariants\n", "\n//! [`");
    for (text, least) in [(cells.collect::<String>(), 20), (invariants, 10)] {
        let names: Vec<_> = text.split('`').skip(1).step_by(2).collect();
        assert!(names.len() >= least, "{names:?}");
        for name in names {
            assert!(tests.contains(name), "there is no test {name}");
        }
    }
}

#[test]
fn the_readme_is_short() {
    let lines = file("README.md").lines().count();
    assert!(lines <= 200, "{lines} lines");
}
