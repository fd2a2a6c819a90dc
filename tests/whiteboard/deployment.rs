//! `compose.yaml` and the `Dockerfile`, as far as they can be tested without containers: HAProxy accepts
//! the configuration, which is that of docs/deployment.md, the versions are those that the program is
//! built with, and the health check distinguishes a server that answers from one that does not.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use support::process::free_port;
use support::server::TestServer;

/// Its path in Debian.
const HAPROXY: &str = "/usr/sbin/haproxy";

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The blocks of code in this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let parts = text.split(&opening).skip(1);
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
fn haproxy_accepts_the_configurations_of_the_docs_and_of_compose_which_agree() {
    let documented = blocks(&file("docs/deployment.md"), "haproxy");
    let [in_turns, by_drawing] = documented.as_slice() else {
        panic!("there are {} blocks for HAProxy", documented.len());
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
    // Addresses differ, and containers are resolved by name.
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

#[test]
fn the_database_of_compose_and_of_tests_is_of_the_version_that_the_program_is_built_with() {
    let after = |text: &str, opening: &str, closing: char| -> Vec<String> {
        let parts = text.split(opening).skip(1);
        parts
            .map(|part| part.split(closing).next().unwrap().to_owned())
            .collect()
    };
    let compose = file("compose.yaml");
    let (program, tests) = (file("Cargo.toml"), file("tests/surrealdb/Cargo.toml"));
    let versions: Vec<_> = [
        after(&compose, "image: surrealdb/surrealdb:v", '\n'),
        after(&program, "surrealdb = { version = \"=", '"'),
        after(&tests, "surrealdb-core = { version = \"=", '"'),
        after(&tests, "surrealdb-server = { version = \"=", '"'),
    ]
    .concat();
    assert_eq!(versions.len(), 4, "{versions:?}");
    let different = BTreeSet::from_iter(&versions);
    assert_eq!(different.len(), 1, "{versions:?}");
}

/// Runs the health check of the image against another port than the image's own.
async fn health(port: u16) -> Option<i32> {
    let dockerfile = file("Dockerfile");
    let (_, check) = dockerfile.split_once("HEALTHCHECK ").unwrap();
    let (_, check) = check.split_once("CMD ").unwrap();
    let check = check.lines().next().unwrap();
    let command: Vec<String> = serde_json::from_str(check).unwrap();
    let command: Vec<String> = command
        .iter()
        .map(|part| part.replace("127.0.0.1/8080", &format!("127.0.0.1/{port}")))
        .collect();
    assert!(command.concat().contains(&port.to_string()), "{check}");
    let running = move || Command::new(&command[0]).args(&command[1..]).output();
    let output = actix_web::rt::task::spawn_blocking(running).await.unwrap();
    output.unwrap().status.code()
}

#[actix_web::test]
async fn the_health_check_of_the_image_fails_for_a_server_that_does_not_answer() {
    let server = TestServer::start(&[]).await;
    assert_eq!(health(server.address().port()).await, Some(0));
    server.drain().await;
    assert_eq!(health(free_port()).await, Some(1));

    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()))).unwrap();
    let port = listener.local_addr().unwrap().port();
    let failing = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1_024]).unwrap();
        let _ = stream.write_all(b"HTTP/1.0 503 Service Unavailable\r\n\r\n");
    });
    assert_eq!(health(port).await, Some(1));
    failing.join().unwrap();
}
