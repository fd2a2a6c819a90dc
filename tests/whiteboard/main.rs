//! The integration tests: one binary, so that SurrealDB is linked once; a module for each concern.

mod parts;

mod access;
mod admin;
mod api;
mod backup;
mod crowd;
mod deployment;
mod docs;
mod drawing;
mod drawing_together;
mod exhaustion;
mod existing;
mod failing;
mod feeds;
mod health;
mod hostile;
mod logged;
mod metrics;
mod oracle;
mod people;
mod pictures;
mod properties;
mod proxies;
mod quotas;
mod reading;
mod refused;
mod resync;
mod sessions;
mod settings;
mod start;
mod store;
mod upgrade;
