//! How large what crosses the socket may be.

/// Most ops in one frame.
pub const MAX_OPS_PER_FRAME: usize = 500;
/// Largest frame from a browser, in bytes, also when it comes in fragments.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;

/// The beginning of `text`, of at most so many bytes.
pub(super) fn truncated(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
