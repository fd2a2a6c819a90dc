//! The routes.

use actix_web::middleware::Compress;
use actix_web::{HttpResponse, Resource, Route, guard, web};

use super::drawing_assets;
use super::drawings::{create, delete, get, held, list, rename, restore};
use super::error::ApiError;
use super::export;
use super::health::{healthz, metrics, readyz};
use super::keys;
use super::openapi::openapi;
use super::pages::{asset, drawing_page, favicon, index, no_page, service_worker};
use super::socket::socket;
use super::strokes::strokes;
use super::thumbnail;

/// Adds all routes to an application that has a [`State`](super::state::State).
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resource("/healthz", "GET").route(read().to(healthz)))
        .service(resource("/readyz", "GET").route(read().to(readyz)))
        .service(resource("/metrics", "GET").route(read().to(metrics)))
        .service(resource("/ws/{drawing}", "GET").route(web::get().to(socket)))
        .service(resource("/api/openapi.json", "GET").route(read().to(openapi)))
        .service(
            web::scope("/api/drawings")
                .wrap(Compress::default())
                .service(
                    resource("", "GET, POST")
                        .route(read().to(list))
                        .route(web::post().to(create)),
                )
                .service(resource("/held", "POST").route(web::post().to(held)))
                .service(
                    resource("/{drawing}", "GET, PATCH, DELETE")
                        .route(read().to(get))
                        .route(web::patch().to(rename))
                        .route(web::delete().to(delete)),
                )
                .service(resource("/{drawing}/restore", "POST").route(web::post().to(restore)))
                .service(
                    resource("/{drawing}/keys", "GET, POST")
                        .route(read().to(keys::list))
                        .route(web::post().to(keys::add)),
                )
                .service(
                    resource("/{drawing}/keys/{key}", "PATCH, DELETE")
                        .route(web::patch().to(keys::change))
                        .route(web::delete().to(keys::revoke)),
                )
                .service(resource("/{drawing}/locked", "PUT").route(web::put().to(keys::lock)))
                .service(
                    resource("/{drawing}/muted/{author}", "PUT, DELETE")
                        .route(web::put().to(keys::mute))
                        .route(web::delete().to(keys::unmute)),
                )
                .service(resource("/{drawing}/strokes", "GET").route(read().to(strokes)))
                .service(resource("/{drawing}/export.svg", "GET").route(read().to(export::svg)))
                .service(resource("/{drawing}/export.png", "GET").route(read().to(export::png)))
                .service(resource("/{drawing}/export.json", "GET").route(read().to(export::json)))
                .service(
                    resource("/{drawing}/thumbnail.svg", "GET").route(read().to(thumbnail::get)),
                )
                .service(
                    resource("/{drawing}/assets", "POST")
                        .route(web::post().to(drawing_assets::put)),
                )
                .service(
                    resource("/{drawing}/assets/{hash}", "GET")
                        .route(read().to(drawing_assets::get)),
                ),
        )
        .service(
            web::scope("")
                .service(resource("/", "GET").route(read().to(index)))
                .service(resource("/d/{drawing}", "GET").route(read().to(drawing_page)))
                .service(resource("/favicon.ico", "GET").route(read().to(favicon)))
                .service(resource("/sw.js", "GET").route(read().to(service_worker)))
                .service(resource("/assets/{build}/{path:.*}", "GET").route(read().to(asset))),
        )
        .default_service(web::to(no_page));
}

/// GET, and HEAD, which is GET without a body.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        Err::<HttpResponse, _>(ApiError::method_not_allowed(methods))
    }))
}
