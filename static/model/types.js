// @ts-check
/**
 * The types of what crosses the socket and of what several modules share.
 *
 * It must never hold code: functions on a type belong to the module that owns it.
 */

/** @typedef {{x: number, y: number}} PlanePoint A point of the drawing's plane, in its units. */
/** @typedef {{x: number, y: number, time?: number}} ScreenPoint A point of the canvas, in CSS pixels, and when a pointer was there, in milliseconds. */
/** @typedef {{x: number, y: number, pressure?: number}} InkPoint A point, with a pressure from 0 to 255 if there is one. */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

/** @typedef {{stroke: string, at: [number, number]}} Binding What an arrow's end is bound to: a stroke, and the point of its frame in fractions of width and height. */

/**
 * The content of a stroke. All fields are flat and edited one by one, and the last writer wins. Unknown
 * fields are kept. Which fields a stroke has, and what they mean, is up to its kind: see kinds/kind.js.
 * @typedef {object} Body
 * @property {string} kind 1 to 32 of a–z, 0–9 and `-`
 * @property {number} x
 * @property {number} y
 * @property {string} [points] base64, relative to x and y: see points.js
 * @property {string} [colour] a token of the palette, or `#rrggbb`
 * @property {number} [width] of lines, 0.25 to 400 units; of text, the height of a line
 * @property {string} [fill] a colour, or `none`
 * @property {"solid"|"dashed"|"dotted"} [dash]
 * @property {number} [opacity] 0 to 1
 * @property {number} [rotation] radians clockwise about the centre of the frame
 * @property {string} [group] an id that the strokes of a group share
 * @property {boolean} [locked]
 * @property {string} [font]
 * @property {"start"|"center"|"end"} [align]
 * @property {string} [text]
 * @property {number} [w] units
 * @property {number} [h] units
 * @property {string} [asset] hash in hex
 * @property {Binding} [start] of an arrow
 * @property {Binding} [end] of an arrow
 */

/** @typedef {{[Field in keyof Body]?: Body[Field] | null}} Fields Fields of a body to set; null removes one. */

/** @typedef {{writer: string, n: number}} OpId Identifies one op, for ever. */
/** @typedef {{epoch: string, head: number}} Position A position in a drawing's sequence of changes. */

/**
 * An op on one stroke, before it has a number.
 * @typedef {object} OpDraft
 * @property {"draw"|"edit"|"erase"|"restore"} op
 * @property {string} stroke
 * @property {Body} [body]
 * @property {Fields} [set]
 * @property {number} [z] of an edit: a new painting order, an integer
 * @property {OpId} [base] the op is rejected unless this is still the last op on the stroke
 */

/** @typedef {OpDraft & {n: number}} Op A draft with its number, unique per writer. */

/**
 * The stroke after a change: its body, or that it is erased.
 * @typedef {object} Change
 * @property {number} seq
 * @property {string} stroke
 * @property {number} [z] the painting order, where it is not the position
 * @property {string} [author] in an answer over HTTP: the person who made it
 * @property {string} writer
 * @property {number} n
 * @property {Body} [body]
 * @property {boolean} [erased]
 */

/**
 * A stroke to paint, with the effects of ops that are not confirmed yet.
 * @typedef {object} Stroke
 * @property {string} id
 * @property {number} z
 * @property {Body} body
 * @property {OpId} last the op that last changed it
 */

/**
 * Part of a stroke that is still being drawn.
 * @typedef {object} InkPart
 * @property {string} stroke
 * @property {number} n the number that the finished stroke's op will have
 * @property {number} offset index of the first point
 * @property {number} x
 * @property {number} y
 * @property {string} points
 * @property {string} kind
 * @property {string} [colour]
 * @property {number} [width]
 * @property {number} [opacity]
 * @property {boolean} [end] the stroke was cancelled
 */

/** @typedef {InkPart & {writer: string}} Ink */
/** @typedef {{writer: string, author: string, name: string, colour: string, key?: string}} Person `key`: the public id of the key that they came with */
/** @typedef {{writer: string, at: PlanePoint | null}} PointerUpdate */
/** @typedef {{writer: string, shows: {x: number, y: number, w: number, h: number}, call?: boolean}} ViewUpdate What a page shows; `call` invites others to look there. */
/** @typedef {[number, number, number, number, number, number]} Matrix a, b, c, d, e, f as in SVG */
/**
 * What an edit in progress looks like, for others, with the number that its first op will have: fields of strokes, new strokes, strokes that are moved
 * by a matrix, or only the box around too many of them.
 * @typedef {{n: number, set?: Record<string, Fields>, draw?: Record<string, Body>, ids?: string[], matrix?: Matrix, box?: [number, number, number, number]}} Preview
 */
/** @typedef {{writer: string, edit: Preview | null}} PreviewUpdate */

/** @typedef {{key: string, tab: string, id: string, author: string}} Writer One tab's identity: `key` and `tab` are secret, `id` and `author` are public. */

/** @typedef {"view"|"draw"|"own"} Level What a key lets its holder do; each includes those before it. */

/** @typedef {{type: "welcome", writer: string, author: string, epoch: string, head: number, done: number, title: string, access: Level, build: string, ink_opacity?: boolean}} WelcomeFrame `ink_opacity`: ink may have an opacity */
/** @typedef {{type: "access", access: Level, locked: boolean, muted: boolean, muted_people?: string[]}} AccessFrame `muted_people`: their authors, for owners */
/** @typedef {{type: "strokes", from: number, head: number, changes: Change[]}} StrokesFrame */
/** @typedef {{type: "reset", epoch: string, reason: string}} ResetFrame */
/** @typedef {{type: "signals", ink?: Ink[], pointers?: PointerUpdate[], previews?: PreviewUpdate[], views?: ViewUpdate[]}} SignalsFrame */
/** @typedef {{type: "people", from?: number, version: number, count: number, joined?: Person[], left?: string[]}} PeopleFrame The whole list, or the difference since version `from`. */
/** @typedef {{type: "done", n: number}} DoneFrame */
/** @typedef {{type: "refused", n: number, reason: string, message: string, stroke?: Change, retry_ms?: number}} RefusedFrame */
/** @typedef {{type: "resend", n: number}} ResendFrame */
/** @typedef {{type: "drawing", title: string}} DrawingFrame */
/** @typedef {{type: "read", since: number}} ReadFrame */
/** @typedef {{type: "pong", head: number}} PongFrame */
/** @typedef {WelcomeFrame|AccessFrame|StrokesFrame|ResetFrame|SignalsFrame|PeopleFrame|DoneFrame|RefusedFrame|ResendFrame|DrawingFrame|ReadFrame|PongFrame} FromServer */

/** @typedef {{epoch: string, from: number, head: number, more: boolean, title: string, reset: boolean, changes: Change[]}} StrokesChunk */
/** @typedef {{id: string, title: string, created: string, changed: string, people: number, present?: {count: number, names: string[]}, access?: Level, key?: string}} DrawingInfo `people`: sessions; `present`: people, as far as the server knows them; `key`: of a new drawing, its owner's */
/** @typedef {{id: string, access: Level, name: string, created: string, expires?: string | null, last_used?: string | null, last_by?: string | null, mine: boolean}} KeyInfo A key without its secret. */

export {};
