// @ts-check
/**
 * Kinds that are drawn by hand: smooth lines, whose thickness may follow the pressure.
 *
 * It must never depend on the zoom, except that far out a line is painted with fewer points.
 */

import { boxOfPoints, hasPoints, lineOf, mappedPoints, pointsOf, reachOfLine } from "./body-points.js";
import { isFilled, makeKind } from "./kind.js";
import { pressedRadius, whole } from "./ink.js";
import { paintLine, paintPath } from "./paint.js";
import { recently } from "./recent.js";
import { pathData } from "./stroke-path.js";

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

/** Lines thinner than this many pixels are painted with one thickness and fewer points. */
const COARSE_PIXELS = 2.2;
/** Pixels between the points of such a line. */
const COARSE_STEP = 3;

/** @type {(body: Body, make: () => Path2D) => Path2D} */
const fine = recently(10_000);

/**
 * Traces a line with points some pixels apart at a level of detail, in device pixels per unit. It is not
 * remembered: that would cost more than it takes.
 * @param {Sink} sink
 * @param {Body} body
 * @param {number} lod
 */
function traceCoarse(sink, body, lod) {
  const { x, y, unit, steps } = lineOf(body);
  const least = (COARSE_STEP / lod / unit) ** 2;
  const end = steps.length - 2;
  let lastX = steps[0];
  let lastY = steps[1];
  sink.moveTo(x + lastX * unit, y + lastY * unit);
  if (end === 0) sink.lineTo(x + lastX * unit + 0.01, y + lastY * unit);
  for (let i = 2; i <= end; i += 2) {
    const dx = steps[i] - lastX;
    const dy = steps[i + 1] - lastY;
    if (i < end && dx * dx + dy * dy < least) continue;
    sink.quadraticCurveTo(x + lastX * unit, y + lastY * unit, x + (lastX + dx / 2) * unit, y + (lastY + dy / 2) * unit);
    lastX += dx;
    lastY += dy;
  }
  sink.lineTo(x + lastX * unit, y + lastY * unit);
}

/**
 * How wide a line with pressure is, as the mean of some of its points.
 * @param {Body} body
 */
function meanWidth(body) {
  const { steps, pressures } = lineOf(body);
  const { width = 1 } = body;
  if (!pressures) return 2 * pressedRadius(width);
  const count = steps.length / 2;
  const every = Math.ceil(count / 8);
  let radius = 0;
  let counted = 0;
  for (let i = 0; i < count; i += every, counted += 1) radius += pressedRadius(width, pressures[i]);
  return (2 * radius) / counted;
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
    reach: reachOfLine,
    polyline: pointsOf,
    mapped: mappedPoints,
    growing: { filled, trace },
    outline: (body) => ({ data: pathData((sink) => trace(sink, pointsOf(body), body.width ?? 1, whole(pointsOf(body)))), filled }),
    paint(context, body, look) {
      if (!hasPoints(body)) return;
      if ((body.width ?? 1) * look.scale < COARSE_PIXELS && (body.dash ?? "solid") === "solid" && !isFilled(body)) {
        const lod = 2 ** Math.ceil(Math.log2(look.scale));
        paintLine(context, body, kind, () => traceCoarse(context, body, lod), look, filled ? meanWidth(body) : body.width ?? 1);
        return;
      }
      // Ink in progress has a new body in each frame.
      const path = body.points === undefined ? traced(body) : fine(body, () => traced(body));
      paintPath(context, body, kind, path, filled, look);
    },
    ...parts,
  });
  return kind;
}
