//! The integration tests: one binary, so that SurrealDB is linked once; a module for each concern.

mod api;
mod browser;
mod served;

mod drawing;
mod drawing_together;
mod hostile;
mod properties;
mod replicas;
mod resync;
mod settings;
mod start;
