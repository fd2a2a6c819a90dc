// @ts-check
/**
 * The points of bodies, decoded once, and transformations of them.
 *
 * It must never throw for points that cannot be decoded: such a body has none.
 */

import { boxAround, mappedPoint } from "../model/geometry.js";
import { PointsError, packPoints, unpackPoints } from "../model/points.js";

/** @typedef {import("../model/types.js").Body} Body */
/** @typedef {import("../model/types.js").Fields} Fields */
/** @typedef {import("../model/types.js").InkPoint} InkPoint */
/** @typedef {import("../model/geometry.js").BoxMap} BoxMap */

/** How far a line may extend beyond its points, in line widths and at least in units: bends, arrow head, pressure. */
const REACH = 2.5;
const MIN_REACH = 6;

/** @type {WeakMap<Body, InkPoint[]>} */
const decoded = new WeakMap();

/** @param {Body} body */
export function pointsOf(body) {
  let points = decoded.get(body);
  if (!points) {
    points = unpacked(body);
    decoded.set(body, points);
  }
  return points;
}

/**
 * The body of a stroke in progress, which is only painted: its points are never encoded.
 * @param {Omit<Body, "x"|"y">} style
 * @param {InkPoint[]} points at least one
 * @returns {Body}
 */
export function bodyOfInk(style, points) {
  const body = { ...style, x: points[0].x, y: points[0].y };
  decoded.set(body, points);
  return body;
}

/** @param {Body} body */
function unpacked(body) {
  try {
    return unpackPoints({ x: body.x, y: body.y, points: body.points });
  } catch (error) {
    if (error instanceof PointsError) return [];
    throw error;
  }
}

/** @param {Body} body */
export function hasPoints(body) {
  return pointsOf(body).length > 0;
}

/** @param {Body} body */
export function boxOfPoints(body) {
  return boxAround(pointsOf(body), 0);
}

/**
 * @param {Body} body
 * @param {BoxMap} map
 * @returns {Fields}
 */
export function mappedPoints(body, map) {
  if (!hasPoints(body)) return {};
  return packPoints(pointsOf(body).map((point) => ({ ...point, ...mappedPoint(point, map) })));
}

/** @param {Body} body */
export function reachOfLine({ width = 0 }) {
  return Math.max(MIN_REACH, width * REACH);
}
