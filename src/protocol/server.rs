//! Frames to a client, encoded once for all that receive them.
//!
//! A stroke's body is JSON already, and must never be parsed to be sent.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::time::Duration;

use bytestring::ByteString;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::access::Level;
use crate::domain::ids::{Epoch, OpId, PersonId, WriterId};
use crate::domain::op::{Change, Refusal};
use crate::domain::people::PeopleUpdate;
use crate::domain::sequence::Seq;
use crate::domain::signal::Signals;

/// A frame to a client, except `strokes`, which [`strokes_frame`] writes.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerFrame<'a> {
    /// The answer to `hello`.
    Welcome {
        /// The public id of the writer.
        writer: WriterId,
        /// The public id of the person.
        author: PersonId,
        /// The drawing's epoch.
        epoch: Epoch,
        /// The last position this server holds.
        head: Seq,
        /// The highest number of this writer's ops that is stored.
        done: u64,
        /// The drawing's title.
        title: &'a str,
        /// What the client may do: `view`, `draw` or `own`.
        access: Level,
        /// Build of the HTML page's files: a page of another build may reload.
        build: &'a str,
        /// Whether ink may have an opacity. A server that does not say so rejects it.
        ink_opacity: bool,
    },
    /// What the client may do: sent after `welcome`, and when it changes.
    Access {
        /// `view`, `draw` or `own`.
        access: Level,
        /// Whether only owners may change the drawing.
        locked: bool,
        /// Whether the person may not change it, unless they own it.
        muted: bool,
        /// Who may not; only owners are told.
        #[serde(skip_serializing_if = "Option::is_none")]
        muted_people: Option<&'a BTreeSet<PersonId>>,
    },
    /// The client must forget every stroke and position.
    Reset {
        /// The current epoch.
        epoch: Epoch,
        /// The reason.
        reason: ResetReason,
    },
    /// Ink, pointers and views.
    Signals(&'a Signals),
    /// The presence list, or its changes.
    People(&'a PeopleUpdate),
    /// All ops up to `n` are stored or refused.
    Done {
        /// Number of the last of them.
        n: u64,
    },
    /// An op was refused.
    Refused {
        /// Number of the op.
        n: u64,
        /// The reason for programs: see [`Refusal::code`], or `load`.
        reason: &'a str,
        /// The reason for developers.
        message: String,
        /// The stroke's current state, where it matters.
        #[serde(skip_serializing_if = "Option::is_none")]
        stroke: Option<Box<RawValue>>,
        /// Only with the reason `load`: milliseconds until a retry is useful.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
    /// The ops from `n` on were not accepted: send them again.
    Resend {
        /// Number of the first of them.
        n: u64,
    },
    /// The drawing's title changed.
    Drawing {
        /// The new title.
        title: &'a str,
    },
    /// The client must read the changes after `since` over HTTP.
    Read {
        /// The position up to which the client holds everything.
        since: Seq,
    },
    /// The answer to `ping`.
    Pong {
        /// The last position this server holds.
        head: Seq,
    },
}

/// Why a client has to start over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ResetReason {
    /// Its position belongs to another epoch of the drawing.
    Epoch,
    /// Newer tombstones than its position are compacted, so erasures would be missing.
    Compacted,
    /// Its position is beyond the head of this epoch.
    Ahead,
}

impl ServerFrame<'_> {
    /// The frame's text, which clones without copying.
    pub fn encode(&self) -> ByteString {
        serde_json::to_string(self)
            .expect("frames have string keys and finite numbers")
            .into()
    }

    /// The refusal of an op, with the stroke's current state where it matters.
    pub fn refused(n: u64, refusal: &Refusal, stroke: Option<&Change>) -> Self {
        let stroke = stroke.and_then(|change| {
            let mut json = String::new();
            push_change(&mut json, change, Author::Unsaid);
            RawValue::from_string(json).ok()
        });
        Self::Refused {
            n,
            reason: refusal.code(),
            message: refusal.to_string(),
            stroke,
            retry_ms: None,
        }
    }

    /// The refusal of an op and all later ones for load.
    pub fn overloaded(n: u64, message: &str, retry: Duration) -> Self {
        Self::Refused {
            n,
            reason: "load",
            message: message.to_owned(),
            stroke: None,
            retry_ms: Some(retry.as_millis() as u64),
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
    push_changes(&mut text, changes, Author::Unsaid);
    text.push_str("]}");
    text.into()
}

/// Whether a change says who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// It does not: a page that draws what it receives has no use for it, and every stroke would pay.
    Unsaid,
    /// It does.
    Said,
}

/// Writes changes as the elements of a JSON array.
pub fn push_changes<'a>(
    text: &mut String,
    changes: impl IntoIterator<Item = &'a Change>,
    says: Author,
) {
    for (index, change) in changes.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_change(text, change, says);
    }
}

/// Writes a change as a JSON object. By hand, since the body is JSON already and the ids are
/// digits: this is the hottest encoder of the server.
fn push_change(text: &mut String, change: &Change, says: Author) {
    let Change {
        seq,
        stroke,
        z,
        author,
        op,
        body,
        ..
    } = change;
    let OpId { writer, n } = op;
    let mut push = |part: fmt::Arguments<'_>| {
        text.write_fmt(part)
            .expect("writing to a string does not fail");
    };
    push(format_args!(r#"{{"seq":{seq},"stroke":"{stroke}","#));
    if !u64::try_from(*z).is_ok_and(|z| z == *seq) {
        push(format_args!(r#""z":{z},"#));
    }
    if says == Author::Said {
        push(format_args!(r#""author":"{author}","#));
    }
    push(format_args!(r#""writer":"{writer}","n":{n},"#));
    match body {
        Some(body) => {
            text.push_str(r#""body":"#);
            text.push_str(body.as_json());
            text.push('}');
        }
        None => text.push_str(r#""erased":true}"#),
    }
}
