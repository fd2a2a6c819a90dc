//! Everything that crosses the socket, as JSON text frames with a `type` and named fields.
//!
//! A page opens `/ws/{drawing}?since=N&epoch=L` with the subprotocol [`SUBPROTOCOL`], where
//! `since` is the last position it holds (0 for none) and `epoch` the epoch that position
//! belongs to. Changes flow at once; the first `hello` makes the session a writer.
//! Binary frames are refused; fragments are joined up to [`MAX_FRAME_BYTES`].
//!
//! # From the browser
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
//! `hello`: `key` is the browser's secret and `tab` the page's random number, 32 hexadecimal
//! digits each; `name` and `colour` are left away by a page that is not to be seen, as one that
//! sends a dead page's outbox; `next` is the number of the first op that has no answer yet.
//!
//! # To the browser
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
//! are of rows that moved on. A page judges it with [`arrival`](crate::domain::sequence::arrival), applies the changes
//! that are newer than what it holds, and then holds `head`; at a gap it asks with `since`.
//! `reset`: forget every stroke and position; all of it follows from 0. What waits in the outbox stays.
//! `read`: too much for the socket; fetch it from `/api/drawings/{drawing}/strokes?since=N`, then send `since`;
//! nothing flows until then. A reader that holds nothing gets the living strokes without tombstones. An answer over
//! HTTP that names a `target` is a part of such a first load: the next read names it too, as `&target=T`.
//! `done`: every op up to `n` is stored or was refused before this message. `refused` is final and the
//! op leaves the outbox, except with the reason `load`: then send it and all after it again after `retry_ms` milliseconds.
//!
//! A refusal is not stored: that would cost every server a durable write for an op that changed nothing. So
//! an op whose refusal was lost with its socket is decided anew when it is sent again, and may happen then;
//! either answer is true when it is given. An op that happened happens once, however often it is sent.
//! The rule for a page: once it was told `refused`, it never sends that op again, nor does a page that adopts its
//! outbox. It orders the removal from what it keeps, on disk, before it acts on the frame. If later ops need the
//! number, it sends the erasure of a stroke that never was under it. What is left to chance: storage that fails to
//! remove, or, where pages have no lock to tell the living from the dead, one that adopts a living page's outbox.
//!
//! `resend`: the ops from `n` on were not taken; send them again. `pointers` without an `at` have left.
//! A type that a page does not know is ignored.
//!
//! # Who is here
//!
//! A `people` frame without `from` is the whole of it at version `version`: forget what was held. With `from` it
//! changes that version into `version`: those in `joined` came, or are another name or colour; those in `left` are
//! listed no longer. `joined` and `left` are left away when they are empty. `from` is another version than the one held: that is
//! a gap, and the page says `people` and is sent the whole; `version` is the one held: it is stale. Versions of one socket
//! are compared with each other only, and a socket's first `people` frame is a whole one.
//! `count` is the number of all people, with oneself, a person with several pages counted once. `joined` lists pages, at
//! most [`MAX_LISTED`](crate::feed::presence::MAX_LISTED) of them: in a crowd those who do something are listed before those who
//! do nothing, and pointers are told of those only who are listed. Changes are gathered, the longer the more people
//! are here, and sent at most once a second where some hundreds are: see [`people_pause`](crate::feed::presence::people_pause).
//!
//! # Closing
//!
//! Codes are 4000 + an HTTP status, 1012 (restart) or 1013 (load). The reason begins with
//! `again: `, `again in N ms: ` or `final: `, which says whether coming back makes sense: see [`Close`].

mod client;
mod close;
mod limits;
mod peer;
mod server;

pub use client::{FrameError, ClientFrame, Hello, ClientSignal};
pub use close::Close;
pub use limits::{MAX_FRAME_BYTES, MAX_OPS_PER_FRAME};
pub use peer::PeerMessage;
pub use server::{AccessName, ResetReason, ServerFrame, push_changes, strokes_frame};

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "whiteboard.v1";
