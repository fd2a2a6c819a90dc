//! Parses flags and variables into settings, and explains errors.
//!
//! It must never print a password, nor accept a wrong value as another one.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use super::database::DatabaseSettings;
use super::proxies::ProxySettings;
use super::settings::Settings;
use crate::domain::access::{Creators, Mode};
use crate::web::proxies::PersonHeader;

/// Why no settings could be parsed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The text of `--help` or `--version`.
    #[error("{0}")]
    Shown(clap::Error),
    /// A setting is wrong: names it, its value and what is allowed.
    #[error("{0}")]
    Wrong(String),
}

impl Settings {
    /// The settings from the flags and the environment of this process.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] names the first setting that is wrong.
    pub fn from_environment() -> Result<Self, SettingsError> {
        Self::parse_with(Self::command(), std::env::args_os())
    }

    /// The settings from these flags alone, without the environment.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] names the first setting that is wrong.
    pub fn from_flags<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Self, SettingsError> {
        let command = without_environment(Self::command());
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

    /// Variables of this process that begin like a setting and are none: misspelt ones, most likely.
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

    /// Checks settings that depend on each other.
    fn check(&self) -> Result<(), SettingsError> {
        let ProxySettings {
            proxies,
            person_header: PersonHeader(person),
        } = &self.proxies;
        if let Some(name) = person.as_ref().filter(|_| proxies.is_empty()) {
            return Err(SettingsError::Wrong(format!(
                "WHITEBOARD_PERSON_HEADER (--person-header) is {:?} and WHITEBOARD_PROXIES (--proxies) is empty: \
                 name the proxies that send it",
                name.as_str()
            )));
        }
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
        let is_jwt = self.mode().0 == Mode::Jwt;
        let access = &self.access;
        if is_jwt == access.jwt_keys.is_empty() {
            return Err(SettingsError::Wrong(
                "WHITEBOARD_ACCESS (--access) is jwt if and only if WHITEBOARD_JWT_KEYS (--jwt-keys) \
                 names a file"
                    .to_owned(),
            ));
        }
        if access.create == Creators::Operator && access.operator_key.0.is_empty() {
            return Err(SettingsError::Wrong(
                "WHITEBOARD_CREATE (--create) is operator: set WHITEBOARD_OPERATOR_KEY \
                 (--operator-key) too"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

fn without_environment(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| arg.env(None::<&'static str>));
    command.mut_subcommands(without_environment)
}

/// Turns clap's error into one line that names the variable, the flag and what is allowed.
fn explained(error: clap::Error) -> SettingsError {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return SettingsError::Shown(error);
    }
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
    ) {
        let text = "say what to do: whiteboard admin --help lists it";
        return SettingsError::Wrong(text.to_owned());
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
    let is_secret = command
        .get_arguments()
        .any(|arg| arg.is_hide_env_values_set() && named.is_some() && arg.get_long() == named);
    match (named, variable, source) {
        (Some(flag), Some(variable), Some(allowed)) => {
            let value = match context(ContextKind::InvalidValue) {
                Some(_) if is_secret => "wrong".to_owned(),
                value => format!("{:?}", value.unwrap_or_default()),
            };
            SettingsError::Wrong(format!(
                "{variable} (--{flag}) is {value}: allowed is {allowed}"
            ))
        }
        // An unknown flag and the like: the first line of clap's text says all.
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            SettingsError::Wrong(line.trim_start_matches("error: ").to_owned())
        }
    }
}
