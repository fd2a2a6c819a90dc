//! Reads the headers of WebSocket frames (RFC 6455) as their bytes come, in whatever pieces.
//!
//! It must never hold more than one header: what a frame carries is counted, not kept.

use crate::protocol::{Close, MAX_FRAME_BYTES};

/// Longest header: two bytes, a length of eight, and the key that masks what follows.
const MAX_HEADER_BYTES: usize = 14;
/// Most bytes that a control frame carries.
const MAX_CONTROL_BYTES: u64 = 125;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const SHORT_LENGTH: u8 = 0x7f;
const LENGTH_OF_TWO: u8 = 126;
const LENGTH_OF_EIGHT: u8 = 127;

/// Follows one side of a socket from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    header: [u8; MAX_HEADER_BYTES],
    /// How much of the header is there.
    held: usize,
    /// Bytes of the frame's payload that are to come, once the header is whole.
    left: Option<u64>,
}

/// What some bytes were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    /// So many of them belong to one frame.
    pub(super) taken: usize,
    /// With them the frame ends.
    pub(super) ended: Option<FrameKind>,
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// Text, bytes, or a fragment of either.
    Data,
    /// A ping or a pong.
    Control,
    /// The end of the socket.
    Close,
}

/// Why nothing after a header can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    /// A bit is set that no extension of ours gives a meaning.
    ReservedBits,
    /// There is no such opcode.
    Opcode(u8),
    /// Frames of a browser are masked.
    Unmasked,
    /// It announces more than [`MAX_FRAME_BYTES`].
    TooLarge,
    /// A control frame announces more than fits in one.
    LargeControl,
    /// A control frame in fragments.
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
    /// Reads on, up to the end of one frame.
    ///
    /// # Errors
    ///
    /// The first header that is not allowed, as soon as the bytes that make it so are there.
    /// After that there is nothing to be read.
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

    /// What the header announces, once it is whole.
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
        // The key is of no use here, but a frame of no bytes has one too.
        Ok((header.len() == 2 + size + 4).then_some(length))
    }
}

/// The length of so many bytes after the first two, if they are all there.
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
