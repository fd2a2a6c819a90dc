//! Readers that load a drawing in chunks while it changes, and the chunks kept for them.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::*;
use crate::domain::drawing::Limits;
use crate::domain::ids::StrokeId;
use crate::domain::stroke::Body as StrokeBody;
use crate::feed::position::resolve_read;

/// Size of each stroke, in bytes: some fifteen fit a chunk.
const BYTES: usize = 60 * 1024;

fn body() -> StrokeBody {
    let note = "x".repeat(BYTES);
    let body = format!(
        r##"{{"kind":"pen","x":1,"y":2,"points":"AAEAAA==","colour":"#1d1d1f","width":3,"note":"{note}"}}"##
    );
    StrokeBody::parse(&body).unwrap()
}

fn change(drawing: &mut Drawing, stroke: StrokeId, body: Option<StrokeBody>) {
    let seq = drawing.head() + 1;
    drawing.apply(Change {
        stroke,
        z: 1,
        ..Change::by_anyone(seq, body)
    });
}

fn large(strokes: &[StrokeId], body: &StrokeBody) -> Drawing {
    let limits = Limits {
        strokes: 1_000,
        bytes: 1 << 30,
    };
    let mut drawing = Drawing::new(Epoch::random(), 0, limits);
    for stroke in strokes {
        change(&mut drawing, *stroke, Some(body.clone()));
    }
    drawing
}

fn chunks() -> Chunks {
    Chunks::new(Arc::new(Semaphore::new(1 << 20)), Metrics::new())
}

/// A reader over HTTP, and the strokes it holds by the position of their change.
#[derive(Default)]
struct Reader {
    since: Seq,
    target: Option<Seq>,
    held: BTreeMap<StrokeId, Seq>,
    tombstones: usize,
}

impl Reader {
    /// Reads one chunk; returns whether there is more.
    fn read(&mut self, chunks: &mut Chunks, drawing: &Drawing) -> bool {
        let epoch = Some(drawing.epoch());
        let (load, reset) = resolve_read(drawing, self.since, epoch, self.target);
        assert_eq!(reset, None);
        let page = chunks.read(drawing, load, false, "", Instant::now());
        assert_eq!(page.from, self.since);
        for change in &page.chunk.changes {
            if change.body.is_some() {
                self.held.insert(change.stroke, change.seq);
            } else {
                self.tombstones += 1;
                self.held.remove(&change.stroke);
            }
        }
        (self.since, self.target) = (page.head, page.target);
        page.more
    }
}

fn living(drawing: &Drawing) -> BTreeMap<StrokeId, Seq> {
    let living = drawing.living(0, Seq::MAX);
    living.map(|change| (change.stroke, change.seq)).collect()
}

#[test]
fn a_first_load_in_chunks_ends_in_the_drawing_whatever_changes_meanwhile() {
    let body = body();
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let strokes: Vec<_> = (0..60).map(|_| StrokeId::random()).collect();
        let mut drawing = large(&strokes[..40], &body);
        let mut chunks = chunks();
        let mut readers: Vec<Reader> = Vec::new();
        for step in 0..60 {
            let stroke = strokes[random.usize(..strokes.len())];
            let lives = drawing
                .stroke(stroke)
                .is_some_and(|held| held.body.is_some());
            let erase = lives && random.bool();
            change(&mut drawing, stroke, (!erase).then(|| body.clone()));
            if step % 10 == 0 {
                readers.push(Reader::default());
            }
            for reader in &mut readers {
                if random.u8(..3) == 0 {
                    reader.read(&mut chunks, &drawing);
                }
            }
        }
        for mut reader in readers {
            while reader.read(&mut chunks, &drawing) {}
            assert_eq!(reader.held, living(&drawing), "seed {seed}");
            assert_eq!(reader.since, drawing.head());
        }
    }
}

#[test]
fn a_first_load_of_an_unchanged_drawing_has_no_tombstone() {
    let (body, strokes) = (body(), [(); 60].map(|()| StrokeId::random()));
    let mut drawing = large(&strokes, &body);
    for stroke in &strokes[..20] {
        change(&mut drawing, *stroke, None);
    }
    let (mut chunks, mut reader, mut reads) = (chunks(), Reader::default(), 1);
    while reader.read(&mut chunks, &drawing) {
        reads += 1;
    }
    assert_eq!((reader.tombstones, reader.held), (0, living(&drawing)));
    assert!(reads > 2, "it is read in chunks");
}

#[test]
fn a_first_load_goes_on_below_a_floor_that_its_target_is_not_below() {
    let (body, strokes) = (body(), [(); 60].map(|()| StrokeId::random()));
    let mut drawing = large(&strokes, &body);
    change(&mut drawing, strokes[0], None);
    change(&mut drawing, strokes[1], Some(body));
    let (mut chunks, mut reader) = (chunks(), Reader::default());
    assert!(reader.read(&mut chunks, &drawing));
    drawing.raise_compacted(61);
    assert!(reader.since < 61);
    while reader.read(&mut chunks, &drawing) {}
    assert_eq!(reader.held, living(&drawing));
}

#[test]
fn a_chunk_is_kept_until_a_row_of_it_goes() {
    let (body, strokes) = (body(), [(); 40].map(|()| StrokeId::random()));
    let mut drawing = large(&strokes, &body);
    let mut chunks = chunks();
    let mut first = |drawing: &Drawing| {
        let load = Load::First {
            after: 0,
            target: drawing.head(),
        };
        chunks.read(drawing, load, false, "", Instant::now()).chunk
    };
    let chunk = first(&drawing);
    assert!(Arc::ptr_eq(&chunk, &first(&drawing)));
    change(&mut drawing, StrokeId::random(), Some(body.clone()));
    assert!(
        Arc::ptr_eq(&chunk, &first(&drawing)),
        "what is new comes later"
    );
    change(&mut drawing, strokes[3], None);
    let next = first(&drawing);
    assert!(!Arc::ptr_eq(&chunk, &next));
    assert!(Arc::ptr_eq(&next, &first(&drawing)));
}

#[test]
fn the_chunks_that_are_kept_are_bounded_and_the_latest() {
    let strokes: Vec<_> = (0..=MAX_KEPT).map(|_| StrokeId::random()).collect();
    let drawing = large(&strokes, &body());
    let (mut chunks, now) = (chunks(), Instant::now());
    for after in 0..=MAX_KEPT as Seq {
        let load = Load::Since(after);
        let at = now + Duration::from_millis(after);
        chunks.read(&drawing, load, false, "", at);
        assert_eq!(chunks.kept.len(), MAX_KEPT.min(after as usize + 1));
    }
    let oldest = chunks.kept.iter().map(|kept| kept.used).min();
    assert_eq!(oldest, Some(now + Duration::from_millis(1)));
}

fn first_chunk(chunks: &mut Chunks, drawing: &Drawing) -> ReadChunk {
    let load = Load::First {
        after: 0,
        target: drawing.head(),
    };
    chunks.read(drawing, load, false, "", Instant::now())
}

/// A body that has a chunk and a little more.
async fn body_of(chunk: &ReadChunk, encoding: Encoding) -> Vec<Bytes> {
    let mut body = Body::begin(encoding);
    body.text("[".to_owned());
    body.changes(chunk).await.unwrap();
    body.text("]".to_owned());
    body.end()
}

#[actix_web::test]
async fn an_answer_comes_in_small_pieces_that_all_readers_share() {
    let strokes = [(); 40].map(|()| StrokeId::random());
    let drawing = large(&strokes, &body());
    let mut chunks = chunks();
    for encoding in [Encoding::Plain, Encoding::Gzip] {
        let one = body_of(&first_chunk(&mut chunks, &drawing), encoding).await;
        let other = body_of(&first_chunk(&mut chunks, &drawing), encoding).await;
        assert_eq!(one.concat(), other.concat());
        let size = |piece: &Bytes| (1..=PIECE_BYTES).contains(&piece.len());
        assert!(one.iter().all(size), "{encoding:?}");
        // The text before and after the changes is each reader's own.
        let large = |pieces: &[Bytes]| -> Vec<*const u8> {
            let large = pieces.iter().filter(|piece| piece.len() == PIECE_BYTES);
            large.map(|piece| piece.as_ptr()).collect()
        };
        assert_eq!(large(&one), large(&other), "{encoding:?}");
        if encoding == Encoding::Plain {
            assert_eq!(large(&one).len(), one.concat().len() / PIECE_BYTES);
        }
    }
}

#[actix_web::test]
async fn concurrent_readers_share_one_encoding_of_a_chunk() {
    const READERS: usize = 30;
    let strokes = [(); 40].map(|()| StrokeId::random());
    let drawing = large(&strokes, &body());
    let mut chunks = chunks();
    let pages: Vec<_> = (0..READERS)
        .map(|_| first_chunk(&mut chunks, &drawing))
        .collect();
    for (encoding, word) in [(Encoding::Plain, "plain"), (Encoding::Gzip, "gzip")] {
        let bodies = pages.iter().map(|page| body_of(page, encoding));
        let bodies = join_all(bodies).await;
        assert!(bodies.iter().all(|body| body == &bodies[0]));
        let encoded = format!(r#"whiteboard_chunks_encoded_total{{encoding="{word}"}} 1"#);
        let text = chunks.metrics.text();
        assert!(text.lines().any(|line| line == encoded), "{text}");
    }
}

#[test]
fn readers_of_several_heads_keep_each_others_chunks() {
    let drawing = large(&[StrokeId::random(), StrokeId::random()], &body());
    let mut chunks = chunks();
    let mut read = |target| {
        let load = Load::First { after: 0, target };
        let page = chunks.read(&drawing, load, false, "", Instant::now());
        assert_eq!(page.head, target);
        page.chunk
    };
    let (one, two) = (read(1), read(2));
    for _ in 0..2 {
        assert!(Arc::ptr_eq(&one, &read(1)));
        assert!(Arc::ptr_eq(&two, &read(2)));
    }
}

#[test]
fn a_small_chunk_is_cut_anew_and_a_larger_one_is_kept_until_as_much_came_after_it() {
    let limits = Limits {
        strokes: 1_000,
        bytes: 1 << 30,
    };
    let sized = |bytes| Some(StrokeBody::from_stored("x".repeat(bytes)));
    let row = Change::by_anyone(1, sized(0)).bytes();
    for (first, later, is_kept) in [
        (MIN_KEPT_BYTES - 1, row, false),
        (MIN_KEPT_BYTES, row, true),
        (MIN_KEPT_BYTES, MIN_KEPT_BYTES - 1, true),
        (MIN_KEPT_BYTES, MIN_KEPT_BYTES, false),
        (MAX_CHUNK_BYTES - row, 2 * row, true),
    ] {
        let mut drawing = Drawing::new(Epoch::random(), 0, limits);
        let mut chunks = chunks();
        change(&mut drawing, StrokeId::random(), sized(first - row));
        let before = first_chunk(&mut chunks, &drawing).chunk;
        change(&mut drawing, StrokeId::random(), sized(later - row));
        let after = first_chunk(&mut chunks, &drawing);
        assert_eq!(
            Arc::ptr_eq(&before, &after.chunk),
            is_kept,
            "{first} {later}"
        );
        assert_eq!(
            (after.head, after.more),
            if is_kept { (1, true) } else { (2, false) }
        );
        assert!(!after.is_empty());
        let rest = chunks.read(&drawing, Load::Since(2), false, "", Instant::now());
        assert!(rest.is_empty());
    }
}

#[test]
fn a_kept_chunk_reaches_the_head_if_no_row_came_after_it() {
    let mut drawing = large(&[StrokeId::random()], &body());
    let mut chunks = chunks();
    let before = first_chunk(&mut chunks, &drawing).chunk;
    let stroke = StrokeId::random();
    change(&mut drawing, stroke, Some(body()));
    change(&mut drawing, stroke, None);
    let after = first_chunk(&mut chunks, &drawing);
    assert!(Arc::ptr_eq(&before, &after.chunk));
    assert_eq!((after.head, after.more), (3, false));
}

#[test]
fn a_chunk_that_nobody_reads_is_dropped_after_a_while() {
    let drawing = large(&[StrokeId::random()], &body());
    let capacity = Arc::new(Semaphore::new(1 << 20));
    let mut chunks = Chunks::new(Arc::clone(&capacity), Metrics::new());
    let now = Instant::now();
    let all = Load::First {
        after: 0,
        target: 1,
    };
    chunks.read(&drawing, all, false, "", now);
    chunks.forget_unused(now + KEEP - std::time::Duration::from_millis(1));
    assert!(capacity.available_permits() < 1 << 20);
    chunks.forget_unused(now + KEEP);
    assert_eq!(capacity.available_permits(), 1 << 20);
}
