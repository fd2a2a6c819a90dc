//! The frames of a client, written and read as cheaply as possible: the cost of this program must
//! stay small beside the servers', and equal for both.

use uuid::Uuid;
use whiteboard::domain::ids::{OpId, PersonId, StrokeId, WriterId};
use whiteboard::domain::op::Change;
use whiteboard::domain::points::{Point, Points};
use whiteboard::domain::sequence::{Arrival, Seq, arrival};
use whiteboard::domain::stroke::Body;
use whiteboard::protocol::{ClientFrame, strokes_frame};

use crate::server::Kind;

/// What comes before the id of a stroke.
const STROKE: &str = r#""stroke":""#;
/// Characters of an id of a stroke or a writer.
const ID: usize = 22;
/// Points of every stroke.
pub const POINTS: usize = 40;

/// Realistic points of a pen stroke, from its first one on.
pub fn points() -> Vec<Point> {
    let mut point = Point { x: 0, y: 0 };
    let next = |_| {
        point.x += fastrand::i32(-20..60);
        point.y += fastrand::i32(-30..30);
        point
    };
    (0..POINTS).map(next).collect()
}

/// A pen stroke's body with such points.
pub fn body() -> String {
    let points = Points::new(points(), None)
        .expect("few and near")
        .to_base64();
    let (x, y) = (fastrand::i32(0..4000), fastrand::i32(0..4000));
    format!(
        r##"{{"kind":"pen","x":{x},"y":{y},"points":"{points}","colour":"#1d1d1f","width":4}}"##
    )
}

/// The id of the stroke with this number in this run.
pub fn stroke_id(run: u64, number: usize) -> StrokeId {
    StrokeId(Uuid::from_u64_pair(run, number as u64))
}

/// The frame that makes a session a writer, listed under a name if there is one.
pub fn hello(name: Option<&str>) -> String {
    let (key, tab) = (Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let seen_as = name.map_or(String::new(), |name| {
        format!(r##""name":"{name}","colour":"#e03131","##)
    });
    format!(r#"{{"type":"hello","key":"{key}","tab":"{tab}",{seen_as}"next":1}}"#)
}

/// A client's first frame, with what gives it access.
pub fn hello_with(name: Option<&str>, token: &str) -> String {
    let hello = hello(name);
    let hello = hello.strip_suffix('}').expect("an object");
    format!(r#"{hello},"token":"{token}"}}"#)
}

/// The frame that draws one stroke.
pub fn draw(n: u64, stroke: StrokeId, body: &str) -> String {
    format!(r#"{{"type":"ops","ops":[{{"n":{n},"op":"draw","stroke":"{stroke}","body":{body}}}]}}"#)
}

/// A client's position in the order of changes.
#[derive(Default)]
pub struct Reader {
    head: Seq,
}

impl Reader {
    /// That of a client that has all up to this one.
    pub fn after(head: Seq) -> Self {
        Self { head }
    }

    /// Calls `take` with the number of every stroke that is new in `text`.
    ///
    /// # Errors
    ///
    /// A text that says how the frame violates the order, or that the client has to start over.
    pub fn read(
        &mut self,
        kind: Kind,
        run: u64,
        text: &str,
        mut take: impl FnMut(usize) -> Result<(), String>,
    ) -> Result<(), String> {
        if !kind.orders() {
            return match stroke_in(run, text) {
                Some((number, _)) => take(number),
                None => Ok(()),
            };
        }
        let Some(rest) = text.strip_prefix(r#"{"type":"strokes","from":"#) else {
            return match kind_of(text) {
                "reset" | "read" => Err(format!("the page has to start over: {text}")),
                _ => Ok(()),
            };
        };
        let broken = || format!("not a strokes frame: {}", &text[..text.len().min(200)]);
        let (from, rest) = number(rest).ok_or_else(broken)?;
        let rest = rest.strip_prefix(r#","head":"#).ok_or_else(broken)?;
        let (to, mut rest) = number(rest).ok_or_else(broken)?;
        match arrival(self.head, from, to) {
            Arrival::Stale => return Ok(()),
            Arrival::Gap => {
                return Err(format!("a gap: {from} to {to} on top of {}", self.head));
            }
            Arrival::Next => {}
        }
        while let Some((_, change)) = rest.split_once(r#"{"seq":"#) {
            let (seq, after) = number(change).ok_or_else(broken)?;
            let (stroke, after) = stroke_in(run, after).ok_or_else(broken)?;
            rest = after;
            if seq <= self.head {
                continue;
            }
            // Only new strokes are drawn here, so every position has a change.
            if seq != self.head + 1 {
                return Err(format!("position {seq} came after {}", self.head));
            }
            self.head = seq;
            take(stroke)?;
        }
        if self.head != to {
            return Err(format!("a frame up to {to} ends at {}", self.head));
        }
        Ok(())
    }
}

/// The first and last position of a `strokes` frame.
pub fn span(text: &str) -> Option<(Seq, Seq)> {
    let (from, rest) = number(text.strip_prefix(r#"{"type":"strokes","from":"#)?)?;
    let (to, _) = number(rest.strip_prefix(r#","head":"#)?)?;
    Some((from, to))
}

/// How many strokes of this run are in a frame.
pub fn strokes_of(run: u64, text: &str) -> usize {
    let mut rest = text;
    let next = || {
        let found = rest.split_once(STROKE)?;
        rest = found.1;
        Some(stroke_at(run, rest))
    };
    std::iter::from_fn(next).flatten().count()
}

/// The value of a frame's `type`, which comes first in all of them.
pub fn kind_of(text: &str) -> &str {
    text.strip_prefix(r#"{"type":""#)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
}

/// The `writer` of a welcome.
pub fn writer_of(text: &str) -> Option<&str> {
    text.split_once(r#""writer":""#)?.1.get(..ID)
}

fn number(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

fn stroke_in(run: u64, text: &str) -> Option<(usize, &str)> {
    let (_, rest) = text.split_once(STROKE)?;
    Some((stroke_at(run, rest)?, &rest[ID..]))
}

/// The number of the stroke of this run whose id `text` begins with.
fn stroke_at(run: u64, text: &str) -> Option<usize> {
    let stroke: StrokeId = text.get(..ID)?.parse().ok()?;
    let (its_run, number) = stroke.0.as_u64_pair();
    (its_run == run).then_some(number as usize)
}

/// Checks these frames against the protocol's own code: a load that is refused or ignored would
/// measure nothing.
pub fn check() {
    for text in [hello(Some("Ada")), hello(None)] {
        let parsed = ClientFrame::parse(&text);
        assert!(matches!(parsed, Ok(ClientFrame::Hello(_))), "{parsed:?}");
    }
    let run = fastrand::u64(..);
    let frame = draw(7, stroke_id(run, 300), &body());
    match ClientFrame::parse(&frame) {
        Ok(ClientFrame::Ops(ops)) => assert!(matches!(&ops[..], [(7, Ok(_))]), "{ops:?}"),
        other => panic!("{other:?}"),
    }
    let changes = [16, 17].map(|seq| Change {
        seq,
        stroke: stroke_id(run, 300 + seq as usize),
        z: seq as i64,
        author: PersonId::random(),
        op: OpId {
            writer: WriterId::random(),
            n: seq,
        },
        prior_ops: vec![],
        body: Some(Body::parse(&body()).expect("a body")),
    });
    let mut reader = Reader { head: 15 };
    let mut read = |frame: &str, kind| {
        let mut numbers = vec![];
        let outcome = reader.read(kind, run, frame, |number| {
            numbers.push(number);
            Ok(())
        });
        outcome.map(|()| numbers)
    };
    let news = strokes_frame(15, 17, &changes);
    assert_eq!(span(&news), Some((15, 17)));
    assert_eq!(read(&news, Kind::Whiteboard), Ok(vec![316, 317]));
    assert_eq!(read(&news, Kind::Whiteboard), Ok(vec![]));
    assert!(read(&strokes_frame(18, 19, &changes), Kind::Whiteboard).is_err());
    assert!(read(&strokes_frame(17, 18, &[]), Kind::Whiteboard).is_err());
    assert_eq!(read(&frame, Kind::Broadcast), Ok(vec![300]));
}
