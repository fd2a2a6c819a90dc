//! The layers of the code are its folders. A module that imports upward or in a circle, or uses
//! what belongs to another layer, fails here. The sources are read as text.

use std::collections::{BTreeMap, BTreeSet};
use std::{fs, path::Path};

/// From the bottom: a module may use its own layer and those before it.
const LAYERS: [&str; 12] = [
    "domain",
    "protocol",
    "metrics",
    "store",
    "backoff",
    "feed",
    "heartbeat",
    "session",
    "web",
    "config",
    "server",
    "main",
];
/// Without I/O, a clock or async: values in, values out.
const PURE: [&str; 2] = ["domain", "protocol"];
const IMPURE: &str = "async await tokio actix actix_web Instant SystemTime thread env fs net io";
/// Those that know HTTP.
const HTTP: [&str; 4] = ["session", "web", "server", "main"];

/// The code of each module, by its path such as `feed::queue`, without comments and tests.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    collect(&root, "", &mut found);
    assert!(found.len() > 60, "the sources are not where they were");
    found
}

fn collect(folder: &Path, parent: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let module = format!("{parent}{name}");
        if path.is_dir() {
            collect(&path, &format!("{module}::"), found);
        } else if !["lib", "tests"].contains(&name) {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap();
            let lines = code.lines().map(|line| line.split("//").next().unwrap());
            let code = lines.collect::<Vec<_>>().join("\n");
            found.insert(module, code.replace("(in crate::", "("));
        }
    }
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// Adds the paths that `text` begins with, each after `prefix`; gives what follows them.
fn paths<'a>(text: &'a str, prefix: &str, found: &mut Vec<String>) -> &'a str {
    let mut text = text.trim_start();
    if let Some(list) = text.strip_prefix('{') {
        text = list.trim_start();
        while !text.starts_with('}') {
            text = paths(text, prefix, found).trim_start_matches([',', ' ', '\n']);
        }
        return &text[1..];
    }
    let name = word(text);
    let path = format!("{prefix}::{name}");
    match text[name.len()..].strip_prefix("::") {
        Some(rest) => paths(rest, &path, found),
        None => {
            found.push(path);
            text[name.len()..].trim_start_matches(|c| c != ',' && c != '}')
        }
    }
}

/// The modules that each module uses, by the paths that it names.
fn uses(sources: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut all = BTreeMap::new();
    for (module, code) in sources {
        let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
        let mut found = Vec::new();
        for (mark, prefix) in [("crate::", ""), ("whiteboard::", ""), ("super::", parent)] {
            for (at, _) in code.match_indices(mark) {
                paths(&code[at + mark.len()..], prefix, &mut found);
            }
        }
        for (at, mark) in code.match_indices("use ") {
            paths(&code[at + mark.len()..], module, &mut found);
        }
        let resolve = |path: &String| {
            let mut path = path.trim_start_matches("::");
            while !sources.contains_key(path) {
                path = path.rsplit_once("::")?.0;
            }
            sources.get_key_value(path).map(|(path, _)| path.as_str())
        };
        let mut used: BTreeSet<_> = found.iter().filter_map(resolve).collect();
        used.remove(module.as_str());
        all.insert(module.as_str(), used);
    }
    all
}

fn layer(module: &str) -> usize {
    let layer = LAYERS.iter().position(|layer| *layer == word(module));
    layer.unwrap_or_else(|| panic!("give {module} a layer"))
}

/// Whether the code names this crate or module: `name::…`, `name as …` or `name;`.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let after = &code[at + name.len()..];
        let begins = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        begins && ["::", " as ", ";"].iter().any(|end| after.starts_with(end))
    })
}

#[test]
fn no_module_imports_upward() {
    for (module, used) in uses(&sources()) {
        for used in used {
            assert!(layer(used) <= layer(module), "{module} uses {used}");
        }
    }
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let sources = sources();
    let mut rest = uses(&sources);
    assert!(rest["feed::actor"].contains("feed::queue") && rest["store"].contains("store::read"));
    while let Some(module) = rest.keys().copied().find(|module| rest[module].is_empty()) {
        rest.remove(module);
        rest.values_mut()
            .for_each(|used| used.retain(|used| *used != module));
    }
    assert!(rest.is_empty(), "in a circle, or above one: {rest:#?}");
}

#[test]
fn only_the_store_speaks_to_surrealdb() {
    for (module, code) in sources() {
        assert!(
            word(&module) == "store" || !names(&code, "surrealdb"),
            "{module}"
        );
    }
}

#[test]
fn each_layer_keeps_to_its_business() {
    for (module, code) in sources() {
        let layer = word(&module);
        let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        let impure =
            words.find(|word| PURE.contains(&layer) && IMPURE.split(' ').any(|no| no == *word));
        assert_eq!(impure, None, "{module} is pure");
        assert!(
            HTTP.contains(&layer) || !names(&code, "actix_web"),
            "{module} knows no HTTP"
        );
        let settings = ["config", "main"].contains(&layer);
        assert!(
            settings || !names(&code, "std::env"),
            "{module} reads the environment"
        );
        assert!(!code.contains("super::*"), "{module}: name what you import");
    }
}
