//! What a subscription to a drawing delivers.

use crate::domain::ids::ServerId;
use crate::domain::op::Change;

/// A notification about a drawing.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveEvent {
    /// A change was stored. Changes may arrive out of order. Boxed, since each open drawing has a
    /// large buffer.
    Change(Box<Change>),
    /// A message of a server that is not stored.
    Signals {
        /// The sender.
        server: ServerId,
        /// The message, as JSON.
        body: String,
    },
}
