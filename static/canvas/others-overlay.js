// @ts-check
/**
 * How what others draw and edit at this moment is shown above the strokes.
 *
 * It must never show who it is: their pointer does.
 */

import { bodyInProgress } from "../kinds/kinds.js";

/** @typedef {import("./canvas.js").Overlay} Overlay */
/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").Matrix} Matrix */

/**
 * @param {Pick<ReturnType<import("../presence/presence.js").Presence["shown"]>, "inks"|"previews">} shown
 * @returns {Overlay[]}
 */
export function overlaysOfOthers({ inks, previews }) {
  const bodies = inks.map(({ kind, colour, width, opacity, points }) => bodyInProgress({ kind, colour, width, opacity }, points));
  return [...(bodies.length > 0 ? [{ bodies }] : []), ...previews.map(overlayOfPreview)];
}

/**
 * @param {{bodies: Body[], carried: {bodies: Body[], matrix: Matrix} | null, box: Box | null}} preview
 * @returns {Overlay}
 */
function overlayOfPreview({ bodies, carried, box }) {
  return {
    bodies,
    carried,
    paint(context, { toScreen }) {
      if (!box) return;
      const from = toScreen({ x: box.left, y: box.top });
      const to = toScreen({ x: box.right, y: box.bottom });
      context.strokeStyle = "rgb(120 110 100 / 0.8)";
      context.lineWidth = 1.5;
      context.setLineDash([6, 5]);
      context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
      context.setLineDash([]);
    },
  };
}
