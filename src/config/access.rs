//! The settings of access: who may do what, and which hosts and origins are allowed.
//!
//! The operator's key must never be shown.

use clap::Args;

use super::database::Password;
use crate::domain::access::{Creators, Mode};
use crate::web::origin::{HostNames, Origins};

/// Least and most bytes of an operator's key: nobody can try so many in time.
const MIN_OPERATOR_KEY: usize = 16;
const MAX_OPERATOR_KEY: usize = 200;

/// How a server decides who has access, as it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// By the address that it listens on.
    Auto,
    /// In this way.
    Given(Mode),
}

/// Who may do what, and which hosts and origins are allowed, beside the IP addresses of this server and
/// localhost.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessSettings {
    /// Who has access: open for everybody who reaches the server, links for those with a link, jwt for
    /// those with a signed token too; auto is open on a loopback address, and otherwise links
    #[arg(
        long,
        env = "WHITEBOARD_ACCESS",
        value_name = "MODE",
        default_value = "auto",
        value_parser = mode
    )]
    pub access: AccessMode,
    /// Who may create drawings: everyone, or the operator
    #[arg(
        long,
        env = "WHITEBOARD_CREATE",
        value_name = "WHO",
        default_value = "everyone",
        value_parser = creators
    )]
    pub create: Creators,
    /// Secret of the operator, who owns all drawings and lists them; prefer the variable, because other
    /// users of the machine can see flags
    #[arg(
        long,
        env = "WHITEBOARD_OPERATOR_KEY",
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        hide_env_values = true,
        value_parser = operator_key
    )]
    pub operator_key: Password,
    /// File with the public key or keys that verify tokens, as PEM or JWKS, read at the start
    #[arg(
        long,
        env = "WHITEBOARD_JWT_KEYS",
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    pub jwt_keys: String,
    /// Host names under which browsers reach this server, separated by commas; IP addresses and localhost
    /// always work
    #[arg(
        long,
        env = "WHITEBOARD_HOSTS",
        value_name = "NAMES",
        default_value = "",
        hide_default_value = true
    )]
    pub hosts: HostNames,
    /// Other origins whose pages may use this server, separated by commas: each a scheme, a host and
    /// optionally a port
    #[arg(
        long,
        env = "WHITEBOARD_ORIGINS",
        value_name = "ORIGINS",
        default_value = "",
        hide_default_value = true
    )]
    pub origins: Origins,
    /// Origins whose pages may show drawings in a frame, separated by commas; this server's own may
    #[arg(
        long,
        env = "WHITEBOARD_FRAME_ORIGINS",
        value_name = "ORIGINS",
        default_value = "",
        hide_default_value = true
    )]
    pub frame_origins: Origins,
}

/// How a server decides who has access.
fn mode(text: &str) -> Result<AccessMode, String> {
    let given = Mode::ALL.into_iter().find(|mode| mode.as_str() == text);
    match (text, given) {
        ("auto", _) => Ok(AccessMode::Auto),
        (_, Some(mode)) => Ok(AccessMode::Given(mode)),
        _ => Err("auto, open, links or jwt".to_owned()),
    }
}

/// Who may create drawings.
fn creators(text: &str) -> Result<Creators, String> {
    match text {
        "everyone" => Ok(Creators::Everyone),
        "operator" => Ok(Creators::Operator),
        _ => Err("everyone or operator".to_owned()),
    }
}

/// The secret of an operator.
fn operator_key(text: &str) -> Result<Password, String> {
    let is_long = text.is_empty() || (MIN_OPERATOR_KEY..=MAX_OPERATOR_KEY).contains(&text.len());
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    (is_long && is_plain)
        .then(|| Password(text.to_owned()))
        .ok_or_else(|| {
            format!("{MIN_OPERATOR_KEY} to {MAX_OPERATOR_KEY} letters, digits and signs, no spaces")
        })
}
