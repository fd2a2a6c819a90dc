//! A message that comes in fragments.
//!
//! It must never hold more than one message may have.

use actix_http::ws::Item;

use crate::protocol::{Close, MAX_FRAME_BYTES};

/// What came of a message so far, if one has begun.
#[derive(Debug, Default)]
pub(super) struct Fragments(Option<Vec<u8>>);

impl Fragments {
    /// Takes in the next fragment; gives the message with its last one.
    ///
    /// # Errors
    ///
    /// Why the socket is closed: what came is too long, no text, or continues nothing.
    pub(super) fn take(&mut self, item: Item) -> Result<Option<String>, Close> {
        let (bytes, last) = match item {
            Item::FirstText(bytes) => {
                self.0 = Some(Vec::new());
                (bytes, false)
            }
            Item::FirstBinary(_) => return Err(malformed("frames are text")),
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let Some(message) = &mut self.0 else {
            return Err(malformed("a fragment continues nothing"));
        };
        if message.len() + bytes.len() > MAX_FRAME_BYTES {
            self.0 = None;
            return Err(Close::TooLarge);
        }
        message.extend_from_slice(&bytes);
        if !last {
            return Ok(None);
        }
        let message = self.0.take().map(String::from_utf8);
        match message {
            Some(Ok(text)) => Ok(Some(text)),
            _ => Err(malformed("text is UTF-8")),
        }
    }
}

fn malformed(reason: &str) -> Close {
    Close::Malformed(reason.to_owned())
}
