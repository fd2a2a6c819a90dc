//! The description of the HTTP API in OpenAPI 3.1, at `/api/openapi.json`.
//!
//! It must never promise less than what is answered: tests compare it with the routes, and with the answers
//! of a running server.

mod operation;
mod operations;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header;
use bytes::Bytes;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, License, OpenApi, OpenApiBuilder, Paths, Ref, RefOr,
    Required, Response, ResponseBuilder, Schema,
};

use crate::VERSION;

use super::drawing_assets::AssetView;
use super::drawings::{
    CreateRequest, DrawingList, DrawingView, Held, HeldRequest, PresentView, RenameRequest,
};
use super::error::{ErrorBody, ErrorCode};
use super::keys::{ChangeRequest, KeyList, KeyRequest, KeyView, LockRequest};
use super::schema::text;
use crate::domain::needs::Need;
use operation::{Body, Operation, Parameter, Value};
use operations::OPERATIONS;

/// Of everything that is named by 32 hexadecimal digits.
const ID: &str = "^[0-9a-f]{32}$";
/// Of the public id of a person.
const PERSON: &str = "^[A-Za-z0-9_-]{21}[AQgw]$";
/// Of the public id of a key.
const KEY_ID: &str = "^[A-Za-z0-9_-]{11}$";
/// Of the hash of a picture.
const HASH: &str = "^[0-9a-f]{64}$";
/// A key, a token, or the operator's key.
const SHOWN: &str = "shown";
/// An hour: it changes with the program only.
const KEEP: &str = "public, max-age=3600";

pub(super) async fn openapi() -> HttpResponse {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| {
        let text = document().to_json();
        text.expect("a description has string keys").into()
    });
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, KEEP))
        .body(TEXT.clone())
}

/// The whole description.
pub fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Whiteboard")
        .version(VERSION)
        .description(Some("A self-hosted collaborative whiteboard."))
        .license(Some(License::new("MIT")));
    let components = ComponentsBuilder::new()
        .schema_from::<ErrorBody<'static>>()
        .schema_from::<DrawingView<'static>>()
        .schema_from::<PresentView>()
        .schema_from::<DrawingList<'static>>()
        .schema_from::<AssetView>()
        .schema_from::<CreateRequest>()
        .schema_from::<RenameRequest>()
        .schema_from::<HeldRequest>()
        .schema_from::<Held>()
        .schema_from::<KeyView<'static>>()
        .schema_from::<KeyList<'static>>()
        .schema_from::<KeyRequest>()
        .schema_from::<ChangeRequest>()
        .schema_from::<LockRequest>()
        .security_scheme(
            SHOWN,
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
    let mut paths = Paths::new();
    for operation in OPERATIONS {
        let described = described(operation);
        let item = paths.paths.entry(operation.path.to_owned());
        let item = item.or_default();
        let method = match operation.method {
            "POST" => &mut item.post,
            "PATCH" => &mut item.patch,
            "PUT" => &mut item.put,
            "DELETE" => &mut item.delete,
            _ => &mut item.get,
        };
        *method = Some(described);
    }
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

fn described(operation: &Operation) -> utoipa::openapi::path::Operation {
    let mut described = OperationBuilder::new()
        .operation_id(Some(operation.name))
        .summary(Some(operation.summary));
    let in_path = |name: &str| operation.path.contains(&format!("{{{name}}}"));
    for (name, pattern) in [
        ("drawing", ID),
        ("hash", HASH),
        ("key", KEY_ID),
        ("author", PERSON),
    ] {
        if in_path(name) {
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(text(Some(pattern))));
            described = described.parameter(parameter);
        }
    }
    if operation.action.needs() != Need::Nothing {
        // An open server asks for nothing.
        let nothing = SecurityRequirement::default();
        let shown = SecurityRequirement::new(SHOWN, [] as [&str; 0]);
        described = described.securities(Some([nothing, shown]));
    }
    for Parameter { name, value, says } in operation.query {
        let parameter = ParameterBuilder::new()
            .name(*name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(*says))
            .schema(Some(of_value(value)));
        described = described.parameter(parameter);
    }
    if let Some((required, body)) = operation.body {
        let required = match required {
            true => Required::True,
            false => Required::False,
        };
        let mut request = RequestBodyBuilder::new().required(Some(required));
        for (media_type, content) in contents(body) {
            request = request.content(media_type, content);
        }
        described = described.request_body(Some(request.build()));
    }
    for (status, says, body) in operation.answers {
        let mut response = ResponseBuilder::new().description(*says);
        for (media_type, content) in contents(*body) {
            response = response.content(media_type, content);
        }
        described = described.response(status.to_string(), response);
    }
    for code in operation.errors.iter().flat_map(|errors| errors.iter()) {
        let status = code.status().as_u16().to_string();
        described = described.response(status, error(*code));
    }
    described.build()
}

fn error(code: ErrorCode) -> Response {
    let schema = Ref::from_schema_name("Error");
    ResponseBuilder::new()
        .description(code.as_str())
        .content("application/json", Content::new(Some(schema)))
        .build()
}

fn contents(body: Body) -> Vec<(&'static str, Content)> {
    let one = |media_type, schema: RefOr<Schema>| vec![(media_type, Content::new(Some(schema)))];
    let object = || ObjectBuilder::new().schema_type(Type::Object).into();
    match body {
        Body::Nothing => Vec::new(),
        Body::Json(name) => one("application/json", Ref::from_schema_name(name).into()),
        Body::Object => one("application/json", object()),
        Body::Text(media_type) => one(media_type, text(None)),
        Body::Picture => ["image/png", "image/jpeg", "image/webp", "image/gif"]
            .map(|media_type| (media_type, Content::new(Some(text(None)))))
            .into(),
    }
}

fn of_value(value: &Value) -> RefOr<Schema> {
    match value {
        Value::Text(pattern) => text(*pattern),
        Value::Whole(least, most) => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(*least))
            .maximum(Some(*most))
            .into(),
        Value::OneOf(words) => ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words.iter().copied()))
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::domain::needs::Action;

    /// Pages and their files: they are no API.
    const FOR_PEOPLE: [&str; 5] = [
        "/",
        "/d/{drawing}",
        "/favicon.ico",
        "/sw.js",
        "/assets/{build}/{path:.*}",
    ];

    /// The methods of each path in the routes, as `Allow` tells them.
    fn routes() -> BTreeMap<String, BTreeSet<String>> {
        let source = include_str!("routes.rs");
        let (mut scope, mut routes) = (String::new(), BTreeMap::new());
        let mut quoted = source.split('"');
        while let (Some(before), Some(text)) = (quoted.next(), quoted.next()) {
            if before.ends_with("scope(") {
                scope = text.to_owned();
            } else if before.trim_end().ends_with("resource(") {
                quoted.next();
                let methods = quoted.next().unwrap().split(", ");
                let methods = methods.map(str::to_owned).collect();
                routes.insert(format!("{scope}{text}"), methods);
            }
        }
        routes
    }

    #[test]
    fn every_route_of_the_api_is_described_with_its_methods_and_nothing_else_is() {
        let mut routes = routes();
        for path in FOR_PEOPLE {
            assert!(routes.remove(path).is_some(), "{path} is no route");
        }
        let mut described = BTreeMap::<_, BTreeSet<_>>::new();
        for Operation { path, method, .. } in OPERATIONS {
            let methods = described.entry((*path).to_owned()).or_default();
            assert!(
                methods.insert((*method).to_owned()),
                "{method} {path} is there twice"
            );
        }
        assert!(routes.len() > 10);
        assert_eq!(described, routes);
    }

    #[test]
    fn every_status_that_the_table_of_access_gives_is_described() {
        for operation in OPERATIONS {
            let statuses: &[ErrorCode] = match operation.action.needs() {
                // What is the matter with a socket, its close code says.
                _ if operation.action == Action::Join => &[ErrorCode::Forbidden],
                Need::Nothing => &[],
                Need::Operator | Need::Creator => &[ErrorCode::Forbidden],
                Need::Level(_) | Need::Unhindered(_) => &[
                    ErrorCode::NotFound,
                    ErrorCode::Forbidden,
                    ErrorCode::Unavailable,
                    ErrorCode::Failed,
                ],
            };
            for code in statuses {
                let mut described = operation.errors.iter().copied().flatten();
                let name = operation.name;
                assert!(described.any(|other| other == code), "{name}: {code:?}");
            }
        }
    }

    #[test]
    fn every_schema_that_is_named_is_there_and_every_operation_has_a_name() {
        let document = serde_json::to_value(document()).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let text = document.to_string();
        let named: BTreeSet<_> = text
            .split("#/components/schemas/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert!(named.len() > 4, "{named:?}");
        for name in named {
            assert!(schemas.contains_key(name), "{name}");
        }
        let names: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        assert_eq!(names.len(), OPERATIONS.len());
    }
}
