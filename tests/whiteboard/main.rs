//! The integration tests: one binary, so that SurrealDB is linked once; a module for each concern.

mod browser;
#[allow(dead_code, reason = "another test binary uses the rest of it")]
mod page;
mod processes;
mod proxy;
mod served;
#[allow(dead_code, reason = "another test binary uses the rest of it")]
mod surrealdb;

mod api;
mod backup;
mod deployment;
mod drawing;
mod drawing_together;
mod existing;
mod failing;
mod health;
mod hostile;
mod logged;
mod metrics;
mod properties;
mod refused;
mod replicas;
mod resync;
mod settings;
mod start;
mod store;
