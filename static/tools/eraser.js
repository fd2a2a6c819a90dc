// @ts-check
/**
 * The eraser: removes whole strokes that it touches, at once; a drag is one step of the history.
 *
 * It must never erase a locked stroke.
 */

import { erasing } from "../model/edits.js";

/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/edits.js").Edit} Edit */
/** @typedef {import("./tool.js").Tool} Tool */

/** In pixels. */
const RADIUS = 9;

/**
 * @param {import("./tool.js").ToolContext} context
 * @returns {Tool}
 */
export function eraserTool(context) {
  /** @type {{at: PlanePoint, erased: Edit[]} | null} */
  let drag = null;
  /** @type {PlanePoint | null} where its ring is shown */
  let hovered = null;

  /** @param {PlanePoint} to */
  const erase = (to) => {
    if (!drag) return;
    const touched = context.scene.at(drag.at, RADIUS / context.camera().zoom, to);
    const edits = touched.filter(({ body }) => !body.locked).map(erasing);
    drag.at = to;
    drag.erased.push(...edits);
    context.apply(edits);
  };

  return {
    id: "eraser",
    cursor: "none",
    down({ point }) {
      drag = { at: point, erased: [] };
      erase(point);
    },
    move: (presses) => presses.forEach(({ point }) => erase(point)),
    up() {
      if (drag) context.record(drag.erased);
      drag = null;
    },
    cancel() {
      if (drag) context.revert(drag.erased);
      drag = null;
    },
    hover(press) {
      hovered = press && press.point;
      context.refresh();
    },
    overlay() {
      const centre = hovered;
      return centre && { paint: (context, { toScreen }) => paintRing(context, toScreen(centre)) };
    },
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import("../model/types.js").ScreenPoint} centre
 */
function paintRing(context, { x, y }) {
  context.beginPath();
  context.arc(x, y, RADIUS, 0, 2 * Math.PI);
  context.fillStyle = "rgb(120 110 100 / 0.16)";
  context.fill();
  context.lineWidth = 1.25;
  context.strokeStyle = "rgb(90 80 70 / 0.7)";
  context.stroke();
}
