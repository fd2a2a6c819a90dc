//! What needs which access: one table of all that can be asked of a server.
//!
//! It must never miss a route or a frame: the tests walk all of them.

use super::level::Level;

/// Something that can be asked of a server, by a request or by a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The pages, their files, health and metrics.
    Visit,
    /// Which of some keys are valid.
    Held,
    /// The list of all drawings.
    List,
    /// A new drawing.
    Create,
    /// A drawing's title and times, its strokes, pictures, exports and thumbnail.
    Read,
    /// A new picture.
    SendPicture,
    /// Another title.
    Rename,
    /// A deletion, or taking one back.
    Delete,
    /// Keys: all of them, a new one, changing and revoking one.
    Share,
    /// Locking the drawing, and muting people.
    Moderate,
    /// A socket, who one is, changes after a position, the list of people, a ping.
    Join,
    /// A pointer and what one looks at.
    Show,
    /// Ops.
    Change,
    /// Ink, the preview of an edit, and a call to all.
    Sketch,
}

/// What something needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// To be the operator.
    Operator,
    /// To be one of those who may create drawings.
    Creator,
    /// At least this level.
    Level(Level),
    /// At least this level, and that the drawing is not locked nor the person muted. Owners are
    /// stopped by neither.
    Unhindered(Level),
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 14] = [
        Action::Visit,
        Action::Held,
        Action::List,
        Action::Create,
        Action::Read,
        Action::SendPicture,
        Action::Rename,
        Action::Delete,
        Action::Share,
        Action::Moderate,
        Action::Join,
        Action::Show,
        Action::Change,
        Action::Sketch,
    ];

    /// What it needs.
    pub const fn needs(self) -> Need {
        match self {
            Action::Visit | Action::Held => Need::Nothing,
            Action::List => Need::Operator,
            Action::Create => Need::Creator,
            Action::Read | Action::Join | Action::Show => Need::Level(Level::View),
            Action::SendPicture => Need::Level(Level::Draw),
            Action::Change | Action::Sketch => Need::Unhindered(Level::Draw),
            Action::Rename | Action::Delete | Action::Share | Action::Moderate => {
                Need::Level(Level::Own)
            }
        }
    }
}
