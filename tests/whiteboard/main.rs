//! The integration tests: one binary, so that SurrealDB is linked once; a module for each concern.

mod store;
mod surrealdb;
