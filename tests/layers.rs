//! The layers of the code are its folders: an import upward or in a circle fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::{fs, iter::successors, path::Path};

/// From the bottom: a module may use its own layer and those before it.
const LAYERS: &str = "domain picture protocol metrics store access backoff quotas feed heartbeat session web config admin server main";
/// Of a feed, only these wait, read a clock or speak to actix: the rest runs in the simulation.
const SHELL: &str = "actor chunks registration registry session_mailbox threads";
const IMPURE_CORE: [&str; 4] = ["Instant::now", "async ", "actix", "fastrand::u64"];
const IMPURE: &str = "async await tokio actix Instant SystemTime thread fs net io";

/// The code of each module, by its path such as `feed::queue`, without comments and tests.
fn sources() -> BTreeMap<String, String> {
    let src = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
    let (mut found, mut paths) = (BTreeMap::new(), vec![Path::new(src).to_owned()]);
    while let Some(path) = paths.pop() {
        if let Ok(entries) = fs::read_dir(&path) {
            paths.extend(entries.map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap();
        let lines = code.lines().map(|line| line.split("//").next().unwrap());
        let code = lines.collect::<Vec<_>>().join("\n");
        let name = path.to_str().unwrap()[src.len()..].replace(".rs", "");
        found.insert(name.replace('/', "::"), code.replace("(in crate::", "("));
    }
    found.retain(|module, _| module != "lib" && !module.contains("::tests"));
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Adds the paths that `text` begins with, each after `prefix`; gives what follows them.
fn paths<'a>(text: &'a str, prefix: &str, found: &mut Vec<String>) -> &'a str {
    if let Some(list) = text.strip_prefix('{') {
        let mut list = list.trim_start();
        while !list.starts_with('}') {
            list = paths(list, prefix, found).trim_start_matches([',', ' ', '\n']);
        }
        return &list[1..];
    }
    let name = words(text).next().unwrap_or_default();
    let (path, rest) = (format!("{prefix}::{name}"), &text[name.len()..]);
    if let Some(rest) = rest.strip_prefix("::") {
        return paths(rest, &path, found);
    }
    found.push(path.trim_start_matches("::").to_owned());
    rest.trim_start_matches(|c| c != ',' && c != '}')
}

/// The modules that each module names.
fn uses(sources: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut uses = BTreeMap::<_, BTreeSet<_>>::new();
    for (module, code) in sources {
        let (parent, mut found) = (module.rsplit_once("::").map_or("", |it| it.0), Vec::new());
        for (mark, prefix) in [("crate::", ""), ("super::", parent), ("use ", module)] {
            for (at, _) in code.match_indices(mark) {
                paths(&code[at + mark.len()..], prefix, &mut found);
            }
        }
        let all = found.iter().filter_map(|path| {
            let mut paths = successors(Some(&**path), |path| Some(path.rsplit_once("::")?.0));
            paths.find_map(|path| Some(sources.get_key_value(path)?.0.as_str()))
        });
        uses.insert(module.as_str(), all.filter(|used| used != module).collect());
    }
    uses
}

/// Only these layers have a use for these words.
fn only(layers: &str, mine: &str) {
    for (module, code) in sources() {
        let allowed = words(layers).any(|layer| module.starts_with(layer));
        let found = words(mine).find(|mine| words(&code).any(|word| word == *mine));
        assert!(allowed || found.is_none(), "{module}: {found:?}");
    }
}

#[test]
fn no_module_imports_upward_or_in_a_circle() {
    let sources = sources();
    let mut rest = uses(&sources);
    assert!(rest["feed::actor"].contains("feed::core") && rest["store"].contains("store::read"));
    let layer = |module: &str| words(LAYERS).position(|one| module.starts_with(one));
    for (module, used) in &rest {
        assert!(layer(module).is_some(), "give {module} a layer");
        let above = used.iter().find(|used| layer(used) > layer(module));
        assert_eq!(above, None, "{module} uses what is above it");
    }
    while let Some(module) = rest.keys().copied().find(|module| rest[module].is_empty()) {
        rest.remove(module);
        rest.values_mut().for_each(|used| _ = used.remove(module));
    }
    assert!(rest.is_empty(), "in a circle, or above one: {rest:#?}");
}

#[test]
fn only_the_store_speaks_to_surrealdb() {
    only("store", "surrealdb");
}

#[test]
fn each_layer_keeps_to_its_business() {
    only("session web server main", "actix_web");
    only("config main", "env dotenvy");
    only(&LAYERS["domain picture protocol ".len()..], IMPURE);
    for (module, code) in sources() {
        assert!(!code.contains("super::*"), "{module}: name its imports");
        let of_a_feed = module.strip_prefix("feed::");
        let is_core = of_a_feed.is_some_and(|part| words(SHELL).all(|shell| shell != part));
        let mut impure = IMPURE_CORE.iter().filter(|_| is_core);
        assert_eq!(impure.find(|no| code.contains(**no)), None, "{module}");
    }
}
