//! The pictures of a drawing as pixels.
//!
//! It must never decode a picture of more pixels than its limit: a small file may claim to be a huge
//! one.

use std::io::Cursor;

use image_webp::WebPDecoder;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;
use zune_png::PngDecoder;

use crate::domain::asset::{Asset, AssetKind};
use crate::picture::painter::Pixels;

/// Largest side, and most pixels. Pages send none of more than 2,048 a side.
const MAX_SIDE: usize = 8_192;
const MAX_PIXELS: usize = 16 * 1024 * 1024;

/// Decodes a picture; the first one of several. `None` if it is damaged or too large.
pub(super) fn decode(asset: &Asset) -> Option<Pixels> {
    let (width, rgba) = match asset.kind {
        AssetKind::Png => png(&asset.bytes),
        AssetKind::Jpeg => jpeg(&asset.bytes),
        AssetKind::Webp => webp(&asset.bytes),
        AssetKind::Gif => gif(&asset.bytes),
    }?;
    let is_whole = width > 0 && !rgba.is_empty() && rgba.len() % width == 0;
    is_whole.then_some(Pixels { width, rgba })
}

fn is_allowed(width: usize, height: usize) -> bool {
    width <= MAX_SIDE && height <= MAX_SIDE && width * height <= MAX_PIXELS
}

fn options() -> DecoderOptions {
    let options = DecoderOptions::new_safe().png_set_add_alpha_channel(true);
    let options = options.png_set_strip_to_8bit(true);
    let options = options.set_max_width(MAX_SIDE).set_max_height(MAX_SIDE);
    options.inflate_set_limit(8 * MAX_PIXELS + MAX_SIDE)
}

fn png(file: &[u8]) -> Option<(usize, Vec<[u8; 4]>)> {
    let mut decoder = PngDecoder::new_with_options(ZCursor::new(file), options());
    decoder.decode_headers().ok()?;
    let (width, height) = decoder.dimensions().filter(|(w, h)| is_allowed(*w, *h))?;
    let channels = decoder.colorspace()?.num_components();
    let bytes = decoder.decode_raw().ok()?;
    let rgba = rgba(&bytes, channels)?;
    (rgba.len() == width * height).then_some((width, rgba))
}

fn jpeg(file: &[u8]) -> Option<(usize, Vec<[u8; 4]>)> {
    let options = options().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().ok()?;
    let info = decoder.info()?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    if !is_allowed(width, height) {
        return None;
    }
    let rgba = rgba(&decoder.decode().ok()?, 3)?;
    Some((width, rgba))
}

fn webp(file: &[u8]) -> Option<(usize, Vec<[u8; 4]>)> {
    let mut decoder = WebPDecoder::new(Cursor::new(file)).ok()?;
    let (width, height) = decoder.dimensions();
    let width = width as usize;
    if !is_allowed(width, height as usize) {
        return None;
    }
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let mut bytes = vec![0; decoder.output_buffer_size()?];
    decoder.read_image(&mut bytes).ok()?;
    Some((width, rgba(&bytes, channels)?))
}

fn gif(file: &[u8]) -> Option<(usize, Vec<[u8; 4]>)> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(Cursor::new(file)).ok()?;
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    if !is_allowed(width, height) {
        return None;
    }
    let mut pixels = vec![[0; 4]; width * height];
    let frame = decoder.read_next_frame().ok()??;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let frame_width = usize::from(frame.width).max(1);
    for (i, pixel) in rgba(&frame.buffer, 4)?.into_iter().enumerate() {
        let (x, y) = (left + i % frame_width, top + i / frame_width);
        if x < width && y < height {
            pixels[y * width + x] = pixel;
        }
    }
    Some((width, pixels))
}

/// Pixels of grey, or of red, green and blue, with or without alpha.
fn rgba(bytes: &[u8], channels: usize) -> Option<Vec<[u8; 4]>> {
    let pixels = bytes.chunks_exact(channels);
    let pixels = pixels.map(|pixel| match *pixel {
        [grey] => Some([grey, grey, grey, u8::MAX]),
        [grey, alpha] => Some([grey, grey, grey, alpha]),
        [red, green, blue] => Some([red, green, blue, u8::MAX]),
        [red, green, blue, alpha] => Some([red, green, blue, alpha]),
        _ => None,
    });
    pixels.collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn decoded(kind: AssetKind, file: &[u8]) -> Option<Pixels> {
        let bytes = file.to_vec().into();
        decode(&Asset { kind, bytes })
    }

    #[test]
    fn each_type_of_picture_is_decoded() {
        for (kind, file, pixel) in [
            (
                AssetKind::Gif,
                "R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=",
                [5, 4, 4, 255],
            ),
            (
                AssetKind::Png,
                "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
                [251, 255, 0, 127],
            ),
        ] {
            let file = STANDARD.decode(file).unwrap();
            let pixels = decoded(kind, &file).unwrap_or_else(|| panic!("{kind:?}"));
            assert_eq!((pixels.width, pixels.rgba.len()), (1, 1));
            if kind == AssetKind::Gif {
                assert_eq!(pixels.rgba[0], pixel);
            }
            for end in 0..file.len() - 1 {
                // It must not panic; a little may be missing.
                let _ = decoded(kind, &file[..end]);
            }
        }
    }

    #[test]
    fn a_damaged_or_huge_picture_is_none() {
        for kind in [
            AssetKind::Png,
            AssetKind::Jpeg,
            AssetKind::Webp,
            AssetKind::Gif,
        ] {
            for file in [
                &b""[..],
                b"GIF89a",
                b"\x89PNG\r\n\x1a\n",
                b"\xff\xd8\xff\xe0",
                b"RIFF....WEBPVP8 ",
            ] {
                assert_eq!(decoded(kind, file), None, "{kind:?}");
            }
        }
        let mut huge = STANDARD
            .decode("R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=")
            .unwrap();
        huge[6..10].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        assert_eq!(decoded(AssetKind::Gif, &huge), None);
    }
}
