//! The integration tests: one binary, so that SurrealDB is linked once; a module for each concern.

mod api;
mod drawing;
mod properties;
mod replicas;
mod settings;
mod start;
