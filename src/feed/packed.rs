//! Texts compressed apart, each once, to be sent together as one gzip file.
//!
//! Nothing here waits or does I/O. Compressing takes some ten milliseconds per MiB: too long for an
//! actor's thread.

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};

/// The header of a gzip file (RFC 1952) without name, time and system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty block that ends a DEFLATE stream (RFC 1951).
const LAST_BLOCK: [u8; 2] = [3, 0];
/// Room for the ends of compressed blocks.
const ROOM: usize = 256;
/// Most bytes of an uncompressed block.
const MAX_STORED: usize = 0xffff;

/// A text as DEFLATE blocks, which end at a byte boundary and of which none is the last.
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
        let mut compress = Compress::new(Compression::fast(), false);
        // Room for all of it, as zlib bounds it: at this level miniz_oxide loses bytes when its output
        // is full before its input has ended, and then all that follows is unreadable.
        let mut blocks = Vec::with_capacity(text.len() + text.len() / 10 + ROOM);
        let status = compress.compress_vec(text, &mut blocks, FlushCompress::Sync);
        let is_whole = status.is_ok() && compress.total_in() == text.len() as u64;
        assert!(is_whole && blocks.len() < blocks.capacity(), "{status:?}");
        blocks.shrink_to_fit();
        Self {
            blocks: blocks.into(),
            crc,
        }
    }
}

/// A gzip file that is written from its beginning to its end.
#[derive(Debug)]
pub(super) struct GzipFile {
    crc: Crc,
}

impl GzipFile {
    /// The file, and its first bytes.
    pub(super) fn begin() -> (Self, Bytes) {
        let file = Self { crc: Crc::new() };
        (file, Bytes::from_static(&HEADER))
    }

    /// Adds a text without compressing it, which is for short ones.
    pub(super) fn text(&mut self, text: &str) -> Bytes {
        self.crc.update(text.as_bytes());
        let mut blocks = Vec::new();
        for part in text.as_bytes().chunks(MAX_STORED) {
            let length = part.len() as u16;
            blocks.push(0);
            blocks.extend(length.to_le_bytes());
            blocks.extend((!length).to_le_bytes());
            blocks.extend(part);
        }
        blocks.into()
    }

    /// Adds a compressed text.
    pub(super) fn packed(&mut self, packed: &Packed) -> Bytes {
        self.crc.combine(&packed.crc);
        packed.blocks.clone()
    }

    /// The last bytes of the file.
    pub(super) fn end(self) -> Bytes {
        let mut end = LAST_BLOCK.to_vec();
        end.extend(self.crc.sum().to_le_bytes());
        end.extend(self.crc.amount().to_le_bytes());
        end.into()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn texts_that_were_compressed_apart_are_one_gzip_file() {
        let long = "ä".repeat(MAX_STORED);
        let many = "[1,2,3],".repeat(10_000);
        for texts in [
            &[][..],
            &["{}"],
            &["", "", ""],
            &["{\"changes\":[", &many, ",", &many, "]}"],
            &[&long, "", &long, &many],
        ] {
            let (mut file, mut bytes) = (Vec::new(), Vec::<u8>::new());
            let (mut gzip, header) = GzipFile::begin();
            file.push(header);
            for (place, text) in texts.iter().enumerate() {
                bytes.extend(text.as_bytes());
                file.push(match place % 2 {
                    0 => gzip.text(text),
                    _ => gzip.packed(&Packed::of(text.as_bytes())),
                });
            }
            file.push(gzip.end());
            let file = file.concat();
            let (mut read, mut decoder) = (Vec::new(), GzDecoder::new(&file[..]));
            decoder.read_to_end(&mut read).unwrap();
            assert_eq!(read, bytes);
            assert!(decoder.into_inner().is_empty(), "something follows the end");
        }
    }

    /// Wherever the text ends while the compressor has more to give than there is room for.
    #[test]
    fn a_text_of_any_length_comes_out_whole() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut text = String::new();
        while text.len() < 400_000 {
            let points: String = (0..160).map(|_| rng.alphanumeric()).collect();
            text += &format!(
                "{{\"stroke\":\"{:032x}\",\"points\":\"{points}\"}},",
                rng.u128(..)
            );
        }
        for length in (100_000..text.len()).step_by(1_009) {
            let (mut gzip, header) = GzipFile::begin();
            let packed = gzip.packed(&Packed::of(&text.as_bytes()[..length]));
            let file = [header, packed, gzip.text("]}"), gzip.end()].concat();
            let mut read = String::new();
            let end = GzDecoder::new(&file[..]).read_to_string(&mut read);
            assert!(end.is_ok(), "{length}: {end:?}");
            assert!(read == format!("{}]}}", &text[..length]), "{length}");
        }
    }
}
