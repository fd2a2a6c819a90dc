//! The settings of proxies in front of the server.

use clap::Args;

use crate::web::proxies::{PersonHeader, Proxies};

/// Which proxies are trusted, and for what.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Proxies")]
pub struct ProxySettings {
    /// Addresses and networks of proxies, separated by commas: from these alone the address of a client is
    /// taken from X-Forwarded-For or Forwarded
    #[arg(
        long,
        env = "WHITEBOARD_PROXIES",
        value_name = "NETWORKS",
        default_value = "",
        hide_default_value = true
    )]
    pub proxies: Proxies,
    /// Header in which these proxies name the person who signed in, such as Remote-User; it replaces the name
    /// that a page gives
    #[arg(
        long,
        env = "WHITEBOARD_PERSON_HEADER",
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub person_header: PersonHeader,
}
