// @ts-check
/**
 * The text editor on the board, which follows the view and keeps clear of the panels.
 *
 * It must never know what becomes of a text.
 */

import { INK, colourValue } from "../model/palette.js";
import { layoutOf } from "../tools/writing.js";
import { byId } from "../ui/dom.js";
import { freeBox } from "../ui/free-box.js";
import { TextEditor } from "../ui/text-editor.js";

/**
 * @param {import("../canvas/canvas.js").Canvas} canvas
 * @param {import("../canvas/viewport.js").Viewport} viewport
 * @param {() => void} toggled it has been opened or closed
 */
export function createTextEditor(canvas, viewport, toggled) {
  return new TextEditor(byId("text-editor"), {
    // The text of a note is ink: its colour is the paper's.
    colour: (body) => colourValue(body.kind === "text" ? body.colour : INK, canvas.theme),
    layout: layoutOf,
    toScreen: (corner) => ({ ...viewport.toScreen(corner), zoom: viewport.camera.zoom }),
    free: () => freeBox(canvas.size),
    pan: (dx, dy) => viewport.pan(dx, dy),
    belongs: (element) => element instanceof Node && byId("stroke-style").contains(element),
    toggled,
  });
}
