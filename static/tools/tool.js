// @ts-check
/**
 * What a tool is, and what it is given.
 *
 * It must never hold code: a tool is made by its own module, and holds the state of its gesture itself.
 */

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").ScreenPoint} ScreenPoint */
/** @typedef {import("../model/types.js").Stroke} Stroke */
/** @typedef {import("../model/edits.js").Edit} Edit */
/** @typedef {import("../canvas/canvas.js").Overlay} Overlay */

/** @typedef {{shift: boolean, mod: boolean, alt: boolean, touch?: boolean}} Modifiers `mod`: Ctrl or Command; `touch`: a finger, which covers more */
/** @typedef {Modifiers & {point: InkPoint, pixel: ScreenPoint}} Press A pointer at `pixel` of the canvas, which is `point` of the plane, in steps of an eighth. */
/** @typedef {Pick<Body, "colour"|"width"|"fill"|"dash"|"opacity"|"font"|"align">} Style */

/**
 * The ink in progress, shown to others while it is drawn.
 * @typedef {object} InkSignals
 * @property {(stroke: string, style: {kind: string} & Style, points: InkPoint[], moved: boolean) => void} grew with `moved`, points sent before have changed
 * @property {() => void} done it became a stroke
 * @property {() => void} cancelled
 */

/**
 * What an edit in progress looks like, shown to others.
 * @typedef {object} PreviewSignals
 * @property {(edit: Omit<import("../model/types.js").Preview, "n">) => void} show
 * @property {() => void} done it became edits
 * @property {() => void} cancelled
 */

/**
 * Everything that a tool may reach.
 * @typedef {object} ToolContext
 * @property {() => import("../canvas/camera.js").Camera} camera
 * @property {import("../model/scene.js").Scene} scene the visible strokes
 * @property {(kind: string) => Style} style the chosen style for a new stroke of a kind
 * @property {(edits: Edit[]) => void} commit does edits of any number of strokes as one step of the history
 * @property {(edits: Edit[]) => void} apply does edits at once, as part of a step that `record` ends, or `revert`
 * @property {(edits: Edit[]) => void} record makes one step of applied edits
 * @property {(edits: Edit[]) => void} revert takes applied edits back
 * @property {InkSignals} ink
 * @property {import("../model/selection.js").Selection} selection
 * @property {(strokes: readonly import("../model/types.js").Stroke[]) => void} hide strokes that are shown otherwise while a gesture changes them, in place of those before
 * @property {PreviewSignals} previews
 * @property {(point: PlanePoint) => void} write edits the text at a point, or starts one there
 * @property {(point: PlanePoint) => Stroke | undefined} textAt the text at a point that may be edited
 * @property {(stroke: string) => void} writeIn edits the text of a stroke
 * @property {() => void} refresh the overlay has changed
 */

/**
 * A tool as a state machine. Between `down` and `up` or `cancel` it has the pointer; any of them may come
 * without a `move` between.
 * @typedef {object} Tool
 * @property {string} id
 * @property {string} cursor of CSS; a getter if it depends on the state
 * @property {boolean} [pans] one pointer moves the view instead of reaching the tool
 * @property {string | null} [drawn] the stroke that the last gesture drew: a double click that edits a text takes it back
 * @property {(press: Press) => void} down
 * @property {(presses: Press[]) => void} move at least one; all positions since the last call
 * @property {() => void} up
 * @property {() => void} cancel ends the gesture as if it had not been, if there is one
 * @property {(press: Press | null) => void} [hover] the pointer moved, pressed or not; null: it left
 * @property {(event: KeyboardEvent) => boolean} [key] before the commands; returns whether it used the key
 * @property {() => Overlay | null} [overlay] what to show above the strokes
 */

export {};
