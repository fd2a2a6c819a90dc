// @ts-check
/**
 * Kinds that are drawn by hand: smooth lines, whose thickness may follow the pressure.
 *
 * It must never depend on the zoom, except that far out a line is painted with fewer points.
 */

import { boxOfPoints, hasPoints, lineOf, mappedPoints, pointsOf, reachOfLine } from "./body-points.js";
import { meanWidth, traceMiddle, traceRibbon } from "./coarse.js";
import { makeKind } from "./kind.js";
import { whole } from "./ink.js";
import { paintLine, paintPath } from "./paint.js";
import { recently } from "./recent.js";
import { pathData } from "./stroke-path.js";
import { isFilled } from "./svg.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("./kind.js").Kind} Kind */
/** @typedef {import("./ink.js").Sink} Sink */
/** @typedef {import("./ink.js").Part} Part */
/**
 * How a kind's line becomes a path, whole or in part.
 * @typedef {object} Trace
 * @property {boolean} filled whether the path is filled, not stroked
 * @property {(sink: Sink, points: InkPoint[], width: number, part?: Part) => void} trace
 */

/** A line with pressure that is thinner than this many pixels is painted coarsely; any other, below this zoom. */
const COARSE_PIXELS = 2.2;
const COARSE_SCALE = 0.5;
/** Pixels between points, as many as they are in the line's box, from which its bends are seen and painted as they are. */
const SPARSE_PIXELS = 16;
/** Pixels up to which a browser strokes a line faster than it fills its outline. */
const HAIRLINE = 1;
/** A line of fewer widths than this, as its box says, is no ribbon, whose ends are not exact. */
const RIBBON_WIDTHS = 6;

/**
 * How far a line may extend beyond its points. A smooth bend runs beyond them by a quarter of its longer part times the
 * sine of its angle at most, which is more than the common reach where points are far apart, and then has the thickness
 * of pressed ink besides.
 * @param {Body} body
 * @param {number} width
 */
function reachOfInk(body, width) {
  const { steps, unit } = lineOf(body);
  let [most, beforeX, beforeY] = [0, 0, 0];
  for (let i = 2; i < steps.length; i += 2) {
    const [x, y] = [steps[i] - steps[i - 2], steps[i + 1] - steps[i - 1]];
    if (x * beforeX + y * beforeY > 0) {
      most = Math.max(most, Math.abs(x * beforeY - y * beforeX) / Math.sqrt(Math.min(x * x + y * y, beforeX * beforeX + beforeY * beforeY)));
    }
    [beforeX, beforeY] = [x, y];
  }
  return Math.max(reachOfLine(body, width), (most * unit) / 4 + width);
}

/**
 * @param {Body} body
 * @param {number} scale
 */
function isSparse(body, scale) {
  const { left, top, right, bottom } = boxOfPoints(body);
  return (right - left + bottom - top) * scale > SPARSE_PIXELS * (lineOf(body).steps.length / 2);
}

/** @type {(body: Body, make: () => Path2D) => Path2D} */
const fine = recently(10_000);

/**
 * Paints a line far out.
 * @param {CanvasRenderingContext2D} context
 * @param {Body} body
 * @param {Kind} kind
 * @param {import("./kind.js").Look} look
 * @param {boolean} pressed whether its thickness follows the pressure
 */
function paintCoarse(context, body, kind, look, pressed) {
  const { width = 1 } = body;
  const line = lineOf(body);
  const mean = pressed ? meanWidth(line, width) : width;
  // The same points at similar zooms, or lines would tremble while it changes.
  const lod = 2 ** Math.ceil(Math.log2(look.scale));
  const { left, top, right, bottom } = boxOfPoints(body);
  if (pressed && mean * look.scale > HAIRLINE && right - left + bottom - top > RIBBON_WIDTHS * width) {
    paintLine(context, body, kind, () => traceRibbon(context, line, lod, width), look, null);
  } else {
    paintLine(context, body, kind, () => traceMiddle(context, line, lod), look, mean);
  }
}

/**
 * @param {Partial<Kind> & Pick<Kind, "id"> & Trace} parts
 * @returns {Kind}
 */
export function freehandKind({ filled, trace, ...parts }) {
  const traced = (/** @type {Body} */ body) => {
    const path = new Path2D();
    trace(path, pointsOf(body), body.width ?? 1);
    return path;
  };
  const kind = makeKind({
    freehand: true,
    isValid: hasPoints,
    frame: boxOfPoints,
    reach: reachOfInk,
    polyline: pointsOf,
    mapped: mappedPoints,
    growing: { filled, trace },
    outline: (body) => ({ data: pathData((sink) => trace(sink, pointsOf(body), body.width ?? 1, whole(pointsOf(body)))), filled }),
    paint(context, body, look) {
      if (!hasPoints(body)) return;
      const isCoarse = filled ? (body.width ?? 1) * look.scale < COARSE_PIXELS : look.scale < COARSE_SCALE;
      if (isCoarse && (body.dash ?? "solid") === "solid" && !isFilled(body) && !isSparse(body, look.scale)) return paintCoarse(context, body, kind, look, filled);
      // Ink in progress has a new body in each frame.
      const path = body.points === undefined ? traced(body) : fine(body, () => traced(body));
      paintPath(context, body, kind, path, filled, look);
    },
    ...parts,
  });
  return kind;
}
