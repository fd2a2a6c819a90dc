//! Who may do what: every route and frame with every kind of access, and what ends or changes one.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use support::client::Client;
use support::http::{http, metric};
use support::server::{ServerProcess, TestServer, settings};
use support::socket::{rejected, request};
use support::state::pen;
use support::wait::eventually;
use whiteboard::domain::ids::{DrawingId, StrokeId};
use whiteboard::domain::key::Key;

const OPERATOR: &str = "an-operators-key-of-a-test";
const NOT_SHARED: &str = "there is no such drawing, or it is not shared with you";

/// A server that wants keys, and one drawing with a key of each level.
struct Site {
    address: SocketAddr,
    id: String,
    own: String,
    draw: String,
    view: String,
    _server: Option<TestServer>,
}

/// Sends a request, with a key if there is one.
fn ask(address: SocketAddr, method: Method, path: &str, key: Option<&str>) -> RequestBuilder {
    let request = http().request(method, format!("http://{address}{path}"));
    match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    }
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let text = response.text().await.expect("text");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

impl Site {
    async fn start() -> Self {
        let flags = ["--access=links", "--operator-key", OPERATOR];
        let server = TestServer::start(&flags).await;
        let mut site = Self::at(server.address()).await;
        site._server = Some(server);
        site
    }

    async fn at(address: SocketAddr) -> Self {
        let request = ask(address, Method::POST, "/api/drawings", None);
        let (status, drawing) = answer(request).await;
        assert_eq!(status, 201, "{drawing}");
        let mut site = Self {
            address,
            id: text(&drawing["id"]),
            own: text(&drawing["key"]),
            draw: String::new(),
            view: String::new(),
            _server: None,
        };
        site.draw = site.key("draw").await.0;
        site.view = site.key("view").await.0;
        site
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/drawings/{}{rest}", self.id)
    }

    /// Asks as the owner.
    async fn own(&self, method: Method, rest: &str, body: Value) -> (u16, Value) {
        let request = ask(self.address, method, &self.path(rest), Some(&self.own));
        match body {
            Value::Null => answer(request).await,
            body => answer(request.json(&body)).await,
        }
    }

    /// A new key: its secret and its id.
    async fn key(&self, access: &str) -> (String, String) {
        let body = json!({"access": access, "name": format!("a key to {access}")});
        let (status, key) = self.own(Method::POST, "/keys", body).await;
        assert_eq!(status, 201, "{key}");
        (text(&key["key"]), text(&key["id"]))
    }

    async fn visitor(&self, key: &str) -> Client {
        let mut client = Client::new(self.address, &self.id);
        client.name = Some("Ada".into());
        client.token = Some(key.to_owned());
        client.connect().await;
        client
            .wait("what it may do", |it| !it.standing.is_null())
            .await;
        client
    }

    /// How a socket is closed whose hello shows this.
    async fn closed(&self, drawing: &str, token: Option<&str>) -> (u16, String) {
        let mut client = Client::new(self.address, drawing);
        client.token = token.map(str::to_owned);
        client.connect().await;
        let closed = client.closed().await;
        assert_eq!(client.strokes.len() + client.welcomes, 0, "nothing flows");
        (closed.code, closed.reason)
    }
}

/// Everything that can be asked about a drawing: the method, the path, a body, the least level, and the
/// status of success.
fn routes(site: &Site) -> Vec<(Method, &'static str, String, Value, usize, u16)> {
    let hash = "0".repeat(64);
    let person = "A".repeat(22);
    let key = "AAAAAAAAAAA";
    let route = |method, pattern: &'static str, body, level, status| {
        let path = pattern
            .replace("{drawing}", &site.id)
            .replace("{hash}", &hash);
        let path = path.replace("{key}", key).replace("{author}", &person);
        let path = format!("/api/drawings{path}");
        (method, pattern, path, body, level, status)
    };
    let none = Value::Null;
    vec![
        route(Method::GET, "/{drawing}", none.clone(), 1, 200),
        route(Method::GET, "/{drawing}/strokes", none.clone(), 1, 200),
        route(Method::GET, "/{drawing}/export.svg", none.clone(), 1, 200),
        route(Method::GET, "/{drawing}/export.png", none.clone(), 1, 200),
        route(Method::GET, "/{drawing}/export.json", none.clone(), 1, 200),
        route(
            Method::GET,
            "/{drawing}/thumbnail.svg",
            none.clone(),
            1,
            200,
        ),
        route(
            Method::GET,
            "/{drawing}/assets/{hash}",
            none.clone(),
            1,
            404,
        ),
        route(Method::POST, "/{drawing}/assets", json!({}), 2, 415),
        route(Method::PATCH, "/{drawing}", json!({"title": "New"}), 3, 200),
        route(Method::POST, "/{drawing}/restore", none.clone(), 3, 200),
        route(Method::GET, "/{drawing}/keys", none.clone(), 3, 200),
        route(
            Method::POST,
            "/{drawing}/keys",
            json!({"access": "view"}),
            3,
            201,
        ),
        route(
            Method::PATCH,
            "/{drawing}/keys/{key}",
            json!({"name": "x"}),
            3,
            404,
        ),
        route(
            Method::DELETE,
            "/{drawing}/keys/{key}",
            none.clone(),
            3,
            404,
        ),
        route(
            Method::PUT,
            "/{drawing}/locked",
            json!({"locked": false}),
            3,
            204,
        ),
        route(
            Method::PUT,
            "/{drawing}/muted/{author}",
            none.clone(),
            3,
            204,
        ),
        route(
            Method::DELETE,
            "/{drawing}/muted/{author}",
            none.clone(),
            3,
            204,
        ),
        // The last one.
        route(Method::DELETE, "/{drawing}", none, 3, 204),
    ]
}

/// The patterns of routes about drawings, with their methods, as the program registers them.
fn registered() -> BTreeSet<String> {
    let source = include_str!("../../src/web/routes.rs");
    let (_, scope) = source.split_once("web::scope(\"/api/drawings\")").unwrap();
    let (scope, _) = scope.split_once("web::scope(\"\")").unwrap();
    let resources = scope.split("resource(").skip(1).map(|resource| {
        let parts: Vec<_> = resource.split('"').collect();
        (parts[1], parts[3])
    });
    let each = resources.flat_map(|(pattern, methods)| {
        methods
            .split(", ")
            .map(move |method| format!("{method} {pattern}"))
    });
    each.collect()
}

#[actix_web::test]
async fn every_route_needs_what_the_table_says() {
    let site = Site::start().await;
    let all = routes(&site);
    let mut walked: BTreeSet<_> = all.iter().map(|it| format!("{} {}", it.0, it.1)).collect();
    for others in ["GET ", "POST ", "POST /held"] {
        walked.insert(others.to_owned());
    }
    assert_eq!(walked, registered(), "a route is not in the table");

    let other = Site::at(site.address).await;
    let (revoked, id) = site.key("own").await;
    let (status, _) = site
        .own(Method::DELETE, &format!("/keys/{id}"), Value::Null)
        .await;
    assert_eq!(status, 204);
    let unknown = Key::new([1; 16]).secret();
    let none: [Option<&str>; 7] = [
        None,
        Some(&unknown),
        Some(&other.own),
        Some(&revoked),
        Some("a word"),
        Some("a.jwt.token"),
        Some(&OPERATOR[1..]),
    ];
    let shown = none.iter().map(|it| (*it, 0));
    let keys = [(&site.view, 1), (&site.draw, 2), (&site.own, 3)];
    let keys = keys.map(|(key, level)| (Some(key.as_str()), level));
    let shown: Vec<_> = shown.chain(keys).chain([(Some(OPERATOR), 3)]).collect();
    let is_absent = |status: u16, error: &Value| {
        status == 404 && error["error"]["message"] == json!(NOT_SHARED)
    };
    let described = ask(site.address, Method::GET, "/api/openapi.json", None);
    let (_, described) = answer(described).await;
    for (method, pattern, path, body, least, success) in &all {
        let operation = &described["paths"][format!("/api/drawings{pattern}")];
        let statuses = &operation[method.as_str().to_lowercase()]["responses"];
        for (key, level) in &shown {
            if pattern == &"/{drawing}" && method == Method::DELETE && *key == Some(OPERATOR) {
                continue;
            }
            let mut request = ask(site.address, method.clone(), path, *key);
            if !body.is_null() {
                request = request.json(body);
            }
            let (status, error) = answer(request).await;
            let what = format!("{method} {pattern} with {key:?}: {status} {error}");
            assert!(
                statuses[status.to_string()].is_object(),
                "described: {what}"
            );
            match level {
                0 => assert!(is_absent(status, &error), "{what}"),
                level if level < least => {
                    assert_eq!(status, 403, "{what}");
                    assert_eq!(error["error"]["code"], "forbidden", "{what}");
                }
                _ => assert_eq!(status, *success, "{what}"),
            }
        }
    }
    // The last route has deleted it: who had a key learns that, and nobody else.
    let gone = ask(site.address, Method::GET, &site.path(""), Some(&site.view));
    assert_eq!(answer(gone).await.0, 410);
    let gone = ask(site.address, Method::GET, &site.path(""), Some(&unknown));
    let (status, error) = answer(gone).await;
    assert!(is_absent(status, &error), "{status} {error}");
}

#[actix_web::test]
async fn the_list_of_all_drawings_is_for_the_operator() {
    let site = Site::start().await;
    let list = |key| answer(ask(site.address, Method::GET, "/api/drawings", key));
    for key in [
        None,
        Some(site.own.as_str()),
        Some("another-key-of-operators"),
    ] {
        let (status, error) = list(key).await;
        assert_eq!(
            (status, &error["error"]["code"]),
            (403, &json!("forbidden"))
        );
    }
    let (status, listed) = list(Some(OPERATOR)).await;
    assert_eq!(
        (status, listed["drawings"].as_array().unwrap().len()),
        (200, 1)
    );
}

#[actix_web::test]
async fn the_operator_may_be_the_only_one_who_creates_drawings() {
    for access in ["open", "links"] {
        let access = format!("--access={access}");
        let flags = [&access, "--create=operator", "--operator-key", OPERATOR];
        let server = TestServer::start(&flags).await;
        let create = |key| answer(ask(server.address(), Method::POST, "/api/drawings", key));
        let (status, error) = create(None).await;
        assert_eq!(
            (status, &error["error"]["code"]),
            (403, &json!("forbidden"))
        );
        let (status, drawing) = create(Some(OPERATOR)).await;
        assert_eq!(status, 201);
        assert_eq!(drawing["key"].is_string(), access == "--access=links");
    }
}

#[actix_web::test]
async fn what_is_not_shared_looks_like_what_is_not_there_and_costs_the_same() {
    let site = Site::start().await;
    let other = Site::at(site.address).await;
    let (revoked, id) = site.key("view").await;
    site.own(Method::DELETE, &format!("/keys/{id}"), Value::Null)
        .await;
    let nowhere = DrawingId::random().to_string();
    let unknown = Key::new([1; 16]).secret();
    let queries = async || metric(site.address, "whiteboard_query_seconds_count").await;
    let cases = [
        (&nowhere, &unknown),
        (&nowhere, &site.own),
        (&site.id, &unknown),
        (&site.id, &other.own),
        (&site.id, &revoked),
    ];
    let mut seen = BTreeSet::new();
    for (drawing, key) in cases {
        for rest in ["", "/strokes", "/export.svg", "/keys"] {
            let path = format!("/api/drawings/{drawing}{rest}");
            // A heartbeat may come between: the least of some tries is what a request costs.
            let mut cost = f64::MAX;
            for _ in 0..5 {
                let before = queries().await;
                let response = ask(site.address, Method::GET, &path, Some(key))
                    .send()
                    .await;
                let response = response.unwrap();
                let head = format!("{:?} {:?}", response.status(), header_names(&response));
                let body = response.text().await.unwrap();
                cost = cost.min(queries().await - before);
                seen.insert(format!("{head} {body}"));
            }
            assert_eq!(cost, 1.0, "{path} is one look for one row");
        }
        let closed = site.closed(drawing, Some(key)).await;
        assert_eq!(closed, (4403, format!("final: {NOT_SHARED}")));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    for token in [None, Some(""), Some("x"), Some("a.b.c")] {
        let closed = site.closed(&site.id, token).await;
        assert_eq!(closed, (4403, format!("final: {NOT_SHARED}")), "{token:?}");
    }
}

fn header_names(response: &reqwest::Response) -> BTreeSet<(String, String)> {
    let headers = response.headers().iter();
    let headers = headers.filter(|(name, _)| *name != "date");
    // Their order is random.
    headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect()
}

#[actix_web::test]
async fn nothing_flows_before_a_hello_that_is_let_in() {
    let site = Site::start().await;
    let mut owner = site.visitor(&site.own).await;
    owner.draw_stored(pen(1.0)).await;
    for frame in [
        r#"{"type":"ping"}"#,
        r#"{"type":"people"}"#,
        r#"{"type":"signal","away":true}"#,
        r#"{"type":"ops","ops":[]}"#,
    ] {
        let mut client = Client::new(site.address, &site.id);
        client.writes = false;
        client.connect().await;
        client.raw(frame).await;
        let closed = client.closed().await;
        assert_eq!(
            (closed.code, &*closed.reason),
            (4400, "final: hello comes first")
        );
        assert_eq!((client.strokes.len(), client.pongs), (0, 0));
    }
    // A token in the address is no token.
    let path = format!("/ws/{}?since=0&token={}", site.id, site.own);
    let mut settings = settings("mem://", &["--access=links"]);
    settings.sessions.hello_wait = Duration::from_millis(200);
    let hurried = TestServer::with(settings).await;
    let closed = rejected(hurried.address(), request(hurried.address(), &path)).await;
    assert_eq!(closed.code, 4408);
}

fn called(client: &Client) -> bool {
    client.views.iter().any(|view| view["call"] == json!(true))
}

#[actix_web::test]
async fn a_frame_may_do_what_its_level_allows() {
    let site = Site::start().await;
    let mut owner = site.visitor(&site.own).await;
    let mut viewer = site.visitor(&site.view).await;
    let mut drawer = site.visitor(&site.draw).await;
    for (client, access) in [(&owner, "own"), (&viewer, "view"), (&drawer, "draw")] {
        assert_eq!(client.access, access);
        let standing = &client.standing;
        assert_eq!(
            (&standing["locked"], &standing["muted"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(
            standing["muted_people"].is_array(),
            access == "own",
            "{standing}"
        );
    }
    let stroke = drawer.draw_stored(pen(1.0)).await;
    viewer.sees(stroke).await;
    for op in [
        json!({"op": "draw", "stroke": StrokeId::random(), "body": pen(1.0)}),
        json!({"op": "edit", "stroke": stroke, "set": {"x": 9}}),
        json!({"op": "erase", "stroke": stroke}),
    ] {
        let n = viewer.submit(op).await;
        assert_eq!(viewer.refusal(n).await.reason, "forbidden");
    }
    // Signals: a viewer points and looks, and neither sketches nor calls.
    let ink = json!({"stroke": StrokeId::random(), "n": 9, "offset": 0, "x": 1, "y": 1,
        "points": "AAEAAA==", "kind": "pen", "colour": "#1d1d1f", "width": 4});
    let view = json!({"x": 0, "y": 0, "w": 10, "h": 10});
    let all = json!({"pointer": {"x": 7, "y": 7}, "ink": ink, "view": view, "call": true,
        "preview": {"n": 9}});
    viewer.signal(all.clone()).await;
    let writer = viewer.writer.unwrap();
    owner
        .wait("a pointer", |it| it.pointers.contains_key(&writer))
        .await;
    assert!(owner.ink.is_empty() && !called(&owner));
    drawer.signal(all).await;
    owner
        .wait("ink", |it| !it.ink.is_empty() && called(it))
        .await;
    // Ping and people are for all.
    viewer.all_read().await;
}

#[actix_web::test]
async fn a_session_is_lowered_and_closed_as_its_key_is() {
    let site = Site::start().await;
    let mut owner = site.visitor(&site.own).await;
    let (secret, id) = site.key("draw").await;
    let mut drawer = site.visitor(&secret).await;
    let stroke = drawer.draw_stored(pen(1.0)).await;
    owner.sees(stroke).await;
    let path = format!("/keys/{id}");
    let (status, key) = site
        .own(Method::PATCH, &path, json!({"access": "view"}))
        .await;
    assert_eq!((status, &key["access"]), (200, &json!("view")));
    drawer.wait("less access", |it| it.access == "view").await;
    let n = drawer
        .submit(json!({"op": "erase", "stroke": stroke}))
        .await;
    assert_eq!(drawer.refusal(n).await.reason, "forbidden");
    site.own(Method::PATCH, &path, json!({"access": "draw"}))
        .await;
    drawer.wait("more access", |it| it.access == "draw").await;
    drawer.draw_stored(pen(2.0)).await;
    assert_eq!(site.own(Method::DELETE, &path, Value::Null).await.0, 204);
    let closed = drawer.closed().await;
    let ended = "final: this drawing is no longer shared with you";
    assert_eq!((closed.code, &*closed.reason), (4403, ended));
    owner.draw_stored(pen(3.0)).await;
    assert_eq!(owner.strokes.len(), 3, "what was acknowledged stays");
}

#[actix_web::test]
async fn a_locked_drawing_and_a_muted_person_are_told_so() {
    let site = Site::start().await;
    let mut owner = site.visitor(&site.own).await;
    let mut drawer = site.visitor(&site.draw).await;
    let draw = || json!({"op": "draw", "stroke": StrokeId::random(), "body": pen(1.0)});
    let (status, _) = site
        .own(Method::PUT, "/locked", json!({"locked": true}))
        .await;
    assert_eq!(status, 204);
    for client in [&mut owner, &mut drawer] {
        client
            .wait("a lock", |it| it.standing["locked"] == json!(true))
            .await;
    }
    let n = drawer.submit(draw()).await;
    assert_eq!(drawer.refusal(n).await.reason, "locked");
    owner.draw_stored(pen(1.0)).await;
    site.own(Method::PUT, "/locked", json!({"locked": false}))
        .await;
    drawer
        .wait("no lock", |it| it.standing["locked"] == json!(false))
        .await;
    drawer.draw_stored(pen(1.0)).await;

    let author = owner
        .people
        .iter()
        .find(|it| it.writer == drawer.writer.unwrap());
    let author = author.expect("the drawer").author;
    let path = format!("/muted/{author}");
    assert_eq!(site.own(Method::PUT, &path, Value::Null).await.0, 204);
    drawer
        .wait("to be muted", |it| it.standing["muted"] == json!(true))
        .await;
    let listed = |it: &Client| it.standing["muted_people"] == json!([author]);
    owner.wait("who is muted", listed).await;
    let n = drawer.submit(draw()).await;
    assert_eq!(drawer.refusal(n).await.reason, "muted");
    assert_eq!(site.own(Method::DELETE, &path, Value::Null).await.0, 204);
    drawer
        .wait("not to be muted", |it| it.standing["muted"] == json!(false))
        .await;
    drawer.draw_stored(pen(1.0)).await;
}

#[actix_web::test]
async fn a_key_of_a_higher_level_counts_without_a_new_socket() {
    let site = Site::start().await;
    let mut client = site.visitor(&site.view).await;
    client
        .raw(&json!({"type": "token", "token": site.draw}).to_string())
        .await;
    client.wait("more access", |it| it.access == "draw").await;
    client.draw_stored(pen(1.0)).await;
    client
        .raw(&json!({"type": "token", "token": site.view}).to_string())
        .await;
    client.all_read().await;
    client.draw_stored(pen(2.0)).await;
    assert_eq!(client.welcomes, 1);
    client.raw(r#"{"type":"token","token":"x"}"#).await;
    assert_eq!(client.closed().await.code, 4403);
}

#[actix_web::test]
async fn a_key_ends_at_its_time_for_sessions_and_requests() {
    let site = Site::start().await;
    let soon = time::OffsetDateTime::now_utc() + Duration::from_millis(1_500);
    let format = &time::format_description::well_known::Rfc3339;
    let body = json!({"access": "view", "expires": soon.format(format).unwrap()});
    let (status, key) = site.own(Method::POST, "/keys", body).await;
    assert_eq!(status, 201, "{key}");
    let secret = text(&key["key"]);
    let mut client = site.visitor(&secret).await;
    assert_eq!(client.closed().await.code, 4403);
    assert!(time::OffsetDateTime::now_utc() >= soon);
    let read = ask(site.address, Method::GET, &site.path(""), Some(&secret));
    assert_eq!(answer(read).await.0, 404);
    for wrong in ["yesterday", "2020-01-01T00:00:00Z", ""] {
        let body = json!({"access": "view", "expires": wrong});
        let (status, error) = site.own(Method::POST, "/keys", body).await;
        assert_eq!((status, &error["error"]["field"]), (400, &json!("expires")));
    }
}

#[actix_web::test]
async fn an_owner_sees_and_changes_keys_and_one_that_owns_remains() {
    let site = Site::start().await;
    let mut client = site.visitor(&site.draw).await;
    let keys = async || {
        let (status, listed) = site.own(Method::GET, "/keys", Value::Null).await;
        assert_eq!(status, 200);
        listed["keys"].as_array().unwrap().clone()
    };
    eventually("the use of a key", async || {
        keys()
            .await
            .iter()
            .any(|key| key["last_by"] == json!("Ada"))
    })
    .await;
    let listed = keys().await;
    let levels: Vec<_> = listed.iter().map(|key| text(&key["access"])).collect();
    assert_eq!(levels, ["own", "draw", "view"]);
    assert!(
        listed
            .iter()
            .all(|key| key.get("key").is_none() && key.get("hash").is_none())
    );
    let mine: Vec<_> = listed
        .iter()
        .map(|key| key["mine"] == json!(true))
        .collect();
    assert_eq!(mine, [true, false, false]);
    let first = text(&listed[0]["id"]);
    // A person says which key it came with.
    client.wait("people", |it| !it.people.is_empty()).await;
    let here = client.people.clone();
    assert_eq!(
        here[0].key.clone().map(Value::from),
        Some(listed[1]["id"].clone())
    );

    let path = format!("/keys/{first}");
    for (method, body) in [
        (Method::DELETE, Value::Null),
        (Method::PATCH, json!({"access": "draw"})),
        (Method::PATCH, json!({"expires": "2099-01-01T00:00:00Z"})),
    ] {
        let (status, error) = site.own(method, &path, body).await;
        assert_eq!(
            (status, &error["error"]["code"]),
            (409, &json!("last_owner"))
        );
    }
    let (second, _) = site.key("own").await;
    let (status, key) = site
        .own(
            Method::PATCH,
            &path,
            json!({"expires": "2099-01-01T00:00:00Z", "name": "Mine"}),
        )
        .await;
    assert_eq!((status, &key["name"]), (200, &json!("Mine")));
    assert_eq!(key["expires"], "2099-01-01T00:00:00Z");
    let (_, key) = site
        .own(Method::PATCH, &path, json!({"expires": null}))
        .await;
    assert_eq!(key.get("expires"), None, "{key}");
    assert_eq!(site.own(Method::DELETE, &path, Value::Null).await.0, 204);
    assert_eq!(
        site.own(Method::GET, "", Value::Null).await.0,
        404,
        "its own key"
    );
    let read = ask(
        site.address,
        Method::GET,
        &site.path("/keys"),
        Some(&second),
    );
    assert_eq!(answer(read).await.0, 200);
}

#[actix_web::test]
async fn home_learns_which_of_its_keys_are_valid() {
    let site = Site::start().await;
    let other = Site::at(site.address).await;
    let unknown = Key::new([1; 16]).secret();
    let held = |id: &str, key: &str| json!({"id": id, "key": key});
    let all = [
        held(&site.id, &site.view),
        held(&site.id, &site.own),
        held(&other.id, &other.draw),
        held(&other.id, &site.own),
        held(&other.id, &unknown),
        held(&DrawingId::random().to_string(), &unknown),
        held(&site.id, "a word"),
    ];
    let ask_held = |held: Value| {
        let request = ask(site.address, Method::POST, "/api/drawings/held", None);
        answer(request.json(&json!({ "held": held })))
    };
    let (status, found) = ask_held(json!(all)).await;
    assert_eq!(status, 200, "{found}");
    let found: BTreeSet<_> = found["drawings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            assert!(it.get("key").is_none() && it["title"].is_string());
            (text(&it["id"]), text(&it["access"]))
        })
        .collect();
    let expected = [
        (site.id.clone(), "own".into()),
        (other.id.clone(), "draw".into()),
    ];
    assert_eq!(found, BTreeSet::from(expected));
    let many = vec![held(&site.id, &site.own); 201];
    assert_eq!(ask_held(json!(many)).await.0, 400);
    assert_eq!(ask_held(json!([])).await, (200, json!({"drawings": []})));
}

#[actix_web::test]
async fn who_is_present_is_told_only_to_those_who_may_open_the_drawing() {
    let site = Site::start().await;
    let _ada = site.visitor(&site.draw).await;
    let held = |key: &str| {
        let body = json!({"held": [{"id": site.id, "key": key}]});
        let request = ask(site.address, Method::POST, "/api/drawings/held", None);
        answer(request.json(&body))
    };
    let named = json!({"count": 1, "names": ["Ada"]});
    eventually("whoever may view it reads her name", async || {
        held(&site.view).await.1["drawings"][0]["present"] == named
    })
    .await;
    let other = Site::at(site.address).await;
    for key in [&other.own, &Key::new([1; 16]).secret()] {
        assert_eq!(held(key).await, (200, json!({"drawings": []})));
    }
    let asked = [
        ("/api/drawings".to_owned(), None),
        ("/api/drawings".to_owned(), Some(site.own.as_str())),
        (site.path(""), None),
        (site.path(""), Some(other.own.as_str())),
    ];
    for (path, key) in asked {
        let (status, body) = answer(ask(site.address, Method::GET, &path, key)).await;
        assert!(status == 403 || status == 404, "{path}: {status}");
        assert!(!body.to_string().contains("Ada"), "{body}");
    }
    let read = ask(site.address, Method::GET, &site.path(""), Some(&site.view));
    assert_eq!(answer(read).await.1["present"], named);
    let operator = ask(site.address, Method::GET, "/api/drawings", Some(OPERATOR));
    assert!(answer(operator).await.1.to_string().contains("Ada"));
}

/// The page and the service worker never see a key, so nothing of the server may write one down.
#[actix_web::test]
async fn no_key_is_in_a_log_a_metric_an_error_or_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = ServerProcess::start_with(
        &data,
        &["--access=links", "--operator-key", OPERATOR],
        "trace",
    );
    let site = Site::at(process.address).await;
    let mut client = site.visitor(&site.draw).await;
    client.draw_stored(pen(1.0)).await;
    let unknown = Key::new([200; 16]).secret();
    let secrets = [
        site.own.clone(),
        site.draw.clone(),
        site.view.clone(),
        unknown.clone(),
    ];
    let mut answers = Vec::new();
    for key in &secrets {
        for (method, rest) in [
            (Method::GET, ""),
            (Method::GET, "/keys"),
            (Method::GET, "/export.svg?theme=x"),
            (Method::PATCH, ""),
            (Method::POST, "/keys"),
        ] {
            let request = ask(site.address, method, &site.path(rest), Some(key));
            answers.push(answer(request).await.1.to_string());
        }
        let mut wrong = Client::new(site.address, &site.id);
        wrong.token = Some(key.clone());
        wrong.connect().await;
        wrong
            .raw(&json!({"type": "token", "token": unknown, "x": 1}).to_string())
            .await;
        answers.push(wrong.closed().await.reason);
    }
    answers.push(support::http::metrics(site.address).await);
    // The secret itself is told once, to who makes it.
    answers.push(process.stop().join("\n"));
    let all = answers.join("\n");
    assert!(
        all.contains("made key") && all.contains("session"),
        "the log is there"
    );
    for secret in secrets.iter().map(String::as_str).chain([OPERATOR]) {
        let at = all.find(secret).map(|at| &all[at.saturating_sub(200)..]);
        assert_eq!(at.map(|at| &at[..at.len().min(400)]), None);
        let parsed = secret.parse::<Key>();
        let bytes = parsed
            .map(|key| raw(&key))
            .unwrap_or(secret.as_bytes().to_vec());
        for path in files(&data) {
            let stored = std::fs::read(&path).unwrap();
            for needle in [secret.as_bytes(), &bytes] {
                let found = stored.windows(needle.len()).any(|window| window == needle);
                assert!(!found, "{} holds a key", path.display());
            }
        }
    }
}

fn raw(key: &Key) -> Vec<u8> {
    use base64::Engine;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    engine.decode(key.secret()).unwrap()
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

/// A token that lasts this long.
fn token(drawings: Value, access: &str, lasts: Duration) -> String {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let signer = include_bytes!("../support/keys/signer.pem");
    let key = EncodingKey::from_ed_pem(signer).unwrap();
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let claims = json!({"drawings": drawings, "access": access, "person": "ada@example.org",
        "name": "Ada of Tokens", "exp": now + lasts.as_secs() as i64});
    encode(&Header::new(Algorithm::EdDSA), &claims, &key).unwrap()
}

async fn with_tokens() -> TestServer {
    let keys = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/support/keys/signer.pub.pem"
    );
    TestServer::start(&["--access=jwt", "--jwt-keys", keys]).await
}

const LONG: Duration = Duration::from_secs(600);

#[actix_web::test]
async fn a_token_gives_what_it_says_on_the_drawings_that_it_names() {
    let server = with_tokens().await;
    let address = server.address();
    let create = |key| answer(ask(address, Method::POST, "/api/drawings", key));
    assert_eq!(create(None).await.0, 403, "creating needs a token");
    let nothing = token(json!([]), "view", LONG);
    let (status, drawing) = create(Some(&nothing)).await;
    assert_eq!(status, 201);
    let (id, own) = (text(&drawing["id"]), text(&drawing["key"]));
    let path = format!("/api/drawings/{id}");
    let get = async |key: &str| answer(ask(address, Method::GET, &path, Some(key))).await.0;
    let rename = async |key: &str| {
        let request = ask(address, Method::PATCH, &path, Some(key));
        answer(request.json(&json!({"title": "New"}))).await.0
    };
    for (drawings, access, [reads, renames]) in [
        (json!("*"), "own", [200, 200]),
        (json!([id]), "own", [200, 200]),
        (json!([id]), "draw", [200, 403]),
        (json!([DrawingId::random()]), "own", [404, 404]),
        (json!([]), "own", [404, 404]),
    ] {
        let token = token(drawings, access, LONG);
        assert_eq!([get(&token).await, rename(&token).await], [reads, renames]);
    }
    assert_eq!(get(&token(json!("*"), "own", Duration::ZERO)).await, 404);
    assert_eq!(rename(&own).await, 200, "keys count too");
    // No operator: a token that owns all is none.
    let all = token(json!("*"), "own", LONG);
    let list = answer(ask(address, Method::GET, "/api/drawings", Some(&all)));
    assert_eq!(list.await.0, 403);
    let mut client = Client::new(address, &id);
    client.name = Some("Mallory".into());
    client.token = Some(token(json!([id]), "draw", LONG));
    client.connect().await;
    client.wait("itself", |it| !it.people.is_empty()).await;
    assert_eq!(client.people[0].name, "Ada of Tokens");
    assert_eq!(client.access, "draw");
}

#[actix_web::test]
async fn a_session_ends_when_its_token_does_unless_that_is_renewed() {
    let server = with_tokens().await;
    let address = server.address();
    let made = token(json!([]), "view", LONG);
    let (_, drawing) = answer(ask(address, Method::POST, "/api/drawings", Some(&made))).await;
    let id = text(&drawing["id"]);
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = Client::new(address, &id);
        client.token = Some(token(json!([id]), "draw", Duration::from_secs(2)));
        client.connect().await;
        client
            .wait("what it may do", |it| !it.standing.is_null())
            .await;
        clients.push(client);
    }
    let renewed = token(json!([id]), "view", LONG);
    let frame = json!({"type": "token", "token": renewed}).to_string();
    clients[0].raw(&frame).await;
    clients[0]
        .wait("what the new one says", |it| it.access == "view")
        .await;
    let closed = clients[1].closed().await;
    assert_eq!(closed.code, 4403);
    clients[0].all_read().await;
    assert!(clients[0].is_connected());
}

#[test]
fn tokens_need_keys_and_an_operator_a_secret() {
    use whiteboard::config::{Settings, SettingsError};
    let wrong = |flags: &[&str]| match Settings::from_flags(flags.iter().copied()) {
        Err(SettingsError::Wrong(text)) => text,
        other => panic!("{flags:?}: {other:?}"),
    };
    assert!(wrong(&["--access=jwt"]).contains("WHITEBOARD_JWT_KEYS"));
    assert!(wrong(&["--jwt-keys=keys.pem"]).contains("WHITEBOARD_JWT_KEYS"));
    assert!(wrong(&["--create=operator"]).contains("WHITEBOARD_OPERATOR_KEY"));
    let short = wrong(&["--operator-key=secret"]);
    assert!(short.contains("16 to 200"), "{short}");
    for (flags, mode) in [
        (&[][..], "open"),
        (&["--listen=[::1]:80"], "open"),
        (&["--listen=0.0.0.0:80"], "links"),
        (&["--listen=192.168.1.7:80"], "links"),
        (&["--listen=0.0.0.0:80", "--access=open"], "open"),
        (&["--access=links"], "links"),
    ] {
        let settings = Settings::from_flags(flags.iter().copied()).unwrap();
        assert_eq!(settings.mode().0.as_str(), mode, "{flags:?}");
    }
}
