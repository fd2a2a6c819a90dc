// @ts-check
/**
 * Kinds that are drawn by hand: smooth lines, whose thickness may follow the pressure.
 *
 * It must never depend on the zoom, except that far out a line is painted with fewer points.
 */

import { boxOfPoints, hasPoints, mappedPoints, pointsOf, reachOfLine } from "./body-points.js";
import { makeKind } from "./kind.js";
import { chord, pressedRadius, whole } from "./ink.js";
import { paintPath } from "./paint.js";
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

/** @type {(body: Body, make: () => {lod: number, width: number, path: Path2D}) => {lod: number, width: number, path: Path2D}} */
const coarse = recently(15_000);
/** @type {(body: Body, make: () => Path2D) => Path2D} */
const fine = recently(10_000);

/**
 * A line with points some pixels apart at a level of detail, in device pixels per unit.
 * @param {Body} body
 * @param {number} lod
 */
function coarseLine(body, lod) {
  const points = pointsOf(body);
  const path = new Path2D();
  let last = points[0];
  let radius = 0;
  path.moveTo(last.x, last.y);
  if (points.length === 1) path.lineTo(last.x + 0.01, last.y);
  for (let i = 1; i < points.length; i += 1) {
    const point = points[i];
    if (i + 1 < points.length && chord(last, point) * lod < COARSE_STEP) continue;
    path.quadraticCurveTo(last.x, last.y, (last.x + point.x) / 2, (last.y + point.y) / 2);
    last = point;
  }
  path.lineTo(last.x, last.y);
  const every = Math.ceil(points.length / 8);
  let count = 0;
  for (let i = 0; i < points.length; i += every, count += 1) radius += pressedRadius(body.width ?? 1, points[i].pressure);
  return { lod, width: (2 * radius) / count, path };
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
      if ((body.width ?? 1) * look.scale < COARSE_PIXELS && (body.dash ?? "solid") === "solid") {
        const lod = 2 ** Math.ceil(Math.log2(look.scale));
        let line = coarse(body, () => coarseLine(body, lod));
        if (line.lod !== lod) Object.assign(line, coarseLine(body, lod));
        paintPath(context, body, kind, line.path, false, look, filled ? line.width : body.width);
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
