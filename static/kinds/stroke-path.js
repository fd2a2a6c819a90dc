// @ts-check
/**
 * Paths of lines, as SVG path data or on a canvas.
 *
 * It must never need a browser, and never depend on the zoom: a path is computed once.
 */

import { curveAt, whole } from "./ink.js";

/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */
/** @typedef {import("./ink.js").Sink} Sink */

/** @param {number} value */
export function rounded(value) {
  return Math.round(value * 100) / 100;
}

/** @param {PlanePoint} point */
export function coordinates({ x, y }) {
  return `${rounded(x)} ${rounded(y)}`;
}

/**
 * SVG path data of what `trace` draws.
 * @param {(sink: Sink) => void} trace
 */
export function pathData(trace) {
  let data = "";
  const at = (/** @type {number} */ x, /** @type {number} */ y) => coordinates({ x, y });
  trace({
    moveTo: (x, y) => void (data += `M${at(x, y)}`),
    lineTo: (x, y) => void (data += `L${at(x, y)}`),
    quadraticCurveTo: (ax, ay, x, y) => void (data += `Q${at(ax, ay)} ${at(x, y)}`),
    bezierCurveTo: (ax, ay, bx, by, x, y) => void (data += `C${at(ax, ay)} ${at(bx, by)} ${at(x, y)}`),
    // A full circle that starts at its right, as all arcs of lines are; clockwise, as ribbons are.
    arc: (x, y, radius) => {
      const r = rounded(radius);
      data += `A${r} ${r} 0 1 1 ${at(x - radius, y)}A${r} ${r} 0 1 1 ${at(x + radius, y)}`;
    },
    closePath: () => void (data += "Z"),
  });
  return data;
}

/**
 * A smooth line through the points of a part of a line, to be stroked.
 * @param {Sink} sink
 * @param {PlanePoint[]} points at least one
 * @param {import("./ink.js").Part} [part]
 */
export function traceLine(sink, points, part = whole(points)) {
  const { first, last } = part;
  sink.moveTo(points[first].x, points[first].y);
  // A browser paints nothing for a line of no length.
  if (points.length === 1) sink.lineTo(points[0].x + 0.01, points[0].y);
  for (let i = first; i < last; i += 1) {
    const { ax, ay, bx, by } = curveAt(points, i);
    sink.bezierCurveTo(ax, ay, bx, by, points[i + 1].x, points[i + 1].y);
  }
}

/**
 * SVG path data of a smooth line, to be stroked.
 * @param {PlanePoint[]} points at least one
 */
export function smoothLine(points) {
  return pathData((sink) => traceLine(sink, points));
}

/**
 * A polyline through the points, to be stroked.
 * @param {PlanePoint[]} points at least one
 */
export function polylineData(points) {
  const path = points.map(coordinates).join("L");
  return points.length === 1 ? `M${path}l0.01 0` : `M${path}`;
}
