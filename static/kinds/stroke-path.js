// @ts-check
/**
 * SVG path data of lines from their points.
 *
 * It must never need a browser, and never depend on the zoom: a path is computed once.
 */

import { distance } from "../model/geometry.js";

/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../model/types.js").PlanePoint} PlanePoint */

/** How strongly pressure changes the thickness, and the pressure at which the thickness is nominal. */
const THINNING = 0.55;
const MIDDLE_PRESSURE = 0.5;
/** A turn with a smaller cosine than this is a corner, not a bend. */
const CORNER = 0.2;
/** Minimum distance of two samples of a line with pressure, in units. */
const MIN_SAMPLE = 1.5;

/** @param {number} value */
export function rounded(value) {
  return Math.round(value * 100) / 100;
}

/** @param {PlanePoint} point */
export function coordinates({ x, y }) {
  return `${rounded(x)} ${rounded(y)}`;
}

/**
 * A full circle, always in the same direction.
 * @param {PlanePoint} centre
 * @param {number} radius
 */
function circle({ x, y }, radius) {
  const r = rounded(radius);
  const [left, right] = [coordinates({ x: x - radius, y }), coordinates({ x: x + radius, y })];
  return `M${left}A${r} ${r} 0 1 1 ${right}A${r} ${r} 0 1 1 ${left}Z`;
}

/**
 * Half the thickness of a line at a pressure.
 * @param {number} width
 * @param {number} pressure 0 to 255
 */
export function pressedRadius(width, pressure) {
  return width * (MIDDLE_PRESSURE - THINNING * (MIDDLE_PRESSURE - pressure / 255));
}

/**
 * The unit tangent of a line at each of its points; zero at corners and ends.
 * @param {PlanePoint[]} points
 * @returns {PlanePoint[]}
 */
function tangents(points) {
  return points.map((point, i) => {
    const before = points[i - 1];
    const after = points[i + 1];
    if (!before || !after) return { x: 0, y: 0 };
    const [d1, d2] = [distance(before, point), distance(point, after)];
    if (d1 === 0 || d2 === 0) return { x: 0, y: 0 };
    const [u, v] = [
      { x: (point.x - before.x) / d1, y: (point.y - before.y) / d1 },
      { x: (after.x - point.x) / d2, y: (after.y - point.y) / d2 },
    ];
    if (u.x * v.x + u.y * v.y < CORNER) return { x: 0, y: 0 };
    // The shorter segment is weighted more: it says more about the direction at this point.
    const mixed = { x: u.x * d2 + v.x * d1, y: u.y * d2 + v.y * d1 };
    const length = Math.hypot(mixed.x, mixed.y) || 1;
    return { x: mixed.x / length, y: mixed.y / length };
  });
}

/**
 * The two control points of the Bézier curve between points i and i + 1.
 * @param {PlanePoint[]} points
 * @param {PlanePoint[]} directions
 * @param {number} i
 * @returns {[PlanePoint, PlanePoint]}
 */
function handles(points, directions, i) {
  const reach = distance(points[i], points[i + 1]) / 3;
  return [
    { x: points[i].x + directions[i].x * reach, y: points[i].y + directions[i].y * reach },
    { x: points[i + 1].x - directions[i + 1].x * reach, y: points[i + 1].y - directions[i + 1].y * reach },
  ];
}

/**
 * A smooth line through the points, to be stroked.
 * @param {PlanePoint[]} points at least one
 */
export function smoothLine(points) {
  const directions = tangents(points);
  let path = `M${coordinates(points[0])}`;
  if (points.length === 1) return `${path}L${coordinates({ x: points[0].x + 0.01, y: points[0].y })}`;
  for (let i = 0; i + 1 < points.length; i += 1) {
    const [a, b] = handles(points, directions, i);
    path += `C${coordinates(a)} ${coordinates(b)} ${coordinates(points[i + 1])}`;
  }
  return path;
}

/**
 * A polyline through the points, to be stroked.
 * @param {PlanePoint[]} points at least one
 */
export function polylineData(points) {
  const path = points.map(coordinates).join("L");
  return points.length === 1 ? `M${path}l0.01 0` : `M${path}`;
}

/**
 * Points on the smooth line, close enough together for a varying thickness.
 * @param {InkPoint[]} points
 * @param {number} width
 * @returns {InkPoint[]}
 */
function samples(points, width) {
  const directions = tangents(points);
  const every = Math.max(MIN_SAMPLE, width / 3);
  const taken = [points[0]];
  for (let i = 0; i + 1 < points.length; i += 1) {
    const [from, to] = [points[i], points[i + 1]];
    const [a, b] = handles(points, directions, i);
    const steps = Math.max(1, Math.ceil(distance(from, to) / every));
    for (let step = 1; step <= steps; step += 1) {
      const t = step / steps;
      const s = 1 - t;
      const blend = (/** @type {"x"|"y"} */ axis) =>
        s * s * s * from[axis] + 3 * s * s * t * a[axis] + 3 * s * t * t * b[axis] + t * t * t * to[axis];
      taken.push({
        x: blend("x"),
        y: blend("y"),
        pressure: (from.pressure ?? 0) * s + (to.pressure ?? 0) * t,
      });
    }
  }
  return taken.filter((point, i) => i === 0 || distance(point, taken[i - 1]) > 0.01);
}

/**
 * The outline of a line whose thickness follows the pressure, to be filled with the non-zero rule.
 *
 * It is a union of quadrilaterals, one per sample and all in the same direction, and of circles at both
 * ends and wherever the line turns more sharply than its thickness allows, so that no turn leaves a hole.
 * @param {InkPoint[]} points at least one
 * @param {number} width
 */
export function pressedOutline(points, width) {
  const line = samples(points, width);
  const radius = line.map(({ pressure }) => pressedRadius(width, pressure ?? 0));
  const normals = line.slice(1).map((point, i) => {
    const length = distance(line[i], point);
    return { x: -(point.y - line[i].y) / length, y: (point.x - line[i].x) / length };
  });
  const sharp = line.map((point, i) => {
    const [before, after] = [normals[i - 1], normals[i]];
    if (!before || !after) return true;
    const turn = Math.acos(Math.max(-1, Math.min(1, before.x * after.x + before.y * after.y)));
    const available = Math.min(distance(line[i - 1], point), distance(point, line[i + 1]));
    return turn > 1 || radius[i] * turn > available;
  });
  const side = (/** @type {number} */ i, /** @type {PlanePoint} */ own, /** @type {number} */ sign) => {
    let normal = own;
    if (!sharp[i]) {
      const sum = { x: normals[i - 1].x + normals[i].x, y: normals[i - 1].y + normals[i].y };
      const length = Math.hypot(sum.x, sum.y);
      normal = { x: sum.x / length, y: sum.y / length };
    }
    return coordinates({ x: line[i].x + normal.x * radius[i] * sign, y: line[i].y + normal.y * radius[i] * sign });
  };
  let path = "";
  line.forEach((point, i) => {
    if (sharp[i]) path += circle(point, radius[i]);
    if (i === 0) return;
    const own = normals[i - 1];
    path += `M${side(i - 1, own, -1)}L${side(i, own, -1)}L${side(i, own, 1)}L${side(i - 1, own, 1)}Z`;
  });
  return path;
}
