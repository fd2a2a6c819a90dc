//! What the guard hands on for any input, and that it never holds more than one frame.

use std::collections::VecDeque;

use actix_http::ws::Parser;
use actix_web::web::BytesMut;
use futures_util::task::noop_waker;

use super::*;
use crate::protocol::MAX_FRAME_BYTES;

mod random;

/// More frames than any test sends in a second.
const MANY: NonZeroU32 = NonZeroU32::new(100_000_000).unwrap();

/// A stream of chunks: an empty one means that the rest arrives later.
struct Chunks {
    chunks: VecDeque<Bytes>,
    /// The connection ends after them.
    ends: bool,
}

impl Stream for Chunks {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.chunks.pop_front() {
            Some(chunk) if chunk.is_empty() => Poll::Pending,
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
    // A key of zeros leaves the payload unchanged.
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// Reads as the stream behind a guard does: everything available, then one frame.
struct Reader {
    guard: Guard<Chunks>,
    buffer: BytesMut,
    /// The largest size of the buffer.
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

    /// The next frame's payload, or `None` for now.
    fn frame(&mut self) -> Option<Vec<u8>> {
        self.parsed().map(|(_, payload)| payload)
    }

    /// The next frame's first byte and payload, or `None` for now.
    fn parsed(&mut self) -> Option<(u8, Vec<u8>)> {
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
        parsed.map(|(last, opcode, payload)| {
            let first = u8::from(last) << 7 | u8::from(opcode);
            (first, payload.unwrap_or_default().to_vec())
        })
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
    // In turns of a few frames.
    let turns = frames * FRAME_BYTES / BYTES_A_TURN;
    assert!(
        (turns..=turns + 1).contains(&reader.contention),
        "{}",
        reader.contention
    );
}

#[test]
fn after_a_few_small_frames_others_have_their_turn() {
    let flood = frame(0x81, b"{}").repeat(1_000);
    let mut reader = Reader::new([flood], false, &Gate::default());
    let turn = std::iter::from_fn(|| reader.frame()).count();
    assert_eq!(turn, BYTES_A_TURN / FRAME_BYTES);
    // The task was woken for the next turn.
    let next = std::iter::from_fn(|| reader.frame()).count();
    assert_eq!(next, turn);
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
fn a_closing_session_receives_only_the_close_frame() {
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

/// Frames that a guard hands on at once, of twice as many as one second has; and how many more its rate
/// allowed meanwhile.
fn at_once(first: u8, per_second: u32) -> (u32, u32) {
    let bytes = frame(first, b"").repeat(2 * per_second as usize);
    let chunks = futures_util::stream::iter([Ok(Bytes::from(bytes))]);
    let rate = NonZeroU32::new(per_second).unwrap();
    let begun = Instant::now();
    let mut guard = Guard::new(chunks, Gate::default(), rate);
    let mut frames = 0;
    let mut context = Context::from_waker(std::task::Waker::noop());
    // Each frame is followed by one pause without a wait.
    for _ in 0..4 * per_second {
        if let Poll::Ready(Some(Ok(_))) = Pin::new(&mut guard).poll_next(&mut context) {
            frames += 1;
        }
    }
    let meanwhile = begun.elapsed().as_secs_f64() * f64::from(per_second);
    (frames, meanwhile.ceil() as u32)
}

#[tokio::test]
async fn frames_of_a_part_of_a_second_are_let_through_at_once_and_no_more() {
    const RATE: u32 = 160;
    let (frames, meanwhile) = at_once(0x81, RATE);
    // The last one is handed on before it is counted.
    let expected = RATE / BURST_PART + 1;
    assert!(
        (expected..=expected + meanwhile).contains(&frames),
        "{frames}"
    );
    assert_eq!(at_once(0x81, 1).0, 2, "one is always allowed");
}

#[tokio::test]
async fn a_control_frame_counts_as_several_frames() {
    const RATE: u32 = 10 * BURST_PART * CONTROL_FRAMES;
    let (frames, meanwhile) = at_once(0x89, RATE);
    let meanwhile = meanwhile.div_ceil(CONTROL_FRAMES);
    assert!((10..=11 + meanwhile).contains(&frames), "{frames}");
}
