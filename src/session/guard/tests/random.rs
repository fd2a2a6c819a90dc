//! Millions of random and mutated frames, from fixed seeds, through the guard and into the parser.

use std::collections::BTreeMap;
use std::ops::Range;

use fastrand::Rng;

use super::*;
use crate::protocol::{ClientFrame, MAX_FRAME_BYTES};

/// Frames handed on in the long test, of every kind, valid or nearly so.
const FRAMES: usize = 2_000_000;
/// Most frames of one stream.
const IN_A_STREAM: usize = 100;
/// Threads that share the work.
const THREADS: usize = 4;

/// A valid frame of any kind.
const SAID: [&str; 8] = [
    r##"{"type":"hello","key":"6f000000000000000000000000000001","tab":"09000000000000000000000000000001","name":"Ada","colour":"#e03131","next":1}"##,
    r##"{"type":"ops","ops":[{"n":1,"op":"draw","stroke":"wQAAAAAAAAAAAAAAAAAAAQ","body":{"kind":"pen","x":10,"y":20,"points":"AAEAAA==","colour":"#1d1d1f","width":4}}]}"##,
    r##"{"type":"ops","ops":[{"n":2,"op":"edit","stroke":"wQAAAAAAAAAAAAAAAAAAAQ","set":{"x":30},"base":{"writer":"egAAAAAAAAAAAAAAAAAAAQ","n":1}}]}"##,
    r##"{"type":"ops","ops":[{"n":3,"op":"erase","stroke":"wQAAAAAAAAAAAAAAAAAAAQ"}]}"##,
    r##"{"type":"signal","pointer":{"x":1.5,"y":2}}"##,
    r##"{"type":"signal","ink":{"stroke":"wQAAAAAAAAAAAAAAAAAAAQ","n":5,"offset":0,"x":10,"y":20,"points":"AAEAAA==","kind":"pen","colour":"#1d1d1f","width":4}}"##,
    r##"{"type":"since","since":17,"epoch":"52000000000000000000000000000001"}"##,
    r##"{"type":"ping"}"##,
];

#[test]
fn what_is_mutated_is_valid_at_first() {
    for text in SAID {
        assert!(ClientFrame::parse(text).is_ok(), "{text}");
    }
}

/// A valid text, half of the time with a small change.
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

/// A frame as clients and attackers send it: mostly text, and some of every other kind and size.
fn random_frame(rng: &mut Rng) -> Vec<u8> {
    let some = |rng: &mut Rng, most: usize| vec![rng.u8(..); rng.usize(..=most)];
    let (first, payload) = match rng.u32(..10_000) {
        0..5 => (0x81, vec![b' '; MAX_FRAME_BYTES - rng.usize(..2)]),
        5..25 => {
            let most = 1 << rng.u32(9..=18);
            (0x81, some(rng, most))
        }
        25..1_000 => (0x88 + rng.u8(..3), some(rng, 125)),
        1_000..1_500 => (0x82, some(rng, 300)),
        1_500..3_000 => {
            let first = [0x01, 0x02, 0x00, 0x80][rng.usize(..4)];
            (first, some(rng, 300))
        }
        _ => (0x81, nearly_said(rng)),
    };
    let mut bytes = frame(first, &payload);
    let begins = bytes.len() - payload.len();
    if rng.u8(..8) == 0 {
        let key = rng.u32(..).to_be_bytes();
        bytes[begins - 4..begins].copy_from_slice(&key);
        mask(&mut bytes[begins..], key);
    }
    bytes
}

fn mask(payload: &mut [u8], key: [u8; 4]) {
    let key = key.iter().cycle();
    payload
        .iter_mut()
        .zip(key)
        .for_each(|(byte, key)| *byte ^= key);
}

/// Corrupts the frame at some place in a stream: a byte or bit of its header, a header that is not
/// allowed, or a bit anywhere.
fn spoil(stream: &mut Vec<u8>, at: usize, rng: &mut Rng) {
    let header = at..at + header_size(stream[at + 1]);
    match rng.u8(..8) {
        0..2 => stream[rng.usize(header)] = rng.u8(..),
        2..4 => stream[rng.usize(header)] ^= 1 << rng.u32(..8),
        4 => {
            let over = MAX_FRAME_BYTES as u64 + 1 + (rng.u64(..) >> rng.u32(1..64));
            let announced = [&[0x81, 0xff][..], &over.to_be_bytes()].concat();
            stream.splice(header, announced);
        }
        5 => {
            let first = [0xc1, 0xa1, 0x91, 0x83, 0x87, 0x8b, 0x8f, 0x09, 0x08, 0x0a];
            stream[at] = first[rng.usize(..first.len())];
        }
        6 => (stream[at], stream[at + 1]) = (0x89, 0xfe + rng.u8(..2)),
        _ => {
            let anywhere = rng.usize(..stream.len());
            stream[anywhere] ^= 1 << rng.u32(..8);
        }
    }
}

fn header_size(second: u8) -> usize {
    match second & 0x7f {
        126 => 8,
        127 => 14,
        _ => 6,
    }
}

/// A whole frame in a stream: its first byte and the range of its payload.
struct Whole {
    first: u8,
    payload: Range<usize>,
}

/// The expected result of a whole stream: its frames, and why it ends after them.
fn read(stream: &[u8]) -> (Vec<Whole>, Option<Close>) {
    let (mut frames, mut at) = (Vec::new(), 0);
    let why = loop {
        let malformed = |text: &str| Some(Close::Malformed(text.to_owned()));
        let Some(&first) = stream.get(at) else {
            break None;
        };
        let (opcode, is_control) = (first & 0x0f, first & 0x08 != 0);
        if first & 0x70 != 0 {
            break malformed("a frame has reserved bits");
        }
        if ![0, 1, 2, 8, 9, 10].contains(&opcode) {
            break malformed(&format!("a frame has the unknown opcode {opcode}"));
        }
        if is_control && first < 0x80 {
            break malformed("a control frame is in fragments");
        }
        let Some(&second) = stream.get(at + 1) else {
            break None;
        };
        if second < 0x80 {
            break malformed("a frame is not masked");
        }
        if is_control && second & 0x7f > 125 {
            break malformed("a control frame has at most 125 bytes");
        }
        let begins = at + header_size(second);
        let length = match second & 0x7f {
            short @ 0..126 => Some(u64::from(short)),
            _ => stream.get(at + 2..begins - 4).map(|bytes| {
                let shift = |length, &byte: &u8| length << 8 | u64::from(byte);
                bytes.iter().fold(0, shift)
            }),
        };
        let Some(length) = length else { break None };
        if length > MAX_FRAME_BYTES as u64 {
            break Some(Close::TooLarge);
        }
        let payload = begins..begins + length as usize;
        at = payload.end;
        if at > stream.len() {
            break None;
        }
        frames.push(Whole { first, payload });
    };
    (frames, why)
}

/// Any stream in any pieces; an empty piece is a wait.
fn pieces(stream: &[u8], rng: &mut Rng) -> Vec<Vec<u8>> {
    let (mut chunks, mut rest) = (Vec::new(), stream);
    let most = 1 << rng.u32(4..16);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rng.usize(1..=rest.len().min(most)));
        chunks.push(chunk.to_vec());
        if rng.u8(..8) == 0 {
            chunks.push(Vec::new());
        }
        rest = after;
    }
    chunks
}

/// Frames as clients and attackers send them, through the guard and into the parser: each is handed
/// on unchanged, up to the first invalid one, which ends the stream with its reason; and never is
/// more than one frame held.
#[test]
fn millions_of_frames_come_out_as_they_went_in_or_end_with_a_reason() {
    let began = Instant::now();
    let each = |thread: u64| {
        let (mut out, mut said, mut refused) = (0, 0, 0);
        let mut ended = BTreeMap::<String, usize>::new();
        let mut seed = thread;
        while out < FRAMES / THREADS {
            let mut rng = Rng::with_seed(seed);
            let (mut stream, mut places) = (Vec::new(), Vec::new());
            for _ in 0..rng.usize(1..=IN_A_STREAM) {
                places.push(stream.len());
                stream.extend(random_frame(&mut rng));
            }
            if rng.u8(..4) > 0 {
                spoil(&mut stream, places[rng.usize(..places.len())], &mut rng);
            }
            if rng.u8(..8) == 0 {
                stream.truncate(rng.usize(..stream.len()));
            }
            let (frames, why) = read(&stream);
            let gate = Gate::default();
            let mut reader = Reader::new(pieces(&stream, &mut rng), true, &gate);
            let mut frames = frames.into_iter();
            while !reader.ended {
                let Some((first, payload)) = reader.parsed() else {
                    continue;
                };
                let frame = frames.next().unwrap_or_else(|| panic!("seed {seed}"));
                let begins = frame.payload.start;
                let key: [u8; 4] = stream[begins - 4..begins].try_into().expect("four bytes");
                let mut sent = stream[frame.payload].to_vec();
                if key != [0; 4] {
                    mask(&mut sent, key);
                }
                assert!(first == frame.first && payload == sent, "seed {seed}");
                out += 1;
                if first != 0x81 || payload.len() > 1_000 {
                    continue;
                }
                match std::str::from_utf8(&payload).map(ClientFrame::parse) {
                    Ok(Ok(_)) => said += 1,
                    Ok(Err(error)) => {
                        assert!(!error.to_string().is_empty(), "seed {seed}");
                        refused += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
            assert_eq!(frames.count(), 0, "seed {seed}");
            assert!(reader.most <= MAX_FRAME_BYTES + 14, "seed {seed}");
            assert_eq!(reader.error, why.is_some(), "seed {seed}");
            let violation = gate.violation();
            assert_eq!(violation, why, "seed {seed}");
            if let Some(close) = violation {
                let reason = close.reason();
                let kind = reason.trim_end_matches(|c: char| c.is_ascii_digit());
                *ended.entry(kind.to_owned()).or_default() += 1;
            }
            seed += THREADS as u64;
        }
        (out, said, refused, ended)
    };
    let running: Vec<_> = (0..THREADS as u64)
        .map(|thread| std::thread::spawn(move || each(thread)))
        .collect();
    for running in running {
        let (out, said, refused, ended) = running.join().expect("a thread that finds nothing");
        println!("{out} frames, of them {said} read and {refused} refused; {ended:?}");
        assert!(said > out / 4 && refused > out / 8, "{said}, {refused}");
        // Too large, and each way of being malformed.
        assert_eq!(ended.len(), 6, "{ended:?}");
        assert!(ended.values().all(|&times| times > 100), "{ended:?}");
    }
    println!("in {:?}", began.elapsed());
}
