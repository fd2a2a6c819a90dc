//! The files of the front end: embedded in release builds, read from the folder `static` otherwise.
//!
//! Pages name their files by build, so that browsers can cache them for ever, and a page that is
//! still open after an upgrade finds them under the same address. A page also names all modules that
//! its entry needs, which are found in the files themselves. Nothing here reads outside `static`.

mod comments;
mod encoded;
mod modules;

use std::borrow::Cow;
use std::sync::LazyLock;

use actix_web::http::header::ContentEncoding;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use rust_embed::{Embed, EmbeddedFile};
use uuid::Uuid;

use comments::without_comments;
use encoded::Texts;

use crate::domain::access::Mode;

/// Placeholder of the build in HTML pages and in the service worker.
const BUILD_MARK: &str = "{{build}}";
/// Placeholder of the mode of access in HTML pages.
const ACCESS_MARK: &str = "{{access}}";
/// Placeholder in the service worker of the files that it keeps for offline use, by spaces.
const FILES_MARK: &str = "{{files}}";
/// The service worker, which is served at the root of the site.
const SERVICE_WORKER: &str = "sw.js";
/// For files whose address changes with their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For everything else: revalidate each time.
const ASK: &str = "no-cache";
/// For a page about an error.
const NEVER: &str = "no-store";
const HTML: &str = "text/html; charset=utf-8";
const ERROR_PAGE: &str = "error.html";
/// What comes before the path of a page's entry.
const ENTRY_MARK: &str = "<script type=\"module\" src=\"/assets/{{build}}/";
/// Where a page names the module that it loads once it is painted.
const LATER_MARK: &str = "<template id=\"later-modules\" data-entry=\"";
const TEMPLATE_END: &str = "</template>";

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

/// An HTML page, with the build and the mode of access inserted and all modules of its entry named.
pub fn page(
    request: &HttpRequest,
    name: &str,
    access: Mode,
    status: StatusCode,
) -> Option<HttpResponse> {
    let html = html(name)?.replace(ACCESS_MARK, access.as_str());
    let name = format!("{name}#{access}");
    Some(text(request, &name, html.into(), HTML, ASK, status))
}

/// The page about an error, with one section shown.
pub fn error_page(
    request: &HttpRequest,
    section: &str,
    status: StatusCode,
) -> Option<HttpResponse> {
    let mark = format!("id=\"{section}\"");
    let html = html(ERROR_PAGE)?.replace(&format!("{mark} hidden"), &mark);
    let name = format!("{ERROR_PAGE}#{section}");
    Some(text(request, &name, html.into(), HTML, NEVER, status))
}

/// The service worker, which names its build and every file that a page of this build may load. So
/// it changes with each of them, and browsers then install the new one.
pub fn service_worker(request: &HttpRequest) -> Option<HttpResponse> {
    let mut names: Vec<_> = Static::iter().filter(|name| is_kept(name)).collect();
    names.sort();
    let code = read(SERVICE_WORKER)?
        .replace(BUILD_MARK, build())
        .replace(FILES_MARK, &names.join(" "));
    let kind = "text/javascript; charset=utf-8";
    let status = StatusCode::OK;
    Some(text(
        request,
        SERVICE_WORKER,
        code.into(),
        kind,
        ASK,
        status,
    ))
}

/// A file of a page of some build. A page of another build gets the current file.
pub fn file(request: &HttpRequest, of_build: &str, path: &str) -> Option<HttpResponse> {
    if !is_plain(path) {
        return None;
    }
    let EmbeddedFile { data, metadata } = Static::get(path)?;
    let data = match data {
        Cow::Borrowed(embedded) => Bytes::from_static(embedded),
        Cow::Owned(read) => Bytes::from(read),
    };
    let keep = if of_build == build() && !cfg!(debug_assertions) {
        FOR_EVER
    } else {
        ASK
    };
    let kind = metadata.mimetype();
    if kind.starts_with("text/") {
        let data = if path.ends_with(".js") || path.ends_with(".css") {
            without_comments(&String::from_utf8_lossy(&data)).into()
        } else {
            data
        };
        let kind = format!("{kind}; charset=utf-8");
        return Some(text(request, path, data, &kind, keep, StatusCode::OK));
    }
    if matches!(
        kind,
        "image/svg+xml" | "application/json" | "application/manifest+json"
    ) {
        return Some(text(request, path, data, kind, keep, StatusCode::OK));
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, kind));
    response.insert_header((header::CACHE_CONTROL, keep));
    Some(response.body(data))
}

fn text(
    request: &HttpRequest,
    path: &str,
    text: Bytes,
    kind: &str,
    keep: &'static str,
    status: StatusCode,
) -> HttpResponse {
    static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::default);
    let (encoding, body) = TEXTS.get(path, text).choose(request);
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, kind));
    response.insert_header((header::CACHE_CONTROL, keep));
    response.insert_header((header::VARY, "accept-encoding"));
    if encoding != ContentEncoding::Identity {
        response.insert_header(encoding);
    }
    response.body(body)
}

/// A page with the addresses of its modules: those that its entry needs are fetched at once, and those
/// that only its later entry needs are listed in a template, which the page's code puts into effect.
fn html(name: &str) -> Option<String> {
    let html = read(name)?;
    let mut listed = Vec::new();
    let html = with_preloads(&html, ENTRY_MARK, ENTRY_MARK, &mut listed);
    let html = with_preloads(&html, LATER_MARK, TEMPLATE_END, &mut listed);
    Some(html.replace(BUILD_MARK, build()))
}

/// A page with the modules that its entries need, each of which follows a mark, before the same place of
/// each; without those that are listed already. What the first entry asks for goes before the modules of
/// the others: a browser opens few connections.
fn with_preloads(html: &str, mark: &str, place: &str, listed: &mut Vec<String>) -> String {
    let mut parts = html.split(mark);
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let entry = part.split('"').next().unwrap_or_default();
        let mut needed = modules::needed(entry, read);
        needed.retain(|module| !listed.contains(module));
        // Neighbours share more of their names, which makes the page smaller.
        needed.sort();
        let priority = match listed.is_empty() {
            true => "",
            false => " fetchpriority=\"low\"",
        };
        let links = preloads(&needed, priority);
        page += &format!("{mark}{part}").replacen(place, &format!("{links}{place}"), 1);
        listed.append(&mut needed);
    }
    page
}

fn preloads(modules: &[String], priority: &str) -> String {
    let link = |module| {
        let address = format!("/assets/{BUILD_MARK}/{module}");
        format!("<link rel=\"modulepreload\" href=\"{address}\"{priority}>\n    ")
    };
    modules.iter().map(link).collect()
}

fn read(path: &str) -> Option<String> {
    let file = Static::get(path)?;
    Some(String::from_utf8_lossy(&file.data).into_owned())
}

/// Whether a path names a file that pages may load: nothing hidden, nothing outside, no page.
fn is_plain(path: &str) -> bool {
    let plain = path
        .split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.'));
    plain && !path.contains('\\') && !path.ends_with(".html")
}

/// Whether the service worker keeps a file: not itself, nor what only the server reads.
fn is_kept(path: &str) -> bool {
    is_plain(path) && path != SERVICE_WORKER && !path.ends_with(".ttf") && !path.ends_with(".txt")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_path_stays_in_static() {
        let request = TestRequest::default().to_http_request();
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
            assert!(file(&request, "dev", path).is_none(), "{path}");
        }
    }

    #[actix_web::test]
    async fn a_page_names_the_build_and_every_module_of_its_entry() {
        let request = TestRequest::default().to_http_request();
        for (name, status) in [
            ("index.html", StatusCode::OK),
            ("drawing.html", StatusCode::NOT_FOUND),
        ] {
            let response = page(&request, name, Mode::Links, status).expect(name);
            assert_eq!(response.status(), status);
            let body = actix_web::body::to_bytes(response.into_body()).await;
            let html = String::from_utf8(body.unwrap().to_vec()).unwrap();
            let files = format!("/{}/", build());
            assert!(html.contains(&files), "{name} names no file of {files}");
            assert!(!html.contains(BUILD_MARK), "{name} still has {BUILD_MARK}");
            assert!(
                html.contains(r#"<meta name="access" content="links">"#),
                "{html}"
            );
            let named: Vec<_> = html
                .split("rel=\"modulepreload\" href=\"")
                .skip(1)
                .collect();
            assert!(named.len() > 3, "{html}");
            let mut paths = std::collections::BTreeSet::new();
            for module in named {
                let path = module.split('"').next().unwrap().strip_prefix("/assets/");
                let (_, path) = path.unwrap().split_once('/').unwrap();
                assert!(read(path).is_some(), "{name} names {path}");
                assert!(paths.insert(path), "{name} names {path} twice");
            }
        }
        assert!(page(&request, "none.html", Mode::Open, StatusCode::OK).is_none());
    }

    #[actix_web::test]
    async fn the_service_worker_names_the_build_and_its_files() {
        let request = TestRequest::default().to_http_request();
        let response = service_worker(&request).expect(SERVICE_WORKER);
        let keep = response.headers().get(header::CACHE_CONTROL).cloned();
        assert_eq!(keep.unwrap(), ASK, "a new one is found at once");
        let body = actix_web::body::to_bytes(response.into_body()).await;
        let code = String::from_utf8(body.unwrap().to_vec()).unwrap();
        assert!(code.contains(&format!("\"{}\"", build())));
        assert!(!code.contains(BUILD_MARK) && !code.contains(FILES_MARK));
        let quoted = code.split('"').find(|text| text.contains("icon.svg "));
        for name in quoted.expect("a list of files").split(' ') {
            assert!(
                file(&request, build(), name).is_some(),
                "{name} is not served"
            );
        }
    }
}
