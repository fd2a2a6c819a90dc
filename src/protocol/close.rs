//! Close codes and reasons, readable by a client and a person.
//!
//! A reason always says whether to reconnect.

use std::time::Duration;

use super::limits::{MAX_FRAME_BYTES, truncated};

/// Why the server closes a socket, and whether to reconnect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Close {
    /// 4400: a frame or the address violates the protocol or its rate limits.
    Malformed(String),
    /// 4403: what the client shows does not open the drawing, or no longer.
    Forbidden(&'static str),
    /// 4404: the drawing does not exist, or was deleted.
    NoDrawing,
    /// 4408: the client sent nothing for too long.
    Silent,
    /// 4413: a frame exceeds the limit.
    TooLarge,
    /// 4421: a foreign origin or host, which has nothing to do with the drawing.
    Misdirected(&'static str),
    /// 4429: too many sessions, and whose.
    TooMany(String),
    /// 1012: this server stops; any other one takes over.
    Restart {
        /// Delay before the client reconnects.
        after: Duration,
    },
    /// 1013: overload, or the database is away.
    Load {
        /// Delay before the client reconnects.
        after: Duration,
    },
}

impl Close {
    /// The close code.
    pub fn code(&self) -> u16 {
        match self {
            Close::Malformed(_) => 4400,
            Close::Forbidden(_) => 4403,
            Close::NoDrawing => 4404,
            Close::Silent => 4408,
            Close::TooLarge => 4413,
            Close::Misdirected(_) => 4421,
            Close::TooMany(_) => 4429,
            Close::Restart { .. } => 1012,
            Close::Load { .. } => 1013,
        }
    }

    /// The close reason: at most the 123 bytes that a close frame has room for.
    pub fn reason(&self) -> String {
        let text = match self {
            Close::Malformed(reason) => format!("final: {reason}"),
            Close::Forbidden(reason) | Close::Misdirected(reason) => format!("final: {reason}"),
            Close::NoDrawing => "final: there is no such drawing".into(),
            Close::Silent => "again: no frame was received for too long".into(),
            Close::TooLarge => format!("final: a frame has at most {MAX_FRAME_BYTES} bytes"),
            Close::TooMany(reason) => format!("again in 5000 ms: {reason}"),
            Close::Restart { after } => {
                format!("again in {} ms: the server restarts", after.as_millis())
            }
            Close::Load { after } => {
                format!("again in {} ms: the server is too busy", after.as_millis())
            }
        };
        truncated(&text, 123).to_owned()
    }
}
