//! Texts compressed once, for as long as they stay the same.
//!
//! It must never compress a picture or a font, which are compressed already.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptEncoding, ContentEncoding, Encoding, Header};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The best quality of Brotli; a build without optimisation would take too long for it.
const BROTLI_QUALITY: i32 = if cfg!(debug_assertions) { 5 } else { 11 };
/// Its usual window, of 4 MiB.
const BROTLI_WINDOW: i32 = 22;

/// A text in its encodings; each is made when it is first asked for.
pub(super) struct Encoded {
    plain: Bytes,
    brotli: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
}

impl Encoded {
    fn new(plain: Bytes) -> Self {
        Self {
            plain,
            brotli: OnceLock::new(),
            gzip: OnceLock::new(),
        }
    }

    /// The encoding that a reader prefers.
    pub(super) fn choose(&self, request: &HttpRequest) -> (ContentEncoding, Bytes) {
        let supported = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
        let accepted = AcceptEncoding::parse(request).ok();
        let chosen = accepted.and_then(|accepted| accepted.negotiate(supported.iter()));
        match chosen {
            Some(chosen) if chosen == Encoding::brotli() => {
                (ContentEncoding::Brotli, self.brotli().clone())
            }
            Some(chosen) if chosen == Encoding::gzip() => {
                (ContentEncoding::Gzip, self.gzip().clone())
            }
            _ => (ContentEncoding::Identity, self.plain.clone()),
        }
    }

    fn brotli(&self) -> &Bytes {
        self.brotli.get_or_init(|| {
            let parameters = brotli::enc::BrotliEncoderParams {
                quality: BROTLI_QUALITY,
                lgwin: BROTLI_WINDOW,
                size_hint: self.plain.len(),
                ..Default::default()
            };
            let mut packed = Vec::new();
            brotli::BrotliCompress(&mut &self.plain[..], &mut packed, &parameters)
                .expect("writing to memory does not fail");
            packed.into()
        })
    }

    fn gzip(&self) -> &Bytes {
        self.gzip.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            let packed = encoder
                .write_all(&self.plain)
                .and_then(|()| encoder.finish());
            packed.expect("writing to memory does not fail").into()
        })
    }
}

/// The texts of this server, by path: as many as there are files.
#[derive(Default)]
pub(super) struct Texts(Mutex<HashMap<String, Arc<Encoded>>>);

impl Texts {
    /// A text under a path, which replaces an older one.
    pub(super) fn get(&self, path: &str, text: Bytes) -> Arc<Encoded> {
        // Nothing panics while the lock is held.
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match texts.get(path) {
            Some(held) if held.plain == text => Arc::clone(held),
            _ => {
                let encoded = Arc::new(Encoded::new(text));
                texts.insert(path.to_owned(), Arc::clone(&encoded));
                encoded
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use actix_web::http::header;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_reader_gets_the_encoding_that_it_prefers_and_the_same_text_in_each() {
        let text = "import the same again and again\n".repeat(100);
        let encoded = Encoded::new(Bytes::from(text.clone()));
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", ContentEncoding::Brotli),
            ("gzip, deflate", ContentEncoding::Gzip),
            ("br;q=0, gzip", ContentEncoding::Gzip),
            ("identity", ContentEncoding::Identity),
            ("zstd", ContentEncoding::Identity),
        ] {
            let request = TestRequest::default().insert_header((header::ACCEPT_ENCODING, accept));
            let (encoding, bytes) = encoded.choose(&request.to_http_request());
            assert_eq!(encoding, expected, "{accept}");
            let mut read = String::new();
            match encoding {
                ContentEncoding::Brotli => {
                    let mut bytes = &bytes[..];
                    let mut plain = Vec::new();
                    brotli::BrotliDecompress(&mut bytes, &mut plain).unwrap();
                    read = String::from_utf8(plain).unwrap();
                }
                ContentEncoding::Gzip => {
                    let mut decoder = flate2::read::GzDecoder::new(&bytes[..]);
                    decoder.read_to_string(&mut read).unwrap();
                }
                _ => read = String::from_utf8(bytes.to_vec()).unwrap(),
            }
            assert_eq!(read, text);
        }
    }

    #[test]
    fn a_text_is_kept_until_it_changes() {
        let texts = Texts::default();
        let first = texts.get("a.js", "one".into());
        assert!(Arc::ptr_eq(&first, &texts.get("a.js", "one".into())));
        assert!(!Arc::ptr_eq(&first, &texts.get("a.js", "two".into())));
    }
}
