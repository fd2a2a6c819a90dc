//! Every setting, defined once: flag, variable, default, bounds and help.

mod access;
mod admin;
mod connections;
mod database;
mod drawings;
mod load;
pub mod parse;
mod proxies;
mod quotas;
mod sessions;
mod settings;

pub use access::{AccessMode, AccessSettings};
pub use admin::{AdminAction, AdminSettings, Command};
pub use connections::ConnectionLimits;
pub use database::{DatabaseSettings, Password};
pub use drawings::DrawingSettings;
pub use load::SettingsError;
pub use proxies::ProxySettings;
pub use quotas::{Each, EachAddress, QuotaSettings};
pub use sessions::SessionSettings;
pub use settings::{ServerSettings, Settings};
