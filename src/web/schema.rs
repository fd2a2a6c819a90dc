//! Schemas of single values, for the description of the HTTP API.

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::domain::access::Level;

/// Text, of this pattern if there is one.
pub(super) fn text(pattern: Option<&str>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(pattern)
        .into()
}

/// What one may do with a drawing.
pub(super) fn level() -> Schema {
    let levels = [Level::View, Level::Draw, Level::Own].map(Level::as_str);
    let object = ObjectBuilder::new().schema_type(Type::String);
    Schema::Object(object.enum_values(Some(levels)).build())
}
