// @ts-check
/**
 * The types of what crosses the socket and of what several modules share.
 *
 * It must never hold code: functions on a type belong to the module that owns it.
 */

/** @typedef {"pen"|"marker"|"line"|"arrow"|"rectangle"|"ellipse"|"text"} ToolName The kind of a stroke. */
/** @typedef {{x: number, y: number}} PlanePoint A point of the drawing's plane, in its units. */
/** @typedef {{x: number, y: number}} ScreenPoint A point of the canvas, in CSS pixels. */
/** @typedef {{x: number, y: number, pressure?: number}} InkPoint A point, with a pressure from 0 to 255 if the device reports one. */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

/**
 * The content of a stroke. Unknown fields are kept.
 * @typedef {object} Body
 * @property {ToolName} kind
 * @property {number} x
 * @property {number} y
 * @property {string} [points] base64: see points.js
 * @property {string} colour `#rrggbb`
 * @property {number} width
 * @property {string} [fill] `#rrggbb`
 * @property {string} [text]
 */

/** @typedef {{writer: string, n: number}} OpId Identifies one op, for ever. */
/** @typedef {{epoch: string, head: number}} Position A position in a drawing's sequence of changes. */

/**
 * An op on one stroke, before it has a number.
 * @typedef {object} OpDraft
 * @property {"draw"|"edit"|"erase"|"restore"} op
 * @property {string} stroke
 * @property {Body} [body]
 * @property {Record<string, unknown>} [set]
 * @property {OpId} [base] the op is rejected unless this is still the last op on the stroke
 */

/** @typedef {OpDraft & {n: number}} Op A draft with its number, unique per writer. */

/**
 * The stroke after a change: its body, or that it is erased.
 * @typedef {object} Change
 * @property {number} seq
 * @property {string} stroke
 * @property {number} z
 * @property {string} author
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
 * @property {ToolName} kind
 * @property {string} colour
 * @property {number} width
 * @property {boolean} [end] the stroke was cancelled
 */

/** @typedef {InkPart & {writer: string}} Ink */
/** @typedef {{writer: string, author: string, name: string, colour: string}} Person */
/** @typedef {{writer: string, at: PlanePoint | null}} PointerUpdate */

/** @typedef {{key: string, tab: string, id: string, author: string}} Writer One tab's identity: `key` and `tab` are secret, `id` and `author` are public. */

/** @typedef {{type: "welcome", writer: string, author: string, epoch: string, head: number, done: number, title: string, access: string, build: string}} WelcomeFrame */
/** @typedef {{type: "strokes", from: number, head: number, changes: Change[]}} StrokesFrame */
/** @typedef {{type: "reset", epoch: string, reason: string}} ResetFrame */
/** @typedef {{type: "signals", ink?: Ink[], pointers?: PointerUpdate[]}} SignalsFrame */
/** @typedef {{type: "people", from?: number, version: number, count: number, joined?: Person[], left?: string[]}} PeopleFrame The whole list, or the difference since version `from`. */
/** @typedef {{type: "done", n: number}} DoneFrame */
/** @typedef {{type: "refused", n: number, reason: string, message: string, stroke?: Change, retry_ms?: number}} RefusedFrame */
/** @typedef {{type: "resend", n: number}} ResendFrame */
/** @typedef {{type: "drawing", title: string}} DrawingFrame */
/** @typedef {{type: "read", since: number}} ReadFrame */
/** @typedef {{type: "pong", head: number}} PongFrame */
/** @typedef {WelcomeFrame|StrokesFrame|ResetFrame|SignalsFrame|PeopleFrame|DoneFrame|RefusedFrame|ResendFrame|DrawingFrame|ReadFrame|PongFrame} FromServer */

/** @typedef {{epoch: string, from: number, head: number, more: boolean, target?: number, title: string, reset: boolean, changes: Change[]}} StrokesChunk `target` is sent back with the next read. */
/** @typedef {{id: string, title: string, created: string, changed: string, people: number}} DrawingInfo */

export {};
