//! Why a feed has no answer.

/// Why a feed has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// No such drawing, or it is deleted.
    #[error("there is no such drawing")]
    NotFound,
    /// The database is away, or the server goes.
    #[error("the database cannot be reached just now")]
    Unavailable,
}
