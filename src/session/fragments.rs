//! A message that arrives in fragments.
//!
//! It must never hold more than one message may have, or for longer than a client may be silent. It
//! reads no clock.

use std::time::{Duration, Instant};

use actix_http::ws::Item;

use crate::protocol::{Close, MAX_FRAME_BYTES};

/// The part of a message that has arrived, if one has begun.
#[derive(Debug, Default)]
pub(super) struct Fragments(Option<Begun>);

#[derive(Debug)]
struct Begun {
    bytes: Vec<u8>,
    at: Instant,
}

impl Fragments {
    /// Adds a fragment; returns the message with its last one.
    ///
    /// # Errors
    ///
    /// Why the socket is closed: the message is too long, not text, or was never begun.
    pub(super) fn take(&mut self, item: Item, now: Instant) -> Result<Option<String>, Close> {
        let (bytes, last) = match item {
            Item::FirstText(bytes) => {
                self.0 = Some(Begun {
                    bytes: Vec::new(),
                    at: now,
                });
                (bytes, false)
            }
            Item::FirstBinary(_) => return Err(malformed("frames are text")),
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let Some(message) = &mut self.0 else {
            return Err(malformed("a fragment continues nothing"));
        };
        if message.bytes.len() + bytes.len() > MAX_FRAME_BYTES {
            self.0 = None;
            return Err(Close::TooLarge);
        }
        message.bytes.extend_from_slice(&bytes);
        if !last {
            return Ok(None);
        }
        let message = self.0.take();
        let message = message.map(|message| String::from_utf8(message.bytes));
        match message {
            Some(Ok(text)) => Ok(Some(text)),
            _ => Err(malformed("text is UTF-8")),
        }
    }

    /// Whether a message began longer ago than `limit` and is incomplete. Its fragments, and the
    /// pings between them, count as signs of life, so nothing else bounds how long it is held.
    pub(super) fn is_late(&self, now: Instant, limit: Duration) -> bool {
        let late = |begun: &Begun| now.saturating_duration_since(begun.at) > limit;
        self.0.as_ref().is_some_and(late)
    }
}

fn malformed(reason: &str) -> Close {
    Close::Malformed(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn a_message_is_late_from_its_first_fragment_on() {
        let (mut fragments, begun) = (Fragments::default(), Instant::now());
        let bytes = Bytes::from_static(b" ");
        let first = || Item::FirstText(bytes.clone());
        assert!(
            !fragments.is_late(begun + 2 * LIMIT, LIMIT),
            "there is none"
        );
        assert_eq!(fragments.take(first(), begun), Ok(None));
        for second in 1..=30 {
            let now = begun + Duration::from_secs(second);
            assert_eq!(fragments.take(Item::Continue(bytes.clone()), now), Ok(None));
            assert!(!fragments.is_late(now, LIMIT));
        }
        let late = begun + LIMIT + Duration::from_millis(1);
        assert!(fragments.is_late(late, LIMIT));

        // The next one has the full time again.
        let whole = fragments.take(Item::Last(bytes.clone()), late);
        assert_eq!(whole.unwrap().unwrap().len(), 32);
        assert!(!fragments.is_late(late + 2 * LIMIT, LIMIT));
        assert_eq!(fragments.take(first(), late), Ok(None));
        assert!(!fragments.is_late(late + LIMIT, LIMIT));
    }
}
