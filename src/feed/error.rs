//! Errors of feeds.

/// Why a feed has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The drawing does not exist, or is deleted.
    #[error("there is no such drawing")]
    NotFound,
    /// The database is away, or the server is stopping.
    #[error("the database cannot be reached just now")]
    Unavailable,
}
