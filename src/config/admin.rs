//! What an operator asks of a database: `whiteboard admin`.

use clap::{Args, Subcommand};

use super::database::DatabaseSettings;
use crate::domain::ids::DrawingId;
use crate::domain::key::KeyId;

/// What the program does instead of serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// List, show, delete and restore drawings, and list and revoke their keys, in the database itself
    Admin(AdminSettings),
}

/// What an operator asks, and of which database.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "It works beside running servers, and they obey within a second. The database of a server that \
        has it in its own process (surrealkv://) can be opened only while that server is stopped. Variables \
        and .env count as for the server. It exits with 1 if it could not do what was asked."
)]
pub struct AdminSettings {
    /// Where drawings are stored.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// Print JSON: one object on a line of its own for each drawing or key
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub action: AdminAction,
}

/// What an operator can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum AdminAction {
    /// List the drawings, the last changed first
    List {
        /// Instead those that were deleted in the last ten minutes, which can be restored
        #[arg(long)]
        deleted: bool,
    },
    /// Show a drawing, without its strokes
    Show {
        /// Id of the drawing
        id: DrawingId,
    },
    /// List the keys of a drawing, without their secrets, which nobody has
    Keys {
        /// Id of the drawing
        id: DrawingId,
    },
    /// Revoke a key, and end the sessions that it let in
    Revoke {
        /// Id of the drawing
        id: DrawingId,
        /// Id of the key
        // It may begin with a hyphen.
        #[arg(allow_hyphen_values = true)]
        key_id: KeyId,
    },
    /// Delete a drawing, and end its sessions
    Delete {
        /// Id of the drawing
        id: DrawingId,
    },
    /// Take a deletion back, within ten minutes
    Restore {
        /// Id of the drawing
        id: DrawingId,
    },
    /// Count drawings, keys, bytes of pictures, servers and sessions
    Stats,
}
