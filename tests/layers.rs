//! The layers of the code: a module that imports upward, or reaches for what is not its
//! business, fails here. The sources are read as text, so this takes no time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// From the bottom: a module may use those of its own layer and of the layers before it.
const LAYERS: &[&[&str]] = &[
    &["model", "points", "stroke"],
    &["signal"],
    &["drawing", "protocol", "upwards"],
    &["metrics"],
    &["store"],
    &["queue"],
    &["roster", "members"],
    &["feed", "feeds"],
    &["beat"],
    &["connection"],
    &["session"],
    &["access", "assets", "values"],
    &["error"],
    &["request"],
    &["api"],
    &["config"],
    &["server"],
    &["lib"],
    &["main"],
];
/// No I/O, no clock, no async: values in, values out.
const PURE: &[&str] = &[
    "model", "points", "stroke", "signal", "drawing", "protocol", "upwards",
];
/// What a pure module has no use for.
const IMPURE: &[&str] = &[
    "async",
    "await",
    "tokio",
    "actix",
    "actix_web",
    "Instant",
    "SystemTime",
    "thread",
    "env",
    "File",
    "TcpStream",
    "UdpSocket",
];
/// All that the store knows of the rest.
const BELOW_THE_STORE: &[&str] = &["model", "points", "stroke", "metrics", "store"];
/// Those that speak HTTP.
const HTTP: &[&str] = &[
    "connection",
    "session",
    "access",
    "assets",
    "error",
    "request",
    "api",
    "server",
    "main",
];

struct Source {
    /// The module, which for a file in a folder is the folder.
    module: String,
    path: String,
    /// Without comments and tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        None,
        &mut found,
    );
    assert!(found.len() > 10, "the sources are not where they were");
    found
}

fn collect(folder: &Path, module: Option<&str>, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = module.unwrap_or(&name);
        if path.is_dir() {
            collect(&path, Some(module), found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
            found.push(Source {
                module: module.to_owned(),
                path: path.display().to_string(),
                code: without_comments(&fs::read_to_string(&path).unwrap()),
            });
        }
    }
}

/// Cuts lines at `//`, also inside strings: no import comes after one. A file's own tests, at its
/// end or in a file of their own, may use whatever they like.
fn without_comments(text: &str) -> String {
    let (code, tests) = text.split_once("\n#[cfg(test)]").unwrap_or((text, ""));
    assert!(
        are_at_the_end(tests),
        "what follows the tests is not looked at:\n{text}"
    );
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether these are the tests of a file, as a module in it or beside it, and nothing follows them.
fn are_at_the_end(tests: &str) -> bool {
    let inside = tests.strip_prefix("\nmod tests {\n");
    let ends = |inside: &str| {
        inside
            .find("\n}\n")
            .is_none_or(|end| end + 3 == inside.len())
    };
    matches!(tests, "" | "\nmod tests;\n") || inside.is_some_and(ends)
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn words(code: &str) -> BTreeSet<&str> {
    code.split(|c| !is_of_a_word(c)).collect()
}

/// The modules that a piece of code names behind `root::`, also in braces.
fn modules<'a>(code: &'a str, root: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(&format!("{root}::")) {
        if code[..at].ends_with(is_of_a_word) {
            continue;
        }
        let rest = &code[at + root.len() + 2..];
        let Some(inside) = rest.strip_prefix('{') else {
            found.extend(rest.split(|c| !is_of_a_word(c)).next());
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (index, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                ',' if depth == 0 => {
                    found.extend(first_word(&inside[start..index]));
                    start = index + 1;
                }
                '}' if depth == 0 => {
                    found.extend(first_word(&inside[start..index]));
                    break;
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    found
}

fn first_word(text: &str) -> Option<&str> {
    let word = text.trim_start().split(|c| !is_of_a_word(c)).next();
    word.filter(|word| !word.is_empty())
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Whether a crate is named as one: `name::…` or `name as …`.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let after = &code[at + name.len()..];
        !code[..at].ends_with(is_of_a_word)
            && (after.starts_with("::") || after.starts_with(" as ") || after.starts_with(';'))
    })
}

#[test]
fn every_module_has_its_layer() {
    for source in sources() {
        let (module, path) = (&source.module, &source.path);
        assert!(layer(module).is_some(), "{path}: give {module} a layer");
    }
}

#[test]
fn no_module_imports_upward() {
    for source in sources() {
        let root = if source.module == "main" {
            "whiteboard"
        } else {
            "crate"
        };
        for used in modules(&source.code, root) {
            // Names that are no module are macros and the like of the crate's root.
            let Some(used_layer) = layer(used) else {
                continue;
            };
            assert!(
                Some(used_layer) <= layer(&source.module),
                "{}: {} may not use {used}, which is above it",
                source.path,
                source.module
            );
        }
    }
}

#[test]
fn only_the_store_speaks_to_surrealdb() {
    for source in sources().iter().filter(|source| source.module != "store") {
        assert!(!names_crate(&source.code, "surrealdb"), "{}", source.path);
    }
}

#[test]
fn the_store_knows_the_nouns_alone() {
    for source in sources().iter().filter(|source| source.module == "store") {
        for used in modules(&source.code, "crate") {
            assert!(BELOW_THE_STORE.contains(&used), "{}: {used}", source.path);
        }
    }
}

#[test]
fn pure_modules_have_no_clock_and_do_no_io() {
    for source in sources()
        .iter()
        .filter(|source| PURE.contains(&&*source.module))
    {
        let words = words(&source.code);
        for word in IMPURE {
            assert!(!words.contains(word), "{}: {word}", source.path);
        }
        for path in ["std::fs", "std::net", "std::io"] {
            assert!(!source.code.contains(path), "{}: {path}", source.path);
        }
        for used in modules(&source.code, "crate") {
            assert!(
                layer(used).is_none() || PURE.contains(&used),
                "{}: {used} is not pure",
                source.path
            );
        }
    }
}

#[test]
fn http_stays_at_the_top() {
    for source in sources() {
        let speaks = names_crate(&source.code, "actix_web");
        let may = HTTP.contains(&&*source.module);
        assert!(may || !speaks, "{}", source.path);
        // A WebSocket's frames are the session's business, and how a connection is served the server's.
        for (name, its) in [
            ("actix_web_actors", &["session"][..]),
            ("actix_http", &["session", "server"]),
            ("actix_service", &["server"]),
        ] {
            let may = its.contains(&&*source.module);
            assert!(
                may || !names_crate(&source.code, name),
                "{}: {name}",
                source.path
            );
        }
    }
}

#[test]
fn only_the_settings_read_the_environment() {
    for source in sources() {
        let reads = source.code.contains("std::env") || source.code.contains("dotenvy");
        let may = ["main", "config"].contains(&&*source.module);
        assert!(may || !reads, "{}", source.path);
    }
}

#[test]
fn imports_are_found_in_every_spelling() {
    let code = "use crate::model::{A, B};\nuse crate::{feed, store::{Store, X}, api::y};\n\
        fn f() { crate::server::go(); $crate::values::x; }";
    let expected = ["api", "feed", "model", "server", "store", "values"];
    assert_eq!(modules(code, "crate"), BTreeSet::from(expected));
    assert!(names_crate("use surrealdb::Surreal;", "surrealdb"));
    assert!(names_crate("use surrealdb as db;", "surrealdb"));
    assert!(!names_crate("my_surrealdb::x", "surrealdb"));
    assert!(!names_crate("\"surrealdb=warn\"", "surrealdb"));
    assert_eq!(without_comments("a // use crate::b\nc"), "a \nc");
    assert!(are_at_the_end("\nmod tests {\n    x\n}\n") && are_at_the_end("\nmod tests;\n"));
    assert!(!are_at_the_end("\nmod tests;\nuse crate::b;\n"));
    assert!(!are_at_the_end("\nmod tests {\n    x\n}\nuse crate::b;\n"));
}
