//! The way from a feed to one session.
//!
//! It must never hold more than its limits for a client that does not read.

use bytestring::ByteString;

use crate::protocol::Close;

/// A message to a session.
#[derive(Clone, Debug)]
pub enum ToSession {
    /// A frame for the client.
    Frame(ByteString),
    /// The answer to `hello`.
    Welcome {
        /// The `welcome` frame.
        frame: ByteString,
        /// The number of the op to accept next.
        next: u64,
    },
    /// Some of its ops are decided.
    Acks(Acks),
    /// Close the socket.
    Close(Close),
    /// The feed is gone: join the drawing again.
    Rejoin,
}

/// The outcome of some ops of one session.
#[derive(Clone, Debug, Default)]
pub struct Acks {
    /// The refusals among them, as frames in order.
    pub refusals: Vec<ByteString>,
    /// How many ops were decided.
    pub ops: usize,
    /// The number of the last of them: every op up to it is decided.
    pub acked_through: u64,
}

/// Delivers to one session, or returns at once that there is no room. It never waits.
pub trait Mailbox {
    /// Delivers a frame. False when there is no room for it.
    fn frame(&self, frame: ByteString) -> bool;

    /// Whether the last message that did not fit would probably fit now, so that a frame is worth
    /// encoding. False as long as the session takes nothing.
    fn has_room(&self) -> bool;

    /// Delivers acknowledgements.
    ///
    /// # Errors
    ///
    /// Returns them when there is no room.
    fn acks(&self, acks: Acks) -> Result<(), Acks>;

    /// Delivers a message sent at most once per session, regardless of the limits:
    /// [`ToSession::Welcome`], [`ToSession::Close`] or [`ToSession::Rejoin`].
    fn tell(&self, message: ToSession);

    /// Closes the session.
    fn close(&self, close: Close) {
        self.tell(ToSession::Close(close));
    }
}
