//! Everything that crosses the socket, as JSON text frames with a `type` and named fields.
//!
//! A client opens `/ws/{drawing}?since=N&epoch=L` with the subprotocol [`SUBPROTOCOL`], where
//! `since` is the last position it holds (0 for none) and `epoch` that position's epoch. The server
//! sends changes at once; the first `hello` makes the session a writer. Binary frames are rejected;
//! fragments are joined up to [`MAX_FRAME_BYTES`].
//!
//! # Client to server
//!
//! ```json
//! {"type":"hello","key":"6f…","tab":"09…","name":"Ada","colour":"#e03131","next":1}
//! {"type":"ops","ops":[{"n":1,"op":"draw","stroke":"c1…","body":{"tool":"pen","x":10,"y":20,"points":"AAEAAA==","colour":"#1d1d1f","width":4}}]}
//! {"type":"ops","ops":[{"n":2,"op":"edit","stroke":"c1…","set":{"x":30},"base":{"writer":"7a…","n":1}}]}
//! {"type":"ops","ops":[{"n":3,"op":"erase","stroke":"c1…"}]}
//! {"type":"ops","ops":[{"n":4,"op":"restore","stroke":"c1…","body":{…},"base":{"writer":"7a…","n":3}}]}
//! {"type":"signal","pointer":{"x":1.5,"y":2}}
//! {"type":"signal","away":true}
//! {"type":"signal","ink":{"stroke":"c1…","n":5,"offset":0,"x":10,"y":20,"points":"AAEAAA==","tool":"pen","colour":"#1d1d1f","width":4}}
//! {"type":"since","since":17,"epoch":"52…"}
//! {"type":"people"}
//! {"type":"ping"}
//! ```
//!
//! `hello`: `key` is the browser's secret and `tab` the tab's random number, 32 hexadecimal digits
//! each. A client that is not to be listed, such as one that sends the outbox of a closed tab,
//! omits `name` and `colour`. `next` is the number of the first op without an answer.
//!
//! # Server to client
//!
//! ```json
//! {"type":"welcome","writer":"7a…","author":"40…","epoch":"52…","head":17,"done":3,"title":"Plan","access":"own","build":"3f…"}
//! {"type":"reset","epoch":"52…","reason":"epoch"}
//! {"type":"strokes","from":15,"head":17,"changes":[{"seq":16,"stroke":"c1…","z":9,"author":"40…","writer":"7a…","n":2,"body":{…}},{"seq":17,"stroke":"d2…","z":4,"author":"40…","writer":"7a…","n":3,"erased":true}]}
//! {"type":"signals","ink":[{"writer":"7a…","stroke":"c1…",…}],"pointers":[{"writer":"7a…","at":{"x":1.5,"y":2}}]}
//! {"type":"people","version":81,"count":2,"joined":[{"writer":"7a…","author":"40…","name":"Ada","colour":"#e03131"},…]}
//! {"type":"people","from":81,"version":82,"count":812,"joined":[{"writer":"c3…",…}],"left":["7a…"]}
//! {"type":"done","n":3}
//! {"type":"refused","n":2,"reason":"erased","message":"the stroke is erased","stroke":{"seq":17,…}}
//! {"type":"refused","n":4,"reason":"load","message":"…","retry_ms":500}
//! {"type":"resend","n":4}
//! {"type":"drawing","title":"Plan B"}
//! {"type":"read","since":15}
//! {"type":"pong","head":17}
//! ```
//!
//! `strokes` covers the positions after `from` up to `head`; positions without a change in it
//! belong to rows that were replaced. The client judges it with
//! [`arrival`](crate::domain::sequence::arrival), applies the changes that are newer than what it
//! holds, and then holds `head`; at a gap it sends `since`.
//!
//! `reset`: forget every stroke and position; everything follows from 0. The outbox stays.
//!
//! `read`: too much for the socket. Fetch it from `/api/drawings/{drawing}/strokes?since=N`, then
//! send `since`; no changes are sent until then. A reader that holds nothing gets the living
//! strokes without tombstones. An HTTP answer with a `target` is part of such a first load: the
//! next read passes it on as `&target=T`.
//!
//! `done`: every op up to `n` is stored, or was refused before this message. `refused` is final and
//! removes the op from the outbox, except with the reason `load`: then send it and all later ops
//! again after `retry_ms` milliseconds.
//!
//! A refusal is not stored: that would cost every server a durable write for an op that changed
//! nothing. So an op whose refusal was lost with its socket is decided again when it is resent, and
//! may succeed then; either answer is true when it is given. An op that was stored has effect once,
//! however often it is sent.
//!
//! The rule for a client: once it received `refused`, neither it nor a client that adopts its
//! outbox sends that op again. It orders the removal from its durable outbox before it acts on the
//! frame. If later ops need the number, it sends the erasure of a stroke that never existed under
//! that number. The remaining risk: storage that fails to remove the op, or, in browsers without
//! locks between tabs, a client that adopts the outbox of one that still runs.
//!
//! `resend`: the ops from `n` on were not accepted; send them again. `pointers` without an `at`
//! have left the drawing. A client ignores frames of an unknown type.
//!
//! # Presence
//!
//! A `people` frame without `from` is the whole list at version `version`: it replaces the
//! client's. With `from` it changes that version into `version`: `joined` has people who are new or
//! changed their name or colour; `left` those who are listed no longer. Both are omitted when
//! empty. If `version` is the version held, the frame is stale. If `from` is another version than
//! the one held, there is a gap, and the client requests the whole list with `people`. Versions are
//! comparable within one socket only, and a socket's first `people` frame is a whole list.
//!
//! `count` is the number of all people including the receiver; a person with several tabs counts
//! once. `joined` lists one entry per client, at most
//! [`MAX_LISTED`](crate::feed::presence::MAX_LISTED): in a crowd active people are listed before
//! idle ones, and only pointers of listed people are sent. Changes are gathered, the longer the
//! more people there are, and sent at most once a second with some hundreds: see
//! [`people_pause`](crate::feed::presence::people_pause).
//!
//! # Closing
//!
//! Codes are 4000 + an HTTP status, 1012 (restart) or 1013 (load). The reason begins with `again: `,
//! `again in N ms: ` or `final: `, which tells the client whether to reconnect: see [`Close`].

mod client;
mod close;
mod limits;
mod peer;
mod server;

pub use client::{ClientFrame, ClientSignal, FrameError, Hello};
pub use close::Close;
pub use limits::{MAX_FRAME_BYTES, MAX_OPS_PER_FRAME};
pub use peer::PeerMessage;
pub use server::{AccessName, ResetReason, ServerFrame, push_changes, strokes_frame};

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "whiteboard.v1";
