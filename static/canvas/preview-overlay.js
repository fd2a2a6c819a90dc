// @ts-check
/**
 * How what somebody else is editing is shown above the strokes.
 *
 * It must never show who it is: their pointer does.
 */

/** @typedef {import("./canvas.js").Overlay} Overlay */
/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Box} Box */
/** @typedef {import("../model/types.js").Matrix} Matrix */

/**
 * @param {{bodies: Body[], carried: {bodies: Body[], matrix: Matrix} | null, box: Box | null}} preview
 * @returns {Overlay}
 */
export function overlayOfPreview({ bodies, carried, box }) {
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
