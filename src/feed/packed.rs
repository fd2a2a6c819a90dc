//! A text compressed once, to be sent behind different heads.
//!
//! Nothing here waits or does I/O. Compressing takes some ten milliseconds per MiB: too long for an
//! actor's thread.

use std::io::Write;

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// The header of a gzip file (RFC 1952) without name, time and system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// Most bytes of an uncompressed block (RFC 1951).
const MAX_STORED: usize = 0xffff;

/// A text as DEFLATE blocks, the last of which ends the file.
#[derive(Debug)]
pub(super) struct Packed {
    blocks: Bytes,
    crc: Crc,
}

impl Packed {
    /// Compresses a text at a fast level.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(text);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        let blocks = encoder.write_all(text).and_then(|()| encoder.finish());
        Self {
            blocks: blocks.expect("writing to memory does not fail").into(),
            crc,
        }
    }

    /// A gzip file of a head and this text, in pieces.
    ///
    /// The head is in uncompressed blocks, which end at a byte boundary, where the text's blocks
    /// begin: so both are one valid DEFLATE stream.
    pub(super) fn behind(&self, head: &str) -> Vec<Bytes> {
        let mut begin = HEADER.to_vec();
        for part in head.as_bytes().chunks(MAX_STORED) {
            let length = part.len() as u16;
            begin.push(0);
            begin.extend(length.to_le_bytes());
            begin.extend((!length).to_le_bytes());
            begin.extend(part);
        }
        let mut crc = Crc::new();
        crc.update(head.as_bytes());
        crc.combine(&self.crc);
        let mut end = crc.sum().to_le_bytes().to_vec();
        end.extend(crc.amount().to_le_bytes());
        vec![begin.into(), self.blocks.clone(), end.into()]
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn any_head_and_the_text_are_one_gzip_file() {
        let long = "ä".repeat(MAX_STORED);
        for text in ["", "]}", &"[1,2,3],".repeat(10_000)] {
            let packed = Packed::of(text.as_bytes());
            for head in ["", "{\"changes\":[", &long] {
                let file = packed.behind(head).concat();
                let mut read = String::new();
                let mut decoder = GzDecoder::new(&file[..]);
                decoder.read_to_string(&mut read).unwrap();
                assert_eq!(read, format!("{head}{text}"));
                assert!(decoder.into_inner().is_empty(), "something follows the end");
            }
        }
    }
}
