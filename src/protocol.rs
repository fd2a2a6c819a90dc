//! Everything that crosses the socket, as JSON text frames with a `type` and named fields.
//!
//! A page opens `/ws/{drawing}?since=N&life=L` with the subprotocol [`SUBPROTOCOL`], where
//! `since` is the last position it holds (0 for none) and `life` the life that position
//! belongs to. Changes flow at once; the first `hello` makes the session a writer.
//! Binary frames are refused; fragments are joined up to [`MAX_FRAME_BYTES`].
//!
//! # From the browser
//!
//! ```json
//! {"type":"hello","key":"6f…","tab":"09…","name":"Ada","colour":"#e03131","next":1}
//! {"type":"ops","ops":[{"n":1,"op":"draw","stroke":"c1…","body":{"tool":"pen","x":10,"y":20,"points":"AAEAAA==","colour":"#1d1d1f","width":4}}]}
//! {"type":"ops","ops":[{"n":2,"op":"edit","stroke":"c1…","set":{"x":30},"over":{"writer":"7a…","n":1}}]}
//! {"type":"ops","ops":[{"n":3,"op":"erase","stroke":"c1…"}]}
//! {"type":"ops","ops":[{"n":4,"op":"restore","stroke":"c1…","body":{…},"over":{"writer":"7a…","n":3}}]}
//! {"type":"signal","pointer":{"x":1.5,"y":2}}
//! {"type":"signal","away":true}
//! {"type":"signal","ink":{"stroke":"c1…","n":5,"at":0,"x":10,"y":20,"points":"AAEAAA==","tool":"pen","colour":"#1d1d1f","width":4}}
//! {"type":"since","since":17,"life":"52…"}
//! {"type":"ping"}
//! ```
//!
//! `hello`: `key` is the browser's secret and `tab` the page's random number, 32 hexadecimal
//! digits each; `name` and `colour` are left away by a page that is not to be seen, as one that
//! sends a dead page's outbox; `next` is the number of the first op that has no answer yet.
//!
//! # To the browser
//!
//! ```json
//! {"type":"welcome","writer":"7a…","by":"40…","life":"52…","head":17,"done":3,"title":"Plan","access":"own","build":"3f…"}
//! {"type":"reset","life":"52…","reason":"life"}
//! {"type":"strokes","from":15,"head":17,"changes":[{"seq":16,"stroke":"c1…","z":9,"by":"40…","writer":"7a…","n":2,"body":{…}},{"seq":17,"stroke":"d2…","z":4,"by":"40…","writer":"7a…","n":3,"gone":true}]}
//! {"type":"signals","ink":[{"writer":"7a…","stroke":"c1…",…}],"pointers":[{"writer":"7a…","place":{"x":1.5,"y":2}}],"people":[{"writer":"7a…","by":"40…","name":"Ada","colour":"#e03131"}]}
//! {"type":"done","n":3}
//! {"type":"refused","n":2,"reason":"gone","message":"the stroke is erased","stroke":{"seq":17,…}}
//! {"type":"refused","n":4,"reason":"load","message":"…","retry":500}
//! {"type":"resend","n":4}
//! {"type":"drawing","title":"Plan B"}
//! {"type":"read","since":15}
//! {"type":"pong","head":17}
//! ```
//!
//! `strokes` covers the positions after `from` up to `head`; positions without a change in it
//! are of rows that moved on. A page judges it with [`arrival`](crate::model::arrival), applies the changes
//! that are newer than what it holds, and then holds `head`; at a gap it asks with `since`.
//! `reset`: forget every stroke and position; all of it follows from 0. What waits in the outbox stays.
//! `read`: too much for the socket; fetch it from `/api/drawings/{drawing}/strokes?since=N`, then send `since`;
//! nothing flows until then.
//! `done`: every op up to `n` is stored or was refused before this message. `refused` is final and the
//! op leaves the outbox, except with the reason `load`: then send it and all after it again after `retry` milliseconds.
//! `resend`: the ops from `n` on were not taken; send them again. `pointers` without a `place` have left.
//! `people` is always everyone. A type that a page does not know is ignored.
//!
//! # Closing
//!
//! Codes are 4000 + an HTTP status, 1012 (restart) or 1013 (load). The reason begins with
//! `again: `, `again in N ms: ` or `final: `, which says whether coming back makes sense: see [`Close`].

use std::fmt::Write;
use std::time::Duration;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::model::{
    Access, Change, Colour, Life, MAX_NAME_CHARS, MAX_OP_NUMBER, MAX_Z, Op, OpId, OpKind, PersonId,
    Refusal, Seq, StrokeId, Writer, WriterId,
};
use crate::signal::{InkPart, Place, Signals};
use crate::stroke::{Body, Patch};

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "whiteboard.v1";
/// Most ops in one frame.
pub const MAX_OPS_PER_FRAME: usize = 500;
/// Largest frame from a browser, in bytes, also when it comes in fragments.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;

/// A frame from a browser.
#[derive(Clone, Debug, PartialEq)]
pub enum FromBrowser {
    /// Who is here.
    Hello(Hello),
    /// Numbered wishes; one that is no op comes with the reason, under its number.
    Ops(Vec<(u64, Result<Op, Refusal>)>),
    /// A pointer, or ink.
    Signal(PageSignal),
    /// Send again what comes after this position.
    Since {
        /// The last position the page holds.
        since: Seq,
        /// The life it belongs to.
        life: Life,
    },
    /// Are you there?
    Ping,
}

/// What makes a session a writer.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    /// Who draws, made of the secret key and the tab.
    pub writer: Writer,
    /// A name and a colour, unless the page is not to be seen.
    pub seen_as: Option<(String, Colour)>,
    /// The number of the first op without an answer.
    pub next: u64,
}

/// What a page tells to be seen and forgotten.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PageSignal {
    /// Where its pointer is: `Some(None)` once it left the drawing.
    pub pointer: Option<Option<Place>>,
    /// Part of a stroke in progress.
    pub ink: Option<InkPart>,
}

/// Why a frame is none of this protocol: the socket is closed with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FrameError(String);

impl FrameError {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<serde_json::Error> for FrameError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

impl FromBrowser {
    /// Reads a text frame. An op that is none is refused by itself, under its number; everything
    /// else that is wrong is wrong with the frame.
    ///
    /// # Errors
    ///
    /// [`FrameError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        #[derive(Deserialize)]
        struct Typed<'a> {
            #[serde(rename = "type", borrow)]
            kind: std::borrow::Cow<'a, str>,
        }
        let Typed { kind } = serde_json::from_str(text)?;
        match kind.as_ref() {
            "ops" => parse_ops(text),
            "signal" => parse_signal(text),
            "hello" => parse_hello(text),
            "since" => {
                let SinceFrame { since, life, .. } = serde_json::from_str(text)?;
                Ok(Self::Since { since, life })
            }
            "ping" => {
                let PingFrame { .. } = serde_json::from_str(text)?;
                Ok(Self::Ping)
            }
            _ => Err(FrameError::new(format!(
                "unknown type {:?}",
                shortened(&kind)
            ))),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SinceFrame {
    #[serde(rename = "type")]
    _type: String,
    since: Seq,
    life: Life,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PingFrame {
    #[serde(rename = "type")]
    _type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HelloFrame {
    #[serde(rename = "type")]
    _type: String,
    key: Uuid,
    tab: Uuid,
    name: Option<String>,
    colour: Option<Colour>,
    next: u64,
}

fn parse_hello(text: &str) -> Result<FromBrowser, FrameError> {
    let frame: HelloFrame = serde_json::from_str(text)?;
    let seen_as = match (frame.name, frame.colour) {
        (Some(name), Some(colour)) => Some((checked_name(&name)?, colour)),
        (None, None) => None,
        _ => return Err(FrameError::new("name and colour come together")),
    };
    if frame.next == 0 || frame.next > MAX_OP_NUMBER {
        return Err(FrameError::new(format!(
            "next is from 1 to {MAX_OP_NUMBER}"
        )));
    }
    Ok(FromBrowser::Hello(Hello {
        writer: Writer::new(frame.key, frame.tab),
        seen_as,
        next: frame.next,
    }))
}

fn checked_name(name: &str) -> Result<String, FrameError> {
    let name = name.trim();
    if name.is_empty()
        || name.chars().count() > MAX_NAME_CHARS
        || name.chars().any(char::is_control)
    {
        return Err(FrameError::new(format!(
            "name has 1 to {MAX_NAME_CHARS} printable characters"
        )));
    }
    Ok(name.to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignalFrame {
    #[serde(rename = "type")]
    _type: String,
    pointer: Option<Place>,
    #[serde(default)]
    away: bool,
    ink: Option<InkPart>,
}

fn parse_signal(text: &str) -> Result<FromBrowser, FrameError> {
    let frame: SignalFrame = serde_json::from_str(text)?;
    let pointer = match (frame.pointer, frame.away) {
        (Some(_), true) => return Err(FrameError::new("a pointer is somewhere or away")),
        (Some(place), false) if !place.is_valid() => {
            return Err(FrameError::new("the pointer is too far away"));
        }
        (Some(place), false) => Some(Some(place)),
        (None, true) => Some(None),
        (None, false) => None,
    };
    if frame.ink.as_ref().is_some_and(|ink| !ink.is_valid()) {
        return Err(FrameError::new("ink is out of bounds"));
    }
    Ok(FromBrowser::Signal(PageSignal {
        pointer,
        ink: frame.ink,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpsFrame<'a> {
    #[serde(rename = "type")]
    _type: String,
    #[serde(borrow)]
    ops: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum OpName {
    Draw,
    Edit,
    Erase,
    Restore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpFields<'a> {
    n: u64,
    op: OpName,
    stroke: StrokeId,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    set: Option<Patch>,
    z: Option<i64>,
    over: Option<OpId>,
}

fn parse_ops(text: &str) -> Result<FromBrowser, FrameError> {
    #[derive(Deserialize)]
    struct Numbered {
        n: u64,
    }
    let frame: OpsFrame = serde_json::from_str(text)?;
    if frame.ops.len() > MAX_OPS_PER_FRAME {
        return Err(FrameError::new(format!(
            "a frame has at most {MAX_OPS_PER_FRAME} ops"
        )));
    }
    let ops = frame.ops.into_iter().map(|raw| {
        let fields = serde_json::from_str::<OpFields>(raw.get());
        let n = match &fields {
            Ok(fields) => fields.n,
            Err(_) => serde_json::from_str::<Numbered>(raw.get())?.n,
        };
        if n == 0 || n > MAX_OP_NUMBER {
            return Err(FrameError::new(format!(
                "an op's n is from 1 to {MAX_OP_NUMBER}"
            )));
        }
        Ok((
            n,
            fields
                .map_err(|error| error.to_string())
                .and_then(op)
                .map_err(Refusal::Invalid),
        ))
    });
    Ok(FromBrowser::Ops(ops.collect::<Result<_, FrameError>>()?))
}

fn op(fields: OpFields) -> Result<Op, String> {
    let OpFields {
        n,
        op,
        stroke,
        body,
        set,
        z,
        over,
    } = fields;
    let body = body
        .map(|raw| Body::parse(raw.get()).map_err(|error| error.to_string()))
        .transpose()?;
    if z.is_some_and(|z| z.abs() > MAX_Z) {
        return Err(format!("z is within ± {MAX_Z}"));
    }
    let kind = match (op, body, set, z, over) {
        (OpName::Draw, Some(body), None, None, None) => OpKind::Draw { body },
        (OpName::Edit, None, Some(set), z, over) => OpKind::Edit { set, z, over },
        (OpName::Erase, None, None, None, over) => OpKind::Erase { over },
        (OpName::Restore, Some(body), None, None, Some(over)) => OpKind::Restore { body, over },
        (OpName::Draw, ..) => return Err("draw has stroke and body".into()),
        (OpName::Edit, ..) => return Err("edit has stroke and set, and may have z and over".into()),
        (OpName::Erase, ..) => return Err("erase has stroke, and may have over".into()),
        (OpName::Restore, ..) => return Err("restore has stroke, body and over".into()),
    };
    Ok(Op { n, stroke, kind })
}

/// A frame to a browser, except `strokes`, which [`strokes_frame`] writes.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ToBrowser<'a> {
    /// The answer to `hello`.
    Welcome {
        /// The public id of this page.
        writer: WriterId,
        /// The public id of the person.
        by: PersonId,
        /// The drawing's life.
        life: Life,
        /// The last position this server holds.
        head: Seq,
        /// The highest number of this writer's ops that is stored.
        done: u64,
        /// The drawing's title.
        title: &'a str,
        /// What this link allows: `read`, `draw` or `own`.
        access: AccessName,
        /// Names the page's files: a page of another build reloads when it likes.
        build: &'a str,
    },
    /// Forget every stroke and position.
    Reset {
        /// The life that begins.
        life: Life,
        /// Why.
        reason: ResetReason,
    },
    /// Seen and forgotten.
    Signals(&'a Signals),
    /// Every op up to `n` has its answer.
    Done {
        /// The number.
        n: u64,
    },
    /// An op came to nothing.
    Refused {
        /// Its number.
        n: u64,
        /// A word for the reason: see [`Refusal::code`], or `load`.
        reason: &'a str,
        /// The reason for people.
        message: String,
        /// The stroke as it is, where that matters.
        #[serde(skip_serializing_if = "Option::is_none")]
        stroke: Option<Box<RawValue>>,
        /// With the reason `load`: milliseconds until it is worth trying again.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry: Option<u64>,
    },
    /// The ops from `n` on were not taken.
    Resend {
        /// The number.
        n: u64,
    },
    /// The drawing's title changed.
    Drawing {
        /// The new title.
        title: &'a str,
    },
    /// Fetch what comes after `since` over HTTP.
    Read {
        /// The position.
        since: Seq,
    },
    /// The answer to `ping`.
    Pong {
        /// The last position this server holds.
        head: Seq,
    },
}

/// [`Access`] as the protocol writes it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessName {
    /// Looking.
    Read,
    /// Drawing too.
    Draw,
    /// Everything.
    Own,
}

impl From<Access> for AccessName {
    fn from(access: Access) -> Self {
        match access {
            Access::Read => Self::Read,
            Access::Draw => Self::Draw,
            Access::Own => Self::Own,
        }
    }
}

/// Why a page has to start over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ResetReason {
    /// Its position belongs to another life of the drawing.
    Life,
    /// Tombstones newer than its position are swept: it cannot learn what was erased.
    Floor,
    /// Its position was never reached in this life.
    Ahead,
}

impl ToBrowser<'_> {
    /// The frame's text, which clones without copying.
    pub fn encode(&self) -> ByteString {
        serde_json::to_string(self)
            .expect("frames have string keys and finite numbers")
            .into()
    }

    /// The refusal of an op, with the stroke as it is where that matters.
    pub fn refused(n: u64, refusal: &Refusal, stroke: Option<&Change>) -> Self {
        let stroke = stroke.and_then(|change| {
            let mut json = String::new();
            push_change(&mut json, change);
            RawValue::from_string(json).ok()
        });
        Self::Refused {
            n,
            reason: refusal.code(),
            message: refusal.to_string(),
            stroke,
            retry: None,
        }
    }

    /// The refusal of an op, and of all that follow, for load.
    pub fn overloaded(n: u64, message: &str, retry: Duration) -> Self {
        Self::Refused {
            n,
            reason: "load",
            message: message.to_owned(),
            stroke: None,
            retry: Some(retry.as_millis() as u64),
        }
    }
}

/// The `strokes` frame that covers the positions after `from` up to `head`.
pub fn strokes_frame<'a>(
    from: Seq,
    head: Seq,
    changes: impl IntoIterator<Item = &'a Change>,
) -> ByteString {
    let mut text = format!(r#"{{"type":"strokes","from":{from},"head":{head},"changes":["#);
    push_changes(&mut text, changes);
    text.push_str("]}");
    text.into()
}

/// Writes changes as the elements of a JSON array.
pub fn push_changes<'a>(text: &mut String, changes: impl IntoIterator<Item = &'a Change>) {
    for (index, change) in changes.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_change(text, change);
    }
}

/// Writes a change as a JSON object. By hand, since the body is JSON already and the ids are
/// digits: this is the hottest encoder of the server.
fn push_change(text: &mut String, change: &Change) {
    let Change {
        seq,
        stroke,
        z,
        by,
        op,
        body,
        ..
    } = change;
    let OpId { writer, n } = op;
    write!(
        text,
        r#"{{"seq":{seq},"stroke":"{stroke}","z":{z},"by":"{by}","writer":"{writer}","n":{n},"#
    )
    .expect("writing to a string does not fail");
    match body {
        Some(body) => {
            text.push_str(r#""body":"#);
            text.push_str(body.as_json());
            text.push('}');
        }
        None => text.push_str(r#""gone":true}"#),
    }
}

/// Why the server closes a socket, and whether coming back makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Close {
    /// 4400: a frame, or the address, is none of this protocol.
    Malformed(String),
    /// 4403: a foreign origin or host.
    Forbidden(&'static str),
    /// 4404: there is no such drawing, or no longer.
    NoDrawing,
    /// 4408: nothing was heard for too long.
    Silent,
    /// 4413: a frame over the limit.
    TooLarge,
    /// 4429: more sessions than this server takes from one place or in all.
    TooMany,
    /// 4500: this session failed.
    Failed,
    /// 1012: this server goes; any other one takes over.
    Restart {
        /// How long to wait before coming back.
        after: Duration,
    },
    /// 1013: too busy, or the database is away.
    Load {
        /// How long to wait before coming back.
        after: Duration,
    },
}

impl Close {
    /// The close code.
    pub fn code(&self) -> u16 {
        match self {
            Close::Malformed(_) => 4400,
            Close::Forbidden(_) => 4403,
            Close::NoDrawing => 4404,
            Close::Silent => 4408,
            Close::TooLarge => 4413,
            Close::TooMany => 4429,
            Close::Failed => 4500,
            Close::Restart { .. } => 1012,
            Close::Load { .. } => 1013,
        }
    }

    /// The close reason: at most the 123 bytes that a close frame has room for.
    pub fn reason(&self) -> String {
        let text = match self {
            Close::Malformed(reason) => format!("final: {reason}"),
            Close::Forbidden(reason) => format!("final: {reason}"),
            Close::NoDrawing => "final: there is no such drawing".into(),
            Close::Silent => "again: nothing was heard from this page".into(),
            Close::TooLarge => format!("final: a frame has at most {MAX_FRAME_BYTES} bytes"),
            Close::TooMany => "again in 5000 ms: too many sessions".into(),
            Close::Failed => "again in 1000 ms: this session failed".into(),
            Close::Restart { after } => {
                format!("again in {} ms: the server restarts", after.as_millis())
            }
            Close::Load { after } => {
                format!("again in {} ms: the server is too busy", after.as_millis())
            }
        };
        truncated(&text, 123).to_owned()
    }
}

fn shortened(text: &str) -> &str {
    truncated(text, 40)
}

fn truncated(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
