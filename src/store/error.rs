//! Errors of the database.

use std::time::Duration;
use surrealdb::IndexedResults;
use surrealdb::types::{ErrorDetails, QueryError as SurrealQueryError};

/// Parts of SurrealDB's error texts that mean a failed storage, a failed commit (of several
/// statements or of one) or an unknown commit. The kinds of these errors are shared with others.
const STORAGE_FAILED: [&str; 4] = [
    "There was a problem with a transaction: ",
    "Cannot COMMIT",
    "The query was not executed due to a failed transaction. ",
    "commit outcome is unknown",
];

/// Why a query has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such drawing.
    #[error("there is no such drawing")]
    NotFound,
    /// The drawing is deleted.
    #[error("the drawing is deleted")]
    Gone,
    /// No answer in time: the write may have committed, or may still commit.
    #[error("the database did not answer within {0:?}")]
    Deadline(Duration),
    /// The database cannot be reached or opened, or the connection broke: a write may have
    /// committed.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The storage beneath the database failed, as with a full disk: a write may have committed.
    #[error("the database's storage failed: {0}")]
    Storage(String),
    /// The address has no database of this program, and creating one was not allowed.
    #[error("there is no whiteboard database at this address")]
    NoDatabase,
    /// A newer program wrote this database in a form that this one must not read.
    #[error(
        "the database was written by a newer program (schema {schema}) that asks for \
         schema {oldest} or later; this program knows schema {known}: upgrade it"
    )]
    TooNew {
        /// Schema number of the database.
        schema: u32,
        /// Lowest schema number that a program must support to read it.
        oldest: u32,
        /// Schema number of this program.
        known: u32,
    },
    /// An older version of this program wrote this database, and this one cannot migrate it.
    #[error(
        "the database has schema {schema}, and this program needs schema {known} or later: \
         use the version of the program that wrote it, or an empty database"
    )]
    OtherSchema {
        /// Schema number of the database.
        schema: u32,
        /// Schema number of this program.
        known: u32,
    },
    /// An early development version wrote this database, when the numbers of schemas counted others.
    #[error(
        "an early development version wrote the database, whose drawings have no field `{missing}`: \
         use the version of the program that wrote it, or an empty database"
    )]
    OldTables {
        /// A field that its drawings lack.
        missing: &'static str,
    },
    /// The database answered with an error and stored nothing. The query or the database may be
    /// the cause.
    #[error("the database refused: {0}")]
    Failed(String),
}

/// The error of a query, before the caller interprets it.
#[derive(Debug)]
pub(super) enum QueryError {
    /// The query executed THROW with this word.
    Thrown(String),
    /// Another transaction wrote the same rows at the same time; nothing is stored.
    Conflict,
    /// Any other error.
    Store(StoreError),
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Thrown(word) => StoreError::Failed(word),
            QueryError::Conflict => {
                StoreError::Failed("too many conflicts with other transactions".into())
            }
            QueryError::Store(error) => error,
        }
    }
}

impl From<surrealdb::Error> for QueryError {
    fn from(error: surrealdb::Error) -> Self {
        let text = error.message();
        if let Some(word) = text.strip_prefix("An error occurred: ")
            && error.is_thrown()
        {
            return QueryError::Thrown(word.to_owned());
        }
        match error.details() {
            ErrorDetails::Query(Some(SurrealQueryError::TransactionConflict)) => {
                QueryError::Conflict
            }
            _ if text.contains("can be retried") => QueryError::Conflict,
            ErrorDetails::Connection(_) => unavailable(text),
            // Storage error; the write may have committed.
            _ if is_of_storage(text) => QueryError::Store(StoreError::Storage(one_line(text))),
            _ => QueryError::Store(StoreError::Failed(one_line(text))),
        }
    }
}

impl From<surrealdb::Error> for StoreError {
    fn from(error: surrealdb::Error) -> Self {
        QueryError::from(error).into()
    }
}

fn is_of_storage(text: &str) -> bool {
    STORAGE_FAILED.iter().any(|words| text.contains(words))
}

/// The text without line breaks, for one line of a log.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Finds the cause among the errors of a query's statements: all but one of them may only say that
/// another one failed, or that the transaction could not be committed.
pub(super) fn checked(mut results: IndexedResults) -> Result<IndexedResults, QueryError> {
    let mut errors: Vec<_> = results.take_errors().into_iter().collect();
    if errors.is_empty() {
        return Ok(results);
    }
    errors.sort_by_key(|(index, error)| {
        let follows = matches!(
            error.details(),
            ErrorDetails::Query(Some(SurrealQueryError::NotExecuted))
        );
        (follows && !is_of_storage(error.message()), *index)
    });
    Err(errors.swap_remove(0).1.into())
}

pub(super) fn closed() -> QueryError {
    unavailable("the store is closed")
}

pub(super) fn unavailable(text: &str) -> QueryError {
    QueryError::Store(StoreError::Unavailable(one_line(text)))
}
