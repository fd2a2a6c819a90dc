//! The address of the database: the allowed schemes and parameters.
//!
//! It must never allow a setting under which a commit returns before it is on disk.

use std::path::Path;
use std::time::Duration;

/// The only allowed parameter of SurrealKV, which makes the default explicit: a committed
/// transaction is on disk.
const ON_DISK: &str = "sync=every";

/// The database, and how to connect to it.
#[derive(Clone)]
pub struct Database {
    /// `mem://`, `surrealkv://folder`, `ws://host:port` or `wss://host:port`: see [`database_address`].
    pub url: String,
    /// The namespace, created when it is missing.
    pub namespace: String,
    /// The database in it, created when it is missing.
    pub name: String,
    /// The user that signs in, at the root or else at the database; none for an embedded database.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
    /// Longest duration of one query; after it the result is
    /// [`StoreError::Deadline`](super::StoreError::Deadline).
    pub query_timeout: Duration,
    /// Most queries in flight, including those past their deadline: SurrealDB's client queues
    /// without bound while the database is away. Further queries wait, up to their deadline.
    pub max_queries: usize,
    /// Most changes and signals queued in a [`Subscription`](super::Subscription); when more
    /// arrive, it ends.
    pub live_query_buffer: usize,
}

impl std::fmt::Debug for Database {
    /// Everything but the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("url", &self.url)
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("user", &self.user)
            .field("query_timeout", &self.query_timeout)
            .field("max_queries", &self.max_queries)
            .field("live_query_buffer", &self.live_query_buffer)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Whether the database is in another process.
    pub(super) fn is_remote(&self) -> bool {
        self.url.starts_with("ws")
    }
}

/// Validates an address, and returns the one to connect to.
///
/// SurrealKV accepts `sync`, `sync_data`, `versioned` and `retention` in any case after a `?`, and
/// ignores unknown parameters. Another `sync` acknowledges a commit before it is on disk, and
/// versions would keep erased strokes. So every parameter but `sync=every` is rejected. That one is
/// always passed, since the address overrides all other sources of SurrealKV's settings.
///
/// # Errors
///
/// The reason, with what is allowed.
pub fn database_address(text: &str) -> Result<String, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let (place, parameters) = match rest.split_once('?') {
        Some((place, parameters)) => (place, Some(parameters)),
        None => (rest, None),
    };
    let allowed = match scheme {
        "mem" => place.is_empty(),
        "surrealkv" => !place.is_empty(),
        // A user in the address would be logged with it.
        "ws" | "wss" => !place.is_empty() && !place.contains(['@', '#']),
        _ => false,
    };
    if !allowed {
        return Err(
            "mem://, surrealkv:// and a folder, or ws:// or wss:// and a server, \
            without a user in it"
                .to_owned(),
        );
    }
    match (scheme, parameters) {
        ("surrealkv", None | Some(ON_DISK)) => Ok(format!("surrealkv://{place}?{ON_DISK}")),
        (_, None) => Ok(text.to_owned()),
        ("surrealkv", Some(parameters)) => Err(format!(
            "no parameter but {ON_DISK}, and not {parameters:?}: with others a change could be called saved \
             before it is on disk, or be kept after it was erased"
        )),
        ("mem", Some(_)) => Err("mem:// without parameters: it keeps nothing".to_owned()),
        (_, Some(_)) => Err(format!(
            "{scheme}:// without parameters: the storage of a SurrealDB server is configured where it is started"
        )),
    }
}

/// The folder in an address, if it has one.
pub(super) fn folder(address: &str) -> Option<&Path> {
    let place = address.strip_prefix("surrealkv://")?;
    let place = place.split_once('?').map_or(place, |(place, _)| place);
    Some(Path::new(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_always_opened_so_that_commits_are_on_disk() {
        for text in ["surrealkv://data", "surrealkv://data?sync=every"] {
            assert_eq!(
                database_address(text).as_deref(),
                Ok("surrealkv://data?sync=every")
            );
        }
        let found = folder("surrealkv:///srv/data?sync=every");
        assert_eq!(found, Some(Path::new("/srv/data")));
        assert_eq!(folder("ws://localhost:8000"), None);
    }

    #[test]
    fn other_addresses_stay_as_they_are() {
        for text in ["mem://", "ws://localhost:8000", "wss://db.example/rpc"] {
            assert_eq!(database_address(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn parameters_that_weaken_durability_are_refused() {
        for parameters in [
            "sync=never",
            "SYNC=never",
            "Sync=5s",
            "sync=every&sync=never",
            "sync=never&sync=every",
            "sync=every&sync_data=never",
            "sync_data=never",
            "sync_data=every",
            "versioned=true",
            "retention=30d",
            "sync=Every",
            "sync=every&",
            "sync=every?sync=never",
            "colour=blue",
            "",
        ] {
            let refused = database_address(&format!("surrealkv://data?{parameters}"));
            let reason = refused.expect_err(parameters);
            assert!(reason.contains("no parameter but sync=every"), "{reason}");
            assert!(reason.contains(&format!("{parameters:?}")), "{reason}");
            for other in ["mem://", "ws://localhost:8000", "wss://localhost:8000"] {
                let refused = database_address(&format!("{other}?{parameters}"));
                assert!(refused.is_err(), "{other} {parameters}");
            }
        }
    }

    #[test]
    fn an_invalid_database_address_is_refused() {
        for text in [
            "",
            "mem",
            "memory",
            "mem://folder",
            "surrealkv://",
            "surrealkv://?sync=every",
            "surrealkv:data",
            "surrealkv+versioned://data",
            "rocksdb://data",
            "http://localhost:8000",
            "ws://",
            "ws://root:root@localhost:8000",
            "ws://localhost:8000#sync",
        ] {
            assert!(database_address(text).is_err(), "{text}");
        }
    }
}
