//! The values of the settings about access.

use super::database::Password;
use crate::domain::access::{Creators, Mode};

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

/// How a server decides who has access.
pub fn mode(text: &str) -> Result<AccessMode, String> {
    let given = Mode::ALL.into_iter().find(|mode| mode.as_str() == text);
    match (text, given) {
        ("auto", _) => Ok(AccessMode::Auto),
        (_, Some(mode)) => Ok(AccessMode::Given(mode)),
        _ => Err("auto, open, links or jwt".to_owned()),
    }
}

/// Who may create drawings.
pub fn creators(text: &str) -> Result<Creators, String> {
    match text {
        "everyone" => Ok(Creators::Everyone),
        "operator" => Ok(Creators::Operator),
        _ => Err("everyone or operator".to_owned()),
    }
}

/// The secret of an operator.
pub fn operator_key(text: &str) -> Result<Password, String> {
    let is_long = text.is_empty() || (MIN_OPERATOR_KEY..=MAX_OPERATOR_KEY).contains(&text.len());
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    (is_long && is_plain)
        .then(|| Password(text.to_owned()))
        .ok_or_else(|| {
            format!("{MIN_OPERATOR_KEY} to {MAX_OPERATOR_KEY} letters, digits and signs, no spaces")
        })
}
