//! Drawings as pictures and files, over HTTP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use resvg::tiny_skia::Pixmap;
use serde_json::{Value, json};
use support::client::Client;
use support::http::{create_drawing, http, metric};
use support::server::TestServer;
use support::state::{large_pen, pen};
use uuid::Uuid;

struct Gallery {
    server: TestServer,
    drawing: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Gallery {
    async fn open() -> Self {
        let server = TestServer::unhurried().await;
        let drawing = create_drawing(server.address()).await;
        Self { server, drawing }
    }

    fn url(&self, path: &str) -> String {
        let address = self.server.address();
        format!("http://{address}/api/drawings/{}{path}", self.drawing)
    }

    async fn client(&self) -> Client {
        Client::open(self.server.address(), &self.drawing).await
    }

    /// Gets a path of the drawing, unless it has this tag.
    async fn get_unless(&self, path: &str, tag: &str) -> Answer {
        let request = http().get(self.url(path)).header("if-none-match", tag);
        let response = request.send().await.expect("an answer");
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.expect("text"),
        }
    }

    /// Gets a PNG.
    async fn png(&self, path: &str) -> Pixmap {
        let response = http().get(self.url(path)).send().await;
        let response = response.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "image/png");
        let file = response.bytes().await.expect("a file");
        Pixmap::decode_png(&file).expect("a PNG")
    }

    async fn get(&self, path: &str) -> Answer {
        self.get_unless(path, "\"none\"").await
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn tag(&self) -> &str {
        assert_eq!(self.status, 200, "{}", self.text);
        self.header("etag")
    }

    fn error(&self) -> (u16, Value, Value) {
        let error: Value = serde_json::from_str(&self.text).expect(&self.text);
        let error = &error["error"];
        (
            self.status.as_u16(),
            error["code"].clone(),
            error["field"].clone(),
        )
    }
}

fn note(text: &str) -> Value {
    json!({"kind": "note", "x": 0, "y": 0, "w": 160, "h": 160, "text": text, "width": 24, "colour": "ink"})
}

#[actix_web::test]
async fn a_drawing_is_exported_in_painting_order_with_its_font_and_pictures() {
    let gallery = Gallery::open().await;
    let gif = b"GIF89a-and-more".to_vec();
    let sent = http().post(gallery.url("/assets")).body(gif).send().await;
    let sent: Value = sent.unwrap().json().await.unwrap();
    let asset = sent["hash"].as_str().unwrap();
    let mut ada = gallery.client().await;
    let line = ada.draw_stored(pen(1.0)).await;
    let words = ada.draw_stored(note("a < b")).await;
    let image =
        json!({"kind": "image", "x": 0, "y": 0, "w": 8, "h": 8, "asset": asset, "colour": "ink"});
    ada.draw_stored(image).await;
    let absent = json!({"kind": "image", "x": 0, "y": 0, "w": 8, "h": 8, "asset": "0".repeat(64), "colour": "ink"});
    ada.draw_stored(absent).await;
    let erased = ada.draw_stored(pen(2.0)).await;
    ada.erase(erased).await;
    ada.edit(line, json!({"colour": "red"})).await;
    ada.all_acknowledged().await;

    let svg = gallery.get("/export.svg").await;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert_eq!(
        svg.header("content-disposition"),
        "attachment; filename=\"Plan.svg\"; filename*=UTF-8''Plan.svg"
    );
    assert_eq!(svg.header("x-content-type-options"), "nosniff");
    assert!(svg.header("content-security-policy").ends_with("; sandbox"));
    let at = |text: &str| {
        svg.text
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {}", svg.text))
    };
    let order = [
        "<title>Plan</title>",
        "src:url(data:font/woff2;base64,",
        "href=\"data:image/gif;base64,R0lGODlhLWFuZC1tb3Jl\"",
        "fill=\"#fbf7ef\"/>",
        "fill=\"#d6402b\"/>",
        "a &#60; b</tspan>",
        "<use href=\"#picture-",
        "</svg>\n",
    ];
    assert!(order.map(at).is_sorted(), "{}", svg.text);
    assert_eq!(svg.text.matches("<image ").count(), 1);
    let dark = gallery.get("/export.svg?theme=dark&background=false").await;
    assert!(dark.text.contains("#ff7d68") && !dark.text.contains("#1d1a17\"/>\n<path"));

    let file = gallery.get("/export.json").await;
    assert_eq!(file.header("content-type"), "application/json");
    let read: Value = serde_json::from_str(&file.text).expect(&file.text);
    assert_eq!(
        (&read["format"], &read["version"]),
        (&json!("whiteboard"), &json!(1))
    );
    assert_eq!(read["title"], "Plan");
    let strokes = read["strokes"].as_array().unwrap();
    assert_eq!(strokes.len(), 4);
    assert_eq!(strokes[0]["id"], line.to_string());
    assert_eq!(strokes[0]["body"]["colour"], "red");
    assert_eq!(
        strokes[1],
        json!({"id": words.to_string(), "body": note("a < b")})
    );
    let address = "data:image/gif;base64,R0lGODlhLWFuZC1tb3Jl";
    assert_eq!(read["assets"], json!({asset: address}));
    drop(ada);
    gallery.server.drain().await;
}

#[actix_web::test]
async fn a_picture_is_not_sent_again_until_the_drawing_changes() {
    let gallery = Gallery::open().await;
    let mut ada = gallery.client().await;
    ada.draw_stored(pen(1.0)).await;
    let paths = [
        "/thumbnail.svg",
        "/thumbnail.svg?theme=dark",
        "/export.svg",
        "/export.json",
        "/export.png",
    ];
    for (path, x) in paths.into_iter().zip([50, 100, 150, 200, 250]) {
        let first = gallery.get(path).await;
        assert_eq!(first.header("cache-control"), "private, no-cache");
        let again = gallery.get_unless(path, first.tag()).await;
        assert_eq!(
            (again.status.as_u16(), again.text.as_str()),
            (304, ""),
            "{path}"
        );
        assert_eq!(again.header("etag"), first.tag());
        ada.draw_stored(pen(f64::from(x))).await;
        let changed = gallery.get_unless(path, first.tag()).await;
        assert_ne!(changed.tag(), first.tag(), "{path}");
        assert_ne!(changed.text, first.text, "{path}");
    }
    // Files have the title, and thumbnails have not.
    let before = [gallery.get(paths[0]).await, gallery.get(paths[3]).await];
    let renamed = http()
        .patch(gallery.url(""))
        .json(&json!({"title": "Other"}));
    assert_eq!(renamed.send().await.unwrap().status(), 200);
    let after = [
        gallery.get_unless(paths[0], before[0].tag()).await,
        gallery.get_unless(paths[3], before[1].tag()).await,
    ];
    assert_eq!(after[0].status, 304);
    assert!(
        after[1].text.contains("\"title\":\"Other\""),
        "{}",
        after[1].text
    );
    drop(ada);
    gallery.server.drain().await;
}

#[actix_web::test]
async fn a_thumbnail_shows_what_is_drawn_and_an_empty_one_nothing() {
    let gallery = Gallery::open().await;
    let empty = gallery.get("/thumbnail.svg").await;
    assert_eq!(empty.header("content-type"), "image/svg+xml");
    assert_eq!(empty.text.matches('<').count(), 2, "{}", empty.text);
    let mut ada = gallery.client().await;
    let stroke = ada.draw_stored(json!({"kind": "pen", "x": 1, "y": 2, "points": "AAMAABAQEBA=", "colour": "red", "width": 4})).await;
    let [light, dark] = [
        gallery.get("/thumbnail.svg?theme=light").await,
        gallery.get("/thumbnail.svg?theme=dark").await,
    ];
    assert!(
        light.text.contains("<path") && light.text.contains("#d6402b"),
        "{}",
        light.text
    );
    assert!(dark.text.contains("#ff7d68"), "{}", dark.text);
    ada.erase(stroke).await;
    ada.all_acknowledged().await;
    assert_eq!(gallery.get("/thumbnail.svg").await.text, empty.text);
    drop(ada);
    gallery.server.drain().await;
}

#[actix_web::test]
async fn a_drawing_is_painted_with_bounded_sides() {
    let gallery = Gallery::open().await;
    let empty = gallery.png("/export.png").await;
    assert_eq!((empty.width(), empty.height()), (128, 128));
    let mut ada = gallery.client().await;
    ada.draw_stored(pen(1.0)).await;
    let drawn = gallery.png("/export.png").await;
    assert!(drawn.width() < 200 && drawn.height() < 200, "{drawn:?}");
    assert_ne!(drawn, empty);
    let dark = gallery.png("/export.png?theme=dark").await;
    let clear = gallery.png("/export.png?background=false").await;
    assert!(dark != drawn && clear != drawn && clear != dark);
    ada.draw_stored(pen(9_000_000.0)).await;
    let wide = gallery.png("/export.png").await;
    assert!(wide.width() == 4096 && wide.height() < 8, "{wide:?}");
    drop(ada);
    gallery.server.drain().await;
}

#[actix_web::test]
async fn text_pictures_and_turned_strokes_are_painted_where_they_are() {
    const BLUE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mPgEjkBAAESAOfUpf1wAAAAAElFTkSuQmCC";
    let gallery = Gallery::open().await;
    let file = STANDARD.decode(BLUE).unwrap();
    let sent = http().post(gallery.url("/assets")).body(file).send().await;
    let sent: Value = sent.unwrap().json().await.unwrap();
    let mut ada = gallery.client().await;
    let words =
        json!({"kind": "text", "x": 0, "y": 0, "width": 40, "text": "WWW", "colour": "ink"});
    ada.draw_stored(words).await;
    // The second one is upright after a quarter of a turn, and its picture is missing in the third one.
    for (x, w, h, rotation, asset) in [
        (200, 40, 40, 0.0, &sent["hash"]),
        (300, 80, 20, std::f64::consts::FRAC_PI_2, &sent["hash"]),
        (500, 40, 40, 0.0, &json!("0".repeat(64))),
    ] {
        let image = json!({"kind": "image", "x": x, "y": 0, "w": w, "h": h, "rotation": rotation,
            "asset": asset, "colour": "ink"});
        ada.draw_stored(image).await;
    }
    let svg = gallery.get("/export.svg").await.text;
    let (_, corner) = svg.split_once("viewBox=\"").unwrap();
    let mut corner = corner.split(' ').map(|side| side.parse::<f64>().unwrap());
    let (left, top) = (corner.next().unwrap(), corner.next().unwrap());
    let opaque = gallery.png("/export.png").await;
    let clear = gallery.png("/export.png?background=false").await;
    let at = |picture: &Pixmap, x: f64, y: f64| {
        let pixel = |at: f64, from: f64| ((at - from) * 2.0) as u32;
        let pixel = picture.pixel(pixel(x, left), pixel(y, top)).unwrap();
        [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
    };
    let (blue, paper) = ([10, 20, 200, 255], [0xfb, 0xf7, 0xef, 255]);
    for (x, y, shown) in [
        (220.0, 20.0, Some(blue)),
        (198.0, 20.0, None),
        (242.0, 20.0, None),
        (340.0, -25.0, Some(blue)),
        (340.0, 45.0, Some(blue)),
        (305.0, 10.0, None),
        (375.0, 10.0, None),
        (520.0, 20.0, None),
        (-5.0, 20.0, None),
        (20.0, 45.0, None),
    ] {
        assert_eq!(at(&opaque, x, y), shown.unwrap_or(paper), "{x} {y}");
        assert_eq!(at(&clear, x, y), shown.unwrap_or([0; 4]), "{x} {y}");
    }
    let places = (0..200).map(|i| (f64::from(i % 50) * 2.0, 10.0 + f64::from(i / 50) * 5.0));
    let dark = places.filter(|(x, y)| at(&opaque, *x, *y)[0] < 0x40 && at(&clear, *x, *y)[3] > 200);
    assert!((20..150).contains(&dark.count()), "letters are painted");
    drop(ada);
    gallery.server.drain().await;
}

#[actix_web::test]
async fn a_large_drawing_is_exported_whole_and_has_a_small_thumbnail() {
    const STROKES: u64 = 60;
    const BYTES: usize = 60_000;
    let gallery = Gallery::open().await;
    let mut ada = gallery.client().await;
    for x in 0..STROKES {
        ada.draw(large_pen(x as f64, BYTES)).await;
    }
    ada.all_acknowledged().await;
    let file = gallery.get("/export.json").await;
    let read: Value = serde_json::from_str(&file.text).expect("one JSON value");
    let strokes = read["strokes"].as_array().unwrap();
    let places: Vec<u64> = strokes
        .iter()
        .map(|one| one["body"]["x"].as_f64().unwrap() as u64)
        .collect();
    assert_eq!(places, (0..STROKES).collect::<Vec<_>>());
    assert_eq!(
        gallery
            .get("/export.svg")
            .await
            .text
            .matches("<path")
            .count() as u64,
        STROKES
    );
    assert!(gallery.get("/thumbnail.svg").await.text.len() <= 64 * 1024);
    // While it is drawn on, an export has no stroke twice and lacks none that was there.
    let edits = async {
        for x in 0..40 {
            let stroke = strokes[x as usize]["id"].as_str().unwrap().parse().unwrap();
            ada.edit(stroke, json!({"y": x})).await;
            ada.all_acknowledged().await;
        }
    };
    let reads = async {
        for _ in 0..8 {
            let file = gallery.get("/export.json").await;
            let read: Value = serde_json::from_str(&file.text).expect("one JSON value");
            assert_eq!(read["strokes"].as_array().unwrap().len() as u64, STROKES);
        }
    };
    futures_util::future::join(edits, reads).await;
    drop(ada);
    gallery.server.drain().await;
}

#[actix_web::test]
async fn a_known_thumbnail_opens_no_drawing() {
    let gallery = Gallery::open().await;
    let address = gallery.server.address();
    let opened = async || metric(address, "whiteboard_feeds_opened_total").await;
    let first = gallery.get("/thumbnail.svg").await;
    let before = opened().await;
    assert_eq!(before, 1.0);
    let drawings = support::wait::eventually("the feed closes", async || {
        metric(address, "whiteboard_feeds_open").await == 0.0
    });
    drawings.await;
    assert_eq!(
        gallery
            .get_unless("/thumbnail.svg", first.tag())
            .await
            .status,
        304
    );
    assert_eq!(gallery.get("/thumbnail.svg").await.text, first.text);
    assert_eq!(opened().await, before);
    gallery.server.drain().await;
}

#[actix_web::test]
async fn a_wrong_request_for_a_picture_says_what_is_wrong() {
    let mut gallery = Gallery::open().await;
    for path in ["/thumbnail.svg?theme=blue", "/export.svg?theme="] {
        let error = gallery.get(path).await.error();
        assert_eq!(error, (400, json!("bad_request"), json!("theme")), "{path}");
    }
    let error = gallery.get("/export.svg?background=yes").await.error();
    assert_eq!(error, (400, json!("bad_request"), json!("background")));
    let paths = [
        "/thumbnail.svg",
        "/export.svg",
        "/export.json",
        "/export.png",
    ];
    for path in paths {
        let post = http().request(Method::POST, gallery.url(path)).send().await;
        assert_eq!(post.unwrap().status(), 405, "{path}");
        let head = http().request(Method::HEAD, gallery.url(path)).send().await;
        let head = head.unwrap();
        assert_eq!(head.status(), 200, "{path}");
        assert_eq!(head.bytes().await.unwrap().len(), 0);
    }
    let deleted = http().delete(gallery.url("")).send().await;
    assert_eq!(deleted.unwrap().status(), 204);
    for path in paths {
        assert_eq!(gallery.get(path).await.error().0, 410, "{path}");
    }
    gallery.drawing = Uuid::new_v4().simple().to_string();
    for path in paths {
        assert_eq!(gallery.get(path).await.error().0, 404, "{path}");
    }
    gallery.drawing = "x".to_owned();
    for path in paths {
        assert_eq!(gallery.get(path).await.error().0, 400, "{path}");
    }
    gallery.server.drain().await;
}
