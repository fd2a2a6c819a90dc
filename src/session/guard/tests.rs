//! What comes out of the guard, whatever goes in, and that it is never more than one frame.

use std::collections::VecDeque;

use actix_http::ws::Parser;
use actix_web::web::BytesMut;
use fastrand::Rng;
use futures_util::task::noop_waker;

use super::*;
use crate::protocol::{FromBrowser, MAX_FRAME_BYTES};

/// More than any test here sends in a second.
const MANY: NonZeroU32 = NonZeroU32::new(1_000_000).unwrap();
/// Frames that go through a guard, each with what a page may say or nearly so.
const FRAMES: usize = 2_000_000;
/// Threads that share the work.
const THREADS: usize = 4;

/// Chunks that are there at once, and afterwards nothing.
struct Chunks {
    chunks: VecDeque<Bytes>,
    /// After them the connection ends.
    ends: bool,
}

impl Stream for Chunks {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.chunks.pop_front() {
            Some(chunk) => Poll::Ready(Some(Ok(chunk))),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | length as u8),
        length @ 126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    // A key of zeros leaves the payload as it is.
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// Reads as the stream behind a guard does: all there is, and then one frame.
struct Reader {
    guard: Guard<Chunks>,
    buffer: BytesMut,
    /// The most that was ever in the buffer.
    most: usize,
    contention: usize,
    error: bool,
    ended: bool,
}

impl Reader {
    fn new(chunks: impl IntoIterator<Item = Vec<u8>>, ends: bool, gate: &Gate) -> Self {
        let chunks = chunks.into_iter().map(Bytes::from).collect();
        Self {
            guard: Guard::new(Chunks { chunks, ends }, gate.clone(), MANY),
            buffer: BytesMut::new(),
            most: 0,
            contention: 0,
            error: false,
            ended: false,
        }
    }

    /// The next frame: its text, or nothing more for now.
    fn frame(&mut self) -> Option<Vec<u8>> {
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self.guard).poll_next(&mut cx) {
                Poll::Ready(Some(Ok(chunk))) => self.buffer.extend_from_slice(&chunk),
                Poll::Ready(Some(Err(_))) => {
                    self.error = true;
                    return None;
                }
                Poll::Ready(None) => {
                    self.ended = true;
                    break;
                }
                Poll::Pending => break,
            }
            self.most = self.most.max(self.buffer.len());
        }
        let parsed = Parser::parse(&mut self.buffer, true, MAX_FRAME_BYTES).unwrap();
        parsed.map(|(_, _, payload)| payload.unwrap_or_default().to_vec())
    }
}

#[test]
fn never_more_than_one_frame_is_to_be_read() {
    let gate = Gate::default();
    let ping = frame(0x89, b"");
    let chunk = ping.repeat(5_000);
    let mut reader = Reader::new(vec![chunk; 20], true, &gate);
    let mut frames = 0;
    while !reader.ended {
        match reader.frame() {
            Some(_) => frames += 1,
            None => reader.contention += 1,
        }
        assert!(reader.most <= ping.len());
    }
    assert_eq!(frames, 100_000);
    // 600 kB in turns of 64 KiB.
    assert!(
        (9..=11).contains(&reader.contention),
        "{}",
        reader.contention
    );
}

#[test]
fn a_frame_that_announces_too_much_ends_the_stream_before_its_bytes_are_held() {
    let gate = Gate::default();
    let mut huge = vec![0x81, 0xff];
    huge.extend((1_u64 << 40).to_be_bytes());
    huge.extend([0; 100_000]);
    let mut reader = Reader::new([frame(0x81, b"{}"), huge], false, &gate);
    assert_eq!(reader.frame().as_deref(), Some(&b"{}"[..]));
    assert_eq!(reader.frame(), None);
    assert!(reader.error && reader.most < 20);
    assert_eq!(gate.violation(), Some(Close::TooLarge));
    assert_eq!(reader.frame(), None);
    assert!(reader.ended);
}

#[test]
fn a_session_that_closes_hears_nothing_but_the_end() {
    let gate = Gate::default();
    let half = frame(0x81, &[b' '; 1_000]);
    let (before, after) = half.split_at(500);
    let text = frame(0x81, br#"{"type":"ping"}"#);
    let goodbye = frame(0x88, &[0x03, 0xe8]);
    let chunks = [before, after, &text, &goodbye, &text].map(<[u8]>::to_vec);
    let mut reader = Reader::new(chunks, false, &gate);
    reader.guard.bytes.chunks.truncate(1);
    assert_eq!(reader.frame(), None);
    gate.close();
    for chunk in [after, &text, &goodbye[..3]] {
        let chunk = Bytes::copy_from_slice(chunk);
        reader.guard.bytes.chunks.push_back(chunk);
        assert_eq!(reader.frame(), None);
        assert!(!reader.ended);
    }
    let rest = Bytes::copy_from_slice(&goodbye[3..]);
    reader.guard.bytes.chunks.push_back(rest);
    assert_eq!(reader.frame(), None);
    assert!(reader.ended && !reader.error && reader.most == 500);
}

#[test]
fn of_a_socket_that_is_closed_little_is_read() {
    let gate = Gate::default();
    gate.close();
    let chunk = frame(0x81, &[b' '; 32_000]);
    let mut reader = Reader::new(vec![chunk; 1_000], false, &gate);
    for _ in 0..10 {
        assert_eq!(reader.frame(), None);
    }
    assert!(!reader.ended);
    let read = (1_000 - reader.guard.bytes.chunks.len()) * 32_000;
    assert!((BYTES_AFTER_CLOSE..100_000).contains(&read), "{read}");
}

/// What a page says, of every kind.
const SAID: [&str; 8] = [
    r##"{"type":"hello","key":"6f000000000000000000000000000001","tab":"09000000000000000000000000000001","name":"Ada","colour":"#e03131","next":1}"##,
    r##"{"type":"ops","ops":[{"n":1,"op":"draw","stroke":"c1000000000000000000000000000001","body":{"tool":"pen","x":10,"y":20,"points":"AAEAAA==","colour":"#1d1d1f","width":4}}]}"##,
    r##"{"type":"ops","ops":[{"n":2,"op":"edit","stroke":"c1000000000000000000000000000001","set":{"x":30},"over":{"writer":"7a000000000000000000000000000001","n":1}}]}"##,
    r##"{"type":"ops","ops":[{"n":3,"op":"erase","stroke":"c1000000000000000000000000000001"}]}"##,
    r##"{"type":"signal","pointer":{"x":1.5,"y":2}}"##,
    r##"{"type":"signal","ink":{"stroke":"c1000000000000000000000000000001","n":5,"at":0,"x":10,"y":20,"points":"AAEAAA==","tool":"pen","colour":"#1d1d1f","width":4}}"##,
    r##"{"type":"since","since":17,"epoch":"52000000000000000000000000000001"}"##,
    r##"{"type":"ping"}"##,
];

/// Something that was said, of which a little is changed: or not, as often.
fn nearly_said(rng: &mut Rng) -> Vec<u8> {
    let mut text = SAID[rng.usize(..SAID.len())].as_bytes().to_vec();
    if rng.bool() {
        return text;
    }
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(..text.len());
        match rng.u8(..4) {
            0 => text[at] = rng.u8(..),
            1 => text[at] = b"{}[]\",:-0123456789eE.\\"[rng.usize(..22)],
            2 => text.truncate(at.max(1)),
            _ => {
                let part = text[at..].to_vec();
                text.extend(part);
            }
        }
    }
    text
}

/// Frames as a page and as an attacker sends them, through the guard and into the parser: each comes out as
/// it went in, or the stream ends with a reason, and at no time more than one frame is held.
#[test]
fn millions_of_frames_come_out_as_they_went_in_or_end_with_a_reason() {
    let each = |thread: u64| {
        let (mut frames, mut read, mut refused, mut ended) = (0, 0, 0, 0);
        let mut seed = thread;
        while frames < FRAMES / THREADS {
            let mut rng = Rng::with_seed(seed);
            let gate = Gate::default();
            let sent: Vec<_> = (0..rng.usize(1..400))
                .map(|_| nearly_said(&mut rng))
                .collect();
            let mut stream: Vec<u8> = sent.iter().flat_map(|text| frame(0x81, text)).collect();
            let whole = rng.bool();
            if !whole {
                // Somewhere, or in a header: which announces too much, or has other bits.
                let before = &sent[..rng.usize(..sent.len())];
                let header: usize = before.iter().map(|text| frame(0x81, text).len()).sum();
                match rng.u8(..4) {
                    0 => stream[header + 1] = 0xff,
                    1 => stream[header] ^= 1 << rng.u32(..8),
                    2 => stream[header + 1] ^= 1 << rng.u32(..8),
                    _ => {
                        let anywhere = rng.usize(..stream.len());
                        stream[anywhere] ^= 1 << rng.u32(..8);
                    }
                }
            }
            let mut chunks = Vec::new();
            while !stream.is_empty() {
                let rest = stream.split_off(rng.usize(1..=stream.len().min(3_000)));
                chunks.push(std::mem::replace(&mut stream, rest));
            }
            let mut reader = Reader::new(chunks, true, &gate);
            let mut out = 0;
            while !reader.ended {
                let Some(payload) = reader.frame() else {
                    continue;
                };
                if whole {
                    assert_eq!(payload, sent[out], "seed {seed}");
                }
                out += 1;
                match std::str::from_utf8(&payload).map(FromBrowser::parse) {
                    Ok(Ok(_)) => read += 1,
                    Ok(Err(error)) => {
                        assert!(!error.to_string().is_empty(), "seed {seed}");
                        refused += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
            assert!(reader.most <= MAX_FRAME_BYTES + 14, "seed {seed}");
            match gate.violation() {
                Some(close) => {
                    assert!(reader.error && !whole, "seed {seed}");
                    assert!(matches!(close.code(), 4400 | 4413), "seed {seed}");
                    ended += 1;
                }
                None => assert!(!whole || out == sent.len(), "seed {seed}"),
            }
            frames += sent.len();
            seed += THREADS as u64;
        }
        [frames, read, refused, ended]
    };
    let running: Vec<_> = (0..THREADS as u64)
        .map(|thread| std::thread::spawn(move || each(thread)))
        .collect();
    for running in running {
        let [frames, read, refused, ended] = running.join().expect("a thread that finds nothing");
        assert!(frames >= FRAMES / THREADS);
        assert!(
            read > frames / 4 && refused > frames / 8,
            "{read}, {refused}"
        );
        assert!(ended > 500, "{ended}");
    }
}
