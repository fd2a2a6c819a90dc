//! Frames from a client, parsed into validated types.
//!
//! Nothing later checks a frame again: a malformed op must be refused here.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::limits::{MAX_OPS_PER_FRAME, truncated};
use crate::domain::colour::Colour;
use crate::domain::ids::{Epoch, OpId, StrokeId, Writer};
use crate::domain::ink::InkPart;
use crate::domain::op::{MAX_OP_NUMBER, MAX_Z, Op, OpKind, Refusal};
use crate::domain::people::MAX_NAME_CHARS;
use crate::domain::sequence::Seq;
use crate::domain::signal::{MAX_PREVIEW_BYTES, PlaneBox, PlanePoint};
use crate::domain::stroke::{Body, Patch};

/// A frame from a client.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientFrame {
    /// Makes the session a writer.
    Hello(Hello),
    /// Numbered ops; a malformed one has the reason in its place.
    Ops(Vec<(u64, Result<Op, Refusal>)>),
    /// A pointer, ink, a preview or a view.
    Signal(ClientSignal),
    /// Requests the changes after a position.
    Since {
        /// The last position the client holds.
        since: Seq,
        /// The epoch it belongs to.
        epoch: Epoch,
    },
    /// Shows another key or token.
    Token(Secret),
    /// Requests the whole presence list.
    People,
    /// Requests a `pong`.
    Ping,
}

/// What makes a session a writer.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    /// The writer, derived from the secret key and the tab.
    pub writer: Writer,
    /// A name and a colour, unless the client is not to be listed.
    pub seen_as: Option<(String, Colour)>,
    /// Number of the first op without an answer.
    pub next: u64,
    /// The key or token that gives access.
    pub token: Option<Secret>,
}

/// A key or a token as a client sent it, hidden from debug output.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// A client's pointer, ink, preview or view.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ClientSignal {
    /// The pointer's position: `Some(None)` once it left the drawing.
    pub pointer: Option<Option<PlanePoint>>,
    /// Part of a stroke in progress.
    pub ink: Option<InkPart>,
    /// The part of the plane that the client shows.
    pub view: Option<PlaneBox>,
    /// Whether to invite everyone to the view.
    pub call: bool,
    /// The edit in progress: `Some(None)` once it was cancelled.
    pub preview: Option<Option<Map<String, Value>>>,
}

/// The frame violates the protocol, and its socket is closed.
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

impl ClientFrame {
    /// Parses a text frame. A malformed op is refused by itself, under its number; any other error
    /// rejects the whole frame.
    ///
    /// # Errors
    ///
    /// [`FrameError`] with the reason.
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
                let SinceFrame { since, epoch, .. } = serde_json::from_str(text)?;
                Ok(Self::Since { since, epoch })
            }
            "token" => {
                let TokenFrame { token, .. } = serde_json::from_str(text)?;
                Ok(Self::Token(token))
            }
            "people" => serde_json::from_str(text).map(|BareFrame { .. }| Ok(Self::People))?,
            "ping" => serde_json::from_str(text).map(|BareFrame { .. }| Ok(Self::Ping))?,
            _ => Err(FrameError::new(format!(
                "unknown type {:?}",
                truncated(&kind, 40)
            ))),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SinceFrame {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    since: Seq,
    epoch: Epoch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFrame {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    token: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BareFrame {
    #[serde(rename = "type")]
    _type: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HelloFrame {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    key: Uuid,
    tab: Uuid,
    name: Option<String>,
    colour: Option<Colour>,
    next: u64,
    token: Option<Secret>,
}

fn parse_hello(text: &str) -> Result<ClientFrame, FrameError> {
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
    Ok(ClientFrame::Hello(Hello {
        writer: Writer::new(frame.key, frame.tab),
        seen_as,
        next: frame.next,
        token: frame.token,
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
struct SignalFrame<'a> {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    pointer: Option<PlanePoint>,
    #[serde(default)]
    away: bool,
    ink: Option<InkPart>,
    view: Option<PlaneBox>,
    #[serde(default)]
    call: bool,
    #[serde(borrow)]
    preview: Option<&'a RawValue>,
    #[serde(default)]
    cancelled: bool,
}

fn parse_signal(text: &str) -> Result<ClientFrame, FrameError> {
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
    if frame.view.is_some_and(|view| !view.is_valid()) {
        return Err(FrameError::new("the view is out of bounds"));
    }
    if frame.call && frame.view.is_none() {
        return Err(FrameError::new("a call has a view"));
    }
    let preview = match (frame.preview, frame.cancelled) {
        (Some(_), true) => return Err(FrameError::new("a preview is shown or cancelled")),
        (Some(raw), false) if raw.get().len() > MAX_PREVIEW_BYTES => {
            return Err(FrameError::new(format!(
                "a preview has at most {MAX_PREVIEW_BYTES} bytes"
            )));
        }
        (Some(raw), false) => Some(Some(serde_json::from_str(raw.get())?)),
        (None, true) => Some(None),
        (None, false) => None,
    };
    Ok(ClientFrame::Signal(ClientSignal {
        pointer,
        ink: frame.ink,
        preview,
        view: frame.view,
        call: frame.call,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpsFrame<'a> {
    #[serde(rename = "type")]
    _type: IgnoredAny,
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
    base: Option<OpId>,
}

fn parse_ops(text: &str) -> Result<ClientFrame, FrameError> {
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
    Ok(ClientFrame::Ops(ops.collect::<Result<_, FrameError>>()?))
}

fn op(fields: OpFields) -> Result<Op, String> {
    let OpFields {
        n,
        op,
        stroke,
        body,
        set,
        z,
        base,
    } = fields;
    let body = body
        .map(|raw| Body::parse(raw.get()).map_err(|error| error.to_string()))
        .transpose()?;
    if z.is_some_and(|z| !(-MAX_Z..=MAX_Z).contains(&z)) {
        return Err(format!("z is within ± {MAX_Z}"));
    }
    let kind = match (op, body, set, z, base) {
        (OpName::Draw, Some(body), None, None, None) => OpKind::Draw { body },
        (OpName::Edit, None, Some(set), z, base) => OpKind::Edit { set, z, base },
        (OpName::Erase, None, None, None, base) => OpKind::Erase { base },
        (OpName::Restore, Some(body), None, None, Some(base)) => OpKind::Restore { body, base },
        (OpName::Draw, ..) => return Err("draw has stroke and body".into()),
        (OpName::Edit, ..) => return Err("edit has stroke and set, and may have z and base".into()),
        (OpName::Erase, ..) => return Err("erase has stroke, and may have base".into()),
        (OpName::Restore, ..) => return Err("restore has stroke, body and base".into()),
    };
    Ok(Op { n, stroke, kind })
}
