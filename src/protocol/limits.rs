//! Size limits of what crosses the socket.

/// Most ops in one frame.
pub const MAX_OPS_PER_FRAME: usize = 500;
/// Largest message of a client, in bytes, whether in one frame or in fragments.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;

/// The longest prefix of `text` with at most this many bytes.
pub(super) fn truncated(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
