//! HTTP: the effect of each route, and the answer to every wrong request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use support::client::Client;
use support::http::{http, ready};
use support::server::{TestServer, settings};
use support::state::pen;
use uuid::Uuid;

struct Site {
    server: TestServer,
    http: reqwest::Client,
}

impl Site {
    async fn start() -> Self {
        let mut settings = settings("mem://", &[]);
        settings.server.workers = 1;
        Self {
            server: TestServer::with(settings).await,
            http: http(),
        }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.server.address());
        self.http.request(method, url)
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.ask(Method::GET, path)).await
    }

    async fn make(&self, title: &str) -> String {
        let request = self.ask(Method::POST, "/api/drawings");
        let (status, drawing) = answer(request.json(&json!({"title": title}))).await;
        assert_eq!(status, 201, "{drawing}");
        drawing["id"].as_str().unwrap().to_owned()
    }

    /// Draws one stroke, and returns when it is stored.
    async fn draw(&self, drawing: &str) {
        let mut browser = Client::open(self.server.address(), drawing).await;
        browser.draw_stored(pen(1.0)).await;
        browser.leave().await;
    }

    fn origin(&self) -> String {
        format!("http://{}", self.server.address())
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, work)
        .await
        .expect("it takes too long")
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = within(request.send()).await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    let value = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).expect(&text)
    };
    (status, value)
}

#[track_caller]
fn assert_error(
    (status, value): (StatusCode, Value),
    expected: u16,
    code: &str,
    field: Option<&str>,
) {
    assert_eq!(status.as_u16(), expected, "{value}");
    assert_eq!(value["error"]["code"], code, "{value}");
    assert!(
        value["error"]["message"]
            .as_str()
            .is_some_and(|text| text.len() > 8),
        "{value}"
    );
    assert_eq!(value["error"]["field"].as_str(), field, "{value}");
    assert_eq!(value.as_object().unwrap().len(), 1, "{value}");
}

/// Sends raw text, and returns the whole answer.
async fn raw(address: SocketAddr, request: String) -> String {
    let exchange = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let limit = Some(Duration::from_secs(20));
        stream.set_read_timeout(limit).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    actix_web::rt::task::spawn_blocking(exchange).await.unwrap()
}

async fn raw_get(site: &Site, path: &str, headers: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    raw(site.server.address(), request).await
}

#[actix_web::test]
async fn a_drawing_is_made_renamed_deleted_and_taken_back() {
    let site = Site::start().await;
    let request = site
        .ask(Method::POST, "/api/drawings")
        .json(&json!({"title": "  Plan  "}));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    let place = response.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = response.json().await.unwrap();
    assert_eq!(made["title"], "Plan");
    assert_eq!(made["people"], 0);
    assert!(made["created"].as_str().unwrap().ends_with('Z'), "{made}");
    assert_eq!(
        place,
        format!("/api/drawings/{}", made["id"].as_str().unwrap())
    );
    assert_eq!(site.get(&place).await, (StatusCode::OK, made.clone()));

    let request = site
        .ask(Method::PATCH, &place)
        .json(&json!({"title": "Plan B"}));
    let (status, renamed) = answer(request).await;
    assert_eq!(
        (status, &renamed["title"]),
        (StatusCode::OK, &json!("Plan B"))
    );
    assert_eq!(site.get(&place).await.1["title"], "Plan B");

    assert_eq!(
        answer(site.ask(Method::DELETE, &place)).await,
        (StatusCode::NO_CONTENT, Value::Null)
    );
    assert_error(site.get(&place).await, 410, "gone", None);
    assert_eq!(site.get("/api/drawings").await.1, json!({"drawings": []}));
    let request = site
        .ask(Method::PATCH, &place)
        .json(&json!({"title": "late"}));
    assert_error(answer(request).await, 410, "gone", None);
    assert_error(
        answer(site.ask(Method::DELETE, &place)).await,
        410,
        "gone",
        None,
    );

    let (status, back) = answer(site.ask(Method::POST, &format!("{place}/restore"))).await;
    assert_eq!((status, &back["title"]), (StatusCode::OK, &json!("Plan B")));
    assert_eq!(site.get(&place).await.1["id"], made["id"]);
}

#[actix_web::test]
async fn a_drawing_without_a_title_gets_one() {
    let site = Site::start().await;
    let bodies = ["", "{}", r#"{"title":null}"#];
    for body in bodies {
        let (status, made) = answer(site.ask(Method::POST, "/api/drawings").body(body)).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!(made["title"], "Untitled drawing");
    }
}

#[actix_web::test]
async fn lists_are_read_in_chunks_newest_first() {
    let site = Site::start().await;
    let mut made = Vec::new();
    for number in 0..5 {
        made.insert(0, site.make(&format!("drawing {number}")).await);
        // The order is by the database's clock, in milliseconds.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let mut listed = Vec::new();
    let mut path = "/api/drawings?limit=2".to_owned();
    for expected in [2, 2, 1] {
        let (_, list) = site.get(&path).await;
        let drawings = list["drawings"].as_array().unwrap();
        assert_eq!(drawings.len(), expected, "{list}");
        listed.extend(
            drawings
                .iter()
                .map(|drawing| drawing["id"].as_str().unwrap().to_owned()),
        );
        match list["next"].as_str() {
            Some(next) => path = format!("/api/drawings?limit=2&before={next}"),
            None => assert_eq!(listed.len(), 5),
        }
    }
    assert_eq!(listed, made);
}

#[actix_web::test]
async fn strokes_are_read_since_a_position() {
    let site = Site::start().await;
    let drawing = site.make("Plan \"B\"").await;
    let path = format!("/api/drawings/{drawing}/strokes");
    let (status, empty) = site.get(&path).await;
    assert_eq!(status, 200, "{empty}");
    assert_eq!(empty["title"], "Plan \"B\"");
    assert_eq!(
        (&empty["from"], &empty["head"], &empty["changes"]),
        (&json!(0), &json!(0), &json!([]))
    );
    assert_eq!(
        (&empty["more"], &empty["reset"]),
        (&json!(false), &json!(false))
    );

    site.draw(&drawing).await;
    let (_, one) = site.get(&format!("{path}?since=0")).await;
    assert_eq!(one["head"], 1);
    assert_eq!(one["changes"][0]["seq"], 1);
    assert_eq!(one["changes"][0]["body"]["kind"], "pen");
    let epoch = one["epoch"].as_str().unwrap();
    let (_, none) = site.get(&format!("{path}?since=1&epoch={epoch}")).await;
    assert_eq!(
        (&none["from"], &none["head"], &none["changes"]),
        (&json!(1), &json!(1), &json!([]))
    );

    let other = Uuid::new_v4().simple();
    for query in ["since=9".to_owned(), format!("since=1&epoch={other}")] {
        let (status, base) = site.get(&format!("{path}?{query}")).await;
        assert_eq!(status, 200, "{base}");
        assert_eq!(
            (&base["reset"], &base["from"]),
            (&json!(true), &json!(0)),
            "{query}"
        );
        assert_eq!(base["changes"].as_array().unwrap().len(), 1);
    }
    assert_eq!(site.get(&format!("/api/drawings/{drawing}")).await.0, 200);
}

#[actix_web::test]
async fn strokes_are_compressed_on_request() {
    let site = Site::start().await;
    let drawing = site.make("Plan").await;
    site.draw(&drawing).await;
    let path = format!("/api/drawings/{drawing}/strokes");
    let packed = raw_get(&site, &path, "Host: localhost\r\nAccept-Encoding: gzip\r\n").await;
    assert!(
        packed.to_lowercase().contains("content-encoding: gzip"),
        "{packed}"
    );
    let plain = raw_get(&site, &path, "Host: localhost\r\n").await;
    assert!(
        !plain.to_lowercase().contains("content-encoding"),
        "{plain}"
    );
    assert!(plain.contains(r#""changes":[{"seq":1"#), "{plain}");
}

#[actix_web::test]
async fn a_wrong_body_is_refused_and_names_the_field() {
    let site = Site::start().await;
    let drawing = format!("/api/drawings/{}", site.make("Plan").await);
    let title = Some("title");
    for (body, field) in [
        (r#"{"title":""}"#.to_owned(), title),
        (r#"{"title":"  "}"#.to_owned(), title),
        (json!({"title": "x".repeat(121)}).to_string(), title),
        (json!({"title": "a\u{7}b"}).to_string(), title),
        (json!({"title": "a\nb"}).to_string(), title),
        (r#"{"title":1}"#.to_owned(), title),
        (r#"{"title":["a"]}"#.to_owned(), title),
        (r#"{"title":"a","owner":"me"}"#.to_owned(), Some("owner")),
        ("not json".to_owned(), None),
        ("[]".to_owned(), None),
        (r#"["a"]"#.to_owned(), None),
        (r#"{"title":"a"} x"#.to_owned(), None),
        (r#"{"title":"a""#.to_owned(), None),
        ("[".repeat(8_000), None),
        ("\u{0}".to_owned(), None),
    ] {
        for (method, path) in [(Method::POST, "/api/drawings"), (Method::PATCH, &drawing)] {
            let refused = answer(site.ask(method, path).body(body.clone())).await;
            assert_error(refused, 400, "bad_request", field);
        }
    }
    for body in ["", "{}", r#"{"title":null}"#] {
        let (status, _) = answer(site.ask(Method::PATCH, &drawing).body(body)).await;
        assert_eq!(status, 400, "{body}");
    }
    assert_eq!(site.get(&drawing).await.1["title"], "Plan");
    let (_, all) = site.get("/api/drawings").await;
    assert_eq!(all["drawings"].as_array().unwrap().len(), 1);
    let longest = json!({"title": "ü".repeat(120)});
    assert_eq!(
        answer(site.ask(Method::PATCH, &drawing).json(&longest))
            .await
            .0,
        200
    );
}

#[actix_web::test]
async fn an_oversize_body_is_refused() {
    let site = Site::start().await;
    let drawing = format!("/api/drawings/{}", site.make("Plan").await);
    for (method, path) in [(Method::POST, "/api/drawings"), (Method::PATCH, &drawing)] {
        let body = json!({"title": "x".repeat(17 * 1024)}).to_string();
        let refused = answer(site.ask(method, path).body(body)).await;
        assert_error(refused, 413, "too_large", None);
    }
    // In chunks, so that the length is not known before.
    let piece = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let request = format!(
        "POST /api/drawings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n{piece}{piece}0\r\n\r\n"
    );
    let text = raw(site.server.address(), request).await;
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    assert!(text.contains(r#""code":"too_large""#), "{text}");
}

#[actix_web::test]
async fn an_invalid_id_is_refused() {
    let site = Site::start().await;
    let id = site.make("Plan").await;
    for wrong in [
        "x".to_owned(),
        id.to_uppercase(),
        format!("{}-{}", &id[..8], &id[8..]),
        format!("{id}0"),
        format!("{id};%20REMOVE%20TABLE%20drawing"),
        format!("drawing:{id}"),
        "$drawing".to_owned(),
        "(SELECT%20*%20FROM%20drawing)".to_owned(),
        "%27%20OR%201%3D1".to_owned(),
        "%00".to_owned(),
        "%ff%fe".to_owned(),
    ] {
        for rest in ["", "/strokes"] {
            let refused = site.get(&format!("/api/drawings/{wrong}{rest}")).await;
            assert_error(refused, 400, "bad_request", Some("drawing"));
        }
        let path = format!("/api/drawings/{wrong}");
        let refused = answer(site.ask(Method::DELETE, &path)).await;
        assert_error(refused, 400, "bad_request", Some("drawing"));
    }
    let absent = format!("/api/drawings/{}", Uuid::new_v4().simple());
    assert_error(site.get(&absent).await, 404, "not_found", None);
    assert_error(
        site.get(&format!("{absent}/strokes")).await,
        404,
        "not_found",
        None,
    );
    assert_error(
        answer(site.ask(Method::DELETE, &absent)).await,
        404,
        "not_found",
        None,
    );
    let restore = site.ask(Method::POST, &format!("{absent}/restore"));
    assert_error(answer(restore).await, 404, "not_found", None);
    assert_eq!(site.get(&format!("/api/drawings/{id}")).await.0, 200);
}

#[actix_web::test]
async fn a_wrong_query_is_refused_and_names_the_field() {
    let site = Site::start().await;
    let strokes = format!("/api/drawings/{}/strokes", site.make("Plan").await);
    for since in [
        "-1",
        "NaN",
        "",
        "1.5",
        "1e3",
        "0x1",
        "%201",
        "9007199254740992",
        "18446744073709551616",
    ] {
        let refused = site.get(&format!("{strokes}?since={since}")).await;
        assert_error(refused, 400, "bad_request", Some("since"));
    }
    for epoch in ["", "1", "NONE", "%27"] {
        let refused = site.get(&format!("{strokes}?epoch={epoch}")).await;
        assert_error(refused, 400, "bad_request", Some("epoch"));
    }
    for limit in ["0", "201", "-1", "all"] {
        let refused = site.get(&format!("/api/drawings?limit={limit}")).await;
        assert_error(refused, 400, "bad_request", Some("limit"));
    }
    for before in ["", "x", "1", "1.x", "-1.00000000000000000000000000000000"] {
        let refused = site.get(&format!("/api/drawings?before={before}")).await;
        assert_error(refused, 400, "bad_request", Some("before"));
    }
    assert_error(
        site.get(&format!("{strokes}?since=1&since=2")).await,
        400,
        "bad_request",
        None,
    );
}

#[actix_web::test]
async fn a_wrong_method_is_answered_with_the_allowed_ones() {
    let site = Site::start().await;
    let drawing = format!("/api/drawings/{}", site.make("Plan").await);
    for (method, path, allowed) in [
        (Method::DELETE, "/api/drawings".to_owned(), "GET, POST"),
        (Method::PUT, drawing.clone(), "GET, PATCH, DELETE"),
        (Method::GET, format!("{drawing}/restore"), "POST"),
        (Method::POST, format!("{drawing}/strokes"), "GET"),
        (Method::POST, "/".to_owned(), "GET"),
        (Method::POST, "/healthz".to_owned(), "GET"),
        (
            Method::OPTIONS,
            "/assets/dev/pages/board-page.js".to_owned(),
            "GET",
        ),
    ] {
        let response = site.ask(method, &path).send().await.unwrap();
        assert_eq!(response.headers()["allow"], allowed, "{path}");
        let refused = (response.status(), response.json().await.unwrap());
        assert_error(refused, 405, "method_not_allowed", None);
    }
}

#[actix_web::test]
async fn an_unknown_address_is_an_error_like_any_other() {
    let site = Site::start().await;
    for path in [
        "/nothing",
        "/api",
        "/api/",
        "/api/drawings/",
        "/assets/dev/none.js",
        "/%00",
        "/ws",
        "/ws/a/b",
    ] {
        assert_error(site.get(path).await, 404, "not_found", None);
    }
    let socket = format!("/ws/{}", Uuid::new_v4().simple());
    assert_error(site.get(&socket).await, 426, "upgrade_required", None);
}

#[actix_web::test]
async fn a_browser_that_opens_a_wrong_address_gets_a_page() {
    const OPENED: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
    let site = Site::start().await;
    let drawing = site.make("Plan").await;
    let (socket, closed) = (format!("/ws/{drawing}"), format!("/d/{drawing}/"));
    for (path, host, status, section) in [
        ("/nothing", "localhost", 404, "not_found"),
        ("/api", "localhost", 404, "not_found"),
        (&closed, "localhost", 404, "not_found"),
        (&socket, "localhost", 426, "not_found"),
        ("/", "evil.example", 403, "forbidden"),
    ] {
        let asked = site.ask(Method::GET, path).header("host", host);
        let response = asked.header("accept", OPENED).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(headers.contains_key("content-security-policy"), "{path}");
        let html = response.text().await.unwrap();
        assert!(
            html.contains(&format!("<section id=\"{section}\">")),
            "{html}"
        );
        assert!(!html.contains("{{"), "{html}");
    }
    for path in ["/api/nothing", "/api/drawings/x", "/assets/dev/none.js"] {
        let opened = site.ask(Method::GET, path).header("accept", OPENED);
        let (status, value) = answer(opened).await;
        assert!(value["error"]["code"].is_string(), "{status} {value}");
    }
    site.server.drain().await;
}

#[actix_web::test]
async fn the_drawing_that_changed_last_is_listed_first_and_found_by_its_title() {
    let site = Site::start().await;
    let older = site.make("Küche").await;
    let newer = site.make("Bath").await;
    let first = async || site.get("/api/drawings?limit=1").await.1;
    assert_eq!(first().await["drawings"][0]["id"], *newer);
    site.draw(&older).await;
    // The order lags behind a stroke.
    let moved = async || while first().await["drawings"][0]["id"] != *older {};
    within(moved()).await;
    let found = async |query: &str| {
        let (_, list) = site.get(&format!("/api/drawings?{query}")).await;
        list["drawings"].clone()
    };
    assert_eq!(found("q=K%C3%9CCHE").await[0]["id"], *older);
    assert_eq!(found("q=k%C3%BC+bath").await, json!([]));
    assert_eq!(found("q=+").await.as_array().unwrap().len(), 2);
    let long = format!("/api/drawings?q={}", "x".repeat(121));
    assert_error(site.get(&long).await, 400, "bad_request", Some("q"));
    site.server.drain().await;
}

#[actix_web::test]
async fn a_picture_is_sent_back_as_it_came_and_as_nothing_but_a_picture() {
    let site = Site::start().await;
    let path = format!("/api/drawings/{}/assets", site.make("Plan").await);
    let gif = b"GIF89a<script>alert(1)</script>".repeat(2_000);
    let send = |bytes: Vec<u8>| answer(site.ask(Method::POST, &path).body(bytes));
    let (status, sent) = send(gif.clone()).await;
    assert_eq!((status.as_u16(), &sent["type"]), (201, &json!("image/gif")));
    assert_eq!(send(gif.clone()).await, (status, sent.clone()));
    let address = format!("{path}/{}", sent["hash"].as_str().unwrap());
    let response = site.ask(Method::GET, &address).send().await.unwrap();
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "image/gif");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(
        headers["content-security-policy"],
        "default-src 'none'; sandbox"
    );
    assert_eq!(
        headers["cache-control"],
        "private, max-age=31536000, immutable"
    );
    assert_eq!(headers["content-length"], gif.len().to_string());
    assert_eq!(response.bytes().await.unwrap(), gif);

    let svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    assert_error(send(svg.into()).await, 415, "unsupported", None);
    assert_error(send(Vec::new()).await, 415, "unsupported", None);
    let large = [b"GIF89a".to_vec(), vec![0; 4 << 20]].concat();
    assert_error(send(large).await, 413, "too_large", None);
    let absent = format!("{path}/{}", "0".repeat(64));
    assert_error(site.get(&absent).await, 404, "not_found", None);
    let wrong = format!("{path}/{}", "x".repeat(64));
    assert_error(site.get(&wrong).await, 400, "bad_request", Some("hash"));
    let nowhere = format!("/api/drawings/{}/assets", Uuid::new_v4().simple());
    let sent = answer(site.ask(Method::POST, &nowhere).body(gif)).await;
    assert_error(sent, 404, "not_found", None);
    site.server.drain().await;
}

#[actix_web::test]
async fn no_path_leads_out_of_static() {
    let site = Site::start().await;
    for path in [
        "/assets/dev/../../Cargo.toml",
        "/assets/dev/%2e%2e/%2e%2e/Cargo.toml",
        "/assets/dev/..%2f..%2fCargo.toml",
        "/assets/dev/..%5c..%5cCargo.toml",
        "/assets/dev//etc/passwd",
        "/assets/dev/%2fetc%2fpasswd",
        "/assets/../Cargo.toml",
        "/../Cargo.toml",
        "/api/drawings/../../Cargo.toml",
        "/ws/../Cargo.toml",
    ] {
        let text = raw_get(&site, path, "Host: localhost\r\n").await;
        assert!(text.starts_with("HTTP/1.1 40"), "{path}: {text}");
        assert!(
            !text.contains("[package]") && !text.contains("root:"),
            "{path}: {text}"
        );
    }
}

#[actix_web::test]
async fn a_foreign_origin_or_a_strange_host_is_refused_everywhere() {
    let site = Site::start().await;
    let drawing = site.make("Plan").await;
    let paths = [
        "/".to_owned(),
        format!("/d/{drawing}"),
        "/assets/dev/pages/board-page.js".to_owned(),
        "/api/drawings".to_owned(),
        format!("/api/drawings/{drawing}"),
        format!("/api/drawings/{drawing}/strokes"),
        "/nothing".to_owned(),
    ];
    let strange = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost:1"),
        ("host", "evil.example"),
        ("host", "evil.example:8080"),
        ("host", "127.0.0.1.evil.example"),
    ];
    for path in &paths {
        for (name, value) in strange {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let request = site.ask(method, path).header(name, value);
                assert_error(answer(request).await, 403, "forbidden", None);
            }
        }
    }
    let own = site
        .ask(Method::POST, "/api/drawings")
        .header("origin", site.origin());
    assert_eq!(answer(own).await.0, 201);
    let (_, all) = site.get("/api/drawings").await;
    assert_eq!(all["drawings"].as_array().unwrap().len(), 2);
    // Health checks may use any host name.
    let probe = site
        .ask(Method::GET, "/healthz")
        .header("host", "balancer.example");
    assert_eq!(answer(probe).await.0, 200);
}

#[actix_web::test]
async fn pages_are_sent_with_security_headers() {
    let site = Site::start().await;
    let drawing = site.make("Plan").await;
    for path in ["/".to_owned(), format!("/d/{drawing}")] {
        let response = site.ask(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(headers["cache-control"], "no-cache");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "same-origin");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(policy.ends_with("; frame-ancestors 'self'"), "{policy}");
        let html = response.text().await.unwrap();
        assert!(!html.contains("{{build}}"), "{html}");
    }
    let wrong = site.ask(Method::GET, "/d/mistyped").send().await.unwrap();
    assert_eq!(wrong.status(), 404);
    assert_eq!(wrong.headers()["content-type"], "text/html; charset=utf-8");
    let script = site
        .ask(Method::GET, "/assets/dev/model/arrival.js")
        .send()
        .await
        .unwrap();
    assert_eq!(script.status(), 200);
    assert!(
        script.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/javascript")
    );
    // It would be a third of all bytes of a first visit.
    assert!(!script.headers().contains_key("content-security-policy"));
    // Files read from disk change at any time.
    if cfg!(debug_assertions) {
        assert_eq!(script.headers()["cache-control"], "no-cache");
    }
    let head = site.ask(Method::HEAD, "/").send().await.unwrap();
    assert_eq!(head.status(), 200);
}

#[actix_web::test]
async fn only_listed_origins_may_show_a_drawing_in_a_frame() {
    let listed = "https://wiki.example, http://10.0.0.5:3000";
    let site = Site {
        server: TestServer::start(&["--frame-origins", listed]).await,
        http: http(),
    };
    let response = site.ask(Method::GET, "/").send().await.unwrap();
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    let frames = " frame-ancestors 'self' https://wiki.example http://10.0.0.5:3000";
    assert!(policy.ends_with(frames), "{policy}");
    // To be shown in a frame is no right to use the server.
    let foreign = site
        .ask(Method::GET, "/api/drawings")
        .header("origin", "https://wiki.example");
    assert_error(answer(foreign).await, 403, "forbidden", None);
    site.server.drain().await;
}

/// The addresses after `mark` in a text, each up to a quote.
fn addresses<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let rest = text.split(mark).skip(1);
    rest.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[actix_web::test]
async fn a_first_load_of_a_drawing_is_small_and_needs_no_chain_of_requests() {
    const MOST: usize = 150 * 1024;
    let site = Site::start().await;
    let drawing = site.make("Plan").await;
    let get = async |path: &str, encoding: &'static str| {
        let asked = site
            .ask(Method::GET, path)
            .header("accept-encoding", encoding);
        let response = asked.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let encoded = response.headers().get("content-encoding");
        let encoded = encoded.map_or("identity".into(), |value| {
            value.to_str().unwrap().to_owned()
        });
        (encoded, response.bytes().await.unwrap())
    };
    let page = format!("/d/{drawing}");
    let (_, html) = get(&page, "identity").await;
    let html = String::from_utf8(html.to_vec()).unwrap();
    let modules = addresses(&html, "<link rel=\"modulepreload\" href=\"");
    let styles = addresses(&html, "<link rel=\"stylesheet\" href=\"");
    let scripts = addresses(&html, "<script src=\"");
    let icons = addresses(&html, "<link rel=\"icon\" href=\"");
    assert!(modules.len() > 20 && !styles.is_empty(), "{html}");
    let mut bytes = get(&page, "br").await.1.len();
    for path in modules.iter().chain(&styles).chain(&scripts).chain(&icons) {
        let (encoding, file) = get(path, "gzip, br").await;
        assert_eq!(encoding, "br", "{path}");
        bytes += file.len();
    }
    assert!(bytes < MOST, "{bytes} bytes");
    println!(
        "a first load has {bytes} bytes in {} files",
        modules.len() + styles.len() + 3
    );
    // Whatever a module imports is named by the page.
    for path in &modules {
        let (_, text) = get(path, "identity").await;
        let text = String::from_utf8(text.to_vec()).unwrap();
        for import in addresses(&text, " from \"./") {
            let folder = path.rsplit_once('/').unwrap().0;
            let import = format!("{folder}/{import}");
            assert!(modules.contains(&&*import), "{path} imports {import}");
        }
    }
    let gzip = "Host: localhost\r\nAccept-Encoding: gzip\r\n";
    let packed = raw_get(&site, modules[0], gzip).await;
    assert!(packed.contains("content-encoding: gzip"), "{packed}");
    site.server.drain().await;
}

#[actix_web::test]
async fn health_is_reported() {
    let site = Site::start().await;
    assert_eq!(
        site.get("/healthz").await,
        (StatusCode::OK, json!({"status": "ok"}))
    );
    ready(site.server.address(), 200).await;
    assert_eq!(
        site.get("/readyz").await,
        (StatusCode::OK, json!({"status": "ready"}))
    );
}

#[actix_web::test]
async fn a_server_that_leaves_says_so_first() {
    let site = Site {
        server: TestServer::start(&["--drain-delay=4s"]).await,
        http: http(),
    };
    let address = site.server.address();
    let unready = site.ask(Method::GET, "/readyz");
    let health = site.ask(Method::GET, "/healthz");
    let draining = actix_web::rt::spawn(site.server.drain());
    ready(address, 503).await;
    assert_error(answer(unready).await, 503, "unavailable", None);
    assert_eq!(answer(health).await.0, 200);
    within(draining).await.unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[actix_web::test]
async fn a_server_that_stops_closes_its_sessions_for_a_restart() {
    let site = Site::start().await;
    let drawing = site.make("Plan").await;
    let mut browser = Client::open(site.server.address(), &drawing).await;
    let draining = actix_web::rt::spawn(site.server.drain());
    let closed = browser.closed().await;
    assert_eq!(closed.code, 1012);
    assert!(closed.reason.starts_with("again in "), "{}", closed.reason);
    within(draining).await.unwrap();
}

#[actix_web::test]
async fn two_servers_run_in_one_process() {
    let (one, two) = (Site::start().await, Site::start().await);
    assert_ne!(one.server.address(), two.server.address());
    one.make("only there").await;
    assert_eq!(two.get("/api/drawings").await.1, json!({"drawings": []}));
    one.server.drain().await;
    ready(two.server.address(), 200).await;
}
