//! What the README and `compose.yaml` say of HAProxy is one configuration, and HAProxy takes it.

use std::path::Path;
use std::process::Command;

/// Where Debian puts it.
const HAPROXY: &str = "/usr/sbin/haproxy";

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The blocks of code of the README in this language.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let parts = readme.split(&opening).skip(1);
    let block = |part: &str| part.split_once("\n```").unwrap().0.to_owned() + "\n";
    parts.map(block).collect()
}

/// The configuration that Compose hands to HAProxy.
fn in_compose(compose: &str) -> String {
    let (_, content) = compose.split_once("    content: |\n").unwrap();
    let lines = content
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("      "));
    lines
        .map(|line| line.strip_prefix("      ").unwrap_or(line).to_owned() + "\n")
        .collect()
}

#[test]
fn haproxy_takes_what_the_readme_and_compose_say_and_they_say_the_same() {
    let readme = blocks(&file("README.md"), "haproxy");
    let [in_turns, by_drawing] = readme.as_slice() else {
        panic!("the README has {} blocks of HAProxy", readme.len());
    };
    let compose = in_compose(&file("compose.yaml"));
    let hashed = in_turns.replace("    balance roundrobin\n", by_drawing);
    assert_ne!(&hashed, in_turns);
    let folder = tempfile::tempdir().unwrap();
    for config in [in_turns, &hashed, &compose] {
        let path = folder.path().join("haproxy.cfg");
        std::fs::write(&path, config).unwrap();
        let check = Command::new(HAPROXY)
            .arg("-c")
            .arg("-f")
            .arg(&path)
            .output();
        let output = check.unwrap();
        assert!(output.status.success(), "{config}\n{output:?}");
    }
    // Addresses differ, and containers are looked up by name.
    let theirs = |line: &&str| {
        !["bind ", "server "]
            .iter()
            .any(|word| line.starts_with(word))
    };
    let settings: Vec<_> = compose.lines().map(str::trim).collect();
    for line in hashed.lines().map(str::trim).filter(theirs) {
        let found = settings.iter().any(|setting| setting.starts_with(line));
        assert!(found, "compose.yaml lacks `{line}`");
    }
}
