//! Makes settings of flags and variables, or says what is wrong with them.
//!
//! It must never show a password, and never let a wrong value pass as another one.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use super::database::DatabaseSettings;
use super::sessions::BrowserSettings;
use super::settings::Settings;

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// `--help` or `--version`, whose text is the answer.
    #[error("{0}")]
    Shown(clap::Error),
    /// A setting is wrong: the text names it, its value and what is allowed.
    #[error("{0}")]
    Wrong(String),
}

impl Settings {
    /// The settings that the flags and the environment of this process make.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] names the first setting that is wrong.
    pub fn from_environment() -> Result<Self, SettingsError> {
        Self::parse_with(Self::command(), std::env::args_os())
    }

    /// The settings that flags alone make, whatever the environment holds.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] names the first setting that is wrong.
    pub fn from_flags<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Self, SettingsError> {
        let command = Self::command().mut_args(|arg| arg.env(None::<&'static str>));
        let words = std::iter::once("whiteboard").chain(flags);
        Self::parse_with(command, words.map(OsString::from))
    }

    fn parse_with(
        mut command: clap::Command,
        words: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, SettingsError> {
        let settings = command
            .try_get_matches_from_mut(words)
            .and_then(|matches| Self::from_arg_matches(&matches))
            .map_err(explained)?;
        settings.check()?;
        Ok(settings)
    }

    /// The variables of this process that look like settings and are none: misspelt ones, most likely.
    pub fn unknown_variables() -> Vec<String> {
        let command = Self::command();
        let known = |name: &OsStr| {
            command
                .get_arguments()
                .any(|arg| arg.get_env() == Some(name))
        };
        std::env::vars_os()
            .map(|(name, _)| name)
            .filter(|name| name.as_encoded_bytes().starts_with(b"WHITEBOARD_") && !known(name))
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    /// Looks at settings that only make sense together.
    fn check(&self) -> Result<(), SettingsError> {
        let DatabaseSettings { user, password, .. } = &self.database;
        if user.is_empty() != password.0.is_empty() {
            return Err(SettingsError::Wrong(format!(
                "WHITEBOARD_DATABASE_USER (--database-user) is {user:?} and WHITEBOARD_DATABASE_PASSWORD \
                 (--database-password) is {}: give both or neither",
                if password.0.is_empty() {
                    "empty"
                } else {
                    "set"
                }
            )));
        }
        let BrowserSettings {
            heartbeat,
            session_timeout,
            ..
        } = &self.browsers;
        if session_timeout <= heartbeat {
            return Err(SettingsError::Wrong(format!(
                "WHITEBOARD_SESSION_TIMEOUT (--session-timeout) is {session_timeout:?}: allowed is more than \
                 WHITEBOARD_HEARTBEAT (--heartbeat), which is {heartbeat:?}"
            )));
        }
        Ok(())
    }
}

/// Says of clap's complaint about a value which variable and flag it was, and what is allowed.
fn explained(error: clap::Error) -> SettingsError {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return SettingsError::Shown(error);
    }
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let named = context(ContextKind::InvalidArg)
        .and_then(|usage| usage.strip_prefix("--"))
        .and_then(|usage| usage.split([' ', '=']).next());
    let command = Settings::command();
    let variable = named
        .and_then(|flag| {
            command
                .get_arguments()
                .find(|arg| arg.get_long() == Some(flag))
        })
        .and_then(|arg| arg.get_env())
        .map(|name| name.to_string_lossy());
    let source = std::error::Error::source(&error);
    match (named, variable, source) {
        (Some(flag), Some(variable), Some(allowed)) => {
            let value = context(ContextKind::InvalidValue).unwrap_or_default();
            SettingsError::Wrong(format!(
                "{variable} (--{flag}) is {value:?}: allowed is {allowed}"
            ))
        }
        // An unknown flag and the like: the first line of what clap says is the whole of it.
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            SettingsError::Wrong(line.trim_start_matches("error: ").to_owned())
        }
    }
}
