//! Proxies in front of a server: whom they name, how connections behind them are counted, and what others
//! make up.

use std::net::{Ipv4Addr, SocketAddr};

use futures_util::SinkExt;
use serde_json::Value;
use support::http::{answers, create_drawing, http};
use support::process::{Log, OnDrop, Process, free_port, program};
use support::raw::RawSocket;
use support::server::TestServer;
use support::socket::{Socket, open, request, text};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};

const TRUSTED: [&str; 2] = ["--proxies", "127.0.0.1"];

/// Opens a socket with these headers, as a proxy does.
async fn open_through(
    address: SocketAddr,
    drawing: &str,
    headers: &[(&'static str, &str)],
) -> Result<Socket, u16> {
    let mut request = request(address, &format!("/ws/{drawing}?since=0"));
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(*name, value);
    }
    match open(address, request, None).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn status_of(address: SocketAddr, path: &str, forwarded_for: &str) -> u16 {
    let url = format!("http://{address}{path}");
    let asked = http().get(url).header("x-forwarded-for", forwarded_for);
    asked.send().await.unwrap().status().as_u16()
}

/// The name under which a person is listed who says to be Eve.
async fn listed(address: SocketAddr, headers: &[(&'static str, &str)]) -> String {
    let drawing = create_drawing(address).await;
    let mut socket = open_through(address, &drawing, headers).await.unwrap();
    let key = "6f000000000000000000000000000000";
    let hello = format!(
        r##"{{"type":"hello","key":"{key}","tab":"{key}","name":"Eve","colour":"#e03131","next":1}}"##
    );
    socket.send(Message::text(hello)).await.unwrap();
    loop {
        let frame: Value = serde_json::from_str(&text(&mut socket).await).unwrap();
        if frame["type"] == "people"
            && let Some(person) = frame["joined"].get(0)
        {
            return person["name"].as_str().unwrap().to_owned();
        }
    }
}

#[actix_web::test]
async fn clients_behind_a_proxy_are_counted_by_their_own_addresses() {
    let flags = [&TRUSTED[..], &["--max-connections-per-address", "2"]].concat();
    let server = TestServer::start(&flags).await;
    let address = server.address();
    let drawing = create_drawing(address).await;
    let from = async |client: &str| {
        let headers = [("x-forwarded-for", client)];
        open_through(address, &drawing, &headers).await
    };
    // What a client put before its address does not make it another one.
    let first = from("192.0.2.1").await.unwrap();
    let _second = from("203.0.113.7, 192.0.2.1").await.unwrap();
    assert_eq!(from("198.51.100.1, 192.0.2.1").await.err(), Some(503));
    assert_eq!(status_of(address, "/api/drawings", "192.0.2.1").await, 503);
    // The files of pages and the health of the server are for everyone.
    assert_eq!(
        status_of(address, "/assets/dev/home/home.js", "192.0.2.1").await,
        404
    );
    assert_eq!(status_of(address, "/readyz", "192.0.2.1").await, 200);
    // Another address has places of its own, of which a network of IPv6 is one.
    let _third = from("2001:db8::1").await.unwrap();
    let _fourth = from("2001:db8::2").await.unwrap();
    assert_eq!(from("2001:db8::3").await.err(), Some(503));
    assert!(from("2001:db8:0:1::1").await.is_ok());
    // A place is free again when its socket ends.
    drop(first);
    support::wait::eventually("a place", async || from("192.0.2.1").await.is_ok()).await;
}

#[actix_web::test]
async fn connections_of_a_proxy_are_not_counted_by_its_address() {
    let flags = [&TRUSTED[..], &["--max-connections-per-address", "1"]].concat();
    let server = TestServer::start(&flags).await;
    let mut open = Vec::new();
    for client in 1..=5 {
        let mut raw = RawSocket::connect(server.address()).await;
        let head = format!(
            "GET / HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 192.0.2.{client}\r\n\r\n"
        );
        raw.say(&head).await;
        let head = raw.head().await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        open.push(raw);
    }
}

#[actix_web::test]
async fn what_a_client_says_about_itself_does_not_count() {
    let server = TestServer::start(&["--max-connections-per-address", "2"]).await;
    let address = server.address();
    let mut open = Vec::new();
    for client in 1..=2 {
        let mut raw = RawSocket::connect(address).await;
        let head = format!(
            "GET /healthz HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 192.0.2.{client}\r\n\r\n"
        );
        raw.say(&head).await;
        assert!(raw.head().await.starts_with("HTTP/1.1 200"));
        open.push(raw);
    }
    let mut third = RawSocket::connect(address).await;
    third
        .say("GET /healthz HTTP/1.1\r\nhost: a\r\nforwarded: for=192.0.2.3\r\n\r\n")
        .await;
    assert!(third.head().await.starts_with("HTTP/1.1 503"));
}

#[actix_web::test]
async fn a_sign_in_proxy_names_the_person_and_a_client_does_not() {
    let named = [("remote-user", "Ada Lovelace")];
    let flags = [&TRUSTED[..], &["--person-header", "Remote-User"]].concat();
    let behind = TestServer::start(&flags).await;
    assert_eq!(listed(behind.address(), &named).await, "Ada Lovelace");
    assert_eq!(listed(behind.address(), &[]).await, "Eve");
    let flags = ["--proxies", "192.0.2.1", "--person-header", "Remote-User"];
    let direct = TestServer::start(&flags).await;
    assert_eq!(listed(direct.address(), &named).await, "Eve");
}

#[actix_web::test]
async fn the_scheme_that_a_proxy_forwards_is_that_of_the_page() {
    let server = TestServer::start(&TRUSTED).await;
    let url = format!("http://{}/api/drawings", server.address());
    for (origin, forwarded, expected) in [
        ("https://localhost", "for=192.0.2.1;proto=https", 200),
        ("http://localhost", "for=192.0.2.1;proto=https", 403),
        ("https://localhost", "for=192.0.2.1;proto=http", 403),
    ] {
        let asked = http().get(&url).header("host", "localhost");
        let asked = asked
            .header("origin", origin)
            .header("forwarded", forwarded);
        let status = asked.send().await.unwrap().status();
        assert_eq!(status, expected, "{origin} {forwarded}");
    }
}

/// The status of an upgrade that is asked for from this address of the machine, and its connection.
async fn upgrade_from(
    client: Ipv4Addr,
    proxy: SocketAddr,
    drawing: &str,
) -> (String, tokio::net::TcpStream) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((client, 0).into()).unwrap();
    let mut stream = socket.connect(proxy).await.unwrap();
    let head = format!(
        "GET /ws/{drawing}?since=0 HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: whiteboard.v1\r\n\
         x-forwarded-for: 198.51.100.{}\r\nforwarded: for=198.51.100.1\r\n\r\n",
        fastrand::u8(..)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = vec![0; "HTTP/1.1 101".len()];
    stream.read_exact(&mut status).await.unwrap();
    (String::from_utf8(status).unwrap(), stream)
}

#[actix_web::test]
async fn behind_haproxy_as_documented_each_client_has_its_own_address() {
    let flags = [&TRUSTED[..], &["--max-connections-per-address", "2"]].concat();
    let server = TestServer::start(&flags).await;
    let drawing = create_drawing(server.address()).await;
    let docs = include_str!("../../docs/deployment.md");
    let (_, config) = docs.split_once("```haproxy\n").unwrap();
    let (config, _) = config.split_once("    server whiteboard-2").unwrap();
    let proxy = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let config = config
        .replace("bind :80", &format!("bind {proxy}"))
        .replace("10.0.0.1:8080", &server.address().to_string());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("haproxy.cfg");
    std::fs::write(&path, config).unwrap();
    let mut command = program("/usr/sbin/haproxy");
    command.args(["-db", "-q", "-f"]).arg(path);
    let _balancer = Process::start("haproxy", command, &Log::new(), OnDrop::Kill);
    answers(&format!("http://{proxy}/readyz"), 200).await;

    let (ada, ben) = (Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3));
    let mut open = Vec::new();
    for _ in 0..2 {
        let (status, stream) = upgrade_from(ada, proxy, &drawing).await;
        assert_eq!(status, "HTTP/1.1 101");
        open.push(stream);
    }
    // Whatever it says to be.
    let (status, _) = upgrade_from(ada, proxy, &drawing).await;
    assert_eq!(status, "HTTP/1.1 503");
    let (status, _other) = upgrade_from(ben, proxy, &drawing).await;
    assert_eq!(status, "HTTP/1.1 101");
}
