// @ts-check
/**
 * Dragging up a figure from one point to another: a line, an arrow, a rectangle, an ellipse.
 *
 * It must never make a figure of a mere click.
 */

import { bodyOfInk } from "../kinds/body-points.js";
import { distance } from "../model/geometry.js";
import { drawing } from "../model/edits.js";
import { randomId } from "../model/ids.js";
import { packPoints } from "../model/points.js";

/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("./tool.js").Tool} Tool */
/** @typedef {{stroke: string, style: {kind: string} & import("./tool.js").Style, width: number, from: PlanePoint, points: InkPoint[]}} Figure `width`: the chosen one */

/** Shorter figures, in pixels, are no figures. */
const MIN_LENGTH = 2;

/**
 * @param {import("../kinds/kind.js").Kind & {fromDrag: import("../kinds/kind.js").FromDrag}} kind
 * @param {import("./tool.js").ToolContext} context
 * @returns {Tool}
 */
export function figureTool(kind, context) {
  /** @type {Figure | null} */
  let figure = null;

  const cancel = () => {
    if (!figure) return;
    figure = null;
    context.ink.cancelled();
  };

  /** @type {Tool} */
  const tool = {
    id: kind.id,
    cursor: "crosshair",
    drawn: null,
    down({ point: { x, y } }) {
      const style = context.style(kind.id);
      tool.drawn = null;
      figure = { stroke: randomId(), style: { kind: kind.id, ...style }, width: style.width ?? 1, from: { x, y }, points: [] };
    },
    move(presses) {
      if (!figure) return;
      const { point: { x, y }, shift } = presses[presses.length - 1];
      const { points, width } = kind.fromDrag(figure.from, { x, y }, shift, figure.width);
      figure.points = points;
      figure.style.width = width;
      context.ink.grew(figure.stroke, figure.style, points, true);
    },
    up() {
      if (!figure) return;
      const { stroke, style, points } = figure;
      if (points.length < 2 || distance(points[0], points[1]) * context.camera().zoom < MIN_LENGTH) {
        cancel();
        return;
      }
      figure = null;
      tool.drawn = stroke;
      context.ink.done();
      context.commit([drawing(stroke, { ...kind.defaults, ...style, ...packPoints(points) })]);
    },
    cancel,
    overlay: () => (figure && figure.points.length > 0 ? { bodies: [bodyOfInk({ ...kind.defaults, ...figure.style }, figure.points)] } : null),
  };
  return tool;
}
