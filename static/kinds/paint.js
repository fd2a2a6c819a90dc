// @ts-check
/**
 * Paints a stroke's outline with its colours, fill, dashes, opacity and rotation.
 *
 * It must never leave the context changed, except for styles that every painter sets itself.
 */

import { centreOf } from "../model/geometry.js";
import { fillValue } from "../model/palette.js";
import { recently } from "./recent.js";
import { MARKER_ALPHA, MARKER_BLENDING, areaData, dashOf, isFilled, lineColour } from "./svg.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("./kind.js").Kind} Kind */
/** @typedef {import("./kind.js").Look} Look */

/** @type {WeakMap<Body, Path2D>} */
const paths = new WeakMap();
/** @type {(body: Body, make: () => Path2D) => Path2D} inside lines with pressure */
const areas = recently(10_000);

/**
 * @param {CanvasRenderingContext2D} context in units of the plane
 * @param {Body} body
 * @param {Kind} kind
 * @param {Look} look
 */
export function paintOutline(context, body, kind, look) {
  const outline = kind.isValid(body) ? kind.outline(body) : null;
  if (!outline) return;
  let path = paths.get(body);
  if (!path) {
    path = new Path2D(outline.data);
    paths.set(body, path);
  }
  paintPath(context, body, kind, path, outline.filled, look);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Body} body
 * @param {Kind} kind
 * @param {Path2D} path
 * @param {boolean} filled whether the path is the outline of the line itself
 * @param {Look} look
 */
export function paintPath(context, body, kind, path, filled, { theme }) {
  const colour = lineColour(body, kind, theme);
  withStyle(context, body, kind, theme, () => {
    if (isFilled(body)) {
      context.fillStyle = fillValue(body.fill, theme);
      context.fill(filled ? areas(body, () => new Path2D(areaData(body))) : path);
    }
    if (filled) {
      context.fillStyle = colour;
      context.fill(path);
      return;
    }
    const width = kind.lineWidth(body);
    setPen(context, colour, width);
    const dash = dashOf(body, width);
    if (dash.length > 0) context.setLineDash(dash);
    context.stroke(path);
    if (dash.length > 0) context.setLineDash([]);
  });
}

/**
 * Paints a solid line without an area, for which no path is made.
 * @param {CanvasRenderingContext2D} context
 * @param {Body} body
 * @param {Kind} kind
 * @param {() => void} trace traces the line on the context
 * @param {Look} look
 * @param {number | null} width at which the path is stroked; null: it is filled
 */
export function paintLine(context, body, kind, trace, { theme }, width) {
  withStyle(context, body, kind, theme, () => {
    const colour = lineColour(body, kind, theme);
    context.beginPath();
    trace();
    if (width === null) {
      context.fillStyle = colour;
      context.fill();
      return;
    }
    setPen(context, colour, width);
    context.stroke();
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} colour
 * @param {number} width
 */
function setPen(context, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
}

/**
 * Paints with a body's opacity, blending and rotation.
 * @param {CanvasRenderingContext2D} context
 * @param {Body} body
 * @param {Kind} kind
 * @param {import("../model/palette.js").CanvasTheme} theme
 * @param {() => void} paint
 */
export function withStyle(context, body, kind, theme, paint) {
  const { rotation = 0, opacity = 1 } = body;
  const alpha = opacity * (kind.multiplies ? MARKER_ALPHA : 1);
  // Each setter takes time, also where it changes nothing.
  if (alpha !== 1) context.globalAlpha = alpha;
  if (kind.multiplies) context.globalCompositeOperation = MARKER_BLENDING[theme];
  if (rotation === 0) {
    paint();
  } else {
    const { x, y } = centreOf(kind.frame(body));
    context.save();
    context.translate(x, y);
    context.rotate(rotation);
    context.translate(-x, -y);
    paint();
    context.restore();
  }
  if (alpha !== 1) context.globalAlpha = 1;
  if (kind.multiplies) context.globalCompositeOperation = "source-over";
}
