//! The protocol of the WebSocket: JSON text frames with a `type` and named fields.
//!
//! A page opens `/ws/{drawing}?since=N&epoch=E` with the subprotocol [`SUBPROTOCOL`], `whiteboard.v1`,
//! where `since` is the last position it holds (0 for none) and `epoch` the epoch of that position. The
//! server sends changes at once; the first `hello` makes the session a writer. Binary frames are
//! rejected. Fragments are joined up to [`MAX_FRAME_BYTES`], 256 KiB.
//!
//! # From the page
//!
//! ```json
//! {"type":"hello","key":"6f…","tab":"09…","name":"Ada","colour":"#e03131","next":1,"token":"k3…"}
//! {"type":"ops","ops":[{"n":1,"op":"draw","stroke":"c1…","body":{"kind":"pen","x":10,"y":20,"points":"AAEAAA==","colour":"#1d1d1f","width":4}}]}
//! {"type":"ops","ops":[{"n":2,"op":"edit","stroke":"c1…","set":{"x":30},"base":{"writer":"7a…","n":1}}]}
//! {"type":"ops","ops":[{"n":3,"op":"erase","stroke":"c1…"}]}
//! {"type":"ops","ops":[{"n":4,"op":"restore","stroke":"c1…","body":{…},"base":{"writer":"7a…","n":3}}]}
//! {"type":"signal","pointer":{"x":1.5,"y":2}}
//! {"type":"signal","away":true}
//! {"type":"signal","ink":{"stroke":"c1…","n":5,"offset":0,"x":10,"y":20,"points":"AAEAAA==","kind":"pen","colour":"#1d1d1f","width":4}}
//! {"type":"signal","view":{"x":-400,"y":-300,"w":800,"h":600}}
//! {"type":"signal","preview":{"n":2,"set":{"c1…":{"x":30}}}}
//! {"type":"signal","cancelled":true}
//! {"type":"since","since":17,"epoch":"52…"}
//! {"type":"people"}
//! {"type":"token","token":"k3…"}
//! {"type":"ping"}
//! ```
//!
//! The ids of strokes, writers and people have 16 bytes, in 22 characters of base64url; those of drawings and
//! epochs have 32 hexadecimal digits.
//!
//! Two words: an op is *decided* once it has its verdict, stored or refused; it is *acknowledged* once the
//! page was told.
//!
//! * `hello`: `key` is the secret of the browser and `tab` the random number of the page, each of 32
//!   hexadecimal digits. `next` is the number of the first op that is not acknowledged. A page that sends
//!   the outbox of a closed page omits `name` and `colour`, and is not listed.
//!   `token` is the key of the drawing's link, or a token (JWT). Where the mode of access is not `open`, nothing
//!   flows before a hello that is let in, and a hello comes within 10 s. A key or token that does not open the
//!   drawing closes the socket with 4403, and the same words whether there is such a drawing or not.
//! * `ops`: at most [`MAX_OPS_PER_FRAME`], 500, numbered (`n`) without gaps per page. `op` is what happens to the
//!   `stroke`: `draw` adds one, under an id that was never used; `edit` replaces the fields in `set`, where `null`
//!   removes an optional one, and with `z` the painting order; `erase` erases it; `restore` undoes that, with the
//!   `body` that it had. `base` names the op on which this one builds, by `writer` and `n`: if a later one has changed
//!   the stroke, this one is refused as `changed`. Only `restore` must name one, the erasure.
//! * `body`: the stroke, with at least `kind`, `x`, `y` and `colour`. The server checks the bounds of the fields that
//!   `src/domain/stroke.rs` lists, and stores and delivers kinds and fields that it does not know. So a page
//!   shows what it can of them, and keeps the rest.
//! * `points`, in a body and in ink, are base64 of a compact format, which `src/domain/points.rs` describes.
//! * `signal`: shown to others and never stored; it has a pointer, ink, a preview, a view or several. `pointer` is the place of the
//!   page's pointer, and `away` says that it left the drawing. `ink` is a part of the stroke being drawn:
//!   `stroke` and `n` are those of its later op, `offset` is the index of the part's first point within the
//!   stroke, and `x` and `y` are where that point is. A part replaces all points from its `offset` on. `opacity` is that
//!   of the stroke, from 0 to 1, and left out where it is 1; a page sends it only if `welcome` has `"ink_opacity":true`.
//!   With `"end":true` the stroke was cancelled.
//! * `preview`, in a signal: what the page's edit in progress looks like, an object of at most `MAX_PREVIEW_BYTES`,
//!   8 KiB. Each one replaces the page's last one, which also ends when its strokes change; `cancelled` ends it
//!   without a change. The server does not look inside; pages write these fields: `n` is the number of the op to come;
//!   `set` has fields of strokes by the strokes' ids, as in `edit`; `draw` has bodies of new strokes by their ids; `ids`
//!   with `matrix` moves strokes by `[a, b, c, d, e, f]`, as in SVG; `box`, which is `[left, top, right, bottom]`,
//!   stands for more strokes than fit.
//! * `view`, in a signal: the part of the plane that the page shows, for those who follow it. With `"call":true` beside
//!   it, the page invites everyone to look there too, which needs the right to draw.
//! * `since`: asks for the changes after a position.
//! * `people`: asks for the whole list of people.
//! * `token`: shows another key, of which the better one counts, or a renewed token.
//! * `ping`: asks for a `pong`, which has the head, so that the page notices a dead socket or missing changes.
//!
//! # To the page
//!
//! ```json
//! {"type":"welcome","writer":"7a…","author":"40…","epoch":"52…","head":17,"done":3,"title":"Plan","access":"own","build":"3f…","ink_opacity":true}
//! {"type":"access","access":"draw","locked":false,"muted":false}
//! {"type":"access","access":"own","locked":true,"muted":false,"muted_people":["40…"]}
//! {"type":"reset","epoch":"52…","reason":"epoch"}
//! {"type":"strokes","from":15,"head":17,"changes":[{"seq":16,"stroke":"c1…","z":9,"writer":"7a…","n":2,"body":{…}},{"seq":17,"stroke":"d2…","writer":"7a…","n":3,"erased":true}]}
//! {"type":"signals","ink":[{"writer":"7a…","stroke":"c1…",…}],"pointers":[{"writer":"7a…","at":{"x":1.5,"y":2}}],"previews":[{"writer":"7a…","edit":{"set":{…}}}],"views":[{"writer":"7a…","shows":{"x":-400,…},"call":true}]}
//! {"type":"people","version":81,"count":2,"joined":[{"writer":"7a…","author":"40…","name":"Ada","colour":"#e03131","key":"Zx…"},…]}
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
//! * `welcome`: the answer to a hello. `writer` and `author` are the public ids of the page and of its person,
//!   which come from the hello's `tab` and `key`. `done` is the highest number of the page's ops that is stored,
//!   so every op up to it is decided. `head` is the last position that the server holds, and `build` names the
//!   files of the pages: a page of another build may reload. `ink_opacity` says that ink may have an opacity, on which
//!   older servers close the socket.
//! * `drawing`: the drawing has another title.
//! * `pong`: the answer to `ping`, with the last position that the server holds.
//! * `access`: what the page may do, right after `welcome` and whenever it changes: `view`, `draw` or `own`; whether
//!   the drawing is `locked`, which stops all but owners; and whether this person is `muted`, which stops those who
//!   do not own it. Owners also get the authors who are muted.
//! * `strokes` covers the positions after `from` up to `head`. A position without a change in it belongs
//!   to a stroke that changed again later. `z` is the painting order, left out where it is the position. The page classifies the frame with
//!   [`arrival`](crate::domain::sequence::arrival) in `src/domain/sequence.rs`, applies the changes that are newer than what it
//!   holds, and then holds `head`; on a gap it sends `since`.
//! * `reset`: discard every stroke and position, and load from 0. The outbox stays.
//! * `read`: the changes after `since` are too large for the socket. Fetch them from
//!   `/api/drawings/{drawing}/strokes?since=N`, then send `since`; the server sends no changes until
//!   then. A page that holds nothing gets all strokes, without tombstones, in one streamed answer; with
//!   a position it gets about 1 MiB of changes, and `more` says whether there are others after `head`. An
//!   answer that ends too early is worth nothing.
//! * `done`: acknowledges every op up to `n`: each was decided before this frame. A stored op is on disk, or
//!   had nothing left to do, as the erasure of an erased stroke; the refused ones were named by `refused`.
//! * `refused`: the op was not applied, and leaves the outbox. With the reason `load` it stays: send it
//!   and all ops after it again after `retry_ms` milliseconds.
//! * `resend`: the ops from `n` on were not accepted; send them again.
//! * `signals`: a pointer without `at` left the drawing; a preview without `edit` was cancelled. A page moves its own
//!   view only because its user asked for it: to follow someone, or to accept a call.
//! * A page ignores a type that it does not know.
//!
//! # Four things called key
//!
//! | where | what it is |
//! |---|---|
//! | `key` of a `hello` | the secret of the browser, from which its `author` follows; it opens nothing |
//! | `token` of a `hello` or `token` frame, `Authorization` over HTTP | the key of the drawing's link, or a token (JWT): what gives access |
//! | `key` of a person, `id` of a key over HTTP | the public id of the key with which somebody came; it opens nothing |
//! | `key` of an answer over HTTP, or of `held` | the secret of a drawing's key, as it is in a link |
//!
//! # Refusals
//!
//! `reason` is one of these; `message` is for developers, and a page has its own text for each reason.
//!
//! | `reason` | the op was refused because |
//! |---|---|
//! | `exists` | a stroke with this id is or was in the drawing |
//! | `absent` | there is no such stroke |
//! | `erased` | the stroke is erased |
//! | `changed` | another op changed the stroke after the one that `base` names |
//! | `full` | the drawing has the most strokes or bytes; erasing still works |
//! | `invalid` | a value is wrong |
//! | `forbidden` | the link allows viewing only |
//! | `locked` | the drawing is locked: only its owners may change it |
//! | `muted` | an owner has muted this person |
//! | `load` | too much waits to be stored: it stays in the outbox |
//!
//! A refusal is not stored, unless the database does not accept the op: that would cost every server a
//! durable write for an op that changed nothing.
//! So if a refusal is lost with its socket and the page sends the op again, the op is decided again, and
//! may be applied then. Each answer is true when it is given. An op that was applied is applied once,
//! however often it is sent. If a later op of the same writer is stored, or the refusal itself, the server
//! answers `done` to an op that is sent again although it was refused; the page notices that a drawn stroke
//! is missing.
//!
//! The rule for a page: after `refused`, it never sends that op again, nor does a page that takes over
//! its outbox. It starts to remove the op from its storage before it acts on the frame. If later ops need
//! the number, it sends the erasure of a stroke that never existed under it. Two cases stay open: a
//! storage that fails to remove the op, and, in browsers without locks, a page that takes over the outbox
//! of a page that is still open.
//!
//! # People
//!
//! A `people` frame without `from` is the whole list at version `version`; it replaces what the page
//! holds. With `from` it is an update of that version to `version`: `joined` holds people who joined or
//! changed name or colour, `left` those who are not listed any more; both are omitted when empty. If
//! `version` is the one held, the frame is stale. If `from` is another one, there is a gap: the page sends
//! `people` and gets the whole list. Versions are comparable within one socket only, and the first
//! `people` frame of a socket is a whole list.
//!
//! `count` is the number of all people, oneself included; a person with several pages counts once.
//! `joined` lists pages, at most [`MAX_LISTED`](crate::feed::presence::MAX_LISTED), 50. In a crowd,
//! pages with activity are listed before idle ones, and only listed pages get their pointers and views sent to
//! others. Updates are batched for longer the more people there are, up to a second from some hundreds on:
//! see [`people_pause`](crate::feed::presence::people_pause) in `src/feed/presence.rs`.
//!
//! # HTTP
//!
//! `GET /api/openapi.json` describes all of it in OpenAPI 3.1, with every status that each route answers.
//!
//! A request shows a key, a token or the operator's key as `Authorization: Bearer …`. Whoever may not even view a
//! drawing gets `not_found` with the same answer as for a drawing that is not there; `forbidden` is for those who may
//! view it, and need more.
//!
//! * `GET /api/drawings`: for the operator, unless the server is open: the drawings, the last changed first; that order may lag by a minute. With `q`, those
//!   whose title has all its words. `next` of an answer is the `before` of the next request; a search may find
//!   nothing in an answer and go on in the next. `limit` is from 1 to 200. Each drawing has the number of its sessions on
//!   all servers, `people`. Where people are on it, and the server that answers has it open, it has
//!   `"present":{"count":4,"names":["Ada","Ben","Cleo"]}` too: how many people, and the names of at most three. A server
//!   knows no names on drawings that only others have open.
//! * `POST /api/drawings`, and `GET`, `PATCH` and `DELETE` of `/api/drawings/{drawing}`: create a drawing, get,
//!   rename and delete it; `POST /api/drawings/{drawing}/restore` takes the deletion back for ten minutes.
//!   Where keys count, the answer to the creation has the `key` that owns the drawing, which is told only once.
//! * `POST /api/drawings/held`, with `{"held":[{"id":"…","key":"…"}]}` of at most 200: those of the drawings that
//!   these keys open, each with the `access` that they give.
//! * `GET` and `POST /api/drawings/{drawing}/keys`, and `PATCH` and `DELETE` of `…/keys/{key}`, for owners: the keys,
//!   `{"id","access","name","created","expires","last_used","last_by","mine"}`; a new one of
//!   `{"access","name","expires"}`, whose secret is the `key` of this answer alone; a change of these fields, where
//!   `"expires":null` is never; and a revocation, which ends its sessions. One key that owns the drawing and never
//!   ends must remain. At most 200 keys.
//! * `PUT /api/drawings/{drawing}/locked`, with `{"locked":true}`, and `PUT` and `DELETE` of
//!   `/api/drawings/{drawing}/muted/{author}`, for owners.
//! * `GET /api/drawings/{drawing}/strokes`: see `read` above. Each change has its `author` too, the person who made it.
//! * `POST /api/drawings/{drawing}/assets`: stores a picture, which is the body: PNG, JPEG, WebP or GIF, at most
//!   4 MiB, and 64 MiB of them in one drawing. The answer is `{"hash":"…","type":"image/png","bytes":1234}`, the
//!   same however often it is sent. A stroke names it in its field `asset`, and a page gets it from
//!   `/api/drawings/{drawing}/assets/{hash}`. Pictures are removed with their drawing.
//! * `GET /api/drawings/{drawing}/export.svg`, `export.png`, `export.json`: the drawing as a file to take away, as
//!   a page exports it: see [files](format.md). SVG and PNG have `theme=light` or `dark`, and `background=false`
//!   for a transparent one. SVG and JSON are streamed: after a failure the answer ends too early. PNG is painted
//!   for at most 30 s, after which the answer is `too_large`.
//! * `GET /api/drawings/{drawing}/thumbnail.svg`: a small picture of at most 64 KiB, with the same `theme`. Small
//!   strokes are dots and details are left out; an empty drawing has an empty picture.
//!
//! All of these name the drawing's epoch and head in their `ETag`, files also its title, so that asking again with
//! `If-None-Match` is cheap. At a time at most 16 files are sent, one PNG is painted and two thumbnails are made;
//! others wait, for 15 s at most.
//!
//! An error is `{"error":{"code":"bad_request","message":"…","field":"since"}}`; `field` is there if one value
//! is wrong. `message` is for developers, and a page has its own text for each code.
//!
//! | `code` | status | what went wrong |
//! |---|---|---|
//! | `bad_request` | 400 | a value is missing, unknown or out of its bounds |
//! | `forbidden` | 403 | the host, the origin or the link does not allow it |
//! | `not_found` | 404 | there is nothing at the address, or no such drawing |
//! | `method_not_allowed` | 405 | the address has other methods, which `Allow` lists |
//! | `too_slow` | 408 | the body did not arrive in time |
//! | `last_owner` | 409 | nobody could own the drawing any more |
//! | `gone` | 410 | the drawing is deleted |
//! | `too_large` | 413 | the body is too large |
//! | `unsupported` | 415 | the file is of a type that is not taken |
//! | `upgrade_required` | 426 | the address is for WebSockets |
//! | `too_many` | 429 | the link, the address or all together used too much: a retry makes sense after `Retry-After` seconds |
//! | `failed` | 500 | a fault of the server, which is in its log |
//! | `unavailable` | 503 | the database or the server is away or busy: a retry makes sense |
//! | `full` | 507 | the drawing has no room for more |
//!
//! A browser that asks for a page, with `text/html` in `Accept`, gets a page for people instead, except under
//! `/api/`.
//!
//! # Closing
//!
//! A close code is 4000 plus an HTTP status, 1012 (restart) or 1013 (load). The reason begins with
//! `again: `, `again in N ms: ` or `final: `, which says whether to reconnect: see [`Close`] in
//! `src/protocol/close.rs`. What follows is for developers: a page has its own text for each code. 4403 is about
//! what was shown for the drawing; 4421 (misdirected) about the host or the origin, whatever was shown.

mod client;
mod close;
mod limits;
mod peer;
mod server;

pub use client::{ClientFrame, ClientSignal, FrameError, Hello, Secret};
pub use close::Close;
pub use limits::{MAX_FRAME_BYTES, MAX_OPS_PER_FRAME};
pub use peer::PeerMessage;
pub use server::{Author, ResetReason, ServerFrame, push_changes, strokes_frame};

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "whiteboard.v1";
