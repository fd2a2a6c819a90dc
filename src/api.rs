//! Everything that is asked for over HTTP: drawings, their strokes, the socket's upgrade, pages and health.
//!
//! It must never touch what is in a drawing: it asks the store and the feeds, and hands
//! sockets to their sessions.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::body::{MessageBody, SizedStream};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::{Compress, Next};
use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, Resource, ResponseError, Route, guard, web,
};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::access::{self, HostNames, Origins};
use crate::assets;
use crate::beat::Beat;
use crate::connection::{Connection, Connections};
use crate::error::ApiError;
use crate::feed::Encoding;
use crate::feeds::Feeds;
use crate::metrics::CONTENT_TYPE;
use crate::model::{Access, DrawingId};
use crate::protocol::Close;
use crate::request::{self, Part, Position};
use crate::session::{self, Joining, Sessions};
use crate::store::{DrawingInfo, Store};

/// The title of a drawing that was given none.
const DEFAULT_TITLE: &str = "Untitled drawing";
/// How long `/readyz` waits for the database.
const READY_WAIT: Duration = Duration::from_secs(2);
/// What every request needs; one for each server.
pub struct State {
    /// Drawings.
    pub store: Store,
    /// Open drawings.
    pub feeds: Feeds,
    /// Open sockets.
    pub sessions: Arc<Sessions>,
    /// Names under which this server is reached.
    pub hosts: HostNames,
    /// Other origins whose pages may use it.
    pub origins: Origins,
    /// How long a server may be silent before its sessions count no more.
    pub silence: Duration,
    /// The server's beat, which proves that it hears what is stored.
    pub beat: Arc<Beat>,
    /// What is connected.
    pub connections: Arc<Connections>,
    /// The server is about to stop: nobody new should be sent here.
    pub leaving: AtomicBool,
}

/// Adds all routes to an application that has a [`State`].
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resource("/healthz", "GET").route(read().to(healthz)))
        .service(resource("/readyz", "GET").route(read().to(readyz)))
        .service(resource("/metrics", "GET").route(read().to(metrics)))
        .service(resource("/ws/{drawing}", "GET").route(web::get().to(socket)))
        .service(
            web::scope("/api/drawings")
                .wrap(Compress::default())
                .service(
                    resource("", "GET, POST")
                        .route(read().to(list))
                        .route(web::post().to(create)),
                )
                .service(
                    resource("/{drawing}", "GET, PATCH, DELETE")
                        .route(read().to(get))
                        .route(web::patch().to(rename))
                        .route(web::delete().to(delete)),
                )
                .service(resource("/{drawing}/restore", "POST").route(web::post().to(restore)))
                .service(resource("/{drawing}/strokes", "GET").route(read().to(strokes))),
        )
        .service(
            web::scope("")
                .wrap(Compress::default())
                .service(resource("/", "GET").route(read().to(index)))
                .service(resource("/d/{drawing}", "GET").route(read().to(drawing_page)))
                .service(resource("/favicon.ico", "GET").route(read().to(favicon)))
                .service(resource("/assets/{build}/{path:.*}", "GET").route(read().to(asset))),
        )
        .default_service(web::to(no_page));
}

/// GET, and HEAD, which is GET without the body.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        let text = format!("this address allows {methods}");
        let mut response = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, text).error_response();
        let allow = header::HeaderValue::from_static(methods);
        response.headers_mut().insert(header::ALLOW, allow);
        response
    }))
}

/// What every request passes first: its access is found out, or it is refused.
///
/// A socket that is refused goes on to its handler, which upgrades it and closes it with
/// the reason: a browser cannot read the status of a failed handshake. Health and metrics
/// are told to anybody, since load balancers and scrapers ask under whatever name they like:
/// they are numbers, and name nobody and nothing that is drawn.
pub async fn door(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let connection = Connection::of(request.request()).cloned();
    let _handling = connection.as_ref().map(Connection::handle);
    let state = state(request.request());
    let access = access::access(request.headers(), &state.hosts, &state.origins);
    let path = request.path();
    let answers_itself =
        path.starts_with("/ws/") || ["/healthz", "/readyz", "/metrics"].contains(&path);
    match access {
        Err(refused) if !answers_itself => Ok(request
            .error_response(ApiError::from(refused))
            .map_into_right_body()),
        access => {
            request.extensions_mut().insert(access);
            Ok(next.call(request).await?.map_into_left_body())
        }
    }
}

fn state(request: &HttpRequest) -> &web::Data<State> {
    request
        .app_data::<web::Data<State>>()
        .expect("the server gives every application its state")
}

type Answer = Result<HttpResponse, ApiError>;

/// A drawing as JSON.
#[derive(Serialize)]
struct DrawingView<'a> {
    id: DrawingId,
    title: &'a str,
    /// A time in RFC 3339, such as `2026-01-31T12:00:00.5Z`.
    created: String,
    /// Likewise.
    changed: String,
    /// Sessions on it, on all servers.
    people: u32,
}

/// How many sessions drawings have, on all servers.
struct People(Vec<(DrawingId, u32)>);

impl People {
    async fn read(state: &State) -> Result<Self, ApiError> {
        let servers = state.store.servers().await?;
        // Those that took leave have no row.
        let alive = servers
            .into_iter()
            .filter(|server| server.silent <= state.silence);
        Ok(Self(alive.flat_map(|server| server.drawings).collect()))
    }

    fn view<'a>(&self, drawing: &'a DrawingInfo) -> DrawingView<'a> {
        let counts = self.0.iter().filter(|(id, _)| *id == drawing.id);
        DrawingView {
            id: drawing.id,
            title: &drawing.title,
            created: rfc3339(drawing.created),
            changed: rfc3339(drawing.changed),
            people: counts.map(|(_, count)| count).sum(),
        }
    }
}

fn rfc3339(millis: u64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

async fn list(request: HttpRequest) -> Answer {
    request::require(&request, Access::Read)?;
    let state = state(&request);
    let Part { before, limit } = Part::of(&request)?;
    // One more than asked for tells whether there are more.
    let mut drawings = state.store.list(before, limit + 1).await?;
    let more = drawings.len() > limit;
    drawings.truncate(limit);
    let people = People::read(state).await?;
    #[derive(Serialize)]
    struct View<'a> {
        drawings: Vec<DrawingView<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    }
    let last = drawings.last().filter(|_| more);
    Ok(HttpResponse::Ok().json(View {
        drawings: drawings.iter().map(|info| people.view(info)).collect(),
        next: last.map(|info| request::next(info.created, info.id)),
    }))
}

async fn create(request: HttpRequest, payload: web::Payload) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        title: Option<String>,
    }
    request::require(&request, Access::Own)?;
    let bytes = request::body(&request, payload).await?;
    let asked = if bytes.is_empty() {
        Asked::default()
    } else {
        request::json::<Asked>(&bytes)?
    };
    let title = request::title(asked.title.as_deref().unwrap_or(DEFAULT_TITLE))?;
    let drawing = state(&request).store.create(&title).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api/drawings/{}", drawing.id)))
        .json(People(Vec::new()).view(&drawing)))
}

async fn get(request: HttpRequest) -> Answer {
    request::require(&request, Access::Read)?;
    let drawing = request::drawing(&request)?;
    let state = state(&request);
    let info = state.store.get(drawing).await?;
    Ok(HttpResponse::Ok().json(People::read(state).await?.view(&info)))
}

async fn rename(request: HttpRequest, payload: web::Payload) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        title: String,
    }
    request::require(&request, Access::Own)?;
    let drawing = request::drawing(&request)?;
    let asked: Asked = request::json(&request::body(&request, payload).await?)?;
    let title = request::title(&asked.title)?;
    let state = state(&request);
    let info = state.store.rename(drawing, &title).await?;
    state.feeds.look(drawing).await;
    Ok(HttpResponse::Ok().json(People::read(state).await?.view(&info)))
}

async fn delete(request: HttpRequest) -> Answer {
    request::require(&request, Access::Own)?;
    let drawing = request::drawing(&request)?;
    let state = state(&request);
    state.store.delete(drawing).await?;
    state.feeds.look(drawing).await;
    Ok(HttpResponse::NoContent().finish())
}

async fn restore(request: HttpRequest) -> Answer {
    request::require(&request, Access::Own)?;
    let drawing = request::drawing(&request)?;
    let state = state(&request);
    let info = state.store.take_back(drawing).await?;
    Ok(HttpResponse::Ok().json(People::read(state).await?.view(&info)))
}

async fn strokes(request: HttpRequest) -> Answer {
    request::require(&request, Access::Read)?;
    let drawing = request::drawing(&request)?;
    let Position {
        since,
        life,
        target,
    } = Position::of(&request)?;
    let feeds = &state(&request).feeds;
    let page = feeds.read(drawing, since, life, target).await?;
    let title = serde_json::Value::from(page.title.as_str());
    let target = page
        .target
        .map_or_else(String::new, |target| format!(r#""target":{target},"#));
    // The changes are JSON already, and compressed once for all.
    let head = format!(
        r#"{{"life":"{}","from":{},"head":{},"more":{},{target}"reset":{},"title":{title},"changes":["#,
        page.life, page.from, page.head, page.more, page.reset
    );
    let mut response = HttpResponse::Ok();
    response
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "accept-encoding"));
    let encoding = match request::takes_gzip(&request) {
        true => {
            response.insert_header(header::ContentEncoding::Gzip);
            Encoding::Gzip
        }
        false => Encoding::Plain,
    };
    let body = page.body(head, encoding).await?;
    let size = body.iter().map(|piece| piece.len() as u64).sum();
    let pieces = stream::iter(body.into_iter().map(Ok::<_, Infallible>));
    Ok(response.body(SizedStream::new(size, pieces)))
}

async fn socket(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let upgrade = request.headers().get(header::UPGRADE);
    let is_socket =
        upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !is_socket {
        request::access(&request).map_err(ApiError::from)?;
        let message = "this address is for WebSockets";
        return Err(ApiError::new(StatusCode::UPGRADE_REQUIRED, message).into());
    }
    let sessions = &state(&request).sessions;
    session::upgrade(&request, payload, joining(&request), sessions)
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, error.to_string()).into())
}

fn joining(request: &HttpRequest) -> Result<Joining, Close> {
    let malformed = |error: ApiError| Close::Malformed(error.to_string());
    let access = request::access(request).map_err(|refused| Close::Forbidden(refused.reason()))?;
    let drawing = request::drawing(request).map_err(malformed)?;
    let Position { since, life, .. } = Position::of(request).map_err(malformed)?;
    Ok(Joining {
        drawing,
        access,
        since,
        life,
    })
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({"status": "ok"}))
}

/// Whether new work should be sent here: not while it stops, nor without its database, nor
/// while it does not hear what is stored there.
async fn readyz(request: HttpRequest) -> Answer {
    let state = state(&request);
    if state.leaving.load(Ordering::Relaxed) {
        let message = "this server is about to stop";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message));
    }
    let asked = tokio::time::timeout(READY_WAIT, state.store.check());
    match asked.await {
        Ok(Ok(())) if !state.beat.is_heard() => {
            let message = "this server does not hear what is stored in the database";
            Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message))
        }
        Ok(Ok(())) => Ok(HttpResponse::Ok().json(serde_json::json!({"status": "ready"}))),
        Ok(Err(_)) | Err(_) => Err(ApiError::unavailable()),
    }
}

async fn metrics(request: HttpRequest) -> HttpResponse {
    let state = state(&request);
    state.store.measure();
    state.feeds.measure();
    state.sessions.measure();
    let connections = state.connections.open();
    state.store.metrics().connections_open.set(connections);
    HttpResponse::Ok()
        .content_type(CONTENT_TYPE)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(state.store.metrics().text())
}

async fn index() -> Answer {
    assets::page("index.html", StatusCode::OK).ok_or_else(nothing_here)
}

async fn drawing_page(request: HttpRequest) -> Answer {
    // A mistyped link gets the page too, which can say so in words.
    let status = match request::drawing(&request) {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::NOT_FOUND,
    };
    assets::page("drawing.html", status).ok_or_else(nothing_here)
}

async fn favicon() -> Answer {
    assets::file("", "favicon.ico").ok_or_else(nothing_here)
}

async fn asset(request: HttpRequest) -> Answer {
    let matched = request.match_info();
    assets::file(matched.query("build"), matched.query("path")).ok_or_else(nothing_here)
}

async fn no_page() -> Answer {
    Err(nothing_here())
}

fn nothing_here() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this address")
}
