//! Headers of every kind in pieces of any size, compared with the codec behind the scanner.
//!
//! Every seed is fixed, so failures are reproducible.

use actix_http::ws::{OpCode, Parser};
use actix_web::web::BytesMut;
use fastrand::Rng;

use super::*;

/// The masking key; any will do.
const KEY: [u8; 4] = [1, 2, 3, 4];
/// Number of generated headers, most of them invalid.
const HEADERS: u32 = 8_000_000;

/// A frame with this first byte and payload, with the shortest header.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(b, k)| b ^ k));
    bytes
}

/// A header with this payload length.
fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(MASKED | length as u8),
        126..0x1_0000 => {
            bytes.push(MASKED | LENGTH_OF_TWO);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(MASKED | LENGTH_OF_EIGHT);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(KEY);
    bytes
}

fn scan(bytes: &[u8]) -> Result<Scanned, Violation> {
    Scanner::default().scan(bytes)
}

/// Scans a header byte by byte, and returns the result at the byte that decides it.
fn said_at(bytes: &[u8]) -> (usize, Violation) {
    let mut scanner = Scanner::default();
    for (at, byte) in bytes.iter().enumerate() {
        if let Err(violation) = scanner.scan(&[*byte]) {
            return (at + 1, violation);
        }
    }
    panic!("no result for {bytes:?}");
}

#[test]
fn a_violation_is_reported_at_its_byte() {
    for reserved in [0x40, 0x20, 0x10] {
        let header = header(0x81 | reserved, 1);
        assert_eq!(said_at(&header), (1, Violation::ReservedBits));
    }
    for opcode in [0x3, 0x7, 0xb, 0xf] {
        let header = header(0x80 | opcode, 1);
        assert_eq!(said_at(&header), (1, Violation::Opcode(opcode)));
    }
    for opcode in [0x8, 0x9, 0xa] {
        let fragment = header(opcode, 1);
        assert_eq!(said_at(&fragment), (1, Violation::FragmentedControl));
        let large = header(0x80 | opcode, 126);
        assert_eq!(said_at(&large), (2, Violation::LargeControl));
        let huge = header(0x80 | opcode, 1 << 40);
        assert_eq!(said_at(&huge), (2, Violation::LargeControl));
    }
    assert_eq!(said_at(&[0x81, 0x05]), (2, Violation::Unmasked));
    for length in [MAX_FRAME_BYTES as u64 + 1, 1 << 40, u64::MAX] {
        assert_eq!(said_at(&header(0x81, length)), (10, Violation::TooLarge));
    }
}

#[test]
fn a_valid_frame_ends_at_its_length() {
    for length in [0, 1, 125, 126, 127, 0xffff, 0x1_0000, MAX_FRAME_BYTES] {
        let mut bytes = frame(0x81, &vec![7; length]);
        let whole = bytes.len();
        bytes.extend(frame(0x89, b"next"));
        let scanned = scan(&bytes).unwrap();
        let ended = Some(FrameKind::Data);
        let taken = whole;
        assert_eq!(scanned, Scanned { taken, ended });
    }
    let kinds = [
        (0x00, FrameKind::Data),
        (0x81, FrameKind::Data),
        (0x82, FrameKind::Data),
        (0x88, FrameKind::Close),
        (0x89, FrameKind::Control),
        (0x8a, FrameKind::Control),
    ];
    for (first, kind) in kinds {
        assert_eq!(scan(&frame(first, b"")).unwrap().ended, Some(kind));
    }
}

/// A generated header: mostly a valid one with some bits flipped.
fn any_header(rng: &mut Rng) -> ([u8; MAX_HEADER_BYTES], usize) {
    let mut bytes = [0; MAX_HEADER_BYTES];
    if rng.u8(..) < 32 {
        rng.fill(&mut bytes);
        return (bytes, rng.usize(1..=MAX_HEADER_BYTES));
    }
    let opcode = [0x00, 0x01, 0x02, 0x08, 0x09, 0x0a][rng.usize(..6)];
    bytes[0] = opcode | if rng.u8(..) < 200 { FINAL } else { 0 };
    let size = match rng.u8(..4) {
        0 => {
            bytes[1] = MASKED | LENGTH_OF_TWO;
            bytes[2..4].copy_from_slice(&rng.u16(..).to_be_bytes());
            2
        }
        1 => {
            bytes[1] = MASKED | LENGTH_OF_EIGHT;
            let length = rng.u64(..) >> rng.u32(..64);
            bytes[2..10].copy_from_slice(&length.to_be_bytes());
            8
        }
        _ => {
            bytes[1] = MASKED | rng.u8(..126);
            0
        }
    };
    for _ in 0..rng.usize(..3) {
        bytes[rng.usize(..2 + size)] ^= 1 << rng.u32(..8);
    }
    (bytes, 2 + size + 4)
}

/// A second implementation of [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455#section-5.2) for a
/// header that may be incomplete: what it announces, or its violation.
fn by_the_book(bytes: &[u8]) -> Result<Option<u64>, Violation> {
    let [first, rest @ ..] = bytes else {
        return Ok(None);
    };
    let opcode = first % 16;
    match (first / 16 % 8, opcode) {
        (1.., _) => return Err(Violation::ReservedBits),
        (_, 0..=2) => {}
        (_, 8..=10) if *first < 128 => return Err(Violation::FragmentedControl),
        (_, 8..=10) => {}
        _ => return Err(Violation::Opcode(opcode)),
    }
    let (length, rest) = match rest {
        [] => return Ok(None),
        [0..128, ..] => return Err(Violation::Unmasked),
        [254 | 255, ..] if opcode >= 8 => return Err(Violation::LargeControl),
        [254, a, b, rest @ ..] => (u64::from(*a) * 256 + u64::from(*b), rest),
        [255, a, b, c, d, e, f, g, h, rest @ ..] => {
            let bytes = [*a, *b, *c, *d, *e, *f, *g, *h];
            (u64::from_be_bytes(bytes), rest)
        }
        [254 | 255, ..] => return Ok(None),
        [short, rest @ ..] => (u64::from(short % 128), rest),
    };
    if length > 262_144 {
        return Err(Violation::TooLarge);
    }
    Ok((rest.len() >= 4).then_some(length))
}

#[test]
fn millions_of_random_headers_are_classified_as_by_the_rfc() {
    let threads = 4;
    let each = |seed: u64| {
        let mut rng = Rng::with_seed(seed);
        let mut ends = [0_u32; 8];
        for number in 0..HEADERS / threads {
            let (bytes, length) = any_header(&mut rng);
            let bytes = &bytes[..length];
            let mut scanner = Scanner::default();
            let cut = rng.usize(..=length);
            let at = || format!("header {number} of seed {seed}: {bytes:02x?}, cut at {cut}");
            let mut said = Ok(());
            // Another header follows, whose result does not matter.
            let mut ended = false;
            for mut piece in [&bytes[..cut], &bytes[cut..]] {
                while said.is_ok() && !ended && !piece.is_empty() {
                    match scanner.scan(piece) {
                        Ok(scanned) => {
                            assert!(scanned.taken > 0, "{}", at());
                            assert!(scanned.taken <= piece.len(), "{}", at());
                            piece = &piece[scanned.taken..];
                            ended = scanned.ended.is_some();
                        }
                        Err(violation) => said = Err(violation),
                    }
                }
            }
            let expected = by_the_book(bytes);
            assert_eq!(said.err(), expected.err(), "{}", at());
            assert!(scanner.held <= MAX_HEADER_BYTES, "{}", at());
            let end = match said {
                Err(Violation::ReservedBits) => 0,
                Err(Violation::Opcode(_)) => 1,
                Err(Violation::Unmasked) => 2,
                Err(Violation::TooLarge) => 3,
                Err(Violation::LargeControl) => 4,
                Err(Violation::FragmentedControl) => 5,
                Ok(()) if expected == Ok(None) => 6,
                Ok(()) => 7,
            };
            ends[end] += 1;
        }
        ends
    };
    let ends = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|seed| scope.spawn(move || each(seed.into())))
            .collect();
        let mut all = [0; 8];
        for running in running {
            let ends = running.join().expect("a thread that finds nothing");
            all.iter_mut().zip(ends).for_each(|(all, one)| *all += one);
        }
        all
    });
    // Each result was met, and often.
    assert!(ends.iter().all(|&count| count > 10_000), "{ends:?}");
    assert_eq!(ends.iter().sum::<u32>(), HEADERS);
}

#[test]
fn the_codec_finds_the_same_frames() {
    for seed in 0..2_000 {
        let mut rng = Rng::with_seed(seed);
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..rng.usize(1..20) {
            let first = [0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a][rng.usize(..9)];
            let most = if first >= 0x88 { 126 } else { 300 };
            let length = rng.usize(..most);
            let payload: Vec<u8> = (0..length).map(|_| rng.u8(..)).collect();
            stream.extend(frame(first, &payload));
            expected.push((OpCode::from(first & OPCODE), first & FINAL != 0, payload));
        }
        let (mut scanner, mut buffer) = (Scanner::default(), BytesMut::new());
        let (mut rest, mut found) = (&stream[..], Vec::new());
        while !rest.is_empty() {
            let (mut piece, after) = rest.split_at(rng.usize(1..=rest.len().min(200)));
            rest = after;
            while !piece.is_empty() {
                let scanned = scanner.scan(piece).expect("frames that are right");
                buffer.extend_from_slice(&piece[..scanned.taken]);
                piece = &piece[scanned.taken..];
                let parsed = Parser::parse(&mut buffer, true, MAX_FRAME_BYTES).unwrap();
                assert_eq!(parsed.is_some(), scanned.ended.is_some(), "seed {seed}");
                let Some((last, opcode, payload)) = parsed else {
                    continue;
                };
                assert!(buffer.is_empty(), "seed {seed}");
                found.push((opcode, last, payload.unwrap_or_default().to_vec()));
            }
        }
        assert_eq!(found, expected, "seed {seed}");
    }
}
