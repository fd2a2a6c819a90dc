//! Pixels as a PNG file.

use flate2::{Compress, Compression, Crc, FlushCompress};

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
/// The types of a row that is stored as differences from the pixel on the left, and from the row above.
const SUB: u8 = 1;
const UP: u8 = 2;
/// Bytes by which the file grows while it is written.
const GROWTH: usize = 64 * 1024;

/// A PNG file of pixels whose colours are multiplied by their alpha.
pub(super) fn encode(width: usize, height: usize, pixels: &[[u8; 4]]) -> Vec<u8> {
    let is_opaque = pixels.iter().all(|pixel| pixel[3] == u8::MAX);
    let channels = if is_opaque { 3 } else { 4 };
    let mut file = SIGNATURE.to_vec();
    let size = |side: usize| u32::try_from(side).unwrap_or(u32::MAX).to_be_bytes();
    let colour_type = if is_opaque { 2 } else { 6 };
    let mut header = [size(width), size(height)].concat();
    header.extend([8, colour_type, 0, 0, 0]);
    push_chunk(&mut file, b"IHDR", &header);
    let mut zlib = Zlib::new();
    let mut above = vec![0; width * channels];
    let (mut row, mut line) = (above.clone(), vec![0; 1 + width * channels]);
    for pixels in pixels.chunks(width) {
        for (bytes, pixel) in row.chunks_mut(channels).zip(pixels) {
            bytes.copy_from_slice(&plain(*pixel)[..channels]);
        }
        // Rows of paper and of wide areas are the same as those above.
        let is_like_above = row.iter().zip(&above).filter(|(a, b)| a == b).count() > row.len() / 2;
        line[0] = if is_like_above { UP } else { SUB };
        for i in 0..row.len() {
            let before = match is_like_above {
                true => above[i],
                false if i >= channels => row[i - channels],
                false => 0,
            };
            line[i + 1] = row[i].wrapping_sub(before);
        }
        zlib.push(&line);
        std::mem::swap(&mut above, &mut row);
    }
    push_chunk(&mut file, b"IDAT", &zlib.end());
    push_chunk(&mut file, b"IEND", &[]);
    file
}

/// A pixel whose colours are not multiplied by its alpha.
fn plain([red, green, blue, alpha]: [u8; 4]) -> [u8; 4] {
    let channel = |value: u8| match alpha {
        0 => 0,
        alpha => {
            ((u32::from(value) * 255 + u32::from(alpha) / 2) / u32::from(alpha)).min(255) as u8
        }
    };
    [channel(red), channel(green), channel(blue), alpha]
}

fn push_chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let mut sum = Crc::new();
    sum.update(kind);
    sum.update(data);
    file.extend((data.len() as u32).to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(sum.sum().to_be_bytes());
}

/// A zlib stream that is written.
struct Zlib {
    compress: Compress,
    out: Vec<u8>,
}

impl Zlib {
    fn new() -> Self {
        Self {
            compress: Compress::new(Compression::new(4), true),
            out: Vec::new(),
        }
    }

    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = self.step(bytes, FlushCompress::None);
            bytes = &bytes[taken..];
        }
    }

    fn end(mut self) -> Vec<u8> {
        loop {
            let before = self.out.len();
            self.step(&[], FlushCompress::Finish);
            if self.out.len() == before {
                return self.out;
            }
        }
    }

    /// Writes some of the bytes; how many.
    fn step(&mut self, bytes: &[u8], flush: FlushCompress) -> usize {
        self.out.reserve(GROWTH);
        let before = self.compress.total_in();
        let written = self.compress.compress_vec(bytes, &mut self.out, flush);
        written.expect("a stream of plain bytes cannot be wrong");
        (self.compress.total_in() - before) as usize
    }
}
