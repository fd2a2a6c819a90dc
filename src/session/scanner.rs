//! Reads the headers of WebSocket frames (RFC 6455) from bytes in pieces of any size.
//!
//! It must never hold more than one header: payload bytes are counted, not kept.

use crate::protocol::{Close, MAX_FRAME_BYTES};

/// Longest header: two bytes, an eight-byte length, and the masking key.
const MAX_HEADER_BYTES: usize = 14;
/// Largest payload of a control frame, in bytes.
const MAX_CONTROL_BYTES: u64 = 125;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const SHORT_LENGTH: u8 = 0x7f;
const LENGTH_OF_TWO: u8 = 126;
const LENGTH_OF_EIGHT: u8 = 127;

/// Follows the frames of one direction of a socket.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    header: [u8; MAX_HEADER_BYTES],
    /// Number of header bytes read.
    held: usize,
    /// Payload bytes still missing, once the header is complete.
    left: Option<u64>,
}

/// The result of scanning some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    /// Number of bytes that belong to one frame.
    pub(super) taken: usize,
    /// The kind of the frame if it ends with them.
    pub(super) ended: Option<FrameKind>,
}

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// Text, bytes, or a fragment of either.
    Data,
    /// A ping or a pong.
    Control,
    /// A close frame.
    Close,
}

/// Why nothing after a header can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    /// A reserved bit is set: no extension is in use.
    ReservedBits,
    /// The opcode is unknown.
    Opcode(u8),
    /// The frame is not masked, as a client's must be.
    Unmasked,
    /// The payload is larger than [`MAX_FRAME_BYTES`].
    TooLarge,
    /// The payload is too large for a control frame.
    LargeControl,
    /// A control frame is fragmented.
    FragmentedControl,
}

impl From<Violation> for Close {
    fn from(violation: Violation) -> Self {
        let text = match violation {
            Violation::TooLarge => return Close::TooLarge,
            Violation::ReservedBits => "a frame has reserved bits".into(),
            Violation::Opcode(opcode) => format!("a frame has the unknown opcode {opcode}"),
            Violation::Unmasked => "a frame is not masked".into(),
            Violation::LargeControl => {
                format!("a control frame has at most {MAX_CONTROL_BYTES} bytes")
            }
            Violation::FragmentedControl => "a control frame is in fragments".into(),
        };
        Close::Malformed(text)
    }
}

impl Scanner {
    /// Scans bytes up to the end of one frame.
    ///
    /// # Errors
    ///
    /// The first invalid header, at the byte that makes it invalid. Nothing can be read after it.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Scanned, Violation> {
        let mut taken = 0;
        let mut left = match self.left {
            Some(left) => left,
            None => loop {
                let Some(&byte) = bytes.get(taken) else {
                    return Ok(Scanned { taken, ended: None });
                };
                self.header[self.held] = byte;
                self.held += 1;
                taken += 1;
                if let Some(length) = self.length()? {
                    break length;
                }
            },
        };
        let there = (bytes.len() - taken).min(usize::try_from(left).unwrap_or(usize::MAX));
        left -= there as u64;
        taken += there;
        if left > 0 {
            self.left = Some(left);
            return Ok(Scanned { taken, ended: None });
        }
        let kind = match self.header[0] & OPCODE {
            0x8 => FrameKind::Close,
            0x9 | 0xa => FrameKind::Control,
            _ => FrameKind::Data,
        };
        (self.held, self.left) = (0, None);
        let ended = Some(kind);
        Ok(Scanned { taken, ended })
    }

    /// The frame that a complete header announces.
    fn length(&self) -> Result<Option<u64>, Violation> {
        let header = &self.header[..self.held];
        let first = header[0];
        if first & RESERVED != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = first & OPCODE;
        if matches!(opcode, 0x3..=0x7 | 0xb..=0xf) {
            return Err(Violation::Opcode(opcode));
        }
        let is_control = opcode >= 0x8;
        if is_control && first & FINAL == 0 {
            return Err(Violation::FragmentedControl);
        }
        let Some(&second) = header.get(1) else {
            return Ok(None);
        };
        if second & MASKED == 0 {
            return Err(Violation::Unmasked);
        }
        let (length, size) = match second & SHORT_LENGTH {
            LENGTH_OF_TWO if is_control => return Err(Violation::LargeControl),
            LENGTH_OF_EIGHT if is_control => return Err(Violation::LargeControl),
            LENGTH_OF_TWO => (whole(header, 2), 2),
            LENGTH_OF_EIGHT => (whole(header, 8), 8),
            short => (Some(u64::from(short)), 0),
        };
        let Some(length) = length else {
            return Ok(None);
        };
        if length > MAX_FRAME_BYTES as u64 {
            return Err(Violation::TooLarge);
        }
        // The key is not needed here, but a frame without payload has one too.
        Ok((header.len() == 2 + size + 4).then_some(length))
    }
}

/// The length in the `size` bytes after the first two, if they are all there.
fn whole(header: &[u8], size: usize) -> Option<u64> {
    let bytes = header.get(2..2 + size)?;
    Some(
        bytes
            .iter()
            .fold(0, |length, &byte| length << 8 | u64::from(byte)),
    )
}

#[cfg(test)]
mod tests;
