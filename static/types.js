// @ts-check
/**
 * The nouns that cross the socket and move between modules, as types only.
 *
 * It must never hold code: what a type does lives in the module that owns it.
 */

/** @typedef {"pen"|"marker"|"line"|"arrow"|"rectangle"|"ellipse"|"text"} ToolName What a stroke was drawn with. */
/** @typedef {{x: number, y: number}} Place A place, in units of the drawing's plane or in pixels of the window. */
/** @typedef {{x: number, y: number, pressure?: number}} InkPoint A place with a pressure from 0 to 255, if it has one. */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

/**
 * A stroke as it is drawn. Fields this page does not know are kept.
 * @typedef {object} Body
 * @property {ToolName} tool
 * @property {number} x
 * @property {number} y
 * @property {string} [points] base64: see points.js
 * @property {string} colour `#rrggbb`
 * @property {number} width
 * @property {string} [fill] `#rrggbb`
 * @property {string} [text]
 */

/** @typedef {{writer: string, n: number}} OpId Names one op for ever. */
/** @typedef {{epoch: string, head: number}} Position A place in a drawing's order of changes. */

/**
 * What a writer wants of one stroke, before it has a number.
 * @typedef {object} Wish
 * @property {"draw"|"edit"|"erase"|"restore"} op
 * @property {string} stroke
 * @property {Body} [body]
 * @property {Record<string, unknown>} [set]
 * @property {OpId} [base]
 */

/** @typedef {Wish & {n: number}} Op A wish with its writer's number. */

/**
 * The stroke as it now is, or that it is erased.
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
 * A stroke as it is to be painted, with what is not stored yet.
 * @typedef {object} Stroke
 * @property {string} id
 * @property {number} z
 * @property {Body} body
 * @property {OpId} last the op that last changed it
 */

/**
 * Part of a stroke that is being drawn.
 * @typedef {object} InkPart
 * @property {string} stroke
 * @property {number} n
 * @property {number} offset
 * @property {number} x
 * @property {number} y
 * @property {string} points
 * @property {ToolName} tool
 * @property {string} colour
 * @property {number} width
 * @property {boolean} [end]
 */

/** @typedef {InkPart & {writer: string}} Ink */
/** @typedef {{writer: string, author: string, name: string, colour: string}} Person */
/** @typedef {{writer: string, at: Place | null}} PointerNews */

/** @typedef {{key: string, tab: string, id: string, author: string}} Writer One page that draws; `key` and `tab` are its own, `id` and `author` are public. */

/** @typedef {{type: "welcome", writer: string, author: string, epoch: string, head: number, done: number, title: string, access: string, build: string}} WelcomeFrame */
/** @typedef {{type: "strokes", from: number, head: number, changes: Change[]}} StrokesFrame */
/** @typedef {{type: "reset", epoch: string, reason: string}} ResetFrame */
/** @typedef {{type: "signals", ink?: Ink[], pointers?: PointerNews[]}} SignalsFrame */
/** @typedef {{type: "people", from?: number, version: number, count: number, joined?: Person[], left?: string[]}} PeopleFrame The whole of who is here, or what changed since version `from`. */
/** @typedef {{type: "done", n: number}} DoneFrame */
/** @typedef {{type: "refused", n: number, reason: string, message: string, stroke?: Change, retry_ms?: number}} RefusedFrame */
/** @typedef {{type: "resend", n: number}} ResendFrame */
/** @typedef {{type: "drawing", title: string}} DrawingFrame */
/** @typedef {{type: "read", since: number}} ReadFrame */
/** @typedef {{type: "pong", head: number}} PongFrame */
/** @typedef {WelcomeFrame|StrokesFrame|ResetFrame|SignalsFrame|PeopleFrame|DoneFrame|RefusedFrame|ResendFrame|DrawingFrame|ReadFrame|PongFrame} FromServer */

/** @typedef {{epoch: string, from: number, head: number, more: boolean, target?: number, title: string, reset: boolean, changes: Change[]}} StrokesPage `target` goes back with the next read */
/** @typedef {{id: string, title: string, created: string, changed: string, people: number}} DrawingInfo */

export {};
