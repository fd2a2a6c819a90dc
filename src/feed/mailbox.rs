//! The way from a feed to one session.
//!
//! It must never hold more than its limits for a client that does not read.

use bytestring::ByteString;

use crate::protocol::Close;

/// What a feed tells a session.
#[derive(Clone, Debug)]
pub enum ToSession {
    /// A frame for the client.
    Frame(ByteString),
    /// The answer to `hello`.
    Welcome {
        /// The `welcome` frame.
        frame: ByteString,
        /// The number of the op that is taken next.
        next: u64,
    },
    /// Some of its ops are decided.
    Acks(Acks),
    /// The socket is to be closed.
    Close(Close),
    /// The feed is gone: join again.
    Rejoin,
}

/// What became of ops of one session.
#[derive(Clone, Debug, Default)]
pub struct Acks {
    /// The refusals among them, as frames, in order.
    pub refusals: Vec<ByteString>,
    /// How many ops were decided.
    pub ops: usize,
    /// The number of the last: every op up to it is decided.
    pub acked_through: u64,
}

/// Delivers to one session, or says at once that there is no room. It never waits.
pub trait Mailbox {
    /// Delivers a frame. False when there is no room for it.
    fn frame(&self, frame: ByteString) -> bool;

    /// Whether it is worth encoding a frame: what found no room last would find it now, as far as can be
    /// told. There is none as long as the session takes nothing.
    fn has_room(&self) -> bool;

    /// Delivers acknowledgements.
    ///
    /// # Errors
    ///
    /// Gives them back when there is no room for them.
    fn acks(&self, acks: Acks) -> Result<(), Acks>;

    /// Delivers what is said once in a session's time, past the limits: [`ToSession::Welcome`],
    /// [`ToSession::Close`] and [`ToSession::Rejoin`].
    fn tell(&self, message: ToSession);

    /// Closes the session.
    fn close(&self, close: Close) {
        self.tell(ToSession::Close(close));
    }
}
