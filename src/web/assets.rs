//! The files of the front end: embedded in release builds, read from the folder `static` otherwise.
//!
//! Pages name their files by build, so that browsers can cache them for ever, and a page that is
//! still open after an upgrade finds them under the same address. Nothing here reads outside
//! `static`.

use std::borrow::Cow;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use rust_embed::{Embed, EmbeddedFile};
use uuid::Uuid;

/// Placeholder of the build in HTML pages and in the service worker.
const BUILD_MARK: &str = "{{build}}";
/// Placeholder in the service worker of the files that it keeps for offline use, by spaces.
const FILES_MARK: &str = "{{files}}";
/// The service worker, which is served at the root of the site.
const SERVICE_WORKER: &str = "sw.js";
/// For files whose address changes with their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For everything else: revalidate each time.
const ASK: &str = "no-cache";
const HTML: &str = "text/html; charset=utf-8";

#[derive(Embed)]
#[folder = "static/"]
struct Static;

/// The build, which changes with any file. Files on disk may change at any time, so their build is
/// `dev`.
pub fn build() -> &'static str {
    static BUILD: LazyLock<String> = LazyLock::new(|| {
        if cfg!(debug_assertions) {
            return "dev".to_owned();
        }
        let mut names: Vec<_> = Static::iter().collect();
        names.sort();
        let mut all = Vec::new();
        for name in names {
            all.extend_from_slice(name.as_bytes());
            if let Some(file) = Static::get(&name) {
                all.extend_from_slice(&file.metadata.sha256_hash());
            }
        }
        let digest = Uuid::new_v5(&Uuid::NAMESPACE_URL, &all)
            .simple()
            .to_string();
        digest[..12].to_owned()
    });
    &BUILD
}

/// An HTML page with the build inserted.
pub fn page(name: &str, status: StatusCode) -> Option<HttpResponse> {
    let html = html(name)?;
    Some(
        HttpResponse::build(status)
            .content_type(HTML)
            .insert_header((header::CACHE_CONTROL, ASK))
            .body(html),
    )
}

fn html(name: &str) -> Option<String> {
    let file = Static::get(name)?;
    Some(String::from_utf8_lossy(&file.data).replace(BUILD_MARK, build()))
}

/// The page about an error, with one section shown.
pub fn error_page(section: &str, status: StatusCode) -> Option<HttpResponse> {
    let mark = format!("id=\"{section}\"");
    let html = html("error.html")?.replace(&format!("{mark} hidden"), &mark);
    Some(
        HttpResponse::build(status)
            .content_type(HTML)
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(html),
    )
}

/// The service worker, which names its build and every file that a page of this build may load. So
/// it changes with each of them, and browsers then install the new one.
pub fn service_worker() -> Option<HttpResponse> {
    let file = Static::get(SERVICE_WORKER)?;
    let mut names: Vec<_> = Static::iter()
        .filter(|name| is_plain(name) && name != SERVICE_WORKER)
        .collect();
    names.sort();
    let code = String::from_utf8_lossy(&file.data)
        .replace(BUILD_MARK, build())
        .replace(FILES_MARK, &names.join(" "));
    Some(
        HttpResponse::Ok()
            .content_type("text/javascript; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, ASK))
            .body(code),
    )
}

/// A file of a page of some build. A page of another build gets the current file.
pub fn file(of_build: &str, path: &str) -> Option<HttpResponse> {
    if !is_plain(path) {
        return None;
    }
    let EmbeddedFile { data, metadata } = Static::get(path)?;
    let keep = if of_build == build() && !cfg!(debug_assertions) {
        FOR_EVER
    } else {
        ASK
    };
    let kind = match metadata.mimetype() {
        kind if kind.starts_with("text/") => Cow::Owned(format!("{kind}; charset=utf-8")),
        kind => Cow::Borrowed(kind),
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, kind.as_ref()));
    response.insert_header((header::CACHE_CONTROL, keep));
    Some(match data {
        Cow::Borrowed(bytes) => response.body(bytes),
        Cow::Owned(bytes) => response.body(bytes),
    })
}

/// Whether a path names a file that pages may load: nothing hidden, nothing outside, no page.
fn is_plain(path: &str) -> bool {
    let plain = path
        .split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.'));
    plain && !path.contains('\\') && !path.ends_with(".html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_static() {
        for path in [
            "",
            ".",
            "..",
            "../Cargo.toml",
            "a/../../Cargo.toml",
            "/etc/passwd",
            "..\\Cargo.toml",
            ".hidden",
            "index.html",
            "none.js",
        ] {
            assert!(file("dev", path).is_none(), "{path}");
        }
    }

    #[actix_web::test]
    async fn a_page_names_the_build() {
        for (name, status) in [
            ("index.html", StatusCode::OK),
            ("drawing.html", StatusCode::NOT_FOUND),
        ] {
            let response = page(name, status).expect(name);
            assert_eq!(response.status(), status);
            let body = actix_web::body::to_bytes(response.into_body()).await;
            let html = String::from_utf8(body.unwrap().to_vec()).unwrap();
            let files = format!("/{}/", build());
            assert!(html.contains(&files), "{name} names no file of {files}");
            assert!(!html.contains(BUILD_MARK), "{name} still has {BUILD_MARK}");
        }
        assert!(page("none.html", StatusCode::OK).is_none());
    }

    #[actix_web::test]
    async fn the_service_worker_names_the_build_and_its_files() {
        let response = service_worker().expect(SERVICE_WORKER);
        let keep = response.headers().get(header::CACHE_CONTROL).cloned();
        assert_eq!(keep.unwrap(), ASK, "a new one is found at once");
        let body = actix_web::body::to_bytes(response.into_body()).await;
        let code = String::from_utf8(body.unwrap().to_vec()).unwrap();
        assert!(code.contains(&format!("\"{}\"", build())));
        assert!(!code.contains(BUILD_MARK) && !code.contains(FILES_MARK));
        let quoted = code.split('"').find(|text| text.contains("icon.svg "));
        for name in quoted.expect("a list of files").split(' ') {
            assert!(file(build(), name).is_some(), "{name} is not served");
        }
    }
}
