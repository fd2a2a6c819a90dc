//! What a link allows.

/// What a link allows, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Looking, and being seen.
    Read,
    /// Drawing too.
    Draw,
    /// Renaming and deleting too.
    Own,
}
