//! The access that a link gives.

/// The access that a link gives, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Viewing, and being listed as present.
    Read,
    /// Also drawing.
    Draw,
    /// Also renaming and deleting.
    Own,
}
